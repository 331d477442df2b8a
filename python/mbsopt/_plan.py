"""plan, load, verify, export and show."""

from __future__ import annotations

import ctypes
import json
import math
import numbers
import os
from typing import Any, Callable, List, Mapping, Optional, Tuple, Union

from ._library import library
from ._native import (PREFETCHES, Call, ExportOptions, Hardware, HardwareMember, LayerInfo, NoteFunction, Options, Progress,
                      ProgramOptions, Share, SimulateOptions, SimulationStruct, Size, Source, TrafficStruct, Watcher,
                      find_file, word)
from ._types import DramPeak, Error, Group, Layer, Machine, Member, Network, Plan, Simulation, Traffic

OBJECTIVES = ("traffic", "time", "energy")
POLICIES = ("none", "activations", "expand", "auto")
BATCH_NORMS = ("replace", "keep")
OPTIMIZERS = ("none", "sgd", "momentum", "adam")
MOST_SAMPLES = 1000000


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


def expect_size(name: str, value: Any) -> None:
    expect(name, value, is_whole(value) or isinstance(value, str), 'a whole number of bytes or a size such as "10MiB"')


def expect_whole(name: str, value: Any) -> None:
    expect(name, value, is_whole(value), "a whole number")


def expect_number(name: str, value: Any) -> None:
    expect(name, value, isinstance(value, numbers.Real) and not isinstance(value, bool), "a number")


def expect_text(name: str, value: Any) -> None:
    expect(name, value, isinstance(value, str), "text")


def expect_flags(**flags: Any) -> None:
    for name, value in flags.items():
        expect(name, value, isinstance(value, (bool, int)) and value in (0, 1), "True or False")


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
                 in_place: bool = False, optimizer: str = "none") -> Options:
    """Options of the library, checked: TypeError for what is of no such kind, Error for a value that is not good."""
    for name, size in (("buffer", buffer), ("max_dram", max_dram)):
        if size is not None:
            expect_size(name, size)
    recompute, max_recompute = dram_defaults(recompute, max_recompute, max_dram)
    expect_whole("batch", batch)
    for name, text in (("planner", planner), ("objective", objective), ("recompute", recompute),
                       ("batch_norm", batch_norm), ("optimizer", optimizer)):
        expect_text(name, text)
    for name, number in (("max_recompute", max_recompute), ("time_limit", time_limit), ("gap", gap),
                         ("work_limit", work_limit), ("weight", weight), ("max_slowdown", max_slowdown)):
        if number is not None or name in ("max_recompute", "gap", "work_limit"):
            expect_number(name, number)
    expect_flags(inference=inference, no_pin=no_pin, no_stream=no_stream, no_strips=no_strips,
                 in_place=in_place)
    if not 1 <= batch <= MOST_SAMPLES:
        raise Error("bad input", (f"batch is {batch}, expected 1 to {MOST_SAMPLES}",))
    if weight is not None and objective != "traffic":
        raise Error("bad input", (f"objective {objective!r} and a weight exclude each other",))
    least = word("objective", objective, OBJECTIVES) if weight is None else len(OBJECTIVES)
    return Options(planner=call.planner(planner), objective=least, batch=int(batch),
                   buffer_bytes=call.size(buffer), inference=inference,
                   keep_batch_norm=word("batch_norm", batch_norm, BATCH_NORMS),
                   recompute=word("recompute", recompute, POLICIES), max_recompute_percent=max_recompute,
                   no_pin=no_pin, no_stream=no_stream, time_limit_s=math.inf if time_limit is None else time_limit,
                   gap_percent=gap, no_strips=no_strips, work_limit=work_limit,
                   weight=0 if weight is None else round(weight * 1e9),  # whole bytes, as the command line
                   limit_slowdown=max_slowdown is not None,
                   max_slowdown_percent=0 if max_slowdown is None else max_slowdown,
                   max_dram_bytes=0 if max_dram is None else call.size(max_dram), in_place=in_place,
                   optimizer=word("optimizer", optimizer, OPTIMIZERS))


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


