"""What the figures are drawn from: rows of `mbsopt sweep` files, plan files, and every way they can be broken."""

import csv
import io
import json
import math
import re
import sys

from training_check.progress import Progress, map_of_file

# what tells the points of a sweep apart
IDENTITY = ("network", "phase", "batch_norm", "buffer_bytes", "batch", "hardware", "planner",
            "recompute", "strips")
TEXTS = {"hardware", "recompute"}  # columns that a figure may need and that are no numbers
OUTCOMES = ("optimal", "feasible", "heuristic")
PLANNERS = ("baseline", "archopt", "il", "mbs-fs", "mbs1", "mbs2", "dp-no-strips", "dp",
            "ilp-no-strips", "ilp", "dp-time", "dp-energy")  # the order they are shown in
TAKE_STRIPS = ("dp", "dp-time", "dp-energy", "ilp", "best")  # and if a row says that they had none, their names say so too


class BadInput(Exception):
    """One line for whoever called: which file, where in it, what is wrong."""


def read_text(path):
    try:
        if path == "-":
            return io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8-sig", newline="").read()
        with open(path, encoding="utf-8-sig", newline="") as file:
            return file.read()
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise BadInput(f"{path}: not a text file in UTF-8") from None


def number(text, where):
    try:
        value = float(text)
    except ValueError:
        raise BadInput(f"{where}: {text!r} is not a number") from None
    if not math.isfinite(value) or value < 0:
        raise BadInput(f"{where}: {text} is not a number of 0 or more")
    return value


def csv_lines(path, text):
    """The header and (line number, fields) of each row."""
    if not text.strip():
        raise BadInput(f"{path}: empty")
    reader = csv.reader(io.StringIO(text), strict=True)
    try:
        header = next(reader)
        rows = [(reader.line_num, row) for row in reader if row]
    except csv.Error as error:
        raise BadInput(f"{path}:{reader.line_num}: not CSV: {error}") from None
    if not rows:
        raise BadInput(f"{path}: a header and no rows")
    return header, rows


def read_rows(path, needed, warn):
    """The points of one CSV as dictionaries; columns named in `needed` are numbers."""
    text = read_text(path)
    header, lines = csv_lines(path, text)
    missing = [name for name in ("network", "planner", *needed) if name not in header]
    if missing:
        raise BadInput(f"{path}: no column {', '.join(missing)} (there are: {', '.join(header)})")
    numeric = {"buffer_bytes", "batch", *needed} & set(header) - TEXTS
    points = []
    for line, fields in lines:
        if len(fields) != len(header):
            raise BadInput(f"{path}:{line}: {len(fields)} fields where the header has {len(header)} "
                           "(a line cut off?)")
        point = dict(zip(header, fields))
        if point["network"].startswith("(") or point.get("outcome", OUTCOMES[0]) not in OUTCOMES:
            continue  # a mean of `mbsopt compare`, or a point without a plan
        if point.get("strips") == "off" and re.sub("(-in-place)?(-order)?$", "", point["planner"]) in TAKE_STRIPS:
            point["planner"] += "-no-strips"  # as `mbsopt compare` calls it
        for name in sorted(numeric):
            point[name] = number(point[name], f"{path}:{line}: column {name}")
        points.append(point)
    if not points:
        raise BadInput(f"{path}: no row has a plan")
    if not text.endswith("\n"):
        warn(f"{path}: the last line has no end; a sweep that is still being written?")
    return points


def matches(point, conditions):
    def same(value, wanted):
        return value == wanted if isinstance(value, str) else value == number(wanted, "--where")
    return all(any(same(point[name], wanted) for wanted in values) for name, values in conditions.items())


def select(points, conditions, shown):
    """
    The points that meet the conditions, repetitions left out. Of what a figure does not show (network, planner and
    the columns in `shown`) there must be one value for each network, or one for each planner if it is the batch norm.
    """
    for name in conditions:
        if name not in points[0]:
            raise BadInput(f"--where {name}: no such column (there are: {', '.join(points[0])})")
    chosen = {}
    for point in points:
        if matches(point, conditions):
            chosen[tuple(point.get(name) for name in IDENTITY)] = point
    if not chosen:
        raise BadInput("no row meets every --where")
    for name in IDENTITY:
        if name in ("network", "planner", "strips", *shown):  # the planner's name tells of strips
            continue
        values = {}
        for point in chosen.values():
            key = (point["network"], point["planner"]) if name == "batch_norm" else (point["network"],)
            values.setdefault(key, set()).add(point.get(name))
        for key, several in values.items():
            if len(several) > 1:
                ordered = sorted(several, key=lambda value: (value is None, value or ""))
                text = ", ".join(f"{value:.0f}" if isinstance(value, float) else str(value) for value in ordered)
                raise BadInput(f"{' '.join(key)}: several {name} ({text}); choose one with --where {name}=VALUE")
    return list(chosen.values())


