"""mbsopt report: what a browser makes of the page."""

import itertools
import pathlib
import re
import subprocess
import tempfile
import unittest

from browser import CHROMIUM, Browser
from harness import ALEXNET, PROGRAM, RESNET50, environment
from paging import HOSTILE, HOSTILE_NETWORK, SMALL_SWEEP, data_of

# Text that is seen, whose contrast with what is behind it is too low.
POOR_TEXT = """(() => {
    const parts = (colour) => (colour.match(/[\\d.]+/g) || []).map(Number);
    const linear = (c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
    const ground = (node) => {
        if (node.closest(".chip") && node.closest("svg")) {
            return parts(getComputedStyle(node.closest(".chip").querySelector("rect")).fill);
        }
        for (; node; node = node.parentElement) {
            const found = parts(getComputedStyle(node).backgroundColor);
            if (found.length === 3 || found[3] > 0) { return found; }
        }
        return [255, 255, 255];
    };
    const poor = [];
    for (const node of document.body.querySelectorAll("*")) {
        const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim());
        if (!own || node.closest("script, style, noscript, .hidden, [hidden], :disabled, .skip")) { continue; }
        const style = getComputedStyle(node);
        const ink = parts(node.namespaceURI.endsWith("svg") ? style.fill : style.color);
        const [a, b] = [light(ink), light(ground(node))].sort((x, y) => y - x);
        if ((a + 0.05) / (b + 0.05) < 4.5) {
            poor.push(`${node.textContent.slice(0, 40)} ${ink}/${ground(node)}`);
        }
    }
    return poor;
})()"""

# What reaches beyond the window but may be scrolled by itself
WIDE = """[...document.querySelectorAll("body *")]
    .filter((node) => !node.closest(".scroll, .hidden, .skip, svg *, pre") && node.getBoundingClientRect().right > innerWidth + 0.5).map((node) => node.tagName + "." + node.className)"""

UNDRAWN = """[...document.querySelectorAll(".chart")].filter((chart) => !chart.querySelector("svg path, svg rect"))
    .map((chart) => chart.className)"""

# What a screen reader could not name, and names that stand for two things
UNNAMED = """(() => {
    const all = (which) => [...document.querySelectorAll(which)];
    const ids = all("[id]").map((node) => node.id);
    return [...all("svg[role]").filter((node) => !node.getAttribute("aria-label")),
        ...all("[aria-labelledby]").filter((node) => !ids.includes(node.getAttribute("aria-labelledby"))),
        ...all("input").filter((node) => !node.labels.length),
        ...all("button").filter((node) => !node.textContent)].map((node) => node.outerHTML.slice(0, 80))
        .concat(ids.filter((id, i) => ids.indexOf(id) !== i));
})()"""

SMALLEST_TEXT = """Math.min(...[...document.querySelectorAll(".chart svg text")].map((node) =>
    parseFloat(getComputedStyle(node).fontSize) * node.ownerSVGElement.getBoundingClientRect().width /
    node.ownerSVGElement.viewBox.baseVal.width))"""


# Same rounding as the page's
def three_digits(value, units):
    factor, name = next(((size, name) for size, name in units if value >= size * 0.9995), units[-1])
    value /= factor
    decimals = max(0, 2 - (len(str(int(value))) - 1)) if value >= 1 else 2
    return f"{value:.{decimals}f} {name}"


def gigabytes(value):
    return three_digits(value, [(1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1, "B")])


def milliseconds(value):
    return three_digits(value, [(1, "s"), (1e-3, "ms"), (1e-6, "µs")])


