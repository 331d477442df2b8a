"""plan, load and verify."""

from __future__ import annotations

import ctypes
import json
import math
import numbers
import os
from typing import Any, Mapping, Optional, Sequence, Tuple, Union

from ._library import library
from ._native import (Call, Hardware, Options, PlanOptions, Progress, ProgramOptions, Share, Size, Source, TrafficStruct,
                      Watcher, word)
from ._onnx import Importing, Names
from ._types import Chip, DramPeak, Error, Group, Plan, Traffic

OBJECTIVES = ("traffic", "time", "energy")
POLICIES = ("none", "activations", "expand", "auto")
BATCH_NORMS = ("replace", "keep")
OPTIMIZERS = ("none", "sgd", "momentum", "adam")
HEED_OBJECTIVE = ("dp", "best")
LIMITED = ("ilp", "best")  # planners that a limit of work ends
ORDERS = ("given", "search", "auto")
MOST_SAMPLES = 1000000
MOST_CORES = 1000000
FUSE_PRODUCTS, FUSE_NORMS, FUSE_SUMS = 1, 2, 4
MOST_EFFORT = 1000


# ---- What is expected of arguments -----------------------------------------------------------------

def expect(name: str, value: Any, good: bool, expected: str) -> None:
    """Raises a TypeError that says what was expected."""
    if not good:
        raise TypeError(f"{name} is {value!r} of type {type(value).__name__}, expected {expected}")


def is_whole(value: Any) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def expect_source(name: str, value: Any, what: str) -> None:
    expect(name, value, isinstance(value, (str, os.PathLike, Mapping)),
           f"the path of {what}, the name of one that comes with mbsopt, or a dict")


def expect_hardware(value: Any) -> None:
    if value is not None:
        expect_source("hardware", value, "a hardware file")


def expect_size(name: str, value: Any) -> None:
    expect(name, value, is_whole(value) or isinstance(value, str), 'a whole number of bytes or a size such as "10MiB"')


def expect_whole(name: str, value: Any) -> None:
    """Raises Error where it does not fit into 64 bits."""
    expect(name, value, is_whole(value), "a whole number")
    if not -2**63 <= value < 2**63:
        raise Error("bad input", (f"{name} is {value}, expected less than 2^63",))


def expect_batch(name: str, value: Any) -> None:
    """Raises Error where it is none that a mini-batch may have."""
    expect_whole(name, value)
    if not 1 <= value <= MOST_SAMPLES:
        raise Error("bad input", (f"{name} is {value}, expected 1 to {MOST_SAMPLES}",))


def expect_number(name: str, value: Any) -> None:
    expect(name, value, isinstance(value, numbers.Real) and not isinstance(value, bool), "a number")


def expect_text(name: str, value: Any) -> None:
    expect(name, value, isinstance(value, str), "text")


def expect_effort(value: Any) -> None:
    expect("effort", value, is_whole(value), "a whole number")
    if not 1 <= value <= MOST_EFFORT:
        raise Error("bad input", (f"effort is {value}, expected 1 to {MOST_EFFORT}",))


def expect_flags(**flags: Any) -> None:
    for name, value in flags.items():
        expect(name, value, isinstance(value, (bool, int)) and value in (0, 1), "True or False")


def expect_fold(no_fold: bool, inference: bool) -> None:
    if no_fold and not inference:
        raise Error("bad input", ("no_fold is of inference, in which layers are folded",))


def expect_path(name: str, value: Any) -> None:
    expect(name, value, isinstance(value, (str, os.PathLike)), "a path")


def expect_callable(name: str, value: Any) -> None:
    expect(name, value, value is None or callable(value), "a function or None")


# ---- Plans -----------------------------------------------------------------------------------------

def dram_defaults(recompute: Optional[str], max_recompute: Optional[float],
                  max_dram: Optional[Size]) -> Tuple[str, float]:
    """What is recomputed, and within which limit, where neither is said."""
    if recompute is None:
        recompute = "none" if max_dram is None else "auto"
    if max_recompute is None:
        max_recompute = 10.0 if max_dram is None else math.inf
    return recompute, max_recompute