def plain_plan(call: Call, handle: ctypes.c_void_p, hardware: Hardware) -> Plan:
    """The plan as plain data."""
    text = call.text("mbs_plan_to_json_with_cost", handle, ctypes.byref(hardware))
    file = json.loads(text)
    groups = tuple(_group(call, handle, i, group, file["steps"]) for i, group in enumerate(file["groups"]))
    return Plan(file["network"], file["planner"], file["outcome"], file["phase"] == "inference", file["batch"],
                file["buffer_bytes"], file.get("bound_bytes") or None, groups, Traffic(**file["traffic_bytes"]),
                file["time_s"], file["energy_j"], file["utilisation"], DramPeak(**file["dram_peak"]), text)


def plan(network: Source, *, buffer: Optional[Size] = None, batch: int = 32, planner: str = "best",
         objective: str = "traffic", weight: Optional[float] = None, max_slowdown: Optional[float] = None,
         hardware: Optional[Source] = None, cycle_model: Optional[str] = None, dram_efficiency: Optional[Share] = None,
         inference: bool = False, batch_norm: str = "replace", recompute: Optional[str] = None,
         max_recompute: Optional[float] = None, max_dram: Optional[Size] = None,
         no_pin: bool = False, no_stream: bool = False, no_strips: bool = False,
         in_place: bool = False, optimizer: str = "none",
         time_limit: Optional[float] = None, work_limit: float = 0.0, gap: float = 0.0,
         progress: Optional[Progress] = None) -> Plan:
    """Plans one training step of a network: a file's path, a name of `mbsopt list`, or what a file holds as a dict.

    Keywords are the options of `mbsopt plan`. `buffer` is bytes or text such as "10MiB" (default: the hardware's).
    Without `time_limit` a limit of work ends ilp and best, which is counted: `work_limit`, or their own if it is 0. A
    second of time is worth `weight` GB; `max_slowdown` is in percent. `recompute` is "none" and `max_recompute` 10
    percent by default; with `max_dram`, bytes or text, "auto" and as much as it takes.
    While the library plans, `progress` is called, at most ten times a second, with seconds, best bytes and proven
    bound, 0 where there is none; True ends the search, as Ctrl-C does, ilp's and best's with the best plan so far.
    Raises Error, and TypeError for arguments of another type.
    """
    expect_source("network", network, "a network file")
    expect_callable("progress", progress)
    if hardware is not None:
        expect_source("hardware", hardware, "a hardware file")
    with Call() as call:
        machine = call.hardware(hardware, cycle_model, dram_efficiency)
        options = fill_options(call, buffer=buffer, batch=batch, planner=planner, objective=objective,
                               inference=inference, batch_norm=batch_norm, recompute=recompute,
                               max_recompute=max_recompute, no_pin=no_pin, no_stream=no_stream, no_strips=no_strips,
                               time_limit=time_limit, gap=gap, work_limit=work_limit, weight=weight,
                               max_slowdown=max_slowdown, max_dram=max_dram, in_place=in_place, optimizer=optimizer)
        handle = make_plan(call, call.load("network", network), machine, options, Watcher(progress))
        return plain_plan(call, handle, machine)


def load(source: Source, *, hardware: Optional[Source] = None) -> Plan:
    """Loads a plan file, or what one holds as a dict, and replays it; times are those on `hardware`. Raises Error."""
    expect_source("source", source, "a plan file")
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


# ---- Exports ---------------------------------------------------------------------------------------

def _range(name: str, value: Optional[Tuple[int, int]]) -> Tuple[int, int]:
    if value is None:
        return 0, -1
    expect(name, value, isinstance(value, (tuple, list)) and len(value) == 2 and all(is_whole(item) for item in value),
           "a pair (first, last) of whole numbers")
    return int(value[0]), int(value[1])


def _plan_or_network(source: Union[Source, Plan], planning: Mapping[str, Any]) -> Source:
    if isinstance(source, Plan):
        file: Source = json.loads(source.json)
        return file
    expect_source("source", source, "a plan or network file")
    if planning and _kind(source) == "plan":
        raise TypeError(f"{', '.join(planning)}: of a plan there is nothing to plan, expected a network")
    return source


