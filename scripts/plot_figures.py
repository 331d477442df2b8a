"""Figures from the rows of a sweep: bars by network and planner, lines over buffer size, bars by memory."""

import math
import textwrap

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from plot_data import BadInput, geometric_mean, in_order, planners_of

STYLE = {
    "svg.hashsalt": "mbsopt",
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": "#d0d0d0",
    "grid.linewidth": 0.6,
    "hatch.linewidth": 0.5,
    "legend.frameon": False,
    "savefig.dpi": 120,
    "pdf.fonttype": 42,
}

PAPER_WIDTHS = {"page": 7.0, "column": 3.4}  # of a figure, in inches
paper = [None]  # the one in use; None: as wide as what is drawn asks for


def set_size(size):
    paper[0] = PAPER_WIDTHS.get(size)


class Head:
    """Title, conditions and legend at the top of a figure, in as many lines as its width asks for."""

    def __init__(self, width, title, below, handles):
        self.width = width
        self.title = textwrap.wrap(title, max(20, int(width / 0.078)))
        self.below = textwrap.wrap(below, max(20, int(width / 0.068)))
        self.handles = handles
        entries = [0.45 + 0.062 * len(handle.get_label()) for handle in handles]
        self.columns = next((n for n in range(len(entries), 1, -1)
                             if sum(max(entries[i::n]) for i in range(n)) <= width - 0.1), 1)
        self.rows = math.ceil(len(handles) / self.columns)

    def height(self):
        return 0.14 + 0.17 * len(self.title) + 0.16 * len(self.below) + 0.19 * self.rows + 0.12

    def draw(self, figure):
        height, top = figure.get_figheight(), 0.08
        for lines, size, pitch in ((self.title, 9, 0.17), (self.below, 8, 0.16)):
            for line in lines:
                figure.text(0.5, 1 - top / height, line, ha="center", va="top", fontsize=size)
                top += pitch
        across = [handle for row in range(self.columns) for handle in self.handles[row::self.columns]]
        figure.legend(handles=across, loc="upper center", ncol=self.columns, columnspacing=1.5,
                      bbox_to_anchor=(0.5, 1 - (top + 0.02) / height), borderaxespad=0,
                      handlelength=3.0 if isinstance(self.handles[0], Line2D) else 1.8, handleheight=1.1)

# planner: fill and hatch of a bar, colour, dashes and marker of a line
STYLES = {
    "baseline": ("#404040", "", "#404040", ":", "s"),
    "archopt": ("#9a9a9a", "////", "#8a8a8a", "-.", "P"),
    "il": ("#e3d9b0", "....", "#9a8430", "--", "^"),
    "mbs-fs": ("#ffffff", "xxxx", "#7a9a6a", "-.", "v"),
    "mbs1": ("#a9d0e6", "\\\\\\\\", "#5aa0c8", "--", "<"),
    "mbs2": ("#3d84b8", "", "#2a6f9e", "-", "D"),
    "dp": ("#f5a65b", "||||", "#d9711a", "-", "o"),
    "dp-no-strips": ("#fff2d0", "----", "#b8860b", "--", "^"),
    "ilp-no-strips": ("#e8d0d0", "//..", "#7a2a10", ":", "+"),
    "ilp": ("#fbe3cc", "++++", "#7a2a10", (0, (4, 1, 1, 1)), "x"),
    "dp-time": ("#a48bc9", "oo", "#5b3e87", "--", "d"),
    "dp-energy": ("#bcdcb0", "----", "#3f7a35", "-.", "p"),
}
AGAIN = {"activations": "..", "expand": "OO", "auto": "**"}  # hatches of plans that recompute
OTHER = ("#cccccc", "oo", "#555555", "-", "*")
MEAN = "geometric\nmean"


def style(planner):
    """Plans that recompute, such as "dp+auto:10", have their planner's colours and a hatch of their own."""
    name, plus, policy = planner.partition("+")
    fill, hatch, colour, dashes, marker = STYLES.get(name, OTHER)
    return fill, AGAIN.get(policy.partition(":")[0], "..") if plus else hatch, colour, dashes, marker


