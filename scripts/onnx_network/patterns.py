"""Layers that exporters write as several nodes: where they begin and end."""


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

    def silu(self, node):
        product = self.next(node, "Mul")
        if product is not None and _other(product, node.outputs[0]) == node.inputs[0]:
            op = "silu" if node.op == "Sigmoid" else "hardswish"
            return Match(op, node.inputs[0], product, [node, product])
        return None

    def gelu(self, erf):
        before = self.made_by(erf.inputs[0], "Div", "Mul")
        plus = self.next(erf, "Add")
        if before is None or plus is None:
            return None
        x = before.inputs[0] if not self.is_fixed(before.inputs[0]) else before.inputs[1]
        product = self.next(plus, "Mul")
        if product is None:
            return None
        other = _other(product, plus.outputs[0])
        half = self.made_by(other, "Mul") if other else None
        if half is not None and x in half.inputs and self.is_fixed(_other(half, x)):
            return Match("gelu", x, product, [before, erf, plus, half, product])
        last = self.next(product, "Mul")
        if last is None:
            return None
        if other == x and self.is_fixed(_other(last, product.outputs[0])):
            return Match("gelu", x, last, [before, erf, plus, product, last])
        if self.is_fixed(other) and _other(last, product.outputs[0]) == x:
            return Match("gelu", x, last, [before, erf, plus, product, last])
        return None

    def affine(self, match):
        """A learned factor and offset behind a normalisation."""
        product = self.next(match.last, "Mul")
        if product is None or not self.is_fixed(_other(product, match.last.outputs[0])):
            return match
        match.scale = _other(product, match.last.outputs[0])
        match.last = product
        match.nodes.append(product)
        plus = self.next(product, "Add")
        if plus is not None and self.is_fixed(_other(plus, product.outputs[0])):
            match.bias = _other(plus, product.outputs[0])
            match.last = plus
            match.nodes.append(plus)
        return match

    def layer_norm(self, difference):
        """x - mean, over the root of the mean of its square."""
        mean = self.made_by(difference.inputs[1], "ReduceMean")
        if mean is None or mean.inputs[0] != difference.inputs[0]:
            return None
        readers = self.graph.consumers.get(difference.outputs[0], [])
        square = next((n for n in readers if n.op == "Pow" or n.op == "Mul" and
                       n.inputs == [difference.outputs[0]] * 2), None)
        nodes = [mean, difference, square]
        for op in ("ReduceMean", "Add", "Sqrt", "Div"):
            node = self.next(nodes[-1], op)
            if node is None:
                return None
            nodes.append(node)
        if nodes[-1].inputs[0] != difference.outputs[0]:
            return None
        return self.affine(Match("layer_norm", difference.inputs[0], nodes[-1], nodes, mean=mean))

    def group_norm(self, norm):
        """Reshape to groups, normalise each, reshape back."""
        to = self.made_by(norm.inputs[0], "Reshape")
        back = self.next(norm, "Reshape")
        if to is None or back is None or self.graph.only_consumer(to.outputs[0]) is not norm:
            return None
        return self.affine(Match("group_norm", to.inputs[0], back, [to, norm, back], grouped=to.outputs[0],
                                 shape=to.inputs[1]))

    def unit_norm(self, length):
        """x over its own length."""
        node, nodes = length, [length]
        while node is not None and node.op != "Div":
            node = self.next(node, "Clip", "Max", "Expand", "Div")
            nodes.append(node)
        if node is None or node.inputs[0] != length.inputs[0]:
            return None
        return Match("unit_norm", length.inputs[0], node, nodes, length=length)

    def find(self):
        rules = {"Sigmoid": self.silu, "HardSigmoid": self.silu, "Erf": self.gelu, "Sub": self.layer_norm,
                 "InstanceNormalization": self.group_norm, "ReduceL2": self.unit_norm}
        matches, skipped = {}, set()
        for node in self.graph.nodes:
            rule = rules.get(node.op)
            if rule is None or node.number in skipped:
                continue
            if len(node.inputs) < (2 if node.op == "Sub" else 1) or self.is_fixed(node.inputs[0]):
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
