"""Circles among the files of src: what check_includes.py looks for besides the order of folders.

A module is a file.c with its file.h, or either where there is only one. It needs another if it
includes that one's header, or uses a function or an object that is defined in that one's file.c.
"""

import pathlib
import re

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)
COMMENT_OR_STRING = re.compile(r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"', re.DOTALL)
USED = re.compile(r"(?<![\w.>])[A-Za-z_]\w*")
DATA = re.compile(r"^(?!static\b|typedef\b|extern\b)[a-z_][\w *]*?(\w+)(?:\[[^\]]*\])* = ", re.MULTILINE)
# from its first column to the brace alone on a line, as clang-format leaves it
FUNCTION = re.compile(r"^([a-z_][^\n;{]*\n(?:[ \t]+[^\n]*\n)*)\{$", re.MULTILINE)


def split(text):
    """The names that a file defines for others, and those that it uses, its own left out."""
    code = COMMENT_OR_STRING.sub(" ", text)
    outside, own = set(DATA.findall(code)), set()
    for signature in FUNCTION.findall(code):
        name = re.search(r"(\w+)\(", signature).group(1)
        (own if signature.startswith("static") else outside).add(name)
    return outside, set(USED.findall(code)) - outside - own


def module(path, root):
    return str(path.relative_to(root).with_suffix(""))


def needs(root):
    """For each module the modules that it needs, each with the names that say so."""
    graph, defined, used = {}, {}, {}
    for path in sorted(root.rglob("*.[ch]")):
        text = path.read_text(encoding="utf-8")
        of = module(path, root)
        program = "cli" if of.startswith("cli/") else "library"  # each has names of its own
        edges = graph.setdefault(of, {})
        for header in INCLUDE.findall(text):
            for place in (root / header, path.parent / header, root / "cli" / header):
                if place.is_file() and module(place, root) != of:
                    edges.setdefault(module(place, root), set()).add(pathlib.PurePath(header).name)
                    break
        outside, names = split(text)
        if path.suffix == ".c":
            defined.update({(program, name): of for name in outside})
            used[of] = {(program, name) for name in names}
    for of, names in used.items():
        for program, name in names:
            other = defined.get((program, name), of)
            if other != of:
                graph[of].setdefault(other, set()).add(name)
    return graph


def circles(graph):
    """The sets of modules that all need each other (Tarjan's strongly connected components)."""
    number, lowest, stack, found = {}, {}, [], []

    def visit(at):
        number[at] = lowest[at] = len(number)  # in the order of visits
        stack.append(at)
        for other in sorted(graph[at]):
            if other not in number:
                visit(other)
            if other in stack:
                lowest[at] = min(lowest[at], lowest[other])
        if lowest[at] == number[at]:
            whole = stack[stack.index(at):]
            del stack[stack.index(at):]
            if len(whole) > 1:
                found.append(sorted(whole))

    for at in sorted(graph):
        if at not in number:
            visit(at)
    return found
