"""
Norms in one step or in two, statistics and application. Statistics are kept by *cell*: what shares a mean, a group of
channels of a sample, say. Rows add to them in any order; a kept batch norm's are of all samples.
"""

import math

from training_check.fused import apply_fused
from training_check.layers import Mismatch, running_statistics

EPSILON = 1e-5


class Norms:
    """Statistics of each sample of the mini-batch, which take no bytes and so have no place in buffer or DRAM."""

    def __init__(self, torch, rows, batch, inference, split):
        self.torch, self.rows, self.batch, self.inference, self.split = torch, rows, batch, inference, split
        self.state, self.done, self.layouts = {}, {}, {}
        self.samples = slice(0, batch)

    # ---- which elements go together ----

    def layout(self, layer):
        """(cell of each element, parameter of each element, elements of a cell), as the norm's input is shaped"""
        name = layer["name"]
        if name not in self.layouts:
            shape = self.rows.shapes[layer["inputs"][0]]
            channel = self.torch.arange(shape[0]).reshape(-1, *[1] * (len(shape) - 1)).expand(shape)
            if layer["kind"] == "layer":
                axis = layer["axis"]
                many = math.prod(shape[axis:])
                index = self.torch.arange(math.prod(shape)).reshape(shape)
                cell, parameter = index // many, index % many
            else:
                many = shape[0] // layer["groups"] if layer["kind"] == "group" else 1
                cell, parameter = channel // many, channel
            cells = int(cell.max()) + 1
            self.layouts[name] = cell, parameter, cells, math.prod(shape) // cells
        return self.layouts[name]

    def sums(self, layer, values, dimension, lo, hi, of_parameters=False):
        """Sums over cells (or parameters) of each sample of rows, [samples, cells]."""
        cell, parameter, cells, _ = self.layout(layer)
        index = parameter if of_parameters else cell
        many = int(index.max()) + 1
        index = self.cut(index, dimension, lo, hi).flatten()
        return self.torch.zeros(len(values), many).index_add_(1, index, values.flatten(1))

    @staticmethod
    def cut(x, dimension, lo, hi):
        return x if dimension is None else x.narrow(dimension, lo, hi - lo)

    def spread(self, layer, per_cell, dimension, lo, hi, of_parameters=False):
        """A value of each cell (parameter) to each element of it; [samples, ...] from [samples, cells]."""
        cell, parameter, _, _ = self.layout(layer)
        return per_cell[:, self.cut(parameter if of_parameters else cell, dimension, lo, hi)]

    # ---- statistics ----

    def gather(self, name, kind, part):
        """Adds rows' (count, mean, sum of squares around it) or (sum, sum) of each cell to those of their samples."""
        key = name, kind
        if key not in self.state:
            self.state[key] = self.torch.zeros(self.batch, *part.shape[1:])
            self.done[key] = self.torch.zeros(self.batch, dtype=self.torch.bool)
        old = self.state[key][self.samples]
        self.state[key][self.samples] = merge(old, part) if kind == "stat" else old + part

    def complete(self, name, kind):
        self.done[name, kind][self.samples] = True

    def known(self, layer, kind):
        """The statistics of the present samples; of a batch norm those of all, which must be complete."""
        key = layer["name"], kind
        samples = slice(0, self.batch) if layer["kind"] == "batch" else self.samples
        if key not in self.done or not bool(self.done[key][samples].all()):
            raise Mismatch(f"{layer['name']}: statistics are used before they are complete")
        return self.together(layer, self.state[key][samples], kind)

    def together(self, layer, found, kind):
        if layer["kind"] != "batch":
            return found
        if kind != "stat":
            return found.sum(0, keepdim=True)
        total = found[:1]
        for other in found[1:]:
            total = merge(total, other[None])
        return total

    def measured(self, layer, x, dimension, lo, hi):
        """(count, mean, sum of squares around it) of each cell in rows."""
        count = self.sums(layer, self.torch.ones_like(x), dimension, lo, hi)
        mean = self.sums(layer, x, dimension, lo, hi) / count.clamp(min=1)
        around = x - self.spread(layer, mean, dimension, lo, hi)
        return self.torch.stack([count, mean, self.sums(layer, around * around, dimension, lo, hi)], -1)

    def moments(self, layer, x, dimension, lo, hi):
        """(mean, 1 / deviation) of each element: of complete statistics, or else of these rows, if they hold whole cells."""
        if layer["name"] in self.split:
            found = self.known(layer, "stat")
        else:
            found = self.together(layer, self.measured(layer, x, dimension, lo, hi), "stat")
            whole = self.layout(layer)[3] * (self.batch if layer["kind"] == "batch" else 1)
            if not bool(((found[..., 0] == whole) | (found[..., 0] == 0)).all()):
                raise Mismatch(f"{layer['name']}: applied to rows of which it has no statistics")
        mean = self.spread(layer, found[..., 1], dimension, lo, hi)
        variance = self.spread(layer, found[..., 2] / found[..., 0].clamp(min=1), dimension, lo, hi)
        return mean, (variance + EPSILON).rsqrt()

    # ---- steps ----

    def forward(self, operands, layer, own):
        dimension = self.rows.axis[layer["name"]]
        place = dimension, operands.begin, operands.end
        x = operands.value(layer["inputs"][0], *place)
        if self.inference and layer["kind"] == "batch":
            shape = (-1, *[1] * (x.dim() - 2))
            mean, variance = (t.reshape(shape) for t in running_statistics(self.torch, x.shape[1]))
            scaled = (x - mean) / (variance + EPSILON).sqrt()
        else:
            self.must_read(operands, layer, f"{layer['name']}.statistics", operands.own.step["kind"].endswith("remat"))
            mean, scale = self.moments(layer, x, *place)
            scaled = (x - mean) * scale
        return apply_fused(self.torch, layer, self.affine(layer, scaled, own, place))

    def affine(self, layer, flat, own, place):
        if not own:
            return flat
        gamma, beta = (self.spread(layer, p.flatten()[None], *place, True) for p in own)
        return flat * gamma + beta

    def behind(self, layer, flat, own, place, dy):
        """The gradient of the norm's own output, which what is fused with it is a function of: it is made again."""
        if not layer.get("fused"):
            return dy
        out = self.affine(layer, flat, own, place).requires_grad_()
        with self.torch.enable_grad():
            value = apply_fused(self.torch, layer, out)
        return self.torch.autograd.grad(value, out, dy)[0]

    def must_read(self, operands, layer, statistics, known_anyway):
        if layer["name"] in self.split and not known_anyway and statistics not in operands.own.reads:
            raise Mismatch(f"{operands.own.step['name']} does not read {statistics}")

    def statistics(self, operands, layer):
        """NAME.stat"""
        v = layer["inputs"][0]
        place = self.rows.axis[v], operands.begin, operands.end
        self.gather(layer["name"], "stat", self.measured(layer, operands.value(v, *place), *place))
        if operands.end == operands.total:
            self.complete(layer["name"], "stat")

    def backward(self, operands, layer, own, totals):
        """NAME.bwd, NAME.bwd.stat, or both in one."""
        name, v = layer["name"], layer["inputs"][0]
        part = operands.own.part
        by_rows = self.rows.aligned(v) or part == "bwd.stat"
        place = (self.rows.axis[v], operands.begin, operands.end) if by_rows else (None, 0, 1)
        x, dy = operands.value(v, *place), operands.gradient(*place)
        mean, scale = self.moments(layer, x, *place)
        flat = (x - mean) * scale
        dy = self.behind(layer, flat, own, place, dy)
        g = dy * self.spread(layer, own[0].flatten()[None], *place, True) if own else dy
        sums = self.torch.stack([self.sums(layer, g, *place), self.sums(layer, g * flat, *place)], -1)
        split = name in self.split
        if not split or part == "bwd.stat":
            for total, of_each in zip(totals, (dy * flat, dy)):
                total += self.sums(layer, of_each, *place, of_parameters=True).sum(0).reshape(total.shape)
        if part == "bwd.stat":
            self.gather(name, "bwd.stat", sums)
            if operands.end == operands.total:
                self.complete(name, "bwd.stat")
            return
        if split:
            self.must_read(operands, layer, f"{name}.bwd.statistics", False)
        sums = self.known(layer, "bwd.stat") if split else self.together(layer, sums, "bwd.stat")
        many = self.layout(layer)[3] * (self.batch if layer["kind"] == "batch" else 1)
        first, second = (self.spread(layer, sums[..., i] / many, *place) for i in (0, 1))
        operands.give(v, scale * (g - first - flat * second), by_rows)


def merge(a, b):
    """Statistics of two sets of elements (count, mean, sum of squares around it) as those of both."""
    count = (a[..., 0] + b[..., 0]).clamp(min=1)
    apart = b[..., 1] - a[..., 1]
    mean = a[..., 1] + apart * b[..., 0] / count
    around = a[..., 2] + b[..., 2] + apart * apart * a[..., 0] * b[..., 0] / count
    both = a.clone()
    both[..., 0], both[..., 1], both[..., 2] = a[..., 0] + b[..., 0], mean, around
    return both
