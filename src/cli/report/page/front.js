// Traffic against time: the plans that no other is better than in both, as `mbsopt tradeoff` lists them.

const FRONT = 230;

// Whose row the page's own plan is, or -1.
function ownRow(model) {
    const plan = model.plan;
    return model.front.findIndex((row) => row.traffic_bytes === plan.traffic_bytes.total && row.time_s === plan.time_s);
}

// ", 5.2 % more than the least"
function above(value, least, name) {
    const by = change(value, least, "less", "more");
    return value === least ? `, the ${name}` : by === "the same" ? `, next to the ${name}` : `, ${by} than the ${name}`;
}

function frontWords(model, row) {
    const quickest = model.front[model.front.length - 1];
    return bytes(row.traffic_bytes) + above(row.traffic_bytes, model.front[0].traffic_bytes, "least") + "; " +
        seconds(row.time_s) + above(row.time_s, quickest.time_s, "quickest") + "; " + joules(row.energy_j);
}

// The page's own plan as a row, where it is none of them.
function planRow(model) {
    const plan = model.plan;
    return {options: "this plan", traffic_bytes: plan.traffic_bytes.total, time_s: plan.time_s, energy_j: plan.energy_j};
}

// From the least of the values to the most, with some room, as places from `start` to `end`; and round numbers there.
function scaleOf(values, units, start, end, wanted) {
    const least = Math.min(...values);
    const most = Math.max(...values);
    const room = most > least ? 0.06 * (most - least) : 0.1 * most || 1;
    const low = least - room;
    const at = (value) => start + (end - start) * (value - low) / (most + room - low);
    const [factor, unit] = units.find(([size]) => most >= size) || units[units.length - 1];
    const steps = ticks((most + room - low) / factor, wanted);
    const step = steps.length > 1 ? steps[1] : 1;
    const marks = [];
    for (let i = Math.ceil(low / factor / step); i * step * factor <= most + room; i++) {
        marks.push([at(i * step * factor), `${+(i * step).toPrecision(6)} ${unit}`]);
    }
    return {at, marks};
}

function drawFront(model, state, width, choosePoint) {
    const left = 74;
    const right = width - 14;
    const bottom = 12 + FRONT;
    const plan = planRow(model);
    const all = [...model.front, plan];
    const x = scaleOf(all.map((row) => row.traffic_bytes), BYTES, left, right, width < 500 ? 2 : 6);
    const y = scaleOf(all.map((row) => row.time_s), SECONDS, bottom, 12, 4);
    const parts = [];
    for (const [at, words] of y.marks) {
        parts.push(line(left, at, right, at, "grid"), text(left - 7, at + 4, words, {class: "tick", "text-anchor": "end"}));
    }
    for (const [at, words] of x.marks) {
        const end = Math.min(at, right - 20);
        parts.push(line(at, bottom, at, bottom + 4, "axis"), text(end, bottom + 18, words, {class: "tick", "text-anchor": "middle"}));
    }
    parts.push(line(left, bottom, right, bottom, "axis"),
        text(right, 20, "time ↑ over DRAM traffic →", {class: "tick", "text-anchor": "end"}));
    const places = model.front.map((row) => [x.at(row.traffic_bytes), y.at(row.time_s)]);
    parts.push(svg("path", {class: "curve own", d: places.map(([px, py], i) => `${i ? "L" : "M"}${px.toFixed(1)} ${py.toFixed(1)}`).join("")}));
    if (!state.isOwn) {
        const [px, py] = [x.at(plan.traffic_bytes), y.at(plan.time_s)];
        parts.push(svg("path", {class: "here", d: `M${px} ${py - 8}l8 8l-8 8l-8 -8z`}));
    }
    const options = model.front.map((row, i) => svg("g", {
        role: "option", class: "point", tabindex: i === state.point ? "0" : "-1", "aria-selected": String(i === state.point),
        "aria-label": `plan ${i + 1} of ${model.front.length}, ${row.options}: ${frontWords(model, row)}`,
        onclick: () => choosePoint(i),
    }, svg("circle", {cx: places[i][0], cy: places[i][1], r: i === state.point ? 7 : 5})));
    const list = svg("g", {role: "listbox", "aria-label": "Plans, from least traffic to least time", "aria-orientation": "horizontal"}, options);
    list.addEventListener("keydown", (event) => {
        const last = model.front.length - 1;
        const next = {ArrowRight: state.point + 1, ArrowDown: state.point + 1, ArrowLeft: state.point - 1, ArrowUp: state.point - 1,
            Home: 0, End: last}[event.key];
        if (next !== undefined) {
            event.preventDefault();
            choosePoint(clamp(next, 0, last), true);
        }
   });
    const drawing = picture(width, bottom + 26, "", parts, list);
    drawing.setAttribute("role", "group");
    drawing.setAttribute("aria-label", "Time of the plans over their DRAM traffic; the table below has the figures");
    return tells(drawing, (px, py) => {
        const near = places.findIndex(([ox, oy]) => Math.hypot(px - ox, py - oy) < 12);
        return near < 0 ? null : {lines: [model.front[near].options, bytes(model.front[near].traffic_bytes),
            seconds(model.front[near].time_s), joules(model.front[near].energy_j)]};
   });
}

