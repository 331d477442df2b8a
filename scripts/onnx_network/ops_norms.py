"""Normalisations, and the layers that exporters write as several nodes."""

from math import prod

import numpy

from onnx_network.operands import axes_of, axis_of, grown, operand
from onnx_network.ops_reduce import reduce_run
from onnx_network.ops_shapes import new_shape
from onnx_network.values import Constant, Fault, sample_shape, unsupported


def is_trivial(scale, bias):
    """Factors of 1 and offsets of 0 that are written into the graph: of a norm that learns neither."""
    return all(operand is None or isinstance(operand[1], Constant) and operand[1].data is not None
               and bool(numpy.all(operand[1].data == neutral)) for operand, neutral in ((scale, 1), (bias, 0)))


def affine_norm(c, node, x, scale, bias, **members):
    """
    A norm of (name, value) `scale` and `bias`, which are its factors and offsets if both are learned; otherwise they
    come behind.
    """
    if members["kind"] != "batch" and is_trivial(scale, bias):
        scale = bias = None
    learned = [c.learning.in_slot(*v) if v is not None else 0 for v in (scale, bias)]
    shape, axis = sample_shape(x, c.batch), members.get("axis")
    own = shape[0] if axis is None else prod(shape[axis:])  # as many factors as the layer has by itself
    whole = learned[0] == learned[1] == own
    result = c.unary(node.title(), "norm", x, **members, affine=None if whole else False)
    if not whole and learned[0]:
        result = c.unary(node.title() + ".weight", "scale", result, parameters=learned[0])
    if not whole and learned[1]:
        result = c.unary(node.title() + ".bias", "bias", result, parameters=learned[1])
    return result


def only_first(c, node, outputs):
    """Statistics that a norm hands on are no tensors of the network."""
    for name in outputs:
        if name and (name in c.graph.consumers or name in c.graph.outputs):
            raise unsupported(f"hands on its statistics {name!r}, which is not supported")


def check_count(x, operands, *counts):
    """That a norm has as many factors and offsets as it can have."""
    for _, value in (v for v in operands if v is not None and v[1].shape is not None):
        if prod(value.shape) not in counts:
            raise Fault(f"has factors or offsets of shape {list(value.shape)} for {list(x.shape)}")


def batch_norm(c, node, values):
    check_count(values[0], (operand(node, values, 1), operand(node, values, 2)), values[0].shape[1] if
                node.attrs.get("spatial", 1) else prod(values[0].shape[1:]))
    only_first(c, node, node.outputs[3:] if len(node.outputs) > 3 else [])
    return affine_norm(c, node, values[0], operand(node, values, 1), operand(node, values, 2), kind="batch")


def instance_norm(c, node, values):
    check_count(values[0], (operand(node, values, 1), operand(node, values, 2)), values[0].shape[1])
    return affine_norm(c, node, values[0], operand(node, values, 1), operand(node, values, 2), kind="instance")


def group_normalization(c, node, values):
    """Of opset 18 with factors for each group, and of 21 for each channel."""
    groups, channels = node.attrs["num_groups"], values[0].shape[1]
    if groups < 1 or channels % groups:
        raise Fault(f"has {groups} groups for {channels} channels")
    check_count(values[0], (operand(node, values, 1), operand(node, values, 2)), groups, channels)
    return affine_norm(c, node, values[0], operand(node, values, 1), operand(node, values, 2), kind="group",
                       groups=groups)


def last_axes(c, x, axes):
    """
    The members of a norm over dimensions. Where these are not the last ones the statistics of each sample are of all
    its elements: no fewer bytes than of some.
    """
    rank = len(x.shape)
    axes = sorted(axis_of(a, rank) for a in axes)
    if x.axis in axes:
        raise Fault("normalises along the batch" + c.where_merged(x))
    if axes != list(range(axes[0], rank)):
        return {"kind": "layer"}
    return {"kind": "layer", "axis": c.sample_axis(x, axes[0])}


def layer_norm(c, node, values):
    x, rank = values[0], len(values[0].shape)
    axes = range(axis_of(node.attrs.get("axis", -1), rank), rank)
    check_size(x, operand(node, values, 1), operand(node, values, 2))
    results = [affine_norm(c, node, x, operand(node, values, 1), operand(node, values, 2), **last_axes(c, x, axes))]
    for name in node.outputs[1:]:  # mean and deviation, where they are wanted
        wanted = name and (name in c.graph.consumers or name in c.graph.outputs)
        results.append(reduce_run(c, node, x, axes[0], rank - 1) if wanted else None)
    return results


