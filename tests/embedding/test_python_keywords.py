"""The Python module's keywords: those of the command line, all of them, and each does what it does there."""

import importlib.util
import inspect
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import unittest.mock
import warnings

ROOT = pathlib.Path(os.environ["MBS_SOURCE_DIR"])
sys.path.insert(0, str(ROOT / "python"))
import mbsopt  # noqa: E402  pylint: disable=wrong-import-position

NETWORKS = ROOT / "models" / "networks"
RESIDUAL = ROOT / "tests" / "fuzz" / "corpus" / "network" / "residual.json"
PYTHON = "/usr/bin/python3" if os.access("/usr/bin/python3", os.X_OK) else "python3"
HAVE_ONNX = subprocess.run([PYTHON, "-c", "import onnx"], capture_output=True, check=False).returncode == 0

# What the command line prints, and where to, is none of a function's.
PRINTING = {"output", "format", "color", "width", "wide", "verbose", "json-errors", "help", "plot", "list"}
# Of plan, functions of their own; of sweep, what it writes into files.
ELSEWHERE = {"plan": {"export", "export-model"}, "sweep": {"shard", "dry-run", "resume", "force"}}
# What functions have besides.
BESIDES = {"progress", "note"}
OF_COMPARE = {"threads"}


def run(*arguments):
    return subprocess.run([os.environ["MBSOPT"], *map(str, arguments)], capture_output=True, text=True, check=False)


def tool(*arguments):
    done = run(*arguments)
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    return done.stdout


def as_options(words):
    """Keywords as options."""
    options = []
    for name, value in words.items():
        option = "--" + name.replace("_", "-")
        values = [",".join(map(str, value))] if isinstance(value, list) else [value]
        options += [option] if value is True else [f"{option}={item}" for item in values]
    return options


