"""Schedules for WaveCore: executed on a machine that looks at every byte."""

import json
import signal
import subprocess
import unittest
from random import Random

from harness import (BAD_INPUT, NETWORKS, PROGRAM, ROOT, SYSTEM, USAGE, CliTest, conv,
                     environment, network, relu)
from exporting import SHARED, Plan
from schedule_machine import Fault, Machine

ZOO = sorted(NETWORKS.glob("*.json"))
PLANNERS = ["baseline", "archopt", "il", "mbs-fs", "mbs1", "mbs2", "dp", "ilp", "best"]


def norm(name, source, kind="group"):
    return {"name": name, "op": "norm", "kind": kind, "inputs": [source],
            **({"groups": 2} if kind == "group" else {})}


def tiny():
    return network([conv("conv", "image"), norm("norm", "conv"), relu("relu", "norm"),
                    {"name": "fc", "op": "fc", "inputs": ["relu"], "out_features": 10,
                     "bias": True}], name="tiny")


def branches(kind):
    """Residual and concatenated branches, a pool, odd sizes, names that JSON must escape."""
    return network([
        conv("stem", "image", out_channels=5), norm("n\"1", "stem", kind if kind == "batch"
                                                    else "layer"),
        relu("relu1", "n\"1"), conv("left", "relu1", out_channels=5, bias=True),
        conv("right, wide", "relu1", out_channels=7, kernel=1, pad=0),
        norm("n2", "right, wide", "batch"), relu("größe", "n2"),
        {"name": "sum", "op": "add", "inputs": ["left", "relu1"]},
        {"name": "both", "op": "concat", "inputs": ["sum", "größe"]},
        {"name": "pool", "op": "max_pool", "inputs": ["both"], "kernel": 2},
        {"name": "avg", "op": "global_avg_pool", "inputs": ["pool"]},
        {"name": "fc", "op": "fc", "inputs": ["avg"], "out_features": 3}])


