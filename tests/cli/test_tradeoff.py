"""tradeoff, and --weight and --max-slowdown of plan."""

import csv
import io
import json
import unittest

from harness import ALEXNET, BAD_INPUT, NETWORKS, NO_PLAN, ROOT, USAGE, CliTest

MOBILENET = NETWORKS / "mobilenet_v2.json"
LPDDR4 = ("--hardware", ROOT / "models" / "hardware" / "wavecore-lpddr4.json")


class Tradeoff(CliTest):
    def document(self, *arguments):
        return json.loads(self.succeed("tradeoff", *arguments, "--format", "json").out)

    def plan_json(self, *arguments):
        return json.loads(self.succeed("plan", *arguments, "--format", "json").out)

    def test_rows_are_plans(self):
        """No row is better than another in both, and each can be had, and verified, with its options."""
        given = (ALEXNET, "--buffer", "1MiB", "--points", "5")
        rows = self.document(*given)["plans"]
        self.assertLessEqual(len(rows), 5)
        self.assertGreater(len(rows), 2)
        for row, after in zip(rows, rows[1:]):
            self.assertLess(row["traffic_bytes"], after["traffic_bytes"])
            self.assertGreater(row["time_s"], after["time_s"])
        for row in rows:
            text = self.succeed("plan", *given[:3], *row["options"].split(), "--format", "json").out
            plan = json.loads(text)
            self.assertEqual(plan["traffic_bytes"]["total"], row["traffic_bytes"])
            self.assertEqual((plan["time_s"], plan["energy_j"]), (row["time_s"], row["energy_j"]))
            self.assertEqual(plan["planner"], row["planner"])
            self.assertIn(row["options"], plan["made_by"]["options"])
            self.succeed("verify", "-", given=text)
            anew = plan["made_by"]["options"].split()
            self.assertEqual(self.succeed("plan", ALEXNET, *anew, "--format", "json").out, text)

    def test_formats_agree(self):
        given = (ALEXNET, "--planner", "dp", "--points", "4")
        document = self.document(*given)
        rows = list(csv.DictReader(io.StringIO(self.succeed("tradeoff", *given, "--format", "csv").out)))
        self.assertEqual([row["options"] for row in rows], [plan["options"] for plan in document["plans"]])
        for row, plan in zip(rows, document["plans"]):
            self.assertEqual(int(row["total_bytes"]), plan["traffic_bytes"])
            self.assertEqual(float(row["time_s"]), plan["time_s"])
            self.assertAlmostEqual(float(row["time_ratio"]), plan["time_s"] / document["baseline"]["time_s"])
        table = self.succeed("tradeoff", *given, "--wide").out
        for plan in document["plans"]:
            self.assertIn("\n" + plan["options"] + " ", table)

    def test_within_a_limit_of_dram(self):
        """All rows' plans are; weights of which none was found are left out, and the limit is not baseline's."""
        given = (ALEXNET, "--planner", "dp", "--points", "3")
        peak = self.plan_json(*given[:3])["dram_peak"]["bytes"]
        limit = peak * 98 // 100
        self.assertGreater(self.plan_json(ALEXNET, "--planner", "baseline")["dram_peak"]["bytes"], limit)
        for row in self.document(*given, "--max-dram", limit)["plans"]:
            plan = self.plan_json(*given[:3], *row["options"].split(), "--max-dram", limit)
            self.assertEqual(plan["traffic_bytes"]["total"], row["traffic_bytes"])
            self.assertLessEqual(plan["dram_peak"]["bytes"], limit)
        self.refuse(NO_PLAN, "tradeoff", *given, "--max-dram", "1kB", says="the least found is")

    def test_work_ends_no_plan_for_time(self):
        """best leaves it to dp, which no limit of work ends, whichever of both it is asked of."""
        given = (ALEXNET, "--buffer", "1MiB", "--objective", "time")
        for planner in ("best", "dp"):
            whole, short = (self.plan_json(*given, "--planner", planner, *more) for more in ([], ["--work-limit", "0.00001"]))
            self.assertEqual(short["groups"], whole["groups"])
        rows = [self.succeed(command, ALEXNET, "--planner", "dp", "--objective", "time", *more).out
                for command in ("compare", "sweep") for more in ([], ["--work-limit", "0.00001"])]
        self.assertEqual((rows[0], rows[2]), (rows[1], rows[3]))

    def test_slowdown(self):
        """mobilenet_v2 on LPDDR4: least traffic is slower than baseline, little more traffic is not."""
        baseline, least = (self.plan_json(MOBILENET, *LPDDR4, "--planner", planner)
                           for planner in ("baseline", "dp"))
        self.assertGreater(least["time_s"], 1.1 * baseline["time_s"])
        given = (MOBILENET, *LPDDR4, "--planner", "dp", "--max-slowdown")
        for percent in (0, 10):
            plan = self.plan_json(*given, str(percent))
            self.assertLessEqual(plan["time_s"], (1 + percent / 100) * baseline["time_s"])
            self.assertLess(plan["traffic_bytes"]["total"], 1.01 * least["traffic_bytes"]["total"])
        self.assertEqual(self.plan_json(*given, "50"), least)

    def test_slowdown_of_another_order(self):
        """Where the plan in the order that best has found is too slow, that in the given one is not forgotten."""
        words = ("inception_v3", "--inference", "--buffer", "4MiB")
        baseline, given, best = (self.plan_json(*words, *more) for more in (
            ("--planner", "baseline"), ("--order", "given"), ()))
        self.assertGreater(best["time_s"], given["time_s"])
        percent = 100 * (given["time_s"] / baseline["time_s"] - 1) + 0.001
        plan = self.plan_json(*words, "--max-slowdown", f"{percent:.4f}")
        self.assertLessEqual(plan["traffic_bytes"]["total"], given["traffic_bytes"]["total"])
        self.assertLessEqual(plan["time_s"], (1 + percent / 100) * baseline["time_s"])

    def test_verdict(self):
        out = self.succeed("plan", MOBILENET, *LPDDR4, "--dram-efficiency=1", "--planner", "dp", "--wide").out.splitlines()
        self.assertRegex(out[1], r"^1\.80 GB, 76\.1 % less than baseline; 456\.96 ms, 17\.7 % more; "
                                 r"\d\.\d\d J, \d\.\d % more$")
        self.assertRegex(out[2], r"^slower than baseline: --objective time would take 349\.00 ms, 23\.6 % less, "
                                 r"and move 2\.\d\d GB$")
        for planner in ("mbs2", "baseline"):
            self.assertNotIn("would take", self.succeed("plan", ALEXNET, "--planner", planner).out)

    def test_weights_end_in_traffic_and_time(self):
        least, quick = (self.plan_json(ALEXNET, "--planner", "dp", "--objective", objective)
                        for objective in ("traffic", "time"))
        low, high = (self.plan_json(ALEXNET, "--weight", weight) for weight in ("0", "1000000000"))
        self.assertEqual(low["traffic_bytes"]["total"], least["traffic_bytes"]["total"])
        self.assertLessEqual(low["time_s"], least["time_s"])
        self.assertAlmostEqual(high["time_s"], quick["time_s"])
        self.assertEqual((low["planner"], low["objective"]), ("dp-weighted", "weighted"))

    def test_wrong_options(self):
        for words, status in ((["--weight", "-1"], BAD_INPUT), (["--weight", "x"], BAD_INPUT),
                              (["--weight", "1", "--objective", "time"], USAGE),
                              (["--weight", "1", "--planner", "mbs2"], USAGE),
                              (["--max-slowdown", "x"], BAD_INPUT),
                              (["--max-slowdown", "1", "--planner", "ilp"], USAGE),
                              (["--max-slowdown", "1", "--objective", "time"], USAGE),
                              (["--work-limit", "0"], BAD_INPUT), (["--work-limit", "x"], BAD_INPUT)):
            self.refuse(status, "plan", ALEXNET, *words)
        self.refuse(USAGE, "tradeoff", ALEXNET, "--points", "2")
        self.refuse(USAGE, "tradeoff", ALEXNET, "--planner", "mbs2", says="dp and best")