class Keywords(unittest.TestCase):
    def keywords(self, function):
        return {name for name, parameter in inspect.signature(getattr(mbsopt, function)).parameters.items()
                if parameter.kind == parameter.KEYWORD_ONLY}

    def test_all_options(self):
        """No option of a command is missing, and there is none that it has not."""
        for command in ("plan", "sweep", "compare", "tradeoff", "show", "export", "simulate"):
            options = set(re.findall(r"^ +(?:-\w, )?--([a-z-]+)", tool("help", command), re.M))
            self.assertIn("hardware", options)
            options -= PRINTING | ELSEWHERE.get(command, set())
            keywords = self.keywords(command) - BESIDES - (OF_COMPARE if command == "compare" else set())
            if command in ("export", "simulate"):  # of a network, those of plan too
                keywords |= {name for name in self.keywords("plan") if name.replace("_", "-") in options}
            self.assertEqual({name.replace("_", "-") for name in keywords}, options, command)

    def test_plan(self):
        """Each gives the plan that the option gives, to the byte."""
        for words in ({"cycle_model": "scalesim"}, {"dram_efficiency": 0.5}, {"dram_efficiency": 1},
                      {"dram_efficiency": "measured"}, {"hardware": "gddr5", "dram_efficiency": "measured"},
                      {"overlap": "group"},
                      {"cycle_model": "scalesim", "dram_efficiency": 0.123456789}, {"weight": 0.5},
                      {"objective": "energy"}, {"max_slowdown": 10}, {"optimizer": "adam"}, {"batch_norm": "keep"},
                      {"planner": "ilp", "gap": 1.5}, {"planner": "ilp", "work_limit": 2}, {"in_place": True},
                      {"order": "search"},
                      {"recompute": "auto", "effort": 30}, {"recompute": "auto", "fuse": True, "planner": "ilp"},
                      {"recompute": "auto", "max_recompute": 5}, {"cores": 4, "optimizer": "sgd"}, {"no_pin": True},
                      {"no_stream": True}, {"no_strips": True}, {"inference": True}, {"hardware": "lpddr4"}):
            words = {"planner": "dp", "buffer": "8KiB", "batch": 3, **words}
            text = tool("plan", RESIDUAL, *as_options(words), "--format=json")
            self.assertEqual(mbsopt.plan(RESIDUAL, **words).json, text, words)

    def test_cores(self):
        plan = mbsopt.plan(RESIDUAL, planner="dp", buffer="8KiB", cores=2)
        self.assertEqual(plan.chip.apart.total, 2 * plan.traffic.total)
        self.assertLess(plan.chip.shared.total, plan.chip.apart.total)
        self.assertEqual(plan.to_dict()["chip"]["cores"], 2)
        for cores in (0, 1000001, 2**70):
            with self.assertRaisesRegex(mbsopt.Error, "^cores is "):
                mbsopt.plan(RESIDUAL, planner="dp", cores=cores)

    def test_sweep(self):
        """Rows of what limits DRAM and of other machines."""
        def as_written(row):
            return {name: float(f"{value:.12g}") if isinstance(value, float) else value for name, value in row.items()}

        peak = mbsopt.plan(RESIDUAL, planner="dp", buffer=8192).dram_peak.bytes
        for words in ({"max_dram": peak, "planner": ["baseline", "dp"]},
                      {"max_dram": peak, "planner": "dp", "max_recompute": 12.345678},
                      {"recompute": "auto", "max_recompute": 12.345678},
                      {"order": "search", "in_place": True, "planner": ["mbs2", "dp"]},
                      {"cycle_model": "scalesim", "dram_efficiency": "measured", "overlap": "none",
                       "hardware": ["wavecore", "lpddr4"]}):
            lines = tool("sweep", RESIDUAL, "--buffer=8KiB", *as_options(words), "--format=jsonl").splitlines()
            self.assertEqual([as_written(row) for row in mbsopt.sweep(RESIDUAL, buffer="8KiB", **words).rows],
                             [json.loads(line) for line in lines], words)

    def test_export_and_simulate(self):
        """On the machine that is asked for, of a network as of its plan."""
        words = {"cycle_model": "scalesim", "dram_efficiency": 0.5, "overlap": "none"}
        plan = mbsopt.plan("alexnet", planner="dp", **words)
        found = mbsopt.simulate(plan, **words)
        self.assertEqual(found, mbsopt.simulate("alexnet", planner="dp", **words))
        self.assertAlmostEqual(found.estimate_s / plan.time_s, 1, places=10)
        figures = json.loads(tool("simulate", "alexnet", "--planner=dp", *as_options(words), "--slice=whole",
                                  "--format=json"))
        whole = mbsopt.simulate(plan, slice="whole", **words)
        self.assertAlmostEqual(whole.time_s / figures["total"]["time_s"], 1, places=10)
        self.assertEqual(mbsopt.simulate(plan, slice="64KiB", **words), mbsopt.simulate(plan, slice=65536, **words))
        with tempfile.TemporaryDirectory() as folder:
            ours, theirs = (pathlib.Path(folder) / name for name in ("a", "b"))
            mbsopt.export("alexnet", "perfetto", ours, planner="dp", **words)
            tool("export", "alexnet", "--format=perfetto", "-o", theirs, "--planner=dp", *as_options(words))
            self.assertEqual(ours.read_bytes(), theirs.read_bytes())

    def test_show(self):
        for words in ({"optimizer": "adam"}, {"inference": True, "batch": 5, "buffer": "2MiB"}, {"batch_norm": "keep"}):
            self.assertEqual(str(mbsopt.show("alexnet", **words)).split(),
                             tool("show", "alexnet", "--wide", *as_options(words)).split())
        for says, call in (("^batch is of networks", lambda: mbsopt.show("lpddr4", batch=3)),
                           ("^hardware is of networks", lambda: mbsopt.show("lpddr4", hardware="lpddr4"))):
            with self.assertRaisesRegex(TypeError, says):
                call()

    def test_what_a_planner_does_not_heed(self):
        """It is refused, as the command line refuses it, not passed over."""
        for words in ({"planner": "mbs2", "objective": "time"}, {"planner": "ilp", "weight": 1},
                      {"planner": "mbs2", "in_place": True}, {"planner": "mbs2", "order": "search"},
                      {"planner": "mbs2", "max_slowdown": 3},
                      {"recompute": "activations", "max_recompute": 3}, {"max_recompute": 3}, {"effort": 3}, {"no_fold": True},
                      {"max_dram": 0}):
            with self.assertRaisesRegex(mbsopt.Error, list(words)[-1]):
                mbsopt.plan(RESIDUAL, **words)
            self.assertNotEqual(run("plan", RESIDUAL, *as_options(words)).returncode, 0, words)
        for function in (mbsopt.sweep, mbsopt.compare, mbsopt.tradeoff):
            for name in ("max_recompute", "effort"):
                with self.assertRaisesRegex(mbsopt.Error, f"^{name} is of recompute 'auto'"):
                    function(RESIDUAL, **{name: 3})
        for function in (mbsopt.sweep, mbsopt.compare):
            for words in ({"in_place": True}, {"order": "search"}, {"objective": "time"}):
                with self.assertRaisesRegex(mbsopt.Error, f"^{list(words)[0]} is of the planners dp"):
                    function(RESIDUAL, planner=["mbs1", "mbs2"], **words)
                command = run(function.__name__, RESIDUAL, "--planner=mbs1,mbs2", *as_options(words))
                self.assertRegex(command.stderr, f"--{list(words)[0].replace('_', '-')}.* is of the planners dp")
        for function in (mbsopt.simulate, mbsopt.export):
            with self.assertRaisesRegex(TypeError, f"^{function.__name__}.. got an unexpected keyword argument 'x'"):
                function(RESIDUAL, *["perfetto", "y"][:2 * (function is mbsopt.export)], x=3)

    def test_unknown_names(self):
        for says, call in (("no network of that name .*near: resnet50", lambda: mbsopt.plan("resnt50")),
                           ("no machine of that name .*near: .*lpddr4",
                            lambda: mbsopt.plan(RESIDUAL, hardware="wavecore-lpdr4")),
                           ("no network of that name .*near: none", lambda: mbsopt.show("qqqq"))):
            with self.assertRaisesRegex(mbsopt.Error, says):
                call()
        for function in (mbsopt.load, mbsopt.show, mbsopt.simulate,
                         lambda *words, **more: mbsopt.export(*words, "perfetto", "x", **more)):
            with self.assertRaisesRegex(TypeError, "^hardware is 3 of type int, expected the path of a hardware file"):
                function(RESIDUAL, hardware=3)

    @unittest.skipUnless(importlib.util.find_spec("numpy"), "no numpy")
    def test_numbers_of_numpy(self):
        import numpy  # pylint: disable=import-outside-toplevel
        self.assertEqual(mbsopt.sweep(RESIDUAL, buffer=numpy.array([6144, 8192]), batch=numpy.array([2, 3])),
                         mbsopt.sweep(RESIDUAL, buffer=[6144, 8192], batch=[2, 3]))
        words = {"batch": 3, "buffer": 8192, "cores": 2, "dram_efficiency": 0.5, "planner": "dp"}
        of_numpy = {**words, "batch": numpy.int64(3), "buffer": numpy.int32(8192), "cores": numpy.int16(2),
                    "dram_efficiency": numpy.float32(0.5)}
        self.assertEqual(mbsopt.plan(RESIDUAL, **of_numpy), mbsopt.plan(RESIDUAL, **words))

    def test_numbers_that_do_not_fit(self):
        for name in ("sample_every", "request_bytes", "trace_clock"):
            with self.assertRaisesRegex(mbsopt.Error, f"^{name} is .* less than 2"):
                mbsopt.export(RESIDUAL, "dramsim3", "/nonexistent/x", **{name: 2**64})
        with self.assertRaisesRegex(mbsopt.Error, "^batch is "):
            mbsopt.show(RESIDUAL, batch=2**64 + 1)
        for threads in (0, -1, 1025):
            with self.assertRaisesRegex(mbsopt.Error, "^threads is .*, expected 1 to 1024"):
                mbsopt.sweep(RESIDUAL, threads=threads)


