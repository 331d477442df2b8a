// What moves, by class and by layer.

const CLASSES = ["activation_read", "activation_write", "weight_read", "weight_gradient"];

// Of a class of TRAFFIC: updates are told with the gradients that they read.
function movedOf(bytes, part) {
    return bytes[part] + (part === "weight_gradient" ? bytes.optimizer || 0 : 0);
}

function drawClasses(model, width) {
    const rows = plannerRows(model).map((row) => [row.planner, row.traffic_bytes, row.own]);
    const most = Math.max(...rows.map((row) => row[1].total));
    const left = 104;
    const room = Math.max(60, width - left - 72);
    const parts = [];
    rows.forEach(([name, moved, own], i) => {
        const y = i * 26 + 4;
        let x = left;
        parts.push(text(left - 8, y + 14, name, {class: own ? "tick own" : "tick", "text-anchor": "end"}));
        CLASSES.forEach((part, c) => {
            const w = room * movedOf(moved, part) / most;
            parts.push(svg("rect", {x, y, width: Math.max(0, w - 0.6), height: 18, class: "t" + c}));
            x += w;
       });
        parts.push(text(x + 5, y + 14, bytes(moved.total), {class: own ? "tick own" : "tick"}));
   });
    return picture(width, rows.length * 26 + 6, "DRAM traffic by class, of the planners and of this plan; the table " +
        "below has the figures", parts);
}

function drawLayers(model, width) {
    const height = 150;
    const left = width < 500 ? 40 : 64;
    const room = width - left - 8;
    const most = Math.max(...model.layers.map((layer) => layer.total), 1);
    const each = room / model.layers.length;
    const y = (moved) => 8 + height * (1 - moved / most);
    const parts = [];
    TRAFFIC.forEach((_, c) => parts.push(boxes(model.layers.map((layer, i) => {
        const below = sum(layer.traffic.slice(0, c), (moved) => moved);
        return [left + i * each, y(below + layer.traffic[c]), Math.max(0.4, each - (each > 4 ? 0.8 : 0.1)),
            y(below) - y(below + layer.traffic[c])];
    }), {class: "t" + c})));
    const unit = BYTES.find(([least]) => most >= least);
    for (const tick of ticks(most / unit[0], 3)) {
        parts.push(line(left - 4, y(tick * unit[0]), left, y(tick * unit[0]), "axis"),
            text(left - 7, y(tick * unit[0]) + 4, String(+tick.toPrecision(4)), {class: "tick", "text-anchor": "end"}));
    }
    parts.push(text(left + 4, 14, unit[1], {class: "tick"}), line(left, 8 + height, left + room, 8 + height, "axis"));
    parts.push(nameTicks(model.layers.length, (i) => left + (i + 0.5) * each, (i) => model.layers[i].name, height + 25,
        left, left + room));
    const drawing = picture(width, height + 32, "DRAM traffic by layer, both phases; the table below has the figures", parts);
    return tells(drawing, (x) => {
        const layer = model.layers[Math.floor((x - left) / each)];
        return layer ? {lines: [layer.name, `${bytes(layer.total)} through DRAM`,
            ...TRAFFIC.map((name, c) => `${name}: ${bytes(layer.traffic[c])}`)], group: layer.steps[0].group} : null;
   });
}

function classTable(model) {
    const rows = plannerRows(model).map((row) => [plannerName(row), row.traffic_bytes]);
    return table("DRAM traffic by class, MB", [
        {head: "Plan", cell: (row) => row[0]},
        ...CLASSES.map((part, c) => ({head: TRAFFIC[c], number: true, cell: (row) => mega(movedOf(row[1], part))})),
        {head: "all", number: true, cell: (row) => mega(row[1].total)},
    ], rows);
}

function layerTable(model) {
    const rows = [...model.layers].sort((a, b) => b.total - a.total);
    return table("DRAM traffic by layer, most first, MB", [
        {head: "Layer", cell: (layer) => layer.name},
        ...TRAFFIC.map((name, c) => ({head: name, number: true, cell: (layer) => mega(layer.traffic[c])})),
        {head: "all", number: true, cell: (layer) => mega(layer.total)},
        {head: "%", number: true, cell: (layer) => percent(layer.total, model.plan.traffic_bytes.total).toFixed(1)},
    ], rows);
}

// What each class is made of, and what moves most.
function reasons(model) {
    const said = model.why.sentences.slice(model.why.one_mib_more ? 3 : 2);
    const movers = model.why.movers.slice(0, 10).flatMap((mover) => mover.sentences.join(" "));
    return el("div", {}, el("ul", {class: "why"}, said.map((words) => el("li", {text: words}))),
        el("h4", {text: "What moves most"}), el("ol", {class: "why"}, movers.map((words) => el("li", {text: words}))));
}

function traffic(model) {
    const keys = legend("DRAM", TRAFFIC.map((name, c) => ["t" + c, name]));
    const first = [...model.layers].sort((a, b) => b.total - a.total).slice(0, 3);
    return section("traffic", "Traffic",
        el("h3", {text: "By class"}), keys, chart((width) => drawClasses(model, width), "classes"),
        unfolding("Traffic by class as a table", () => classTable(model)),
        unfolding("What each class is made of, and why it moves", () => reasons(model)),
        el("h3", {text: "By layer"}),
        el("p", {text: "Most is moved by " + first.map((layer) => `${layer.name} (${bytes(layer.total)})`).join(", ") +
            ". A tensor's write counts where it is made, a read where it is used."}),
        chart((width) => drawLayers(model, width), "layers"),
        unfolding(`All ${model.layers.length} layers as a table`, () => layerTable(model)));
}
