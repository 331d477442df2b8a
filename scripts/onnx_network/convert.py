"""The converter: walks the nodes, keeps what each tensor is, and writes down the layers."""

import json
from math import prod

import numpy

from onnx_network import bundle, fixed
from onnx_network.graph import is_float
from onnx_network.inputs import TOKENS, read_inputs
from onnx_network.learning import Learning
from onnx_network.network import Network
from onnx_network.notes import all_notes
from onnx_network.opaque import opaque, opaque_hint
from onnx_network.ops import cut_before, lookup, unknown
from onnx_network.ops_norms import convert_match
from onnx_network.patterns import Finder
from onnx_network.sharing import keep_owners
from onnx_network.values import Activation, Bundle, Constant, Fault, Learned, unsupported

FIXED_OPS = {"Shape", "Size", "RandomNormalLike", "RandomUniformLike", "RandomNormal", "RandomUniform", "Bernoulli"}
# in messages on models that are sound
CUT_HELPS = ("along the batch", "repeats the batch", "takes samples apart", "not known before it runs",
             "expected [batch", "batches are in different dimensions", "expected the batch first",
             "the batch inside it", "joined along the batch", "batches that were joined")
VIEWS = ("reshape", "slice", "concat", "flatten", "identity")


class Branch(Exception):
    """Ifs whose conditions are known: the graph is to be read anew with `branches`, by an If's first output."""

    def __init__(self, branches):
        super().__init__()
        self.branches = branches


def _wrong_use(error):
    """What a failure that nothing foresaw says of the node."""
    if "NoneType" in str(error):
        return "lacks an input or an attribute that it must have"
    return f"inputs or attributes that it cannot have ({type(error).__name__}: {' '.join(str(error).split())[:120]})"