def u_net(size, channels, depth):
    """A network file's contents: long skip connections, which are what ilp drops and dp cannot."""
    layers = []

    def conv(name, source, count):
        layers.append({"name": name, "op": "conv", "inputs": [source], "out_channels": count, "kernel": 3, "pad": 1})
        layers.append({"name": name + ".relu", "op": "relu", "inputs": [name]})
        return name + ".relu"

    skips, last = [], "image"
    for level in range(depth):
        last = conv(f"down{level}b", conv(f"down{level}a", last, channels << level), channels << level)
        skips.append(last)
        last = f"pool{level}"
        layers.append({"name": last, "op": "max_pool", "inputs": [skips[-1]], "kernel": 2})
    last = conv("middle", last, channels << depth)
    for level in reversed(range(depth)):
        layers.append({"name": f"up{level}", "op": "upsample", "inputs": [last], "size": size >> level})
        wide = conv(f"narrow{level}", f"up{level}", channels << level)
        layers.append({"name": f"both{level}", "op": "concat", "inputs": [wide, skips[level]]})
        last = conv(f"up{level}b", conv(f"up{level}a", f"both{level}", channels << level), channels << level)
    return {"format": "mbsopt-network/1", "name": "u", "inputs": [{"name": "image", "shape": [3, size, size]}],
            "layers": layers}


class Work(CliTest):
    def test_default_drops_what_dp_keeps(self):
        network = json.dumps(u_net(256, 16, 4))
        best, dp = (json.loads(self.succeed("plan", "-", "--batch", "8", "--format", "json", *planner,
                                            given=network).out) for planner in ((), ("--planner", "dp")))
        self.assertEqual(best["given_bound_bytes"], best["traffic_bytes"]["total"])
        self.assertLess(best["traffic_bytes"]["total"], 0.95 * dp["traffic_bytes"]["total"])

    def test_same_plan_again(self):
        """The clock decides nothing: a search that work ends is the same again, and no worse than dp."""
        given = ("plan", NETWORKS / "resnet18.json", "--work-limit", "0.02", "--format", "json")
        first = self.succeed(*given).out
        self.assertEqual(first, self.succeed(*given).out)
        plan = json.loads(first)
        self.assertEqual(plan["outcome"], "feasible")
        self.assertIn("--work-limit 0.02", plan["made_by"]["options"])
        dp = json.loads(self.succeed("plan", given[1], "--planner", "dp", "--format", "json").out)
        self.assertLessEqual(plan["traffic_bytes"]["total"], dp["traffic_bytes"]["total"])


if __name__ == "__main__":
    unittest.main()
