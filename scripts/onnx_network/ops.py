"""One function per ONNX operator that reads activations: which layers it is."""

from math import prod

from onnx_network.constants import _ints as ints
from onnx_network.values import Activation, Constant, Fault, broadcast, sample_dims, sample_shape


def data(value, what):
    if not isinstance(value, Constant) or value.data is None:
        raise Fault(f"its {what} is not known before it runs")
    return value.data


def axes_of(node, values, at=1):
    axes = node.attrs.get("axes")
    if axes is None and len(values) > at and values[at] is not None:
        axes = ints(data(values[at], "axes"))
    return axes


def pair(value):
    value = list(value)
    return value[0] if value[0] == value[1] else value


def same(op, **members):
    def convert(c, node, values):
        return c.unary(node.title(), op, values[0], **members)
    return convert


def passed(c, node, values):
    return values[0]


# ---- windows ----

def spatial(c, value):
    """The value as [C,H,W], a height of 1 for signals."""
    if value.axis != 0 or value.shape[0] != c.batch or len(value.shape) not in (3, 4):
        raise Fault(f"of {list(value.shape)}: expected [batch, channels, height, width] or one dimension less")
    shape = list(value.shape[1:])
    return [shape[0], 1, shape[1]] if len(shape) == 2 else shape


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
        members["pad"] = pads[0] if len(set(pads)) == 1 else pads[:2] if pads[:2] == pads[2:] else pads
    if dilations != [1, 1]:
        members["dilation"] = pair(dilations)
    return members, kernel, strides, pads, dilations


def finish(c, value, name, net):
    shape = [c.batch, net[0]] + (net[2:] if len(value.shape) == 3 else net[1:])
    return Activation(name, net, shape, 0)


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
            members["pad"] = pads[0] if len(set(pads)) == 1 else pads
        if transposed:
            extra = list(node.attrs.get("output_padding") or [0] * (len(x.shape) - 2))
            extra = [0] + extra if len(extra) == 1 else extra
            if node.attrs.get("output_shape"):
                raise Fault("has an output_shape, expected pads")
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


# ---- products ----

def linear(c, node, x, features, out, weight, bias):
    """A learned product over the last dimension."""
    if x.axis == len(x.shape) - 1:
        raise Fault("works along the batch")
    if x.shape[-1] != features:
        raise Fault(f"multiplies {list(x.shape)} by a matrix with {features} rows")
    c.fresh(weight, *([bias] if bias is not None else []))
    rows = [d for i, d in sample_dims(x.shape, x.axis, c.batch) if i < len(x.shape) - 1]
    rows = [] if prod(rows) == 1 else rows
    name = c.layer(node.title(), "fc", [c.tensor(x, rows + [features])], out_features=out,
                   axis=len(rows) or None, bias=True if bias is not None else None)
    return Activation(name, rows + [out], list(x.shape[:-1]) + [out], x.axis, x.outer)


def gemm(c, node, values):
    x, weight = values[0], values[1]
    if isinstance(weight, Activation) or not isinstance(x, Activation) or node.attrs.get("transA", 0):
        raise Fault("multiplies two activations, which is not supported; the closest that is: MatMul")
    if weight.shape is None or len(weight.shape) != 2:
        raise Fault("has weights of unknown shape")
    rows, out = weight.shape[::-1] if node.attrs.get("transB", 0) else weight.shape
    bias = values[2] if len(values) > 2 else None
    if isinstance(bias, Activation):
        raise Fault("adds an activation, which is not supported; the closest that is: MatMul and Add")
    return linear(c, node, x, rows, out, weight, bias)


def matmul(c, node, values):
    a, b = values
    if isinstance(a, Activation) and isinstance(b, Activation):
        return product(c, node, a, b)
    x, weight = (a, b) if isinstance(a, Activation) else (b, a)
    if weight.shape is None or x is b or len(weight.shape) != 2:
        raise Fault("has a fixed operand that is no matrix on the right, which is not supported; the closest that "
                    "is: activations times a matrix")
    plus = c.graph.only_consumer(node.outputs[0])
    bias = None
    if plus is not None and plus.op == "Add":
        other = plus.inputs[1 - plus.inputs.index(node.outputs[0])]
        value = c.values.get(other)
        if value is not None and not isinstance(value, Activation) and value.shape == (weight.shape[1],):
            bias = value
    result = linear(c, node, x, *weight.shape, weight, bias)
    if bias is not None:
        result.has_bias = plus.number
    return result


