"""Reading ONNX files: the nodes that the outputs need, in an order in which they can be computed."""

import os
import tempfile
import warnings
from collections import Counter

import onnx
from onnx import TensorProto, helper, shape_inference

from onnx_network.values import Fault

OPSETS = (9, 17)
MOST_NODES = 1000000
MOST_BYTES = (1 << 31) - 1


def all_names(graph):
    """Every name in the graph; those that are not in UTF-8 are bytes."""
    for node in graph.node:
        yield from (node.op_type, node.domain, node.name, *node.input, *node.output)
        for attribute in node.attribute:
            yield attribute.name
            yield from all_names(attribute.g) if attribute.HasField("g") else ()
    for named in (*graph.initializer, *graph.input, *graph.output, *graph.value_info):
        yield named.name


def captured(graph):
    """What the nodes of a subgraph read from outside."""
    inside = {t.name for t in graph.initializer} | {i.name for i in graph.input} | {""}
    inside.update(name for node in graph.node for name in node.output)
    found = [name for node in graph.node for name in node.input]
    found += [name for node in graph.node for a in node.attribute if a.HasField("g") for name in captured(a.g)]
    return [name for name in dict.fromkeys(found) if name not in inside]


class Node:
    def __init__(self, proto, number):
        self.op = proto.op_type
        self.domain = proto.domain
        self.name = proto.name
        self.inputs = list(proto.input)
        for attribute in proto.attribute:
            self.inputs += captured(attribute.g) if attribute.HasField("g") else []
        self.outputs = list(proto.output)
        self.number = number
        self.alone = False  # the only node of its scope
        try:
            self.attrs = {a.name: helper.get_attribute_value(a) for a in proto.attribute}
        except Exception as error:
            raise Fault(f"node {number} ({self.op}): a broken attribute: {error}") from None

    def place(self):
        return f"node {self.name!r}" if self.name else f"node {self.number} ({self.outputs[0]!r})"

    def scope(self):
        """PyTorch's module: of /layer1/layer1.0/conv1/Conv layer1.0.conv1; empty where there is none."""
        scope = []
        for part in self.name.strip("/").split("/")[:-1] if self.name.startswith("/") else []:
            if scope and part.startswith(scope[-1] + "."):
                scope.pop()
            scope.append(part)
        return ".".join(scope)

    def title(self):
        """A short name for the layer: the module's if it has no other nodes."""
        scope = self.scope()
        if not scope:
            return self.name.strip("/") or self.outputs[0]
        return scope if self.alone else f"{scope}.{self.name.split('/')[-1].lower()}"


def infer(model):
    """The model with the types of all its tensors, or as it is. In a process of its own: a division by a stride of 0
    is the end of that."""
    with tempfile.TemporaryFile() as file:
        child = os.fork()
        if child == 0:
            try:
                file.write(shape_inference.infer_shapes(model).SerializeToString())
                file.flush()
                os._exit(0)
            finally:
                os._exit(1)
        if os.waitpid(child, 0)[1] != 0:
            return model
        file.seek(0)
        found = onnx.ModelProto()
        found.ParseFromString(file.read())
        return found


