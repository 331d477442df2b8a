"""A plan's machine in PyTorch: steps that see what they read of DRAM and buffer, and nothing else."""

from training_check.backward import backward
from training_check.forward import forward
from training_check.layers import Mismatch
from training_check.norms import Norms
from training_check.operands import Operands
from training_check.optimizers import Optimizer, Updates
from training_check.progress import SAME, Progress, first, map_of_file, need
from training_check.rows import Rows, base_of
from training_check.step_rows import StepRows, give_rows
from training_check.store import Dram, Store, rows_first, rows_in_place


class Execution:
    """
    The plan's machine. DRAM has tensors of all N samples, and which of their rows are there; the buffer those rows of the
    present sub-batch, or strip of a sample, that the plan keeps. What is a strip's is worked out here from the plan's rows
    and maps (section 11); a group without strips is one strip of its whole sub-batch.
    """

    def __init__(self, torch, plan, reference):
        kinds = {s["kind"].split(".")[0] for s in plan["steps"] if s["kind"].endswith(".update")}
        self.updates = Updates(Optimizer(torch, *kinds, reference.parameters), reference) if kinds else None
        self.torch, self.plan, self.reference = torch, plan, reference
        self.names = [t["name"] for t in plan["tensors"]]
        self.steps = plan["steps"]
        self.rows = Rows(reference.network, {n: v.shape for n, v in reference.values.items()}, self.names)
        if "rows" not in plan["tensors"][0]:
            give_rows(plan, self.rows)
        for s in self.steps:  # as a file has them
            if isinstance(s.get("maps"), list):
                s["maps"] = {m["tensor"]: map_of_file(m) for m in s["maps"]}
        self.own = [StepRows(self.rows, s, self.names) for s in self.steps]
        self.dram, self.buffer = Dram(torch, plan["batch"]), {}
        written = {w for s in self.steps for w in s["writes"]}
        for t in plan["tensors"]:
            if t["id"] not in written:
                image = rows_first(reference.image, self.rows.axis[t["name"]])
                self.dram.write(t["id"], slice(0, plan["batch"]), 0, image, image.shape[1], count=False)
        self.held = {(r["from"], r["tensor"]): r["to"] for r in plan.get("resident", [])}
        self.arrives = {(r["to"], r["tensor"]) for r in plan.get("resident", [])}
        self.touches = {}
        for s in self.steps:
            for t in s["reads"] + s["writes"]:
                self.touches.setdefault(t, []).append(s["id"])
        self.gradients = {name: [torch.zeros_like(p) for p in own] for name, own in reference.parameters.items()}
        for s in self.steps:  # layers that share their parameters add to the same sums, if the plan says so
            if "same_accumulators" in s:
                this, before = (self.own[k].layer["name"] for k in (s["id"], s["same_accumulators"]))
                self.gradients[this] = self.gradients[before]
        split = {o.layer["name"] for o in self.own if o.part == "stat"}
        self.norms = Norms(torch, self.rows, plan["batch"], reference.inference, split)

    def run(self):
        for group in self.plan["groups"]:
            self.run_group(group, Progress(self.plan, group))
        return self.gradients

    def run_group(self, group, progress):
        self.progress, self.passes = progress, group.get("passes", 1)
        size = 1 if progress.strips > 1 else group["sub_batch"]
        for begin in range(0, self.plan["batch"], size):
            self.samples = slice(begin, min(begin + size, self.plan["batch"]))
            self.norms.samples = self.samples
            self.many = self.samples.stop - begin
            for self.strip in range(progress.strips):
                for k in range(group["first"], group["last"] + 1):
                    self.step(self.steps[k])
                self.end_strip(group)

    def end_strip(self, group):
        """What is not kept for the next strip is gone."""
        progress, i = self.progress, self.strip
        for t, store in list(self.buffer.items()):
            if progress.kept[t] == 0:
                raise Mismatch(f"{self.names[t]} is left in the buffer after {self.steps[group['last']]['name']}")
            if i == progress.strips - 1:
                del self.buffer[t]
            elif not self.is_sum(t):
                store.keep(progress.low[t][i + 1], progress.there[t][i])

    def is_sum(self, t):
        return t in self.progress.producer and not self.progress.is_same(t)

    def counts(self, t):
        """Whether a tensor takes bytes; statistics do not, and are kept elsewhere."""
        return not self.names[t].endswith(".statistics")

    def must_write(self, t):
        """Whether an interval of its is not resident, or it is a result: then DRAM must have it."""
        touches = self.touches[t]
        kept = len(touches) == 1 and self.plan["phase"] == "inference"
        return kept or any(self.held.get((u, t)) != v for u, v in zip(touches, touches[1:]))

    def axis(self, t):
        return self.rows.axis[base_of(self.names[t])]

    def store(self, t, shape):
        if t not in self.buffer:
            self.buffer[t] = Store(self.torch, self.names[t], self.many, shape, self.progress.rows[t])
        return self.buffer[t]

    def bring(self, step, t):
        """New rows of an operand from DRAM, unless it is in the buffer already."""
        if (step["id"], t) in self.arrives:
            return
        there = self.progress.there[t]
        lo, hi = there[self.strip - 1] if self.strip > 0 else 0, there[self.strip]
        if hi > lo or t not in self.buffer:
            value = self.dram.read(t, self.names[t], self.samples, lo, hi, self.passes)
            self.store(t, value.shape[2:]).put(lo, value)

    def release(self, step, t):
        if (step["id"], t) not in self.held and (self.progress.kept[t] == 0 or self.progress.strips == 1):
            self.buffer.pop(t, None)

    def write(self, step, t, value):
        same = self.progress.is_same(t)
        value = rows_first(value.detach(), self.axis(t))
        store = self.store(t, value.shape[2:])
        lo = self.begin if same else 0
        if value.shape[1] != (self.end - self.begin if same else self.progress.height(t)):
            raise Mismatch(f"{step['name']} makes {value.shape[1]} rows of {self.names[t]}")
        if same:
            store.put(lo, value)
        else:
            store.add(value)
            store.complete = self.end == step["rows"]
            if not store.complete:
                return
            value = store.get(0, self.progress.height(t))
        if self.must_write(t):
            self.dram.write(t, self.samples, lo, value, self.progress.height(t))

    def step(self, step):
        own = self.own[step["id"]]
        if own.part == "update":  # once, with the last iteration
            if self.samples.stop == self.plan["batch"] and self.strip == self.progress.strips - 1:
                self.updates.run(own.layer["name"], self.gradients[own.layer["name"]])
            return
        done = self.progress.progress[step["id"]]
        self.begin, self.end = done[self.strip - 1] if self.strip > 0 else 0, done[self.strip]
        for t in filter(self.counts, step["reads"]):
            self.bring(step, t)
        if self.end > self.begin:
            made = self.compute(step)
            for t in filter(self.counts, step["writes"]):
                if self.names[t] not in made:
                    raise Mismatch(f"{step['name']} does not make {self.names[t]}")
                self.write(step, t, made[self.names[t]])
        for t in filter(self.counts, step["reads"] + step["writes"]):
            self.release(step, t)

    # ---- what a step computes, from what it reads and nothing else ----

    def compute(self, step):
        own = self.own[step["id"]]
        ids = {self.names[t]: t for t in step["reads"]}

        def fetch(name, lo, hi):
            if name not in ids:
                raise Mismatch(f"{step['name']} does not read {name}")
            self.must_be_mapped(step, ids[name], lo, hi)
            if lo == hi:
                shape = list(self.rows.shapes[base_of(name)])
                shape[self.axis(ids[name])] = 0
                return self.torch.zeros(self.many, *shape)
            if ids[name] not in self.buffer:
                raise Mismatch(f"{step['name']} reads {name}, which is not in the buffer")
            return rows_in_place(self.buffer[ids[name]].get(lo, hi), self.axis(ids[name]))

        operands = Operands(self.torch, self.rows, own, self.begin, self.end, fetch)
        operands.samples = self.many
        if own.part == "loss":
            self.loss(operands)
        elif own.part == "gsum":
            self.sum(operands)
        else:
            self.of_layer(operands, own)
            self.add_to_running(operands, own)
        return operands.made

    def must_be_mapped(self, step, t, lo, hi):
        """Whether the operand's map allows for these rows, whatever else the buffer happens to hold."""
        row_map, height = step.get("maps", {}).get(t, SAME), self.progress.height(t)
        low, high = (f(row_map, n, step["rows"], height) for f, n in ((first, self.begin), (need, self.end)))
        if hi > lo and not low <= lo < hi <= high:
            raise Mismatch(f"{step['name']}: rows {self.begin} to {self.end - 1} use rows {lo} to {hi - 1} of "
                           f"{self.names[t]}, its map has {low} to {high - 1}")

    def of_layer(self, operands, own):
        layer, part = own.layer, own.part
        parameters = [p.detach() for p in self.reference.parameters[layer["name"]]]
        totals = self.gradients[layer["name"]]
        if self.updates is not None:
            self.updates.must_be_open(layer["name"], own.step)
        if part == "stat":
            self.norms.statistics(operands, layer)
        elif part == "":
            forward(operands, layer, parameters, self.norms)
        else:
            backward(operands, layer, part, parameters, totals, self.norms)

    def loss(self, operands):
        name, = operands.own.reads
        output = operands.tensor(name, None, 0, 1).clone().requires_grad_()
        with self.torch.enable_grad():
            self.reference.loss(output, self.reference.target[self.samples]).backward()
        operands.made[f"{name}.grad@loss"] = output.grad

    def sum(self, operands):
        (out,), (one, *other) = operands.own.writes, operands.own.reads
        place = self.rows.axis[base_of(out)], operands.begin, operands.end
        value = operands.tensor(one, *place)
        operands.made[out] = value + (operands.tensor(other[0], *place) if other else value)

    def add_to_running(self, operands, own):
        """What the step adds its gradients to, once: the rows of what it makes row by row, all of what is done at the end."""
        for out, running in own.sums.items():
            if self.rows.count(out) == operands.total:
                added = operands.tensor(running, self.rows.axis[base_of(out)], operands.begin, operands.end)
            elif operands.end == operands.total:
                added = operands.tensor(running, None, 0, 1)
            else:
                continue
            operands.made[out] = operands.made[out] + added

    # ---- what comes out ----

    def traffic(self):
        """Bytes of activations (read, written); only whole tensors are moved, so there is nothing to round."""
        moved = self.dram.rows_read, self.dram.rows_written
        return tuple(sum(rows * self.plan["tensors"][t]["bytes"] // self.plan["tensors"][t]["rows"]
                         for t, rows in of_each.items()) for of_each in moved)

    def results(self):
        """What an inference leaves in DRAM, by name."""
        written = {t for s in self.steps for t in s["writes"] if len(self.touches[t]) == 1}
        for t in written:
            if t not in self.dram.data or not bool(self.dram.there[t].all()):
                raise Mismatch(f"{self.names[t]} is not in DRAM")
        return {self.names[t]: [rows_in_place(self.dram.data[t], self.axis(t))] for t in written}


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
