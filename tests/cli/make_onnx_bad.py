#!/usr/bin/python3
"""
ONNX models that must be refused, or imported with a word. Run by test_import_bad.py: make_onnx_bad.py SCRIPTS FOLDER
imports each, as it is and with --opaque, in 2 GiB of memory, and prints a line of JSON with what came of it.
"""

import contextlib
import io
import json
import os
import resource
import sys

import numpy
from onnx import helper, numpy_helper

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from make_onnx import FLOAT, Model  # noqa: E402

CASES = {}


def case(function):
    CASES[function.__name__] = function
    return function


def one(name, op, **attributes):
    CASES[name] = lambda m: m.node(op, ["image"], **attributes)


def array(m, data):
    m.count += 1
    return m.node("Constant", [], value=numpy_helper.from_array(data, f"k{m.count}"))


def conv(name, **attributes):
    CASES[name] = lambda m: m.conv("image", 3, 4, 3, **attributes)


# ---- too much of something ----

@case
def gather_of_billions(m):
    table, index = array(m, numpy.zeros((1, 65000), numpy.int64)), array(m, numpy.zeros(65000, numpy.int64))
    return m.node("Reshape", ["image", m.node("Gather", [table, index], axis=0)])


@case
def sum_of_billions(m):
    column, row = array(m, numpy.zeros((65000, 1), numpy.int64)), array(m, numpy.zeros((1, 65000), numpy.int64))
    return m.node("Reshape", ["image", m.node("Add", [column, row])])


@case
def constant_of_billions(m):
    return m.node("Reshape", ["image", m.node("ConstantOfShape", [m.ints(1 << 40, 1 << 40)])])


@case
def expanded_to_billions(m):
    return m.node("Reshape", ["image", m.node("Expand", [m.ints(1), m.ints(1 << 31, 1 << 31)])])


@case
def endless_range(m):
    return m.node("Reshape", ["image", m.node("Range", [m.ints(0, scalar=True), m.ints(9, scalar=True),
                                                          m.ints(0, scalar=True)])])


@case
def doubled_again_and_again(m):
    x = m.ints(1, 2)
    for _ in range(60):
        x = m.node("Concat", [x, x], axis=0)
    return m.node("Reshape", ["image", x])


@case
def infinite_resize(m):
    return m.node("Resize", ["image", "", array(m, numpy.array([1, 1, numpy.inf, 2], numpy.float32))], mode="nearest")


# ---- what cannot be ----

conv("stride_of_0", strides=[0, 0])
conv("stride_below_0", strides=[-1, 1])
conv("dilation_of_0", dilations=[0, 1])
conv("no_groups", group=0)
conv("padding_below_0", pads=[-1, 0, 0, 0])
one("window_too_large", "MaxPool", kernel_shape=[99, 99])
one("no_kernel", "MaxPool")
one("impossible_order", "Transpose", perm=[0, 1, 1, 2])
one("attribute_of_another_type", "MaxPool", kernel_shape="large")


@case
def impossible_shape(m):
    return m.node("Reshape", ["image", m.ints(-1, 1 << 62)])


@case
def impossible_split(m):
    return m.node("Split", ["image", m.ints(2, 2)], ["a", "b"], axis=1)


@case
def shapes_that_do_not_broadcast(m):
    return m.node("Add", ["image", m.node("MaxPool", ["image"], kernel_shape=[2, 2])])


@case
def cycle(m):
    m.node("Relu", ["b"], ["a"])
    return m.node("Relu", ["a"], ["b"])


@case
def made_twice(m):
    m.node("Relu", ["image"], ["a"])
    return m.node("Relu", ["image"], ["a"])


@case
def made_by_nobody(m):
    return m.node("Relu", ["ghost"])


@case
def output_of_nobody(m):
    m.node("Relu", ["image"])
    return "ghost"


@case
def no_inputs_read(m):
    return m.node("Relu", [m.weight(3)])


@case
def an_input_without_the_batch(m):
    m.inputs.append(helper.make_tensor_value_info("prior", FLOAT, [77, 4]))
    return m.node("Add", ["image", "prior"])


# ---- what is not supported ----

one("three_dimensions", "MaxPool", kernel_shape=[2, 2, 2])
one("of_the_batch", "ReduceMean", axes=[0, 1])


@case
def softmax_of_the_batch(m):
    return m.node("Softmax", ["image"], axis=0)


