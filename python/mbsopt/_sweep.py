"""sweep and compare: many plans at once, with the columns of the command line."""

from __future__ import annotations

import ctypes
import itertools
import math
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, List, Mapping, Optional, Sequence, Tuple, TypeVar, Union

from ._native import Call, DramPeakStruct, Loaded, RecomputeInfo, Share, Size, Source, TrafficStruct, Watcher
from ._onnx import Importing, Names
from ._plan import (HEED_OBJECTIVE, check_automatic, check_heeded, dram_defaults, expect, expect_batch, expect_callable,
                    expect_effort, expect_number, expect_size, expect_source, expect_text, expect_whole, fill_options,
                    make_plan, takes)
from ._types import Comparison, Error, Row, Sweep

Item = TypeVar("Item")
OneOrMany = Union[Item, Sequence[Item]]
PLANNERS = ("baseline", "archopt", "il", "mbs-fs", "mbs1", "mbs2", "dp", "ilp")
MOST_THREADS = 1024
KEEP_BATCH_NORMS = ("baseline", "archopt")
ILP_WORK_LIMIT = 10.0  # of compare: its own is long for one planner of many


def _listed(name: str, given: Any, check: Callable[[str, Any], None]) -> List[Any]:
    """One thing or several, also as an array or a column of pandas, each of the right type."""
    given = given.tolist() if hasattr(given, "tolist") else given
    if given is None or not isinstance(given, (list, tuple, set, range)):
        given = [given]
    values: List[Any] = list(given)
    if not values:
        raise TypeError(f"{name} is an empty list, expected at least one value")
    for value in values:
        if value is not None:
            check(name, value)
    return values


def _outcome(call: Call, plan: ctypes.c_void_p) -> str:
    call.library.mbs_outcome_name.restype = ctypes.c_char_p
    return str(call.library.mbs_outcome_name(call.library.mbs_plan_outcome(plan)).decode())


class _Point:
    """One plan of many: the machine's source, the options as keywords, and what of the plan goes into a row."""

    def __init__(self, network: Loaded, machine: Tuple[Optional[Source], Optional[str], Optional[Share], Optional[str]],
                 options: Row) -> None:
        self.network, self.machine, self.options = network, machine, options

    def plan(self, cancelled: threading.Event) -> Row:
        """Everything that rows are made of."""
        with Call() as call:
            machine = call.hardware(*self.machine)
            network = call.load("network", self.network)
            options = fill_options(call, **self.options)
            handle = make_plan(call, network, machine, options, Watcher(cancelled=cancelled))
            traffic, again, cost = TrafficStruct(), RecomputeInfo(), call.cost(handle, machine)
            peak = DramPeakStruct()
            opened = call.library
            opened.mbs_plan_traffic(handle, ctypes.byref(traffic))
            opened.mbs_plan_recompute(handle, ctypes.byref(again))
            call.run("mbs_plan_dram_peak", handle, ctypes.byref(peak))
            opened.mbs_network_name.restype = ctypes.c_char_p
            opened.mbs_plan_bound_bytes.restype = ctypes.c_int64
            opened.mbs_plan_buffer_bytes.restype = ctypes.c_int64
            opened.mbs_plan_group_count.restype = ctypes.c_size_t
            moved = traffic.plain()
            return {
                "network": opened.mbs_network_name(network).decode(), "hardware": machine.name.decode(),
                "buffer_bytes": opened.mbs_plan_buffer_bytes(handle), "outcome": _outcome(call, handle),
                "activation_read_bytes": moved.activation_read, "activation_write_bytes": moved.activation_write,
                "weight_read_bytes": moved.weight_read, "weight_gradient_bytes": moved.weight_gradient,
                "optimizer_bytes": moved.optimizer,
                "total_bytes": moved.total, "bound_bytes": opened.mbs_plan_bound_bytes(handle) or None,
                "groups": opened.mbs_plan_group_count(handle),
                "compute_bound": cost.compute_bound_s / cost.time_s if cost.time_s > 0 else 0.0,
                "extra_macs_percent": again.macs_percent, "dram_peak_bytes": peak.bytes,
                **{name: getattr(cost, name) for name in ("time_s", "energy_j", "utilisation", "dram_j", "buffer_j",
                                                          "mac_j", "vector_j", "static_j")}}


