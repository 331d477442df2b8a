"""Plans the DRAM traffic of CNN training (mini-batch serialization), by way of libmbsopt.

    import mbsopt
    plan = mbsopt.plan("resnet50.json", buffer="10MiB")
    print(plan.traffic.total, [(g.first_step, g.sub_batch) for g in plan.groups])

The shared library is the one that the environment variable MBSOPT_LIBRARY names, else the one beside the
module, in its prefix, or where the system looks. Everything returned is plain data, which stays
valid whatever is done with the library. Calls may be made from several threads at once.
"""

from __future__ import annotations

import ctypes
import json
import os
from dataclasses import dataclass
from typing import Any, Callable, Mapping, Optional, Tuple, Union

from ._library import library

__all__ = ["Error", "Group", "Plan", "Traffic", "plan", "verify", "version"]

Size = Union[int, str]
Source = Union[str, "os.PathLike[str]", Mapping[str, Any]]
Progress = Callable[[float, int, int], Optional[bool]]


class Error(Exception):
    """What went wrong: `status` in a few words, `messages` one line each, as the tool prints them."""

    def __init__(self, status: str, messages: Tuple[str, ...]) -> None:
        super().__init__("\n".join(messages) or status)
        self.status = status
        self.messages = messages


@dataclass(frozen=True)
class Traffic:
    """DRAM bytes of one training step and core."""

    activation_read: int
    activation_write: int
    weight_read: int
    weight_gradient: int
    total: int


@dataclass(frozen=True)
class Group:
    """Adjacent steps that run together, sub-batch after sub-batch."""

    first: int  # step ids, inclusive
    last: int
    first_step: str  # their names
    last_step: str
    iterations: int
    sub_batch: int  # samples
    passes: int
    peak_bytes: int  # of the buffer
    time_s: float
    energy_j: float
    traffic: Traffic
    strips: int = 1  # an iteration is one of so many strips of a sample; 1: whole samples


@dataclass(frozen=True)
class Plan:
    """A plan that the library has replayed and found right."""

    network: str
    planner: str
    outcome: str  # "optimal", "feasible" or "heuristic"
    inference: bool
    batch: int  # samples of a mini-batch and core
    buffer_bytes: int
    bound_bytes: Optional[int]  # proven: no plan of the planner's space moves less
    groups: Tuple[Group, ...]
    traffic: Traffic
    time_s: float
    energy_j: float
    utilisation: float  # of the systolic array
    json: str  # the plan file, mbsopt-plan/1


# ---- The library's types ---------------------------------------------------------------------------

_MESSAGES, _MESSAGE_BYTES = 20, 480
# Structs may grow at their end; what this module does not know of is zero, which means "as before".
_ROOM = ("_room", ctypes.c_char * 256)


class _ErrorStruct(ctypes.Structure):
    _fields_ = [("status", ctypes.c_int), ("count", ctypes.c_size_t),
                ("message", (ctypes.c_char * _MESSAGE_BYTES) * _MESSAGES)]


class _WordBits(ctypes.Structure):
    _fields_ = [(name, ctypes.c_int64) for name in ("activation", "weight", "accumulator", "mask")]


class _Hardware(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char * 64), ("cores", ctypes.c_int64),
                ("buffer_bytes", ctypes.c_int64), ("reserved_bytes", ctypes.c_int64),
                ("buffer_alignment_bytes", ctypes.c_int64), ("bits", _WordBits),
                ("_rest", ctypes.c_char * 1024)]


class _ProgressStruct(ctypes.Structure):
    _fields_ = [("elapsed_s", ctypes.c_double), ("incumbent_bytes", ctypes.c_int64),
                ("bound_bytes", ctypes.c_int64)]


_ProgressFunction = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(_ProgressStruct),
                                     ctypes.c_void_p)


