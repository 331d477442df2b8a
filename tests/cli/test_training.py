"""scripts/check_training.py: plans train as the whole mini-batch does, and a broken one is noticed. Needs python3-torch."""

import os
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from harness import PROGRAM, ROOT  # noqa: E402

PYTHON = "/usr/bin/python3"
HAVE_TORCH = os.access(PYTHON, os.X_OK) and subprocess.run(
    [PYTHON, "-c", "import torch"], capture_output=True).returncode == 0

@unittest.skipUnless(HAVE_TORCH, "python3-torch is missing")
class TrainingTest(unittest.TestCase):
    def test_plans_train_as_the_whole_mini_batch(self):
        done = subprocess.run([PYTHON, str(ROOT / "scripts/check_training.py"), "--mbsopt", PROGRAM],
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(done.stdout.count("\nok ") + done.stdout.startswith("ok "), 255 + 5)
        self.assertEqual(done.stdout.count(" recompute auto: "), 5)
        self.assertEqual(done.stdout.count(" in another order: "), 5)
        self.assertEqual(done.stdout.count(" layers besides their own;"), 5 * 2 + 4 * 4 + 2 + 2 * 4)
        self.assertEqual(done.stdout.count(" dp with strips, "), 11 * 7)
        self.assertEqual(done.stdout.count(" strips, batch norms "), 2 * 5 * 7)

    def test_faults_are_noticed_and_maps_are_right(self):
        faults = pathlib.Path(__file__).resolve().parent / "training_faults.py"
        done = subprocess.run([PYTHON, str(faults), str(ROOT / "scripts"), PROGRAM], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
