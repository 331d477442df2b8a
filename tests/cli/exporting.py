"""Exporting with the program, and what plan files say that exports must hold."""

import json
import sys

from harness import ROOT, CliTest, conv, network, relu

sys.path.insert(0, str(ROOT / "scripts"))

from training_check.progress import Progress, map_of_file  # noqa: E402  (section 11, read on its own)

FOLDERS = ("scalesim", "timeloop", "astra-sim")
TRACES = ("dramsim3", "ramulator", "ramulator2")
ALL = FOLDERS + TRACES + ("addresses", "perfetto")

# Every pass, a stride, a grouped and a dilated convolution, a fan-out, names that need care.
TINY = network(
    [conv("c1", "image", out_channels=8),
     relu("r1", "c1"),
     conv("DP, \"quoted\" c2", "r1", out_channels=8, stride=2, groups=2),
     conv("höhe", "DP, \"quoted\" c2", out_channels=8, dilation=2, pad=2),
     {"name": "sum", "op": "add", "inputs": ["DP, \"quoted\" c2", "höhe"]},
     {"name": "norm", "op": "norm", "kind": "group", "groups": 4, "inputs": ["sum"]},
     {"name": "pool", "op": "global_avg_pool", "inputs": ["norm"]},
     {"name": "fc", "op": "fc", "inputs": ["pool"], "out_features": 10}],
    name="tiny")
# Parameters that layers share: by two scales and one after another, a norm's.
SHARED = network(
    [conv("stem", "image", out_channels=8, bias=True),
     {"name": "n1", "op": "norm", "kind": "group", "groups": 4, "inputs": ["stem"]},
     conv("a", "n1", out_channels=8, bias=True),
     relu("relu", "a"),
     conv("b", "relu", out_channels=8, bias=True, shares="a"),
     {"name": "n2", "op": "norm", "kind": "group", "groups": 2, "inputs": ["b"], "shares": "n1"},
     {"name": "half", "op": "max_pool", "inputs": ["n1"], "kernel": 2},
     conv("c", "half", out_channels=8, bias=True, shares="a")],
    name="shared")
TINY_OPTIONS = ("--planner", "dp", "--batch", "5", "--buffer", "6KiB")


