// What the plan is worth: against layer by layer, and what is proven of it.

// Whether the plan's outcome and bound are said of all plans: ilp's are, and of what best calls dp's.
function isExact(plan) {
    const asked = /--planner (\S+)/.exec((plan.made_by || {}).options || "");
    return plan.planner.startsWith("ilp") || (asked !== null && asked[1] === "best");
}

function proof(plan) {
    const total = plan.traffic_bytes.total;
    const bound = plan.bound_bytes || 0;
    const gap = percent(total - bound, total);
    if (plan.outcome === "optimal" && isExact(plan)) {
        return ["proven", "Proven optimal", "No plan moves fewer bytes."];
    }
    if (plan.outcome === "optimal" && plan.objective && plan.objective !== "traffic") {
        return ["proven", "Optimal for " + plan.objective, `No plan that ${plan.planner} may choose takes less ` +
            `${plan.objective}: those that keep all data inside a group.`];
    }
    if (plan.outcome === "optimal") {
        return ["proven", "Optimal in its space", `No plan that ${plan.planner} may choose moves fewer bytes: those ` +
            "that keep all data inside a group. One of ilp, which may drop data, could (--planner ilp)."];
    }
    if (plan.given_bytes) {
        const less = percent(plan.given_bytes - total, plan.given_bytes).toFixed(2);
        const proven = plan.given_bound_bytes === plan.given_bytes;
        if (plan.given_bytes === total && proven) {
            return ["proven", "Proven optimal in the given order", "No plan with the network's own order of steps " +
                "moves fewer bytes, and no better order was found."];
        }
        return ["open", "Best order of steps found", plan.given_bytes === total ? "It is the network's own." :
            `${less} % less than ${proven ? "the proven optimum of" : "in"} the network's own order.`];
    }
    if (bound > 0) {
        return ["bounded", gap < 0.01 ? "Within 0.01 % of optimal" : `Within ${gap.toFixed(2)} % of optimal`,
            `No plan moves less than ${bytes(bound)}.`];
    }
    return ["open", "Heuristic", `What ${plan.planner} finds is not proven to be the best.`];
}

// A figure against the baseline's, and both as bars.
function figure(name, value, baseline, unit, less, more) {
    const worse = value > baseline * 1.0005;
    const widest = Math.max(value, baseline);
    const bar = (kind, size, words) => el("div", {class: "against"},
        el("span", {class: "who", text: words}),
        el("span", {class: "track"}, svg("svg", {viewBox: "0 0 100 10", preserveAspectRatio: "none",
            "aria-hidden": "true", class: "bar"}, svg("rect", {width: percent(size, widest), height: 10, class: kind}))),
        el("span", {class: "amount", text: unit(size)}));
    return el("div", {class: "figure" + (worse ? " worse" : "")},
        el("h3", {text: name}),
        el("p", {class: "big", text: unit(value)}),
        el("p", {class: "change", text: change(value, baseline, less, more) + " than layer by layer"}),
        bar("plan", value, "this plan"), bar("base", baseline, "baseline"));
}

function settings(model) {
    const plan = model.plan;
    return [
        plan.phase, `${count(plan.batch, "sample")} per core`, `${space(model.buffer)} buffer`,
        DATA.hardware.name, `${plan.planner}${plan.objective ? " for " + plan.objective : ""}`,
    ];
}

function notesOf(model) {
    const notes = [...model.placing];
    const more = model.why.one_mib_more;
    if (more) {
        const total = model.plan.traffic_bytes.total;
        notes.push(`With 1 MiB more of buffer ${more.planner} would move ${bytes(more.traffic_bytes.total)}, ` +
            change(more.traffic_bytes.total, total, "less", "more") + ".");
    }
    notes.push(`At most ${bytes(model.plan.dram_peak.bytes)} must be in DRAM at a time, in group ` +
        `${model.plan.dram_peak.group + 1}.`);
    if (model.replaced > 0) {
        notes.push(count(model.replaced, "batch norm is", "batch norms are") + " planned as " +
            (model.replaced === 1 ? "a group norm" : "group norms") +
            ", for a batch norm needs the whole mini-batch at once (--batch-norm keep).");
    }
    if (/--max-dram /.test((model.plan.made_by || {}).options || "")) {
        notes.push("The limit of DRAM holds for this plan and those between traffic and time, not for the other planners, " +
            "buffers and batches below.");
    }
    const slower = model.plan.time_s > model.baseline.time_s * 1.0005;
    const quick = model.rows.find((row) => row.planner === "dp-time");
    if (slower) {
        notes.push("This plan moves less but takes longer than layer by layer: small sub-batches fill the array badly.");
    }
    if (quick && quick.time_s < model.plan.time_s * 0.99) {
        notes.push(`A plan for least time (--objective time) would take ${seconds(quick.time_s)}, ` +
            `${change(quick.time_s, model.plan.time_s, "less", "more")}, and move ${bytes(quick.traffic_bytes.total)}, ` +
            `${change(quick.traffic_bytes.total, model.plan.traffic_bytes.total, "less", "more")}.`);
    }
    return notes;
}

function verdict(model) {
    const plan = model.plan;
    const base = model.baseline;
    const [kind, title, words] = proof(plan);
    const notes = notesOf(model);
    return section("verdict", "Verdict",
        el("p", {class: "lead"}, `A ${plan.phase === "inference" ? "pass over a mini-batch" : "training step"} moves `,
            el("strong", {text: bytes(plan.traffic_bytes.total)}), " through DRAM per core, ",
            el("strong", {text: change(plan.traffic_bytes.total, base.traffic_bytes.total, "less", "more")}),
            " than layer by layer (baseline)."),
        el("div", {class: "figures"},
            figure("DRAM traffic", plan.traffic_bytes.total, base.traffic_bytes.total, bytes, "less", "more"),
            figure("Time", plan.time_s, base.time_s, seconds, "less", "more"),
            figure("Energy", plan.energy_j, base.energy_j, joules, "less", "more")),
        el("p", {class: "proof " + kind}, el("strong", {text: title + ". "}), words),
        notes.length > 0 ? el("ul", {class: "notes"}, notes.map((note) => el("li", {text: note}))) : null);
}
