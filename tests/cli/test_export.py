"""Plans in other programs' formats, read back by readers of our own and counted."""

import json
import os
import pathlib
import shutil
import subprocess
import unittest

import formats
from harness import (ALEXNET, BAD_INPUT, NETWORKS, PROGRAM, ROOT, SYSTEM, USAGE, VERIFICATION,
                     CliTest, conv, environment, network, relu, small_files)

FOLDERS = ("scalesim", "timeloop", "astra-sim")
TRACES = ("dramsim3", "ramulator", "ramulator2")
ALL = FOLDERS + TRACES + ("addresses", "perfetto")
GOLDEN = ROOT / "tests" / "golden" / "export"

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
TINY_OPTIONS = ("--batch", "5", "--buffer", "6KiB")


# Something to compute again: activations, and a convolution that widens.
AGAIN = network(
    [conv("c1", "image", out_channels=6),
     {"name": "n, 1", "op": "norm", "kind": "group", "groups": 2, "inputs": ["c1"]},
     relu("r1", "n, 1"),
     conv("wide", "r1", out_channels=24, kernel=1, pad=0),
     {"name": "n2", "op": "norm", "kind": "group", "groups": 2, "inputs": ["wide"]},
     relu("DP", "n2"),
     conv("c3", "DP", out_channels=6),
     {"name": "sum", "op": "add", "inputs": ["c3", "r1"]},
     relu("r3", "sum"),
     {"name": "fc", "op": "fc", "inputs": ["r3"], "out_features": 10}],
    name="again")


