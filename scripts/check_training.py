#!/usr/bin/python3
"""
Does a plan train the same? Runs one training step of a small network in PyTorch twice: on the whole mini-batch, and
as a plan says: group by group, sub-batch by sub-batch, step by step, with the gradients of parameters accumulated.
A tensor that is not resident must have been written to DRAM before it is read there, and the buffer keeps nothing that
the plan does not name. Every parameter's gradient must agree within float32 rounding. Needs Debian's python3-torch.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


class Mismatch(Exception):
    pass


# ---- small networks of three kinds -----------------------------------------------------------------------------------

class Builder:
    def __init__(self, name, channels, side):
        self.name, self.layers = name, []
        self.inputs = [{"name": "image", "shape": [channels, side, side]}]

    def add(self, name, op, *inputs, **members):
        self.layers.append({"name": name, "op": op, "inputs": list(inputs), **members})
        return name

    def block(self, name, x, channels, kernel=3, **members):
        x = self.add(name, "conv", x, out_channels=channels, kernel=kernel, pad=kernel // 2, bias=True, **members)
        x = self.add(name + ".norm", "norm", x, kind="group", groups=4)
        return self.add(name + ".relu", "relu", x)

    def network(self, x, pool="global_avg_pool"):
        x = self.add("pool", pool, x)
        self.add("fc", "fc", x, out_features=10, bias=True)
        return {"format": "mbsopt-network/1", "name": self.name, "inputs": self.inputs, "layers": self.layers}


def residual():
    b = Builder("residual", 3, 16)
    x = b.block("stem", "image", 16)
    x = b.add("shrink", "max_pool", x, kernel=2)
    for i, channels in enumerate((16, 32)):
        y = b.block(f"b{i}.1", x, channels)
        y = b.add(f"b{i}.2", "conv", y, out_channels=channels, kernel=3, pad=1)
        y = b.add(f"b{i}.2.norm", "norm", y, kind="group", groups=4)
        if channels != 16:
            x = b.add(f"b{i}.short", "conv", x, out_channels=channels, kernel=1)
        x = b.add(f"b{i}.add", "add", y, x)
        x = b.add(f"b{i}.relu", "relu", x)
    return b.network(x)


def inception():
    b = Builder("inception", 3, 16)
    x = b.block("stem", "image", 16)
    for i in range(2):
        one = b.block(f"m{i}.one", x, 8, 1)
        three = b.block(f"m{i}.three", b.block(f"m{i}.reduce", x, 8, 1), 12)
        pooled = b.add(f"m{i}.pool", "avg_pool", x, kernel=3, stride=1, pad=1)
        # 8 channels in 4 groups: with a group for each channel the bias would have no gradient to compare
        pooled = b.block(f"m{i}.proj", pooled, 8, 1)
        x = b.add(f"m{i}.concat", "concat", one, three, pooled)
    return b.network(x)


def dense():
    b = Builder("dense", 3, 16)
    x = b.block("stem", "image", 12)
    for i in range(4):
        y = b.add(f"d{i}.norm", "norm", x, kind="group", groups=4)
        y = b.add(f"d{i}.act", "sigmoid" if i == 2 else "relu", y)
        y = b.add(f"d{i}.conv", "conv", y, out_channels=8, kernel=3, pad=1)
        x = b.add(f"d{i}.concat", "concat", x, y)
    return b.network(x)


NETWORKS = {"residual": residual, "inception": inception, "dense": dense}


# ---- layers in PyTorch -----------------------------------------------------------------------------------------------

def apply(torch, layer, inputs, parameters):
    """The layer's function; `parameters` are its own, in order."""
    f, op, x = torch.nn.functional, layer["op"], inputs[0]
    if op == "conv":
        bias = parameters[1] if layer.get("bias") else None
        return f.conv2d(x, parameters[0], bias, layer.get("stride", 1), layer.get("pad", 0))
    if op == "fc":
        return f.linear(x.flatten(1), parameters[0], parameters[1] if layer.get("bias") else None)
    if op == "norm":
        return f.group_norm(x, layer["groups"], *parameters)
    if op in ("relu", "sigmoid"):
        return getattr(torch, op)(x)
    if op == "max_pool":
        return f.max_pool2d(x, layer["kernel"], layer.get("stride"), layer.get("pad", 0))
    if op == "avg_pool":
        return f.avg_pool2d(x, layer["kernel"], layer.get("stride"), layer.get("pad", 0))
    if op == "global_avg_pool":
        return x.mean((2, 3), keepdim=True)
    if op == "add":
        return sum(inputs[1:], inputs[0])
    if op == "concat":
        return torch.cat(inputs, 1)
    raise Mismatch(f"layer {layer['name']}: no PyTorch function for {op}")


def make_parameters(torch, layer, shape):
    op, bias = layer["op"], layer.get("bias")
    if op == "conv":
        k, out = layer["kernel"], layer["out_channels"]
        shapes = [(out, shape[1], k, k)] + ([(out,)] if bias else [])
    elif op == "fc":
        shapes = [(layer["out_features"], shape[1] * shape[2] * shape[3])] + ([(layer["out_features"],)] if bias else [])
    elif op == "norm":
        shapes = [(shape[1],)] * 2
    else:
        shapes = []
    return [(torch.randn(s) * 0.2 + (1 if op == "norm" and i == 0 else 0)) for i, s in enumerate(shapes)]


