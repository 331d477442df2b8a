"""
Dilated pools and convolutions of several tensors, as windows that slide along one row: with as many elements and
weights, as many products and indices; but no row of it is any row's, so that none is cut into strips.
"""

from math import prod

from onnx_network.values import Activation, Fault


class Solid:
    """A window in any number of dimensions, with numbers for each."""

    def __init__(self, node, kernel, sizes):
        rank = len(sizes)
        self.kernel = [int(k) for k in kernel]
        self.strides = list(node.attrs.get("strides") or [1] * rank)
        self.dilations = list(node.attrs.get("dilations") or [1] * rank)
        self.pads = list(node.attrs.get("pads") or [0] * 2 * rank)
        self.sizes = sizes
        if not len(self.kernel) == len(self.strides) == len(self.dilations) == rank == len(self.pads) // 2:
            raise Fault(f"has a kernel of {self.kernel}, strides {self.strides}, dilations {self.dilations} and pads "
                        f"{self.pads} for {rank} dimensions")
        if min(self.kernel + self.strides + self.dilations) < 1 or min(self.pads) < 0:
            raise Fault(f"has a kernel of {self.kernel}, strides {self.strides}, dilations {self.dilations} and pads "
                        f"{self.pads}, expected at least 1 and no negative pads")
        self.auto = node.attrs.get("auto_pad", b"NOTSET")

    def reach(self, i):
        return (self.kernel[i] - 1) * self.dilations[i] + 1

    def made(self, ceil=False):
        """What it makes of each dimension."""
        found = []
        for i, size in enumerate(self.sizes):
            if self.auto in (b"SAME_UPPER", b"SAME_LOWER"):
                found.append(-(-size // self.strides[i]))
                continue
            before, after = self.pads[i], self.pads[i + len(self.sizes)]
            room = size + before + after - self.reach(i)
            last = -(-room // self.strides[i]) if ceil else room // self.strides[i]
            if ceil and last > 0 and last * self.strides[i] >= size + before:
                last -= 1
            found.append(last + 1)
        return found


def sides(total):
    """Padding of a row as a member."""
    return [0, total // 2, 0, total - total // 2] if total else None


def along_row(length, kernel, made):
    """Members of a window that makes `made` elements of a row."""
    stride = max(1, -(-(length - kernel + 1) // made))
    return {"kernel": [1, kernel], "stride": [1, stride], "pad": sides(max(0, (made - 1) * stride + kernel - length))}


def check(c, x, made):
    if x.axis != 0 or x.shape[0] != c.batch:
        raise Fault(f"of {list(x.shape)}: expected the batch first" + c.where_merged(x))
    if min(made) < 1:
        raise Fault(f"makes {made} of {list(x.shape[2:])}: its window does not fit")


def finish(c, node, x, op, channels, made, **members):
    row = c.tensor(x, [x.shape[1], 1, prod(x.shape[2:])])
    name = c.layer(node.title(), op, [row], **members)
    return Activation(name, [channels, 1, prod(made)], [c.batch, channels, *made], 0)


def pool(c, node, x, op):
    window = Solid(node, node.attrs["kernel_shape"], x.shape[2:])
    made = window.made(bool(node.attrs.get("ceil_mode", 0)))
    check(c, x, made)
    return finish(c, node, x, op, x.shape[1], made, **along_row(prod(x.shape[2:]), prod(window.kernel), prod(made)))
