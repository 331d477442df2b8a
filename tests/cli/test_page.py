"""mbsopt report: what is in the page, and where it goes."""

import base64
import hashlib
import html
import itertools
import json
import pathlib
import re
import signal
import subprocess
import time
import unittest

import colours
from harness import (ALEXNET, BAD_INPUT, NO_PLAN, PROGRAM, RESNET50, ROOT, SYSTEM, USAGE, CliTest, environment, heed_interrupts,
                     run_on_terminal)
from paging import HOSTILE, HOSTILE_NETWORK, SMALL_SWEEP, data_of

STYLE = (ROOT / "src/cli/report/page/style.css").read_text()


def allowed(policy, directive, text):
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"{directive} 'sha256-{digest}'" in policy


def catches_interrupts(process):
    caught = re.search(r"^SigCgt:\s*(\w+)$", pathlib.Path(f"/proc/{process}/status").read_text(), re.M).group(1)
    return int(caught, 16) >> (signal.SIGINT - 1) & 1


# What of plan files and explanations no part of the page shows
LEFT_OUT = {"id", "elements", "rows", "maps", "reads", "weight_bytes", "gemm", "conv", "accumulator_bytes", "resident",
            "pinned", "classes", "peak", "with_group_before", "with_group_after", "cut", "limit"}


def lean(document):
    if isinstance(document, list):
        return [lean(item) for item in document]
    if isinstance(document, dict):
        return {name: lean(value[:10] if name == "movers" else value) for name, value in document.items()
                if name not in LEFT_OUT}
    return document