def in_order(points, name):
    return list(dict.fromkeys(point[name] for point in points))


def planners_of(points):
    """In the order they are shown in; plans that recompute, such as "dp+auto", behind those that do not."""
    def place(name):
        planner = name.partition("+")[0]
        return PLANNERS.index(planner) if planner in PLANNERS else len(PLANNERS)
    return sorted(in_order(points, "planner"), key=lambda name: (place(name), "+" in name))


def geometric_mean(values):
    values = list(values)
    return math.exp(sum(math.log(value) for value in values) / len(values))


# ---------------------------------------------------------------------------------------------------------------------
# Plan files

PLAN_MEMBERS = {
    "tensors": ("bytes",),
    "steps": ("name", "phase", "kind", "reads", "writes", "weight_bytes", "accumulator_bytes"),
    "groups": ("first", "last", "iterations", "sub_batch", "peak_bytes"),
}
ROWS = ("tensors", "steps")  # of which each has rows in version 2
NEEDS_A_SAMPLE = {1: re.compile(r"((batch_)?norm|softmax|matmul)(\.|$)"), 2: re.compile(r"(softmax|matmul)(\.|$)")}
VERSIONS = {f"mbsopt-plan/{version}": version for version in NEEDS_A_SAMPLE}


def read_plan(path):
    try:
        plan = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{path}: not JSON: {error}") from None
    if not isinstance(plan, dict) or plan.get("format") not in VERSIONS:
        raise BadInput(f"{path}: not a file of {' or '.join(VERSIONS)}")
    for name in ("network", "batch", "buffer_bytes", "planner"):
        if name not in plan:
            raise BadInput(f"{path}: no member {name}")
    for name, members in PLAN_MEMBERS.items():
        entries = plan.get(name)
        if not isinstance(entries, list) or not entries:
            raise BadInput(f"{path}: {name} is missing or empty")
        for index, entry in enumerate(entries):
            for member in members + (("rows",) if VERSIONS[plan["format"]] > 1 and name in ROWS else ()):
                if not isinstance(entry, dict) or member not in entry:
                    raise BadInput(f"{path}: {name}[{index}] has no {member}")
    try:
        return PlanFigures(plan)
    except (ArithmeticError, AttributeError, IndexError, KeyError, TypeError, ValueError):
        raise BadInput(f"{path}: what it holds does not fit together; mbsopt verify says more") from None


