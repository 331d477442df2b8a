"""Finds and opens the shared library, and what is installed with it."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path
from typing import Iterator, Optional

SONAME = "libmbsopt.so.0"
_HERE = Path(__file__).resolve().parent
_library: Optional[ctypes.CDLL] = None


def _prefix() -> Optional[Path]:
    """What the module is installed in: above lib/python3…/site-packages, or dist-packages."""
    for folder in _HERE.parents:
        if folder.name in ("lib", "lib64"):
            return folder.parent
    return None


def _source() -> Optional[Path]:
    """The source tree that the module lies in."""
    root = _HERE.parent.parent
    return root if (root / "meson.build").exists() and (root / "models").is_dir() else None


def _places() -> Iterator[Path]:
    """Where the library may be: beside the module (a wheel), in its prefix, where it was built."""
    yield _HERE / SONAME
    prefix, source = _prefix(), _source()
    if prefix is not None:
        for pattern in ("lib", "lib64", "lib/*-linux-*"):
            yield from (folder / SONAME for folder in sorted(prefix.glob(pattern)))
    if source is not None:
        yield from (source / folder / SONAME for folder in ("build-run", "build-install", "build"))


def _open() -> ctypes.CDLL:
    named = os.environ.get("MBSOPT_LIBRARY")
    if named:
        try:
            return ctypes.CDLL(named)
        except OSError as problem:
            raise ImportError(f"MBSOPT_LIBRARY names no library: {problem}") from None
    for place in _places():
        if place.exists():
            try:
                return ctypes.CDLL(str(place))
            except OSError as problem:
                raise ImportError(f"{place} cannot be loaded: {problem}") from None
    try:
        return ctypes.CDLL(SONAME)
    except OSError:
        raise ImportError(f"{SONAME} is neither beside the module ({_HERE}) nor in its prefix ({_prefix()}) nor where "
                          "the system looks; MBSOPT_LIBRARY can name it") from None


def library() -> ctypes.CDLL:
    """The library, opened at the first call. Raises ImportError, in one line."""
    global _library  # pylint: disable=global-statement
    if _library is None:
        opened = _open()
        for function in ("mbs_network_free", "mbs_plan_free", "mbs_free", "mbs_error_clear", "mbs_hardware_wavecore",
                         "mbs_plan_traffic"):
            getattr(opened, function).restype = None
        for function in ("mbs_version", "mbs_status_text"):
            getattr(opened, function).restype = ctypes.c_char_p
        _library = opened
    return _library


def shared(name: str) -> Optional[Path]:
    """A file or folder of those that come with mbsopt: beside the module (a wheel), in its prefix, in the source tree."""
    prefix, source = _prefix(), _source()
    folders = [_HERE / "share"]
    if prefix is not None:
        folders.append(prefix / "share" / "mbsopt")
    if source is not None:
        folders += [source / "models", source / "scripts"]
    return next((folder / name for folder in folders if (folder / name).exists()), None)


def models() -> Optional[Path]:
    """The folder with networks/ and hardware/ that names stand for, as the program finds it."""
    named = os.environ.get("MBSOPT_DATA")
    if named:
        return Path(named)
    networks = shared("networks")
    return None if networks is None else networks.parent
