// The planners side by side.

function plannerName(row) {
    return row.planner + (row.own ? " (this plan)" : "");
}

function meter(value, most, words) {
    return el("span", {class: "held"}, svg("svg", {viewBox: "0 0 100 10", preserveAspectRatio: "none",
        "aria-hidden": "true"}, svg("rect", {width: percent(value, most), height: 10})), words);
}

function plannerRows(model) {
    const plan = model.plan;
    const rows = model.rows.map((row) => ({...row, own: row.planner === plan.planner &&
        row.traffic_bytes.total === plan.traffic_bytes.total && row.time_s === plan.time_s}));
    return rows.some((row) => row.own) ? rows : [...rows, {...plan, own: true}];
}

function plannerColumns(model, rows) {
    const base = model.baseline;
    const most = (of) => Math.max(...rows.map(of));
    const traffics = most((row) => row.traffic_bytes.total);
    const times = most((row) => row.time_s);
    const energies = most((row) => row.energy_j);
    return [
        {head: "Planner", cell: (row) => plannerName(row)},
        {head: "Traffic", number: true,
            cell: (row) => meter(row.traffic_bytes.total, traffics, bytes(row.traffic_bytes.total))},
        {head: "Less, %", number: true,
            cell: (row) => (100 - percent(row.traffic_bytes.total, base.traffic_bytes.total)).toFixed(1)},
        {head: "Time", number: true, cell: (row) => meter(row.time_s, times, seconds(row.time_s))},
        {head: "Speedup", number: true, cell: (row) => (base.time_s / row.time_s).toFixed(2)},
        {head: "Energy", number: true, cell: (row) => meter(row.energy_j, energies, joules(row.energy_j))},
        {head: "Less, %", number: true, cell: (row) => (100 - percent(row.energy_j, base.energy_j)).toFixed(1)},
        {head: "Utilisation", number: true, cell: (row) => row.utilisation.toFixed(3)},
        {head: "DRAM, at most", number: true, cell: (row) => bytes(row.dram_peak_bytes)},
    ];
}

function means() {
    const rows = DATA.comparison.geometric_means;
    return table(`Geometric means over the ${DATA.networks.length} networks`, [
        {head: "Planner", cell: (row) => row.planner},
        {head: "Traffic less, %", number: true, cell: (row) => (100 * (1 - row.traffic_ratio)).toFixed(1)},
        {head: "Speedup", number: true, cell: (row) => row.speedup.toFixed(2)},
        {head: "Energy less, %", number: true, cell: (row) => (100 * (1 - row.energy_ratio)).toFixed(1)},
        {head: "Utilisation", number: true, cell: (row) => row.utilisation.toFixed(3)},
    ], rows);
}

function planners(model) {
    const rows = plannerRows(model);
    return section("planners", "Planners",
        el("p", {text: "Less and speedup are to the planner baseline, which trains layer by layer on the whole " +
            "mini-batch."}),
        table("Planners on " + model.name, plannerColumns(model, rows), rows,
            (row) => ({class: row.own ? "own" : null})),
        DATA.networks.length > 1 ? means() : null);
}
