// The time line: how long each group and step takes, and what keeps it busy.

const LANE = 64;

// How busy something is, step by step, as an area.
function busyPath(model, starts, scale, part, top) {
    let d = "";
    model.steps.forEach((step, k) => {
        const busy = step.time > 0 ? Math.min(1, step[part] / step.time) : 0;
        const width = step.time * scale;
        if (width > 0 && busy > 0) {
            const height = busy * LANE;
            d += `M${(starts[k] * scale).toFixed(2)} ${(top + LANE).toFixed(1)}v${(-height).toFixed(2)}` +
                `h${width.toFixed(2)}v${height.toFixed(2)}z`;
        }
   });
    return d;
}

function drawTime(model, width) {
    const left = width < 500 ? 8 : 64;
    const room = width - left - 8;
    const starts = [];
    let total = 0;
    for (const step of model.steps) {
        starts.push(total);
        total += step.time;
    }
    const scale = total > 0 ? room / total : 0;
    const lanes = [["compute", "t0", "computing", EDGE + CHIP + 22], ["dram", "t3", "DRAM busy", EDGE + CHIP + 22 + LANE + 24]];
    const bottom = lanes[1][3] + LANE;
    const parts = [];
    for (const [part, kind, name, top] of lanes) {
        parts.push(svg("rect", {x: left, y: top, width: room, height: LANE, class: "ground"}));
        parts.push(svg("path", {class: kind, transform: `translate(${left} 0)`,
            d: busyPath(model, starts, scale, part, top)}));
        parts.push(text(left, top - 5, name, {class: "tick"}));
        if (left > 50) {
            parts.push(text(left - 7, top + 10, "100 %", {class: "tick", "text-anchor": "end"}),
                text(left - 7, top + LANE, "0", {class: "tick", "text-anchor": "end"}));
        }
    }
    const unit = SECONDS.find(([least]) => total >= least) || SECONDS[SECONDS.length - 1];
    for (const tick of ticks(total / unit[0], Math.floor(room / 90))) {
        const x = left + tick * unit[0] * scale;
        parts.push(line(x, bottom, x, bottom + 4, "axis"), text(x, bottom + 17, +tick.toPrecision(6) + " " + unit[1],
            {class: "tick", "text-anchor": x > width - 40 ? "end" : tick === 0 ? "start" : "middle"}));
    }
    const marks = chipList(model, "Groups on the time line", (group) => {
        const from = left + starts[group.first] * scale;
        return [chip(model, group, from + 0.5, EDGE, group.time * scale - 1, CHIP),
            svg("rect", {x: from, y: lanes[0][3], width: group.time * scale, height: bottom - lanes[0][3],
                class: "span", "data-group": group.index})];
   });
    const drawing = picture(width, bottom + 24, "", parts, marks);
    drawing.setAttribute("role", "group");
    drawing.setAttribute("aria-label", "Time line of the groups: how busy computation and DRAM are");
    return tells(drawing, (x) => {
        const time = (x - left) / scale;
        if (time < 0 || time >= total) {
            return null;
        }
        let k = starts.findIndex((start) => start > time);
        k = (k < 0 ? starts.length : k) - 1;
        return {lines: stepLines(model, model.steps[k]), group: model.steps[k].group};
   });
}

function timeLine(model) {
    const bound = percent(sum(model.steps, (step) => (step.dram > step.compute ? step.time : 0)), model.plan.time_s);
    return section("time", "Time line",
        el("p", {text: `${seconds(model.plan.time_s)} on ${DATA.hardware.name}; for ${bound.toFixed(1)} % of it the ` +
            "array and the vector unit wait for DRAM. All iterations of a step are drawn as one."}),
        chart((width) => drawTime(model, width), "time"),
        unfolding("The groups' times as a table", () => table("Time by group", [
            {head: "Group", cell: (group) => String(group.index + 1)},
            {head: "Steps", cell: (group) => spanOf(group, 26)},
            {head: "Time", number: true, cell: (group) => seconds(group.time)},
            {head: "Computing, %", number: true, cell: (group) => percent(group.compute, group.time).toFixed(0)},
            {head: "DRAM busy, %", number: true, cell: (group) => percent(group.dram, group.time).toFixed(0)},
            {head: "Energy", number: true, cell: (group) => joules(group.energy)},
        ], model.groups, (group) => ({"data-group": group.index}))));
}
