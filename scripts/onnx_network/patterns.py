"""Layers that exporters write as several nodes: where they begin and end."""

from math import prod

from onnx_network.constants import ints, read_tensor
from onnx_network.fixed import constant_node
from onnx_network.values import Constant

BINARY = ("Sub", "Pow", "Mul", "Add")
OF_NUMBERS = ("Cast", "CastLike", "Sqrt", "Reciprocal", "Div", "Mul", "Add", "Sub", "Pow", "Unsqueeze", "Squeeze",
              "Neg")


class Match:
    """Node `last` makes `op` of tensor `source` with `members`; the other `nodes` are part of it."""

    def __init__(self, op, source, last, nodes, scale=None, bias=None, **members):
        self.op, self.source, self.last, self.nodes = op, source, last, nodes
        self.scale, self.bias, self.members = scale, bias, members


def _other(node, name):
    """The other input of a node with two."""
    if len(node.inputs) != 2 or name not in node.inputs:
        return None
    return node.inputs[1 - node.inputs.index(name)]


class Finder:
    def __init__(self, graph, is_fixed):
        self.graph = graph
        self.is_fixed = is_fixed  # whether a tensor is a constant or learned

    def next(self, node, *ops):
        reader = self.graph.only_consumer(node.outputs[0]) if node is not None else None
        return reader if reader is not None and reader.op in ops else None

    def made_by(self, name, *ops):
        node = self.graph.producer.get(name)
        return node if node is not None and node.op in ops else None

    def number(self, name):
        """The one number of an initializer or a Constant, None if it is something else."""
        node = self.graph.producer.get(name)
        tensor = self.graph.initializers.get(name)
        if tensor is not None:
            value = read_tensor(tensor) if prod(tensor.dims) == 1 else Constant(())
        elif node is not None and node.op == "Constant":
            value = constant_node(node)
        else:
            return None
        return value.data.reshape(-1)[0].item() if value.data is not None and value.data.size == 1 else None

    def is_number(self, name, deepest=8):
        """Whether a fixed tensor is one number, by itself or computed from such."""
        node = self.graph.producer.get(name)
        if name in self.graph.initializers:
            return prod(self.graph.initializers[name].dims) == 1
        if node is None or node.domain or deepest == 0:
            return False
        if node.op == "Constant":
            shape = constant_node(node).shape
            return shape is not None and prod(shape) == 1
        return node.op in OF_NUMBERS and all(self.is_number(i, deepest - 1) for i in node.inputs)

    def besides_numbers(self, node, name):
        """Whether all other inputs of a node than `name` are numbers."""
        return all(self.is_number(other) for other in node.inputs if other and other != name)

    def is_square(self, node, x):
        """Whether a node makes the square of x."""
        if node.op == "Pow":
            return node.inputs[0] == x and self.number(node.inputs[1]) == 2
        return node.op == "Mul" and node.inputs == [x, x]

    def axes(self, mean):
        """What says along which dimensions a reduction is; None where these are dropped."""
        if not mean.attrs.get("keepdims", 1):
            return None
        if "axes" in mean.attrs or len(mean.inputs) < 2:
            return tuple(mean.attrs.get("axes", ()))
        name, node = mean.inputs[1], self.graph.producer.get(mean.inputs[1])
        tensor = self.graph.initializers.get(name)
        value = read_tensor(tensor) if tensor is not None else constant_node(node) if node is not None and \
            node.op == "Constant" else None
        return name if value is None or value.data is None else tuple(ints(value.data))

    def mean_square(self, mean, square):
        """Whether behind the square comes a mean along the same dimensions, plus a number; the nodes up to the root."""
        nodes = [square]
        for op in ("ReduceMean", "Add", "Sqrt"):
            node = self.next(nodes[-1], op)
            if node is None or op == "Add" and not self.besides_numbers(node, nodes[-1].outputs[0]):
                return []
            nodes.append(node)
        axes = self.axes(nodes[1])
        return nodes if axes is not None and (mean is None or axes == self.axes(mean)) else []

    def beside(self, node):
        """(number, the other input) of a node with two inputs; (None, "") if neither is a number."""
        for name, other in zip(node.inputs, node.inputs[::-1]):
            if len(node.inputs) == 2 and self.number(name) is not None:
                return self.number(name), other
        return None, ""

    def silu(self, node):
        product = self.next(node, "Mul")
        if product is not None and _other(product, node.outputs[0]) == node.inputs[0]:
            op = "silu" if node.op == "Sigmoid" else "hardswish"
            return Match(op, node.inputs[0], product, [node, product])
        before = self.made_by(node.inputs[0], "Mul") if node.op == "Sigmoid" else None
        x = self.beside(before)[1] if before is not None else ""
        if x and product is not None and _other(product, node.outputs[0]) == x:  # of 1.702 x
            return Match("silu", x, product, [before, node, product])
        return None

    def hard(self, plus):
        """Hard sigmoid, of x + 3 from 0 to 6, over 6; and the product of x and that."""
        three, x = self.beside(plus)
        clip = self.next(plus, "Clip")
        if three is None or not x or abs(three - 3) > 1e-3 or clip is None or clip.inputs[0] != plus.outputs[0] or \
                not self.besides_numbers(clip, plus.outputs[0]):
            return None
        nodes, times_x, over_6 = [plus, clip], False, False
        while not (times_x and over_6):
            node = self.next(nodes[-1], "Mul", "Div")
            if node is None:
                break
            number = self.beside(node)[0]
            if number is not None and not over_6 and abs(number - (6 if node.op == "Div" else 1 / 6)) < 1e-3 \
                    and node.inputs[0] == nodes[-1].outputs[0]:
                over_6 = True
            elif node.op == "Mul" and not times_x and _other(node, nodes[-1].outputs[0]) == x:
                times_x = True
            else:
                break
            nodes.append(node)
        if not over_6:
            return None
        return Match("hardswish" if times_x else "hardsigmoid", x, nodes[-1], nodes)

    def mish(self, softplus):
        tanh = self.next(softplus, "Tanh")
        product = self.next(tanh, "Mul")
        if product is None or _other(product, tanh.outputs[0]) != softplus.inputs[0]:
            return None
        return Match("elementwise", softplus.inputs[0], product, [softplus, tanh, product])

    def gelu_by_tanh(self, tanh):
        """x / 2 times 1 + tanh(a (x + b x^3))."""
        outer = self.made_by(tanh.inputs[0], "Mul")
        total = self.made_by(self.beside(outer)[1], "Add") if outer is not None else None
        plus = self.next(tanh, "Add")
        product = self.next(plus, "Mul")
        if total is None or product is None or len(total.inputs) != 2 or self.beside(plus)[0] != 1:
            return None
        for x, cubic in (total.inputs, total.inputs[::-1]):
            scaled = self.made_by(cubic, "Mul")
            cube = self.made_by(self.beside(scaled)[1], "Pow", "Mul") if scaled is not None else None
            if cube is None or x not in cube.inputs or cube.op == "Pow" and self.number(cube.inputs[1]) != 3:
                continue
            nodes = [cube, scaled, total, outer, tanh, plus, product]
            if cube.op == "Mul":
                nodes.append(self.made_by(_other(cube, x), "Mul", "Pow"))
                if nodes[-1] is None or not self.is_square(nodes[-1], x):
                    continue
            half = self.made_by(_other(product, plus.outputs[0]) or "", "Mul")
            if half is not None and self.beside(half)[1] == x:
                return Match("gelu", x, product, [*nodes, half])
            last = self.next(product, "Mul")
            if _other(product, plus.outputs[0]) == x and last is not None and self.beside(last)[0] is not None:
                return Match("gelu", x, last, [*nodes, last])
        return None

    def rms_norm(self, square):
        """x over the root of the mean of its square."""
        nodes = self.mean_square(None, square) if self.is_square(square, square.inputs[0]) else []
        if not nodes:
            return None
        last = self.next(nodes[-1], "Div", "Reciprocal")
        if last is not None and last.op == "Reciprocal":
            nodes.append(last)
            last = self.next(last, "Mul")
            whole = last is not None and _other(last, nodes[-1].outputs[0]) == square.inputs[0]
        else:
            whole = last is not None and last.inputs == [square.inputs[0], nodes[-1].outputs[0]]
        if not whole:
            return None
        return self.scaled(Match("layer_norm", square.inputs[0], last, [*nodes, last], mean=nodes[1]))

    def gelu(self, erf):
        before = self.made_by(erf.inputs[0], "Div", "Mul")
        plus = self.next(erf, "Add")
        if before is None or plus is None or not self.besides_numbers(plus, erf.outputs[0]):
            return None
        x = before.inputs[0] if not self.is_fixed(before.inputs[0]) else before.inputs[1]
        if before.op == "Div" and x != before.inputs[0] or not self.besides_numbers(before, x):
            return None
        product = self.next(plus, "Mul")
        if product is None:
            return None
        other = _other(product, plus.outputs[0])
        half = self.made_by(other, "Mul") if other else None
        if half is not None and x in half.inputs and self.besides_numbers(half, x):
            return Match("gelu", x, product, [before, erf, plus, half, product])
        last = self.next(product, "Mul")
        if last is None:
            return None
        if other == x and self.besides_numbers(last, product.outputs[0]):
            return Match("gelu", x, last, [before, erf, plus, product, last])
        if self.is_number(other) and _other(last, product.outputs[0]) == x:
            return Match("gelu", x, last, [before, erf, plus, product, last])
        return None

    def scaled(self, match):
        """A learned factor behind a normalisation."""
        product = self.next(match.last, "Mul")
        if product is not None and self.is_fixed(_other(product, match.last.outputs[0])):
            match.scale = _other(product, match.last.outputs[0])
            match.last = product
            match.nodes.append(product)
        return match

    def affine(self, match):
        """A learned factor and offset behind a normalisation."""
        match = self.scaled(match)
        plus = self.next(match.last, "Add") if match.scale is not None else None
        if plus is not None and self.is_fixed(_other(plus, match.last.outputs[0])):
            match.bias = _other(plus, match.last.outputs[0])
            match.last = plus
            match.nodes.append(plus)
        return match

    def layer_norm(self, difference):
        """x - mean, over the root of the mean of its square."""
        mean = self.made_by(difference.inputs[1], "ReduceMean")
        if mean is None or mean.inputs[0] != difference.inputs[0]:
            return None
        readers = self.graph.consumers.get(difference.outputs[0], [])
        square = next((n for n in readers if self.is_square(n, difference.outputs[0])), None)
        nodes = self.mean_square(mean, square) if square is not None else []
        last = self.next(nodes[-1], "Div") if nodes else None
        if last is None or last.inputs[0] != difference.outputs[0]:
            return None
        nodes = [mean, difference, *nodes, last]
        return self.affine(Match("layer_norm", difference.inputs[0], nodes[-1], nodes, mean=mean))

    def group_norm(self, norm):
        """Reshape to groups, normalise each, reshape back."""
        to = self.made_by(norm.inputs[0], "Reshape")
        back = self.next(norm, "Reshape")
        if to is None or back is None or self.graph.only_consumer(to.outputs[0]) is not norm:
            return None
        return self.affine(Match("group_norm", to.inputs[0], back, [to, norm, back], to=to, norm=norm, back=back))

    def unit_norm(self, length):
        """x over its own length."""
        node, nodes = length, [length]
        while node is not None and node.op != "Div":
            before, node = node, self.next(node, "Clip", "Max", "Expand", "Div")
            if node is not None and node.op in ("Clip", "Max") and not self.besides_numbers(node, before.outputs[0]):
                return None
            nodes.append(node)
        if node is None or node.inputs[0] != length.inputs[0] or self.axes(length) is None:
            return None
        return Match("unit_norm", length.inputs[0], node, nodes, length=length)

    def find(self):
        rules = {"Sigmoid": self.silu, "HardSigmoid": self.silu, "Erf": self.gelu, "Sub": self.layer_norm,
                 "InstanceNormalization": self.group_norm, "ReduceL2": self.unit_norm, "Softplus": self.mish,
                 "Tanh": self.gelu_by_tanh, "Pow": self.rms_norm, "Mul": self.rms_norm, "Add": self.hard}
        matches, skipped = {}, set()
        for node in self.graph.nodes:
            rule = rules.get(node.op)
            if rule is None or node.number in skipped:
                continue
            if len(node.inputs) < (2 if node.op in BINARY else 1) or node.domain:
                continue
            if self.is_fixed(node.inputs[0]) and node.op != "Add":
                continue
            match = rule(node)
            if match is None or any(n.number in skipped for n in match.nodes):
                continue
            outside = [n for n in match.nodes if n is not match.last and any(
                r not in match.nodes for o in n.outputs for r in self.graph.consumers.get(o, []))]
            if outside or any(o in self.graph.outputs for n in match.nodes if n is not match.last for o in n.outputs):
                continue
            skipped.update(n.number for n in match.nodes)
            matches[match.last.number] = match
        return matches, skipped