def product(c, node, a, b):
    members, operands = {}, []
    for operand, member in ((a, "transpose_a"), (b, "transpose_b")):
        if operand.swapped is not None:
            members[member] = True
            operand = operand.swapped
        operands.append(operand)
    rank = max(len(a.shape), len(b.shape))
    if len(a.shape) != len(b.shape) or rank < 3 or a.axis != b.axis or a.axis >= rank - 2 or a.outer > 1 or b.outer > 1:
        raise Fault(f"multiplies {list(a.shape)} and {list(b.shape)}: expected matrices of equal rank, the batch first")
    if a.shape[-1] != b.shape[-2]:
        raise Fault(f"multiplies {list(a.shape)} and {list(b.shape)}, whose inner sizes differ")
    shape = list(broadcast([a.shape[:-2], b.shape[:-2]])) + [a.shape[-2], b.shape[-1]]
    name = c.layer(node.title(), "matmul", [c.tensor(o) for o in operands], **members)
    result = Activation(name, [], shape, a.axis)
    result.net = sample_shape(result, c.batch)
    return result


# ---- elementwise ----

def arithmetic(op, fixed_op):
    def convert(c, node, values):
        active = [v for v in values if isinstance(v, Activation)]
        fixed = [v for v in values if not isinstance(v, Activation)]
        if getattr(active[0], "has_bias", None) == node.number:
            return active[0]
        if not fixed:
            whole, names = c.aligned(active)
            whole.name = c.layer(node.title(), op, names)
            return whole
        x = active[0]
        if len(values) > 2:
            raise Fault("has fixed operands among several, which is not supported")
        if fixed[0].shape is not None and broadcast([x.shape, fixed[0].shape]) != x.shape:
            raise Fault(f"has a fixed operand of shape {list(fixed[0].shape)} that enlarges {list(x.shape)}")
        neutral = 0 if fixed_op == "bias" else 1
        constant = getattr(fixed[0], "data", None)
        if constant is not None and constant.size == 1 and constant.reshape(-1)[0] == neutral and x is values[0]:
            return x
        if node.op == "Div" and x is values[1]:
            return c.unary(node.title(), "elementwise", x)
        learned = c.fresh(*fixed)
        return c.unary(node.title(), fixed_op, x, parameters=learned or None)
    return convert


def clip(c, node, values):
    low, high = node.attrs.get("min"), node.attrs.get("max")
    limits = [v.data.item() if v is not None and getattr(v, "data", None) is not None else None for v in values[1:3]]
    low = limits[0] if limits and low is None else low
    high = limits[1] if len(limits) > 1 and high is None else high
    return c.unary(node.title(), "relu6" if high is not None and low is not None else "relu", values[0])


def dropout(c, node, values):
    ratio = node.attrs.get("ratio", 0.5)
    if len(values) > 1 and values[1] is not None and getattr(values[1], "data", None) is not None:
        ratio = float(values[1].data)
    return values[0] if ratio == 0 else c.unary(node.title(), "dropout", values[0])


def prelu(c, node, values):
    if isinstance(values[1], Activation):
        raise Fault("has a slope that is computed, which is not supported")
    return c.unary(node.title(), "prelu", values[0], parameters=c.fresh(values[1]))


def elementwise(c, node, values):
    active = [v for v in values if isinstance(v, Activation)]
    whole, names = c.aligned(active)
    fixed = [v.shape for v in values if v is not None and not isinstance(v, Activation) and v.shape is not None]
    if node.op in ("Where", "Pow", "Min", "Max") and fixed and broadcast([whole.shape, *fixed]) != whole.shape:
        raise Fault("has a fixed operand that enlarges the others")
    whole.name = c.layer(node.title(), "elementwise", names)
    return whole


