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

BREAK = """
import json, os, subprocess, sys, tempfile
sys.path.insert(0, sys.argv[1])
sys.dont_write_bytecode = True
import torch, check_training as c
network = c.NETWORKS["residual"]()
with tempfile.TemporaryDirectory() as folder:
    net, out = os.path.join(folder, "n.json"), os.path.join(folder, "p.json")
    json.dump(network, open(net, "w"))
    subprocess.run([sys.argv[2], "plan", net, "--batch", "4", "--buffer", "48KiB", "--format", "json", "-o", out], check=True)
    plan = json.load(open(out))
reference = c.Reference(torch, network, 4, 1)
gone = json.loads(json.dumps(plan))
index = next(i for i, r in enumerate(gone["resident"]) if r["to"] > r["from"])
kept = gone["resident"].pop(index)
# one interval less: the tensor goes by way of DRAM, and all is as before
worst, _ = c.worst_difference(torch, c.Execution(torch, gone, reference).run(), reference.gradients)
assert worst < 2e-5, worst
# what is computed again counts
with tempfile.TemporaryDirectory() as folder:
    net, out = os.path.join(folder, "n.json"), os.path.join(folder, "p.json")
    json.dump(network, open(net, "w"))
    subprocess.run([sys.argv[2], "plan", net, "--batch", "4", "--buffer", "48KiB", "--recompute", "expand", "--format",
                    "json", "-o", out], check=True)
    again = json.load(open(out))
execution = c.Execution(torch, again, reference)
right = execution.forward
execution.forward = lambda step, layer, read: {n: v * 0 if ".remat" in n else v for n, v in right(step, layer, read).items()}
worst, _ = c.worst_difference(torch, execution.run(), reference.gradients)
assert worst > 1e-3, worst
# a step left out
short = json.loads(json.dumps(plan))
at = next(i for i, s in enumerate(short["steps"]) if s["kind"] == "gsum")
execution = c.Execution(torch, short, reference)
whole = execution.compute
execution.compute = lambda step, read: ({execution.names[t]: list(read.values())[0] for t in step["writes"]}
                                        if step["id"] == at else whole(step, read))
worst, _ = c.worst_difference(torch, execution.run(), reference.gradients)
assert worst > 1e-3, worst
# an order in which something is read before it is there
swapped = json.loads(json.dumps(plan))
swapped["resident"] = []
swapped["groups"] = [{"first": 1, "last": 1, "iterations": 1, "sub_batch": 4}]
try:
    c.Execution(torch, swapped, reference).run()
    raise SystemExit("an unwritten tensor was read")
except c.Mismatch as mismatch:
    assert "not in DRAM" in str(mismatch), mismatch
"""


@unittest.skipUnless(HAVE_TORCH, "python3-torch is missing")
class TrainingTest(unittest.TestCase):
    def test_plans_train_as_the_whole_mini_batch(self):
        done = subprocess.run([PYTHON, str(ROOT / "scripts/check_training.py"), "--mbsopt", PROGRAM],
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(done.stdout.count("\nok ") + done.stdout.startswith("ok "), 36)
        self.assertEqual(done.stdout.count(" recompute auto: "), 4)

    def test_wrong_executions_are_noticed(self):
        done = subprocess.run([PYTHON, "-c", BREAK, str(ROOT / "scripts"), PROGRAM], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