class Wavecore(CliTest):
    def export(self, source, *options):
        result = self.succeed("export", source, "--format", "wavecore", "-o", "-", *options)
        notes = [line for line in result.err.splitlines() if line.startswith("note: wavecore: ")]
        return result.out, notes

    def traffic(self, source, *options):
        plan = json.loads(self.succeed("plan", source, "--format", "json", *options).out)
        return plan["traffic_bytes"]

    def execute(self, source, *options, real=False):
        """The schedule runs, and moves what the plan does unless it says otherwise."""
        text, notes = self.export(source, *options)
        try:
            machine = Machine(text, real).run()
        except Fault as fault:
            self.fail(f"{source} {options}: {fault}")
        if not notes:
            self.assertEqual(machine.header["traffic_bytes"], self.traffic(source, *options))
        else:
            self.assertIn(f" {machine.header['traffic_bytes']['total']} bytes", notes[-1])
        return machine, notes

    def machine_file(self, **members):
        return self.file("hw.json", json.dumps({"format": "mbsopt-hardware/1", "name": "small",
                                                **members}))

    def test_zoo(self):
        for path in ZOO:
            for options in [("--planner", "dp", "--batch", "12"),
                            ("--planner", "dp", "--buffer", "256KiB", "--batch", "3"),
                            ("--planner", "mbs2", "--buffer", "64MiB"),
                            ("--planner", "il", "--buffer", "16MiB", "--batch", "8")]:
                machine, _ = self.execute(path, *options)
                self.assertLessEqual(machine.highest, machine.usable)

    def test_zoo_inference(self):
        for path in ZOO:
            self.execute(path, "--inference", "--batch", "7", "--planner", "dp")

    def test_planners_move_real_bytes(self):
        for text in (branches("group"), branches("batch"), SHARED):
            path = self.file("net.json", text)
            for planner in PLANNERS:
                for options in [("6000",), ("20000",), ("6000", "--inference"),
                                ("20000", "--batch-norm", "keep")]:
                    self.execute(path, "--planner", planner, "--batch", "7", "--buffer", *options,
                                 real=True)

    def test_updates(self):
        """Handed on in one iteration and in several, pinned or not, read by a group that begins with one."""
        plain = self.machine_file(master_bits=0, buffer_alignment_bytes=64)
        shown = set()
        for text in (branches("group"), branches("batch"), SHARED):
            path = self.file("net.json", text)
            for planner in PLANNERS:
                for options in [("--optimizer", "sgd", "--buffer", "6000", "--hardware", plain), ("--optimizer", "adam", "--buffer", "20000"),
                                ("--optimizer", "momentum", "--buffer", "9000", "--hardware", plain)]:
                    self.execute(path, "--planner", planner, "--batch", "7", *options, real=True)
                    text = self.export(path, "--planner", planner, "--batch", "7", *options)[0]
                    shown |= {word for word in ('"gradient":', '"not_last"', '"weights":{') if word in text}
        self.assertEqual(len(shown), 3)

    def test_updates_of_the_zoo(self):
        for name in ("alexnet", "resnet50", "mobilenet_v2"):
            for options in [("--planner", "dp", "--batch", "4"), ("--planner", "mbs2"), ("--planner", "baseline"),
                            ("--buffer", "256KiB", "--batch", "2", "--planner", "dp")]:
                self.execute(NETWORKS / f"{name}.json", "--optimizer", "adam", *options)

    def test_options_of_dp(self):
        path = self.file("net.json", branches("group"))
        shown = set()
        for size in ("4500", "9000", "16KiB", "40KiB"):
            for options in [(), ("--no-pin",), ("--no-stream",), ("--no-pin", "--no-stream"),
                            ("--objective", "time"), ("--in-place",), ("--in-place", "--no-stream"),
                            ("--order", "search"), ("--order", "search", "--optimizer", "adam", "--in-place"),
                            ("--in-place", "--recompute", "activations")]:
                text, _ = self.export(path, "--buffer", size, "--batch", "5", *options)
                self.execute(path, "--buffer", size, "--batch", "5", *options, real=True)
                if "--no-pin" in options:
                    self.assertNotIn('"when":"first"', text)
                shown |= {word for word in ('"when":"first"', '"when":"last"', '"not_first"',
                                            '"window_bytes"', '"passes"', '"gemm_last"', '"in_place"')
                          if word in text}
        self.assertLessEqual({'"when":"first"', '"when":"last"', '"not_first"', '"window_bytes"',
                              '"gemm_last"', '"in_place"'}, shown)

    def test_other_orders(self):
        """Steps in an order that was searched for are carried out like any: with strips, and in inference."""
        reordered = 0
        plan = self.folder / "plan.json"
        net = self.file("net.json", branches("group"))
        for size in ("5000", "7000", "12KiB", "24KiB"):
            for options in [("--planner", "dp"), ("--planner", "dp", "--no-strips", "--recompute", "activations"),
                            ("--inference",)]:
                options = ("--buffer", size, "--batch", "5", "--order", "search", *options)
                self.succeed("plan", net, *options, "--format", "json", "-o", plan)
                self.succeed("verify", plan)
                reordered += '"given"' in plan.read_text()
                self.execute(net, *options, real=True)
        self.assertGreater(reordered, 2)

    def test_passes(self):
        path = self.file("net.json", network([conv("conv", "image", out_channels=40),
                                              norm("norm", "conv")],
                                             [{"name": "image", "shape": [3, 9, 9]}]))
        text, _ = self.export(path, "--buffer", "4096", "--planner", "baseline", "--batch", "3")
        self.assertIn('"passes":2', text)
        self.execute(path, "--buffer", "4096", "--planner", "baseline", "--batch", "3", real=True)

    def test_machines(self):
        path = self.file("net.json", branches("group"))
        for alignment in (1, 2, 64, 512, 4096):
            for reserved in (0, 1001):
                hardware = self.machine_file(buffer_bytes=20000, reserved_bytes=reserved,
                                             buffer_alignment_bytes=alignment)
                for planner in ("mbs1", "mbs2", "dp"):
                    machine, _ = self.execute(path, "--hardware", hardware, "--planner", planner,
                                              "--batch", "6", real=True)
                    self.assertEqual(machine.alignment, alignment)
                    self.assertEqual(machine.usable, 20000 - reserved)

    def test_bad_alignment(self):
        net = self.file("net.json", tiny())
        for value, says in [(0, "from 1 to 4096"), (-64, "from 1 to 4096"), (48, "a power of 2"),
                            (8192, "from 1 to 4096"), (2.5, "whole number"), ("64", "whole number")]:
            self.refuse(BAD_INPUT, "export", net, "--format", "wavecore", "-o", "-", "--hardware",
                        self.machine_file(buffer_alignment_bytes=value),
                        says=("buffer_alignment_bytes", says))

    def test_falls_back_and_says_so(self):
        """Ranges rounded up to pages find no room where their bytes alone do."""
        net = self.file("net.json", branches("group"))
        said = set()
        for alignment, size in [(2048, 12288), (4096, 16384), (4096, 32768), (1024, 12000)]:
            hardware = self.machine_file(buffer_bytes=size, buffer_alignment_bytes=alignment)
            for planner in ("mbs2", "dp"):
                options = ("--hardware", hardware, "--planner", planner, "--batch", "12")
                machine, notes = self.execute(net, *options, real=True)
                for note in notes:
                    said |= {words for words in ("are taken", "is cut", "in passes instead",
                                                 "less are pinned") if words in note}
                total = self.traffic(net, *options)["total"]
                if machine.header["traffic_bytes"]["total"] != total:
                    self.assertIn(f"of the {total} before", notes[-1])
        self.assertEqual(said & {"are taken", "is cut", "less are pinned"},
                         {"are taken", "is cut", "less are pinned"})

    def test_steps_alone_and_many_groups(self):
        """A step that no sub-batch finds a place for; and five groups are told of at most."""
        for name, size, passes in (("mnasnet1_0", 65536, 3), ("efficientnet_b0", 32768, 0)):
            hardware = self.machine_file(buffer_bytes=size, buffer_alignment_bytes=4096)
            _, notes = self.execute(NETWORKS / f"{name}.json", "--hardware", hardware,
                                    "--no-strips")
            steps = [note for note in notes if "wavecore: step" in note]
            alone = [note for note in steps if note.endswith("in passes instead")]
            self.assertEqual(len(alone), passes)
            more = [note for note in notes if "and so on: " in note]
            if passes:
                self.assertEqual(more, [])
            else:
                self.assertEqual(len(steps), 5)
                self.assertGreater(int(more[0].split("and so on: ")[1].split()[0]), 5)

    def test_plan_that_is_placed(self):
        """Plan file, table, rows and schedule are of one plan, and say what was changed for it."""
        net = self.file("net.json", branches("group"))
        out, plan = self.folder / "out", self.folder / "plan.json"
        changed = set()
        for alignment, size in [(64, 20000), (2048, 12288), (4096, 16384), (1024, 12000)]:
            hardware = self.machine_file(buffer_bytes=size, buffer_alignment_bytes=alignment)
            for planner in ("mbs2", "dp"):
                options = ("--hardware", hardware, "--planner", planner, "--batch", "12")
                placing = (*options, "--export", f"wavecore={out}")
                given = json.loads(self.succeed("plan", net, *options, "--format", "json").out)
                result = self.succeed("plan", net, *placing, "--format", "json", "-o", plan)
                placed = json.loads(plan.read_text())
                machine = Machine(out.read_text(), True).run()
                self.assertEqual(machine.header["traffic_bytes"], placed["traffic_bytes"])
                groups = [json.loads(line) for line in out.read_text().splitlines()
                          if line.startswith('{"group"')]
                for member in ("first", "last", "iterations", "sub_batch"):
                    self.assertEqual([g[member] for g in groups],
                                     [g[member] for g in placed["groups"]])
                notes = [line for line in result.err.splitlines() if "wavecore: " in line]
                self.assertEqual(notes, self.export(net, *options)[1])
                self.assertEqual(not notes, placed == given)
                if notes:
                    changed.add(planner)
                    self.assertEqual(placed["outcome"],
                                     "heuristic" if planner == "mbs2" else "feasible")
                    self.assertIn(f"moves {placed['traffic_bytes']['total']} bytes", notes[-1])
                rows = self.succeed("plan", net, *placing, "--format", "csv").out
                self.assertEqual(rows.count("\n"), 1 + len(placed["groups"]))
                self.assertIn(f" in {len(placed['groups'])} group",
                              self.succeed("plan", net, *placing).out)
                self.succeed("verify", plan)
                text, notes = self.export(plan, "--hardware", hardware)
                self.assertEqual((text, notes), (out.read_text(), []))
                trace = self.folder / "trace"
                self.succeed("plan", net, *placing, "--export", f"ramulator2={trace}")
                requests = trace.read_text()
                self.succeed("export", plan, "--format", "ramulator2", "-o", trace, "--hardware",
                             hardware)
                self.assertEqual(requests, trace.read_text())
        self.assertEqual(changed, {"mbs2", "dp"})

    def test_plan_of_a_recomputing_program_is_placed(self):
        net = self.file("net.json", branches("group"))
        hardware = self.machine_file(buffer_bytes=12288, buffer_alignment_bytes=2048)
        out, plan = self.folder / "out", self.folder / "plan.json"
        for policy in ("activations", "expand", "auto"):
            result = self.succeed("plan", net, "--hardware", hardware, "--batch", "12",
                                  "--recompute", policy, "--export", f"wavecore={out}",
                                  "--format", "json", "-o", plan)
            self.assertIn("wavecore: as placed", result.err)
            machine = Machine(out.read_text(), True).run()
            self.assertEqual(machine.header["traffic_bytes"],
                             json.loads(plan.read_text())["traffic_bytes"])

    def test_plan_file(self):
        net = self.file("net.json", branches("group"))
        plan = self.folder / "plan.json"
        for planner in ("dp", "mbs1"):
            self.succeed("plan", net, "--planner", planner, "--buffer", "9000", "--batch", "5",
                         "--format", "json", "-o", plan)
            self.assertEqual(self.export(plan)[0], self.export(
                net, "--planner", planner, "--buffer", "9000", "--batch", "5")[0])

    def test_figures_beyond_json(self):
        """A plan file's sizes may be such that a schedule cannot say what they come to."""
        net = self.file("net.json", tiny())
        plan = json.loads(self.succeed("plan", net, "--batch", "5", "--format", "json").out)
        for tensor in plan["tensors"]:
            tensor["elements"] = 2**53 - 1
        self.refuse(BAD_INPUT, "export", self.file("plan.json", json.dumps(plan)), "--format",
                    "wavecore", "-o", self.folder / "out", says="elements is")
        self.assert_files("net.json", "plan.json")

    def test_size(self):
        """One iteration of each group is written, not all; so the batch hardly counts."""
        path = NETWORKS / "resnet50.json"
        text, _ = self.export(path)
        self.assertLess(len(text), 400000)
        more, _ = self.export(path, "--batch", "320")
        self.assertLess(len(more), 1.5 * len(text))
        self.assertEqual(text, self.export(path)[0])

    def test_golden(self):
        hardware = self.machine_file(buffer_bytes=5000, reserved_bytes=800)
        text, _ = self.export(self.file("net.json", tiny()), "--hardware", hardware, "--batch", "5",
                              "--planner", "mbs2")
        golden = ROOT / "tests" / "golden" / "wavecore_tiny.jsonl"
        self.assertEqual(text, golden.read_text(encoding="utf-8"))

    def test_places(self):
        net = self.file("net.json", tiny())
        old = self.file("old", "old")
        self.refuse(SYSTEM, "export", net, "--format", "wavecore", "-o", "/dev/full",
                    says="No space left")
        result = self.run_program("plan", net, "--export", "wavecore=/dev/full")
        self.assertEqual(result.status, SYSTEM, result)
        self.assertIn("No space left", result.err)
        self.refuse(SYSTEM, "export", net, "--format", "wavecore", "-o", self.folder / "no" / "f")
        self.refuse(USAGE, "export", net, "--format", "wavecor", "-o", old, says="wavecore")
        self.refuse(BAD_INPUT, "export", net, "--format", "wavecore", "-o", old, "--buffer", "100")
        self.assertEqual((self.folder / "old").read_text(), "old")
        self.assert_files("net.json", "old")
        with subprocess.Popen([PROGRAM, "export", NETWORKS / "inception_v4.json", "--format",
                               "wavecore", "-o", "-"], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, env=environment(),
                              preexec_fn=lambda: signal.signal(signal.SIGPIPE, signal.SIG_DFL)
                              ) as program:
            program.stdout.close()
            program.stderr.read()
        self.assertIn(program.returncode, (SYSTEM, -signal.SIGPIPE))


