#!/usr/bin/python3
"""
Models that look like what the importer knows and are something else in one place. Run by test_import_lookalikes.py:
make_onnx_lookalikes.py NAME FILE writes one.
"""

import os
import sys

import numpy
from onnx import helper, numpy_helper

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from make_onnx import FLOAT, Model  # noqa: E402

MODELS = {}


def model(function):
    MODELS[function.__name__] = function
    return function


def tokens():
    """A model of six tokens of eight numbers, and what a product makes of them."""
    m = Model(13, (1, 6, 8))
    return m, m.node("MatMul", ["image", m.weight(8, 8)])


def extra_input(m, name, *shape):
    m.inputs.append(helper.make_tensor_value_info(name, FLOAT, list(shape)))
    return name


def filled(m, value, size):
    m.count += 1
    m.initializers.append(numpy_helper.from_array(numpy.full(size, value, numpy.float32), f"same{m.count}"))
    return f"same{m.count}"


def gelu(m, x, divisor, half):
    plus = m.node("Add", [m.node("Erf", [m.node("Div", [x, divisor])]), m.number(1)])
    return m.proto(m.node("Mul", [m.node("Mul", [x, plus]), half]))


@model
def gelu_of_numbers():
    m, x = tokens()
    return gelu(m, x, m.number(1.414), m.number(0.5))


@model
def gelu_with_learned_factors():
    m, x = tokens()
    return gelu(m, x, m.number(1.414), m.weight(8))


@model
def gelu_of_a_quotient():
    m, x = tokens()
    return gelu(m, x, extra_input(m, "other", 1, 6, 8), m.number(0.5))


def root_mean_square(m, x, added, axis=-1):
    mean = m.node("ReduceMean", [m.node("Pow", [x, m.number(2)])], axes=[axis])
    return m.node("Sqrt", [m.node("Add", [mean, added])])


@model
def rms_norm():
    m, x = tokens()
    return m.proto(m.node("Div", [x, root_mean_square(m, x, m.number(1e-5))]))


@model
def rms_norm_plus_an_activation():
    m, x = tokens()
    return m.proto(m.node("Div", [x, root_mean_square(m, x, extra_input(m, "other", 1, 6, 1))]))


def layer_norm(m, x, scale, bias, axis=-1):
    difference = m.node("Sub", [x, m.node("ReduceMean", [x], axes=[-1])])
    x = m.node("Div", [difference, root_mean_square(m, difference, m.number(1e-5), axis)])
    return m.proto(m.node("Add", [m.node("Mul", [x, scale]), bias]))


@model
def layer_norm_by_feature():
    m, x = tokens()
    return layer_norm(m, x, m.weight(8), m.weight(8))


@model
def layer_norm_by_element():
    m, x = tokens()
    return layer_norm(m, x, m.weight(6, 8), m.weight(6, 8))


@model
def mean_and_deviation_along_others():
    m, x = tokens()
    return layer_norm(m, x, m.weight(8), m.weight(8), axis=-2)


@model
def layer_norm_that_grows():
    m, x = tokens()
    return layer_norm(m, m.node("Reshape", [x, m.ints(1, 1, 6, 8)]), m.weight(5, 1, 8), m.weight(8))


@model
def layer_norm_over_more_than_factors():
    m, x = tokens()
    m.opset = 17
    return m.proto(m.node("LayerNormalization", [x, m.weight(8), m.weight(8)], axis=-2))


def group_norm(back, trained):
    m = Model(13)
    x = m.node("Reshape", [m.conv("image", 3, 8, 1), m.ints(0, 4, -1)])
    own = [m.node("Identity", [filled(m, 0.5, 4)]) if trained else filled(m, value, 4) for value in (1, 0)]
    x = m.node("Reshape", [m.node("InstanceNormalization", [x, *own]), m.ints(*back)])
    return m, x


@model
def group_norm_by_channel():
    m, x = group_norm((1, 8, 8, 8), False)
    return m.proto(m.node("Add", [m.node("Mul", [x, m.weight(8, 1, 1)]), m.weight(8, 1, 1)]))


@model
def group_norm_by_group():
    m, x = group_norm((1, 8, 8, 8), True)
    return m.proto(m.node("Relu", [x]))


