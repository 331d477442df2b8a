#!/usr/bin/python3
"""Turns an ONNX model into an mbsopt-network/1 file. Weights are not read. Needs Debian's python3-onnx."""

import argparse
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.dont_write_bytecode = True

SELF = "import_onnx.py"
LONGEST = 450  # of a message

class Options:
    """
    inputs: (name, shape of a sample, in which None has the batch's place if that is not the first); learned: names of
    the learned tensors, None for all floating-point initializers; fixed_inputs: inputs that are parameters or buffers.
    What overrules the rules: forced_learned, forced_constant, names of fixed tensors; weights, names of inputs that are
    learned; outputs, tensors to cut the graph at.
    """

    def __init__(self, inputs=(), opaque=False, learned=None, fixed_inputs=(), forced_learned=(), forced_constant=(),
                 weights=(), outputs=()):
        self.inputs, self.opaque, self.learned, self.fixed_inputs = inputs, opaque, learned, set(fixed_inputs)
        self.forced_learned, self.forced_constant = forced_learned, forced_constant
        self.weights, self.outputs = set(weights), outputs


MOST_BRANCHES = 1000


def convert_graph(model, options, batches):
    """A Converter that has run, with the first size of a mini-batch that works. Raises Fault."""
    from onnx_network import graph as graphs, inputs, rewrite
    from onnx_network.convert import Branch, Converter
    from onnx_network.values import Fault
    for _ in range(MOST_BRANCHES):
        graph = graphs.Graph(model, options.outputs)
        sizes = batches or inputs.first_batches(graph, options)
        for size in sizes:
            try:
                converter = Converter(graph, options, size, fixed_batch=len(sizes) == 1)
                converter.run()
                return converter
            except Branch as known:
                rewrite.take_branches(model, known.branches)
                break
            except Fault as fault:
                # a model traced with one sample may have that number written into it
                last = fault if size == sizes[0] else last
        else:
            raise last
    raise Fault(f"has more than {MOST_BRANCHES} nodes If of which each hangs on another")


def convert(path, name, options, batch=None):
    """(text of the network file, notes). Raises Fault."""
    from onnx_network import graph as graphs
    from onnx_network.ops import KNOWN
    model = graphs.read_model(path, KNOWN)
    converter = convert_graph(model, options, [batch] if batch else None)
    return converter.text(name), converter.notes


def write_whole(path, text):
    """Replaces the file whole, or not at all; "-" is standard output."""
    if path == "-":
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    if os.path.exists(path) and not os.path.isfile(path):
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return
    folder = os.path.dirname(os.path.abspath(path))
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=".import-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def sample_input(text):
    name, equals, shape = text.rpartition("=")
    try:
        dims = [None if d == "N" else int(d) for d in shape.split("x")]
    except ValueError:
        dims = []
    sizes = [d for d in dims if d is not None]
    if not equals or not name or not 1 <= len(sizes) <= 8 or min(sizes) < 1 or len(dims) - len(sizes) > 1:
        raise argparse.ArgumentTypeError(f"found {text!r}, expected NAME=3x224x224 without the batch, or 64xNx512 with "
                                         "N in its place")
    return name, dims


def names(lists):
    """The names in comma-separated lists."""
    return [name for text in lists for name in text.split(",") if name]


def tensors(text):
    """What --cut was given, split; a file's name was meant for another option."""
    if text.endswith((".json", ".onnx")):
        raise argparse.ArgumentTypeError(f"found {text!r}, expected names of tensors; -o is what names a file")
    return text


def one_line(text):
    """A message as one line."""
    text = "".join(c if c.isprintable() else "?" for c in " ".join(text.split()))
    return text if len(text) < LONGEST else text[:LONGEST] + "..."


class Parser(argparse.ArgumentParser):
    """Wrong usage is one line, said by whom the user called."""

    def error(self, message):
        speaker = next((a[len("--speaker="):] for a in sys.argv[1:] if a.startswith("--speaker=")), self.prog)
        print(f"{speaker}: {' '.join(message.split())}", file=sys.stderr)
        sys.exit(2)


def add_arguments(parser):
    parser.add_argument("-o", dest="file", default="-", metavar="FILE",
                        help="the network file; - (default) is standard output")
    parser.add_argument("--name", help="the network's name (default: the model's file name)")
    parser.add_argument("--opaque", action="store_true", help="import unknown operators as elementwise ones")
    parser.add_argument("--cut", "--output", action="append", default=[], type=tensors, metavar="TENSOR[,...]",
                        help="cut the graph at these tensors: what they do not need is left out")
    parser.add_argument("--learned", action="append", default=[], metavar="NAME[,...]",
                        help="initializers or Constant nodes that are learned although they would count as constants")
    parser.add_argument("--constant", action="append", default=[], metavar="NAME[,...]",
                        help="initializers that are constants although they would count as learned")


def overruling(given):
    """What add_arguments was given, for Options."""
    return {"opaque": given.opaque, "outputs": names(given.cut), "forced_learned": names(given.learned),
            "forced_constant": names(given.constant)}


def main():
    parser = Parser(description=__doc__)
    parser.add_argument("model", help="the ONNX file")
    parser.add_argument("--input", action="append", default=[], type=sample_input, metavar="NAME=CxHxW",
                        help="an input's shape without the batch, or with N in the batch's place, as in 64xNx512")
    parser.add_argument("--weights", action="append", default=[], metavar="NAME[,...]",
                        help="inputs of the model that are learned")
    parser.add_argument("--speaker", default=SELF, help=argparse.SUPPRESS)  # mbsopt speaks for itself
    add_arguments(parser)
    given = parser.parse_args()
    speaker = given.speaker
    try:
        import onnx  # noqa: F401
        from onnx_network.values import Fault
    except ImportError as error:
        print(f"{speaker}: needs Python's onnx (Debian: python3-onnx): {error}", file=sys.stderr)
        return 5
    shown = given.model if given.model.isprintable() else ascii(given.model)
    try:
        text, notes = convert(given.model, given.name or Path(given.model).stem or "model",
                              Options(given.input, weights=names(given.weights), **overruling(given)))
        for note in notes:
            print(f"{speaker}: {shown}: {one_line(note)}", file=sys.stderr)
        write_whole(given.file, text)
    except Fault as fault:
        print(f"{speaker}: {shown}: {one_line(str(fault))}", file=sys.stderr)
        return 5 if not os.path.isfile(given.model) else 1
    except (RecursionError, MemoryError) as error:
        print(f"{speaker}: {shown}: is too large: {type(error).__name__}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 5
    except OSError as error:
        print(f"{speaker}: {error.filename or given.file}: {error.strerror}", file=sys.stderr)
        return 5
    return 0


if __name__ == "__main__":
    sys.exit(main())
