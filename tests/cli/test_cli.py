"""Every command and option of the program, end to end."""

import csv
import io
import json
import re
import unittest

from harness import (ALEXNET, BAD_INPUT, NETWORKS, OK, RESNET50, ROOT, SYSTEM, USAGE,
                     VERIFICATION, CliTest, conv, environment, network, relu)

PLANNERS = ("baseline", "archopt", "il", "mbs-fs", "mbs1", "mbs2", "dp")
SMALL = network([conv("c1", "image"), relu("r1", "c1"), conv("c2", "r1")])


class Help(CliTest):
    def test_overview(self):
        text = self.succeed("help").out
        self.assertEqual(self.succeed("--help").out, text)
        self.assertEqual(self.succeed("-h").out, text)
        for command in ("plan NET", "explain FILE", "report NET…", "compare NET…", "sweep NET…", "advise NET…", "verify PLAN", "show FILE", "list [KIND]", "help [COMMAND]", "--version"):
            self.assertIn(command, text)

    def test_of_each_command(self):
        for command in ("plan", "explain", "report", "compare", "sweep", "advise", "verify", "show", "help"):
            text = self.succeed("help", command).out
            self.assertTrue(text.startswith(f"usage: mbsopt {command} "))
            self.assertEqual(self.succeed(command, "--help").out, text)
            self.assertEqual(self.succeed(command, "-h").out, text)

    def test_names_every_option_that_works(self):
        for option in re.findall(r"--[a-z-]+", self.succeed("help", "plan").out):
            result = self.run_program("plan", option)
            self.assertNotIn("unknown option", result.err)

    def test_version(self):
        self.assertRegex(self.succeed("--version").out, r"^mbsopt \d+\.\d+\.\d+\n$")
        self.refuse(USAGE, "--version", "x", says="unexpected argument x")


class Usage(CliTest):
    def test_commands(self):
        self.refuse(USAGE, says="a command is missing")
        self.refuse(USAGE, "pln", says=["unknown command pln", "did you mean plan?"])
        self.refuse(USAGE, "--versoin", says=["unknown option", "did you mean --version?"])
        self.refuse(USAGE, "help", "shwo", says="did you mean show?")
        self.refuse(USAGE, "", says="unknown command")

    def test_operands(self):
        self.refuse(USAGE, "plan", says="NET is missing")
        self.refuse(USAGE, "show", says="FILE is missing")
        self.refuse(USAGE, "verify", says="PLAN is missing")
        self.refuse(USAGE, "plan", ALEXNET, "b", says="unexpected argument b")
        self.succeed("plan", "--", ALEXNET)
        self.refuse(SYSTEM, "plan", "--", "--batch", says="--batch")

    def test_options(self):
        self.refuse(USAGE, "plan", ALEXNET, "--bufer", "1MiB", says="did you mean --buffer?")
        self.refuse(USAGE, "plan", ALEXNET, "--bufer=1MiB",
                    says="unknown option --bufer (did you mean --buffer?)")
        self.refuse(USAGE, "plan", ALEXNET, "-x", says="unknown option -x")
        self.refuse(USAGE, "plan", ALEXNET, "--xyzzy\x1b[31m", says="unknown option --xyzzy\\x1b")
        self.refuse(USAGE, "plan", ALEXNET, "--batch", says="--batch needs a value")
        self.refuse(USAGE, "plan", ALEXNET, "--batch", "--no-pin", says="--batch needs a value")
        self.refuse(USAGE, "plan", ALEXNET, "--no-pin=1", says="takes no value")
        self.refuse(USAGE, "verify", ALEXNET, "--batch", "1", says="unknown option --batch")
        self.refuse(USAGE, "plan", "-", "--hardware", "-", says="standard input")

    def test_choices(self):
        self.refuse(USAGE, "plan", ALEXNET, "--planner", "mbs3",
                    says=["unknown planner", "did you mean --planner mbs1?", "mbs-fs"])
        self.refuse(USAGE, "plan", ALEXNET, "--format", "xml", says="table, json or csv")
        self.refuse(USAGE, "plan", ALEXNET, "--batch-norm", "drop", says="replace or keep")
        self.refuse(USAGE, "plan", ALEXNET, "--color", "yes", says="auto, always or never")

    def test_last_of_a_repeated_option_counts(self):
        one = self.succeed("plan", ALEXNET, "--batch=7", "--format=csv").out
        self.assertEqual(
            one, self.succeed("plan", "--batch", "9", "--format", "json", "--format", "csv",
                              ALEXNET, "--batch", "7").out)


