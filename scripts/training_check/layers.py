"""What layers compute, in PyTorch, and a step of the whole mini-batch."""

import math

VIEWS = ("concat", "reshape", "slice")
CONSTANT = 0.35  # what a scale without parameters multiplies by
FUNCTIONS = ("gelu", "silu", "elu", "hardswish", "hardsigmoid", "tanh", "sigmoid", "relu", "relu6", "leaky_relu")


class Mismatch(Exception):
    """A plan that cannot be carried out, or trains something else."""


def pair(value):
    return (value, value) if isinstance(value, int) else tuple(value)


def pads_of(layer):
    """(top, left, bottom, right)"""
    pad = layer.get("pad", 0)
    return (pad,) * 4 if isinstance(pad, int) else tuple(pad) * 2 if len(pad) == 2 else tuple(pad)


def strides_of(layer):
    return pair(layer.get("stride", layer["kernel"] if layer["op"].endswith("pool") else 1))


def height_window(layer):
    """A window in rows: (from its first to its last, stride, pad on top)"""
    return ((pair(layer["kernel"])[0] - 1) * pair(layer.get("dilation", 1))[0] + 1, strides_of(layer)[0], pads_of(layer)[0])


def apply_window(torch, layer, x, parameters, pads):
    """conv and pools of an image that gets `pads` (top, left, bottom, right); max_pool gives (values, indices)."""
    f, op = torch.nn.functional, layer["op"]
    top, left, bottom, right = pads
    x = f.pad(x, (left, right, top, bottom), value=-math.inf if op == "max_pool" else 0.0)
    stride = strides_of(layer)
    if op == "conv":
        bias = parameters[1] if len(parameters) > 1 else None
        return f.conv2d(x, parameters[0], bias, stride, 0, pair(layer.get("dilation", 1)), layer.get("groups", 1))
    if op == "max_pool":
        return f.max_pool2d(x, pair(layer["kernel"]), stride, return_indices=True)
    return f.avg_pool2d(x, pair(layer["kernel"]), stride)


def interpolation(torch, layer, axis, size):
    """The matrix of an upsampling along the height (axis 0) or width (1) from `size` elements."""
    many = layer["size"][axis]
    mode = layer.get("x_mode", "nearest")
    unit = torch.eye(size)[:, None, :, None]
    corners = layer.get("x_corners", False) if mode == "bilinear" else None
    grown = torch.nn.functional.interpolate(unit, size=(many, 1), mode=mode, align_corners=corners)
    return grown[:, 0, :, 0].T.contiguous()


def apply(torch, layer, inputs, parameters, kept_batch=True):
    """The layer's function; `parameters` are its own, in order. kept_batch: whether batch norms take statistics of the
    mini-batch."""
    f, op = torch.nn.functional, layer["op"]
    x = inputs[0]
    if op in ("conv", "avg_pool"):
        return apply_window(torch, layer, x, parameters, pads_of(layer))
    if op == "max_pool":
        return apply_window(torch, layer, x, parameters, pads_of(layer))[0]
    if op == "conv_transpose":
        bias = parameters[1] if layer.get("bias") else None
        return f.conv_transpose2d(x, parameters[0], bias, strides_of(layer), pads_of(layer)[:2],
                                  pair(layer.get("output_pad", 0)), layer.get("groups", 1), pair(layer.get("dilation", 1)))
    if op == "fc":
        return f.linear(x.flatten(1 + layer.get("axis", 0)), parameters[0], parameters[1] if len(parameters) > 1 else None)
    if op == "matmul":
        a, b = (t.transpose(-1, -2) if layer.get(m) else t for t, m in zip(inputs, ("transpose_a", "transpose_b")))
        return a @ b
    if op == "norm":
        return apply_norm(torch, layer, x, parameters, kept_batch)
    if op in FUNCTIONS:
        return getattr(torch if op in ("sigmoid", "tanh", "relu") else f, op)(x)
    if op == "softmax":
        return torch.softmax(x, -1)
    if op == "dropout":  # of networks that are run for inference
        return x
    if op == "scale":
        return x * CONSTANT
    if op == "permute":
        return x.permute(0, *(1 + d for d in layer["order"]))
    if op == "reshape":
        return x.reshape(len(x), *layer["shape"])
    if op == "global_avg_pool":
        return x.mean((2, 3), keepdim=True)
    if op == "upsample":
        tall, wide = (interpolation(torch, layer, a, x.shape[2 + a]) for a in (0, 1))
        return tall @ x @ wide.T
    if op == "pad":
        return f.pad(x, [n for pads in zip(layer["before"][::-1], layer["after"][::-1]) for n in pads])
    if op == "add":
        return sum(inputs[1:], inputs[0])
    if op == "mul":
        return math.prod(inputs[1:], start=inputs[0])
    if op == "concat":
        return torch.cat(inputs, 1 + layer.get("axis", 0))
    if op == "slice":
        return x.narrow(1 + layer.get("axis", 0), layer.get("begin", 0), layer["end"] - layer.get("begin", 0))
    raise Mismatch(f"layer {layer['name']}: no PyTorch function for {op}")


