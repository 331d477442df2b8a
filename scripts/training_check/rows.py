"""
Which rows a value has and which rows of its operands a step needs: section 11 of the model, read on its own. So a plan's
rows and maps can be compared with these, and a program without them can be given some.
"""

import re

from training_check.layers import VIEWS, height_window, mode_of
from training_check.progress import SAME, first, need

WINDOWS = ("conv", "conv_transpose", "max_pool", "avg_pool", "global_avg_pool", "upsample")
WHOLE = ("whole",)


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


class StepRows:
    """The rows R of a step, and the map of each operand that it reads."""

    def __init__(self, rows, step, names):
        self.rows, self.step = rows, step
        self.reads, self.writes = [names[t] for t in step["reads"]], [names[t] for t in step["writes"]]
        self.layer, self.part = layer_of(step, rows.layers)
        if step["kind"] in ("loss", "gsum"):
            self.layer, self.part = None, step["kind"]
        if "remat" in self.part:
            self.part = ""
        self.gradients = [t for t in self.reads if ".grad" in t] if self.part else []
        self.count = self.own_rows()

    def own_rows(self):
        layer, part = self.layer, self.part
        if part.endswith("stat") or (layer and layer["op"] == "global_avg_pool" and part == ""):
            return self.rows.count(layer["inputs"][0])
        if part == "wgrad":
            of = layer["inputs"][:1] if layer["op"] == "conv_transpose" else self.gradients
            return max(self.rows.count(t) for t in of)
        return max(self.rows.count(t) for t in self.writes or self.reads)

    def map_of(self, tensor):
        rows, layer, part = self.rows, self.layer, self.part
        if part == "loss" or tensor.endswith(".statistics"):
            return WHOLE
        if layer is not None:
            special = self.special_map(tensor)
            if special is not None:
                return special
        same = rows.count(tensor) == self.count and self.goes_with_rows(tensor)
        return SAME if same else WHOLE

    def special_map(self, tensor):
        """Where a step's rows are not simply those of its operands."""
        rows, layer, part, op = self.rows, self.layer, self.part, self.layer["op"]
        first = layer["inputs"][0]
        of_dy = tensor in self.gradients
        vertical = self.is_input(tensor, 0) and rows.aligned(first) and rows.axis[first] == 1
        if of_dy and rows.axis[base_of(tensor)] != rows.axis[layer["name"]]:
            return WHOLE
        if op in ("conv", "max_pool", "avg_pool") and vertical and part in ("", "wgrad"):
            return ("window", *height_window(layer))
        if op in ("conv", "max_pool", "avg_pool") and part in ("dgrad", "bwd"):
            return ("transposed", *height_window(layer)) if self.written_vertically() else WHOLE
        if op == "conv_transpose" and vertical and part == "":
            return ("transposed", *height_window(layer))
        if op == "conv_transpose" and of_dy:
            return ("window", *height_window(layer)) if part == "wgrad" or self.written_vertically() else WHOLE
        if op == "upsample":
            if part == "":
                return ("scaled",) if vertical else WHOLE
            return ("transposed_scaled",) if self.written_vertically() else WHOLE
        if op == "pad":
            before = layer["before"][rows.axis[first]]
            if not rows.aligned(first):
                return WHOLE
            return ("shifted", before) if part == "" else ("shifted", -before)
        if op == "matmul" and (part == "bgrad" or self.is_input(tensor, 1)):
            return WHOLE
        return None

    def is_input(self, tensor, i):
        if ".grad" in tensor or i >= len(self.layer["inputs"]):
            return False
        return base_of(tensor) in self.rows.members(self.layer["inputs"][i])

    def written_vertically(self):
        first = self.layer["inputs"][0]
        return self.rows.aligned(first) and self.rows.axis[first] == 1

    def goes_with_rows(self, tensor):
        """Whether row r of an operand with as many rows as the step is what row r of the step needs."""
        rows, layer = self.rows, self.layer
        if layer is None:  # gsum
            return rows.axis[base_of(tensor)] == rows.axis[base_of(self.writes[0])]
        if self.count == 1:
            return True
        if mode_of(layer) == "vertical":  # windows: what is left here are dY in wgrad and x in conv_transpose's
            return rows.axis[base_of(tensor)] == 1 and rows.aligned(layer["inputs"][0])
        dimension = self.step_dimension()
        if dimension is None:
            return False
        if ".grad" in tensor or base_of(tensor) == layer["name"]:
            return rows.axis[base_of(tensor)] == dimension
        return all(rows.aligned(v) and rows.input_dimension(layer, i, dimension) == rows.axis[v]
                   for i, v in enumerate(layer["inputs"]) if self.is_input(tensor, i))

    def step_dimension(self):
        """The dimension of the layer's output along which the step works on rows; None if on none of them."""
        rows, layer, part = self.rows, self.layer, self.part
        if part in ("", "wgrad", "stat", "bwd.stat") or not self.writes:
            return rows.axis[layer["name"]]
        found = set()
        for i, v in enumerate(layer["inputs"]):
            own = [t for t in self.writes if base_of(t) in rows.members(v) and rows.count(t) == self.count]
            if own:
                found.add(rows.output_dimension(layer, i) if rows.aligned(v) else None)
        return found.pop() if len(found) == 1 else None


def give_rows(plan, rows):
    """A plan's program with rows of tensors and steps, and maps of operands, as this file reads section 11."""
    names = [t["name"] for t in plan["tensors"]]
    for t in plan["tensors"]:
        t["rows"] = rows.count(t["name"])
    for s in plan["steps"]:
        own = StepRows(rows, s, names)
        s["rows"] = own.count
        s["maps"] = {t: own.map_of(names[t]) for t in s["reads"] if own.map_of(names[t]) != SAME}
    return plan


def take_rows(plan):
    """The maps of a plan file of version 2, in place, as this file has them."""
    figures = {"window": ("window", "stride", "pad"), "transposed": ("window", "stride", "pad"), "shifted": ("pad",)}
    for s in plan["steps"]:
        s["maps"] = {m["tensor"]: (m["kind"], *(m[f] for f in figures.get(m["kind"], ()))) for m in s.get("maps", [])}
    return plan


def differences(plan, rows):
    """What a plan says of rows otherwise than this file, which is no part of the program that made it."""
    names = [t["name"] for t in plan["tensors"]]
    found = [f"{t['name']}: {t['rows']} rows, not {rows.count(t['name'])}" for t in plan["tensors"]
             if t["rows"] != rows.count(t["name"])]
    for s in plan["steps"]:
        own = StepRows(rows, s, names)
        if own.count != s["rows"]:
            found.append(f"{s['name']}: {s['rows']} rows, not {own.count}")
            continue
        for t in s["reads"]:
            theirs, mine = s["maps"].get(t, SAME), own.map_of(names[t])
            if not are_equal(theirs, mine, s["rows"], plan["tensors"][t]["rows"]):
                found.append(f"{s['name']}: {names[t]} {theirs}, not {mine}")
    return found


def are_equal(one, other, step_rows, height):
    """Maps of one row, say, are the same by many names."""
    return all(f(one, n, step_rows, height) == f(other, n, step_rows, height)
               for f in (need, first) for n in range(step_rows + 1))
