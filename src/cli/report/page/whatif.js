// Other buffers and batches, from the sweep in the file.

const METRICS = [
    ["traffic", "DRAM traffic", (row) => row.total_bytes, bytes],
    ["time", "Time", (row) => row.time_s, seconds],
    ["energy", "Energy", (row) => row.energy_j, joules],
];
const WHATIF = 230;

function distinct(list) {
    return [...new Set(list)].sort((a, b) => a - b);
}

function nearest(list, value) {
    return list.reduce((best, one, i) => (Math.abs(Math.log(one / value)) < Math.abs(Math.log(list[best] / value)) ?
        i : best), 0);
}

function makeSweep(model) {
    const buffers = distinct(model.sweep.map((row) => row.buffer_bytes));
    const batches = distinct(model.sweep.map((row) => row.batch));
    const rows = new Map(model.sweep.map((row) => [`${row.buffer_bytes}/${row.batch}/${row.planner === "baseline"}`, row]));
    const planner = (model.sweep.find((row) => row.planner !== "baseline") || model.sweep[0]).planner;
    const at = (buffer, batch, baseline) => rows.get(`${buffer}/${batch}/${baseline || planner === "baseline"}`);
    return {buffers, batches, planner, at,
        buffer: nearest(buffers, model.buffer), batch: nearest(batches, model.plan.batch), metric: 0};
}

// The curves of each batch, and of the baseline with the chosen one, and where the slider stands.
function drawSweep(sweep, width) {
    const [, name, of, unit] = METRICS[sweep.metric];
    const left = 66;
    const right = width < 500 ? 14 : 96;
    const room = width - left - right;
    const low = Math.log2(sweep.buffers[0]);
    const high = Math.log2(sweep.buffers[sweep.buffers.length - 1]);
    const x = (buffer) => left + (high > low ? room * (Math.log2(buffer) - low) / (high - low) : room / 2);
    const chosenBatch = sweep.batches[sweep.batch];
    const curves = sweep.batches.map((batch, i) => ({words: `batch ${batch}`, kind: "curve curve" + i % 3, own: batch === chosenBatch,
        points: sweep.buffers.map((buffer) => [buffer, of(sweep.at(buffer, batch, false))])}));
    curves.unshift({words: "baseline", kind: "curve base", own: false,
        points: sweep.buffers.map((buffer) => [buffer, of(sweep.at(buffer, chosenBatch, true))])});
    const most = Math.max(...curves.flatMap((curve) => curve.points.map((point) => point[1])));
    const y = (value) => 12 + WHATIF * (1 - value / (most * 1.04));
    const parts = [];
    const [factor, unitName] = (sweep.metric === 0 ? BYTES : sweep.metric === 1 ? SECONDS : JOULES)
        .find(([least]) => most >= least) || [1, ""];
    for (const tick of ticks(most / factor, 4)) {
        const at = y(tick * factor);
        parts.push(line(left, at, left + room, at, "grid"), text(left - 7, at + 4, `${+tick.toPrecision(4)} ${unitName}`,
            {class: "tick", "text-anchor": "end"}));
    }
    let free = -Infinity;
    for (const buffer of sweep.buffers) {
        parts.push(line(x(buffer), 12 + WHATIF, x(buffer), 16 + WHATIF, "axis"));
        if (x(buffer) > free) {
            parts.push(text(x(buffer), WHATIF + 30, space(buffer), {class: "tick", "text-anchor": "middle"}));
            free = x(buffer) + 62;
        }
    }
    const taken = [];
    for (const curve of curves) {
        const d = curve.points.map(([buffer, value], i) => `${i ? "L" : "M"}${x(buffer).toFixed(1)} ${y(value).toFixed(1)}`);
        parts.push(svg("path", {class: curve.kind + (curve.own ? " own" : ""), d: d.join("")}));
        let at = y(curve.points[curve.points.length - 1][1]) + 4;
        while (taken.some((other) => Math.abs(other - at) < 13)) {
            at -= 13;
        }
        taken.push(at);
        if (right > 50) {
            parts.push(text(left + room + 8, at, curve.words, {class: curve.own ? "tick own" : "tick"}));
        }
    }
    const buffer = sweep.buffers[sweep.buffer];
    const here = of(sweep.at(buffer, chosenBatch, false));
    parts.push(line(x(buffer), 12, x(buffer), 12 + WHATIF, "here"),
        svg("circle", {cx: x(buffer), cy: y(here), r: 5, class: "here"}));
    return picture(width, WHATIF + 40, `${name} over the buffer: ${unit(here)} at ${space(buffer)} and batch ` +
        `${chosenBatch}; the table below has all figures`, parts);
}

