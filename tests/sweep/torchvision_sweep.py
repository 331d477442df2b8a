#!/usr/bin/python3
"""
Imports torchvision's classification and segmentation models and holds each to PyTorch itself: the parameters, the
shapes of the outputs, the multiply-accumulates counted by hooks, and a plan that verifies. Exits with 77 (skipped)
where PyTorch is missing. Names as arguments: only these. --table FILE writes a row of figures per model.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from math import prod
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
sys.dont_write_bytecode = True

try:
    import onnx  # noqa: F401
    import torch
    import torchvision
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)
import import_torch  # noqa: E402

SEGMENTATION = ["fcn_resnet50", "fcn_resnet101", "deeplabv3_resnet50", "deeplabv3_resnet101",
                "deeplabv3_mobilenet_v3_large", "lraspp_mobilenet_v3_large"]
AUXILIARY = {"googlenet": "aux_logits", "inception_v3": "aux_logits", "fcn_resnet50": "aux_loss",
             "deeplabv3_resnet50": "aux_loss"}


def models():
    """(constructor, keyword arguments, name)"""
    names = sorted(torchvision.models.list_models(module=torchvision.models)) + [
        n for n in SEGMENTATION if hasattr(torchvision.models.segmentation, n)]
    for name in names:
        flag = AUXILIARY.get(name)
        yield name, {} if flag is None else {flag: False}, name
        if flag is not None:
            yield name, {flag: True}, name + "_aux"


class Count:
    """Multiply-accumulates of one forward pass, by hooks on modules and on torch.matmul's relatives."""

    def __init__(self, model):
        self.macs = 0
        self.handles = [m.register_forward_hook(self.module) for m in model.modules()]
        self.saved = {}
        for owner, name in ((torch, "matmul"), (torch, "bmm"), (torch, "baddbmm"), (torch.Tensor, "matmul"),
                            (torch.Tensor, "__matmul__"), (torch.nn.functional, "linear")):
            self.saved[owner, name] = getattr(owner, name)
            setattr(owner, name, self.function(getattr(owner, name), name))
        self.depth = 0

    def module(self, module, inputs, output):
        if isinstance(module, torch.nn.modules.conv._ConvTransposeNd):
            self.macs += inputs[0].numel() * prod(module.weight.shape[1:])
        elif isinstance(module, torch.nn.modules.conv._ConvNd):
            self.macs += output.numel() * prod(module.weight.shape[1:])

    def function(self, original, name):
        def counted(*args, **keywords):
            self.depth += 1
            try:
                result = original(*args, **keywords)
            finally:
                self.depth -= 1
            if self.depth == 0:
                left = args[1] if name == "baddbmm" else args[0]
                self.macs += result.numel() * left.shape[-1]
            return result
        return counted

    def close(self):
        for handle in self.handles:
            handle.remove()
        for (owner, name), original in self.saved.items():
            setattr(owner, name, original)


def macs_per_sample(model, shape):
    """From one and from two samples: what does not depend on the samples cancels out."""
    counts = []
    for batch in (2, 3):
        count = Count(model)
        try:
            with torch.no_grad():
                model(torch.zeros(batch, *shape))
        finally:
            count.close()
        counts.append(count.macs)
    return counts[1] - counts[0]


def mbsopt(*args):
    result = subprocess.run([os.environ.get("MBSOPT", ROOT / "build/src/cli/mbsopt"), *args], capture_output=True, text=True)
    if result.returncode != 0:
        raise AssertionError(f"mbsopt {' '.join(args)}: {result.stderr.strip()}")
    return result.stdout


def check(spec, keywords, name, folder, out):
    model = import_torch.build(spec, list(keywords.items()))
    shape = [3] + [import_torch.default_size(spec, model)] * 2
    text, notes, outputs = import_torch.convert(model, name, shape)
    path = os.path.join(folder, name + ".json")
    Path(path).write_text(text)
    if out:
        Path(out, name + ".json").write_text(text)
    shown = mbsopt("show", path)
    parameters = sum(p.numel() for p in model.parameters())
    faults = [f"note: {n}" for n in notes]
    if f", {parameters} parameters" not in shown:
        faults.append(f"{parameters} parameters, not {[w for w in shown.splitlines() if ' parameters' in w][-1]}")
    macs = macs_per_sample(model, shape)
    if f"\n{macs} multiply-accumulates" not in shown:
        faults.append(f"{macs} MACs, not {[w for w in shown.splitlines() if 'multiply' in w][-1]}")
    # each output of the model must be a sink of the network with as many elements
    data = json.loads(text)
    read = {i for layer in data["layers"] for i in layer.get("inputs", [])}
    sizes = sorted(prod(s[1:]) for s in outputs)
    found = sorted(sink_elements(shown, data, read))
    if sizes != found:
        faults.append(f"outputs of {sizes} elements, not {found}")
    plan = os.path.join(folder, "plan.json")
    mbsopt("plan", path, "--batch", "8", "--planner", "mbs2", "--format", "json", "-o", plan)
    mbsopt("verify", plan)
    os.unlink(plan)
    return faults, {"name": name, "layers": len(data["layers"]), "parameters": parameters, "macs": macs}


def sink_elements(shown, data, read):
    order = [line.split() for line in shown.splitlines() if line[:1].isspace() or line[:1].isdigit()]
    sizes = {}
    for cells in order:
        if len(cells) > 1 and cells[0] != "#" and cells[1] in ("layer", "layers", "layers,"):
            break
        if cells and cells[0].isdigit() and len(cells) > 4:
            sizes[int(cells[0])] = cells
    # rows are in program order, which for an imported network is the file's
    for i, layer in enumerate(data["layers"], 1):
        if layer["name"] not in read:
            yield prod(int(d) for d in sizes[i][3].split("x"))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*")
    parser.add_argument("--out", help="keep the network files in this folder")
    given = parser.parse_args()
    failed = done = 0
    with tempfile.TemporaryDirectory() as folder:
        for spec, keywords, name in models():
            if given.models and name not in given.models:
                continue
            try:
                faults, row = check(spec, keywords, name, folder, given.out)
            except Exception as error:
                faults, row = [f"{type(error).__name__}: {' '.join(str(error).split())[:400]}"], {}
            done += 1
            failed += bool(faults)
            print(f"{'FAILED' if faults else 'ok'} {name} {row.get('layers', '')} {row.get('parameters', '')} "
                  f"{row.get('macs', '')} {'; '.join(faults)}", flush=True)
    print(f"{done - failed} of {done} models agree with PyTorch")
    return 1 if failed or not done else 0


if __name__ == "__main__":
    sys.exit(main())
