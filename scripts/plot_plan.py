"""The picture of a plan: bytes of each step against the buffer, with the groups drawn on it."""

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from plot_figures import Head, paper, size_text

SHADES = ("#ffffff", "#ececec")
STRIP = ("#ffffff", "#dcdcdc")
OF_STRIPS = ("#cfe8e4", "#a9d5cd")  # boxes of groups in strips of rows


def stairs(values):
    """A step of the plan is one unit wide."""
    return [k + side for k in range(len(values)) for side in (0, 1)], [v for v in values for _ in (0, 1)]


def sub_batch_text(group):
    strips = group.get("strips", 1)
    return str(group["sub_batch"]) if strips == 1 else f"1/{strips}"


def share_of_sample(figures, group):
    """What the buffer has for each sample of the sub-batch; for a whole sample, where strips of it are taken."""
    return figures.usable * group.get("strips", 1) / group["sub_batch"]


def shade_groups(axes, groups):
    for index, group in enumerate(groups):
        axes.axvspan(group["first"], group["last"] + 1, facecolor=SHADES[index % 2], edgecolor="none", zorder=0)


def mark_phases(axes, figures, count):
    if 0 < figures.backward < count:
        axes.axvline(figures.backward, color="black", linewidth=1.2, linestyle=(0, (6, 3)), zorder=4)


def draw_strip(axes, groups, count, width_inches):
    """A box for each group with its sub-batch over its iterations where they are wide enough to be read."""
    for index, group in enumerate(groups):
        first, last = group["first"], group["last"] + 1
        shades = OF_STRIPS if group.get("strips", 1) > 1 else STRIP
        axes.axvspan(first, last, facecolor=shades[index % 2], edgecolor="black",
                     linewidth=0.4 if len(groups) < 150 else 0)
        wide = (last - first) / count * width_inches
        for height, value in ((0.73, sub_batch_text(group)), (0.25, group["iterations"])):
            for size in (7, 6, 5):
                if wide > (0.6 * len(str(value)) + 0.4) * size / 72:
                    axes.text((first + last) / 2, height, value, ha="center", va="center", fontsize=size)
                    break
    axes.axhline(0.5, color="#a0a0a0", linewidth=0.4)
    axes.set_ylim(0, 1)
    axes.set_yticks([0.25, 0.73], ["iterations", "sub-batch"], fontsize=7)
    axes.tick_params(length=0, labelbottom=False)
    axes.grid(False)
    for side in ("top", "right"):
        axes.spines[side].set_visible(True)


def draw_names(axes, figures, width_inches):
    """The parts of the network that steps belong to, by what their names have before the first dot."""
    names = [step["name"].split(".")[0] for step in figures.plan["steps"]]
    starts = [k for k in range(len(names)) if k == 0 or names[k] != names[k - 1]]
    for index, (first, last) in enumerate(zip(starts, [*starts[1:], len(names)])):
        axes.axvspan(first, last, facecolor=STRIP[index % 2], edgecolor="black", linewidth=0.3)
        inches, name = (last - first) / len(names) * width_inches, names[first]
        wide = 0.065 * len(name) + 0.05 < inches
        if wide or inches > 0.1:
            axes.text((first + last) / 2, 0.5, name if wide or len(name) < 9 else f"{name[:7]}…", ha="center",
                      va="center", rotation=0 if wide else 90, fontsize=7 if wide else 6)
    axes.set_ylim(0, 1)
    axes.set_yticks([0.5], ["layers"], fontsize=7)
    axes.tick_params(axis="y", length=0)
    axes.grid(False)


def draw_bytes(axes, figures):
    """Bytes per sample of the operands, and what the buffer has for each sample of the sub-batch."""
    shade_groups(axes, figures.groups)
    positive = [max(value, 1) for value in figures.operands]
    axes.plot(*stairs(positive), color="#1f5f8b", linewidth=0.9, zorder=3)
    for group in figures.groups:
        if group["first"] in figures.in_passes:
            continue
        axes.plot([group["first"], group["last"] + 1], [max(1, share_of_sample(figures, group))] * 2,
                  color="#d9711a", linewidth=2.2, solid_capstyle="butt", zorder=2)
    axes.axhline(max(1, figures.usable), color="black", linewidth=1, linestyle="--", zorder=2)
    axes.set_yscale("log", base=2)
    shares = [share_of_sample(figures, group) for group in figures.groups]
    low = min(min(positive), min(shares))
    high = max(max(positive), max(shares), figures.usable)
    axes.set_ylim(max(1, low / 2), high * 2)
    axes.yaxis.set_major_locator(LogLocator(base=4, numticks=14))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: size_text(value)))
    axes.set_ylabel("bytes of one\nsample (log)")
    handles = [Line2D([], [], color="#1f5f8b", linewidth=0.9, label="operands of the step"),
               Line2D([], [], color="#d9711a", linewidth=2.2, label="buffer / sub-batch"),
               Line2D([], [], color="black", linewidth=1, linestyle="--", label="buffer")]
    if figures.in_passes:
        marks = {"color": "black", "linestyle": "none", "marker": "|", "markersize": 5, "markeredgewidth": 0.7}
        alone = sorted(figures.in_passes)
        axes.plot([k + 0.5 for k in alone], [axes.get_ylim()[0] * 1.4] * len(alone), **marks)
        handles.append(Line2D([], [], label="in passes, takes no room", **marks))
    return handles


