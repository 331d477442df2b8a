"""What a node makes of constants and learned tensors: their data where it is small, else their shape."""

from math import prod

import numpy

from onnx_network.constants import (DTYPES, axes_given, axis_of, cut_indices, fold, ints, read_tensor, resolve_reshape,
                                    split_sizes, target_type)
from onnx_network.values import Constant, Fault, Learned, broadcast

SAME = ("Identity", "Cast", "CastLike", "Relu", "Sigmoid", "Tanh", "Clip", "Softmax", "LogSoftmax", "Exp", "Neg",
        "Sqrt", "Abs", "Log", "Sin", "Cos", "Sign", "Reciprocal", "Erf", "Softplus", "Floor", "Ceil", "Round", "Not",
        "Dropout",
        "LeakyRelu", "Elu", "Gelu", "HardSigmoid", "HardSwish", "ScatterND", "ScatterElements", "Scatter", "CumSum",
        "BatchNormalization", "InstanceNormalization", "LayerNormalization", "Trilu", "QuantizeLinear",
        "DequantizeLinear", "LpNormalization")
TOGETHER = ("Add", "Sub", "Mul", "Div", "Pow", "Mod", "Where", "Min", "Max", "Sum", "Mean", "Equal", "Less", "Greater",
            "LessOrEqual", "GreaterOrEqual", "And", "Or", "Xor", "PRelu")
REDUCTIONS = ("ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2",
              "ReduceSumSquare", "ReduceLogSum", "ReduceLogSumExp")


def _concat(node, values, shape):
    axis = axis_of(node.attrs.get("axis", 1), len(shape))
    return shape[:axis] + (sum(v.shape[axis] for v in values),) + shape[axis + 1:]


def _gather(node, values, shape):
    axis = axis_of(node.attrs.get("axis", 0), len(shape))
    return shape[:axis] + values[1].shape + shape[axis + 1:]


def _matmul(node, values, shape):
    a, b = shape, values[1].shape
    if len(a) < 2 or len(b) < 2:
        return None
    return tuple(broadcast([a[:-2], b[:-2]])) + (a[-2], b[-1])


def _reduced(node, values, shape):
    axes = axes_given(node, [None if v is None else v.data for v in values])
    if len(values) > 1 and values[1] is not None and axes is None:
        return None
    if not axes and node.attrs.get("noop_with_empty_axes"):
        return shape
    axes = {axis_of(a, len(shape)) for a in axes} if axes else set(range(len(shape)))
    keep = node.attrs.get("keepdims", 1)
    return tuple(1 if i in axes else d for i, d in enumerate(shape) if keep or i not in axes)


def _dropped(node, values, shape):
    axes = axes_given(node, [None if v is None else v.data for v in values])
    if axes is None:
        return tuple(d for d in shape if d != 1)
    axes = {axis_of(a, len(shape)) for a in axes}
    return tuple(d for i, d in enumerate(shape) if i not in axes)


def _added(node, values, shape):
    axes = axes_given(node, [None if v is None else v.data for v in values])
    rank = len(shape) + len(axes)
    axes, dims = {axis_of(a, rank) for a in axes}, iter(shape)
    return tuple(1 if i in axes else next(dims) for i in range(rank))


def _cut(node, values, shape):
    index = cut_indices(len(shape), node, [None if v is None else v.data for v in values])
    return tuple(len(range(*i.indices(d))) for i, d in zip(index, shape))


def _padded(node, values, shape):
    pads = node.attrs.get("pads") or node.attrs.get("paddings") or ints(values[1].data)
    return tuple(d + pads[i] + pads[i + len(shape)] for i, d in enumerate(shape))


def _flat(node, values, shape):
    axis = node.attrs.get("axis", 1)
    axis = axis if axis >= 0 else axis + len(shape)
    return prod(shape[:axis]), prod(shape[axis:])


def _resized(node, values, shape):
    if len(values) > 3 and values[3] is not None:
        return tuple(ints(values[3].data))
    scales = values[2] if len(values) > 2 else values[1]
    return tuple(int(d * s) for d, s in zip(shape, scales.data.reshape(-1)))


