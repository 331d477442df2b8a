"""Strict readers of the exported formats, each from what its simulator accepts and nothing more."""

import csv
import io
import json
import re

SAFE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}\Z")


class Broken(Exception):
    """What was read is not in the format."""


def need(condition, *what):
    if not condition:
        raise Broken(*what)


def lines_of(text):
    """The lines of text that ends in a newline, has no empty line and nothing beyond ASCII."""
    need(text.endswith("\n") and text.isascii() and "\r" not in text, text[-80:])
    lines = text[:-1].split("\n")
    need(all(lines), "empty line")
    return lines


def safe_name(name):
    need(SAFE_NAME.match(name) and "DP" not in name, name)
    return name


def integer(text, least=1):
    need(re.match(r"(0|[1-9][0-9]*)\Z", text), text)
    need(int(text) >= least, text)
    return int(text)


def scalesim_rows(text, header, numbers):
    """Rows of a topology: a name, whole numbers, and one trailing comma."""
    first, *rows = lines_of(text)
    need(first == header, first)
    result = {}
    for row in rows:
        need(" " not in row and "#" not in row and row.endswith(",") and not row.endswith(",,"), row)
        name, *values = row[:-1].split(",")
        need(len(values) == numbers and safe_name(name) not in result, row)
        result[name] = tuple(integer(value) for value in values)
    return result


def scalesim_conv(text):
    return scalesim_rows(text, "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, "
                         "Channels, Num Filter, Strides,", 7)


def scalesim_gemm(text):
    return scalesim_rows(text, "Layer, M, N, K,", 3)


def scalesim_config(text):
    """The members of a configuration as configparser sees them, by section."""
    sections = {}
    for line in lines_of(text.replace("\n\n", "\n")):
        if line.startswith("["):
            need(line.endswith("]"), line)
            section = sections.setdefault(line[1:-1], {})
        else:
            name, value = re.split(r" = |: ", line, maxsplit=1)
            need(name not in section, line)
            section[name] = value
    return sections


def table(text, header):
    """A CSV file with that header, as dictionaries."""
    need(text.endswith("\n"), text[-80:])
    rows = list(csv.reader(io.StringIO(text), strict=True))
    need(rows[0] == header.split(","), rows[0])
    need(all(len(row) == len(rows[0]) for row in rows))
    return [dict(zip(rows[0], row)) for row in rows[1:]]


def names(text):
    """The mapping file: original names by safe ones."""
    rows = table(text, "name,original")
    result = {safe_name(row["name"]): row["original"] for row in rows}
    need(len(result) == len(rows), "a name twice")
    return result


def astra_sim(text):
    first, count, *rows = lines_of(text)
    need(first == "DATA" and integer(count) == len(rows), first, count)
    layers = []
    for row in rows:
        columns = row.split("\t")
        need(len(columns) == 12 and len(row.split()) == 12, row)
        need(columns[1] == "-1" and columns[3] == columns[6] == "NONE", row)
        need(columns[9] in ("NONE", "ALLREDUCE"), row)
        forward, first, inputs, second, weights, size, update = (
            integer(columns[i], 0) for i in (2, 4, 5, 7, 8, 10, 11))
        need(first == second == 0 and (size > 0) == (columns[9] == "ALLREDUCE"), row)
        # ASTRA-sim aborts at an update without delay
        need(update > 0 or columns[9] == "NONE", row)
        layers.append((safe_name(columns[0]), forward, inputs, weights, size, update))
    need(len({layer[0] for layer in layers}) == len(layers), "a name twice")
    return layers


def cycle_trace(text):
    """Requests (address, is write, cycle) of DRAMsim3 and Ramulator 1."""
    cycle = 0
    for line in lines_of(text):
        found = re.match(r"0x(0|[1-9a-f][0-9a-f]*) (READ|WRITE) (0|[1-9][0-9]*)\Z", line)
        need(found, line)
        need(int(found[3]) >= cycle, line)
        cycle = int(found[3])
        yield int(found[1], 16), found[2] == "WRITE", cycle


def plain_trace(text):
    """Requests (address, is write) of Ramulator 2."""
    for line in lines_of(text):
        found = re.match(r"(LD|ST) 0x(0|[1-9a-f][0-9a-f]*)\Z", line)
        need(found, line)
        yield int(found[2], 16), found[1] == "ST"


