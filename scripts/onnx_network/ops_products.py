"""Matrix products, with learned matrices and of activations."""

from math import prod

from onnx_network.values import Activation, Fault, broadcast, sample_dims, sample_shape


def linear(c, node, x, features, out, weight, bias):
    """A learned product over the last dimension."""
    if x.axis == len(x.shape) - 1:
        raise Fault("works along the batch")
    if x.shape[-1] != features:
        raise Fault(f"multiplies {list(x.shape)} by a matrix with {features} rows")
    c.fresh(weight, *([bias] if bias is not None else []))
    rows = [d for i, d in sample_dims(x.shape, x.axis, c.batch) if i < len(x.shape) - 1]
    rows = [] if prod(rows) == 1 else rows
    name = c.layer(node.title(), "fc", [c.tensor(x, rows + [features])], out_features=out,
                   axis=len(rows) or None, bias=True if bias is not None else None)
    return Activation(name, rows + [out], list(x.shape[:-1]) + [out], x.axis, x.outer)


def gemm(c, node, values):
    x, weight = values[0], values[1]
    if isinstance(weight, Activation) or not isinstance(x, Activation) or node.attrs.get("transA", 0):
        raise Fault("multiplies two activations, which is not supported; the closest that is: MatMul")
    if weight.shape is None or len(weight.shape) != 2:
        raise Fault("has weights of unknown shape")
    rows, out = weight.shape[::-1] if node.attrs.get("transB", 0) else weight.shape
    bias = values[2] if len(values) > 2 else None
    if isinstance(bias, Activation):
        raise Fault("adds an activation, which is not supported; the closest that is: MatMul and Add")
    return linear(c, node, x, rows, out, weight, bias)


def matmul(c, node, values):
    a, b = values
    if isinstance(a, Activation) and isinstance(b, Activation):
        return product(c, node, a, b)
    x, weight = (a, b) if isinstance(a, Activation) else (b, a)
    if weight.shape is None or x is b or len(weight.shape) != 2:
        raise Fault("has a fixed operand that is no matrix on the right, which is not supported; the closest that "
                    "is: activations times a matrix")
    plus = c.graph.only_consumer(node.outputs[0])
    bias = None
    if plus is not None and plus.op == "Add":
        other = plus.inputs[1 - plus.inputs.index(node.outputs[0])]
        value = c.values.get(other)
        if value is not None and not isinstance(value, Activation) and value.shape == (weight.shape[1],):
            bias = value
    result = linear(c, node, x, *weight.shape, weight, bias)
    if bias is not None:
        result.has_bias = plus.number
    return result


def product(c, node, a, b):
    members, operands = {}, []
    for operand, member in ((a, "transpose_a"), (b, "transpose_b")):
        if operand.swapped is not None:
            members[member] = True
            operand = operand.swapped
        operands.append(operand)
    rank = max(len(a.shape), len(b.shape))
    if len(a.shape) != len(b.shape) or rank < 3 or a.axis != b.axis or a.axis >= rank - 2 or a.outer > 1 or b.outer > 1:
        raise Fault(f"multiplies {list(a.shape)} and {list(b.shape)}: expected matrices of equal rank, the batch first")
    if a.shape[-1] != b.shape[-2]:
        raise Fault(f"multiplies {list(a.shape)} and {list(b.shape)}, whose inner sizes differ")
    shape = list(broadcast([a.shape[:-2], b.shape[:-2]])) + [a.shape[-2], b.shape[-1]]
    name = c.layer(node.title(), "matmul", [c.tensor(o) for o in operands], **members)
    result = Activation(name, [], shape, a.axis)
    result.net = sample_shape(result, c.batch)
    return result


# ---- Einsum ----

def equation(node, ranks):
    """The labels of both operands and of the result."""
    text = node.attrs["equation"].decode().replace(" ", "")
    operands, arrow, result = text.partition("->")
    labels = operands.split(",")
    if not arrow:
        result = "".join(sorted(i for i in set(operands) - {","} if operands.count(i) == 1))
    if len(labels) != 2 or not all(i.isalpha() for i in operands.replace(",", "") + result):
        raise Fault(f"has the equation {text}, which is not supported; the closest that is: two operands, letters only")
    if any(len(set(part)) != len(part) for part in (*labels, result)) or set(result) - set("".join(labels)):
        raise Fault(f"has the equation {text}, which is not supported; the closest that is: each letter once")
    if [len(part) for part in labels] != ranks:
        raise Fault(f"has the equation {text} for operands of {ranks[0]} and {ranks[1]} dimensions")
    if any(i not in result for i in set(labels[0]) ^ set(labels[1])):
        raise Fault(f"has the equation {text}, which is not supported; the closest that is: sums over what both have")
    return *labels, result


def arranged(c, title, x, labels, *groups):
    """The activation as matrices: dimensions in the order of the three groups, the last two each one dimension."""
    x = c.permute(title, x, [labels.index(i) for i in "".join(groups)])
    kept, rows = len(groups[0]), len(groups[1])
    return c.reshape(x, [*x.shape[:kept], prod(x.shape[kept:kept + rows]), prod(x.shape[kept + rows:])])


def einsum(c, node, values):
    """A product whose operands' dimensions stand in any order."""
    shapes = [v.shape for v in values]
    if None in shapes:
        raise Fault("has an operand of unknown shape")
    one, two, result = equation(node, [len(s) for s in shapes])
    a, b = values
    if not isinstance(a, Activation):
        a, b, one, two = b, a, two, one
    size = {**dict(zip(one, a.shape)), **dict(zip(two, b.shape))}
    shared = "".join(i for i in one if i in two and i in result)
    inner = "".join(i for i in one if i in two and i not in result)
    rows = "".join(i for i in one if i not in two)
    columns = "".join(i for i in two if i not in one)
    title = node.title()
    if isinstance(b, Activation):
        left = arranged(c, title + ".left", a, one, shared, rows, inner)
        if two == shared + columns + inner:  # as it lies
            source = arranged(c, title + ".right", b, two, shared, columns, inner)
            right = Activation("", [], [*source.shape[:-2], source.shape[-1], source.shape[-2]], source.axis,
                               source.outer, swapped=source)
        else:
            right = arranged(c, title + ".right", b, two, shared, inner, columns)
        made = product(c, node, left, right)
    else:
        if shared:
            raise Fault("has a fixed operand for each of several others, which is not supported; the closest that is: "
                        "activations times a matrix")
        left = c.permute(title + ".left", a, [one.index(i) for i in rows + inner])
        left = c.reshape(left, [size[i] for i in rows] + [prod(size[i] for i in inner)])
        made = linear(c, node, left, prod(size[i] for i in inner), prod(size[i] for i in columns), b, None)
    order = shared + rows + columns
    made = c.reshape(made, [size[i] for i in order])
    return c.permute(title + ".result", made, [order.index(i) for i in result])