def size_text(size):
    for unit, name in ((1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if size >= unit:
            return f"{size / unit:g} {name}"
    return f"{size:g} B"


def conditions_text(points, names):
    """What all points of a figure have in common, for its title."""
    parts = []
    for name, shown in names.items():
        values = {point[name] for point in points if name in point}
        if len(values) == 1:
            parts.append(shown(values.pop()))
    return ", ".join(parts)


def network_label(points, network, labels):
    batches = {point["batch"] for point in points if point["network"] == network and "batch" in point}
    text = labels.get(network, network)
    return f"{text}\nN = {batches.pop():.0f}" if len(batches) == 1 else text


def planner_patches(planners, labels):
    return [Patch(facecolor=style(p)[0], hatch=style(p)[1], edgecolor="black", linewidth=0.5, label=labels.get(p, p))
            for p in planners]


def common_title(points, labels):
    return conditions_text(points, {"buffer_bytes": lambda v: f"{size_text(v)} buffer",
                                    "hardware": lambda v: labels.get(v, v)})


def by_network_and_planner(points, column):
    return {(point["network"], point["planner"]): point[column] for point in points}


# ---------------------------------------------------------------------------------------------------------------------
# Bars by network and planner


class Bars:
    """Places for one bar of each planner at each network, and at the mean if there is one."""

    def __init__(self, points, column, relative):
        self.values = by_network_and_planner(points, column)
        self.networks, self.planners = in_order(points, "network"), planners_of(points)
        self.relative = relative and all(self.values.get((network, "baseline"), 0) > 0 for network in self.networks)
        self.heights = {key: 100 * value / self.values[key[0], "baseline"] if self.relative else value
                        for key, value in self.values.items()}
        if self.relative and len(self.networks) > 1:
            for planner in self.planners:
                column_of = [self.heights.get((network, planner), 0) for network in self.networks]
                if min(column_of) > 0:
                    self.heights[MEAN, planner] = geometric_mean(column_of)
            self.networks = [*self.networks, MEAN]
        self.pitch = len(self.planners) + 1.2

    def place(self, shown, network, planner):
        """Where the bar is on axes that show these networks."""
        return shown.index(network) * self.pitch + self.planners.index(planner)

    def cut(self, height):
        """How tall a bar is drawn."""
        return min(height, CUT) if self.relative else height

    def finish(self, axes, shown, points, labels):
        centre = (len(self.planners) - 1) / 2
        axes.set_xticks([index * self.pitch + centre for index in range(len(shown))],
                        [network_label(points, network, labels) for network in shown])
        axes.tick_params(axis="x", length=0)
        axes.set_xlim(-1.1, len(shown) * self.pitch - 1.1)
        drawn = {key: self.cut(height) for key, height in self.heights.items()}
        room = 1.17 if drawn == self.heights else 1.36  # for the longer text of a bar that is cut
        axes.set_ylim(0, max(drawn.values()) * room or 1)

    def write(self, axes, shown, key, text):
        """The figure above its bar, which is broken if it is cut."""
        place, height, top = self.place(shown, *key), self.heights[key], axes.get_ylim()[1]
        drawn = self.cut(height)
        if drawn < height:
            text = f"{text} ({height:.0f} %)"
            axes.plot([place - 0.62, place + 0.62], [drawn - 0.06 * top, drawn - 0.03 * top], color="white",
                      linewidth=3, zorder=3)
        axes.text(place, drawn + top * 0.01, text, rotation=90, ha="center", va="bottom", fontsize=6.5)


CUT = 160  # bars of more percent of the baseline are cut, or the others could not be told apart
BAR = 0.1  # inches, at least, on paper
ROW = 2.3  # inches of height of a row of networks on paper


def bar_axes(bars, head_of):
    """The figure, and for each row of networks its axes and the networks; on a screen there is one row."""
    count = len(bars.networks)
    if paper[0] is None:
        width = min(12, max(5, 0.17 * count * bars.pitch + 1))
        rows, tall = 1, 2.92
    else:
        width, tall = paper[0], ROW
        rows = math.ceil(count / max(1, int((width - 0.72) / (bars.pitch * BAR))))
    head = head_of(width)
    each = math.ceil(count / rows)
    height = head.height() + rows * (tall + 0.4)
    figure = Figure(figsize=(width, height))
    head.draw(figure)
    shown = []
    for row in range(rows):
        networks = bars.networks[row * each:(row + 1) * each]
        below = height - head.height() - row * (tall + 0.4) - tall
        part = len(networks) / each
        axes = figure.add_axes((0.62 / width, below / height, (1 - 0.72 / width) * part, tall / height))
        shown.append((axes, networks))
    return figure, shown


def draw_bars(points, labels, column, name, scale, form, relative=True):
    unit, factor = scale
    bars = Bars([{**point, column: point[column] / factor} for point in points], column, relative)
    title = f"{name} of a training step per core"
    if bars.relative:
        title += f" (above the bars: {unit}{', at the mean percent' if MEAN in bars.networks else ''})"
    figure, rows = bar_axes(bars, lambda width: Head(width, title, common_title(points, labels),
                                                     planner_patches(bars.planners, labels)))
    for axes, shown in rows:
        mine = {key: height for key, height in bars.heights.items() if key[0] in shown}
        for key, height in mine.items():
            fill, hatch = style(key[1])[:2]
            axes.bar(bars.place(shown, *key), bars.cut(height), width=0.92, color=fill, hatch=hatch,
                     edgecolor="black", linewidth=0.5)
        bars.finish(axes, shown, points, labels)
        for key, height in mine.items():
            bars.write(axes, shown, key, form(bars.values[key]) if key in bars.values else f"{height:.1f}")
        axes.set_ylabel(f"{name}, % of baseline" if bars.relative else f"{name} ({unit})")
    return figure


def digits(value):
    """Three significant digits and no exponent."""
    return f"{value:.{max(0, 2 - math.floor(math.log10(value)))}f}" if value > 0 else "0"


def draw_traffic(points, labels):
    return draw_bars(points, labels, "total_bytes", "DRAM traffic", ("GB", 1e9), digits)


def draw_time(points, labels):
    return draw_bars(points, labels, "time_s", "Time", ("ms", 1e-3), digits)


def draw_utilisation(points, labels):
    return draw_bars(points, labels, "utilisation", "Array utilisation", ("%", 0.01), lambda v: f"{v:.0f}", relative=False)


def draw_energy(points, labels):
    return draw_bars(points, labels, "energy_j", "Energy", ("J", 1), digits)


# ---------------------------------------------------------------------------------------------------------------------
# A panel for each network


PANEL_WIDTHS = {1: 5, 2: 9, 3: 11.1}  # of the figure, in inches, by columns


def panels(networks, below, title, conditions, handles):
    """`below`: inches for what stands under the axis of a panel."""
    columns = 2 if len(networks) == 4 else min(3, len(networks))
    if paper[0] is not None:
        columns = min(len(networks), 1 if paper[0] < 5 else 3)
    width = PANEL_WIDTHS[columns] if paper[0] is None else paper[0]
    tall = 1.85 if paper[0] is None else 1.6
    rows = math.ceil(len(networks) / columns)
    head = Head(width, title, conditions, handles)
    gap = below + 0.25  # between rows: also for the panel's title
    height = head.height() + 0.2 + rows * tall + (rows - 1) * gap + below
    figure = Figure(figsize=(width, height))
    head.draw(figure)
    axes = figure.subplots(rows, columns, squeeze=False).flatten()
    figure.subplots_adjust(left=0.55 / width, right=1 - 0.12 / width, top=1 - (head.height() + 0.2) / height,
                           bottom=below / height, wspace=0.2 if paper[0] is None else 0.36, hspace=gap / tall)
    for unused in axes[len(networks):]:
        unused.set_visible(False)
    return figure, axes


def size_name(size):
    """In MiB, as short as can be."""
    small = {131072: "⅛", 262144: "¼", 524288: "½"}
    return small.get(int(size), f"{size / 1048576:g}")


def planner_lines(planners, labels):
    return [Line2D([], [], color=style(p)[2], linestyle=style(p)[3], marker=style(p)[4], markersize=4, linewidth=1.2,
                   label=labels.get(p, p)) for p in planners]


def draw_over_buffers(points, labels, column, name, unit, factor):
    networks, planners = in_order(points, "network"), planners_of(points)
    conditions = conditions_text(points, {
        "phase": str, "batch_norm": lambda v: "batch norms kept" if v == "keep" else "group norms",
        "hardware": lambda v: labels.get(v, v)})
    figure, panel = panels(networks, 0.45, f"{name} over buffer size", conditions, planner_lines(planners, labels))
    for axes, network in zip(panel, networks):
        mine = [point for point in points if point["network"] == network]
        for planner in planners:
            curve = sorted((point["buffer_bytes"], point[column] / factor)
                           for point in mine if point["planner"] == planner)
            _, _, colour, dashes, marker = style(planner)
            axes.plot(*zip(*curve) if curve else ([], []), color=colour, linestyle=dashes, marker=marker, markersize=4,
                      linewidth=1.2)
        sizes = sorted({point["buffer_bytes"] for point in mine})
        axes.set_xscale("log", base=2)
        axes.set_xticks(sizes, [size_name(size) for size in sizes], fontsize=8 if len(sizes) < 9 else 6.5)
        axes.minorticks_off()
        axes.set_xlim(sizes[0] / 1.2, sizes[-1] * 1.2)
        axes.set_ylim(0, max(point[column] for point in mine) / factor * 1.06 or 1)
        axes.set_title(network_label(points, network, labels).replace("\n", ", "), fontsize=8)
        axes.set_xlabel("buffer per core (MiB)")
        axes.set_ylabel(f"{unit} per step and core")
    return figure


def draw_buffers(points, labels):
    return draw_over_buffers(points, labels, "total_bytes", "DRAM traffic", "GB", 1e9)


def draw_buffers_time(points, labels):
    return draw_over_buffers(points, labels, "time_s", "Time", "ms", 1e-3)


def draw_buffers_energy(points, labels):
    return draw_over_buffers(points, labels, "energy_j", "Energy", "J", 1)


def draw_memories(points, labels, title="Time of a training step by memory"):
    networks, planners, machines = (in_order(points, "network"), planners_of(points), in_order(points, "hardware"))
    conditions = conditions_text(points, {"buffer_bytes": lambda v: f"{size_text(v)} buffer per core"})
    figure, panel = panels(networks, 0.25, title, conditions, planner_patches(planners, labels))
    pitch = len(planners) + 1
    for axes, network in zip(panel, networks):
        mine = {(point["hardware"], point["planner"]): point["time_s"] * 1e3
                for point in points if point["network"] == network}
        top = max(mine.values()) * 1.25
        for (machine, planner), time in mine.items():
            place = machines.index(machine) * pitch + planners.index(planner)
            fill, hatch = style(planner)[:2]
            axes.bar(place, time, 0.92, color=fill, hatch=hatch, edgecolor="black", linewidth=0.5)
            axes.text(place, time + top * 0.012, digits(time), rotation=90, ha="center", va="bottom", fontsize=6)
        axes.set_xticks([index * pitch + (len(planners) - 1) / 2 for index in range(len(machines))],
                        [labels.get(machine, machine) for machine in machines])
        axes.tick_params(axis="x", length=0)
        axes.set_ylim(0, top or 1)
        axes.set_title(network_label(points, network, labels).replace("\n", ", "), fontsize=8)
        axes.set_ylabel("ms per step")
    return figure


def draw_recompute(points, labels):
    """Each network's own choices of what to recompute as a curve, the fixed ones as marks."""
    networks, planners = in_order(points, "network"), planners_of(points)
    if len(planners) > 1:
        raise BadInput(f"several planners ({', '.join(planners)}); choose one with --where planner=NAME")
    marks = {"none": ("s", "#404040"), "activations": ("^", "#2a6f9e"), "expand": ("D", "#7a9a6a")}
    handles = [Line2D([], [], color="#d9711a", marker="o", markersize=4, linewidth=1.2, label="auto")]
    handles += [Line2D([], [], color=colour, marker=marker, markersize=6, linestyle="", fillstyle="none", label=policy)
                for policy, (marker, colour) in marks.items()]
    figure, panel = panels(networks, 0.45, "DRAM traffic over what is recomputed", conditions_text(points, {
        "planner": lambda v: labels.get(v, v), "buffer_bytes": lambda v: f"{size_text(v)} buffer per core"}), handles)
    for axes, network in zip(panel, networks):
        mine = [point for point in points if point["network"] == network]
        curve = sorted((point["extra_macs_percent"], point["total_bytes"] / 1e9)
                       for point in mine if point["recompute"] not in marks)
        axes.plot(*zip(*curve) if curve else ([], []), color="#d9711a", marker="o", markersize=4, linewidth=1.2)
        for policy, (marker, colour) in marks.items():
            spots = [(point["extra_macs_percent"], point["total_bytes"] / 1e9)
                     for point in mine if point["recompute"] == policy]
            axes.plot(*zip(*spots) if spots else ([], []), color=colour, marker=marker, markersize=6, linestyle="",
                      fillstyle="none")
        axes.set_ylim(0, max(point["total_bytes"] for point in mine) / 1e9 * 1.06 or 1)
        axes.set_title(network_label(points, network, labels).replace("\n", ", "), fontsize=8)
        axes.set_xlabel("more multiply-accumulates (%)")
        axes.set_ylabel("GB per step and core")
    return figure


def draw_recompute_memories(points, labels):
    """The bars of each memory by what is recomputed, in place of the planner."""
    named = []
    for point in points:
        plain = point["recompute"] == "none"
        named.append({**point, "planner": point["planner"] if plain else f"{point['planner']}+{point['recompute']}"})
    return draw_memories(named, labels, "Time of a training step by memory, without and with recomputing")


FIGURES = {
    "recompute": draw_recompute,
    "recompute-memories": draw_recompute_memories,
    "traffic": draw_traffic,
    "time": draw_time,
    "energy": draw_energy,
    "utilisation": draw_utilisation,
    "buffers": draw_buffers,
    "buffers-time": draw_buffers_time,
    "buffers-energy": draw_buffers_energy,
    "memories": draw_memories,
}
