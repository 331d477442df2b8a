"""What flows along an ONNX graph's edges, and how shapes of a mini-batch become shapes of a sample."""

from math import prod

import numpy


class Fault(Exception):
    """The one line that the user sees."""


class Constant:
    """Equal for all samples and not learned. `data` is None where it is not known or not small."""

    def __init__(self, shape, data=None):
        self.shape = None if shape is None else tuple(int(d) for d in shape)
        self.data = data


class Learned:
    """Computed from parameters alone; `sources` maps the parameters' names to their sizes."""

    def __init__(self, shape, sources):
        self.shape = None if shape is None else tuple(int(d) for d in shape)
        self.sources = sources


class Activation:
    """
    A tensor of a mini-batch. `shape` has all dimensions; dimension `axis` is `outer` · batch · more, so that
    `outer` times the dimensions before it lie before the batch in memory. `name` is the network's tensor, which
    has the shape `net` per sample. `swapped` is another activation that this is with its last two dimensions
    exchanged, for as long as nobody needs them moved.
    """

    def __init__(self, name, net, shape, axis, outer=1, swapped=None):
        self.name = name
        self.net = list(net)
        self.shape = tuple(int(d) for d in shape)
        self.axis = axis
        self.outer = outer
        self.swapped = swapped


def sample_dims(shape, axis, batch):
    """(dimension, size) of one sample; the batch's own dimension is left out where nothing else is in it."""
    dims = [(i, d // batch if i == axis else d) for i, d in enumerate(shape) if i != axis or d != batch]
    return dims


def sample_shape(value, batch):
    return [d for _, d in sample_dims(value.shape, value.axis, batch)] or [1]


def place_batch(value, shape, batch):
    """
    Where the batch is after a reshape: the place with as many elements before it. (axis, outer) A batch of 1 may have
    several places: then it is where it stands alone, and rather not inside the last dimension, along which matrices
    multiply.
    """
    before = prod(value.shape[: value.axis]) * value.outer
    found = []
    for axis, size in enumerate(shape):
        left = prod(shape[:axis])
        if left == 0 or before % left or size % (before // left * batch):
            continue
        outer = before // left
        last = batch == 1 and size != 1 and axis == len(shape) - 1
        rank = (last, outer != 1, size != batch, axis != value.axis, axis)
        found.append((rank, axis, outer))
    if not found:
        raise Fault(f"a reshape of {list(value.shape)} to {list(shape)} takes samples apart")
    return min(found)[1:]


def broadcast(shapes):
    try:
        return numpy.broadcast_shapes(*shapes)
    except ValueError:
        raise Fault(f"shapes {' and '.join(str(list(s)) for s in shapes)} do not broadcast") from None
