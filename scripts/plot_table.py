"""What planners save against baseline, by network and as geometric mean, as tables in Markdown."""

from plot_data import geometric_mean, in_order, planners_of


def less(ratio):
    return f"{100 * (1 - ratio):.1f} %"


def faster(ratio):
    return f"{100 * (1 / ratio - 1):.1f} %"


TABLES = (("total_bytes", "Less traffic", less), ("time_s", "Faster", faster), ("energy_j", "Less energy", less))


def ratios(points, column):
    """To baseline, by planner and then network; of planners and networks that have all of them."""
    values = {(point["network"], point["planner"]): point[column] for point in points}
    networks = [network for network in in_order(points, "network") if values.get((network, "baseline"), 0) > 0]
    return {planner: {network: values[network, planner] / values[network, "baseline"] for network in networks}
            for planner in planners_of(points)
            if planner != "baseline" and all(values.get((network, planner), 0) > 0 for network in networks)}


def absolute(points, column):
    """By planner and then network."""
    return {planner: {point["network"]: point[column] for point in points if point["planner"] == planner}
            for planner in planners_of(points)}


def rows(title, heads, lines):
    return "\n".join([f"| {title} | {' | '.join(heads)} |", "|---|" + "---:|" * len(heads),
                      *(f"| {' | '.join(line)} |" for line in lines)])


def by_network(points, labels):
    """A table for each of traffic, time and energy: networks down, planners across."""
    tables = []
    for column, title, form in TABLES:
        found = ratios(points, column)
        lines = [[labels.get(network, network), *(form(found[planner][network]) for planner in found)]
                 for network in next(iter(found.values()), ())]
        if len(lines) > 1:
            lines.append(["**geometric mean**", *(f"**{form(geometric_mean(of.values()))}**" for of in found.values())])
        tables.append(rows(title, [labels.get(planner, planner) for planner in found], lines))
    return "\n\n".join(tables) + "\n"


def limit_text(recompute):
    policy, colon, percent = recompute.partition(":")
    return f"{policy}, {percent} %" if colon else policy


def change(values, form):
    """"8.0 % → 42.5 %": without strips, then with them."""
    return " → ".join(map(form, values)) if None not in values else ""


def with_mean(values):
    """By network, and of several the geometric mean too if there is one."""
    if len(values) > 1 and min(values.values()) > 0:
        return {**values, "geometric mean": geometric_mean(values.values())}
    return values


def by_strips(points, labels):
    """What dp's strips change: networks and buffers down, the figures without and with strips across."""
    lines = []
    for_time = any(point["planner"] == "dp-time" for point in points)
    columns = [*TABLES, ("utilisation", "Array utilisation", lambda value: f"{100 * value:.0f} %")]
    for buffer in in_order(points, "buffer_bytes"):
        mine = [point for point in points if point["buffer_bytes"] == buffer]
        cells, of_time = {}, {}
        for column, _, form in columns:
            found = absolute(mine, column) if column == "utilisation" else ratios(mine, column)
            with_means = [with_mean(found.get(planner, {})) for planner in ("dp-no-strips", "dp", "dp-time")]
            for network, value in with_means[1].items():
                cells.setdefault(network, []).append(change([with_means[0].get(network), value], form))
            for network, value in with_means[2].items():
                of_time.setdefault(network, []).append(form(value))
        lines += [[f"{buffer / 1048576:g} MiB, {labels.get(network, network)}", *texts,
                   *(of_time.get(network, [""] * len(columns)) if for_time else [])] for network, texts in cells.items()]
    titles = [title for _, title, _ in columns]
    more = [f"dp-time: {title.lower()}" for title in titles if for_time]
    return rows("dp without → with strips", [*titles, *more], lines) + "\n"