class Page(CliTest):
    def report(self, *words, **more):
        path = self.folder / "page.html"
        self.succeed("report", *words, "-o", path, **more)
        return path.read_text()

    def test_holds_what_the_other_commands_say(self):
        one = ["--batch", 64, "--buffer", "8MiB"]
        own = [ALEXNET, *one, "--planner", "dp", "--no-pin"]
        page = data_of(self.report(*own, *SMALL_SWEEP))
        plan = json.loads(self.succeed("plan", *own, "--format", "json").out)
        self.assertEqual(page["networks"][0]["plan"], lean(plan))
        why = json.loads(self.succeed("explain", *own, "--format", "json").out)
        self.assertEqual(page["networks"][0]["explanation"], lean(why))
        front = json.loads(self.succeed("tradeoff", *own, "--points", 8, "--format", "json").out)
        self.assertEqual(page["networks"][0]["front"], front)
        rows = self.succeed("compare", ALEXNET, *one, "--planner", "baseline,archopt,il,mbs-fs,mbs1,mbs2",
                            "--format", "json").out
        compared = page["comparison"]["networks"][0]["plans"]
        self.assertEqual(compared[:6], json.loads(rows)["networks"][0]["plans"])
        self.assertEqual([row["planner"] for row in compared[6:]], ["dp-no-strips", "dp", "dp-time"])
        self.assertEqual(compared[7]["traffic_bytes"], plan["traffic_bytes"]) # without pinning, too
        self.assertLessEqual(compared[8]["time_s"], compared[7]["time_s"])
        swept = self.succeed("sweep", ALEXNET, "--buffer", "5MiB,10MiB", "--batch", "16,32", "--planner", "baseline",
                             "--format", "jsonl").out.splitlines()
        rows = [row for row in page["sweep"] if row["planner"] == "baseline"]
        for row, other in zip(rows, map(json.loads, swept), strict=True):
            self.assertEqual({**row, "index": 0}, {**other, "index": 0})

    def test_steps_and_ranges_are_the_plan_s(self):
        for words in ([RESNET50], [RESNET50, "--buffer", "1MiB"], [ALEXNET, "--inference"]):
            shown = data_of(self.report(*words, "--sweep-buffer", "10MiB", "--sweep-batch", "32"))["networks"][0]
            plan = json.loads(self.succeed("plan", *words, "--format", "json").out)
            traffic = plan["traffic_bytes"]
            self.assertEqual([sum(step[c] for step in shown["steps"]) for c in range(4)],
                             [traffic[c] for c in ("activation_read", "activation_write", "weight_read",
                                                   "weight_gradient")])
            self.assertAlmostEqual(sum(step[4] for step in shown["steps"]) / plan["time_s"], 1, places=4)
            self.assertEqual(len(shown["layers"]), len(plan["steps"]))
            self.check_ranges(shown, plan)

    def check_ranges(self, shown, plan):
        """No two share a byte at a step, and all that a step has in the buffer fits its group's peak."""
        for group in plan["groups"]:
            own = [r for r in shown["ranges"] if group["first"] <= r[1] and r[2] <= group["last"]]
            for (_, first, last, offset, size, _), other in itertools.combinations(own, 2):
                self.assertTrue(last < other[1] or other[2] < first or offset + size <= other[3] or
                                other[3] + other[4] <= offset)
            for k in range(group["first"], group["last"] + 1):
                held = sum(r[4] for r in own if r[1] <= k <= r[2])
                self.assertLessEqual(held, group["peak_bytes"])
        self.assertEqual(sum(r[4] for r in shown["ranges"] if r[0] == 3),
                         sum(pin["weight_bytes"] + pin["accumulator_bytes"] for pin in plan["pinned"]))

    def test_asks_the_network_for_nothing(self):
        page = self.report(ALEXNET, *SMALL_SWEEP)
        self.assertLess(len(page), 300000)
        policy = html.unescape(re.search('http-equiv="Content-Security-Policy" content="([^"]*)"', page).group(1))
        self.assertTrue(policy.startswith("default-src 'none'; "))
        self.assertTrue(allowed(policy, "style-src", re.search("<style>(.*?)</style>", page, re.S).group(1)))
        self.assertTrue(allowed(policy, "script-src", re.findall("<script>(.*?)</script>", page, re.S)[0]))
        self.assertNotIn("unsafe", policy)
        self.assertEqual(set(re.findall(r"https?://[^\s\"']*", page)), {"http://www.w3.org/2000/svg"})

    def test_the_documentation_s_page_is_this_one(self):
        """scripts/make_report.sh makes it anew."""
        shown = (ROOT / "docs/report-resnet50.html").read_text()
        self.assertLess(len(shown), 400000)
        made = self.report(ALEXNET, *SMALL_SWEEP)
        for part in ("<style>.*?</style>", "<script>.*?</script>"):
            self.assertEqual(re.search(part, shown, re.S).group(), re.search(part, made, re.S).group())
        self.assertEqual(data_of(shown)["networks"][0]["plan"]["network"], "resnet50")

    def test_hostile_names_stay_names(self):
        page = self.report("-", *SMALL_SWEEP, given=HOSTILE_NETWORK)
        self.assertNotIn(HOSTILE[0], page)
        self.assertEqual(len(re.findall("</?script", page)), 4)
        self.assertNotIn(", ", page[page.index('id="data"'):page.index('"explanation"')]) # but in names
        self.assertNotIn("<!--", page)
        shown = data_of(page)["networks"][0]
        self.assertEqual(shown["plan"]["network"], "<b>&test")
        self.assertEqual(shown["layers"][:4], HOSTILE)
        # without scripts the plan is shown as text
        text = re.search("<noscript>(.*)</noscript>", page, re.S).group(1)
        self.assertIn("&lt;b>&amp;test", text)

    def test_where_it_goes(self):
        out = self.succeed("report", ALEXNET, *SMALL_SWEEP).out
        self.assertTrue(out.startswith("<!DOCTYPE html>\n"))
        self.assertEqual(self.succeed("report", ALEXNET, *SMALL_SWEEP, "-o", "-").out, out)
        self.assertEqual(self.report(ALEXNET, *SMALL_SWEEP), out) # also a second time
        self.refuse(USAGE, "report", ALEXNET, "-o", self.folder / "x.json", says="report writes no json, but a page")
        self.refuse(SYSTEM, "report", ALEXNET, *SMALL_SWEEP, "-o", self.folder / "none" / "x.html", says="none/x.html")
        self.assert_files("page.html")
        status, shown = run_on_terminal(["report", ALEXNET], "stdout", stderr=subprocess.DEVNULL, env=environment())
        self.assertEqual((status, shown), (USAGE, ""))

    def test_options_are_checked(self):
        for status, words, says in [
                (USAGE, ["--planner", "dpp"], "did you mean --planner dp?"),
                (USAGE, ["--planner", "mbs2", "--objective", "time"], "--objective time is of the planners dp and best"),
                (BAD_INPUT, ["--sweep-buffer", "1KiB"], "sweep-buffer"),
                (BAD_INPUT, ["--sweep-batch", "0"], "sweep-batch"),
                (BAD_INPUT, ["--threads", "0"], "--threads"),
                (USAGE, ["--points", "2"], "--points"),
                (USAGE, ["-", "--hardware", "-"], "only one file can be standard input"),
                (BAD_INPUT, [ALEXNET], "two networks are named alexnet")]:
            self.refuse(status, "report", ALEXNET, *words, "-o", self.folder / "x.html", says=says)
        self.assert_files()

    def test_a_limit_of_dram_is_the_plan_s(self):
        """And of the plans between traffic and time; other planners, buffers and batches are as without it."""
        words = [ALEXNET, "--planner", "dp", "--points", 3, *SMALL_SWEEP]
        plain = data_of(self.report(*words))
        limit = plain["networks"][0]["plan"]["dram_peak"]["bytes"] * 99 // 100
        page = data_of(self.report(*words, "--max-dram", limit))
        plan = page["networks"][0]["plan"]
        self.assertEqual(plan["planner"], "dp+auto")
        self.assertLessEqual(plan["dram_peak"]["bytes"], limit)
        self.assertIn("dp-weighted+auto", [row["planner"] for row in page["networks"][0]["front"]["plans"]])
        self.assertEqual((page["sweep"], page["comparison"]), (plain["sweep"], plain["comparison"]))
        self.refuse(NO_PLAN, "report", *words, "--max-dram", "1kB", "-o", self.folder / "x.html", says="the least found is")

    def test_the_sweep_is_near_the_plan(self):
        rows = data_of(self.report(ALEXNET, "--planner", "ilp", "--time-limit", "0", "--batch", "1"))["sweep"]
        mebi = [row["buffer_bytes"] / 2 ** 20 for row in rows]
        self.assertEqual(sorted(set(mebi)), [1.25, 2.5, 3.75, 5, 7.5, 10, 15, 20, 30, 40, 80])
        self.assertEqual({(row["batch"], row["planner"]) for row in rows},
                         {(1, "baseline"), (1, "dp"), (2, "baseline"), (2, "dp")})
        small = data_of(self.report(ALEXNET, "--planner", "baseline", "--buffer", "9000"))["sweep"]
        self.assertEqual(min(row["buffer_bytes"] for row in small), 4500)
        self.assertEqual({row["planner"] for row in small}, {"baseline"})

    def test_an_interrupt_leaves_nothing(self):
        old = self.file("page.html", "as it was")
        words = [PROGRAM, "report", RESNET50, "--recompute", "auto", "--objective", "time", "-o", old]
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(),
                              preexec_fn=heed_interrupts) as running:
            while running.poll() is None and not catches_interrupts(running.pid):
                time.sleep(0.005)
            running.send_signal(signal.SIGINT) # the plan takes its time from then on
            out, err = running.communicate()
        self.assertEqual((running.returncode, out), (-signal.SIGINT, ""), err)
        self.assertIn("no page is written", err)
        self.assertEqual(pathlib.Path(old).read_text(), "as it was")
        self.assert_files("page.html")