function whatIfFigures(sweep) {
    const buffer = sweep.buffers[sweep.buffer];
    const batch = sweep.batches[sweep.batch];
    const row = sweep.at(buffer, batch, false);
    const base = sweep.at(buffer, batch, true);
    return METRICS.map(([id, name, of, unit]) => el("div", {class: "figure", id: "whatif-" + id},
        el("h3", {text: name}), el("p", {class: "big", text: unit(of(row))}),
        el("p", {class: "change", text: `${change(of(row), of(base), "less", "more")} than layer by layer; ` +
            `${unit(of(row) / batch)} per sample`})));
}

function sweepTable(sweep) {
    const rows = sweep.batches.flatMap((batch) => sweep.buffers.map((buffer) => [buffer, batch]));
    const figureOf = ([buffer, batch], of) => of(sweep.at(buffer, batch, false));
    return table(`Buffers and batches, planned by ${sweep.planner}`, [
        {head: "Buffer", cell: (row) => space(row[0])},
        {head: "Batch", number: true, cell: (row) => String(row[1])},
        ...METRICS.map(([, name, of, unit]) => ({head: name, number: true, cell: (row) => unit(figureOf(row, of))})),
        {head: "Traffic less than baseline, %", number: true, cell: (row) =>
            (100 - percent(figureOf(row, METRICS[0][2]), sweep.at(row[0], row[1], true).total_bytes)).toFixed(1)},
        {head: "Groups", number: true, cell: (row) => String(figureOf(row, (of) => of.groups))},
    ], rows);
}

function radios(name, title, words, at, changed) {
    return el("fieldset", {class: "radios"}, el("legend", {text: title}), words.map((word, i) => el("label", {},
        el("input", {type: "radio", name, value: i, checked: i === at, onchange: () => changed(i)}), word)));
}

function whatIf(model) {
    const sweep = makeSweep(model);
    const figures = el("div", {class: "figures"});
    const shown = el("output", {for: "whatif-buffer"});
    const said = el("p", {class: "hidden", "aria-live": "polite", id: "whatif-said"});
    const slider = el("input", {type: "range", id: "whatif-buffer", min: 0, max: sweep.buffers.length - 1, step: 1,
        value: sweep.buffer});
    const drawing = chart((width) => drawSweep(sweep, width), "sweep");
    const show = () => {
        const buffer = space(sweep.buffers[sweep.buffer]);
        const row = sweep.at(sweep.buffers[sweep.buffer], sweep.batches[sweep.batch], false);
        shown.textContent = buffer;
        slider.setAttribute("aria-valuetext", buffer);
        figures.replaceChildren(...whatIfFigures(sweep));
        said.textContent = `${buffer}, batch ${row.batch}: ${bytes(row.total_bytes)}, ${seconds(row.time_s)}, ` +
            joules(row.energy_j);
        drawAgain(drawing);
    };
    slider.addEventListener("input", () => {
        sweep.buffer = Number(slider.value);
        show();
   });
    show();
    return section("whatif", "What if",
        el("p", {text: `The same network with another buffer or mini-batch, planned by ${sweep.planner} for each of the ` +
            `${sweep.buffers.length * sweep.batches.length} combinations when this page was made.`}),
        el("div", {class: "controls"},
            el("div", {class: "slider"}, el("label", {for: "whatif-buffer", text: "Buffer"}), slider, shown),
            radios("batch", "Batch", sweep.batches.map(String), sweep.batch, (i) => {
                sweep.batch = i;
                show();
           }),
            radios("metric", "Curve", METRICS.map((metric) => metric[1]), 0, (i) => {
                sweep.metric = i;
                show();
            })),
        figures, said, drawing, unfolding("All combinations as a table", () => sweepTable(sweep)));
}
