"""Reading ONNX files: the nodes that the outputs need, in an order in which they can be computed."""

import difflib
import os
import tempfile
import warnings
from collections import Counter

import onnx
from onnx import TensorProto, helper, shape_inference

from onnx_network.rewrite import MOST_NODES, STANDARD_DOMAINS, inline_functions, subgraphs, without_transparent
from onnx_network.values import Fault

MOST_BYTES = (1 << 31) - 1
LONGEST_NAME = 120  # of a node, in a message


def all_names(graph):
    """Every name in the graph; those that are not in UTF-8 are bytes."""
    for node in graph.node:
        yield from (node.op_type, node.domain, node.name, *node.input, *node.output)
        yield from (attribute.name for attribute in node.attribute)
        for inner in subgraphs(node):
            yield from all_names(inner)
    for named in (*graph.initializer, *graph.input, *graph.output, *graph.value_info):
        yield named.name


def captured(graph):
    """What the nodes of a subgraph read from outside."""
    inside = {t.name for t in graph.initializer} | {i.name for i in graph.input} | {""}
    inside.update(name for node in graph.node for name in node.output)
    found = [name for node in graph.node for name in node.input]
    found += [name for node in graph.node for inner in subgraphs(node) for name in captured(inner)]
    found += [output.name for output in graph.output]
    return [name for name in dict.fromkeys(found) if name not in inside]


