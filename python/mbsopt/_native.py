"""The library's structs and calls, as include/mbsopt declares them."""

from __future__ import annotations

import ctypes
import dataclasses
import difflib
import json
import numbers
import os
import threading
import time
from typing import Any, Callable, List, Mapping, Optional, Tuple, TypeVar, Union

from ._library import library, models
from ._types import Error, Simulation, Traffic

Size = Union[int, str]
Share = Union[float, str]
Source = Union[str, "os.PathLike[str]", Mapping[str, Any]]
Loaded = Union[Source, "Imported"]
Progress = Callable[[float, int, int], Optional[bool]]
Made = TypeVar("Made")

_MESSAGES, _MESSAGE_BYTES, _NAME_BYTES = 20, 480, 64
# Structs may grow at their end; what this module does not know of is zero, which means "as before".
_ROOM = ("_room", ctypes.c_char * 256)
MOST_CALLS_PER_S = 10


class ErrorStruct(ctypes.Structure):
    _fields_ = [("status", ctypes.c_int), ("count", ctypes.c_size_t),
                ("message", (ctypes.c_char * _MESSAGE_BYTES) * _MESSAGES)]


class Hardware(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char * _NAME_BYTES),
                *((name, ctypes.c_int64) for name in (
                    "cores", "buffer_bytes", "reserved_bytes", "buffer_alignment_bytes", "activation_bits",
                    "weight_bits", "accumulator_bits", "mask_bits", "norm_passes", "clock_hz", "array_rows",
                    "array_cols", "accumulator_rows", "vector_elements_per_cycle")),
                ("memory_name", ctypes.c_char * 64), ("bandwidth_bytes_per_s", ctypes.c_int64),
                *((name, ctypes.c_double) for name in (
                    "dram_pj_per_bit", "mac_pj", "buffer_pj_per_byte", "vector_pj", "static_w")),
                ("cycle_model", ctypes.c_int), ("stated", ctypes.c_uint64),
                ("master_bits", ctypes.c_int64), ("state_bits", ctypes.c_int64), ("dram_efficiency", ctypes.c_double),
                ("measured_dram_efficiency", ctypes.c_double), ("slice_bytes", ctypes.c_int64),
                ("overlap", ctypes.c_int), _ROOM]

    def rename(self, what: str) -> None:
        """What is written of another machine than the file's says so: its name ends in `what`, as on the command line."""
        ending = b":" + what.encode()
        own: bytes = self.name
        whole = own[:_NAME_BYTES - 1 - len(ending)].decode(errors="ignore")  # no part of a character
        self.name: bytes = whole.encode() + ending


class HardwareMember(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char * 48), ("value", ctypes.c_char * 64), ("is_stated", ctypes.c_int), _ROOM]


class ProgressStruct(ctypes.Structure):
    _fields_ = [("elapsed_s", ctypes.c_double), ("incumbent_bytes", ctypes.c_int64), ("bound_bytes", ctypes.c_int64)]


ProgressFunction = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ProgressStruct), ctypes.c_void_p)
NoteFunction = ctypes.CFUNCTYPE(None, ctypes.c_char_p, ctypes.c_void_p)


class Options(ctypes.Structure):
    _fields_ = [("planner", ctypes.c_int), ("objective", ctypes.c_int), ("batch", ctypes.c_int64),
                ("buffer_bytes", ctypes.c_int64), ("inference", ctypes.c_int), ("keep_batch_norm", ctypes.c_int),
                ("recompute", ctypes.c_int), ("max_recompute_percent", ctypes.c_double), ("no_pin", ctypes.c_int),
                ("no_stream", ctypes.c_int), ("time_limit_s", ctypes.c_double), ("gap_percent", ctypes.c_double),
                ("progress", ProgressFunction), ("progress_context", ctypes.c_void_p), ("no_strips", ctypes.c_int),
                ("work_limit", ctypes.c_double), ("weight", ctypes.c_double), ("limit_slowdown", ctypes.c_int),
                ("max_slowdown_percent", ctypes.c_double), ("optimizer", ctypes.c_int),
                ("max_dram_bytes", ctypes.c_int64), ("in_place", ctypes.c_int),
                ("no_fold", ctypes.c_int), ("fuse", ctypes.c_int), ("order", ctypes.c_int),
                ("effort", ctypes.c_int), _ROOM]


