"""The converter: walks the nodes, keeps what each tensor is, and writes down the layers."""

import difflib
import json
from math import prod

import numpy

from onnx_network import constants, graph as graphs
from onnx_network.ops import OPS, opaque
from onnx_network.ops_norms import convert_match
from onnx_network.patterns import Finder
from onnx_network.values import (Activation, Constant, Fault, Learned, broadcast, place_batch, sample_dims,
                                 sample_shape)

STANDARD_DOMAINS = ("", "ai.onnx")
FIXED_OPS = {"Shape", "Size", "RandomNormalLike", "RandomUniformLike", "RandomNormal", "RandomUniform", "Bernoulli"}


class Converter:
    def __init__(self, graph, options, batch):
        self.graph = graph
        self.batch = batch
        self.opaque = options.opaque
        self.learned = options.learned  # names of inputs and initializers that are learned, or None: all floats
        self.layers, self.notes = [], []
        self.used = {}  # names, and the last number that was put behind each
        self.counted = {}
        self.values = {}
        self.inputs = []
        self._read_initializers()
        self._read_inputs(options)

    # ---- the beginning ----

    def _read_initializers(self):
        for name, tensor in self.graph.initializers.items():
            value = constants.read_tensor(tensor)
            learned = graphs.is_float(tensor.data_type) if self.learned is None else name in self.learned
            self.values[name] = Learned(value.shape, {name: prod(value.shape)}) if learned else value

    def _read_inputs(self, options):
        given = dict(options.inputs)
        for proto in self.graph.inputs:
            shape = graphs.input_shape(proto)
            if self.learned is not None and proto.name in options.fixed_inputs:
                self.values[proto.name] = (Learned(shape, {proto.name: prod(shape)})
                                           if proto.name in self.learned else Constant(shape))
                continue
            if proto.name not in self.graph.consumers:
                given.pop(proto.name, None)
                continue
            sample = given.pop(proto.name, None)
            if sample is None:
                sample = None if shape is None else shape[1:]
                if not sample or None in sample:
                    raise Fault(f"input {proto.name!r} has no fixed shape for a sample: found "
                                f"{'no shape' if shape is None else shape}, give --input {proto.name}=3x224x224")
            elif shape is not None and len(shape) != len(sample) + 1:
                raise Fault(f"input {proto.name!r} has {len(shape)} dimensions with the batch, found "
                            f"--input of {len(sample)} without it")
            if shape and shape[0] not in (None, self.batch):
                raise Fault(f"input {proto.name!r} has a batch of {shape[0]}, found {self.batch} before; expected that "
                            "the first dimension of every input is the batch")
            name = self.unique(proto.name)
            self.inputs.append({"name": name, "shape": list(sample)})
            self.values[proto.name] = Activation(name, sample, [self.batch] + list(sample), 0)
        if given:
            names = ", ".join(repr(i.name) for i in self.graph.inputs[:8])
            raise Fault(f"--input: no input {next(iter(given))!r}, expected one of {names}")
        if not self.inputs:
            raise Fault("no node reads an input")

    # ---- what the ops use ----

    def unique(self, name):
        name = "".join(c if c.isprintable() else "?" for c in name)[:200] or "unnamed"
        base = name
        while name in self.used:
            self.used[base] += 1
            name = f"{base}#{self.used[base]}"
        self.used[name] = 1
        return name

    def layer(self, title, op, inputs, **members):
        name = self.unique(title)
        entry = {"name": name, "op": op}
        if op != "parameter":
            entry["inputs"] = inputs
        entry.update({k: v for k, v in members.items() if v is not None})
        self.layers.append(entry)
        return name

    def real(self, value):
        """The value in memory: exchanged dimensions are moved now."""
        if value.swapped is None:
            return value
        source = value.swapped
        rank = len(value.shape)
        order = list(range(rank - 2)) + [rank - 1, rank - 2]
        moved = self.permute("transpose", source, order)
        value.name, value.net, value.swapped = moved.name, moved.net, None
        return value

    def tensor(self, value, shape=None):
        """The name of the network's tensor with `shape` per sample, after a view if it has another."""
        value = self.real(value)
        shape = sample_shape(value, self.batch) if shape is None else list(shape)
        if value.net == shape:
            return value.name
        if prod(value.net) != prod(shape):
            raise Fault(f"a sample of shape {value.net} is needed as {shape}")
        if not hasattr(value, "views"):
            value.views = {}
        if tuple(shape) not in value.views:
            value.views[tuple(shape)] = self.layer(f"{value.name}.view", "reshape", [value.name], shape=shape)
        return value.views[tuple(shape)]

    def like(self, value, name, shape=None):
        """An activation with the dimensions of `value` whose tensor is `name`."""
        net = sample_shape(value, self.batch) if shape is None else shape
        return Activation(name, net, value.shape, value.axis, value.outer)

    def unary(self, title, op, value, **members):
        return self.like(value, self.layer(title, op, [self.tensor(value)], **members))

    def fresh(self, *fixed):
        """How many learned numbers these values bring that were not counted before."""
        count = 0
        for value in fixed:
            for name, size in getattr(value, "sources", {}).items():
                if name not in self.counted:
                    self.counted[name] = True
                    count += size
        return count

    def reshape(self, value, shape):
        self.real(value)
        axis, outer = place_batch(value, shape, self.batch)
        result = Activation(value.name, value.net, shape, axis, outer)
        result.views = value.__dict__.setdefault("views", {})
        return result

    def permute(self, title, value, order):
        value = self.real(value)
        kept = [(i, d) for i, d in sample_dims(value.shape, value.axis, self.batch) if d > 1]
        shape = [value.shape[i] for i in order]
        axis = order.index(value.axis)
        before = [i for i, _ in kept]
        after = [i for i in order if i in before]
        if before == after:
            result = Activation(value.name, value.net, shape, axis, value.outer)
            result.views = value.__dict__.setdefault("views", {})
            return result
        if value.outer > 1:
            raise Fault("a transposition of a dimension that has the batch inside it")
        name = self.layer(title, "permute", [self.tensor(value, [d for _, d in kept])],
                          order=[before.index(i) for i in after])
        return Activation(name, [dict(kept)[i] for i in after], shape, axis)

    def sample_axis(self, value, axis):
        """Which of the sample's dimensions a dimension is."""
        dims = [i for i, _ in sample_dims(value.shape, value.axis, self.batch)]
        if axis == value.axis:
            raise Fault("works along the batch")
        return dims.index(axis)

    def slice(self, title, value, axis, begin, end, step=1):
        size = value.shape[axis]
        if begin >= end:
            raise Fault(f"takes nothing: {begin} to {end} of {size}")
        shape = list(value.shape)
        shape[axis] = -(-(end - begin) // step)
        if shape[axis] == size:
            return value
        at = self.sample_axis(value, axis)
        name = self.layer(title, "slice", [self.tensor(value)], axis=at or None, begin=begin or None, end=end,
                          step=step if step > 1 else None)
        result = Activation(name, [], shape, value.axis, value.outer)
        result.net = sample_shape(result, self.batch)
        return result

    def aligned(self, values):
        """Activations that broadcast: the result's shape, batch place, and each one's tensor."""
        shape = broadcast([v.shape for v in values])
        rank = len(shape)
        places = {(v.axis + rank - len(v.shape), v.outer) for v in values}
        if len(places) > 1:
            raise Fault("combines tensors whose batches are in different dimensions")
        axis, outer = places.pop()
        whole = Activation("", [], shape, axis, outer)
        kept = [i for i, _ in sample_dims(shape, axis, self.batch)]
        names = []
        for v in values:
            padded = [1] * (rank - len(v.shape)) + list(v.shape)
            sizes = [padded[i] // self.batch if i == axis else padded[i] for i in kept] or [1]
            names.append(self.tensor(v, sizes))
        whole.net = sample_shape(whole, self.batch)
        return whole, names

    # ---- the walk ----

    def run(self):
        fixed = self._find_fixed()
        matches, skipped = Finder(self.graph, lambda name: name in fixed).find()
        for node in self.graph.nodes:
            try:
                if node.number in matches:
                    match = matches[node.number]
                    self.values[node.outputs[0]] = convert_match(self, node, match)
                elif node.number not in skipped:
                    self._convert(node)
            except Fault as fault:
                raise Fault(f"{node.place()} ({node.op}): {fault}") from None
            except KeyError as missing:
                raise Fault(f"{node.place()} ({node.op}): lacks {missing}") from None
            except (IndexError, AttributeError, TypeError, ValueError, OverflowError, ZeroDivisionError) as e:
                raise Fault(f"{node.place()} ({node.op}): inputs or attributes that it cannot have "
                            f"({type(e).__name__}: {' '.join(str(e).split())[:120]})") from None
        self._finish_outputs()
        if not any(entry["op"] not in ("reshape", "slice", "concat", "flatten", "identity") for entry in self.layers):
            raise Fault("has no layer that computes")

    def _finish_outputs(self):
        """Outputs have the model's shapes. One that layers read is no sink of the network, which is to be said."""
        read = {name for entry in self.layers for name in entry.get("inputs", [])}
        for name in self.graph.outputs:
            value = self.values.get(name)
            if isinstance(value, Activation) and self.tensor(value) in read:
                self.notes.append(f"output {name!r} is read by nodes too: as an output it is left out")

    def _find_fixed(self):
        fixed = {name for name, v in self.values.items() if not isinstance(v, Activation)} | {""}
        for node in self.graph.nodes:
            if node.op in FIXED_OPS or all(name in fixed for name in node.inputs):
                fixed.update(node.outputs)
        return fixed

    def _convert(self, node):
        values = [self.values[name] if name else None for name in node.inputs]
        if node.op in ("Shape", "Size"):
            data = list(values[0].shape) if values[0].shape is not None else None
            if data is None:
                results = [Constant(None)]
            else:
                data = data[node.attrs.get("start", 0):node.attrs.get("end")] if node.op == "Shape" else prod(data)
                array = numpy.asarray(data, dtype=numpy.int64)
                results = [Constant(array.shape, array)]
        elif node.op in FIXED_OPS:
            shape = node.attrs.get("shape", getattr(values[0], "shape", None) if values else None)
            results = [Constant(shape)]
        elif not any(isinstance(v, Activation) for v in values):
            results = self._fixed(node, values)
        else:
            results = self._active(node, values)
        for name, value in zip(node.outputs, results):
            if name:
                self.values[name] = value

    def _active(self, node, values):
        """What an operator makes of activations."""
        before = [(kept, len(kept)) for kept in (self.layers, self.used, self.counted)]
        try:
            if node.op not in OPS or node.domain not in STANDARD_DOMAINS:
                raise Fault(self._unknown(node))
            results = OPS[node.op](self, node, values)
        except Fault as fault:
            if not self.opaque:
                hint = "; --opaque imports it as an elementwise op" if "not supported" in str(fault) else ""
                raise Fault(f"{fault}{hint}") from None
            for kept, size in before:  # as if nothing had been tried
                while len(kept) > size:
                    kept.pop() if kept is self.layers else kept.popitem()
            lost = self.fresh(*values)
            self.notes.append(f"{node.place()}: {node.op} is imported as an elementwise op"
                              f"{f' without its {lost} parameters' if lost else ''}: {str(fault).split(';', 1)[0]}")
            results = opaque(self, node, values)
        return results if isinstance(results, list) else [results]

    def _fixed(self, node, values):
        sources = {}
        for v in values:
            sources.update(getattr(v, "sources", {}))
        if not sources:
            return constants.fold(node, values)
        shape = self._fixed_shape(node, values)
        return [Learned(shape, sources) for _ in node.outputs]

    def _fixed_shape(self, node, values):
        """The shape of something learned after a node, None if that cannot be told."""
        if node.op in ("Relu", "Sigmoid", "Tanh", "Clip", "Softmax", "ScatterND", "ScatterElements"):
            return values[0].shape
        stand_ins = []
        for v in values:
            if v is None or isinstance(v, Constant) and v.data is not None:
                stand_ins.append(v)
            elif v.shape is None or any(d < 0 for d in v.shape):
                return None
            else:
                stand_ins.append(Constant(v.shape, numpy.broadcast_to(numpy.float32(1), v.shape)))
        if node.op == "MatMul":
            a, b = values[0].shape, values[1].shape
            return broadcast([a[:-2], b[:-2]]) + (a[-2], b[-1]) if len(a) > 1 and len(b) > 1 else None
        if node.op not in ("Transpose", "Reshape", "Squeeze", "Unsqueeze", "Slice", "Expand", "Identity", "Gather",
                           "Add", "Sub", "Mul", "Div", "Exp", "Cast", "Neg", "Sqrt"):
            return None
        if node.op in ("Add", "Sub", "Mul", "Div"):
            return broadcast([v.shape for v in values])
        if node.op in ("Exp", "Cast", "Neg", "Sqrt", "Identity"):
            return values[0].shape
        if node.op == "Gather" and values[1].shape is not None:
            axis = node.attrs.get("axis", 0) % len(values[0].shape)
            return values[0].shape[:axis] + values[1].shape + values[0].shape[axis + 1:]
        result = constants.FOLDED[node.op](node, [None if v is None else v.data for v in stand_ins])
        return numpy.shape(result)

    @staticmethod
    def _unknown(node):
        near = difflib.get_close_matches(node.op, OPS, 1, 0.3)
        hint = f"; the closest that is: {near[0]}" if near else ""
        domain = "" if node.domain in STANDARD_DOMAINS else f", being of the domain {node.domain!r}"
        return f"is not supported{domain}{hint}"

    def text(self, name):
        lines = ",\n".join("    " + json.dumps(entry) for entry in self.layers)
        inputs = json.dumps(self.inputs)
        return (f'{{ "format": "mbsopt-network/1", "name": {json.dumps(name)},\n  "inputs": {inputs},\n'
                f'  "layers": [\n{lines} ] }}\n')
