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
    TensorProto.INT8: numpy.int8, TensorProto.UINT8: numpy.uint8,
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


def ints(data):
    return [int(i) for i in numpy.asarray(data).reshape(-1)]


def _slice(x, node, args):
    if "starts" in node.attrs:
        starts, ends, axes, steps = node.attrs["starts"], node.attrs["ends"], node.attrs.get("axes"), None
    else:
        starts, ends = ints(args[1]), ints(args[2])
        axes = ints(args[3]) if len(args) > 3 and args[3] is not None else None
        steps = ints(args[4]) if len(args) > 4 and args[4] is not None else None
    index = [slice(None)] * x.ndim
    for i, (start, end) in enumerate(zip(starts, ends)):
        index[axes[i] if axes else i] = slice(start, end, steps[i] if steps else 1)
        if end < -x.shape[axes[i] if axes else i] and steps and steps[i] < 0:
            index[axes[i] if axes else i] = slice(start, None, steps[i])
    return x[tuple(index)]


def _axes(node, args):
    axes = node.attrs.get("axes")
    return axes if axes is not None else (ints(args[1]) if len(args) > 1 and args[1] is not None else None)


def _unsqueeze(x, node, args):
    axes = _axes(node, args)
    rank = x.ndim + len(axes)
    for axis in sorted(a % rank for a in axes):
        x = numpy.expand_dims(x, axis)
    return x


def _squeeze(x, node, args):
    axes = _axes(node, args)
    return numpy.squeeze(x, axis=None if axes is None else tuple(axes))


def _reshape(x, args):
    shape = ints(args[1])
    return x.reshape([x.shape[i] if d == 0 else d for i, d in enumerate(shape)])


def _divide(a, b):
    return a // b if numpy.asarray(a).dtype.kind in "iu" else a / b


def _fill(node, args):
    shape = ints(args[0])
    if numpy.prod(shape, dtype=object) > MOST_ELEMENTS:
        return None
    value = node.attrs.get("value")
    fill = numpy_helper.to_array(value).reshape(-1)[0] if value is not None else numpy.float32(0)
    return numpy.full(shape, fill)


def _range(args):
    start, limit, step = (a.item() for a in args)
    if (limit - start) / step > MOST_ELEMENTS:
        return None
    return numpy.arange(start, limit, step).astype(args[0].dtype)


FOLDED = {
    "Identity": lambda n, a: a[0],
    "Gather": lambda n, a: numpy.take(a[0], a[1].astype(numpy.int64), axis=n.attrs.get("axis", 0)),
    "Concat": lambda n, a: numpy.concatenate(a, axis=n.attrs["axis"]),
    "Slice": lambda n, a: _slice(a[0], n, a),
    "Unsqueeze": lambda n, a: _unsqueeze(a[0], n, a),
    "Squeeze": lambda n, a: _squeeze(a[0], n, a),
    "Reshape": lambda n, a: _reshape(a[0], a),
    "Transpose": lambda n, a: numpy.transpose(a[0], n.attrs.get("perm")),
    "Cast": lambda n, a: a[0].astype(DTYPES[n.attrs["to"]]),
    "Add": lambda n, a: a[0] + a[1], "Sub": lambda n, a: a[0] - a[1], "Mul": lambda n, a: a[0] * a[1],
    "Div": lambda n, a: _divide(a[0], a[1]), "Pow": lambda n, a: numpy.power(a[0], a[1]),
    "Mod": lambda n, a: numpy.mod(a[0], a[1]),
    "Floor": lambda n, a: numpy.floor(a[0]), "Ceil": lambda n, a: numpy.ceil(a[0]),
    "Neg": lambda n, a: -a[0], "Sqrt": lambda n, a: numpy.sqrt(a[0]), "Exp": lambda n, a: numpy.exp(a[0]),
    "Equal": lambda n, a: a[0] == a[1], "Not": lambda n, a: ~a[0], "Less": lambda n, a: a[0] < a[1],
    "Greater": lambda n, a: a[0] > a[1], "And": lambda n, a: a[0] & a[1], "Or": lambda n, a: a[0] | a[1],
    "Where": lambda n, a: numpy.where(a[0], a[1], a[2]),
    "Min": lambda n, a: numpy.minimum.reduce(a), "Max": lambda n, a: numpy.maximum.reduce(a),
    "ReduceProd": lambda n, a: numpy.prod(a[0], axis=tuple(n.attrs["axes"]) if "axes" in n.attrs else None,
                                          keepdims=bool(n.attrs.get("keepdims", 1))),
    "ConstantOfShape": _fill,
    "Expand": lambda n, a: numpy.broadcast_to(a[0], numpy.broadcast_shapes(a[0].shape, tuple(ints(a[1])))),
    "Range": lambda n, a: _range(a),
}


WIDE = ("Gather", "Concat", "Add", "Sub", "Mul", "Div", "Pow", "Mod", "Equal", "Less", "Greater", "And", "Or", "Where",
        "Min", "Max", "Expand")


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
    """The outputs of a node whose inputs are all constants."""
    data = [None if v is None else v.data for v in inputs]
    known = all(v is None or v.data is not None for v in inputs)
    if node.op == "Constant":
        for key, value in node.attrs.items():
            if key == "value":
                return [read_tensor(value)]
            return [Constant(numpy.shape(value), numpy.asarray(value))]
    function = FOLDED.get(node.op)
    if function is not None and known:
        try:
            with numpy.errstate(all="ignore"):
                result = None if node.op in WIDE and enlarges(node, data) else function(node, data)
        except Exception as error:
            raise Fault(f"cannot be computed: {error}") from None
        if result is not None:
            result = numpy.asarray(result)
            if result.size <= MOST_ELEMENTS:
                return [Constant(result.shape, result)]
            return [Constant(result.shape)]
    return [Constant(None) for _ in node.outputs]