class PlanOptions(ctypes.Structure):
    """What is asked of a planner for a program, of what is asked of it for a network."""
    _fields_ = [("planner", ctypes.c_int), ("batch", ctypes.c_int64), ("buffer_bytes", ctypes.c_int64),
                ("no_pin", ctypes.c_int), ("no_stream", ctypes.c_int), ("time_limit_s", ctypes.c_double),
                ("gap_percent", ctypes.c_double), ("progress", ProgressFunction), ("progress_context", ctypes.c_void_p),
                ("objective", ctypes.c_int), ("no_strips", ctypes.c_int), ("work_limit", ctypes.c_double),
                ("weight", ctypes.c_double), ("in_place", ctypes.c_int), _ROOM]

    @classmethod
    def of(cls, options: Options) -> "PlanOptions":
        return cls(**{name: getattr(options, name) for name, *_ in cls._fields_[:-1]})


class ExportOptions(ctypes.Structure):
    _fields_ = [("format", ctypes.c_char_p),
                *((name, ctypes.c_int64) for name in (
                    "first_step", "last_step", "first_iteration", "last_iteration", "sample_every", "request_bytes",
                    "trace_hz")),
                ("legacy_keys", ctypes.c_int), ("full", ctypes.c_int), ("force", ctypes.c_int),
                ("note", NoteFunction), ("note_context", ctypes.c_void_p), ("progress", ProgressFunction),
                ("progress_context", ctypes.c_void_p), _ROOM]


class ProgramOptions(ctypes.Structure):
    _fields_ = [("inference", ctypes.c_int), ("keep_batch_norm", ctypes.c_int),
                *((f"{name}_bits", ctypes.c_int64) for name in ("activation", "weight", "accumulator", "mask")),
                ("recompute", ctypes.c_int), ("recompute_layers", ctypes.c_char_p), ("split_norms", ctypes.c_int),
                ("optimizer", ctypes.c_int), *((f"{name}_bits", ctypes.c_int64) for name in ("master", "state")), _ROOM]


class Cost(ctypes.Structure):
    _fields_ = [*((name, ctypes.c_double) for name in (
        "time_s", "compute_s", "dram_s", "compute_bound_s", "dram_bytes", "buffer_bytes", "macs", "gemm_cycles",
        "vector_elements", "dram_j", "buffer_j", "mac_j", "vector_j", "static_j", "energy_j", "utilisation")), _ROOM]


class RecomputeInfo(ctypes.Structure):
    _fields_ = [("layers", ctypes.c_size_t), ("norms", ctypes.c_size_t), ("activations", ctypes.c_size_t),
                ("convolutions", ctypes.c_size_t), ("macs_percent", ctypes.c_double), ("anew", ctypes.c_size_t), _ROOM]


class DramPeakStruct(ctypes.Structure):
    _fields_ = [*((name, ctypes.c_int64) for name in ("bytes", "weights", "accumulators", "tensors")),
                ("group", ctypes.c_size_t), _ROOM]


class Shape(ctypes.Structure):
    _fields_ = [("rank", ctypes.c_int), ("dim", ctypes.c_int64 * 8)]


class LayerInfo(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("op", ctypes.c_char_p), ("shape", Shape), ("elements", ctypes.c_int64),
                ("parameters", ctypes.c_int64), ("input_count", ctypes.c_size_t), ("is_view", ctypes.c_int), _ROOM]


class TrafficStruct(ctypes.Structure):
    _fields_ = [(name, ctypes.c_int64) for name in
                ("activation_read", "activation_write", "weight_read", "weight_gradient", "total",
                 "optimizer")] + [_ROOM]

    def plain(self) -> Traffic:
        return Traffic(self.activation_read, self.activation_write, self.weight_read, self.weight_gradient, self.total,
                       self.optimizer)


CYCLE_MODELS = ("wavecore", "scalesim")
PREFETCHES = ("room", "none", "unlimited")
OVERLAPS = ("step", "none", "group")


class SimulateOptions(ctypes.Structure):
    _fields_ = [("prefetch", ctypes.c_int), ("timeline", ctypes.c_char_p), ("full", ctypes.c_int),
                ("progress", ProgressFunction), ("progress_context", ctypes.c_void_p), _ROOM]


class SimulationStruct(ctypes.Structure):
    _fields_ = [*((name, ctypes.c_double) for name in (
        "time_s", "array_s", "vector_s", "wait_load_s", "wait_room_s", "wait_store_s", "dram_s", "read_bytes",
        "write_bytes", "estimate_s")), ("executions", ctypes.c_int64), ("transfers", ctypes.c_int64),
        ("both_s", ctypes.c_double), _ROOM]

    def plain(self) -> Simulation:
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(Simulation)}
        for name in ("read_bytes", "write_bytes"):
            values[name] = int(values[name])
        return Simulation(**values)


# ---- Files and names -------------------------------------------------------------------------------

