"""What `meson install` leaves is all that another project needs, and no symbol more than promised."""

import os
import pathlib
import re
import shutil
import subprocess
import unittest

from installed import EMBEDDING, NETWORK, ROOT, STRICT, Installed, run

PYTHON = "/usr/bin/python3" if os.access("/usr/bin/python3", os.X_OK) else "python3"
SHARED_SCRIPTS = ["import_onnx.py", "import_torch.py", "sweep.sbatch", "sweep_lib.sh", "sweep_merge.py",
                  "sweep_parallel.sh"]


class Install(Installed):
    def test_c(self):
        for standard in ("c11", "c17"):
            program = self.compile(["gcc", f"-std={standard}"], ROOT / "tests/examples/embed.c",
                                   "embed", *self.flags("--cflags", "--libs"))
            self.assertIn("bytes of DRAM traffic", run(program, NETWORK, env=self.env))

    def test_static(self):
        archive = self.library.parent / "libmbsopt.a"
        program = self.compile(["gcc"], ROOT / "tests/examples/embed.c", "embed-static",
                               *self.flags("--cflags"), archive,
                               "-lcjson", "-lglpk", "-lm", "-lpthread")
        self.assertIn("bytes of DRAM traffic", run(program, NETWORK))

    @unittest.skipIf(subprocess.run(["which", "g++"], capture_output=True, check=False).returncode,
                     "no C++ compiler")
    def test_cpp(self):
        for standard in ("c++11", "c++20"):
            program = self.compile(["g++", f"-std={standard}"], EMBEDDING / "consumer.cc",
                                   "consumer", *self.flags("--cflags", "--libs"))
            self.assertEqual(run(program, NETWORK, env=self.env), "dp\n")

    def test_each_header_alone(self):
        for header in sorted(self.headers.glob("*.h")):
            source = self.folder / "alone.c"
            source.write_text(f"#include <mbsopt/{header.name}>\nint x;\n")
            run("gcc", "-std=c17", *STRICT, "-fsyntax-only", source, *self.flags("--cflags"))

    def test_all_headers_are_installed(self):
        self.assertEqual({path.name for path in self.headers.glob("*.h")},
                         {path.name for path in (ROOT / "include" / "mbsopt").glob("*.h")})

    def test_tool(self):
        """Nothing has to be said of where the library is, also when the whole was moved."""
        moved = self.folder / "moved"
        shutil.copytree(self.tool.parent.parent, moved)
        for tool in (self.tool, moved / "bin/mbsopt"):
            self.assertRegex(run(tool, "--version", env={}), r"^mbsopt \d+\.\d+\.\d+\n$")
        self.assertIn(f" {moved}/bin/../share/mbsopt/networks:", run(moved / "bin/mbsopt", "list", env={}))

    def test_python(self):
        """The module finds the library of its prefix; where there is none it says so in one line."""
        package = next(self.folder.joinpath("root").rglob("mbsopt/__init__.py")).parent
        command = [PYTHON, "-c", "import mbsopt; print(mbsopt.version())"]
        env = {"PYTHONPATH": str(package.parent), "PYTHONDONTWRITEBYTECODE": "1"}
        self.assertRegex(run(*command, env=env), r"^\d+\.\d+\.\d+\n$")
        shutil.copytree(package, self.folder / "alone" / "mbsopt")
        env["PYTHONPATH"] = str(self.folder / "alone")
        for name, says in (("", "is neither beside the module"), ("/no/such.so", "MBSOPT_LIBRARY names no library")):
            done = subprocess.run(command, env={**env, "MBSOPT_LIBRARY": name}, capture_output=True, text=True,
                                  check=False)
            if not name and done.returncode == 0:
                continue  # the system has one installed
            self.assertRegex(done.stderr.splitlines()[-1], "ImportError: .*" + says)

    def test_shared_files(self):
        """Models, importers and scripts; each can be read, and run where it has a first line for that."""
        place = self.tool.parent.parent / "share/mbsopt"
        installed = {str(path.relative_to(place)): path for path in place.rglob("*") if path.is_file()}
        package = [f"onnx_network/{path.name}" for path in (ROOT / "scripts/onnx_network").glob("*.py")]
        models = [f"{kind}/{path.name}" for kind in ("networks", "hardware")
                  for path in (ROOT / "models" / kind).glob("*.json")]
        plots = [path.name for path in (ROOT / "scripts").glob("plot*.py")]
        plots += ["training_check/__init__.py", "training_check/progress.py"]  # plot_data.py's
        self.assertEqual(sorted(installed), sorted([*SHARED_SCRIPTS, *package, *models, *plots]))
        for path in installed.values():
            runs = path.read_bytes().startswith(b"#!")
            self.assertEqual(path.stat().st_mode & 0o777, 0o755 if runs else 0o644, path)

    def test_plots(self):
        """The installed program reads a plan and rows with what is installed with it; tables need no matplotlib."""
        plan, rows = self.folder / "plan.json", self.folder / "rows.csv"
        run(self.tool, "plan", "alexnet", "-o", plan)
        run(self.tool, "sweep", "alexnet", "--planner", "baseline,dp", "-o", rows)
        self.assertIn("| alexnet |", run(self.tool, "plot", "table", rows))
        drawn = subprocess.run([self.tool, "plot", plan, "-o", self.folder / "plan.svg"], capture_output=True, text=True,
                               check=False)
        if "matplotlib is missing" not in drawn.stderr:
            self.assertEqual((drawn.returncode, drawn.stderr), (0, ""))
            self.assertIn("<svg", (self.folder / "plan.svg").read_text())

    def test_importer(self):
        """The installed program runs the importer installed with it, wherever the whole was moved to."""
        place = self.tool.parent.parent / "share/mbsopt"
        env = {k: v for k, v in self.env.items() if k not in ("MBSOPT_IMPORTER", "MBSOPT_PYTHON")}
        model = self.folder / "model.onnx"
        if subprocess.run([PYTHON, "-c", "import onnx"], capture_output=True, check=False).returncode == 0:
            make = "import sys; sys.path.insert(0, sys.argv[1]); import make_onnx; make_onnx.make('plain', sys.argv[2])"
            run(PYTHON, "-B", "-c", make, ROOT / "tests/cli", self.folder)
            self.assertIn(" 11 steps", run(self.tool, "show", "--inference", "--wide", self.folder / "plain.onnx", env=env))
        script = place / "import_onnx.py"
        whole = script.read_text()
        script.write_text("print(open(%r).read())" % NETWORK)
        try:
            self.assertIn("resnet18", run(self.tool, "show", model, env=env))
        finally:
            script.write_text(whole)

    def test_sweep_in_shards(self):
        """The installed script finds the program and the merging beside it."""
        env = {k: v for k, v in os.environ.items() if k != "MBSOPT"}
        out = self.folder / "shards.csv"
        run("bash", self.tool.parent.parent / "share/mbsopt/sweep_parallel.sh", "2", out, "alexnet", "--batch=1..3:+1",
            env=env)
        self.assertEqual(out.read_text(), run(self.tool, "sweep", "alexnet", "--batch=1..3:+1"))

    def test_shipped_files(self):
        """The installed program finds the networks and machines installed with it."""
        env = {k: v for k, v in self.env.items() if k != "MBSOPT_DATA"}
        place = self.tool.parent.parent / "share/mbsopt"
        listed = run(self.tool, "list", env=env)
        for kind in ("networks", "hardware"):
            self.assertIn(f" {self.tool.parent}/../share/mbsopt/{kind}:", listed)
        own = place / "networks/own.json"
        own.write_text(pathlib.Path(NETWORK).read_text(encoding="utf-8").replace("resnet18", "own"))
        try:
            self.assertIn("own · ", run(self.tool, "plan", "own", "--hardware", "lpddr4", env=env))
        finally:
            own.unlink()

    def test_soname(self):
        self.assertIn("Library soname: [libmbsopt.so.0]", run("readelf", "-d", self.library))

    def exported(self):
        lines = run("nm", "-D", "--defined-only", self.library).splitlines()
        return {line.split()[-1].split("@")[0] for line in lines}

    def test_symbols_are_the_headers(self):
        declared = set()
        for header in self.headers.glob("*.h"):
            text = re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.S)
            declared |= set(re.findall(r"MBS_API[^;(]*?\b(mbs_\w+)\(", text))
        self.assertEqual(self.exported(), declared)

    def test_symbols_stay(self):
        """What programs linked to this soname use is still there; new ones are listed on release."""
        listed = set((EMBEDDING / "symbols.txt").read_text().split())
        self.assertEqual(listed - self.exported(), set())


if __name__ == "__main__":
    unittest.main()
