#!/usr/bin/python3
"""
Models in which weights, constants and quantised tensors are stored in unusual ways. Run by test_import_learned.py:
make_onnx_learned.py NAME FILE writes one.
"""

import os
import sys

import numpy
from onnx import TensorProto, helper, numpy_helper

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from make_onnx import FLOAT, Model  # noqa: E402

MODELS = {}


def model(function):
    MODELS[function.__name__] = function
    return function


def constant(m, *shape, value=0.5):
    """A tensor in a Constant node."""
    m.count += 1
    data = numpy.full(shape, value, numpy.float32)
    return m.node("Constant", [], value=numpy_helper.from_array(data, f"k{m.count}"))


def filled(m, *shape, value=1.0):
    """An initializer whose numbers are all equal, as before training."""
    m.count += 1
    m.initializers.append(numpy_helper.from_array(numpy.full(shape, value, numpy.float32), f"same{m.count}"))
    return f"same{m.count}"


def integers(m, *shape, kind=numpy.int8):
    m.count += 1
    m.initializers.append(numpy_helper.from_array(numpy.zeros(shape, kind), f"q{m.count}"))
    return f"q{m.count}"


@model
def in_constants():
    """As Paddle writes it: nothing is an initializer."""
    m = Model(13)
    x = m.node("Conv", ["image", constant(m, 8, 3, 3, 3), constant(m, 8)])
    x = m.node("BatchNormalization", [x, constant(m, 8), constant(m, 8), constant(m, 8), constant(m, 8)])
    x = m.node("PRelu", [x, constant(m, 8, 1, 1)])
    x = m.node("Add", [x, constant(m, 8, 1, 1)])
    x = m.node("Mul", [x, constant(m, value=2)])
    x = m.node("InstanceNormalization", [x, constant(m, 8), constant(m, 8)])
    x = m.node("Flatten", [m.node("GlobalAveragePool", [x])])
    return m.proto(m.node("Add", [m.node("MatMul", [x, constant(m, 8, 5)]), constant(m, 5)]))


@model
def norm_in_constants():
    """A norm's and a slope's operands in Constant nodes of a model that has its other weights in initializers."""
    m = Model(13)
    x = m.conv("image", 3, 8, 3)
    x = m.node("BatchNormalization", [x, *(constant(m, 8) for _ in range(4))])
    x = m.node("Add", [m.node("PRelu", [x, constant(m, 8, 1, 1)]), constant(m, 8, 1, 1)])
    return m.proto(m.node("InstanceNormalization", [x, constant(m, 8, value=1), constant(m, 8, value=0)]))


@model
def filled_weights():
    """As ONNX's own light models: weights by ConstantOfShape, moved on the way."""
    m = Model(9)
    size = [m.ints(4096, 32, 16, 1), m.ints(8)]
    w = m.node("Transpose", [m.node("ConstantOfShape", [size[0]])], perm=[1, 2, 3, 0])
    w = m.node("Reshape", [m.node("Cast", [m.node("Identity", [w])], to=FLOAT), m.ints(4096, 512)])
    x = m.node("Conv", ["image", m.node("ConstantOfShape", [m.ints(8, 3, 1, 1)]), m.node("ConstantOfShape", [size[1]])])
    x = m.node("BatchNormalization", [x, *(m.node("ConstantOfShape", [size[1]]) for _ in range(4))])
    x = m.node("Add", [x, m.node("Expand", [m.node("ConstantOfShape", [m.ints(8, 1, 1)]), m.ints(8, 1, 1)])])
    return m.proto(m.node("Gemm", [m.node("Flatten", [x]), w], transB=1))


@model
def numbers():
    """One-element operands and numbers of other operators, as initializers."""
    m = Model(13)
    x = m.node("Div", ["image", m.weight(name="range")])
    x = m.conv(x, 3, 4, 3)
    x = m.node("Mul", [x, m.weight(1, name="factor")])
    low, high = filled(m, value=0), filled(m, value=6)
    x = m.node("Clip", [x, low, high])
    m.initializers.append(numpy_helper.from_array(numpy.array([1, 1, 2, 2], numpy.float32), "scales"))
    x = m.node("Resize", [x, "", "scales"], mode="nearest")
    x = m.node("Pad", [x, m.ints(0, 0, 1, 1, 0, 0, 1, 1), filled(m, value=0)])
    return m.proto(m.conv(x, 4, 4, 3))


