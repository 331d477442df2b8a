"""scripts/import_torch.py on the command line. Skipped where Debian's python3-torch and the others are missing."""

import json
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from harness import BAD_INPUT, NETWORKS, OK, ROOT, SYSTEM, USAGE, CliTest  # noqa: E402
from test_import import PYTHON  # noqa: E402

IMPORTER = str(ROOT / "scripts/import_torch.py")
HAVE_TORCH = subprocess.run([PYTHON, "-c", "import onnx, torch, torchvision"], capture_output=True).returncode == 0

OWN = """
import torch

class Block(torch.nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, channels, 3, padding=1)
        self.norm = torch.nn.GroupNorm(4, channels)
        self.head = torch.nn.Linear(channels, 5)

    def forward(self, x):
        y = torch.nn.functional.silu(self.norm(self.conv(x)))
        return {"logits": self.head(y.mean((2, 3))), "map": y.cumsum(1) if hasattr(self, "odd") else y}

def small(channels=8):
    return Block(channels)

def odd():
    block = Block(8)
    block.odd = True
    return block

def broken():
    raise RuntimeError("two\\nlines")
"""


@unittest.skipUnless(HAVE_TORCH, "python3-torch, python3-torchvision or python3-onnx is missing")
class ImportTorchTest(CliTest):
    def run_importer(self, *args):
        done = subprocess.run([PYTHON, "-B", IMPORTER, *args], capture_output=True, text=True, cwd=self.folder)
        self.assertNotIn("Traceback", done.stderr)
        return done

    def layers(self, *args):
        done = self.run_importer(*args)
        self.assertEqual(done.returncode, OK, done.stderr)
        return json.loads(done.stdout)

    def refused(self, status, says, *args):
        done = self.run_importer(*args)
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertEqual(done.stdout, "")
        message = done.stderr.splitlines()[-1]
        self.assertTrue(message.startswith("import_torch.py: "), done.stderr)
        self.assertIn(says, message)

    def test_a_torchvision_model_is_the_committed_one(self):
        done = self.run_importer("squeezenet1_1", "-o", "net.json")
        self.assertEqual(done.returncode, OK, done.stderr)
        self.assertEqual((self.folder / "net.json").read_bytes(), (NETWORKS / "squeezenet1_1.json").read_bytes())

    def test_shape_and_arguments(self):
        network = self.layers("squeezenet1_1", "--shape", "3x64x96", "--set", "num_classes=7", "--name", "small")
        self.assertEqual((network["name"], network["inputs"][0]["shape"]), ("small", [3, 64, 96]))
        self.assertEqual(network["layers"][-1]["shape"], [7])

    def test_a_function_of_ones_own(self):
        self.file("own.py", OWN)
        network = self.layers("own:small", "--set", "channels=12", "--shape", "3x8x8")
        self.assertEqual([layer["op"] for layer in network["layers"]],
                         ["conv", "norm", "silu", "global_avg_pool", "reshape", "fc"])
        self.assertEqual(network["layers"][1]["kind"], "group")
        self.refused(BAD_INPUT, "is not supported", "own:odd", "--shape", "3x8x8")
        done = self.run_importer("own:odd", "--shape", "3x8x8", "--opaque")
        self.assertEqual(done.returncode, OK, done.stderr)
        self.assertIn("is imported as an elementwise op", done.stderr)
        self.refused(BAD_INPUT, "RuntimeError: two lines", "own:broken")
        cut = self.layers("own:odd", "--shape", "3x8x8", "--cut", "/inner/Mul_output_0")
        self.assertEqual([layer["op"] for layer in cut["layers"]], ["conv", "norm", "silu"])
        self.refused(BAD_INPUT, "--cut: no tensor 'Mul'", "own:odd", "--shape", "3x8x8", "--cut", "Mul")

    def test_what_is_wrong_is_said(self):
        self.refused(BAD_INPUT, "no function 'resnet51'", "resnet51")
        self.refused(BAD_INPUT, "No module named 'nowhere'", "nowhere:model")
        self.refused(USAGE, "expected 3x224x224", "resnet18", "--shape", "3x0x224")
        self.refused(USAGE, "expected NAME=VALUE", "resnet18", "--set", "num_classes")
        self.refused(BAD_INPUT, "unexpected keyword argument", "squeezenet1_1", "--set", "aux_logits=False")
        self.refused(SYSTEM, "No such file", "squeezenet1_1", "-o", "none/net.json")


if __name__ == "__main__":
    unittest.main()
