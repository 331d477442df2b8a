"""What the operators' functions have in common: reading attributes and fixed inputs."""

from onnx_network.constants import ints
from onnx_network.values import Constant, Fault


def data(value, what):
    if not isinstance(value, Constant) or value.data is None:
        raise Fault(f"its {what} is not known before it runs")
    return value.data


def axes_of(node, values, at=1):
    axes = node.attrs.get("axes")
    if axes is None and len(values) > at and values[at] is not None:
        axes = ints(data(values[at], "axes"))
    return axes


def pair(value):
    value = list(value)
    return value[0] if value[0] == value[1] else value


def same(op, **members):
    def convert(c, node, values):
        return c.unary(node.title(), op, values[0], **members)
    return convert


def passed(c, node, values):
    return values[0]