@model
def merged():
    """Norms and slopes before training have equal operands, of which an exporter stores one."""
    m = Model(13)
    ones, zeros, gamma = filled(m, 4), filled(m, 4, value=0), filled(m, 4, 1, 1, value=1e-6)
    x = "image"
    for channels in (3, 4, 4):
        x = m.conv(x, channels, 4, 1)
        x = m.node("BatchNormalization", [x, ones, zeros, m.weight(4), m.weight(4)])
        x = m.node("Mul", [x, gamma])
    same = m.node("Identity", [ones])
    return m.proto(m.node("InstanceNormalization", [x, same, zeros]))


@model
def shared():
    """One kernel and one bias for two scales, as detection heads have them."""
    m = Model(13)
    kernel, bias = m.trained(4, 3, 3, 3, name="head.weight"), m.trained(4, name="head.bias")
    small = m.node("MaxPool", ["image"], kernel_shape=[2, 2], strides=[2, 2])
    outputs = [m.node("Conv", [x, kernel, bias], name=f"head{i}") for i, x in enumerate(("image", small))]
    return m.proto(*outputs)


@model
def shared_head():
    """Two shared convolutions after each other for three scales, the second one padded and with a stride."""
    m = Model(13, (1, 4, 16, 12))
    first, second, outputs, x = m.trained(4, 4, 3, 3), m.trained(6, 2, 3, 3), [], "image"
    for _ in range(3):
        y = m.node("Relu", [m.node("Conv", [x, first], pads=[1, 1, 1, 1])])
        outputs.append(m.node("Conv", [m.node("Pad", [y, m.ints(0, 0, 1, 1, 0, 0, 1, 1)]), second], group=2,
                              strides=[2, 2]))
        x = m.node("MaxPool", [x], kernel_shape=[2, 2], strides=[2, 2])
    return m.proto(*outputs)


@model
def shared_in_turn():
    """One kernel several times after each other."""
    m = Model(13)
    kernel, x = m.trained(3, 3, 1, 1, name="kernel"), "image"
    for _ in range(2):
        x = m.node("Relu", [m.node("Conv", [x, kernel])])
    return m.proto(x)


@model
def shared_untrained():
    """Kernels of zeros that an exporter has merged."""
    m = Model(13)
    kernel, x = m.weight(3, 3, 1, 1, name="kernel"), "image"
    for _ in range(2):
        x = m.node("Relu", [m.node("Conv", [x, kernel])])
    return m.proto(x)


@model
def shared_with_biases():
    """One kernel with two biases, and one with a bias and without."""
    m = Model(13)
    x = "image"
    for biases in (("a", "b", "a"), ("c", None)):
        kernel = m.trained(3, 3, 1, 1)
        for name in biases:
            bias = [] if name is None else [name]
            if name is not None and name not in {i.name for i in m.initializers}:
                m.trained(3, name=name)
            x = m.node("Relu", [m.node("Conv", [x, kernel, *bias])])
    return m.proto(x)


@model
def shared_products():
    """A block's product with its bias, twice; the matrix turned, which is the same parameters; and a Gemm's."""
    m = Model(13, (1, 6, 8))
    matrix, bias, x = m.trained(8, 8), m.trained(8), "image"
    for _ in range(2):
        x = m.node("Relu", [m.node("Add", [m.node("MatMul", [x, matrix]), bias])])
    other = m.trained(8, 8)
    x = m.node("MatMul", [m.node("MatMul", [x, other]), m.node("Transpose", [other], perm=[1, 0])])
    rows = m.node("Flatten", [x])
    matrix, bias = m.trained(48, 48), m.trained(48)
    for _ in range(2):
        rows = m.node("Gemm", [rows, matrix, bias], transB=1)
    return m.proto(rows)


