"""The model's inputs: activations, or weights and constants that the model is given from outside."""

from math import prod

from onnx_network import graph as graphs
from onnx_network.learning import some
from onnx_network.values import Activation, Constant, Fault, Learned

SMALLEST_IMAGE = 16  # that is not square


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


def _ask_for_shape(name, shape, typed):
    """The message on an input whose shape is open."""
    if not typed:
        return f"input {name!r} is no tensor (a sequence, an optional or a map), which is not supported"
    if shape is None:
        return f"input {name!r} has no fixed shape for a sample: found no shape, give --input {name}=3x224x224"
    example = {2: "64", 3: "3x64", 4: "3x224x224"}.get(len(shape), "x".join(["4"] * (len(shape) - 1)))
    return f"input {name!r} has no fixed shape for a sample: found {shape}, give --input {name}={example}"


def _sample(c, proto, shape, given):
    """The shape of a sample of an input."""
    name = proto.name
    if given is not None:
        if shape is not None and len(shape) != len(given) + 1:
            raise Fault(f"input {name!r} has {len(shape)} dimensions with the batch, found --input of {len(given)} "
                        "without it")
        return given
    if shape is not None and len(shape) == 1:
        if shape[0] in (None, c.batch):
            return [1]
        raise Fault(f"input {name!r} is fixed to {shape[0]} numbers and has no batch, found a batch of {c.batch} "
                    f"before; expected the batch as the first dimension, or --weights {name} if it is learned")
    if not shape or None in shape[1:]:
        raise Fault(_ask_for_shape(name, shape, proto.type.HasField("tensor_type")))
    return shape[1:]


def _activation(c, proto, shape, given):
    sample = _sample(c, proto, shape, given)
    if shape and shape[0] not in (None, c.batch):
        raise Fault(f"input {proto.name!r} has a batch of {shape[0]}, found {c.batch} before; expected that the first "
                    f"dimension of every input is the batch, or --weights {proto.name} if it is learned")
    if shape and len(shape) == 3 and shape[0] == 3 and (sample[0] == sample[1] or min(sample) >= SMALLEST_IMAGE):
        c.notes.append(f"input {proto.name!r} has the shape {shape}: {shape[0]} is taken for the batch, which the "
                       "first dimension is")
    name = c.unique(proto.name)
    c.inputs.append({"name": name, "shape": list(sample)})
    whole = [c.batch] + ([] if shape is not None and len(shape) == 1 else list(sample))
    return Activation(name, sample, whole, 0, raw=True)


def read_inputs(c, options):
    """The values of the graph's inputs by name; writes those of the network."""
    given, values, scalars = dict(options.inputs), {}, []
    known = [i.name for i in c.graph.inputs]
    for option, names in (("--input", given), ("--weights", options.weights)):
        wrong = [name for name in names if name not in known]
        if wrong:
            raise Fault(f"{option}: no input {wrong[0]!r}, expected {'one of ' if len(known) > 1 else ''}{some(known)}")
    for proto in c.graph.inputs:
        shape = graphs.input_shape(proto)
        fixed = _given_as_fixed(c, proto, shape, options)
        if fixed is not None:
            values[proto.name] = fixed
        elif proto.name not in c.graph.consumers:
            continue
        elif shape == []:
            scalars.append(proto.name)
            values[proto.name] = Constant(())
        else:
            values[proto.name] = _activation(c, proto, shape, given.get(proto.name))
    if scalars:
        c.notes.append(f"inputs of one number count as constants: {some(scalars)}")
    if not c.inputs:
        raise Fault("no node reads an input")
    return values


def first_batches(graph, options):
    """The sizes of a mini-batch to try: that of the inputs, else one that cannot be mistaken for another dimension."""
    shapes = [graphs.input_shape(i) for i in graph.inputs
              if i.name not in options.weights and i.name in graph.consumers]
    fixed = [s[0] for s in sorted((s for s in shapes if s and s[0]), key=len, reverse=True)]
    return [fixed[0]] if fixed else [2, 1]