# each gives the shape of the first output of (node, values, shape of the first input)
SHAPES = {
    "Concat": _concat, "Gather": _gather, "MatMul": _matmul, "Squeeze": _dropped, "Unsqueeze": _added, "Slice": _cut,
    "Pad": _padded, "Flatten": _flat, "Resize": _resized, "Upsample": _resized,
    "Transpose": lambda n, v, s: tuple(s[i] for i in n.attrs.get("perm") or range(len(s))[::-1]),
    "Reshape": lambda n, v, s: tuple(resolve_reshape(
        s, list(n.attrs["shape"]) if "shape" in n.attrs else ints(v[1].data), n.attrs.get("allowzero"))),
    "Expand": lambda n, v, s: tuple(broadcast([s, tuple(ints(v[1].data))])),
    "Tile": lambda n, v, s: tuple(d * r for d, r in zip(s, ints(v[1].data))),
    "ConstantOfShape": lambda n, v, s: tuple(ints(v[0].data)),
}
SHAPES.update({op: lambda n, v, s: s for op in SAME})
SHAPES.update({op: lambda n, v, s: tuple(broadcast([i.shape for i in v if i is not None])) for op in TOGETHER})
SHAPES.update({op: _reduced for op in REDUCTIONS})


def shapes_of(node, values):
    """The shapes of a node's outputs, None for those that cannot be told."""
    unknown = [None] * len(node.outputs)
    if node.domain or not values or values[0] is None or values[0].shape is None:
        return unknown
    if node.op == "Split":
        axis = axis_of(node.attrs.get("axis", 0), len(values[0].shape))
        sizes = split_sizes(values[0].shape[axis], node, [None if v is None else v.data for v in values])
        return [values[0].shape[:axis] + (size,) + values[0].shape[axis + 1:] for size in sizes]
    function = SHAPES.get(node.op)
    if function is None:
        return unknown
    try:
        shape = function(node, values, values[0].shape)
    except (Fault, KeyError):
        raise
    except Exception:  # an operand whose data is not known
        return unknown
    return [shape if shape is None or all(0 <= d < 1 << 53 for d in shape) else None] + unknown[1:]


def constant_node(node):
    """The value of a Constant node."""
    for key, value in node.attrs.items():
        if key == "value":
            return read_tensor(value)
        if key == "sparse_value":
            return Constant(tuple(value.dims))
        if key in ("value_float", "value_floats"):
            return Constant(numpy.shape(value), numpy.asarray(value, numpy.float32))
        return Constant(numpy.shape(value), numpy.asarray(value))
    return Constant(None)


def is_float_node(node):
    """Whether a Constant or ConstantOfShape makes floats."""
    value = node.attrs.get("value")
    if node.op == "ConstantOfShape":
        return value is None or numpy.dtype(DTYPES.get(value.data_type, numpy.int64)).kind == "f"
    if value is not None:
        return numpy.dtype(DTYPES.get(value.data_type, numpy.int64)).kind == "f"
    return "value_float" in node.attrs or "value_floats" in node.attrs


def _is_whole(node):
    """Whether a node makes integers or truths of whatever it reads, which nobody learns."""
    if node.op == "Cast":
        kind = target_type(node)
        return kind is not None and numpy.dtype(kind).kind != "f"
    return node.op in ("Equal", "Less", "Greater", "LessOrEqual", "GreaterOrEqual", "Not", "And", "Or", "Xor",
                       "NonZero", "ArgMax", "ArgMin", "QuantizeLinear")


def fixed_outputs(node, values):
    """The outputs of a node whose inputs are all constants or learned."""
    if node.op == "Constant":
        return [constant_node(node)]
    sources = {}
    for v in values:
        sources.update(getattr(v, "sources", {}))
    measured = any(getattr(v, "measured", False) for v in values)
    data = fold(node, values) if not measured else None
    shapes = [d.shape for d in data] if data is not None else shapes_of(node, values)
    data = data or [None] * len(shapes)
    if sources and not _is_whole(node) and not measured:
        return [Learned(s, sources, d) for s, d in zip(shapes, data)]
    return [Constant(s, d, measured) for s, d in zip(shapes, data)]
