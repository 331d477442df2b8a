"""Operators that work on each element."""

from math import prod

from onnx_network.operands import added_parameters, align_legacy, axis_of, broadcast_to, grown, of_one_sample, small
from onnx_network.values import Activation, Constant, Fault, sample_dims, unsupported

# functions whose gradient is nought wherever there is one
FLAT = ("Equal", "Less", "Greater", "LessOrEqual", "GreaterOrEqual", "Sign", "Floor", "Ceil", "Round", "IsNaN", "IsInf",
        "Hardmax")


def is_neutral(node, value, fixed_op, first):
    """Whether adding or multiplying by a constant changes nothing."""
    number = small(value) if isinstance(value, Constant) else None
    return first and number is not None and number == (0 if fixed_op == "bias" else 1)


def with_fixed(c, node, x, name, value, fixed_op):
    """An activation plus or times something fixed."""
    x = broadcast_to(c, node, x, [value])
    learned = of_one_sample(c, value, x, c.learning.operand(x, name, value))
    raw = x.raw and not learned
    x = c.unary(node.title(), fixed_op, x, parameters=learned or None)
    x.raw = raw
    return x


def arithmetic(op, fixed_op):
    def convert(c, node, values):
        values = align_legacy(c, node, values)
        named = list(zip(node.inputs, values))
        active = [v for v in values if isinstance(v, Activation)]
        fixed = [(n, v) for n, v in named if not isinstance(v, Activation)]
        if getattr(active[0], "has_bias", None) == node.number:
            return active[0]
        x = active[0]
        if len(active) > 1:
            x, names = c.aligned(active)
            x.name = c.layer(node.title(), op, names)
        for name, value in fixed:
            neutral = is_neutral(node, value, fixed_op, x is values[0]) or getattr(value, "measured", False)
            if neutral and grown(x, [value]) == x.shape:
                continue
            if node.op == "Div" and x is values[1]:
                x = c.unary(node.title(), "elementwise", broadcast_to(c, node, x, [value]))
                learned = c.learning.operand(x, name, value)
                x = c.unary(node.title() + ".scale", "scale", x, parameters=learned) if learned else x
            else:
                x = with_fixed(c, node, x, name, value, fixed_op)
        return x
    return convert


def rescaled(c, node, values):
    """Of opset 1: constants times the input, plus constants."""
    result = c.unary(node.title(), "scale", values[0])
    result.raw = values[0].raw
    return result


def clip(c, node, values):
    if any(isinstance(v, Activation) or v is not None and v.shape and prod(v.shape) > 1 for v in values[1:]):
        return elementwise(c, node, values)
    low, high = node.attrs.get("min"), node.attrs.get("max")
    low = values[1] if len(values) > 1 and low is None else low
    high = values[2] if len(values) > 2 and high is None else high
    if low is None and high is None:
        return values[0]
    return c.unary(node.title(), "relu" if low is None or high is None else "relu6", values[0])


def dropout(c, node, values):
    ratio = node.attrs.get("ratio", 0.5)
    if len(values) > 1 and small(values[1]) is not None:
        ratio = small(values[1])
    return values[0] if ratio == 0 else c.unary(node.title(), "dropout", values[0])


def softmax(c, node, values):
    """Before opset 13 over all dimensions from the axis on."""
    x, rank = values[0], len(values[0].shape)
    old = c.graph.opset < 13 and not node.domain
    first = axis_of(node.attrs.get("axis", 1 if old else -1), rank)
    along = x.axis in (range(first, rank) if old else [first])
    if along and not (old and c.batch == 1 and c.fixed_batch):
        raise Fault("works along the batch" + c.where_merged(x))
    over = [d for d in (range(first, rank) if old else [first]) if x.shape[d] > 1]
    channels = x.axis + 1 if rank - x.axis == 4 else None
    if over in ([], [rank - 1], [channels]):
        return c.unary(node.title(), "softmax", x)
    # a network file's softmax is over the last dimension or an image's channels: here rows are not of their own
    dims = sample_dims(x.shape, x.axis, c.batch)
    folded = [d for i, d in dims if i < first] + [prod(d for i, d in dims if i >= first)]
    return c.like(x, c.layer(node.title(), "softmax", [c.tensor(x, folded)]), folded)


def prelu(c, node, values):
    if isinstance(values[1], Activation):
        raise unsupported("has a slope that is computed, which is not supported")
    shape = values[1].shape
    x = values[0]
    if shape is not None and prod(shape) not in (1, x.shape[1]) and grown(x, [values[1]]) != x.shape:
        raise Fault(f"has slopes of shape {list(shape)} for {list(x.shape)}")
    slopes = c.learning.in_slot(node.inputs[1], values[1])
    if not slopes:  # a constant slope
        return c.unary(node.title(), "leaky_relu", values[0])
    return c.unary(node.title(), "prelu", values[0], parameters=slopes)


def elementwise(c, node, values):
    """A function that no other op stands for, of activations, constants and learned operands."""
    values = align_legacy(c, node, values)
    active = [v for v in values if isinstance(v, Activation)]
    fixed = [v for v in values if v is not None and not isinstance(v, Activation)]
    if fixed:
        shape = grown(c.aligned(active)[0], fixed)
        if shape != c.aligned(active)[0].shape:
            active[0] = c.expand(node.title() + ".expand", active[0], shape)
    whole, names = c.aligned(active)
    names += added_parameters(c, node, values, whole)
    whole.raw = all(v.raw for v in active) and len(names) == len(active)
    if node.op in FLAT and not whole.raw:
        c.remark(f"{node.place()}: {node.op} has no gradient; the plan counts one, as of any elementwise op")
    whole.name = c.layer(node.title(), "elementwise", names)
    return whole
