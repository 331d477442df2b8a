"""Models of the operators that compute. See onnx_cases.py."""

import numpy
from onnx import numpy_helper

from make_onnx import FLOAT
from onnx_cases import CASES, case, ints, number, one, w

# ---- convolutions and products ----

one("conv", "Conv", fixed=(w(8, 2, 3, 3), w(8)), kernel_shape=[3, 3], group=2, dilations=[1, 2], pads=[1, 2, 3, 0],
    strides=[1, 2])
one("conv_without_kernel_shape", "Conv", fixed=(w(8, 4, 1, 3),))
one("conv_same_upper", "Conv", fixed=(w(8, 4, 4, 4),), auto_pad="SAME_UPPER", strides=[2, 1])
one("conv_same_lower", "Conv", fixed=(w(8, 4, 4, 4),), auto_pad="SAME_LOWER")
one("conv_valid", "Conv", fixed=(w(8, 4, 3, 3),), auto_pad="VALID")
one("conv_1d", "Conv", shape=(1, 4, 16), fixed=(w(8, 4, 5), w(8)), pads=[2, 1], strides=[2])
one("conv_transpose", "ConvTranspose", fixed=(w(4, 3, 3, 3), w(6)), group=2, strides=[2, 2], pads=[1, 1, 1, 1],
    output_padding=[1, 1])
one("conv_transpose_asymmetric", "ConvTranspose", fixed=(w(4, 6, 3, 2),), strides=[2, 1], pads=[1, 0, 0, 1],
    dilations=[1, 2])
one("conv_transpose_same", "ConvTranspose", fixed=(w(4, 6, 3, 3),), strides=[2, 2], auto_pad="SAME_UPPER")
one("conv_transpose_output_shape", "ConvTranspose", fixed=(w(4, 6, 3, 3),), strides=[2, 2], output_shape=[16, 15])
one("conv_transpose_larger", "ConvTranspose", fixed=(w(4, 6, 3, 3),), strides=[3, 2], output_shape=[25, 18])
one("conv_transpose_1d", "ConvTranspose", shape=(1, 4, 8), fixed=(w(4, 6, 4),), strides=[2], pads=[1, 1])
one("conv_3d", "Conv", shape=(1, 4, 5, 8, 6), fixed=(w(6, 2, 3, 3, 2), w(6)), group=2, strides=[1, 2, 2], pads=[1] * 6)
one("conv_3d_dilated", "Conv", shape=(1, 4, 9, 8, 6), fixed=(w(6, 4, 3, 3, 2),), dilations=[2, 1, 3])
one("conv_3d_same", "Conv", shape=(1, 4, 5, 8, 6), fixed=(w(6, 4, 3, 3, 3),), strides=[2, 2, 2], auto_pad="SAME_UPPER")
one("conv_transpose_3d", "ConvTranspose", shape=(1, 4, 3, 4, 5), fixed=(w(4, 6, 3, 3, 3),), strides=[2, 2, 2],
    pads=[1] * 6, output_padding=[1, 0, 1])
one("gemm", "Gemm", shape=(1, 12), fixed=(w(12, 5), w(5)))
one("gemm_transposed", "Gemm", shape=(1, 12), fixed=(w(5, 12),), transB=1, alpha=0.5)


@case(shape=(1, 6, 12))
def matmul_and_add(m):
    return m.node("Add", [m.node("MatMul", ["image", m.weight(12, 5)]), m.weight(5)])


@case(shape=(1, 6, 12))
def add_and_matmul(m):
    return m.node("Add", [m.weight(5), m.node("MatMul", ["image", m.weight(12, 5)])])


@case(shape=(1, 6, 12))
def matmul_of_activations(m):
    return m.node("MatMul", [m.node("Relu", ["image"]), m.node("Transpose", ["image"], perm=[0, 2, 1])])


@case(shape=(1, 2, 6, 12))
def einsum_transposed(m):
    return m.node("Einsum", ["image", m.node("Relu", ["image"])], equation="bhid,bhjd->bhij")


@case(shape=(1, 6, 2, 12))
def einsum_permuted(m):
    scores = m.node("Einsum", ["image", m.node("Relu", ["image"])], equation="b q h d, b k h d -> b h q k")
    return m.node("Einsum", [scores, "image"], equation="bhqk,bkhd->bqhd")