class Models(unittest.TestCase):
    @unittest.skipUnless(shutil.which("cbc"), "no cbc")
    def test_other_solvers(self):
        """What export_model writes another solver solves, and its solution is a plan."""
        with tempfile.TemporaryDirectory() as folder:
            ours, theirs, solution = (pathlib.Path(folder) / name for name in ("a.lp", "b.lp", "a.sol"))
            mbsopt.export_model("alexnet", ours, batch=8)
            tool("plan", "alexnet", "--batch=8", "--export-model", theirs)
            self.assertEqual(ours.read_bytes(), theirs.read_bytes())
            subprocess.run(["cbc", ours, "solve", "solu", solution], capture_output=True, check=True)
            plan = mbsopt.plan("alexnet", batch=8, import_solution=solution)
            self.assertEqual(plan.json, tool("plan", "alexnet", "--batch=8", "--import-solution", solution,
                                             "--format=json"))
            for says, words in (("^planner is 'dp'", {"planner": "dp"}), ("recomputes none", {"recompute": "auto"}),
                                ("given order", {"order": "search"})):
                with self.assertRaisesRegex(mbsopt.Error, says):
                    mbsopt.plan("alexnet", batch=8, import_solution=solution, **words)
        with self.assertRaisesRegex(TypeError, "^import_solution is 3 of type int, expected a path"):
            mbsopt.plan("alexnet", import_solution=3)


