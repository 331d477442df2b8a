#!/usr/bin/python3
"""Builds the small ONNX models of the importer's tests. Weights are zeros or left out. make(NAME, FOLDER) -> path."""

import os

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64


class Model:
    def __init__(self, opset=13, shape=(1, 3, 8, 8)):
        self.nodes, self.initializers, self.opset = [], [], opset
        self.inputs = [helper.make_tensor_value_info("image", FLOAT, list(shape))]
        self.count = 0

    def weight(self, *shape, name=None):
        self.count += 1
        name = name or f"w{self.count}"
        self.initializers.append(numpy_helper.from_array(numpy.zeros(shape, numpy.float32), name))
        return name

    def trained(self, *shape, name=None):
        """Weights that differ, so that no exporter merges two of them."""
        name = self.weight(*shape, name=name)
        values = numpy.arange(numpy.prod(shape), dtype=numpy.float32).reshape(shape) + self.count
        self.initializers[-1] = numpy_helper.from_array(values, name)
        return name

    def ints(self, *values, scalar=False):
        self.count += 1
        data = numpy.array(values[0] if scalar else values, numpy.int64)
        return self.node("Constant", [], value=numpy_helper.from_array(data, f"c{self.count}"))

    def number(self, value):
        self.count += 1
        return self.node("Constant", [], value=numpy_helper.from_array(numpy.float32(value), f"c{self.count}"))

    def node(self, op, inputs, outputs=None, name="", **attributes):
        self.count += 1
        outputs = outputs or [f"t{self.count}"]
        self.nodes.append(helper.make_node(op, inputs, outputs, name=name, **attributes))
        return outputs[0]

    def conv(self, x, ci, co, k, **attributes):
        return self.node("Conv", [x, self.weight(co, ci, k, k)], kernel_shape=[k, k], **attributes)

    def proto(self, *outputs):
        graph = helper.make_graph(self.nodes, "test", self.inputs,
                                  [helper.make_tensor_value_info(o, FLOAT, None) for o in outputs],
                                  self.initializers)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)])


def plain(opset=13):
    """Convolution (asymmetric pads, dilation, groups), norm, activations, pools, classifier."""
    m = Model(opset, (1, 4, 16, 16))
    x = m.node("Conv", ["image", m.weight(8, 2, 3, 3), m.weight(8)], group=2, kernel_shape=[3, 3], pads=[1, 2, 3, 0],
               dilations=[1, 2], name="first")
    x = m.node("BatchNormalization", [x, m.weight(8), m.weight(8), m.weight(8), m.weight(8)], name="norm")
    x = m.node("Relu", [x])
    x = m.node("MaxPool", [x], kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1) if opset >= 10 else m.node(
        "MaxPool", [x], kernel_shape=[3, 3], strides=[2, 2])
    x = m.node("LeakyRelu", [x])
    x = m.node("Clip", [x], min=0.0, max=6.0) if opset < 11 else m.node("Clip", [x, m.number(0), m.number(6)])
    x = m.node("PRelu", [x, m.weight(8, 1, 1)])
    x = m.node("LRN", [x], size=5)
    x = m.node("AveragePool", [x], kernel_shape=[2, 2], strides=[2, 2])
    x = m.node("GlobalAveragePool", [x])
    x = m.node("Flatten", [x])
    x = m.node("Dropout", [x])
    x = m.node("Gemm", [x, m.weight(10, 8), m.weight(10)], transB=1, name="classifier")
    return m.proto(m.node("Softmax", [x]))


def decoder():
    """Transposed convolution, upsampling, padding, a residual, a concat."""
    m = Model(13)
    x = m.conv("image", 3, 4, 3, strides=[2, 2], pads=[1, 1, 1, 1])
    y = m.node("ConvTranspose", [x, m.weight(4, 6, 2, 2), m.weight(6)], strides=[2, 2], kernel_shape=[2, 2])
    z = m.node("Resize", [x, "", m.number([1, 1, 2, 2])], mode="nearest")
    padded = m.node("Pad", [z, m.ints(0, 0, 1, 1, 0, 0, 1, 1)])
    z = m.conv(padded, 4, 6, 3)
    s = m.node("Sub", [y, z])
    moved = m.node("Pad", [s, m.ints(0, 0, 0, 1, 0, 0, 2, 0), m.number(1)])
    return m.proto(m.node("Concat", [moved, moved], axis=1))


