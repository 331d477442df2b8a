"""Backward steps, on some of their rows. Gradients of parameters are added to `totals`."""

from training_check.forward import nonzero, place, reaching, slices, window_rows
from training_check.layers import apply, apply_window, height_window, interpolation, pads_of, pair, strides_of


def backward(operands, layer, part, own, totals, norms):
    op = layer["op"]
    if op == "norm":
        norms.backward(operands, layer, own, totals)
    elif part == "wgrad":
        learn(operands, layer, own, totals)
    elif op in ("conv", "avg_pool", "max_pool", "conv_transpose", "upsample", "pad", "global_avg_pool"):
        v = layer["inputs"][0]
        axis = operands.rows.axis[v] if op == "pad" else 1
        by_rows = operands.rows.aligned(v) and operands.rows.axis[v] == axis
        lo, hi = (operands.begin, operands.end) if by_rows else (0, operands.rows.shapes[v][axis])
        operands.give(v, IMAGES[op](operands, layer, own, lo, hi), by_rows)
    else:
        row_by_row(operands, layer, part, own)


def learn(operands, layer, own, totals):
    """Rows of dY and what of the inputs goes with them."""
    if layer["op"] == "conv_transpose":
        learn_transposed(operands, layer, own, totals)
        return
    torch, lo, hi = operands.torch, operands.begin, operands.end
    v, axis = layer["inputs"][0], operands.rows.axis[layer["name"]]
    own = [p.clone().requires_grad_() for p in own]
    with torch.enable_grad():
        if layer["op"] == "conv":
            begin, end, above, below = window_rows(layer, operands.rows.shapes[v][1], lo, hi)
            _, left, _, right = pads_of(layer)
            value = apply_window(torch, layer, operands.value(v, 1, begin, end), own, (above, left, below, right))
        else:
            value = apply(torch, layer, slices(operands, layer, axis, lo, hi), own)
    dy = operands.gradient(axis, lo, hi).reshape(value.shape)
    for total, found in zip(totals, torch.autograd.grad(value, own, dy)):
        total += found


def learn_transposed(operands, layer, own, totals):
    """Rows of x and the windows of dY that go with them."""
    torch, lo, hi = operands.torch, operands.begin, operands.end
    weights = own[0].clone().requires_grad_()
    with torch.enable_grad():
        value = back_through(operands, layer, weights, lo, hi)
    totals[0] += torch.autograd.grad(value, weights, operands.value(layer["inputs"][0], 1, lo, hi))[0]
    if len(own) > 1:  # the bias: each row of dY once, also those that are in no window
        height = operands.rows.shapes[layer["name"]][1]
        _, s, p = height_window(layer)
        begin, end = (max(0, min(row * s - p, height)) for row in (lo, hi))
        totals[1] += operands.gradient(1, begin, end if hi < operands.total else height).sum((0, 2, 3))


def transposed_windows(operands, layer, lo, hi):
    """dY of a conv_transpose where the windows of its input's rows lo to before hi are, padded."""
    _, height, width = operands.rows.shapes[layer["name"]]
    begin, end, above, below = window_rows(layer, height, lo, hi)
    _, left, _, _ = pads_of(layer)
    columns = operands.rows.shapes[layer["inputs"][0]][2]
    kernel, dilation = pair(layer["kernel"])[1], pair(layer.get("dilation", 1))[1]
    reach = (columns - 1) * strides_of(layer)[1] + (kernel - 1) * dilation + 1
    dy = operands.gradient(1, begin, end)
    return operands.torch.nn.functional.pad(dy, (left, reach - left - width, above, below))


def back_through(operands, layer, weights, lo, hi):
    """Rows lo to before hi of a conv_transpose's dX."""
    return operands.torch.nn.functional.conv2d(
        transposed_windows(operands, layer, lo, hi), weights, None, strides_of(layer), 0, pair(layer.get("dilation", 1)),
        layer.get("groups", 1))


def conv_transpose(operands, layer, own, lo, hi):
    return back_through(operands, layer, own[0], lo, hi)