def export(source: Union[Source, Plan], format: str, output: Any, *,  # pylint: disable=redefined-builtin
           hardware: Optional[Source] = None, steps: Optional[Tuple[int, int]] = None,
           iterations: Optional[Tuple[int, int]] = None, sample_every: int = 1, request_bytes: int = 64,
           trace_clock: int = 0, timeloop_legacy: bool = False, full: bool = False, force: bool = False,
           note: Optional[Callable[[str], None]] = None, **planning: Any) -> None:
    """Writes a plan for a simulator, as `mbsopt export` does: a Plan, a plan file, or a network, which is planned first.

    `format` is one of `mbsopt.formats()`; `output` is the file or folder. Of a network, further keywords are those of
    plan. `note` is called with what had to be changed. Raises Error.
    """
    file = _plan_or_network(source, planning)
    expect_text("format", format)
    expect("output", output, isinstance(output, (str, os.PathLike)), "a path")
    for name, value in (("sample_every", sample_every), ("request_bytes", request_bytes),
                        ("trace_clock", trace_clock)):
        expect_whole(name, value)
    expect_flags(timeloop_legacy=timeloop_legacy, full=full, force=force)
    expect_callable("note", note)
    first_step, last_step = _range("steps", steps)
    first_iteration, last_iteration = _range("iterations", iterations)

    def pass_on(text: bytes, _: Any) -> None:
        if note is not None:
            note(text.decode())

    if _kind(file) != "plan":
        file = json.loads(plan(file, hardware=hardware, **planning).json)
    with Call() as call:
        machine = call.hardware(hardware)
        handle = call.load("plan", file)
        call.run("mbs_plan_verify", handle, None)
        watcher = Watcher()
        options = ExportOptions(format=format.encode(), first_step=first_step, last_step=last_step,
                                first_iteration=first_iteration, last_iteration=last_iteration,
                                sample_every=sample_every, request_bytes=request_bytes, trace_hz=trace_clock,
                                legacy_keys=timeloop_legacy, full=full, force=force, note=NoteFunction(pass_on),
                                progress=watcher.function)
        watcher.run(lambda: call.run("mbs_plan_export", handle, ctypes.byref(machine), ctypes.byref(options),
                                     os.fsencode(output)))


def simulate(source: Union[Source, Plan], *, hardware: Optional[Source] = None,
             dram_efficiency: Optional[Share] = None, slice_bytes: Optional[int] = None, prefetch: str = "room",
             timeline: Any = None, full: bool = False, **planning: Any) -> Simulation:
    """Runs a plan on the machine, as `mbsopt simulate` does: a Plan, a plan file, or a network, which is planned first.

    `slice_bytes` stands for the hardware's, 0 for whole operands; `timeline` is a file. Of a network, further keywords
    are those of plan. Raises Error.
    """
    file = _plan_or_network(source, planning)
    expect_text("prefetch", prefetch)
    expect_flags(full=full)
    if slice_bytes is not None:
        expect_whole("slice_bytes", slice_bytes)
    if _kind(file) != "plan":
        file = json.loads(plan(file, hardware=hardware, dram_efficiency=dram_efficiency, **planning).json)
    with Call() as call:
        machine = call.hardware(hardware, None, dram_efficiency)
        if slice_bytes is not None:
            machine.slice_bytes = slice_bytes
        handle = call.load("plan", file)
        call.run("mbs_plan_verify", handle, None)
        watcher, found = Watcher(), SimulationStruct()
        options = SimulateOptions(prefetch=word("prefetch", prefetch, PREFETCHES), full=full, progress=watcher.function,
                                  timeline=None if timeline is None else os.fsencode(timeline))
        watcher.run(lambda: call.run("mbs_simulate", ctypes.byref(found), None, None, handle, ctypes.byref(machine),
                                     ctypes.byref(options)))
        return found.plain()


def formats() -> List[str]:
    """The names of what a plan can be exported to."""
    class Info(ctypes.Structure):
        _fields_ = [("name", ctypes.c_char_p), ("files", ctypes.c_char_p), ("carries", ctypes.c_char_p),
                    ("is_folder", ctypes.c_int), ("_room", ctypes.c_char * 256)]
    opened, info, names = library(), Info(), []
    opened.mbs_export_count.restype = ctypes.c_size_t
    for index in range(opened.mbs_export_count()):
        opened.mbs_export_format(ctypes.c_size_t(index), ctypes.byref(info))
        names.append(info.name.decode())
    return names


