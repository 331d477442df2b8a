"""The tables of docs/evaluation.md, number by number, against the rows in docs/figures."""

import csv
import json
import math
import os
import pathlib
import re
import subprocess
import unittest

ROOT = pathlib.Path(os.environ["MBS_SOURCE_DIR"])
NAMES = {"AlexNet": "alexnet", "ResNet-50": "resnet50", "ResNet-101": "resnet101", "ResNet-152": "resnet152",
         "Inception-v3": "inception_v3", "Inception-v4": "inception_v4", "DenseNet-121": "densenet121"}
SIX = list(NAMES.values())[:6]
MIB = 1 << 20
WAVECORE = "wavecore:dram-1" # the paper's, in the rows of scripts/reproduce.sh: DRAM is at its peak


def rows_of(*names):
    rows = []
    for name in names:
        with open(ROOT / "docs/figures" / f"{name}.csv", encoding="utf-8") as file:
            rows += list(csv.DictReader(file))
    return rows


def tables():
    """Each table as rows of cells, without bold type and its line of dashes."""
    text = (ROOT / "docs/evaluation.md").read_text(encoding="utf-8")
    found = []
    for block in re.findall(r"(?:^\|.*\n)+", text, re.M):
        cells = [[cell.strip().strip("*") for cell in line.strip("|\n").split("|")] for line in block.splitlines()]
        found.append([row for row in cells if not re.fullmatch("[-:]+", row[0])])
    return found


def table_with(*words):
    """The one table that has a row whose first cells are these."""
    found = [table for table in tables() if any(row[:len(words)] == list(words) for row in table)]
    if len(found) != 1:
        raise AssertionError(f"{len(found)} tables have a row that begins with {words}")
    return found[0]


def prose():
    """The page with its lines joined."""
    return " ".join((ROOT / "docs/evaluation.md").read_text(encoding="utf-8").split())


def planned(network, *options):
    """A plan file of today's."""
    path = ROOT / "models/networks" / f"{network}.json"
    return json.loads(subprocess.run([os.environ["MBSOPT"], "plan", path, "--planner=dp", *options, "--format=json"],
                                     capture_output=True, text=True, check=True).stdout)


def geometric_mean(values):
    values = list(values)
    return math.exp(sum(map(math.log, values)) / len(values))


class Savings:
    """What planners save against the baseline, by network, of rows that agree in all else."""

    def __init__(self, rows):
        self.rows = {(row["network"], row["planner"], row.get("strips")): row for row in rows}
        if len(self.rows) != len(rows):
            raise AssertionError("two rows are of one plan")

    def _find(self, network, planner, strips):
        return next(row for (name, by, switch), row in self.rows.items()
                    if (name, by) == (network, planner) and strips in (None, switch))

    def less(self, column, planner, networks, strips=None):
        """In percent, as a geometric mean."""
        return 100 * (1 - geometric_mean(float(self._find(network, planner, strips)[column]) /
                                         float(self._find(network, "baseline", None)[column]) for network in networks))

    def faster(self, planner, networks, strips=None):
        return 100 * (1 / (1 - self.less("time_s", planner, networks, strips) / 100) - 1)

    def utilisation(self, planner, networks, strips=None):
        return 100 * geometric_mean(float(self._find(network, planner, strips)["utilisation"]) for network in networks)


def percent(value, digits=1):
    return f"{value:.{digits}f} %"