@unittest.skipUnless(HAVE_ONNX, "python3-onnx is missing")
class Onnx(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # pylint: disable=consider-using-with
        cls.holder = tempfile.TemporaryDirectory(prefix="mbsopt-python-onnx-")
        cls.folder = pathlib.Path(cls.holder.name)
        make = ("import sys; sys.path.insert(0, sys.argv[1]); import make_onnx\n"
                "for name in sys.argv[3:]: make_onnx.make(name, sys.argv[2])")
        subprocess.run([PYTHON, "-B", "-c", make, ROOT / "tests/cli", cls.folder, "plain"], check=True)
        cls.path = cls.folder / "plain.onnx"

    @classmethod
    def tearDownClass(cls):
        cls.holder.cleanup()

    def test_as_the_tool(self):
        self.enterContext(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        for words in ({}, {"cut": "t23"}, {"opaque": True, "cut": ["t20", "t21"]}):
            text = tool("plan", self.path, *as_options(words), "--batch=4", "--buffer=8KiB", "--format=json")
            self.assertEqual(mbsopt.plan(self.path, batch=4, buffer="8KiB", **words).json, text)
            self.assertEqual(str(mbsopt.show(self.path, **words)).split(),
                             tool("show", self.path, "--wide", *as_options(words)).split())
        rows = mbsopt.sweep([self.path, RESIDUAL], cut="t23", buffer="8KiB").rows
        self.assertEqual([row["network"] for row in rows], ["plain", "residual"])
        words = {"cut": "t23", "order": "search", "buffer": "8KiB", "planner": "dp"}
        self.assertEqual([row["total_bytes"] for row in mbsopt.tradeoff(self.path, **words).rows],
                         [row["traffic_bytes"] for row in json.loads(
                             tool("tradeoff", self.path, *as_options(words), "--format=json"))["plans"]])
        self.assertEqual(mbsopt.compare([self.path], **words).rows[-1]["total_bytes"],
                         mbsopt.plan(self.path, **words).traffic.total)
        self.assertEqual(mbsopt.simulate(self.path, planner="dp", cut="t23"),
                         mbsopt.simulate(mbsopt.plan(self.path, planner="dp", cut="t23")))

    def test_errors(self):
        for says, words in (("no tensor 'nothing'", {"cut": "nothing"}), ("expected NAME=3x224x224", {"input": "x"})):
            with self.assertRaisesRegex(mbsopt.Error, says):
                mbsopt.plan(self.path, **words)
        with self.assertRaises(mbsopt.Error) as caught:
            mbsopt.plan(self.folder / "none.onnx")
        self.assertEqual(caught.exception.status, "file error")
        for says, call in (("^cut is of ONNX files .*alexnet is none", lambda: mbsopt.plan("alexnet", cut="x")),
                           ("^opaque is of ONNX files .*a dict is none", lambda: mbsopt.plan({}, opaque=True)),
                           ("^weights is 3 of type int, expected text", lambda: mbsopt.plan(self.path, weights=3))):
            with self.assertRaisesRegex(TypeError, says):
                call()

    def test_notes_are_warnings(self):
        """Of the line that called the module."""
        importer = self.folder / "importer.py"
        importer.write_text("import sys\nprint('mbsopt: in passing', file=sys.stderr)\n"
                            f"print(open({str(RESIDUAL)!r}).read())\n")
        with unittest.mock.patch.dict(os.environ, MBSOPT_IMPORTER=str(importer)):
            for call in (lambda: mbsopt.plan(self.path, planner="dp"), lambda: mbsopt.sweep([self.path]),
                         lambda: mbsopt.simulate(self.path, planner="dp"), lambda: mbsopt.show(self.path)):
                with warnings.catch_warnings(record=True) as noted:
                    warnings.simplefilter("always")
                    call()
                self.assertEqual([(str(note.message), note.filename) for note in noted], [("in passing", __file__)])
            importer.write_text("raise SystemExit(7)")
            with self.assertRaisesRegex(mbsopt.Error, "the importer ended with status 7"):
                mbsopt.plan(self.path)


if __name__ == "__main__":
    unittest.main()
