"""A plan's machine in PyTorch: steps that see what they read of DRAM and buffer, and nothing else."""

from training_check.layers import VIEWS, Mismatch, apply


class Execution:
    """
    The plan's machine. `dram` has tensors of all N samples, and which of them are there; `buffer` those of the present
    sub-batch that the plan keeps. Steps see only what they read of the two.
    """

    def __init__(self, torch, plan, reference):
        self.torch, self.plan, self.reference = torch, plan, reference
        self.names = [t["name"] for t in plan["tensors"]]
        self.steps = plan["steps"]
        self.dram, self.buffer = {}, {}
        batch = plan["batch"]
        self.there = {t["id"]: torch.zeros(batch, dtype=torch.bool) for t in plan["tensors"]}
        written = {w for s in self.steps for w in s["writes"]}
        for t in plan["tensors"]:
            if t["id"] not in written:
                self.dram[t["id"]] = reference.image
                self.there[t["id"]][:] = True
        self.held = {}  # (step, tensor): the interval's end, for residencies
        for r in plan.get("resident", []):
            self.held[r["from"], r["tensor"]] = r["to"]
        self.arrives = {(r["to"], r["tensor"]) for r in plan.get("resident", [])}
        self.touches = {}
        for s in self.steps:
            for t in s["reads"] + s["writes"]:
                self.touches.setdefault(t, []).append(s["id"])
        self.gradients = {name: [torch.zeros_like(p) for p in own] for name, own in reference.parameters.items()}
        self.reads = self.writes = 0

    def run(self):
        for group in self.plan["groups"]:
            size = group["sub_batch"]
            for begin in range(0, self.plan["batch"], size):
                self.samples = slice(begin, min(begin + size, self.plan["batch"]))
                for k in range(group["first"], group["last"] + 1):
                    self.step(self.steps[k])
                if self.buffer:
                    raise Mismatch(f"the buffer is not empty after {self.steps[group['last']]['name']}")
        return self.gradients

    def must_write(self, tensor):
        """Whether an interval of its is not resident: then DRAM must have it."""
        touches = self.touches[tensor]
        return any(self.held.get((u, tensor)) != v for u, v in zip(touches, touches[1:]))

    def read(self, step, tensor):
        if (step["id"], tensor) in self.arrives:
            return self.buffer[tensor]
        if not bool(self.there[tensor][self.samples].all()):
            raise Mismatch(f"{step['name']} reads {self.names[tensor]}, which is not in DRAM")
        self.reads += 1
        return self.dram[tensor][self.samples]

    def keep(self, step, tensor, value):
        if (step["id"], tensor) in self.held:
            self.buffer[tensor] = value
        else:
            self.buffer.pop(tensor, None)

    def write(self, step, tensor, value):
        self.keep(step, tensor, value)
        if not self.must_write(tensor):
            return
        self.writes += 1
        if tensor not in self.dram:
            self.dram[tensor] = self.torch.empty((self.plan["batch"],) + tuple(value.shape[1:]), dtype=value.dtype)
        self.dram[tensor][self.samples] = value
        self.there[tensor][self.samples] = True

    def step(self, step):
        read = {self.names[t]: self.read(step, t) for t in step["reads"]}
        made = self.compute(step, read)
        for t, value in zip(step["reads"], read.values()):
            self.keep(step, t, value)
        for t in step["writes"]:
            if self.names[t] not in made:
                raise Mismatch(f"{step['name']} does not make {self.names[t]}")
            self.write(step, t, made[self.names[t]].detach())

    # ---- what a step computes, from what it reads and nothing else ----

    def compute(self, step, read):
        kind, name = step["kind"], step["name"]
        if kind == "loss":
            return self.loss(step, read)
        if kind == "gsum":
            first, *rest = read.values()
            made = first + rest[0] if rest else first + first
            return {self.names[t]: made for t in step["writes"]}
        base, _, suffix = name.rpartition(".")
        if suffix in ("wgrad", "dgrad", "agrad", "bgrad", "bwd") and base in self.reference.layers:
            return self.backward(step, self.reference.layers[base], suffix, read)
        remat = suffix == "remat" or kind.endswith(".remat")
        return self.forward(step, self.reference.layers[base if remat else name], read)

    def loss(self, step, read):
        (name, output), = read.items()
        output = output.clone().requires_grad_()
        self.reference.loss(output, self.reference.target[self.samples]).backward()
        return {f"{name}.grad@loss": output.grad}

    def members(self, name):
        """A view's tensors."""
        layer = self.reference.layers.get(name)
        if layer is None or layer["op"] not in VIEWS:
            return [name]
        return [m for i in layer["inputs"] for m in self.members(i)]

    def value(self, name, tensors):
        """A tensor, or a view made of its members; null where one of them is not there."""
        layer = self.reference.layers.get(name)
        if layer is None or layer["op"] not in VIEWS:
            return tensors.get(name)
        parts = [self.value(i, tensors) for i in layer["inputs"]]
        return None if any(p is None for p in parts) else apply(self.torch, layer, parts, [])

    @staticmethod
    def plain(name):
        """What a rematerialised tensor stands for."""
        return name.split(".remat")[0]

    def forward(self, step, layer, read):
        torch, name = self.torch, layer["name"]
        tensors = {self.plain(n): v for n, v in read.items()}
        inputs = [self.value(i, tensors) for i in layer["inputs"]]
        if any(i is None for i in inputs):
            raise Mismatch(f"{step['name']} does not read its inputs")
        own = [p.detach() for p in self.reference.parameters[name]]
        made = {}
        if layer["op"] == "max_pool":
            value, made[f"{name}.index"] = torch.nn.functional.max_pool2d(
                inputs[0], layer["kernel"], layer.get("stride"), layer.get("pad", 0), return_indices=True)
        else:
            value = apply(torch, layer, inputs, own)
        if layer["op"] == "relu":
            made[f"{name}.mask"] = value > 0
        for t in step["writes"]:
            if self.plain(self.names[t]) == name:
                made[self.names[t]] = value
        return made

    def backward(self, step, layer, suffix, read):
        torch, op, name = self.torch, layer["op"], layer["name"]
        tensors = {self.plain(n): v for n, v in read.items()}
        wanted = [self.names[t] for t in step["writes"]]
        dy = next(v for n, v in read.items() if ".grad" in n)
        if op == "relu":
            mask = tensors[name + ".mask"] if name + ".mask" in tensors else tensors[name] > 0
            return self.split(layer, wanted, [dy * mask])
        if op == "sigmoid":
            y = tensors[name]
            return self.split(layer, wanted, [dy * y * (1 - y)])
        if op == "softmax":
            y = tensors[name]
            return self.split(layer, wanted, [y * (dy - (dy * y).sum(-1, keepdim=True))])
        if op == "max_pool":
            # the gradient's shape is the input's, which the plan does not hold: only its size counts
            shape = self.shape_of(layer["inputs"][0], dy)
            zero = torch.zeros(shape)
            zero.flatten(2).scatter_add_(2, tensors[name + ".index"].flatten(2), dy.flatten(2))
            return self.split(layer, wanted, [zero])
        return self.by_autograd(step, layer, suffix, tensors, dy, wanted)

    def by_autograd(self, step, layer, suffix, tensors, dy, wanted):
        """The vector-Jacobian product of the layer at what the step reads. What it does not read is zero: so a step
        that needed it would be wrong."""
        torch, name = self.torch, layer["name"]
        read = [self.value(i, tensors) for i in layer["inputs"]]
        inputs = [torch.zeros(self.shape_of(i, dy)) if v is None else v for i, v in zip(layer["inputs"], read)]
        inputs = [i.clone().requires_grad_() for i in inputs]
        own = [p.detach().clone().requires_grad_() for p in self.reference.parameters[name]]
        with torch.enable_grad():
            value = apply(torch, layer, inputs, own)
        first = 1 if suffix == "bgrad" else 0
        last = {"wgrad": 0, "agrad": 1}.get(suffix, len(inputs))
        learned = own if suffix in ("wgrad", "bwd") else []
        found = torch.autograd.grad(value, inputs[first:last] + learned, dy.reshape(value.shape), allow_unused=True)
        for total, part in zip(self.gradients[name], found[len(found) - len(learned):] if learned else []):
            total += part
        return self.split(layer, wanted, [None] * first + list(found[:last - first]))

    def shape_of(self, value, dy):
        return (len(dy),) + tuple(self.shapes()[value][1:])

    def shapes(self):
        if not hasattr(self, "known_shapes"):
            values = {"image": self.reference.image[:1]}
            for layer in self.reference.network["layers"]:
                inputs = [values[i] for i in layer["inputs"]]
                with self.torch.no_grad():
                    values[layer["name"]] = apply(self.torch, layer, inputs, self.reference.parameters[layer["name"]])
            self.known_shapes = {n: tuple(v.shape) for n, v in values.items()}
        return self.known_shapes

    def split(self, layer, wanted, gradients):
        """The gradients of the inputs as those of their members, named as the step writes them."""
        made = {}
        for i, gradient in zip(layer["inputs"], gradients):
            if gradient is not None:
                self.give(i, gradient, wanted, made)
        return made

    def give(self, value, gradient, wanted, made):
        layer = self.reference.layers.get(value)
        if layer is None or layer["op"] not in VIEWS:
            for name in wanted:
                if name.rpartition(".grad@")[0] == value:
                    made[name] = gradient.clone() if name not in made else made[name] + gradient
        elif layer["op"] == "reshape":
            self.give(layer["inputs"][0], gradient.reshape(self.shape_of(layer["inputs"][0], gradient)), wanted, made)
        else:
            sizes = [self.shapes()[i][1] for i in layer["inputs"]]
            for i, part in zip(layer["inputs"], gradient.split(sizes, 1)):
                self.give(i, part, wanted, made)


def worst_difference(torch, found, expected):
    """The largest difference of a gradient, as part of that gradient's largest element."""
    worst, where = 0.0, ""
    for name, parts in expected.items():
        for mine, theirs in zip(found[name], parts):
            scale = max(float(theirs.abs().max()), 1e-12)
            part = float((mine - theirs).abs().max()) / scale
            if not part <= worst:
                worst, where = part, name
    return worst, where