def ceil_div(a, b):
    return -(-a // b)


class Plan:
    """A plan file, and what each execution of a step moves, told from the model's section 4."""

    def __init__(self, text):
        self.plan = json.loads(text)
        self.steps, self.tensors = self.plan["steps"], self.plan["tensors"]
        self.batch = self.plan["batch"]
        self.pinned = {p["step"]: p for p in self.plan["pinned"]}
        self.arrives = {(r["tensor"], r["to"]) for r in self.plan["resident"]}
        stays = {(r["tensor"], r["from"]) for r in self.plan["resident"]}
        touches = {}
        for step in self.steps:
            for tensor in step["reads"] + step["writes"]:
                touches.setdefault(tensor, []).append(step["id"])
        self.stored = {tensor for tensor, at in touches.items()
                       if any((tensor, step) not in stays for step in at[:-1])}

    def executions(self):
        """(step, group, iteration, samples) in order."""
        for group in self.plan["groups"]:
            for i in range(group["iterations"]):
                begin = i * group["sub_batch"]
                samples = range(begin, min(begin + group["sub_batch"], self.batch))
                for k in range(group["first"], group["last"] + 1):
                    yield self.steps[k], group, i, samples

    def moved(self, step, group, i, samples):
        """(is write, what, first byte in its region, bytes) of one execution."""
        k = step["id"]
        pinned = self.pinned.get(k, {"weight_bytes": 0, "accumulator_bytes": 0})
        for member, what in (("weight_bytes", "weights"), ("accumulator_bytes", "accumulators")):
            kept, rest = pinned[member], step[member] - pinned[member]
            last = i == group["iterations"] - 1
            if what == "weights":
                yield False, what, 0, kept if i == 0 else 0
                yield False, what, kept, rest
            else:
                yield False, what, kept, rest if i > 0 else 0
                yield True, what, 0, kept if last else 0
                yield True, what, kept, rest
        for tensor in step["reads"]:
            if (tensor, k) not in self.arrives:
                for _ in range(group["passes"]):
                    yield self.tensor_part(False, tensor, samples)
        for tensor in step["writes"]:
            if tensor in self.stored:
                yield self.tensor_part(True, tensor, samples)

    def tensor_part(self, is_write, tensor, samples):
        size = self.tensors[tensor]["bytes"]
        return is_write, tensor, samples[0] * size, len(samples) * size


def layer_of(step):
    if step["kind"] == "gsum":
        return step["name"].rpartition(".gsum#")[0]
    ending = step["kind"].rpartition(".")[2] if "." in step["kind"] else None
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


class Counts(ExportTest):
    """Everything is exported and counted for one plan; each network is one test."""

    def check_scalesim(self, plan, files):
        conv, gemm = formats.scalesim_conv(files["conv.csv"]), formats.scalesim_gemm(files["gemm.csv"])
        names = formats.names(files["names.csv"])
        config = formats.scalesim_config(files["scalesim.cfg"])
        self.assertEqual(config["architecture_presets"]["ArrayHeight"], "128")
        self.assertEqual(config["architecture_presets"]["Dataflow"], "ws")
        expected = {}
        for step, _, _, samples in plan.executions():
            if "gemm" in step:
                key = (step["id"], len(samples))
                each = len(samples) if step["gemm"].get("samples_in") == "groups" else 1
                expected[key] = expected.get(key, 0) + each * step["gemm"]["groups"]
        rows = formats.table(files["runs.csv"], "name,step,samples,runs,in_conv,m,n,k,cycles")
        self.assertEqual({(int(r["step"]), int(r["samples"])): int(r["runs"]) for r in rows}, expected)
        self.assertEqual([r["name"] for r in rows], list(gemm))
        self.assertEqual(list(names), list(gemm))
        for row in rows:
            step, samples = plan.steps[int(row["step"])], int(row["samples"])
            product, grows = step["gemm"], step["gemm"]["samples_in"]
            m = product["m"] * (samples if grows == "m" else 1)
            k = product["k"] * (samples if grows == "k" else 1)
            self.assertEqual(gemm[row["name"]], (m, product["n"], k))
            self.assertEqual((int(row["m"]), int(row["n"]), int(row["k"])), (m, product["n"], k))
            self.assertEqual(int(row["cycles"]), ceil_div(k, 128) * ceil_div(product["n"], 128)
                             * (2 * 128 + 128 + m - 2) - 1)
            self.assertEqual(names[row["name"]], f"{step['name']}_b{samples}")
            self.assertEqual(row["in_conv"], "yes" if row["name"] in conv else "no")
            if row["name"] in conv:
                self.assertIn(step["kind"], ("conv", "conv.remat"))
                height, width, r, s, channels, filters, stride = conv[row["name"]]
                outputs = ((height - r) // stride + 1) * ((width - s) // stride + 1)
                self.assertEqual((outputs, filters, r * s * channels), gemm[row["name"]])
                self.assertEqual((height - r) % stride + (width - s) % stride, 0)

    def check_timeloop(self, plan, files, legacy=False):
        rows = formats.table(files["runs.csv"], "file,step,samples,runs,name")
        problems = {name: formats.timeloop(text) for name, text in files.items()
                    if name.endswith(".yaml")}
        self.assertEqual({row["file"] for row in rows}, set(problems))
        self.assertEqual(len({(tuple(p[0].items()), p[2]) for p in problems.values()}), len(problems))
        macs = expected = 0
        for row in rows:
            step = plan.steps[int(row["step"])]
            instance, old, written = problems[row["file"]]
            self.assertEqual((step["name"], old), (row["name"], legacy))
            each = step["gemm"]["samples_in"] == "groups"
            self.assertEqual(instance["N"], 1 if each else int(row["samples"]))
            self.assertEqual(written, "weights" if step["kind"].endswith("wgrad") else
                             "inputs" if step["kind"].endswith("dgrad") else "outputs")
            product = int(row["runs"])
            for name in "CMRSNPQ":
                product *= instance[name]
            macs += product
        for step, _, _, samples in plan.executions():
            if "gemm" in step:
                sizes = step["gemm"]
                expected += sizes["m"] * sizes["k"] * sizes["n"] * sizes["groups"] * len(samples)
        self.assertEqual(macs, expected)

    def check_astra(self, plan, files):
        layers = formats.astra_sim(files["workload.txt"])
        names = formats.names(files["names.csv"])
        order = list(dict.fromkeys(layer_of(step) for step in plan.steps))
        self.assertEqual([names[layer[0]] for layer in layers], order)
        gradients = {layer_of(step): step["accumulator_bytes"] for step in plan.steps
                     if step["accumulator_bytes"] > 0}
        self.assertEqual({names[layer[0]]: layer[4] for layer in layers if layer[4]}, gradients)
        total = sum(forward + inputs + weights for _, forward, inputs, weights, _, _ in layers)
        self.assertLess(abs(total - plan.plan["time_s"] * 1e9), 3 * len(layers))

    def check_perfetto(self, plan, text, full):
        tracks, slices, counters = formats.perfetto(text)
        self.assertEqual(len(tracks), 5)
        number = {name: track for track, name in tracks.items()}
        last = max(end for track, _, end, _, _ in slices if track == number["groups and steps"])
        self.assertLess(abs(last - plan.plan["time_s"] * 1e9), 2)
        self.assertLessEqual(max(value for _, value in counters), plan.plan["buffer_bytes"])
        peak = max(group["peak_bytes"] for group in plan.plan["groups"])
        self.assertEqual(max(value for _, value in counters), peak)
        if full:
            moved = plan.plan["traffic_bytes"]["total"]
            tensors = {tensor["name"] for tensor in plan.tensors} | {"weights", "accumulators"}
            self.assertEqual(moved, sum(
                arguments["bytes"] for track, _, _, name, arguments in slices
                if track in (number["DRAM reads"], number["DRAM writes"])
                and "address" in arguments and name in tensors))

    def check_addresses(self, plan, text):
        regions = formats.addresses(text)
        contents = [content for _, _, content, _ in regions]
        self.assertEqual(contents, sorted(contents, key=lambda c: c == "tensor"))
        sizes = [(size, name) for _, size, content, name in regions if content == "tensor"]
        self.assertEqual(sizes, [(t["bytes"] * plan.batch, t["name"]) for t in plan.tensors])
        return regions

    def requests(self, plan, regions, size, steps, every=1):
        """What a trace of these steps holds: reads and writes per address."""
        at = {(c, name): a for a, _, c, name in regions if c != "tensor"}
        tensors = [a for a, _, c, _ in regions if c == "tensor"]
        count, bytes_moved = {}, 0
        for step, group, i, samples in plan.executions():
            if step["id"] not in steps:
                continue
            for is_write, what, begin, length in plan.moved(step, group, i, samples):
                if isinstance(what, str):
                    parts = [(at[what, layer_of(step)] + begin, length)] if length else []
                else:
                    one = plan.tensors[what]["bytes"]
                    parts = [(tensors[what] + begin, length)] if every == 1 else [
                        (tensors[what] + s * one, one) for s in samples if s % every == 0]
                for address, part in parts:
                    bytes_moved += part
                    for request in range(address // size, ceil_div(address + part, size)):
                        key = (request * size, is_write)
                        count[key] = count.get(key, 0) + 1
        return count, bytes_moved

    def count_all(self, given, *options, replan=True):
        """Exports what is small of one network, from its plan file and perhaps from the network."""
        path, plan = self.plan(given, *options)
        done = {}
        for form in FOLDERS + ("addresses", "perfetto"):
            done[form] = self.export(path, form)
        if replan:
            for form, written in done.items():
                self.assertEqual(written, self.export(given, form, *options), form)
        self.check_scalesim(plan, done["scalesim"])
        self.check_timeloop(plan, done["timeloop"])
        self.check_astra(plan, done["astra-sim"])
        executions = sum(1 for _ in plan.executions())
        self.check_perfetto(plan, done["perfetto"], executions <= 20000)
        return path, plan, self.check_addresses(plan, done["addresses"])

    def test_tiny_whole(self):
        given = self.file("tiny.json", TINY)
        for planner in ("baseline", "il", "mbs2", "dp"):
            path, plan, regions = self.count_all(given, *TINY_OPTIONS, "--planner", planner)
            for size in (64, 128):
                expected, moved = self.requests(plan, regions, size, range(len(plan.steps)))
                self.assertEqual(moved, plan.plan["traffic_bytes"]["total"])
                for form in TRACES:
                    read = formats.plain_trace if form == "ramulator2" else formats.cycle_trace
                    count = {}
                    for request in read(self.export(path, form, "--request-bytes", size)):
                        count[request[:2]] = count.get(request[:2], 0) + 1
                    self.assertEqual(count, expected)
        self.check_timeloop(plan, self.export(path, "timeloop", "--timeloop-legacy"), legacy=True)

    def test_parts_of_traces(self):
        path, plan, regions = self.count_all(self.file("tiny.json", TINY), *TINY_OPTIONS)
        steps = range(2, 7)
        for every in (1, 2, 3):
            expected, moved = self.requests(plan, regions, 64, steps, every)
            text = self.export(path, "dramsim3", "--steps", "2..6", "--sample-every", every)
            count = {}
            for address, is_write, _ in formats.cycle_trace(text):
                count[address, is_write] = count.get((address, is_write), 0) + 1
            self.assertEqual(count, expected)
        note = self.succeed("export", path, "--format", "dramsim3", "-o", self.folder / "x",
                            "--steps", "2..6", "--sample-every", "3").err
        self.assertIn(f"{sum(expected.values())} requests for {moved} bytes", note)
        first = self.export(path, "ramulator2", "--iterations", "0")
        more = self.export(path, "ramulator2", "--iterations", "1..")
        both = self.export(path, "ramulator2")
        self.assertEqual(len(first) + len(more), len(both))
        slow = list(formats.cycle_trace(self.export(path, "ramulator", "--trace-clock", "700000000")))
        fast = list(formats.cycle_trace(self.export(path, "ramulator", "--trace-clock", "1400000000")))
        self.assertEqual([r[:2] for r in slow], [r[:2] for r in fast])
        self.assertTrue(all(abs(2 * s[2] - f[2]) <= 2 for s, f in zip(slow, fast)))

    def test_inference(self):
        _, plan, _ = self.count_all(self.file("tiny.json", TINY), *TINY_OPTIONS, "--inference")
        self.assertEqual(plan.plan["phase"], "inference")

    def test_recomputing(self):
        """Steps that compute again are steps like others, in every format."""
        again = set()
        for planner in ("mbs2", "dp"):
            for policy in ("activations", "expand", "auto"):
                options = (*TINY_OPTIONS, "--planner", planner, "--recompute", policy)
                path, plan, regions = self.count_all(self.file("again.json", AGAIN), *options)
                again |= {step["kind"] for step in plan.steps if step["kind"].endswith(".remat")}
                expected, moved = self.requests(plan, regions, 64, range(len(plan.steps)))
                self.assertEqual(moved, plan.plan["traffic_bytes"]["total"])
                for form in TRACES:
                    read = formats.plain_trace if form == "ramulator2" else formats.cycle_trace
                    count = {}
                    for request in read(self.export(path, form)):
                        count[request[:2]] = count.get(request[:2], 0) + 1
                    self.assertEqual(count, expected)
        self.assertTrue(again)

    def test_zoo(self):
        for given in sorted(NETWORKS.glob("*.json")):
            with self.subTest(given.name):
                path, plan, regions = self.count_all(given, "--batch", "4", replan=False)
                steps = range(0, 6)
                expected, _ = self.requests(plan, regions, 64, steps, 4)
                for form in TRACES:
                    read = formats.plain_trace if form == "ramulator2" else formats.cycle_trace
                    text = self.export(path, form, "--steps", "0..5", "--sample-every", "4")
                    self.assertEqual(sum(1 for _ in read(text)), sum(expected.values()))

    def test_golden(self):
        """Byte for byte; MBS_UPDATE_GOLDEN=1 writes the files anew, to be looked through."""
        given = self.file("tiny.json", TINY)
        for form in ALL:
            found = self.export(given, form, *TINY_OPTIONS,
                                *(("--steps", "0..2") if form in TRACES else ()))
            found = found if isinstance(found, dict) else {"": found}
            place = GOLDEN / form
            if os.environ.get("MBS_UPDATE_GOLDEN"):
                shutil.rmtree(place, ignore_errors=True)
                place.mkdir(parents=True)
                for name, text in found.items():
                    (place / (name or "file")).write_text(text)
            kept = {"" if p.name == "file" else p.name: p.read_text() for p in place.iterdir()}
            self.assertEqual(found, kept, form)


class Names(ExportTest):
    def test_safe(self):
        given = ["a,b", "a b", 'a"b', "a_b", "DP", "xDPy", "dp", "DDPP", "é", "ñandú", "1st", "a#b",
                 "n" * 300, "n" * 299 + "m", "-", "a_b_2", "\u2028", "quote'"]
        layers, source = [], "image"
        for name in given:
            layers.append(conv(name, source))
            source = name
        path = self.file("names.json", network(layers))
        for form in FOLDERS:
            names = formats.names(self.export(path, form)["names.csv"])
            if form != "timeloop":
                kept = set(names.values())
                suffix = "_b32" if form == "scalesim" else ""
                self.assertLessEqual({name + suffix for name in given}, kept)
        formats.scalesim_conv(self.export(path, "scalesim")["conv.csv"])
        formats.perfetto(self.export(path, "perfetto"))

    def test_thousands_alike(self):
        layers = [relu("é" * (1 + i % 40) + "," * (i // 40), "image") for i in range(1600)]
        names = formats.names(self.export(self.file("n.json", network(layers)), "astra-sim")["names.csv"])
        self.assertLessEqual({layer["name"] for layer in layers}, set(names.values()))


class Failures(ExportTest):
    def test_device_and_pipe(self):
        for form in TRACES + ("addresses", "perfetto", "wavecore"):
            more = ("--sample-every", "32", "--steps", "0..3") if form in TRACES else ()
            result = self.run_program("export", ALEXNET, "--format", form, "-o", "/dev/full", *more)
            self.assertEqual(result.status, SYSTEM, result)
            self.assertIn("No space left", result.err)
            reader, writer = os.pipe()
            os.close(reader)
            done = subprocess.run([PROGRAM, "export", ALEXNET, "--format", form, "-o", "-", *more],
                                  stdout=writer, stderr=subprocess.PIPE, env=environment(),
                                  check=False)
            os.close(writer)
            self.assertEqual(done.returncode, SYSTEM, done.stderr)
            self.assertIn(b"Broken pipe", done.stderr)
        for form in FOLDERS:
            for place in ("/dev/full", "-/x", self.file("file", "old")):
                self.refuse(SYSTEM, "export", ALEXNET, "--format", form, "-o", place)
        self.assertEqual((self.folder / "file").read_text(), "old")
        self.assert_files("file")

    def test_full_disk_leaves_what_was_there(self):
        for form in (*ALL, "wavecore"):
            out = self.folder / form
            more = ("--steps", "0..3", "--sample-every", "32") if form in TRACES else ()
            for before in (False, True):
                if before:
                    self.succeed("export", ALEXNET, "--format", form, "-o", out, *more)
                    kept = self.everything()
                result = self.run_program("export", ALEXNET, "--format", form, "-o", out, *more,
                                          **small_files(500))
                self.assertEqual(result.status, SYSTEM, result)
                self.assertIn("File too large", result.err)
                self.assertEqual(self.everything(), kept if before else {})
            shutil.rmtree(out) if out.is_dir() else out.unlink()

    def everything(self):
        return {str(p): p.read_bytes() for p in pathlib.Path(self.folder).rglob("*") if p.is_file()}

    def test_folders(self):
        out = self.folder / "out"
        out.mkdir()
        self.succeed("export", ALEXNET, "--format", "timeloop", "-o", out)
        self.succeed("export", ALEXNET, "--format", "astra-sim", "-o", f"{out}/")
        self.assertEqual(sorted(os.listdir(out)), ["export.json", "names.csv", "workload.txt"])
        (out / "mine.txt").write_text("precious")
        self.refuse(SYSTEM, "export", ALEXNET, "--format", "timeloop", "-o", out,
                    says='holds "mine.txt", which no export wrote')
        self.assertEqual((out / "mine.txt").read_text(), "precious")
        self.refuse(SYSTEM, "export", ALEXNET, "--format", "scalesim", "-o", self.folder / "no" / "x")
        self.assert_files("out")

    def test_usage(self):
        out = self.folder / "x"
        self.refuse(USAGE, "export", ALEXNET, "--format", "scalesm", "-o", out, says="scalesim")
        self.refuse(USAGE, "export", ALEXNET, "-o", out, says="--format is missing")
        self.refuse(USAGE, "export", ALEXNET, "--format", "scalesim", says="--output is missing")
        self.refuse(USAGE, "export", "--format", "scalesim", "-o", out, says="is missing")
        self.refuse(USAGE, "export", ALEXNET, "--format", "dramsim3", "-o", out, "--steps", "x")
        self.refuse(USAGE, "export", ALEXNET, "--format", "dramsim3", "-o", out, "--sample-every", 0)
        self.refuse(BAD_INPUT, "export", ALEXNET, "--format", "dramsim3", "-o", out, "--steps",
                    "5..3", says="steps 5..3")
        self.refuse(BAD_INPUT, "export", ALEXNET, "--format", "dramsim3", "-o", out, "--steps",
                    "0..4000", says="within 0..")
        self.refuse(BAD_INPUT, "export", ALEXNET, "--format", "dramsim3", "-o", out,
                    "--request-bytes", "48", says="power of 2")
        self.refuse(BAD_INPUT, "export", ALEXNET, "--format", "dramsim3", "-o", out, "--planner",
                    "baseline", "--batch", 2048, says="--force")
        plan, _ = self.plan(ALEXNET)
        self.refuse(USAGE, "export", plan, "--format", "perfetto", "-o", out, "--batch", "4",
                    says="is a plan already")
        self.refuse(USAGE, "plan", ALEXNET, "--export", "perfetto", says="FORMAT=OUT")
        self.refuse(USAGE, "plan", ALEXNET, "--export", "perfeto=x", says="perfetto")
        self.refuse(USAGE, "plan", ALEXNET, "--export", "perfetto=-", says="standard output")
        for form in FOLDERS:
            self.refuse(BAD_INPUT, "export", ALEXNET, "--format", form, "-o", "-", says="a folder")
        listed = self.succeed("export", "--list").out
        self.assertEqual(sorted(line.split()[0] for line in listed.splitlines()
                                if not line.startswith(" ")),
                         sorted((*ALL, "wavecore")))  # which test_wavecore.py tests
        self.assert_files("plan.json")

    def test_plan_exports_too(self):
        given, trace, folder = self.file("tiny.json", TINY), self.folder / "t", self.folder / "f"
        result = self.succeed("plan", given, *TINY_OPTIONS, "--export", f"ramulator2={trace}",
                              "--export", f"scalesim={folder}")
        self.assertEqual(result.out, self.succeed("plan", given, *TINY_OPTIONS).out)
        self.assertEqual(trace.read_text(), self.export(given, "ramulator2", *TINY_OPTIONS))
        self.assertIn("conv.csv", os.listdir(folder))

    def test_network_or_plan_from_standard_input(self):
        plan = self.succeed("plan", "-", *TINY_OPTIONS, "--format", "json", given=TINY).out
        first = self.succeed("export", "-", *TINY_OPTIONS, "--format", "perfetto", "-o", "-",
                             given=TINY).out
        self.assertEqual(self.succeed("export", "-", "--format", "perfetto", "-o", "-",
                                      given=plan).out, first)


class Shapes(ExportTest):
    """The members of plan files that tell of shapes."""

    def changed(self, change):
        plan = json.loads(self.succeed("plan", "-", *TINY_OPTIONS, "--format", "json",
                                       given=TINY).out)
        change(plan)
        return self.file("changed.json", json.dumps(plan))

    def test_without(self):
        def strip(plan):
            for tensor in plan["tensors"]:
                del tensor["elements"]

        def strip_product(plan):
            del plan["steps"][0]["gemm"], plan["steps"][0]["conv"]

        for change in (strip, strip_product):
            path = self.changed(change)
            self.succeed("verify", path)
            for form in ALL:
                out = self.folder / "x"
                if form == "addresses":
                    self.succeed("export", path, "--format", form, "-o", "-")
                    continue
                result = self.refuse(BAD_INPUT, "export", path, "--format", form, "-o", out,
                                     says="the plan file does not tell")
                self.assertEqual(len(result.err.splitlines()), 1)
        self.assert_files("changed.json")

    def test_hostile(self):
        huge = 2**53 - 1
        changes = [
            ("gemm", {"m": 0}, "steps[0].gemm.m"),
            ("gemm", {"k": -1}, "steps[0].gemm.k"),
            ("gemm", {"n": 1.5}, "steps[0].gemm.n"),
            ("gemm", {"groups": "x"}, "steps[0].gemm.groups"),
            ("gemm", {"samples_in": "n"}, "steps[0].gemm.samples_in"),
            ("gemm", {"q": 1}, "steps[0].gemm"),
            ("gemm", {"m": huge}, "steps[0].conv"),
            ("conv", {"channels": 0}, "steps[0].conv.channels"),
            ("conv", {"kernel": [3]}, "steps[0].conv.kernel"),
            ("conv", {"stride": [1, 0]}, "steps[0].conv.stride[1]"),
            ("conv", {"stride": [huge, huge]}, "steps[0].conv"),
            ("conv", {"output": [huge, huge]}, "steps[0].conv"),
            ("conv", {"filters": 9}, "steps[0].conv"),
            ("conv", {"strid": 1}, "steps[0].conv"),
        ]
        for member, values, place in changes:
            path = self.changed(lambda plan: plan["steps"][0][member].update(values))
            result = self.refuse(BAD_INPUT, "verify", path, says=place)
            self.assertEqual(len(result.err.splitlines()), 1, result)
        for member in ("gemm", "conv"):
            path = self.changed(lambda plan: plan["steps"][0].update({member: 3}))
            self.refuse(BAD_INPUT, "verify", path, says=f"steps[0].{member}")
        path = self.changed(lambda plan: plan["tensors"][0].update(elements=0))
        self.refuse(BAD_INPUT, "verify", path, says="tensors[0].elements")

        def lying(plan):
            plan["steps"][0]["gemm"].update(m=huge, k=huge, n=huge, groups=huge)
            del plan["steps"][0]["conv"]

        path = self.changed(lying)
        self.succeed("verify", path)
        for form in ("scalesim", "timeloop"):
            self.refuse(BAD_INPUT, "export", path, "--format", form, "-o", self.folder / "x",
                        says="too large")
        self.succeed("export", path, "--format", "perfetto", "-o", "/dev/null")

    def test_broken_plans_are_refused(self):
        path = self.changed(lambda plan: plan["groups"][0].update(peak_bytes=1))
        self.refuse(VERIFICATION, "export", path, "--format", "perfetto", "-o", self.folder / "x")
        self.assert_files("changed.json")


class CycleModel(ExportTest):
    def test_option_and_member(self):
        machine = json.loads((ROOT / "models" / "hardware" / "wavecore.json").read_text())
        machine["cycle_model"] = "scalesim"
        path = self.file("hw.json", json.dumps(machine))
        plans = [self.succeed("plan", ALEXNET, "--format", "json", *options).out for options in
                 ((), ("--cycle-model", "scalesim"), ("--hardware", path),
                  ("--hardware", path, "--cycle-model", "wavecore"))]
        self.assertEqual(plans[1], plans[2])
        self.assertEqual(plans[0], plans[3])
        self.assertNotEqual(json.loads(plans[0])["time_s"], json.loads(plans[1])["time_s"])
        machine["cycle_model"] = "fast"
        path = self.file("hw.json", json.dumps(machine))
        self.refuse(BAD_INPUT, "plan", ALEXNET, "--hardware", path, says="cycle_model")
        self.refuse(USAGE, "plan", ALEXNET, "--cycle-model", "fast", says="wavecore or scalesim")

    def test_compare_and_sweep(self):
        """Both take the option, and say so where they name the machine."""
        scalesim = json.loads(self.succeed("plan", ALEXNET, "--cycle-model", "scalesim",
                                           "--format", "json").out)
        usual = json.loads(self.succeed("plan", ALEXNET, "--format", "json").out)
        self.assertEqual(scalesim["traffic_bytes"], usual["traffic_bytes"])
        times = {"wavecore": usual["time_s"], "wavecore:scalesim": scalesim["time_s"]}
        for more in ((), ("--cycle-model", "wavecore"), ("--cycle-model", "scalesim")):
            name = "wavecore:scalesim" if "scalesim" in more else "wavecore"
            compared = json.loads(self.succeed("compare", ALEXNET, "--planners", "dp", "--format",
                                               "json", *more).out)
            self.assertEqual(compared["hardware"], name)
            self.assertEqual(compared["networks"][0]["plans"][0]["time_s"], times[name])
            row = json.loads(self.succeed("sweep", ALEXNET, "--format", "jsonl", *more).out)
            self.assertEqual((row["hardware"], row["time_s"]), (name, times[name]))
            self.assertIn(f" on {name}, ", self.succeed("plan", ALEXNET, *more).out)
        machines = ",".join(str(ROOT / "models" / "hardware" / name)
                            for name in ("wavecore.json", "wavecore-lpddr4.json"))
        rows = self.succeed("sweep", ALEXNET, "--hardware", machines, "--cycle-model", "scalesim",
                            "--format", "jsonl").out.splitlines()
        self.assertEqual([json.loads(row)["hardware"] for row in rows],
                         ["wavecore:scalesim", "wavecore-lpddr4:scalesim"])
        path = self.file("rows.csv", self.succeed("sweep", ALEXNET).out)
        self.refuse(BAD_INPUT, "sweep", ALEXNET, "--resume", path, "--cycle-model", "scalesim",
                    says="left as it was")
        for command in ("compare", "sweep"):
            self.refuse(USAGE, command, ALEXNET, "--cycle-model", "fast",
                        says="wavecore or scalesim")

    def test_long_names_of_machines(self):
        machine = json.loads((ROOT / "models" / "hardware" / "wavecore.json").read_text())
        machine["name"] = "w" * 63
        row = json.loads(self.succeed("sweep", ALEXNET, "--format", "jsonl", "--hardware",
                                      self.file("hw.json", json.dumps(machine)),
                                      "--cycle-model", "scalesim").out)
        self.assertEqual(row["hardware"], "w" * 54 + ":scalesim")

    def test_array_utilisation_is_scalesims(self):
        """MACs over the cells' cycles, the cycles those of the rows."""
        plan, contents = self.plan(ALEXNET, "--cycle-model", "scalesim")
        rows = formats.table(self.export(plan, "scalesim")["runs.csv"],
                             "name,step,samples,runs,in_conv,m,n,k,cycles")
        macs = sum(int(r["runs"]) * int(r["m"]) * int(r["n"]) * int(r["k"]) for r in rows)
        cycles = sum(int(r["runs"]) * int(r["cycles"]) for r in rows)
        self.assertAlmostEqual(contents.plan["utilisation"], macs / (128 * 128 * cycles), places=9)


if __name__ == "__main__":
    unittest.main()