def _plan_all(points: Sequence[_Point], threads: Optional[int],
              progress: Optional[Callable[[int, int], Optional[bool]]]) -> List[Row]:
    """The points' figures in their order, planned by several threads. An exception, or Ctrl-C, ends them all."""
    if threads is not None:
        expect_whole("threads", threads)
        if not 1 <= threads <= MOST_THREADS:
            raise Error("bad input", (f"threads is {threads}, expected 1 to {MOST_THREADS}",))
    expect_callable("progress", progress)
    cancelled = threading.Event()
    with ThreadPoolExecutor(threads or os.cpu_count() or 1) as pool:
        waiting = [pool.submit(point.plan, cancelled) for point in points]
        rows: List[Row] = []
        try:
            for future in waiting:
                rows.append(future.result())
                if progress is not None and progress(len(rows), len(points)):
                    break
        finally:
            if len(rows) < len(points):
                cancelled.set()
                for future in waiting:
                    future.cancel()
    return rows


def _named(planner: str, objective: str) -> str:
    return f"{planner}-{objective}" if planner in HEED_OBJECTIVE and objective != "traffic" else planner


def _policy(recompute: str, max_recompute: float, effort: int, max_dram_bytes: int) -> str:
    """What is recomputed, with its limits."""
    limit = f":{max_recompute:.12g}" if recompute == "auto" and math.isfinite(max_recompute) else ""
    if recompute == "auto" and effort > 1:
        limit += f":effort={effort}"
    return recompute + limit + (f":dram={max_dram_bytes}" if max_dram_bytes else "")


def _recomputing(recompute: Optional[str], max_recompute: Optional[float], effort: int,
                 max_dram: Optional[Size]) -> Tuple[str, float]:
    """What is recomputed, and within which limit."""
    if max_recompute is not None:
        expect_number("max_recompute", max_recompute)
    if max_dram is not None:
        expect_size("max_dram", max_dram)
    expect_effort(effort)
    policy, most = dram_defaults(recompute, max_recompute, max_dram)
    expect_text("recompute", policy)
    check_automatic(policy, max_recompute, effort)
    return policy, most


