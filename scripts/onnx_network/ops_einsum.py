"""Einsum of two operands: a matrix product whose operands' dimensions stand in any order."""

from math import prod

from onnx_network.ops_products import linear, product
from onnx_network.values import Activation, Fault


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
    weight = node.inputs[1]
    if not isinstance(a, Activation):
        a, b, one, two, weight = b, a, two, one, node.inputs[0]
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
        made = linear(c, node, left, prod(size[i] for i in inner), prod(size[i] for i in columns), (weight, b))
    order = shared + rows + columns
    made = c.reshape(made, [size[i] for i in order])
    return c.permute(title + ".result", made, [order.index(i) for i in result])
