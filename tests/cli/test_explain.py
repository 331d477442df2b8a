"""`mbsopt explain`: its figures are those of the plan file, counted here once more."""

import collections
import json
import unittest

from harness import (ALEXNET, BAD_INPUT, NETWORKS, OK, RESNET50, USAGE, VERIFICATION, CliTest, conv,
                     network, relu)

RESNET18 = str(NETWORKS / "resnet18.json")
CASES = [[RESNET50], [RESNET50, "--buffer=1MiB"], [RESNET50, "--buffer=1MiB", "--batch-norm=keep"],
         [ALEXNET, "--planner=ilp", "--buffer=4MiB", "--batch=8"], [RESNET18, "--inference"],
         [RESNET18, "--recompute=expand"], [RESNET18, "--planner=mbs1"], [RESNET18, "--planner=il"],
         [ALEXNET, "--planner=baseline", "--buffer=64KiB"], [ALEXNET, "--no-pin", "--no-stream"],
         [RESNET18, "--batch-norm=keep", "--buffer=64MiB", "--batch=4"]]


def groups_of_steps(plan):
    return [g for g, group in enumerate(plan["groups"]) for _ in range(group["first"], group["last"] + 1)]


def touches(plan):
    """Per tensor its touches in step order: (step, whether it reads)."""
    found = collections.defaultdict(list)
    for step in plan["steps"]:
        for tensor in dict.fromkeys(step["reads"]):
            found[tensor].append((step["id"], True))
        for tensor in step["writes"]:
            found[tensor].append((step["id"], False))
    return found


def count_moves(plan):
    """(kind, name): [read, written], and bytes by reason, from the plan file alone (section 4)."""
    moved = collections.defaultdict(lambda: [0, 0])
    reasons = {"read": collections.Counter(), "write": collections.Counter()}
    steps, group_of = plan["steps"], groups_of_steps(plan)
    stays = {(r["tensor"], r["to"]) for r in plan["resident"]}
    pinned = {p["step"]: p for p in plan.get("pinned", [])}
    for tensor, chain in touches(plan).items():
        name, size = plan["tensors"][tensor]["name"], plan["batch"] * plan["tensors"][tensor]["bytes"]
        made = None if chain[0][1] else chain[0][0]
        backward = lambda k: steps[k]["phase"] == "backward"
        stashed = lambda k: made is not None and not backward(made) and backward(k)
        from_dram = [(k, before) for (before, _), (k, _) in zip([(None, 0)] + chain, chain)
                     if k != made and (tensor, k) not in stays]
        for k, before in from_dram:
            passes = plan["groups"][group_of[k]]["passes"]
            moved["tensor", name][0] += passes * size
            reasons["read"]["more_passes"] += (passes - 1) * size
            reasons["read"]["network_input" if made is None else "stashed_for_backward" if stashed(k) else
                            "not_kept" if group_of[before] == group_of[k] else "later_group"] += size
        result = plan["phase"] == "inference" and len(chain) == 1
        if made is not None and (from_dram or result):
            moved["tensor", name][1] += size
            reasons["write"]["result" if result else
                             "stashed_for_backward" if any(stashed(k) for k, _ in from_dram) else
                             "later_group" if any(group_of[k] != group_of[made] for k, _ in from_dram) else
                             "not_kept"] += size
    for k, step in enumerate(steps):
        again = plan["groups"][group_of[k]]["iterations"] - 1
        kept = pinned.get(k, {"weight_bytes": 0, "accumulator_bytes": 0})
        moved["weights", step["name"]][0] = step["weight_bytes"] + again * (step["weight_bytes"] - kept["weight_bytes"])
        rest = again * (step["accumulator_bytes"] - kept["accumulator_bytes"])
        moved["accumulators", step["name"]] = [rest, step["accumulator_bytes"] + rest]
    return {key: each for key, each in moved.items() if sum(each)}, reasons


