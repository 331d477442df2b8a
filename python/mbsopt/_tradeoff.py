"""tradeoff: plans between least traffic and least time."""

from __future__ import annotations

import ctypes
import json
import re
from typing import List, Optional

from ._native import Call, Hardware, Options, Progress, Share, Size, Source, Watcher
from ._onnx import Importing, Names
from ._plan import (POLICIES, check_automatic, expect, expect_callable, expect_source, expect_text, fill_options,
                    is_whole, make_plan, plain_plan)
from ._types import Error, Row, Tradeoff

FEWEST, MOST = 3, 100
PLANNERS = ("dp", "best")


def _make_plans(call: Call, points: int, network: ctypes.c_void_p, machine: Hardware, options: Options,
                watcher: Watcher) -> List[ctypes.c_void_p]:
    """From the one of least traffic to the quickest; the call owns them."""
    handles = (ctypes.c_void_p * points)()
    count = ctypes.c_size_t()
    options.progress = watcher.function
    try:
        watcher.run(lambda: call.run("mbs_plan_tradeoff", handles, ctypes.c_size_t(points), ctypes.byref(count), network,
                                     ctypes.byref(machine), ctypes.byref(options)))
    finally:
        plans = [ctypes.c_void_p(handle) for handle in handles[:count.value]]
        call.owned.extend(("mbs_plan_free", plan) for plan in plans)
    return plans


class _Made:
    """A plan, and its figures to the last digit."""

    def __init__(self, call: Call, handle: ctypes.c_void_p, machine: Hardware) -> None:
        self.plan, self.cost = plain_plan(call, handle, machine), call.cost(handle, machine)

    def row(self, baseline: "_Made", planner: str) -> Row:
        """As `mbsopt tradeoff --format csv` writes it; of a plan for time alone the weight is None."""
        file = json.loads(self.plan.json)
        objective = file.get("objective", "traffic")
        weight = re.search(r"--weight (\S+)", file["made_by"]["options"])
        how = f"--weight {weight[1]}" if weight else "--objective time" if objective == "time" else f"--planner {planner}"
        return {"options": how, "planner": self.plan.planner, "objective": objective,
                "weight_gb_s": float(weight[1]) if weight else None if objective == "time" else 0.0,
                "total_bytes": self.plan.traffic.total, "time_s": self.cost.time_s, "energy_j": self.cost.energy_j,
                "traffic_ratio": self.plan.traffic.total / baseline.plan.traffic.total,
                "time_ratio": self.cost.time_s / baseline.cost.time_s,
                "energy_ratio": self.cost.energy_j / baseline.cost.energy_j}


def tradeoff(network: Source, *, points: int = 12, buffer: Optional[Size] = None, batch: int = 32,
             planner: str = "best", hardware: Optional[Source] = None, cycle_model: Optional[str] = None,
             dram_efficiency: Optional[Share] = None, overlap: Optional[str] = None, inference: bool = False,
             batch_norm: str = "replace", recompute: Optional[str] = None, max_recompute: Optional[float] = None,
             effort: int = 1, max_dram: Optional[Size] = None, no_pin: bool = False, no_stream: bool = False,
             no_strips: bool = False, in_place: bool = False, order: str = "auto", optimizer: str = "none",
             no_fold: bool = False, fuse: bool = False,
             time_limit: Optional[float] = None, work_limit: float = 0.0, gap: float = 0.0,
             input: Names = (), cut: Names = (),  # pylint: disable=redefined-builtin
             weights: Names = (), learned: Names = (), constant: Names = (), opaque: bool = False,
             progress: Optional[Progress] = None) -> Tradeoff:
    """Plans a network for least traffic, for least time, and for weights of both between: at most `points` plans.

    What comes back are those that no other is better than in both, the one of least traffic first, the quickest last;
    its rows are those of `mbsopt tradeoff`. Keywords and `progress` as of plan; `planner`, "dp" or "best", is that of
    the plan of least traffic. Raises Error, and TypeError for arguments of another type.
    """
    expect_source("network", network, "a network file")
    expect("points", points, is_whole(points), "a whole number")
    expect_text("planner", planner)
    expect_callable("progress", progress)
    if hardware is not None:
        expect_source("hardware", hardware, "a hardware file")
    if not FEWEST <= points <= MOST:
        raise Error("bad input", (f"points is {points}, expected {FEWEST} to {MOST}",))
    if planner not in PLANNERS:
        raise Error("bad input", (f"planner is {planner!r}, expected {' or '.join(PLANNERS)}",))
    loaded = Importing(input=input, cut=cut, weights=weights, learned=learned, constant=constant,
                       opaque=opaque).network(network)
    with Call() as call:
        machine = call.hardware(hardware, cycle_model, dram_efficiency, overlap)
        source = call.load("network", loaded)
        options = fill_options(call, buffer=buffer, batch=batch, planner=planner, objective="traffic",
                               inference=inference, batch_norm=batch_norm, recompute=recompute,
                               max_recompute=max_recompute, no_pin=no_pin, no_stream=no_stream, no_strips=no_strips,
                               time_limit=time_limit, gap=gap, work_limit=work_limit, max_dram=max_dram,
                               in_place=in_place, optimizer=optimizer, no_fold=no_fold, fuse=fuse, order=order,
                               effort=effort)
        check_automatic(POLICIES[options.recompute], max_recompute, effort)
        watcher = Watcher(progress)
        plans = [_Made(call, handle, machine)
                 for handle in _make_plans(call, points, source, machine, options, watcher)]
        options.planner, options.max_dram_bytes = call.planner("baseline"), 0
        baseline = _Made(call, make_plan(call, source, machine, options, watcher), machine)
    return Tradeoff(machine.name.decode(), baseline.plan, tuple(made.plan for made in plans),
                    tuple(made.row(baseline, planner) for made in plans))
