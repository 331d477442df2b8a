#!/usr/bin/python3
"""
A small ONNX model for each operator that the importer knows, and what becomes of it. Run by test_import_ops.py:
make_onnx_ops.py SCRIPTS FOLDER imports each into FOLDER and prints a line of JSON with its layers, with what ONNX's own
inference says of its tensors' shapes where that is otherwise, and with the number of learned elements.
"""

import json
import os
import sys
from math import prod

import numpy
from onnx import TensorProto, helper, numpy_helper, shape_inference

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from make_onnx import FLOAT, Model  # noqa: E402

CASES = {}
# what inference does not find out
KNOWN = {"einsum_transposed": [2, 6, 6], "einsum_permuted": [6, 2, 12], "einsum_learned": [6, 3, 5],
         "group_norm_decomposed": [4, 8, 8], "group_norm_decomposed_plain": [4, 8, 8], "constant": [4, 64],
         "shape_chain": [2, 128]}


def case(opset=13, shape=(1, 4, 8, 8)):
    """Registers a function that adds nodes to a model and returns the names of its outputs."""
    def register(function):
        CASES[function.__name__] = (function, opset, shape)
        return function
    return register


def one(name, op, opset=13, shape=(1, 4, 8, 8), fixed=(), **attributes):
    """A model of one node; `fixed` has a function of the model for each further input."""
    def build(m):
        return m.node(op, ["image", *(f(m) for f in fixed)], **attributes)
    build.__name__ = name
    CASES[name] = (build, opset, shape)


def w(*shape):
    return lambda m: m.weight(*shape)


def ints(*values):
    return lambda m: m.ints(*values)


def number(value):
    return lambda m: m.number(value)


def none(_):
    return ""


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
one("conv_transpose_1d", "ConvTranspose", shape=(1, 4, 8), fixed=(w(4, 6, 4),), strides=[2], pads=[1, 1])
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

# ---- norms ----

one("batch_norm", "BatchNormalization", fixed=(w(4), w(4), w(4), w(4)))
one("batch_norm_flat", "BatchNormalization", shape=(1, 6), fixed=(w(6), w(6), w(6), w(6)))
one("instance_norm", "InstanceNormalization", fixed=(w(4), w(4)))
one("layer_norm", "LayerNormalization", 17, (1, 6, 12), fixed=(w(12), w(12)))
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
one("lrn", "LRN", size=5)
one("dropout_attribute", "Dropout", 11, ratio=0.2)
one("dropout", "Dropout", fixed=(number(0.2),))


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


# ---- pools ----

one("max_pool", "MaxPool", kernel_shape=[3, 2], strides=[2, 2], pads=[1, 0, 0, 1])
one("max_pool_ceil", "MaxPool", shape=(1, 4, 10, 10), kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)
one("max_pool_same", "MaxPool", kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_UPPER")
one("max_pool_1d", "MaxPool", shape=(1, 4, 9), kernel_shape=[3], strides=[3])
one("average_pool", "AveragePool", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], count_include_pad=1)
one("adaptive_pool", "AveragePool", kernel_shape=[4, 4], strides=[4, 4])
one("adaptive_pool_to_one", "AveragePool", kernel_shape=[8, 8])
one("global_average_pool", "GlobalAveragePool")
one("global_max_pool", "GlobalMaxPool")
one("reduce_mean", "ReduceMean", axes=[2, 3])
one("reduce_mean_flat", "ReduceMean", axes=[-1, -2], keepdims=0)
one("reduce_mean_tokens", "ReduceMean", shape=(1, 6, 12), axes=[1], keepdims=0)
one("reduce_mean_channels_last", "ReduceMean", shape=(1, 8, 8, 4), axes=[1, 2], keepdims=0)

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
for _op in ("Tanh", "Elu", "Selu", "Celu", "ThresholdedRelu", "LogSoftmax", "Sqrt", "Exp", "Log", "Abs", "Neg", "Softplus",
            "Softsign", "Erf", "Reciprocal", "Sin", "Cos"):
    one(_op.lower() + "_alone", _op)
one("power", "Pow", fixed=(number(3),))
one("minimum", "Min", fixed=(number(3),))
one("maximum", "Max", fixed=(number(3),))
CASES["where"] = (lambda m: m.node("Where", [m.node("Constant", [], value=numpy_helper.from_array(
    numpy.ones((1, 1, 8, 8), bool))), "image", m.number(0)]), 13, (1, 4, 8, 8))
CASES["square"] = (lambda m: m.node("Mul", ["image", "image"]), 13, (1, 4, 8, 8))

# ---- shapes; each behind a convolution, for a network computes something ----


