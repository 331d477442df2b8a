"""What flows along an ONNX graph's edges, and how shapes of a mini-batch become shapes of a sample."""

from math import prod

import numpy


class Fault(Exception):
    """The one line that the user sees. `unsupported` where the model is sound and only this importer cannot do it."""

    def __init__(self, text, unsupported=False):
        super().__init__(text)
        self.unsupported = unsupported


def unsupported(text):
    return Fault(text, unsupported=True)


class Constant:
    """
    Equal for all samples and not learned. `data` is None where it is not known or not small. `measured` is what was
    computed from activations all the same: the scale and the zero point of a dynamic quantisation.
    """

    def __init__(self, shape, data=None, measured=False):
        self.shape = None if shape is None else tuple(int(d) for d in shape)
        self.data = data
        self.measured = measured


class Learned:
    """Computed from parameters; `sources` maps the parameters' names to their sizes. `data` as a Constant's."""

    def __init__(self, shape, sources, data=None):
        self.shape = None if shape is None else tuple(int(d) for d in shape)
        self.sources = sources
        self.data = data


class Activation:
    """
    A tensor of a mini-batch. `shape` has all dimensions; dimension `axis` is `outer` · batch · more, so that
    `outer` times the dimensions before it lie before the batch in memory. `name` is the network's tensor, which
    has the shape `net` per sample. `swapped` is another activation that this is with its last two dimensions
    exchanged, for as long as nobody needs them moved. `raw` is an input that was at most rescaled and rearranged.
    `merged_by` is the node that joined the batch with another dimension, if one did.
    """

    def __init__(self, name, net, shape, axis, outer=1, swapped=None, raw=False):
        self.name = name
        self.net = list(net)
        self.shape = tuple(int(d) for d in shape)
        self.axis = axis
        self.outer = outer
        self.swapped = swapped
        self.raw = raw
        self.merged_by = None


class Bundle:
    """
    Activations of one shape whose batches lie one after the other in a dimension of the model's tensor, as two images
    that one network looks at.
    """

    def __init__(self, parts):
        self.parts = parts

    @property
    def axis(self):
        return self.parts[0].axis

    @property
    def shape(self):
        shape = list(self.parts[0].shape)
        shape[self.axis] *= len(self.parts)
        return tuple(shape)


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
        raise Fault(f"a reshape of {list(value.shape)} to {list(shape)} takes samples apart: the batch is dimension "
                    f"{value.axis} of the former and no dimension of the latter has it whole")
    return min(found)[1:]


def broadcast(shapes):
    try:
        return numpy.broadcast_shapes(*shapes)
    except ValueError:
        raise Fault(f"shapes {' and '.join(str(list(s)) for s in shapes)} do not broadcast") from None
