"""One function per ONNX operator that reads activations: which layers it is."""

import difflib

from onnx_network import ops_attention as attention, ops_fused as fused, ops_quantised as quantised
from onnx_network.operands import passed, same
from onnx_network.ops_arithmetic import FLAT, arithmetic, clip, dropout, elementwise, prelu, rescaled, softmax
from onnx_network.ops_einsum import einsum
from onnx_network.ops_gather import gather, gather_elements, grid_sample, scatter
from onnx_network.ops_norms import (batch_norm, group_normalization, instance_norm, layer_norm, mean_variance, rms_norm,
                                    unit_norm)
from onnx_network.ops_products import gemm, matmul
from onnx_network.ops_reduce import global_pool, reduce
from onnx_network.ops_resize import crop, pad, resize
from onnx_network.ops_shapes import (concat, expand, flatten, reshape, slices, space_depth, split, squeeze, tile,
                                     transpose, unsqueeze)
from onnx_network.ops_windows import convolution, pool
from onnx_network.rewrite import MICROSOFT
from onnx_network.values import Activation, Bundle, unsupported

OPS = {
    "Conv": convolution(), "ConvTranspose": convolution(True), "Gemm": gemm, "MatMul": matmul, "Einsum": einsum,
    "BatchNormalization": batch_norm, "InstanceNormalization": instance_norm, "LayerNormalization": layer_norm,
    "GroupNormalization": group_normalization, "RMSNormalization": rms_norm, "SimplifiedLayerNormalization": rms_norm,
    "LpNormalization": unit_norm, "MeanVarianceNormalization": mean_variance,
    "Relu": same("relu"), "LeakyRelu": same("leaky_relu"), "ThresholdedRelu": same("relu"), "Clip": clip,
    "PRelu": prelu, "Sigmoid": same("sigmoid"), "Tanh": same("tanh"), "HardSigmoid": same("hardsigmoid"),
    "HardSwish": same("hardswish"), "Elu": same("elu"), "Selu": same("elu"), "Celu": same("elu"), "Gelu": same("gelu"),
    "Swish": same("silu"), "Softmax": softmax, "LogSoftmax": softmax,
    "LRN": same("lrn"), "ScaledTanh": same("tanh"), "ImageScaler": rescaled, "Affine": rescaled,
    "MaxPool": pool("max_pool"), "AveragePool": pool("avg_pool"), "LpPool": pool("avg_pool"),
    "GlobalMaxPool": global_pool("max_pool"), "GlobalAveragePool": global_pool("global_avg_pool"),
    "GlobalLpPool": global_pool("elementwise"), "Dropout": dropout,
    "Add": arithmetic("add", "bias"), "Sub": arithmetic("add", "bias"), "Sum": arithmetic("add", "bias"),
    "Mean": arithmetic("add", "bias"), "Mul": arithmetic("mul", "scale"), "Div": arithmetic("mul", "scale"),
    "Concat": concat, "Split": split, "Slice": slices, "Gather": gather, "Flatten": flatten, "Reshape": reshape,
    "Squeeze": squeeze, "Unsqueeze": unsqueeze, "Transpose": transpose, "Resize": resize, "Upsample": resize,
    "Pad": pad, "Crop": crop, "Cast": passed, "CastLike": passed, "Expand": expand, "Tile": tile,
    "DepthToSpace": space_depth(False), "SpaceToDepth": space_depth(True), "GatherElements": gather_elements,
    "ScatterND": scatter, "ScatterElements": scatter, "Scatter": scatter, "GridSample": grid_sample,
    "Attention": attention.standard_attention, "RotaryEmbedding": attention.rotary,
    "DynamicQuantizeLinear": quantised.dynamic_quantise,
    "QLinearConv": convolution(at=(0, 3, 8)), "ConvInteger": convolution(at=(0, 1, 9)),
    "QLinearMatMul": quantised.product(0, 3), "MatMulInteger": quantised.product(0, 1),
}
for _name in ("ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceLogSum",
              "ReduceLogSumExp", "ReduceSumSquare"):
    OPS[_name] = reduce
for _name in ("Sqrt", "Exp", "Log", "Abs", "Neg", "Pow", "Softplus", "Softsign", "Erf", "Reciprocal", "Sin", "Cos",
              "Tan", "Asin", "Acos", "Atan", "Sinh", "Cosh", "Asinh", "Acosh", "Atanh", "Where", "Min", "Max", "Mod",
              "Mish",
              "Shrink", "ParametricSoftplus", "Trilu", "Not", "And", "Or", "Xor", *FLAT):
    OPS[_name] = elementwise

