#!/usr/bin/python3
"""
Imports torchvision's classification and segmentation models and holds each to PyTorch itself: the parameters, the
shapes of the outputs, the multiply-accumulates counted by hooks; and plans of several planners verify. Exits with 77
(skipped) where PyTorch is missing. Names as arguments: only these. --log FILE notes what is done, and a second run
leaves out what is noted there as ok.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
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
             "fcn_resnet101": "aux_loss", "deeplabv3_resnet50": "aux_loss", "deeplabv3_resnet101": "aux_loss",
             "deeplabv3_mobilenet_v3_large": "aux_loss"}
PLANNERS = ("baseline", "mbs2", "dp")


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
        for owner, name in ((torch, "matmul"), (torch, "bmm"), (torch, "baddbmm"), (torch, "einsum"), (torch.Tensor, "matmul"),
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
                self.macs += products(name, args, result)
            return result
        return counted

    def close(self):
        for handle in self.handles:
            handle.remove()
        for (owner, name), original in self.saved.items():
            setattr(owner, name, original)


def products(name, args, result):
    """Multiply-accumulates of a product of matrices."""
    if name == "einsum":  # every combination of its indices
        sizes = {}
        for labels, tensor in zip(args[0].replace(" ", "").partition("->")[0].split(","), args[1:]):
            sizes.update(zip(labels, tensor.shape))
        return prod(sizes.values())
    left = args[1] if name == "baddbmm" else args[0]
    return result.numel() * left.shape[-1]


def macs_per_sample(model, shape):
    """From one and from two samples: what does not depend on the samples cancels out. The model goes to the device
    where tensors are shapes alone; it is of no use afterwards."""
    model.to("meta")
    counts = []
    for batch in (2, 3):
        count = Count(model)
        try:
            with torch.no_grad():
                model(torch.zeros(batch, *shape, device="meta"))
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
    """(faults, what is to be said of the network)"""
    model = import_torch.build(spec, list(keywords.items()))
    shape = [3] + [import_torch.default_size(spec, model)] * 2
    text, notes, outputs = import_torch.convert(model, name, shape)
    path = os.path.join(folder, name + ".json")
    Path(path).write_text(text)
    if out:
        Path(out, name + ".json").write_text(text)
    shown = mbsopt("show", path, "--wide")
    parameters = sum(p.numel() for p in model.parameters())
    faults = [f"note: {n}" for n in notes]
    if f", {parameters} parameters" not in shown:
        faults.append(f"{parameters} parameters, not {[w for w in shown.splitlines() if ' parameters' in w][-1]}")
    macs = macs_per_sample(model, shape)
    if f"\n{macs} multiply-accumulates" not in shown:
        faults.append(f"{macs} MACs, not {[w for w in shown.splitlines() if 'multiply' in w][-1]}")
    # each output of the model must be a sink of the network with its shape
    data = json.loads(text)
    expected, found = sorted([int(d) for d in s[1:]] for s in outputs), sorted(sink_shapes(shown, data))
    if expected != found:
        faults.append(f"outputs of the shapes {expected}, not {found}")
    plan = os.path.join(folder, "plan.json")
    for planner in PLANNERS:
        mbsopt("plan", path, "--batch", "8", "--planner", planner, "--format", "json", "-o", plan)
        mbsopt("verify", plan)
        os.unlink(plan)
    os.unlink(path)
    return faults, f"{len(data['layers'])} layers, {parameters} parameters, {macs} MACs"


def sink_shapes(shown, data):
    """The shapes of what no layer reads, from the table of `mbsopt show`: its rows are the file's layers in order."""
    read = {i for layer in data["layers"] for i in layer.get("inputs", [])}
    rows = [cells for cells in (line.split() for line in shown.splitlines()) if len(cells) > 4 and cells[0].isdigit()]
    if [cells[2] for cells in rows[:len(data["layers"])]] != [layer["op"] for layer in data["layers"]]:
        raise AssertionError("the layers are not shown in the file's order")
    for cells, layer in zip(rows, data["layers"]):
        if layer["name"] not in read:
            yield [int(d) for d in cells[3].split("x")]


def done_before(log):
    if not log or not os.path.exists(log):
        return set()
    return {line.split()[1].rstrip(":") for line in Path(log).read_text().splitlines() if line.startswith("ok ")}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*")
    parser.add_argument("--out", help="keep the network files in this folder")
    parser.add_argument("--log", metavar="FILE", help="leave out what FILE notes as ok, and note there what is done")
    given = parser.parse_args()
    torch.set_num_threads(1)
    failed, before = 0, done_before(given.log)
    chosen = [m for m in models() if not given.models or m[2] in given.models]
    with tempfile.TemporaryDirectory() as folder:
        for spec, keywords, name in chosen:
            if name in before and (not given.out or Path(given.out, name + ".json").exists()):
                continue
            begin = time.monotonic()
            try:
                faults, what = check(spec, keywords, name, folder, given.out)
            except Exception as error:
                faults, what = [f"{type(error).__name__}: {' '.join(str(error).split())[:400]}"], "no network"
            failed += bool(faults)
            line = (f"{'FAILED' if faults else 'ok'} {name}: {what}, {time.monotonic() - begin:.0f} s"
                    f"{''.join('; ' + f for f in faults)}")
            print(line, flush=True)
            if given.log:
                with open(given.log, "a", encoding="utf-8") as log:
                    log.write(line + "\n")
    print(f"{len(chosen) - failed} of {len(chosen)} models agree with PyTorch")
    return 1 if failed or not chosen else 0


if __name__ == "__main__":
    sys.exit(main())
