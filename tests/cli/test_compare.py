"""`mbsopt compare`: tables, CSV and JSON say the same, and the means are means."""

import csv
import io
import json
import math
import re
import unittest

from harness import (ALEXNET, BAD_INPUT, NETWORKS, ROOT, SYSTEM, USAGE, CliTest, conv, network,
                     relu)

ALL = ["baseline", "archopt", "il", "mbs-fs", "mbs1", "mbs2", "dp", "ilp"]
FAST = ALL[:-1]
ROWS = [*FAST[:-1], "dp-no-strips", "dp"]
TWO = [ALEXNET, str(NETWORKS / "resnet18.json")]
RATIOS = ("traffic_ratio", "speedup", "energy_ratio", "utilisation")
SMALL = network([conv("c1", "image"), relu("r1", "c1"), conv("c2", "r1")])


class Compare(CliTest):
    def document(self, *arguments, **more):
        return json.loads(self.succeed("compare", *arguments, "--format", "json", **more).out)

    def rows(self, *arguments, **more):
        return list(csv.DictReader(io.StringIO(
            self.succeed("compare", *arguments, "--format", "csv", **more).out)))

    def setUp(self):
        super().setUp()
        self.options = [*TWO, "--planner", ",".join(FAST)]

    def test_formats_agree(self):
        document, rows = self.document(*self.options), self.rows(*self.options)
        plans = [(n["network"], p) for n in document["networks"] for p in n["plans"]]
        self.assertEqual(len(rows), len(plans) + len(ROWS))
        for row, (name, plan) in zip(rows, plans):
            self.assertEqual([row["network"], row["planner"], row["outcome"]],
                             [name, plan["planner"], plan["outcome"]])
            self.assertEqual(int(row["total_bytes"]), plan["traffic_bytes"]["total"])
            self.assertEqual(row["bound_bytes"], str(plan.get("bound_bytes", "")))
            for member in ("time_s", "energy_j", *RATIOS):
                self.assertEqual(float(row[member]), plan[member])
        for row, mean in zip(rows[len(plans):], document["geometric_means"]):
            self.assertEqual((row["network"], row["planner"]),
                             ("(geometric mean)", mean["planner"]))
            for member in RATIOS:
                self.assertEqual(float(row[member]), mean[member])
        table = self.succeed("compare", *self.options).out
        wide = self.succeed("compare", *self.options, "--wide").out
        lines = [line.split() for line in wide.splitlines() if line.split()[:1] and
                 line.split()[0] in ROWS]
        self.assertEqual(len(lines), len(plans) + len(ROWS))
        for cells, (_, plan) in zip(lines, plans):
            self.assertEqual(cells[1], f"{plan['traffic_bytes']['total'] / 1e9:.3f}")
            self.assertEqual(cells[2], f"{100 * (1 - plan['traffic_ratio']):.1f}")
            self.assertEqual(cells[3], f"{1000 * plan['time_s']:.2f}")
            self.assertEqual(cells[4], f"{plan['speedup']:.2f}")
            self.assertEqual(cells[5], f"{plan['energy_j']:.3f}")
            self.assertEqual(cells[6], f"{100 * (1 - plan['energy_ratio']):.1f}")
            self.assertEqual(cells[7], f"{100 * plan['utilisation']:.1f}")
        for line in table.splitlines():
            self.assertLessEqual(len(line), 80)
            self.assertEqual(line, line.rstrip())

    def test_means_and_ratios(self):
        document = self.document(*self.options)
        for i, mean in enumerate(document["geometric_means"]):
            plans = [n["plans"][i] for n in document["networks"]]
            for member in RATIOS:
                expected = math.prod(p[member] for p in plans) ** (1 / len(plans))
                self.assertAlmostEqual(mean[member] / expected, 1, places=9)
        for of in document["networks"]:
            baseline = of["plans"][0]
            for plan in of["plans"]:
                self.assertAlmostEqual(plan["traffic_ratio"], plan["traffic_bytes"]["total"] /
                                       baseline["traffic_bytes"]["total"], places=9)
                self.assertAlmostEqual(plan["speedup"], baseline["time_s"] / plan["time_s"],
                                       places=9)
                self.assertAlmostEqual(plan["energy_ratio"],
                                       plan["energy_j"] / baseline["energy_j"], places=9)

    def test_same_plans_as_plan(self):
        for of in self.document(*self.options)["networks"]:
            for plan in of["plans"]:
                planner, without, _ = plan["planner"].partition("-no-strips")
                alone = json.loads(self.succeed(
                    "plan", NETWORKS / (of["network"] + ".json"), "--planner", planner,
                    *(["--no-strips"] if without else []), "--format", "json").out)
                for member in ("traffic_bytes", "time_s", "energy_j", "utilisation"):
                    self.assertEqual(plan[member], alone[member])
                for member in ("time_s", "energy_j"):
                    parts = sum(group[member] for group in alone["groups"])
                    self.assertAlmostEqual(parts / alone[member], 1, places=9)

    def test_plan_files_with_costs_are_still_plan_files(self):
        text = self.succeed("plan", ALEXNET, "--planner", "dp", "--format", "json").out
        self.succeed("verify", "-", given=text)
        for member in ('"time_s": "', '"energy_j": -', '"utilisation": [], "x_', '"static": -',
                       '"energy_parts_j": [], "x_', '"phases": {}, "x_', '"phase": 1, "x_'):
            bad = text.replace(member.split()[0] + " ", member, 1)
            self.assertNotEqual(bad, text)
            self.refuse(BAD_INPUT, "verify", "-", given=bad)
        table = self.succeed("plan", ALEXNET, "--planner", "dp", "--wide").out
        self.assertRegex(table, r"(?m)^1  .*  \d+\.\d\d (comp|DRAM)$")
        self.assertRegex(table, r"(?m)^[\d.]+ ms per step on wavecore, .* the rest by DRAM at 0\.86 of its peak; ")
        table = self.succeed("plan", ALEXNET, "--planner", "dp", "--wide", "--dram-efficiency", "1").out
        self.assertRegex(table, r"(?m)^13\.0\d\d ms per step on wavecore:dram-1, .* DRAM at its peak; .* J; array utilis")

    def test_objectives(self):
        """dp minimises what it is asked to, the others plan as ever, and the name says so."""
        by_traffic = self.document(*self.options)["networks"]
        for objective, member in (("time", "time_s"), ("energy", "energy_j")):
            document = self.document(*self.options, "--objective", objective)
            self.assertEqual(document["objective"], objective)
            for of, before in zip(document["networks"], by_traffic):
                self.assertEqual(*([plan for plan in plans if plan["planner"][:2] != "dp"]
                                   for plans in (of["plans"], before["plans"])))
                plan, usual = of["plans"][-1], before["plans"][-1]
                self.assertEqual(plan["planner"], f"dp-{objective}")
                self.assertLess(plan[member], usual[member])
                self.assertGreater(plan["traffic_bytes"]["total"], usual["traffic_bytes"]["total"])
                alone = json.loads(self.succeed(
                    "plan", NETWORKS / (of["network"] + ".json"), "--objective", objective,
                    "--format", "json").out)
                self.assertEqual([plan[m] for m in ("traffic_bytes", member)],
                                 [alone[m] for m in ("traffic_bytes", member)])
            self.assertEqual(document["geometric_means"][-1]["planner"], f"dp-{objective}")
        words = ["--planner", "dp,ilp", "--objective"]
        out = self.succeed("compare", "-", *words, "time", "--wide", given=SMALL).out
        self.assertRegex(out, r"(?m)^dp-time .*\d\nilp .* traffic proven optimal$")
        for objective, name in (("time", "best-time"), ("traffic", "best")):
            out = self.succeed("compare", "-", "--planner", "dp,best", "--objective", objective, given=SMALL).out
            self.assertRegex(out, rf"(?m)^{name} .*\d")
        same = self.succeed("compare", "-", *words, "traffic", given=SMALL).out
        self.assertEqual(same, self.succeed("compare", "-", *words[:2], given=SMALL).out)
        self.refuse(USAGE, "compare", ALEXNET, "--planner=mbs2", "--objective=time",
                    says="--objective time is of the planners dp and best")
        self.refuse(USAGE, "compare", ALEXNET, "--objective=cost", says="traffic, time or energy")

    def test_energy_adds_up(self):
        rows = self.rows(*self.options)
        plans = [p for n in self.document(*self.options)["networks"] for p in n["plans"]]
        parts = ("dram", "buffer", "mac", "vector", "static")
        for row, plan in zip(rows, plans):
            self.assertAlmostEqual(sum(plan["energy_parts_j"].values()) / plan["energy_j"], 1,
                                   places=9)
            self.assertEqual([float(row[p + "_j"]) for p in parts],
                             [plan["energy_parts_j"][p] for p in parts])
        alone = json.loads(self.succeed("plan", ALEXNET, "--format", "json").out)
        for entry in (alone, *alone["groups"], *alone["phases"]):
            self.assertAlmostEqual(sum(entry["energy_parts_j"].values()) / entry["energy_j"], 1,
                                   places=9)
        for member in ("time_s", "energy_j"):
            self.assertAlmostEqual(sum(p[member] for p in alone["phases"]) / alone[member], 1,
                                   places=9)
        self.assertEqual([p["phase"] for p in alone["phases"]], ["forward", "backward"])

    def test_all_planners_by_default(self):
        plans = self.document("-", given=SMALL)["networks"][0]["plans"]
        self.assertEqual([plan["planner"] for plan in plans], [*ROWS, "ilp"])
        self.assertIn("proven optimal", self.succeed("compare", "-", given=SMALL).out)
        out = self.succeed("compare", TWO[1], "--time-limit", "0", "--planner", "ilp").out
        self.assertRegex(out, r"ilp .* gap \d+\.\d\d %\n")

    def test_other_orders(self):
        """No bound of the given order is one of others: what another spares stands in its place."""
        words = ("compare", ALEXNET, "--buffer", "1MiB", "--planner", "dp,best")
        given, best = (json.loads(self.succeed("plan", ALEXNET, "--buffer=1MiB", *more, "--format=json").out)
                       for more in (["--order=given"], []))
        spared = 1 - best["traffic_bytes"]["total"] / given["traffic_bytes"]["total"]
        self.assertGreater(spared, 0)
        self.assertIn(f"  order -{100 * spared:.2f} %\n", self.succeed(*words).out)
        self.assertRegex(self.succeed(*words, "--order=given").out, r"\nbest .* proven optimal\n")
        out = self.succeed("compare", "-", "--planner", "dp,best", "--order=search", given=SMALL).out
        self.assertEqual(out.count("  order given\n"), 3)

    def test_subset_without_baseline(self):
        one = self.document(ALEXNET, "--planner", "mbs2")["networks"][0]["plans"]
        many = self.document(ALEXNET, "--planner", "baseline,mbs2")["networks"][0]["plans"]
        self.assertEqual(one, many[1:])

    def test_what_strips_gain(self):
        *_, without, dp = self.document(*self.options, "--buffer=1MiB")["networks"][1]["plans"]
        self.assertEqual([without["planner"], dp["planner"]], ["dp-no-strips", "dp"])
        self.assertLess(dp["traffic_bytes"]["total"], 0.8 * without["traffic_bytes"]["total"])

    def test_machine_options(self):
        document = self.document("-", "--buffer", "8KiB", "--batch", "5", "--inference",
                                 given=SMALL)
        self.assertEqual((document["buffer_bytes"], document["batch"], document["phase"]),
                         (8192, 5, "inference"))
        slow = ROOT / "models" / "hardware" / "wavecore-lpddr4.json"
        times = [self.document(ALEXNET, "--planner", "baseline", *more)["networks"][0]["plans"][0]
                 ["time_s"] for more in ([], ["--hardware", slow])]
        self.assertLess(times[0], times[1])

    def test_batch_norms(self):
        given = network([conv("c", "image"),
                         {"name": "n", "op": "norm", "kind": "batch", "inputs": ["c"]}])
        self.assertIn("1 batch norm is planned as group norm",
                      self.succeed("compare", "-", given=given).err)
        for more in (["--batch-norm=keep"], ["--planner", "baseline,archopt"]):
            self.assertEqual(self.succeed("compare", "-", *more, given=given).err, "")

    def test_no_matrix_product_and_no_energy(self):
        given = network([relu("r", "image")])
        self.assertEqual({p["utilisation"]
                          for p in self.document("-", given=given)["networks"][0]["plans"]}, {0})
        machine = {"format": "mbsopt-hardware/1", "name": "free", "memory": {
            "name": "m", "bandwidth_bytes_per_s": 1000, "energy_pj_per_bit": 0}, "energy": {
            "mac_pj": 0, "buffer_pj_per_byte": 0, "vector_pj": 0, "static_w": 0}}
        path = self.file("free.json", json.dumps(machine))
        for plan in self.document("-", "--hardware", path, given=given)["networks"][0]["plans"]:
            self.assertEqual((plan["energy_j"], plan["energy_ratio"]), (0, 1))

    def test_names_are_made_safe(self):
        given = network([conv("c", "image")], name='a"b,\x1b[31m\n\u202e\u2067')
        for form in ("table", "csv"):
            out = self.succeed("compare", "-", "--format", form, given=given).out
            self.assertIn('\\x1b[31m\\x0a\\xe2\\x80\\xae\\xe2\\x81\\xa7', out)
        self.assertEqual(self.document("-", given=given)["networks"][0]["network"],
                         'a"b,\x1b[31m\n\u202e\u2067')

    def test_figures_of_any_size(self):
        """A buffer in no unit, and a machine so slow that its energy has 33 digits."""
        machine = {"format": "mbsopt-hardware/1", "name": "slow", "cores": 1000000,
                   "memory": {"name": "m", "bandwidth_bytes_per_s": 1},
                   "energy": {"static_w": 1e9}}
        given = network([relu("r", "x")], inputs=[{"name": "x", "shape": [2**53 - 1]}])
        words = ["-", "--planner=baseline,dp", "--batch=8", "--hardware",
                 self.file("slow.json", json.dumps(machine))]
        out = self.succeed("compare", *words, "--buffer=10000", "--wide", given=given).out
        self.assertIn(" 10000 bytes buffer ", out)
        joules = self.document(*words, given=given)["networks"][0]["plans"][0]["energy_j"]
        self.assertGreater(joules, 1e32)
        self.assertIn(f"{joules:.4g}", out)
        words[1] = "--planner=baseline"
        self.assertIn(f"; {joules:.4g} J; array", self.succeed("plan", *words, "--wide", given=given).out)

    def test_refusals(self):
        self.refuse(USAGE, "compare", says="NET… is missing")
        self.refuse(USAGE, "compare", "-", "-", says="standard input")
        self.refuse(USAGE, "compare", ALEXNET, "--planner", "mbs3", says="did you mean")
        for option, several in (("hardware", "lpddr4,gddr5"), ("buffer", "1MiB,2MiB"), ("batch", "16,32")):
            for command in ("compare", "plan"):
                self.refuse(USAGE, command, ALEXNET, f"--{option}", several,
                            says=f"--{option} {several}: {command} takes one; sweep and advise take several")
        self.refuse(USAGE, "compare", ALEXNET, "--planner", "dp,dp", says="twice")
        self.refuse(USAGE, "compare", ALEXNET, "--planner=", says="unknown planner")

    def test_former_name(self):
        """--planners is --planner, in compare and sweep, and the help names one of them."""
        for command in ("compare", "sweep"):
            text = self.succeed(command, ALEXNET, "--planner", "baseline,mbs2", "--format=csv").out
            for words in (["--planners", "baseline,mbs2"], ["--planners=baseline,mbs2"]):
                self.assertEqual(self.succeed(command, ALEXNET, *words, "--format=csv").out, text)
            self.assertNotIn("--planners", self.succeed("help", command).out)
            self.refuse(USAGE, command, ALEXNET, "--plannerss=dp", says="did you mean --planner?")
        self.refuse(USAGE, "compare", ALEXNET, "--format", "xml", says="table, csv or json")
        self.refuse(BAD_INPUT, "compare", ALEXNET, "--time-limit", "x", says="--time-limit")
        self.refuse(BAD_INPUT, "compare", ALEXNET, "--buffer", "0", "--batch", "0",
                    says=["--buffer", "--batch"])
        self.refuse(SYSTEM, "compare", ALEXNET, self.folder / "none.json", says="No such file")
        self.refuse(SYSTEM, "compare", ALEXNET, "--planner=dp", "-o", "/dev/full",
                    says="No space left")
        with open("/dev/full", "wb") as full:
            self.refuse(SYSTEM, "compare", ALEXNET, "--planner=dp", stdout=full,
                        says="No space left")

    def test_output_file(self):
        path = self.folder / "out.csv"
        words = ["compare", ALEXNET, "--planner=dp", "--format=csv"]
        self.assertEqual(self.succeed(*words, "-o", path).out, "")
        self.assertEqual(path.read_text(), self.succeed(*words).out)
        self.assertTrue(re.match("network,planner,outcome,", path.read_text()))


if __name__ == "__main__":
    unittest.main()
