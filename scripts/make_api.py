#!/usr/bin/env python3
"""Makes docs/api.md, and a man page, of docs/api_opening.md and the public headers, which Doxygen
reads without a warning.

    scripts/make_api.py             writes docs/api.md and docs/mbsopt.3
    scripts/make_api.py --check     fails if they are not what the headers say
"""

import pathlib
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

ROOT = pathlib.Path(__file__).resolve().parent.parent
HEADERS = ["status", "memory", "network", "program", "hardware", "plan", "cost", "report", "emit", "explain", "simulate", "place", "mbsopt"]


def doxygen_comments(text):
    """Plain comments as Doxygen's: before what they say, or behind it on the same line."""
    text = re.sub(r"^(\s*)/\*(?!\*| ----)", r"\1/**", text, flags=re.M)
    text = re.sub(r"(?<=[;,{\w]) +/\*(?!\*)(?=[^\n]*\S)", r" /**<", text)
    # Doxygen's own marks in running text
    return re.sub(r"(?<=\s)([@\\])(?=\w)", r"\\\1", text).replace("<=", "&le;").replace("·", "·")


def run_doxygen(folder):
    if {f"{name}.h" for name in HEADERS} != {path.name for path in (ROOT / "include/mbsopt").glob("*.h")}:
        sys.exit("HEADERS in scripts/make_api.py are not those of include/mbsopt")
    inputs = folder / "mbsopt"
    inputs.mkdir()
    for name in HEADERS:
        text = (ROOT / "include" / "mbsopt" / f"{name}.h").read_text(encoding="utf-8")
        (inputs / f"{name}.h").write_text(doxygen_comments(text), encoding="utf-8")
    settings = (ROOT / "docs" / "Doxyfile").read_text(encoding="utf-8")
    settings += f"\nINPUT = {inputs}\nOUTPUT_DIRECTORY = {folder}\n"
    done = subprocess.run(["doxygen", "-"], input=settings, text=True, capture_output=True,
                          check=False)
    if done.returncode != 0 or done.stderr:
        sys.exit(f"doxygen: {done.stderr.replace(str(folder), 'include')}")


def text_of(node):
    """A description as text, its paragraphs apart."""
    if node is None:
        return ""
    parts = [re.sub(r"\s+", " ", "".join(part.itertext())).strip() for part in node.iter("para")]
    return "\n\n".join(part for part in parts if part)


def comment(member):
    return "\n\n".join(filter(None, (text_of(member.find("briefdescription")),
                                     text_of(member.find("detaileddescription")),
                                     text_of(member.find("inbodydescription")))))


def flat(node):
    return re.sub(r"\s+", " ", "".join(node.itertext())).strip() if node is not None else ""


def declaration(member):
    kind = member.get("kind")
    name = member.findtext("name")
    if kind == "function":
        start = f"{flat(member.find('type'))} {name}(".replace("* ", "*")
        arguments = [argument.strip() for argument in member.findtext("argsstring")[1:-1].split(",")]
        lines, line = [], start
        for i, argument in enumerate(arguments):
            piece = argument + ("," if i + 1 < len(arguments) else ");")
            if len(line) + len(piece) > 96:
                lines.append(line.rstrip())
                line = " " * len(start)
            line += piece + " "
        return "\n".join(lines + [line.rstrip()])
    if kind == "enum":
        values = [f"    {value.findtext('name')}{' ' + flat(value.find('initializer'))}".rstrip() +
                  "," + (f" /* {comment(value)} */" if comment(value) else "")
                  for value in member.iter("enumvalue")]
        return "\n".join([f"enum {name} {{", *values, "};"])
    if kind == "define":
        value = re.sub(r"\s+", " ", member.findtext("initializer") or "")
        return f"#define {name} {value}".rstrip()
    definition = member.findtext("definition")
    arguments = member.findtext("argsstring") or ""
    # of a function type the definition holds its arguments already
    return f"{definition}{'' if definition.endswith(arguments) else arguments};"


