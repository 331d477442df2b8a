"""Operators of com.microsoft that ONNX Runtime's optimiser writes in place of several standard ones."""

from onnx_network.operands import operand, same
from onnx_network.ops_arithmetic import with_fixed
from onnx_network.ops_norms import affine_norm, last_axes, only_first
from onnx_network.ops_products import gemm, matmul
from onnx_network.ops_windows import convolution
from onnx_network.values import Activation, unsupported

ACTIVATIONS = {"Relu": "relu", "LeakyRelu": "leaky_relu", "Clip": "relu6", "Sigmoid": "sigmoid", "Tanh": "tanh",
               "HardSigmoid": "hardsigmoid", "HardSwish": "hardswish", "Gelu": "gelu", "Elu": "elu", "Selu": "elu"}


def activated(c, node, x):
    """The activation function that a fused operator ends with."""
    name = (node.attrs.get("activation") or b"").decode()
    if not name:
        return x
    if name not in ACTIVATIONS:
        raise unsupported(f"ends with {name}, which is not supported")
    return c.unary(f"{node.title()}.{name.lower()}", ACTIVATIONS[name], x)


def fused_convolution(c, node, values):
    x = convolution()(c, node, values[:3])
    if len(values) > 3 and values[3] is not None:
        x = summed(c, node, [x, values[3]], node.inputs[3])
    return activated(c, node, x)


def fused_gemm(c, node, values):
    return activated(c, node, gemm(c, node, values))


def summed(c, node, values, name):
    """An activation plus another one or something fixed."""
    if not isinstance(values[1], Activation):
        return with_fixed(c, node, values[0], name, values[1], "bias")
    whole, names = c.aligned(values)
    whole.name = c.layer(node.title() + ".sum", "add", names)
    return whole


def fused_matmul(c, node, values):
    turned = []
    for value, key in zip(values, ("transA", "transB")):
        if not node.attrs.get(key):
            turned.append(value)
        elif not isinstance(value, Activation):
            turned.append(type(value)(value.shape[:-2] + value.shape[:-3:-1], value.sources)
                          if hasattr(value, "sources") else type(value)(value.shape[:-2] + value.shape[:-3:-1]))
        else:
            shape = [*value.shape[:-2], value.shape[-1], value.shape[-2]]
            turned.append(Activation("", [], shape, value.axis, value.outer, swapped=value))
    return matmul(c, node, turned)


def biased(op):
    """An activation function of the first input plus the second, if there is one."""
    def convert(c, node, values):
        x = values[0]
        if len(values) > 1 and values[1] is not None:
            x = summed(c, node, [x, values[1]], node.inputs[1])
        return c.unary(node.title(), op, x)
    return convert


def skip_norm(bias_at):
    """A norm of the sum of two activations, which is the fourth output."""
    def convert(c, node, values):
        only_first(c, node, node.outputs[1:3])
        title = node.title()
        whole, names = c.aligned(values[:2])
        whole.name = c.layer(title + ".sum", "add", names)
        if len(values) > bias_at and values[bias_at] is not None:
            whole = with_fixed(c, node, whole, node.inputs[bias_at], values[bias_at], "bias")
        offset = operand(node, values, 3) if bias_at == 4 else None
        made = affine_norm(c, node, whole, operand(node, values, 2), offset,
                           **last_axes(c, whole, [len(whole.shape) - 1]))
        return [made, None, None, whole]
    return convert


GELU, FAST_GELU, QUICK_GELU = biased("gelu"), biased("gelu"), same("silu")
