"""Schedules of plans with strip groups, executed byte by byte."""

import json
import unittest

from exporting import SHARED
from harness import NETWORKS, ROOT, CliTest, conv, network
from schedule_machine import Fault, Machine
from strip_machine import after_each

PLANS = [ROOT / "tests" / "fuzz" / "corpus" / "plan" / name
         for name in ("residual-strips.json", "decoder-strips.json")]


class Strips(CliTest):
    def machine_file(self, **members):
        return self.file("hw.json", json.dumps({"format": "mbsopt-hardware/1", "name": "small",
                                                **members}))

    def execute(self, path, *options):
        """(machine, notes, text) after the schedule ran."""
        result = self.succeed("export", path, "--format", "wavecore", "-o", "-", *options)
        notes = [line for line in result.err.splitlines() if line.startswith("note: wavecore: ")]
        try:
            machine = Machine(result.out, True).run()
        except Fault as fault:
            self.fail(f"{path} {options}: {fault}")
        traffic = json.loads(path.read_text())["traffic_bytes"]
        if notes:
            self.assertIn(f" {machine.header['traffic_bytes']['total']} bytes", notes[-1])
        else:
            self.assertEqual(machine.header["traffic_bytes"], traffic)
        return machine, notes, result.out

    def test_moves_what_the_plan_moves(self):
        for path in PLANS:
            machine, notes, _ = self.execute(path, "--hardware",
                                             self.machine_file(buffer_alignment_bytes=1))
            self.assertEqual(notes, [])
            self.assertEqual(machine.header["format"], "mbsopt-schedule/2")
            plan = json.loads(path.read_text())
            self.assertEqual([group.get("strips") for group, _ in machine.groups],
                             [group.get("strips") for group in plan["groups"]])

    def test_falls_back_and_says_so(self):
        said = set()
        for alignment in (64, 128, 256, 512, 1024, 2048, 4096):
            for path in PLANS:
                _, notes, _ = self.execute(path, "--hardware",
                                           self.machine_file(buffer_alignment_bytes=alignment))
                said |= {words for words in ("less are pinned", "is cut", "are taken",
                                             "in passes instead")
                         for note in notes if words in note}
        self.assertLessEqual({"less are pinned", "is cut", "in passes instead"}, said)

    def test_shared_parameters(self):
        """What layers share comes in once for a group's strips, and its sums go on from group to group."""
        net = self.file("net.json", SHARED)
        for size in ("4864", "5400"):
            plan = self.folder / "plan.json"
            plan.write_text(self.succeed("plan", net, "--format", "json", "--planner", "dp", "--batch", "3", "--buffer",
                                         size).out)
            machine, _, text = self.execute(plan, "--hardware", self.machine_file(buffer_alignment_bytes=1))
            self.assertTrue(any("strips" in group for group, _ in machine.groups))
            self.assertIn('"accumulators_in"', text)

    def test_whole_results(self):
        """A streamed step may end before the last strip; what it has made whole waits in a ring."""
        net = self.file("net.json", network(
            [conv("low", "image", out_channels=16, stride=2, dilation=2, bias=True),
             {"name": "high", "op": "conv_transpose", "inputs": ["image"], "out_channels": 8, "kernel": 3, "stride": 2,
              "bias": True},
             {"name": "norm", "op": "norm", "kind": "layer", "axis": 0, "inputs": ["high"]},
             {"name": "drop", "op": "dropout", "inputs": ["norm"]},
             conv("same", "drop", dilation=2),
             conv("half", "drop", kernel=5, stride=2, pad=0)],
            inputs=[{"name": "image", "shape": [1, 57, 32]}]))
        plan = self.folder / "plan.json"
        plan.write_text(self.succeed("plan", net, "--format", "json", "--planner", "dp", "--batch", "3", "--buffer",
                                     "128KiB", "--recompute", "activations").out)
        machine, _, _ = self.execute(plan, "--hardware", self.machine_file(buffer_alignment_bytes=1))
        early = 0
        for group, commands in machine.groups:
            rows = {c["step"]: after_each(c["rows"], group["strips"])
                    for c in commands if c["do"] == "compute" and "strips" in group}
            for store in commands:
                if store["do"] == "store" and store["step"] in rows:
                    *_, before, stored = after_each(store["rows"], group["strips"])
                    ended = rows[store["step"]][-2] == rows[store["step"]][-1]
                    early += ended and before == 0 and stored > 0
        self.assertGreater(early, 0)

    def in_place(self, machine):
        """(commands in strips that write in place, rings that hold two tensors) of a schedule."""
        strips = [(group, commands) for group, commands in machine.groups if "strips" in group]
        regions = [[(offset, size) for _, offset, size in group["rings"]] for group, _ in strips]
        return (sum("in_place" in c for _, commands in strips for c in commands),
                sum(len(of_group) - len(set(of_group)) for of_group in regions))

    def test_in_place(self):
        """Blocks that are written over, and rings in which the operand's rows come first."""
        layers, last = [], "image"
        for i in range(3):
            layers += [conv(f"c{i}", last, out_channels=8),
                       {"name": f"n{i}", "op": "norm", "kind": "group", "groups": 2, "inputs": [f"c{i}"]},
                       {"name": f"r{i}", "op": "relu", "inputs": [f"n{i}"]},
                       conv(f"d{i}", f"r{i}", out_channels=8, kernel=1, pad=0),
                       {"name": f"s{i}", "op": "sigmoid", "inputs": [f"d{i}"]},
                       {"name": f"a{i}", "op": "add", "inputs": [f"s{i}", f"r{i}"]}]
            last = f"a{i}"
        net = self.file("net.json", network(layers, inputs=[{"name": "image", "shape": [8, 40, 16]}]))
        plan, shown = self.folder / "plan.json", [0, 0]
        for options in [("--inference",), (), ("--batch-norm", "keep", "--inference"), ("--recompute", "activations")]:
            for size in ("4KiB", "6KiB", "8KiB", "12KiB"):
                plan.write_text(self.succeed("plan", net, "--format", "json", "--planner", "dp", "--batch", "2", "--buffer",
                                             size, "--in-place", *options).out)
                machine, _, _ = self.execute(plan, "--hardware", self.machine_file(buffer_alignment_bytes=1))
                shown = [a + b for a, b in zip(shown, self.in_place(machine))]
        self.assertGreater(shown[0], 20)
        self.assertGreater(shown[1], 10)

    def test_in_place_is_needed(self):
        """Without the member two tensors meet in one place; with another operand rows are missing."""
        net = self.file("net.json", network([conv("c", "image", out_channels=8),
                                             {"name": "s", "op": "sigmoid", "inputs": ["c"]},
                                             {"name": "g", "op": "sigmoid", "inputs": ["s"]},
                                             conv("d", "g", out_channels=8)],
                                            inputs=[{"name": "image", "shape": [8, 40, 16]}]))
        text = self.succeed("export", net, "--format", "wavecore", "-o", "-", "--batch", "2", "--buffer", "6KiB",
                            "--in-place", "--inference", "--no-fold").out
        lines = [json.loads(line) for line in text.splitlines()]
        Machine(text, real=True).run()
        places = [at for at, line in enumerate(lines) if "in_place" in line]
        self.assertEqual(len(places), 2)
        for at in places:
            without = {key: value for key, value in lines[at].items() if key != "in_place"}
            other = dict(lines[at], in_place=0)
            for changed in (without, other):
                with self.assertRaises((Fault, KeyError), msg=changed):
                    Machine("".join(json.dumps(line) + "\n"
                                    for line in [*lines[:at], changed, *lines[at + 1:]]), real=True).run()

    def test_networks(self):
        """Schedules of dp's own plans; the lists of rows keep the files short."""
        for name, size, options, most in (("resnet50", "1MiB", (), 400_000),
                                          ("inception_v3", "512KiB", ("--batch-norm", "keep"), 800_000),
                                          ("vit_b_16", "512KiB", ("--inference",), 200_000),
                                          ("mobilenet_v2", "256KiB", ("--recompute", "expand"), 400_000),
                                          ("mobilenet_v2", "256KiB", ("--inference", "--in-place"), 400_000)):
            options = (NETWORKS / f"{name}.json", "--batch", "2", "--buffer", size, *options)
            result = self.succeed("export", *options, "--format", "wavecore", "-o", "-")
            machine = Machine(result.out).run()
            plan = json.loads(self.succeed("plan", *options, "--format", "json").out)
            if "wavecore: " not in result.err:
                self.assertEqual(machine.header["traffic_bytes"], plan["traffic_bytes"])
            self.assertGreater(sum("strips" in group for group, _ in machine.groups), 3)
            self.assertLess(len(result.out), most)

    def test_rows_of_a_strip(self):
        self.assertEqual(after_each([[1, 3], [2, 1, 2], [1, 0]], 6), [0, 3, 4, 6, 7, 9, 9])
        for runs in ([[5, 1]], [[7, 1]], [[0, 1], [6, 1]], [[6]], [[6, -1]]):
            with self.assertRaises(Fault):
                after_each(runs, 6)