class Graph:
    """The model's graph: `nodes` in order, `consumers` and `producer` by tensor name."""

    def __init__(self, model):
        proto = model.graph
        if any(not isinstance(name, str) for name in all_names(proto)):
            raise Fault("has a name that is not in UTF-8")
        self.model = model
        self.opset = max([o.version for o in model.opset_import if o.domain in ("", "ai.onnx")], default=0)
        if not OPSETS[0] <= self.opset <= OPSETS[1]:
            raise Fault(f"uses opset {self.opset}, expected {OPSETS[0]} to {OPSETS[1]}")
        if not 1 <= len(proto.node) <= MOST_NODES:
            raise Fault(f"has {len(proto.node)} nodes, expected 1 to {MOST_NODES}")
        self.name = proto.name
        self.initializers = {t.name: t for t in proto.initializer}
        self.inputs = [i for i in proto.input if i.name not in self.initializers]
        self.outputs = [o.name for o in proto.output]
        if not self.outputs:
            raise Fault("has no outputs")
        self._types = None
        nodes = [Node(n, i) for i, n in enumerate(proto.node)]
        self.producer = {}
        for node in nodes:
            if not node.outputs or not node.outputs[0]:
                raise Fault(f"node {node.number} ({node.op}) has no output")
            for name in node.outputs:
                if name and name in self.producer:
                    raise Fault(f"{node.place()}: {name!r} is already an output of {self.producer[name].place()}")
                if name:
                    self.producer[name] = node
        self.nodes = self._order()
        scopes = [n.scope() for n in self.nodes if n.op not in ("Constant", "Identity", "Transpose", "Cast")]
        counts = Counter(scopes)
        for node in self.nodes:
            node.alone = counts[node.scope()] <= 1
        self.consumers = {}
        for node in self.nodes:
            for name in set(node.inputs):
                self.consumers.setdefault(name, []).append(node)

    def _order(self):
        """Depth first from the outputs, without recursion, then by the file's order where that is one."""
        known = set(self.initializers) | {i.name for i in self.inputs} | {""}
        state, order = {}, []
        for output in self.outputs:
            if output not in self.producer and output not in known:
                raise Fault(f"output {output!r} is made by no node")
            stack = [(self.producer[output], False)] if output in self.producer else []
            while stack:
                node, done = stack.pop()
                if done:
                    state[node.number] = 2
                    order.append(node)
                    continue
                if state.get(node.number):
                    continue
                state[node.number] = 1
                stack.append((node, True))
                for name in node.inputs:
                    if name in known:
                        continue
                    before = self.producer.get(name)
                    if before is None:
                        raise Fault(f"{node.place()} ({node.op}) reads {name!r}, which no node makes")
                    if state.get(before.number) == 1:
                        raise Fault(f"{node.place()} ({node.op}) is on a cycle through {name!r}")
                    if not state.get(before.number):
                        stack.append((before, False))
        by_number = sorted(order, key=lambda n: n.number)
        made = set(known)
        for node in by_number:
            if any(name not in made for name in node.inputs):
                return order
            made.update(node.outputs)
        return by_number

    def types(self, shapes):
        """The types of tensors, by ONNX's own inference, where the inputs have these shapes."""
        if self._types is None:
            for proto in self.inputs:
                if proto.name in shapes:
                    dims = proto.type.tensor_type.shape.dim
                    del dims[:]
                    for size in shapes[proto.name]:
                        dims.add().dim_value = size
            model = infer(self.model)
            self._types = {v.name: v for v in list(model.graph.value_info) + list(model.graph.output)}
        return self._types

    def only_consumer(self, name):
        """The one node that reads `name`, if nothing else does."""
        readers = self.consumers.get(name, [])
        if len(readers) != 1 or name in self.outputs or readers[0].inputs.count(name) != 1:
            return None
        return readers[0]


def read_file(path):
    """What is in the file, which may have no end."""
    parts, size = [], 0
    with open(path, "rb") as file:
        while part := file.read(1 << 20):
            parts.append(part)
            size += len(part)
            if size > MOST_BYTES:
                raise Fault("is above 2 GiB, more than an ONNX file can have; larger weights are external data")
    return b"".join(parts)


def load(path):
    try:
        data = read_file(path)
        model = onnx.ModelProto()
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # of what is left over
            model.ParseFromString(data)
    except (Fault, MemoryError):
        raise
    except OSError as error:
        raise Fault(error.strerror or str(error)) from None
    except Exception:
        raise Fault("is no ONNX file, or a truncated one") from None
    if not data or not model.graph.node:
        raise Fault("is no ONNX file: it has no nodes")
    return Graph(model)


def input_shape(proto):
    """Dimensions of a graph's input; None for those that are not fixed."""
    if not proto.type.HasField("tensor_type") or not proto.type.tensor_type.HasField("shape"):
        return None
    return [d.dim_value if d.HasField("dim_value") and d.dim_value > 0 else None
            for d in proto.type.tensor_type.shape.dim]


def is_float(data_type):
    return data_type in (TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.BFLOAT16)
