#!/usr/bin/env python3
"""Rows of simulations for docs/evaluation.md: networks, as planners plan them for buffers, on machines of several kinds.

    scripts/simulation_rows.py [--dram-efficiency X] NET... > rows.csv

MBSOPT names the program. Each plan is made once and simulated with slices, with whole operands, and with nothing ahead.
"""

import argparse
import csv
import json
import os
import pathlib
import subprocess
import sys
import tempfile

PROGRAM = os.environ.get("MBSOPT") or str(pathlib.Path(__file__).resolve().parent / "run.sh")
PLANNERS = (("mbs2", ()), ("dp", ()), ("best", ("--work-limit", "1", "--order", "given")))
BUFFERS = ("1MiB", "10MiB")
MACHINES = (("slices", ()), ("whole", ("--slice", "whole")), ("nothing-ahead", ("--prefetch", "none")))
PARTS = ("array_s", "vector_s", "dram_s")
WAITS = ("wait_load_s", "wait_room_s", "wait_store_s")


def run(*arguments):
    done = subprocess.run([PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        sys.exit(done.stderr.strip())
    return done.stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dram-efficiency", default="measured", metavar="X")
    parser.add_argument("networks", nargs="+", metavar="NET")
    given = parser.parse_args()
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(("index", "network", "buffer_bytes", "planner", "machine", "estimate_s", "time_s", *PARTS, *WAITS))
    index = 0
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "plan.json")
        for network in given.networks:
            for buffer in BUFFERS:
                for planner, limits in PLANNERS:
                    run("plan", network, "--planner", planner, *limits, "--buffer", buffer, "-o", path)
                    for machine, options in MACHINES:
                        found = json.loads(run("simulate", path, *options, "--dram-efficiency", given.dram_efficiency,
                                               "--format", "json"))
                        total = found["total"]
                        out.writerow((index, found["network"], found["buffer_bytes"], planner, machine,
                                      found["estimate_s"], total["time_s"], *(found[name] for name in PARTS),
                                      *(total[name] for name in WAITS)))
                        index += 1


if __name__ == "__main__":
    main()