def sweep(networks: OneOrMany[Source], *, buffer: Optional[OneOrMany[Size]] = None, batch: OneOrMany[int] = 32,
          planner: OneOrMany[str] = "dp", hardware: Optional[OneOrMany[Source]] = None,
          cycle_model: Optional[str] = None, dram_efficiency: Optional[Share] = None, overlap: Optional[str] = None,
          objective: str = "traffic", strips: OneOrMany[str] = "on",
          recompute: Optional[str] = None, max_recompute: Optional[float] = None, effort: int = 1,
          max_dram: Optional[Size] = None, time_limit: Optional[float] = None, work_limit: float = 0.0,
          inference: bool = False, batch_norm: str = "replace", in_place: bool = False, order: str = "auto",
          optimizer: str = "none",
          no_fold: bool = False, fuse: bool = False,
          input: Names = (), cut: Names = (),  # pylint: disable=redefined-builtin
          weights: Names = (), learned: Names = (), constant: Names = (), opaque: bool = False,
          threads: Optional[int] = None, progress: Optional[Callable[[int, int], Optional[bool]]] = None) -> Sweep:
    """Plans every combination of networks, buffers, batches, planners and machines, each one or a list, on all cores.

    The rows are those of `mbsopt sweep`, in its order: pandas.DataFrame(mbsopt.sweep(...).rows). Other keywords as of
    plan. `progress` is called with how many points are done, and of how many; True ends the sweep with these. Raises
    Error, and TypeError for arguments of another type.
    """
    sources = _listed("networks", networks, lambda name, value: expect_source(name, value, "a network file"))
    buffers = _listed("buffer", buffer, expect_size)
    batches = _listed("batch", batch, expect_batch)
    planners = _listed("planner", planner, expect_text)
    machines = _listed("hardware", hardware, lambda name, value: expect_source(name, value, "a hardware file"))
    switches = _listed("strips", strips, expect_text)
    expect("strips", strips, all(switch in ("on", "off") for switch in switches), '"on", "off" or a list of both')
    recompute, max_recompute = _recomputing(recompute, max_recompute, effort, max_dram)
    loaded = Importing(input=input, cut=cut, weights=weights, learned=learned, constant=constant,
                       opaque=opaque).networks(sources)
    points, starts = [], []
    with Call() as call:
        check_heeded(call, planners, objective=objective != "traffic", in_place=in_place, order=order == "search")
        policy = _policy(recompute, max_recompute, effort,
                         0 if max_dram is None else call.size(max_dram, "max_dram"))
        forms = [(name, switch) for name in planners
                 for switch in (switches if takes("mbs_planner_takes_strips", call, name) else ["off"])]
        again = {name: recompute != "none" and not inference and takes("mbs_planner_recomputes", call, name)
                 for name in planners}
        suffixes = {name: "-in-place" * (in_place and takes("mbs_planner_writes_in_place", call, name)) +
                    "-order" * (order == "search" and takes("mbs_planner_searches_order", call, name)) +
                    "-given" * (order == "given" and name == "best" and objective == "traffic")
                    for name in planners}
    for source, space, samples, (name, switch), machine in itertools.product(
            loaded, buffers, batches, forms, machines):
        keep = batch_norm == "keep" or name in KEEP_BATCH_NORMS
        points.append(_Point(source, (machine, cycle_model, dram_efficiency, overlap), {
            "buffer": space, "batch": samples, "planner": name, "objective": objective, "inference": inference,
            "batch_norm": batch_norm, "recompute": recompute, "max_recompute": max_recompute, "effort": effort,
            "no_pin": False, "no_stream": False, "no_strips": switch == "off", "time_limit": time_limit,
            "work_limit": work_limit,
            "gap": 0.0, "in_place": in_place, "order": order,
            "optimizer": optimizer, "no_fold": no_fold, "fuse": fuse,
            "max_dram": max_dram if again[name] else None}))
        starts.append({"phase": "inference" if inference else "training", "batch_norm": "keep" if keep else "replace",
                       "batch": samples, "planner": _named(name, objective) + suffixes[name],
                       "recompute": policy if again[name] else "none", "strips": switch, "optimizer": optimizer,
                       "fused": "+".join(["products"] * (inference and not no_fold) + ["norms"] * fuse +
                                         ["sums"] * (fuse and not inference)) or "none"})
    rows = []
    for index, (start, found) in enumerate(zip(starts, _plan_all(points, threads, progress))):
        both = {"index": index, **start, **found}
        rows.append({column: both[column] for column in SWEEP_COLUMNS
                     if (optimizer != "none" or not column.startswith("optimizer")) and
                     (inference or fuse or column != "fused")})
    return Sweep(tuple(rows))


SWEEP_COLUMNS = ("index", "network", "phase", "batch_norm", "buffer_bytes", "batch", "hardware", "planner", "recompute",
                 "strips", "optimizer", "fused", "outcome", "activation_read_bytes", "activation_write_bytes",
                 "weight_read_bytes", "weight_gradient_bytes", "optimizer_bytes", "total_bytes", "bound_bytes", "groups",
                 "time_s", "energy_j", "utilisation", "compute_bound", "dram_j", "buffer_j", "mac_j", "vector_j", "static_j",
                 "extra_macs_percent",
                 "dram_peak_bytes")
COMPARE_COLUMNS = ("network", "planner", "outcome", "total_bytes", "bound_bytes", "traffic_ratio", "time_s", "speedup",
                   "energy_j", "energy_ratio", "utilisation", "dram_j", "buffer_j", "mac_j", "vector_j", "static_j",
                   "extra_macs_percent", "dram_peak_bytes")


