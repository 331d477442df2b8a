// The page as a whole.

const SECTIONS = [
    ["verdict", "Verdict", verdict], ["groups", "Groups", groups], ["memory", "Buffer", memory],
    ["time", "Time", timeLine], ["traffic", "Traffic", traffic], ["planners", "Planners", planners],
    ["front", "Tradeoff", front], ["whatif", "What if", whatIf],
];

const TERMS = [
    ["sub-batch", "the samples that a group takes at a time; 1/14 is a fourteenth of one sample's rows"],
    ["group", "steps next to each other that hand their data on in the buffer"],
    ["staged", "a step whose operands are brought into the buffer whole, a sub-batch at a time"],
    ["streamed", "a step whose operands pass by, while its parameters stay in the buffer"],
    ["in passes", "a step that fits in no way: operands pass by, several times if need be"],
    ["pinned", "parameters that stay in the buffer through all iterations of a group"],
    ["wgrad, dgrad", "the steps of the backward phase that make a layer's weight gradient, and its input's gradient"],
    ["gsum", "the sum of gradients of a tensor that several layers read"],
    ["baseline", "layer by layer on the whole mini-batch, as training is done conventionally"],
    ["dp, ilp", "mbsopt's exact planners: the best groups and sub-batches; ilp also drops data where that pays"],
];

function section(id, title, ...children) {
    return el("section", {class: "card", id, "aria-labelledby": id + "-title"},
        el("h2", {id: id + "-title", text: title}), children);
}

function themeButton() {
    const themes = ["as the system", "light", "dark"];
    let at = 0;
    const button = el("button", {class: "theme", onclick: () => {
        at = (at + 1) % themes.length;
        show();
    }});
    const show = () => {
        button.textContent = "Theme: " + themes[at];
        if (at === 0) {
            delete document.documentElement.dataset.theme;
        } else {
            document.documentElement.dataset.theme = themes[at];
        }
    };
    show();
    return button;
}

function networkTabs(models) {
    const tabs = models.map((model) => el("button", {role: "tab", id: "tab-" + model.index, "aria-controls": "main",
        text: model.name, onclick: () => show(models, model.index)}));
    const list = el("div", {role: "tablist", class: "tabs", "aria-label": "Networks"}, tabs);
    list.addEventListener("keydown", (event) => {
        const by = {ArrowRight: 1, ArrowLeft: -1}[event.key];
        if (by) {
            const next = (chosen.model.index + by + models.length) % models.length;
            show(models, next);
            tabs[next].focus();
        }
   });
    return list;
}

function fillHead(models) {
    document.getElementById("head").replaceChildren(
        el("div", {class: "row"}, el("h1", {id: "title"}), themeButton()),
        el("ul", {class: "settings", id: "settings", "aria-label": "Settings"}),
        ...(models.length > 1 ? [networkTabs(models)] : []));
    document.getElementById("sections").replaceChildren(
        ...SECTIONS.map(([id, name]) => el("a", {href: "#" + id, text: name})));
}

function fillFoot(model) {
    const made = model.plan.made_by || {};
    document.getElementById("foot").replaceChildren(
        el("details", {}, el("summary", {text: "Terms"}), el("dl", {}, TERMS.map(([term, words]) =>
            [el("dt", {text: term}), el("dd", {text: words})]))),
        el("details", {}, el("summary", {text: `The machine: ${DATA.hardware.name}`}), el("dl", {class: "members"},
            Object.entries(DATA.hardware).map(([name, value]) => [el("dt", {text: name}), el("dd", {text: value})]))),
        el("p", {text: `Made by ${DATA.made_by} for ${made.hardware || DATA.hardware.name}` +
            `${made.hardware_digest ? " (" + made.hardware_digest + ")" : ""}: ${made.options || ""}. All figures are of ` +
            "one core and one step over the mini-batch; times and energies are estimates of its model."}));
}

function show(models, index) {
    const model = models[index];
    forgetCharts();
    chosen.model = model;
    chosen.group = 0;
    chosen.listeners = [];
    document.title = `${model.name} · mbsopt report`;
    document.getElementById("title").textContent = model.name;
    document.getElementById("settings").replaceChildren(...settings(model).map((words) => el("li", {text: words})));
    for (const tab of document.querySelectorAll("[role=tab]")) {
        const own = tab.id === "tab-" + index;
        tab.setAttribute("aria-selected", own);
        tab.setAttribute("tabindex", own ? "0" : "-1");
    }
    document.getElementById("main").replaceChildren(...SECTIONS.map((part) => part[2](model)));
    fillFoot(model);
    choose(0, false);
}

const models = DATA.networks.map(makeModel);
fillHead(models);
document.body.append(tip);
show(models, 0);
