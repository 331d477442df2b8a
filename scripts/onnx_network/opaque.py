"""--opaque: operators that are not known, as elementwise ones; and when that would be wrong."""

from math import prod

from onnx_network.graph import input_shape, is_float
from onnx_network.learning import learned_sizes
from onnx_network.values import Activation, Constant, Fault, sample_shape

# they multiply and accumulate, or keep a state, so that no elementwise op stands for them
NEVER = ("Conv", "ConvTranspose", "Gemm", "MatMul", "Einsum", "LSTM", "GRU", "RNN", "Attention", "MultiHeadAttention",
         "Loop", "Scan", "If", "DeformConv", "ConvInteger", "MatMulInteger", "QLinearConv", "QLinearMatMul", "QGemm",
         "QAttention", "FusedConv", "FusedGemm", "FusedMatMul", "DynamicQuantizeMatMul", "MatMulIntegerToFloat",
         "MatMulNBits", "CausalConvWithState", "LinearAttention", "GroupQueryAttention", "EmbedLayerNormalization")
MOST_CODES = 16  # elements of a table of integers of one byte, or of an attribute, that are no weights


def held(proto):
    """The name of an attribute in which a node, or one of its subgraphs, has weights; empty if there is none."""
    for attribute in proto.attribute:
        tensors = [*attribute.tensors, *([attribute.t] if attribute.HasField("t") else [])]
        for graph in (*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])):
            tensors += graph.initializer
            if any(inner.op_type in NEVER or held(inner) for inner in graph.node):
                return attribute.name
        floats = any(prod(tensor.dims) > 1 for tensor in tensors if is_float(tensor.data_type))
        if floats or any(prod(tensor.dims) > MOST_CODES for tensor in tensors) or len(attribute.floats) > MOST_CODES:
            return attribute.name
    return ""


def lost(c, node, values):
    """What speaks against importing a node as an elementwise op; empty if nothing does."""
    if node.op in NEVER:
        return "its multiplications would be lost"
    if held(node.proto):
        return f"the weights in its attribute {held(node.proto)!r} would be lost"
    count = learned_sizes(values)
    if count > 1:
        return f"its {count} parameters would be lost"
    for name, value in zip(node.inputs, values):
        codes = isinstance(value, Constant) and value.data is not None and value.data.dtype.kind in "iu" \
            and value.data.dtype.itemsize == 1 and value.data.size > MOST_CODES
        unread = isinstance(value, Constant) and value.data is None and value.shape is not None and name \
            and name in c.graph.initializers
        if codes or unread:
            return f"its weights {name!r} would be lost"
    return ""


def output_shape(c, node, output, first):
    """The shape of an output as ONNX's own inference or the file says it, None if that cannot be told."""
    types = c.graph.types({name: v for name, v in c.values.items() if isinstance(v, Activation)})
    shape = input_shape(types[output]) if output in types else None
    if shape and first.axis < len(shape) and \
            types[output].type.tensor_type.shape.dim[first.axis].dim_param in c.graph.open_batches:
        shape[first.axis] = c.batch
    if not shape or None in shape or first.axis >= len(shape) or shape[first.axis] != first.shape[first.axis]:
        return None
    return shape


def needed(c, node):
    """The outputs that somebody reads, by number; the first one in any case."""
    return [(i, o) for i, o in enumerate(node.outputs)
            if o and (i == 0 or o in c.graph.consumers or o in c.graph.outputs)]


def opaque_hint(c, node, values, fault):
    """Advice to use --opaque, where that would work."""
    if not fault.unsupported or c.opaque or lost(c, node, values):
        return ""
    first = next(v for v in values if isinstance(v, Activation))
    if any(output_shape(c, node, output, first) is None for _, output in needed(c, node)):
        return ""
    return "; --opaque imports it as an elementwise op"


def opaque(c, node, values, fault):
    """Any op without weights: a layer for each output."""
    reason = lost(c, node, values)
    if reason:
        raise Fault(f"{fault}; --opaque cannot import it: {reason}", unsupported=True)
    active = [v for v in values if isinstance(v, Activation)]
    first = active[0]
    results = [None] * len(node.outputs)
    for i, output in needed(c, node):
        shape = output_shape(c, node, output, first)
        if shape is None:
            raise Fault(f"{fault}; --opaque cannot import it: the shape of its output {output!r} is not known",
                        unsupported=True)
        result = Activation("", [], shape, first.axis, first.outer)
        result.net = sample_shape(result, c.batch)
        title = node.title() if len(node.outputs) == 1 else f"{node.title()}.{i}"
        result.name = c.layer(title, "elementwise", [c.tensor(v) for v in active], shape=result.net)
        results[i] = result
    c.notes.append(f"{node.place()}: {node.op} is imported as an elementwise op: {str(fault).split(';', 1)[0]}")
    return results
