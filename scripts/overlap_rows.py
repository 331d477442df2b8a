#!/usr/bin/env python3
"""Rows for docs/evaluation.md: plans on machines of which nothing, transfers, or iterations of a group overlap.

    scripts/overlap_rows.py [--batch N] [--overlaps LIST] [--planners LIST] [--buffers LIST]
                            [--dram-efficiency X] NET... > rows.csv

MBSOPT names the program. Each plan is made for the machine that it is simulated on. dp-time is dp for least time.
"""

import argparse
import csv
import json
import os
import sys
import tempfile

from simulation_rows import run

OBJECTIVES = {"dp-time": ("--planner", "dp", "--objective", "time")}


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", default="32", metavar="N", help="samples of a mini-batch (default: 32)")
    parser.add_argument("--overlaps", default="none,step,group", metavar="LIST")
    parser.add_argument("--planners", default="baseline,mbs2,dp,dp-time", metavar="LIST")
    parser.add_argument("--buffers", default="10MiB", metavar="LIST")
    parser.add_argument("--dram-efficiency", default="measured", metavar="X")
    parser.add_argument("networks", nargs="+", metavar="NET")
    return parser.parse_args()


def points(given):
    for network in given.networks:
        for buffer in given.buffers.split(","):
            for overlap in given.overlaps.split(","):
                for planner in given.planners.split(","):
                    yield network, buffer, overlap, planner


def main():
    given = read_arguments()
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(("index", "network", "batch", "buffer_bytes", "overlap", "planner", "total_bytes", "time_s", "energy_j",
                  "simulated_s", "array_s", "vector_s", "both_s"))
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "plan.json")
        for index, (network, buffer, overlap, planner) in enumerate(points(given)):
            run("plan", network, *OBJECTIVES.get(planner, ("--planner", planner)), "--batch", given.batch, "--buffer",
                buffer, "--overlap", overlap, "--dram-efficiency", given.dram_efficiency, "--format", "json", "-o", path)
            with open(path, encoding="utf-8") as file:
                plan = json.load(file)
            found = json.loads(run("simulate", path, "--overlap", overlap, "--dram-efficiency", given.dram_efficiency,
                                   "--format", "json"))
            out.writerow((index, found["network"], given.batch, found["buffer_bytes"], overlap, planner,
                          plan["traffic_bytes"]["total"], plan["time_s"], plan["energy_j"], found["total"]["time_s"],
                          found["array_s"], found["vector_s"], found["both_s"]))
            sys.stdout.flush()


if __name__ == "__main__":
    main()
