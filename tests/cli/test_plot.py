"""scripts/plot.py: what it draws, and what it says about files it cannot draw."""

import collections
import csv
import os
import re
import struct
import subprocess
import sys
import unittest
import xml.etree.ElementTree
import zlib

from harness import ALEXNET, BAD_INPUT, NETWORKS, OK, RESNET50, ROOT, SYSTEM, USAGE, CliTest, environment

sys.path.insert(0, str(ROOT / "scripts"))
import plot_data  # noqa: E402  (found by the line above)

PLOT = ROOT / "scripts" / "plot.py"
HEADER = ("index,network,phase,batch_norm,buffer_bytes,batch,hardware,planner,recompute,strips,outcome,"
          "activation_read_bytes,"
          "activation_write_bytes,weight_read_bytes,weight_gradient_bytes,total_bytes,bound_bytes,groups,time_s,"
          "energy_j,utilisation,compute_bound,dram_j,buffer_j,mac_j,vector_j,static_j,"
          "extra_macs_percent\n")
ROW = ("0,net,training,replace,10485760,32,wavecore,dp,none,on,optimal,1,2,3,4,3000000000,,23,0.07,2.1,0.77,0.9,"
       "0.1,0.2,0.8,0,1,0\n")
KINDS = ("traffic", "time", "energy", "utilisation", "buffers", "memories", "recompute", "recompute-memories")


PYTHONS = [path for path in (sys.executable, "/usr/bin/python3") if os.access(path, os.X_OK)]


def imports_matplotlib(python):
    return subprocess.run([python, "-c", "import matplotlib"], capture_output=True, check=False).returncode == 0


def png_pixels(content):
    """Width, height and how often each palette entry occurs (not unfiltered: enough to tell a picture from none)."""
    width, height = struct.unpack(">II", content[16:24])
    data, at = b"", 8
    while at < len(content):
        length, kind = struct.unpack(">I4s", content[at:at + 8])
        data += content[at + 8:at + 8 + length] if kind == b"IDAT" else b""
        at += length + 12
    return width, height, collections.Counter(zlib.decompress(data))


class PlotTest(CliTest):
    def plot(self, *arguments, **changes):
        return subprocess.run([sys.executable, str(PLOT), *map(str, arguments)], capture_output=True, text=True,
                              check=False, cwd=self.folder, env=environment(**changes))

    def one_line(self, status, says, *arguments, **changes):
        """Refused with a status and one line, and nothing is written."""
        before = sorted(os.listdir(self.folder))
        result = self.plot(*arguments, **changes)
        self.assertEqual(result.returncode, status, result.stderr)
        self.assertRegex(result.stderr, r"\Aplot\.py: [^\n]+\n\Z")
        self.assertIn(says, result.stderr)
        self.assertEqual(sorted(os.listdir(self.folder)), before)


