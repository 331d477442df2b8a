"""Folding of what depends on shapes and constants alone. Big constants are known by their shape only."""

from itertools import zip_longest
from math import prod

import numpy
from onnx import numpy_helper, TensorProto

from onnx_network.values import Constant, Fault

MOST_ELEMENTS = 1 << 16
DTYPES = {
    TensorProto.FLOAT: numpy.float32, TensorProto.DOUBLE: numpy.float64, TensorProto.FLOAT16: numpy.float16,
    TensorProto.INT64: numpy.int64, TensorProto.INT32: numpy.int32, TensorProto.BOOL: numpy.bool_,
    TensorProto.INT8: numpy.int8, TensorProto.UINT8: numpy.uint8, TensorProto.INT16: numpy.int16,
    TensorProto.UINT16: numpy.uint16, TensorProto.UINT32: numpy.uint32, TensorProto.UINT64: numpy.uint64,
    TensorProto.BFLOAT16: numpy.float32,
}


def read_tensor(tensor):
    """The constant in a TensorProto; external data stays where it is."""
    shape = tuple(tensor.dims)
    elements = 1
    for d in shape:
        elements *= d
    if any(d < 0 for d in shape):
        raise Fault(f"tensor {tensor.name!r} has the shape {list(shape)}")
    if elements > MOST_ELEMENTS or tensor.data_location == TensorProto.EXTERNAL:
        return Constant(shape)
    try:
        return Constant(shape, numpy_helper.to_array(tensor))
    except Exception:
        return Constant(shape)


def axis_of(axis, rank):
    """A dimension that may be counted from the end, from the front."""
    if not -rank <= axis < rank:
        raise Fault(f"names dimension {axis} of {rank}")
    return axis % rank


def ints(data):
    return [int(i) for i in numpy.asarray(data).reshape(-1)]


def target_type(node):
    """The NumPy type that a Cast makes, None if NumPy has none; as a word in opsets below 6."""
    to = node.attrs["to"]
    if isinstance(to, bytes):
        to = TensorProto.DataType.Value(to.decode().upper())
    return DTYPES.get(to)


def axes_given(node, args, at=1):
    """The axes of a node as an attribute or the operand `at`; None if there are none."""
    axes = node.attrs.get("axes")
    return axes if axes is not None else (ints(args[at]) if len(args) > at and args[at] is not None else None)


def resolve_reshape(shape, target, zero_is_zero=False):
    """The new shape that a Reshape's `target` stands for."""
    new = [shape[i] if d == 0 and not zero_is_zero else d for i, d in enumerate(target)]
    if new.count(-1) == 1:
        rest = prod(d for d in new if d != -1)
        if rest <= 0 or prod(shape) % rest:
            raise Fault(f"makes {target} of {list(shape)}")
        new[new.index(-1)] = prod(shape) // rest
    if prod(new) != prod(shape) or any(d < 0 for d in new):
        raise Fault(f"makes {target} of {list(shape)}")
    return new


def cut_indices(rank, node, args):
    """A Slice as one Python slice for each dimension."""
    if "starts" in node.attrs:
        starts, ends, axes, steps = node.attrs["starts"], node.attrs["ends"], node.attrs.get("axes"), None
    else:
        starts, ends = ints(args[1]), ints(args[2])
        axes = ints(args[3]) if len(args) > 3 and args[3] is not None else None
        steps = ints(args[4]) if len(args) > 4 and args[4] is not None else None
    index = [slice(None)] * rank
    for i, (start, end) in enumerate(zip(starts, ends)):
        index[axes[i] if axes else i] = slice(start, end, steps[i] if steps else 1)
    return tuple(index)


