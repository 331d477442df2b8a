"""The file of `mbsopt sweep`: nothing in it is lost, whoever else writes it and whenever a run ends."""

import json
import os
import random
import shlex
import shutil
import signal
import socket
import subprocess
import threading
import time
import unittest

from harness import (ALEXNET, BAD_INPUT, NETWORKS, PROGRAM, SYSTEM, environment, heed_interrupts,
                     small_files)
from sweeping import RESNET18, Sweep

# takes some seconds
LONG = [str(NETWORKS / "resnet152.json"), "--batch=64..640:+1", "--planner", "baseline,dp"]


class Files(Sweep):
    def setUp(self):
        super().setUp()
        self.words, self.points = self.few()
        self.inputs = ["first.json", "second.json"]
        self.whole = self.text(*self.words)
        self.lines = self.whole.splitlines(keepends=True)
        self.path = self.folder / "rows.csv"
        self.part = self.folder / "rows.csv.part"

    def assert_rows(self, *names):
        self.assert_files(*self.inputs, *names)

    def start(self, *words, **more):
        return subprocess.Popen([PROGRAM, "sweep", *map(str, words)], stdin=subprocess.DEVNULL,
                                stderr=subprocess.PIPE, text=True, preexec_fn=heed_interrupts,
                                env=environment(), **more)

    def wait_for_rows(self, part, count, running):
        while running.poll() is None and (not part.exists() or
                                          part.read_bytes().count(b"\n") <= count):
            time.sleep(0.002)


class Replacing(Files):
    def test_other_rows_are_left_alone(self):
        for text in (self.text(ALEXNET), "mine", "\n", self.whole.replace("second", "third")):
            self.path.write_text(text)
            for option in ("-o", "--resume"):
                self.refuse(BAD_INPUT, "sweep", *self.words, option, self.path,
                            says=[f"{self.path}:", "the file is left as it was (--force"])
                self.assertEqual(self.path.read_text(), text)
                self.assert_rows("rows.csv")

    def test_force(self):
        for option in ("-o", "--resume"):
            self.path.write_text(self.text(ALEXNET))
            self.path.chmod(0o640)
            self.succeed("sweep", *self.words, option, self.path, "--force")
            self.assertEqual(self.path.read_text(), self.whole)
            self.assertEqual(self.path.stat().st_mode & 0o777, 0o640)
            self.assert_rows("rows.csv")

    def test_own_rows_may_be_planned_again(self):
        for text in ("", self.lines[0], "".join(self.lines[:3]), self.whole[:-5], self.whole):
            self.path.write_text(text)
            self.succeed("sweep", *self.words, "-o", self.path)
            self.assertEqual(self.path.read_text(), self.whole)
            self.assert_rows("rows.csv")

    def test_a_file_is_whole_or_not_there(self):
        """A finished file stays as it was until the other rows are all there."""
        before = self.text(ALEXNET, "--batch=1..50:+1")
        self.path.write_text(before)
        with self.start(*LONG, "-o", self.path, "--force") as running:
            self.wait_for_rows(self.part, 3, running)
            self.assertEqual(self.path.read_text(), before)
            running.send_signal(signal.SIGINT)
            message = running.communicate()[1]
        self.assertEqual(running.returncode, -signal.SIGINT, message)
        self.assertEqual(self.path.read_text(), before)
        self.assertTrue(self.part.read_text().endswith("\n"))

    def test_interrupted_rows_are_not_dropped_unasked(self):
        kept = "".join(self.lines[:4])
        self.part.write_text(kept)
        self.refuse(BAD_INPUT, "sweep", *self.words, "-o", self.path,
                    says=[f"{self.part} holds 3 rows", f"--resume {self.path} goes on", "--force"])
        self.assertEqual(self.part.read_text(), kept)
        self.refuse(BAD_INPUT, "sweep", ALEXNET, "--resume", self.path, says="left as it was")
        self.assertEqual(self.part.read_text(), kept)
        # an outcome that no run would come to shows which rows were planned
        marked = kept.replace(",optimal,", ",feasible,", 1)
        self.part.write_text(marked)
        self.succeed("sweep", *self.words, "--resume", self.path)
        self.assertEqual(self.path.read_text(), marked + "".join(self.lines[4:]))
        self.assert_rows("rows.csv")
        self.part.write_text(marked)
        self.succeed("sweep", *self.words, "-o", self.path, "--force")
        self.assertEqual(self.path.read_text(), self.whole)
        self.part.write_text(self.lines[0])  # no row is in it
        self.succeed("sweep", *self.words, "-o", self.path)
        self.assert_rows("rows.csv")

    def test_links_stay(self):
        target = self.folder / "elsewhere.csv"
        target.write_text("")
        self.path.symlink_to(target)
        self.succeed("sweep", *self.words, "-o", self.path)
        self.assertTrue(self.path.is_symlink())
        self.assertEqual(target.read_text(), self.whole)
        self.assert_rows("elsewhere.csv", "rows.csv")