PROBLEM = re.compile(r"""problem:
(?P<version>  version: 0\.4
)?  shape:
    name: CNN_Layer
    dimensions: \[C, M, R, S, N, P, Q\]
    coefficients:
    - name: Hstride
      default: 1
    - name: Wstride
      default: 1
    - name: Hdilation
      default: 1
    - name: Wdilation
      default: 1
    data(?P<dash>[_-])spaces:
    - name: Weights
      projection:
      - \[\[C\]\]
      - \[\[M\]\]
      - \[\[R\]\]
      - \[\[S\]\]
(?P<weights>      read[_-]write: True
)?    - name: Inputs
      projection:
      - \[\[N\]\]
      - \[\[C\]\]
      - \[\[R, Hdilation\], \[P, Hstride\]\]
      - \[\[S, Wdilation\], \[Q, Wstride\]\]
(?P<inputs>      read[_-]write: True
)?    - name: Outputs
      projection:
      - \[\[N\]\]
      - \[\[M\]\]
      - \[\[P\]\]
      - \[\[Q\]\]
(?P<outputs>      read[_-]write: True
)?  instance:
(?P<instance>(    [A-Za-z]+: [1-9][0-9]*
)+)\Z""")


def timeloop(text):
    """The instance of a problem, whether its keys are the old ones, and what it writes."""
    found = PROBLEM.match(text)
    need(found, text)
    legacy = found["dash"] == "-"
    need(legacy == (found["version"] is None), text)
    written = [name for name in ("weights", "inputs", "outputs") if found[name]]
    need(len(written) == 1 and (("read-write" in text) == legacy), written)
    pairs = [line.split(": ") for line in found["instance"].split("\n") if line]
    instance = {name.strip(): int(value) for name, value in pairs}
    need(list(instance) == ["C", "M", "R", "S", "N", "P", "Q", "Hstride", "Wstride", "Hdilation",
                            "Wdilation"], instance)
    return instance, legacy, written[0]


def addresses(text):
    """Regions: address, bytes, content, name, first and last group; none overlap that share a group."""
    regions = []
    for row in table(text, "address,bytes,content,name,first_group,last_group"):
        need(re.match(r"0x[0-9a-f]+\Z", row["address"]), row)
        address, size = int(row["address"], 16), integer(row["bytes"], 0)
        groups = (None, None)
        if size > 0:
            groups = (integer(row["first_group"], 0), integer(row["last_group"], 0))
            need(groups[0] <= groups[1], row)
        else:
            need((address, row["first_group"], row["last_group"]) == (0, "", ""), row)
        need(address % 64 == 0, row)
        need(row["content"] in ("weights", "accumulators", "tensor"), row)
        regions.append((address, size, row["content"], row["name"], *groups))
    by_address = sorted(r for r in regions if r[1] > 0)
    for at, (address, size, *_, first, last) in enumerate(by_address):
        for other in by_address[at + 1:]:
            if other[0] >= address + size:
                break
            need(other[4] > last or other[5] < first, "overlap", by_address[at], other)
    return regions


def nanoseconds(number):
    return round(number * 1000)


def perfetto(text):
    """Tracks by number, slices (track, begin, end, name, arguments) in ns, counter values."""
    document = json.loads(text)
    need(set(document) == {"displayTimeUnit", "traceEvents"}, list(document))
    tracks, slices, counters = {}, [], []
    for event in document["traceEvents"]:
        need(event["pid"] == 1, event)
        if event["ph"] == "M":
            if event["name"] == "thread_name":
                tracks[event["tid"]] = event["args"]["name"]
        elif event["ph"] == "X":
            need(event["dur"] >= 0 and event["ts"] >= 0, event)
            begin = nanoseconds(event["ts"])
            slices.append((event["tid"], begin, begin + nanoseconds(event["dur"]), event["name"],
                           event.get("args", {})))
        else:
            need(event["ph"] == "C", event)
            counters.append((nanoseconds(event["ts"]), event["args"]["bytes"]))
    need({track for track, *_ in slices} <= set(tracks), tracks)
    for track in tracks:
        # as Perfetto's importer stacks them: by their beginnings, and else in the order of the file
        open_slices = []
        for _, begin, end, name, _ in sorted((s for s in slices if s[0] == track),
                                             key=lambda s: s[1]):
            while open_slices and (open_slices[-1][1] < begin or (
                    open_slices[-1][1] == begin and (open_slices[-1][0] < begin or end > begin))):
                open_slices.pop()
            need(all(begin == last or end <= last for _, last in open_slices),
                 "not nested", track, name, begin, end)
            open_slices.append((begin, end))
    return tracks, slices, counters
