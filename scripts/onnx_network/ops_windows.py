"""Operators with windows: convolutions and pools; Resize and Pad."""

from math import prod

from onnx_network.operands import axes_of, data, ints, pair
from onnx_network.values import Activation, Fault, sample_dims, sample_shape


def spatial(c, value):
    """The value as [C,H,W], a height of 1 for signals."""
    if value.axis != 0 or value.shape[0] != c.batch or len(value.shape) not in (3, 4):
        raise Fault(f"of {list(value.shape)}: expected [batch, channels, height, width] or one dimension less")
    shape = list(value.shape[1:])
    return [shape[0], 1, shape[1]] if len(shape) == 2 else shape


def pad_member(pads):
    """Pads as short as they can be written; nothing where there are none."""
    if len(set(pads)) == 1:
        return pads[0] or None
    return pads[:2] if pads[:2] == pads[2:] else pads


def window(node, kernel, shape, what=("kernel", "stride", "pad", "dilation")):
    """Members of a window; one-dimensional windows get a height of 1."""
    flat = len(kernel) == 1
    strides = list(node.attrs.get("strides") or [1] * len(kernel))
    dilations = list(node.attrs.get("dilations") or [1] * len(kernel))
    pads = list(node.attrs.get("pads") or [0] * 2 * len(kernel))
    kernel = list(kernel)
    if flat:
        kernel, strides, dilations, pads = [1] + kernel, [1] + strides, [1] + dilations, [0, pads[0], 0, pads[1]]
    if len(kernel) != 2:
        raise Fault(f"has a window of {len(kernel)} dimensions, expected 1 or 2")
    if min(kernel + strides + dilations) < 1:
        raise Fault(f"has a kernel of {kernel}, strides {strides} and dilations {dilations}, expected at least 1")
    auto = node.attrs.get("auto_pad", b"NOTSET").decode()
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        total = [max(0, (-(-shape[1 + i] // strides[i]) - 1) * strides[i] + (kernel[i] - 1) * dilations[i] + 1
                     - shape[1 + i]) for i in (0, 1)]
        less, more = [t // 2 for t in total], [t - t // 2 for t in total]
        pads = less + more if auto == "SAME_UPPER" else more + less
    if any(p < 0 for p in pads):
        raise Fault(f"has negative padding {pads}")
    members = {"kernel": pair(kernel)}
    if strides != [1, 1] or "stride" not in what:
        members["stride"] = pair(strides)
    if any(pads):
        members["pad"] = pad_member(pads)
    if dilations != [1, 1]:
        members["dilation"] = pair(dilations)
    return members, kernel, strides, pads, dilations


def finish(c, value, name, net):
    if min(net) < 1:
        raise Fault(f"makes {net} of {list(value.shape[1:])}: its window does not fit")
    shape = [c.batch, net[0]] + (net[2:] if len(value.shape) == 3 else net[1:])
    return Activation(name, net, shape, 0)


def transposed_pads(node, shape, kernel, strides, pads, dilations, extra):
    """What a transposed convolution takes away at each side, which ONNX may say by the size of its output."""
    wanted = list(node.attrs.get("output_shape") or [])[-2:]
    auto = node.attrs.get("auto_pad", b"NOTSET").decode()
    if not wanted and not auto.startswith("SAME"):
        return pads
    wanted = wanted or [s * d for s, d in zip(strides, shape[1:])]
    wanted = [1] * (2 - len(wanted)) + wanted
    total = [strides[i] * (shape[1 + i] - 1) + extra[i] + (kernel[i] - 1) * dilations[i] + 1 - wanted[i] for i in (0, 1)]
    if min(total) < 0:
        raise Fault(f"makes {wanted} of {shape[1:]}, more than its kernel and stride do")
    less, more = [t // 2 for t in total], [t - t // 2 for t in total]
    return less + more if auto == "SAME_UPPER" else more + less


def convolution(transposed):
    def convert(c, node, values):
        x, weight = values[0], values[1]
        if isinstance(weight, Activation) or weight.shape is None or len(weight.shape) != len(x.shape):
            raise Fault("has weights that are not fixed, or of another rank than its input")
        shape = spatial(c, x)
        groups = node.attrs.get("group", 1)
        members, kernel, strides, pads, dilations = window(node, weight.shape[2:], shape)
        out = weight.shape[1] * groups if transposed else weight.shape[0]
        if shape[0] != (weight.shape[0] if transposed else weight.shape[1] * groups):
            raise Fault(f"has weights of shape {list(weight.shape)} for {shape[0]} channels")
        c.fresh(weight, *values[2:3])
        bias = len(values) > 2 and values[2] is not None
        folded = getattr(x, "padded", None)
        if folded and not transposed:
            x, extra = folded
            shape = spatial(c, x)
            pads = [p + e for p, e in zip(pads, extra)]
            members.update(pad=pad_member(pads))
        if transposed:
            extra = list(node.attrs.get("output_padding") or [0] * (len(x.shape) - 2))
            extra = [0] + extra if len(extra) == 1 else extra
            pads = transposed_pads(node, shape, kernel, strides, pads, dilations, extra)
            members.update(pad=pad_member(pads))
            sizes = [(shape[1 + i] - 1) * strides[i] - pads[i] - pads[i + 2] + dilations[i] * (kernel[i] - 1) + 1
                     + extra[i] for i in (0, 1)]
            if any(extra):
                members["output_pad"] = pair(extra)
        else:
            sizes = [(shape[1 + i] + pads[i] + pads[i + 2] - dilations[i] * (kernel[i] - 1) - 1) // strides[i] + 1
                     for i in (0, 1)]
        name = c.layer(node.title(), "conv_transpose" if transposed else "conv", [c.tensor(x, shape)],
                       out_channels=out, **members, groups=groups if groups > 1 else None, bias=bias or None)
        return finish(c, x, name, [out] + sizes)
    return convert


def pool(op):
    def convert(c, node, values):
        x = values[0]
        shape = spatial(c, x)
        members, kernel, strides, pads, dilations = window(node, node.attrs["kernel_shape"], shape, ())
        if dilations != [1, 1]:
            raise Fault("is dilated, which is not supported; the closest that is: one without dilation")
        if len(node.outputs) > 1 and node.outputs[1] in c.graph.consumers:
            raise Fault("hands its indices on, which is not supported")
        ceil = bool(node.attrs.get("ceil_mode", 0))
        sizes = []
        for i in (0, 1):
            room = shape[1 + i] + pads[i] + pads[i + 2] - kernel[i]
            last = -(-room // strides[i]) if ceil else room // strides[i]
            if ceil and last > 0 and last * strides[i] >= shape[1 + i] + pads[i]:
                last -= 1
            sizes.append(last + 1)
        if kernel == [1, 1] and strides == [1, 1] and not any(pads):
            return x
        name = c.layer(node.title(), op, [c.tensor(x, shape)], **members, ceil_mode=ceil or None)
        return finish(c, x, name, [shape[0]] + sizes)
    return convert


def global_pool(c, node, values):
    shape = spatial(c, values[0])
    if shape[1] * shape[2] == 1:
        return values[0]
    name = c.layer(node.title(), "global_avg_pool", [c.tensor(values[0], shape)])
    return finish(c, values[0], name, [shape[0], 1, 1])


def global_max_pool(c, node, values):
    shape = spatial(c, values[0])
    name = c.layer(node.title(), "max_pool", [c.tensor(values[0], shape)], kernel=pair(shape[1:]))
    return finish(c, values[0], name, [shape[0], 1, 1])


def mean(c, node, values):
    """A mean over adjacent dimensions is a pool over all of them."""
    x = values[0]
    rank = len(x.shape)
    axes = axes_of(node, values)
    axes = sorted(a % rank for a in axes) if axes is not None else list(range(rank))
    if axes != list(range(axes[0], axes[-1] + 1)) or x.axis in axes:
        raise Fault("is over the batch or over dimensions apart, which is not supported; the closest that is: "
                    "a mean over adjacent dimensions")
    dims = sample_dims(x.shape, x.axis, c.batch)
    before = prod(d for i, d in dims if i < axes[0])
    middle = prod(x.shape[a] for a in axes)
    after = prod(d for i, d in dims if i > axes[-1])
    keep = node.attrs.get("keepdims", 1)
    shape = [1 if i in axes else d for i, d in enumerate(x.shape) if keep or i not in axes]
    axis = x.axis if keep or x.axis < axes[0] else x.axis - len(axes)
    if middle == 1:
        return c.reshape(x, shape)
    if after == 1 and rank == 4 and axes == [2, 3]:
        name = c.layer(node.title(), "global_avg_pool", [c.tensor(x)])
    else:
        name = c.layer(node.title(), "avg_pool", [c.tensor(x, [before, middle, after])], kernel=[middle, 1])
    return Activation(name, [before, 1, after], shape, axis, x.outer)


def resize(c, node, values):
    x = values[0]
    shape = spatial(c, x)
    rank = len(x.shape)
    if node.op == "Upsample" or len(values) == 2:
        scales = node.attrs.get("scales") or data(values[1], "scales")
        sizes = [int(d * s) for d, s in zip(x.shape, scales)]
    elif len(values) > 3 and values[3] is not None:
        sizes = ints(data(values[3], "sizes"))
    else:
        sizes = [int(d * s) for d, s in zip(x.shape, data(values[2], "scales").reshape(-1))]
    if len(sizes) != rank or sizes[:2] != list(x.shape[:2]):
        raise Fault(f"makes {sizes} of {list(x.shape)}, expected new heights and widths only")
    if sizes == list(x.shape):
        return x
    size = [1] * (4 - rank) + sizes[2:]
    name = c.layer(node.title(), "upsample", [c.tensor(x, shape)], size=size)
    return finish(c, x, name, [shape[0]] + size)


def pad(c, node, values):
    x = values[0]
    rank = len(x.shape)
    pads = list(node.attrs.get("pads") or ints(data(values[1], "padding")))
    if len(values) > 3 and values[3] is not None:
        axes = [a % rank for a in ints(data(values[3], "axes"))]
        full = [0] * 2 * rank
        for i, a in enumerate(axes):
            full[a], full[a + rank] = pads[i], pads[i + len(axes)]
        pads = full
    if len(pads) != 2 * rank or any(p < 0 for p in pads):
        raise Fault(f"has the padding {pads}, expected {2 * rank} numbers that are not negative")
    if not any(pads):
        return x
    shape = [d + pads[i] + pads[i + rank] for i, d in enumerate(x.shape)]
    if pads[x.axis] or pads[x.axis + rank]:
        raise Fault("works along the batch")
    readers = c.graph.consumers.get(node.outputs[0], [])
    zero = node.attrs.get("mode", b"constant") == b"constant" and not any(
        v is None or v.data is None or float(v.data.reshape(-1)[0]) != 0 for v in values[2:3] if v is not None)
    if zero and rank == 4 and not any(pads[:2] + pads[4:6]) and readers and all(
            r.op == "Conv" and r.inputs[0] == node.outputs[0] for r in readers) and \
            node.outputs[0] not in c.graph.outputs and node.attrs.get("value", 0) == 0:
        result = Activation("", [], shape, x.axis)
        result.padded = (x, pads[2:4] + pads[6:8])
        return result
    kept = [i for i, _ in sample_dims(x.shape, x.axis, c.batch)]
    name = c.layer(node.title(), "pad", [c.tensor(x)], before=[pads[i] for i in kept],
                   after=[pads[i + rank] for i in kept])
    result = Activation(name, [], shape, x.axis, x.outer)
    result.net = sample_shape(result, c.batch)
    return result
