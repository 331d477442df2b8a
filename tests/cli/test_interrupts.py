"""Ctrl-C wherever it comes, time limits, and a line on the terminal for what takes long."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from harness import ALEXNET, NETWORKS, OK, PROGRAM, ROOT, CliTest, environment, heed_interrupts

DENSENET = str(NETWORKS / "densenet121.json")
AUTO = [DENSENET, "--recompute", "auto", "--objective", "time"] # takes minutes


class Interrupts(CliTest):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="mbsopt-test-")
        cls.addClassCleanup(folder.cleanup)
        cls.long = str(pathlib.Path(folder.name) / "long.json")
        subprocess.run([sys.executable, ROOT / "scripts" / "make_zoo.py", "--chain", "30000", "-o",
                        cls.long], check=True)

    def interrupt(self, *words, after=1.0, number=signal.SIGINT, once=None):
        """The status, what was printed and said; the signal comes after seconds, or as soon as once() is true."""
        with subprocess.Popen([PROGRAM, *map(str, words)], stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(),
                              preexec_fn=heed_interrupts) as running:
            if once is None:
                time.sleep(after)
            else:
                while running.poll() is None and not once():
                    time.sleep(0.005)
            running.send_signal(number)
            start = time.monotonic()
            out, err = running.communicate()
        # a busy machine, or one that counts lines, takes longer than the second it should be
        self.assertLess(time.monotonic() - start, 60, words)
        return running.returncode, out, err

    def interrupt_in_time(self, *words):
        """The same, as soon as it takes for the program to be at work: a quick machine may be done."""
        for after in (1.0, 0.5, 0.25, 0.1, 0.05):
            status, out, err = self.interrupt(*words, after=after)
            if status != OK:
                return status, out, err
            for path in self.folder.glob("x.*"):
                path.unlink()
        return self.fail(f"{words} was always done before the signal")

    def test_recompute_auto(self):
        """The best found so far, as a heuristic plan that verifies."""
        for more in (["--format=json"], ["--format=json", "--planner=dp"]):
            status, out, err = self.interrupt("plan", *AUTO, *more, after=2)
            self.assertEqual(status, OK, err)
            self.assertIn("note: interrupted; the plan is the best found so far\n", err)
            plan = json.loads(out)
            self.assertEqual(plan["outcome"], "heuristic")
            self.assertIn("+auto", plan["planner"])
            self.succeed("verify", "-", given=out)

    def test_ilp_with_auto(self):
        words = ["plan", DENSENET, "--recompute", "auto", "--planner", "ilp", "--time-limit", "600",
                 "--format=json"]
        for after in (0.5, 3):
            status, out, err = self.interrupt(*words, after=after)
            self.assertEqual(status, OK, err)
            plan = json.loads(out)
            self.assertEqual(plan["outcome"], "heuristic")
            self.succeed("verify", "-", given=out)

    def test_planners(self):
        """What has no plan yet ends by the signal, in a sweep, where signals are caught, too."""
        for planner in ("dp", "mbs2"):
            for words in (["plan"], ["sweep", "-o", self.folder / "x.csv"]):
                status, out, _ = self.interrupt_in_time(*words, self.long, "--planner", planner)
                self.assertEqual((status, out), (-signal.SIGINT, ""))
                self.assert_files()

    def has_a_row(self):
        part = self.folder / "x.csv.part"
        return part.exists() and part.read_text().count("\n") >= 2

    def test_sweep_of_long_searches(self):
        for more in (["--planner=ilp", "--time-limit=600"], ["--recompute=auto", "--objective=time"],
                     ["--objective=time"]):
            status, out, err = self.interrupt("sweep", ALEXNET, DENSENET, *more, "-o",
                                              self.folder / "x.csv", "--threads=1",
                                              once=self.has_a_row)
            self.assertEqual((status, out), (-signal.SIGINT, ""), err)
            rows = (self.folder / "x.csv.part").read_text().splitlines()
            self.assertEqual([row.split(",")[1] for row in rows], ["network", "alexnet"], more)
            self.assertIn("interrupted after 1 of 2 points", err)
            (self.folder / "x.csv.part").unlink()

    def test_exports(self):
        """No half-written file or folder, nor a temporary one, is left."""
        trace = ["export", DENSENET, "--planner=mbs1", "--batch=1024", "--format=dramsim3", "--force"]
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            status, out, err = self.interrupt(*trace, "-o", self.folder / "x", number=number)
            self.assertEqual((status, out), (-number, ""), err)
            self.assertIn("x was written", err)
            self.assert_files()
        export = ["export", self.long, "--planner=mbs2", "-o", self.folder / "x"]
        for words in ([*export, "--format=timeloop"], [*export, "--format=wavecore"],
                      ["plan", DENSENET, "--export-model", self.folder / "x.lp"]):
            for after in (1.5, 2.5):
                status, out, err = self.interrupt(*words, after=after)
                if status == OK: # it was done by then
                    break
                self.assertEqual((status, out), (-signal.SIGINT, ""), err)
                self.assert_files()
            for path in self.folder.glob("x*"):
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def test_compare(self):
        """The networks that are done; of the one at hand, if ilp alone is left, ilp's best so far."""
        words = ["compare", ALEXNET, self.long, "--planner", "baseline,mbs2,dp", "--format", "json"]
        status, out, err = self.interrupt_in_time(*words)
        self.assertEqual(status, -signal.SIGINT, err)
        if out: # else it was still busy with the first
            self.assertEqual([n["network"] for n in json.loads(out)["networks"]], ["alexnet"])
            self.assertIn("note: interrupted after 1 of 2 networks\n", err)
        status, out, err = self.interrupt("compare", DENSENET, "--planner", "dp,ilp", "--format",
                                          "json", "--time-limit", "600", after=3)
        self.assertEqual(status, OK, err)
        plans = json.loads(out)["networks"][0]["plans"]
        self.assertEqual([plan["planner"] for plan in plans], ["dp-no-strips", "dp", "ilp"])
        self.assertEqual(plans[2]["outcome"], "feasible")

    def test_importer_ends_too(self):
        """A signal to the program alone ends the importer that it started."""
        script = self.file("slow.py", "import time\nopen('started', 'w').close()\ntime.sleep(600)\n")
        model = self.file("model.onnx", "")
        for number in (signal.SIGINT, signal.SIGTERM):
            with subprocess.Popen([PROGRAM, "plan", model], cwd=self.folder,
                                  env=environment(MBSOPT_IMPORTER=script),
                                  preexec_fn=heed_interrupts) as running:
                while not (self.folder / "started").exists():
                    time.sleep(0.01)
                running.send_signal(number)
                self.assertEqual(running.wait(), -number)
            (self.folder / "started").unlink()
            for entry in os.scandir("/proc"):
                try:
                    with open(f"/proc/{entry.name}/cmdline", "rb") as file:
                        self.assertNotIn(script.encode(), file.read())
                except OSError:
                    pass

    def test_time_limit(self):
        """It holds for the search for what to recompute, and where dp takes longer than it."""
        for words in ([DENSENET, "--recompute=auto", "--planner=ilp"], [self.long, "--planner=ilp"],
                      [self.long, "--planner=best"]):
            result = self.succeed("plan", *words, "--time-limit=1", "--format=json")
            self.assertIn(json.loads(result.out)["outcome"], ("feasible", "heuristic"))

    def test_line_on_a_terminal(self):
        def act(process):
            time.sleep(3)
            process.send_signal(signal.SIGINT)
        status, _, shown = self.on_terminal("plan", *AUTO, "--format=csv", act=act)
        self.assertEqual(status, OK)
        self.assertRegex(shown, r"\rplanning, \d+ s")
        self.assertEqual(re.sub(r"[^\n]*\r", "", shown.split("note: ", maxsplit=1)[0]), "")
        status, _, shown = self.on_terminal("--json-errors", "plan", *AUTO, act=act)
        self.assertNotIn("\r", shown.replace("\r\n", "\n"))

    def test_line_of_a_sweep(self):
        """It is drawn while a point takes its time."""
        def act(process):
            time.sleep(2)
            process.send_signal(signal.SIGINT)
        status, _, shown = self.on_terminal("sweep", *AUTO, act=act)
        self.assertEqual(status, -signal.SIGINT)
        self.assertRegex(shown, r"\r0 of 1 points, 1 s")


if __name__ == "__main__":
    unittest.main()
