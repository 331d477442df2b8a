"""Figures from the rows of a sweep: bars by network and planner, lines over buffer size, bars by memory."""

import math

from matplotlib.figure import Figure
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
}

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


def planner_legend(figure, planners, labels, height):
    handles = [Patch(facecolor=style(p)[0], hatch=style(p)[1], edgecolor="black", linewidth=0.5,
                     label=labels.get(p, p)) for p in planners]
    figure.legend(handles=handles, loc="upper center", ncol=len(handles), bbox_to_anchor=(0.5, height),
                  columnspacing=1.5, handlelength=1.8, handleheight=1.1)


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
        self.heights = {key: value / self.values[key[0], "baseline"] if self.relative else value
                        for key, value in self.values.items()}
        if self.relative and len(self.networks) > 1:
            for planner in self.planners:
                column_of = [self.heights.get((network, planner), 0) for network in self.networks]
                if min(column_of) > 0:
                    self.heights[MEAN, planner] = geometric_mean(column_of)
            self.networks = [*self.networks, MEAN]
        self.pitch = len(self.planners) + 1.2

    def place(self, network, planner):
        return self.networks.index(network) * self.pitch + self.planners.index(planner)

    def cut(self, height):
        """How tall a bar is drawn."""
        return min(height, CUT) if self.relative else height

    def finish(self, axes, points, labels):
        centre = (len(self.planners) - 1) / 2
        axes.set_xticks([index * self.pitch + centre for index in range(len(self.networks))],
                        [network_label(points, network, labels) for network in self.networks])
        axes.tick_params(axis="x", length=0)
        axes.set_xlim(-1.1, len(self.networks) * self.pitch - 1.1)
        drawn = {key: self.cut(height) for key, height in self.heights.items()}
        room = 1.17 if drawn == self.heights else 1.3  # for the longer text of a bar that is cut
        axes.set_ylim(0, max(drawn.values()) * room or 1)

    def write(self, axes, key, text):
        """The figure above its bar, which is broken if it is cut."""
        place, height, top = self.place(*key), self.heights[key], axes.get_ylim()[1]
        drawn = self.cut(height)
        if drawn < height:
            text = f"{text} ({height:.2f}×)"
            axes.plot([place - 0.62, place + 0.62], [drawn - 0.06 * top, drawn - 0.03 * top], color="white",
                      linewidth=3, zorder=3)
        axes.text(place, drawn + top * 0.01, text, rotation=90, ha="center", va="bottom", fontsize=6.5)


CUT = 1.6  # bars of more than so many baselines are cut, or the others could not be told apart


def draw_bars(points, labels, column, name, scale, form, relative=True):
    unit, factor = scale
    bars = Bars([{**point, column: point[column] / factor} for point in points], column, relative)
    width = min(12, max(5, 0.17 * len(bars.networks) * bars.pitch + 1))
    figure = Figure(figsize=(width, 4))
    axes = figure.add_axes((0.62 / width, 0.1, 1 - 0.72 / width, 0.73))
    for key, height in bars.heights.items():
        fill, hatch = style(key[1])[:2]
        axes.bar(bars.place(*key), bars.cut(height), width=0.92, color=fill, hatch=hatch, edgecolor="black",
                 linewidth=0.5)
    bars.finish(axes, points, labels)
    for key, height in bars.heights.items():
        bars.write(axes, key, form(bars.values[key]) if key in bars.values else f"{height:.3f}")
    title = f"{name} of a training step per core"
    if bars.relative:
        title += f" (above the bars: {unit}{', at the mean the ratio' if MEAN in bars.networks else ''})"
        axes.set_ylabel(f"{name} relative to baseline")
    else:
        axes.set_ylabel(f"{name} ({unit})" if unit else name)
    figure.text(0.5, 0.98, title, ha="center", va="top", fontsize=9)
    figure.text(0.5, 0.93, common_title(points, labels), ha="center", va="top", fontsize=8)
    planner_legend(figure, bars.planners, labels, 0.89)
    return figure


def digits(value):
    """Three significant digits and no exponent."""
    return f"{value:.{max(0, 2 - math.floor(math.log10(value)))}f}" if value > 0 else "0"


def draw_traffic(points, labels):
    return draw_bars(points, labels, "total_bytes", "DRAM traffic", ("GB", 1e9), digits)


def draw_time(points, labels):
    return draw_bars(points, labels, "time_s", "Time", ("ms", 1e-3), digits)


def draw_utilisation(points, labels):
    return draw_bars(points, labels, "utilisation", "Array utilisation", ("", 1), lambda v: f"{v:.2f}", relative=False)


def draw_energy(points, labels):
    return draw_bars(points, labels, "energy_j", "Energy", ("J", 1), digits)


# ---------------------------------------------------------------------------------------------------------------------
# A panel for each network


PANEL_WIDTHS = {1: 5, 2: 9, 3: 11.1}  # of the figure, in inches, by columns


