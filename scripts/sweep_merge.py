#!/usr/bin/env python3
"""Put the shards of a sweep (mbsopt sweep --shard) together: what comes out equals an unsharded run.

Rows are sorted by their index and otherwise left as they are. Refused, and nothing is written: files that do not belong
together, an index twice or missing, a row that was cut off.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path


class Fault(Exception):
    """What is wrong, in one line."""


def read_rows(path, rows):
    """Adds the file's rows to `rows` by index; returns its header, None for JSON lines or an empty file."""
    with open(path, encoding="utf-8", newline="\n") as file:
        lines = file.read().split("\n")
    if lines.pop():
        raise Fault(f"{path}: the last row is cut off; finish it with --resume")
    header = None
    if lines and not lines[0].startswith("{"):
        header = lines.pop(0)
        if not header.startswith("index,"):
            raise Fault(f"{path}: is no sweep's file")
    for line in lines:
        try:
            index = int(line.split(",", 1)[0]) if header else json.loads(line)["index"]
        except (ValueError, KeyError, TypeError) as fault:
            raise Fault(f"{path}: has a row without an index: {line[:60]!r}") from fault
        if index in rows:
            raise Fault(f"{path}: index {index} is there twice")
        rows[index] = line
    return header


def merge(paths, points):
    """The whole sweep's text."""
    rows = {}
    headers = {read_rows(path, rows) for path in paths}
    if len(headers) != 1:
        raise Fault("the files are not of one sweep: their headers differ")
    count = len(rows) if points is None else points
    missing = [index for index in range(count) if index not in rows]
    if missing:
        raise Fault(f"{len(missing)} of {count} points are missing, the first has index {missing[0]}")
    if len(rows) > count:
        raise Fault(f"{len(rows)} rows, expected {count}")
    header = headers.pop()
    return "".join(line + "\n" for line in ([header] if header else []) + [rows[i] for i in range(count)])


def write_whole(path, text):
    """Replaces the file whole or not at all."""
    folder = os.path.dirname(os.path.abspath(path))
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", newline="\n", dir=folder, delete=False) as file:
        try:
            file.write(text)
            file.close()
            umask = os.umask(0)
            os.umask(umask)
            os.chmod(file.name, 0o666 & ~umask)
            os.replace(file.name, path)
        except BaseException:
            os.unlink(file.name)
            raise


def main():
    """Reads the arguments, merges, writes."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("files", nargs="+", metavar="FILE", type=Path, help="what each shard wrote")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="default: standard output")
    parser.add_argument("--points", type=int, metavar="N", help="how many points the sweep has; refuse any other number")
    given = parser.parse_args()
    try:
        text = merge(given.files, given.points)
        if given.output is None:
            sys.stdout.write(text)
            sys.stdout.flush()
        else:
            write_whole(given.output, text)
    except (Fault, OSError, UnicodeDecodeError) as fault:
        print(f"sweep_merge.py: {fault}", file=sys.stderr)
        return 1 if isinstance(fault, Fault) else 5
    return 0


if __name__ == "__main__":
    sys.exit(main())
