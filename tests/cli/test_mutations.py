"""The verifier catches what can be wrong with a plan: valid plans, each corrupted in 51 ways."""

import copy
import json
import unittest

from harness import BAD_INPUT, NETWORKS, OK, ROOT, VERIFICATION, CliTest
from strip_mutations import STRIP_MUTATIONS


def first(items, wanted):
    """The first index of which `wanted` holds, or None: this plan has nothing to corrupt so."""
    return next((i for i, item in enumerate(items) if wanted(item)), None)


def steps_of(group):
    return range(group["first"], group["last"] + 1)


# Each changes the plan in place and returns the rule that must be named, or None if it cannot apply.

def traffic_class_off_by_one(plan):
    plan["traffic_bytes"]["activation_read"] += 1
    return "traffic"


def total_off_by_one(plan):
    plan["traffic_bytes"]["total"] -= 1
    return "traffic"


def bytes_moved_between_classes(plan):
    plan["traffic_bytes"]["weight_read"] += 8
    plan["traffic_bytes"]["activation_write"] -= 8
    return "traffic"


def peak_too_low(plan):
    plan["groups"][len(plan["groups"]) // 2]["peak_bytes"] -= 1
    return "peak"


def peak_too_high(plan):
    plan["groups"][0]["peak_bytes"] += 1
    return "peak"


def bound_above_the_plan(plan):
    plan["bound_bytes"] = plan["traffic_bytes"]["total"] + 1
    return "bound"


def optimal_without_a_bound(plan):
    if plan.get("objective", "traffic") != "traffic":
        return None
    plan["outcome"] = "optimal"
    plan.pop("bound_bytes", None)
    return "bound"


def optimal_with_a_lower_bound(plan):
    plan["outcome"], plan["bound_bytes"] = "optimal", plan["traffic_bytes"]["total"] - 1
    return "bound"


def smaller_buffer(plan):
    highest = max(group["peak_bytes"] for group in plan["groups"])
    if highest <= 4096 or plan["buffer_bytes"] < 4097:
        return None
    plan["buffer_bytes"] = max(4096, highest - 1)
    return "capacity"


def tiny_buffer(plan):
    plan["buffer_bytes"] = 4095
    return "buffer"


def reserved_more_than_there_is(plan):
    plan["reserved_bytes"] = plan["buffer_bytes"]
    return "buffer"


def fewer_iterations(plan):
    index = first(plan["groups"], lambda g: g["iterations"] > 1)
    if index is None:
        return None
    plan["groups"][index]["iterations"] = 1
    plan["groups"][index]["sub_batch"] = plan["batch"]
    return ""


def sub_batch_off_by_one(plan):
    plan["groups"][0]["sub_batch"] += 1
    return "iterations"


def no_such_iterations(plan):
    plan["groups"][-1]["iterations"] = plan["batch"] + 1
    return "iterations"


def group_left_out(plan):
    del plan["groups"][len(plan["groups"]) // 2]
    return "groups"


def group_twice(plan):
    plan["groups"].insert(1, copy.deepcopy(plan["groups"][0]))
    return "groups"


def groups_exchanged(plan):
    groups = plan["groups"]
    if len(groups) < 2:
        return None
    groups[0], groups[1] = groups[1], groups[0]
    return "groups"


def last_step_in_no_group(plan):
    if plan["groups"][-1]["first"] == plan["groups"][-1]["last"]:
        plan["groups"].pop()
    else:
        plan["groups"][-1]["last"] -= 1
    return "groups"


def border_moved(plan):
    index = first(plan["groups"][:-1], lambda g: g["first"] < g["last"])
    if index is None:
        return None
    plan["groups"][index]["last"] -= 1
    plan["groups"][index + 1]["first"] -= 1
    return ""


def residency_dropped(plan):
    weighty = [r for r in plan["resident"] if plan["tensors"][r["tensor"]]["bytes"] > 0]
    if not weighty:
        return None
    plan["resident"].remove(weighty[len(weighty) // 2])
    return ""


def residency_across_groups(plan):
    """A tensor that is handed from one group to the next stays in the buffer between them."""
    group_of = {k: g for g, group in enumerate(plan["groups"]) for k in steps_of(group)}
    resident = {(r["tensor"], r["from"]) for r in plan["resident"]}
    last = {}
    for step in plan["steps"]:
        for tensor in step["reads"] + step["writes"]:
            before = last.get(tensor)
            last[tensor] = step["id"]
            if before is not None and group_of[before] != group_of[step["id"]] and \
                    (tensor, before) not in resident:
                plan["resident"].append({"tensor": tensor, "from": before, "to": step["id"]})
                return "residency"
    return None


def more_pinned_than_there_is(plan):
    index = first(plan["steps"], lambda s: s["weight_bytes"] > 0)
    if index is None:
        return None
    plan["pinned"] = [p for p in plan.get("pinned", []) if p["step"] != index]
    plan["pinned"].append({"step": index, "accumulator_bytes": 0,
                           "weight_bytes": plan["steps"][index]["weight_bytes"] + 1})
    return "pinned"


def passes_invented(plan):
    index = first(plan["groups"], lambda g: g["first"] < g["last"])
    if index is None:
        return None
    plan["groups"][index]["passes"] = 2
    return "passes"


def tensor_larger(plan):
    used = {t for step in plan["steps"] for t in step["reads"] + step["writes"]}
    plan["tensors"][min(used)]["bytes"] += 1
    return "traffic"


def weights_larger(plan):
    index = first(plan["steps"], lambda s: s["weight_bytes"] > 0)
    if index is None:
        return None
    plan["steps"][index]["weight_bytes"] += 1
    return "traffic"


MUTATIONS = [traffic_class_off_by_one, total_off_by_one, bytes_moved_between_classes, peak_too_low,
             peak_too_high, bound_above_the_plan, optimal_with_a_lower_bound, optimal_without_a_bound,
             smaller_buffer, tiny_buffer, reserved_more_than_there_is, fewer_iterations,
             sub_batch_off_by_one, no_such_iterations, group_left_out, group_twice, groups_exchanged,
             last_step_in_no_group, border_moved, residency_dropped, residency_across_groups,
             more_pinned_than_there_is, passes_invented, tensor_larger, weights_larger,
             *STRIP_MUTATIONS]

PLANS = [(NETWORKS / "alexnet.json", "dp", "4MiB"), (NETWORKS / "resnet18.json", "dp", "1MiB"),
         (NETWORKS / "resnet18.json", "mbs2", "10MiB"),
         (NETWORKS / "mobilenet_v2.json", "mbs1", "2MiB"),
         (ROOT / "tests/fuzz/corpus/network/residual.json", "ilp", "8KiB")]


class Mutations(CliTest):
    def test_each_is_caught(self):
        applied = {mutation.__name__: 0 for mutation in MUTATIONS}
        for network, planner, buffer in PLANS:
            text = self.succeed("plan", network, "--planner", planner, "--buffer", buffer,
                                "--batch", 8, "--format", "json").out
            self.assertEqual(self.run_program("verify", "-", given=text).status, OK)
            for mutation in MUTATIONS:
                plan = json.loads(text)
                rule = mutation(plan)
                if rule is None:
                    continue
                applied[mutation.__name__] += 1
                with self.subTest(network=network.name, planner=planner, kind=mutation.__name__):
                    result = self.run_program("verify", "-", given=json.dumps(plan))
                    self.assertIn(result.status, (VERIFICATION, BAD_INPUT), result)
                    self.assertIn(rule, result.err.lower())
                    for line in result.err.splitlines():
                        self.assertTrue(line.startswith("mbsopt: "), result.err)
        self.assertEqual([name for name, times in applied.items() if times == 0], [])


if __name__ == "__main__":
    unittest.main()