def panels(networks, below):
    """`below`: inches for what stands under the axis of a panel."""
    columns = 2 if len(networks) == 4 else min(3, len(networks))
    rows = math.ceil(len(networks) / columns)
    figure = Figure(figsize=(PANEL_WIDTHS[columns], (2.1 + below) * rows + 0.9))
    height = figure.get_figheight()
    axes = figure.subplots(rows, columns, squeeze=False).flatten()
    figure.subplots_adjust(left=0.55 / figure.get_figwidth(), right=1 - 0.12 / figure.get_figwidth(),
                           top=1 - 0.9 / height, bottom=below / height, wspace=0.2, hspace=(below + 0.25) / 1.85)
    for unused in axes[len(networks):]:
        unused.set_visible(False)
    return figure, axes


def panel_titles(figure, title, below):
    height = figure.get_figheight()
    figure.text(0.5, 1 - 0.1 / height, title, ha="center", va="top", fontsize=9)
    figure.text(0.5, 1 - 0.3 / height, below, ha="center", va="top", fontsize=8)


def size_name(size):
    """In MiB, as short as can be."""
    small = {131072: "⅛", 262144: "¼", 524288: "½"}
    return small.get(int(size), f"{size / 1048576:g}")


def draw_buffers(points, labels):
    networks, planners = in_order(points, "network"), planners_of(points)
    figure, panel = panels(networks, 0.45)
    for axes, network in zip(panel, networks):
        mine = [point for point in points if point["network"] == network]
        for planner in planners:
            curve = sorted((point["buffer_bytes"], point["total_bytes"] / 1e9)
                           for point in mine if point["planner"] == planner)
            _, _, colour, dashes, marker = style(planner)
            axes.plot(*zip(*curve) if curve else ([], []), color=colour, linestyle=dashes, marker=marker, markersize=4,
                      linewidth=1.2, label=labels.get(planner, planner))
        sizes = sorted({point["buffer_bytes"] for point in mine})
        axes.set_xscale("log", base=2)
        axes.set_xticks(sizes, [size_name(size) for size in sizes], fontsize=8 if len(sizes) < 9 else 6.5)
        axes.minorticks_off()
        axes.set_xlim(sizes[0] / 1.2, sizes[-1] * 1.2)
        axes.set_ylim(0, max(point["total_bytes"] for point in mine) / 1e9 * 1.06 or 1)
        axes.set_title(network_label(points, network, labels).replace("\n", ", "), fontsize=8)
        axes.set_xlabel("buffer per core (MiB)")
        axes.set_ylabel("GB per step and core")
    panel_titles(figure, "DRAM traffic over buffer size", conditions_text(points, {
        "phase": str, "batch_norm": lambda v: "batch norms kept" if v == "keep" else "group norms",
        "hardware": lambda v: labels.get(v, v)}))
    handles, names = panel[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="upper center", ncol=len(planners), handlelength=3.2,
                  bbox_to_anchor=(0.5, 1 - 0.42 / figure.get_figheight()))
    return figure


def draw_memories(points, labels, title="Time of a training step by memory"):
    networks, planners, machines = (in_order(points, "network"), planners_of(points), in_order(points, "hardware"))
    figure, panel = panels(networks, 0.25)
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
    panel_titles(figure, title, conditions_text(points, {
        "buffer_bytes": lambda v: f"{size_text(v)} buffer per core"}))
    planner_legend(figure, planners, labels, 1 - 0.42 / figure.get_figheight())
    return figure


def draw_recompute(points, labels):
    """Each network's own choices of what to recompute as a curve, the fixed ones as marks."""
    networks, planners = in_order(points, "network"), planners_of(points)
    if len(planners) > 1:
        raise BadInput(f"several planners ({', '.join(planners)}); choose one with --where planner=NAME")
    figure, panel = panels(networks, 0.45)
    marks = {"none": ("s", "#404040"), "activations": ("^", "#2a6f9e"), "expand": ("D", "#7a9a6a")}
    for axes, network in zip(panel, networks):
        mine = [point for point in points if point["network"] == network]
        curve = sorted((point["extra_macs_percent"], point["total_bytes"] / 1e9)
                       for point in mine if point["recompute"] not in marks)
        axes.plot(*zip(*curve) if curve else ([], []), color="#d9711a", marker="o", markersize=4, linewidth=1.2,
                  label="auto")
        for policy, (marker, colour) in marks.items():
            spots = [(point["extra_macs_percent"], point["total_bytes"] / 1e9)
                     for point in mine if point["recompute"] == policy]
            axes.plot(*zip(*spots) if spots else ([], []), color=colour, marker=marker, markersize=6, linestyle="",
                      fillstyle="none", label=policy)
        axes.set_ylim(0, max(point["total_bytes"] for point in mine) / 1e9 * 1.06 or 1)
        axes.set_title(network_label(points, network, labels).replace("\n", ", "), fontsize=8)
        axes.set_xlabel("more multiply-accumulates (%)")
        axes.set_ylabel("GB per step and core")
    panel_titles(figure, "DRAM traffic over what is recomputed", conditions_text(points, {
        "planner": lambda v: labels.get(v, v), "buffer_bytes": lambda v: f"{size_text(v)} buffer per core"}))
    handles, names = panel[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="upper center", ncol=len(names),
                  bbox_to_anchor=(0.5, 1 - 0.42 / figure.get_figheight()))
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
    "memories": draw_memories,
}
