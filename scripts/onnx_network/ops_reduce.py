"""Reductions: a pool over all of a dimension, or a function of as many elements."""

from math import prod

from onnx_network.operands import alike, axes_of, axis_of
from onnx_network.values import Activation, Fault, sample_dims
from onnx_network.windows import spatial

POOLS = {"ReduceMean": "avg_pool", "ReduceSum": "avg_pool", "ReduceMax": "max_pool", "ReduceMin": "max_pool"}


def merged(axes):
    """Runs of adjacent dimensions, the last first."""
    found = []
    for axis in sorted(axes, reverse=True):
        if found and found[-1][0] == axis + 1:
            found[-1][0] = axis
        else:
            found.append([axis, axis])
    return found


def reduce(c, node, values):
    x = values[0]
    rank = len(x.shape)
    axes = axes_of(node, values)
    if not axes and node.attrs.get("noop_with_empty_axes"):
        return x
    axes = sorted({axis_of(a, rank) for a in axes}) if axes else list(range(rank))
    if x.axis in axes:
        raise Fault("works along the batch" + c.where_merged(x))
    for first, last in merged(axes):
        x = reduce_run(c, node, x, first, last)
    keep = node.attrs.get("keepdims", 1)
    return x if keep else c.reshape(x, [d for i, d in enumerate(x.shape) if i not in axes])


def reduce_run(c, node, x, first, last):
    """Over adjacent dimensions, which stay with a size of 1."""
    dims = sample_dims(x.shape, x.axis, c.batch)
    before = prod(d for i, d in dims if i < first)
    middle = prod(d for i, d in dims if first <= i <= last)
    after = prod(d for i, d in dims if i > last)
    shape = [1 if first <= i <= last else d for i, d in enumerate(x.shape)]
    if middle == 1 and node.op in POOLS:
        return c.reshape(x, shape)
    pool, rank = POOLS.get(node.op), len(x.shape)
    image = rank in (4, 5) and (first, last) == (2, rank - 1) and len(dims) == rank - 1
    if node.op == "ReduceMean" and after == 1 and image:
        name = c.layer(node.title(), "global_avg_pool", [c.tensor(x)])
    elif pool is not None:
        name = c.layer(node.title(), pool, [c.tensor(x, [before, middle, after])], kernel=[middle, 1])
    else:
        name = c.layer(node.title(), "elementwise", [c.tensor(x, [before, middle, after])], shape=[before, 1, after])
    return Activation(name, [before, 1, after], shape, x.axis, x.outer)


def global_pool(op):
    """Over all dimensions behind the channels, whichever there are."""
    def convert(c, node, values):
        x = values[0]
        shape = spatial(c, x, flat=len(x.shape) not in (3, 4, 5))
        made = [shape[0]] + [1] * (len(shape) - 1)
        if prod(shape[1:]) == 1:
            return x
        if op == "global_avg_pool":
            name = c.layer(node.title(), op, [c.tensor(x, shape)])
        elif op == "max_pool":
            name = c.layer(node.title(), op, [c.tensor(x, shape)], kernel=alike(shape[1:]))
        else:
            name = c.layer(node.title(), "elementwise", [c.tensor(x, shape)], shape=made)
        return Activation(name, made, [*x.shape[:2], *[1] * (len(x.shape) - 2)], 0)
    return convert