@model
def shared_where_one_is_cut():
    """The first user of a kernel is nowhere needed."""
    m = Model(13)
    kernel = m.trained(3, 3, 1, 1)
    m.node("Conv", ["image", kernel])
    return m.proto(m.node("Conv", [m.node("Conv", ["image", kernel]), kernel]))


@model
def folded():
    m = Model(13)
    x = "image"
    for channels in (3, 4, 4):
        x = m.node("Relu", [m.node("Conv", [x, m.weight(4, channels, 1, 1), m.weight(4)])])
    return m.proto(x)


@model
def folded_named():
    """As PyTorch names what it folds: in a network that has a norm left."""
    m = Model(13)
    x = m.node("BatchNormalization", ["image", *(m.weight(3) for _ in range(4))])
    for i, channels in enumerate((3, 4)):
        x = m.node("Conv", [x, m.weight(4, channels, 1, 1, name=f"onnx::Conv_{i + 20}"), m.weight(4)])
    return m.proto(x)


def back(m, x):
    return m.node("DequantizeLinear", [m.node("QuantizeLinear", [x, m.number(0.1), integers(m)]), m.number(0.1),
                                       integers(m)])


@model
def quantised():
    """The same as `floats`, each tensor quantised and dequantised."""
    return _network(lambda m, x: back(m, x), lambda m, *shape: m.node(
        "DequantizeLinear", [integers(m, *shape), m.number(0.1), integers(m)]))


@model
def floats():
    return _network(lambda m, x: x, lambda m, *shape: m.weight(*shape))


def _network(between, weight):
    m = Model(13)
    x = between(m, "image")
    x = between(m, m.node("Relu", [between(m, m.node("Conv", [x, weight(m, 8, 3, 3, 3), weight(m, 8)], name="first"))],
                          name="relu"))
    x = between(m, m.node("Add", [x, m.node("Conv", [x, weight(m, 8, 8, 1, 1)], name="second")], name="sum"))
    x = between(m, m.node("GlobalAveragePool", [x], name="pool"))
    return m.proto(m.node("Gemm", [m.node("Flatten", [x], name="flat"), weight(m, 8, 5)], name="last"))


@model
def given_weights():
    """Weights come from outside."""
    m = Model(13)
    m.inputs += [helper.make_tensor_value_info("kernel", FLOAT, [4, 3, 3, 3]),
                 helper.make_tensor_value_info("offset", FLOAT, [4]),
                 helper.make_tensor_value_info("threshold", FLOAT, [])]
    return m.proto(m.node("Add", [m.node("Conv", ["image", "kernel", "offset"]), "threshold"]))


@model
def heads():
    """Something to cut off behind `scores` and `boxes`."""
    m = Model(13)
    x = m.node("Relu", [m.conv("image", 3, 8, 3)], ["features"])
    scores = m.node("Sigmoid", [m.conv(x, 8, 2, 1)], ["scores"])
    boxes = m.node("Mul", [m.conv(x, 8, 4, 1), m.number(2)], ["boxes"])
    values = m.node("TopK", [m.node("Reshape", [scores, m.ints(-1)]), m.ints(5)], ["values", "places"])
    return m.proto(values, m.node("NonMaxSuppression", [boxes, values], ["kept"]))


@model
def function():
    """A local function in another one, with an attribute."""
    m = Model(15)
    inner = helper.make_function("own", "Scaled", ["x", "w"], ["y"], [
        helper.make_node("Conv", ["x", "w"], ["c"]), helper.make_node("LeakyRelu", ["c"], ["y"])],
        [helper.make_opsetid("", 15)], ["alpha"])
    reference = inner.node[1].attribute.add()
    reference.name, reference.ref_attr_name, reference.type = "alpha", "alpha", 1
    outer = helper.make_function("own", "Twice", ["x", "a", "b"], ["y", "x"], [
        helper.make_node("Scaled", ["x", "a"], ["first"], domain="own", alpha=0.2),
        helper.make_node("Scaled", ["first", "b"], ["y"], domain="own", alpha=0.1)],
        [helper.make_opsetid("", 15), helper.make_opsetid("own", 1)])
    m.nodes.append(helper.make_node("Twice", ["image", m.weight(4, 3, 1, 1), m.weight(4, 4, 1, 1)], ["y", "same"],
                                    domain="own"))
    proto = m.proto(m.node("Relu", ["y"]), m.node("Sigmoid", ["same"]))
    proto.functions.extend([inner, outer])
    return proto