def split_sizes(size, node, args):
    """The sizes of a Split's parts of a dimension of `size`."""
    sizes = node.attrs.get("split")
    if sizes is None and len(args) > 1 and args[1] is not None:
        sizes = ints(args[1])
    if sizes is None:
        parts = node.attrs.get("num_outputs", len(node.outputs))
        each = -(-size // parts)
        sizes = [min(each, size - i * each) for i in range(parts)]
    return list(sizes)


def _unsqueeze(node, args):
    x = args[0]
    axes = axes_given(node, args)
    rank = x.ndim + len(axes)
    for axis in sorted(axis_of(a, rank) for a in axes):
        x = numpy.expand_dims(x, axis)
    return x


def _squeeze(node, args):
    axes = axes_given(node, args)
    return numpy.squeeze(args[0], axis=None if axes is None else tuple(axes))


def _reshape(node, args):
    target = node.attrs["shape"] if "shape" in node.attrs else ints(args[1])
    return args[0].reshape(resolve_reshape(args[0].shape, list(target), node.attrs.get("allowzero")))


def _flatten(node, args):
    axis = node.attrs.get("axis", 1) % (args[0].ndim + 1 if node.attrs.get("axis", 1) >= 0 else args[0].ndim or 1)
    return args[0].reshape(prod(args[0].shape[:axis]), -1)


def _divide(a, b):
    if numpy.asarray(a).dtype.kind in "iu":  # towards zero
        return (numpy.sign(a) * numpy.sign(b) * (numpy.abs(a) // numpy.abs(b))).astype(a.dtype)
    return a / b


def _fill(node, args):
    shape = ints(args[0])
    if numpy.prod(shape, dtype=object) > MOST_ELEMENTS:
        return None
    value = node.attrs.get("value")
    fill = numpy_helper.to_array(value).reshape(-1)[0] if value is not None else numpy.float32(0)
    return numpy.full(shape, fill)


def _range(node, args):
    start, limit, step = (a.item() for a in args)
    if (limit - start) / step > MOST_ELEMENTS:
        return None
    return numpy.arange(start, limit, step).astype(args[0].dtype)


def _tile(node, args):
    repeats = ints(args[1])
    if prod(args[0].shape) * prod(repeats) > MOST_ELEMENTS:
        return None
    return numpy.tile(args[0], repeats)


def _reduce(function):
    def fold(node, args):
        axes = axes_given(node, args)
        if not axes and node.attrs.get("noop_with_empty_axes"):
            return args[0]
        return function(args[0], axis=tuple(axes) if axes else None, keepdims=bool(node.attrs.get("keepdims", 1)))
    return fold


def _split(node, args):
    axis = node.attrs.get("axis", 0)
    ends = numpy.cumsum(split_sizes(args[0].shape[axis], node, args))[:-1]
    return numpy.split(args[0], ends, axis)


def _clip(node, args):
    low = node.attrs.get("min", args[1] if len(args) > 1 else None)
    high = node.attrs.get("max", args[2] if len(args) > 2 else None)
    x = args[0] if low is None else numpy.maximum(args[0], low)
    return x if high is None else numpy.minimum(x, high)


def _cumsum(node, args):
    if node.attrs.get("exclusive") or node.attrs.get("reverse"):
        return None
    return numpy.cumsum(args[0], axis=int(args[1]))


def _scatter_nd(node, args):
    result = args[0].copy()
    for index in numpy.ndindex(args[1].shape[:-1]):
        result[tuple(args[1][index])] = args[2][index]
    return result


def _gather(node, args):
    return numpy.take(args[0], args[1].astype(numpy.int64), axis=node.attrs.get("axis", 0))


FOLDED = {
    "Identity": lambda n, a: a[0], "Gather": _gather, "Unsqueeze": _unsqueeze, "Squeeze": _squeeze,
    "Slice": lambda n, a: a[0][cut_indices(a[0].ndim, n, a)],
    "Reshape": _reshape, "Flatten": _flatten, "ConstantOfShape": _fill, "Range": _range, "Tile": _tile, "Split": _split,
    "Clip": _clip, "CumSum": _cumsum, "ScatterND": _scatter_nd,
    "Concat": lambda n, a: numpy.concatenate(a, axis=n.attrs.get("axis", 1)),
    "Transpose": lambda n, a: numpy.transpose(a[0], n.attrs.get("perm")),
    "Cast": lambda n, a: a[0].astype(target_type(n)), "CastLike": lambda n, a: a[0].astype(a[1].dtype),
    "Add": lambda n, a: a[0] + a[1], "Sub": lambda n, a: a[0] - a[1], "Mul": lambda n, a: a[0] * a[1],
    "Div": lambda n, a: _divide(a[0], a[1]), "Pow": lambda n, a: numpy.power(a[0], a[1]),
    "Mod": lambda n, a: numpy.fmod(a[0], a[1]) if n.attrs.get("fmod") else numpy.mod(a[0], a[1]),
    "Floor": lambda n, a: numpy.floor(a[0]), "Ceil": lambda n, a: numpy.ceil(a[0]),
    "Round": lambda n, a: numpy.round(a[0]), "Abs": lambda n, a: numpy.abs(a[0]), "Sign": lambda n, a: numpy.sign(a[0]),
    "Neg": lambda n, a: -a[0], "Sqrt": lambda n, a: numpy.sqrt(a[0]), "Exp": lambda n, a: numpy.exp(a[0]),
    "Log": lambda n, a: numpy.log(a[0]), "Sin": lambda n, a: numpy.sin(a[0]), "Cos": lambda n, a: numpy.cos(a[0]),
    "Reciprocal": lambda n, a: 1 / a[0],
    "Equal": lambda n, a: a[0] == a[1], "Not": lambda n, a: ~a[0], "Less": lambda n, a: a[0] < a[1],
    "Greater": lambda n, a: a[0] > a[1], "LessOrEqual": lambda n, a: a[0] <= a[1],
    "GreaterOrEqual": lambda n, a: a[0] >= a[1], "And": lambda n, a: a[0] & a[1], "Or": lambda n, a: a[0] | a[1],
    "Xor": lambda n, a: a[0] ^ a[1],
    "Where": lambda n, a: numpy.where(a[0], a[1], a[2]),
    "Min": lambda n, a: numpy.minimum.reduce(a), "Max": lambda n, a: numpy.maximum.reduce(a),
    "ReduceProd": _reduce(numpy.prod), "ReduceSum": _reduce(numpy.sum), "ReduceMin": _reduce(numpy.min),
    "ReduceMax": _reduce(numpy.max), "ReduceMean": _reduce(numpy.mean),
    "Expand": lambda n, a: numpy.broadcast_to(a[0], numpy.broadcast_shapes(a[0].shape, tuple(ints(a[1])))),
    "NonZero": lambda n, a: numpy.array(numpy.nonzero(a[0]), numpy.int64),
    "Trilu": lambda n, a: (numpy.triu if n.attrs.get("upper", 1) else numpy.tril)(a[0], int(a[1]) if len(a) > 1 else 0),
}
WIDE = ("Gather", "Concat", "Add", "Sub", "Mul", "Div", "Pow", "Mod", "Equal", "Less", "Greater", "LessOrEqual",
        "GreaterOrEqual", "And", "Or", "Xor", "Where", "Min", "Max", "Expand")


def enlarges(node, data):
    """Whether the result would be far larger than what it is made of, before it is made."""
    sizes = [d.size for d in data if d is not None]
    if node.op == "Gather":
        return sizes[0] * sizes[1] > MOST_ELEMENTS * max(1, data[0].shape[node.attrs.get("axis", 0)])
    if node.op == "Concat":
        return sum(sizes) > MOST_ELEMENTS
    shapes = [tuple(ints(data[1])) if node.op == "Expand" and i == 1 else d.shape for i, d in enumerate(data)]
    return prod(max(sizes) for sizes in zip_longest(*(s[::-1] for s in shapes), fillvalue=1)) > MOST_ELEMENTS


def fold(node, inputs):
    """The data of a node's outputs, None where it is not known, if that of its inputs is."""
    data = [None if v is None else v.data for v in inputs]
    function = FOLDED.get(node.op)
    if function is None or node.domain or any(v is not None and v.data is None for v in inputs):
        return None
    try:
        with numpy.errstate(all="ignore"):
            result = None if node.op in WIDE and enlarges(node, data) else function(node, data)
    except Fault:
        raise
    except Exception as error:
        raise Fault(f"cannot be computed: {error}") from None
    if result is None:
        return None
    results = [numpy.asarray(part) for part in (result if isinstance(result, list) else [result])]
    return results if all(part.size <= MOST_ELEMENTS for part in results) else None
