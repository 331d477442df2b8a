"""A registry of small ONNX models, one for each operator; those that rearrange data are in onnx_cases_shapes.py."""

CASES = {}


def case(opset=13, shape=(1, 4, 8, 8)):
    """Registers a function that adds nodes to a model and returns the names of its outputs."""
    def register(function):
        CASES[function.__name__] = (function, opset, shape)
        return function
    return register


def one(name, op, opset=13, shape=(1, 4, 8, 8), fixed=(), **attributes):
    """A model of one node; `fixed` has a function of the model for each further input."""
    def build(m):
        return m.node(op, ["image", *(f(m) for f in fixed)], **attributes)
    build.__name__ = name
    CASES[name] = (build, opset, shape)


def w(*shape):
    return lambda m: m.weight(*shape)


def ints(*values):
    return lambda m: m.ints(*values)


def number(value):
    return lambda m: m.number(value)


def none(_):
    return ""