def fill_options(call: Call, *, buffer: Optional[Size], batch: int, planner: str, objective: str, inference: bool,
                 batch_norm: str, recompute: Optional[str], max_recompute: Optional[float], no_pin: bool, no_stream: bool,
                 no_strips: bool, time_limit: Optional[float], gap: float, work_limit: float = 0.0,
                 weight: Optional[float] = None, max_slowdown: Optional[float] = None,
                 max_dram: Optional[Size] = None,
                 in_place: bool = False, optimizer: str = "none", no_fold: bool = False, fuse: bool = False,
                 order: str = "auto", effort: int = 1) -> Options:
    """Options of the library, checked: TypeError for what is of no such kind, Error for a value that is not good."""
    for name, size in (("buffer", buffer), ("max_dram", max_dram)):
        if size is not None:
            expect_size(name, size)
    recompute, max_recompute = dram_defaults(recompute, max_recompute, max_dram)
    for name, text in (("planner", planner), ("objective", objective), ("recompute", recompute),
                       ("batch_norm", batch_norm), ("optimizer", optimizer), ("order", order)):
        expect_text(name, text)
    for name, number in (("max_recompute", max_recompute), ("time_limit", time_limit), ("gap", gap),
                         ("work_limit", work_limit), ("weight", weight), ("max_slowdown", max_slowdown)):
        if number is not None or name in ("max_recompute", "gap", "work_limit"):
            expect_number(name, number)
    expect_flags(inference=inference, no_pin=no_pin, no_stream=no_stream, no_strips=no_strips,
                 in_place=in_place, no_fold=no_fold, fuse=fuse)
    expect_fold(no_fold, inference)
    expect_batch("batch", batch)
    expect_effort(effort)
    if weight is not None and objective != "traffic":
        raise Error("bad input", (f"objective {objective!r} and a weight exclude each other",))
    least = word("objective", objective, OBJECTIVES) if weight is None else len(OBJECTIVES)
    return Options(planner=call.planner(planner), objective=least, batch=int(batch),
                   buffer_bytes=call.size(buffer), inference=inference,
                   keep_batch_norm=word("batch_norm", batch_norm, BATCH_NORMS),
                   recompute=word("recompute", recompute, POLICIES), max_recompute_percent=max_recompute,
                   no_pin=no_pin, no_stream=no_stream, time_limit_s=math.inf if time_limit is None else time_limit,
                   gap_percent=gap, no_strips=no_strips,
                   work_limit=work_limit if planner in LIMITED else 0.0,
                   weight=0 if weight is None else round(weight * 1e9),  # whole bytes, as the command line
                   limit_slowdown=max_slowdown is not None,
                   max_slowdown_percent=0 if max_slowdown is None else max_slowdown,
                   max_dram_bytes=0 if max_dram is None else call.size(max_dram, "max_dram"), in_place=in_place,
                   optimizer=word("optimizer", optimizer, OPTIMIZERS), no_fold=no_fold, fuse=fuse,
                   order=word("order", order, ORDERS), effort=int(effort))


def make_plan(call: Call, network: ctypes.c_void_p, machine: Hardware, options: Options,
              watcher: Watcher) -> ctypes.c_void_p:
    """A plan of the library's, which the call owns."""
    options.progress = watcher.function
    return watcher.run(lambda: call.make("mbs_plan_network", "mbs_plan_free", network, ctypes.byref(machine),
                                         ctypes.byref(options)))


def _group(call: Call, handle: ctypes.c_void_p, index: int, group: Any, steps: Any) -> Group:
    traffic = TrafficStruct()
    call.check(call.library.mbs_plan_group_traffic(handle, ctypes.c_size_t(index), ctypes.byref(traffic)))
    return Group(group["first"], group["last"], steps[group["first"]]["name"], steps[group["last"]]["name"],
                 group["iterations"], group["sub_batch"], group["passes"], group["peak_bytes"], group["time_s"],
                 group["energy_j"], traffic.plain(), group.get("strips", 1))


def _chip(call: Call, handle: ctypes.c_void_p, cores: int) -> Chip:
    apart, shared = TrafficStruct(), TrafficStruct()
    if not 1 <= cores <= MOST_CORES:
        raise Error("bad input", (f"cores is {cores}, expected 1 to {MOST_CORES}",))
    if call.library.mbs_plan_chip_traffic(handle, ctypes.c_int64(cores), ctypes.byref(apart), ctypes.byref(shared)):
        raise Error("bad input", (f"cores is {cores}: what they move exceeds 64 bits",))
    return Chip(int(cores), apart.plain(), shared.plain())


