#!/usr/bin/python3
"""
Does a plan train the same? Runs one training step of a small network in PyTorch twice: on the whole mini-batch, and
as a plan says: group by group, sub-batch by sub-batch, step by step, with the gradients of parameters accumulated.
A tensor that is not resident must have been written to DRAM before it is read there, and the buffer keeps nothing that
the plan does not name. Every parameter's gradient must agree within float32 rounding. Needs Debian's python3-torch.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.dont_write_bytecode = True
from training_check.execution import Execution, worst_difference  # noqa: E402
from training_check.layers import Mismatch, Reference  # noqa: E402
from training_check.networks import NETWORKS  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent


# planner, samples, buffer, and what is recomputed
RUNS = (
    ("baseline", 7, "64KiB", "none"), ("mbs2", 7, "256KiB", "none"), ("dp", 7, "128KiB", "none"),
    ("dp", 8, "48KiB", "none"), ("ilp", 6, "96KiB", "none"), ("dp", 7, "64KiB", "activations"),
    ("dp", 7, "64KiB", "expand"), ("mbs2", 8, "32KiB", "expand"), ("dp", 7, None, "auto"),
)
AUTO_BUFFERS = {"attention": "16KiB"}  # small enough for auto to find something; the others: 32KiB


def check(torch, mbsopt, network, run, folder, seed=1):
    """(plan's description, worst relative difference, where that is)"""
    planner, batch, buffer, recompute = run
    source, target = os.path.join(folder, "net.json"), os.path.join(folder, "plan.json")
    Path(source).write_text(json.dumps(network))
    limit = ["--time-limit", "5"] if planner == "ilp" else []
    if recompute != "none":
        limit += ["--recompute", recompute]
    if recompute == "auto":
        limit += ["--max-recompute", "50"]
    done = subprocess.run([mbsopt, "plan", source, "--planner", planner, "--batch", str(batch), "--buffer", buffer,
                           *limit, "--format", "json", "-o", target], capture_output=True, text=True)
    if done.returncode != 0:
        raise Mismatch(done.stderr.strip())
    plan = json.loads(Path(target).read_text())
    again = sum(".remat" in step["kind"] for step in plan["steps"])
    if (again > 0) != (recompute != "none"):
        raise Mismatch(f"{again} steps are computed again")
    reference = Reference(torch, network, batch, seed)
    execution = Execution(torch, plan, reference)
    worst, where = worst_difference(torch, execution.run(), reference.gradients)
    iterations = sorted({g["iterations"] for g in plan["groups"]})
    return (f"{len(plan['steps'])} steps, {again} of them again, {len(plan['groups'])} groups, iterations {iterations}",
            worst, where)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mbsopt", default=os.environ.get("MBSOPT", str(ROOT / "build/src/cli/mbsopt")))
    parser.add_argument("--tolerance", type=float, default=2e-5, help="of a gradient's largest element")
    given = parser.parse_args()
    try:
        import torch
    except ImportError as error:
        print(f"skipped: {error}")
        return 77
    torch.set_num_threads(1)
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, build in NETWORKS.items():
            for planner, batch, buffer, recompute in RUNS:
                run = planner, batch, buffer or AUTO_BUFFERS.get(name, "32KiB"), recompute
                try:
                    what, worst, where = check(torch, given.mbsopt, build(), run, folder)
                except Mismatch as mismatch:
                    what, worst, where = str(mismatch), float("inf"), ""
                good = worst <= given.tolerance
                failed += not good
                print(f"{'ok' if good else 'FAILED'} {name} {run[0]} N={run[1]} {run[2]} recompute {run[3]}: {what}; "
                      f"largest difference {worst:.1e} {where}", flush=True)
    print("every plan trains as the whole mini-batch does" if not failed else f"{failed} plans do not train the same")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