def find_file(kind: str, source: str) -> str:
    """
    The file that a name stands for, as on the command line: one at hand, else one that comes with mbsopt. Raises Error
    for a name that is none, with those that are near.
    """
    folder = models()
    if "/" in source or os.path.exists(source) or folder is None:
        return source
    if os.path.exists(source + ".json"):
        return source + ".json"
    stem = (source[:-5] if source.endswith(".json") else source).lower()
    names = [path.stem for path in sorted((folder / kind).glob("*.json"))]
    found = [name for name in names if name == stem or (kind == "hardware" and stem and name.endswith("-" + stem))]
    exact = [name for name in found if name == stem]
    if len(exact or found) > 1:
        raise Error("bad input", (f"{source} may be one of {', '.join(found)}",))
    if found:
        return str(folder / kind / f"{(exact or found)[0]}.json")
    what = "machine" if kind == "hardware" else "network"
    near = ", ".join(difflib.get_close_matches(stem, names)) or "none"
    raise Error("file error", (f"cannot read {source}: No such file or directory, and no {what} of that name comes with "
                               f"mbsopt (near: {near})",))


def kind_of(source: Any) -> str:
    """What a file or dict says that it is: "network", "plan", "hardware", or "" where it says nothing."""
    if isinstance(source, Mapping):
        named = source.get("format")
    elif isinstance(source, Imported) or is_onnx(source):
        return "network"
    else:
        try:
            with open(source, encoding="utf-8") as file:
                named = json.load(file).get("format")
        except (OSError, ValueError, AttributeError, RecursionError):
            return ""  # the library says what is wrong
    text = named if isinstance(named, str) else ""
    return next((kind for kind in ("network", "plan", "hardware") if text.startswith(f"mbsopt-{kind}/")), "")


def is_onnx(source: Any) -> bool:
    """Whether it is the path of an ONNX file."""
    return isinstance(source, (str, os.PathLike)) and os.fspath(source).endswith(".onnx")


class Imported:
    """The text of a network file that was made of another file, whose path it goes by."""

    def __init__(self, path: str, text: str) -> None:
        self.path, self.text = path, text


# ---- Calls -----------------------------------------------------------------------------------------

class Call:
    """An error of its own, and what must be freed afterwards, in reverse order."""

    def __init__(self) -> None:
        self.library = library()
        self.error = ErrorStruct()
        self.owned: List[Tuple[str, ctypes.c_void_p]] = []

    def __enter__(self) -> "Call":
        self.library.mbs_error_clear(ctypes.byref(self.error))
        return self

    def __exit__(self, *_: object) -> None:
        for function, pointer in reversed(self.owned):
            getattr(self.library, function)(pointer)

    def check(self, status: int) -> None:
        if status == 0:
            return
        count = min(self.error.count, _MESSAGES)
        messages = tuple(self.error.message[i].value.decode() for i in range(count))
        raise Error(self.library.mbs_status_text(status).decode(), messages)

    def run(self, function: str, *arguments: Any) -> None:
        """Calls a function whose last argument is the error."""
        self.check(getattr(self.library, function)(*arguments, ctypes.byref(self.error)))

    def make(self, create: str, free: str, *arguments: Any) -> ctypes.c_void_p:
        """Calls a function whose first argument is where the result goes."""
        pointer = ctypes.c_void_p()
        status = getattr(self.library, create)(ctypes.byref(pointer), *arguments, ctypes.byref(self.error))
        self.owned.append((free, pointer))
        self.check(status)
        return pointer

    def text(self, create: str, *arguments: Any) -> str:
        text = ctypes.cast(self.make(create, "mbs_free", *arguments), ctypes.c_char_p).value
        return (text or b"").decode()

    def load(self, kind: str, source: Loaded) -> ctypes.c_void_p:
        """A network or a plan, from a file, a dict, or what was imported."""
        create, free = f"mbs_{kind}_load_", f"mbs_{kind}_free"
        if isinstance(source, (Mapping, Imported)):
            text, label = (json.dumps(source), "dict") if isinstance(source, Mapping) else (source.text, source.path)
            data = text.encode()
            return self.make(create + "text", free, data, ctypes.c_size_t(len(data)), os.fsencode(label))
        path = os.fspath(source)
        return self.make(create + "file", free, os.fsencode(find_file("networks", path) if kind == "network" else path))

    def hardware(self, source: Optional[Source], cycle_model: Optional[str] = None,
                 dram_efficiency: Optional[Share] = None, overlap: Optional[str] = None) -> Hardware:
        hardware = Hardware()
        place = ctypes.byref(hardware)
        if source is None:
            self.library.mbs_hardware_wavecore(place)
        elif isinstance(source, Mapping):
            text = json.dumps(source).encode()
            self.run("mbs_hardware_load_text", place, text, ctypes.c_size_t(len(text)), b"dict")
        else:
            self.run("mbs_hardware_load_file", place, os.fsencode(find_file("hardware", os.fspath(source))))
        if cycle_model is not None:
            model = word("cycle_model", cycle_model, CYCLE_MODELS)
            if hardware.cycle_model != model:
                hardware.rename(cycle_model)
            hardware.cycle_model = model
        own = hardware.dram_efficiency
        if dram_efficiency == "measured":
            self.run("mbs_hardware_use_measured_efficiency", place)
        elif dram_efficiency is not None:
            hardware.dram_efficiency = share("dram_efficiency", dram_efficiency)
        if hardware.dram_efficiency != own:
            hardware.rename(f"dram-{hardware.dram_efficiency:.12g}")
        if overlap is not None:
            what = word("overlap", overlap, OVERLAPS)
            if hardware.overlap != what:
                hardware.rename(f"overlap-{overlap}")
            hardware.overlap = what
        return hardware

    def size(self, value: Optional[Size], name: str = "buffer") -> int:
        if value is None:
            return 0
        result = ctypes.c_int64()
        self.run("mbs_parse_size", ctypes.byref(result), str(value).encode())
        if result.value == 0:  # to the library it means the hardware's
            raise Error("bad input", (f"{name} is 0 bytes",))
        return result.value

    def planner(self, name: str) -> int:
        result = ctypes.c_int()
        self.run("mbs_planner_from_name", ctypes.byref(result), name.encode())
        return result.value

    def cost(self, plan: ctypes.c_void_p, hardware: Hardware) -> Cost:
        cost = Cost()
        self.check(self.library.mbs_plan_cost(plan, ctypes.byref(hardware), ctypes.byref(cost)))
        return cost


