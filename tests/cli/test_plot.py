"""scripts/plot.py: what it draws, and what it says about files it cannot draw."""

import collections
import os
import re
import struct
import subprocess
import sys
import unittest
import xml.etree.ElementTree
import zlib

from harness import ALEXNET, BAD_INPUT, OK, RESNET50, ROOT, SYSTEM, USAGE, CliTest, environment

sys.path.insert(0, str(ROOT / "scripts"))
import plot_data  # noqa: E402  (found by the line above)

PLOT = ROOT / "scripts" / "plot.py"
HEADER = ("index,network,phase,batch_norm,buffer_bytes,batch,hardware,planner,outcome,activation_read_bytes,"
          "activation_write_bytes,weight_read_bytes,weight_gradient_bytes,total_bytes,bound_bytes,groups,time_s,"
          "energy_j,utilisation,compute_bound\n")
ROW = "0,net,training,replace,10485760,32,wavecore,dp,optimal,1,2,3,4,3000000000,,23,0.07,2.1,0.77,0.9\n"
KINDS = ("traffic", "time", "energy", "utilisation", "buffers", "memories")


def has_matplotlib():
    return any(subprocess.run([python, "-c", "import matplotlib"], capture_output=True, check=False).returncode == 0
               for python in (sys.executable, "/usr/bin/python3") if os.access(python, os.X_OK))


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
            "rows.csv:3: 19 fields where the header has 20": HEADER + ROW + short + "\n",
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
            "not an mbsopt-plan/1 file": "[]",
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
        for network, planner in ((ALEXNET, "dp"), (RESNET50, "mbs2"), (RESNET50, "dp"), (RESNET50, "il"),
                                 (RESNET50, "baseline")):
            with self.subTest(network=network, planner=planner):
                path = self.folder / "plan.json"
                self.succeed("plan", network, "--planner", planner, "--format", "json", "-o", path)
                figures = plot_data.read_plan(path)
                for group in figures.groups:
                    self.assertEqual(figures.peak(group), group["peak_bytes"], group)


@unittest.skipUnless(has_matplotlib(), "matplotlib is not installed: apt-get install python3-matplotlib")
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

    def test_compare(self):
        path = self.folder / "compare.csv"
        self.succeed("compare", ALEXNET, RESNET50, "--batch", "8", "--planners", "baseline,dp", "--format", "csv",
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
        self.succeed("plan", ALEXNET, "--inference", "--format", "json", "-o", path)
        self.assertEqual(self.plot("plan", path, "--formats", "png").returncode, OK)


if __name__ == "__main__":
    unittest.main()