class Reference:
    """The step on the whole mini-batch, by autograd."""

    def __init__(self, torch, network, batch, seed):
        torch.manual_seed(seed)
        self.torch, self.network = torch, network
        self.layers = {layer["name"]: layer for layer in network["layers"]}
        self.image = torch.randn(batch, *network["inputs"][0]["shape"])
        self.target = torch.randint(0, 10, (batch,))
        self.parameters, values = {}, {"image": self.image}
        for layer in network["layers"]:
            inputs = [values[i] for i in layer["inputs"]]
            own = make_parameters(torch, layer, inputs[0].shape)
            self.parameters[layer["name"]] = [p.requires_grad_() for p in own]
            values[layer["name"]] = apply(torch, layer, inputs, self.parameters[layer["name"]])
        self.loss(values[network["layers"][-1]["name"]], self.target).backward()
        self.gradients = {name: [p.grad for p in own] for name, own in self.parameters.items()}

    def loss(self, output, target):
        """A sum over samples over N: what each contributes does not depend on the others."""
        return self.torch.nn.functional.cross_entropy(output, target, reduction="sum") / len(self.target)


# ---- carrying out a plan ---------------------------------------------------------------------------------------------

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
        if suffix in ("wgrad", "dgrad", "bwd") and base in self.reference.layers:
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
        if layer is None or layer["op"] != "concat":
            return [name]
        return [m for i in layer["inputs"] for m in self.members(i)]

    @staticmethod
    def plain(name):
        """What a rematerialised tensor stands for."""
        return name.split(".remat")[0]

    def inputs(self, layer, tensors):
        """The layer's inputs, joined from their members."""
        found = []
        for i in layer["inputs"]:
            parts = [tensors[m] for m in self.members(i)]
            found.append(parts[0] if len(parts) == 1 else self.torch.cat(parts, 1))
        return found

    def forward(self, step, layer, read):
        torch, name = self.torch, layer["name"]
        tensors = {self.plain(n): v for n, v in read.items()}
        inputs = self.inputs(layer, tensors)
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
        needed = [m for i in layer["inputs"] for m in self.members(i)]
        have = all(m in tensors for m in needed)
        inputs = (self.inputs(layer, tensors) if have else
                  [torch.zeros(self.shape_of(i, dy)) for i in layer["inputs"]])
        inputs = [i.clone().requires_grad_() for i in inputs]
        own = [p.detach().clone().requires_grad_() for p in self.reference.parameters[name]]
        with torch.enable_grad():
            value = apply(torch, layer, inputs, own)
        wanted_of = own if suffix == "wgrad" else inputs if suffix == "dgrad" else inputs + own
        found = torch.autograd.grad(value, wanted_of, dy.reshape(value.shape), allow_unused=True)
        if suffix == "wgrad" or suffix == "bwd":
            for total, part in zip(self.gradients[name], found[-len(own):] if own else []):
                total += part
        return {} if suffix == "wgrad" else self.split(layer, wanted, found[:len(inputs)])

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
            at = 0
            for member in self.members(i):
                channels = self.shapes()[member][1]
                part = gradient[:, at:at + channels]
                at += channels
                for name in wanted:
                    if name.rpartition(".grad@")[0] == member:
                        made[name] = part.clone() if name not in made else made[name] + part
        return made


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


def check(torch, mbsopt, network, planner, batch, buffer, folder, seed=1):
    """(plan's description, worst relative difference)"""
    source, target = os.path.join(folder, "net.json"), os.path.join(folder, "plan.json")
    Path(source).write_text(json.dumps(network))
    limit = ["--time-limit", "5"] if planner == "ilp" else []
    done = subprocess.run([mbsopt, "plan", source, "--planner", planner, "--batch", str(batch), "--buffer", buffer,
                           *limit, "--format", "json", "-o", target], capture_output=True, text=True)
    if done.returncode != 0:
        raise Mismatch(done.stderr.strip())
    plan = json.loads(Path(target).read_text())
    reference = Reference(torch, network, batch, seed)
    execution = Execution(torch, plan, reference)
    worst, where = worst_difference(torch, execution.run(), reference.gradients)
    iterations = sorted({g["iterations"] for g in plan["groups"]})
    return (f"{len(plan['steps'])} steps, {len(plan['groups'])} groups, iterations {iterations}", worst, where)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mbsopt", default=os.environ.get("MBSOPT", str(ROOT / "build/src/cli/mbsopt")))
    parser.add_argument("--tolerance", type=float, default=2e-5, help="of a gradient's largest element")
    given = parser.parse_args()
    try:
        import torch
    except ImportError as error:
        print(f"skipped: {error}")
        return 77
    torch.set_num_threads(1)
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, build in NETWORKS.items():
            for planner, batch, buffer in (("baseline", 7, "64KiB"), ("mbs2", 7, "256KiB"), ("dp", 7, "128KiB"),
                                           ("dp", 8, "48KiB"), ("ilp", 6, "96KiB")):
                try:
                    what, worst, where = check(torch, given.mbsopt, build(), planner, batch, buffer, folder)
                except Mismatch as mismatch:
                    what, worst, where = str(mismatch), float("inf"), ""
                good = worst <= given.tolerance
                failed += not good
                print(f"{'ok' if good else 'FAILED'} {name} {planner} N={batch} {buffer}: {what}; largest difference "
                      f"{worst:.1e} {where}", flush=True)
    print("every plan trains as the whole mini-batch does" if not failed else f"{failed} plans do not train the same")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
