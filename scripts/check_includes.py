#!/usr/bin/env python3
"""Checks that every source file includes only what its layer may know.

base < network < program < hardware < cost < plan < verify < place < report, emit < explain, simulate < cli: a file
includes headers of its own folder and of those before it; report and emit do not know each other, nor do explain and simulate; the
command line sees the public API and its own headers only; a public header includes public ones.

The rooms of plan are ordered too: ROOMS says which others each may know. All know what they share,
the files of src/plan itself, which know no room. No files need each other in a circle (circles.py),
and one file alone includes GLPK's header.

Also that the library takes memory through base/memory.h alone, so that the caller's allocator sees it.

Prints a line for each line that breaks this and exits 1.
"""

import pathlib
import re
import sys

import circles

ROOT = pathlib.Path(__file__).resolve().parent.parent
LEVEL = {"base": 0, "network": 1, "program": 2, "hardware": 3, "cost": 4, "plan": 5, "verify": 6,
         "place": 7, "report": 8, "emit": 8, "explain": 9, "simulate": 9, "cli": 10}
# the rooms of src/plan, each with those before it that it may know
ROOMS = {
    "presets": [],
    "dp": [],
    "solver": [],
    "model": ["solver"],
    "exact": ["dp", "solver"],
    "order": ["dp"],
    "recompute": ["dp"],
    "joint": ["exact", "recompute"],
    "run": ["presets", "dp", "exact"],
}
ALLOCATION = re.compile(r"(?<![\w.>])(?:malloc|calloc|realloc|strdup|strndup|aligned_alloc|free)\(")
# what may use the C library's: its wrapper, and what frees a block that the C library returned
OWN_MEMORY = {"src/base/memory.c", "src/base/file.c"}
# dp on a range, for traffic and for time or energy: one engine in these files
ONE_ENGINE = ["plan/dp/dp_cost", "plan/dp/dp_cost_open", "plan/dp/dp_range", "plan/dp/dp_search"]
GLPK = pathlib.PurePath("src/plan/solver/solver.c")
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')


def fault_of_room(header, source):
    """Why a file of src/plan may not include a header of src/plan, or None."""
    own = source.relative_to(ROOT / "src/plan").parts[:-1]
    other = pathlib.PurePath(header).parts[1:-1]
    if own and own[0] not in ROOMS:
        return f"plan/{own[0]} is no known room"
    if not other or other == own or (own and other[0] in ROOMS[own[0]]):
        return None
    return f"plan/{other[0]} is not among the rooms that {'/'.join(('plan', *own))} may know"


def fault_of_library(folder, header, source):
    """Why a file of src/`folder` may not include "header", or None."""
    target = header.split("/")[0]
    if target == "mbsopt":
        other = {"report": "mbsopt/emit.h", "emit": "mbsopt/report.h"}.get(folder)
        if header == other:
            return "report and emit do not know each other"
        if not (ROOT / "include" / header).is_file():
            return "no such header"
        return None
    if target not in LEVEL or not (ROOT / "src" / header).is_file():
        return "no such header (own headers are named folder/file.h)"
    if target == folder:
        return fault_of_room(header, source) if folder == "plan" else None
    if LEVEL[target] >= LEVEL[folder]:
        return f"{target} is not below {folder}"
    return None


def fault_of_cli(header, source):
    """Why a file of src/cli may not include the header, or None."""
    beside = [source.parent / header, ROOT / "src/cli" / header]
    if header == "mbsopt/mbsopt.h" or any(path.is_file() for path in beside):
        return None
    return "the command line uses mbsopt/mbsopt.h and its own headers only"


def fault_of_public(header, source):
    """Why a public header may not include the header, or None."""
    if header.startswith("mbsopt/") and (ROOT / "include" / header).is_file():
        return None
    return "a public header includes public headers only"


def check(source):
    """Yields the faults of one file as lines."""
    relative = source.relative_to(ROOT)
    folder = relative.parts[1]
    if relative.parts[0] == "src" and folder not in LEVEL:
        yield f"{relative}: {folder} is no known layer"
        return
    library = relative.parts[0] == "src" and folder != "cli" and str(relative) not in OWN_MEMORY
    for number, line in enumerate(source.read_text(encoding="utf-8").splitlines(), 1):
        if library and ALLOCATION.search(line.split("/*")[0]):
            yield f"{relative}:{number}: memory comes from base/memory.h: mem_alloc and its kin"
        found = INCLUDE.match(line)
        if not found:
            continue
        system, header = found.group(1) == "<", found.group(2)
        if header == "glpk.h" and relative != GLPK:
            yield f"{relative}:{number}: GLPK is for {GLPK} alone"
        if system and not header.startswith("mbsopt/"):
            continue
        if relative.parts[0] == "include":
            fault = fault_of_public(header, source)
        elif folder == "cli":
            fault = fault_of_cli(header, source)
        else:
            fault = fault_of_library(folder, header, source)
        if fault is not None:
            yield f"{relative}:{number}: {header}: {fault}"


def check_circles():
    """Yields a line for each circle of files."""
    graph = circles.needs(ROOT / "src")
    for circle in circles.circles(graph):
        if circle == ONE_ENGINE:
            continue
        ties = [f"{a} needs {b} ({', '.join(sorted(graph[a][b])[:3])})"
                for a in circle for b in circle if b in graph[a]]
        yield ("a circle (what both sides need goes to a file below both): " + "; ".join(ties))


def main():
    sources = sorted([*ROOT.glob("src/*/**/*.[ch]"), *ROOT.glob("include/**/*.h")])
    faults = [fault for source in sources for fault in check(source)]
    faults += check_circles()
    for fault in faults:
        print(fault)
    if not sources:
        print("no sources found")
    return 1 if faults or not sources else 0


if __name__ == "__main__":
    sys.exit(main())
