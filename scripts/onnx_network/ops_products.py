"""Matrix products, with learned matrices and of activations."""

from math import prod

from onnx_network.operands import grown, of_one_sample
from onnx_network.sharing import add_apart
from onnx_network.values import Activation, Constant, Fault, Learned, broadcast, sample_dims, sample_shape, unsupported

Fixed = (Constant, Learned)


def linear(c, node, x, features, out, weight, bias=None):
    """A learned product over the last dimension; `weight` and `bias` are pairs (name, value)."""
    if x.axis == len(x.shape) - 1:
        raise Fault("multiplies along the batch, which is in the last dimension" + c.where_merged(x))
    if x.shape[-1] != features:
        raise Fault(f"multiplies {list(x.shape)} by a matrix with {features} rows" + c.where_merged(x))
    if bias is not None and bias[1].shape is not None and prod(bias[1].shape) != out:
        raise Fault(f"has a bias of shape {list(bias[1].shape)} for {out} outputs")
    use = c.learning.use(node, "fc", (out, features), *weight, bias[1] if bias is not None else None)
    rows = [d for i, d in sample_dims(x.shape, x.axis, c.batch) if i < len(x.shape) - 1]
    rows = [] if prod(rows) == 1 else rows
    name = c.learned_layer(node.title(), "fc", [c.tensor(x, rows + [features])], use, out_features=out,
                           axis=len(rows) or None)
    return add_apart(c, node, Activation(name, rows + [out], list(x.shape[:-1]) + [out], x.axis, x.outer), use)


def gemm(c, node, values):
    x, weight = values[0], values[1]
    for value in (x, weight):
        if value.shape is not None and len(value.shape) != 2:
            raise Fault(f"multiplies {list(value.shape)}, expected two dimensions" + c.where_batch())
    if not isinstance(x, Activation):
        return gemm_of_columns(c, node, values)
    if node.attrs.get("transA", 0):
        x = c.permute(node.title() + ".turned", x, [1, 0])
    if isinstance(weight, Activation):
        if weight.raw and node.inputs[1] in {i.name for i in c.graph.inputs}:
            raise Fault(f"multiplies by the input {node.inputs[1]!r}; --weights {node.inputs[1]} if it is learned")
        raise unsupported("multiplies two activations, which is not supported; the closest that is: MatMul")
    if weight.shape is None or len(weight.shape) != 2:
        raise Fault("has weights of unknown shape")
    rows, out = weight.shape[::-1] if node.attrs.get("transB", 0) else weight.shape
    bias = values[2] if len(values) > 2 else None
    bias = bias if node.attrs.get("beta", 1.0) != 0 else None
    own = isinstance(bias, Fixed) and bias.shape is not None and bias.shape[-1:] == (out,) and prod(bias.shape) == out
    made = linear(c, node, x, rows, out, (node.inputs[1], weight), (node.inputs[2], bias) if own else None)
    if isinstance(bias, Activation):
        whole, names = c.aligned([made, bias])
        whole.name = c.layer(node.title() + ".sum", "add", names)
        return whole
    if bias is None or own:
        return made
    if grown(made, [bias]) != made.shape:
        raise Fault(f"adds something of shape {list(bias.shape)} to {list(made.shape)}")
    learned = of_one_sample(c, bias, made, c.learning.operand(made, node.inputs[2], bias))
    return c.unary(node.title() + ".bias", "bias", made, parameters=learned or None)


def gemm_of_columns(c, node, values):
    """A learned matrix times columns, one for each sample."""
    weight, x = values[0], values[1]
    if weight.shape is None or len(weight.shape) != 2:
        raise Fault("has weights of unknown shape")
    x = x if node.attrs.get("transB", 0) else c.permute(node.title() + ".turned", x, [1, 0])
    out, features = weight.shape[::-1] if node.attrs.get("transA", 0) else weight.shape
    if len(values) > 2 and values[2] is not None:
        raise unsupported("adds something to a learned matrix times activations, which is not supported")
    made = linear(c, node, x, features, out, (node.inputs[0], weight))
    return c.permute(node.title() + ".turned", made, [1, 0])


def matmul(c, node, values):
    a, b = values[:2]
    if isinstance(a, Activation) and isinstance(b, Activation):
        return product(c, node, a, b)
    weight = b if isinstance(a, Activation) else a
    if weight.shape is None:
        raise Fault("has a fixed operand of unknown shape")
    if not isinstance(a, Activation):
        return from_left(c, node, (node.inputs[0], a), b)
    if prod(weight.shape[:-2]) > 1:
        return heads(c, node, a, (node.inputs[1], b))
    if len(weight.shape) == 1:
        made = linear(c, node, a, weight.shape[0], 1, (node.inputs[1], b))
        return c.reshape(made, made.shape[:-1])
    bias, plus = following_bias(c, node, weight.shape[-1])
    made = linear(c, node, a, *weight.shape[-2:], (node.inputs[1], b), bias)
    if len(weight.shape) > len(a.shape):
        made = c.reshape(made, [1] * (len(weight.shape) - len(a.shape)) + list(made.shape))
    if bias is not None:
        made.has_bias = plus.number
    return made


