#!/usr/bin/python3
"""
Does a plan train the same? Runs one training step of a small network in PyTorch twice: on the whole mini-batch, and
as a plan says: group by group, sub-batch by sub-batch or strip by strip, step by step, with the gradients of parameters
accumulated. A tensor that is not resident must have been written to DRAM before it is read there, and the buffer keeps no
row that the plan does not name. Every parameter's gradient must agree within the rounding of doubles, and so must the output
of an inference, also where layers are done by steps of others (section 13); with an optimizer, what its updates make of
parameters and state, whatever momentum and Adam begin with. Needs Debian's python3-torch.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.dont_write_bytecode = True
from training_check.execution import Execution, worst_difference  # noqa: E402
from training_check.fused import count, fuse  # noqa: E402
from training_check.layers import FUNCTIONS, Mismatch, Reference  # noqa: E402
from training_check.networks import NETWORKS, STRIP_NETWORKS, activations, attention, inverted  # noqa: E402
from training_check.progress import Progress  # noqa: E402
from training_check.rows import base_of  # noqa: E402
from training_check.split import random_groups, split_program, with_groups  # noqa: E402
from training_check.step_rows import differences, take_rows  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent


# planner, samples, buffer, and what is recomputed
RUNS = (
    ("baseline", 7, "64KiB", "none"), ("mbs2", 7, "256KiB", "none"), ("dp", 7, "128KiB", "none"),
    ("dp", 8, "48KiB", "none"), ("ilp", 6, "96KiB", "none"), ("dp", 7, "64KiB", "activations"),
    ("dp", 7, "64KiB", "expand"), ("mbs2", 8, "32KiB", "expand"), ("dp", 7, None, "auto"),
)
AUTO_BUFFERS = {"attention": "16KiB"}  # small enough for auto to find something; the others: 32KiB
STRIP_BUFFERS = {"attention": "8KiB"}  # small enough for dp to make strips; the others: 6KiB
# the same with an optimizer: what hands gradients on in groups of one and of several iterations, and what does not
UPDATE_RUNS = (("momentum", "dp", 7, "64KiB"), ("adam", "mbs2", 8, "48KiB"), ("adam", "baseline", 5, "64KiB"),
               ("sgd", "ilp", 6, "96KiB"))
# inference, whose products do more, then training with norms that do
FUSED_RUNS = (["--inference", "--planner", "dp", "--batch", "5", "--buffer", "48KiB"],
              ["--inference", "--fuse", "--planner", "baseline", "--batch", "7", "--buffer", "64KiB"],
              ["--fuse", "--planner", "dp", "--batch", "7", "--buffer", "64KiB", "--in-place"],
              ["--fuse", "--planner", "baseline", "--batch", "4", "--buffer", "48KiB"],
              ["--fuse", "--planner", "mbs2", "--batch", "8", "--buffer", "32KiB", "--recompute", "activations"],
              ["--fuse", "--planner", "dp", "--batch", "6", "--buffer", "32KiB", "--recompute", "auto", "--optimizer", "adam"])
STRIP_OPTIONS = ([], ["--recompute", "expand"], ["--inference", "--no-fold"], ["--inference"], ["--optimizer", "adam"],
                 ["--fuse"], ["--fuse", "--recompute", "expand"])
ORDER_BUFFER = "24KiB"  # another order of steps moves less there
SEEDS = 1  # ways to cut a split program into groups, by chance


def make_plan(mbsopt, network, folder, *options):
    source, target = os.path.join(folder, "net.json"), os.path.join(folder, "plan.json")
    Path(source).write_text(json.dumps(network))
    done = subprocess.run([mbsopt, "plan", source, *options, "--format", "json", "-o", target], capture_output=True,
                          text=True)
    if done.returncode != 0:
        raise Mismatch(done.stderr.strip())
    plan = json.loads(Path(target).read_text())
    return take_rows(plan) if plan["format"] == "mbsopt-plan/2" else plan


def carry_out(torch, plan, reference):
    """(worst relative difference, where that is)"""
    reference = fuse(torch, reference, plan)
    execution = Execution(torch, plan, reference)
    if plan.get("format") == "mbsopt-plan/2":
        must_agree(plan, execution.rows)
    gradients = execution.run()
    if "traffic_bytes" in plan:
        counted = plan["traffic_bytes"]["activation_read"], plan["traffic_bytes"]["activation_write"]
        if execution.traffic() != counted:
            raise Mismatch(f"{execution.traffic()} bytes are read and written, the plan has {counted}")
    if plan["phase"] == "inference":
        results = execution.results()
        if not results:
            raise Mismatch("nothing comes out")
        return worst_difference(torch, results, {n: [reference.values[n].detach()] for n in results})
    if execution.updates is not None:
        made = execution.updates.by_layer()
        expected = execution.updates.optimizer.expected(reference.parameters)
        return worst_difference(torch, made, {name: expected[name] for name in made})
    return worst_difference(torch, gradients, reference.gradients)


def must_agree(plan, rows):
    """Rows, maps and sizes of a plan with strips are what section 11 says."""
    wrong = differences(plan, rows)
    for group in plan["groups"]:
        if group.get("strips", 1) > 1:
            # what steps share is pinned once
            kept = sum(p[f"{what}_bytes"] for p in plan.get("pinned", []) for what in ("weight", "accumulator")
                       if group["first"] <= p["step"] <= group["last"]
                       and plan["steps"][p["step"]].get(f"same_{what}s", -1) < group["first"])
            mine = Progress(plan, group).footprint(kept)
            if mine != group["peak_bytes"]:
                wrong.append(f"steps {group['first']} to {group['last']} take {mine} bytes, not {group['peak_bytes']}")
    if wrong:
        raise Mismatch("; ".join(wrong))


def check(torch, mbsopt, network, run, folder, seed=1):
    """A planner's plan: (description, worst relative difference, where that is)"""
    planner, batch, buffer, recompute, *optimizer = run
    limit = ["--time-limit", "5"] if planner == "ilp" else []
    if optimizer:
        limit += ["--optimizer", *optimizer]
    if recompute != "none":
        limit += ["--recompute", recompute]
    if recompute == "auto":
        limit += ["--max-recompute", "50"]
    plan = make_plan(mbsopt, network, folder, "--planner", planner, "--batch", str(batch), "--buffer", buffer, *limit)
    again = sum(".remat" in step["kind"] for step in plan["steps"])
    if (again > 0) != (recompute != "none"):
        raise Mismatch(f"{again} steps are computed again")
    worst, where = carry_out(torch, plan, Reference(torch, network, batch, seed))
    iterations = sorted({g["iterations"] for g in plan["groups"]})
    return (f"{len(plan['steps'])} steps, {again} of them again, {len(plan['groups'])} groups, iterations {iterations}",
            worst, where)