def share(name: str, value: Share) -> float:
    """A number above 0 and at most 1. Raises Error."""
    number = value if isinstance(value, numbers.Real) and not isinstance(value, (bool, str)) else 0.0
    if not 0 < float(number) <= 1:
        raise Error("bad input", (f"{name} is {value!r}, expected a number above 0 and at most 1, or measured",))
    return float(number)


def word(name: str, value: str, words: Tuple[str, ...]) -> int:
    """The place of a word among those that there are. Raises Error."""
    if value not in words:
        raise Error("bad input", (f"{name} is {value!r}, expected {', '.join(words[:-1])} or {words[-1]}",))
    return words.index(value)


class Watcher:
    """Passes progress on, at most ten times a second, and ends the search: for an exception, or if it is cancelled."""

    def __init__(self, progress: Optional[Progress] = None, cancelled: Optional[threading.Event] = None) -> None:
        self.progress = progress
        self.cancelled = cancelled or threading.Event()
        self.problem: Optional[BaseException] = None
        self.last_call: Optional[float] = None
        self.function = ProgressFunction(self._call)

    def _call(self, state: Any, _: Any) -> int:
        now = time.monotonic()
        if self.progress is not None and not self.cancelled.is_set() and (
                self.last_call is None or now - self.last_call >= 1 / MOST_CALLS_PER_S):
            self.last_call = now
            try:
                at = state.contents
                if self.progress(at.elapsed_s, at.incumbent_bytes, at.bound_bytes):
                    self.cancelled.set()
            except BaseException as problem:  # pylint: disable=broad-except
                self.problem = problem
                self.cancelled.set()
        return int(self.cancelled.is_set())

    def run(self, function: Callable[[], Made]) -> Made:
        """
        Calls it in a thread of its own, so that Ctrl-C, or a notebook's stop button, comes through while the library
        plans: it ends the search, and KeyboardInterrupt is raised once the library is back.
        """
        made: List[Made] = []
        failed: List[BaseException] = []
        finished = threading.Event()  # a join that Ctrl-C ended would not wait a second time, as threads are in 3.11

        def work() -> None:
            try:
                made.append(function())
            except BaseException as problem:  # pylint: disable=broad-except
                failed.append(problem)
            finally:
                finished.set()

        if threading.current_thread() is threading.main_thread():
            worker = threading.Thread(target=work, daemon=True)
            try:
                worker.start()
                finished.wait()
            except BaseException as interrupt:  # pylint: disable=broad-except
                self.problem = interrupt
                self.cancelled.set()
                if worker.ident is not None:
                    finished.wait()
                    worker.join()
        else:
            work()
        if self.problem is not None:
            raise self.problem
        if failed:
            raise failed[0]
        return made[0]
