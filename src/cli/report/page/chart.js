// Drawings that follow the width of their place, the note beside the pointer, and the group that is chosen.

const charts = [];
const PRINTED_WIDTH = 680;

// A place for a drawing; draw(width) returns an SVG element. It is drawn anew when its width changes.
function chart(draw, name) {
    const host = el("div", {class: "chart " + name});
    const own = {host, draw, width: 0};
    charts.push(own);
    observer.observe(host);
    return host;
}

function redraw(own, width) {
    if (width > 0 && width !== own.width) {
        own.width = width;
        own.host.replaceChildren(own.draw(width));
        markChosen(own.host);
    }
}

// The same with other data.
function drawAgain(host) {
    const own = charts.find((one) => one.host === host);
    if (own && own.width > 0) {
        const width = own.width;
        own.width = 0;
        redraw(own, width);
    }
}

const observer = new ResizeObserver((entries) => {
    for (const entry of entries) {
        const own = charts.find((one) => one.host === entry.target);
        if (own) {
            redraw(own, Math.floor(entry.contentRect.width));
        }
    }
});

function forgetCharts() {
    observer.disconnect();
    charts.length = 0;
}

// Paper has a width of its own, and the table of the groups in place of one group's steps.
window.addEventListener("beforeprint", () => {
    charts.forEach((own) => redraw(own, PRINTED_WIDTH));
    document.querySelectorAll("details.printed:not([open])").forEach((details) => {
        details.dispatchEvent(new Event("fill"));
        details.open = true;
        details.classList.add("opened");
   });
});
window.addEventListener("afterprint", () => {
    charts.forEach((own) => redraw(own, Math.floor(own.host.clientWidth)));
    document.querySelectorAll("details.opened").forEach((details) => {
        details.open = false;
        details.classList.remove("opened");
   });
});

function picture(width, height, label, ...children) {
    return svg("svg", {
        viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": label,
    }, children);
}

// One path of many rectangles [x, y, width, height].
function boxes(list, attributes) {
    const d = list.map(([x, y, w, h]) => `M${x.toFixed(2)} ${y.toFixed(2)}h${w.toFixed(2)}v${h.toFixed(2)}` +
        `h${(-w).toFixed(2)}z`).join("");
    return svg("path", {d, ...attributes});
}

function text(x, y, words, attributes) {
    return svg("text", {x, y, ...attributes, text: words});
}

function line(x1, y1, x2, y2, name) {
    return svg("line", {x1, y1, x2, y2, class: name});
}

// Names below an axis, as many as have room: the i-th of `many` stands at x(i) and is nameOf(i).
function nameTicks(many, x, nameOf, y, left, right) {
    const every = Math.max(1, Math.ceil(many / Math.max(1, Math.floor((right - left) / 112))));
    const names = [];
    for (let i = 0; i < many; i += every) {
        const half = 3.2 * Math.min(15, nameOf(i).length);
        names.push(text(clamp(x(i), left + half, Math.max(left + half, right - half)), y, shorten(nameOf(i), 15),
            {class: "tick", "text-anchor": "middle"}));
    }
    return names;
}

// Round numbers from 0 to at most `most`, about `wanted` of them.
function ticks(most, wanted) {
    const raw = most / Math.max(1, wanted);
    const power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= raw * 0.999);
    const list = [];
    for (let i = 0; i * step <= most * 1.0001; i++) {
        list.push(i * step);
    }
    return list;
}

// ---- The note beside the pointer

const tip = el("div", {class: "tip", "aria-hidden": "true", hidden: true});

function showTip(event, lines) {
    tip.replaceChildren(...lines.map((words, i) => el(i === 0 ? "strong" : "span", {text: words})));
    tip.hidden = false;
    const room = document.documentElement.clientWidth;
    const left = clamp(event.clientX + 14, 4, Math.max(4, room - tip.offsetWidth - 4));
    const below = event.clientY + 18 + tip.offsetHeight < window.innerHeight;
    tip.style.left = left + "px";
    tip.style.top = (below ? event.clientY + 18 : event.clientY - tip.offsetHeight - 12) + "px";
}

function hideTip() {
    tip.hidden = true;
    hoverGroup(null);
}

// A drawing tells of what is under the pointer: find(x, y) gives {lines, group} or null; a click chooses the group.
function tells(drawing, find) {
    const place = (event) => {
        const box = drawing.getBoundingClientRect();
        const scale = drawing.viewBox.baseVal.width / box.width;
        return find((event.clientX - box.left) * scale, (event.clientY - box.top) * scale);
    };
    drawing.addEventListener("pointermove", (event) => {
        const found = place(event);
        if (found) {
            showTip(event, found.lines);
            hoverGroup(found.group);
        } else {
            hideTip();
        }
   });
    drawing.addEventListener("pointerleave", hideTip);
    drawing.addEventListener("click", (event) => {
        const found = place(event);
        if (found && found.group !== undefined && found.group !== null) {
            choose(found.group, true);
        }
   });
    return drawing;
}

// ---- The group that is chosen, and the one under the pointer

const chosen = {model: null, group: 0, listeners: []};

function markChosen(within) {
    for (const node of within.querySelectorAll("[data-group]")) {
        const own = Number(node.dataset.group) === chosen.group;
        node.classList.toggle("chosen", own);
        if (node.getAttribute("role") === "option") {
            node.setAttribute("aria-selected", own);
            node.setAttribute("tabindex", own ? "0" : "-1");
        }
    }
}

// `shows`: whoever chose it wants to see its steps.
function choose(group, shows) {
    chosen.group = clamp(group, 0, chosen.model.groups.length - 1);
    markChosen(document);
    chosen.listeners.forEach((listener) => listener(shows));
}

function hoverGroup(group) {
    for (const node of document.querySelectorAll("[data-group]")) {
        node.classList.toggle("hovered", group !== null && Number(node.dataset.group) === group);
    }
}

// What is said of a step beside the pointer.
function stepLines(model, step) {
    const group = model.groups[step.group];
    return [
        step.name,
        `group ${step.group + 1}, ${portionWords(group)} at a time`,
        `${space(held(step))} of the buffer, ${step.mode}`,
        `${bytes(step.total)} through DRAM, ${seconds(step.time)}, bound by ${boundBy(step)}`,
    ];
}
