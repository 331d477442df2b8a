#!/usr/bin/python3
"""
Imports every .onnx file in folders and prints what came of it as tables in Markdown: by exporter, by operator, and the
messages on networks that were refused. A network is a file with a convolution or two matrix products that is at
least five nodes deep, and no recurrent one; most other files are tests of single operators. Files of one exporter with
the same operators in the same order count once. What a message asks for, as --input and --cut, is given. Needs Debian's
python3-onnx.
"""

import argparse
import re
import signal
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.dont_write_bytecode = True
import import_onnx  # noqa: E402

PRODUCTS = ("Conv", "ConvTranspose", "QLinearConv", "ConvInteger", "FusedConv", "MatMul", "Gemm", "Einsum",
            "MatMulInteger", "QLinearMatMul", "Attention")
RECURRENT = ("LSTM", "GRU", "RNN", "Scan", "Loop")
LONGEST_SECONDS = 300
MOST_OPTIONS = 12  # that are given one after the other


def all_ops(graph):
    """Those of subgraphs too."""
    for node in graph.node:
        yield node.op_type
        for attribute in node.attribute:
            for inner in (*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])):
                yield from all_ops(inner)


def depth(graph):
    """The nodes on the longest way through a graph, whose nodes stand in order."""
    found = {}
    for node in graph.node:
        reached = 1 + max((found.get(name, 0) for name in node.input), default=0)
        found.update(dict.fromkeys(node.output, reached))
    return max(found.values(), default=0)


class TooLong(Exception):
    pass


def give_up(*_):
    raise TooLong


class File:
    """What is in a file, and the message if it is refused."""

    def __init__(self, path):
        import onnx
        from onnx_network.values import Fault
        self.path, self.fault, self.options = path, "", set()
        self.exporter, self.ops, self.is_network = "unreadable", [], False
        try:
            model = onnx.load(str(path), load_external_data=False)
            version = model.producer_version.split(".")[0]
            self.exporter = f"{model.producer_name or 'unnamed'} {version}".strip()
            self.ops = [n.op_type for f in (model.graph, *getattr(model, "functions", ())) for n in f.node]
            products = sum(op in PRODUCTS for op in self.ops)
            convolves = any("Conv" in op for op in self.ops)
            recurs = any(op in RECURRENT for op in all_ops(model.graph))
            self.is_network = depth(model.graph) >= 5 and (convolves or products > 1) and not recurs
            del model
            signal.alarm(LONGEST_SECONDS)
            self._convert(Fault)
        except TooLong:
            self.fault = f"takes more than {LONGEST_SECONDS} seconds"
        except Exception as error:  # not an ONNX file at all
            self.fault = type(error).__name__
        finally:
            signal.alarm(0)


    def key(self):
        """What files that count once have in common."""
        return self.exporter, tuple(self.ops)

    def _convert(self, refusal):
        """With the options that messages name, as long as these name some."""
        inputs, cuts = [], []
        for _ in range(MOST_OPTIONS):
            try:
                import_onnx.convert(str(self.path), "net", import_onnx.Options(
                    inputs=[import_onnx.sample_input(text) for text in inputs], outputs=cuts))
                self.fault = ""
                return
            except refusal as fault:
                self.fault = " ".join(str(fault).split())
            shape = re.search(r"(?:give|second dimension:) --input (\S+)", self.fault)
            place = re.search(r"--cut (\S+) leaves", self.fault)
            if shape:
                if shape[1] in inputs:
                    return
                inputs.append(shape[1])
                self.options.add("--input")
            elif place and place[1] != "TENSOR" and place[1] not in cuts:
                cuts.append(place[1])
                self.options.add("--cut")
            else:
                return


def table(heads, rows):
    yield f"| {' | '.join(heads)} |"
    yield "|---|" + "---:|" * (len(heads) - 1)
    for row in rows:
        yield f"| {' | '.join(str(cell) for cell in row)} |"


def by_exporter(files):
    groups = {}
    for file in files:
        groups.setdefault(file.exporter, []).append(file)
    rows = []
    few = [name for name, group in groups.items() if not any(f.is_network for f in group)]
    groups["others"] = [file for name in few for file in groups.pop(name)]
    for name, group in [*sorted(groups.items()), ("all", files)]:
        networks = [f for f in group if f.is_network]
        others = [f for f in group if not f.is_network]
        done = [f for f in networks if not f.fault]
        rows.append([name, len(networks), sum(not f.options for f in done), sum(f.options == {"--input"} for f in done),
                     sum("--cut" in f.options for f in done), len(others), sum(not f.fault for f in others)])
    return table(["exporter", "networks", "imported", "with `--input`", "with `--cut`", "other files", "imported"],
                 rows)


def by_operator(files):
    seen, done = Counter(), Counter()
    for file in files:
        seen.update(set(file.ops))
        done.update(set(file.ops) if not file.fault else ())
    groups = {"all": [], "some": [], "none": []}
    for op in sorted(seen):
        kind = "all" if done[op] == seen[op] else "some" if done[op] else "none"
        groups[kind].append(op if kind == "all" else f"{op} ({done[op]} of {seen[op]})")
    rows = [[f"in {kind} of the files that have it", ", ".join(ops)] for kind, ops in groups.items() if ops]
    return table(["imported", "operators"], rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", nargs="+", type=Path, help="files and folders")
    given = parser.parse_args()
    signal.signal(signal.SIGALRM, give_up)
    found = [path for place in given.paths for path in
             (sorted(place.rglob("*.onnx")) if place.is_dir() else [place])]
    files = list({file.key(): file for file in map(File, found)}.values())
    for lines in (by_exporter(files), by_operator(files)):
        print("\n".join(lines), end="\n\n")
    for file in files:
        if file.fault and file.is_network:
            print(f"- {file.path.name}: {file.fault}")


if __name__ == "__main__":
    main()
