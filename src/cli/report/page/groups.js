// The groups on the network: what lies in the buffer at each step, forward above, backward below.

// A group's mark: its number on a box, darker the smaller its sub-batch.
function chip(model, group, x, y, wanted, h) {
    const w = Math.max(wanted, 0.5);
    const fine = fineness(model, group);
    const level = group.strips > 1 ? "strips" : "level" + Math.round(fine * 4);
    const number = String(group.index + 1);
    return svg("g", {class: "chip " + level, "data-group": group.index},
        svg("rect", {x, y, width: w, height: h, rx: Math.min(3, w / 3)}),
        w > 7 * number.length + 4 ? text(x + w / 2, y + h / 2 + 4, number, {"text-anchor": "middle"}) : null);
}

function chipLegend(model) {
    const used = new Set(model.groups.map((group) => (group.strips > 1 ? "strips" :
        "level" + Math.round(fineness(model, group) * 4))));
    const words = {level0: "whole mini-batch at a time", level1: "large sub-batches", level2: "middling sub-batches",
        level3: "small sub-batches", level4: "a sample or few at a time", strips: "strips of a sample's rows"};
    return Object.keys(words).filter((level) => used.has(level)).map((level) => ["chip " + level, words[level]]);
}

function contentLegend(model) {
    return legend("In the buffer", model.contents.map((c) => ["c" + c, CONTENTS[c]]));
}

// Makes marks of groups a list to walk through by the arrow keys; mark(group) draws one or several.
function chipList(model, label, mark) {
    const options = model.groups.map((group) => svg("g", {
        role: "option", "data-group": group.index, tabindex: "-1", class: "option",
        "aria-label": `group ${group.index + 1} of ${model.groups.length}: ${spanOf(group, 40)}, ` +
            `${portionWords(group)} at a time, ${mebi(group.peak)} MiB, ${bytes(group.total)}`,
        onclick: () => choose(group.index, true),
    }, mark(group)));
    const moves = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1};
    const list = svg("g", {role: "listbox", "aria-label": label, "aria-orientation": "horizontal"}, options);
    list.addEventListener("keydown", (event) => {
        const last = model.groups.length - 1;
        let next = chosen.group + (moves[event.key] || 0);
        if (event.key === "Home" || event.key === "End") {
            next = event.key === "Home" ? 0 : last;
        } else if (event.key === "Enter" || event.key === " ") {
            event.preventDefault();
            choose(chosen.group, true);
            return;
        } else if (!moves[event.key]) {
            return;
        }
        event.preventDefault();
        choose(next, false);
        options[chosen.group].focus();
   });
    return list;
}

// The outline of what is held at steps [first, end), stacked up to content `upTo`, as a filled path.
function heldPath(model, upTo, first, end, x, y) {
    let d = "";
    for (let k = first; k < end; k++) {
        const step = model.steps[k];
        let below = 0;
        for (let c = 0; c < upTo; c++) {
            below += step.content[c];
        }
        const size = step.content[upTo];
        if (size > 0) {
            d += `M${x(k).toFixed(2)} ${y(below).toFixed(2)}H${x(k + 1).toFixed(2)}V${y(below + size).toFixed(2)}` +
                `H${x(k).toFixed(2)}z`;
        }
    }
    return d;
}

function halfBars(model, first, end, x, y) {
    return CONTENTS.map((_, c) => svg("path", {class: "c" + c, d: heldPath(model, c, first, end, x, y)}));
}

function axisNames(model, first, end, x, y, at) {
    return nameTicks(end - first, (i) => (x(first + i) + x(first + i + 1)) / 2, (i) => model.steps[first + i].layer, y,
        at.left, at.left + at.room);
}

const CHIP = 22;
const EDGE = 2; // a mark's outline is wider than the mark
const BARS = 120;
const GAP = 46;

// Where things stand in the drawing: x of a step's left edge, and the heights of both halves.
function twoHalves(model, width) {
    const left = width < 500 ? 8 : 64;
    const room = width - left - 8;
    const last = model.steps.length;
    const most = Math.max(model.buffer, ...model.steps.map(held));
    const scale = (BARS - 6) / most;
    const top = EDGE + CHIP + 4 + BARS; // where the upper bars stand, and below them the names
    return {
        left, room, top, bottom: top + GAP,
        height: model.forward === last ? top + GAP / 2 : top + GAP + BARS + CHIP + 4 + EDGE,
        forward: (k) => left + room * k / model.forward,
        backward: (k) => left + room * (1 - (k - model.forward) / (last - model.forward)),
        up: (size) => top - size * scale,
        down: (size) => top + GAP + size * scale,
    };
}

