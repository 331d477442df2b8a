"""What is printed fits the terminal: no line of any command is wider than asked for."""

import random
import re
import subprocess
import unicodedata
import unittest

from harness import ALEXNET, BAD_INPUT, RESNET50, USAGE, CliTest, conv, environment, network, run_on_terminal

WIDTHS = (40, 60, 80, 100, 200)
COMMANDS = ("plan", "explain", "report", "compare", "sweep", "advise", "tradeoff", "verify", "show", "list", "simulate", "export",
            "plot", "place", "help")


def columns(line):
    """As a terminal counts them; never below the number of characters."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)


def chain(names, channels=8, side=8):
    """A chain of convolutions with these names."""
    layers = []
    for name in names:
        layers.append(conv(name, layers[-1]["name"] if layers else "image", out_channels=channels))
    return network(layers, inputs=[{"name": "image", "shape": [3, side, side]}], name="net · " + names[0])


def long_names():
    """Names as exporters make them, which differ somewhere in the middle."""
    return [f"features.denseblock{b}.denselayer{l}.branch_{s}.conv2d_{'abcdefghij' * 3}_weights"
            for b in range(3) for l in (1, 11, 12) for s in ("left", "right")]


class Width(CliTest):
    def fits(self, width, *words, **more):
        out = self.succeed(*words, f"--width={width}", **more).out
        for line in out.splitlines():
            self.assertLessEqual(columns(line), width, (words, line))
            self.assertEqual(line, line.rstrip(), words)
        return out

    def fits_all(self, *words, widths=WIDTHS, **more):
        for width in widths:
            self.fits(width, *words, **more)
        widest = self.succeed(*words, "--wide", **more).out
        self.assertNotIn("not shown at this width", widest)
        self.assertNotIn("…", re.sub(r"(NET|OPTION|FILE)…", "", widest))

    def test_help(self):
        for command in COMMANDS:
            self.fits_all("help", command, widths=(40, 60, 80))
            self.assertEqual(self.fits(100, command, "--help"), self.fits(80, "help", command))
        self.fits_all("help")
        self.fits_all("help", "terms")

    def test_networks(self):
        """Those with the longest names, the widest figures and each kind of plan; test_cli has all at 80."""
        plan = self.folder / "plan.json"
        for name in ("densenet121", "swin_t", "inception_v4", "efficientnet_b0"):
            self.succeed("plan", name, "--planner=dp", "--no-strips", "-o", plan)
            self.fits_all("show", plan)
            self.fits_all("show", name)
        self.fits_all("plan", "resnet50")

    def test_plans_of_all_kinds(self):
        for words in (["alexnet", "--batch", "100000"], ["resnet50", "--buffer", "256KiB"],
                      ["resnet18", "--batch-norm", "keep", "--planner", "baseline"],
                      ["alexnet", "--buffer", "4096"], ["resnet18", "--inference", "--batch", "1"],
                      ["resnet18", "--recompute", "auto"], ["alexnet", "--planner", "best", "--hardware", "lpddr4"]):
            self.fits_all("plan", "--planner=dp", *words, widths=(40, 100))

    def test_commands(self):
        plan = self.folder / "plan.json"
        self.succeed("plan", RESNET50, "--planner=dp", "--buffer", "1MiB", "-o", plan)
        self.fits_all("show", plan)
        self.fits_all("show", plan, "--hardware", "wavecore-lpddr4")
        self.fits_all("verify", plan)
        self.fits_all("show", "wavecore-lpddr4")
        self.fits_all("explain", plan)
        self.fits_all("advise", "resnet18", "--buffer=1MiB,2MiB,4MiB")
        self.fits_all("list")
        self.fits_all("export", "--list")
        self.fits_all("explain", plan, "--group", "3")
        self.fits_all("advise", "alexnet", "--buffer", "1MiB,4MiB", widths=(40, 80))
        self.fits_all("compare", "alexnet", "resnet18", "--planner", "baseline,mbs2,dp,ilp")

    def test_odd_names(self):
        wide = ["層" * 30 + str(i) + "的" * 30 for i in range(12)]
        accents = ["e\u0301" * 40 + str(i) + "\u00e4" * 40 for i in range(12)]
        alike = ["x" * i + "y" + "x" * (60 - i) for i in range(60)]
        for names in (long_names(), wide, accents, alike, ["n" * 300], ["a b " * 30 + "c"]):
            text = chain(names, channels=100, side=64)
            self.fits_all("plan", "-", "--planner", "baseline", given=text)
            self.fits_all("explain", "-", "--planner=dp", given=text, widths=(40, 80))
            self.fits_all("show", "-", given=text, widths=(40, 80))

    def test_short_forms_are_of_one_name(self):
        """In each column two names that differ are shown as two that differ."""
        names = long_names() + ["x" * i + "y" + "x" * (60 - i) for i in range(60)]
        random.Random(4).shuffle(names)
        for width in (40, 60, 80, 100):
            out = self.fits(width, "show", "-", given=chain(names))
            shown = re.findall(r"^(?: *\d+  )?([…fxy]\S+)  ", out, re.M)
            self.assertEqual(len(shown), len(names), out)
            self.assertEqual(len(set(shown)), len(names))
            self.assertTrue(all("…" in word for word in shown))

    def test_what_went_is_named(self):
        narrow = self.fits(40, "plan", RESNET50, "--planner=dp")
        wide = self.succeed("plan", RESNET50, "--planner=dp", "--wide").out
        self.assertIn("weight grads", " ".join(narrow.split()))
        self.assertIn("comp", wide)
        self.assertNotIn("comp", narrow.split("not shown")[0])
        self.assertIn("layer4.2.relu2.bwd   .. layer4.2.conv1.wgrad", wide)

    def test_other_formats_have_no_width(self):
        for words in (["plan", ALEXNET, "--format=json"], ["plan", ALEXNET, "--format=csv"],
                      ["compare", ALEXNET, "--planner=dp", "--format=csv"], ["sweep", ALEXNET],
                      ["list", "--names"]):
            self.assertEqual(self.succeed(*words, "--width=40").out, self.succeed(*words).out)
        self.succeed("plan", ALEXNET, "--width=40", "-o", self.folder / "a.json")
        self.succeed("plan", ALEXNET, "-o", self.folder / "b.json")
        self.assertEqual((self.folder / "a.json").read_text(), (self.folder / "b.json").read_text())

    def test_refusals(self):
        for value in ("19", "10001", "-1", "wide", ""):
            self.refuse(BAD_INPUT, "plan", ALEXNET, "--width", value, says="--width")
        self.refuse(USAGE, "plan", ALEXNET, "--width", says="needs a value")
        self.refuse(USAGE, "plan", ALEXNET, "--wide=1", says="takes no value")


class Terminal(CliTest):
    def shown(self, terminal, *words, **changes):
        """What stands on a terminal of so many columns."""
        status, text = run_on_terminal(words, "stdout", columns=terminal, stderr=subprocess.DEVNULL,
                                       env=environment(NO_COLOR="1", **changes))
        self.assertEqual(status, 0)
        return text.replace("\r\n", "\n")

    def test_width_is_the_terminals(self):
        for width in (50, 100, 150):
            self.assertEqual(self.shown(width, "plan", RESNET50, "--planner=dp"),
                             self.succeed("plan", RESNET50, "--planner=dp", "--width", width).out)
        self.assertEqual(self.shown(50, "plan", RESNET50, "--planner=dp", COLUMNS="120"),
                         self.succeed("plan", RESNET50, "--planner=dp", "--width", 50).out)
        self.assertEqual(self.shown(50, "plan", RESNET50, "--planner=dp", "--wide"), self.succeed("plan", RESNET50, "--planner=dp", "--wide").out)

    def test_without_a_terminal(self):
        at_80 = self.succeed("plan", RESNET50, "--planner=dp", "--width=80").out
        self.assertEqual(self.succeed("plan", RESNET50, "--planner=dp", env=environment(COLUMNS=None)).out, at_80)
        for columns_, like in (("100", 100), ("0", 80), ("x", 80), ("7", 80)):
            self.assertEqual(self.succeed("plan", RESNET50, "--planner=dp", env=environment(COLUMNS=columns_)).out,
                             self.succeed("plan", RESNET50, "--planner=dp", "--width", like).out)
        self.succeed("plan", RESNET50, "--planner=dp", "-o", self.folder / "table.txt", env=environment(COLUMNS="100"))
        self.assertEqual((self.folder / "table.txt").read_text(), at_80)


if __name__ == "__main__":
    unittest.main()