def apply_norm(torch, layer, x, parameters, kept_batch):
    f = torch.nn.functional
    if layer["kind"] == "layer":
        return f.layer_norm(x, x.shape[1 + layer["axis"]:], *parameters)
    if layer["kind"] == "batch":
        return f.batch_norm(x, *running_statistics(torch, x.shape[1]), *parameters, training=kept_batch)
    return f.group_norm(x, layer["groups"] if layer["kind"] == "group" else x.shape[1], *parameters)


def running_statistics(torch, channels):
    """A batch norm's mean and variance in inference."""
    numbers = torch.arange(channels, dtype=torch.get_default_dtype())
    return 0.3 * torch.sin(numbers), 1 + 0.5 * torch.cos(numbers)


def make_parameters(torch, layer, shape):
    op, bias = layer["op"], layer.get("bias")
    if op in ("conv", "conv_transpose"):
        k, out, groups = pair(layer["kernel"]), layer["out_channels"], layer.get("groups", 1)
        sizes = (out, shape[1] // groups) if op == "conv" else (shape[1], out // groups)
        shapes = [(*sizes, *k)] + ([(out,)] if bias else [])
    elif op == "fc":
        features = math.prod(shape[1 + layer.get("axis", 0):])
        shapes = [(layer["out_features"], features)] + ([(layer["out_features"],)] if bias else [])
    elif op == "norm" and layer["kind"] == "layer":
        shapes = [shape[1 + layer["axis"]:]] * 2
    elif op == "norm":
        shapes = [(shape[1],)] * 2
    else:
        shapes = []
    return [(torch.randn(s) * 0.2 + (1 if op == "norm" and i == 0 else 0)) for i, s in enumerate(shapes)]


class Reference:
    """The step on the whole mini-batch, by autograd."""

    def __init__(self, torch, network, batch, seed, inference=False):
        torch.manual_seed(seed)
        self.torch, self.network, self.inference = torch, network, inference
        self.layers = {layer["name"]: layer for layer in network["layers"]}
        self.image = torch.randn(batch, *network["inputs"][0]["shape"])
        self.target = torch.randint(0, 10, (batch,))
        self.parameters, self.values = {}, {"image": self.image}
        for layer in network["layers"]:
            inputs = [self.values[i] for i in layer["inputs"]]
            own = make_parameters(torch, layer, inputs[0].shape) if "shares" not in layer else \
                self.parameters[layer["shares"]]
            self.parameters[layer["name"]] = [p.requires_grad_() for p in own]
            self.values[layer["name"]] = apply(torch, layer, inputs, self.parameters[layer["name"]], not inference)
        self.output = network["layers"][-1]["name"]
        self.loss(self.values[self.output], self.target).backward()
        self.gradients = {name: [p.grad for p in own] for name, own in self.parameters.items()}

    def loss(self, output, target):
        """A sum over samples: what each contributes does not depend on the others."""
        return self.torch.nn.functional.cross_entropy(output, target, reduction="sum") / len(self.image)
