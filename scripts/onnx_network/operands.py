"""What the operators' functions have in common: reading attributes and fixed inputs."""

from math import prod

import numpy

from onnx_network.constants import axes_given, axis_of, ints
from onnx_network.values import Activation, Constant, Fault, Learned, broadcast, sample_dims, unsupported

__all__ = ["added_parameters", "align_legacy", "alike", "axes_of", "axis_of", "broadcast_to", "data", "fixed_tensor",
           "grown", "ints", "of_one_sample", "operand", "passed", "same", "small"]


def data(value, what):
    if isinstance(value, Activation):
        raise unsupported(f"its {what} is computed from an activation, which is not supported")
    if value is None or value.data is None:
        raise Fault(f"its {what} is not known before it runs")
    return value.data


def small(value):
    """The number in an operand of one element, None if there is none or it is not known."""
    found = getattr(value, "data", None)
    return found.reshape(-1)[0].item() if found is not None and found.size == 1 else None


def operand(node, values, at):
    """(name, value) of an input that may be missing."""
    return (node.inputs[at], values[at]) if len(values) > at and values[at] is not None else None


def axes_of(node, values, at=1):
    if "axes" in node.attrs or len(values) <= at or values[at] is None:
        return axes_given(node, [], at)
    return ints(data(values[at], "axes"))


def alike(value):
    """Numbers of each axis as a member: one where they are equal."""
    value = list(value)
    return value[0] if len(set(value)) == 1 else value


def same(op, **members):
    def convert(c, node, values):
        return c.unary(node.title(), op, values[0], **members)
    return convert


def passed(c, node, values):
    return values[0]


def grown(x, fixed):
    """The shape of an activation that is combined with fixed operands."""
    if any(v.shape is None for v in fixed):
        raise Fault("has a fixed operand of unknown shape")
    return broadcast([x.shape, *(v.shape for v in fixed)])


def broadcast_to(c, node, x, fixed):
    """The activation, enlarged where fixed operands enlarge it."""
    shape = grown(x, fixed)
    return x if shape == x.shape else c.expand(node.title() + ".expand", x, shape)


def align_legacy(c, node, values):
    """Operands as numpy broadcasts them; before opset 7 the second one is placed by `axis`."""
    if c.graph.opset >= 7 or not node.attrs.get("broadcast") or len(values) != 2:
        return values
    a, b = values
    axis = node.attrs.get("axis", len(a.shape) - len(b.shape))
    axis = axis if axis >= 0 else axis + len(a.shape)
    shape = tuple(b.shape) + (1,) * (len(a.shape) - axis - len(b.shape))
    if isinstance(b, Activation):
        return [a, c.reshape(b, shape)]
    known = None if b.data is None else numpy.reshape(b.data, shape)
    return [a, Learned(shape, b.sources, known) if isinstance(b, Learned) else Constant(shape, known)]


def of_one_sample(c, value, whole, learned):
    """
    How many of the learned numbers in an operand of `whole` there are, where exporters have written them down once for
    each sample.
    """
    at = whole.axis - len(whole.shape) + len(value.shape)
    written = sum(getattr(value, "sources", {}).values()) == prod(value.shape)  # and not enlarged by a node
    if not learned or not written or c.batch == 1 or at < 0 or value.shape[at] == 1:
        return learned
    each = value.shape[at] // c.batch
    parts = None if value.data is None else numpy.moveaxis(value.data, at, 0).reshape(c.batch, -1)
    if whole.outer > 1 or each * c.batch != value.shape[at] or parts is not None and numpy.any(parts != parts[:1]):
        raise Fault(f"has an operand of shape {list(value.shape)} that differs between samples")
    c.remark(f"{c.place}: an operand of shape {list(value.shape)} is the same for {c.batch} samples and counts as that "
             "of one")
    return -(-learned // c.batch)


def fixed_tensor(c, title, value, whole, parameters):
    """A layer that makes a learned operand of each sample; its name."""
    rank = len(whole.shape)
    shape = [1] * (rank - len(value.shape)) + list(value.shape)
    if shape[whole.axis] not in (1, c.batch):
        raise Fault(f"has an operand of shape {list(value.shape)} that differs between samples")
    kept = [i for i, _ in sample_dims(whole.shape, whole.axis, c.batch)]
    return c.layer(title, "parameter", [], shape=[shape[i] for i in kept] or [1],
                   parameters=of_one_sample(c, value, whole, parameters))


def added_parameters(c, node, values, whole):
    """The names of layers that make the learned operands of a node of which no op has parameters."""
    names = []
    for name, value in zip(node.inputs, values):
        if isinstance(value, Learned) and value.shape is not None and prod(value.shape) > 1:
            names.append(fixed_tensor(c, node.title() + ".parameter", value, whole, c.learning.fresh(value)))
    return names
