"""Where the program's output goes, and what happens when it cannot."""

import os
import re
import subprocess
import unittest

from harness import (ALEXNET, BAD_INPUT, OK, PROGRAM, RESNET50, SYSTEM, USAGE, CliTest,
                     environment, run_on_terminal, small_files)


class Output(CliTest):
    def test_file(self):
        path = self.folder / "plan.json"
        result = self.succeed("plan", ALEXNET, "--format", "json", "-o", path)
        self.assertEqual(result.out, "")
        self.assertEqual(path.read_text(), self.succeed("plan", ALEXNET, "--format", "json").out)
        self.succeed("plan", ALEXNET, f"--output={path}")
        self.succeed("show", ALEXNET, f"-o{path}")
        self.assertEqual(path.read_text(), self.succeed("show", ALEXNET).out)
        self.assert_files("plan.json")

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
            reader, writer = os.pipe()
            os.close(reader)
            self.refuse(SYSTEM, *words, stdout=writer, says="Broken pipe")
            os.close(writer)

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
