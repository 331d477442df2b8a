"""Plans in other programs' formats, read back by readers of our own and counted."""

import itertools
import os
import re
import shutil
import unittest

import formats
from exporting import ALL, FOLDERS, SHARED, TINY, TINY_OPTIONS, TRACES, ExportTest, layer_of
from harness import NETWORKS, ROOT, conv, network, relu

GOLDEN = ROOT / "tests" / "golden" / "export"

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


SCALESIM_RUNS = "name,step,samples,runs,in_conv,m,n,k,cycles,rows"


class Counts(ExportTest):
    """Everything is exported and counted for one plan; each network is one test."""

    def check_scalesim(self, plan, files):
        conv, gemm = formats.scalesim_conv(files["conv.csv"]), formats.scalesim_gemm(files["gemm.csv"])
        names = formats.names(files["names.csv"])
        config = formats.scalesim_config(files["scalesim.cfg"])
        self.assertEqual(config["architecture_presets"]["ArrayHeight"], "128")
        self.assertEqual(config["architecture_presets"]["Dataflow"], "ws")
        expected = {}  # how often each product is made
        for step, group, i, samples in plan.executions():
            if "gemm" not in step:
                continue
            m, n, k = plan.share(step, group, i)
            rows = plan.rows_done(step, group, i)
            if m * k == 0:
                continue
            grows = step["gemm"]["samples_in"]
            key = (step["id"], len(samples), rows[1] - rows[0] if rows else 0,
                   m * (len(samples) if grows == "m" else 1), n,
                   k * (len(samples) if grows == "k" else 1))
            each = len(samples) if grows == "groups" else 1
            expected[key] = expected.get(key, 0) + each * step["gemm"]["groups"]
        rows = formats.table(files["runs.csv"], SCALESIM_RUNS)
        self.assertEqual({tuple(int(r[name]) for name in ("step", "samples", "rows", "m", "n", "k")):
                          int(r["runs"]) for r in rows}, expected)
        self.assertEqual([r["name"] for r in rows], list(gemm))
        self.assertEqual(list(names), list(gemm))
        for row in rows:
            step, samples = plan.steps[int(row["step"])], int(row["samples"])
            m, n, k = (int(row[name]) for name in "mnk")
            self.assertEqual(gemm[row["name"]], (m, n, k))
            self.assertEqual(int(row["cycles"]), ceil_div(k, 128) * ceil_div(n, 128)
                             * (2 * 128 + 128 + m - 2) - 1)
            part = f"b{samples}" if row["rows"] == "0" else f"r{row['rows']}"
            self.assertEqual(names[row["name"]], f"{step['name']}_{part}")
            self.assertEqual(row["in_conv"], "yes" if row["name"] in conv else "no")
            if row["name"] in conv:
                self.assertIn(step["kind"], ("conv", "conv.remat"))
                height, width, r, s, channels, filters, stride = conv[row["name"]]
                outputs = ((height - r) // stride + 1) * ((width - s) // stride + 1)
                self.assertEqual((outputs, filters, r * s * channels), gemm[row["name"]])
                self.assertEqual((height - r) % stride + (width - s) % stride, 0)

    def check_timeloop(self, plan, files, legacy=False):
        rows = formats.table(files["runs.csv"], "file,step,samples,runs,name,rows")
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
            for i, side in enumerate("HW"):
                beside = "conv" not in step or step["conv"]["kernel"][i] == 1
                self.assertEqual(instance[side + "stride"], 1 if beside else step["conv"]["stride"][i])
            product = int(row["runs"])
            for name in "CMRSNPQ":
                product *= instance[name]
            macs += product
        for step, group, i, samples in plan.executions():
            if "gemm" in step:
                m, n, k = plan.share(step, group, i)
                expected += m * n * k * step["gemm"]["groups"] * len(samples)
        self.assertEqual(macs, expected)

    def check_astra(self, plan, files):
        layers = formats.astra_sim(files["workload.txt"])
        names = formats.names(files["names.csv"])
        order = list(dict.fromkeys(layer_of(step) for step in plan.steps))
        self.assertEqual([names[layer[0]] for layer in layers], order)
        begun = {step.get("same_accumulators") for step in plan.steps}
        gradients = {layer_of(step): step["accumulator_bytes"] for step in plan.steps
                     if step["accumulator_bytes"] > 0 and step["id"] not in begun}
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
        self.check_slices(plan, [s[1:] for s in slices if s[0] == number["groups and steps"]], full)
        if full:
            moved = plan.plan["traffic_bytes"]["total"]
            tensors = {tensor["name"] for tensor in plan.tensors} | {"weights", "accumulators"}
            self.assertEqual(moved, sum(
                arguments["bytes"] for track, _, _, name, arguments in slices
                if track in (number["DRAM reads"], number["DRAM writes"])
                and "address" in arguments and name in tensors))

    def check_slices(self, plan, slices, full):
        """Groups one after another, in them strips or iterations, in these the steps with rows to do."""
        for level in (r"group \d+", r"sample \d+, strip \d+|iteration \d+|the other .*"):
            for (_, end, *_), (begin, *_) in itertools.pairwise(
                    s for s in slices if re.fullmatch(level, s[2])):
                self.assertEqual(end, begin)
        if not full:
            return
        expected = []
        for step, group, i, samples in plan.executions():
            if step["id"] == group["first"]:
                expected += [f"group {plan.plan['groups'].index(group) + 1}"] if i == 0 else []
                expected.append(f"sample {samples[0]}, strip {i % group['strips']}"
                                if "strips" in group else f"iteration {i}")
            rows = plan.rows_done(step, group, i)
            moved = any(length for _, _, _, length in plan.moved(step, group, i, samples))
            if rows is None or rows[0] < rows[1] or moved:
                expected.append(step["name"])
        self.assertEqual([name for _, _, name, _ in slices], expected)

    def check_addresses(self, plan, text):
        regions = formats.addresses(text)
        contents = [content for _, _, content, *_ in regions]
        self.assertEqual(contents, sorted(contents, key=lambda c: c == "tensor"))
        tensors = [(size, name) for _, size, content, name, *_ in regions if content == "tensor"]
        self.assertEqual([name for _, name in tensors], [t["name"] for t in plan.tensors])
        lives = [(content, name, size, first, last)
                 for _, size, content, name, first, last in regions if size > 0]
        self.assertEqual(sorted(lives), sorted(plan.dram_lives()))
        return regions

    def transfers(self, plan, regions, steps, every=1):
        """What each execution of these steps moves: [(is write, address, bytes)], in the plan's order."""
        at = {(c, name): a for a, _, c, name, *_ in regions if c != "tensor"}
        tensors = [a for a, _, c, *_ in regions if c == "tensor"]
        for step, group, i, samples in plan.executions():
            if step["id"] not in steps:
                continue
            moved = []
            for is_write, what, begin, length in plan.moved(step, group, i, samples):
                if length == 0:
                    continue
                if isinstance(what, str):
                    parts = [(at[what, plan.owner(step, what)] + begin, length)]
                elif every == 1:
                    parts = [(tensors[what] + begin, length)]
                elif "strips" in group:
                    parts = [(tensors[what] + begin, length)] if samples[0] % every == 0 else []
                else:
                    one = plan.tensors[what]["bytes"]
                    parts = [(tensors[what] + s * one, one) for s in samples if s % every == 0]
                moved += [(is_write, address, part) for address, part in parts]
            yield moved

    def executions_requests(self, plan, regions, size, steps, every=1):
        """(requests [(address, is write)], bytes) of each execution, in the plan's order."""
        for moved in self.transfers(plan, regions, steps, every):
            yield [(request * size, is_write) for is_write, address, part in moved
                   for request in range(address // size, ceil_div(address + part, size))], \
                sum(part for _, _, part in moved)

    def requests(self, plan, regions, size, steps, every=1):
        """What a trace of these steps holds: reads and writes per address."""
        count, bytes_moved = {}, 0
        for requests, part in self.executions_requests(plan, regions, size, steps, every):
            bytes_moved += part
            for key in requests:
                count[key] = count.get(key, 0) + 1
        return count, bytes_moved

    def check_order(self, trace, plan, regions, every):
        """An execution's requests stand together, its reads before its writes; executions as the plan's."""
        begin = 0
        for requests, _ in self.executions_requests(plan, regions, 64, range(len(plan.steps)), every):
            written = trace[begin:begin + len(requests)]
            begin += len(requests)
            self.assertEqual(sorted(written), sorted(requests))
            self.assertEqual([is_write for _, is_write in written], sorted(w for _, w in requests))
        self.assertEqual(begin, len(trace))

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

    def check_whole(self, given, *options):
        path, plan, regions = self.count_all(given, *options)
        for size in (64, 128):
            expected, moved = self.requests(plan, regions, size, range(len(plan.steps)))
            self.assertEqual(moved, plan.plan["traffic_bytes"]["total"])
            for form in TRACES:
                read = formats.plain_trace if form == "ramulator2" else formats.cycle_trace
                count = {}
                for request in read(self.export(path, form, "--request-bytes", size)):
                    count[request[:2]] = count.get(request[:2], 0) + 1
                self.assertEqual(count, expected)
        return path, plan, regions

    def test_shared_parameters(self):
        given = self.file("shared.json", SHARED)
        for options in (("--planner", "baseline"), (), ("--no-pin",), ("--recompute", "activations"), ("--inference",)):
            _, _, regions = self.check_whole(given, *TINY_OPTIONS, *options)
            regions = [(content, name) for _, _, content, name, *_ in regions if content != "tensor"]
            self.assertEqual([name for content, name in regions if content == "weights"], ["stem", "n1", "a"])
            self.assertEqual(sum(content == "accumulators" for content, _ in regions),
                             0 if "--inference" in options else 3)

    def test_tiny_whole(self):
        given = self.file("tiny.json", TINY)
        for planner in ("baseline", "il", "mbs2", "dp"):
            path, plan, _ = self.check_whole(given, *TINY_OPTIONS, "--planner", planner)
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

    def test_iterations_alike(self):
        """Of many iterations Perfetto is shown one, and what the others take."""
        words = ("--batch", "3001", "--buffer", "6KiB")
        path, plan, _ = self.count_all(self.file("tiny.json", TINY), *words, replan=False)
        _, slices, _ = formats.perfetto(self.export(path, "perfetto"))
        alike = [arguments for _, _, _, name, arguments in slices
                 if name == "the other iterations, alike"]
        self.assertEqual([arguments["iterations"] for arguments in alike],
                         [group["iterations"] - 1 for group in plan.plan["groups"]
                          if group["iterations"] > 1])

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

    def test_strips(self):
        """Rows of strips in every format, and in traces each request of each strip."""
        windows = network(
            [conv("c1", "image", out_channels=6),
             {"name": "n1", "op": "norm", "kind": "batch", "inputs": ["c1"]}, relu("r1", "n1"),
             conv("DP", "r1", out_channels=8, stride=2, groups=2),
             {"name": "pool", "op": "max_pool", "inputs": ["DP"], "kernel": 3, "stride": 2, "pad": 1},
             {"name": "up", "op": "upsample", "inputs": ["pool"], "size": [17, 13]},
             conv("c3", "up", out_channels=5, kernel=[3, 1], pad=[1, 0]),
             {"name": "avg", "op": "global_avg_pool", "inputs": ["c3"]},
             {"name": "fc", "op": "fc", "inputs": ["avg"], "out_features": 4}],
            [{"name": "image", "shape": [3, 35, 27]}], name="windows")
        given = self.file("windows.json", windows)
        strips, heights = set(), set()
        for size, options in (("6KiB", ()), ("9KiB", ("--inference",)), ("12KiB", ("--no-stream",)),
                              ("20KiB", ("--batch-norm", "keep"))):
            path, plan, regions = self.count_all(given, "--batch", "3", "--buffer", size, *options)
            strips |= {group.get("strips") for group in plan.plan["groups"]}
            heights |= {row["rows"] for row in formats.table(
                self.export(path, "scalesim")["runs.csv"], SCALESIM_RUNS)}
            moved = self.requests(plan, regions, 64, range(len(plan.steps)))[1]
            self.assertEqual(moved, plan.plan["traffic_bytes"]["total"])
            for every in (1, 2):
                trace = list(formats.plain_trace(self.export(path, "ramulator2", "--sample-every", every)))
                self.check_order(trace, plan, regions, every)
        path, plan = self.plan(given, "--batch", "3", "--buffer", "8KiB", "--cycle-model", "scalesim")
        rows = formats.table(self.export(path, "scalesim")["runs.csv"], SCALESIM_RUNS)
        macs = sum(int(r["runs"]) * int(r["m"]) * int(r["n"]) * int(r["k"]) for r in rows)
        cycles = sum(int(r["runs"]) * int(r["cycles"]) for r in rows)
        self.assertAlmostEqual(plan.plan["utilisation"], macs / (128 * 128 * cycles), places=9)
        self.assertIn(35, strips)
        self.assertGreater(len(heights), 2)

    def test_strides_of_kernels_of_one(self):
        """What is between the rows and columns that they touch is no part of Timeloop's problems."""
        given = self.file("one.json", network(
            [conv("c1", "image", out_channels=6), relu("r1", "c1"),
             conv("c2", "r1", out_channels=8, kernel=1, stride=2, pad=0), relu("r2", "c2"),
             conv("c3", "r2", out_channels=4, kernel=[3, 1], stride=2, pad=[1, 0]),
             {"name": "fc", "op": "fc", "inputs": ["c3"], "out_features": 4}]))
        for size in ("4KiB", "1MiB"):
            self.count_all(given, "--batch", "2", "--buffer", size)

    def test_strips_of_one_sample(self):
        """Of many samples Perfetto is shown the strips of one, and what the others take."""
        path, plan, _ = self.count_all(self.file("again.json", AGAIN), "--batch", "3001", "--buffer",
                                       "6KiB", "--recompute", "activations", replan=False)
        _, slices, _ = formats.perfetto(self.export(path, "perfetto"))
        shown = [name for _, _, _, name, _ in slices if name.startswith("sample 0, strip ")]
        strips = [group["strips"] for group in plan.plan["groups"] if "strips" in group]
        self.assertEqual(len(shown), sum(strips))
        self.assertGreater(len(strips), 0)
        self.assertEqual([arguments["iterations"] for _, _, _, name, arguments in slices
                          if name == "the other strips"], [3000 * n for n in strips])

    def test_zoo(self):
        for given in sorted(NETWORKS.glob("*.json")):
            with self.subTest(given.name):
                path, plan, regions = self.count_all(given, "--batch", "4", "--planner", "dp", replan=False)
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


if __name__ == "__main__":
    unittest.main()