one("einsum_learned", "Einsum", shape=(1, 6, 2, 12), fixed=(w(2, 12, 3, 5),), equation="nthd,hdxy->ntxy")



@case(shape=(1, 6, 12))
def learned_matrix_on_the_left(m):
    return m.node("MatMul", [m.weight(5, 6), "image"])


@case(shape=(1, 2, 6, 12))
def matrix_for_each_head(m):
    return m.node("MatMul", ["image", m.weight(2, 12, 3)])


@case(23, (1, 6, 12))
def attention(m):
    q, k = m.node("MatMul", ["image", m.weight(12, 12)]), m.node("MatMul", ["image", m.weight(12, 6)])
    return m.node("Attention", [q, k, k], q_num_heads=4, kv_num_heads=2)


@case(23, (1, 2, 6, 12))
def attention_of_heads(m):
    mask = m.node("Constant", [], value=numpy_helper.from_array(numpy.zeros((6, 6), numpy.float32)))
    turned = m.node("RotaryEmbedding", ["image", mask, mask])
    return m.node("Attention", [turned, "image", "image", mask])


@case(shape=(1, 6, 12))
def learned_vector(m):
    return m.node("MatMul", ["image", m.weight(12)])


@case(shape=(1, 12))
def gemm_with_an_activation_added(m):
    return m.node("Gemm", ["image", m.weight(12, 5), m.node("MatMul", ["image", m.weight(12, 5)])])


@case(shape=(1, 12))
def flattened_matrix(m):
    return m.node("Gemm", ["image", m.node("Flatten", [m.weight(12, 5, 1)])])


# ---- norms ----

one("group_normalization", "GroupNormalization", 18, fixed=(w(2), w(2)), num_groups=2)
one("group_normalization_by_channel", "GroupNormalization", 21, fixed=(w(4), w(4)), num_groups=2)
one("rms_normalization", "RMSNormalization", 23, (1, 6, 12), fixed=(w(12),))
one("simplified_layer_norm", "SimplifiedLayerNormalization", 17, (1, 6, 12), fixed=(w(12),))
one("lp_normalization", "LpNormalization", axis=1)
one("lp_normalization_last", "LpNormalization", axis=-1)
one("mean_variance", "MeanVarianceNormalization", axes=[2, 3])
one("batch_norm", "BatchNormalization", fixed=(w(4), w(4), w(4), w(4)))
one("batch_norm_flat", "BatchNormalization", shape=(1, 6), fixed=(w(6), w(6), w(6), w(6)))
one("instance_norm", "InstanceNormalization", fixed=(w(4), w(4)))
one("layer_norm", "LayerNormalization", 17, (1, 6, 12), fixed=(w(12), w(12)))
CASES["layer_norm_without_any"] = (lambda m: m.node("LayerNormalization", ["image", m.node(
    "Constant", [], value=numpy_helper.from_array(numpy.ones(12, numpy.float32)))]), 17, (1, 6, 12))
CASES["layer_norm_and_statistics"] = (lambda m: [m.node("LayerNormalization", [
    "image", m.weight(12), m.weight(12)], ["y", "mean", "deviation"]), m.node("Relu", ["mean"]), m.node(
        "Relu", ["deviation"])], 17, (1, 6, 12))
one("layer_norm_two_axes", "LayerNormalization", 17, (1, 6, 12), fixed=(w(6, 12), w(6, 12)), axis=1)
one("layer_norm_without_bias", "LayerNormalization", 17, (1, 6, 12), fixed=(w(12),))


def decomposed(m, axes, square, affine):
    d = m.node("Sub", ["image", m.node("ReduceMean", ["image"], axes=axes)])
    power = m.node("Mul", [d, d]) if square else m.node("Pow", [d, m.number(2)])
    v = m.node("ReduceMean", [power], axes=axes)
    n = m.node("Div", [d, m.node("Sqrt", [m.node("Add", [v, m.number(1e-5)])])])
    return m.node("Add", [m.node("Mul", [n, m.weight(*affine)]), m.weight(*affine)]) if affine else n


@case(shape=(1, 6, 12))
def layer_norm_decomposed(m):
    return decomposed(m, [-1], False, (12,))


@case(shape=(1, 6, 12))
def layer_norm_decomposed_square(m):
    return decomposed(m, [1, 2], True, (6, 12))