def plain_plan(call: Call, handle: ctypes.c_void_p, hardware: Hardware, cores: Optional[int] = None) -> Plan:
    """The plan as plain data, with what so many cores move."""
    text = call.text("mbs_plan_to_json_with_cost", handle, ctypes.byref(hardware))
    file = json.loads(text)
    chip = None if cores is None else _chip(call, handle, cores)
    if chip is not None:
        text = text[:-len("\n}\n")] + f',\n  "x_chip": {json.dumps(chip.member())}\n}}\n'
    groups = tuple(_group(call, handle, i, group, file["steps"]) for i, group in enumerate(file["groups"]))
    return Plan(file["network"], file["planner"], file["outcome"], file["phase"] == "inference", file["batch"],
                file["buffer_bytes"], file.get("bound_bytes") or None, groups, Traffic(**file["traffic_bytes"]),
                file["time_s"], file["energy_j"], file["utilisation"], DramPeak(**file["dram_peak"]), text, chip,
                file.get("given_bytes"), file.get("given_bound_bytes"))


def fused(call: Call, network: ctypes.c_void_p, inference: bool, no_fold: bool, fuse: bool) -> ctypes.c_void_p:
    """The network that programs are made of."""
    fusion = FUSE_PRODUCTS * (inference and not no_fold) + FUSE_NORMS * fuse + FUSE_SUMS * (fuse and not inference)
    return call.make("mbs_network_fuse", "mbs_network_free", network, ctypes.c_int(fusion)) if fusion else network


def program_options(machine: Hardware, inference: bool, batch_norm: str, optimizer: str) -> ProgramOptions:
    """For mbs_program_create."""
    options = ProgramOptions(inference=inference, keep_batch_norm=word("batch_norm", batch_norm, BATCH_NORMS),
                             optimizer=word("optimizer", optimizer, OPTIMIZERS))
    for name in ("activation", "weight", "accumulator", "mask", "master", "state"):
        setattr(options, f"{name}_bits", getattr(machine, f"{name}_bits"))
    return options


def model_program(call: Call, network: ctypes.c_void_p, machine: Hardware, options: Options,
                  planner: str) -> Tuple[ctypes.c_void_p, PlanOptions]:
    """The program that ilp's integer program is of, and what is asked of ilp. Raises Error for another planner."""
    if planner not in ("best", "ilp"):
        raise Error("bad input", (f"planner is {planner!r}, expected ilp, whose integer program it is",))
    if options.recompute or options.max_dram_bytes:
        raise Error("bad input", ("ilp's integer program is of the program that recomputes none",))
    if ORDERS[options.order] == "search":
        raise Error("bad input", ("ilp's integer program is of the given order",))
    made = fused(call, network, bool(options.inference), bool(options.no_fold), bool(options.fuse))
    program = call.make("mbs_program_create", "mbs_program_free", made, ctypes.byref(program_options(
        machine, bool(options.inference), BATCH_NORMS[options.keep_batch_norm], OPTIMIZERS[options.optimizer])))
    return program, PlanOptions.of(options)


def check_automatic(recompute: str, max_recompute: Optional[float], effort: int) -> None:
    """Raises Error for limits of a search for what to recompute where there is none."""
    for name, asked in (("max_recompute", max_recompute is not None), ("effort", effort != 1)):
        if asked and recompute != "auto":
            raise Error("bad input", (f"{name} is of recompute 'auto'",))


def takes(function: str, call: Call, planner: str) -> bool:
    """What a function of the library says of the planner."""
    return bool(getattr(call.library, function)(call.planner(planner)))


def check_heeded(call: Call, planners: Sequence[str], **asked: bool) -> None:
    """Raises Error for what is asked of planners none of which heeds it, as the command line does."""
    heeds = {"in_place": "mbs_planner_writes_in_place", "order": "mbs_planner_searches_order"}
    for name, wanted in asked.items():
        if wanted and not any(takes(heeds[name], call, planner) if name in heeds else planner in HEED_OBJECTIVE
                              for planner in planners):
            of = "dp, ilp and best" if name in heeds else "dp and best"
            raise Error("bad input", (f"{name} is of the planners {of}, not {' or '.join(planners)}",))