@unittest.skipUnless(CHROMIUM, "needs Debian's chromium")
class InBrowser(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="mbsopt-test-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.page = cls.folder / "resnet50.html"
        cls.two = cls.folder / "two.html"
        (cls.folder / "hostile.json").write_text(HOSTILE_NETWORK)
        for words in ([RESNET50, "-o", cls.page], [cls.folder / "hostile.json", ALEXNET, *SMALL_SWEEP, "-o", cls.two]):
            subprocess.run([PROGRAM, "report", *map(str, words)], check=True, stderr=subprocess.DEVNULL,
                           env=environment())
        cls.data = data_of(cls.page.read_text())
        cls.browser = Browser()
        cls.addClassCleanup(cls.browser.close)

    def open(self, page, width=1280, scheme="light"):
        self.browser.size(width, 900)
        self.browser.scheme(scheme)
        self.browser.open(page)
        return self.browser.run

    def tearDown(self):
        self.assertEqual(self.browser.complaints, [])
        self.assertTrue(all(url.startswith(("file://", "data:,")) for url in self.browser.requests))
        self.assertEqual(len([url for url in self.browser.requests if url.startswith("file:")]), 1)

    def test_loads(self):
        run = self.open(self.page)
        self.assertEqual(run("document.title"), "resnet50 · mbsopt report")
        self.assertIn("78.0 % less", run("document.querySelector('.lead').textContent"))
        self.assertEqual(run(UNDRAWN), [])
        self.assertEqual(run(UNNAMED), [])
        levels = run("[...document.querySelectorAll('h1, h2, h3, h4')].map(h => +h.tagName[1])")
        self.assertEqual(levels[0], 1)
        self.assertTrue(all(b <= a + 1 for a, b in itertools.pairwise(levels)), levels)

    def test_hostile_names_are_text(self):
        run = self.open(self.two)
        self.assertEqual(run("document.getElementById('title').textContent"), "<b>&test")
        self.assertEqual(run("document.querySelectorAll('img').length"), 0)
        self.assertIn(HOSTILE[0], run("document.getElementById('steps').textContent"))
        self.assertEqual(run("document.querySelectorAll('#main script, #main b, #main style').length"), 0)

    def test_networks_are_tabs(self):
        run = self.open(self.two)
        self.assertEqual(run("[...document.querySelectorAll('[role=tab]')].map(t => t.textContent + t.ariaSelected)"),
                         ["<b>&testtrue", "alexnetfalse"])
        run("document.querySelector('[role=tab][aria-selected=true]').focus()")
        self.browser.key("ArrowRight")
        self.browser.settle()
        self.assertEqual(run("document.getElementById('title').textContent"), "alexnet")
        self.assertEqual(run("document.activeElement.textContent"), "alexnet")
        self.assertGreater(run("document.querySelectorAll('.chart svg').length"), 5)
        self.assertIn("Geometric means over the 2 networks", run("document.getElementById('planners').textContent"))

    def test_slider_shows_the_sweep(self):
        run = self.open(self.page)
        buffers = sorted({row["buffer_bytes"] for row in self.data["sweep"]})
        self.assertEqual(run("document.getElementById('whatif-buffer').value"), str(buffers.index(10485760)))
        for batch, (place, size) in itertools.product((16, 32, 64), enumerate(buffers)):
            run(f"""(() => {{
                const slider = document.getElementById("whatif-buffer");
                slider.value = {place};
                slider.dispatchEvent(new Event("input"));
                const batches = [...document.querySelectorAll("input[name=batch]")];
                batches.find((one) => one.parentElement.textContent === "{batch}").click();
            }})()""")
            here = [row for row in self.data["sweep"] if (row["buffer_bytes"], row["batch"]) == (size, batch)]
            row, base = (next(row for row in here if row["planner"] == planner) for planner in ("dp", "baseline"))
            shown = run("[...document.querySelectorAll('#whatif .big')].map(n => n.textContent)")
            self.assertEqual(shown[:2], [gigabytes(row["total_bytes"]), milliseconds(row["time_s"])])
            less = 100 - 100 * row["total_bytes"] / base["total_bytes"]
            self.assertIn(f"{less:.1f} % less than layer by layer",
                          run("document.querySelector('#whatif .change').textContent"))
        before = run("document.querySelector('.sweep svg').getAttribute('aria-label')")
        run("document.getElementById('whatif-buffer').focus()")
        self.browser.key("ArrowLeft")
        self.assertEqual(run("document.getElementById('whatif-buffer').getAttribute('aria-valuetext')"), "40 MiB")
        self.assertNotEqual(run("document.querySelector('.sweep svg').getAttribute('aria-label')"), before)

    def test_every_group_by_keyboard(self):
        run = self.open(self.page)
        groups = self.data["networks"][0]["plan"]["groups"]
        pressed = 0
        while run("document.activeElement.getAttribute('role')") != "option":
            self.browser.key("Tab")
            pressed += 1
            self.assertLess(pressed, 20)
        seen = []
        for key in ["Home"] + ["ArrowRight"] * (len(groups) - 1):
            self.browser.key(key)
            seen.append(run("""[document.getElementById("steps-title").textContent.split(":")[0],
                document.activeElement.getAttribute("aria-selected"),
                document.querySelectorAll("#steps tbody tr").length]"""))
        self.assertEqual(seen, [[f"Group {g + 1}", "true", group["last"] - group["first"] + 1]
                                for g, group in enumerate(groups)])
        self.browser.key("Enter") # and on to its steps
        self.assertEqual(run("document.activeElement.id"), "steps-title")

    def test_every_plan_of_the_front_by_keyboard(self):
        run = self.open(self.page)
        rows = self.data["networks"][0]["front"]["plans"]
        self.assertGreater(len(rows), 4)
        plan = self.data["networks"][0]["plan"]
        own = [(row["traffic_bytes"], row["time_s"]) == (plan["traffic_bytes"]["total"], plan["time_s"]) for row in rows]
        heads = [row["options"] + " (this plan)" * mine for row, mine in zip(rows, own)]
        shown = run("[...document.querySelectorAll('#front tbody tr')].map(row => [...row.cells].map(c => c.textContent))")
        for row, head, cells in zip(rows, heads, shown):
            self.assertEqual(cells[:2], [head, gigabytes(row["traffic_bytes"])])
            self.assertEqual(cells[3], milliseconds(row["time_s"]))
        self.assertEqual([cells[0] for cells in shown[len(rows):]], ["this plan"] * (not any(own)) + ["--planner baseline"])
        run("document.querySelector('#front .scroll').focus()")
        self.browser.key("Tab", shift=True) # back from the table to the marks
        seen = []
        for key in ["Home"] + ["ArrowRight"] * len(rows): # one more than there are
            self.browser.key(key)
            seen.append(run("""[document.activeElement.getAttribute("aria-label").split(":")[0],
                document.activeElement.getAttribute("aria-selected"), document.getElementById("front-said").textContent.split(":")[0],
                document.querySelector("#front tr.chosen th").textContent]"""))
        expected = [[f"plan {i + 1} of {len(rows)}, {row['options']}", "true", row["options"], head]
                    for i, (row, head) in enumerate(zip(rows, heads))]
        self.assertEqual(seen, expected + expected[-1:])
        self.assertEqual(run("document.querySelectorAll('#front [aria-selected=true]').length"), 1)

    def test_pointer_goes_from_a_group_to_its_steps(self):
        run = self.open(self.page)
        self.assertEqual(run("document.querySelector('.tip').hidden"), True)
        for place in (".groups", ".map", ".time"):
            run(f"document.querySelector('{place}').scrollIntoView({{block: 'center'}})")
            x, y = run(f"""((box) => [box.right - 60, box.top + box.height / 2 + 30])(
                document.querySelector("{place} svg").getBoundingClientRect())""")
            self.browser.ask("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
            said = run("document.querySelector('.tip').hidden ? null : document.querySelector('.tip').textContent")
            self.assertIsNotNone(said, place)
            hovered = run("document.querySelector('.hovered').dataset.group")
            for kind in ("mousePressed", "mouseReleased"):
                self.browser.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)
            self.browser.settle()
            self.assertEqual(run("document.getElementById('steps-title').textContent").split(":")[0],
                             f"Group {int(hovered) + 1}")

    def test_text_can_be_read(self):
        for scheme in ("light", "dark"):
            run = self.open(self.page, scheme=scheme)
            run("document.querySelectorAll('details').forEach(d => d.open = true)")
            self.browser.settle()
            self.assertEqual(run(POOR_TEXT), [])
            ground = run("getComputedStyle(document.body).backgroundColor")
            self.assertEqual(sum(map(int, re.findall(r"\d+", ground))) > 380, scheme == "light")

    def test_plans_of_all_kinds(self):
        """What is said of their proof, whichever planner, objective and phase; nothing goes wrong in drawing them."""
        page = self.folder / "one.html"
        for says, words in {
                "Optimal in its space. ": ["--planner", "dp"],
                "Proven optimal. ": ["--planner", "best", "--order", "given"],
                "Proven optimal in the given order. ": ["--planner", "best"],
                "Within ": ["--planner", "ilp", "--time-limit", "0"],
                "Optimal for energy. ": ["--planner", "dp", "--objective", "energy", "--no-strips", "--inference"],
                "Heuristic. What mbs2 ": ["--planner", "mbs2"],
                "Heuristic. What baseline ": ["--planner", "baseline"],
                "Heuristic. What dp+auto ": ["--planner", "dp", "--recompute", "auto"],
                "": ["--buffer", "64KiB", "--batch", "1"]}.items():
            subprocess.run([PROGRAM, "report", ALEXNET, *words, "--sweep-buffer", "1MiB", "--sweep-batch", "1",
                            "-o", page], check=True, stderr=subprocess.DEVNULL, env=environment())
            run = self.open(page)
            self.assertTrue(run("document.querySelector('.proof').textContent").startswith(says), words)
            self.assertEqual(run(UNDRAWN), [])
            self.assertEqual(self.browser.complaints, [], words)

    def test_theme_may_be_chosen(self):
        run = self.open(self.page)
        grounds = []
        for _ in range(3):
            run("document.querySelector('.theme').click()")
            grounds.append(run("getComputedStyle(document.body).backgroundColor"))
        self.assertEqual(grounds[0], grounds[2])
        self.assertNotEqual(grounds[0], grounds[1])

    def test_narrow(self):
        """1280 pixels at 400 % are 320: nothing is cut off or needs scrolling sideways but tables."""
        for page in (self.page, self.two):
            run = self.open(page, width=320)
            run("document.querySelectorAll('details').forEach(d => d.open = true)")
            self.browser.settle()
            self.assertLessEqual(run("document.documentElement.scrollWidth"), 320)
            self.assertEqual(run(WIDE), [])
            self.assertGreaterEqual(run(SMALLEST_TEXT), 10.5)

    def test_prints(self):
        self.open(self.page)
        pdf = self.browser.printed()
        self.assertTrue(pdf.startswith(b"%PDF"))
        self.assertIn(len(re.findall(rb"/Type\s*/Page\b", pdf)), range(4, 10))
        self.assertEqual(self.browser.run("document.querySelectorAll('details[open]').length"), 0) # as it was


if __name__ == "__main__":
    unittest.main()