class Dram(CliTest):
    """Regions share DRAM in time: counted again from plan files, and run with real bytes."""

    def random_network(self, random):
        """Up to ten layers of one shape on what came before, so that lives are short and long."""
        names, layers = ["image"], []
        for i in range(random.randint(3, 10)):
            name, source = f"l{i}", names[-1] if random.random() < 0.6 else random.choice(names)
            kind = random.choice(["conv", "relu", "norm", "add"])
            if kind == "add" and len(set(names)) > 1:
                one, other = random.sample(names, 2)
                layers.append({"name": name, "op": "add", "inputs": [one, other]})
            elif kind == "norm":
                layers.append(norm(name, source))
            elif kind == "relu":
                layers.append(relu(name, source))
            else:
                layers.append(conv(name, source, out_channels=4))
            names.append(name)
        return network(layers, [{"name": "image", "shape": [4, 6, 6]}])

    def test_random_networks(self):
        random, saved = Random(7), 0
        for i in range(12):
            net = self.file(f"net{i}.json", self.random_network(random))
            options = ("--batch", "5", "--buffer", random.choice(["4096", "6000", "9000"]),
                       "--planner", random.choice(["baseline", "mbs1", "mbs2", "dp"]),
                       *random.choice([(), ("--inference",), ("--no-strips",)]))
            if options[-1] != "--inference" and "dp" in options:
                options = (*options, "--in-place")
            plan = self.folder / "plan.json"
            out = self.folder / "out"
            self.succeed("plan", net, *options, "--format", "json", "-o", plan, "--export",
                         f"wavecore={out}")
            try:
                machine = Machine(out.read_text(), True).run()
            except Fault as fault:
                self.fail(f"{net} {options}: {fault}")
            counted = Plan(plan.read_text())
            lives = [(r["region"], r["name"], r["bytes"], r["first_group"], r["last_group"])
                     for r in machine.regions if r["bytes"] > 0]
            self.assertEqual(sorted(lives), sorted(counted.dram_lives()))
            peak = counted.dram_peak()
            self.assertEqual(counted.plan["dram_peak"], peak)
            self.assertEqual(machine.header["dram_peak_bytes"], peak["bytes"])
            apart = sum(size for _, _, size, *_ in lives)
            self.assertLess(machine.header["dram_bytes"], apart + 64 * len(lives))
            saved += machine.header["dram_bytes"] < apart
        self.assertGreater(saved, 0)

    def test_resnet50(self):
        """The schedule needs no more than the peak, but for alignment."""
        out, plan = self.folder / "out", self.folder / "plan.json"
        self.succeed("plan", NETWORKS / "resnet50.json", "--planner", "dp", "--format", "json", "-o",
                     plan, "--export", f"wavecore={out}")
        header = json.loads(out.read_text().splitlines()[0])
        counted = Plan(plan.read_text())
        peak = counted.dram_peak()
        self.assertEqual(counted.plan["dram_peak"], peak)
        self.assertEqual(header["dram_peak_bytes"], peak["bytes"])
        group = counted.plan["groups"][peak["group"]]
        table = self.succeed("show", plan, "--width", "200").out
        self.assertIn(f"at most {peak['bytes'] / 1e9:.2f} GB in DRAM at a time, in group {peak['group'] + 1}, "
                      f"{counted.steps[group['first']]['name']} .. {counted.steps[group['last']]['name']}: ", table)
        self.assertLess(header["dram_bytes"] - peak["bytes"], 64 * len(counted.dram_lives()))


