"""Convolutions with one weight tensor as one layer over all that they read: parameters and gradients are there once."""

import heapq
from math import prod

from onnx_network.ops_rows import Solid, along_row, check
from onnx_network.ops_windows import check_weight
from onnx_network.values import Activation, Fault, unsupported

MOST_GROUPS = 100


def candidates(graph):
    """Convolutions that differ in what they read alone."""
    found = {}
    for node in graph.nodes:
        if node.op == "Conv" and not node.domain and len(node.inputs) > 1:
            key = (tuple(node.inputs[1:]), repr(sorted(node.attrs.items())))
            found.setdefault(key, []).append(node)
    return [group for group in found.values()
            if len(group) > 1 and len({node.inputs[0] for node in group}) == len(group)][:MOST_GROUPS]


def in_order(graph, groups):
    """The nodes in an order in which each group is together, as lists; None if there is none."""
    unit = {node.number: [node] for node in graph.nodes}
    unit.update({node.number: group for group in groups for node in group})
    place = {node.number: i for i, node in enumerate(graph.nodes)}
    waits, readers = {}, {}
    for node in graph.nodes:
        at = unit[node.number][0].number
        waits.setdefault(at, set())
        for name in node.inputs:
            before = graph.producer.get(name)
            if before is not None:
                waits[at].add(unit[before.number][0].number)
                readers.setdefault(unit[before.number][0].number, set()).add(at)
    ready = [(place[at], at) for at, others in waits.items() if not others]
    heapq.heapify(ready)
    order = []
    while ready:
        _, at = heapq.heappop(ready)
        order.append(unit[at])
        for reader in readers.get(at, ()):
            waits[reader].discard(at)
            if not waits[reader]:
                heapq.heappush(ready, (place[reader], reader))
    return order if len(order) == len(waits) else None


def units(graph):
    """The nodes in order, as lists: those that become one layer together, all others alone."""
    accepted, order = [], None
    for group in candidates(graph):
        tried = in_order(graph, [*accepted, group])
        if tried is not None:  # else one of them reads what another one makes
            accepted.append(group)
            order = tried
    return order or [[node] for node in graph.nodes]


def convolve_together(c, nodes):
    """One convolution along a row of what all these nodes read."""
    first = nodes[0]
    values = [[c.values[name] if name else None for name in node.inputs] for node in nodes]
    weight, bias = values[0][1], values[0][2] if len(values[0]) > 2 else None
    if isinstance(bias, Activation):
        raise unsupported("has a bias that is computed, which is not supported")
    groups, rows, sizes, made = first.attrs.get("group", 1), [], [], []
    for node, (x, *_) in zip(nodes, values):
        if not isinstance(x, Activation):
            raise unsupported("slides an activation over something fixed, which is not supported")
        check_weight(c, node, node.inputs[1], x, weight)
        made.append(Solid(node, weight.shape[2:], x.shape[2:]).made())
        check(c, x, made[-1])
        if x.shape[1] != weight.shape[1] * groups:
            raise Fault(f"has weights of shape {list(weight.shape)} for {x.shape[1]} channels")
        source = getattr(x, "padded", (x,))[0]
        sizes.append(prod(source.shape[2:]))
        rows.append(c.tensor(source, [x.shape[1], 1, sizes[-1]]))
    c.learning.together(nodes, first.inputs[1], weight, bias)
    title, ends = first.title(), [sum(prod(m) for m in made[:i + 1]) for i in range(len(made))]
    joined = c.layer(f"{title}.all", "concat", rows, axis=2)
    name = c.layer(title, "conv", [joined], out_channels=weight.shape[0],
                   **along_row(sum(sizes), prod(weight.shape[2:]), ends[-1]), groups=groups if groups > 1 else None,
                   bias=True if bias is not None else None)
    for node, sizes_made, end in zip(nodes, made, ends):
        count = prod(sizes_made)
        part = c.layer(f"{node.title()}.part", "slice", [name], axis=2, begin=end - count or None, end=end)
        c.values[node.outputs[0]] = Activation(part, [weight.shape[0], 1, count],
                                               [c.batch, weight.shape[0], *sizes_made], 0)