def struct_text(folder, reference):
    compound = xml.parse(folder / "xml" / f"{reference}.xml").find("compounddef")
    name = compound.findtext("compoundname")
    lines = []
    for member in compound.iter("memberdef"):
        note = comment(member).replace("\n\n", " ")
        field = f"    {flat(member.find('type'))} {member.findtext('name')}".replace("* ", "*")
        lines.append(f"{field}{member.findtext('argsstring') or ''};" +
                     (f" /* {note} */" if note else ""))
    return name, comment(compound), "\n".join([f"struct {name} {{", *lines, "};"])


def entries(folder, name):
    """(line, name, declaration, comment) of all that a header has, in its order."""
    found = []
    for path in (folder / "xml").glob("*.xml"):
        compound = xml.parse(path).find("compounddef")
        if compound is None:
            continue
        place = compound.find("location")
        if compound.get("kind") == "struct" and place.get("file").endswith(f"/{name}.h"):
            struct = struct_text(folder, compound.get("id"))
            if "{\n}" not in struct[2]:
                found.append((int(place.get("line")), struct[0], struct[2], struct[1]))
        if compound.get("kind") == "file" and compound.findtext("compoundname") == f"{name}.h":
            for member in compound.iter("memberdef"):
                title = member.findtext("name")
                if member.get("kind") == "define" and \
                        (title.endswith("_H") or title in ("MBS_API", "MBS_PRINTF")):
                    continue
                if member.get("kind") == "typedef" and \
                        re.match(r"(struct|enum) " + title + "$", flat(member.find("type"))) and \
                        not comment(member):
                    continue
                found.append((int(member.find("location").get("line")), title,
                              declaration(member), comment(member)))
    kept = {}
    for entry in sorted(found):  # of a type and its name in the same breath, the type
        kept.setdefault(entry[1], entry)
    return list(kept.values())


def head_comment(name):
    text = (ROOT / "include" / "mbsopt" / f"{name}.h").read_text(encoding="utf-8")
    return re.sub(r"\s+", " ", re.match(r"/\*(.*?)\*/", text, re.S).group(1)).strip()


def markdown(folder):
    parts = [(ROOT / "docs" / "api_opening.md").read_text(encoding="utf-8"),
             "# Functions and types\n\nMade from the headers by scripts/make_api.py; "
             "the sections are those of [the model](model.md).\n"]
    for name in HEADERS:
        parts.append(f"## mbsopt/{name}.h\n\n{head_comment(name)}\n")
        for _, title, text, note in entries(folder, name):
            parts.append(f"### {title}\n\n```c\n{text}\n```\n" + (f"\n{note}\n" if note else ""))
    return "\n".join(parts)


def roff(text):
    return re.sub(r"^([.'])", r"\\&\1", text.replace("\\", "\\e").replace("-", "\\-"), flags=re.M)


def manual(folder):
    parts = ['.TH MBSOPT 3 "" "mbsopt" "Library Functions"',
             ".SH NAME\nmbsopt \\- plan the data movement of CNN\\-training accelerators",
             ".SH SYNOPSIS\n.nf\n#include <mbsopt/mbsopt.h>\n\ncc program.c $(pkg\\-config \\-\\-cflags "
             "\\-\\-libs mbsopt)\n.fi"]
    for name in HEADERS:
        parts.append(f".SH {name.upper()}\n{roff(head_comment(name))}")
        for _, _, text, note in entries(folder, name):
            parts.append(f".PP\n.nf\n{roff(text)}\n.fi")
            if note:
                parts.append(".RS\n" + roff(note).replace("\n\n", "\n.PP\n") + "\n.RE")
    parts.append(".SH SEE ALSO\n\\fBmbsopt\\fR(1)")
    return "\n".join(parts) + "\n"


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        run_doxygen(folder)
        made = {"api.md": markdown(folder), "mbsopt.3": manual(folder)}
    for name, text in made.items():
        target = ROOT / "docs" / name
        if "--check" not in sys.argv[1:]:
            target.write_text(text, encoding="utf-8")
        elif not target.exists() or text != target.read_text(encoding="utf-8"):
            sys.exit(f"docs/{name} is not what the headers say; run scripts/make_api.py")


if __name__ == "__main__":
    main()