FUSED = {
    "Gelu": fused.GELU, "BiasGelu": fused.GELU, "FastGelu": fused.FAST_GELU, "QuickGelu": fused.QUICK_GELU,
    "FusedConv": fused.fused_convolution, "FusedGemm": fused.fused_gemm, "FusedMatMul": fused.fused_matmul,
    "TransposeMatMul": fused.fused_matmul, "SkipLayerNormalization": fused.skip_norm(4),
    "SkipSimplifiedLayerNormalization": fused.skip_norm(3), "Attention": attention.packed_attention,
    "MultiHeadAttention": attention.several_heads, "EmbedLayerNormalization": attention.embedded,
    "RotaryEmbedding": attention.rotary,
    "LayerNormalization": layer_norm, "SimplifiedLayerNormalization": rms_norm,
    "QGemm": quantised.quantised_gemm, "DynamicQuantizeMatMul": quantised.product_with_bias(4),
    "MatMulIntegerToFloat": quantised.product_with_bias(6), "MatMulNBits": quantised.packed_product,
    "QLinearAdd": quantised.ADD, "QLinearMul": quantised.MUL, "QLinearConcat": quantised.joined,
    "QLinearSigmoid": same("sigmoid"), "QLinearLeakyRelu": same("leaky_relu"), "QLinearSoftmax": softmax,
    "QLinearGlobalAveragePool": global_pool("global_avg_pool"), "QLinearAveragePool": pool("avg_pool"),
    "QLinearConv": convolution(at=(0, 3, 8)), "DynamicQuantizeLinear": quantised.dynamic_quantise,
}
DOMAINS = {"": OPS, MICROSOFT: FUSED}
KNOWN = {(domain, op) for domain, table in DOMAINS.items() for op in table}

RECURRENT = ("LSTM", "GRU", "RNN", "Loop", "Scan", "SequenceMap")
# what a head ends with: its results are no activations of each sample
HEADS = ("ArgMax", "ArgMin", "TopK", "NonMaxSuppression", "NonZero", "Unique", "RoiAlign", "MaxRoiPool", "Compress",
         "Multinomial", "OneHot", "GatherND", "EfficientNMS_TRT", "BatchedNMS_TRT", "SplitToSequence",
         "ConcatFromSequence", "NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss", "Det", "STFT", "DFT")


def lookup(node):
    """The function for a node, None if there is none."""
    return DOMAINS.get(node.domain, {}).get(node.op)


def unknown(node, c):
    """The message on an operator that is not supported: what it is, and what can be done."""
    if node.op in RECURRENT and not node.domain:
        return unsupported(f"is not supported: mbsopt plans networks without loops over time; {cut_before(node, c)}")
    if node.op == "If":
        return unsupported(f"is not supported where its condition is computed; {cut_before(node, c)}")
    domain = "" if not node.domain else f", being of the domain {node.domain!r}"
    if node.op in HEADS:
        return unsupported(f"is not supported{domain}; {cut_before(node, c)}")
    near = difflib.get_close_matches(node.op, OPS, 1, 0.8)
    hint = f"; the closest that is: {near[0]}" if near else ""
    return unsupported(f"is not supported{domain}{hint}")


def cut_before(node, c):
    """The option that leaves out a node and what follows."""
    names = [tensor_to_cut(name, c) for name in node.inputs]
    name = next((name for name in names if name), None)
    if name is not None:
        return f"--cut {name} leaves out what follows"
    if any(isinstance(c.values.get(name), (Activation, Bundle)) for name in node.inputs):
        return "nothing before it computes: onnx.utils.extract_model makes a model of what follows it"
    return "--cut of a tensor beside it leaves it out"


def tensor_to_cut(name, c):
    """What makes a network's output out of a tensor; None if nothing does."""
    while name in c.graph.producer and c.graph.producer[name].op in (*FLAT, "Cast"):  # truths are no output
        name = c.graph.producer[name].inputs[0]
    value = c.values.get(name)
    parts = value.parts if isinstance(value, Bundle) else [value]
    return name if all(isinstance(part, Activation) and not part.raw for part in parts) else None
