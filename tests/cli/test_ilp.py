"""The planners ilp and best: limits, progress, Ctrl-C, and the integer program of other solvers."""

import json
import os
import random
import re
import shutil
import signal
import subprocess
import unittest

from harness import (ALEXNET, BAD_INPUT, NETWORKS, OK, RESNET50, SYSTEM, USAGE, CliTest, conv,
                     network, relu)

RESNET18 = str(NETWORKS / "resnet18.json")
LARGE = str(NETWORKS / "inception_v4.json")
SMALL = network([conv("c1", "image"), relu("r1", "c1"), conv("c2", "r1")])


def without_biases(path):
    """A network file's text, its biases left out."""
    with open(path, encoding="utf-8") as file:
        net = json.load(file)
    for layer in net["layers"]:
        layer.pop("bias", None)
    return json.dumps(net)


class IlpTest(CliTest):
    def plan_json(self, *arguments, **more):
        return json.loads(self.succeed("plan", *arguments, "--format", "json", **more).out)

    def total(self, *arguments, **more):
        named = "--planner" in arguments or "--import-solution" in arguments
        planner = () if named else ("--planner", "dp")
        return self.plan_json(*arguments, *planner, **more)["traffic_bytes"]["total"]


class Search(IlpTest):
    def test_proves(self):
        dp = self.total(ALEXNET)
        for planner in ("ilp", "best"):
            words = (ALEXNET, "--order", "given", "--planner", planner)
            plan = self.plan_json(*words)
            total = plan["traffic_bytes"]["total"]
            self.assertLessEqual(total, dp)
            self.assertEqual((plan["planner"], plan["outcome"], plan["bound_bytes"]),
                             ("ilp", "optimal", total))
            out = self.succeed("plan", *words).out.splitlines()
            self.assertTrue(out[0].endswith(" · ilp, proven optimal"), out[0])
            self.assertRegex(out[1], "% less than baseline; ")
            self.assertRegex(out[2], r"^([\d.]+ % less|no less) than dp .* % less than mbs2 ")
        out = self.succeed("plan", ALEXNET).out  # and best by itself: no proof holds for all orders
        self.assertIn(" · ilp, proven optimal\n  in the given order, no better one found\n", out)

    def test_strips(self):
        """Where dp's strips are better ilp's plan is no worse, and replays."""
        for words in ((RESNET18, "--buffer", "256KiB"),
                      (RESNET18, "--buffer", "256KiB", "--recompute", "activations")):
            dp = self.total(*words)
            self.assertLess(dp, self.total(*words, "--no-strips"))
            for planner in ("ilp", "best"):
                plan = self.plan_json(*words, "--planner", planner, "--time-limit", "20")
                self.assertLessEqual(plan["traffic_bytes"]["total"], dp)
                self.assertLessEqual(plan["bound_bytes"], plan["traffic_bytes"]["total"])
                self.assertTrue(any("strips" in group for group in plan["groups"]))
                self.succeed("verify", "-", given=json.dumps(plan))
                whole = self.plan_json(*words, "--planner", planner, "--no-strips", "--gap", "20")
                self.assertFalse(any("strips" in group for group in whole["groups"]))

    def test_repeats(self):
        words = ("plan", ALEXNET, "--planner", "ilp", "--format", "json")
        self.assertEqual(self.succeed(*words).out, self.succeed(*words).out)

    def test_no_time(self):
        for planner, name in (("ilp", "ilp"), ("best", "dp")):
            words = (RESNET50, "--planner", planner, "--time-limit", "0", "--wide")
            plan = self.plan_json(*words)
            total = plan["traffic_bytes"]["total"]
            self.assertEqual((plan["planner"], plan["outcome"]), (name, "feasible"))
            self.assertEqual(total, self.total(RESNET50))
            self.assertLess(0, plan["bound_bytes"])
            self.assertLess(plan["bound_bytes"], total)
            self.assertRegex(self.succeed("plan", *words, "--wide").out.splitlines()[0],
                             rf" · {name}, best found \(bound [\d.]+ .B\)$")
            text = json.dumps(plan)
            self.succeed("verify", "-", given=text)

    def test_gap(self):
        plan = self.plan_json(RESNET50, "--planner=ilp", "--gap=30", "--time-limit=600.5")
        self.assertGreaterEqual(plan["bound_bytes"], 0.7 * plan["traffic_bytes"]["total"])

    def test_malformed_limits(self):
        for value in ("", "x", "-1", "1e3", "0x10", ".5", "5.", "1.2.3", "nan", "inf", "1 "):
            for option in ("--time-limit", "--gap"):
                self.refuse(BAD_INPUT, "plan", ALEXNET, f"{option}={value}", says=option)
        self.refuse(BAD_INPUT, "plan", ALEXNET, "--gap", "100.1", says="0 to 100")
        self.refuse(BAD_INPUT, "plan", ALEXNET, "--time-limit", "1" * 400, says="1000000000")
        result = self.refuse(BAD_INPUT, "plan", ALEXNET, "--gap=x", "--time-limit=x", "--batch=x")
        self.assertEqual(result.err.count("\n"), 3)
        self.refuse(USAGE, "plan", ALEXNET, "--time-limit", says="needs a value")
        self.refuse(USAGE, "plan", ALEXNET, "--planner", "lip", says="did you mean --planner")

    def test_interrupt(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            status, out, shown = self.on_terminal(
                "plan", LARGE, "--planner", "ilp", "--format", "json", "--time-limit", "300",
                act=lambda done, number=number: done.send_signal(number))
            self.assertEqual(status, OK)
            plan = json.loads(out)
            self.assertEqual(plan["outcome"], "feasible")
            self.assertLess(plan["bound_bytes"], plan["traffic_bytes"]["total"])
            self.assertIn("note: interrupted", shown)

    def test_second_interrupt(self):
        def insist(done):
            while done.poll() is None:
                done.send_signal(signal.SIGINT)
        for _ in range(10):  # on a busy machine the first may end the search before the second comes
            status, out, _ = self.on_terminal("plan", LARGE, "--planner", "best", act=insist)
            if status != OK:
                break
        self.assertEqual((status, out), (-signal.SIGINT, ""))

    def test_progress(self):
        status, _, shown = self.on_terminal("plan", LARGE, "--planner", "ilp", "--time-limit", "2")
        self.assertEqual(status, OK)
        line = shown.split("note: ", maxsplit=1)[0]
        self.assertRegex(line, r"\r\d+\.\d s  best [\d.]+ GB  bound [\d.]+ GB  gap [\d.]+ %")
        self.assertEqual(re.sub(r"[^\n]*\r", "", line), "")  # what is left on the screen
        result = self.succeed("plan", ALEXNET, "--planner", "ilp")
        self.assertEqual(result.err, "")
        self.assertEqual(self.on_terminal("plan", ALEXNET, "--planner", "dp")[2], "")


class Model(IlpTest):
    """Export, and import of solutions written down by hand: every step alone."""

    def setUp(self):
        super().setUp()
        self.net = self.file("net.json", SMALL)
        self.words = ("plan", self.net, "--batch", "4", "--buffer", "8KiB")
        self.succeed(*self.words, "--export-model", self.folder / "m.mps")
        text = (self.folder / "m.mps").read_text()
        self.columns = list(dict.fromkeys(re.findall(r"^ ([a-z]\w*) \w+ ", text, re.M)))
        steps = {int(name.split("_")[1]) for name in self.columns if re.match("[zp]_", name)}
        self.chosen = []
        for k in sorted(steps):
            one = [name for name in self.columns if re.match(rf"(z_{k}_|p_{k}$)", name)]
            self.chosen.append(one[0])

    def load(self, text, *more, **others):
        return self.plan_json(*self.words[1:], "--import-solution", "-", *more, given=text,
                              **others)

    def test_files(self):
        before = (self.folder / "m.mps").read_text()
        self.succeed(*self.words, "--export-model", self.folder / "m.mps")
        self.assertEqual((self.folder / "m.mps").read_text(), before)
        result = self.succeed(*self.words, "--export-model", self.folder / "m.lp")
        self.assertEqual(result.out, "")
        self.assertIn("Minimize", (self.folder / "m.lp").read_text())
        self.refuse(BAD_INPUT, *self.words, "--export-model", "m.txt", says=".lp or .mps")
        self.refuse(BAD_INPUT, *self.words, "--export-model", ".lp", says=".lp or .mps")
        self.refuse(SYSTEM, *self.words, "--export-model", self.folder / "no" / "m.lp")
        self.refuse(BAD_INPUT, "plan", self.net, "--batch", "0", "--export-model", "m.lp")
        self.assert_files("m.lp", "m.mps", "net.json")

    def test_usage(self):
        self.refuse(USAGE, *self.words, "--export-model", "m.lp", "--import-solution", "x")
        self.refuse(USAGE, *self.words, "--export-model", "m.lp", "--planner", "dp", says="ilp")
        self.refuse(USAGE, *self.words, "--export-model", "m.lp", "-o", "x", says="--output")
        self.refuse(USAGE, *self.words, "--export-model", "m.lp", "--export", "perfetto=x",
                    says="makes no plan")
        self.refuse(USAGE, "plan", "-", "--import-solution", "-", says="standard input")
        self.refuse(USAGE, "plan", self.net, "--hardware", "-", "--import-solution", "-")

    def test_forms(self):
        names = self.chosen
        number = {name: i + 1 for i, name in enumerate(self.columns)}
        forms = {
            "list": "".join(f"{name} 1\n" for name in names),
            "crlf": "\r\n".join(f"{name}\t0.9999999 " for name in names),
            "cbc": "Optimal - objective value 12.0\n" + "".join(
                f"{'** ' if i == 2 else ''}{i:7} {name} {1:22} {0:22}\n"
                for i, name in enumerate(names)),
            "highs": "Model status\nOptimal\n\n# Primal solution values\nFeasible\nObjective 12\n"
                     f"# Columns {len(self.columns)}\n" + "".join(
                         f"{name} {int(name in names)}\n" for name in self.columns) +
                     "# Rows 2\nSTEP_0 1\nr 7\n\n# Dual solution values\nNone\n# Basis\nHiGHS v1\n",
            "scip": "solution status: optimal solution found\nobjective value:   12\n" + "".join(
                f"{name}   1 \t(obj:3)\n" for name in names),
            "gurobi": "# Objective value = 12\n" + "".join(f"{name} 1\n" for name in names),
            "miplib": "=obj= 12\n" + "".join(f"{name} 1e0\n" for name in names),
            "glpk": f"c Problem:\nc\ns mip 9 {len(self.columns)} o 12\ni 1 3\n" + "".join(
                f"j {number[name]} 1\n" for name in names) + "e o f\n",
            "report": "Problem:    \nRows:       9\nColumns:    8 (8 integer, 8 binary)\n"
                      "\n   No.   Row name        Activity     Lower bound   Upper bound\n"
                      "------ ------------    ------------- ------------- -------------\n"
                      "     1 STEP_0                     1             1             = \n\n"
                      "   No. Column name       Activity     Lower bound   Upper bound\n"
                      "------ ------------    ------------- ------------- -------------\n" +
                      "".join(f"{number[name]:6} {name}\n                    *              1\n"
                              if i % 2 else f"{number[name]:6} {name:12} *    1     0    1 \n"
                              for i, name in enumerate(names)) +
                      "\nInteger feasibility conditions:\n\nKKT.PE: max.abs.err = 0 on row 0\n",
        }
        expected = None
        for form, text in forms.items():
            plan = self.load(text)
            self.assertEqual((plan["planner"], plan["outcome"]), ("imported", "feasible"), form)
            self.assertNotIn("bound_bytes", plan)
            self.assertEqual(plan["resident"], [])
            expected = expected or plan
            self.assertEqual(plan, expected, form)
            self.succeed("verify", "-", given=json.dumps(plan))
            path = self.file("solution", text)
            self.assertIn(" · imported, best found\n",
                          self.succeed(*self.words, "--import-solution", path).out)

    def fault(self, text, says, *words):
        result = self.refuse(BAD_INPUT, *(words or self.words), "--import-solution", "-",
                             given=text, says=says)
        self.assertEqual(result.err.count("\n"), 1, result)

    def test_faults(self):
        text = "".join(f"{name} 1\n" for name in self.chosen)
        first = self.chosen[0]
        other = [name for name in self.columns
                 if re.match("[zp]_0", name) and name != first][0]
        kept = [name for name in self.columns if name.startswith("r_")]
        for bad, says in (
                ("", "no column"), ("\n\n", "no column"), ("Infeasible\n", "no column"),
                (SMALL, "no column"), (os.urandom(2000).hex(), "no column"),
                (text + "z_999_1 1\n", 'no column "z_999_1"'), (text + f"{first} 1\n", "second"),
                (text.replace(" 1", " 0.4", 1), "relaxation"), (text + "z_0\n", "line 9"),
                (text + f"{other} 1\n", "more than one way"),
                (text.replace(first, other + "9"), "no column"),
                (text.replace(f"{first} 1\n", ""), 'step 0 "c1" does not run'),
                (text.replace(" 1", " nan", 2), "does not run"),
                (text + f"{other} inf\n", "expected a column"), (text + "z_0_1 1e999\n", "line 9"),
                (text + "x" * 100000 + " 1\n", "no column"), (text + "\0", "text"),
                ("c\ns bas 9 9 f f 0\n", "integer solution"), ("c\ns mip 9 9 o 0\n", "columns"),
                (f"c\ns mip 9 {len(self.columns)} u 0\n", "status"),
                (f"c\ns mip 9 {len(self.columns)} o 0\nj 0 1\n", "number"),
                (f"c\ns mip 9 {len(self.columns)} o 0\nj 99999999999999999999 1\n", "number"),
                ("c\nq\n", "no line"), ("Problem:\n No. Column name\n 1 z_9_9 * 1\n", "no column"),
                (f"Problem:\n No. Column name\n 1 {first} NU 1\n", "integer solution")):
            self.fault(bad, says)
        for name in kept:
            together = {"z_" + step + "_" + name.split("_")[4] for step in name.split("_")[2:4]}
            if not together <= set(self.chosen):
                self.fault(text + f"{name} 1\n", "not in one group")
        self.refuse(SYSTEM, *self.words, "--import-solution", self.folder / "none")
        self.refuse(SYSTEM, *self.words, "--import-solution", self.folder, says="directory")

    def test_too_full(self):
        words = ("plan", self.net, "--batch=4", "--buffer=4KiB", "--no-pin")
        self.succeed(*words, "--export-model", self.folder / "m.lp")
        names = dict.fromkeys(re.findall(r"\b[zr]_\w+_1\b", (self.folder / "m.lp").read_text()))
        self.fault("".join(f"{name} 1\n" for name in names), "of the buffer", *words)

    def test_of_another_network(self):
        text = "".join(f"{name} 1\n" for name in self.chosen)
        self.fault(text, "solution", "plan", ALEXNET)
        self.fault(text, "solution", "plan", self.net, "--batch", "4", "--inference")

    def test_too_large(self):
        chain = []
        for i in range(1200):
            chain.append(relu(f"r{i}", f"r{i - 1}" if i else "image"))
            if i % 2 == 1:
                chain.append({"name": f"s{i}", "op": "add", "inputs": [f"r{i}", "image"]})
        self.net = self.file("net.json", network(chain))
        self.refuse(BAD_INPUT, "plan", self.net, "--batch", "1000000", "--buffer", "1GiB",
                    "--export-model", self.folder / "x.lp", says="more than")
        # few columns, but of figures that no double holds exactly
        self.net = self.file("net.json", network([relu("r", "x")], [{"name": "x", "shape": [2**50]}]))
        self.refuse(BAD_INPUT, "plan", self.net, "--batch", "100", "--buffer", str(2**60),
                    "--export-model", self.folder / "x.lp", says="more than")
        self.assert_files("m.mps", "net.json")


def random_network(state):
    """A few layers at random, with branches, statistics and parameters."""
    shapes = {"image": (state.choice((3, 8)), state.choice((4, 8, 12)))}
    layers = []
    for i in range(state.randint(2, 6)):
        name = f"v{i}"
        source = state.choice(list(shapes)[-3:])
        channels, side = shapes[source]
        like = [other for other in shapes if shapes[other] == shapes[source] and other != source]
        op = state.choice(("conv", "conv", "conv", "norm", "relu", "add", "softmax", "max_pool"))
        layer = {"name": name, "op": op, "inputs": [source]}
        if op == "conv":
            channels = state.choice((4, 8, 16, 32))
            layer.update(out_channels=channels, kernel=3, pad=1)
        elif op == "norm":
            layer.update(kind=state.choice(("layer", "batch")))
        elif op == "max_pool" and side > 1:
            side //= 2
            layer.update(kernel=2)
        elif op == "add" and like:
            layer.update(inputs=[source, state.choice(like)])
        elif op in ("add", "max_pool"):
            layer.update(op="relu")
        layers.append(layer)
        shapes[name] = (channels, side)
    side = shapes["image"][1]
    return network(layers, [{"name": "image", "shape": [shapes["image"][0], side, side]}])


class Solvers(IlpTest):
    """The same optimum as other solvers find in the exported program."""

    def solve(self, solver, form, words):
        model = self.folder / ("model." + form)
        solution = self.folder / "solution"
        self.succeed("plan", *words, "--export-model", model)
        if solver == "cbc":
            call = ["cbc", model, "sec", "120", "solve", "solu", solution]
        else:
            call = ["glpsol", "--lp" if form == "lp" else "--freemps", model, "--tmlim", "120",
                    {"glpsol": "--write", "report": "--output"}[solver], solution]
        subprocess.run([*map(str, call)], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        return self.total(*words, "--import-solution", solution)

    def check_equal(self, solver, *words):
        """The integer program is one of whole samples."""
        plan = self.plan_json(*words, "--planner", "ilp", "--no-strips", "--time-limit", "300")
        self.assertEqual(plan["outcome"], "optimal")
        for form in ("lp", "mps"):
            self.assertEqual(self.solve(solver, form, words), plan["traffic_bytes"]["total"],
                             (solver, form, words))
        return plan["traffic_bytes"]["total"]

    @unittest.skipUnless(shutil.which("cbc"), "cbc is not installed (Debian: coinor-cbc)")
    def test_cbc_alexnet(self):
        net = self.file("net.json", without_biases(ALEXNET))
        self.assertEqual(self.check_equal("cbc", net, "--batch", "64", "--no-pin"), 730927744)
        self.check_equal("cbc", net, "--batch", "8")

    @unittest.skipUnless(shutil.which("cbc"), "cbc is not installed (Debian: coinor-cbc)")
    def test_cbc_zoo(self):
        for name, words in (("vgg16", ["--no-pin"]), ("vgg16_bn", ["--no-pin", "--inference"])):
            with self.subTest(name=name):
                self.check_equal("cbc", NETWORKS / f"{name}.json", "--batch", "8", *words)

    @unittest.skipUnless(shutil.which("cbc"), "cbc is not installed (Debian: coinor-cbc)")
    def test_cbc_random(self):
        self.check_random("cbc", 20)

    @unittest.skipUnless(shutil.which("glpsol"), "glpsol is not installed (Debian: glpk-utils)")
    def test_glpsol_random(self):
        self.check_random("glpsol", 8)
        self.check_random("report", 4)

    def check_random(self, solver, count):
        for seed in range(count):
            state = random.Random(seed)
            net = self.file("net.json", random_network(state))
            words = ["--batch", state.choice("2345678"),
                     "--buffer", str(int(4096 * 2 ** (4 * state.random()))),
                     "--batch-norm", state.choice(("keep", "replace"))]
            words += [word for word in ("--no-pin", "--no-stream", "--inference")
                      if state.random() < 0.15]
            with self.subTest(seed=seed):
                self.check_equal(solver, net, *words)


if __name__ == "__main__":
    unittest.main()