class WithoutMatplotlib(PlotTest):
    def test_says_what_to_install(self):
        self.file("matplotlib.py", "raise ImportError('no')")
        rows = self.file("rows.csv", HEADER + ROW)
        self.assertEqual(self.plot("table", rows, PYTHONPATH=str(self.folder)).returncode, OK)
        self.one_line(SYSTEM, "apt-get install -y python3-matplotlib", "traffic", rows, PYTHONPATH=str(self.folder))

    def test_broken_rows(self):
        short = ROW.rsplit(",", 1)[0]
        cases = {
            "empty": "",
            ": empty": " \n\n",
            "a header and no rows": HEADER,
            "no row has a plan": HEADER + ROW.replace("optimal", "none"),
            "no column total_bytes": HEADER.replace("total_bytes,", "") + ROW,
            "rows.csv:3: 27 fields where the header has 28": HEADER + ROW + short + "\n",
            "rows.csv:2: column total_bytes: 'much' is not a number": HEADER + ROW.replace("3000000000", "much"),
            "total_bytes: '' is not a number": HEADER + ROW.replace("3000000000", ""),
            "total_bytes: nan is not": HEADER + ROW.replace("3000000000", "nan"),
            "total_bytes: -1 is not": HEADER + ROW.replace("3000000000", "-1"),
            "not CSV": HEADER + '"' + ROW,
            "UTF-8": None,
        }
        path = self.folder / "rows.csv"
        for says, text in cases.items():
            with self.subTest(says):
                path.write_bytes(b"\xff\xfe" if text is None else text.encode())
                self.one_line(BAD_INPUT, says, "traffic", path)
        path.write_text(HEADER + ROW + short)
        self.one_line(BAD_INPUT, "(a line cut off?)", "traffic", path)
        path.write_text(HEADER.replace("recompute,", "") + ROW.replace("none,", ""))
        for kind in ("recompute", "recompute-memories"):
            self.one_line(BAD_INPUT, "no column recompute", kind, path)
        path.write_text(HEADER + ROW[:-1])
        self.assertIn("the last line has no end", self.plot("table", path).stderr)
        path.write_text(HEADER + ROW)
        self.one_line(BAD_INPUT, "no such column", "traffic", path, "--where", "colour=red")
        self.one_line(BAD_INPUT, "no row meets", "traffic", path, "--where", "planner=il")
        self.one_line(BAD_INPUT, "No such file", "traffic", self.folder / "none.csv")
        self.assert_files("rows.csv")

    def test_broken_plans(self):
        path = self.folder / "plan.json"
        self.succeed("plan", ALEXNET, "--format", "json", "-o", path)
        whole = path.read_text()
        cases = {
            "not JSON": whole[:-20],
            "not a file of mbsopt-plan/1 or mbsopt-plan/2": "[]",
            "no member batch": whole.replace('"batch"', '"x_batch"'),
            "groups is missing or empty": whole.replace('"groups"', '"x_groups"'),
            "steps[0] has no reads": whole.replace('"reads"', '"x_reads"', 1),
            "does not fit together": whole.replace('"reads": [', '"reads": [999999, ', 1),
            "what it holds": whole.replace('"sub_batch": ', '"sub_batch": -', 1),
        }
        for says, text in cases.items():
            with self.subTest(says):
                self.assertNotEqual(text, whole)
                path.write_text(text)
                self.one_line(BAD_INPUT, says, "plan", path)

    def test_usage(self):
        for arguments in ((), ("traffic",), ("pie", "x.csv"), ("traffic", "x.csv", "--formats", "gif"),
                          ("plan", "a", "b"), ("traffic", "x.csv", "--where", "x")):
            self.assertEqual(self.plot(*arguments).returncode, USAGE, arguments)
        self.assertIn("memories", self.plot("--help").stdout)

    def test_footprints_are_the_model_s(self):
        """The lower half of a plan's picture, against the peaks that the program itself counts."""
        vit = str(NETWORKS / "vit_b_16.json") # matrix products of activations
        for network, planner, *more in ((ALEXNET, "dp"), (RESNET50, "mbs2"), (RESNET50, "dp"), (RESNET50, "il"),
                                        (RESNET50, "baseline"), (vit, "dp"), (vit, "dp", "--buffer", "1MiB"),
                                        (RESNET50, "dp", "--buffer", "1MiB"),
                                        (RESNET50, "dp", "--buffer", "512KiB", "--no-stream")):
            with self.subTest(network=network, planner=planner, more=more):
                path = self.folder / "plan.json"
                self.succeed("plan", network, "--planner", planner, *more, "--format", "json", "-o", path)
                figures = plot_data.read_plan(path)
                for group in figures.groups:
                    self.assertEqual(figures.peak(group), group["peak_bytes"], group)