class Converter(Network):
    def __init__(self, graph, options, batch, fixed_batch=True):
        super().__init__(batch)
        self.graph = graph
        self.opaque = options.opaque
        self.learning = Learning(graph, options)
        self.notes = []
        self.fixed_batch = fixed_batch
        self.values = {name: self.learning.initializer(name, tensor) for name, tensor in graph.initializers.items()}
        self.values.update(read_inputs(self, options))

    # ---- the walk ----

    def run(self):
        fixed_names = self._find_fixed()
        matches, skipped = Finder(self.graph, lambda name: name in fixed_names).find()
        # constants first, for what follows a node may be asked for
        for node in sorted(self.graph.nodes, key=lambda node: node.op != "Constant"):
            self.place = node.place()
            try:
                if node.number in matches:
                    self.values[node.outputs[0]] = self._match(node, matches[node.number])
                elif node.number not in skipped:
                    self._convert(node)
            except Fault as fault:
                raise Fault(f"{node.place()} ({node.op}): {fault}", fault.unsupported) from None
            except KeyError as missing:
                raise Fault(f"{node.place()} ({node.op}): lacks {missing}") from None
            except (IndexError, AttributeError, TypeError, ValueError, ArithmeticError, StopIteration) as e:
                raise Fault(f"{node.place()} ({node.op}): {_wrong_use(e)}") from None
        self._leave_out(self._finish_outputs())
        if not any(entry["op"] not in VIEWS for entry in self.layers):
            raise Fault("has no layer that computes")
        self.notes += all_notes(self)

    def _finish_outputs(self):
        """
        Outputs have the model's shapes. One that layers read is no sink of the network, which is to be said. Returns
        the network's tensors that are outputs.
        """
        names = []
        read = {name for entry in self.layers for name in entry.get("inputs", [])}
        for name, value in self._output_values():
            if value is None:
                maker = self.graph.producer[name]
                self.notes.append(f"output {name!r} is a further output of {maker.place()} ({maker.op}), which is left "
                                  "out")
            if not isinstance(value, Activation):
                continue
            names.append(self.tensor(value))
            if names[-1] in read:
                self.notes.append(f"output {name!r} is read by nodes too: as an output it is left out")
        return names

    def _output_values(self):
        """(name, value) of the graph's outputs, each of the batches of one that was joined."""
        for name in self.graph.outputs:
            value = self.values.get(name)
            for part in value.parts if isinstance(value, Bundle) else [value]:
                yield name, part

    def _leave_out(self, outputs):
        """What no output needs: parts that nobody reads, places in a table."""
        needed = set(outputs)
        for entry in reversed(self.layers):
            if entry["name"] in needed:
                needed.update(entry.get("inputs", []))
        self.layers = [entry for entry in self.layers if entry["name"] in needed]
        keep_owners(self.layers)
        self.inputs = [entry for entry in self.inputs if entry["name"] in needed]

    def _find_fixed(self):
        names = {name for name, v in self.values.items() if not isinstance(v, Activation)} | {""}
        for node in self.graph.nodes:
            if node.op in FIXED_OPS or all(name in names for name in node.inputs):
                names.update(node.outputs)
        return names

    def _convert(self, node):
        values = [self._value(name) for name in node.inputs]
        if node.op in ("Shape", "Size"):
            results = self._shape(node, values[0])
        elif node.op in FIXED_OPS:
            shape = node.attrs.get("shape", getattr(values[0], "shape", None) if values else None)
            results = [Constant(shape)]
        elif node.op == "If":
            results = self._branch(node, values)
        elif not any(isinstance(v, (Activation, Bundle)) for v in values):
            results = self._active(node, self._same_for_all(node, values)) if self._convolves(node, values) \
                else self._fixed(node, values)
        elif bundle.joined(node, values) is not None:
            results = [bundle.joined(node, values)]
        elif bundle.bundled(values):
            try:
                results = bundle.convert(self, node, values, self._active)
            except Fault as fault:
                raise self._advised(node, values, fault) from None
        else:
            results = self._active(node, values)
        for name, value in zip(node.outputs, results):
            if name:
                self.values[name] = value

    def _value(self, name):
        if not name:
            return None
        if name not in self.values:
            raise unsupported(f"reads {name!r}, a further output of {self.graph.producer[name].place()} "
                              f"({self.graph.producer[name].op}) that is not supported")
        return self.values[name]

    @staticmethod
    def _shape(node, value):
        if value.shape is None:
            return [Constant(None)]
        data = list(value.shape)
        data = data[node.attrs.get("start", 0):node.attrs.get("end")] if node.op == "Shape" else prod(data)
        array = numpy.asarray(data, dtype=numpy.int64)
        return [Constant(array.shape, array)]

    def _fixed(self, node, values):
        results = fixed.fixed_outputs(node, values)
        return self.learning.node(node, results) if node.op in ("Constant", "ConstantOfShape") else results

    def _convolves(self, node, values):
        """Whether a node slides learned weights over something fixed that has a batch: it learns and multiplies."""
        shape = getattr(values[0], "shape", None) if values else None
        return node.op == "Conv" and not node.domain and shape and len(shape) > 2 and shape[0] == self.batch and \
            isinstance(values[1], Learned) and not isinstance(values[0], Learned)

    def _same_for_all(self, node, values):
        """The operands of a node whose first one is the same for all samples, as the output of a layer."""
        shape = values[0].shape
        self.remark(f"{node.place()}: reads what is the same for all samples, which counts as {list(shape[1:])} of "
                    "each")
        name = self.layer(f"{node.title()}.constant", "parameter", [], shape=list(shape[1:]), parameters=0)
        return [Activation(name, shape[1:], shape, 0), *values[1:]]

    def _branch(self, node, values):
        condition = values[0]
        if isinstance(condition, Activation) or condition.data is None or condition.data.size != 1:
            raise unknown(node, self)
        branches = {}
        for other in self.graph.nodes:  # all that are known by now, for reading anew takes time
            known = getattr(self.values.get(other.inputs[0]) if other.inputs else None, "data", None)
            if other.op == "If" and not other.domain and known is not None and known.size == 1:
                taken = "then_branch" if known.reshape(-1)[0] else "else_branch"
                branches[next(name for name in other.outputs if name)] = other.attrs[taken]
        raise Branch(branches)

    def _active(self, node, values):
        """What an operator makes of activations."""
        before = self.state()
        try:
            if lookup(node) is None:
                raise unknown(node, self)
            results = lookup(node)(self, node, values)
        except Fault as fault:
            if not self.opaque or not fault.unsupported:
                raise self._advised(node, values, fault) from None
            self.restore(before)
            try:
                results = opaque(self, node, values, fault)
            except Fault as other:
                raise self._advised(node, values, other) from None
        return results if isinstance(results, list) else [results]

    def _match(self, node, match):
        """What a pattern of several nodes makes, of each of the batches of what was joined."""
        source = self.values[match.source]
        if not isinstance(source, Bundle):
            return convert_match(self, node, match)
        made = []
        for self.values[match.source] in source.parts:
            made.append(convert_match(self, node, match))
        self.values[match.source] = source
        return Bundle(made)

    def _advised(self, node, values, fault):
        """The fault, and what can be done about it."""
        return Fault(f"{fault}{self._advice(node, values, fault)}", fault.unsupported)

    def _number_of_each(self, node, said):
        """What a row of numbers is if it is no number of each sample."""
        inputs = {proto.name for proto in self.graph.inputs}
        name = next((name for name in node.inputs if name in inputs and isinstance(self.values[name], Activation)
                     and len(self.values[name].shape) == 1), None)
        if name is None or "do not broadcast" not in said and "batches are in" not in said:
            return ""
        return f"; input {name!r} was taken for a number of each sample: --weights {name} if it is learned"

    def _advice(self, node, values, fault):
        """What can be done about an operator that is not supported."""
        said = str(fault)
        hint = self._number_of_each(node, said) or opaque_hint(self, node, values, fault)
        helps = fault.unsupported or any(part in said for part in CUT_HELPS)
        advised = any(part in said for part in ("--cut", "extract_model", "was taken for the batch"))
        if not hint and helps and not advised:
            hint = f"; {cut_before(node, self)}"
        return hint + (self._tokens_first() if "along the batch" in said else "")

    def _tokens_first(self):
        """What to do where the batch may be the second dimension, as in PyTorch's transformers."""
        first = self.inputs[0]
        proto = next((i for i in self.graph.inputs if i.name == first["name"]), None)
        if proto is None or len(first["shape"]) > 2 or self.values[proto.name].axis:
            return ""
        if len(first["shape"]) == 1 and is_float(proto.type.tensor_type.elem_type):  # numbers of each sample
            return ""
        sizes = [str(d) for d in [self.batch if self.fixed_batch else TOKENS, "N", *first["shape"][1:]]]
        return f"; if the batch is its second dimension: --input {first['name']}={'x'.join(sizes)}"

    def remark(self, text):
        """A note, once."""
        if text not in self.notes:
            self.notes.append(text)

    def where_batch(self):
        """What a message on missing dimensions adds where the first one may be no batch."""
        first = next((i for i in self.inputs if self.batch > 1), None)
        return (f"; the first dimension of input {first['name']!r}, {self.batch}, was taken for the batch"
                if first is not None and self.fixed_batch else "")

    def text(self, name):
        lines = ",\n".join("    " + json.dumps(entry) for entry in self.layers)
        inputs = json.dumps(self.inputs)
        return (f'{{ "format": "mbsopt-network/1", "name": {json.dumps(name)},\n  "inputs": {inputs},\n'
                f'  "layers": [\n{lines} ] }}\n')
