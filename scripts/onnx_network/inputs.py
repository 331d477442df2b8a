"""The model's inputs: activations, or weights and constants that the model is given from outside."""

import re
from math import prod

from onnx_network import graph as graphs
from onnx_network.learning import some
from onnx_network.values import Activation, Constant, Fault, Learned

SMALLEST_IMAGE = 16  # that is not square
PICTURE = (1, 3, 4)  # colours
TOKENS = 64  # of a text, in an example
COMPARES = ("Greater", "GreaterOrEqual", "Less", "LessOrEqual", "NonMaxSuppression", "TopK", "Clip", "Max", "Min")
BATCH_NAME = re.compile(r"n|b|bs|batch|batch_?size|.*[_.]batch(_?size)?", re.IGNORECASE)


def batch_axis(proto, given=None, batches=()):
    """
    Which dimension of an input is the batch: where `given` says so, else the one that has one of the names `batches`,
    else the one that is called a batch where the first one is of a fixed size (tokens first, as PyTorch's transformers
    have it), else the first.
    """
    if given is not None and None in given:
        return given.index(None)
    dims = proto.type.tensor_type.shape.dim if proto.type.HasField("tensor_type") else []
    same = [i for i, d in enumerate(dims) if d.dim_param in batches]
    if given is None and len(same) == 1:
        return same[0]
    named = [i for i, d in enumerate(dims) if BATCH_NAME.fullmatch(d.dim_param)]
    return named[0] if given is None and dims and dims[0].dim_value > 0 and len(named) == 1 else 0


def _given_as_fixed(c, proto, shape, options):
    """The value of an input that is no activation; None if it is one."""
    name = proto.name
    if c.learning.given is not None and name in options.fixed_inputs:
        return Learned(shape, {name: prod(shape)}) if name in c.learning.given else Constant(shape)
    if name in options.weights:
        if shape is None or None in shape:
            raise Fault(f"--weights: input {name!r} has no fixed shape, which weights must have: found {shape}")
        return Learned(shape, {name: prod(shape)})
    return None


def _reader(c, name, op):
    """A node of this operator that reads `name` first, perhaps after nodes that keep its dimensions."""
    for _ in range(8):
        readers = c.graph.consumers.get(name, [])
        found = next((n for n in readers if n.op == op and n.inputs[0] == name and len(n.inputs) > 1), None)
        if found is not None or len(readers) != 1 or readers[0].op not in ("Cast", "Sub", "Add", "Mul", "Div", "Pad"):
            return found
        name = readers[0].outputs[0]
    return None


def _example(c, name, dims):
    """A shape of a sample for a message: what is open is what the weights tell, or a usual size."""
    def weight(op):
        node = _reader(c, name, op)
        return getattr(c.values.get(node.inputs[1]), "shape", None) if node is not None else None, node

    channels, image = None, len(dims) == 3 and dims[0] in (None, *PICTURE)
    shape, node = weight("Conv")
    if shape and len(shape) == len(dims) + 1 and len(dims) > 1:
        channels, image = shape[1] * node.attrs.get("group", 1), len(dims) > 2
    found = [d or (224 if image else TOKENS) for d in dims]
    if len(dims) > 1 and dims[0] is None:
        found[0] = channels or (3 if image or len(dims) == 2 else found[0])
    shape, node = weight("MatMul")
    if node is None:
        shape, node = weight("Gemm")
        shape = shape[::-1] if shape and node.attrs.get("transB") else shape
    if shape and len(shape) > 1:
        found[0] = dims[0] or TOKENS
        found[-1] = shape[-2]
    return "x".join(str(d) for d in found)


def _ask_for_shape(c, name, shape, typed):
    """The message on an input whose shape is open."""
    if not typed:
        return f"input {name!r} is no tensor (a sequence, an optional or a map), which is not supported"
    if shape is None:
        return f"input {name!r} has no fixed shape for a sample: found no shape, give --input {name}=3x224x224"
    return (f"input {name!r} has no fixed shape for a sample: found {shape}, give --input "
            f"{name}={_example(c, name, shape[1:])}")


def _sample(c, proto, shape, given, axis):
    """The shape of a sample of an input."""
    name = proto.name
    if given is not None:
        found = [d for d in given if d is not None]
        if shape is not None and len(shape) != len(found) + 1:
            raise Fault(f"input {name!r} has {len(shape)} dimensions with the batch, found --input of {len(found)} "
                        "without it")
        return found
    if shape is not None and len(shape) == 1:
        if shape[0] in (None, c.batch):
            return [1]
        raise Fault(f"input {name!r} is fixed to {shape[0]} numbers and has no batch, found a batch of {c.batch} "
                    f"before; expected the batch as the first dimension, or --weights {name} if it is learned")
    found = shape and shape[:axis] + shape[axis + 1:]
    if not shape or None in found:
        raise Fault(_ask_for_shape(c, name, shape, proto.type.HasField("tensor_type")))
    return found


