"""`mbsopt advise`: its figures are a sweep's, its knees and advice are found here once more."""

import csv
import io
import json
import math
import os
import signal
import unittest

from harness import (ALEXNET, BAD_INPUT, NETWORKS, ROOT, USAGE, CliTest, conv, network, relu)

RESNET18 = str(NETWORKS / "resnet18.json")
MACHINES = ["wavecore-lpddr4", "wavecore", "wavecore-gddr5", "wavecore-hbm2x2"]
SMALL = network([conv("c1", "image"), relu("r1", "c1"), conv("c2", "r1")])


def knee(buffers, values):
    """The buffer farthest below the line from the first point to the last, or None."""
    if len(buffers) < 3:
        return None
    slope = (values[-1] - values[0]) / math.log2(buffers[-1] / buffers[0])
    depths = [values[0] + slope * math.log2(b / buffers[0]) - v for b, v in zip(buffers, values)]
    best = max(range(1, len(buffers) - 1), key=lambda i: depths[i])
    return buffers[best] if depths[best] > 1e-9 * values[0] else None


class Advise(CliTest):
    def rows(self, *words):
        return list(csv.DictReader(io.StringIO(self.succeed("advise", *words, "--format=csv").out)))

    def document(self, *words):
        return json.loads(self.succeed("advise", *words, "--format=json").out)

    def test_figures_are_those_of_a_sweep(self):
        nets = [ALEXNET, RESNET18]
        options = ["--buffer=4MiB,1MiB,16MiB", "--batch=8,32"]
        rows = self.rows(*nets, *options)
        swept = {}
        for row in csv.DictReader(io.StringIO(self.succeed(
                "sweep", *nets, *options, "--planner=baseline,dp", "--hardware", ",".join(MACHINES)).out)):
            swept[tuple(row[k] for k in ("network", "batch", "buffer_bytes", "hardware", "planner"))] = row
        self.assertEqual(len(rows), 2 * 2 * 3 * 4)
        for row in rows:
            at = [row[k] for k in ("network", "batch", "buffer_bytes", "hardware")]
            base, mine = swept[*at, "baseline"], swept[*at, "dp"]
            for key, other in (("total_bytes", mine["total_bytes"]), ("baseline_bytes", base["total_bytes"]),
                               ("time_s", mine["time_s"]), ("baseline_time_s", base["time_s"]),
                               ("energy_j", mine["energy_j"]), ("baseline_energy_j", base["energy_j"])):
                self.assertEqual(row[key], other, (at, key))
            self.assertAlmostEqual(float(row["speedup"]), float(base["time_s"]) / float(mine["time_s"]), 9)
            self.assertAlmostEqual(float(row["traffic_ratio"]),
                                   int(mine["total_bytes"]) / int(base["total_bytes"]), 9)
            self.assertAlmostEqual(float(row["energy_ratio"]), float(mine["energy_j"]) / float(base["energy_j"]), 9)
        sizes = [int(r["buffer_bytes"]) for r in rows[:12:4]]
        self.assertEqual(sizes, sorted(sizes))

    def test_knees_and_advice(self):
        for net in (ALEXNET, RESNET18, str(NETWORKS / "resnet50.json"), str(NETWORKS / "mobilenet_v2.json")):
            told = self.document(net)["advice"][0]
            machines = told["machines"]
            self.assertEqual([m["hardware"] for m in machines], MACHINES)
            buffers = [p["buffer_bytes"] for p in machines[0]["points"]]
            traffic = [p["total_bytes"] for p in machines[0]["points"]]
            times = [[p["time_s"] for p in m["points"]] for m in machines]
            best = [min(each) for each in zip(*times)]
            self.assertEqual(told["traffic_knee_bytes"], knee(buffers, traffic))
            for machine, each in zip(machines, times):
                self.assertEqual(machine["time_knee_bytes"], knee(buffers, each))
                near = [t <= 1.05 * b for t, b in zip(each, best)]
                first = next((buffers[i] for i in range(len(near)) if all(near[i:])), None)
                self.assertEqual(machine["enough_from_bytes"], first)
            least = min(traffic)
            sparing = told["traffic_knee_bytes"] or next(b for b, t in zip(buffers, traffic) if t <= 1.05 * least)
            bandwidth = {m: json.loads((ROOT / "models" / "hardware" / f"{m}.json").read_text())
                            ["memory"]["bandwidth_bytes_per_s"] for m in MACHINES}
            chosen = [min((i for i, m in enumerate(machines) if (m["enough_from_bytes"] or math.inf) <= b),
                          key=lambda i: bandwidth[MACHINES[i]]) for b in buffers]
            taken = [times[i][k] for k, i in enumerate(chosen)]
            at = buffers.index(sparing)
            slow = (machines[chosen[at]]["points"][at]["speedup"] < 1 or
                    any(taken[at] > 1.05 * time for time in taken[:at]))
            advised = next(b for b, t in zip(buffers, taken) if t <= 1.05 * min(taken)) if slow else sparing
            self.assertEqual(slow, net.endswith(("alexnet.json", "mobilenet_v2.json")) or net == "alexnet")
            self.assertEqual(told["advised_buffer_bytes"], advised)
            at = buffers.index(advised)
            self.assertEqual(told["advised_hardware"], MACHINES[chosen[at]])
            self.assertIn(f"{advised >> 20} MiB with ", told["sentence"])
            if slow:
                longer = 100 * (times[chosen[at]][buffers.index(sparing)] / taken[at] - 1)
                self.assertRegex(told["sentence"], f"; {sparing >> 20} MiB would move .* and take {longer:.1f} % longer")
            elif at + 1 < len(buffers):
                saving = 100 * (1 - traffic[at + 1] / traffic[at])
                self.assertIn(f"{buffers[at + 1] >> 20} MiB would save {saving:.1f} % more", told["sentence"])

    def test_formats_agree(self):
        words = [RESNET18, "--buffer=1MiB..8MiB:x2", "--batch=4,16"]
        rows, document = self.rows(*words), self.document(*words)
        points = {(a["batch"], p["buffer_bytes"], m["hardware"]): (a, m, p)
                  for a in document["advice"] for m in a["machines"] for p in m["points"]}
        self.assertEqual(len(rows), len(points))
        for row in rows:
            told, machine, point = points[int(row["batch"]), int(row["buffer_bytes"]), row["hardware"]]
            self.assertEqual(int(row["total_bytes"]), point["total_bytes"])
            self.assertEqual(float(row["time_s"]), point["time_s"])
            self.assertEqual(row["traffic_knee"] == "1", told["traffic_knee_bytes"] == point["buffer_bytes"])
            self.assertEqual(row["time_knee"] == "1", machine["time_knee_bytes"] == point["buffer_bytes"])
            enough = machine["enough_from_bytes"]
            self.assertEqual(row["enough"] == "1", enough is not None and enough <= point["buffer_bytes"])
            self.assertEqual(row["advised"] == "1", (told["advised_buffer_bytes"], told["advised_hardware"]) ==
                             (point["buffer_bytes"], machine["hardware"]))
        table = self.succeed("advise", *words).out
        said = " ".join(table.split())
        for told in document["advice"]:
            self.assertIn("Advice: " + told["sentence"], said)
            for point in told["machines"][1]["points"]:
                self.assertIn(f"{1000 * point['time_s']:.2f}", table)
                self.assertIn(f"{point['energy_j']:.3f}", table)
                self.assertIn(f"{100 * (1 - point['traffic_ratio']):.1f}", table)

    def test_table_fits(self):
        for words in ([RESNET18], [ALEXNET, "--batch=1000", "--inference"], [ALEXNET, "--buffer=1000KiB"]):
            out = self.succeed("advise", *words).out
            self.assertLessEqual(max(map(len, out.splitlines())), 80)
            self.assertNotIn("not shown", out)
        self.assertIn("*", self.succeed("advise", RESNET18).out)

    def test_threads_change_nothing(self):
        words = [RESNET18, ALEXNET, "--buffer=1MiB..8MiB:x2"]
        one = self.succeed("advise", *words, "--threads=1").out
        self.assertEqual(self.succeed("advise", *words, "--threads=7").out, one)
        self.assertEqual(self.succeed("advise", *words, "--buffer=8MiB,1MiB,4MiB,2MiB").out, one)

    def test_options(self):
        net = self.file("net.json", SMALL)
        document = self.document(net, "--objective=time", "--buffer=8KiB", "--hardware=lpddr4")
        self.assertEqual((document["objective"], document["planner"]), ("time", "dp"))
        self.assertEqual([m["hardware"] for m in document["advice"][0]["machines"]], ["wavecore-lpddr4"])
        self.assertEqual(self.document(net, "--planner=mbs2")["planner"], "mbs2")
        self.assertEqual(self.document(net, "--inference")["phase"], "inference")
        strips, whole = (self.rows(RESNET18, "--buffer=512KiB", *more)[0]["total_bytes"] for more in ([], ["--no-strips"]))
        self.assertLess(int(strips), int(whole))
        self.refuse(USAGE, "advise", net, "--planner=baseline", says="expected another")
        self.refuse(USAGE, "advise", net, "--planner=dpp", says="did you mean")
        self.refuse(USAGE, "advise", "-", "--hardware=-", says="only one file")
        self.refuse(USAGE, "advise", says="NET… is missing")
        self.refuse(BAD_INPUT, "advise", net, "--buffer=1", says="--buffer")
        self.refuse(BAD_INPUT, "advise", net, "--batch=0", says="--batch")
        self.refuse(BAD_INPUT, "advise", net, net, says="two networks are named")
        self.refuse(BAD_INPUT, "advise", net, "--hardware=lpddr4,lpddr4", says="two machines are named")
        self.refuse(BAD_INPUT, "advise", "-", given="{", says="standard input")
        self.end_with_pipe("advise", net)

    def test_slower_than_baseline_is_said(self):
        told = self.document("mobilenet_v2", "--hardware=lpddr4", "--buffer=10MiB")["advice"][0]
        self.assertLess(told["machines"][0]["points"][0]["speedup"], 1)
        self.assertIn("--objective time", told["sentence"])

    def test_progress_and_interrupt(self):
        """On a terminal it shows how far it is; Ctrl-C ends it there, without a table."""
        words = ["advise", "densenet121", "--batch-norm=keep", "--recompute=auto", "--threads=1"]
        status, out, shown = self.on_terminal(*words, act=lambda process: os.kill(process.pid, signal.SIGINT))
        self.assertEqual(status, -signal.SIGINT)
        self.assertEqual(out, "")
        self.assertIn("interrupted before all", shown)
        status, out, shown = self.on_terminal("advise", RESNET18)
        self.assertEqual(status, 0)
        self.assertIn("Advice: ", out)


if __name__ == "__main__":
    unittest.main()
