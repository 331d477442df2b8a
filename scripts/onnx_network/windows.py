"""Windows that slide: their members in the network file, and the sizes that they make."""

from onnx_network.operands import alike
from onnx_network.values import Activation, Fault


def spatial(c, value, flat=False, alike=False):
    """
    The value as [C,H,W] or [C,D,H,W], a height of 1 for signals; where `flat`, what lies behind a height is its width.
    Where all channels are treated `alike`, those of several pictures that a sample has are channels too.
    """
    ranks = range(2, 9) if flat else (3, 4, 5)
    whole = value.shape[0] == c.batch or alike and value.outer == 1
    if value.axis != 0 or not whole or len(value.shape) not in ranks:
        raise Fault(f"of {list(value.shape)}: expected [batch, channels, height, width] or one dimension less or more"
                    + c.where_merged(value) + c.where_batch())
    channels, *sizes = value.shape[1:]
    channels *= value.shape[0] // c.batch
    if len(sizes) < 2:
        return [channels, 1, *(sizes or [1])]
    if not flat:
        return [channels, *sizes]
    high, *wide = sizes
    for size in wide[:-1]:
        high *= size
    return [channels, high, wide[-1]]


def pad_member(pads):
    """Pads as short as they can be written; nothing where there are none."""
    if len(set(pads)) == 1:
        return pads[0] or None
    axes = len(pads) // 2
    return pads[:axes] if pads[:axes] == pads[axes:] else pads


class Window:
    """Kernel, strides, dilations: [height, width], or with a depth first; pads: [top, left, bottom, right] likewise."""

    def __init__(self, node, kernel, shape):
        kernel = [int(k) for k in kernel]
        self.strides = list(node.attrs.get("strides") or [1] * len(kernel))
        self.dilations = list(node.attrs.get("dilations") or [1] * len(kernel))
        self.pads = list(node.attrs.get("pads") or [0] * 2 * len(kernel))
        self.kernel = kernel
        if not len(kernel) == len(self.strides) == len(self.dilations) == len(self.pads) / 2:
            raise Fault(f"has a kernel of {kernel}, strides {self.strides}, dilations {self.dilations} and pads "
                        f"{self.pads}, which are of different numbers of dimensions")
        if len(kernel) == 1:
            self.kernel, self.strides, self.dilations = [1] + kernel, [1] + self.strides, [1] + self.dilations
            self.pads = [0, self.pads[0], 0, self.pads[1]]
        self.axes = len(self.kernel)
        if self.axes not in (2, 3):
            raise Fault(f"has a window of {self.axes} dimensions, expected 1 to 3")
        if min(self.kernel + self.strides + self.dilations) < 1:
            raise Fault(f"has a kernel of {self.kernel}, strides {self.strides} and dilations {self.dilations}, "
                        "expected at least 1")
        self.auto = node.attrs.get("auto_pad", b"NOTSET").decode()
        if self.auto not in ("NOTSET", "", "VALID", "SAME_UPPER", "SAME_LOWER"):
            raise Fault(f"has auto_pad {self.auto!r}, expected NOTSET, VALID, SAME_UPPER or SAME_LOWER")
        if self.auto in ("SAME_UPPER", "SAME_LOWER"):
            self._pad_same(shape)
        if any(p < 0 for p in self.pads):
            raise Fault(f"has negative padding {self.pads}")

    def _pad_same(self, shape):
        total = [max(0, (-(-shape[1 + i] // self.strides[i]) - 1) * self.strides[i] + self.reach(i) - shape[1 + i])
                 for i in range(self.axes)]
        self.take(total)

    def take(self, total):
        """Distributes what is padded in both directions."""
        less, more = [t // 2 for t in total], [t - t // 2 for t in total]
        self.pads = less + more if self.auto == "SAME_UPPER" else more + less

    def reach(self, i):
        return (self.kernel[i] - 1) * self.dilations[i] + 1

    def sizes(self, shape, ceil=False):
        """The sizes, but for the channels, of what it makes of a shape."""
        found = []
        for i in range(self.axes):
            room = shape[1 + i] + self.pads[i] + self.pads[i + self.axes] - self.reach(i)
            last = -(-room // self.strides[i]) if ceil else room // self.strides[i]
            if ceil and last > 0 and last * self.strides[i] >= shape[1 + i] + self.pads[i]:
                last -= 1
            found.append(last + 1)
        return found

    def members(self, pool=False):
        found = {"kernel": alike(self.kernel)}
        if set(self.strides) != {1} or pool:
            found["stride"] = alike(self.strides)
        found["pad"] = pad_member(self.pads)
        if set(self.dilations) != {1}:
            found["dilation"] = alike(self.dilations)
        return found


def finish(c, value, name, net):
    """What a window made of [C,H,W] or [C,D,H,W]."""
    if min(net) < 1:
        raise Fault(f"makes {net} of {list(value.shape[1:])}: its window does not fit")
    pictures = value.shape[0] // c.batch
    shape = [value.shape[0], net[0] // pictures] + (net[2:] if len(value.shape) == 3 else net[1:])
    result = Activation(name, net, shape, 0)
    result.merged_by = value.merged_by
    return result
