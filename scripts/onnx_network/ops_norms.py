"""Normalisations, and the layers that exporters write as several nodes."""

from onnx_network.operands import axes_of, data, ints
from onnx_network.values import sample_shape


def affine_norm(c, node, x, scale, bias, **members):
    """A norm, with its factors and offsets if both are learned; otherwise they come behind."""
    learned = [c.fresh(v) for v in (scale, bias)] if scale is not None else [0, 0]
    whole = learned[0] > 0 and learned[0] == learned[1]
    if whole and members.get("axis") is None and learned[0] != sample_shape(x, c.batch)[0]:
        whole = False
    result = c.unary(node.title(), "norm", x, **members, affine=None if whole else False)
    if not whole and learned[0]:
        result = c.unary(node.title() + ".weight", "scale", result, parameters=learned[0])
    if not whole and learned[1]:
        result = c.unary(node.title() + ".bias", "bias", result, parameters=learned[1])
    return result


def batch_norm(c, node, values):
    return affine_norm(c, node, values[0], values[1], values[2], kind="batch")


def instance_norm(c, node, values):
    return affine_norm(c, node, values[0], values[1], values[2], kind="instance")


def layer_norm_axis(c, node, x, axes):
    rank = len(x.shape)
    axis = min(a % rank for a in axes)
    if sorted(a % rank for a in axes) != list(range(axis, rank)):
        raise Fault("normalises dimensions that are not the last ones")
    return c.sample_axis(x, axis)


def layer_norm(c, node, values):
    x = values[0]
    axis = layer_norm_axis(c, node, x, range(node.attrs.get("axis", -1) % len(x.shape), len(x.shape)))
    bias = values[2] if len(values) > 2 else None
    return affine_norm(c, node, x, values[1], bias, kind="layer", axis=axis)


def convert_match(c, node, match):
    x = c.values[match.source]
    node.alone = node.alone or {n.scope() for n in match.nodes} == {node.scope()}
    scale = c.values[match.scale] if match.scale else None
    bias = c.values[match.bias] if match.bias else None
    first = match.nodes[0]
    first = next((n for n in match.nodes if n.op in ("InstanceNormalization", "Div")), first)
    if match.op == "layer_norm":
        axes = axes_of(match.members["mean"], [None] * 2 if len(match.members["mean"].inputs) < 2 else
                       [None, c.values[match.members["mean"].inputs[1]]])
        return affine_norm(c, first, x, scale, bias, kind="layer", axis=layer_norm_axis(c, node, x, axes))
    if match.op == "group_norm":
        shape = ints(data(c.values[match.members["shape"]], "groups"))
        return affine_norm(c, first, x, scale, bias, kind="group", groups=shape[1] if shape[1] else x.shape[1])
    if match.op == "unit_norm":
        return c.unary(node.title(), "norm", x, kind="layer", affine=False,
                       axis=layer_norm_axis(c, node, x, axes_of(match.members["length"], [None])))
    return c.unary(node.title(), match.op, x)
