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

from onnx import shape_inference

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import onnx_cases_ops  # noqa: E402, F401
import onnx_cases_shapes  # noqa: E402, F401
from make_onnx import FLOAT, Model  # noqa: E402
from onnx_cases import CASES  # noqa: E402

NEWEST = 17  # that ONNX 1.12 can infer
WRONGLY_INFERRED = ("dynamically_quantised",)
# what inference does not find out
KNOWN = {"einsum_transposed": [2, 6, 6], "einsum_permuted": [6, 2, 12], "einsum_learned": [6, 3, 5],
         "group_norm_decomposed": [4, 8, 8], "group_norm_decomposed_plain": [4, 8, 8], "constant": [4, 64],
         "shape_chain": [2, 128], "group_normalization": [4, 8, 8], "group_normalization_by_channel": [4, 8, 8],
         "rms_normalization": [6, 12], "simplified_layer_norm": [6, 12], "gelu_alone": [4, 8, 8],
         "mish_alone": [4, 8, 8],
         "swish_alone": [4, 8, 8], "scaledtanh_alone": [4, 8, 8], "imagescaler_alone": [4, 8, 8],
         "affine_alone": [4, 8, 8], "attention": [6, 12], "attention_of_heads": [2, 6, 12],
         "parametricsoftplus_alone": [4, 8, 8], "reduce_max_new_axes": [4],
         "split_in_number": [2, 8, 8], "resize_axes": [6, 13, 16], "expand_twice": [2, 6, 8, 8],
         "crop": [6, 5, 5], "average_pool_dilated": [4, 4, 4], "dynamically_quantised": [8, 6, 5]}


def learned_elements(model):
    """What of the initializers a step of training changes: all but running means and variances, and zero points."""
    kept = {i for n in model.graph.node if n.op_type == "BatchNormalization" for i in n.input[3:5]}
    return sum(prod(t.dims) for t in model.graph.initializer if t.name not in kept and (t.dims or t.data_type == FLOAT))


def run(name, folder):
    import import_onnx
    from onnx_network import graph as graphs
    from onnx_network.ops import KNOWN as KNOWN_OPERATORS
    from onnx_network.values import Activation
    build, opset, shape = CASES[name]
    m = Model(opset, shape)
    outputs = build(m)
    model = m.proto(*([outputs] if isinstance(outputs, str) else outputs))
    path = os.path.join(folder, name + ".onnx")
    with open(path, "wb") as file:
        file.write(model.SerializeToString())
    size = os.path.getsize(path)
    converter = import_onnx.convert_graph(graphs.read_model(path, KNOWN_OPERATORS), import_onnx.Options(), [shape[0]])
    with open(os.path.join(folder, name + ".json"), "w", encoding="utf-8") as file:
        file.write(converter.text(name))
    os.unlink(path)
    inferred = model.graph
    if opset <= NEWEST and name not in WRONGLY_INFERRED:
        inferred = shape_inference.infer_shapes(model, strict_mode=True, data_prop=True).graph
    differ, wanted = [], {o.name: KNOWN.get(name) for o in model.graph.output}
    for info in [*inferred.value_info, *inferred.output]:
        dims = info.type.tensor_type.shape.dim
        value = converter.values.get(info.name)
        if not dims or not all(d.HasField("dim_value") for d in dims):
            continue
        expected = [d.dim_value for d in dims]
        if info.name in wanted and name not in KNOWN:
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
