"""Operators that move or cut data and compute nothing."""

from math import prod

from onnx_network.operands import axes_of, data, ints
from onnx_network.values import Activation, Fault, broadcast, sample_shape


def reshape(c, node, values):
    x = values[0]
    target = ints(node.attrs["shape"] if "shape" in node.attrs else data(values[1], "new shape"))
    shape = [x.shape[i] if d == 0 and not node.attrs.get("allowzero") else d for i, d in enumerate(target)]
    if shape.count(-1) == 1:
        rest = prod(d for d in shape if d != -1)
        if rest <= 0 or prod(x.shape) % rest:
            raise Fault(f"makes {target} of {list(x.shape)}")
        shape[shape.index(-1)] = prod(x.shape) // rest
    if prod(shape) != prod(x.shape) or any(d < 1 for d in shape):
        raise Fault(f"makes {target} of {list(x.shape)}")
    return c.reshape(x, shape)


def flatten(c, node, values):
    x = values[0]
    axis = node.attrs.get("axis", 1)
    axis = axis if axis >= 0 else axis + len(x.shape)
    return c.reshape(x, [prod(x.shape[:axis]), prod(x.shape[axis:])])


def squeeze(c, node, values):
    x = values[0]
    axes = axes_of(node, values)
    axes = [a % len(x.shape) for a in axes] if axes is not None else [
        i for i, d in enumerate(x.shape) if d == 1 and i != x.axis]
    if any(x.shape[a] != 1 for a in axes):
        raise Fault(f"drops dimensions {axes} of {list(x.shape)}, which are not 1")
    return c.reshape(x, [d for i, d in enumerate(x.shape) if i not in axes])


def unsqueeze(c, node, values):
    x = values[0]
    axes = axes_of(node, values)
    rank = len(x.shape) + len(axes)
    axes = {a % rank for a in axes}
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
    axis = node.attrs["axis"] % rank
    place = (active[0].axis, active[0].outer)
    if any((v.axis, v.outer) != place or len(v.shape) != rank for v in active):
        raise Fault("joins tensors whose batches are in different dimensions")
    shape = list(active[0].shape)
    at = c.sample_axis(active[0], axis)
    names = []
    for v in values:
        if isinstance(v, Activation):
            names.append(c.tensor(v))
            continue
        if v.shape is None or len(v.shape) != rank:
            raise Fault("joins a fixed tensor of unknown shape")
        whole = Activation("", [], v.shape, *place)
        names.append(c.layer(node.title() + ".parameter", "parameter", [], shape=sample_shape(whole, c.batch),
                             parameters=c.fresh(v)))
    shape[axis] = sum(v.shape[axis] for v in values)
    if len(values) == 1:
        return values[0]
    result = Activation(c.layer(node.title(), "concat", names, axis=at or None), [], shape, *place)
    result.net = sample_shape(result, c.batch)
    return result


def split(c, node, values):
    x = values[0]
    axis = node.attrs.get("axis", 0) % len(x.shape)
    sizes = node.attrs.get("split")
    if sizes is None and len(values) > 1 and values[1] is not None:
        sizes = ints(data(values[1], "sizes"))
    if sizes is None:
        sizes = [x.shape[axis] // len(node.outputs)] * len(node.outputs)
    if sum(sizes) != x.shape[axis]:
        raise Fault(f"has the sizes {list(sizes)} for dimension {axis} of {list(x.shape)}")
    at, results = 0, []
    for i, size in enumerate(sizes):
        results.append(c.slice(f"{node.title()}.{i}", x, axis, at, at + size))
        at += size
    return results


def slices(c, node, values):
    x = values[0]
    starts = node.attrs.get("starts") or ints(data(values[1], "starts"))
    ends = node.attrs.get("ends") or ints(data(values[2], "ends"))
    axes = axes_of(node, values, 3) or range(len(starts))
    steps = ints(data(values[4], "steps")) if len(values) > 4 and values[4] is not None else [1] * len(starts)
    for start, end, axis, step in zip(starts, ends, axes, steps):
        axis %= len(x.shape)
        if step < 1:
            raise Fault(f"has the step {step}, expected a positive one")
        start, end, step = slice(start, end, step).indices(x.shape[axis])
        x = c.slice(node.title(), x, axis, start, end, step)
    return x


def gather(c, node, values):
    x = values[0]
    if not isinstance(x, Activation):
        raise Fault("looks up a table, which is not supported; the closest that is: a fixed index")
    axis = node.attrs.get("axis", 0) % len(x.shape)
    indices = data(values[1], "index")
    wanted = [i % x.shape[axis] for i in ints(indices)]
    if wanted != list(range(wanted[0], wanted[0] + len(wanted))):
        raise Fault("takes indices that are no range, which is not supported; the closest that is: Slice")
    result = c.slice(node.title(), x, axis, wanted[0], wanted[-1] + 1)
    if indices.ndim == 0:
        return c.reshape(result, [d for i, d in enumerate(result.shape) if i != axis])
    return result


def expand(c, node, values):
    x = values[0]
    shape = broadcast([x.shape, tuple(ints(data(values[1], "new shape")))])
    if shape == x.shape:
        return x
    raise Fault("repeats an activation, which is not supported; the closest that is: broadcasting")
