"""Operators that enlarge, pad and crop."""

from onnx_network.operands import axes_of, axis_of, data, ints, small
from onnx_network.values import Activation, Fault, sample_dims, sample_shape
from onnx_network.windows import spatial


def wanted_sizes(c, node, values, x):
    """The sizes of all dimensions that a Resize or an Upsample makes."""
    rank = len(x.shape)
    if "width_scale" in node.attrs:  # opset 1
        scales = [1, 1, node.attrs["height_scale"], node.attrs["width_scale"]]
        return [int(d * s) for d, s in zip(x.shape, scales)]
    if node.op == "Upsample" or len(values) == 2 and c.graph.opset < 11:
        scales = node.attrs.get("scales") or data(values[1], "scales").reshape(-1)
        return [int(d * s) for d, s in zip(x.shape, scales)]
    axes = [axis_of(a, rank) for a in node.attrs.get("axes") or range(rank)]
    shape = list(x.shape)
    if len(values) > 3 and values[3] is not None:
        given = ints(data(values[3], "sizes"))
        policy = node.attrs.get("keep_aspect_ratio_policy", b"stretch")
        if policy != b"stretch":
            ratios = [g / x.shape[a] for a, g in zip(axes, given)]
            ratio = min(ratios) if policy == b"not_larger" else max(ratios)
            given = [int(ratio * x.shape[a] + 0.5) for a in axes]
    else:
        scales = data(values[2], "scales").reshape(-1)
        given = [int(x.shape[a] * s) for a, s in zip(axes, scales)]
    if len(given) != len(axes):
        raise Fault(f"has {len(given)} sizes or scales for {len(axes)} dimensions")
    for a, size in zip(axes, given):
        shape[a] = size
    return shape


def resize(c, node, values):
    x = values[0]
    sizes = wanted_sizes(c, node, values, x)
    if len(sizes) != len(x.shape) or min(sizes) < 1:
        raise Fault(f"makes {sizes} of {list(x.shape)}")
    changed = [i for i, (a, b) in enumerate(zip(x.shape, sizes)) if a != b]
    if not changed:
        return x
    if x.axis in changed:
        raise Fault(f"makes {sizes} of {list(x.shape)}, another batch")
    dims = sample_dims(sizes, x.axis, c.batch)
    if len(x.shape) in (3, 4, 5) and x.axis == 0 and x.shape[0] == c.batch and min(changed) > 1:
        shape = spatial(c, x)
        size = [1] * (len(x.shape) == 3) + sizes[2:]
        name = c.layer(node.title(), "upsample", [c.tensor(x, shape)], size=size)
        return Activation(name, [shape[0]] + size, sizes, 0)
    # in other dimensions than height and width: as one long row
    count, made = 1, 1
    for _, d in sample_dims(x.shape, x.axis, c.batch):
        count *= d
    for _, d in dims:
        made *= d
    name = c.layer(node.title(), "upsample", [c.tensor(x, [1, 1, count])], size=[1, made])
    return Activation(name, [1, 1, made], sizes, x.axis, x.outer)


def pads_of(node, values, rank):
    """(before, after) of all dimensions; negative ones crop."""
    pads = node.attrs.get("pads") or node.attrs.get("paddings")
    pads = list(pads) if pads is not None else ints(data(values[1], "padding"))
    axes = axes_of(node, values, 3)
    if axes is not None:
        axes = [axis_of(a, rank) for a in axes]
        full = [0] * 2 * rank
        for i, a in enumerate(axes):
            full[a], full[a + rank] = pads[i], pads[i + len(axes)]
        pads = full
    if len(pads) != 2 * rank:
        raise Fault(f"has the padding {pads}, expected {2 * rank} numbers")
    return pads[:rank], pads[rank:]


def is_zero(node, values):
    """Whether a Pad fills with zeros."""
    if node.attrs.get("mode", b"constant") != b"constant" or node.attrs.get("value", 0) != 0:
        return False
    return len(values) < 3 or values[2] is None or small(values[2]) == 0


def takes_padding(reader, name):
    """Whether a reader of a padded tensor is a convolution whose own padding this can be."""
    return reader.op == "Conv" and not reader.domain and reader.inputs.count(name) == 1 and reader.inputs[0] == name \
        and reader.attrs.get("auto_pad", b"NOTSET") in (b"NOTSET", b"VALID")


def pad(c, node, values):
    x = values[0]
    rank = len(x.shape)
    before, after = pads_of(node, values, rank)
    for axis in range(rank):  # crops first
        first, end = max(0, -before[axis]), x.shape[axis] - max(0, -after[axis])
        if (first, end) != (0, x.shape[axis]):
            x = c.slice(node.title() + ".crop", x, axis, first, end)
    before, after = [max(0, p) for p in before], [max(0, p) for p in after]
    if not any(before + after):
        return x
    if before[x.axis] or after[x.axis]:
        raise Fault("works along the batch" + c.where_merged(x))
    shape = [d + b + a for d, b, a in zip(x.shape, before, after)]
    readers = c.graph.consumers.get(node.outputs[0], [])
    if is_zero(node, values) and rank in (4, 5) and x.axis == 0 and not any(before[:2] + after[:2]) and readers and all(
            takes_padding(r, node.outputs[0]) for r in readers) and node.outputs[0] not in c.graph.outputs:
        result = Activation("", [], shape, x.axis)
        result.padded = (x, before[2:] + after[2:])
        return result
    kept = [i for i, _ in sample_dims(x.shape, x.axis, c.batch)]
    name = c.layer(node.title(), "pad", [c.tensor(x)], before=[before[i] for i in kept], after=[after[i] for i in kept])
    result = Activation(name, [], shape, x.axis, x.outer)
    result.net = sample_shape(result, c.batch)
    return result


def crop(c, node, values):
    """Of opset 1: border [left, top, right, bottom], and the size that is taken if that is given."""
    x = values[0]
    left, top, right, bottom = node.attrs["border"]
    high, wide = x.shape[2:]
    if "scale" in node.attrs:
        bottom, right = high - top - node.attrs["scale"][0], wide - left - node.attrs["scale"][1]
    x = c.slice(node.title(), x, 2, top, high - bottom)
    return c.slice(node.title(), x, 3, left, wide - right)
