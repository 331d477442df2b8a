"""mbsopt simulate: tables, JSON, time lines; of networks and of plans."""

import json
import unittest

from harness import BAD_INPUT, ROOT, USAGE, VERIFICATION, CliTest

RESIDUAL = str(ROOT / "tests" / "fuzz" / "corpus" / "network" / "residual.json")
STRIPS = str(ROOT / "tests" / "fuzz" / "corpus" / "plan" / "decoder-strips.json")
WAITS = ("wait_load_s", "wait_room_s", "wait_store_s")


class Simulate(CliTest):
    def document(self, *arguments):
        return json.loads(self.succeed("simulate", *arguments, "--format", "json").out)

    def test_of_a_network_and_its_plan(self):
        path = self.folder / "plan.json"
        options = ("--planner", "dp", "--buffer", "16KiB", "--batch", "5")
        plan = json.loads(self.succeed("plan", RESIDUAL, *options, "--format", "json").out)
        path.write_text(json.dumps(plan))
        found = self.document(RESIDUAL, *options)
        self.assertEqual(found, self.document(path))
        self.assertEqual(found["read_bytes"] + found["write_bytes"], plan["traffic_bytes"]["total"])
        self.assertEqual(found["estimate_s"], plan["time_s"])
        self.assertEqual([len(found["groups"]), len(found["steps"])], [len(plan["groups"]), len(plan["steps"])])
        total = found["total"]
        self.assertAlmostEqual(total["time_s"], found["array_s"] + found["vector_s"] + sum(total[name] for name in WAITS),
                               places=12)
        for parts in (found["groups"], found["steps"]):
            for name in ("time_s", *WAITS):
                self.assertAlmostEqual(sum(part[name] for part in parts), total[name], places=12)

    def test_table(self):
        table = self.succeed("simulate", STRIPS, "--slice", "1KiB", "--wide").out
        groups = len(json.loads(open(STRIPS, encoding="utf-8").read())["groups"])
        self.assertRegex(table, r"^.* · slices of 1 KiB, prefetch room\n[\d.]+ ms per step, [+-][\d.]+ % of the estimated")
        self.assertRegex(table, rf"\n +{groups} +\d+\.\.\d+ ")
        self.assertIn("both wait for results to be stored", table)
        self.assertIn("whole operands, prefetch none", self.succeed("simulate", STRIPS, "--slice=whole", "--wide",
                                                                    "--prefetch=none").out)

    def test_slices_and_machines(self):
        whole = self.document(STRIPS, "--slice", "whole", "--prefetch", "none")
        self.assertEqual(whole["slice_bytes"], 0)
        self.assertGreater(whole["total"]["time_s"], self.document(STRIPS)["total"]["time_s"])
        peak = self.document(STRIPS, "--dram-efficiency", "1")
        half = self.document(STRIPS, "--dram-efficiency", "0.5")
        self.assertAlmostEqual(half["dram_s"], 2 * peak["dram_s"], places=12)
        self.assertAlmostEqual(whole["dram_s"], peak["dram_s"] / 0.86, places=12)
        machine = json.loads((ROOT / "models" / "hardware" / "wavecore.json").read_text())
        machine["slice_bytes"] = 0
        own = self.document(STRIPS, "--hardware", self.file("hw.json", json.dumps(machine)), "--prefetch", "none")
        self.assertEqual(own["total"], whole["total"])

    def test_timeline(self):
        """Slices of a track do not overlap, and hold what was computed and moved."""
        path = self.folder / "timeline.json"
        found = self.document(STRIPS, "--timeline", path, "--full")
        events = json.loads(path.read_text())["traceEvents"]
        tracks = {event["tid"]: event["args"]["name"] for event in events if event["name"] == "thread_name"}
        moved = 0
        for tid, name in tracks.items():
            slices = sorted(((event["ts"], event["dur"], event["args"]) for event in events
                             if event["ph"] == "X" and event["tid"] == tid), key=lambda slice: slice[:2])
            for (begin, length, _), (following, _, _) in zip(slices, slices[1:]):
                self.assertLessEqual(begin + length, following + 1e-6)
            moved += sum(args.get("bytes", 0) for _, _, args in slices)
            if name == "systolic array":
                self.assertAlmostEqual(sum(length for _, length, _ in slices) * 1e-6 / found["array_s"], 1, places=2)
        self.assertAlmostEqual(moved / (found["read_bytes"] + found["write_bytes"]), 1, places=3)

    def test_what_is_refused(self):
        self.refuse(USAGE, "simulate", says="is missing")
        self.refuse(USAGE, "simulate", STRIPS, "--prefetch", "all", says="room, none or unlimited")
        self.refuse(BAD_INPUT, "simulate", STRIPS, "--slice", "0", says="at least 1 byte, or whole")
        self.refuse(BAD_INPUT, "simulate", STRIPS, "--slice", "x", says="does not start with a digit")
        self.refuse(USAGE, "simulate", STRIPS, "--batch", "3", says="--batch")
        plan = json.loads(open(STRIPS, encoding="utf-8").read())
        plan["groups"][0]["peak_bytes"] += 1
        self.refuse(VERIFICATION, "simulate", self.file("plan.json", json.dumps(plan)), "--dram-efficiency=1", says="peak")
        for tensor in plan["tensors"]:
            tensor.pop("elements", None)
        plan["groups"][0]["peak_bytes"] -= 1
        self.refuse(BAD_INPUT, "simulate", self.file("plan.json", json.dumps(plan)), "--dram-efficiency=1", says="shapes")


if __name__ == "__main__":
    unittest.main()