class PlanFigures:
    """Bytes of each step of a plan file: of its operands per sample, and what it takes of the buffer."""

    def __init__(self, plan):
        self.plan = plan
        self.groups = plan["groups"]
        self.usable = plan["buffer_bytes"] - plan.get("reserved_bytes", 0)
        sizes = [tensor["bytes"] for tensor in plan["tensors"]]
        steps = plan["steps"]
        ends = [group["last"] for group in self.groups]
        if (self.usable < 1 or min(sizes) < 0 or min(group["sub_batch"] for group in self.groups) < 1
                or [group["first"] for group in self.groups] != [0, *(end + 1 for end in ends[:-1])]
                or sorted(set(ends)) != ends or ends[-1] != len(steps) - 1):
            raise ValueError
        self.operand_sets = [set(step["reads"]) | set(step["writes"]) for step in steps]
        self.operands = [sum(sizes[tensor] for tensor in operands) for operands in self.operand_sets]
        self.backward = next((k for k, step in enumerate(steps) if step["phase"] != "forward"), len(steps))
        self.in_passes = set(plan.get("in_passes", []))
        self.in_passes |= {group["first"] for group in self.groups if group.get("passes", 1) > 1}
        self.needs_a_sample = NEEDS_A_SAMPLE[VERSIONS[plan["format"]]]
        self._footprints(sizes, steps)
        self._traffic(sizes, steps)

    def _footprints(self, sizes, steps):
        """Section 4 of the model: what hands on data, what else the step itself takes, and pinned parameters."""
        count = len(steps)
        self.resident, self.other, self.pinned = [0] * count, [0] * count, [0] * count
        resident_at = [set() for _ in steps]
        for interval in self.plan.get("resident", []):
            for k in range(interval["from"], interval["to"] + 1):
                resident_at[k].add(interval["tensor"])
        pinned_by_step = {pin["step"]: pin for pin in self.plan.get("pinned", [])}
        streamed = set(self.plan.get("streamed", []))
        over = {entry["step"]: entry["over"] for entry in self.plan.get("in_place", [])}
        with_maps = {**self.plan, "steps": [{**step, "id": k, "maps": {entry["tensor"]: map_of_file(entry)
                                                                       for entry in step.get("maps", [])}}
                                            for k, step in enumerate(steps)]}
        for group in self.groups:
            members = range(group["first"], group["last"] + 1)
            pinned = sum(sum(self._own_pins(steps[k], pinned_by_step[k], group)) for k in members if k in pinned_by_step)
            if group.get("strips", 1) > 1:
                rows = Progress(with_maps, group).footprints(streamed)
                for k, (self.resident[k], self.other[k]) in zip(members, rows, strict=True):
                    self.pinned[k] = pinned
                continue
            for k in members:
                if k in self.in_passes:
                    continue
                operands = self.operand_sets[k]
                if k in over:  # what is written first is where that operand is
                    first = steps[k]["writes"][0]
                    if first in resident_at[k]:
                        resident_at[k].add(over[k])
                    resident_at[k].discard(first)
                    operands = operands - {first}
                rest = sum(sizes[tensor] for tensor in operands - resident_at[k])
                self.resident[k] = group["sub_batch"] * sum(sizes[tensor] for tensor in resident_at[k])
                self.pinned[k] = pinned
                if k in streamed:
                    whole_sample = rest if self.needs_a_sample.match(steps[k]["kind"]) else 0
                    self.other[k] = steps[k]["weight_bytes"] + steps[k]["accumulator_bytes"] + whole_sample
                else:
                    self.other[k] = group["sub_batch"] * rest

    @staticmethod
    def _own_pins(step, pin, group):
        """What the step pins of weights and accumulators, unless an earlier step of its group pins the same."""
        return [0 if step.get(f"same_{what}s", -1) >= group["first"] else pin[f"{what}_bytes"]
                for what in ("weight", "accumulator")]

    def _traffic(self, sizes, steps):
        """Section 4: what each group reads and writes of activations, and moves of parameters, in bytes."""
        batch, inference = self.plan["batch"], self.plan.get("phase") == "inference"
        self.activations, self.parameters = [0] * len(self.groups), [0] * len(self.groups)
        group_of = [index for index, group in enumerate(self.groups)
                    for _ in range(group["first"], group["last"] + 1)]
        stays = {(interval["tensor"], interval["from"], interval["to"]) for interval in self.plan.get("resident", [])}
        read = {tensor for step in steps for tensor in step["reads"]}
        pins = {pin["step"]: pin for pin in self.plan.get("pinned", [])}
        touches = {}
        for k, step in enumerate(steps):
            for tensor in self.operand_sets[k]:
                touches.setdefault(tensor, []).append(k)
        written = {tensor for step in steps for tensor in step["writes"]}
        for tensor, at in touches.items():
            broken = [(u, v) for u, v in zip(at, at[1:]) if (tensor, u, v) not in stays]
            reads = [v for _, v in broken] if tensor in written else [at[0], *(v for _, v in broken)]
            for k in reads:
                if tensor in steps[k]["reads"]:
                    passes = self.groups[group_of[k]].get("passes", 1)
                    self.activations[group_of[k]] += batch * sizes[tensor] * passes
            if tensor in written and (broken or (inference and tensor not in read)):
                self.activations[group_of[at[0]]] += batch * sizes[tensor]
        for k, step in enumerate(steps):
            group = self.groups[group_of[k]]
            rounds = group["iterations"]
            pin = pins.get(k, {"weight_bytes": 0, "accumulator_bytes": 0})
            weights, accumulators = self._own_pins(step, pin, group)
            begun = "same_accumulators" in step
            self.parameters[group_of[k]] += (
                weights + rounds * (step["weight_bytes"] - pin["weight_bytes"]) + accumulators * (2 if begun else 1)
                + (2 * rounds - (not begun)) * (step["accumulator_bytes"] - pin["accumulator_bytes"]))

    def peak(self, group):
        return max(self.resident[k] + self.other[k] + self.pinned[k]
                   for k in range(group["first"], group["last"] + 1))