class Node:
    """`inputs` are the operator's own and, behind these, what its subgraphs read."""

    def __init__(self, proto, number):
        self.op = proto.op_type
        self.domain = proto.domain if proto.domain not in STANDARD_DOMAINS else ""
        self.name = proto.name
        self.inputs = list(proto.input)
        for inner in subgraphs(proto):
            self.inputs += captured(inner)
        self.outputs = list(proto.output)
        self.number = number
        self.proto = proto
        self.alone = False  # the only node of its scope
        try:
            self.attrs = {a.name: helper.get_attribute_value(a) for a in proto.attribute}
        except Exception as error:
            raise Fault(f"node {number} ({self.op}): a broken attribute: {error}") from None

    def place(self):
        name = self.name or self._first()
        shown = repr(name if len(name) <= LONGEST_NAME else name[:LONGEST_NAME] + "...")
        return f"node {shown}" if self.name else f"node {self.number} ({shown})"

    def _first(self):
        return next((name for name in self.outputs if name), "")

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
            return self.name.strip("/") or self._first()
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
    """
    The model's graph, or what of it the tensors `outputs` need: `nodes` in order, `consumers` and `producer` by tensor
    name. `quantised` are the tensors that are dequantised.
    """

    def __init__(self, model, outputs=()):  # outputs: of tensors at which the model is cut
        proto = model.graph
        if any(not isinstance(name, str) for name in all_names(proto)):
            raise Fault("has a name that is not in UTF-8")
        self.model = model
        self.opset = max([o.version for o in model.opset_import if o.domain in STANDARD_DOMAINS], default=1)
        if not 1 <= len(proto.node) <= MOST_NODES:
            raise Fault(f"has {len(proto.node)} nodes, expected 1 to {MOST_NODES}")
        self.initializers = {t.name: t for t in proto.initializer}
        for sparse in proto.sparse_initializer:  # of which the shape is what counts
            values = sparse.values
            self.initializers[values.name] = TensorProto(name=values.name, dims=sparse.dims, data_type=values.data_type)
        self.inputs = [i for i in proto.input if i.name not in self.initializers]
        cut = bool(outputs)
        outputs = list(outputs) or [o.name for o in proto.output]
        if not outputs:
            raise Fault("has no outputs")
        self._types, self.open_batches = None, set()
        nodes = [Node(n, i) for i, n in enumerate(proto.node)]
        self._check_producers(nodes)
        self._check_outputs(outputs, proto, cut)
        nodes, self.outputs, self.quantised = without_transparent(nodes, outputs)
        self.producer = {name: node for node in nodes for name in node.outputs if name}
        self.nodes = self._order()
        needed = {n.number for n in self.nodes}
        self.cut = ", ".join(repr(name) for name in outputs) if cut else ""
        self.outside = [n for n in nodes if n.number not in needed]
        self._mark_alone()
        self.consumers = {}
        for node in self.nodes:
            for name in set(node.inputs):
                self.consumers.setdefault(name, []).append(node)

    @staticmethod
    def _check_producers(nodes):
        producer = {}
        for node in nodes:
            if not any(node.outputs):
                raise Fault(f"node {node.number} ({node.op}) has no output")
            for name in node.outputs:
                if name and name in producer:
                    raise Fault(f"{node.place()}: {name!r} is already an output of {producer[name].place()}")
                if name:
                    producer[name] = node

    def _check_outputs(self, outputs, proto, cut):
        made = {name for node in proto.node for name in node.output}
        made.update(self.initializers, (i.name for i in self.inputs))
        for name in outputs:
            if cut and (name in self.initializers or any(name == i.name for i in self.inputs)):
                raise Fault(f"--cut: {name!r} is an input or an initializer, expected a tensor that a node makes")
            if name not in made:
                if not cut:
                    raise Fault(f"output {name!r} is made by no node")
                near = difflib.get_close_matches(name, sorted(made), 1, 0.6)
                hint = f"; the closest is {near[0]!r}" if near else ""
                raise Fault(f"--cut: no tensor {name!r}{hint}")

    def _mark_alone(self):
        scopes = [n.scope() for n in self.nodes if n.op not in ("Constant", "Identity", "Transpose", "Cast")]
        counts = Counter(scopes)
        for node in self.nodes:
            node.alone = counts[node.scope()] <= 1

    def _order(self):
        """Depth first from the outputs, without recursion, then by the file's order where that is one."""
        known = set(self.initializers) | {i.name for i in self.inputs} | {""}
        state, order = {}, []
        for output in self.outputs:
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

    def types(self, inputs):
        """
        The types of tensors where the inputs are these activations, by ONNX's own inference. Of opsets that the
        installed package does not know only what the file itself says, where the inputs are as it says; a batch that
        it leaves open may have any size (`open_batches` has its names).
        """
        if self._types is None:
            changed = False
            for proto in self.inputs:
                if proto.name in inputs:
                    changed = self._resize(proto.type.tensor_type.shape.dim, inputs[proto.name]) or changed
            model = self.model
            if changed:  # what the file says is of other sizes
                del model.graph.value_info[:]
                for output in model.graph.output:
                    output.type.tensor_type.ClearField("shape")
            if self.opset <= onnx.defs.onnx_opset_version():
                model = infer(model)
            self._types = {v.name: v for v in list(model.graph.value_info) + list(model.graph.output)}
        return self._types

    def _resize(self, dims, value):
        """Writes an input's shape down. Returns whether the file says another one."""
        shape, opened = list(value.shape), dims[value.axis].dim_param if len(dims) == len(value.shape) else ""
        said = [size if opened and d.dim_param == opened else d.dim_value for d, size in zip(dims, shape)]
        changed = len(dims) != len(shape) or said != shape
        if opened:
            self.open_batches.add(opened)
        del dims[:]
        for size in shape:
            dims.add().dim_value = size
        return changed

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


def read_model(path, known):
    """The model in a file, its local functions in place of their calls; `known` has the operators that need none."""
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
    inline_functions(model, known)
    return model


def input_shape(proto):
    """Dimensions of a graph's input; None for those that are not fixed."""
    if not proto.type.HasField("tensor_type") or not proto.type.tensor_type.HasField("shape"):
        return None
    return [d.dim_value if d.HasField("dim_value") and d.dim_value > 0 else None
            for d in proto.type.tensor_type.shape.dim]


def is_float(data_type):
    return data_type in (TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.BFLOAT16)
