#!/usr/bin/env python3
"""Draws the figures of an evaluation, as SVG, PNG or PDF, from the files of `mbsopt sweep` and `mbsopt plan`."""

import argparse
import io
import os
import re
import signal
import subprocess
import sys

sys.dont_write_bytecode = True
import plot_data  # noqa: E402
import plot_table  # noqa: E402

SYSTEM_PYTHON = "/usr/bin/python3"
BAD_INPUT, USAGE, SYSTEM_ERROR = 1, 2, 5
FORMATS = ("svg", "png", "pdf")

speaker = "plot.py"  # who says what is wrong

SAVINGS = ("total_bytes", "time_s", "energy_j")
KINDS = {  # what it is, the numeric columns it needs, the columns that it shows besides network and planner
    "traffic": ("DRAM traffic by network and planner", ("total_bytes",), ()),
    "time": ("time by network and planner", ("time_s",), ()),
    "energy": ("energy by network and planner", ("energy_j",), ()),
    "utilisation": ("array utilisation by network and planner", ("utilisation",), ()),
    "buffers": ("traffic over buffer size, by planner", ("buffer_bytes", "total_bytes"), ("buffer_bytes",)),
    "buffers-time": ("time over buffer size, by planner", ("buffer_bytes", "time_s"), ("buffer_bytes",)),
    "buffers-energy": ("energy over buffer size, by planner", ("buffer_bytes", "energy_j"), ("buffer_bytes",)),
    "memories": ("time by hardware file and planner", ("hardware", "time_s"), ("hardware",)),
    "recompute": ("traffic over multiply-accumulates added by recomputing, by network",
                  ("recompute", "total_bytes", "extra_macs_percent"), ("recompute",)),
    "recompute-memories": ("time by hardware file, with and without recomputing", ("hardware", "recompute", "time_s"),
                           ("hardware", "recompute")),
    "table": ("what planners save against baseline by network, in Markdown on standard output", SAVINGS, ()),
    "means": ("the same by hardware file, as geometric means over networks", ("hardware", *SAVINGS), ("hardware",)),
    "strips-table": ("what dp saves without and with strips, by buffer and network, in Markdown",
                     ("buffer_bytes", "utilisation", *SAVINGS), ("buffer_bytes",)),
    "recompute-table": ("what the figure recompute shows, in Markdown",
                        ("recompute", "total_bytes", "extra_macs_percent"), ("recompute",)),
    "recompute-memories-table": ("what the figure recompute-memories shows, in Markdown",
                                 ("hardware", "recompute", "time_s"), ("hardware", "recompute")),
    "below-table": ("how far traffic is below mbs2's by buffer, network and what is recomputed, in Markdown",
                    ("buffer_bytes", "recompute", "total_bytes"), ("buffer_bytes", "recompute")),
    "plan": ("a plan file: groups, bytes of each step, the buffer, traffic of each group", (), ()),
}


def find_matplotlib():
    """Goes on in Debian's python if this one has no matplotlib; says what to type if neither has."""
    try:
        import matplotlib
        return matplotlib
    except ImportError:
        pass
    usable = os.access(SYSTEM_PYTHON, os.X_OK) and os.path.realpath(SYSTEM_PYTHON) != os.path.realpath(sys.executable)
    probe = [SYSTEM_PYTHON, "-c", "import matplotlib"]
    if usable and subprocess.run(probe, stderr=subprocess.DEVNULL, check=False).returncode == 0:
        os.execv(SYSTEM_PYTHON, [SYSTEM_PYTHON, os.path.abspath(__file__), *sys.argv[1:]])
    warn("matplotlib is missing; on Debian: sudo apt-get update && sudo apt-get install -y python3-matplotlib")
    sys.exit(SYSTEM_ERROR)


def condition(text):
    name, equals, values = text.partition("=")
    if not name or not equals or not values:
        raise argparse.ArgumentTypeError(f"'{text}' is not COLUMN=VALUE[,VALUE…]")
    return name, values.split(",")


def label(text):
    value, equals, shown = text.partition("=")
    if not value or not equals:
        raise argparse.ArgumentTypeError(f"'{text}' is not VALUE=TEXT")
    return value, shown


class Parser(argparse.ArgumentParser):
    def error(self, message):
        warn(f"{message}; see: {'mbsopt help plot' if speaker == 'mbsopt' else 'plot.py --help'}")
        sys.exit(USAGE)