def must_fuse(plan, network, options):
    """--fuse and --inference without --no-fold leave no pair that could be one step, as far as it is a simple one; nothing
    else makes any step do more than its layer."""
    made, read = {layer["name"]: layer for layer in network["layers"]}, [i for n in network["layers"] for i in n["inputs"]]
    shared = {n for layer in network["layers"] if "shares" in layer for n in (layer["name"], layer["shares"])}
    gone = {name for step in plan["steps"] for name in step.get("fused", ())}
    folds = "--inference" in options and "--no-fold" not in options
    for layer in network["layers"]:
        before = made.get(layer["inputs"][0])
        if before is None or read.count(before["name"]) > 1 or layer["name"] in gone:
            continue
        norm = layer["op"] == "norm" and layer["kind"] == "batch" and not shared & {layer["name"], before["name"]}
        if folds and before["op"] in ("conv", "conv_transpose", "fc") and (norm or layer["op"] in FUNCTIONS):
            raise Mismatch(f"{layer['name']} is a step of its own")
        if "--fuse" in options and before["op"] == "norm" and layer["op"] in FUNCTIONS and before["name"] not in gone:
            raise Mismatch(f"{layer['name']} is a step of its own")
    if gone and not folds and "--fuse" not in options:
        raise Mismatch(f"{len(gone)} layers have no steps")
    must_add(plan, "--fuse" in options and "--inference" not in options)


def must_add(plan, fuses):
    """With --fuse no sum has a step whose contribution another makes for it alone and could have added; else all have."""
    names, maker = [t["name"] for t in plan["tensors"]], {w: s for s in plan["steps"] for w in s["writes"]}
    if not fuses and any("sums" in s for s in plan["steps"]):
        raise Mismatch("a step adds to a gradient")
    for step in plan["steps"]:
        running, contribution = step["reads"][0] if step["reads"] else -1, step["reads"][-1] if step["reads"] else -1
        if fuses and step["kind"] == "gsum" and base_of(names[contribution]) == base_of(names[step["writes"][0]]):
            if running not in maker[contribution]["reads"]:
                raise Mismatch(f"{step['name']} is a step of its own")


def check_fused(torch, mbsopt, network, options, folder, seed=1):
    """A planner's plan of a network whose layers are fused."""
    plan = make_plan(mbsopt, network, folder, *options)
    must_fuse(plan, network, options)
    if count(plan) == 0:
        raise Mismatch("nothing is fused")
    worst, where = carry_out(torch, plan, Reference(torch, network, plan["batch"], seed, plan["phase"] == "inference"))
    return f"{len(plan['steps'])} steps, which do {count(plan)} layers besides their own", worst, where


def check_order(torch, mbsopt, network, batch, buffer, folder):
    """dp's plan in an order of steps that was searched for."""
    plan = make_plan(mbsopt, network, folder, "--planner", "dp", "--no-strips", "--batch", str(batch), "--buffer", buffer,
                     "--order", "search")
    moved = sum(step["id"] != step.get("given", step["id"]) for step in plan["steps"])
    if moved == 0:
        raise Mismatch("no step is in another place")
    worst, where = carry_out(torch, plan, Reference(torch, network, batch, 1))
    return f"{len(plan['steps'])} steps, {moved} of them elsewhere, {len(plan['groups'])} groups", worst, where


