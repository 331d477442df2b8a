"""What README.md and docs/your_network.md tell to run, as it is written there."""

import os
import re
import shutil
import subprocess
import unittest

from harness import OK, PROGRAM, RESNET50, ROOT, CliTest, environment


class Readme(CliTest):
    def test_commands_work(self):
        """Every line of the README's shell blocks, with the built program in run.sh's place."""
        text = (ROOT / "README.md").read_text()
        lines = [line for block in re.findall(r"```sh\n(.*?)```", text, re.S)
                 for line in block.splitlines() if line.startswith("scripts/run.sh")]
        self.assertTrue(lines)
        (self.folder / "scripts").mkdir()
        shim = self.folder / "scripts" / "run.sh"
        shim.write_text(f'#!/bin/bash\nexec "{PROGRAM}" "$@"\n')
        shim.chmod(0o755)
        shutil.copytree(ROOT / "models", self.folder / "models")
        for line in lines:
            done = subprocess.run(["bash", "-euo", "pipefail", "-c", line], cwd=self.folder,
                                  stdin=subprocess.DEVNULL, capture_output=True,
                                  env=environment(), check=False)
            self.assertEqual(done.returncode, 0, (line, done.stderr))

    def test_first_command_shows_what_is_said(self):
        """Line by line, but for groups left out of the table."""
        shown, = re.findall(r"```\n(resnet50 · training · 32 samples per core · 10 MiB buffer · dp, best found.*?)```",
                            (ROOT / "README.md").read_text(), re.S)
        lines = self.succeed("plan", RESNET50, "--buffer", "10MiB").out.splitlines()
        above, below = shown.split(" …\n")
        above, below = above.splitlines(), below.splitlines()
        self.assertEqual(above, lines[:len(above)])
        self.assertEqual(below, lines[-len(below):])

    def test_commands_work_once_installed(self):
        """Every block of `mbsopt …` lines, with the built program on the path; what else a block needs is as it is."""
        text = (ROOT / "README.md").read_text()
        blocks = [block for block in re.findall(r"```(?:sh)?\n(.*?)```", text, re.S)
                  if block.startswith("mbsopt ")]
        self.assertTrue(blocks)
        tools = self.folder / "tools"
        tools.mkdir()
        (tools / "mbsopt").symlink_to(PROGRAM)
        (self.folder / "models").symlink_to(ROOT / "models")
        (self.folder / "scripts").symlink_to(ROOT / "scripts")
        matplotlib = subprocess.run(["/usr/bin/python3", "-c", "import matplotlib"], capture_output=True,
                                    check=False).returncode == 0
        for block in blocks:
            if "model.onnx" in block or ("\ncbc " in block and not shutil.which("cbc")):
                continue  # tests/cli/test_import.py has models, and PyTorch's
            if "plot" in block and not matplotlib:
                continue
            done = subprocess.run(["bash", "-euo", "pipefail", "-c", block], cwd=self.folder,
                                  stdin=subprocess.DEVNULL, capture_output=True,
                                  env=environment(PATH=f"{tools}:{os.environ['PATH']}"), check=False)
            self.assertEqual(done.returncode, 0, (block, done.stderr))

    def test_three_commands(self):
        """The page's network and its commands."""
        page = (ROOT / "docs/your_network.md").read_text()
        self.file("my-net.json", re.search(r"```json\n(.*?)```", page, re.S).group(1))
        lines = re.search(r"```sh\n(.*?)```", page, re.S).group(1).splitlines()
        self.assertEqual(len(lines), 3)
        for line in lines:
            done = self.run_program(*line.split()[1:], cwd=self.folder)
            self.assertEqual((done.status, line.split()[0]), (OK, "mbsopt"), (line, done.err))
        self.succeed("verify", self.folder / "my-plan.json")

    @unittest.skipUnless(shutil.which("cc"), "no compiler")
    def test_library_lines_compile(self):
        block = re.search(r"```c\n(.*?)```", (ROOT / "README.md").read_text(), re.S).group(1)
        include, lines = block.split("\n", 1)
        text = (f"{include}\nvoid f(void);\nvoid f(void)\n{{\n"
                "mbs_network *network; mbs_plan *plan;\n"
                f"mbs_error error; mbs_traffic traffic; char *text;\n{lines}}}\n")
        done = subprocess.run(["cc", "-std=c17", "-Wall", "-Wextra", "-Werror", "-fsyntax-only",
                               f"-I{ROOT / 'include'}", "-x", "c", "-"], input=text.encode(),
                              capture_output=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr.decode())


if __name__ == "__main__":
    unittest.main()