@unittest.skipUnless(any(map(imports_matplotlib, PYTHONS)), "matplotlib: apt-get install python3-matplotlib")
class Figures(PlotTest):
    def assert_drawn(self, name, least_shapes):
        content = (self.folder / f"{name}.png").read_bytes()
        width, height, pixels = png_pixels(content)
        self.assertGreater(width, 500)
        self.assertGreater(height, 250)
        self.assertGreater(len(pixels), 20)
        self.assertLess(len(content), 150_000)
        text = (self.folder / f"{name}.svg").read_text(encoding="utf-8")
        drawing = xml.etree.ElementTree.fromstring(text)
        self.assertGreaterEqual(len(list(drawing.iter("{http://www.w3.org/2000/svg}path"))), least_shapes)
        self.assertNotRegex(text, r"nan|inf\b|<dc:date>")

    def test_one_row(self):
        rows = self.file("rows.csv", HEADER + ROW)
        for kind in KINDS:
            with self.subTest(kind):
                result = self.plot(kind, rows)
                self.assertEqual((result.returncode, result.stderr), (OK, ""))
                self.assert_drawn(kind, 20)

    def test_sweep(self):
        path = self.folder / "sweep.csv"
        self.succeed("sweep", ALEXNET, RESNET50, "--batch", "8", "--planner", "baseline,archopt,mbs1,mbs2,dp",
                     "--buffer", "2MiB,10MiB", "-o", path)
        self.one_line(BAD_INPUT, "several buffer_bytes (2097152, 10485760); choose one", "traffic", path)
        for kind in KINDS:
            where = [] if kind == "buffers" else ["--where", "buffer_bytes=10485760"]
            if kind == "recompute":
                where += ["--where", "planner=dp"]
            for name in ("first", "second"):
                result = self.plot(kind, path, *where, "-o", name, "--label", "alexnet=AlexNet")
                self.assertEqual((result.returncode, result.stderr), (OK, ""), kind)
            self.assert_drawn("first", 60)
            for suffix in ("svg", "png"):
                self.assertEqual((self.folder / f"first.{suffix}").read_bytes(),
                                 (self.folder / f"second.{suffix}").read_bytes(), kind)
        table = self.plot("table", path, "--where", "buffer_bytes=10485760").stdout
        self.assertRegex(table, r"\| alexnet \|( -?\d+\.\d % \|){4}\n\| resnet50 \|( -?\d+\.\d % \|){4}\n"
                                r"\| \*\*geometric mean\*\* \|")
        means = self.plot("means", path, "--where", "buffer_bytes=2097152").stdout
        self.assertEqual(len(re.findall(r"^\| wavecore \|", means, re.MULTILINE)), 1)

    def test_recompute(self):
        """Plans that recompute have bars and curves of their own, each limit too, in their planner's colours."""
        again = [ROW.replace(",none,", f",auto:{percent},").replace("1,0\n", f"1,{percent}\n") for percent in (5, 10)]
        both = self.file("both.csv", HEADER + ROW + "".join(again))
        one = self.file("one.csv", HEADER + ROW + again[0])
        for kind in ("recompute", "recompute-memories"):
            shapes = []
            for path in (one, both):
                result = self.plot(kind, path, "-o", "x")
                self.assertEqual((result.returncode, result.stderr), (OK, ""))
                svg = (self.folder / "x.svg").read_text(encoding="utf-8")
                shapes.append(svg.count("<use ") if kind == "recompute" else svg.count('id="patch_'))
                self.assertIn("#d9711a" if kind == "recompute" else "#f5a65b", svg)
            self.assertGreater(shapes[1], shapes[0], kind)
        two = self.file("two.csv", HEADER + ROW + ROW.replace(",dp,", ",mbs2,"))
        self.one_line(BAD_INPUT, "several planners (mbs2, dp)", "recompute", two)
        self.one_line(BAD_INPUT, "several recompute (auto:5, none)", "time", one)
        self.assertIn("| net | 3.000 (0.0 %) | 3.000 (5.0 %) | 3.000 (10.0 %) |\n",
                      self.plot("recompute-table", both).stdout)
        self.assertRegex(self.plot("recompute-memories-table", one).stdout,
                         r"\| ms \| wavecore \|\n.*\n\| net, dp, none \| 70.0 \|\n\| net, dp, auto, 5 % \| 70.0 \|\n")

    def test_objectives(self):
        """No two planners look the same, in colour and in greyscale."""
        planners = [*plot_data.PLANNERS, "dp+auto:10", "dp+expand",
                    *(f"{name}+auto:10" for name in ("mbs2", "ilp", "dp-time", "dp-energy"))]
        program = ("import sys, plot_figures; print(*(f'{plot_figures.style(name)[0]} {plot_figures.style(name)[1]}' "
                   "for name in sys.argv[1:]), sep='\\n')")
        python = next(filter(imports_matplotlib, PYTHONS))
        text = subprocess.run([python, "-c", program, *planners], capture_output=True, text=True, check=True,
                              env=environment(PYTHONPATH=str(ROOT / "scripts"))).stdout
        seen = []
        for name, line in zip(planners, text.splitlines()):
            fill, hatch = line.split(" ")
            red, green, blue = (int(fill[at:at + 2], 16) for at in (1, 3, 5))
            grey = 0.299 * red + 0.587 * green + 0.114 * blue
            for other, grey_then, hatch_then in seen:
                self.assertTrue(hatch != hatch_then or abs(grey - grey_then) > 20, (name, other))
            seen.append((name, grey, hatch))
        self.assertEqual(len(seen), len(planners))

    def test_strips(self):
        """dp without strips is a curve of its own, and the table has both, as the rows do."""
        path = self.folder / "rows.csv"
        self.succeed("sweep", ALEXNET, RESNET50, "--planner=baseline,dp", "--strips=off,on", "--buffer=1MiB,2MiB",
                     "-o", path)
        rows = list(csv.DictReader(path.read_text().splitlines()))
        self.assertEqual(self.plot("buffers", path).returncode, OK)
        svg = (self.folder / "buffers.svg").read_text(encoding="utf-8")
        self.assertTrue("#b8860b" in svg and "#d9711a" in svg)
        lines = self.plot("strips-table", path).stdout.splitlines()
        self.assertEqual(len(lines), 2 + 2 * 3) # two networks and their mean, at two buffers
        baseline, without, dp = (int(row["total_bytes"]) for row in rows[6:9])
        self.assertTrue(lines[3].startswith(f"| 1 MiB, resnet50 | {100 * (1 - without / baseline):.1f} % → "
                                            f"{100 * (1 - dp / baseline):.1f} % |"), lines[3])
        self.assertTrue(lines[3].endswith(
            f" | {float(rows[7]['utilisation']):.2f} → {float(rows[8]['utilisation']):.2f} |"), lines[3])

    def test_compare(self):
        path = self.folder / "compare.csv"
        self.succeed("compare", ALEXNET, RESNET50, "--batch", "8", "--planner", "baseline,dp", "--format", "csv",
                     "-o", path)
        self.assertEqual(self.plot("time", path).returncode, OK)
        self.assert_drawn("time", 30)
        self.one_line(BAD_INPUT, "no column buffer_bytes", "buffers", path)
        self.one_line(SYSTEM, "No such file", "time", path, "-o", self.folder / "none" / "x")

    def test_plan(self):
        path = self.folder / "plan.json"
        for planner in ("baseline", "dp"):
            self.succeed("plan", ALEXNET, "--planner", planner, "--format", "json", "-o", path)
            result = self.plot("plan", path)
            self.assertEqual((result.returncode, result.stderr), (OK, ""))
            self.assert_drawn("plan", 60)
        self.succeed("plan", RESNET50, "--buffer=1MiB", "--format", "json", "-o", path)
        self.assertEqual(self.plot("plan", path).returncode, OK)
        self.assert_drawn("plan", 60)
        svg = (self.folder / "plan.svg").read_text(encoding="utf-8")
        self.assertIn("#a9d5cd", svg)
        self.succeed("plan", ALEXNET, "--inference", "--format", "json", "-o", path)
        self.assertEqual(self.plot("plan", path, "--formats", "png").returncode, OK)


class Reproduce(CliTest):
    def refuse_parts(self, says, *arguments):
        done = subprocess.run(["bash", ROOT / "scripts" / "reproduce.sh", *arguments], capture_output=True, text=True,
                              check=False, env=environment(MBSOPT="/bin/false"), cwd=self.folder)
        self.assertEqual((done.returncode, done.stdout, done.stderr.count("\n")), (1, "", 1), done.stderr)
        self.assertIn(says, done.stderr)

    def test_parts(self):
        """What cannot be drawn in the end is not begun."""
        self.refuse_parts("no part is called 'pies'; there are: planners ilp", "draw", "pies")
        self.refuse_parts("x/planners.csv is missing, so planners has to be swept too", "-o", "x", "draw")
        self.refuse_parts("x/ilp.csv is missing, so ilp has to be swept too", "-o", "x", "planners", "buffers")
        self.assert_files()



if __name__ == "__main__":
    unittest.main()