def _is_limit(c, name):
    """Whether an input of one number is nothing but what others are compared with."""
    return all(node.op in COMPARES and node.inputs.index(name) > 0 for node in c.graph.consumers[name])


def _symbols(protos, given):
    """
    The sizes of open dimensions by the names that the model gives them, where --input says them, and the names of
    those that it says to be the batch.
    """
    found, batches = {}, set()
    for proto in protos:
        dims = proto.type.tensor_type.shape.dim
        sizes = given.get(proto.name, ())
        if None in sizes and len(sizes) == len(dims) and dims[sizes.index(None)].dim_param:
            batches.add(dims[sizes.index(None)].dim_param)
        sizes = list(sizes) if None in sizes else [None, *sizes]
        if len(sizes) == len(dims):
            found.update({d.dim_param: size for d, size in zip(dims, sizes) if d.dim_param and size})
    return found, batches


def _known(proto, symbols, batches):
    """The dimensions of an input, those included that another one has said."""
    shape = graphs.input_shape(proto)
    if not shape:
        return shape
    names = [d.dim_param for d in proto.type.tensor_type.shape.dim]
    batch = batch_axis(proto, None, batches)
    return [symbols.get(name) if d is None and i != batch else d for i, (d, name) in enumerate(zip(shape, names))]


def _activation(c, proto, shape, given, batches):
    axis = batch_axis(proto, given, batches)
    sample = _sample(c, proto, shape, given, axis)
    if shape and shape[axis] not in (None, c.batch):
        raise Fault(f"input {proto.name!r} has a batch of {shape[axis]}, found {c.batch} before; expected that the "
                    f"first dimension of every input is the batch, or --weights {proto.name} if it is learned")
    if shape and len(shape) == 3 and shape[0] == 3 and axis == 0 and (sample[0] == sample[1]
                                                                      or min(sample) >= SMALLEST_IMAGE):
        c.notes.append(f"input {proto.name!r} has the shape {shape}: {shape[0]} is taken for the batch, which the "
                       "first dimension is")
    if axis and given is None and not batches:
        c.notes.append(f"input {proto.name!r}: dimension {axis} has the name of a batch and is taken for it")
    name = c.unique(proto.name)
    c.inputs.append({"name": name, "shape": list(sample)})
    whole = list(sample[:axis]) + [c.batch] + ([] if shape is not None and len(shape) == 1 else list(sample[axis:]))
    return Activation(name, sample, whole, axis, raw=True)


def read_inputs(c, options):
    """The values of the graph's inputs by name; writes those of the network."""
    given, values, scalars = dict(options.inputs), {}, []
    known = [i.name for i in c.graph.inputs]
    for option, names in (("--input", given), ("--weights", options.weights)):
        wrong = [name for name in names if name not in known]
        if wrong:
            raise Fault(f"{option}: no input {wrong[0]!r}, expected {'one of ' if len(known) > 1 else ''}{some(known)}")
    symbols, batches = _symbols(c.graph.inputs, given)
    for proto in c.graph.inputs:
        shape = _known(proto, symbols, batches)
        fixed = _given_as_fixed(c, proto, shape, options)
        if fixed is not None:
            values[proto.name] = fixed
        elif proto.name not in c.graph.consumers:
            continue
        elif shape == [] or shape == [1] and _is_limit(c, proto.name):
            scalars.append(proto.name)
            values[proto.name] = Constant(shape)
        else:
            values[proto.name] = _activation(c, proto, shape, given.get(proto.name), batches)
    if scalars:
        c.notes.append(f"inputs of one number count as constants: {some(scalars)}")
    if not c.inputs:
        raise Fault("no node reads an input")
    return values


def first_batches(graph, options):
    """The sizes of a mini-batch to try: that of the inputs, else one that cannot be mistaken for another dimension."""
    given = dict(options.inputs)
    batches = _symbols(graph.inputs, given)[1]
    shapes = [(graphs.input_shape(i), batch_axis(i, given.get(i.name), batches)) for i in graph.inputs
              if i.name not in options.weights and i.name in graph.consumers]
    shapes = [(shape, axis) for shape, axis in shapes if shape and axis < len(shape)]
    shapes.sort(key=lambda pair: len(pair[0]), reverse=True)
    fixed = [shape[axis] for shape, axis in shapes if shape[axis]]
    return [fixed[0]] if fixed else [2, 1]