def rms_norm(c, node, values):
    return layer_norm(c, node, values)


def unit_norm(c, node, values):
    """LpNormalization: each vector over its length."""
    members = last_axes(c, values[0], [node.attrs.get("axis", -1)])
    return c.unary(node.title(), "norm", values[0], kind="layer", affine=False, axis=members.get("axis"))


def mean_variance(c, node, values):
    x = values[0]
    axes = node.attrs.get("axes", [0, 2, 3])
    if c.graph.opset < 9:
        axes = [0, 1, 2, 3] if node.attrs.get("across_channels") else [0, 2, 3]
    axes = {axis_of(a, len(x.shape)) for a in axes}
    channels = 1 in axes
    kind = "batch" if x.axis in axes else "layer" if channels else "instance"
    if kind == "batch" and channels:
        raise unsupported("normalises over the batch and the channels, which is not supported")
    return c.unary(node.title(), "norm", x, kind=kind, affine=False)


def behind(c, x, name):
    """(name, value) of what is learned behind a norm; nothing where it is one number that is not."""
    if not name:
        return None
    value = c.values[name]
    number = value.shape is not None and prod(value.shape) == 1
    return None if number and not c.learning.operand(x, name, value) else (name, value)


def convert_match(c, node, match):
    x = c.values[match.source]
    node.alone = node.alone or {n.scope() for n in match.nodes} == {node.scope()}
    scale, bias = (behind(c, x, name) for name in (match.scale, match.bias))
    if match.op != "group_norm":
        check_size(x, scale, bias)
    first = match.nodes[0]
    first = next((n for n in match.nodes if n.op in ("InstanceNormalization", "Div")), first)
    if match.op == "layer_norm":
        return affine_norm(c, first, x, scale, bias, **last_axes(c, x, _axes(c, match.members["mean"])))
    if match.op == "group_norm":
        return grouped(c, first, x, scale, bias, match)
    if match.op == "unit_norm":
        axis = last_axes(c, x, _axes(c, match.members["length"])).get("axis")
        return c.unary(node.title(), "norm", x, kind="layer", affine=False, axis=axis)
    return c.unary(node.title(), match.op, x)


def grouped(c, node, x, scale, bias, match):
    """A group norm written as a reshape to the groups, an instance norm of these and a reshape, perhaps back."""
    to, norm, back = (match.members[name] for name in ("to", "norm", "back"))
    shape = new_shape(to, [c.values.get(name) for name in to.inputs], x.shape)
    after = new_shape(back, [c.values.get(name) for name in back.inputs], shape)
    if len(shape) < 3 or shape[0] != c.batch or x.axis != 0:
        raise unsupported("normalises what is no group of channels of one sample, which is not supported")
    own = [(name, c.values[name]) for name in norm.inputs[1:3]]
    if all(is_neutral(value, number, match.scale is not None) for (_, value), number in zip(own, (1, 0))):
        own = [None, None]
    if tuple(after) == x.shape and own == [None, None]:
        check_size(x, scale, bias)
        return affine_norm(c, node, x, scale, bias, kind="group", groups=shape[1])
    x = c.reshape(affine_norm(c, node, x, *own, kind="group", groups=shape[1]), after)
    check_size(x, scale, bias)
    for op, what in (("scale", scale), ("bias", bias)):
        learned = c.learning.in_slot(*what) if what is not None else 0
        x = c.unary(f"{back.title()}.{op}", op, x, parameters=learned) if learned else x
    return x


def is_neutral(value, number, otherwise):
    """Whether all elements of a fixed operand are this number; `otherwise` where they are not known."""
    return otherwise if value.data is None else bool(numpy.all(value.data == number))


def check_size(x, scale, bias):
    """Factors and offsets behind a norm of what they belong to."""
    if grown(x, [v[1] for v in (scale, bias) if v is not None and v[1].shape is not None]) != x.shape:
        raise unsupported("is a norm whose factors or offsets enlarge what it makes, which is not supported")


def _axes(c, node):
    """The axes of a reduction, all where none are given."""
    axes = axes_of(node, [c.values.get(name) for name in node.inputs])
    return axes if axes is not None else range(len(c.values[node.inputs[0]].shape))
