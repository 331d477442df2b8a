"""Forward steps, on some of their rows."""

from training_check.fused import apply_fused
from training_check.layers import (Mismatch, apply, apply_window, height_window, interpolation, pads_of, pair,
                                   strides_of)


def forward(operands, layer, own, norms):
    """Writes the step's rows of the layer's output to operands.made."""
    name, op = layer["name"], layer["op"]
    rows = operands.rows
    axis, lo, hi = rows.axis[name], operands.begin, operands.end
    special = {"conv": window, "avg_pool": window, "max_pool": max_pool, "conv_transpose": conv_transpose,
               "upsample": upsample, "pad": pad, "global_avg_pool": global_avg_pool}.get(op)
    if special:
        value = special(operands, layer, own, lo, hi)
    elif op == "norm":
        value = norms.forward(operands, layer, own)
    else:
        value = apply(operands.torch, layer, slices(operands, layer, axis, lo, hi), own)
    if op == "relu":
        operands.made[f"{name}.mask"] = (value > 0).to(value.dtype)
    operands.put(name, value if op == "norm" else apply_fused(operands.torch, layer, value))


def slices(operands, layer, dimension, lo, hi):
    """What of its inputs the rows of a layer's output take, where rows go together; zeros for what the step does not
    read."""
    rows = operands.rows
    found = []
    for i, v in enumerate(layer["inputs"]):
        d = rows.input_dimension(layer, i, dimension)
        broadcast = d is not None and rows.shapes[v][d] == 1
        value = operands.value(v, None if broadcast else d, lo, hi)
        if value is None:
            shape = list(rows.shapes[v])
            if d is not None and not broadcast:
                shape[d] = hi - lo
            value = operands.torch.zeros(operands.samples, *shape)
        found.append(value)
    return found


def window_rows(layer, height, lo, hi):
    """(first row, end, rows of padding above, below) of what an image's windows lo to before hi cover"""
    k, s, p = height_window(layer)
    begin, end = lo * s - p, (hi - 1) * s - p + k
    inside = max(0, min(begin, height)), max(0, min(end, height))
    above = min(max(0, -begin), k + (hi - 1 - lo) * s)
    return (*inside, above, end - begin - (inside[1] - inside[0]) - above)


def window(operands, layer, own, lo, hi):
    v = layer["inputs"][0]
    begin, end, above, below = window_rows(layer, operands.rows.shapes[v][1], lo, hi)
    _, left, _, right = pads_of(layer)
    return apply_window(operands.torch, layer, operands.value(v, 1, begin, end), own, (above, left, below, right))


def max_pool(operands, layer, own, lo, hi):
    v = layer["inputs"][0]
    value, index = window(operands, layer, own, lo, hi)
    _, height, width = operands.rows.shapes[v]
    begin, _, above, _ = window_rows(layer, height, lo, hi)
    _, left, _, right = pads_of(layer)
    wide = width + left + right
    row, column = index // wide + begin - above, index % wide - left
    operands.made[f"{layer['name']}.index"] = (row * width + column).to(value.dtype)
    return value


def conv_transpose(operands, layer, own, lo, hi):
    """Rows lo to before hi: what the input's rows reach of them."""
    torch, v = operands.torch, layer["inputs"][0]
    height = operands.rows.shapes[v][1]
    begin, end = reaching(layer, height, lo, hi)
    channels, _, width = operands.rows.shapes[layer["name"]]
    out = torch.zeros(operands.samples, channels, hi - lo, width)
    if end > begin:
        _, s, p = height_window(layer)
        _, left, _, _ = pads_of(layer)
        made = torch.nn.functional.conv_transpose2d(
            operands.value(v, 1, begin, end), own[0], None, strides_of(layer), 0, (0, 0), layer.get("groups", 1),
            pair(layer.get("dilation", 1)))
        # the last columns may be of output_pad alone
        made = torch.nn.functional.pad(made, (0, max(0, left + width - made.shape[3])))[..., left:left + width]
        place(out, lo, made, begin * s - p)
    return out + own[1][:, None, None] if len(own) > 1 else out


def reaching(layer, windows, lo, hi):
    """Which windows (begin, end) cover any of an image's rows lo to before hi."""
    k, s, p = height_window(layer)
    return max(0, -(-(lo + p - k + 1) // s)), min(windows, (hi - 1 + p) // s + 1)


def place(out, lo, made, at):
    """Adds rows that begin at row `at` of an image to those that begin at lo, where they are the same."""
    begin, end = max(lo, at), min(lo + out.shape[2], at + made.shape[2])
    if end > begin:
        out[:, :, begin - lo:end - lo] += made[:, :, begin - at:end - at]


def upsample(operands, layer, own, lo, hi):
    torch, v = operands.torch, layer["inputs"][0]
    tall, wide = (interpolation(torch, layer, a, operands.rows.shapes[v][1 + a]) for a in (0, 1))
    begin, end = nonzero(tall[lo:hi].abs().sum(0))
    return tall[lo:hi, begin:end] @ operands.value(v, 1, begin, end) @ wide.T


def nonzero(sums):
    found = sums.nonzero().flatten()
    return int(found[0]), int(found[-1]) + 1


def pad(operands, layer, own, lo, hi):
    torch, v = operands.torch, layer["inputs"][0]
    axis = operands.rows.axis[layer["name"]]
    before, after = list(layer["before"]), list(layer["after"])
    if axis is None:
        return apply(torch, layer, [operands.value(v)], own)
    size = operands.rows.shapes[v][axis]
    begin, end = (max(0, min(n - before[axis], size)) for n in (lo, hi))
    inside = operands.value(v, axis, begin, end)
    above = min(hi, before[axis]) - min(lo, before[axis])
    before[axis], after[axis] = above, hi - lo - (end - begin) - above
    return apply(torch, {**layer, "before": before, "after": after}, [inside], own)


def global_avg_pool(operands, layer, own, lo, hi):
    """Of the rows at hand a part of the mean."""
    v = layer["inputs"][0]
    if operands.rows.axis[v] != 1:
        raise Mismatch(f"{layer['name']}: rows are not those of an image")
    _, height, width = operands.rows.shapes[v]
    return operands.value(v, 1, lo, hi).sum((2, 3), keepdim=True) / (height * width)