function frontTable(model, own) {
    const base = model.frontBaseline;
    const less = (part, whole) => (100 - percent(part, whole)).toFixed(1);
    const rows = [...model.front, ...(own < 0 ? [planRow(model)] : []), {...base, options: "--planner baseline"}];
    return table("Plans between least traffic and least time", [
        {head: "mbsopt plan …", cell: (row) => row.options + (row === model.front[own] ? " (this plan)" : "")},
        {head: "Traffic", number: true, cell: (row) => bytes(row.traffic_bytes)},
        {head: "Less, %", title: "than baseline", number: true, cell: (row) => less(row.traffic_bytes, base.traffic_bytes)},
        {head: "Time", number: true, cell: (row) => seconds(row.time_s)},
        {head: "Less, %", title: "than baseline", number: true, cell: (row) => less(row.time_s, base.time_s)},
        {head: "Energy", number: true, cell: (row) => joules(row.energy_j)},
        {head: "Less, %", title: "than baseline", number: true, cell: (row) => less(row.energy_j, base.energy_j)},
    ], rows, (row) => ({class: row === model.front[own] || row.options === "this plan" ? "own" : null,
        "data-point": model.front.indexOf(row)}));
}

function front(model) {
    const own = ownRow(model);
    const state = {point: Math.max(0, own), isOwn: own >= 0};
    const words = el("p", {id: "front-said", "aria-live": "polite"});
    const rows = frontTable(model, own);
    const drawing = chart((width) => drawFront(model, state, width, choosePoint), "front");
    const show = () => {
        const row = model.front[state.point];
        words.replaceChildren(el("strong", {text: row.options}), `: ${frontWords(model, row)}.`);
        for (const node of rows.querySelectorAll("[data-point]")) {
            node.classList.toggle("chosen", Number(node.dataset.point) === state.point);
        }
    };
    function choosePoint(point, moves) {
        state.point = point;
        show();
        drawAgain(drawing);
        if (moves) {
            drawing.querySelector(".point[tabindex='0']").focus();
        }
    }
    show();
    return section("front", "Traffic against time",
        el("p", {text: "Least traffic is not least time: the plans that no other one found is better than in both. Each begins " +
            "with the options of mbsopt plan that make it; --max-slowdown chooses among them."}),
        state.isOwn ? null : legend("Marks", [["point-mark", "plans of the front"], ["plan-mark", "this plan"]]), drawing, words,
        el("p", {class: "hint", text: "Choose a plan with the pointer or, on the marks, with the arrow keys."}), rows);
}
