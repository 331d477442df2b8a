"""What layers compute, in PyTorch, and a training step of the whole mini-batch."""

import math

VIEWS = ("concat", "reshape")
CONSTANT = 0.35  # what a scale without parameters multiplies by


class Mismatch(Exception):
    """A plan that cannot be carried out, or trains something else."""


def apply(torch, layer, inputs, parameters):
    """The layer's function; `parameters` are its own, in order."""
    f, op, x = torch.nn.functional, layer["op"], inputs[0]
    if op == "conv":
        bias = parameters[1] if layer.get("bias") else None
        return f.conv2d(x, parameters[0], bias, layer.get("stride", 1), layer.get("pad", 0))
    if op == "fc":
        return f.linear(x.flatten(1 + layer.get("axis", 0)), parameters[0], parameters[1] if layer.get("bias") else None)
    if op == "matmul":
        a, b = (t.transpose(-1, -2) if layer.get(m) else t for t, m in zip(inputs, ("transpose_a", "transpose_b")))
        return a @ b
    if op == "norm" and layer["kind"] == "layer":
        return f.layer_norm(x, x.shape[1 + layer["axis"]:], *parameters)
    if op == "norm":
        return f.group_norm(x, layer["groups"], *parameters)
    if op in ("relu", "sigmoid"):
        return getattr(torch, op)(x)
    if op == "gelu":
        return f.gelu(x)
    if op == "softmax":
        return torch.softmax(x, -1)
    if op == "scale":
        return x * CONSTANT
    if op == "permute":
        return x.permute(0, *(1 + d for d in layer["order"]))
    if op == "reshape":
        return x.reshape(len(x), *layer["shape"])
    if op == "max_pool":
        return f.max_pool2d(x, layer["kernel"], layer.get("stride"), layer.get("pad", 0))
    if op == "avg_pool":
        return f.avg_pool2d(x, layer["kernel"], layer.get("stride"), layer.get("pad", 0))
    if op == "global_avg_pool":
        return x.mean((2, 3), keepdim=True)
    if op == "add":
        return sum(inputs[1:], inputs[0])
    if op == "concat":
        return torch.cat(inputs, 1)
    raise Mismatch(f"layer {layer['name']}: no PyTorch function for {op}")


def make_parameters(torch, layer, shape):
    op, bias = layer["op"], layer.get("bias")
    if op == "conv":
        k, out = layer["kernel"], layer["out_channels"]
        shapes = [(out, shape[1], k, k)] + ([(out,)] if bias else [])
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

    def __init__(self, torch, network, batch, seed):
        torch.manual_seed(seed)
        self.torch, self.network = torch, network
        self.layers = {layer["name"]: layer for layer in network["layers"]}
        self.image = torch.randn(batch, *network["inputs"][0]["shape"])
        self.target = torch.randint(0, 10, (batch,))
        self.parameters, values = {}, {"image": self.image}
        for layer in network["layers"]:
            inputs = [values[i] for i in layer["inputs"]]
            own = make_parameters(torch, layer, inputs[0].shape)
            self.parameters[layer["name"]] = [p.requires_grad_() for p in own]
            values[layer["name"]] = apply(torch, layer, inputs, self.parameters[layer["name"]])
        self.loss(values[network["layers"][-1]["name"]], self.target).backward()
        self.gradients = {name: [p.grad for p in own] for name, own in self.parameters.items()}

    def loss(self, output, target):
        """A sum over samples over N: what each contributes does not depend on the others."""
        return self.torch.nn.functional.cross_entropy(output, target, reduction="sum") / len(self.target)