def by_recompute(points, labels):
    """GB by network and what is recomputed, with the multiply-accumulates that it adds."""
    policies, lines = in_order(points, "recompute"), []
    for network in in_order(points, "network"):
        cells = {point["recompute"]: f"{point['total_bytes'] / 1e9:.3f} ({point['extra_macs_percent']:.1f} %)"
                 for point in points if point["network"] == network}
        lines.append([labels.get(network, network), *(cells.get(policy, "") for policy in policies)])
    return rows("GB (multiply-accumulates added)", [limit_text(policy) for policy in policies], lines) + "\n"


def by_machine_and_recompute(points, labels):
    """Milliseconds: networks and planners down, machines across."""
    machines, lines = in_order(points, "hardware"), []
    for network in in_order(points, "network"):
        mine = [point for point in points if point["network"] == network]
        for planner in planners_of(mine):
            for policy in in_order(mine, "recompute"):
                cells = {point["hardware"]: f"{point['time_s'] * 1e3:.1f}" for point in mine
                         if (point["planner"], point["recompute"]) == (planner, policy)}
                if cells:
                    lines.append([f"{labels.get(network, network)}, {labels.get(planner, planner)}, "
                                  f"{limit_text(policy)}", *(cells.get(machine, "") for machine in machines)])
    return rows("ms", [labels.get(machine, machine) for machine in machines], lines) + "\n"


def below_mbs2(points, labels):
    """
    Traffic below mbs2's: buffers and networks down, limits of what is computed again across, from the least on. What
    is within one is within the next, so that it counts there too.
    """
    lines, limits = [], [limit for limit in in_order(points, "recompute") if limit != "none"]
    for buffer in in_order(points, "buffer_bytes"):
        mine = [point for point in points if point["buffer_bytes"] == buffer]
        base = {point["network"]: point["total_bytes"] for point in mine if point["planner"] == "mbs2"}
        found, least = {}, {}
        for limit in limits:
            for point in mine:
                if point["recompute"] == limit:
                    network = point["network"]
                    least[network] = min(least.get(network, point["total_bytes"]), point["total_bytes"])
            found[limit] = dict(least)
        for network in in_order(mine, "network"):
            cells = [f"{of[network] / 1e9:.3f} ({less(of[network] / base[network])})"
                     if network in of and base.get(network, 0) > 0 else "" for of in found.values()]
            lines.append([f"{buffer / 1048576:g} MiB, {labels.get(network, network)}",
                          f"{base[network] / 1e9:.3f}" if network in base else "", *cells])
        both = [network for network in base if base[network] > 0 and all(of.get(network, 0) > 0 for of in found.values())]
        if len(both) > 1:
            means = [geometric_mean(of[network] / base[network] for network in both) for of in found.values()]
            lines.append([f"**{buffer / 1048576:g} MiB, geometric mean**", "", *(f"**{less(mean)}**" for mean in means)])
    return rows("GB (less than mbs2)", ["mbs2", *map(limit_text, limits)], lines) + "\n"


def by_machine(points, labels):
    """Geometric means over the networks: machines down, traffic, time and energy of each planner across."""
    lines, heads = [], {}
    for machine in in_order(points, "hardware"):
        mine = [point for point in points if point["hardware"] == machine]
        cells = {}
        for column, title, form in TABLES:
            for planner, of in ratios(mine, column).items():
                if of:
                    cells[f"{labels.get(planner, planner)}: {title.lower()}"] = form(geometric_mean(of.values()))
        heads.update(dict.fromkeys(cells))
        lines.append((labels.get(machine, machine), cells))
    heads = sorted(heads, key=lambda head: head.partition(":")[0])
    return rows("Geometric mean", heads, [[name, *(cells.get(head, "") for head in heads)]
                                          for name, cells in lines]) + "\n"


WRITERS = {
    "table": by_network,
    "means": by_machine,
    "strips-table": by_strips,
    "recompute-table": by_recompute,
    "recompute-memories-table": by_machine_and_recompute,
    "below-table": below_mbs2,
}
