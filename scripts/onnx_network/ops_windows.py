"""Operators with windows: convolutions and pools."""

from math import prod

from onnx_network import ops_rows
from onnx_network.operands import alike
from onnx_network.sharing import add_apart
from onnx_network.values import Activation, Fault, unsupported
from onnx_network.windows import Window, finish, spatial


def transposed_pads(node, window, shape, extra):
    """What a transposed convolution takes away at each side, which ONNX may say by the size of its output."""
    axes = window.axes
    wanted = list(node.attrs.get("output_shape") or [])
    rank = len(node.attrs.get("kernel_shape") or ()) or axes
    if wanted and len(wanted) not in (rank, rank + 2):
        raise Fault(f"has the output_shape {wanted}, expected {rank} sizes")
    wanted = wanted[-axes:]
    if not wanted and not window.auto.startswith("SAME"):
        return
    wanted = wanted or [s * d for s, d in zip(window.strides, shape[1:])]
    wanted = [1] * (axes - len(wanted)) + wanted
    total = [window.strides[i] * (shape[1 + i] - 1) + extra[i] + window.reach(i) - wanted[i] for i in range(axes)]
    extra[:] = [e + max(0, -t) for e, t in zip(extra, total)]
    window.take([max(0, t) for t in total])


def check_weight(c, node, name, x, weight):
    if isinstance(weight, Activation):
        if name in {i.name for i in c.graph.inputs}:
            raise Fault(f"has the input {name!r} as its weights; --weights {name} if it is learned")
        raise unsupported("has weights that are computed from activations, which is not supported")
    if weight.shape is None:
        raise Fault("has weights of unknown shape")
    if len(weight.shape) != len(x.shape):
        raise Fault(f"has weights of shape {list(weight.shape)} for {list(x.shape)}, which has another number of "
                    "dimensions" + c.where_batch())
    groups = node.attrs.get("group", 1)
    if groups < 1 or weight.shape[0] % groups:
        raise Fault(f"has {groups} groups and weights of shape {list(weight.shape)}, which they do not divide")
    kernel = node.attrs.get("kernel_shape")
    if kernel and list(kernel) != list(weight.shape[2:]):
        raise Fault(f"has weights of shape {list(weight.shape)} and a kernel of {list(kernel)}")


def check_bias(bias, channels):
    """A bias has a number for each channel that is made."""
    if isinstance(bias, Activation):
        raise unsupported("has a bias that is computed, which is not supported")
    if bias is not None and bias.shape is not None and prod(bias.shape) != channels:
        raise Fault(f"has a bias of shape {list(bias.shape)} for {channels} channels")


def convolution(transposed=False, at=(0, 1, 2)):
    """`at`: which inputs are the activation, the weights and the bias."""
    def convert(c, node, values):
        x, weight = values[at[0]], values[at[1]]
        name = node.inputs[at[1]]
        if not isinstance(x, Activation):
            raise unsupported("slides an activation over something fixed, which is not supported")
        check_weight(c, node, name, x, weight)
        bias = values[at[2]] if len(values) > at[2] else None
        check_bias(bias, weight.shape[1] * node.attrs.get("group", 1) if transposed else weight.shape[0])
        use = c.learning.use(node, "conv_transpose" if transposed else "conv", weight.shape, name, weight, bias)
        return add_apart(c, node, (convolve_back if transposed else convolve)(c, node, x, weight.shape, use), use)
    return convert


def convolve(c, node, x, weight, use):
    shape = spatial(c, x)
    groups = node.attrs.get("group", 1)
    if shape[0] != weight[1] * groups:
        raise Fault(f"has weights of shape {list(weight)} for {shape[0]} channels")
    window = Window(node, weight[2:], shape)
    folded = getattr(x, "padded", None)
    if folded:
        x, extra = folded
        shape = spatial(c, x)
        window.pads = [p + e for p, e in zip(window.pads, extra)]
    name = c.learned_layer(node.title(), "conv", [c.tensor(x, shape)], use, out_channels=weight[0], **window.members(),
                           groups=groups if groups > 1 else None)
    return finish(c, x, name, [weight[0], *window.sizes(shape)])


def convolve_back(c, node, x, weight, use):
    shape = spatial(c, x)
    groups = node.attrs.get("group", 1)
    if shape[0] != weight[0]:
        raise Fault(f"has weights of shape {list(weight)} for {shape[0]} channels")
    window = Window(node, weight[2:], shape)
    extra = list(node.attrs.get("output_padding") or [0] * (len(x.shape) - 2))
    extra = [0] + extra if len(extra) == 1 else extra
    transposed_pads(node, window, shape, extra)
    if min(window.pads + extra) < 0:
        raise Fault(f"has negative padding {window.pads}, of its output {extra}")
    out = weight[1] * groups
    sizes = [(shape[1 + i] - 1) * window.strides[i] - window.pads[i] - window.pads[i + window.axes] + window.reach(i)
             + extra[i] for i in range(window.axes)]
    name = c.learned_layer(node.title(), "conv_transpose", [c.tensor(x, shape)], use, out_channels=out,
                           **window.members(), output_pad=alike(extra) if any(extra) else None,
                           groups=groups if groups > 1 else None)
    return finish(c, x, name, [out, *sizes])


def pool(op):
    def convert(c, node, values):
        x = values[0]
        if len(node.outputs) > 1 and node.outputs[1] in c.graph.consumers:
            raise unsupported("hands its indices on, which is not supported")
        if len(node.attrs["kernel_shape"]) != len(x.shape) - 2:
            raise Fault(f"has a kernel of {node.attrs['kernel_shape']} for {list(x.shape)}, expected a number for each "
                        "dimension behind batch and channels" + c.where_batch())
        if any(d > 1 for d in node.attrs.get("dilations") or ()):
            return ops_rows.pool(c, node, x, op)
        shape = spatial(c, x, alike=True)
        window = Window(node, node.attrs["kernel_shape"], shape)
        ceil = bool(node.attrs.get("ceil_mode", 0))
        sizes = window.sizes(shape, ceil)
        if set(window.kernel + window.strides) == {1} and not any(window.pads):
            return x
        name = c.layer(node.title(), op, [c.tensor(x, shape)], **window.members(pool=True), ceil_mode=ceil or None)
        return finish(c, x, name, [shape[0]] + sizes)
    return convert