class Explain(CliTest):
    def document(self, *words):
        return json.loads(self.succeed("explain", *words, "--format=json").out)

    def plan(self, *words):
        return json.loads(self.succeed("plan", *words, "--format=json").out)

    def test_what_moves_is_what_the_plan_file_says(self):
        for words in CASES:
            plan, told = self.plan(*words), self.document(*words)
            moved, reasons = count_moves(plan)
            self.assertEqual({(m["kind"], m["name"]): [m["read_bytes"], m["written_bytes"]] for m in told["movers"]},
                             moved, words)
            totals = [m["read_bytes"] + m["written_bytes"] for m in told["movers"]]
            self.assertEqual(totals, sorted(totals, reverse=True))
            self.assertEqual(sum(totals), plan["traffic_bytes"]["total"])
            for key in ("read", "write"):
                each = {k: v for k, v in told["classes"][f"activation_{key}"].items() if v}
                self.assertEqual(each, {k: v for k, v in reasons[key].items() if v}, words)
            self.assertEqual(told["traffic_bytes"], plan["traffic_bytes"])
            for group, planned in zip(told["groups"], plan["groups"], strict=True):
                self.assertEqual(group["peak"]["bytes"], planned["peak_bytes"])
                self.assertEqual(sum(p["bytes"] for p in group["peak"]["parts"]), planned["peak_bytes"])
                self.assertEqual([group["iterations"], group["sub_batch"], group["passes"]],
                                 [planned["iterations"], planned["sub_batch"], planned["passes"]])
            self.assertEqual(sum(g["traffic_bytes"]["total"] for g in told["groups"]), plan["traffic_bytes"]["total"])

    def test_one_mib_more_is_the_plan_for_it(self):
        for net, buffer in ((RESNET50, 10), (RESNET18, 1), (ALEXNET, 3)):
            more = self.document(net, f"--buffer={buffer}MiB")["one_mib_more"]
            self.assertEqual(more["traffic_bytes"], self.plan(net, f"--buffer={buffer + 1}MiB")["traffic_bytes"])
            self.assertEqual(more["buffer_bytes"], (buffer + 1) << 20)

    def test_nothing_said_of_dp_is_better_than_dp(self):
        """dp is the best of all cuts into groups, so no merger and no cut moves less."""
        said = 0
        for words in ([RESNET50], [RESNET18, "--buffer=2MiB"], [ALEXNET, "--batch=64"]):
            for group in self.document(*words, "--planner=dp")["groups"]:
                for key in ("with_group_before", "with_group_after"):
                    if group[key] and group[key]["fits"]:
                        said += 1
                        self.assertGreaterEqual(group[key]["together"]["traffic_bytes"]["total"],
                                                group[key]["apart_bytes"]["total"])
                if group["cut"]:
                    said += 1
                    self.assertGreaterEqual(sum(p["traffic_bytes"]["total"] for p in group["cut"]["parts"]),
                                            group["traffic_bytes"]["total"])
        self.assertGreater(said, 40)

    def test_limits_exceed_the_buffer(self):
        kinds = set()
        for words in CASES:
            told = self.document(*words)
            for group in told["groups"]:
                kinds.add(group["limit"]["kind"])
                needs = [group["limit"].get("too_large", {}).get("needs")]
                needs += [group[key]["needs"] for key in ("with_group_before", "with_group_after")
                          if group[key] and not group[key]["fits"]]
                for need in filter(None, needs):
                    self.assertGreater(need["bytes"], told["usable_bytes"])
                    self.assertEqual(sum(p["bytes"] for p in need["parts"]), need["bytes"])
        self.assertEqual(kinds, {"whole_batch", "passes", "coupled_batch", "buffer", "choice"})

    def test_text_fits_and_says_the_same(self):
        for words in CASES:
            text = self.succeed("explain", *words).out
            self.assertLessEqual(max(map(len, text.splitlines())), 80)
            said = " ".join(text.split())
            for group in self.document(*words)["groups"]:
                for sentence in group["sentences"]:
                    self.assertIn(" ".join(sentence.split()), said)

    def test_plan_files_are_explained_as_networks(self):
        path = self.folder / "plan.json"
        for words in ([RESNET18], [RESNET18, "--buffer=1MiB"], [ALEXNET, "--planner=mbs2"]):
            self.succeed("plan", *words, "-o", path)
            self.assertEqual(self.document(path, "--group=2")["groups"], self.document(*words, "--group=2")["groups"])
            given = path.read_text()
            told = json.loads(self.succeed("explain", "-", "--format=json", given=given).out)
            self.assertEqual(told["groups"], self.document(*words)["groups"])
            self.assertIn("one_mib_more", told)

    def test_group(self):
        whole, part = self.document(RESNET50), self.document(RESNET50, "--group", 3)
        self.assertEqual(part["groups"], [whole["groups"][2]])
        self.assertEqual(sum(m["read_bytes"] + m["written_bytes"] for m in part["movers"]),
                         part["groups"][0]["traffic_bytes"]["total"])
        self.assertIn("Group 3 of ", self.succeed("explain", RESNET50, "--group=3").out)
        for group in ("0", "-1", "x", "1.5", "99999999999999999999"):
            self.refuse(BAD_INPUT, "explain", ALEXNET, "--group", group, says="--group")
        self.refuse(BAD_INPUT, "explain", ALEXNET, "--group", 1000, says="group 1000: expected 1 to")

    def test_step(self):
        plan = self.plan(RESNET50)
        number = next(s["id"] for s in plan["steps"] if s["name"] == "layer1.0.conv3")
        told = self.document(RESNET50, "--step=layer1.0.conv3")
        self.assertEqual(told["step"]["group"], groups_of_steps(plan)[number] + 1)
        self.assertEqual(sum(p["bytes"] for p in told["step"]["footprint"]["parts"]), told["step"]["footprint"]["bytes"])
        text = self.succeed("explain", RESNET50, "--step=layer1.0.conv3").out
        self.assertTrue(text.startswith("Step layer1.0.conv3, number "), text)
        self.refuse(BAD_INPUT, "explain", ALEXNET, "--step", "conv9\x1b", says='no step is called "conv9\\x1b"')
        self.refuse(USAGE, "explain", ALEXNET, "--step=conv1", "--group=1", says="not both")

    def test_broken_plans_are_refused(self):
        plan = self.plan(ALEXNET)
        plan["groups"][0]["peak_bytes"] += 1
        self.refuse(VERIFICATION, "explain", "-", given=json.dumps(plan), says="peak")
        del plan["steps"]
        self.refuse(BAD_INPUT, "explain", "-", given=json.dumps(plan), says="steps")
        self.refuse(BAD_INPUT, "explain", "-", given="{", says="standard input")
        path = self.file("plan.json", self.succeed("plan", ALEXNET, "--format=json").out)
        for option in ("--buffer=1MiB", "--batch=2", "--planner=dp", "--no-pin", "--hardware=lpddr4"):
            self.refuse(USAGE, "explain", path, option, says=option.split("=", maxsplit=1)[0])

    def test_names_are_made_safe(self):
        evil = "x\x1b[31m \u202e" + "long " * 30
        net = self.file("net.json", network([conv(evil, "image"), relu("r", evil), conv("c2", "r")]))
        text = self.succeed("explain", net, "--buffer=4KiB").out
        self.assertNotIn("\x1b", text)
        self.assertNotIn("\u202e", text)
        self.assertLessEqual(max(map(len, text.splitlines())), 80)
        self.assertIn(evil, [m["name"] for m in self.document(net)["movers"]])

    def test_output(self):
        path = self.folder / "why.json"
        self.succeed("explain", ALEXNET, "-o", path)
        self.assertEqual(json.loads(path.read_text())["format"], "mbsopt-explanation/1")
        self.refuse(USAGE, "explain", ALEXNET, "-o", "why.csv", says="why.csv")
        self.end_with_pipe("explain", RESNET50)
        self.assertEqual(self.run_program("explain").status, USAGE)
        self.assertEqual(self.run_program("help", "explain").status, OK)


if __name__ == "__main__":
    unittest.main()