class _Options(ctypes.Structure):
    _fields_ = [("planner", ctypes.c_int), ("objective", ctypes.c_int), ("batch", ctypes.c_int64),
                ("buffer_bytes", ctypes.c_int64), ("inference", ctypes.c_int),
                ("keep_batch_norm", ctypes.c_int), ("recompute", ctypes.c_int),
                ("max_recompute_percent", ctypes.c_double), ("no_pin", ctypes.c_int),
                ("no_stream", ctypes.c_int), ("time_limit_s", ctypes.c_double),
                ("gap_percent", ctypes.c_double), ("progress", _ProgressFunction),
                ("progress_context", ctypes.c_void_p), ("no_strips", ctypes.c_int), _ROOM]


class _TrafficStruct(ctypes.Structure):
    _fields_ = [(name, ctypes.c_int64) for name in
                ("activation_read", "activation_write", "weight_read", "weight_gradient", "total")
                ] + [_ROOM]

    def plain(self) -> Traffic:
        return Traffic(self.activation_read, self.activation_write, self.weight_read,
                       self.weight_gradient, self.total)


# ---- Calling it ------------------------------------------------------------------------------------

_OBJECTIVES = ("traffic", "time", "energy")


class _Call:
    """An error of its own, and what must be freed afterwards, in reverse order."""

    def __init__(self) -> None:
        self.library = library()
        self.error = _ErrorStruct()
        self.owned: list[Tuple[str, ctypes.c_void_p]] = []

    def __enter__(self) -> "_Call":
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

    def make(self, create: str, free: str, *arguments: Any) -> ctypes.c_void_p:
        """Calls a function whose first argument is where the result goes."""
        pointer = ctypes.c_void_p()
        status = getattr(self.library, create)(ctypes.byref(pointer), *arguments,
                                               ctypes.byref(self.error))
        self.owned.append((free, pointer))
        self.check(status)
        return pointer

    def load(self, kind: str, source: Source) -> ctypes.c_void_p:
        create, free = f"mbs_{kind}_load_", f"mbs_{kind}_free"
        if isinstance(source, Mapping):
            text = json.dumps(source).encode()
            return self.make(create + "text", free, text, ctypes.c_size_t(len(text)), b"dict")
        return self.make(create + "file", free, os.fsencode(source))

    def hardware(self, source: Optional[Source]) -> _Hardware:
        hardware = _Hardware()
        place, error = ctypes.byref(hardware), ctypes.byref(self.error)
        if source is None:
            self.library.mbs_hardware_wavecore(place)
        elif isinstance(source, Mapping):
            text = json.dumps(source).encode()
            self.check(self.library.mbs_hardware_load_text(
                place, text, ctypes.c_size_t(len(text)), b"dict", error))
        else:
            self.check(self.library.mbs_hardware_load_file(place, os.fsencode(source), error))
        return hardware

    def size(self, value: Optional[Size]) -> int:
        if value is None:
            return 0
        result = ctypes.c_int64()
        self.check(self.library.mbs_parse_size(ctypes.byref(result), str(value).encode(),
                                               ctypes.byref(self.error)))
        if result.value == 0:  # to the library it means the hardware's
            raise Error("bad input", ("the buffer is 0 bytes",))
        return result.value

    def planner(self, name: str) -> int:
        result = ctypes.c_int()
        self.check(self.library.mbs_planner_from_name(ctypes.byref(result), name.encode(),
                                                      ctypes.byref(self.error)))
        return result.value

    def options(self, planner: str, batch: int, buffer: Optional[Size]) -> _Options:
        if not 1 <= batch <= 1000000:
            raise Error("bad input", (f"batch is {batch}, expected 1 to 1000000",))
        options = _Options()
        options.planner = self.planner(planner)
        options.batch = batch
        options.buffer_bytes = self.size(buffer)
        return options


