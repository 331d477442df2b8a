"""Operators that rearrange data and compute nothing."""

from math import prod

from onnx_network.constants import cut_indices, resolve_reshape, split_sizes
from onnx_network.operands import axes_of, axis_of, data, fixed_tensor, ints
from onnx_network.ops_gather import take
from onnx_network.values import Activation, Fault, broadcast


def new_shape(node, values, before):
    """The shape that a Reshape makes of `before`."""
    target = ints(node.attrs["shape"] if "shape" in node.attrs else data(values[1], "new shape"))
    shape = resolve_reshape(before, target, node.attrs.get("allowzero"))
    if any(d < 1 for d in shape):
        raise Fault(f"makes {target} of {list(before)}")
    return shape


def reshape(c, node, values):
    return c.reshape(values[0], new_shape(node, values, values[0].shape))


def flatten(c, node, values):
    x = values[0]
    axis = node.attrs.get("axis", 1)
    axis = axis if axis == len(x.shape) else axis_of(axis, len(x.shape))
    return c.reshape(x, [prod(x.shape[:axis]), prod(x.shape[axis:])])


def squeeze(c, node, values):
    x = values[0]
    axes = axes_of(node, values)
    axes = [axis_of(a, len(x.shape)) for a in axes] if axes is not None else [
        i for i, d in enumerate(x.shape) if d == 1 and i != x.axis]
    if any(x.shape[a] != 1 for a in axes):
        raise Fault(f"drops dimensions {axes} of {list(x.shape)}, which are not 1")
    return c.reshape(x, [d for i, d in enumerate(x.shape) if i not in axes])


def unsqueeze(c, node, values):
    x = values[0]
    axes = axes_of(node, values)
    rank = len(x.shape) + len(axes)
    if len({axis_of(a, rank) for a in axes}) != len(axes):
        raise Fault(f"adds the dimensions {list(axes)}, some of them twice")
    axes = {axis_of(a, rank) for a in axes}
    dims = iter(x.shape)
    return c.reshape(x, [1 if i in axes else next(dims) for i in range(rank)])


def transpose(c, node, values):
    x = values[0]
    rank = len(x.shape)
    order = list(node.attrs.get("perm") or range(rank)[::-1])
    if sorted(order) != list(range(rank)):
        raise Fault(f"has the order {order} for {rank} dimensions")
    swap = list(range(rank - 2)) + [rank - 1, rank - 2]
    readers = c.graph.consumers.get(node.outputs[0], [])
    if rank > 2 and order == swap and x.axis < rank - 2 and x.swapped is None and readers and all(
            r.op == "MatMul" for r in readers):
        shape = [x.shape[i] for i in order]
        return Activation("", [], shape, x.axis, x.outer, swapped=x)
    return c.permute(node.title(), x, order)


def concat(c, node, values):
    active = [v for v in values if isinstance(v, Activation)]
    rank = len(active[0].shape)
    axis = axis_of(node.attrs.get("axis", 1), rank)
    place = (active[0].axis, active[0].outer)
    if any((v.axis, v.outer) != place or len(v.shape) != rank for v in active):
        raise Fault("joins tensors whose batches are in different dimensions")
    for v in values:
        if v.shape is None or len(v.shape) != rank:
            raise Fault("joins a fixed tensor of unknown shape")
        if any(a != b for i, (a, b) in enumerate(zip(v.shape, active[0].shape)) if i not in (axis, place[0])):
            raise Fault(f"joins {list(v.shape)} and {list(active[0].shape)}, which differ elsewhere too")
    shape = list(active[0].shape)
    shape[axis] = sum(v.shape[axis] for v in values)
    if len(values) == 1:
        return values[0]
    at = c.sample_axis(active[0], axis)
    names = [c.tensor(v) if isinstance(v, Activation) else
             fixed_tensor(c, node.title() + ".parameter", v, active[0], c.learning.fresh(v)) for v in values]
    result = c.made(c.layer(node.title(), "concat", names, axis=at or None), shape, *place)
    result.raw = all(isinstance(v, Activation) and v.raw for v in values)
    return result


def split(c, node, values):
    x = values[0]
    axis = axis_of(node.attrs.get("axis", 0), len(x.shape))
    args = [None] + [data(v, "sizes") for v in values[1:2] if v is not None]
    sizes = split_sizes(x.shape[axis], node, args)
    if sum(sizes) != x.shape[axis] or len(sizes) < len(node.outputs):
        raise Fault(f"has the sizes {list(sizes)} for dimension {axis} of {list(x.shape)}")
    at, results = 0, []
    for i, size in enumerate(sizes):
        results.append(c.slice(f"{node.title()}.{i}", x, axis, at, at + size))
        at += size
    return results


def slices(c, node, values):
    x = values[0]
    args = [None] + [None if v is None else data(v, "range") for v in values[1:]]
    for axis, index in enumerate(cut_indices(len(x.shape), node, args)):
        if index == slice(None):
            continue
        start, end, step = index.indices(x.shape[axis])
        if step < 0:
            x = take(c, node, x, axis, list(range(start, end, step)))
            continue
        x = c.slice(node.title(), x, axis, start, end, step)
    return x


def expand(c, node, values):
    x = values[0]
    return c.expand(node.title(), x, broadcast([x.shape, tuple(ints(data(values[1], "new shape")))]))


def tile(c, node, values):
    x = values[0]
    repeats = ints(data(values[1], "repeats"))
    if len(values) > 2:  # opset 1: how often, and along which dimension
        axis = axis_of(ints(data(values[2], "axis"))[0], len(x.shape))
        repeats = [repeats[0] if i == axis else 1 for i in range(len(x.shape))]
    if len(repeats) != len(x.shape) or min(repeats) < 1:
        raise Fault(f"has the repeats {repeats} for {list(x.shape)}")
    for axis in range(len(x.shape)):
        x = c.repeat(node.title(), x, axis, repeats[axis])
    return x


def space_depth(to_depth):
    """Blocks of a picture to channels, and back: a permutation."""
    def convert(c, node, values):
        x = values[0]
        if len(x.shape) != 4:
            raise Fault(f"of {list(x.shape)}: expected [batch, channels, height, width]")
        n, channels, high, wide = x.shape
        b = node.attrs["blocksize"]
        if b < 1:
            raise Fault(f"has blocks of {b}, expected at least 1")
        if to_depth:
            if high % b or wide % b:
                raise Fault(f"has blocks of {b} in {high} x {wide}")
            parts = c.reshape(x, [n, channels, high // b, b, wide // b, b])
            parts = c.permute(node.title(), parts, [0, 3, 5, 1, 2, 4])
            return c.reshape(parts, [n, channels * b * b, high // b, wide // b])
        if channels % (b * b):
            raise Fault(f"has blocks of {b} in {channels} channels")
        if node.attrs.get("mode", b"DCR") == b"CRD":
            parts = c.reshape(x, [n, channels // (b * b), b, b, high, wide])
            parts = c.permute(node.title(), parts, [0, 1, 4, 2, 5, 3])
        else:
            parts = c.reshape(x, [n, b, b, channels // (b * b), high, wide])
            parts = c.permute(node.title(), parts, [0, 3, 4, 1, 5, 2])
        return c.reshape(parts, [n, channels // (b * b), high * b, wide * b])
    return convert