def following_bias(c, node, out):
    """(name, value) of what a following Add adds to each output, and that Add."""
    plus = c.graph.only_consumer(node.outputs[0])
    if plus is None or plus.op != "Add" or plus.domain or len(plus.inputs) != 2:
        return None, None
    name = plus.inputs[1 - plus.inputs.index(node.outputs[0])]
    value = c.values.get(name)
    if not isinstance(value, Fixed) or value.shape is None or not value.shape:
        return None, None
    whole = value.shape[-1] == out and prod(value.shape) == out and len(value.shape) <= 2
    return ((name, value), plus) if whole else (None, None)


def from_left(c, node, weight, x):
    """A learned matrix times activations: a convolution over the columns with a kernel of 1."""
    shape, rank = weight[1].shape, len(x.shape)
    if prod(shape[:-2]) > 1 or not 2 <= len(shape) <= rank:
        raise unsupported("has a fixed operand for each of several others on the left, which is not supported")
    if rank == 2 and x.axis == 1:
        turned = c.permute(node.title() + ".turned", x, [1, 0])
        made = linear(c, node, turned, shape[-1], shape[-2], weight)
        return c.permute(node.title() + ".turned", made, [1, 0])
    if x.axis >= rank - 2:
        raise Fault("multiplies along the batch" + c.where_merged(x))
    if x.shape[-2] != shape[-1]:
        raise Fault(f"multiplies {list(shape)} and {list(x.shape)}, whose inner sizes differ")
    use = c.learning.use(node, "conv", (*shape[-2:], 1, 1), *weight)
    order = [x.axis, rank - 2, *(i for i in range(rank - 1) if i not in (x.axis, rank - 2)), rank - 1]
    x = c.permute(node.title() + ".columns", x, order)
    net = [x.shape[1], x.shape[0] // c.batch, prod(x.shape[2:])]
    if x.outer > 1 or net[1] > 1:
        raise unsupported("multiplies a matrix by a batch that another dimension is in, which is not supported")
    name = c.learned_layer(node.title(), "conv", [c.tensor(x, net)], use, out_channels=shape[-2], kernel=1)
    made = Activation(name, [shape[-2], *net[1:]], [x.shape[0], shape[-2], *x.shape[2:]], 0)
    return c.permute(node.title() + ".result", made, [order.index(i) for i in range(rank)])


def heads(c, node, x, weight):
    """A learned matrix for each index of the dimension before the last two: a convolution with groups."""
    shape, rank = weight[1].shape, len(x.shape)
    count = shape[-3] if len(shape) > 2 else 1
    if prod(shape[:-2]) != count or rank < 2 or x.axis != 0 or x.shape[0] != c.batch:
        raise unsupported("has fixed matrices in more than one dimension, which is not supported")
    if x.shape[-1] != shape[-2]:
        raise Fault(f"multiplies {list(x.shape)} and {list(shape)}, whose inner sizes differ")
    if rank == 3 and len(shape) == 3:
        raise unsupported("has a fixed matrix for each sample, which is not supported")
    if rank < 4 or x.shape[-3] == 1:  # one input for all
        raise unsupported("multiplies one activation by several fixed matrices, which is not supported; the closest "
                          "that is: one wide matrix")
    if rank != 4 or x.shape[-3] != count:
        raise Fault(f"multiplies {list(x.shape)} and {list(shape)}, which do not broadcast")
    use = c.learning.use(node, "conv", (count * shape[-1], shape[-2], 1, 1), *weight)
    rows, inner, out = x.shape[2], shape[-2], shape[-1]
    x = c.permute(node.title() + ".heads", x, [0, 1, 3, 2])
    name = c.learned_layer(node.title(), "conv", [c.tensor(x, [count * inner, 1, rows])], use, out_channels=count * out,
                           kernel=1, groups=count)
    made = Activation(name, [count * out, 1, rows], [c.batch, count, out, rows], 0)
    return c.permute(node.title() + ".result", made, [0, 1, 3, 2])


def product(c, node, a, b):
    """Of two activations."""
    members, operands = {}, []
    for operand, member in ((a, "transpose_a"), (b, "transpose_b")):
        if operand.swapped is not None:
            members[member] = True
            operand = operand.swapped
        operands.append(operand)
    rank = max(len(a.shape), len(b.shape))
    if len(a.shape) == len(b.shape) and any(v.axis >= rank - 2 or v.outer > 1 for v in (a, b)):
        raise Fault(f"multiplies {list(a.shape)} and {list(b.shape)} along the batch" + (c.where_merged(a)
                                                                                       or c.where_merged(b)))
    if len(a.shape) != len(b.shape) or rank < 3 or a.axis != b.axis or a.axis >= rank - 2:
        raise Fault(f"multiplies {list(a.shape)} and {list(b.shape)}: expected matrices of equal rank, the batch first"
                    + (c.where_merged(a) or c.where_merged(b)))
    if a.shape[-1] != b.shape[-2]:
        raise Fault(f"multiplies {list(a.shape)} and {list(b.shape)}, whose inner sizes differ")
    shape = list(broadcast([a.shape[:-2], b.shape[:-2]])) + [a.shape[-2], b.shape[-1]]
    name = c.layer(node.title(), "matmul", [c.tensor(o) for o in operands], **members)
    result = Activation(name, [], shape, a.axis)
    result.net = sample_shape(result, c.batch)
    return result
