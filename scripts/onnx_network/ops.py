"""One function per ONNX operator that reads activations: which layers it is."""

from onnx_network.graph import input_shape
from onnx_network.operands import passed, same
from onnx_network.ops_norms import batch_norm, instance_norm, layer_norm
from onnx_network.ops_products import einsum, gemm, matmul
from onnx_network.ops_shapes import (concat, expand, flatten, gather, reshape, slices, split, squeeze, transpose,
                                     unsqueeze)
from onnx_network.ops_windows import convolution, global_max_pool, global_pool, mean, pad, pool, resize
from onnx_network.values import Activation, Fault, broadcast, sample_shape


def arithmetic(op, fixed_op):
    def convert(c, node, values):
        active = [v for v in values if isinstance(v, Activation)]
        fixed = [v for v in values if not isinstance(v, Activation)]
        if len(values) == 1 or getattr(active[0], "has_bias", None) == node.number:
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
    """Any op: a layer for each output, as large as ONNX says it is, else as the first input."""
    active = [v for v in values if isinstance(v, Activation)]
    first = active[0]
    types = c.graph.types({name: v.shape for name, v in c.values.items() if isinstance(v, Activation)})
    results = []
    for i, output in enumerate(node.outputs):
        shape = input_shape(types[output]) if output in types else None
        if not shape or None in shape or first.axis >= len(shape) or shape[first.axis] != first.shape[first.axis]:
            shape = list(first.shape)
        result = Activation("", [], shape, first.axis, first.outer)
        result.net = sample_shape(result, c.batch)
        if i == 0 or output in c.graph.consumers or output in c.graph.outputs:
            title = node.title() if len(node.outputs) == 1 else f"{node.title()}.{i}"
            result.name = c.layer(title, "elementwise", [c.tensor(v) for v in active], shape=result.net)
        results.append(result)
    return results


OPS = {
    "Conv": convolution(False), "ConvTranspose": convolution(True), "Gemm": gemm, "MatMul": matmul,
    "Einsum": einsum,
    "BatchNormalization": batch_norm, "InstanceNormalization": instance_norm, "LayerNormalization": layer_norm,
    "Relu": same("relu"), "LeakyRelu": same("leaky_relu"), "ThresholdedRelu": same("relu"), "Clip": clip,
    "PRelu": prelu, "Sigmoid": same("sigmoid"), "Tanh": same("tanh"), "HardSigmoid": same("hardsigmoid"),
    "HardSwish": same("hardswish"), "Elu": same("elu"), "Selu": same("elu"), "Celu": same("elu"),
    "Softmax": same("softmax"), "LogSoftmax": same("softmax"), "LRN": same("lrn"),
    "MaxPool": pool("max_pool"), "GlobalMaxPool": global_max_pool, "AveragePool": pool("avg_pool"), "GlobalAveragePool": global_pool,
    "ReduceMean": mean, "Dropout": dropout, "Add": arithmetic("add", "bias"), "Sub": arithmetic("add", "bias"),
    "Mul": arithmetic("mul", "scale"), "Div": arithmetic("mul", "scale"), "Sum": arithmetic("add", "bias"),
    "Concat": concat, "Split": split, "Slice": slices, "Gather": gather, "Flatten": flatten, "Reshape": reshape,
    "Squeeze": squeeze, "Unsqueeze": unsqueeze, "Transpose": transpose, "Resize": resize, "Upsample": resize,
    "Pad": pad, "Identity": passed, "Cast": passed, "Expand": expand,
}
for _name in ("Sqrt", "Exp", "Log", "Abs", "Neg", "Pow", "Softplus", "Softsign", "Erf", "Reciprocal", "Sin", "Cos",
              "Where", "Min", "Max"):
    OPS[_name] = elementwise
