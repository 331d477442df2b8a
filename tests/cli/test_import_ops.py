"""Each operator that the importer knows, in a model of its own. Skipped where Debian's python3-onnx is missing."""

import json
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from harness import ROOT, CliTest  # noqa: E402
from test_import import HAVE_ONNX, PYTHON  # noqa: E402

GOLDEN = ROOT / "tests/golden/import/ops.txt"


def sink_shapes(shown, layers):
    """Shapes of what no layer reads, from the table of `mbsopt show`."""
    read = {i for layer in layers for i in layer.get("inputs", [])}
    rows = [line.split() for line in shown.splitlines() if line.split() and line.split()[0].isdigit()]
    return sorted([int(d) for d in cells[3].split("x")] for cells, layer in zip(rows, layers)
                  if layer["name"] not in read)


@unittest.skipUnless(HAVE_ONNX, "python3-onnx is missing")
class OperatorsTest(CliTest):
    def setUp(self):
        super().setUp()
        done = subprocess.run([PYTHON, "-B", str(ROOT / "tests/cli/make_onnx_ops.py"), str(ROOT / "scripts"),
                               str(self.folder)], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        known, *cases = done.stdout.splitlines()
        self.known, self.cases = json.loads(known), [json.loads(line) for line in cases]

    def test_layers(self):
        found = [f"{case['name']}: {'; '.join(case['layers'])}" for case in self.cases]
        self.assertEqual(found, GOLDEN.read_text().splitlines())

    def test_every_operator_has_a_model(self):
        """Also those that are patterns or fold away."""
        used = {op for case in self.cases for op in case["ops"]}
        self.assertEqual(set(self.known) - used, set())

    def test_windows_along_a_row(self):
        """A window along a row makes as many elements, whatever they are."""
        code = ("import sys; sys.path.insert(0, sys.argv[1])\n"
                "from onnx_network.ops_rows import along_row\n"
                "for length in range(1, 30):\n"
                "    for kernel in range(1, 30):\n"
                "        for made in range(1, 60):\n"
                "            row = along_row(length, kernel, made)\n"
                "            pad = sum(row['pad'] or [0])\n"
                "            assert (length + pad - kernel) // row['stride'][1] + 1 == made, (length, kernel, made)\n")
        done = subprocess.run([PYTHON, "-B", "-c", code, str(ROOT / "scripts")], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_shapes_and_parameters(self):
        """The shape of each tensor is what ONNX's own inference says, and mbsopt's; no parameter is lost."""
        for case in self.cases:
            with self.subTest(case["name"]):
                self.assertLess(case["bytes"], 100000)
                self.assertEqual(case["differ"] + case["notes"], [])
                path = self.folder / (case["name"] + ".json")
                shown = self.succeed("show", path).out
                self.assertIn(f", {case['parameters']} parameters", shown)
                self.assertEqual(sink_shapes(shown, json.loads(path.read_text())["layers"]), case["outputs"])
                self.succeed("plan", path, "--batch", "3", "--buffer", "8KiB", "--format", "csv")


if __name__ == "__main__":
    unittest.main()