def shapes(name, op, opset=13, fixed=(), outputs=1, **attributes):
    def build(m):
        x = m.conv("image", 4, 6, 1)
        names = [f"out{i}" for i in range(outputs)]
        m.node(op, [x, *(f(m) for f in fixed)], names, **attributes)
        return [m.node("Sigmoid", [n]) for n in names]
    build.__name__ = name
    CASES[name] = (build, opset, (1, 4, 8, 8))


shapes("split_attribute", "Split", 11, outputs=2, axis=1, split=[2, 4])
shapes("split", "Split", fixed=(ints(1, 2, 3),), outputs=3, axis=-3)
shapes("split_equal", "Split", outputs=2, axis=1)
shapes("slice_attributes", "Slice", 9, starts=[1], ends=[1 << 40], axes=[1])
shapes("slice", "Slice", fixed=(ints(1, -3), ints(7, 1 << 40), ints(2, 3)))
shapes("slice_step", "Slice", fixed=(ints(1), ints(8), ints(3), ints(2)))
shapes("flatten", "Flatten")
shapes("flatten_last", "Flatten", axis=-3)
shapes("reshape", "Reshape", fixed=(ints(0, -1, 16),))
shapes("unsqueeze_attribute", "Unsqueeze", 11, axes=[2, -1])
shapes("unsqueeze", "Unsqueeze", fixed=(ints(1),))
shapes("transpose", "Transpose", perm=[0, 2, 3, 1])
shapes("identity", "Identity")
shapes("upsample", "Upsample", 9, fixed=(lambda m: m.node("Constant", [], value=numpy_helper.from_array(
    numpy.array([1, 1, 2, 3], numpy.float32))),), mode="nearest")
shapes("resize_10", "Resize", 10, fixed=(lambda m: m.node("Constant", [], value=numpy_helper.from_array(
    numpy.array([1, 1, 2, 2], numpy.float32))),), mode="nearest")
shapes("resize_scales", "Resize", fixed=(none, lambda m: m.node("Constant", [], value=numpy_helper.from_array(
    numpy.array([1, 1, 1.5, 2], numpy.float32)))), mode="linear")
shapes("resize_sizes", "Resize", fixed=(none, none, ints(1, 6, 13, 16)), mode="nearest")
shapes("pad_attribute", "Pad", 10, pads=[0, 0, 1, 2, 0, 0, 3, 0], mode="reflect")
shapes("pad", "Pad", fixed=(ints(0, 1, 0, 2, 0, 0, 1, 0), number(1)))
shapes("expand", "Expand", fixed=(ints(1, 6, 1, 8),))
shapes("sum_of_one", "Sum")
shapes("gather_one", "Gather", fixed=(lambda m: m.ints(2, scalar=True),), axis=1)
shapes("gather_range", "Gather", fixed=(ints(2, 3, 4),), axis=1)


@case(11)
def squeeze_attribute(m):
    return m.node("Squeeze", [m.node("GlobalAveragePool", ["image"])], axes=[2, 3])


@case()
def squeeze(m):
    return m.node("Squeeze", [m.node("GlobalAveragePool", ["image"]), m.ints(-1)])


@case()
def concat(m):
    return m.node("Concat", [m.conv("image", 4, 6, 1), m.node("Relu", ["image"])], axis=-3)


@case(shape=(1, 6, 12))
def concat_of_a_learned_token(m):
    return m.node("Relu", [m.node("Concat", [m.weight(1, 1, 12), "image"], axis=1)])


@case()
def pad_into_convolutions(m):
    p = m.node("Pad", ["image", m.ints(0, 0, 1, 2, 0, 0, 3, 0)])
    return m.node("Add", [m.conv(p, 4, 6, 3, pads=[1, 1, 1, 1]), m.conv(p, 4, 6, 3, pads=[1, 1, 1, 1])])


@case()
def pad_into_a_pool(m):
    return m.node("MaxPool", [m.node("Pad", ["image", m.ints(0, 0, 1, 1, 0, 0, 1, 1)])], kernel_shape=[2, 2])


@case()
def constant(m):
    x = m.node("Add", ["image", m.node("Constant", [], value_float=2.5)])
    y = m.node("Reshape", [x, m.node("Constant", [], value_ints=[0, 4, 64])])
    return m.node("Relu", [y])


@case()
def cast(m):
    return m.node("Cast", [m.node("Sigmoid", [m.node("Cast", ["image"], to=TensorProto.FLOAT16)])], to=FLOAT)


