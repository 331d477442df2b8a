"""Models in ONNX, by way of the importer that comes with mbsopt."""

from __future__ import annotations

import importlib.util
import inspect
import os
import subprocess
import sys
import warnings
from typing import Any, Dict, List, Mapping, Optional, Sequence, Union

from ._library import shared
from ._native import Imported, Loaded, Source, is_onnx
from ._types import Error

Names = Union[str, Sequence[str]]
STATUSES = {1: "bad input", 5: "file error"}  # the importer's, of which others are defects
SPEAKER = "mbsopt: "


def _python() -> str:
    """This Python if it has onnx, else the system's, as the program takes."""
    chosen = os.environ.get("MBSOPT_PYTHON")
    if chosen:
        return chosen
    if sys.executable and importlib.util.find_spec("onnx") is not None:
        return sys.executable
    return "/usr/bin/python3" if os.access("/usr/bin/python3", os.X_OK) else "python3"


def _importer() -> str:
    chosen = os.environ.get("MBSOPT_IMPORTER") or shared("import_onnx.py")
    if chosen is None:
        raise Error("file error", ("the importer of ONNX files is not installed; MBSOPT_IMPORTER can name it",))
    return str(chosen)


def _caller() -> int:
    """How far up the line is that called this package, as warnings count from where this is called."""
    level, frame = 1, inspect.currentframe()
    while frame is not None and frame.f_back is not None and frame.f_globals.get("__package__") == __package__:
        level, frame = level + 1, frame.f_back
    return level - 1


class Importing:
    """
    What is asked of the importer: keywords, as the options of the command line. Raises TypeError for what is neither
    text nor a list of it.
    """

    def __init__(self, *, input: Names = (), cut: Names = (),  # pylint: disable=redefined-builtin
                 weights: Names = (), learned: Names = (), constant: Names = (), opaque: bool = False) -> None:
        self.words: List[str] = []
        self.asked: Optional[str] = "opaque" if opaque else None
        given: Dict[str, Names] = {"input": input, "cut": cut, "weights": weights, "learned": learned,
                                   "constant": constant}
        for name, value in given.items():
            values = [value] if isinstance(value, str) else value
            if not isinstance(values, (list, tuple, set)) or not all(isinstance(item, str) for item in values):
                raise TypeError(f"{name} is {value!r} of type {type(value).__name__}, expected text or a list of it")
            self.words.extend(f"--{name}={item}" for item in values)
            if values:
                self.asked = name
        if opaque not in (False, True):
            raise TypeError(f"opaque is {opaque!r} of type {type(opaque).__name__}, expected True or False")
        if opaque:
            self.words.append("--opaque")

    def _check(self, sources: Sequence[Source]) -> None:
        if self.asked is not None and not any(map(is_onnx, sources)):
            shown = "a dict" if isinstance(sources[0], Mapping) else os.fspath(sources[0])
            raise TypeError(f"{self.asked} is of ONNX files (named .onnx), and {shown} is none")

    def networks(self, sources: Sequence[Source]) -> List[Loaded]:
        """The same with each ONNX file imported. Raises Error, and TypeError if none is one though something is asked."""
        self._check(sources)
        found: List[Loaded] = []
        for source in sources:
            found.append(source if isinstance(source, Mapping) or not is_onnx(source) else self._run(os.fspath(source)))
        return found

    def network(self, source: Source) -> Loaded:
        """The same of one."""
        self._check([source])
        return source if isinstance(source, Mapping) or not is_onnx(source) else self._run(os.fspath(source))

    def _run(self, path: str) -> Imported:
        """What is noted in passing becomes warnings, of the line that called the module."""
        command = [_python(), _importer(), "--speaker=mbsopt", *self.words, "--", path]
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, encoding="utf-8",
                                  errors="replace", check=False)
        except OSError as problem:
            raise Error("file error", (f"{command[0]}, which imports {path}, cannot be started: {problem.strerror}",)) \
                from None
        messages = tuple(line[len(SPEAKER):] if line.startswith(SPEAKER) else line for line in done.stderr.splitlines())
        if done.returncode != 0:
            raise Error(STATUSES.get(done.returncode, "wrong use of the library"),
                        messages or (f"{path}: the importer ended with status {done.returncode}",))
        for message in messages:
            warnings.warn(message, stacklevel=_caller())
        return Imported(path, done.stdout)