# ---- Show ------------------------------------------------------------------------------------------

def _kind(source: Source) -> str:
    """What a file or dict says that it is: "network", "plan", "hardware", or "" where it says nothing."""
    if isinstance(source, Mapping):
        named = source.get("format")
    else:
        try:
            with open(source, encoding="utf-8") as file:
                named = json.load(file).get("format")
        except (OSError, ValueError, AttributeError, RecursionError):
            return ""  # the library says what is wrong
    text = named if isinstance(named, str) else ""
    return next((kind for kind in ("network", "plan", "hardware") if text.startswith(f"mbsopt-{kind}/")), "")


def _show_network(call: Call, source: Source, machine: Hardware, batch: int, inference: bool,
                  batch_norm: str) -> Network:
    network = call.load("network", source)
    options = ProgramOptions(inference=inference, keep_batch_norm=word("batch_norm", batch_norm, BATCH_NORMS))
    for name in ("activation", "weight", "accumulator", "mask"):
        setattr(options, f"{name}_bits", getattr(machine, f"{name}_bits"))
    program = call.make("mbs_program_create", "mbs_program_free", network, ctypes.byref(options))
    table = call.text("mbs_report_network_table", network, program, ctypes.byref(machine), ctypes.c_int64(batch), 0)
    opened, info, layers = call.library, LayerInfo(), []
    opened.mbs_network_layer_count.restype = ctypes.c_size_t
    opened.mbs_network_parameters.restype = ctypes.c_int64
    opened.mbs_network_name.restype = ctypes.c_char_p
    for index in range(opened.mbs_network_layer_count(network)):
        opened.mbs_network_layer(network, ctypes.c_size_t(index), ctypes.byref(info))
        layers.append(Layer(info.name.decode(), info.op.decode(), tuple(info.shape.dim[:info.shape.rank]),
                            info.elements, info.parameters))
    return Network(opened.mbs_network_name(network).decode(), opened.mbs_network_parameters(network), tuple(layers),
                   table)


def _show_machine(call: Call, machine: Hardware) -> Machine:
    table = call.text("mbs_report_hardware_table", ctypes.byref(machine), 0)
    digest = ctypes.create_string_buffer(64)
    opened, info, members = call.library, HardwareMember(), []
    opened.mbs_hardware_digest(ctypes.byref(machine), digest)
    opened.mbs_hardware_member_count.restype = ctypes.c_size_t
    for index in range(opened.mbs_hardware_member_count()):
        call.check(opened.mbs_hardware_member(ctypes.byref(machine), ctypes.c_size_t(index), ctypes.byref(info)))
        members.append(Member(info.name.decode(), info.value.decode(), bool(info.is_stated)))
    return Machine(machine.name.decode(), digest.value.decode(), tuple(members), table)


def show(source: Source, *, buffer: Optional[Size] = None, batch: int = 32, inference: bool = False,
         batch_norm: str = "replace", hardware: Optional[Source] = None) -> Union[Network, Machine, Plan]:
    """What `mbsopt show` says: of a network its layers and what each needs of the buffer, of a machine its members, of a
    plan file the plan. Raises Error.
    """
    expect_source("source", source, "a network, plan or hardware file")
    expect_whole("batch", batch)
    expect_flags(inference=inference)
    expect_text("batch_norm", batch_norm)
    if buffer is not None:
        expect_size("buffer", buffer)
    if not isinstance(source, Mapping):
        path = find_file("networks", os.fspath(source))
        source = path if os.path.exists(path) else find_file("hardware", path)
    kind = _kind(source)
    if kind == "plan":
        return load(source, hardware=hardware)
    with Call() as call:
        if kind == "hardware":
            return _show_machine(call, call.hardware(source))
        machine = call.hardware(hardware)
        machine.buffer_bytes = call.size(buffer) or machine.buffer_bytes
        return _show_network(call, source, machine, int(batch), inference, batch_norm)


def version() -> str:
    """The version of the library, for example "0.1.0"."""
    return str(library().mbs_version().decode())