def parse_arguments(argv):
    kinds = "\n".join(f"  {name:24} {what}" for name, (what, _, _) in KINDS.items())
    parser = Parser(
        description=__doc__, epilog=f"KIND is one of\n{kinds}",
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", metavar="KIND")
    parser.add_argument("files", metavar="FILE", nargs="+",
                        help="CSV of mbsopt sweep or compare; for KIND plan one JSON of mbsopt plan; - is standard input")
    parser.add_argument("-o", "--output", metavar="PATH",
                        help="the picture, .svg, .png or .pdf; without an ending PATH.svg and PATH.png (default: KIND)")
    parser.add_argument("--formats", metavar="LIST", help="of svg, png and pdf, for a PATH without an ending")
    parser.add_argument("--size", choices=("screen", "page", "column"), default="screen",
                        help="page, column: as wide as a paper's text, or one of its two columns")
    parser.add_argument("--where", type=condition, action="append", default=[], metavar="COLUMN=VALUE[,VALUE…]",
                        help="only rows with one of these values; once for each column")
    parser.add_argument("--label", type=label, action="append", default=[], metavar="VALUE=TEXT",
                        help="write TEXT for a network, planner or hardware of this name")
    parser.add_argument("--speaker", default=speaker, help=argparse.SUPPRESS)
    globals()["speaker"] = next((word[10:] for word in argv if word.startswith("--speaker=")), speaker)
    arguments = parser.parse_args(argv)
    if arguments.kind not in KINDS:
        parser.error(f"KIND '{arguments.kind}': expected one of {', '.join(KINDS)}")
    ending = os.path.splitext(arguments.output or "")[1][1:].lower()
    if ending in FORMATS and arguments.formats:
        parser.error(f"--formats: {arguments.output} has one already")
    arguments.base = (arguments.output or arguments.kind) if ending not in FORMATS else arguments.output[:-len(ending) - 1]
    arguments.endings = [arguments.output[-len(ending):]] if ending in FORMATS else (arguments.formats or "svg,png").split(",")
    if {one.lower() for one in arguments.endings} - set(FORMATS):
        parser.error("--formats: only svg, png and pdf are known")
    if arguments.kind == "plan" and (len(arguments.files) > 1 or arguments.where):
        parser.error("KIND plan takes one plan file and no --where")
    return arguments


def svg_bytes(figure):
    """Without date and version, coordinates of paths to a hundredth of a point: the same figure, the same bytes."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = re.sub(r'(?<= d=")[^"]*', lambda path: re.sub(r"(\.\d\d)\d+", r"\1", path[0]), buffer.getvalue())
    return text.encode()


def pdf_bytes(figure):
    """Without date and version; letters as outlines of the font, which papers ask for (type 42, not 3)."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="pdf", metadata={"CreationDate": None, "Creator": None, "Producer": None})
    return buffer.getvalue()


def png_bytes(figure):
    """With a palette, which is a third of the size."""
    from PIL import Image  # matplotlib needs it too
    drawn, packed = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", metadata={"Software": None})
    Image.open(drawn).convert("RGB").quantize(96).save(packed, format="png", optimize=True)
    return packed.getvalue()


WRITERS = {"svg": svg_bytes, "png": png_bytes, "pdf": pdf_bytes}


def save(figure, path, endings):
    """Writes by rename, so that an interrupted run leaves no half figure behind."""
    for ending in endings:
        target = f"{path}.{ending}"
        temporary = f"{target}.{os.getpid()}.tmp"
        content = WRITERS[ending.lower()](figure)
        try:
            with open(temporary, "wb") as file:
                file.write(content)
            os.replace(temporary, target)
        finally:
            if os.path.exists(temporary):
                os.unlink(temporary)


def warn(message):
    print(f"{speaker}:", *str(message).split(), file=sys.stderr)


def run(arguments):
    labels = dict(arguments.label)
    if arguments.kind == "plan":
        points = plot_data.read_plan(arguments.files[0])
    else:
        _, needed, shown = KINDS[arguments.kind]
        points = [point for path in arguments.files for point in plot_data.read_rows(path, needed, warn)]
        points = plot_data.select(points, dict(arguments.where), shown)
    if arguments.kind in plot_table.WRITERS:
        sys.stdout.write(plot_table.WRITERS[arguments.kind](points, labels))
        return
    matplotlib = find_matplotlib()
    import plot_figures  # these two need it
    import plot_plan
    matplotlib.use("Agg")
    matplotlib.rcParams.update(plot_figures.STYLE)
    plot_figures.set_size(arguments.size)
    draw = plot_plan.draw if arguments.kind == "plan" else plot_figures.FIGURES[arguments.kind]
    figure = draw(points, labels)
    save(figure, arguments.base, arguments.endings)
    if speaker == "mbsopt" and not arguments.output:
        warn("drawn: " + ", ".join(f"{arguments.base}.{ending}" for ending in arguments.endings))


def end(number, _):
    """As if it had ended by itself, so that no temporary file is left."""
    sys.exit(128 + number)


def main(argv=None):
    signal.signal(signal.SIGTERM, end)
    arguments = parse_arguments(sys.argv[1:] if argv is None else argv)
    try:
        run(arguments)
    except plot_data.BadInput as error:
        warn(error)
        return BAD_INPUT
    except OSError as error:
        warn(f"{error.filename}: {error.strerror}")
        return SYSTEM_ERROR
    return 0


if __name__ == "__main__":
    sys.exit(main())
