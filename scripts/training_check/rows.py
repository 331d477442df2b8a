"""
Which rows a value has, and where they are in views and parts of values: section 11 of the model, read on its own.
"""

import re

from training_check.layers import VIEWS

WINDOWS = ("conv", "conv_transpose", "max_pool", "avg_pool", "global_avg_pool", "upsample")


def base_of(tensor):
    """The value whose copy, mask, index or gradient a tensor is."""
    for mark in (".remat", ".grad@", ".grad#", ".mask", ".index"):
        tensor = tensor.split(mark)[0]
    return tensor


def part_of(name):
    """(value, begin, end) of the name of a part"""
    value, begin, end = re.fullmatch(r"(.*)\[(\d+):(\d+)\]", name).groups()
    return value, int(begin), int(end)


def layer_of(step, layers):
    """(layer, what of it the step is: "" for its forward step) of a step that belongs to one."""
    name, parts = step["name"], []
    name = name.split("#")[0]
    while name not in layers and "." in name:
        name, _, part = name.rpartition(".")
        parts.insert(0, part)
    return layers.get(name), ".".join(parts)


class Rows:
    """
    Of each value of a network: its row axis (of one sample; None: the value is one row), and how many there are.
    `tensors` are the program's, which tell of values in parts; a part is a value too.
    """

    def __init__(self, network, shapes, tensors=()):
        self.layers = {layer["name"]: layer for layer in network["layers"]}
        self.shapes = {n: tuple(s[1:]) for n, s in shapes.items()}
        self.axis = {i["name"]: self.second_to_last(i["name"]) for i in network["inputs"]}
        for layer in network["layers"]:
            axis = self.handed_on(layer)
            rank = len(self.shapes[layer["name"]])
            self.axis[layer["name"]] = self.second_to_last(layer["name"]) if axis is None or rank == 1 else axis
        self.parts = {}
        for name in sorted({base_of(t) for t in tensors if base_of(t).endswith("]")}, key=lambda n: part_of(n)[1]):
            self.add_part(name)

    def add_part(self, name):
        value, begin, end = part_of(name)
        axis = next(x.get("axis", 0) for x in self.layers.values() if x["op"] == "slice" and x["inputs"] == [value])
        shape = list(self.shapes[value])
        shape[axis] = end - begin
        self.shapes[name], self.axis[name] = tuple(shape), self.axis[value]
        view = self.parts.setdefault(value, {"name": value, "op": "concat", "axis": axis, "inputs": []})
        view["inputs"].append(name)

    def view_of(self, value):
        """The concat or reshape of other values that a value is; None if it is a tensor."""
        layer = self.layers.get(value)
        if value in self.parts:
            return self.parts[value]
        if layer is None or layer["op"] not in VIEWS:
            return None
        if layer["op"] != "slice":
            return layer
        whole = self.parts[layer["inputs"][0]]
        begin, end = layer.get("begin", 0), layer["end"]
        return {**whole, "name": value, "inputs": [p for p in whole["inputs"] if begin <= part_of(p)[1] < end]}

    def second_to_last(self, name):
        rank = len(self.shapes[name])
        return rank - 2 if rank > 1 else None

    def count(self, value):
        if value.endswith(".statistics"):
            return 1
        value = base_of(value)
        axis = self.axis[value]
        return 1 if axis is None else self.shapes[value][axis]

    def handed_on(self, layer):
        """The axis that a layer's output has from its first input, None if none."""
        op = layer["op"]
        if op in WINDOWS:
            return 1
        first = layer["inputs"][0]
        axis, shape, out = self.axis[first], self.shapes[first], self.shapes[layer["name"]]
        if axis is None:
            return None
        if op == "reshape":
            return reshaped_axis(shape, axis, out)
        if op in ("concat", "slice"):
            return axis if axis != layer.get("axis", 0) else None
        if op == "permute":
            return layer["order"].index(axis)
        if op == "fc":
            return axis if axis < layer.get("axis", 0) else None
        if op == "matmul":
            kept = len(shape) - (1 if layer.get("transpose_a") else 2)
            return axis if axis < len(shape) - 2 else len(out) - 2 if axis == kept else None
        return axis

    def input_dimension(self, layer, i, dimension):
        """Which dimension of input i goes with one of the output: slices of both go together. None: no such."""
        op = layer["op"]
        v = layer["inputs"][i]
        rank = len(self.shapes[v])
        if dimension is None:
            return None
        if op == "permute":
            return layer["order"][dimension]
        if op == "fc":
            return dimension if dimension < layer.get("axis", 0) else None
        if op == "softmax":
            return dimension if dimension != rank - 1 else None
        if op == "matmul":
            if dimension < rank - 2:
                return dimension
            if i == 0 and dimension == rank - 2:
                return rank - (1 if layer.get("transpose_a") else 2)
            return None
        if op in WINDOWS or op == "pad" or len(self.shapes[layer["name"]]) != rank:
            return None
        return dimension

    def output_dimension(self, layer, i):
        """The output's dimension that goes with the row axis of input i, None if none does."""
        axis = self.axis[layer["inputs"][i]]
        found = [d for d in range(len(self.shapes[layer["name"]])) if self.input_dimension(layer, i, d) == axis]
        return found[0] if axis is not None and found else None

    def aligned(self, value):
        """Whether row r of a value is row r of each tensor that it is made of."""
        layer = self.view_of(value)
        if layer is None:
            return True
        if not all(self.aligned(i) for i in layer["inputs"]):
            return False
        if layer["op"] == "concat":
            axes = {self.axis[i] for i in layer["inputs"]}
            return axes == {self.axis[value]} and self.axis[value] not in (None, layer.get("axis", 0))
        first = layer["inputs"][0]
        axis = self.axis[first]
        if axis is None or self.axis[value] is None:
            return self.count(first) == self.count(value) == 1
        return reshaped_axis(self.shapes[first], axis, self.shapes[value]) == self.axis[value]

    def members(self, value):
        layer = self.view_of(value)
        if layer is None:
            return [value]
        return [m for i in layer["inputs"] for m in self.members(i)]


def reshaped_axis(shape, axis, out):
    """Where a dimension is after a reshape: of the same size, with as many elements before it."""
    before = product(shape[:axis])
    for d, size in enumerate(out):
        if size == shape[axis] and product(out[:d]) == before:
            return d
    return None


def product(sizes):
    total = 1
    for size in sizes:
        total *= size
    return total


def statistics_in_rows(rows, layer):
    """Whether a norm's statistics are of one row each."""
    axis = rows.axis[layer["inputs"][0]]
    return layer["kind"] == "layer" and "axis" in layer and axis is not None and axis < layer["axis"]