@model
def group_norm_flattened():
    m, x = group_norm((1, 512), False)
    return m.proto(m.node("Gemm", [x, m.weight(512, 5)]))


def product_plus(*shape):
    m = Model(13, (2, 8))
    return m.proto(m.node("Gemm", ["image", m.weight(8, 5), m.weight(*shape)]))


MODELS["product_plus_a_number"] = lambda: product_plus(1)
MODELS["product_plus_a_row"] = lambda: product_plus(1, 5)
MODELS["product_plus_a_row_for_each_sample"] = lambda: product_plus(2, 5)


@model
def token_for_each_sample():
    """An exporter that folds constants has enlarged a learned token, and positions, to the batch."""
    m = Model(13, (4, 6, 8))
    x = m.node("MatMul", ["image", m.weight(8, 8)])
    x = m.node("Concat", [m.weight(4, 1, 8), x], axis=1)
    return m.proto(m.node("Add", [x, m.weight(4, 7, 8)]))


@model
def token_enlarged_by_a_node():
    m = Model(13, (4, 6, 8))
    x = m.node("MatMul", ["image", m.weight(8, 8)])
    return m.proto(m.node("Concat", [m.node("Expand", [m.weight(1, 1, 8), m.ints(4, 1, 8)]), x], axis=1))


@model
def offset_that_differs_between_samples():
    m = Model(13, (4, 6, 8))
    m.initializers.append(numpy_helper.from_array(numpy.arange(192, dtype=numpy.float32).reshape(4, 6, 8), "offset"))
    return m.proto(m.node("Add", [m.node("MatMul", ["image", m.weight(8, 8)]), "offset"]))


@model
def scaled_by_a_computed_number():
    m, x = tokens()
    m.initializers.append(numpy_helper.from_array(numpy.float32(8), "size"))
    m.initializers.append(numpy_helper.from_array(numpy.float32(1), "one"))
    return m.proto(m.node("Mul", [x, m.node("Div", ["one", m.node("Sqrt", ["size"])])]))


@model
def weights_repeated():
    m = Model(13)
    return m.proto(m.node("Conv", ["image", m.node("Expand", [m.weight(1, 1, 3, 3), m.ints(5, 3, 3, 3)])]))


@model
def biases_merged():
    m, bias = Model(13), "bias"
    m.weight(4, name=bias)
    x = m.node("Conv", ["image", m.weight(4, 3, 1, 1), bias])
    return m.proto(m.node("Conv", [x, m.weight(4, 4, 1, 1), bias]))


def opaque(**attributes):
    """An operator that nobody knows, its output of known shape."""
    m = Model(13)
    x = m.node("Odd", ["image"], domain="com.you", **attributes)
    proto = m.proto(m.node("Relu", [x]))
    proto.graph.value_info.append(helper.make_tensor_value_info(x, FLOAT, [1, 3, 8, 8]))
    return proto


@model
def opaque_with_numbers():
    return opaque(alpha=0.5, sizes=[3, 4], value=numpy_helper.from_array(numpy.float32(1)))


@model
def opaque_with_a_tensor():
    return opaque(kernel=numpy_helper.from_array(numpy.zeros((2, 2), numpy.float32)))


@model
def opaque_with_a_list():
    return opaque(kernel=[0.5] * 27)


@model
def opaque_with_a_subgraph():
    m = Model(13)
    m.conv("image", 3, 3, 1)
    made = helper.make_tensor_value_info(m.nodes[-1].output[0], FLOAT, None)
    return opaque(kernel=helper.make_graph(m.nodes, "body", [], [made], m.initializers))


@model
def many_branches():
    m, x = Model(13), "image"
    m.initializers.append(numpy_helper.from_array(numpy.array(True), "yes"))
    for i in range(300):
        branches = {}
        for branch, op in (("then_branch", "Relu"), ("else_branch", "Tanh")):
            made = helper.make_tensor_value_info(f"{branch}{i}", FLOAT, None)
            branches[branch] = helper.make_graph([helper.make_node(op, [x], [made.name])], branch, [], [made])
        x = m.node("If", ["yes"], **branches)
    return m.proto(x)


if __name__ == "__main__":
    with open(sys.argv[2], "wb") as _file:
        _file.write(MODELS[sys.argv[1]]().SerializeToString())
