"""Tensors that were joined along the batch: until they are parted again a node does the same to each of them."""

from onnx_network.constants import axis_of, cut_indices, split_sizes
from onnx_network.operands import data, ints
from onnx_network.ops_shapes import new_shape
from onnx_network.values import Activation, Bundle, Fault

PARTED = "takes apart what was joined along the batch elsewhere than it was joined"


def bundled(values):
    return any(isinstance(v, Bundle) for v in values)


def _count(values):
    counts = {len(v.parts) for v in values if isinstance(v, Bundle)}
    if len(counts) > 1:
        raise Fault(f"combines {' and '.join(str(n) for n in sorted(counts))} batches that were joined")
    return counts.pop()


def _each(values, i):
    return [v.parts[i] if isinstance(v, Bundle) else v for v in values]


def _range(x, begin, end):
    """The batches of which elements [begin, end) of the bundle's dimension are."""
    one = x.parts[0].shape[x.axis]
    if begin % one or end % one or begin >= end:
        raise Fault(PARTED)
    return _whole(x.parts[begin // one:end // one])


def _whole(parts):
    return parts[0] if len(parts) == 1 else Bundle(parts)


def _split(node, values):
    x = values[0]
    args = [None] + [data(v, "sizes") for v in values[1:2] if v is not None]
    sizes = split_sizes(x.shape[x.axis], node, args)
    if sum(sizes) != x.shape[x.axis]:
        raise Fault(PARTED)
    ends = [sum(sizes[:i + 1]) for i in range(len(sizes))]
    return [_range(x, end - size, end) for size, end in zip(sizes, ends)]


def _slice(node, values):
    """The batches that a Slice along the batch takes; None if it is along other dimensions."""
    x = values[0]
    indices = cut_indices(len(x.shape), node, [None] + [None if v is None else data(v, "range") for v in values[1:]])
    if indices[x.axis] == slice(None):
        return None
    if any(index != slice(None) for i, index in enumerate(indices) if i != x.axis) or indices[x.axis].step != 1:
        raise Fault(PARTED)
    begin, end, _ = indices[x.axis].indices(x.shape[x.axis])
    return [_range(x, begin, end)]


def _gather(c, node, values):
    """The one batch that a Gather takes where each is of one sample."""
    x, index = values[0], ints(data(values[1], "index"))
    if c.batch != 1 or len(index) != 1 or values[1].shape or x.parts[0].shape[x.axis] != 1:
        raise Fault(PARTED)
    part = x.parts[index[0]]
    return [c.reshape(part, [d for i, d in enumerate(part.shape) if i != x.axis])]


def _reshape(c, node, values):
    x = values[0]
    shape = list(new_shape(node, values, x.shape))
    if x.axis >= len(shape) or x.shape[:x.axis + 1] != tuple(shape[:x.axis + 1]):
        raise Fault("reshapes what was joined along the batch, and does not keep the dimension that it was joined in")
    shape[x.axis] //= len(x.parts)
    return [Bundle([c.reshape(part, shape) for part in x.parts])]


def joined(node, values):
    """The bundle that a Concat along the batch makes; None if the node is no such."""
    first = values[0] if values else None
    if node.op != "Concat" or node.domain or not isinstance(first, (Activation, Bundle)):
        return None
    parts = [part for v in values for part in getattr(v, "parts", [v])]
    axis = axis_of(node.attrs.get("axis", 1), len(first.shape))
    fit = all(isinstance(v, Activation) and v.outer == 1 and v.axis == axis and v.shape == parts[0].shape
              for v in parts)
    return Bundle(parts) if fit and len(parts) > 1 else None


def convert(c, node, values, one):
    """What a node makes of bundles; `one` converts it for one of the batches."""
    x = values[0]
    along = node.attrs.get("axis", 0)
    if isinstance(x, Bundle) and not node.domain:
        batch = axis_of(along, len(x.shape)) == x.axis if isinstance(along, int) else False
        if node.op == "Split" and batch:
            return _split(node, values)
        if node.op == "Gather" and batch:
            return _gather(c, node, values)
        if node.op == "Slice":
            found = _slice(node, values)
            if found is not None:
                return found
        if node.op == "Reshape":
            return _reshape(c, node, values)
    made = [one(node, _each(values, i)) for i in range(_count(values))]
    return [None if any(r is None for r in results) else Bundle(list(results)) for results in zip(*made)]