function groupSpans(model, at, group) {
    const spans = [];
    if (group.first < model.forward) {
        const end = Math.min(group.last + 1, model.forward);
        spans.push([at.forward(group.first), at.forward(end), true]);
    }
    if (group.last >= model.forward) {
        const first = Math.max(group.first, model.forward);
        spans.push([at.backward(group.last + 1), at.backward(first), false]);
    }
    return spans;
}

function bufferLine(at, y, words, above) {
    return [line(at.left, y, at.left + at.room, y, "limit"),
        text(at.left + at.room - 4, above ? y - 4 : y + 13, words, {"text-anchor": "end", class: "limit-name"})];
}

function drawGroups(model, width) {
    const at = twoHalves(model, width);
    const last = model.steps.length;
    const both = model.forward < last;
    const parts = [...halfBars(model, 0, model.forward, at.forward, at.up)];
    parts.push(...axisNames(model, 0, model.forward, at.forward, at.top + 16, at));
    parts.push(line(at.left, at.top, at.left + at.room, at.top, "axis"));
    if (at.left > 50) {
        parts.push(text(at.left - 8, at.top - BARS / 2, "forward →", {class: "tick", "text-anchor": "end"}));
    }
    if (both) {
        parts.push(...halfBars(model, model.forward, last, at.backward, at.down));
        parts.push(...axisNames(model, model.forward, last, at.backward, at.bottom - 7, at));
        parts.push(line(at.left, at.bottom, at.left + at.room, at.bottom, "axis"));
        if (at.left > 50) {
            parts.push(text(at.left - 8, at.bottom + BARS / 2, "← back", {class: "tick", "text-anchor": "end"}));
        }
    }
    for (const group of model.groups) {
        for (const [from, to, upper] of groupSpans(model, at, group)) {
            const y = upper ? at.top - BARS : at.bottom;
            parts.push(svg("rect", {x: from, y, width: to - from, height: BARS, class: "span", "data-group": group.index}));
        }
    }
    parts.push(bufferLine(at, at.up(model.capacity), space(model.capacity) + " buffer", false));
    if (both) {
        parts.push(bufferLine(at, at.down(model.capacity), space(model.capacity) + " buffer", true));
    }
    const drawing = picture(width, at.height, "", parts, chipList(model, "Groups, in the order they run",
        (group) => groupSpans(model, at, group).map(([from, to, upper]) =>
            chip(model, group, from + 0.5, upper ? EDGE : at.height - CHIP - EDGE, to - from - 1, CHIP))));
    drawing.setAttribute("role", "group");
    drawing.setAttribute("aria-label", "What each step holds in the buffer, and the groups of steps");
    return tells(drawing, (x, y) => stepAt(model, at, x, y));
}

function stepAt(model, at, x, y) {
    const share = (x - at.left) / at.room;
    const upper = y < at.top + GAP / 2;
    const backward = model.steps.length - model.forward;
    if (share < 0 || share >= 1 || (!upper && backward === 0)) {
        return null;
    }
    const k = upper ? Math.floor(share * model.forward) :
        model.forward + Math.min(backward - 1, Math.floor((1 - share) * backward));
    return {lines: stepLines(model, model.steps[k]), group: model.steps[k].group};
}

function groupColumns(model) {
    return [
        {head: "Group", cell: (group) => el("button", {class: "plain", text: String(group.index + 1),
            "aria-label": `Group ${group.index + 1}: show its steps`, onclick: () => choose(group.index, true)})},
        {head: "Steps", cell: (group) => spanOf(group, 26)},
        {head: "Phase", cell: (group) => group.phase},
        {head: "Sub-batch", number: true, cell: portion},
        {head: "Iterations", number: true, cell: (group) => String(group.iterations)},
        {head: "Peak, MiB", number: true, cell: (group) => mebi(group.peak)},
        {head: "Pinned, MiB", number: true, cell: (group) => mebi(group.steps[0].content[3])},
        {head: "Traffic, MB", number: true, cell: (group) => mega(group.total)},
        {head: "Time", number: true, cell: (group) => seconds(group.time)},
        {head: "Bound by", cell: boundBy},
    ];
}

function groups(model) {
    const host = chart((width) => drawGroups(model, width), "groups");
    return section("groups", "Groups on the network",
        el("p", {text: `${count(model.steps.length, "step")} in ${count(model.groups.length, "group")}. A group pushes ` +
            "its sub-batch through all its steps before the next, so that what they hand on stays in the buffer. " +
            "Bars are what a step holds there; time runs to the right" +
            (model.forward < model.steps.length ? " above and back below." : ".")}),
        contentLegend(model), legend("Groups", chipLegend(model)), host,
        el("p", {class: "hint", text: "Choose a group with the pointer or, on the marks, with the arrow keys: its " +
            "steps follow below."}),
        stepsPanel(model),
        unfolding(`All ${model.groups.length} groups as a table`, () => table("Groups", groupColumns(model), model.groups,
            (group) => ({"data-group": group.index})), "printed"));
}
