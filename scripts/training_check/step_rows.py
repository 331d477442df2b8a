"""
Which rows of its operands a step needs: section 11 of the model, read on its own. So a plan's rows and maps can be
compared with these, and a program without them can be given some.
"""

from training_check.layers import height_window
from training_check.progress import SAME, first, need
from training_check.rows import WINDOWS, base_of, layer_of

WHOLE = ("whole",)


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
        self.sums = {names[s["sum"]]: names[s["running"]] for s in step.get("sums", ())}
        running = set(self.sums.values())
        self.gradients = [t for t in self.reads if ".grad" in t and t not in running] if self.part else []
        self.count = self.own_rows()

    def own_rows(self):
        layer, part = self.layer, self.part
        if part.endswith("stat") or (layer and layer["op"] == "global_avg_pool" and part == ""):
            return self.rows.count(layer["inputs"][0])
        if part == "update":
            return 1
        if part == "wgrad":
            of = layer["inputs"][:1] if layer["op"] == "conv_transpose" else self.gradients
            return max(self.rows.count(t) for t in of)
        return max(self.rows.count(t) for t in self.writes or self.reads)

    def map_of(self, tensor):
        rows, layer, part = self.rows, self.layer, self.part
        if part == "loss" or tensor.endswith(".statistics"):
            return WHOLE
        for total, running in self.sums.items():
            if tensor == running:
                return self.map_of_running(total, running)
        if layer is not None:
            special = self.special_map(tensor)
            if special is not None:
                return special
        same = rows.count(tensor) == self.count and self.goes_with_rows(tensor)
        return SAME if same else WHOLE

    def map_of_running(self, total, running):
        """A gradient that is added to goes with the rows of the sum, if these are what the step's are."""
        rows, op = self.rows, self.layer["op"]
        if rows.count(running) != self.count:
            return WHOLE
        if self.count == 1:
            return SAME
        if op in WINDOWS:
            by_rows = self.written_vertically()
        elif op == "pad":
            by_rows = rows.aligned(self.layer["inputs"][0])
        else:
            by_rows = self.step_dimension() is not None
        return SAME if by_rows and rows.axis[base_of(running)] == rows.axis[base_of(total)] else WHOLE

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
        if op == "conv_transpose" and of_dy and part == "wgrad":
            return ("window", *self.summed_window())
        if op == "conv_transpose" and of_dy:
            return ("window", *height_window(layer)) if self.written_vertically() else WHOLE
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

    def summed_window(self):
        """Windows of a conv_transpose's dY that leave out no row if there is a bias, whose gradient is the sum of all."""
        k, s, p = height_window(self.layer)
        if not self.layer.get("bias"):
            return k, s, p
        return max(k, s, self.rows.count(self.layer["name"]) + p - (self.count - 1) * s), s, p

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
        if layer["op"] in WINDOWS:  # what is left here are dY in wgrad and x in conv_transpose's
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
