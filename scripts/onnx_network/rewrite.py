"""Rewriting of ONNX graphs before they are read: local functions, branches that are known, nodes that do nothing."""

from onnx import NodeProto, TensorProto

from onnx_network.values import Fault

MOST_NODES = 1000000
MOST_MADE = 100000  # nodes that functions make, those that are calls again included
DEEPEST = 64
STANDARD_DOMAINS = ("", "ai.onnx")
MICROSOFT = "com.microsoft"
SIMULATED = ("Quant", "IntQuant", "FloatQuant", "BipolarQuant", "Trunc")  # quantisation in floats, Brevitas' and QONNX'
SIMULATORS = ("onnx.brevitas", "qonnx.custom_op.general", "finn.custom_op.general")
# of one tensor, which has the same shape
TRANSPARENT = {(domain, op) for domain in (*STANDARD_DOMAINS, MICROSOFT)
               for op in ("Identity", "QuantizeLinear", "DequantizeLinear")}
TRANSPARENT |= {(domain, op) for domain in SIMULATORS for op in SIMULATED}


def subgraphs(node):
    """Every graph that is an attribute of a node."""
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def _rename(node, names, attributes):
    """A copy of a node of a function or a branch, with the names that its surroundings know."""
    copy = NodeProto()
    copy.CopyFrom(node)
    copy.input[:] = [names.get(name, name) for name in node.input]
    copy.output[:] = [names.get(name, name) for name in node.output]
    del copy.attribute[:]
    for attribute in node.attribute:
        if attribute.ref_attr_name:
            if attribute.ref_attr_name in attributes:
                copy.attribute.add().CopyFrom(attributes[attribute.ref_attr_name])
                copy.attribute[-1].name = attribute.name
            continue
        copy.attribute.add().CopyFrom(attribute)
    for graph in subgraphs(copy):
        inside = {t.name for t in graph.initializer} | {i.name for i in graph.input}
        inside.update(name for inner in graph.node for name in inner.output)
        outer = {name: new for name, new in names.items() if name not in inside}
        inner = [_rename(n, outer, attributes) for n in graph.node]
        del graph.node[:]
        graph.node.extend(inner)
        for output in graph.output:
            output.name = outer.get(output.name, output.name)
    return copy


def _identity(source, target):
    return NodeProto(op_type="Identity", input=[source], output=[target])


def _body(function, node, prefix):
    """The nodes of a function in place of a node that calls it."""
    names = {name: (node.input[i] if i < len(node.input) else "") for i, name in enumerate(function.input)}
    given = set(names)
    targets = dict(zip(function.output, node.output))
    names.update({name: target or prefix + name for name, target in targets.items() if name not in given})
    for inner in function.node:
        for name in inner.output:
            if name:
                names.setdefault(name, prefix + name)
    attributes = {a.name: a for a in getattr(function, "attribute_proto", ())}
    attributes.update({a.name: a for a in node.attribute})
    for inner in function.node:
        copy = _rename(inner, names, attributes)
        copy.name = f"{node.name or node.output[0]}/{inner.name}" if inner.name else ""
        yield copy
    for name in function.output:
        if name in given and targets.get(name):
            yield _identity(names[name], targets[name])


def inline_functions(model, known):
    """Replaces calls of local functions by the functions' nodes, but where `known` has an operator for them."""
    functions = {(f.domain, f.name): f for f in getattr(model, "functions", ()) if (f.domain, f.name) not in known}
    if not functions:
        return
    done, count = [], 0
    stack = [(node, 0) for node in reversed(model.graph.node)]
    while stack:
        node, depth = stack.pop()
        function = functions.get((node.domain, node.op_type))
        if function is None:
            done.append(node)
            continue
        count += max(1, len(function.node))
        if depth > DEEPEST or count > MOST_MADE:
            raise Fault(f"function {node.op_type!r} calls functions more than {DEEPEST} deep, or they make more than "
                        f"{MOST_MADE} nodes")
        if not any(node.output):
            raise Fault(f"a call of function {node.op_type!r} has no output")
        first = next(name for name in node.output if name)
        stack.extend((inner, depth + 1) for inner in reversed(list(_body(function, node, f"{first}/"))))
    copies = [NodeProto.FromString(node.SerializeToString()) for node in done]
    del model.graph.node[:]
    model.graph.node.extend(copies)


def _taken(proto, branch):
    """The nodes and the initializers of a branch in place of an If."""
    outputs = list(proto.output)
    prefix = f"{next(name for name in outputs if name)}/"
    names = {t.name: prefix + t.name for t in branch.initializer}
    names.update({name: prefix + name for node in branch.node for name in node.output if name})
    nodes = [_rename(inner, names, {}) for inner in branch.node]
    nodes += [_identity(names.get(o.name, o.name), target) for o, target in zip(branch.output, outputs) if target]
    tensors = []
    for tensor in branch.initializer:
        tensors.append(TensorProto())
        tensors[-1].CopyFrom(tensor)
        tensors[-1].name = names[tensor.name]
    return nodes, tensors


def take_branches(model, branches):
    """Replaces Ifs whose conditions are known by the nodes of the `branches` that they take, by their first output."""
    nodes, tensors = [], []
    for node in model.graph.node:
        branch = branches.get(next((name for name in node.output if name), ""))
        inner = _taken(node, branch) if branch is not None else ([node], [])
        nodes += inner[0]
        tensors += inner[1]
    if len(nodes) > MOST_NODES:
        raise Fault(f"has {len(nodes)} nodes, expected 1 to {MOST_NODES}")
    copies = [NodeProto.FromString(node.SerializeToString()) for node in nodes]
    model.graph.initializer.extend(tensors)
    del model.graph.node[:]
    model.graph.node.extend(copies)


def without_transparent(nodes, outputs):
    """
    Leaves out nodes whose output is their input. Returns the other nodes, the outputs' names and the tensors that were
    quantised, which are weights where they are initializers.
    """
    alias, quantised = {}, []
    for node in nodes:
        if (node.domain, node.op) in TRANSPARENT and node.inputs and node.inputs[0] and node.outputs[0]:
            alias[node.outputs[0]] = node.inputs[0]
            if node.op == "DequantizeLinear":
                quantised.append(node.inputs[0])

    def source(name):
        seen = []
        while name in alias:
            if len(seen) > len(alias):
                raise Fault(f"tensor {name!r} is on a cycle of nodes that do nothing")
            seen.append(name)
            name = alias[name]
        for other in seen:  # so that long chains take no time the next time
            alias[other] = name
        return name
    kept = [node for node in nodes if not (node.outputs[0] in alias and (node.domain, node.op) in TRANSPARENT)]
    for node in kept:
        node.inputs = [source(name) for name in node.inputs]
    return kept, [source(name) for name in outputs], {source(name) for name in quantised}