class Colours(unittest.TestCase):
    """What is drawn is told from its ground and from what is beside it, also by the colour-blind."""

    def themes(self):
        blocks = re.findall(r":root[^{]*\{([^}]*--page[^}]*--ink[^}]*)\}", STYLE)
        self.assertEqual(len(blocks), 3)
        themes = [dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block)) for block in blocks]
        self.assertEqual(themes[1], themes[2])
        return themes[:2]

    def test_contrast(self):
        for theme in self.themes():
            for ground in ("page", "card", "soft"):
                for name in ("ink", "muted", "accent"):
                    self.assertGreaterEqual(colours.contrast(theme[name], theme[ground]), 4.5, (name, ground))
            for name in ("worse", "good"):
                self.assertGreaterEqual(colours.contrast(theme[name], theme["card"]), 4.5, name)
            self.assertGreaterEqual(colours.contrast(theme["on-accent"], theme["accent"]), 4.5)
            for name in [f"{kind}{i}" for kind in "ct" for i in range(4)] + ["strong"]:
                self.assertGreaterEqual(colours.contrast(theme[name], theme["card"]), 3, name)
            for level in ("0", "1", "2", "3", "4"):
                self.assertGreaterEqual(colours.contrast(theme["mark" + level], theme["level" + level]), 4.5, level)
            self.assertGreaterEqual(colours.contrast(theme["mark-strips"], theme["strips"]), 4.5)

    def test_colour_blindness(self):
        for theme in self.themes():
            for kind in "ct":
                for a, b in itertools.combinations([theme[f"{kind}{i}"] for i in range(4)], 2):
                    for sight in colours.SIGHTS:
                        self.assertGreater(colours.difference(a, b, sight), 18, (a, b, sight))


if __name__ == "__main__":
    unittest.main()
