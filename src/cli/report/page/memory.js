// Where the data lie in the buffer, step by step.

const MAP = 220;

function rangeAt(ranges, k, address) {
    return ranges.find((range) => range.first <= k && k <= range.last && range.offset <= address &&
        address < range.offset + range.size);
}

function rangeLines(model, range, k) {
    const from = model.steps[range.first].name;
    const to = model.steps[range.last].name;
    return [
        range.name + (range.ring ? " (a ring of rows)" : ""), `${CONTENTS[range.kind]}, ${space(range.size)}`,
        `at ${range.offset} … ${range.offset + range.size - 1}`,
        range.first === range.last ? `at ${from}` : `from ${from} to ${to}`,
        `pointer at ${model.steps[k].name}`,
    ];
}

// The steps [first, end) of the map.
function drawMap(model, ranges, first, end, width, label) {
    const left = width < 500 ? 34 : 64;
    const room = width - left - 8;
    const x = (k) => left + room * (k - first) / (end - first);
    const y = (address) => 10 + MAP * (1 - address / model.capacity);
    const gap = room / (end - first) > 6 ? 1 : 0;
    const parts = [svg("rect", {x: left, y: 10, width: room, height: MAP, class: "ground"})];
    const shown = ranges.filter((range) => range.first < end && range.last >= first);
    CONTENTS.forEach((_, c) => {
        const own = shown.filter((range) => range.kind === c);
        parts.push(boxes(own.map((range) => {
            const from = x(Math.max(range.first, first));
            const to = x(Math.min(range.last + 1, end));
            return [from + gap / 2, y(range.offset + range.size), Math.max(0.4, to - from - gap),
                y(range.offset) - y(range.offset + range.size)];
        }), {class: "range c" + c}));
   });
    const grid = ticks(model.capacity / 2 ** 20, 4);
    for (const size of grid) {
        const at = y(size * 2 ** 20);
        parts.push(line(left - 4, at, left, at, "axis"), text(left - 7, at + 4, String(+size.toFixed(2)),
            {class: "tick", "text-anchor": "end"}));
    }
    if (left > 50) {
        parts.push(text(14, 10 + MAP / 2, "MiB", {class: "tick"}));
    }
    parts.push(line(left, 10, left + room, 10, "limit"), line(left, 10 + MAP, left + room, 10 + MAP, "axis"));
    for (const group of model.groups) {
        if (group.first < end && group.last >= first) {
            parts.push(svg("rect", {x: x(group.first), y: 10, width: x(group.last + 1) - x(group.first), height: MAP,
                class: "span", "data-group": group.index}));
        }
    }
    const names = nameTicks(end - first, (i) => x(first + i + 0.5), (i) => model.steps[first + i].name, MAP + 27, left,
        left + room);
    const drawing = picture(width, MAP + 34, label, parts, names);
    return tells(drawing, (px, py) => {
        const k = first + Math.floor((px - left) / room * (end - first));
        if (px < left || k >= end || py < 10 || py > 10 + MAP) {
            return null;
        }
        const range = rangeAt(shown, k, (1 - (py - 10) / MAP) * model.capacity);
        return {lines: range ? rangeLines(model, range, k) : ["free", `at ${model.steps[k].name}`],
            group: model.steps[k].group};
   });
}

function rangeColumns(model) {
    return [
        {head: "What", cell: (range) => range.name},
        {head: "Kind", cell: (range) => CONTENTS[range.kind] + (range.ring ? ", a ring of rows" : "")},
        {head: "Offset, bytes", number: true, cell: (range) => String(range.offset)},
        {head: "Size, bytes", number: true, cell: (range) => String(range.size)},
        {head: "From", cell: (range) => model.steps[range.first].name},
        {head: "To", cell: (range) => model.steps[range.last].name},
    ];
}

function memory(model) {
    const whole = chart((width) => drawMap(model, model.ranges, 0, model.steps.length, width,
        "Memory map over all steps; the tables of the groups' ranges say the same"), "map");
    const own = () => {
        const group = model.groups[chosen.group];
        return model.ranges.filter((range) => range.first <= group.last && range.last >= group.first);
    };
    const title = el("h3", {});
    const near = chart((width) => {
        const group = model.groups[chosen.group];
        return drawMap(model, own(), group.first, group.last + 1, width,
            `Memory map of group ${group.index + 1}; the table below says the same`);
    }, "map near");
    const rows = el("div", {});
    chosen.listeners.push(() => {
        const group = model.groups[chosen.group];
        title.textContent = `Group ${group.index + 1} alone`;
        rows.replaceChildren(unfolding(`The ${own().length} ranges of group ${group.index + 1} as a table`,
            () => table(`Ranges of group ${group.index + 1}`, rangeColumns(model), own())));
        drawAgain(near);
   });
    return section("memory", "The buffer over time",
        el("p", {text: "Addresses upwards, steps to the right: what lies where, as the format wavecore exports it. " +
            "Each group's picture repeats in all its iterations."}),
        contentLegend(model), whole, title, near, rows);
}