def opaque(c, node, values):
    """Any op: as large as the model says its output is, else as its first input."""
    first = next(v for v in values if isinstance(v, Activation))
    active = [v for v in values if isinstance(v, Activation)]
    proto = c.graph.types.get(node.outputs[0])
    from onnx_network.graph import input_shape
    shape = input_shape(proto) if proto is not None else None
    if shape and first.axis == 0 and first.outer == 1:
        shape = [c.batch] + shape[1:]
    if not shape or None in shape or first.axis >= len(shape) or shape[first.axis] != first.shape[first.axis]:
        shape = list(first.shape)
    result = Activation("", [], shape, first.axis, first.outer)
    result.net = sample_shape(result, c.batch)
    result.name = c.layer(node.title(), "elementwise", [c.tensor(v) for v in active], shape=result.net)
    return [result for _ in node.outputs]


# ---- norms ----

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


# ---- shapes ----

def reshape(c, node, values):
    x = values[0]
    target = ints(node.attrs["shape"] if "shape" in node.attrs else data(values[1], "new shape"))
    shape = [x.shape[i] if d == 0 and not node.attrs.get("allowzero") else d for i, d in enumerate(target)]
    if shape.count(-1) == 1:
        rest = prod(d for d in shape if d != -1)
        if rest <= 0 or prod(x.shape) % rest:
            raise Fault(f"makes {target} of {list(x.shape)}")
        shape[shape.index(-1)] = prod(x.shape) // rest
    if prod(shape) != prod(x.shape) or any(d < 1 for d in shape):
        raise Fault(f"makes {target} of {list(x.shape)}")
    return c.reshape(x, shape)


def flatten(c, node, values):
    x = values[0]
    axis = node.attrs.get("axis", 1) % (len(x.shape) + 1)
    return c.reshape(x, [prod(x.shape[:axis]), prod(x.shape[axis:])])


def squeeze(c, node, values):
    x = values[0]
    axes = axes_of(node, values)
    axes = [a % len(x.shape) for a in axes] if axes is not None else [
        i for i, d in enumerate(x.shape) if d == 1 and i != x.axis]
    if any(x.shape[a] != 1 for a in axes):
        raise Fault(f"drops dimensions {axes} of {list(x.shape)}, which are not 1")
    return c.reshape(x, [d for i, d in enumerate(x.shape) if i not in axes])


def unsqueeze(c, node, values):
    x = values[0]
    axes = axes_of(node, values)
    rank = len(x.shape) + len(axes)
    axes = {a % rank for a in axes}
    dims = iter(x.shape)
    return c.reshape(x, [1 if i in axes else next(dims) for i in range(rank)])


def transpose(c, node, values):
    x = values[0]
    rank = len(x.shape)
    order = list(node.attrs.get("perm") or range(rank)[::-1])
    if sorted(order) != list(range(rank)):
        raise Fault(f"has the order {order} for {rank} dimensions")
    swap = list(range(rank - 2)) + [rank - 1, rank - 2]
    readers = c.graph.consumers.get(node.outputs[0], [])
    if rank > 2 and order == swap and x.axis < rank - 2 and x.swapped is None and readers and all(
            r.op == "MatMul" for r in readers):
        shape = [x.shape[i] for i in order]
        return Activation("", [], shape, x.axis, x.outer, swapped=x)
    return c.permute(node.title(), x, order)


def concat(c, node, values):
    active = [v for v in values if isinstance(v, Activation)]
    rank = len(active[0].shape)
    axis = node.attrs["axis"] % rank
    place = (active[0].axis, active[0].outer)
    if any((v.axis, v.outer) != place or len(v.shape) != rank for v in active):
        raise Fault("joins tensors whose batches are in different dimensions")
    shape = list(active[0].shape)
    at = c.sample_axis(active[0], axis)
    names = []
    for v in values:
        if isinstance(v, Activation):
            names.append(c.tensor(v))
            continue
        if v.shape is None or len(v.shape) != rank:
            raise Fault("joins a fixed tensor of unknown shape")
        whole = Activation("", [], v.shape, *place)
        names.append(c.layer(node.title() + ".parameter", "parameter", [], shape=sample_shape(whole, c.batch),
                             parameters=c.fresh(v)))
    shape[axis] = sum(v.shape[axis] for v in values)
    if len(values) == 1:
        return values[0]
    result = Activation(c.layer(node.title(), "concat", names, axis=at or None), [], shape, *place)
    result.net = sample_shape(result, c.batch)
    return result


