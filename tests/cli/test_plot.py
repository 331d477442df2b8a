"""scripts/plot.py: what it draws, and what it says about files it cannot draw."""

import collections
import csv
import functools
import os
import pathlib
import re
import signal
import struct
import subprocess
import sys
import time
import unittest
import xml.etree.ElementTree
import zlib

from harness import (ALEXNET, BAD_INPUT, NETWORKS, OK, PROGRAM, RESNET50, ROOT, SYSTEM, USAGE, CliTest, conv, environment,
                     heed_interrupts, network)

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
KINDS = ("traffic", "time", "energy", "utilisation", "buffers", "buffers-time", "buffers-energy", "memories", "recompute", "recompute-memories")


PYTHONS = [path for path in (sys.executable, "/usr/bin/python3") if os.access(path, os.X_OK)]


@functools.cache
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

    def draw_all(self, calls):
        """Runs plot.py's main with each of the lists of words, in one process: loading matplotlib takes longest."""
        program = f"import sys, plot; sys.exit(max([plot.main(words) for words in {calls!r}]))"
        done = subprocess.run([next(filter(imports_matplotlib, PYTHONS)), "-c", program], capture_output=True, text=True,
                              check=False, cwd=self.folder,
                              env=environment(PYTHONPATH=str(ROOT / "scripts"), PYTHONDONTWRITEBYTECODE="1"))
        self.assertEqual((done.returncode, done.stderr), (OK, ""))

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
        layers = [conv("a", "image", out_channels=8)]
        for name in ("b", "c"):
            layers.append(conv(name, layers[-1]["name"], out_channels=8, shares="a"))
        shared = self.file("shared.json", network(layers, inputs=[{"name": "image", "shape": [8, 56, 56]}]))
        for path_of, planner, *more in ((ALEXNET, "dp"), (RESNET50, "mbs2"), (RESNET50, "dp"), (RESNET50, "il"),
                                        (RESNET50, "baseline"), (vit, "dp"), (vit, "dp", "--buffer", "1MiB"),
                                        (shared, "dp", "--buffer", "64KiB"), (shared, "mbs2", "--buffer", "256KiB"),
                                        (RESNET50, "dp", "--buffer", "1MiB"), (RESNET50, "dp", "--inference"),
                                        (RESNET50, "dp", "--buffer", "512KiB", "--no-stream")):
            with self.subTest(network=path_of, planner=planner, more=more):
                path = self.folder / "plan.json"
                self.succeed("plan", path_of, "--planner", planner, *more, "--format", "json", "-o", path)
                figures = plot_data.read_plan(path)
                traffic = figures.plan["traffic_bytes"]
                self.assertEqual(sum(figures.activations), traffic["activation_read"] + traffic["activation_write"])
                self.assertEqual(sum(figures.parameters), traffic["weight_read"] + traffic["weight_gradient"])
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
        self.draw_all([[kind, rows] for kind in KINDS])
        for kind in KINDS:
            with self.subTest(kind):
                self.assert_drawn(kind, 20)

    def test_sweep(self):
        path = self.folder / "sweep.csv"
        self.succeed("sweep", ALEXNET, RESNET50, "--batch", "8", "--planner", "baseline,archopt,mbs1,mbs2,dp",
                     "--buffer", "2MiB,10MiB", "-o", path)
        self.one_line(BAD_INPUT, "several buffer_bytes (2097152, 10485760); choose one", "traffic", path)
        words = {kind: [kind, str(path), "--label", "alexnet=AlexNet"] for kind in KINDS}
        for kind in KINDS:
            if not kind.startswith("buffers"):
                words[kind] += ["--where", "buffer_bytes=10485760"]
        words["recompute"] += ["--where", "planner=dp"]
        for run in ("first", "second"):
            self.draw_all([[*words[kind], "-o", f"{run}-{kind}"] for kind in KINDS])
        for kind in KINDS:
            self.assert_drawn(f"first-{kind}", 60)
            for suffix in ("svg", "png"):
                self.assertEqual((self.folder / f"first-{kind}.{suffix}").read_bytes(),
                                 (self.folder / f"second-{kind}.{suffix}").read_bytes(), kind)
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

    def test_below_mbs2(self):
        """Each limit's traffic, how far it is below mbs2's, and the mean of the networks."""
        header, row = HEADER.strip().split(","), ROW.strip().split(",")
        lines = [HEADER]
        for network, base, found in (("a", 4, 3), ("b", 9, 3)):
            for planner, recompute, total in (("mbs2", "none", base), ("dp-in-place-order", "auto:0", found)):
                given = {"network": network, "planner": planner, "recompute": recompute, "total_bytes": total * 10**9}
                lines.append(",".join(str(given.get(name, value)) for name, value in zip(header, row)) + "\n")
        size = f"{int(row[header.index('buffer_bytes')]) / 2**20:g} MiB"
        self.assertEqual(self.plot("below-table", self.file("rows.csv", "".join(lines))).stdout,
                         "| GB (less than mbs2) | mbs2 | auto, 0 % |\n|---|---:|---:|\n"
                         f"| {size}, a | 4.000 | 3.000 (25.0 %) |\n| {size}, b | 9.000 | 3.000 (66.7 %) |\n"
                         f"| **{size}, geometric mean** |  | **50.0 %** |\n")

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
            f" | {100 * float(rows[7]['utilisation']):.0f} % → {100 * float(rows[8]['utilisation']):.0f} % |"), lines[3])

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


