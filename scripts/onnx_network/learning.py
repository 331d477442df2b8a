"""Which fixed tensors are learned, how many learned numbers an operator brings, and what of it is to be said."""

from math import prod

import numpy
from onnx import TensorProto, numpy_helper

from onnx_network import constants
from onnx_network.fixed import is_float_node
from onnx_network.graph import is_float
from onnx_network.rewrite import SIMULATED
from onnx_network.sharing import Sharing, Use
from onnx_network.values import Activation, Constant, Fault, Learned

# operands that are multiplied by activations and are learned
PRODUCTS = {"Conv": 1, "ConvTranspose": 1, "Gemm": 1, "MatMul": 1}
# scales and zero points of quantised operators: all inputs but these
QUANTISED = {"QuantizeLinear": (0,), "DequantizeLinear": (0,), "QLinearConv": (0, 3, 8), "QLinearMatMul": (0, 3),
             "ConvInteger": (0, 1), "MatMulInteger": (0, 1), "QGemm": (0, 3, 6), "DynamicQuantizeMatMul": (0, 1, 4),
             "MatMulIntegerToFloat": (0, 1, 6), "QLinearAdd": (0, 3), "QLinearMul": (0, 3),
             **{op: (0,) for op in SIMULATED}}
FIXED = ("Constant", "ConstantOfShape")
MOVES = ("Transpose", "Reshape", "Unsqueeze", "Squeeze", "Cast", "Flatten")
MOST_NAMES = 4  # in a note
MOST_OF_PIXEL = 3  # colours
MOST_OF_MASK, FIRST_OF_MASK, MASKED = 1 << 24, 1 << 10, -100  # elements; what a score becomes that is to be none


def some(names):
    shown = ", ".join(repr(name) for name in list(names)[:MOST_NAMES])
    return shown + (f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else "")


def _moved_source(graph, name):
    """The tensor that another one is, moved and reshaped at most."""
    node = graph.producer.get(name)
    while node is not None and node.op in MOVES:
        name = node.inputs[0]
        node = graph.producer.get(name)
    return name


def _constant_source(graph, name):
    """The Constant or ConstantOfShape behind a tensor, if it is moved and reshaped at most."""
    node = graph.producer.get(_moved_source(graph, name))
    return node if node is not None and node.op in FIXED else None


def constants_hold_weights(graph):
    """Whether most convolutions and products have their weights in Constant nodes, as some exporters write them."""
    inside = outside = 0
    for node in graph.nodes:
        at = PRODUCTS.get(node.op)
        if at is None or len(node.inputs) <= at:
            continue
        source = _constant_source(graph, node.inputs[at])
        inside += source is not None and is_float_node(source)
        outside += node.inputs[at] in graph.initializers
    return inside > outside


def is_mask(tensor, data):
    """Whether a tensor of floats has two values: 0, and 1 or one that no softmax leaves anything of."""
    count = prod(tensor.dims)
    if data is None and count <= MOST_OF_MASK and tensor.dims[-1:] == tensor.dims[-2:-1] and \
            tensor.data_location != TensorProto.EXTERNAL:
        first = numpy.frombuffer(tensor.raw_data[:4 * FIRST_OF_MASK], numpy.float32) \
            if tensor.data_type == TensorProto.FLOAT else None
        if first is not None and first.size and len(numpy.unique(first)) <= 2:
            data = numpy_helper.to_array(tensor)
    if data is None or data.size < 4 or data.ndim < 2:
        return False
    low, high = data.min(), data.max()
    two = bool(numpy.all((data == low) | (data == high))) and low != high
    return two and (high == 0 and low <= MASKED or low == 0 and high == 1)


