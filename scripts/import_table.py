#!/usr/bin/python3
"""
Imports every .onnx file in folders and prints what came of it as tables in Markdown: by exporter, by operator, and the
messages on networks that were refused. A network is a file with a convolution or two matrix products among at least
five nodes; other files are tests of single operators. Needs Debian's python3-onnx.
"""

import argparse
import signal
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.dont_write_bytecode = True
import import_onnx  # noqa: E402

PRODUCTS = ("Conv", "ConvTranspose", "QLinearConv", "ConvInteger", "FusedConv", "MatMul", "Gemm", "Einsum",
            "MatMulInteger", "QLinearMatMul", "Attention")
LONGEST_SECONDS = 300


class TooLong(Exception):
    pass


def give_up(*_):
    raise TooLong


class File:
    """What is in a file, and the message if it is refused."""

    def __init__(self, path):
        import onnx
        from onnx_network.values import Fault
        self.path, self.fault = path, ""
        self.exporter, self.ops, self.is_network = "unreadable", [], False
        try:
            model = onnx.load(str(path), load_external_data=False)
            version = ".".join(model.producer_version.split(".")[:2])
            self.exporter = f"{model.producer_name or 'unnamed'} {version}".strip()
            self.ops = [n.op_type for f in (model.graph, *getattr(model, "functions", ())) for n in f.node]
            products = sum(op in PRODUCTS for op in self.ops)
            convolves = any("Conv" in op for op in self.ops)
            self.is_network = len(self.ops) >= 5 and (convolves or products > 1)
            del model
            signal.alarm(LONGEST_SECONDS)
            import_onnx.convert(str(path), "net", import_onnx.Options())
        except Fault as fault:
            self.fault = " ".join(str(fault).split())
        except TooLong:
            self.fault = f"takes more than {LONGEST_SECONDS} seconds"
        except Exception as error:  # not an ONNX file at all
            self.fault = type(error).__name__
        finally:
            signal.alarm(0)


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
    for name, group in [*sorted(groups.items()), ("all", files)]:
        networks = [f for f in group if f.is_network]
        others = [f for f in group if not f.is_network]
        rows.append([name, len(networks), sum(not f.fault for f in networks), len(others),
                     sum(not f.fault for f in others)])
    return table(["exporter", "networks", "imported", "other files", "imported"], rows)


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
    files = [File(path) for path in found]
    for lines in (by_exporter(files), by_operator(files)):
        print("\n".join(lines), end="\n\n")
    for file in files:
        if file.fault and file.is_network:
            print(f"- {file.path.name}: {file.fault}")


if __name__ == "__main__":
    main()
