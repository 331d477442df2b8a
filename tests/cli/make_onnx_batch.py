#!/usr/bin/python3
"""
Models whose batch is in an unusual place, joined or left open, with masks, limits and simulated quantisation. Run by
test_import_batch.py: make_onnx_batch.py SCRIPTS FOLDER imports each into FOLDER and prints a line of JSON on each.
"""

import json
import os
import sys

import numpy
from onnx import helper, numpy_helper

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from make_onnx import FLOAT, Model  # noqa: E402

CASES = {}


def case(shape=(1, 3, 8, 8), opset=13, **options):
    def keep(function):
        CASES[function.__name__] = (function, shape, opset, options)
        return function
    return keep


def further_input(m, name, shape):
    m.inputs.append(helper.make_tensor_value_info(name, FLOAT, shape))
    return name


def stored(m, name, data):
    m.initializers.append(numpy_helper.from_array(numpy.asarray(data, numpy.float32), name))
    return name


# ---- joined along the batch ----

def two_images(m, batch):
    both = m.node("Concat", ["image", further_input(m, "second", [batch, 3, 8, 8])], axis=0)
    x = m.node("Relu", [m.conv(both, 3, 4, 3)])
    return m.node("InstanceNormalization", [x, m.weight(4), m.weight(4)])


@case()
def parted_by_split(m):
    m.node("Split", [two_images(m, 1)], ["a", "b"], axis=0)
    return m.node("Sub", ["a", "b"])


@case((2, 3, 8, 8))
def parted_by_slices(m):
    x = m.node("Reshape", [two_images(m, 2), m.ints(4, -1)])
    a, b = (m.node("Slice", [x, m.ints(i), m.ints(i + 2), m.ints(0)]) for i in (0, 2))
    return m.node("Concat", [a, b], axis=1)


@case()
def parted_by_gather(m):
    x = two_images(m, 1)
    return m.node("Add", [m.node("Gather", [x, m.ints(i, scalar=True)], axis=0) for i in (0, 1)])


@case()
def not_parted(m):
    return two_images(m, 1)


@case((2, 3, 8, 8))
def parted_elsewhere(m):
    x = two_images(m, 2)
    return m.node("Slice", [x, m.ints(1), m.ints(3), m.ints(0)])


@case((2, 3, 8, 8))
def flattened_together(m):
    return m.node("Reshape", [two_images(m, 2), m.ints(2, -1)])


@case()
def mean_of_both(m):
    return m.node("ReduceMean", [two_images(m, 1)], axes=[0])


@case()
def pools_of_pictures(m):
    """A pool of each of nine pictures that a sample has."""
    x = m.node("Reshape", [m.conv("image", 3, 9, 3), m.ints(9, 1, 6, 6)])
    x = m.node("AveragePool", [x], kernel_shape=[2, 2], strides=[2, 2])
    return m.node("Reshape", [x, m.ints(1, 9, 3, 3)])


@case()
def convolved_constant(m):
    grid = m.node("Constant", [], value=numpy_helper.from_array(numpy.ones((1, 2, 6, 6), numpy.float32), "grid"))
    return m.node("Add", [m.conv("image", 3, 4, 3), m.conv(grid, 2, 4, 1)])


# ---- where the batch is, and what is open ----

def attend(m, x):
    """Of tokens first: each sample's tokens look at each other."""
    q, k, v = (m.node("Transpose", [m.node("MatMul", [x, m.weight(8, 8)])], perm=order)
               for order in ([1, 0, 2], [1, 2, 0], [1, 0, 2]))
    scores = m.node("Softmax", [m.node("MatMul", [q, k])], axis=-1)
    return m.node("Transpose", [m.node("MatMul", [scores, v])], perm=[1, 0, 2])


@case((5, 1, 8), inputs=[("image", [5, None, 8])])
def tokens_first_as_said(m):
    return attend(m, "image")


@case((5, "batch_size", 8))
def tokens_first_by_name(m):
    return attend(m, "image")


@case((5, 1, 8))
def tokens_first_unsaid(m):
    return attend(m, "image")


@case(("batch", 4, "length"))
def open_signal(m):
    return m.node("Conv", ["image", m.weight(6, 4, 3)], kernel_shape=[3])


