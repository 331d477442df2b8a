// The steps of the group that is chosen.

function stepColumns(model) {
    return [
        {head: "Step", cell: (step) => step.name},
        {head: "Kind", cell: (step) => step.kind},
        {head: "Operands", cell: (step) => step.mode},
        {head: "Holds, MiB", number: true, cell: (step) => el("span", {class: "held"},
            svg("svg", {viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true"},
                svg("rect", {width: percent(held(step), model.capacity), height: 10})),
            mebi(held(step)))},
        ...TRAFFIC.map((name, c) => ({head: name[0].toUpperCase() + name.slice(1) + ", MB", number: true,
            cell: (step) => mega(step.traffic[c])})),
        {head: "Time", number: true, cell: (step) => seconds(step.time)},
        {head: "Bound by", cell: (step) => (step.time > 0 ? boundBy(step) : "–")},
    ];
}

function groupWords(model, group) {
    const repeats = group.iterations === 1 ? "once, with the whole mini-batch" :
        `${group.iterations} times, with ${portionWords(group)} at a time`;
    const words = [`Runs ${count(group.steps.length, "step")} ${repeats}.`,
        `It needs ${mebi(group.peak)} of ${mebi(model.capacity)} MiB; most lies there at ${group.tight.name}.`];
    if (group.passes > 1) {
        words.push(`It does not fit and reads its operands ${group.passes} times.`);
    }
    words.push(`It moves ${bytes(group.total)} (${percent(group.total, model.plan.traffic_bytes.total).toFixed(1)} % of ` +
        `the plan's traffic) and takes ${seconds(group.time)} and ${joules(group.energy)}, bound by ${boundBy(group)}.`);
    return words.join(" ");
}

function stepsPanel(model) {
    const title = el("h3", {id: "steps-title", tabindex: "-1"});
    const words = el("p", {});
    const why = el("ul", {class: "why"});
    const rows = el("div", {});
    const turn = (by) => choose(chosen.group + by, false);
    const before = el("button", {text: "← Previous", onclick: () => turn(-1)});
    const after = el("button", {text: "Next →", onclick: () => turn(1)});
    const panel = el("section", {class: "panel", id: "steps", "aria-labelledby": "steps-title"},
        el("div", {class: "row"}, title, el("div", {class: "buttons"}, before, after)), words,
        el("details", {}, el("summary", {text: "Why it begins, ends and takes so much at a time"}), why), rows);
    const live = el("p", {class: "hidden", "aria-live": "polite"});
    panel.append(live);
    chosen.listeners.push((shows) => {
        const group = model.groups[chosen.group];
        title.textContent = `Group ${group.index + 1}: ${spanOf(group, 30)}`;
        words.textContent = groupWords(model, group);
        // what the first sentence says stands above
        why.replaceChildren(...model.why.groups[chosen.group].sentences.slice(1).map((said) => el("li", {text: said})));
        rows.replaceChildren(table(`Steps of group ${group.index + 1}`, stepColumns(model), group.steps));
        before.disabled = group.index === 0;
        after.disabled = group.index === model.groups.length - 1;
        live.textContent = title.textContent;
        if (shows) {
            title.focus({preventScroll: true});
            panel.scrollIntoView({block: "nearest"});
        }
   });
    return panel;
}
