"""show: what a network, a machine or a plan file holds."""

from __future__ import annotations

import ctypes
import os
from typing import Mapping, Optional, Union

from ._native import (Call, Hardware, HardwareMember, LayerInfo, ProgramOptions, Size, Source, find_file, is_onnx,
                      kind_of)
from ._onnx import Importing, Names
from ._plan import (expect_batch, expect_flags, expect_fold, expect_hardware, expect_size, expect_source, expect_text,
                    fused, load, program_options)
from ._types import Error, Layer, Machine, Member, Network, Plan


def _show_network(call: Call, network: ctypes.c_void_p, machine: Hardware, batch: int,
                  options: ProgramOptions) -> Network:
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


def _named(source: str) -> str:
    """The file that the name of a network or a machine stands for."""
    try:
        return find_file("networks", source)
    except Error as unknown:
        try:
            return find_file("hardware", source)
        except Error:
            raise unknown from None


def show(source: Source, *, buffer: Optional[Size] = None, batch: int = 32, inference: bool = False,
         batch_norm: str = "replace", optimizer: str = "none", no_fold: bool = False, fuse: bool = False,
         hardware: Optional[Source] = None,
         input: Names = (), cut: Names = (), weights: Names = (),  # pylint: disable=redefined-builtin
         learned: Names = (), constant: Names = (), opaque: bool = False) -> Union[Network, Machine, Plan]:
    """What `mbsopt show` says: of a network its layers and what each needs of the buffer, of a machine its members, of a
    plan file the plan. ONNX files and their keywords as of plan. Raises Error, and TypeError for arguments of another
    type, or where there is no use for them.
    """
    expect_source("source", source, "a network, plan or hardware file")
    expect_batch("batch", batch)
    expect_flags(inference=inference, no_fold=no_fold, fuse=fuse)
    expect_text("batch_norm", batch_norm)
    expect_text("optimizer", optimizer)
    expect_hardware(hardware)
    if buffer is not None:
        expect_size("buffer", buffer)
    if not isinstance(source, Mapping) and not is_onnx(source):
        source = _named(os.fspath(source))
    loaded = Importing(input=input, cut=cut, weights=weights, learned=learned, constant=constant,
                       opaque=opaque).network(source)
    kind = kind_of(loaded)
    if kind in ("plan", "hardware"):
        for name, asked in (("buffer", buffer is not None), ("batch", batch != 32), ("inference", inference),
                            ("batch_norm", batch_norm != "replace"), ("optimizer", optimizer != "none"),
                            ("no_fold", no_fold), ("fuse", fuse),
                            ("hardware", hardware is not None and kind == "hardware")):
            if asked:
                raise TypeError(f"{name} is of networks, and source is a {kind} file")
    expect_fold(no_fold, inference)
    if kind == "plan":
        return load(source, hardware=hardware)
    with Call() as call:
        if kind == "hardware":
            return _show_machine(call, call.hardware(source))
        machine = call.hardware(hardware)
        machine.buffer_bytes = call.size(buffer) or machine.buffer_bytes
        network = fused(call, call.load("network", loaded), inference, no_fold, fuse)
        return _show_network(call, network, machine, int(batch),
                             program_options(machine, inference, batch_norm, optimizer))
