"""Parameters that layers share: counted from the plan file, and plan files that say wrong things of them."""

import json
import unittest

from exporting import SHARED, TINY_OPTIONS
from harness import BAD_INPUT, CliTest


def parameter_bytes(plan):
    """(weights read, accumulators read and written) from the plan file alone (model, section 4)."""
    steps, pinned = plan["steps"], {p["step"]: p for p in plan["pinned"]}
    weights = gradients = 0
    for group in plan["groups"]:
        first, iterations = group["first"], group["iterations"]
        for k in range(first, group["last"] + 1):
            step, kept = steps[k], pinned.get(k, {"weight_bytes": 0, "accumulator_bytes": 0})
            weights += iterations * (step["weight_bytes"] - kept["weight_bytes"])
            if step.get("same_weights", -1) < first:
                weights += kept["weight_bytes"]
            begun = "same_accumulators" in step
            gradients += (2 * iterations - (not begun)) * (step["accumulator_bytes"] - kept["accumulator_bytes"])
            if step.get("same_accumulators", -1) < first:
                gradients += (1 + begun) * kept["accumulator_bytes"]
    return weights, gradients


class Shared(CliTest):
    def plan(self, *options):
        return json.loads(self.succeed("plan", self.file("net.json", SHARED), "--format", "json", *options).out)

    def test_figures(self):
        pinned = 0
        for size in ("4KiB", "6KiB", "10KiB", "16KiB", "64KiB", "1MiB"):
            for options in (("--planner", "baseline"), ("--planner", "mbs2"), (), ("--planner", "ilp"), ("--no-pin",),
                            ("--recompute", "activations"), ("--inference",)):
                plan = self.plan("--batch", "5", "--buffer", size, *options)
                traffic = plan["traffic_bytes"]
                self.assertEqual((traffic["weight_read"], traffic["weight_gradient"]), parameter_bytes(plan))
                first = {g: group["first"] for group in plan["groups"] for g in range(group["first"], group["last"] + 1)}
                pinned += sum(plan["steps"][p["step"]].get(f"same_{kind}s", -1) >= first[p["step"]]
                              for p in plan["pinned"] for kind in ("weight", "accumulator") if p[f"{kind}_bytes"])
                path = self.file("plan.json", json.dumps(plan))
                self.succeed("verify", path)
                told = json.loads(self.succeed("explain", path, "--format", "json").out)
                self.assertEqual(sum(m["read_bytes"] + m["written_bytes"] for m in told["movers"]), traffic["total"])
                self.succeed("explain", path)
        self.assertGreater(pinned, 10)  # or nothing of it was tested

    def test_parameters_count_once(self):
        shown = self.succeed("show", self.file("net.json", SHARED)).out
        self.assertIn(f" {3 * 72 + 8 + 16 + 8 * 72 + 8} parameters", shown)
        self.assertEqual([line.split()[-1 - 3] for line in shown.splitlines() if " shared " in line], ["shared"] * 3)

    def test_corrupted_plans(self):
        plan = self.plan(*TINY_OPTIONS)
        reader, adder = ([s["id"] for s in plan["steps"] if member in s] for member in ("same_weights", "same_accumulators"))
        none = next(s["id"] for s in plan["steps"] if s["weight_bytes"] == 0)
        other = next(s["id"] for s in plan["steps"] if s["accumulator_bytes"] not in
                     (0, plan["steps"][adder[-1]]["accumulator_bytes"]))
        steps = plan["steps"]
        for k, member, value, says in (
                (0, "same_weights", 0, "is a member of steps behind the first only"),
                (reader[0], "same_weights", reader[0], "found"), (reader[0], "same_weights", -1, "found -1"),
                (reader[0], "same_weights", "a", "expected a whole number"),
                (max(none, reader[-1]), "same_weights", none if none < reader[-1] else 0,
                 "expected both steps to have such bytes"),
                (reader[-1], "same_weights", steps[reader[-2]].get("same_weights", 0), "expected"),
                (max(adder[-1], other), "same_accumulators", min(adder[-1], other), "expected one of as many bytes")):
            broken = json.loads(json.dumps(plan))
            broken["steps"][k][member] = value
            self.refuse(BAD_INPUT, "verify", self.file("plan.json", json.dumps(broken)), says=says)
        alone = json.loads(json.dumps(plan))
        for step in alone["steps"]:
            step.pop("same_accumulators", None)
        self.assertNotEqual(self.run_program("verify", self.file("plan.json", json.dumps(alone))).status, 0)

    def test_what_is_shared_is_pinned_alike(self):
        plan = self.plan("--batch", "5", "--buffer", "10KiB")
        first = {k: group["first"] for group in plan["groups"] for k in range(group["first"], group["last"] + 1)}
        later = [(p, kind) for p in plan["pinned"] for kind in ("weight", "accumulator") if p[f"{kind}_bytes"] > 0 and
                 plan["steps"][p["step"]].get(f"same_{kind}s", -1) >= first[p["step"]]]
        self.assertTrue(later)
        for pin, kind in later:
            pin[f"{kind}_bytes"] -= 1
            result = self.run_program("verify", self.file("plan.json", json.dumps(plan)))
            self.assertIn(f"that it shares with step {plan['steps'][pin['step']][f'same_{kind}s']}, expected", result.err)
            self.assertIn("[pinned]", result.err)
            pin[f"{kind}_bytes"] += 1

    def test_integer_program(self):
        net, model = self.file("net.json", SHARED), self.folder / "model.lp"
        words = ("plan", net, *TINY_OPTIONS, "--planner", "ilp", "--export-model", model)
        self.refuse(BAD_INPUT, *words, says="layers share parameters, which the integer program cannot pin")
        self.succeed(*words, "--no-pin")


if __name__ == "__main__":
    unittest.main()