class _Watcher:
    """Passes progress on; an exception ends the search and is raised once the library is back."""

    def __init__(self, progress: Optional[Progress]) -> None:
        self.progress = progress
        self.problem: Optional[BaseException] = None
        self.function = _ProgressFunction(self.call) if progress else _ProgressFunction()

    def call(self, state: Any, _: Any) -> int:
        try:
            now = state.contents
            assert self.progress is not None
            return int(self.problem is not None or
                       bool(self.progress(now.elapsed_s, now.incumbent_bytes, now.bound_bytes)))
        except BaseException as problem:  # pylint: disable=broad-except
            self.problem = problem
            return 1


def _group(call: _Call, handle: ctypes.c_void_p, index: int, group: Any, steps: Any) -> Group:
    traffic = _TrafficStruct()
    call.check(call.library.mbs_plan_group_traffic(handle, ctypes.c_size_t(index),
                                                   ctypes.byref(traffic)))
    return Group(group["first"], group["last"], steps[group["first"]]["name"],
                 steps[group["last"]]["name"], group["iterations"], group["sub_batch"],
                 group["passes"], group["peak_bytes"], group["time_s"], group["energy_j"],
                 traffic.plain(), group.get("strips", 1))


def _plain_plan(call: _Call, handle: ctypes.c_void_p, hardware: _Hardware) -> Plan:
    pointer = call.make("mbs_plan_to_json_with_cost", "mbs_free", handle, ctypes.byref(hardware))
    text = ctypes.cast(pointer, ctypes.c_char_p).value
    assert text is not None
    file = json.loads(text)
    groups = tuple(_group(call, handle, i, group, file["steps"])
                   for i, group in enumerate(file["groups"]))
    return Plan(file["network"], file["planner"], file["outcome"], file["phase"] == "inference",
                file["batch"], file["buffer_bytes"], file.get("bound_bytes") or None, groups,
                Traffic(**file["traffic_bytes"]), file["time_s"], file["energy_j"],
                file["utilisation"], text.decode())


# ---- What users call -------------------------------------------------------------------------------

def plan(network: Source, *, buffer: Optional[Size] = None, batch: int = 32, planner: str = "dp",
         objective: str = "traffic", hardware: Optional[Source] = None, inference: bool = False,
         keep_batch_norm: bool = False, pin: bool = True, stream: bool = True, strips: bool = True,
         time_limit: float = 60.0, gap: float = 0.0,
         progress: Optional[Progress] = None) -> Plan:
    """Plans one training step of a network: a file's path, or what such a file holds as a dict.

    `buffer` is bytes or text such as "10MiB" (default: the hardware's), `batch` samples per core.
    `planner`, `objective` and the others are those of `mbsopt plan`; `strips=False` plans whole
    samples only (a group's `strips` says how many there are of one). While ilp or best search,
    `progress` is called with seconds, best bytes and proven bound; True ends the search.
    Raises Error.
    """
    with _Call() as call:
        machine = call.hardware(hardware)
        options = call.options(planner, batch, buffer)
        if objective not in _OBJECTIVES:
            raise Error("bad input", (f"objective {objective!r}: expected traffic, time or energy",))
        watcher = _Watcher(progress)
        options.objective = _OBJECTIVES.index(objective)
        options.no_pin, options.no_stream = not pin, not stream
        options.no_strips = not strips
        options.time_limit_s, options.gap_percent = time_limit, gap
        options.progress = watcher.function
        options.inference, options.keep_batch_norm = inference, keep_batch_norm
        loaded = call.load("network", network)
        handle = call.make("mbs_plan_network", "mbs_plan_free", loaded, ctypes.byref(machine),
                           ctypes.byref(options))
        if watcher.problem is not None:
            raise watcher.problem
        return _plain_plan(call, handle, machine)


def verify(source: Source) -> Traffic:
    """Replays a plan file, or what one holds as a dict; returns what it moves. Raises Error."""
    with _Call() as call:
        counted = _TrafficStruct()
        handle = call.load("plan", source)
        call.check(call.library.mbs_plan_verify(handle, ctypes.byref(counted),
                                                ctypes.byref(call.error)))
        return counted.plain()


def version() -> str:
    """The version of the library, for example "0.1.0"."""
    return str(library().mbs_version().decode())