@case
def another_domain(m):
    m.nodes.append(helper.make_node("Fancy", ["image", m.weight(3, 5)], ["o"], name="fancy", domain="com.you"))
    return m.node("Relu", ["o"])


@case
def branches(m):
    branch = helper.make_graph([helper.make_node("Relu", ["image"], ["o"])], "branch", [],
                               [helper.make_tensor_value_info("o", FLOAT, None)])
    return m.node("If", [m.node("Cast", ["image"], to=9)], then_branch=branch, else_branch=branch)


@case
def indices_used(m):
    m.node("MaxPool", ["image"], ["o", "index"], kernel_shape=[2, 2])
    return m.node("Add", ["o", m.node("Cast", ["index"], to=FLOAT)])


@case
def two_unknown_outputs(m):
    values, index = m.node("TopK", ["image", m.ints(5)], ["values", "index"], axis=3), "index"
    return [m.node("Sigmoid", [values]), m.node("Cast", [index], to=FLOAT)]


@case
def embedding_of_columns(m):
    return m.node("Gather", [m.weight(50, 6), m.node("Cast", ["image"], to=7)], axis=1)


@case
def recurrent(m):
    x = m.node("Squeeze", [m.conv("image", 3, 4, 8), m.ints(2)])
    return m.node("LSTM", [x, m.weight(1, 32, 1), m.weight(1, 32, 8)], hidden_size=8)


@case
def loop(m):
    nodes = [helper.make_node("Identity", ["c"], ["d"]), helper.make_node("Relu", ["v"], ["w"])]
    body = helper.make_graph(nodes, "body", [
        helper.make_tensor_value_info("i", 7, []), helper.make_tensor_value_info("c", 9, []),
        helper.make_tensor_value_info("v", FLOAT, None)], [helper.make_tensor_value_info("d", 9, []),
                                                            helper.make_tensor_value_info("w", FLOAT, None)])
    return m.node("Loop", [m.ints(3, scalar=True), "", m.node("Relu", ["image"])], body=body)


@case
def head(m):
    return m.node("Cast", [m.node("ArgMax", [m.conv("image", 3, 4, 1)], axis=1)], to=FLOAT)


@case
def weights_of_an_unknown_operator(m):
    m.nodes.append(helper.make_node("Fancy", ["image", m.weight(3, 5)], ["o"], name="fancy", domain="com.you"))
    return m.node("Relu", ["o"])


@case
def integer_weights_of_an_unknown_operator(m):
    m.count += 1
    m.initializers.append(numpy_helper.from_array(numpy.zeros((8, 3, 3, 3), numpy.int8), "w"))
    m.nodes.append(helper.make_node("QFancy", ["image", "w"], ["o"], name="fancy", domain="com.you"))
    return m.node("Relu", ["o"])


@case
def a_product_behind_an_unknown_shape(m):
    m.nodes.append(helper.make_node("Fancy", ["image"], ["o"], name="fancy", domain="com.you"))
    return m.node("MatMul", ["o", m.weight(8, 5)])


@case
def an_input_that_is_the_weights(m):
    m.inputs.append(helper.make_tensor_value_info("kernel", FLOAT, [1, 3, 3, 3]))
    return m.node("Conv", ["image", "kernel"])


@case
def a_vector_without_a_batch(m):
    m.inputs.append(helper.make_tensor_value_info("vector", FLOAT, [10]))
    return m.node("Add", ["image", "vector"])


@case
def samples_flattened_together(m):
    m.inputs[0].type.tensor_type.shape.dim[0].dim_value = 4
    x = m.node("Reshape", [m.conv("image", 3, 4, 1), m.ints(1, -1)])
    return m.node("MatMul", [x, m.weight(256, 5)])


@case
def no_batch(m):
    m.inputs[:] = [helper.make_tensor_value_info("image", FLOAT, [3, 8, 8])]
    return m.conv("image", 3, 4, 3)


@case
def no_batch_added(m):
    m.inputs[:] = [helper.make_tensor_value_info("image", FLOAT, [3, 8, 8])]
    return m.conv(m.node("Unsqueeze", ["image", m.ints(0)]), 3, 4, 3)


@case
def a_shape_that_is_computed(m):
    x = m.conv("image", 3, 4, 1)
    return m.node("Reshape", [x, m.node("Cast", [m.node("ReduceMax", [x], axes=[1, 2, 3])], to=7)])


# ---- with a word ----