class Plan:
    """A plan file, and what each execution of a step moves, told from sections 4 and 11 of the model."""

    def __init__(self, text):
        self.plan = json.loads(text)
        self.steps, self.tensors = self.plan["steps"], self.plan["tensors"]
        self.batch = self.plan["batch"]
        self.next_adder = {step["same_accumulators"]: step["id"] for step in self.steps if "same_accumulators" in step}
        self.pinned = {p["step"]: p for p in self.plan["pinned"]}
        self.arrives = {(r["tensor"], r["to"]) for r in self.plan["resident"]}
        read = [{**step, "maps": {m["tensor"]: map_of_file(m) for m in step.get("maps", [])}}
                for step in self.steps]
        self.progress = {group["first"]: Progress({**self.plan, "steps": read}, group)
                         for group in self.plan["groups"] if "strips" in group}
        stays = {(r["tensor"], r["from"]) for r in self.plan["resident"]}
        touches = {}
        for step in self.steps:
            for tensor in step["reads"] + step["writes"]:
                touches.setdefault(tensor, []).append(step["id"])
        self.stored = {tensor for tensor, at in touches.items()
                       if any((tensor, step) not in stays for step in at[:-1])}
        if self.plan["phase"] == "inference":  # what nobody reads is its result
            self.stored |= {tensor for step in self.steps for tensor in step["writes"]
                            if len(touches[tensor]) == 1}

    def owner(self, step, what):
        """The layer in whose region of `what`, weights or accumulators, the step's are."""
        while "same_" + what in step:
            step = self.steps[step["same_" + what]]
        return layer_of(step)

    def dram_lives(self):
        """[(content, name, bytes, first group, last group)] of what is ever in DRAM, in no order."""
        groups = self.plan["groups"]
        group_of = {k: g for g, group in enumerate(groups)
                    for k in range(group["first"], group["last"] + 1)}
        end = len(groups) - 1
        sizes, begin, made = {}, {}, {}
        for step in self.steps:
            for what, member in (("weights", "weight_bytes"), ("accumulators", "accumulator_bytes")):
                if step[member] > 0:
                    key = what, self.owner(step, what)
                    sizes[key] = max(sizes.get(key, 0), step[member])
                    begin.setdefault(key, group_of[step["id"]] if what == "accumulators" else 0)
            made.update((tensor, step["id"]) for tensor in step["writes"])
        lives = [(*key, size, begin[key], end) for key, size in sizes.items()]
        for tensor, of in enumerate(self.tensors):
            size = of["bytes"] * self.batch
            readers = [step["id"] for step in self.steps if tensor in step["reads"]]
            loads = [group_of[k] for k in readers if (tensor, k) not in self.arrives]
            if size == 0 or tensor in made and tensor not in self.stored:
                continue
            first, last = 0, end
            if tensor in made:
                first = group_of[made[tensor]]
                last = end if not readers else max(loads)
            lives.append(("tensor", of["name"], size, first, last))
        return lives

    def dram_peak(self):
        """The most that is in DRAM in one group, the first with so much, as plan files tell it."""
        def within(group):
            sums = {"bytes": 0, "weights": 0, "accumulators": 0, "tensors": 0, "group": group}
            for what, _, size, first, last in self.dram_lives():
                if first <= group <= last:
                    sums["bytes"] += size
                    sums["tensors" if what == "tensor" else what] += size
            return sums
        return max(map(within, range(len(self.plan["groups"]))), key=lambda sums: sums["bytes"])

    def executions(self):
        """(step, group, iteration, samples) in order."""
        for group in self.plan["groups"]:
            for i in range(group["iterations"]):
                begin = i // group.get("strips", 1) * group["sub_batch"]
                samples = range(begin, min(begin + group["sub_batch"], self.batch))
                for k in range(group["first"], group["last"] + 1):
                    yield self.steps[k], group, i, samples

    def moved(self, step, group, i, samples):
        """(is write, what, first byte in its region, bytes) of one execution."""
        k = step["id"]
        pinned = self.pinned.get(k, {"weight_bytes": 0, "accumulator_bytes": 0})
        for member, what in (("weight_bytes", "weights"), ("accumulator_bytes", "accumulators")):
            kept, rest = pinned[member], step[member] - pinned[member]
            comes = i == 0 and step.get("same_" + what, -1) < group["first"]
            if what == "weights":
                yield False, what, 0, kept if comes else 0
                yield False, what, kept, rest
            else:
                begun = "same_accumulators" in step
                goes = i == group["iterations"] - 1 and self.next_adder.get(k, group["last"] + 1) > group["last"]
                yield False, what, 0, kept if begun and comes else 0
                yield False, what, kept, rest if begun or i > 0 else 0
                yield True, what, 0, kept if goes else 0
                yield True, what, kept, rest
        for tensor in step["reads"]:
            if (tensor, k) not in self.arrives:
                for _ in range(group["passes"]):
                    yield self.tensor_part(False, tensor, samples, group, i)
        for tensor in step["writes"]:
            if tensor in self.stored:
                yield self.tensor_part(True, tensor, samples, group, i)

    def rows_done(self, step, group, i):
        """(before, after) the strip of iteration i; None in a group of whole samples."""
        if "strips" not in group:
            return None
        progress = self.progress[group["first"]]
        strip = i % group["strips"]
        return progress.done(progress.steps[step["id"] - group["first"]], strip - 1), \
            progress.progress[step["id"]][strip]

    def share(self, step, group, i):
        """The product of one execution on one sample: (m, n, k), cut to the strip's rows."""
        sizes = step["gemm"]
        rows = self.rows_done(step, group, i)
        cut = {"m": sizes["m"], "k": sizes["k"]}
        if rows:
            name = "k" if sizes["samples_in"] == "k" else "m"
            before, after = (-(-sizes[name] * n // step["rows"]) for n in rows)
            cut[name] = after - before
        return cut["m"], sizes["n"], cut["k"]

    def tensor_part(self, is_write, tensor, samples, group, i):
        size = self.tensors[tensor]["bytes"]
        if "strips" not in group:
            return is_write, tensor, samples[0] * size, len(samples) * size
        progress, strip = self.progress[group["first"]], i % group["strips"]
        if is_write and not progress.is_same(tensor):  # complete, and written, at the end
            part = size if strip == group["strips"] - 1 else 0
            return is_write, tensor, samples[0] * size, part
        begin = progress.bytes_of(tensor, progress.rows_there(tensor, strip - 1))
        end = progress.bytes_of(tensor, progress.rows_there(tensor, strip))
        return is_write, tensor, samples[0] * size + begin, end - begin


def layer_of(step):
    if step["kind"] == "gsum":
        return step["name"].rpartition(".gsum#")[0]
    ending = step["kind"].partition(".")[2]
    return step["name"].removesuffix("." + ending) if ending else step["name"]


class ExportTest(CliTest):
    def export(self, given, form, *options, **more):
        """What the format writes: a text, or the texts of a folder's files by name."""
        out = self.folder / f"out-{form}"
        result = self.succeed("export", given, "--format", form, "-o", out, *options, **more)
        self.assertEqual(result.out, "")
        if out.is_dir():
            files = {path.name: path.read_text() for path in out.iterdir()}
            self.check_index(form, files)
            return files
        return out.read_text()

    def check_index(self, form, files):
        index = json.loads(files["export.json"])
        self.assertEqual((index["format"], index["exported"]), ("mbsopt-export/1", form))
        self.assertEqual(sorted(index["files"] + ["export.json"]), sorted(files))

    def plan(self, given, *options):
        path = self.folder / "plan.json"
        self.succeed("plan", given, "--format", "json", "-o", path, *options)
        return str(path), Plan(path.read_text())