def split(c, node, values):
    x = values[0]
    axis = node.attrs.get("axis", 0) % len(x.shape)
    sizes = node.attrs.get("split")
    if sizes is None and len(values) > 1 and values[1] is not None:
        sizes = ints(data(values[1], "sizes"))
    if sizes is None:
        sizes = [x.shape[axis] // len(node.outputs)] * len(node.outputs)
    if sum(sizes) != x.shape[axis]:
        raise Fault(f"has the sizes {list(sizes)} for dimension {axis} of {list(x.shape)}")
    at, results = 0, []
    for i, size in enumerate(sizes):
        results.append(c.slice(f"{node.title()}.{i}", x, axis, at, at + size))
        at += size
    return results


def slices(c, node, values):
    x = values[0]
    starts = node.attrs.get("starts") or ints(data(values[1], "starts"))
    ends = node.attrs.get("ends") or ints(data(values[2], "ends"))
    axes = axes_of(node, values, 3) or range(len(starts))
    steps = ints(data(values[4], "steps")) if len(values) > 4 and values[4] is not None else [1] * len(starts)
    for start, end, axis, step in zip(starts, ends, axes, steps):
        axis %= len(x.shape)
        if step < 1:
            raise Fault(f"has the step {step}, expected a positive one")
        start, end, step = slice(start, end, step).indices(x.shape[axis])
        x = c.slice(node.title(), x, axis, start, end, step)
    return x


def gather(c, node, values):
    x = values[0]
    if not isinstance(x, Activation):
        raise Fault("looks up a table, which is not supported; the closest that is: a fixed index")
    axis = node.attrs.get("axis", 0) % len(x.shape)
    indices = data(values[1], "index")
    wanted = [i % x.shape[axis] for i in ints(indices)]
    if wanted != list(range(wanted[0], wanted[0] + len(wanted))):
        raise Fault("takes indices that are no range, which is not supported; the closest that is: Slice")
    result = c.slice(node.title(), x, axis, wanted[0], wanted[-1] + 1)
    if indices.ndim == 0:
        return c.reshape(result, [d for i, d in enumerate(result.shape) if i != axis])
    return result


def expand(c, node, values):
    x = values[0]
    shape = broadcast([x.shape, tuple(ints(data(values[1], "new shape")))])
    if shape == x.shape:
        return x
    raise Fault("repeats an activation, which is not supported; the closest that is: broadcasting")


OPS = {
    "Conv": convolution(False), "ConvTranspose": convolution(True), "Gemm": gemm, "MatMul": matmul,
    "BatchNormalization": batch_norm, "InstanceNormalization": instance_norm, "LayerNormalization": layer_norm,
    "Relu": same("relu"), "LeakyRelu": same("leaky_relu"), "ThresholdedRelu": same("relu"), "Clip": clip,
    "PRelu": prelu, "Sigmoid": same("sigmoid"), "Tanh": same("tanh"), "HardSigmoid": same("hardsigmoid"),
    "HardSwish": same("hardswish"), "Elu": same("elu"), "Selu": same("elu"), "Celu": same("elu"),
    "Softmax": same("softmax"), "LogSoftmax": same("softmax"), "Gelu": same("gelu"), "LRN": same("lrn"),
    "MaxPool": pool("max_pool"), "AveragePool": pool("avg_pool"), "GlobalAveragePool": global_pool,
    "ReduceMean": mean, "Dropout": dropout, "Add": arithmetic("add", "bias"), "Sub": arithmetic("add", "bias"),
    "Mul": arithmetic("mul", "scale"), "Div": arithmetic("mul", "scale"), "Sum": arithmetic("add", "bias"),
    "Concat": concat, "Split": split, "Slice": slices, "Gather": gather, "Flatten": flatten, "Reshape": reshape,
    "Squeeze": squeeze, "Unsqueeze": unsqueeze, "Transpose": transpose, "Resize": resize, "Upsample": resize,
    "Pad": pad, "Identity": passed, "Cast": passed, "Expand": expand,
}
for _name in ("Sqrt", "Exp", "Log", "Abs", "Neg", "Pow", "Softplus", "Softsign", "Erf", "Reciprocal", "Sin", "Cos",
              "Where", "Min", "Max"):
    OPS[_name] = elementwise