@model
def branches():
    """As PyTorch writes squeeze: an If on a shape, with a weight of its own in the branch."""
    m = Model(13)
    x = m.node("GlobalAveragePool", [m.conv("image", 3, 4, 3)])
    size = m.node("Gather", [m.node("Shape", [x]), m.ints(2, scalar=True)])
    condition = m.node("Equal", [size, m.ints(1, scalar=True)])
    weight = numpy_helper.from_array(numpy.zeros((4, 5), numpy.float32), "w")
    nodes = [helper.make_node("Flatten", [x], ["s"]), helper.make_node("MatMul", ["s", "w"], ["o"])]
    squeezed = helper.make_graph(nodes, "then", [], [helper.make_tensor_value_info("o", FLOAT, None)], [weight])
    kept = helper.make_graph([helper.make_node("Unheard", [x], ["o"])], "else", [],
                             [helper.make_tensor_value_info("o", FLOAT, None)])
    return m.proto(m.node("If", [condition], then_branch=squeezed, else_branch=kept))


@model
def old_broadcast():
    """Opset 6: the second operand lies where `axis` says."""
    m = Model(6)
    x = m.conv("image", 3, 8, 1)
    x = m.node("Mul", [x, m.weight(8)], broadcast=1, axis=1)
    gate = m.node("Reshape", [m.node("GlobalAveragePool", [x]), m.ints(1, 8)])
    x = m.node("Mul", [x, gate], broadcast=1, axis=0)
    return m.proto(m.node("Cast", [m.node("Upsample", [x], scales=[1.0, 1.0, 2.0, 2.0])], to="FLOAT"))


@model
def microsoft():
    """What ONNX Runtime's optimiser writes."""
    m = Model(17, (1, 6, 12))

    def fused(op, inputs, outputs=1, **attributes):
        m.count += 1
        names = [f"f{m.count}.{i}" for i in range(outputs)]
        m.nodes.append(helper.make_node(op, inputs, names, domain="com.microsoft", **attributes))
        return names
    x, = fused("Attention", ["image", m.weight(12, 36), m.weight(36)], num_heads=3)
    x, _, _, whole = fused("SkipLayerNormalization", [x, "image", m.weight(12), m.weight(12), m.weight(12)], 4)
    x = m.node("MatMul", [x, m.weight(12, 24)])
    x, = fused("BiasGelu", [x, m.weight(24)])
    x = m.node("Add", [m.node("MatMul", [x, m.weight(24, 12)]), whole])
    x = m.node("Reshape", [x, m.ints(0, 2, 6, 6)])
    x, = fused("FusedConv", [x, m.weight(4, 2, 3, 3), m.weight(4)], activation="Relu")
    return m.proto(fused("Gelu", [x])[0])


@model
def softmax_of_rows():
    m = Model(13)
    return m.proto(m.node("Softmax", ["image"], axis=2))


@model
def softmax_of_channels():
    m = Model(13)
    return m.proto(m.node("Softmax", ["image"], axis=1))


@model
def softmax_of_all():
    m = Model(11)
    return m.proto(m.node("Softmax", ["image"], axis=1))


@model
def sparse():
    m = Model(13)
    values = numpy_helper.from_array(numpy.ones(2, numpy.float32), "w")
    places = numpy_helper.from_array(numpy.array([0, 30]), "places")
    proto = m.proto(m.node("Conv", ["image", "w"]))
    proto.graph.sparse_initializer.append(helper.make_sparse_tensor(values, places, [4, 3, 3, 3]))
    return proto


