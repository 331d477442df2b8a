"""Operators that take or replace elements by index."""

from math import prod

from onnx_network.operands import added_parameters, axis_of, data, ints
from onnx_network.values import Activation, Fault, Learned, sample_dims, unsupported

MOST_RUNS = 16


def runs(indices):
    """The indices as ranges (first, end) of consecutive ones."""
    found = []
    for i in indices:
        if found and found[-1][1] == i:
            found[-1][1] = i + 1
        else:
            found.append([i, i + 1])
    return found


def rewritten(c, node, x, shape, others=()):
    """A layer that makes a tensor of `shape` out of single elements of others, so that no row of it is any row's."""
    whole = Activation("", [], shape, x.axis, x.outer)
    sizes = [d for _, d in sample_dims(shape, x.axis, c.batch)]
    names = [c.tensor(v, [prod(v.net)]) for v in (x, *others)]
    names = list(dict.fromkeys(names))
    name = c.layer(node.title(), "elementwise", names, shape=[prod(sizes)])
    whole.name, whole.net = name, [prod(sizes)]
    whole.raw = x.raw and all(v.raw for v in others)
    return whole


def gather(c, node, values):
    x, index = values[:2]
    if x.shape is None:
        raise Fault("takes from a fixed tensor of unknown shape")
    axis = axis_of(node.attrs.get("axis", 0), len(x.shape))
    if isinstance(index, Activation) and not isinstance(x, Activation):
        return embedding(c, node, (node.inputs[0], x), index, axis)
    if isinstance(index, Activation):
        return gather_computed(c, node, x, index, axis)
    indices = data(index, "index")
    wanted = [i + x.shape[axis] if i < 0 else i for i in ints(indices)]
    if any(not 0 <= i < x.shape[axis] for i in wanted):
        raise Fault(f"takes elements of {list(x.shape)} that there are not")
    made = take(c, node, x, axis, wanted)
    return c.reshape(made, [*made.shape[:axis], *indices.shape, *made.shape[axis + 1:]])


def embedding(c, node, named_table, index, axis):
    """Rows of a table, (name, value), at places that the model is given, or that it computes."""
    named, table = named_table
    if axis != 0:
        raise unsupported("looks up columns of a table, which is not supported")
    if not table.shape:
        raise Fault("looks up a table of unknown shape")
    shape, title = [*index.shape, *table.shape[1:]], node.title()
    places = [d for _, d in sample_dims(index.shape, index.axis, c.batch)] or [1]
    if isinstance(table, Learned):
        width = prod(table.shape[1:])
        use = c.learning.use(node, "fc", (table.shape[0], width), named, table)  # a matrix, to who multiplies by it
        name = c.learned_layer(title, "embedding", [c.tensor(index, places)], use, rows=table.shape[0],
                               out_features=width)
        return Activation(name, [*places, width], shape, index.axis, index.outer)
    # of a constant table what a sample reads of it is an input
    dims = [d for _, d in sample_dims(shape, index.axis, c.batch)] or [1]
    name = c.unique(title + ".rows")
    c.inputs.append({"name": name, "shape": dims})
    result = Activation(name, dims, shape, index.axis, index.outer, raw=True)
    return result if index.raw else rewritten(c, node, result, shape, [index])


def take(c, node, x, axis, wanted):
    """The elements `wanted` of a dimension: as slices where these are few."""
    if not wanted:
        raise Fault("takes nothing")
    parts, title = runs(wanted), node.title()
    if len(parts) > MOST_RUNS:
        shape = list(x.shape)
        c.sample_axis(x, axis)
        shape[axis] = len(wanted)
        return rewritten(c, node, x, shape)
    taken = [c.slice(title if len(parts) == 1 else f"{title}.{i}", x, axis, first, end)
             for i, (first, end) in enumerate(parts)]
    return taken[0] if len(taken) == 1 else joined(c, title, taken, axis)


def joined(c, title, parts, axis):
    shape = list(parts[0].shape)
    shape[axis] = sum(p.shape[axis] for p in parts)
    at = c.sample_axis(parts[0], axis)
    name = c.layer(title, "concat", [c.tensor(p) for p in parts], axis=at or None)
    result = c.made(name, shape, parts[0].axis, parts[0].outer)
    result.raw = parts[0].raw
    return result


def gather_computed(c, node, x, index, axis):
    """Elements of each sample at places that are computed."""
    raise unsupported("takes samples or elements at computed places, which is not supported"
                      if axis == x.axis else
                      "takes elements at places that are computed, which is not supported; the closest that is: "
                      "GatherElements")


def gather_elements(c, node, values):
    x, index = values
    if not isinstance(x, Activation):
        raise unsupported("looks up a table, which is not supported; give its output as the model's input")
    axis = axis_of(node.attrs.get("axis", 0), len(x.shape))
    c.sample_axis(x, axis)
    shape = index.shape
    if shape is None or len(shape) != len(x.shape) or shape[x.axis] != x.shape[x.axis]:
        raise Fault("has indices of unknown shape, or not one for each sample")
    return rewritten(c, node, x, shape, [index] if isinstance(index, Activation) else [])


def scatter(c, node, values):
    """Elements replaced at known places."""
    x, updates = values[0], values[2]
    if isinstance(values[1], Activation):
        raise unsupported("writes to places that are computed, which is not supported")
    if not isinstance(x, Activation):
        raise unsupported("writes an activation into something fixed, which is not supported")
    others = [updates] if isinstance(updates, Activation) else []
    whole = rewritten(c, node, x, x.shape, others)
    if added_parameters(c, node, [None, None, updates], x):
        raise unsupported("writes something learned, which is not supported")
    return whole


def grid_sample(c, node, values):
    x, grid = values
    if not isinstance(x, Activation) or grid.shape is None or len(grid.shape) != len(x.shape):
        raise Fault("has a grid of unknown shape, or nothing to take from")
    shape = [*x.shape[:2], *grid.shape[1:-1]]
    return rewritten(c, node, x, shape, [grid] if isinstance(grid, Activation) else [])
