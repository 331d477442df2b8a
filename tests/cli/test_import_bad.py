"""ONNX models that are refused with one clear line, and what --opaque makes of them. Skipped without python3-onnx."""

import json
import os
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from harness import ROOT, CliTest  # noqa: E402
from test_import import HAVE_ONNX, PYTHON  # noqa: E402

GOLDEN = ROOT / "tests/golden/import/bad.txt"


@unittest.skipUnless(HAVE_ONNX, "python3-onnx is missing")
class BadModelsTest(CliTest):
    def setUp(self):
        super().setUp()
        done = subprocess.run([PYTHON, "-B", str(ROOT / "tests/cli/make_onnx_bad.py"), str(ROOT / "scripts"),
                               str(self.folder)], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr, "")
        self.cases = [json.loads(line) for line in done.stdout.splitlines()]

    def test_messages(self):
        found = [f"{case['name']}: {case['plain']['status']} {case['plain']['said'].strip()}" for case in self.cases]
        self.assertEqual(found, GOLDEN.read_text().splitlines())

    def test_one_line_and_no_file(self):
        for case in self.cases:
            for result in (case["plain"], case["opaque"]):
                with self.subTest(case["name"]):
                    self.assertIn(result["status"], (0, 1))
                    self.assertEqual(result["status"] == 0, result["network"] is not None)
                    lines = result["said"].splitlines()
                    self.assertTrue(all(line.isprintable() and len(line) < 500 for line in lines), lines)
                    if result["status"]:
                        self.assertEqual(len(lines), 1, lines)

    def test_what_is_opaque_plans(self):
        for case in self.cases:
            text = case["opaque"]["network"]
            if text is None:
                continue
            with self.subTest(case["name"]):
                if case["plain"]["status"]:
                    self.assertIn("is imported as an elementwise op", case["opaque"]["said"])
                for layer in json.loads(text)["layers"]:
                    self.assertTrue(layer["name"].isprintable() and len(layer["name"]) < 300)
                path = self.file("net.json", text)
                self.succeed("plan", path, "--batch", "2", "--format", "csv")
                os.unlink(path)

    def test_shapes_of_opaque_outputs(self):
        """As ONNX infers them where it can: here the five largest of eight."""
        text = next(case["opaque"]["network"] for case in self.cases if case["name"] == "two_unknown_outputs")
        layers = json.loads(text)["layers"]
        self.assertEqual([layer.get("shape") for layer in layers], [[3, 8, 5], [3, 8, 5], None])


if __name__ == "__main__":
    unittest.main()