def draw_footprints(axes, figures):
    """What each step takes of the buffer with its group's sub-batch."""
    shade_groups(axes, figures.groups)
    mebi = 1048576
    parts = (("stays between steps", figures.resident, "#2a6f9e", ""),
             ("the step's own", figures.other, "#ffffff", "/////"),
             ("pinned parameters", figures.pinned, "#f5c9a0", ""))
    below = [0] * len(figures.operands)
    handles = []
    for name, values, fill, hatch in parts:
        above = [a + b / mebi for a, b in zip(below, values)]
        if any(values):
            axes.fill_between(stairs(above)[0], stairs(below)[1], stairs(above)[1], facecolor=fill, hatch=hatch,
                              edgecolor="#404040", linewidth=0.25 if len(values) < 500 else 0, zorder=2)
            handles.append(Patch(facecolor=fill, hatch=hatch, edgecolor="#404040", linewidth=0.4, label=name))
        below = above
    limit = figures.usable / mebi
    axes.axhline(limit, color="black", linewidth=1, linestyle="--", zorder=3)
    axes.set_ylim(0, max(limit, max(below)) * 1.06)
    axes.set_ylabel("in the buffer\n(MiB)")
    return handles


def draw_traffic(axes, figures):
    """What each group moves to and from DRAM: the height of its box."""
    shade_groups(axes, figures.groups)
    kinds = (("activations", figures.activations, "#3d84b8"), ("parameters", figures.parameters, "#d9711a"))
    edges = [edge for group in figures.groups for edge in (group["first"], group["last"] + 1)]
    below = [0] * len(edges)
    for _, values, colour in kinds:
        above = [base + value / 1e6 for base, value in zip(below, (v for v in values for _ in (0, 1)))]
        axes.fill_between(edges, below, above, facecolor=colour, edgecolor="none", zorder=2)
        below = above
    handles = [Patch(facecolor=colour, label=f"DRAM: {name}") for name, _, colour in kinds]
    axes.set_ylim(0, max(below) * 1.08 or 1)
    axes.set_ylabel("DRAM traffic of\nthe group (MB)")
    return handles


# from the top, in inches: boxes of groups, bytes, buffer, traffic, layers; gaps between them
HEIGHTS = (0.4, 1.6, 1.25, 1.1, 0.42)
GAP = 0.08


def title_of(figures, labels):
    plan = figures.plan
    total = plan.get("traffic_bytes", {}).get("total")
    moved = f", {total / 1e9:.2f} GB of DRAM traffic" if isinstance(total, (int, float)) else ""
    network, planner = (labels.get(plan[name], plan[name]) for name in ("network", "planner"))
    return (f"{network}, plan of {planner}: {len(figures.operands)} steps in {len(figures.groups)} groups, "
            f"N = {plan['batch']}, {size_text(plan['buffer_bytes'])} buffer{moved}")


def draw(figures, labels):
    count = len(figures.operands)
    width = paper[0] or 11
    left, right, foot = 0.94, 0.1, 0.42
    inner = width - left - right
    drawn = Figure(figsize=(width, 1))  # for the legend, whose entries are made while drawing
    scratch = drawn.add_axes((0, 0, 1, 1)), drawn.add_axes((0, 0, 1, 1)), drawn.add_axes((0, 0, 1, 1))
    handles = draw_bytes(scratch[0], figures) + draw_footprints(scratch[1], figures) + draw_traffic(scratch[2], figures)
    head = Head(width, title_of(figures, labels), "", handles)
    height = head.height() + 0.17 + sum(HEIGHTS) + GAP * (len(HEIGHTS) - 1) + foot
    figure = Figure(figsize=(width, height))
    head.draw(figure)
    panels, top = [], height - head.height() - 0.17
    for tall in HEIGHTS:
        share = {"sharex": panels[0]} if panels else {}
        panels.append(figure.add_axes((left / width, (top - tall) / height, inner / width, tall / height), **share))
        top -= tall + GAP
    strip, upper, lower, traffic, layers = panels
    draw_strip(strip, figures.groups, count, inner)
    draw_names(layers, figures, inner)
    draw_bytes(upper, figures)
    draw_footprints(lower, figures)
    draw_traffic(traffic, figures)
    for axes in (upper, lower, traffic, layers):
        mark_phases(axes, figures, count)
    strip.set_xlim(0, count)
    for axes in (upper, lower, traffic):
        axes.tick_params(labelbottom=False)
    layers.set_xlabel("step, in the order they run")
    for first, last, name in ((0, figures.backward, "forward"), (figures.backward, count, "backward")):
        if last > first:
            strip.text((first + last) / 2, 1.08, name, ha="center", va="bottom", fontsize=8, style="italic")
    return figure