class TheMachine(CliTest):
    """What is wrong with a schedule does not escape it."""

    def setUp(self):
        super().setUp()
        path = self.file("net.json", branches("group"))
        done = self.succeed("export", path, "--format", "wavecore", "-o", "-", "--buffer", "6000",
                            "--batch", "5", "--planner", "dp")
        self.lines = [json.loads(line) for line in done.out.splitlines()]

    def text(self, lines):
        return "".join(json.dumps(line) + "\n" for line in lines)

    def test_accepts_what_is_right(self):
        Machine(self.text(self.lines), real=True).run()

    def test_every_command_is_needed(self):
        for at, line in enumerate(self.lines):
            if "do" in line:
                with self.assertRaises(Fault, msg=line):
                    Machine(self.text(self.lines[:at] + self.lines[at + 1:])).run()

    def test_every_figure_is_needed(self):
        for at, line in enumerate(self.lines):
            for key in ("bytes", "address", "offset", "tensor", "samples", "step", "last_samples",
                        "iterations", "first_group", "last_group"):
                if "format" in line or key not in line or line[key] is None:
                    continue
                for change in (1, -1, 64):
                    changed = dict(line, **{key: line[key] + change})
                    lines = self.lines[:at] + [changed] + self.lines[at + 1:]
                    if "region" in line and key == "bytes":
                        continue  # whether room is left between regions is theirs to say
                    if key.endswith("_group") and not self.is_tight(line, key, change):
                        continue
                    with self.assertRaises((Fault, IndexError), msg=changed):
                        Machine(self.text(lines), real=True).run()

    def is_tight(self, line, key, change):
        """Whether a region that is there from or up to another group cannot do."""
        late = key == "first_group"
        if line["region"] == "tensor" and not line.get("filled"):
            return (change > 0) == late
        return line["region"] == "accumulators" and (change > 0 or not late)

    def test_overlap_in_dram(self):
        """Tensors that share a group at one place, with all commands on them, do not pass."""
        moved = 0
        done = self.succeed("export", self.folder / "net.json", "--format", "wavecore", "-o", "-",
                            "--batch", "5", "--planner", "baseline")
        given = [json.loads(line) for line in done.out.splitlines()]
        Machine(done.out, real=True).run()
        tensors = [line for line in given if line.get("region") == "tensor" and line["bytes"] > 0]
        for one in tensors:
            for other in tensors:
                if one["tensor"] >= other["tensor"] or one["first_group"] > other["last_group"] or \
                        other["first_group"] > one["last_group"]:
                    continue
                by = one["address"] - other["address"]
                lines = [dict(line, address=line["address"] + by)
                         if line.get("tensor") == other["tensor"] else line for line in given]
                moved += 1
                with self.assertRaises(Fault, msg=(one, other)):
                    Machine(self.text(lines), real=True).run()
        self.assertGreater(moved, 10)

    def test_overlap(self):
        moved = 0
        for at, line in enumerate(self.lines):
            if line.get("do") != "load" or line["offset"] is None:
                continue
            lines = self.lines[:at] + [dict(line, offset=0)] + self.lines[at + 1:]
            if line["offset"] != 0:
                moved += 1
                with self.assertRaises(Fault):
                    Machine(self.text(lines)).run()
        self.assertGreater(moved, 0)


if __name__ == "__main__":
    unittest.main()