@case()
def shape_chain(m):
    """x.view(x.size(0), x.size(1) // 2, -1)"""
    def size(axis):
        return m.node("Gather", [m.node("Shape", ["image"]), m.ints(axis, scalar=True)])
    parts = [size(0), m.node("Cast", [m.node("Floor", [m.node("Div", [m.node("Cast", [size(1)], to=FLOAT),
                                                                        m.number(2)])])], to=TensorProto.INT64)]
    parts = [m.node("Unsqueeze", [p, m.ints(0)]) for p in parts]
    target = m.node("Concat", [*parts, m.ints(-1)], axis=0)
    return m.node("Relu", [m.node("Reshape", ["image", target])])


def sequence_first(batch):
    """PyTorch's attention, tokens before samples: where the batch is 1 its place is to be told by what follows."""
    def build(m):
        x = m.node("Transpose", ["image"], perm=[2, 0, 1])
        x = m.node("Reshape", [x, m.ints(16 * batch, 8)])
        x = m.node("Reshape", [m.node("Gemm", [x, m.weight(8, 8), m.weight(8)]), m.ints(16, batch, 8)])
        x = m.node("Transpose", [m.node("Reshape", [x, m.ints(16, 2 * batch, 4)])], perm=[1, 0, 2])
        x = m.node("MatMul", [m.node("MatMul", [x, m.node("Transpose", [x], perm=[0, 2, 1])]), x])
        x = m.node("Reshape", [m.node("Transpose", [x], perm=[1, 0, 2]), m.ints(16 * batch, 8)])
        return m.node("Reshape", [m.node("Gemm", [x, m.weight(8, 8)]), m.ints(16, batch, 8)])
    CASES[f"sequence_first_of_{batch}"] = (build, 13, (batch, 8, 16))


sequence_first(1)
sequence_first(3)


@case()
def several_inputs(m):
    m.inputs.append(helper.make_tensor_value_info("other", FLOAT, [1, 8, 8, 8]))
    m.inputs.append(helper.make_tensor_value_info("unused", FLOAT, [1, 3]))
    return m.node("Add", [m.conv("image", 4, 8, 1), "other"])


@case()
def several_outputs(m):
    x = m.conv("image", 4, 8, 1)
    return [m.node("Softmax", [m.node("Flatten", [m.node("GlobalAveragePool", [x])])]), m.node("Sigmoid", [x])]


# ---- running them ----

def learned_elements(model):
    """What of the initializers a step of training changes: all but running means and variances."""
    kept = {i for n in model.graph.node if n.op_type == "BatchNormalization" for i in n.input[3:5]}
    return sum(prod(t.dims) for t in model.graph.initializer if t.name not in kept)


def run(name, folder):
    import import_onnx
    from onnx_network import graph as graphs
    from onnx_network.convert import Converter
    from onnx_network.values import Activation
    build, opset, shape = CASES[name]
    m = Model(opset, shape)
    outputs = build(m)
    model = m.proto(*([outputs] if isinstance(outputs, str) else outputs))
    path = os.path.join(folder, name + ".onnx")
    with open(path, "wb") as file:
        file.write(model.SerializeToString())
    size = os.path.getsize(path)
    converter = Converter(graphs.load(path), import_onnx.Options(), shape[0])
    converter.run()
    with open(os.path.join(folder, name + ".json"), "w", encoding="utf-8") as file:
        file.write(converter.text(name))
    os.unlink(path)
    inferred = shape_inference.infer_shapes(model, strict_mode=True, data_prop=True).graph
    differ, wanted = [], {o.name: KNOWN.get(name) for o in model.graph.output}
    for info in [*inferred.value_info, *inferred.output]:
        dims = info.type.tensor_type.shape.dim
        value = converter.values.get(info.name)
        if not dims or not all(d.HasField("dim_value") for d in dims):
            continue
        expected = [d.dim_value for d in dims]
        if info.name in wanted:
            # without the batch, wherever it is
            wanted[info.name] = expected[1:] if not name.startswith("sequence_first") else [expected[0], *expected[2:]]
        if isinstance(value, Activation) and list(value.shape) != expected:
            differ.append(f"{info.name}: {list(value.shape)}, ONNX says {expected}")
    layers = [" ".join([entry["op"]] + [f"{k}={str(v).replace(' ', '')}" for k, v in entry.items()
                                         if k not in ("name", "op", "inputs")]) for entry in converter.layers]
    print(json.dumps({"name": name, "bytes": size, "layers": layers, "differ": differ, "notes": converter.notes,
                      "parameters": learned_elements(model), "outputs": sorted(wanted.values()),
                      "ops": sorted({n.op_type for n in model.graph.node})}))


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    sys.path.insert(0, sys.argv[1])
    from onnx_network.ops import OPS
    print(json.dumps(sorted(OPS)))
    for _name in CASES:
        run(_name, sys.argv[2])