@unittest.skipUnless(any(map(imports_matplotlib, PYTHONS)), "matplotlib is not installed")
class Command(PlotTest):
    """mbsopt plot, and plan --plot."""

    def test_plan_draws_too(self):
        for ending, magic in (("svg", b"<?xml"), ("png", b"\x89PNG"), ("PDF", b"%PDF")):
            path = self.folder / f"plan.{ending}"
            out = self.succeed("plan", ALEXNET, "--plot", path).out
            self.assertTrue(path.read_bytes().startswith(magic))
            self.assertEqual(out, self.succeed("plan", ALEXNET).out)
        self.assert_files("plan.svg", "plan.png", "plan.PDF")
        for name in ("plan", "plan.gif", "svg", ".svg"):
            self.refuse(USAGE, "plan", ALEXNET, "--plot", name, says="ends in .svg, .png or .pdf")
        self.refuse(USAGE, "plan", ALEXNET, "--plot=a.svg", "--export-model=a.lp", says="no --plot with it")

    def test_same_as_the_script(self):
        rows, plan = self.file("rows.csv", HEADER + ROW), str(self.folder / "plan.json")
        self.succeed("plan", ALEXNET, "-o", plan)
        for words in (["traffic", rows, "--label", "net=Net"], ["buffers-time", rows, "--size=column"],
                      ["plan", plan, "--size", "page"]):
            self.assertEqual(self.plot(*words, "-o", "script.svg").returncode, OK)
            self.succeed("plot", *words, "-o", self.folder / "command.svg")
            self.assertEqual((self.folder / "command.svg").read_bytes(), (self.folder / "script.svg").read_bytes())
        self.assertEqual(self.succeed("plot", "table", rows).out, self.plot("table", rows).stdout)
        text = (self.folder / "plan.json").read_text()
        for words, more in (([plan], {}), (["plan", "-"], {"given": text})):
            self.succeed("plot", *words, "-o", self.folder / "again.svg", "--size=page", **more)
            self.assertEqual((self.folder / "again.svg").read_bytes(), (self.folder / "command.svg").read_bytes())
        noted = self.run_program("plot", "time", rows, "--formats=png,pdf", cwd=self.folder)
        self.assertEqual((noted.status, noted.err), (OK, "note: drawn: time.png, time.pdf\n"))
        self.assertLess((self.folder / "time.pdf").stat().st_size, 50_000)

    def test_paper_sizes(self):
        """As wide as asked for, whatever is drawn, with nothing beside the picture."""
        rows = self.file("rows.csv", HEADER + "".join(
            ROW.replace("net,", f"network_{n},").replace(",dp,", f",{planner},")
            for n in range(6) for planner in ("baseline", "archopt", "il", "mbs-fs", "mbs1", "mbs2", "dp")))
        plan = str(self.folder / "plan.json")
        self.succeed("plan", RESNET50, "--buffer=1MiB", "-o", plan)
        calls = [[kind, plan if kind == "plan" else rows, f"--size={size}", f"--output={self.folder}/{kind}-{size}.svg",
                  *(["--where=planner=dp"] if kind == "recompute" else [])]
                 for kind in ("traffic", "buffers-time", "memories", "recompute", "plan") for size in ("column", "page")]
        self.draw_all(calls)
        for kind, *_, size, output in (call[:4] for call in calls):
            svg = pathlib.Path(output.partition("=")[2]).read_text(encoding="utf-8")
            points = 3.4 * 72 if size == "--size=column" else 7 * 72
            self.assertAlmostEqual(float(re.search(r'width="([\d.]+)pt"', svg)[1]), points, places=3, msg=kind)

    def test_refusals(self):
        rows = self.file("rows.csv", HEADER + ROW)
        self.refuse(USAGE, "plot", says="is missing")
        self.refuse(USAGE, "plot", "traffic", says="expected the FILE behind it")
        self.refuse(USAGE, "plot", "pie", rows, says="KIND 'pie': expected one of traffic, ")
        self.refuse(USAGE, "plot", "time", rows, "--where", "x", says="is not COLUMN=VALUE")
        self.refuse(USAGE, "plot", "time", rows, "-o", "a.svg", "--formats=png", says="a.svg has one already")
        self.refuse(BAD_INPUT, "plot", "time", "gone.csv", says="gone.csv: No such file")
        self.refuse(BAD_INPUT, "plot", rows + ".json", says="No such file")
        self.file("matplotlib.py", "raise ImportError('no')")
        without = environment(PYTHONPATH=str(self.folder), MBSOPT_PYTHON=sys.executable)
        gone = self.refuse(SYSTEM, "plot", "time", rows, env=without, says="apt-get install -y python3-matplotlib")
        self.assertEqual(gone.err.count("\n"), 1)
        after = self.run_program("plan", ALEXNET, "--plot", self.folder / "a.svg", env=without)
        self.assertEqual((after.status, after.out), (SYSTEM, self.succeed("plan", ALEXNET).out))
        self.assertRegex(after.err, r"\Ambsopt: matplotlib is missing[^\n]*\n\Z")
        self.refuse(SYSTEM, "plot", "time", rows, env=environment(MBSOPT_PYTHON="/nowhere/python3"),
                    says="cannot be started")
        self.assert_files("rows.csv", "matplotlib.py")

    def test_ends_with_the_program(self):
        """A signal ends what draws, which may tidy up."""
        stand_in, state = self.folder / "python", self.folder / "state"
        stand_in.write_text(f"#!/bin/sh\ntrap 'echo ended >{state}; exit 1' TERM\necho begun >{state}\n"
                            "while :; do sleep 0.05; done\n")
        stand_in.chmod(0o755)
        with subprocess.Popen([PROGRAM, "plot", "time", "x.csv"], env=environment(MBSOPT_PYTHON=str(stand_in)),
                              stdin=subprocess.DEVNULL, preexec_fn=heed_interrupts) as process:
            while not state.exists() or not state.read_text():
                time.sleep(0.01)
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.wait(), -signal.SIGINT)
        self.assertEqual(state.read_text(), "ended\n")


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
        self.refuse_parts("need a folder of their own", "--networks", "alexnet")
        self.refuse_parts("need a folder of their own", "--buffers", "1MiB")
        self.refuse_parts("-o needs a value", "-o")
        self.refuse_parts("unknown option --network", "--network", "alexnet")
        self.refuse_parts("x/ilp.csv is missing, so ilp has to be swept too", "-o", "x", "planners", "buffers")
        self.assert_files()

    def test_help(self):
        done = subprocess.run(["bash", ROOT / "scripts" / "reproduce.sh", "--help"], capture_output=True, text=True,
                              check=True, env=environment(MBSOPT="/bin/false"))
        self.assertLessEqual(max(map(len, done.stdout.splitlines())), 80)
        for word in ("--networks", "--buffers", "sensitivity", "MBSOPT"):
            self.assertIn(word, done.stdout)

    @unittest.skipUnless(any(map(imports_matplotlib, PYTHONS)), "matplotlib is not installed")
    def test_own_networks(self):
        """They are swept over one's own buffers, and what has rows is drawn."""
        mine = self.file("mine.json", network([conv("a", "image"), conv("b", "a")], name="mine"))
        subprocess.run(["bash", ROOT / "scripts" / "reproduce.sh", "-o", "results", "--networks", f"alexnet,{mine}",
                        "--batch", "4", "--buffers", "1MiB,2MiB", "--formats", "svg", "buffers"], capture_output=True,
                       check=True, env=environment(MBSOPT=PROGRAM), cwd=self.folder)
        self.assertEqual(sorted(os.listdir(self.folder / "results")),
                         ["buffers-energy.svg", "buffers-time.svg", "buffers.csv", "buffers.svg",
                          "plan-alexnet-dp.svg", "plan-mine-dp.svg", "tables.md"])
        rows = list(csv.DictReader((self.folder / "results" / "buffers.csv").read_text().splitlines()))
        self.assertEqual({(row["network"], row["buffer_bytes"], row["batch"]) for row in rows},
                         {(name, size, "4") for name in ("alexnet", "mine") for size in ("1048576", "2097152")})


if __name__ == "__main__":
    unittest.main()