@case(shape=(1, 6, 12))
def layer_norm_decomposed_plain(m):
    return decomposed(m, [2], False, None)


def group_norm(m, affine):
    ones, zeros = (m.node("Constant", [], value=numpy_helper.from_array(f(2, numpy.float32)))
                   for f in (numpy.ones, numpy.zeros))
    x = m.node("InstanceNormalization", [m.node("Reshape", ["image", m.ints(0, 2, -1)]), ones, zeros])
    x = m.node("Reshape", [x, m.node("Shape", ["image"])])
    return m.node("Add", [m.node("Mul", [x, m.weight(4, 1, 1)]), m.weight(4, 1, 1)]) if affine else x


@case()
def group_norm_decomposed(m):
    return group_norm(m, True)


@case()
def group_norm_decomposed_plain(m):
    return group_norm(m, False)


# ---- activations ----

one("relu", "Relu")
one("leaky_relu", "LeakyRelu", alpha=0.1)
one("clip_attributes", "Clip", 10, min=0.0, max=6.0)
one("clip", "Clip", fixed=(number(0), number(6)))
one("clip_below", "Clip", fixed=(number(0),))
one("prelu", "PRelu", fixed=(w(4, 1, 1),))
one("prelu_one_slope", "PRelu", fixed=(w(1),))
one("sigmoid", "Sigmoid")
one("hard_sigmoid", "HardSigmoid", alpha=0.17)
one("hard_swish", "HardSwish", 14)
one("softmax", "Softmax", axis=-1)
one("softmax_old", "Softmax", 11)
one("softmax_old_of_all", "Softmax", 11, axis=0)
one("lrn", "LRN", size=5)
one("dropout_attribute", "Dropout", 11, ratio=0.2)
one("dropout", "Dropout", fixed=(number(0.2),))


for _op, _opset in (("Gelu", 20), ("Mish", 18), ("Swish", 24), ("Hardmax", 13), ("ScaledTanh", 1), ("Shrink", 9),
                    ("ImageScaler", 1), ("Affine", 1), ("ParametricSoftplus", 1)):
    one(_op.lower() + "_alone", _op, _opset)


@case()
def hard_swish_as_product(m):
    return m.node("Mul", ["image", m.node("HardSigmoid", ["image"], alpha=1 / 6)])


@case()
def silu(m):
    return m.node("Mul", ["image", m.node("Sigmoid", ["image"])])


@case()
def sigmoid_of_two_readers(m):
    s = m.node("Sigmoid", ["image"])
    return m.node("Add", [m.node("Mul", ["image", s]), s])


def erf_plus_one(m):
    return m.node("Add", [m.node("Erf", [m.node("Div", ["image", m.number(1.41421)])]), m.number(1)])


@case()
def gelu_torch(m):
    return m.node("Mul", [m.node("Mul", ["image", erf_plus_one(m)]), m.number(0.5)])


@case()
def gelu_half_first(m):
    e = erf_plus_one(m)
    return m.node("Mul", [m.node("Mul", ["image", m.number(0.5)]), e])


@case()
def gelu_half_of_erf(m):
    return m.node("Mul", ["image", m.node("Mul", [erf_plus_one(m), m.number(0.5)])])


@case()
def quick_gelu(m):
    return m.node("Mul", ["image", m.node("Sigmoid", [m.node("Mul", ["image", m.number(1.702)])])])


@case()
def hard_swish_decomposed(m):
    x = m.node("Clip", [m.node("Add", ["image", m.number(3)]), m.number(0), m.number(6)])
    return m.node("Div", [m.node("Mul", ["image", x]), m.number(6)])


@case()
def hard_sigmoid_decomposed(m):
    x = m.node("Clip", [m.node("Add", [m.number(3), "image"]), m.number(0), m.number(6)])
    return m.node("Mul", [x, m.number(1 / 6)])


@case()
def relu6_of_something_else(m):
    x = m.node("Clip", [m.node("Add", ["image", m.number(3)]), m.number(0), m.number(6)])
    return m.node("Div", [x, m.number(2)])


@case()
def mish_decomposed(m):
    return m.node("Mul", ["image", m.node("Tanh", [m.node("Softplus", ["image"])])])