class Mending(Files):
    def mend(self, text, note=None, **more):
        for path in (self.path, self.part):
            path.write_bytes(text.encode())
            result = self.succeed("sweep", *self.words, "--resume", self.path)
            self.assertEqual(self.path.read_text(), self.whole)
            self.assert_rows("rows.csv")
            if note:
                self.assertIn(note, result.err)
            else:
                self.assertEqual(result.err, "")
            self.path.unlink()

    def test_cut_off(self):
        for end in ("", self.lines[3][:1], self.lines[3][:-1], "\0", self.lines[3][:9] + 4096 * "\0"):
            self.mend("".join(self.lines[:3]) + end)

    def test_rows_of_two_writers(self):
        header, *rows = self.lines
        for order in ([0, 1, 1], [0, 0], [0, 1, 2, 2, 3, 3, 4, 4], [0, 1, 3, 2, 3], [0, 1, 2, 0, 1],
                      [*range(self.points), 6, 7], [1, 1], [0, 2, 1]):
            text = header + "".join(rows[i] for i in order)
            self.mend(text, "kept, the rest is planned again")
            self.mend(text + rows[3][:20], "kept, the rest is planned again")
        for order in ([0, 2], [1], [0, 1, 3, 5], [2, 4, 6]):  # of a shard, perhaps
            self.path.write_text(header + "".join(rows[i] for i in order))
            self.refuse(BAD_INPUT, "sweep", *self.words, "--resume", self.path, says="left as it was")
        for tail in ("x\n", "1\n", rows[1][:-9] + "\n", rows[1][:30] + rows[1], "99,first\n"):
            self.path.write_text(header + rows[0] + rows[0] + tail)
            self.refuse(BAD_INPUT, "sweep", *self.words, "--resume", self.path, says="left as it was")
            self.succeed("sweep", *self.words, "--resume", self.path, "--force")
            self.assertEqual(self.path.read_text(), self.whole)

    def test_two_writers_in_json_lines(self):
        whole = self.text(*self.words, "--format=jsonl")
        lines = whole.splitlines(keepends=True)
        self.path.write_text("".join(lines[i] for i in (0, 1, 2, 2, 3, 3)))
        self.succeed("sweep", *self.words, "--format=jsonl", "--resume", self.path)
        self.assertEqual(self.path.read_text(), whole)