def attention():
    """Tokens, a learned token and positions, decomposed layer norm, products, gelu."""
    m = Model(13, (1, 8, 4, 4))
    x = m.node("Reshape", ["image", m.ints(0, 8, 16)])
    x = m.node("Transpose", [x], perm=[0, 2, 1])
    x = m.node("Concat", [m.weight(1, 1, 8), x], axis=1)
    x = m.node("Add", [x, m.weight(1, 17, 8)])
    mean = m.node("ReduceMean", [x], axes=[-1])
    d = m.node("Sub", [x, mean])
    v = m.node("ReduceMean", [m.node("Pow", [d, m.number(2)])], axes=[-1])
    n = m.node("Div", [d, m.node("Sqrt", [m.node("Add", [v, m.number(1e-5)])])])
    n = m.node("Add", [m.node("Mul", [n, m.weight(8)]), m.weight(8)])
    qkv = m.node("Add", [m.node("MatMul", [n, m.weight(8, 24)]), m.weight(24)])
    m.node("Split", [qkv, m.ints(8, 8, 8)], ["q", "k", "v"], axis=2)
    k = m.node("Transpose", ["k"], perm=[0, 2, 1])
    scores = m.node("Softmax", [m.node("Mul", [m.node("MatMul", ["q", k]), m.number(0.35)])], axis=-1)
    y = m.node("Add", [m.node("MatMul", [scores, "v"]), x])
    e = m.node("Add", [m.node("Erf", [m.node("Div", [y, m.number(1.4142)])]), m.number(1)])
    y = m.node("Mul", [m.node("Mul", [y, e]), m.number(0.5)])
    first = m.node("Gather", [y, m.ints(0, scalar=True)], axis=1)
    return m.proto(m.node("Gemm", [first, m.weight(5, 8), m.weight(5)], transB=1))


def mobile():
    """Group norm as PyTorch writes it, SiLU, HardSwish, squeeze-and-excitation, a channel shuffle."""
    m = Model(14, ("N", 3, 8, 8))
    x = m.conv("image", 3, 8, 3, pads=[1, 1, 1, 1])
    shape = m.node("Shape", [x])
    g = m.node("InstanceNormalization", [m.node("Reshape", [x, m.ints(0, 2, -1)]), m.node(
        "Constant", [], value=numpy_helper.from_array(numpy.ones(2, numpy.float32))), m.node(
        "Constant", [], value=numpy_helper.from_array(numpy.zeros(2, numpy.float32)))])
    g = m.node("Reshape", [g, shape])
    g = m.node("Add", [m.node("Mul", [g, m.weight(8, 1, 1)]), m.weight(8, 1, 1)])
    x = m.node("Mul", [g, m.node("Sigmoid", [g])])
    s = m.node("ReduceMean", [x], axes=[2, 3], keepdims=1)
    s = m.node("HardSigmoid", [m.conv(s, 8, 8, 1)])
    x = m.node("Mul", [x, s])
    x = m.node("HardSwish", [x])
    n = m.node("Gather", [m.node("Shape", [x]), m.ints(0, scalar=True)])
    n = m.node("Unsqueeze", [n, m.ints(0)])
    target = m.node("Concat", [n, m.ints(2, 4, 8, 8)], axis=0)
    back = m.node("Concat", [n, m.ints(8, 8, 8)], axis=0)
    x = m.node("Transpose", [m.node("Reshape", [x, target])], perm=[0, 2, 1, 3, 4])
    x = m.node("Reshape", [x, back])
    m.node("Split", [x, m.ints(4, 4)], ["left", "right"], axis=1)
    y = m.conv("right", 4, 4, 3, pads=[1, 1, 1, 1])
    return m.proto(m.node("Concat", ["left", y], axis=1))


def unknown():
    m = Model(13)
    x = m.conv("image", 3, 4, 1)
    return m.proto(m.node("CumSum", [x, m.ints(1, scalar=True)], name="sum"))


def long(nodes=10000):
    m = Model(13)
    x = m.conv("image", 3, 4, 1)
    for _ in range(nodes - 1):
        x = m.node("Relu", [x])
    return m.proto(x)


def external():
    """Weights in a file that does not exist: nobody may want to read it."""
    proto = plain()
    for tensor in proto.graph.initializer:
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        entry = tensor.external_data.add()
        entry.key, entry.value = "location", "/nowhere/weights.bin"
    return proto


def after_outputs():
    """A node that no output needs, of an op nobody knows, and nodes in no order."""
    proto = plain()
    proto.graph.node.append(helper.make_node("Unheard", [proto.graph.output[0].name], ["beyond"]))
    nodes = list(proto.graph.node)[::-1]
    del proto.graph.node[:]
    proto.graph.node.extend(nodes)
    return proto


MODELS = {"plain": plain, "decoder": decoder, "attention": attention, "mobile": mobile, "unknown": unknown,
          "long": long, "external": external, "after_outputs": after_outputs}
for _opset in range(6, 26):
    MODELS[f"plain{_opset}"] = lambda opset=_opset: plain(opset)


def make(name, folder):
    path = os.path.join(folder, name + ".onnx")
    with open(path, "wb") as file:
        file.write(MODELS[name]().SerializeToString())
    return path
