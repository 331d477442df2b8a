#!/usr/bin/env python3
"""Writes docs/zoo.md: what mbsopt makes of each network file, as a table. Run by build_zoo.sh."""

import argparse
import csv
import json
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLANNERS = "baseline,mbs2,dp,best"

HEAD = """# The zoo

What mbsopt makes of {count} networks: {batch} samples per core, the default machine (WaveCore, 10 MiB, HBM2), its DRAM
at its peak (`--dram-efficiency 1`), batch norms planned as group norms. GB of DRAM traffic of one training step and core. best is the default planner in the network's own order of steps (`--order given`), marked ✓
where it proves its plan optimal; *less* and *time saved* are dp's against the baseline's. dp minimises traffic
alone: networks of depthwise convolutions keep the array idle as it is, and the small sub-batches that move least keep
it more so. What dp saves with `--objective time` is in the column dp-time. The last three columns are of a buffer of
1 MiB: what dp without strips of rows and then dp (strips are its default, [the model](model.md#11-strips)) save of the
baseline's traffic and time, and how full they keep the array; short strips fill it less. A ● is in
[models/networks](../models/networks). `scripts/build_zoo.sh` makes the networks from torchvision's models and this
table from them; for those of torchvision the number of parameters, the shapes of the outputs and the
multiply-accumulates are PyTorch's (`meson test --suite sweep`). The networks of `make_zoo.py` keep their names and
figures.

| network | | layers | parameters | MACs, G | baseline | mbs2 | dp | less | best | time saved | dp-time | 1 MiB: less | 1 MiB: time saved | 1 MiB: utilisation |
|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|
"""


def run(*args):
    done = subprocess.run([os.environ.get("MBSOPT", str(ROOT / "build/src/cli/mbsopt")), *args],
                          capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"zoo_table.py: mbsopt {' '.join(args)}: {done.stderr.strip()}")
    return done.stdout


def compare(path, planners, batch, *more):
    text = run("compare", str(path), "--planner", planners, "--batch", str(batch), "--dram-efficiency", "1", *more,
               "--format", "csv")
    return {r["planner"]: r for r in csv.DictReader(text.splitlines())}


def saved(of, planner, column):
    return f"{100 * (1 - float(of[planner][column]) / float(of['baseline'][column])):.1f} %"


def small_buffer(path, batch):
    """dp's traffic, time and utilisation at 1 MiB without strips and with them."""
    of = compare(path, "baseline,dp", batch, "--buffer", "1MiB")
    both = [(saved(of, p, "total_bytes"), saved(of, p, "time_s"), f"{float(of[p]['utilisation']):.2f}")
            for p in ("dp-no-strips", "dp")]
    return " | ".join(" → ".join(pair) for pair in zip(*both))


def row(path, batch, committed):
    shown = run("show", str(path))
    parameters = int(re.search(r", (\d+) parameters", shown).group(1))
    macs = int(re.search(r"(\d+) multiply-accumulates", shown).group(1))
    layers = len(json.loads(path.read_text())["layers"])
    of = compare(path, PLANNERS, batch, "--order", "given")
    of.update(compare(path, "dp", batch, "--objective", "time"))
    gb = {p: int(r["total_bytes"]) / 1e9 for p, r in of.items()}
    proven = " ✓" if of["best"]["outcome"] == "optimal" else ""
    return (f"| {path.stem} | {'●' if path.stem in committed else ''} | {layers} | {parameters:,} | {macs / 1e9:.2f} "
            f"| {gb['baseline']:.2f} | {gb['mbs2']:.2f} | {gb['dp']:.2f} | {saved(of, 'dp', 'total_bytes')} "
            f"| {gb['best']:.2f}{proven} | {saved(of, 'dp', 'time_s')} | {saved(of, 'dp-time', 'time_s')} "
            f"| {small_buffer(path, batch)} |").replace(",", " ")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("networks", nargs="+", type=Path)
    parser.add_argument("-o", "--output", default=str(ROOT / "docs/zoo.md"))
    parser.add_argument("--batch", type=int, default=32)
    given = parser.parse_args()
    count, at_once, start = len(given.networks), os.cpu_count(), time.monotonic()
    print(f"zoo_table.py: {count} networks, {at_once} at a time", file=sys.stderr)
    committed = {p.stem for p in (ROOT / "models/networks").glob("*.json")}
    with ThreadPoolExecutor(at_once) as pool:
        rows = list(pool.map(lambda p: row(p, given.batch, committed),
                             sorted(given.networks, key=lambda p: p.stem)))
    print(f"zoo_table.py: took {time.monotonic() - start:.0f} s", file=sys.stderr)
    text = HEAD.format(count=len(rows), batch=given.batch) + "\n".join(rows) + "\n"
    partial = given.output + ".part"
    Path(partial).write_text(text, encoding="utf-8")
    os.replace(partial, given.output)


if __name__ == "__main__":
    sys.exit(main())