def tied(trained):
    """A table that is looked up twice and that the last product multiplies by, with a bias and without."""
    m = Model(13)
    m.inputs[:] = [helper.make_tensor_value_info(name, TensorProto.INT64, [1, 6]) for name in ("tokens", "others")]
    table = (m.trained if trained else m.weight)(50, 8, name="table")
    x = [m.node("Gather", [table, y], name=name) for y, name in (("tokens", "words"), ("others", "words_again"))]
    x, turned = m.node("Add", x), m.node("Transpose", [table], perm=[1, 0])
    biased = m.node("Add", [m.node("MatMul", [x, turned]), m.trained(50)])
    return m.proto(biased, m.node("MatMul", [x, turned]))


@model
def tied_table():
    return tied(True)


@model
def tied_table_untrained():
    return tied(False)


@model
def opaque_of_open_batch():
    """Operators that nobody knows, whose outputs the file says to be of any batch, and of any other number."""
    m = Model(13)
    m.inputs[:] = [helper.make_tensor_value_info("image", FLOAT, ["samples", 3, 8, 8])]
    m.conv("image", 3, 4, 1)
    proto = m.proto(m.node("Relu", ["image"]))
    proto.graph.node[0].output[0] = "x"
    proto.graph.node.extend([helper.make_node("Unheard", ["x"], [name], domain="me") for name in ("known", "unknown")])
    proto.graph.value_info.extend([helper.make_tensor_value_info("known", FLOAT, ["samples", 4, 8, 8]),
                                   helper.make_tensor_value_info("unknown", FLOAT, ["boxes", 4, 8, 8])])
    return proto


@model
def text():
    """Tokens looked up, positions that are learned, and a mask that is made of the tokens."""
    m = Model(13)
    m.inputs[:] = [helper.make_tensor_value_info("tokens", TensorProto.INT64, [1, 6])]
    x = m.node("Gather", [m.weight(50, 8, name="table"), "tokens"], name="embedding")
    x = m.node("Add", [x, m.node("Gather", [m.weight(10, 8), m.ints(*range(6))])])
    other = m.node("Gather", [m.weight(10, 8), m.node("Add", ["tokens", m.ints(1)])], name="shifted")
    return m.proto(m.node("MatMul", [m.node("Add", [x, other]), m.weight(8, 5)]))


@model
def parts_of_weights():
    """Two halves of one matrix, as PyTorch's attention has them; and a matrix that is scaled by another tensor."""
    m = Model(13, (1, 6, 8))
    whole, scale = m.weight(16, 8, name="whole"), m.weight(1, 8, name="length")
    halves = [m.node("Transpose", [m.node("Slice", [whole, m.ints(i), m.ints(i + 8), m.ints(0)])], perm=[1, 0])
              for i in (0, 8)]
    x = m.node("Add", [m.node("MatMul", ["image", half]) for half in halves])
    return m.proto(m.node("MatMul", [x, m.node("Mul", [m.weight(8, 8), scale])], name="scaled"))


@model
def optimised_text():
    """The first layers of a transformer of tokens as ONNX Runtime's optimiser writes them."""
    m = Model(13)
    m.inputs[:] = [helper.make_tensor_value_info(name, TensorProto.INT32, [1, 6]) for name in ("tokens", "kinds")]
    tables = [m.weight(50, 12), m.weight(10, 12), m.weight(2, 12)]
    m.nodes.append(helper.make_node("EmbedLayerNormalization", ["tokens", "kinds", *tables, m.weight(12), m.weight(12)],
                                    ["x", "mask"], domain="com.microsoft"))
    parts = [m.node("MatMul", ["x", m.weight(12, 12)]) for _ in range(3)]
    m.nodes.append(helper.make_node("MultiHeadAttention", [*parts, m.weight(36)], ["y"], num_heads=2,
                                    domain="com.microsoft"))
    return m.proto("y")


@model
def learned_scalar_of_float16():
    m = Model(13)
    x = m.conv("image", 3, 4, 3)
    m.initializers.append(numpy_helper.from_array(numpy.zeros(1, numpy.float16), "alpha"))
    return m.proto(m.node("Mul", [x, m.node("Cast", ["alpha"], to=TensorProto.FLOAT)]))


if __name__ == "__main__":
    with open(sys.argv[2], "wb") as _file:
        _file.write(MODELS[sys.argv[1]]().SerializeToString())