def tanh_plus_one(m, cube):
    x = m.node("Add", ["image", m.node("Mul", [m.number(0.044715), cube])])
    return m.node("Add", [m.number(1), m.node("Tanh", [m.node("Mul", [m.number(0.79788), x])])])


@case()
def gelu_by_tanh(m):
    x = tanh_plus_one(m, m.node("Pow", ["image", m.number(3)]))
    return m.node("Mul", [m.node("Mul", ["image", m.number(0.5)]), x])


@case()
def gelu_by_tanh_of_products(m):
    x = tanh_plus_one(m, m.node("Mul", ["image", m.node("Mul", ["image", "image"])]))
    return m.node("Mul", [m.node("Mul", ["image", x]), m.number(0.5)])


def rms(m, square):
    mean = m.node("ReduceMean", [square], axes=[-1])
    return m.node("Sqrt", [m.node("Add", [mean, m.number(1e-6)])])


@case(shape=(1, 6, 12))
def rms_norm_decomposed(m):
    n = m.node("Div", ["image", rms(m, m.node("Pow", ["image", m.number(2)]))])
    return m.node("Mul", [m.weight(12), n])


@case(shape=(1, 6, 12))
def rms_norm_by_reciprocal(m):
    n = m.node("Mul", ["image", m.node("Reciprocal", [rms(m, m.node("Mul", ["image", "image"]))])])
    return m.node("Mul", [n, m.number(3.46)])


# ---- pools ----

one("max_pool", "MaxPool", kernel_shape=[3, 2], strides=[2, 2], pads=[1, 0, 0, 1])
one("max_pool_ceil", "MaxPool", shape=(1, 4, 10, 10), kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)
one("max_pool_same", "MaxPool", kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_UPPER")
one("max_pool_1d", "MaxPool", shape=(1, 4, 9), kernel_shape=[3], strides=[3])
one("max_pool_dilated", "MaxPool", kernel_shape=[3, 2], dilations=[2, 3], strides=[1, 2])
one("average_pool_dilated", "AveragePool", 19, kernel_shape=[3, 3], dilations=[2, 2])
one("max_pool_3d", "MaxPool", shape=(1, 4, 6, 8, 8), kernel_shape=[2, 3, 3], strides=[2, 2, 2], ceil_mode=1)
one("average_pool_3d", "AveragePool", shape=(1, 4, 6, 8, 8), kernel_shape=[3, 3, 3], pads=[1] * 6)
one("global_average_pool_3d", "GlobalAveragePool", shape=(1, 4, 6, 8, 8))
one("average_pool", "AveragePool", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], count_include_pad=1)
one("adaptive_pool", "AveragePool", kernel_shape=[4, 4], strides=[4, 4])
one("adaptive_pool_to_one", "AveragePool", kernel_shape=[8, 8])
one("global_average_pool", "GlobalAveragePool")
one("global_max_pool", "GlobalMaxPool")
one("reduce_mean", "ReduceMean", axes=[2, 3])
one("reduce_mean_flat", "ReduceMean", axes=[-1, -2], keepdims=0)
one("reduce_mean_tokens", "ReduceMean", shape=(1, 6, 12), axes=[1], keepdims=0)
one("reduce_mean_channels_last", "ReduceMean", shape=(1, 8, 8, 4), axes=[1, 2], keepdims=0)

one("average_pool_same_channels", "LpPool", kernel_shape=[2, 2], strides=[2, 2])
one("global_lp_pool", "GlobalLpPool")
one("global_pool_of_a_signal", "GlobalAveragePool", shape=(1, 4, 16))
for _op in ("ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceLogSum",
            "ReduceLogSumExp", "ReduceSumSquare"):
    if _op == "ReduceSum":
        one("reducesum", _op, fixed=(ints(1),))
    else:
        one(_op.lower(), _op, axes=[1])
one("reduce_max_new_axes", "ReduceMax", 18, fixed=(ints(2, 3),), keepdims=0)
one("reduce_apart", "ReduceMean", axes=[1, 3])
CASES["reduce_nothing"] = (lambda m: m.node("Relu", [m.node("ReduceSum", ["image", m.node("Constant", [], value=(
    numpy_helper.from_array(numpy.zeros(0, numpy.int64))))], noop_with_empty_axes=1)]), 13, (1, 4, 8, 8))

