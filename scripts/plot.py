#!/usr/bin/env python3
"""Draws the figures of an evaluation, as SVG and PNG, from the files of `mbsopt sweep` and `mbsopt plan`."""

import argparse
import io
import os
import re
import subprocess
import sys

sys.dont_write_bytecode = True
import plot_data  # noqa: E402
import plot_table  # noqa: E402

SYSTEM_PYTHON = "/usr/bin/python3"
BAD_INPUT, SYSTEM_ERROR = 1, 5

SAVINGS = ("total_bytes", "time_s", "energy_j")
KINDS = {  # what it is, the numeric columns it needs, the columns that it shows besides network and planner
    "traffic": ("DRAM traffic by network and planner", ("total_bytes",), ()),
    "time": ("time by network and planner", ("time_s",), ()),
    "energy": ("energy by network and planner", ("energy_j",), ()),
    "utilisation": ("array utilisation by network and planner", ("utilisation",), ()),
    "buffers": ("traffic over buffer size, by planner", ("buffer_bytes", "total_bytes"), ("buffer_bytes",)),
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
    "plan": ("a plan file: bytes of each step, groups and the buffer", (), ()),
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
    print("plot.py: matplotlib is missing; on Debian: "
          "sudo apt-get update && sudo apt-get install -y python3-matplotlib", file=sys.stderr)
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


def parse_arguments(argv):
    kinds = "\n".join(f"  {name:24} {what}" for name, (what, _, _) in KINDS.items())
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=f"KIND is one of\n{kinds}",
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", metavar="KIND", choices=KINDS)
    parser.add_argument("files", metavar="FILE", nargs="+",
                        help="CSV of mbsopt sweep or compare; for KIND plan one JSON of mbsopt plan")
    parser.add_argument("-o", "--output", metavar="PATH", help="PATH.svg and PATH.png are written (default: KIND)")
    parser.add_argument("--formats", default="svg,png", metavar="LIST", help="of svg and png (default: both)")
    parser.add_argument("--where", type=condition, action="append", default=[], metavar="COLUMN=VALUE[,VALUE…]",
                        help="only rows with one of these values; once for each column")
    parser.add_argument("--label", type=label, action="append", default=[], metavar="VALUE=TEXT",
                        help="write TEXT for a network, planner or hardware of this name")
    arguments = parser.parse_args(argv)
    arguments.formats = arguments.formats.split(",")
    if set(arguments.formats) - {"svg", "png"}:
        parser.error("--formats: only svg and png are known")
    if arguments.kind == "plan" and (len(arguments.files) > 1 or arguments.where):
        parser.error("KIND plan takes one plan file and no --where")
    return arguments


def svg_bytes(figure):
    """Without date and version, coordinates of paths to a hundredth of a point: the same figure, the same bytes."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = re.sub(r'(?<= d=")[^"]*', lambda path: re.sub(r"(\.\d\d)\d+", r"\1", path[0]), buffer.getvalue())
    return text.encode()


def png_bytes(figure):
    """With a palette, which is a third of the size."""
    from PIL import Image  # matplotlib needs it too
    drawn, packed = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", metadata={"Software": None})
    Image.open(drawn).convert("RGB").quantize(96).save(packed, format="png", optimize=True)
    return packed.getvalue()


def save(figure, path, formats):
    """Writes by rename, so that an interrupted run leaves no half figure behind."""
    for suffix in formats:
        target = f"{path}.{suffix}"
        temporary = f"{target}.{os.getpid()}.tmp"
        content = svg_bytes(figure) if suffix == "svg" else png_bytes(figure)
        try:
            with open(temporary, "wb") as file:
                file.write(content)
            os.replace(temporary, target)
        finally:
            if os.path.exists(temporary):
                os.unlink(temporary)


def warn(message):
    print("plot.py:", *str(message).split(), file=sys.stderr)


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
    draw = plot_plan.draw if arguments.kind == "plan" else plot_figures.FIGURES[arguments.kind]
    figure = draw(points, labels)
    save(figure, arguments.output or arguments.kind, arguments.formats)


def main(argv=None):
    arguments = parse_arguments(argv)
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
