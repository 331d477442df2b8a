"""Products of activations: each sample has its own, and plan files say so ("samples_in": "groups")."""

import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from harness import CliTest, network  # noqa: E402

OPTIONS = ["--batch", "6", "--buffer", "8KiB", "--planner", "mbs2"]
FORMATS = ["perfetto", "dramsim3", "ramulator", "ramulator2", "addresses"]

# 3 heads: q [3, 16, 4] times the transposed k, then times v
NET = network(
    [{"name": n, "op": "fc", "inputs": ["tokens"], "out_features": 4, "axis": 2} for n in "qkv"] +
    [{"name": "scores", "op": "matmul", "inputs": ["q", "k"], "transpose_b": True},
     {"name": "softmax", "op": "softmax", "inputs": ["scores"]},
     {"name": "mixed", "op": "matmul", "inputs": ["softmax", "v"]},
     {"name": "fc", "op": "fc", "inputs": ["mixed"], "out_features": 5}],
    inputs=[{"name": "tokens", "shape": [3, 16, 8]}])

# what one of its products multiplies, of one head and sample: m, k, n
PRODUCTS = {"scores": (16, 4, 16), "scores.agrad": (16, 16, 4), "scores.bgrad": (4, 16, 16),
            "mixed": (16, 16, 4), "mixed.agrad": (16, 4, 16), "mixed.bgrad": (16, 16, 4)}


class ProductsTest(CliTest):
    def plan(self):
        return json.loads(self.succeed("plan", "-", *OPTIONS, "--format", "json", given=NET).out)

    def test_plan_file_says_what_grows_with_the_samples(self):
        found = {s["name"]: s["gemm"] for s in self.plan()["steps"] if "gemm" in s}
        self.assertEqual({n for n, g in found.items() if g["samples_in"] == "groups"}, set(PRODUCTS))
        for name, (m, k, n) in PRODUCTS.items():
            with self.subTest(name):
                product = found[name]
                self.assertEqual(product["groups"], 3)
                self.assertEqual(product["m"] * product["k"] * product["n"], m * k * n)
                self.assertEqual(sorted((product["m"], product["n"])), sorted((m, n)))

    def test_a_plan_file_is_as_good_as_its_network(self):
        path = self.file("plan.json", json.dumps(self.plan()))
        self.succeed("verify", path)
        for form in FORMATS:
            with self.subTest(form):
                of_network = self.succeed("export", "-", *OPTIONS, "--format", form, "-o", "-", given=NET).out
                self.assertEqual(self.succeed("export", path, "--format", form, "-o", "-").out, of_network)
        for form, table in (("scalesim", "runs.csv"), ("timeloop", "runs.csv")):
            with self.subTest(form):
                self.succeed("export", "-", *OPTIONS, "--format", form, "-o", self.folder / "a", given=NET)
                self.succeed("export", path, "--format", form, "-o", self.folder / "b")
                self.assertEqual((self.folder / "b" / table).read_text(), (self.folder / "a" / table).read_text())
                for folder in (self.folder / "a", self.folder / "b"):
                    for file in folder.iterdir():
                        file.unlink()
                    folder.rmdir()

    def test_what_the_file_says_counts(self):
        """With the samples in m instead the array fills its rows better: the timeline is another."""
        plan = self.plan()
        first = self.succeed("export", self.file("plan.json", json.dumps(plan)), "--format", "perfetto", "-o", "-").out
        for step in plan["steps"]:
            if step["name"] in PRODUCTS:
                step["gemm"]["samples_in"] = "m"
        changed = self.file("changed.json", json.dumps(plan))
        self.assertNotEqual(self.succeed("export", changed, "--format", "perfetto", "-o", "-").out, first)


if __name__ == "__main__":
    unittest.main()