class Learning:
    def __init__(self, graph, options):
        self.graph = graph
        self.given = options.learned  # names of inputs and initializers that are learned, or None: all floats
        self.forced = set(options.forced_learned)
        self.constant = set(options.forced_constant)
        self.in_constants = self.given is None and constants_hold_weights(graph)
        self.scales = {node.inputs[i] for node in graph.nodes for i in range(len(node.inputs))
                       if node.op in QUANTISED and i not in QUANTISED[node.op]}
        self.counted = {}  # names of parameters, of operands that are counted once
        self.numbers, self.of_inputs, self.merged, self.masks = {}, {}, {}, {}  # for notes; as sets in order
        self.products, self.sizes = {}, {}  # (operator, elements) that multiply by a parameter; elements of each
        self.beside = {}  # learned numbers that weights are computed from beside as many as these are
        self.filled = {}  # elements of weights beyond the learned numbers that these are computed from
        self.sharing = Sharing(graph, PRODUCTS, _moved_source)
        self._check_names()

    def _check_names(self):
        known = set(self.graph.initializers)
        known.update(name for node in self.graph.nodes if node.op in FIXED for name in node.outputs)
        for option, names in (("--learned", self.forced), ("--constant", self.constant)):
            for name in sorted(names - known):
                raise Fault(f"{option}: no fixed tensor {name!r}, expected an initializer or a Constant's output")

    # ---- what is learned ----

    def initializer(self, name, tensor):
        value = constants.read_tensor(tensor)
        if self.given is not None:
            learned = name in self.given
        else:
            learned = is_float(tensor.data_type) and name not in self.scales or name in self.graph.quantised
            if learned and is_float(tensor.data_type) and is_mask(tensor, value.data):
                self.masks[name] = True
                learned = False
        learned = (learned or name in self.forced) and name not in self.constant
        return Learned(value.shape, {name: prod(value.shape)}, value.data) if learned else value

    def node(self, node, results):
        """What Constant and ConstantOfShape make; as it is, or learned."""
        name, value = node.outputs[0], results[0]
        if value.shape is None or name in self.constant or name in self.scales:
            return results
        held = self.in_constants and is_float_node(node) and prod(value.shape) > 1
        if held or name in self.forced or name in self.graph.quantised:
            return [Learned(value.shape, {name: prod(value.shape)}, value.data)]
        return results

    def slot(self, name, value):
        """A fixed operand that is learned by what it is for, wherever it is stored."""
        if isinstance(value, Constant) and self.given is None and name not in self.constant and value.shape is not None:
            return Learned(value.shape, {name: prod(value.shape)}, value.data)
        return value

    # ---- counting ----

    def in_slot(self, name, value):
        """The learned numbers in a norm's or a slope's operand: all of them for each operator."""
        value = self.slot(name, value)
        if not isinstance(value, Learned):
            return 0
        if any(source in self.counted for source in value.sources):
            self.merged.update(dict.fromkeys(value.sources))
        self.counted.update(dict.fromkeys(value.sources, True))
        return sum(value.sources.values())

    def fresh(self, *fixed):
        """
        How many learned numbers these operands bring that were not counted before. One whose numbers are all equal
        is untrained, and several that an exporter may have merged; it counts anew.
        """
        count = 0
        for value in fixed:
            equal = isinstance(value, Learned) and value.data is not None and value.data.size > 1 and \
                len(value.sources) == 1 and bool(numpy.all(value.data == value.data.reshape(-1)[0]))
            for name, size in getattr(value, "sources", {}).items():
                if name in self.counted and not equal:
                    continue
                if name in self.counted:
                    self.merged[name] = True
                self.counted[name] = True
                count += size
        return count

    def counts_itself(self, weight, *biases):
        """Operands of a layer whose shape says how many learned numbers it has."""
        for value in biases:  # whole, not a part of one
            sources = getattr(value, "sources", {})
            if value.shape is not None and len(sources) == 1 and sources.keys() <= self.counted.keys() and \
                    sum(sources.values()) == prod(value.shape):
                self.merged.update(dict.fromkeys(sources))
        for value in (weight, *biases):
            self.counted.update(dict.fromkeys(getattr(value, "sources", {}), True))

    def multiplied(self, node, name, weight):
        """Notes that a convolution or product has these weights."""
        if _moved_source(self.graph, name) in self.constant:
            raise Fault(f"--constant: weights of convolutions and products are learned, as {name!r} here")
        sources = getattr(self.slot(name, weight), "sources", {})
        size = prod(weight.shape)
        for source in sources:
            self.products.setdefault(source, []).append((node.place(), size))
            self.sizes[source] = sources[source]
        count = sum(n for n in sources.values() if n > 1)
        if count > size > max(sources.values(), default=0) - 1:
            self.beside[node.place()] = count - size
        elif 0 < sum(sources.values()) < size:
            self.filled[node.place()] = size - sum(sources.values())

    def use(self, node, op, shape, name, weight, bias=None):
        """
        The parameters of the layer `op` that a node with weights called `name`, and perhaps a bias, becomes; they have
        `shape` in the network file. That says how many learned numbers it has.
        """
        self.multiplied(node, name, weight)
        use = self.sharing.use(node.place(), op, shape, self.slot(name, weight), bias) if self.given is None or \
            isinstance(weight, Learned) else Use(bias=True if bias is not None else None)
        shares = self.sharing.owner(use.key) is not None
        fixed = (weight,) if bias is None or use.apart is not None else (weight, bias)
        if shares:
            self.counted.update(dict.fromkeys(source for v in fixed for source in getattr(v, "sources", {})))
        else:
            self.counts_itself(*fixed)
        return use

    def operand(self, x, name, value):
        """The learned numbers in an operand of an arithmetic node whose other operand is `x`."""
        if not isinstance(value, Learned) or self.given is not None or value.sources.keys() & self.forced:
            return self.fresh(value)
        if all(size == 1 for size in value.sources.values()):
            self.numbers.update(dict.fromkeys(value.sources))
            return 0
        if x.raw and value.shape is not None and prod(value.shape) <= MOST_OF_PIXEL:
            self.of_inputs.update(dict.fromkeys(value.sources))
            return 0
        return self.fresh(value)

    # ---- what is to be said ----

    def notes(self):
        if self.in_constants:
            yield "weights are in Constant nodes: those with more than one float count as learned, as initializers do"
        if self.numbers:
            yield (f"one-element operands count as constants: {some(self.numbers)}; --learned NAME makes one learned")
        if self.of_inputs:
            yield (f"operands that rescale an input count as constants: {some(self.of_inputs)}; --learned NAME makes "
                   "one learned")
        masks = [name for name in self.masks if name in self.graph.consumers and name not in self.forced]
        if masks:
            yield (f"tensors of 0 and 1, or of 0 and a number far below it, are masks and count as constants: "
                   f"{some(masks)}; --learned NAME makes one learned")
        if self.sharing.shared:
            shown = [f"{name!r} by {places[0]}, {places[1]}{' and more' if len(places) > 2 else ''}"
                     for name, places in list(self.sharing.shared.items())[:2]]
            yield (f"weights that several operators multiply by or look up are shared by their layers: "
                   f"{len(self.sharing.shared)}, as {'; '.join(shown)}")
        # not those of which each operator takes another part
        shared = {name: [place for place, _ in uses] for name, uses in self.products.items()
                  if len(uses) > max(1, len(self.sharing.shared.get(name, ())))
                  and sum(min(size, self.sizes[name]) for _, size in uses) > self.sizes[name]}
        if shared:
            shown = [f"{name!r} by {places[0]}, {places[1]}{' and more' if len(places) > 2 else ''}"
                     for name, places in list(shared.items())[:2]]
            yield (f"shared weights, of which there are {len(shared)}, count once for each operator that multiplies by "
                   f"them or looks them up, in bytes and in parameters: {'; '.join(shown)}")
        if self.beside:
            yield (f"weights that are computed from more learned numbers than they have count as they are, without "
                   f"{sum(self.beside.values())}: those of {', '.join(list(self.beside)[:2])}")
        if self.filled:
            yield (f"weights that are computed from fewer learned numbers than they have count as they are, with "
                   f"{sum(self.filled.values())} too many: those of {', '.join(list(self.filled)[:2])}")
        merged = [name for name in self.merged if name not in shared]
        if merged:
            yield (f"learned operands that several nodes read, as exporters merge equal ones, count once for each: "
                   f"{some(merged)}")


def learned_sizes(values):
    """How many learned numbers there are in the fixed operands of a node, without counting them."""
    sources = {}
    for v in values:
        if not isinstance(v, Activation):
            sources.update(getattr(v, "sources", {}))
    return sum(sources.values())