def plan(network: Source, *, buffer: Optional[Size] = None, batch: int = 32, planner: str = "best",
         objective: str = "traffic", weight: Optional[float] = None, max_slowdown: Optional[float] = None,
         hardware: Optional[Source] = None, cycle_model: Optional[str] = None, dram_efficiency: Optional[Share] = None,
         overlap: Optional[str] = None, inference: bool = False, batch_norm: str = "replace",
         recompute: Optional[str] = None,
         max_recompute: Optional[float] = None, effort: int = 1, max_dram: Optional[Size] = None,
         no_pin: bool = False, no_stream: bool = False, no_strips: bool = False,
         in_place: bool = False, order: str = "auto", optimizer: str = "none", no_fold: bool = False,
         fuse: bool = False,
         cores: Optional[int] = None,
         time_limit: Optional[float] = None, work_limit: float = 0.0, gap: float = 0.0,
         import_solution: Any = None, input: Names = (), cut: Names = (),  # pylint: disable=redefined-builtin
         weights: Names = (), learned: Names = (), constant: Names = (), opaque: bool = False,
         progress: Optional[Progress] = None) -> Plan:
    """Plans one training step of a network: a file's path, also of an ONNX model, a name of `mbsopt list`, or what a
    network file holds as a dict.

    Keywords are the options of `mbsopt plan`. `buffer` is bytes or text such as "10MiB" (default: the hardware's).
    Without `time_limit` a limit of work ends ilp and best, which is counted: `work_limit`, or their own if it is 0. A
    second of time is worth `weight` GB; `max_slowdown` is in percent. `recompute` is "none" and `max_recompute` 10
    percent by default; with `max_dram`, bytes or text, "auto" and as much as it takes. `effort` is
    how many times as long "auto" searches. With `no_fold` an inference
    has its batch norms and activations as steps of their own; with `fuse` a norm and the activation
    behind it are one, and a backward step adds its gradient to a running one. With `cores` the plan
    has what so many move that share fetches. `import_solution` is a file, a
    solution of what export_model wrote. `input`, `cut`, `weights`, `learned`, `constant`, each text or a list of it,
    and `opaque` are of ONNX files, of which the importer's notes become warnings.
    While the library plans, `progress` is called, at most ten times a second, with seconds, best bytes and proven
    bound, 0 where there is none; True ends the search, as Ctrl-C does, ilp's and best's with the best plan so far.
    Raises Error, and TypeError for arguments of another type.
    """
    expect_source("network", network, "a network file")
    expect_callable("progress", progress)
    expect_hardware(hardware)
    if cores is not None:
        expect_whole("cores", cores)
    if import_solution is not None:
        expect_path("import_solution", import_solution)
    source = Importing(input=input, cut=cut, weights=weights, learned=learned, constant=constant,
                       opaque=opaque).network(network)
    with Call() as call:
        machine = call.hardware(hardware, cycle_model, dram_efficiency, overlap)
        options = fill_options(call, buffer=buffer, batch=batch, planner=planner, objective=objective,
                               inference=inference, batch_norm=batch_norm, recompute=recompute,
                               max_recompute=max_recompute, no_pin=no_pin, no_stream=no_stream, no_strips=no_strips,
                               time_limit=time_limit, gap=gap, work_limit=work_limit, weight=weight,
                               max_slowdown=max_slowdown, max_dram=max_dram, in_place=in_place, optimizer=optimizer,
                               no_fold=no_fold, fuse=fuse, order=order, effort=effort)
        check_heeded(call, [planner], **{"objective" if weight is None else "weight": options.objective != 0},
                     in_place=in_place, order=order == "search")
        check_automatic(POLICIES[options.recompute], max_recompute, effort)
        loaded = call.load("network", source)
        if import_solution is None:
            handle = make_plan(call, loaded, machine, options, Watcher(progress))
        else:
            program, asked = model_program(call, loaded, machine, options, planner)
            handle = call.make("mbs_plan_import_solution", "mbs_plan_free", program, ctypes.byref(machine),
                               ctypes.byref(asked), os.fsencode(import_solution))
        return plain_plan(call, handle, machine, cores)


def load(source: Source, *, hardware: Optional[Source] = None) -> Plan:
    """Loads a plan file, or what one holds as a dict, and replays it; times are those on `hardware`. Raises Error."""
    expect_source("source", source, "a plan file")
    expect_hardware(hardware)
    with Call() as call:
        machine = call.hardware(hardware)
        handle = call.load("plan", source)
        call.run("mbs_plan_verify", handle, None)
        return plain_plan(call, handle, machine)


def verify(source: Union[Source, Plan]) -> Traffic:
    """Replays a plan file, or what one holds as a dict; returns what it moves. Raises Error."""
    file: Source = json.loads(source.json) if isinstance(source, Plan) else source
    expect_source("source", file, "a plan file")
    with Call() as call:
        counted = TrafficStruct()
        call.run("mbs_plan_verify", call.load("plan", file), ctypes.byref(counted))
        return counted.plain()


def version() -> str:
    """The version of the library, for example "0.1.0"."""
    return str(library().mbs_version().decode())