@case
def one_number(m):
    scale = m.weight(1)
    return m.node("Relu", [m.node("Mul", [m.conv("image", 3, 4, 1), scale])])


@case
def colours(m):
    return m.conv(m.node("Div", [m.node("Sub", ["image", m.weight(3, 1, 1)]), m.weight(3, 1, 1)]), 3, 4, 1)


@case
def one_kernel_for_two(m):
    kernel = m.weight(4, 3, 1, 1)
    return m.node("Add", [m.node("Conv", ["image", kernel]), m.node("Conv", [m.node("Relu", ["image"]), kernel])])


@case
def threshold(m):
    m.inputs.append(helper.make_tensor_value_info("threshold", FLOAT, []))
    return m.node("Add", [m.conv("image", 3, 4, 1), "threshold"])


one("pool_of_one_dimension", "MaxPool", kernel_shape=[2])
one("pool_with_three_strides", "MaxPool", kernel_shape=[2, 2], strides=[1, 1, 1])
one("flatten_beyond", "Flatten", axis=9)
one("mean_beyond", "ReduceMean", axes=[9])
CASES["another_kernel"] = lambda m: m.node("Conv", ["image", m.weight(4, 3, 3, 3)], kernel_shape=[5, 5])
conv("stride_of_quintillions", strides=[1 << 62, 1 << 62])


@case
def dimension_added_twice(m):
    return m.node("Relu", [m.node("Unsqueeze", ["image", m.ints(1, 1)])])


@case
def a_hundred_dimensions(m):
    return m.node("Relu", [m.node("Unsqueeze", ["image", m.ints(*range(1, 97))])])


@case
def groups_that_do_not_divide(m):
    return m.node("Conv", ["image", m.weight(4, 1, 1, 1)], group=3)


@case
def bias_of_another_size(m):
    return m.node("Conv", ["image", m.weight(4, 3, 1, 1), m.weight(5)])


@case
def norm_of_another_size(m):
    return m.node("BatchNormalization", ["image", *(m.weight(5) for _ in range(4))])


@case
def slopes_of_another_size(m):
    return m.node("PRelu", ["image", m.weight(5)])


@case
def gather_beyond(m):
    return m.node("Relu", [m.node("Gather", ["image", m.ints(7)], axis=1)])


@case
def product_of_four_dimensions(m):
    return m.node("Gemm", ["image", m.weight(8, 5)])


@case
def further_output(m):
    m.nodes.append(helper.make_node("MaxPool", [m.conv("image", 3, 4, 1)], ["pooled", "places"], kernel_shape=[2, 2]))
    return ["pooled", "places"]


conv("pad_that_there_is_not", auto_pad="SAME")
conv("pads_of_halves", pads=[0.5, 0.0, 0.0, 0.0])
one("blocks_of_less_than_one", "SpaceToDepth", blocksize=-2)


@case
def one_size_of_two(m):
    return m.node("ConvTranspose", ["image", m.weight(3, 2, 3, 3)], output_shape=[1])


@case
def weights_without_a_name(m):
    return m.node("Conv", ["image", ""])


@case
def long_name(m):
    return m.node("Fancy", ["image"], name="n" * 1000)


@case
def evil_name(m):
    return m.node("Relu", ["image"], name="evil\n\x1b[31m" + "x" * 10000)


@case
def output_that_is_read(m):
    x = m.conv("image", 3, 4, 1)
    return [x, m.node("Relu", [x])]


def run(name, folder, *options):
    import import_onnx
    m = Model(13)
    outputs = CASES[name](m)
    path, out = os.path.join(folder, "bad.onnx"), os.path.join(folder, "bad.json")
    with open(path, "wb") as file:
        file.write(m.proto(*([outputs] if isinstance(outputs, str) else outputs)).SerializeToString())
    said = io.StringIO()
    sys.argv = ["import_onnx.py", *options, "-o", out, path]
    with contextlib.redirect_stderr(said):
        status = import_onnx.main()
    network = None
    if os.path.exists(out):
        with open(out, encoding="utf-8") as file:
            network = file.read()
        os.unlink(out)
    os.unlink(path)
    return {"status": status, "said": said.getvalue().replace(f"import_onnx.py: {path}: ", ""), "network": network}


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    scripts, place = sys.argv[1:]
    sys.path.insert(0, scripts)
    resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
    for _name in CASES:
        print(json.dumps({"name": _name, "plain": run(_name, place), "opaque": run(_name, place, "--opaque")}))
