"""Models of the operators that rearrange data, of shape computations and of quantised tensors. See onnx_cases.py."""

import numpy
from onnx import TensorProto, helper, numpy_helper

from make_onnx import FLOAT
from onnx_cases import CASES, case, ints, none, number

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


shapes("gather_list", "Gather", fixed=(ints(2, 0, 1),), axis=1)
shapes("gather_many", "Gather", fixed=(ints(*range(5, -1, -1), *range(4, -1, -1), *range(3, -1, -1), 0, 2),), axis=1)
shapes("gather_table", "Gather", fixed=(lambda m: m.node("Constant", [], value=numpy_helper.from_array(
    numpy.array([[0, 1], [4, 5]]))),), axis=1)
shapes("slice_backwards", "Slice", fixed=(ints(-1), ints(-(1 << 40)), ints(1), ints(-1)))
shapes("split_in_number", "Split", 18, outputs=3, axis=1, num_outputs=3)
shapes("expand_twice", "Expand", fixed=(ints(2, 1, 1, 1, 1),))
shapes("tile", "Tile", fixed=(ints(1, 2, 1, 3),))
shapes("space_to_depth", "SpaceToDepth", blocksize=2)
shapes("resize_axes", "Resize", 18, fixed=(none, none, ints(13, 16)), mode="nearest", axes=[2, 3])
shapes("resize_depth", "Resize", fixed=(none, none, ints(1, 12, 8, 8)), mode="nearest")
shapes("pad_negative", "Pad", fixed=(ints(0, 0, -1, 2, 0, 0, 0, 0), number(1)))
shapes("gather_elements", "GatherElements", fixed=(lambda m: m.node("Constant", [], value=numpy_helper.from_array(
    numpy.zeros((1, 2, 8, 8), numpy.int64))),), axis=1)
shapes("scatter_nd", "ScatterND", fixed=(ints(0), lambda m: m.conv("image", 4, 6, 1)))
shapes("scatter_elements", "ScatterElements", fixed=(lambda m: m.node("Constant", [], value=numpy_helper.from_array(
    numpy.zeros((1, 6, 8, 8), numpy.int64))), lambda m: m.conv("image", 4, 6, 1)))
shapes("scatter", "Scatter", 9, fixed=(lambda m: m.node("Constant", [], value=numpy_helper.from_array(
    numpy.zeros((1, 6, 8, 8), numpy.int64))), lambda m: m.conv("image", 4, 6, 1)))
shapes("cast_like", "CastLike", 15, fixed=(lambda m: "image",))
shapes("crop", "Crop", 1, border=[1, 0, 2, 3])


@case()
def pixel_shuffle(m):
    return m.node("DepthToSpace", [m.conv("image", 4, 8, 1)], blocksize=2, mode="CRD")


@case(16)
def grid_sample(m):
    grid = m.node("Transpose", [m.conv("image", 4, 2, 1)], perm=[0, 2, 3, 1])
    return m.node("GridSample", ["image", grid])


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


# ---- integers that stand for floats ----

def integers(*shape, kind=numpy.int8):
    def build(m):
        m.count += 1
        m.initializers.append(numpy_helper.from_array(numpy.zeros(shape, kind), f"q{m.count}"))
        return f"q{m.count}"
    return build


def steps(m):
    """A scale and a zero point."""
    return [m.number(0.1), integers()(m)]


@case()
def quantised_and_back(m):
    def back(x):
        return m.node("DequantizeLinear", [m.node("QuantizeLinear", [x, *steps(m)]), *steps(m)])
    weight = m.node("DequantizeLinear", [integers(8, 4, 3, 3)(m), *steps(m)])
    bias = m.node("DequantizeLinear", [integers(8, kind=numpy.int32)(m), m.number(0.1)])
    x = back(m.node("Conv", [back("image"), weight, bias]))
    return back(m.node("Gemm", [m.node("Flatten", [x]), m.node("DequantizeLinear", [integers(288, 5)(m), *steps(m)])]))


@case()
def quantised_operators(m):
    x = m.node("QuantizeLinear", ["image", *steps(m)])
    x = m.node("QLinearConv", [x, *steps(m), integers(8, 4, 3, 3)(m), *steps(m), *steps(m),
                               integers(8, kind=numpy.int32)(m)], name="first")
    x = m.node("QLinearMatMul", [x, *steps(m), integers(6, 5)(m), *steps(m), *steps(m)])
    return m.node("DequantizeLinear", [x, *steps(m)])


@case()
def dynamically_quantised(m):
    m.node("DynamicQuantizeLinear", ["image"], ["q", "scale", "zero"])
    x = m.node("ConvInteger", ["q", integers(8, 4, 3, 3, kind=numpy.uint8)(m), "zero"])
    x = m.node("Mul", [m.node("Cast", [x], to=FLOAT), m.node("Mul", ["scale", m.number(0.5)])])
    x = m.node("Relu", [x])
    m.node("DynamicQuantizeLinear", [x], ["q2", "scale2", "zero2"])
    return m.node("Cast", [m.node("MatMulInteger", ["q2", integers(6, 5, kind=numpy.uint8)(m), "zero2"])], to=FLOAT)