class Plan(CliTest):
    def plan_json(self, *arguments, **more):
        return json.loads(self.succeed("plan", *arguments, "--format", "json", **more).out)

    def test_headline(self):
        result = self.succeed("plan", RESNET50, "--buffer", "10MiB", "--planner", "dp", "--wide")
        self.assertRegex(result.out.splitlines()[1],
                         r"^3\.29 GB, 77\.6 % less than baseline; \d+\.\d\d ms, \d+\.\d % less; "
                         r"\d\.\d\d J, \d+\.\d % less$")
        self.assertIn("19.1 % less than mbs2 4.07 GB", result.out.splitlines())
        self.assertEqual(result.err, "note: 53 batch norms are planned as group norms "
                                     "(--batch-norm keep plans them as they are)\n")

    def test_baseline_is_compared_with_the_usual_mbs2(self):
        result = self.succeed("plan", RESNET50, "--planner", "baseline")
        self.assertRegex(result.out, r"\n14\.71 GB per step and core; .*\n.* more than mbs2 4\.07 GB\n")
        self.assertEqual(result.err, "")

    def test_objectives(self):
        plans = {objective: self.plan_json(RESNET50, "--planner", "dp", "--objective", objective)
                 for objective in ("traffic", "time", "energy")}
        for member, best in (("time_s", "time"), ("energy_j", "energy")):
            least = min(plan[member] for plan in plans.values())
            self.assertEqual(plans[best][member], least)
            self.assertLess(least, plans["traffic"][member])
        self.assertEqual(plans["time"]["planner"], "dp-time")
        for objective, plan in plans.items():
            self.assertEqual(plan.get("objective", "traffic"), objective)
            self.assertEqual((plan["outcome"], "bound_bytes" in plan),
                             ("optimal", True) if objective == "traffic" else ("heuristic", False))
            self.succeed("verify", "-", given=json.dumps(plan))
            if objective != "traffic":  # of whole samples it is exact
                exact = self.plan_json(RESNET50, "--objective", objective, "--no-strips")
                self.assertEqual(exact["outcome"], "optimal")
        self.refuse(USAGE, "plan", RESNET50, "--objective", "time", "--planner", "mbs2",
                    says="--objective time is of the planners dp and best, not mbs2")
        self.refuse(USAGE, "plan", RESNET50, "--objective", "speed", says="speed")

    def test_planners(self):
        totals = {}
        for planner in PLANNERS:
            plan = self.plan_json(RESNET50, "--planner", planner)
            self.assertEqual(plan["planner"], planner)
            totals[planner] = plan["traffic_bytes"]["total"]
            self.succeed("plan", RESNET50, "--planner", planner)
        self.assertEqual(totals["archopt"], totals["baseline"])
        self.assertEqual(min(totals, key=totals.get), "dp")
        best = self.plan_json(RESNET50)
        self.assertIn(best["planner"], ("dp", "ilp"))
        self.assertLessEqual(best["traffic_bytes"]["total"], totals["dp"])

    def test_dp_switches(self):
        best, no_pin, neither = (
            self.plan_json(RESNET50, "--planner", "dp", *switches)["traffic_bytes"]["total"]
            for switches in ([], ["--no-pin"], ["--no-pin", "--no-stream"]))
        self.assertLess(best, no_pin)
        self.assertLess(no_pin, neither)
        self.assertEqual(self.plan_json(RESNET50, "--planner", "dp", "--no-pin")["pinned"], [])
        self.assertEqual(self.plan_json(RESNET50, "--planner", "dp", "--no-stream")["streamed"], [])

    def test_batch_and_buffer(self):
        plan = self.plan_json(ALEXNET, "--batch", "64", "--buffer", "5MB")
        self.assertEqual((plan["batch"], plan["buffer_bytes"]), (64, 5000000))
        plan = self.plan_json(ALEXNET)
        self.assertEqual((plan["batch"], plan["buffer_bytes"]), (32, 10485760))
        for size, count in (("10MiB", 10485760), ("512KiB", 524288), ("10485760", 10485760),
                            ("1.5mib", 1572864), ("4096", 4096)):
            self.assertEqual(self.plan_json(ALEXNET, f"--buffer={size}")["buffer_bytes"], count)
        for batch in (1, 97, 100000, 1000000):
            self.assertEqual(self.plan_json(ALEXNET, "--batch", batch)["batch"], batch)

    def test_hardware(self):
        machine = {"format": "mbsopt-hardware/1", "name": "half", "buffer_bytes": 5242880}
        path = self.file("half.json", json.dumps(machine))
        self.assertEqual(self.plan_json(ALEXNET, "--hardware", path)["buffer_bytes"], 5242880)
        self.assertEqual(
            self.plan_json(ALEXNET, "--hardware", path, "--buffer", "1MiB")["buffer_bytes"], 2**20)
        self.assertEqual(self.plan_json(ALEXNET, "--hardware", "-", given=json.dumps(machine))
                         ["buffer_bytes"], 5242880)
        for path in sorted((ROOT / "models" / "hardware").glob("*.json")):
            self.succeed("plan", ALEXNET, "--hardware", path)
        machine["reserved_bytes"] = 4194304
        path = self.file("some.json", json.dumps(machine))
        for command in ("plan", "show"):
            self.succeed(command, ALEXNET, "--hardware", path)
            self.refuse(BAD_INPUT, command, ALEXNET, "--hardware", path, "--buffer", "4MiB",
                        says="reserves 4194304")

    def test_inference(self):
        plan = self.plan_json(ALEXNET, "--inference")
        self.assertEqual(plan["phase"], "inference")
        self.assertEqual({step["phase"] for step in plan["steps"]}, {"forward"})
        self.assertIn("inference", self.succeed("plan", ALEXNET, "--inference").out)

    def test_folded_inference(self):
        """A folded network has no batch norm left that a convolution can take up, and its results are as large."""
        folded, whole = (self.plan_json(RESNET50, "--inference", "--planner=dp", *more) for more in ([], ["--no-fold"]))
        done = [name for step in folded["steps"] for name in step.get("fused", ())]
        own = [step["name"] for step in folded["steps"]]
        self.assertEqual(sorted(own + done), sorted(step["name"] for step in whole["steps"]))
        self.assertEqual((len(own), sum("norm" in name for name in done), sum("relu" in name for name in done)),
                         (88, 53, 33))
        self.assertEqual({step["kind"] for step in folded["steps"] if "fused" in step}, {"conv"})
        self.assertEqual(folded["tensors"][-1]["bytes"], whole["tensors"][-1]["bytes"])
        norms = sum(step["weight_bytes"] for step in whole["steps"] if step["kind"] == "affine")
        self.assertEqual(sum(step["weight_bytes"] for step in folded["steps"]),
                         sum(step["weight_bytes"] for step in whole["steps"]) - norms // 2)
        self.assertTrue(whole["made_by"]["options"].endswith("--inference --no-fold"))
        self.assertIn("; 86 layers done by others' steps", self.succeed("plan", RESNET50, "--inference").out)
        self.assertIn("with 86 more fused into them", self.succeed("show", RESNET50, "--inference").out)
        self.assertNotIn("more fused", self.succeed("show", RESNET50, "--inference", "--no-fold").out)
        self.succeed("plan", ALEXNET, "-o", self.folder / "plan.json")
        self.refuse(USAGE, "show", self.folder / "plan.json", "--no-fold", says="--no-fold is of networks")
        for command in ("plan", "sweep", "advise", "show"):
            self.refuse(USAGE, command, RESNET50, "--no-fold", says="--no-fold is of --inference")
        self.refuse(USAGE, "explain", self.folder / "plan.json", "--fuse", says="--fuse: ")

    def test_fused_norms(self):
        path = self.folder / "plan.json"
        self.succeed("plan", RESNET50, "--fuse", "--planner=dp", "--no-strips", "-o", path)
        fused = json.loads(path.read_text())
        self.assertEqual({step["kind"] for step in fused["steps"] if "fused" in step}, {"norm", "norm.bwd"})
        self.assertTrue(fused["made_by"]["options"].endswith("--fuse"))
        self.succeed("verify", path)
        self.assertIn("It does layer1.0.relu1, too.",
                      self.succeed("explain", path, "--step", "layer1.0.norm1").out)

    def test_sums_that_steps_do(self):
        """One for each of ResNet-50's blocks."""
        path = self.folder / "plan.json"
        options = "plan", RESNET50, "--fuse", "--planner=baseline"
        self.assertIn("; 16 sums of gradients, too", self.succeed(*options).out)
        self.succeed(*options, "-o", path)
        plan = json.loads(path.read_text())
        self.assertFalse([s["name"] for s in plan["steps"] if s["kind"] == "gsum"])
        adds = next(s for s in plan["steps"] if s["name"] == "layer1.1.conv1.dgrad")
        self.assertEqual([(plan["tensors"][p["running"]]["name"], plan["tensors"][p["sum"]]["name"]) for p in adds["sums"]],
                         [("layer1.1.add.grad@layer1.1.relu", "layer1.0.relu.grad#1")])
        self.succeed("verify", path)
        self.assertIn("It adds its gradient to layer1.1.add.grad@layer1.1.relu.",
                      self.succeed("explain", path, "--step", "layer1.1.conv1.dgrad").out)
        self.assertNotIn("sums of gradients", self.succeed("plan", RESNET50, "--planner=baseline").out)

    def test_batch_norms(self):
        kept = self.succeed("plan", RESNET50, "--batch-norm", "keep", "--format", "json")
        self.assertEqual(kept.err, "")
        self.assertGreater(json.loads(kept.out)["traffic_bytes"]["total"],
                           self.plan_json(RESNET50)["traffic_bytes"]["total"])
        for planner in ("baseline", "archopt"):
            self.assertEqual(self.succeed("plan", RESNET50, "--planner", planner).err, "")
        one = network([conv("c", "image"),
                       {"name": "n", "op": "norm", "kind": "batch", "inputs": ["c"]}])
        self.assertIn("1 batch norm is planned as a group norm",
                      self.succeed("plan", "-", given=one).err)
        self.assertEqual(self.succeed("plan", ALEXNET).err, "")

    def test_formats_agree(self):
        of = [RESNET50, "--planner", "dp"]
        plan = self.plan_json(*of)
        rows = list(csv.DictReader(io.StringIO(self.succeed("plan", *of, "--format", "csv").out)))
        self.assertEqual(len(rows), len(plan["groups"]))
        for row, group in zip(rows, plan["groups"]):
            self.assertEqual([int(row[k]) for k in ("first", "last", "iterations", "sub_batch",
                                                    "passes", "peak_bytes")],
                             [group[k] for k in ("first", "last", "iterations", "sub_batch",
                                                 "passes", "peak_bytes")])
            self.assertEqual(row["first_step"], plan["steps"][group["first"]]["name"])
        for member in ("activation_read", "activation_write", "weight_read", "weight_gradient",
                       "total"):
            self.assertEqual(sum(int(row[member + "_bytes"]) for row in rows),
                             plan["traffic_bytes"][member])
        table = self.succeed("plan", *of, "--format", "table").out.splitlines()
        numbered = [line for line in table if re.match(r" *\d+  ", line)]
        self.assertEqual(len(numbered), len(rows))

    def test_table_is_narrow_and_tidy(self):
        for path in sorted(NETWORKS.glob("*.json")):
            for command in ("plan", "show"):
                for line in self.succeed(command, path, "--buffer", "2MiB",
                                         *(["--planner", "dp"] if command == "plan" else [])).out.splitlines():
                    self.assertLessEqual(len(line), 80)
                    self.assertEqual(line, line.rstrip())
                    self.assertTrue(line.isprintable())

    def test_standard_streams(self):
        text = (NETWORKS / "alexnet.json").read_text()
        self.assertEqual(self.succeed("plan", "-", given=text).out,
                         self.succeed("plan", ALEXNET, "-o", "-").out)

    def test_names_are_made_safe(self):
        name = 'a"b,\x1b[31m\n\u00e4\u6f22\u202e'
        text = network([conv(name, "image")], name=name)
        table = self.succeed("plan", "-", given=text, env=environment(LC_ALL="C")).out
        self.assertIn('a"b,\\x1b[31m\\x0aä漢\\xe2\\x80\\xae ', table)
        self.assertNotIn("\x1b", table)
        rows = list(csv.DictReader(io.StringIO(
            self.succeed("plan", "-", "--format", "csv", given=text).out)))
        self.assertTrue(rows[0]["first_step"].startswith(name))
        self.assertEqual(self.plan_json("-", given=text)["network"], name)

    def test_deterministic(self):
        runs = {self.succeed("plan", RESNET50, "--format", "json").out for _ in range(2)}
        self.assertEqual(len(runs), 1)


class Show(CliTest):
    def test_table(self):
        text = self.succeed("show", RESNET50, "--wide").out
        self.assertIn("resnet50 · training · 32 samples per core · 10 MiB buffer", text)
        self.assertRegex(text, r"\n +1  conv1 +conv +64x112x112 +9408 +1605632 +")
        self.assertRegex(text, r"\n174 layers.*, 402 steps \(\d+ forward, \d+ backward\)\n")

    def test_iterations_and_views(self):
        text = network([conv("c", "image"), {"name": "f", "op": "flatten", "inputs": ["c"]},
                        {"name": "p", "op": "fc", "inputs": ["f"], "out_features": 10000}])
        out = self.succeed("show", "-", "--buffer", "4096", "--batch", "8", given=text).out
        self.assertRegex(out, r"\n1  c +conv +4x8x8 +108 +512 +2 +2\n")
        self.assertRegex(out, r"\n2  f +flatten +256 +- +view\n")
        self.assertRegex(out, r"\n3  p +fc +10000 +2560000 +20000 +passes +passes\n")
        self.assertIn("3 layers (1 of them views), 2560108 parameters", out)
        out = self.succeed("show", "-", "--inference", "--buffer", "1MiB", given=text).out
        self.assertRegex(out, r"\n3  p +fc +10000 +2560000 +20000 +1\n")
        self.assertNotIn("backward", out)

    def test_takes_the_same_machine_options(self):
        hardware = ROOT / "models" / "hardware" / "wavecore.json"
        self.assertEqual(self.succeed("show", ALEXNET, "--hardware", hardware).out,
                         self.succeed("show", ALEXNET).out)
        self.assertIn("64 samples", self.succeed("show", ALEXNET, "--batch=64").out)
        self.refuse(BAD_INPUT, "show", ALEXNET, "--buffer", "0", says="4096")


class Verify(CliTest):
    def setUp(self):
        super().setUp()
        self.text = self.succeed("plan", ALEXNET, "--planner", "dp", "--format", "json").out
        self.plan = json.loads(self.text)

    def test_every_planner(self):
        for planner in PLANNERS:
            for more in ([], ["--inference"], ["--buffer", "64KiB"], ["--batch", "7"]):
                text = self.succeed("plan", ALEXNET, "--planner", planner, "--format", "json",
                                    *more).out
                total = json.loads(text)["traffic_bytes"]["total"]
                self.assertIn(f"{total} bytes", self.succeed("verify", "-", given=text).out)

    def test_says_what_it_found(self):
        path = self.file("plan.json", self.text)
        out = self.succeed("verify", path, "--wide").out
        self.assertEqual(out.count("\n"), 2)
        traffic = self.plan["traffic_bytes"]
        self.assertTrue(out.startswith(
            f"{path}: ok, {len(self.plan['groups'])} groups, {len(self.plan['steps'])} steps, "
            f"{traffic['total']} bytes per step and core as the plan says"), out)
        for figure in traffic.values():
            self.assertIn(str(figure), out)
        self.assertTrue(self.succeed("verify", "-", given=self.text).out.startswith(
            "standard input: ok, "))

    def broken(self, change):
        plan = json.loads(self.text)
        change(plan)
        return self.refuse(VERIFICATION, "verify", "-", given=json.dumps(plan))

    def test_names_broken_rules(self):
        def wrong_total(plan):
            plan["traffic_bytes"]["total"] += 1
        self.assertIn(str(self.plan["traffic_bytes"]["total"]), self.broken(wrong_total).err)

        def small_buffer(plan):
            plan["buffer_bytes"] = 65536
        self.assertIn("65536", self.broken(small_buffer).err)

        def not_resident(plan):
            plan["resident"].pop()
        self.broken(not_resident)

        def several(plan):
            wrong_total(plan)
            small_buffer(plan)
        self.assertGreater(self.broken(several).err.count("\n"), 1)

    def test_no_plan_file(self):
        for text in ("", "{", "[]", "{}", self.text[:500], SMALL,
                     self.text.replace("mbsopt-plan/1", "mbsopt-plan/9")):
            self.refuse(BAD_INPUT, "verify", "-", given=text)
        self.refuse(SYSTEM, "verify", self.folder / "none.json", says="none.json")
        self.refuse(SYSTEM, "verify", self.folder, says="directory")


if __name__ == "__main__":
    unittest.main()