# ---- arithmetic ----


def arithmetic(op):
    def both(m):
        return m.node(op, [m.conv("image", 4, 4, 1), "image"])

    def learned(m):
        return m.node(op, ["image", m.weight(4, 1, 1)])

    def constant(m):
        return m.node(op, ["image", m.number(3)])

    def broadcast(m):
        return m.node(op, ["image", m.node("GlobalAveragePool", ["image"])])
    for build in (both, learned, constant, broadcast):
        CASES[f"{op.lower()}_{build.__name__}"] = (build, 13, (1, 4, 8, 8))


for _op in ("Add", "Sub", "Mul", "Div"):
    arithmetic(_op)
CASES["divide_one"] = (lambda m: m.node("Div", [m.number(1), "image"]), 13, (1, 4, 8, 8))
one("sum", "Sum", fixed=(lambda m: m.node("Relu", ["image"]), lambda m: m.node("Sigmoid", ["image"])))
for _op in ("Tanh", "Elu", "Selu", "Celu", "ThresholdedRelu", "LogSoftmax", "Sqrt", "Exp", "Log", "Abs", "Neg",
            "Softplus", "Softsign", "Erf", "Reciprocal", "Sin", "Cos"):
    one(_op.lower() + "_alone", _op)
one("power", "Pow", fixed=(number(3),))
one("minimum", "Min", fixed=(number(3),))
one("maximum", "Max", fixed=(number(3),))
CASES["where"] = (lambda m: m.node("Where", [m.node("Constant", [], value=numpy_helper.from_array(
    numpy.ones((1, 1, 8, 8), bool))), "image", m.number(0)]), 13, (1, 4, 8, 8))
CASES["where_learned"] = (lambda m: m.node("Where", [m.node("Constant", [], value=numpy_helper.from_array(
    numpy.ones((1, 1, 8, 8), bool))), "image", m.weight(1, 4, 1, 1)]), 13, (1, 4, 8, 8))
CASES["power_learned"] = (lambda m: m.node("Pow", ["image", m.weight(4, 1, 1)]), 13, (1, 4, 8, 8))
for _op in ("Equal", "Less", "Greater", "LessOrEqual", "GreaterOrEqual"):
    CASES[_op.lower()] = (lambda m, op=_op: m.node("Where", [m.node(op, ["image", m.number(0)]), "image", m.number(1)]),
                          16, (1, 4, 8, 8))
for _op in ("And", "Or", "Xor"):
    CASES[_op.lower()] = (lambda m, op=_op: m.node("Where", [m.node("Not", [m.node(op, [m.node("Less", [
        "image", m.number(0)]), m.node("IsNaN", ["image"])])]), "image", m.number(1)]), 16, (1, 4, 8, 8))
CASES["isinf"] = (lambda m: m.node("Cast", [m.node("IsInf", ["image"])], to=FLOAT), 13, (1, 4, 8, 8))
for _op in ("Tan", "Asin", "Acos", "Atan", "Sinh", "Cosh", "Asinh", "Acosh", "Atanh", "Sign", "Floor", "Ceil", "Round"):
    one(_op.lower() + "_alone", _op)
one("modulo", "Mod", fixed=(number(3),), fmod=1)
one("mean", "Mean", fixed=(lambda m: m.node("Relu", ["image"]), lambda m: m.node("Sigmoid", ["image"])))
CASES["sum_of_two_and_a_learned_one"] = (lambda m: m.node("Sum", [
    "image", m.node("Relu", ["image"]), m.weight(4, 1, 1)]), 13, (1, 4, 8, 8))
CASES["a_learned_operand_enlarges"] = (lambda m: m.node("Add", [m.node("GlobalAveragePool", ["image"]),
                                                                  m.weight(1, 4, 2, 3)]), 13, (1, 4, 8, 8))
CASES["and_enlarges"] = (lambda m: m.node("Cast", [m.node("And", [m.node(
    "IsNaN", ["image"]), m.node("Constant", [], value=numpy_helper.from_array(
        numpy.ones((1, 1, 2, 1), bool)))])], to=FLOAT), 13, (1, 4, 1, 8))
one("trilu", "Trilu", 14)
CASES["square"] = (lambda m: m.node("Mul", ["image", "image"]), 13, (1, 4, 8, 8))
