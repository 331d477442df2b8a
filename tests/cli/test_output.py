"""Where the program's output goes, and what happens when it cannot."""

import os
import re
import subprocess
import unittest

from harness import (ALEXNET, BAD_INPUT, OK, PROGRAM, RESNET50, SYSTEM, USAGE, CliTest,
                     conv, environment, network, run_on_terminal, small_files)


class Output(CliTest):
    def test_file(self):
        path = self.folder / "plan.json"
        result = self.succeed("plan", ALEXNET, "--format", "json", "-o", path)
        self.assertEqual(result.out, "")
        self.assertEqual(path.read_text(), self.succeed("plan", ALEXNET, "--format", "json").out)
        self.succeed("plan", ALEXNET, f"--output={path}")
        table = self.folder / "layers"
        self.succeed("show", ALEXNET, f"-o{table}")
        self.assertEqual(table.read_text(), self.succeed("show", ALEXNET).out)
        self.assert_files("layers", "plan.json")

    def test_keeps_mode_and_links(self):
        target = self.folder / "target"
        target.write_text("old")
        target.chmod(0o640)
        (self.folder / "link").symlink_to(target)
        self.succeed("plan", ALEXNET, "-o", self.folder / "link")
        self.assertTrue((self.folder / "link").is_symlink())
        self.assertTrue(target.read_text().startswith("alexnet"))
        self.assertEqual(target.stat().st_mode & 0o777, 0o640)
        self.assert_files("link", "target")

    def test_failure_leaves_the_old_file(self):
        path = self.file("plan.txt", "old")
        bad = self.file("bad.json", "{")
        self.refuse(BAD_INPUT, "plan", bad, "-o", path)
        self.refuse(USAGE, "plan", ALEXNET, "--xyzzy", "-o", path)

        self.refuse(SYSTEM, "plan", ALEXNET, "-o", path, says="plan.txt", **small_files(1000))
        self.assertEqual((self.folder / "plan.txt").read_text(), "old")
        self.assert_files("plan.txt", "bad.json")

    def test_bad_places(self):
        self.refuse(SYSTEM, "plan", ALEXNET, "-o", self.folder / "no" / "file", says="cannot write")
        self.refuse(SYSTEM, "plan", ALEXNET, "-o", self.folder, says="directory")
        self.refuse(SYSTEM, "plan", ALEXNET, "-o", "", says="cannot write")
        self.refuse(SYSTEM, "plan", ALEXNET, "-o", "/dev/full", says="No space left")
        self.succeed("plan", ALEXNET, "-o", "/dev/null")
        self.assertTrue(os.path.exists("/dev/null") and not os.path.isfile("/dev/null"))
        self.assert_files()

    def test_standard_output_that_fails(self):
        for words in (["plan", ALEXNET], ["plan", RESNET50, "--planner", "baseline"],
                      ["show", ALEXNET], ["help"], ["plan", "--help"], ["--version"]):
            with open("/dev/full", "wb") as full:
                self.refuse(SYSTEM, *words, stdout=full, says="No space left")
            self.end_with_pipe(*words)
        self.end_with_pipe("plan", ALEXNET, "-o", "/dev/stdout")
        self.end_with_pipe("compare", ALEXNET, "--planners=dp", "--json-errors")
        self.end_with_pipe("verify", self.plan_file())
        self.end_with_pipe("plan", ALEXNET, "-o", self.folder / "plan.json", "--export", "perfetto=-")

    def plan_file(self):
        path = self.folder / "checked.json"
        self.succeed("plan", ALEXNET, "-o", path)
        return path

    def test_what_is_noted_of_batch_norms(self):
        norm = {"name": "n", "op": "norm", "kind": "batch", "inputs": ["c"]}
        net = self.file("net.json", network([conv("c", "image"), norm]))
        for command, option in (("compare", "--planners"), ("sweep", "--planner")):
            noted = self.succeed(command, net, option, "dp,mbs2").err
            self.assertIn("planned as", noted)
            self.assertNotIn("baseline", noted)
            for planner in ("baseline", "archopt"):
                noted = self.succeed(command, net, option, f"dp,{planner}").err
                self.assertIn("but by baseline and archopt", noted)
                self.assertEqual(self.succeed(command, net, option, planner).err, "")

    def test_format_of_the_ending(self):
        begins = {"table": "alexnet", "json": "{", "csv": "group,"}
        for command, endings in (("plan", begins), ("compare", begins)):
            words = [command, ALEXNET] + (["--planners=dp"] if command == "compare" else [])
            for form in ("json", "csv"):
                for name in (f"x.{form}", f"a.txt.{form.upper()}"):
                    self.succeed(*words, "-o", self.folder / name)
                    by_ending = (self.folder / name).read_text()
                    self.assertEqual(by_ending, self.succeed(*words, "--format", form).out)
            table = self.succeed(*words).out
            for name in ("x.txt", "x.log", "x", "json", ".config/csv"):
                (self.folder / ".config").mkdir(exist_ok=True)
                self.succeed(*words, "-o", self.folder / name)
                self.assertEqual((self.folder / name).read_text(), table, name)
            self.succeed(*words, "-o", self.folder / "y.json", "--format", "csv")
            self.assertEqual((self.folder / "y.json").read_text(), self.succeed(*words, "--format=csv").out)
            self.refuse(USAGE, *words, "-o", self.folder / "z.jsonl", says=["jsonl", "--format"])
            self.assertFalse((self.folder / "z.jsonl").exists())

    def test_format_of_what_has_one(self):
        self.succeed("show", ALEXNET, "-o", self.folder / "x.txt")
        self.assertEqual((self.folder / "x.txt").read_text(), self.succeed("show", ALEXNET).out)
        for form in ("json", "csv"):
            self.refuse(USAGE, "show", ALEXNET, "-o", self.folder / f"y.{form}", says=f"writes no {form}, but a table")
        self.assert_files("x.txt")

    def test_format_of_a_sweep(self):
        for way in ("-o", "--resume"):
            for name, form in (("x.csv", "csv"), ("x.jsonl", "jsonl"), ("x.ndjson", "jsonl"), ("x", "csv"),
                               ("x.txt", "csv")):
                path = self.folder / (way.strip("-") + name)
                self.succeed("sweep", ALEXNET, way, path)
                self.assertEqual(path.read_text(), self.succeed("sweep", ALEXNET, "--format", form).out)
            self.refuse(USAGE, "sweep", ALEXNET, way, self.folder / "x.json", says="csv or jsonl")

    def test_closed_streams(self):
        def run(redirections, *words):
            return subprocess.run(["bash", "-c", f'"$0" "$@" {redirections}', PROGRAM, *words],
                                  cwd=self.folder, env=environment(), check=False).returncode
        self.assertEqual(run(">&- 2>/dev/null", "help"), SYSTEM)
        self.assertEqual(run("<&- 2>/dev/null", "plan", "-"), SYSTEM)
        self.assertEqual(run("<&- >&- 2>&-", "plan", RESNET50, "-o", "x"), OK)
        self.assertNotIn("note", (self.folder / "x").read_text())

    def terminal_output(self, *words, **env):
        status, shown = run_on_terminal(words, "stdout", stderr=subprocess.DEVNULL,
                                        env=environment(**env))
        self.assertEqual(status, OK)
        return shown

    def test_colour(self):
        for command in ("plan", "show"):
            for words, env, colour in (
                    ([], {"TERM": "xterm"}, True), ([], {"TERM": "dumb"}, False),
                    ([], {"TERM": "xterm", "NO_COLOR": "1"}, False),
                    ([], {"TERM": "xterm", "NO_COLOR": ""}, True),
                    (["--color", "never"], {"TERM": "xterm"}, False),
                    (["--color=always"], {"NO_COLOR": "1"}, True)):
                out = self.terminal_output(command, ALEXNET, *words, **env)
                self.assertEqual("\x1b[" in out, colour, (command, words, env))
            plain = self.succeed(command, ALEXNET).out
            self.assertNotIn("\x1b", plain)
            coloured = self.succeed(command, ALEXNET, "--color=always").out
            self.assertEqual(re.sub("\x1b\\[[0-9;]*m", "", coloured), plain)
        self.terminal_output("plan", ALEXNET, "-o", str(self.folder / "x"), TERM="xterm")
        self.assertNotIn("\x1b", (self.folder / "x").read_text())


if __name__ == "__main__":
    unittest.main()
