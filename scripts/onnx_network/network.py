"""The layers that are written down, and the views and movements that lie between them."""

from math import prod

from onnx_network.values import Activation, Fault, broadcast, place_batch, sample_dims, sample_shape


LARGEST, MOST_DIMENSIONS = (1 << 53) - 1, 8  # that a network file can have


class Network:
    def __init__(self, batch):
        self.batch = batch
        self.layers, self.inputs = [], []
        self.used = {}  # names, and the last number that was put behind each
        self.undo = []  # what takes back the changes of values, in order
        self.place = ""  # the node at hand

    # ---- layers ----

    def state(self):
        """What `restore` needs to forget the layers that follow."""
        return len(self.layers), len(self.used), len(self.undo)

    def restore(self, state):
        while len(self.undo) > state[2]:
            self.undo.pop()()
        del self.layers[state[0]:]
        while len(self.used) > state[1]:
            self.used.popitem()

    def unique(self, name):
        name = "".join(c if c.isprintable() else "?" for c in name)[:200] or "unnamed"
        base = name
        while name in self.used:
            self.used[base] += 1
            name = f"{base}#{self.used[base]}"
        self.used[name] = 1
        return name

    def layer(self, title, op, inputs, **members):
        name = self.unique(title)
        entry = {"name": name, "op": op}
        if op != "parameter":
            entry["inputs"] = inputs
        entry.update({k: v for k, v in members.items() if v is not None})
        if len(members.get("shape") or ()) > MOST_DIMENSIONS:
            raise Fault(f"makes {len(members['shape'])} dimensions, more than {MOST_DIMENSIONS}")
        numbers = [n for v in members.values() for n in (v if isinstance(v, (list, tuple)) else [v])]
        if any(isinstance(n, int) and n > LARGEST for n in numbers):
            raise Fault(f"needs a number of {max(n for n in numbers if isinstance(n, int))}, which is above 2^53")
        wrong = [n for n in numbers if isinstance(n, (int, float)) and (n < 0 or n != int(n))]
        if wrong or any(n < 1 for n in members.get("shape") or ()):
            raise Fault(f"needs {wrong[0] if wrong else members['shape']}, expected whole numbers from 0, in a shape "
                        "from 1")
        self.layers.append(entry)
        return name

    def learned_layer(self, title, op, inputs, use, **members):
        """A layer with parameters, `use` (sharing.py), that another one may have already."""
        sharing = self.learning.sharing
        name = self.layer(title, op, inputs, **members, bias=use.bias, shares=sharing.owner(use.key))
        undo = sharing.made(name, use)
        if undo is not None:
            self.undo.append(undo)
        return name

    def real(self, value):
        """The value in memory: exchanged dimensions are moved now."""
        if value.swapped is None:
            return value
        source = value.swapped
        rank = len(value.shape)
        order = list(range(rank - 2)) + [rank - 1, rank - 2]
        moved = self.permute("transpose", source, order)
        before = dict(value.__dict__)
        self.undo.append(lambda: (value.__dict__.clear(), value.__dict__.update(before)))
        value.name, value.net, value.swapped = moved.name, moved.net, None
        return value

    def tensor(self, value, shape=None):
        """The name of the network's tensor with `shape` per sample, after a view if it has another."""
        value = self.real(value)
        shape = sample_shape(value, self.batch) if shape is None else list(shape)
        if value.net == shape:
            return value.name
        if prod(value.net) != prod(shape):
            raise Fault(f"a sample of shape {value.net} is needed as {shape}")
        views = value.__dict__.setdefault("views", {})
        key = tuple(shape)
        if key not in views:
            views[key] = self.layer(f"{value.name}.view", "reshape", [value.name], shape=shape)
            self.undo.append(lambda: views.pop(key, None))
        return views[key]

    def like(self, value, name, shape=None):
        """An activation with the dimensions of `value` whose tensor is `name`."""
        net = sample_shape(value, self.batch) if shape is None else shape
        return Activation(name, net, value.shape, value.axis, value.outer)

    def unary(self, title, op, value, **members):
        return self.like(value, self.layer(title, op, [self.tensor(value)], **members))

    def made(self, name, shape, axis, outer=1):
        """An activation of a layer that writes it as it is."""
        result = Activation(name, [], shape, axis, outer)
        result.net = sample_shape(result, self.batch)
        return result

    # ---- views and movements ----

    def view(self, value, shape, axis, outer):
        """The same tensor with other dimensions."""
        result = Activation(value.name, value.net, shape, axis, outer, raw=value.raw)
        result.views = value.__dict__.setdefault("views", {})
        result.merged_by = value.merged_by
        return result

    def reshape(self, value, shape):
        self.real(value)
        axis, outer = place_batch(value, shape, self.batch)
        result = self.view(value, shape, axis, outer)
        joined = shape[axis] != self.batch
        result.merged_by = (value.merged_by or self.place) if joined else None
        return result

    def permute(self, title, value, order):
        value = self.real(value)
        kept = [(i, d) for i, d in sample_dims(value.shape, value.axis, self.batch) if d > 1]
        shape = [value.shape[i] for i in order]
        axis = order.index(value.axis)
        before = [i for i, _ in kept]
        after = [i for i in order if i in before]
        if before == after:
            return self.view(value, shape, axis, value.outer)
        if value.outer > 1:
            raise Fault("transposes a dimension that has the batch inside it" + self.where_merged(value))
        name = self.layer(title, "permute", [self.tensor(value, [d for _, d in kept])],
                          order=[before.index(i) for i in after])
        result = Activation(name, [dict(kept)[i] for i in after], shape, axis, raw=value.raw)
        result.merged_by = value.merged_by
        return result

    @staticmethod
    def where_merged(value):
        return f"; the batch was joined with another dimension at {value.merged_by}" if value.merged_by else ""

    def sample_axis(self, value, axis):
        """Which of the sample's dimensions a dimension is."""
        dims = [i for i, _ in sample_dims(value.shape, value.axis, self.batch)]
        if axis == value.axis:
            raise Fault("works along the batch" + self.where_merged(value))
        return dims.index(axis)

    def slice(self, title, value, axis, begin, end, step=1):
        size = value.shape[axis]
        if begin >= end:
            raise Fault(f"takes nothing: {begin} to {end} of {size}")
        shape = list(value.shape)
        shape[axis] = -(-(end - begin) // step)
        if shape[axis] == size:
            return value
        at = self.sample_axis(value, axis)
        name = self.layer(title, "slice", [self.tensor(value)], axis=at or None, begin=begin or None, end=end,
                          step=step if step > 1 else None)
        result = self.made(name, shape, value.axis, value.outer)
        result.raw = value.raw
        return result

    def repeat(self, title, value, axis, times):
        """A dimension one after the other `times` times: as a row that is enlarged."""
        if times == 1:
            return value
        if axis == value.axis:
            raise Fault("repeats the batch" + self.where_merged(value))
        dims = sample_dims(value.shape, value.axis, self.batch)
        before = prod(d for i, d in dims if i < axis)
        after = prod(d for i, d in dims if i >= axis)
        name = self.layer(title, "upsample", [self.tensor(value, [before, 1, after])], size=[times, after])
        shape = list(value.shape)
        shape[axis] *= times
        return Activation(name, [before, times, after], shape, value.axis, value.outer)

    def expand(self, title, value, shape):
        """The activation broadcast to a larger shape."""
        added = len(shape) - len(value.shape)
        value = self.view(self.real(value), [1] * added + list(value.shape), value.axis + added, value.outer)
        for axis, size in enumerate(shape):
            if value.shape[axis] != size:
                value = self.repeat(title, value, axis, size)
        return value

    def aligned(self, values):
        """Activations that broadcast: the result's shape, batch place, and each one's tensor."""
        shape = broadcast([v.shape for v in values])
        rank = len(shape)
        places = {(v.axis + rank - len(v.shape), v.outer) for v in values}
        if len(places) > 1:
            raise Fault("combines tensors whose batches are in different dimensions")
        axis, outer = places.pop()
        whole = Activation("", [], shape, axis, outer)
        kept = [i for i, _ in sample_dims(shape, axis, self.batch)]
        names = []
        for v in values:
            padded = [1] * (rank - len(v.shape)) + list(v.shape)
            sizes = [padded[i] // self.batch if i == axis else padded[i] for i in kept] or [1]
            names.append(self.tensor(v, sizes))
        whole.net = sample_shape(whole, self.batch)
        return whole, names