class Evaluation(unittest.TestCase):
    def test_optimizers(self):
        rows = {(r["network"], r["optimizer"], r["planner"]): r for r in rows_of("optimizers")}
        table = table_with("AlexNet, sgd")
        self.assertEqual(len(table), 7)
        for first, *cells in table[1:]:
            network, optimizer = first.split(", ")
            base, mbs2, dp = (rows[NAMES[network], optimizer, name] for name in ("baseline", "mbs2", "dp"))
            total = [int(row["total_bytes"]) for row in (base, mbs2, dp)]
            spared = int(base["weight_gradient_bytes"]) - int(dp["weight_gradient_bytes"])
            expected = [*(f"{t / 1e9:.3f}" for t in total), f"{100 * (1 - total[2] / total[0]):.1f}",
                        f"{int(dp['optimizer_bytes']) / 1e9:.3f}", f"{spared / 1e9:.3f}",
                        f"{float(dp['time_s']) * 1e3:.2f}"]
            self.assertEqual(cells, expected, first)

    def test_beside_the_abstract(self):
        rows = [row for row in rows_of("planners", "ilp") if row["buffer_bytes"] == str(10 * MIB)]
        # the sweep of ilp over buffers has 10 MiB in no range of powers of two, so each plan is there once
        of = Savings(rows)
        networks = {**{name: [network] for name, network in list(NAMES.items())[:6]}, "geometric mean": SIX,
                    "without AlexNet": SIX[1:]}
        checked = 0
        for cells in table_with("the paper", "75 %"):
            if cells[0] not in networks:
                continue
            planners = ("mbs2", "dp", "ilp")
            expected = ([percent(of.less("total_bytes", planner, networks[cells[0]])) for planner in planners] +
                        [percent(of.faster(planner, networks[cells[0]])) for planner in planners] +
                        [percent(of.less("energy_j", planner, networks[cells[0]])) for planner in planners])
            self.assertEqual([cell or value for cell, value in zip(cells[1:], expected)], expected, cells[0])
            checked += 1
        self.assertEqual(checked, 8)
        for planner in ("dp-time", "dp-energy"):
            cells = next(row for row in table_with("dp-time") if row[0] == planner)
            self.assertEqual(cells[1:], [percent(of.less("total_bytes", planner, SIX)), percent(of.faster(planner, SIX)),
                                         percent(of.less("energy_j", planner, SIX))])

    def test_one_constant_changed(self):
        machines = {"as it is": WAVECORE, "norms pass": "norm-one-pass:dram-1", "16-bit weight": "half-accumulators:dram-1",
                    "half the vector": "half-vector:dram-1", "twice the vector": "double-vector:dram-1",
                    "no static": "no-static:dram-1", "twice the static": "double-static:dram-1",
                    "half the energy": "half-mac:dram-1", "DRAM sustains": "measured-dram"}
        table = table_with("as it is")[1:]
        self.assertEqual(len(table), len(machines))
        for cells in table:
            machine = next(name for start, name in machines.items() if cells[0].startswith(start))
            of = Savings([row for row in rows_of("sensitivity") if row["hardware"] == machine])
            expected = []
            for planner in ("mbs2", "dp"):
                expected += [percent(of.less("total_bytes", planner, SIX)), percent(of.faster(planner, SIX)),
                             percent(of.less("energy_j", planner, SIX))]
            self.assertEqual([cell or value for cell, value in zip(cells[1:], expected)], expected, cells[0])

    def test_strips(self):
        parts = {"training": "strips", "training, batch norms kept": "strips-batch-norm",
                 "inference, N = 1": "strips-inference"}
        table = table_with("training", "512 KiB")
        part = ""
        for cells in table[-9:]:
            part = cells[0] or part
            size = str({"512 KiB": MIB // 2, "1 MiB": MIB, "2 MiB": 2 * MIB}[cells[1]])
            of = Savings([row for row in rows_of(parts[part]) if row["buffer_bytes"] == size])
            forms = (("dp", "off"), ("dp", "on"), ("dp-time", "on"))
            expected = ([percent(of.less("total_bytes", name, SIX, strips)) for name, strips in forms] +
                        [percent(of.faster(name, SIX, strips)) for name, strips in forms] +
                        [percent(of.utilisation(name, SIX, strips), 0) for name, strips in forms])
            self.assertEqual(cells[2:], expected, cells[:2])

    def test_recomputing(self):
        table = table_with("", "none", "activations")
        policies = [cell.replace(", ", ":").replace(" %", "") for cell in table[0][1:]]
        rows = {(row["network"], row["recompute"]): row for row in rows_of("recompute")}
        for cells in table[1:]:
            for policy, cell in zip(policies, cells[1:]):
                row = rows[NAMES[cells[0]], policy]
                total, _, more = cell.partition(" ")
                self.assertEqual(total, f"{float(row['total_bytes']) / 1e9:.3f}", (cells[0], policy))
                if more:
                    self.assertAlmostEqual(float(more.strip("( %)")), float(row["extra_macs_percent"]), delta=0.0501)

    def test_below_mbs2(self):
        table = table_with("", "", "mbs2", "no more arithmetic")
        total = {(row["network"], row["buffer_bytes"], row["recompute"]): int(row["total_bytes"])
                 for row in rows_of("below-mbs2")}
        size, ratios = 0, []
        for cells in table[1:]:
            size = int(cells[0].removesuffix(" MiB")) if cells[0] else size
            if cells[1] == "geometric mean":
                self.assertEqual(cells[3:], [f"−{100 * (1 - geometric_mean(of)):.1f} %" for of in zip(*ratios)], size)
                ratios = []
                continue
            at = NAMES[cells[1]], str(size * MIB)
            base = total[(*at, "none")]
            found = [min(total[(*at, f"auto:{limit}")] for limit in (0, 10, 25)[:count]) for count in (1, 2, 3)]
            ratios.append([bytes_ / base for bytes_ in found])
            self.assertEqual(cells[2:], [f"{base / 1e9:.3f}", *(
                f"{bytes_ / 1e9:.3f} (−{100 * (1 - bytes_ / base):.1f} %)" for bytes_ in found)], at)
        self.assertEqual(len(table), 1 + 3 * 7)

    def test_recomputing_by_memory(self):
        table = table_with("", "HBM2", "LPDDR4")
        machines = [f"{name}:dram-1" for name in ("wavecore", "wavecore-lpddr4", "lpddr4-2", "lpddr4-4", "lpddr4-8")]
        rows = {(row["network"], row["planner"], row["hardware"], row["recompute"]): row
                for row in rows_of("recompute-memories")}
        for cells in table[1:]:
            network, planner = cells[0].split(", ")
            for machine, cell in zip(machines, cells[1:]):
                expected = " → ".join(f"{1e3 * float(rows[NAMES[network], planner, machine, policy]['time_s']):.1f}"
                                      for policy in ("none", "auto:10"))
                self.assertEqual(cell, expected, (cells[0], machine))

    def test_what_works_at_the_same_time(self):
        """Against the baseline of a machine with the same overlap."""
        rows = rows_of("overlap")
        self.assertEqual(len(rows), 6 * 3 * 4)
        table = table_with("none", "mbs2")
        self.assertEqual(len(table), 11)
        for overlap, planner, *cells in table[1:-1]:
            found = Savings([{**row, "strips": None} for row in rows if row["overlap"] == overlap])
            simulated = Savings([{**row, "time_s": row["simulated_s"], "strips": None} for row in rows
                                 if row["overlap"] == overlap])
            expected = [found.less("total_bytes", planner, SIX), found.faster(planner, SIX),
                        simulated.faster(planner, SIX), found.less("energy_j", planner, SIX)]
            self.assertEqual(cells, [percent(value) for value in expected], (planner, overlap))

    def test_simulations_of_overlap(self):
        rows = rows_of("overlap-simulation")
        networks = {row["network"] for row in rows}
        self.assertEqual(len(rows), len(networks) * 2 * 3)
        table = table_with("dp-time, `group`", "1 MiB")
        self.assertEqual(len(table), 7)
        for name, buffer, *cells in table[1:]:
            size = str({"1 MiB": MIB, "10 MiB": 10 * MIB}[buffer])
            found = [row for row in rows if (row["planner"] + ", `group`", row["buffer_bytes"]) == (name, size)]
            self.assertEqual(len(found), len(networks))
            above = [100 * (float(row["simulated_s"]) / float(row["time_s"]) - 1) for row in found]
            both = [100 * float(row["both_s"]) / float(row["simulated_s"]) for row in found]
            self.assertEqual(cells, [f"{min(above):+.1f} to {max(above):+.1f} %".replace("-", "−"),
                                     f"{min(both):.0f} to {max(both):.0f} %"], (name, buffer))

    def test_simulations(self):
        """Least and most of what is simulated above the estimate; with slices it is near everywhere."""
        rows = rows_of("simulation")
        networks = {row["network"] for row in rows}
        self.assertEqual(len(rows), len(networks) * 2 * 3 * 3)

        def above(row):
            return 100 * (float(row["time_s"]) / float(row["estimate_s"]) - 1)
        table = table_with("mbs2", "1 MiB")
        self.assertEqual(len(table), 7)
        for cells in table[1:]:
            size = str({"1 MiB": MIB, "10 MiB": 10 * MIB}[cells[1]])
            expected = []
            for machine in ("slices", "whole", "nothing-ahead"):
                found = [above(row) for row in rows if
                         (row["planner"], row["buffer_bytes"], row["machine"]) == (cells[0], size, machine)]
                self.assertEqual(len(found), len(networks))
                expected.append(f"{min(found):+.1f} to {max(found):+.1f} %".replace("-", "−"))
            self.assertEqual(cells[2:], expected, cells[:2])
        self.assertLess(max(abs(above(row)) for row in rows if row["machine"] == "slices"), 3)

    def test_beside_monet(self):
        baseline, dp, *within = rows_of("dram")
        table = table_with("6.00 GB, 39.8 %")[1:]
        self.assertEqual(len(table), len(within))
        whole, plain_s, base_s = int(dp["dram_peak_bytes"]), float(dp["time_s"]), float(baseline["time_s"])
        for cells, row in zip(table, within):
            gigabytes = float(cells[0].split()[0])
            peak, time_s = int(row["dram_peak_bytes"]), float(row["time_s"])
            self.assertLessEqual(peak, whole * gigabytes / 15.06)
            self.assertEqual(row["recompute"], f"auto:dram={whole * round(100 * gigabytes) // 1506}")
            self.assertEqual(cells[0].split(", ")[1], percent(100 * gigabytes / 15.06))
            self.assertEqual(cells[2:], [f"{peak / 1e9:.3f} GB, {percent(100 * peak / whole)}",
                                         percent(float(row["extra_macs_percent"])), percent(100 * (time_s / plain_s - 1)),
                                         percent(100 * (1 - time_s / base_s)), f"{int(row['total_bytes']) / 1e9:.3f}"])

    def test_beside_crane(self):
        total = {(row["network"], row["planner"], row["recompute"]): int(row["total_bytes"]) for row in rows_of("crane")}
        forms = (("mbs2", "none"), ("dp", "none"), ("dp", "auto:10"))
        table = table_with("", "mbs2", "dp", "times less")[1:]
        ratios = []
        for cells in table[:-1]:
            greedy, plain, again = (total[NAMES[cells[0]], *form] for form in forms)
            ratios.append((greedy / plain, greedy / again))
            self.assertEqual(cells[1:], [f"{greedy / 1e9:.3f}", f"{plain / 1e9:.3f}", f"{greedy / plain:.2f}",
                                         f"{again / 1e9:.3f}", f"{greedy / again:.2f}"])
        self.assertEqual(len(ratios), 4)
        plain, again = map(geometric_mean, zip(*ratios))
        self.assertEqual(table[-1][1:], ["", "", f"{plain:.2f}", "", f"{again:.2f}"])

    def test_beside_soma(self):
        total = {(row["batch"], row["buffer_bytes"], row["planner"], row["strips"]): int(row["total_bytes"])
                 for row in rows_of("soma")}
        forms = (("dp", "on"), ("dp", "off"), ("dp-in-place", "on"))
        table = table_with("batch", "buffer", "SoMa")[1:]
        self.assertEqual(len(table), 3)
        for batch, buffer, _, *ours in table:
            size = str(int(buffer.split()[0]) * MIB)
            self.assertEqual(ours, [f"{total[batch, size, *form] / 1e6:.2f}" for form in forms])

    def test_measured_dram(self):
        """What DRAMsim3 said is committed in the machines' files, and is of groups that plans have."""
        machines = {"HBM2": "wavecore", "GDDR5": "wavecore-gddr5", "LPDDR4": "wavecore-lpddr4"}
        rows = table_with("memory", "DRAMsim3's file")[1:]
        self.assertEqual([row[0] for row in rows], list(machines))
        for memory, _, _, alternating in rows:
            file = json.loads((ROOT / "models/hardware" / f"{machines[memory]}.json").read_text(encoding="utf-8"))
            self.assertEqual(alternating, f"{file['memory']['measured_dram_efficiency']:.2f}", memory)
        measured, plain = (Savings([row for row in rows_of("sensitivity") if row["hardware"] == machine])
                           for machine in ("measured-dram", WAVECORE))
        figures = [f"{number:.1f}" for number in (
            measured.faster("mbs2", SIX), measured.less("energy_j", "mbs2", SIX), plain.faster("mbs2", SIX),
            plain.less("energy_j", "mbs2", SIX), measured.faster("dp", SIX))]
        self.assertEqual(list(re.search(r"mbs2 is then ([\d.]+) % faster than the baseline and takes ([\d.]+) % less energy, "
                                        r"in place of ([\d.]+) % and ([\d.]+) %; dp is ([\d.]+) % faster", prose()).groups()),
                         figures)
        names = {"ResNet-50": "resnet50", "MobileNet-v2": "mobilenet_v2", "DenseNet-121": "densenet121"}
        plans = {name: planned(network)["groups"] for name, network in names.items()}
        rows = [row for row in table_with("", "group", "steps") if row[0] in names]
        self.assertEqual(len(rows), 12)
        for network, group, steps, *_ in rows:
            found = plans[network][int(group) - 1]
            less = {"9": 2, "11": 2, "25": 1}.get(group, 0) if network == "ResNet-50" else 0  # as is said there
            self.assertEqual(steps, f"{found['first'] + less} to {found['last']}", (network, group))

    def test_attention(self):
        """In strips and without, as it is planned today."""
        for phase, *cells in table_with("inference", "10.302")[2:]:
            options = ["--buffer=1MiB"] + ["--inference", "--no-fold"] * (phase == "inference")
            whole, strips = (planned("vit_b_16", *options, *more)["traffic_bytes"]["total"]
                             for more in (["--no-strips"], []))
            self.assertEqual([cells[0], cells[2], cells[4]], [f"{whole / 1e9:.3f}", f"{strips / 1e9:.3f}",
                                                              percent(100 * (1 - strips / whole))], phase)
        one = "vit_b_16", "--buffer=1MiB", "--inference", "--no-fold", "--batch=1"
        whole, strips = (planned(*one, *more)["traffic_bytes"]["total"] for more in (["--no-strips"], []))
        self.assertIn(f"For one sample inference moves {strips / 1e6:.0f} MB in place of {whole / 1e6:.0f}.", prose())

    def test_more_than_necessary(self):
        total = {(row["network"], row["planner"]): int(row["total_bytes"]) for row in rows_of("planners")}
        text = (ROOT / "docs/evaluation.md").read_text(encoding="utf-8")
        for planner in ("mbs2", "dp"):
            more = geometric_mean(total[network, "baseline"] / total[network, planner] for network in SIX)
            self.assertRegex(text, rf"\b{more:.2f} times what {planner} does")


if __name__ == "__main__":
    unittest.main()
