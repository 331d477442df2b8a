"""Reading ONNX files: the nodes that the outputs need, in an order in which they can be computed."""

import warnings
from collections import Counter

import onnx
from onnx import TensorProto, helper

from onnx_network.values import Fault

OPSETS = (9, 17)
MOST_NODES = 1000000


class Node:
    def __init__(self, proto, number):
        self.op = proto.op_type
        self.domain = proto.domain
        self.name = proto.name
        self.inputs = list(proto.input)
        self.outputs = [name for name in proto.output]
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


class Graph:
    """The model's graph: `nodes` in order, `consumers` and `producer` by tensor name."""

    def __init__(self, model, path):
        proto = model.graph
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
        self.types = {v.name: v for v in list(proto.value_info) + list(proto.output)}
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

    def only_consumer(self, name):
        """The one node that reads `name`, if nothing else does."""
        readers = self.consumers.get(name, [])
        if len(readers) != 1 or name in self.outputs or readers[0].inputs.count(name) != 1:
            return None
        return readers[0]


def load(path):
    try:
        with open(path, "rb") as file:
            data = file.read()
        model = onnx.ModelProto()
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # of what is left over
            model.ParseFromString(data)
    except OSError as error:
        raise Fault(error.strerror or str(error)) from None
    except Exception:
        raise Fault("is no ONNX file, or a truncated one") from None
    if not data or not model.graph.node:
        raise Fault("is no ONNX file: it has no nodes")
    return Graph(model, path)


def input_shape(proto):
    """Dimensions of a graph's input; None for those that are not fixed."""
    if not proto.type.HasField("tensor_type") or not proto.type.tensor_type.HasField("shape"):
        return None
    return [d.dim_value if d.HasField("dim_value") and d.dim_value > 0 else None
            for d in proto.type.tensor_type.shape.dim]


def is_float(data_type):
    return data_type in (TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.BFLOAT16)
