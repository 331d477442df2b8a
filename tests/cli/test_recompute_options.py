"""--recompute and --max-recompute on the command line."""

import csv
import io
import json
import re
import unittest
from pathlib import Path

from harness import ALEXNET, BAD_INPUT, NETWORKS, NO_PLAN, USAGE, CliTest

RESNET18 = str(NETWORKS / "resnet18.json")


class Recompute(CliTest):
    def plan(self, *options):
        return json.loads(self.succeed("plan", RESNET18, "--planner", "dp", "--format", "json",
                                       *options).out)

    def test_plans_are_named_and_have_remat_steps(self):
        plain = self.plan()
        for policy in ("activations", "expand", "auto"):
            plan = self.plan("--recompute", policy)
            self.assertEqual(plan["planner"], "dp+" + policy)
            again = [step for step in plan["steps"] if step["kind"].endswith(".remat")]
            self.assertEqual(len(again), len(plan["steps"]) - len(plain["steps"]))
            self.assertGreater(len(again), 0)
            for step in again:
                self.assertEqual((step["phase"], len(step["writes"])), ("backward", 1))
                self.assertEqual(plan["tensors"][step["writes"][0]]["name"], step["name"])
            self.assertLess(plan["traffic_bytes"]["total"], plain["traffic_bytes"]["total"])

    def test_ilp_proves_a_bound_on_all_sets(self):
        """In the table with its gap, and in plan files; below what any policy comes to."""
        given = ["plan", ALEXNET, "--planner", "ilp", "--recompute"]
        totals = []
        for policy in ("none", "activations", "auto"):
            plan = json.loads(self.succeed(*given, policy, "--format", "json").out)
            totals.append(plan["traffic_bytes"]["total"])
        self.assertEqual(plan["planner"], "ilp+auto")
        self.assertIn(plan["outcome"], ("heuristic", "optimal"))
        self.assertGreater(plan["bound_bytes"], 0.9 * min(totals))
        self.assertLessEqual(plan["bound_bytes"], min(totals))
        self.assertEqual(totals[-1], min(totals))
        self.assertRegex(self.succeed(*given, "auto", "--wide").out, r"ilp\+auto, (within [0-9.]+ % of optimal|best found \(bound [0-9.]+ MB\))")
        early = json.loads(self.succeed(*given, "auto", "--time-limit", "0", "--format",
                                        "json").out)
        self.assertNotIn("bound_bytes", early)

    def test_plans_verify(self):
        path = str(self.folder / "plan.json")
        self.succeed("plan", RESNET18, "--recompute", "auto", "--format", "json", "-o", path)
        self.succeed("verify", path)

    def test_exports(self):
        """Remat steps have products and layers like the forward steps they repeat."""
        path = str(self.folder / "plan.json")
        schedule = str(self.folder / "schedule.jsonl")
        given = [RESNET18, "--planner", "dp", "--recompute"]
        self.succeed("plan", *given, "auto", "--format", "json", "-o", path, "--export", "wavecore=" + schedule)
        steps = json.loads(Path(path).read_text("utf-8"))["steps"]
        forward = {step["name"]: step for step in steps if step["phase"] == "forward"}
        for step in steps:
            if not step["kind"].endswith(".remat"):
                continue
            layer = step["name"].rpartition(".remat")[0]  # the name of a further copy goes on
            for member in ("gemm", "conv", "weight_bytes"):
                self.assertEqual(step.get(member), forward[layer].get(member), step["name"])
        for name in ("wavecore", "scalesim", "timeloop", "astra-sim", "perfetto"):
            outs = [str(self.folder / (name + end)) for end in ("-file", "-network")]
            self.succeed("export", path, "--format", name, "-o", outs[0])
            self.succeed("export", *given, "auto" if name == "wavecore" else "expand", "--format", name, "-o", outs[1])
        self.assertEqual(Path(schedule).read_bytes(), (self.folder / "wavecore-network").read_bytes())
        self.assertIn(".remat", (self.folder / "scalesim-file" / "names.csv").read_text("utf-8"))

    def test_a_plan_is_not_planned_again(self):
        path = str(self.folder / "plan.json")
        self.succeed("plan", RESNET18, "--format", "json", "-o", path)
        outcome = self.run_program("export", path, "--recompute", "expand", "--format", "wavecore",
                                   "-o", str(self.folder / "out"))
        self.assertEqual(outcome.status, USAGE)
        self.assertIn("--recompute", outcome.err)

    def test_table_says_what_and_what_it_saves(self):
        out = self.succeed("plan", RESNET18, "--planner", "dp", "--recompute", "activations", "--wide").out
        self.assertRegex(out, r"\nrecomputed in the backward phase: \d+ norms, \d+ other layers\n"
                              r"0\.0 % more multiply-accumulates; traffic \d+\.\d % less than \d")
        self.assertIn("dp+activations, best in its space", out)
        self.assertNotIn("recomputed", self.succeed("plan", RESNET18).out)

    def test_limit_holds(self):
        limits = (0, 2.5, 10)
        bytes_moved = []
        for limit in limits:
            rows = list(csv.DictReader(io.StringIO(self.succeed(
                "sweep", RESNET18, "--recompute", "auto", "--max-recompute", str(limit)).out)))
            self.assertEqual(rows[0]["recompute"], f"auto:{limit}")
            self.assertLessEqual(float(rows[0]["extra_macs_percent"]), limit)
            bytes_moved.append(int(rows[0]["total_bytes"]))
        self.assertLess(bytes_moved[2], bytes_moved[0])

    def test_more_effort_finishes(self):
        """By single layers that change sides and are marked at once, which no sweep tries: such a plan is known."""
        row = self.rows("sweep", RESNET18, "--recompute", "auto", "--max-recompute", "10", "--effort", "2")[0]
        self.assertLessEqual(int(row["total_bytes"]), 329131120)
        self.assertLessEqual(float(row["extra_macs_percent"]), 10)

    def test_effort(self):
        moved = []
        for words, told in (([], "auto:3"), (["--effort", "1"], "auto:3"), (["--effort", "2"], "auto:3:effort=2")):
            row = self.rows("sweep", RESNET18, "--recompute", "auto", "--max-recompute", "3", *words)[0]
            self.assertEqual(row["recompute"], told)
            moved.append(int(row["total_bytes"]))
        self.assertEqual(moved[0], moved[1])
        self.assertLessEqual(moved[2], moved[0])

    def test_sweep_leaves_others_plain(self):
        rows = list(csv.DictReader(io.StringIO(self.succeed(
            "sweep", RESNET18, "--planner", "il,mbs2,dp", "--recompute", "activations").out)))
        self.assertEqual([row["recompute"] for row in rows], ["none", "activations", "activations"])

    def test_compare_has_both_rows(self):
        out = self.succeed("compare", RESNET18, "--planner", "baseline,mbs2,dp", "--recompute", "expand",
                           "--format", "json").out
        plans = json.loads(out)["networks"][0]["plans"]
        self.assertEqual([plan["planner"] for plan in plans],
                         ["baseline", "mbs2", "mbs2+expand", "dp-no-strips", "dp", "dp+expand"])
        self.assertLess(plans[5]["traffic_bytes"]["total"], plans[4]["traffic_bytes"]["total"])

    def test_compare_says_what_it_costs(self):
        words = [RESNET18, "--planner", "il,dp", "--recompute", "auto"]
        out = {form: self.succeed("compare", *words, "--format", form).out for form in ("table", "csv", "json")}
        plans = json.loads(out["json"])["networks"][0]["plans"]
        row = list(csv.DictReader(io.StringIO(self.succeed("sweep", RESNET18, "--recompute", "auto").out)))[0]
        macs = [0, 0, 0, float(row["extra_macs_percent"])]
        self.assertGreater(macs[3], 1)
        self.assertEqual([plan["extra_macs_percent"] for plan in plans], macs)
        rows = csv.DictReader(io.StringIO(out["csv"]))
        self.assertEqual([float(row["extra_macs_percent"]) for row in rows], macs)
        self.assertEqual([line.split()[0] for line in out["table"].splitlines() if "more MACs" in line], ["dp+auto"])
        plan = json.loads(self.succeed("plan", RESNET18, "--planner", "dp", "--recompute", "auto", "--format", "json").out)
        self.assertEqual(plans[3]["dram_peak_bytes"], plan["dram_peak"]["bytes"])
        self.assertEqual(int(row["dram_peak_bytes"]), plan["dram_peak"]["bytes"])
        self.assertIn(f"  {macs[3]:.1f} % more MACs\n", out["table"])

    def test_compare_says_nothing_of_a_bound_that_is_none(self):
        words = [RESNET18, "--planner", "ilp", "--recompute", "auto", "--time-limit", "0"]
        row = next(line for line in self.succeed("compare", *words).out.splitlines()
                   if line.startswith("ilp+auto"))
        self.assertRegex(row, r"  \d\.\d{3} +[\d.]+ +[\d.]+  [\d.]+ % more MACs$")

    def test_others_recompute_nothing_and_say_so(self):
        outcome = self.succeed("plan", ALEXNET, "--planner", "mbs1", "--recompute", "auto")
        self.assertIn("note: mbs1 recomputes nothing", outcome.err)

    def test_inference_is_plain(self):
        self.assertEqual(self.plan("--inference", "--recompute", "expand")["planner"], "dp")

    def test_max_dram(self):
        """The limit holds, is told by the options, and is enough where it was said to be the least."""
        plain = self.plan()["dram_peak"]["bytes"]
        most = plain * 2 // 3
        plan = self.plan("--max-dram", str(most))
        self.assertEqual(plan["planner"], "dp+auto")
        self.assertLessEqual(plan["dram_peak"]["bytes"], most)
        self.assertTrue(plan["made_by"]["options"].endswith(f" --recompute auto --max-dram {most}"), plan["made_by"])
        again = self.succeed("plan", RESNET18, *plan["made_by"]["options"].split(), "--format", "json").out
        self.assertEqual(json.loads(again), plan)
        tight = ["plan", ALEXNET, "--planner", "dp", "--max-dram"]
        found = re.search(r"at most 1000 bytes of DRAM; the least found is (\d+)\n",
                          self.refuse(NO_PLAN, *tight, "1000", says="no plan was found").err)
        enough = json.loads(self.succeed(*tight, found[1], "--format", "json").out)
        self.assertLessEqual(enough["dram_peak"]["bytes"], int(found[1]))

    def test_optimizers_keep_state_in_dram(self):
        """Of each 16-bit weight a master of 32 bits, and of that no, one or two more words."""
        plain = self.plan()["dram_peak"]
        for optimizer, words in (("sgd", 3), ("momentum", 5), ("adam", 7)):
            peak = self.plan("--optimizer", optimizer)["dram_peak"]
            self.assertEqual(peak["state"], (words - 1) * plain["weights"])
            self.assertLessEqual(plain["weights"], peak["weights"])  # and of new ones those that there are by then
            self.assertLessEqual(peak["weights"], 2 * plain["weights"])
            self.assertLess(peak["accumulators"], plain["accumulators"])

    def test_max_dram_of_what_recomputes_nothing(self):
        for options in (["--planner", "baseline"], ["--planner", "dp", "--inference", "--no-strips"],
                        ["--planner", "dp", "--no-strips", "--recompute", "none"]):
            plan = json.loads(self.succeed("plan", RESNET18, *options, "--format", "json").out)
            peak = plan["dram_peak"]["bytes"]
            same = json.loads(self.succeed("plan", RESNET18, *options, "--max-dram", str(peak), "--format", "json").out)
            self.assertEqual(same["groups"], plan["groups"])
            self.refuse(NO_PLAN, "plan", RESNET18, *options, "--max-dram", str(peak - 1),
                        says=f"the least found is {peak}")

    def test_max_dram_of_many(self):
        """sweep and compare hold the limit where they recompute."""
        words = [RESNET18, "--planner", "il,dp"]
        peaks = [int(row["dram_peak_bytes"]) for row in self.rows("sweep", *words)]
        limit = peaks[1] * 9 // 10
        rows = self.rows("sweep", *words, "--max-dram", str(limit))
        self.assertEqual([row["recompute"] for row in rows], ["none", f"auto:dram={limit}"])
        self.assertEqual(int(rows[0]["dram_peak_bytes"]), peaks[0])
        self.assertLessEqual(int(rows[1]["dram_peak_bytes"]), limit)
        row = self.rows("compare", *words, "--max-dram", str(limit), "--format", "csv")[-1]
        self.assertEqual(row["planner"], "dp+auto")
        self.assertEqual(row["dram_peak_bytes"], rows[1]["dram_peak_bytes"])
        advised = self.rows("advise", RESNET18, "--buffer", "10MiB", "--hardware", "wavecore", "--max-dram", str(limit),
                            "--format", "csv")
        self.assertEqual([row["total_bytes"] for row in advised], [rows[1]["total_bytes"]])

    def rows(self, *words):
        return list(csv.DictReader(io.StringIO(self.succeed(*words).out)))

    def test_wrong_values(self):
        for options, status in ((["--recompute", "some"], USAGE),
                                (["--max-recompute", "5"], USAGE),
                                (["--recompute", "expand", "--max-recompute", "5"], USAGE),
                                (["--recompute", "auto", "--max-recompute", "-1"], BAD_INPUT),
                                (["--recompute", "auto", "--max-recompute", "x"], BAD_INPUT),
                                (["--recompute", "auto", "--effort", "0"], BAD_INPUT),
                                (["--recompute", "auto", "--effort", "1.5"], BAD_INPUT),
                                (["--recompute", "auto", "--effort", "1001"], BAD_INPUT),
                                (["--recompute", "expand", "--effort", "2"], USAGE),
                                (["--effort", "2"], USAGE),
                                (["--max-dram", "0"], BAD_INPUT),
                                (["--max-dram", "much"], BAD_INPUT),
                                (["--max-dram", "1GB", "--recompute", "none", "--max-recompute", "5"], USAGE),
                                (["--recompute", "auto", "--export-model", "m.lp"], USAGE)):
            for command in ("plan", "sweep") if "--export-model" not in options else ("plan",):
                outcome = self.run_program(command, ALEXNET, *options)
                self.assertEqual(outcome.status, status, (command, options, outcome))
                self.assertRegex(outcome.err, "recompute|max-dram|size|--effort")
                self.assertEqual(outcome.out, "")


if __name__ == "__main__":
    unittest.main()
