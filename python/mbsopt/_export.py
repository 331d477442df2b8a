"""export, export_model and simulate: what goes out to other programs, and plans run on the machine."""

from __future__ import annotations

import ctypes
import inspect
import json
import os
from typing import Any, Callable, List, Mapping, Optional, Tuple, Union

from ._library import library
from ._native import (PREFETCHES, Call, ExportOptions, NoteFunction, Share, SimulateOptions, SimulationStruct, Size,
                      Source, Watcher, kind_of, word)
from ._onnx import Importing, Names
from ._plan import (expect, expect_callable, expect_flags, expect_hardware, expect_path, expect_size, expect_source,
                    expect_text, expect_whole, fill_options, is_whole, model_program, plan)
from ._types import Plan, Simulation


def _range(name: str, value: Optional[Tuple[int, int]]) -> Tuple[int, int]:
    if value is None:
        return 0, -1
    expect(name, value, isinstance(value, (tuple, list)) and len(value) == 2 and all(is_whole(item) for item in value),
           "a pair (first, last) of whole numbers")
    return int(value[0]), int(value[1])


def _plan_or_network(source: Union[Source, Plan], planning: Mapping[str, Any], caller: str) -> Source:
    for name in planning:
        if name not in inspect.signature(plan).parameters:
            raise TypeError(f"{caller}() got an unexpected keyword argument {name!r}")
    if isinstance(source, Plan):
        file: Source = json.loads(source.json)
        return file
    expect_source("source", source, "a plan or network file")
    if planning and kind_of(source) == "plan":
        raise TypeError(f"{', '.join(planning)}: of a plan there is nothing to plan, expected a network")
    return source


def export(source: Union[Source, Plan], format: str, output: Any, *,  # pylint: disable=redefined-builtin
           hardware: Optional[Source] = None, cycle_model: Optional[str] = None,
           dram_efficiency: Optional[Share] = None, overlap: Optional[str] = None,
           steps: Optional[Tuple[int, int]] = None,
           iterations: Optional[Tuple[int, int]] = None, sample_every: int = 1, request_bytes: int = 64,
           trace_clock: int = 0, timeloop_legacy: bool = False, full: bool = False, force: bool = False,
           note: Optional[Callable[[str], None]] = None, **planning: Any) -> None:
    """Writes a plan for a simulator, as `mbsopt export` does: a Plan, a plan file, or a network, which is planned first.

    `format` is one of `mbsopt.formats()`; `output` is the file or folder. Of a network, further keywords are those of
    plan. `note` is called with what had to be changed. Raises Error.
    """
    file = _plan_or_network(source, planning, "export")
    expect_text("format", format)
    expect_hardware(hardware)
    expect_path("output", output)
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

    if kind_of(file) != "plan":
        file = json.loads(plan(file, hardware=hardware, cycle_model=cycle_model, dram_efficiency=dram_efficiency,
                               overlap=overlap, **planning).json)
    with Call() as call:
        machine = call.hardware(hardware, cycle_model, dram_efficiency, overlap)
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


def _slice_bytes(call: Call, value: Optional[Size]) -> Optional[int]:
    """What `slice` asks for, None for the hardware's."""
    if value is None or value == "whole":
        return None if value is None else 0
    expect_size("slice", value)
    return call.size(value, "slice")


def simulate(source: Union[Source, Plan], *, hardware: Optional[Source] = None, cycle_model: Optional[str] = None,
             dram_efficiency: Optional[Share] = None, overlap: Optional[str] = None,
             slice: Optional[Size] = None, prefetch: str = "room",  # pylint: disable=redefined-builtin
             timeline: Any = None, full: bool = False, **planning: Any) -> Simulation:
    """Runs a plan on the machine, as `mbsopt simulate` does: a Plan, a plan file, or a network, which is planned first.

    `slice`, bytes or text such as "64KiB", stands for the hardware's; "whole" is for whole operands. `timeline` is a
    file. Of a network, further keywords are those of plan. Raises Error.
    """
    file = _plan_or_network(source, planning, "simulate")
    expect_text("prefetch", prefetch)
    expect_hardware(hardware)
    expect_flags(full=full)
    if timeline is not None:
        expect_path("timeline", timeline)
    if kind_of(file) != "plan":
        file = json.loads(plan(file, hardware=hardware, cycle_model=cycle_model, dram_efficiency=dram_efficiency,
                               overlap=overlap, **planning).json)
    with Call() as call:
        machine, slice_bytes = call.hardware(hardware, cycle_model, dram_efficiency, overlap), _slice_bytes(call, slice)
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


def export_model(network: Source, output: Any, *, buffer: Optional[Size] = None, batch: int = 32,
                 inference: bool = False, batch_norm: str = "replace", no_pin: bool = False, no_stream: bool = False,
                 optimizer: str = "none", no_fold: bool = False, fuse: bool = False, hardware: Optional[Source] = None,
                 input: Names = (), cut: Names = (),  # pylint: disable=redefined-builtin
                 weights: Names = (), learned: Names = (), constant: Names = (), opaque: bool = False) -> None:
    """Writes ilp's integer program for other solvers, as `mbsopt plan --export-model` does: in LP format if `output`
    ends in ".lp", in MPS format if in ".mps". plan's `import_solution` takes what they find, with the same keywords.
    """
    expect_source("network", network, "a network file")
    expect_path("output", output)
    expect_hardware(hardware)
    source = Importing(input=input, cut=cut, weights=weights, learned=learned, constant=constant,
                       opaque=opaque).network(network)
    with Call() as call:
        machine, watcher = call.hardware(hardware), Watcher()
        options = fill_options(call, buffer=buffer, batch=batch, planner="ilp", objective="traffic", inference=inference,
                               batch_norm=batch_norm, recompute=None, max_recompute=None, no_pin=no_pin,
                               no_stream=no_stream, no_strips=False, time_limit=None, gap=0.0, optimizer=optimizer,
                               no_fold=no_fold, fuse=fuse)
        program, asked = model_program(call, call.load("network", source), machine, options, "ilp")
        asked.progress = watcher.function
        watcher.run(lambda: call.run("mbs_plan_export_model", program, ctypes.byref(machine), ctypes.byref(asked),
                                     os.fsencode(output)))


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
