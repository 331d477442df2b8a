"""What surrounds the commands: man pages, completion, examples, messages for programs, signals."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time
import unittest

from harness import (ALEXNET, BAD_INPUT, NETWORKS, OK, PROGRAM, RESNET50, ROOT, SYSTEM, USAGE,
                     CliTest, environment)

COMMANDS = ["plan", "explain", "report", "compare", "sweep", "advise", "tradeoff", "verify", "show", "list", "simulate", "export", "plot", "place", "help"]
RESIDUAL = str(ROOT / "tests" / "fuzz" / "corpus" / "network" / "residual.json")


def options_of(help_text):
    return re.findall(r"^  (?:-\w, )?--([\w-]+)", help_text, re.M)


class Help(CliTest):
    def test_manual_says_what_the_help_says(self):
        for command in COMMANDS:
            text = self.succeed(command, "--help").out
            page = self.succeed("help", command, "--format", "man").out.replace("\\-", "-")
            self.assertIn(f".TH MBSOPT-{command.upper()} 1", page)
            for option in options_of(text):
                self.assertIn(f"--{option}\\fR", page)
            details = text.split("\n\n")[1]
            self.assertIn(" ".join(details.split()), " ".join(page.split()))

    def test_overview_page(self):
        page = self.succeed("help", "--format=man").out
        for command in COMMANDS:
            self.assertIn(f"\\fB{command}\\fR", page)
        self.assertIn(".SH EXIT STATUS", page)

    @unittest.skipUnless(shutil.which("groff"), "groff is not installed")
    def test_pages_are_good_roff(self):
        for words in [[], *([command] for command in COMMANDS)]:
            page = self.succeed("help", *words, "--format", "man").out
            done = subprocess.run(["groff", "-man", "-Tutf8", "-k", "-ww"], input=page.encode(),
                                  capture_output=True, check=False)
            self.assertEqual(done.stderr.decode(), "")

    def test_three_examples_run(self):
        text = self.succeed("plan", "--help").out
        examples = re.findall(r"^  (mbsopt .*)$", text.split("examples:")[1], re.M)
        self.assertEqual(len(examples), 3)
        os.symlink(PROGRAM, self.folder / "mbsopt")
        for name in ("alexnet.json", "resnet50.json"):
            os.symlink(NETWORKS / name, self.folder / name)
        env = environment(PATH=f"{self.folder}:{os.environ['PATH']}")
        for example in examples:
            done = subprocess.run(["sh", "-c", example.replace("--time-limit 10", "--time-limit 1")],
                                  cwd=self.folder, env=env, capture_output=True, check=False)
            self.assertEqual(done.returncode, OK, done)
            self.assertTrue(done.stdout)

    def test_format_is_checked(self):
        self.refuse(USAGE, "help", "--format", "html", says="expected text, man, bash, zsh or fish")
        self.refuse(USAGE, "help", "plan", "--format", "bash", says="whole program")
        self.refuse(USAGE, "help", "nothing", "--format", "man", says="unknown command")


class Completion(CliTest):
    def complete(self, *words):
        """What bash offers for the last of the words."""
        script = self.succeed("help", "--format", "bash").out
        quoted = " ".join(f"'{word}'" for word in ("mbsopt", *words))
        script += (f"\nCOMP_WORDS=({quoted}); COMP_CWORD={len(words)}; _mbsopt\n"
                   'printf "%s\\n" "${COMPREPLY[@]}"\n')
        (self.folder / "bin").mkdir(exist_ok=True)
        if not (self.folder / "bin" / "mbsopt").exists():
            os.symlink(PROGRAM, self.folder / "bin" / "mbsopt")
        done = subprocess.run(["bash", "-c", script], cwd=self.folder, capture_output=True, text=True,
                              check=False, env=environment(PATH=f"{self.folder}/bin:{os.environ['PATH']}"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr, "")
        return done.stdout.split()

    def test_commands(self):
        self.assertEqual(self.complete(""), [*COMMANDS, "--version", "--help"])
        self.assertEqual(self.complete("pla"), ["plan", "place"])
        self.assertEqual(self.complete("help", "sw"), ["sweep"])

    def test_options(self):
        for command in COMMANDS:
            text = self.succeed(command, "--help").out
            self.assertEqual(self.complete(command, "--"),
                             ["--" + option for option in options_of(text)])

    def test_values(self):
        self.file("net.json", "{}")
        self.assertEqual(self.complete("plan", "--planner", "mbs"), ["mbs-fs", "mbs1", "mbs2"])
        self.assertEqual(self.complete("plan", "x", "--format", ""), ["table", "json", "csv"])
        self.assertEqual(self.complete("plan", "ne"), ["net.json"])
        self.assertEqual(self.complete("plan", "--hardware", "ne"), ["net.json"])
        self.assertEqual(self.complete("plan", "-o", "ne"), ["net.json"])
        self.assertEqual(self.complete("plan", "--batch", ""), [])
        self.file("resnet5.json", "{}")
        self.assertEqual(sorted(self.complete("plan", "resnet5")), ["resnet5.json", "resnet50"])
        self.assertEqual(self.complete("compare", "alexnet", "vgg"), ["vgg16", "vgg16_bn"])
        self.assertEqual(self.complete("plan", "--hardware", "wavecore-l"), ["wavecore-lpddr4"])
        self.assertEqual(self.complete("list", ""), ["networks", "hardware"])

    def test_other_shells(self):
        for shell in ("zsh", "fish"):
            script = self.file("completion", self.succeed("help", "--format", shell).out)
            if shutil.which(shell):
                done = subprocess.run([shell, "-n", script], capture_output=True, check=False)
                self.assertEqual((done.returncode, done.stderr), (0, b""), shell)
            text = pathlib.Path(script).read_text(encoding="utf-8")
            for command in COMMANDS:
                for option in options_of(self.succeed(command, "--help").out):
                    self.assertRegex(text, rf"(--|-l ){option}\b")

    @unittest.skipUnless(shutil.which("fish"), "fish is not installed")
    def test_fish(self):
        script = self.file("mbsopt.fish", self.succeed("help", "--format", "fish").out)
        done = subprocess.run(["fish", "-c", f"source {script}; complete -C 'mbsopt plan --objec'; "
                                             "complete -C 'mbsopt plan --planner ar'"],
                              capture_output=True, text=True, check=False,
                              env=environment(HOME=str(self.folder)))
        self.assertRegex(done.stdout, r"--objective\b.*\n.*archopt")


class Messages(CliTest):
    def objects(self, *arguments, given=""):
        done = subprocess.run([PROGRAM, *arguments], input=given.encode(), capture_output=True,
                              env=environment(), check=False)
        return done.returncode, [json.loads(line) for line in done.stderr.splitlines()]

    def test_json_errors(self):
        status, found = self.objects("plan", "--json-errors", "-", given='{"format": "x"')
        self.assertEqual((status, len(found)), (BAD_INPUT, 1))
        self.assertEqual((found[0]["level"], found[0]["status"]), ("error", "bad input"))
        self.assertTrue(found[0]["message"].startswith("standard input: line 1, column 15: "))
        status, found = self.objects("plan", "--nonsense", "a", "--json-errors")
        self.assertEqual((status, found[0]["message"]), (USAGE, "unknown option --nonsense"))
        status, found = self.objects("plan", "--json-errors", RESIDUAL, "--buffer=8KiB")
        self.assertEqual((status, [line["level"] for line in found]), (OK, ["note"]))
        status, found = self.objects(b'\xff"\\\x1b\xc2\x85\xc3\xbc', "--json-errors")
        self.assertEqual((status, found[0]["message"]),
                         (USAGE, 'unknown command \\xff"\\\\x1b\\x85\u00fc'))
        status, found = self.objects("plan", "--json-errors", b'\xff"\\\x1b\xc2\x85\xc3\xbc')
        self.assertEqual(status, SYSTEM)
        self.assertIn("No such file", found[0]["message"])

    def test_many_faults(self):
        layers = [{"name": f"r{i}", "op": "relu", "inputs": ["nothing"]} for i in range(30)]
        text = json.dumps({"format": "mbsopt-network/1", "name": "n", "layers": layers,
                           "inputs": [{"name": "x", "shape": [1]}]})
        status, found = self.objects("show", "-", "--json-errors", given=text)
        self.assertEqual((status, len(found)), (BAD_INPUT, 21))

    def test_verbose(self):
        result = self.succeed("plan", RESIDUAL, "--buffer=8KiB", "--verbose",
                              "-o", self.folder / "table.txt")
        stages = re.findall(r"^note: (\w+): \d+\.\d{3} s$", result.err, re.M)
        self.assertEqual(stages, ["load", "program", "plan", "report", "write"])
        self.assertEqual(self.run_program("plan", RESIDUAL, "--buffer=8KiB").err.count(" s\n"), 0)
        plan = self.succeed("plan", RESIDUAL, "--buffer=8KiB", "--format=json").out
        result = self.succeed("verify", "--verbose", "-", given=plan)
        self.assertEqual(re.findall(r"^note: (\w+): ", result.err, re.M), ["load", "verify"])


class Signals(CliTest):
    def test_ended_while_planning(self):
        """However it is ended, the file is as it was, or whole, and there is no other."""
        output = self.file("plan.json", "before")
        words = ["plan", RESNET50, "--planner=dp", "--format=json"]
        whole = self.succeed(*words).out
        for number in (signal.SIGINT, signal.SIGTERM):
            for delay in (0.001, 0.01, 0.03, 0.1):
                with subprocess.Popen([PROGRAM, *words, "-o", output],
                                      stderr=subprocess.DEVNULL, env=environment()) as process:
                    time.sleep(delay)
                    process.send_signal(number)
                    self.assertIn(process.wait(), (OK, -number))
                text = pathlib.Path(output).read_text(encoding="utf-8")
                self.assertIn(text, ("before", whole))
                self.assert_files("plan.json")

    def test_closed_pipe(self):
        self.end_with_pipe("plan", ALEXNET, "--format=json")
        shell = f'set -o pipefail; "{PROGRAM}" plan "{ALEXNET}" | head -1'
        done = subprocess.run(["bash", "-c", shell], capture_output=True, env=environment(), check=False)
        self.assertIn(done.returncode, (OK, 128 + signal.SIGPIPE))
        self.assertEqual((done.stdout.count(b"\n"), done.stderr), (1, b""))


if __name__ == "__main__":
    unittest.main()