def _compare_forms(call: Call, planners: Sequence[str], objective: str, recompute: str,
                   inference: bool) -> List[Tuple[str, str, bool, str]]:
    """Planner, its row's name, whether without strips, and what is recomputed; as `mbsopt compare` lists them."""
    forms = []
    for planner in planners:
        name = _named(planner, objective)
        if planner == "dp":
            forms.append((planner, name + "-no-strips", True, "none"))
        forms.append((planner, name, False, "none"))
        if recompute != "none" and not inference and takes("mbs_planner_recomputes", call, planner):
            forms.append((planner, f"{name}+{recompute}", False, recompute))
    return forms


def compare(networks: OneOrMany[Source], *, planner: OneOrMany[str] = PLANNERS, objective: str = "traffic",
            buffer: Optional[Size] = None, batch: int = 32, time_limit: Optional[float] = None,
            work_limit: float = 0.0, recompute: Optional[str] = None, max_recompute: Optional[float] = None,
            effort: int = 1, max_dram: Optional[Size] = None, inference: bool = False,
            batch_norm: str = "replace", in_place: bool = False, order: str = "auto", optimizer: str = "none",
            no_fold: bool = False, fuse: bool = False,
            input: Names = (), cut: Names = (),  # pylint: disable=redefined-builtin
            weights: Names = (), learned: Names = (), constant: Names = (), opaque: bool = False,
            hardware: Optional[Source] = None, cycle_model: Optional[str] = None,
            dram_efficiency: Optional[Share] = None, overlap: Optional[str] = None, threads: Optional[int] = None,
            progress: Optional[Callable[[int, int], Optional[bool]]] = None) -> Comparison:
    """Plans networks, one or a list, with several planners: the rows of `mbsopt compare`, ratios to baseline's.

    Without a limit ilp ends after 10 units of work. `progress` as of sweep; the rows are then those whose network's
    baseline was done. Raises Error.
    """
    sources = _listed("networks", networks, lambda name, value: expect_source(name, value, "a network file"))
    planners = _listed("planner", planner, expect_text)
    recompute, max_recompute = _recomputing(recompute, max_recompute, effort, max_dram)
    expect_number("work_limit", work_limit)
    if hardware is not None:
        expect_source("hardware", hardware, "a hardware file")
    loaded = Importing(input=input, cut=cut, weights=weights, learned=learned, constant=constant,
                       opaque=opaque).networks(sources)
    with Call() as call:
        check_heeded(call, planners, objective=objective != "traffic", in_place=in_place, order=order == "search")
        forms = [("baseline", "", False, "none"), *_compare_forms(call, planners, objective, recompute, inference)]
    points = [_Point(source, (hardware, cycle_model, dram_efficiency, overlap), {
        "buffer": buffer, "batch": batch, "planner": name, "objective": objective, "inference": inference,
        "batch_norm": batch_norm, "recompute": policy, "max_recompute": max_recompute, "effort": effort,
        "max_dram": None if policy == "none" else max_dram, "no_pin": False,
        "no_stream": False, "no_strips": without, "time_limit": time_limit,
        "work_limit": ILP_WORK_LIMIT if name == "ilp" and time_limit is None and not work_limit else work_limit,
        "gap": 0.0, "in_place": in_place, "optimizer": optimizer, "no_fold": no_fold, "fuse": fuse,
        "order": order})
        for source in loaded for name, _, without, policy in forms]
    found = _plan_all(points, threads, progress)
    rows = []
    for index, row in enumerate(found):
        base, (_, name, _, _) = found[index - index % len(forms)], forms[index % len(forms)]
        if not name:
            continue
        row = {**row, "planner": name, "traffic_ratio": row["total_bytes"] / base["total_bytes"],
               "speedup": base["time_s"] / row["time_s"], "energy_ratio": row["energy_j"] / base["energy_j"]}
        rows.append({column: row[column] for column in COMPARE_COLUMNS})
    return Comparison(tuple(rows))