def window(operands, layer, own, lo, hi):
    """dX of a convolution or average from the windows that cover its rows lo to before hi."""
    torch, v = operands.torch, layer["inputs"][0]
    channels, _, width = operands.rows.shapes[v]
    k, s, p = height_window(layer)
    begin, end = reaching(layer, operands.rows.shapes[layer["name"]][1], lo, hi)
    dx = torch.zeros(operands.samples, channels, hi - lo, width)
    if end > begin:
        _, left, _, right = pads_of(layer)
        x = torch.zeros(operands.samples, channels, (end - 1 - begin) * s + k, width, requires_grad=True)
        with torch.enable_grad():
            value = apply_window(torch, layer, x, own, (0, left, 0, right))
        place(dx, lo, torch.autograd.grad(value, x, operands.gradient(1, begin, end))[0], begin * s - p)
    return dx


def max_pool(operands, layer, own, lo, hi):
    torch = operands.torch
    channels, _, width = operands.rows.shapes[layer["inputs"][0]]
    begin, end = reaching(layer, operands.rows.shapes[layer["name"]][1], lo, hi)
    dx = torch.zeros(operands.samples, channels, (hi - lo) * width)
    if end > begin:
        index = operands.tensor(f"{layer['name']}.index", 1, begin, end).long().flatten(2) - lo * width
        inside = (index >= 0) & (index < dx.shape[2])
        dy = operands.gradient(1, begin, end).flatten(2) * inside
        dx.scatter_add_(2, index.clamp(0, dx.shape[2] - 1), dy)
    return dx.reshape(operands.samples, channels, hi - lo, width)


def upsample(operands, layer, own, lo, hi):
    shape = operands.rows.shapes[layer["inputs"][0]]
    tall, wide = (interpolation(operands.torch, layer, a, shape[1 + a]) for a in (0, 1))
    begin, end = nonzero(tall[:, lo:hi].abs().sum(1))
    return tall[begin:end, lo:hi].T @ operands.gradient(1, begin, end) @ wide


def pad(operands, layer, own, lo, hi):
    axis, shape = operands.rows.axis[layer["inputs"][0]], operands.rows.shapes[layer["inputs"][0]]
    dx = operands.gradient(axis, lo + layer["before"][axis], hi + layer["before"][axis])
    for d, size in enumerate(shape):
        if d != axis:
            dx = dx.narrow(1 + d, layer["before"][d], size)
    return dx


def global_avg_pool(operands, layer, own, lo, hi):
    _, height, width = operands.rows.shapes[layer["inputs"][0]]
    return (operands.gradient() / (height * width)).expand(-1, -1, hi - lo, width)


IMAGES = {"conv": window, "avg_pool": window, "max_pool": max_pool, "conv_transpose": conv_transpose,
          "upsample": upsample, "pad": pad, "global_avg_pool": global_avg_pool}


def row_by_row(operands, layer, part, own):
    """Layers of which rows go together, and any other on whole tensors."""
    op, name = layer["op"], layer["name"]
    d = operands.shared_dimension(layer)
    lo, hi = (operands.begin, operands.end) if d is not None else (0, 1)
    dy = operands.gradient(d, lo, hi)
    y = operands.tensor(operands.by_value[name], d, lo, hi) if name in operands.by_value else None
    if op == "relu":
        mask = operands.tensor(f"{name}.mask", d, lo, hi) if f"{name}.mask" in operands.own.reads else y > 0
        found = [dy * mask]
    elif op == "sigmoid":
        found = [dy * y * (1 - y)]
    elif op == "tanh":
        found = [dy * (1 - y * y)]
    elif op == "softmax":
        found = [y * (dy - (dy * y).sum(-1, keepdim=True))]
    else:
        found = by_autograd(operands, layer, part, own, dy, d)
    for v, gradient in zip(layer["inputs"], found):
        if gradient is not None:
            operands.give(v, gradient, d is not None)


def by_autograd(operands, layer, part, own, dy, d):
    """The vector-Jacobian product of the layer at what the step reads. What it does not read is zero: so a step that
    needed it would be wrong."""
    torch = operands.torch
    lo, hi = (operands.begin, operands.end) if d is not None else (0, 1)
    inputs = [i.clone().requires_grad_() for i in slices(operands, layer, d, lo, hi)]
    with torch.enable_grad():
        value = apply(torch, layer, inputs, own)
    begin, end = {"agrad": (0, 1), "bgrad": (1, 2)}.get(part, (0, len(inputs)))
    found = torch.autograd.grad(value, inputs[begin:end], dy.reshape(value.shape), allow_unused=True)
    return [None] * begin + list(found)