def check_planned_strips(torch, mbsopt, network, options, folder):
    """dp's plan, which in so small a buffer has strips."""
    plan = make_plan(mbsopt, network, folder, "--batch", "2", "--batch-norm", "keep", *options)
    must_fuse(plan, network, options)
    strips = [g.get("strips", 1) for g in plan["groups"]]
    if max(strips) == 1:
        raise Mismatch("no group has strips")
    worst, where = carry_out(torch, plan, Reference(torch, network, 2, 1, plan["phase"] == "inference"))
    return f"{len(plan['steps'])} steps in groups of {','.join(map(str, strips))} strips", worst, where


def check_strips(torch, mbsopt, network, options, folder, seed):
    """The split program, in groups and strips that chance has chosen."""
    whole = "--planner", "mbs2", "--batch-norm", "keep"  # mbs2 plans the program that is not split
    plan = make_plan(mbsopt, network, folder, "--batch", "3", *whole, *options)
    must_fuse(plan, network, options)
    reference = Reference(torch, network, 3, 1, plan["phase"] == "inference")
    fused = fuse(torch, reference, plan)
    program = split_program(plan, fused.network, {n: v.shape for n, v in fused.values.items()})
    plan = with_groups(program, random_groups(random.Random(seed), program, fused.network))
    worst, where = carry_out(torch, plan, reference)
    strips = [g["strips"] for g in plan["groups"]]
    return f"{len(plan['steps'])} steps in groups of {','.join(map(str, strips))} strips", worst, where


def cases(torch, mbsopt, folder):
    """(name, function that gives description, difference, where)"""
    for name, build in NETWORKS.items():
        for planner, batch, buffer, recompute in RUNS:
            run = planner, batch, buffer or AUTO_BUFFERS.get(name, "32KiB"), recompute
            yield (f"{name} {planner} N={batch} {run[2]} recompute {recompute}",
                   lambda n=build(), r=run: check(torch, mbsopt, n, r, folder))
        yield (f"{name} dp N=7 {ORDER_BUFFER} in another order",
               lambda n=build(): check_order(torch, mbsopt, n, 7, ORDER_BUFFER, folder))
        for optimizer, planner, batch, buffer in UPDATE_RUNS:
            run = planner, batch, buffer, "none", optimizer
            yield (f"{name} {planner} N={batch} {buffer} with {optimizer}",
                   lambda n=build(), r=run: check(torch, mbsopt, n, r, folder))
    for name, build in NETWORKS.items():
        for options in FUSED_RUNS:
            network = build() if name == "attention" else build("batch" if "--inference" in options else "group")
            if name != "attention" or "--inference" in options:  # no activation is behind a norm there
                yield (f"{name} {' '.join(options)}",
                       lambda n=network, o=options: check_fused(torch, mbsopt, n, o, folder))
    for network, runs in ((inverted(), FUSED_RUNS[:2]), (activations(), FUSED_RUNS[2:]),
                          (activations("batch"), [[*o, "--batch-norm", "keep"] for o in FUSED_RUNS[2:]])):
        for options in runs:
            yield (f"{network['name']} {' '.join(options)}",
                   lambda n=network, o=options: check_fused(torch, mbsopt, n, o, folder))
    for name, build in STRIP_NETWORKS.items():
        for kind in ("layer",) if name == "attention" else ("group", "batch"):
            network = build() if kind == "layer" else build(kind)
            for options in STRIP_OPTIONS:
                for seed in range(SEEDS):
                    yield (f"{name} strips, {kind} norms {' '.join(options)} #{seed}",
                           lambda n=network, o=options, s=seed: check_strips(torch, mbsopt, n, o, folder, s))
                planned = attention(64) if name == "attention" else network
                options = [*options, "--buffer", STRIP_BUFFERS.get(name, "6KiB")]
                yield (f"{name} dp with strips, {kind} norms {' '.join(options)}",
                       lambda n=planned, o=options: check_planned_strips(torch, mbsopt, n, o, folder))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mbsopt", default=os.environ.get("MBSOPT", str(ROOT / "build/src/cli/mbsopt")))
    parser.add_argument("--tolerance", type=float, default=1e-10, help="of a gradient's largest element")
    given = parser.parse_args()
    try:
        import torch
    except ImportError as error:
        print(f"skipped: {error}")
        return 77
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, run in cases(torch, given.mbsopt, folder):
            try:
                what, worst, where = run()
            except Mismatch as mismatch:
                what, worst, where = str(mismatch), float("inf"), ""
            good = worst <= given.tolerance
            failed += not good
            print(f"{'ok' if good else 'FAILED'} {name}: {what}; largest difference {worst:.1e} {where}", flush=True)
    print("every plan trains as the whole mini-batch does" if not failed else f"{failed} plans do not train the same")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
