"""ONNX models with their batch in unusual places, open shapes and masks. Skipped without Debian's python3-onnx."""

import json
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from harness import ROOT, CliTest  # noqa: E402
from test_import import HAVE_ONNX, PYTHON  # noqa: E402

GOLDEN = ROOT / "tests/golden/import/batch.txt"


@unittest.skipUnless(HAVE_ONNX, "python3-onnx is missing")
class BatchTest(CliTest):
    def setUp(self):
        super().setUp()
        done = subprocess.run([PYTHON, "-B", str(ROOT / "tests/cli/make_onnx_batch.py"), str(ROOT / "scripts"),
                               str(self.folder)], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.cases = json.loads(done.stdout)

    def test_layers_messages_and_notes(self):
        found = []
        for name, case in self.cases.items():
            found.append(f"{name}: {case.get('layers') or 'refused: ' + case['said']}")
            found += [f"    note: {note}" for note in case.get("notes", ())]
        self.assertEqual(found, GOLDEN.read_text().splitlines())

    def test_all_that_import_plan(self):
        for name, case in self.cases.items():
            if "layers" in case:
                with self.subTest(name):
                    self.succeed("plan", self.folder / (name + ".json"), "--batch", "2", "--format", "csv")

    def test_joined_batches_multiply_as_often(self):
        """Two images of which each is convolved: 4 x 27 x 36 products for each."""
        shown = self.succeed("show", self.folder / "parted_by_split.json").out
        self.assertIn(f"{2 * 4 * 27 * 36} multiply-accumulates", shown)


if __name__ == "__main__":
    unittest.main()