class Locking(Files):
    def test_one_writer(self):
        """A second one is told who the first is, with -o as with --resume; then the first goes on."""
        with self.start(*LONG, "--resume", self.path) as running:
            self.wait_for_rows(self.part, 1, running)
            for option in ("-o", "--resume"):
                for more in ([], ["--force"]):
                    self.refuse(SYSTEM, "sweep", *LONG, option, self.path, *more,
                                says=[f"{self.path}: process {running.pid} on {socket.gethostname()}",
                                      "is writing it"])
            self.assertIsNone(running.poll())
            running.send_signal(signal.SIGTERM)
            running.communicate()
        self.assertEqual(running.returncode, -signal.SIGTERM)
        rows = self.part.read_text().splitlines()[1:]
        self.assertEqual([int(row.split(",")[0]) for row in rows], list(range(len(rows))))

    def test_many_at_once(self):
        """Whoever is first writes; with those who try again later, the file is what it should be."""
        for _ in range(5):
            self.path.unlink(missing_ok=True)
            results = []
            threads = [threading.Thread(target=lambda: results.append(
                self.run_program("sweep", *self.words, "--resume", self.path).status))
                       for _ in range(6)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertIn(0, results)
            self.assertLessEqual(set(results), {0, SYSTEM})
            self.assertEqual(self.path.read_text(), self.whole)
            self.assert_rows("rows.csv")

    def test_ended_without_warning(self):
        """SIGKILL and SIGINT at random moments, with a new run each time, until all is there."""
        words = [RESNET18, ALEXNET, "--batch=1..40:+1"]
        whole = self.text(*words)
        state = random.Random(1)
        for _ in range(3):
            self.path.unlink(missing_ok=True)
            for _ in range(100):
                with self.start(*words, "--resume", self.path, "--threads=1") as running:
                    time.sleep(0.06 * state.random())
                    running.send_signal(state.choice((signal.SIGKILL, signal.SIGINT)))
                    running.communicate()
                if self.part.exists():
                    self.assertTrue(whole.startswith(self.part.read_text()))
                if self.path.exists():
                    break
            self.succeed("sweep", *words, "--resume", self.path)
            self.assertEqual(self.path.read_text(), whole)
            self.assert_rows("rows.csv")


class Going(Files):
    """What an interrupted run says, pasted into a shell, goes on."""

    def interrupt(self, *words, folder, part, **more):
        part = folder / part
        with self.start(*words, cwd=folder, **more) as running:
            self.wait_for_rows(part, 2, running)
            running.send_signal(signal.SIGINT)
            message = running.communicate()[1]
        self.assertEqual(running.returncode, -signal.SIGINT, message)
        return message

    def test_command(self):
        folder = self.folder / "it's a $(folder) *"
        folder.mkdir()
        shutil.copy(NETWORKS / "resnet152.json", folder / "-a net.json")
        words = ["--threads", "2", "--batch=64..139:+1", "--planner", "dp", "--", "-a net.json"]
        names = ["rows.csv", "my rows'.csv", "$HOME `ls`\n;.csv"]
        whole = self.text(*words, cwd=folder)
        for name in names:
            message = self.interrupt("-o", name, "--force", *words, folder=folder,
                                     part=name + ".part")
            note, command, end = message[message.index("note: interrupted"):].split("\n")
            self.assertRegex(note, r"^note: interrupted after \d+ of 76 points, which are in .*\.part; to go on:$")
            self.assertEqual(end, "")
            if "\n" not in name:
                self.assertEqual(shlex.split(command)[:2], [PROGRAM, "sweep"])
                self.assertIn(f"--resume={name}", shlex.split(command))
            kept = (folder / (name + ".part")).read_text()
            self.assertTrue(whole.startswith(kept))
            done = subprocess.run(["bash", "-c", command], cwd=folder, env=environment(),
                                  capture_output=True, text=True, check=False)
            self.assertEqual((done.returncode, done.stdout), (0, ""), done)
            self.assertEqual((folder / name).read_text(), whole)
        self.assertEqual(sorted(os.listdir(folder)), sorted(["-a net.json", *names]))

    def test_as_json(self):
        message = self.interrupt(*LONG, "--json-errors", "-o", "rows.csv", folder=self.folder,
                                 part="rows.csv.part")
        said = [json.loads(line) for line in message.splitlines()][-1]
        self.assertEqual(said["level"], "note")
        self.assertIn("; to go on: ", said["message"])
        self.assertIn("--resume=rows.csv", said["message"])

    def test_to_standard_output(self):
        with open(self.path, "wb") as out, self.start(*LONG, stdout=out) as running:
            self.wait_for_rows(self.path, 2, running)
            running.send_signal(signal.SIGINT)
            message = running.communicate()[1]
        self.assertEqual(running.returncode, -signal.SIGINT)
        rows = self.path.read_text().count("\n") - 1
        self.assertIn(f"note: interrupted after {rows} of 1154 points\n", message)


class Places(Files):
    """Full disks, folders that are not to be written, and what is no file."""

    def test_full_disk(self):
        limit = len(self.lines[0]) + len(self.lines[1]) + 40
        for option in ("-o", "--resume"):
            result = self.refuse(SYSTEM, "sweep", *self.words, option, self.path,
                                 says=f"cannot write {self.part}: File too large",
                                 **small_files(limit))
            self.assertIn(f"note: planned 1 of {self.points} points, which are in {self.part}; to go on:\n",
                          result.err)
            self.assertIn(f" --resume={self.path} ", result.err)
            self.assertEqual(self.part.read_text(), self.whole[:limit])
            self.assertFalse(self.path.exists())
            self.succeed("sweep", *self.words, "--resume", self.path)
            self.assertEqual(self.path.read_text(), self.whole)
            self.path.unlink()
        self.refuse(SYSTEM, "sweep", *self.words, "-o", self.path, says="File too large",
                    **small_files(20))
        self.assert_rows()  # no row is in it

    def test_what_is_no_file(self):
        for path in ("/dev/stdout", "/dev/fd/1", "-"):
            self.assertEqual(self.text(*self.words, "-o", path), self.whole)
            with open(self.path, "wb") as out:
                self.succeed("sweep", *self.words, "-o", path, stdout=out)
            self.assertEqual(self.path.read_text(), self.whole)
            with open(self.path, "ab") as out:
                self.succeed("sweep", *self.words, "-o", path, stdout=out)
            self.assertEqual(self.path.read_text(), self.whole + self.whole)
            self.path.unlink()
        self.assertEqual(self.text(*self.words, "-o", "/dev/null"), "")
        os.mkfifo(self.path)
        with subprocess.Popen(["cat", self.path], stdout=subprocess.PIPE, text=True) as reader:
            self.succeed("sweep", *self.words, "-o", self.path)
            self.assertEqual(reader.communicate()[0], self.whole)
        self.refuse(SYSTEM, "sweep", *self.words, "--resume", self.path, says="no regular file")
        self.path.unlink()
        self.path.mkdir()
        self.refuse(SYSTEM, "sweep", *self.words, "-o", self.path, says="Is a directory")
        self.path.rmdir()
        self.part.mkdir()
        self.refuse(SYSTEM, "sweep", *self.words, "-o", self.path, says=f"cannot write {self.part}")
        self.part.rmdir()
        os.mkfifo(self.part)
        self.refuse(SYSTEM, "sweep", *self.words, "-o", self.path, says="no regular file")
        self.part.unlink()
        self.part.symlink_to(self.file("other", "mine"))
        self.refuse(SYSTEM, "sweep", *self.words, "-o", self.path, says=f"cannot write {self.part}")

    @unittest.skipIf(os.geteuid() == 0, "root may write everywhere")
    def test_read_only_folder(self):
        self.path.write_text("")
        self.folder.chmod(0o555)
        self.refuse(SYSTEM, "sweep", *self.words, "-o", self.path,
                    says=f"cannot write {self.part}: Permission denied")
        self.folder.chmod(0o755)


if __name__ == "__main__":
    unittest.main()
