// Elements, numbers and words.

const SVG = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
    for (const [name, value] of Object.entries(attributes || {})) {
        if (name === "text") {
            node.textContent = value;
        } else if (name.startsWith("on")) {
            node.addEventListener(name.slice(2), value);
        } else if (value !== null && value !== undefined && value !== false) {
            node.setAttribute(name, value === true ? "" : String(value));
        }
    }
    for (const child of children.flat(Infinity)) {
        if (child !== null && child !== undefined) {
            node.append(child); // strings become text, whatever is in them
        }
    }
    return node;
}

function el(tag, attributes, ...children) {
    return fill(document.createElement(tag), attributes, children);
}

function svg(tag, attributes, ...children) {
    return fill(document.createElementNS(SVG, tag), attributes, children);
}

function sum(list, of) {
    return list.reduce((total, item) => total + of(item), 0);
}

function clamp(value, low, high) {
    return Math.max(low, Math.min(high, value));
}

// ---- Numbers

function digits(value, count) {
    if (!Number.isFinite(value)) {
        return "–";
    }
    const decimals = value === 0 ? 0 : clamp(count - 1 - Math.floor(Math.log10(Math.abs(value))), 0, 9);
    return value.toFixed(decimals);
}

function scaled(value, units, count) {
    const size = Math.abs(value);
    const [factor, name] = units.find(([least]) => size >= least * 0.9995) || units[units.length - 1];
    return digits(value / factor, count) + " " + name;
}

const BYTES = [[1e12, "TB"], [1e9, "GB"], [1e6, "MB"], [1e3, "kB"], [1, "B"]];
const SECONDS = [[1, "s"], [1e-3, "ms"], [1e-6, "µs"], [1e-9, "ns"]];
const JOULES = [[1, "J"], [1e-3, "mJ"], [1e-6, "µJ"], [1e-9, "nJ"]];
const SPACE = [[2 ** 40, "TiB"], [2 ** 30, "GiB"], [2 ** 20, "MiB"], [2 ** 10, "KiB"], [1, "bytes"]];

function bytes(value) {
    return value === 0 ? "0 B" : scaled(value, BYTES, 3);
}

function seconds(value) {
    return value === 0 ? "0 s" : scaled(value, SECONDS, 3);
}

function joules(value) {
    return value === 0 ? "0 J" : scaled(value, JOULES, 3);
}

// What lies in the buffer, in units of 1024: exact where that is short.
function space(value) {
    const [factor, name] = SPACE.find(([least]) => value >= least) || SPACE[SPACE.length - 1];
    const number = value / factor;
    return (Number.isInteger(number * 100) ? String(number) : digits(number, 3)) + " " + name;
}

function mebi(value) {
    return (value / 2 ** 20).toFixed(2);
}

function mega(value) {
    return value === 0 ? "0" : value < 5e4 ? "< 0.1" : (value / 1e6).toFixed(1);
}

function count(number, one, many) {
    return number + " " + (number === 1 ? one : many || one + "s");
}

function percent(part, whole) {
    return whole > 0 ? 100 * part / whole : 0;
}

// "77.6 % less", "18 % more", "the same"
function change(value, than, less, more) {
    const by = percent(value - than, than);
    if (Math.abs(by) < 0.05) {
        return "the same";
    }
    return Math.abs(by).toFixed(1) + " % " + (by < 0 ? less : more);
}

// ---- Names

// The middle of a long name is what tells it least apart.
function shorten(name, most) {
    if (name.length <= most) {
        return name;
    }
    const head = Math.ceil((most - 1) / 2);
    return name.slice(0, head) + "…" + name.slice(name.length - (most - 1 - head));
}

// ---- Tables

// columns: [{head, title, cell(row), number}], cells are text or nodes.
function table(caption, columns, rows, attributes) {
    const head = el("tr", {}, columns.map((column) => el("th", {
        scope: "col", class: column.number ? "number" : null, title: column.title, text: column.head,
    })));
    const body = rows.map((row) => {
        const cells = columns.map((column, i) => el(i === 0 ? "th" : "td", {
            scope: i === 0 ? "row" : null, class: column.number ? "number" : null,
        }, column.cell(row)));
        return el("tr", attributes ? attributes(row) : {}, cells);
   });
    return el("div", {class: "scroll", role: "region", tabindex: "0", "aria-label": caption},
        el("table", {}, el("caption", {text: caption}), el("thead", {}, head), el("tbody", {}, body)));
}

// What is drawn, as a table for who cannot see it or wants the figures, or more on it. `make` is called once it is
// opened.
function unfolding(title, make, name) {
    const details = el("details", {class: name}, el("summary", {text: title}));
    const fillIn = () => {
        if (details.children.length === 1) {
            details.append(make());
        }
    };
    details.addEventListener("toggle", fillIn);
    details.addEventListener("fill", fillIn); // at once, for paper
    return details;
}

function legend(title, items) {
    return el("ul", {class: "legend", "aria-label": title}, el("li", {"aria-hidden": "true", text: title + ":"}), items.map(([name, text]) =>
        el("li", {}, el("span", {class: "swatch " + name, "aria-hidden": "true"}), text)));
}
