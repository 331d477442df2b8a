"""Importing ONNX models: import_onnx.py and `mbsopt plan model.onnx`. Skipped where Debian's python3-onnx is missing."""

import json
import os
import pathlib
import stat
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from harness import ALEXNET, BAD_INPUT, OK, ROOT, SYSTEM, USAGE, CliTest, environment  # noqa: E402

PYTHON = "/usr/bin/python3" if os.access("/usr/bin/python3", os.X_OK) else "python3"
IMPORTER = str(ROOT / "scripts/import_onnx.py")
HAVE_ONNX = subprocess.run([PYTHON, "-c", "import onnx"], capture_output=True).returncode == 0
OPSETS = range(6, 26)

MAKE = """
import sys
sys.path.insert(0, sys.argv[1])
sys.dont_write_bytecode = True
import make_onnx
for name in sys.argv[3:]:
    make_onnx.make(name, sys.argv[2])
"""


@unittest.skipUnless(HAVE_ONNX, "python3-onnx is missing")
class ImportTest(CliTest):
    def make(self, *names):
        subprocess.run([PYTHON, "-c", MAKE, str(ROOT / "tests/cli"), str(self.folder), *names], check=True)
        return [str(self.folder / (name + ".onnx")) for name in names]

    def run_importer(self, *args, **keywords):
        return subprocess.run([PYTHON, IMPORTER, *args], capture_output=True, text=True, **keywords)

    def layers(self, name, *args):
        path, = self.make(name)
        result = self.run_importer(path, *args)
        self.assertEqual(result.returncode, OK, result.stderr)
        os.unlink(path)
        return json.loads(result.stdout), result.stderr

    def one_line(self, result, *parts):
        self.assertEqual(result.stderr.count("\n"), 1, result.stderr)
        self.assertNotIn("Traceback", result.stderr)
        for part in parts:
            self.assertIn(part, result.stderr)

    def test_golden_networks(self):
        """The four models as network files, to the byte, and each plans."""
        for name in ("plain", "decoder", "attention", "mobile"):
            with self.subTest(name):
                path, = self.make(name)
                self.assertLess(os.path.getsize(path), 100000)
                out = self.run_importer(path, "--name", name)
                self.assertEqual(out.stdout, (ROOT / f"tests/golden/import/{name}.json").read_text(), out.stderr)
                planned = self.run_program("plan", path, "--batch", "4", "--buffer", "8KiB", "--format", "csv")
                self.assertEqual(planned.status, OK, planned)
                os.unlink(path)

    def test_every_opset(self):
        names = [f"plain{opset}" for opset in OPSETS]
        paths = self.make(*names)
        code = ("import json, sys; sys.path.insert(0, sys.argv[1]); sys.dont_write_bytecode = True; import import_onnx\n"
                "for path in sys.argv[2:]:\n"
                "    text, _ = import_onnx.convert(path, 'p', import_onnx.Options())\n"
                "    print([l['op'] for l in json.loads(text)['layers']])")
        done = subprocess.run([PYTHON, "-c", code, str(ROOT / "scripts"), *paths], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        expected = [l["op"] for l in json.loads((ROOT / "tests/golden/import/plain.json").read_text())["layers"]]
        self.assertEqual(done.stdout.splitlines(), [str(expected)] * len(OPSETS))

    def test_external_weights_are_not_read(self):
        found, _ = self.layers("external", "--name", "plain")
        self.assertEqual(found, self.layers("plain")[0])

    def test_nodes_out_of_order_and_after_outputs(self):
        found, _ = self.layers("after_outputs", "--name", "plain")
        self.assertEqual([l["op"] for l in found["layers"]], [l["op"] for l in self.layers("plain")[0]["layers"]])

    def test_an_open_shape_is_asked_for(self):
        path = self.make_open("mobile")
        refused = self.run_importer(path)
        self.assertEqual(refused.returncode, BAD_INPUT)
        self.one_line(refused, "input 'image' has no fixed shape", "--input image=3x224x224")
        given = self.run_importer(path, "--input", "image=3x8x8")
        self.assertEqual(given.returncode, OK, given.stderr)
        self.assertEqual(json.loads(given.stdout)["inputs"][0]["shape"], [3, 8, 8])
        self.one_line(self.run_importer(path, "--input", "picture=3x8x8", "--input", "image=3x8x8"), "no input 'picture'")
        os.unlink(path)

    def make_open(self, name):
        """A model whose input has no fixed height and width."""
        path, = self.make(name)
        code = ("import onnx, sys; m = onnx.load(sys.argv[1]); d = m.graph.input[0].type.tensor_type.shape.dim; "
                "d[2].dim_param = 'h'; d[3].dim_param = 'w'; onnx.save(m, sys.argv[1])")
        subprocess.run([PYTHON, "-c", code, path], check=True)
        return path

    def test_every_command_takes_models_and_shapes(self):
        path = self.make_open("plain")
        for command in (["plan"], ["show"], ["compare", "--planner", "baseline,dp"], ["sweep"],
                        ["export", "--format", "perfetto", "-o", "-"]):
            with self.subTest(command[0]):
                self.refuse(BAD_INPUT, *command, path, says=("input 'image' has no fixed shape", "--input image="))
                self.refuse(USAGE, *command, path, "--input", "-x", says="found '-x', expected NAME=3x224x224")
                self.refuse(BAD_INPUT, *command, path, "--input", "picture=4x16x16", "--input=image=4x16x16",
                            says="no input 'picture'")
                self.refuse(USAGE, *command, ALEXNET, "--input", "image=4x16x16", says="--input is of ONNX files")
                self.refuse(USAGE, *command, ALEXNET, "--opaque", says="--opaque is of ONNX files")
                small = self.succeed(*command, path, "--input", "image=4x16x16").out
                self.assertNotEqual(small, self.succeed(*command, path, "--input=image=4x32x32").out)
                self.assertEqual(small, self.succeed(*command, path, "--input=image=4x32x32", "--input",
                                                     "image=4x16x16").out, "the last counts")
        several = self.succeed("compare", "--planner", "dp", path, ALEXNET, "--input", "image=4x16x16").out
        self.assertIn("alexnet", several)
        os.unlink(path)

    def test_opaque_is_noted(self):
        path, = self.make("unknown")
        for command in (["plan"], ["show"], ["compare", "--planner", "dp"], ["sweep"],
                        ["export", "--format", "perfetto", "-o", "-"]):
            with self.subTest(command[0]):
                self.refuse(BAD_INPUT, *command, path, says="node 'sum' (CumSum): is not supported")
                done = self.succeed(*command, path, "--opaque")
                self.assertIn("note: ", done.err)
                self.assertIn("CumSum is imported as an elementwise op", done.err)
        message = json.loads(self.run_program("plan", "--json-errors", path).err)
        self.assertEqual(message["level"], "error")
        self.assertIn("node 'sum' (CumSum)", message["message"])
        message = json.loads(self.run_program("plan", "--json-errors", path, "--opaque").err)
        self.assertEqual(message["level"], "note")
        os.unlink(path)

    def test_unknown_ops(self):
        path, = self.make("unknown")
        refused = self.run_importer(path)
        self.assertEqual(refused.returncode, BAD_INPUT)
        self.one_line(refused, "node 'sum' (CumSum): is not supported", "--opaque")
        self.assertNotIn("closest", refused.stderr)
        opaque = self.run_importer(path, "--opaque")
        self.assertEqual(opaque.returncode, OK)
        self.one_line(opaque, "CumSum is imported as an elementwise op")
        self.assertEqual([l["op"] for l in json.loads(opaque.stdout)["layers"]], ["conv", "elementwise"])
        self.assertEqual(self.run_program("plan", path).status, BAD_INPUT)
        os.unlink(path)

    def test_ten_thousand_nodes(self):
        path, = self.make("long")
        planned = self.run_program("plan", path, "--format", "csv", "--batch", "2", "--planner", "baseline")
        self.assertEqual(planned.status, OK, planned)
        os.unlink(path)

    def test_broken_files_give_one_line(self):
        path, = self.make("attention")
        whole = pathlib.Path(path).read_bytes()
        broken = self.folder / "broken.onnx"
        cases = [b"", b"\0" * 100, b"{}", b"x" * 1000] + [whole[:n] for n in range(1, len(whole), len(whole) // 15)]
        cases.append(whole.replace(b"Transpose", b"\xffranspose"))  # not in UTF-8
        for i in range(40):  # a byte changed
            at = (i * 7919) % len(whole)
            cases.append(whole[:at] + bytes([whole[at] ^ (1 << i % 8)]) + whole[at + 1:])
        code = """
import io, sys, contextlib
sys.path.insert(0, sys.argv[1])
sys.dont_write_bytecode = True
import import_onnx
cut = eval(sys.stdin.read())
for data in cut:
    open(sys.argv[2], "wb").write(data)
    err, out = io.StringIO(), io.StringIO()
    sys.argv[1:] = sys.argv[1:]
    with contextlib.redirect_stderr(err), contextlib.redirect_stdout(out):
        saved, sys.argv = sys.argv, ["import_onnx.py", sys.argv[2]]
        status = import_onnx.main()
        sys.argv = saved
    assert status in (0, 1), (status, err.getvalue())
    assert status == 0 or err.getvalue().count("\\n") == 1, err.getvalue()
    assert status == 0 or not out.getvalue()
"""
        done = subprocess.run([PYTHON, "-c", code, str(ROOT / "scripts"), str(broken)], input=repr(cases), text=True,
                              capture_output=True)
        self.assertEqual(done.returncode, 0, done.stderr[-2000:])
        os.unlink(path)
        os.unlink(broken)

    def test_what_is_missing_is_said(self):
        path, = self.make("plain")
        gone = self.run_program("plan", str(self.folder / "gone.onnx"))
        self.assertEqual(gone.status, SYSTEM, gone)
        self.assertIn("No such file", gone.err)
        for changes, part in (({"MBSOPT_PYTHON": "/nowhere/python3"}, "cannot be started"),
                              ({"MBSOPT_IMPORTER": "/nowhere/import.py"}, "MBSOPT_IMPORTER names")):
            result = self.run_program("plan", path, env=environment(**changes))
            self.assertEqual(result.status, SYSTEM, result)
            self.assertIn(part, result.err)
        stand_in = self.folder / "python"
        for script, part in (("kill -9 $$", "was ended by signal 9"), ("exit 77", "ended with status 77")):
            stand_in.write_text(f"#!/bin/sh\n{script}\n")
            stand_in.chmod(stand_in.stat().st_mode | stat.S_IXUSR)
            result = self.run_program("plan", path, env=environment(MBSOPT_PYTHON=str(stand_in)))
            self.assertEqual(result.status, SYSTEM, result)
            self.assertIn(part, result.err)
        os.unlink(stand_in)
        os.unlink(path)

    def test_output_is_whole_or_not_at_all(self):
        path, = self.make("plain")
        full = self.run_importer(path, "-o", "/dev/full")
        self.assertEqual(full.returncode, SYSTEM, full.stderr)
        self.one_line(full, "/dev/full")
        nowhere = self.run_importer(path, "-o", str(self.folder / "none" / "x.json"))
        self.assertEqual(nowhere.returncode, SYSTEM)
        self.one_line(nowhere)
        os.unlink(path)


if __name__ == "__main__":
    unittest.main()
