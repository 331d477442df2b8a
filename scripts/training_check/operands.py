"""What a step sees: rows of the tensors that it reads, as values of its layer's inputs and output; and what it writes."""

from training_check.layers import Mismatch, apply
from training_check.rows import base_of, reshaped_axis


class Operands:
    """
    Of one step and its rows from `begin` to before `end`. fetch(tensor, lo, hi): rows of a tensor that it reads, along
    that tensor's row axis. A value's rows may be asked for along any dimension: along another than its row axis all of it
    is fetched. Dimensions are those of one sample; None with (0, 1) is all of it.
    """

    def __init__(self, torch, rows, own, begin, end, fetch):
        self.torch, self.rows, self.own, self.fetch = torch, rows, own, fetch
        self.begin, self.end, self.total = begin, end, own.count
        self.by_value = {base_of(t): t for t in own.reads if ".grad" not in t and not t.endswith((".mask", ".index"))}
        self.made = {}

    def tensor(self, name, dimension, lo, hi):
        axis = self.rows.axis[base_of(name)]
        if dimension is not None and dimension == axis:
            return self.fetch(name, lo, hi)
        whole = self.fetch(name, 0, self.rows.count(name))
        return whole if dimension is None else whole.narrow(1 + dimension, lo, hi - lo)

    def value(self, v, dimension=None, lo=0, hi=1):
        """Rows of an input, or of a view made of its members; null if one of them is not read."""
        layer = self.rows.view_of(v)
        if layer is None:
            return self.tensor(self.by_value[v], dimension, lo, hi) if v in self.by_value else None
        if dimension is not None and dimension == self.rows.axis[v] and self.rows.aligned(v):
            parts = [self.value(i, self.rows.axis[i], lo, hi) for i in layer["inputs"]]
            if any(p is None for p in parts):
                return None
            return apply(self.torch, self.with_rows(layer, hi - lo), parts, [])
        parts = [self.value(i) for i in layer["inputs"]]
        if any(p is None for p in parts):
            return None
        whole = apply(self.torch, layer, parts, [])
        return whole if dimension is None else whole.narrow(1 + dimension, lo, hi - lo)

    def with_rows(self, layer, many):
        """A view of that many rows."""
        if layer["op"] != "reshape":
            return layer
        shape = list(layer["shape"])
        shape[self.rows.axis[layer["name"]]] = many
        return {**layer, "shape": shape}

    def gradient(self, dimension=None, lo=0, hi=1):
        """Rows of the gradient of the layer's output; of parts of it that have none it is zero."""
        view = self.rows.parts.get(self.own.layer["name"])
        if view is None:
            return self.tensor(self.own.gradients[0], dimension, lo, hi)
        if dimension == view["axis"]:
            raise Mismatch(f"{self.own.step['name']}: rows across parts")
        return self.torch.cat([self.part_gradient(p, dimension, lo, hi) for p in view["inputs"]], 1 + view["axis"])

    def part_gradient(self, part, dimension, lo, hi):
        for t in self.own.gradients:
            if base_of(t) == part:
                return self.tensor(t, dimension, lo, hi)
        shape = list(self.rows.shapes[part])
        if dimension is not None:
            shape[dimension] = hi - lo
        return self.torch.zeros(self.samples, *shape)

    def put(self, name, value):
        """The rows of the layer's output, as the tensors that the step writes."""
        view = self.rows.parts.get(name)
        parts = [name] if view is None else view["inputs"]
        at = 0
        for part in parts:
            many = None if view is None else self.rows.shapes[part][view["axis"]]
            piece = value if view is None else value.narrow(1 + view["axis"], at, many)
            at += many or 0
            for t in self.own.writes:
                if base_of(t) == part and not t.endswith((".mask", ".index")):
                    self.made[t] = piece

    # ---- what is written ----

    def give(self, v, gradient, partial):
        """
        The gradient of an input. partial: it has the step's rows of an aligned value, or is these rows' part of a sum;
        else it is complete and whole.
        """
        layer = self.rows.view_of(v)
        if layer is None:
            for name in self.own.writes:
                if ".grad" in name and base_of(name) == v:
                    self.add(name, self.own_rows(v, gradient, partial))
        elif layer["op"] == "reshape":
            first = layer["inputs"][0]
            shape = list(self.rows.shapes[first])
            axis = self.rows.axis[v]
            if partial and axis is not None:
                shape[reshaped_axis(self.rows.shapes[v], axis, shape)] = gradient.shape[1 + axis]
            self.give(first, gradient.reshape(len(gradient), *shape), partial)
        else:
            axis = layer.get("axis", 0)
            sizes = [self.rows.shapes[i][axis] for i in layer["inputs"]]
            for i, part in zip(layer["inputs"], gradient.split(sizes, 1 + axis)):
                self.give(i, part, partial)

    def own_rows(self, v, gradient, partial):
        if partial:
            return gradient
        if self.rows.count(v) == self.total:
            axis = self.rows.axis[v]
            return gradient if axis is None else gradient.narrow(1 + axis, self.begin, self.end - self.begin)
        return gradient if self.end == self.total else self.torch.zeros_like(gradient)

    def add(self, name, value):
        self.made[name] = value if name not in self.made else self.made[name] + value

    def shared_dimension(self, layer):
        """The output's dimension along which all gradients that are written have the step's rows; None if there is none.
        An input that is broadcast along it gets sums."""
        found = set()
        for i, v in enumerate(layer["inputs"]):
            if not any(base_of(w) in self.rows.members(v) for w in self.own.writes):
                continue
            d = self.rows.output_dimension(layer, i) if self.rows.aligned(v) else None
            if d is not None and self.rows.count(v) == 1 != self.total:
                continue
            found.add(d if self.rows.count(v) == self.total else None)
        return found.pop() if len(found) == 1 else None
