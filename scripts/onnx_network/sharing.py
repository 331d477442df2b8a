"""Weights that several operators multiply by or look up: as layers that share their parameters."""

from math import prod

import numpy


class Use:
    """
    A layer's parameters. `key` is equal for layers that have the same ones, None where they are the layer's own;
    `bias` is the layer's member. `apart` is a bias that the layer does not have, for others with its weights have
    another one: it is added by a layer of its own.
    """

    def __init__(self, key=None, bias=None, apart=None, place=""):
        self.key = key
        self.bias = bias
        self.apart = apart
        self.place = place


def whole(value):
    """The name of the learned tensor that a fixed value is, moved and reshaped at most; None if it is none."""
    sources = getattr(value, "sources", {})
    if value.shape is None or len(sources) != 1 or sum(sources.values()) != prod(value.shape):
        return None
    return next(iter(sources))


def untrained(value):
    """Whether all numbers are equal, so that an exporter may have merged several such tensors."""
    data = value.data
    return data is not None and data.size > 1 and bool(numpy.all(data == data.reshape(-1)[0]))


class Sharing:
    def __init__(self, graph, weights_at, moved_source):
        """`weights_at`: per operator the place of its weights; `moved_source`: what a tensor is, but for moves."""
        self.owners = {}  # by key: (the first layer, its node's place)
        self.shared = {}  # by the weights' name: the places of all nodes whose layers share them
        self.biases = {}  # by the weights' name: those of its operators
        for node in graph.nodes:
            at = weights_at.get(node.op)
            if at is not None and not node.domain and len(node.inputs) > at:
                source = moved_source(graph, node.inputs[at])
                self.biases.setdefault(source, set()).add(self._bias(graph, node, moved_source))
            elif node.op == "Gather" and not node.domain and node.inputs:  # a table, which has no bias
                self.biases.setdefault(moved_source(graph, node.inputs[0]), set()).add(None)

    @staticmethod
    def _bias(graph, node, moved_source):
        """The name of what is added to a node's output as its bias; None if nothing is."""
        if node.op != "MatMul":
            return moved_source(graph, node.inputs[2]) if len(node.inputs) > 2 and node.inputs[2] else None
        plus = graph.only_consumer(node.outputs[0])
        if plus is None or plus.op != "Add" or plus.domain or len(plus.inputs) != 2:
            return None
        other = moved_source(graph, plus.inputs[1 - plus.inputs.index(node.outputs[0])])
        return other if other in graph.initializers else None

    def biases_differ(self, source):
        return len(self.biases.get(source, ())) > 1

    def use(self, place, op, shape, weight, bias):
        """How a layer has these weights, of `shape` as the network file has them, and bias, or None."""
        source = whole(weight)
        biased = True if bias is not None else None
        if source is None or untrained(weight):
            return Use(bias=biased)
        if self.biases_differ(source):
            return Use((op, tuple(shape), source, None), apart=bias, place=place)
        added = whole(bias) if bias is not None else None
        if bias is not None and added is None:
            return Use(bias=biased)
        return Use((op, tuple(shape), source, added), biased, place=place)

    def owner(self, key):
        """The layer that has the parameters already."""
        return self.owners[key][0] if key in self.owners else None

    def made(self, name, use):
        """Notes that a layer has the parameters. Returns what takes that back, or None."""
        if use.key is None:
            return None
        if use.key not in self.owners:
            self.owners[use.key] = (name, use.place)
            return lambda: self.owners.pop(use.key, None)
        places = self.shared.setdefault(use.key[2], [self.owners[use.key][1]])
        places.append(use.place)
        return places.pop


def add_apart(c, node, made, use):
    """What the layer made, with the bias that it does not have."""
    if use.apart is None:
        return made
    source, count = whole(use.apart), c.learning.fresh(use.apart)
    own = source is None or untrained(use.apart)
    key = None if own else ("bias", tuple(use.apart.shape), source, None)
    name = c.learned_layer(node.title() + ".bias", "bias", [c.tensor(made)], Use(key, place=use.place),
                           parameters=(count if own else prod(use.apart.shape)) or None)
    return c.like(made, name)


def keep_owners(layers):
    """Of layers some of which were left out: whose owner is gone, the first of them owns the parameters."""
    here, heirs = {entry["name"] for entry in layers}, {}
    for entry in layers:
        owner = entry.get("shares")
        if owner is None or owner in here:
            continue
        if owner in heirs:
            entry["shares"] = heirs[owner]
        else:
            heirs[owner] = entry["name"]
            del entry["shares"]