class TheMachine(CliTest):
    """What is wrong with strips does not escape it."""

    def setUp(self):
        super().setUp()
        done = self.succeed("export", PLANS[0], "--format", "wavecore", "-o", "-")
        self.lines = [json.loads(line) for line in done.out.splitlines()]
        Machine(self.text(self.lines), real=True).run()

    def text(self, lines):
        return "".join(json.dumps(line) + "\n" for line in lines)

    def in_strips(self):
        """Line numbers of the groups that have strips, and of their commands."""
        strips = False
        for at, line in enumerate(self.lines):
            strips = "strips" in line if "group" in line else strips
            if strips:
                yield at

    def refuse_lines(self, lines, what):
        with self.assertRaises((Fault, IndexError), msg=what):
            Machine(self.text(lines), real=True).run()

    def test_every_command_is_needed(self):
        for at in self.in_strips():
            if "do" in self.lines[at]:
                self.refuse_lines(self.lines[:at] + self.lines[at + 1:], self.lines[at])

    def test_every_figure_is_needed(self):
        for at in self.in_strips():
            line = self.lines[at]
            for key in ("bytes", "address", "offset", "tensor", "step", "strips", "iterations"):
                if line.get(key) is None:
                    continue
                changed = dict(line, **{key: line[key] + 1})
                self.refuse_lines(self.lines[:at] + [changed] + self.lines[at + 1:], changed)

    def test_every_row_is_needed(self):
        """A row more or less in the first strip, or one later than it should be."""
        for at in self.in_strips():
            line = self.lines[at]
            if "rows" not in line:
                continue
            rows = [count for times, *pattern in line["rows"] for _ in range(times)
                    for count in pattern]
            late = max(i for i, count in enumerate(rows) if count > 0)
            for change in ([rows[0] + 1, *rows[1:]], [*rows[:late], rows[late] - 1, *rows[late + 1:]]):
                changed = dict(line, rows=[[1, *change]])
                self.refuse_lines(self.lines[:at] + [changed] + self.lines[at + 1:], changed)

    def test_every_ring_is_needed(self):
        for at in self.in_strips():
            line = self.lines[at]
            for i, (tensor, offset, size) in enumerate(line.get("rings", [])):
                for other in ([], [[tensor, offset, size - 1]], [[tensor, offset + 64, size]]):
                    rings = line["rings"][:i] + other + line["rings"][i + 1:]
                    self.refuse_lines(self.lines[:at] + [dict(line, rings=rings)] +
                                      self.lines[at + 1:], rings)


if __name__ == "__main__":
    unittest.main()