@case(("batch", "length", "width"))
def open_tokens(m):
    return m.node("MatMul", ["image", m.weight(12, 6)])


@case(("batch", "length", 8), inputs=[("image", [7, 8])])
def one_name_one_size(m):
    return m.node("Add", ["image", further_input(m, "positions", ["batch", "length", 8])])


@case(("sequence", "samples", 8), inputs=[("image", [7, None, 8])])
def one_name_one_batch(m):
    return attend(m, m.node("Add", ["image", further_input(m, "positions", ["sequence", "samples", 8])]))


@case()
def a_limit(m):
    x = m.node("Clip", [m.conv("image", 3, 4, 3), further_input(m, "least", [1])])
    return m.node("Where", [m.node("Greater", [x, further_input(m, "limit", [1])]), x, m.number([0.0])])


# ---- masks, simulated quantisation ----

@case((2, 6, 6))
def causal_mask(m):
    mask = stored(m, "causal", numpy.triu(numpy.full((6, 6), -1e9), 1))
    return m.node("Softmax", [m.node("Add", ["image", mask])], axis=-1)


@case((2, 300, 300))
def causal_mask_of_many(m):
    mask = stored(m, "causal", numpy.tril(numpy.ones((300, 300))))
    return m.node("Softmax", [m.node("Mul", ["image", mask])], axis=-1)


@case((2, 6, 6), forced_learned=["causal"])
def learned_mask(m):
    mask = stored(m, "causal", numpy.triu(numpy.full((6, 6), -1e9), 1))
    return m.node("Softmax", [m.node("Add", ["image", mask])], axis=-1)


@case((2, 6, 6))
def no_mask(m):
    table = stored(m, "table", numpy.triu(numpy.full((6, 6), -1.5), 1))
    return m.node("Softmax", [m.node("Add", ["image", table])], axis=-1)


@case()
def simulated_quantisation(m):
    def quantised(x, domain):
        m.count += 1
        scale = stored(m, f"scale{m.count}", [[0.5]])
        m.nodes.append(helper.make_node("Quant", [x, scale, m.number(0), m.number(4)], [f"q{m.count}"], domain=domain,
                                        signed=1, narrow=0, rounding_mode="ROUND"))
        return f"q{m.count}"
    x = quantised("image", "onnx.brevitas")
    return m.node("Conv", [x, quantised(m.weight(4, 3, 3, 3), "qonnx.custom_op.general")], kernel_shape=[3, 3])


# ---- softmax of all that follows, before opset 13 ----

@case((1, 4, 6), 11, inputs=[("image", [4, None, 6])])
def softmax_before_the_batch(m):
    return m.node("Softmax", ["image"], axis=2)


@case((4, 1, 6), 13, inputs=[("image", [4, None, 6])])
def softmax_of_rows_before_the_batch(m):
    return m.node("Softmax", ["image"], axis=0)


@case((4, 1, 6), 11, inputs=[("image", [4, None, 6])])
def softmax_around_the_batch(m):
    return m.node("Softmax", ["image"], axis=0)


def run(name, folder):
    import import_onnx
    from onnx_network.values import Fault
    build, shape, opset, options = CASES[name]
    m = Model(opset, shape)
    path = os.path.join(folder, name + ".onnx")
    with open(path, "wb") as file:
        file.write(m.proto(build(m)).SerializeToString())
    try:
        text, notes = import_onnx.convert(path, name, import_onnx.Options(**options))
    except Fault as fault:
        return {"said": str(fault)}
    finally:
        os.unlink(path)
    with open(os.path.join(folder, name + ".json"), "w", encoding="utf-8") as file:
        file.write(text)
    entries = json.loads(text)["layers"]
    layers = [" ".join([entry["op"]] + [f"{k}={str(v).replace(' ', '')}" for k, v in entry.items()
                                        if k not in ("name", "op", "inputs")]) for entry in entries]
    return {"layers": "; ".join(layers), "notes": notes}


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    sys.path.insert(0, sys.argv[1])
    print(json.dumps({_name: run(_name, sys.argv[2]) for _name in CASES}))
