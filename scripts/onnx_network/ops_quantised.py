"""Operators on integers that stand for floats, as quantisers write them: what they are without that."""

from onnx_network.operands import operand
from onnx_network.ops_arithmetic import arithmetic
from onnx_network.ops_products import linear, matmul
from onnx_network.ops_shapes import concat
from onnx_network.values import Activation, Constant, Fault, unsupported


class Chosen:
    """A node as if it had only some of its inputs."""

    def __init__(self, node, op, at, **attributes):
        self.__dict__.update(node.__dict__)
        self.op = op
        self.domain = ""
        self.inputs = [node.inputs[i] if i < len(node.inputs) else "" for i in at]
        self.attrs = {**node.attrs, **attributes}
        self.title, self.place = node.title, node.place


def of(convert, op, *at, **attributes):
    """An operator that is `convert` of the inputs `at`."""
    def quantised(c, node, values):
        chosen = Chosen(node, op, at, **attributes)
        return convert(c, chosen, [values[i] if i < len(values) else None for i in at])
    return quantised


def dynamic_quantise(c, node, values):
    """The scale and the zero point are measured, one for all samples."""
    return [values[0], Constant((), measured=True), Constant((), measured=True)]


def product(*at):
    return of(matmul, "MatMul", *at)


def quantised_gemm(c, node, values):
    """com.microsoft: A, its scale and zero point, B, its scale and zero point, C."""
    x, weight = values[0], values[3]
    if isinstance(weight, Activation) or weight.shape is None or len(weight.shape) != 2 or node.attrs.get("transA"):
        raise unsupported("has no fixed matrix on the right, which is not supported")
    rows, out = weight.shape[::-1] if node.attrs.get("transB") else weight.shape
    return linear(c, node, x, rows, out, (node.inputs[3], weight), operand(node, values, 6))


def product_with_bias(bias_at):
    def convert(c, node, values):
        x, weight = values[0], values[1]
        if isinstance(weight, Activation) or weight.shape is None or len(weight.shape) != 2:
            raise unsupported("has no fixed matrix on the right, which is not supported")
        return linear(c, node, x, *weight.shape, (node.inputs[1], weight), operand(node, values, bias_at))
    return convert


def packed_product(c, node, values):
    """MatMulNBits: B is packed, its size an attribute."""
    return linear(c, node, values[0], node.attrs["K"], node.attrs["N"], (node.inputs[1], values[1]),
                  operand(node, values, 5))


def joined(c, node, values):
    """QLinearConcat: the scale and the zero point of the result, then three inputs for each part."""
    if (len(values) - 2) % 3:
        raise Fault(f"has {len(values)} inputs, expected 2 and three for each part")
    return of(concat, "Concat", *range(2, len(values), 3))(c, node, values)


ADD, MUL = of(arithmetic("add", "bias"), "Add", 0, 3), of(arithmetic("mul", "scale"), "Mul", 0, 3)
