"""`mbsopt sweep`: the same rows however it is cut up, interrupted and resumed."""

import csv
import io
import json
import re
import signal
import subprocess
import time
import unittest

from harness import ALEXNET, BAD_INPUT, NETWORKS, OK, PROGRAM, environment, heed_interrupts
from sweeping import MANY, POINTS, Sweep


class SameRows(Sweep):
    def setUp(self):
        super().setUp()
        self.whole = self.text(*MANY)
        self.path = self.folder / "rows.csv"
        self.part = self.folder / "rows.csv.part"

    def test_threads(self):
        for threads in (1, 2, 7, 100):
            self.assertEqual(self.text(*MANY, f"--threads={threads}"), self.whole)
        self.assertEqual(self.text(*MANY, "-o", self.path), "")
        self.assertEqual(self.path.read_text(), self.whole)

    def test_shards(self):
        for form in ("csv", "jsonl"):
            whole = self.text(*MANY, f"--format={form}")
            for shards in (1, 3):
                self.check_shards(MANY, POINTS, shards, form, whole)
            few, points = self.few()
            self.check_shards(few, points, points + 2, form, self.text(*few, f"--format={form}"))

    def test_strips_on_and_off(self):
        words = [ALEXNET, "--buffer=256KiB,1MiB", "--strips=on,off", "--planner=mbs2,dp"]
        points = 2 * (1 + 2) # mbs2 has no strips
        whole = self.text(*words)
        rows = [line.split(",") for line in whole.splitlines()]
        column = rows[0].index("strips")
        self.assertEqual({row[column] for row in rows[1:]}, {"on", "off"})
        self.assertEqual(len(rows), 1 + points)
        self.check_shards(words, points, 3, "csv", whole)
        for length in range(0, len(whole) + 1, 331):
            self.path.write_text(whole[:length])
            self.assertEqual(self.resume(words=words), whole, length)

    def test_older_files(self):
        """Rows of a version that did not tell of strips, or of the peak of DRAM, are told and left alone."""
        for form, word in (("csv", "column"), ("jsonl", "member")):
            words = [ALEXNET, "--buffer=1MiB,2MiB", f"--format={form}"]
            lines = self.text(*words).splitlines()
            for lacks in ("dram_peak_bytes", "strips"):
                if form == "csv":
                    columns = lines[0].split(",")
                    at = columns.index(lacks)
                    older = [",".join(row.split(",")[:at] + row.split(",")[at + 1:]) for row in lines]
                else:
                    rows = [json.loads(row) for row in lines]
                    older = [json.dumps({key: row[key] for key in row if key != lacks}) for row in rows]
                self.path.write_text("\n".join(older[:2]) + "\n")
                before = self.path.read_text()
                self.refuse(BAD_INPUT, "sweep", *words, "--resume", self.path, says=f"without the {word} {lacks}")
                self.assertEqual(self.path.read_text(), before)

    def check_shards(self, words, points, shards, form, whole):
        paths = [self.folder / f"shard-{k}" for k in range(shards)]
        for k, path in enumerate(paths):
            self.succeed("sweep", *words, f"--format={form}", f"--shard={k}/{shards}", "-o", path,
                         "--force")
        merged = self.folder / "merged"
        done = self.merge("-o", merged, "--points", points, *reversed(paths))
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        self.assertEqual(merged.read_text(), whole)
        if shards == 3 and form == "csv":
            self.refuse_merges(paths, merged, whole)
            self.assertEqual(self.merge(*paths).stdout, whole)

    def refuse_merges(self, paths, merged, whole):
        cut = self.file("cut", paths[0].read_bytes()[:-5])
        other = self.file("other", "index,x\n1,2\n")
        junk = self.file("junk", "hello\n")
        for files in (paths[:2], [*paths, paths[0]], [cut, *paths[1:]], [other, *paths[1:]],
                      [junk, *paths], ["--points", POINTS + 1, *paths],
                      ["--points", POINTS - 1, *paths]):
            done = self.merge("-o", merged, *files)
            self.assertEqual(done.returncode, 1, files)
            self.assertEqual((done.stdout, done.stderr.count("\n")), ("", 1), done.stderr)
        self.assertEqual(self.merge(self.folder / "none").returncode, 5)
        self.assertEqual(merged.read_text(), whole)

    def resume(self, *more, words=MANY):
        result = self.succeed("sweep", *words, "--resume", self.path, *more)
        self.assertEqual(result.out, "")
        return self.path.read_text()

    def test_resume_wherever_it_was_cut(self):
        few, _ = self.few()
        whole = self.text(*few)
        header = whole.index("\n") + 1
        for length in [*range(0, header, 29), *range(header - 2, header + 3),
                       *range(header + 3, len(whole), 67), len(whole) - 1, len(whole)]:
            self.path.write_text(whole[:length])
            self.assertEqual(self.resume(words=few), whole, length)
        for length in range(1000, len(self.whole), 4999):
            self.path.write_text(self.whole[:length])
            self.assertEqual(self.resume(), self.whole, length)
        self.path.unlink()
        self.assertEqual(self.resume(), self.whole)
        before = self.path.stat().st_mtime_ns
        self.assertEqual(self.resume(), self.whole)
        self.assertEqual(self.path.stat().st_size, len(self.whole))
        self.assertGreaterEqual(self.path.stat().st_mtime_ns, before)

    def test_resume_json_lines_and_shards(self):
        few, _ = self.few()
        for more in (["--format=jsonl"], ["--shard=1/3"], ["--shard=2/5", "--format=jsonl"]):
            whole = self.text(*few, *more)
            for length in range(0, len(whole) + 1, 149):
                self.path.write_text(whole[:length])
                self.assertEqual(self.resume(*more, words=few), whole)

    def test_finished_points_are_skipped(self):
        lines = self.whole.splitlines(keepends=True)
        lines[3] = lines[3].replace(",optimal,", ",heuristic,").replace(",heuristic,",
                                                                        ",feasible,")
        self.path.write_text("".join(lines[:5]))
        self.assertEqual(self.resume(), "".join(lines))

    def test_orders_of_best_are_told_apart(self):
        words = (ALEXNET, "--planner=best", "--buffer=1MiB", "--batch=4")
        for order, name in (("auto", "best"), ("given", "best-given"), ("search", "best-order")):
            out = self.succeed("sweep", *words, "--order", order).out
            self.assertEqual([row["planner"] for row in csv.DictReader(io.StringIO(out))], [name])
        self.succeed("sweep", *words, "-o", self.path)
        self.refuse(BAD_INPUT, "sweep", *words, "--order=given", "--resume", self.path)

    def test_killed_and_resumed(self):
        """SIGKILL at some moments; what is there is a beginning of the whole."""
        for rows in (0, 1, 10, POINTS // 2):
            self.path.unlink(missing_ok=True)
            with subprocess.Popen([PROGRAM, "sweep", *MANY, "-o", self.path, "--threads=1"],
                                  stderr=subprocess.DEVNULL, env=environment()) as running:
                while running.poll() is None:
                    if self.part.exists() and self.part.read_bytes().count(b"\n") > rows:
                        break
                running.kill()
            if running.returncode != OK: # else it was done before
                self.assertFalse(self.path.exists())
                self.assertTrue(self.whole.startswith(self.part.read_text()))
            self.assertEqual(self.resume(), self.whole)
            self.assert_files("rows.csv")

    def interrupt(self, number):
        """Interrupts a sweep of 577 points after some of them; returns what it said."""
        words = [str(NETWORKS / "resnet152.json"), "--batch=64..640:+1"]
        with subprocess.Popen([PROGRAM, "sweep", *words, "-o", self.path], text=True,
                              stderr=subprocess.PIPE, env=environment(),
                              preexec_fn=heed_interrupts) as running:
            while not self.part.exists() or self.part.read_bytes().count(b"\n") < 3:
                time.sleep(0.01)
            running.send_signal(number)
            message = running.communicate()[1]
        self.assertEqual(running.returncode, -number, message)
        text = self.part.read_text()
        self.assertTrue(text.endswith("\n"))
        self.assertIn(f"note: interrupted after {text.count(chr(10)) - 1} of 577 points", message)
        self.assert_files("rows.csv.part")
        self.part.unlink()
        return message

    def test_interrupted(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            self.interrupt(number)

    def test_search_is_interrupted(self):
        words = [str(NETWORKS / "inception_v4.json"), "--planner=ilp", "--time-limit=600"]
        start = time.monotonic()
        with subprocess.Popen([PROGRAM, "sweep", *words, "-o", self.path], env=environment(),
                              stderr=subprocess.DEVNULL, preexec_fn=heed_interrupts) as running:
            time.sleep(1)
            running.send_signal(signal.SIGINT)
            status = running.wait()
        self.assertLess(time.monotonic() - start, 100)
        if status != OK: # else it was done within the second
            self.assertEqual(status, -signal.SIGINT)
            self.assert_files() # there was no row to keep

    def test_files_of_other_sweeps(self):
        header, first, second, *_ = self.whole.splitlines(keepends=True)
        others = {
            "another header": header.replace("index", "point") + first,
            "not a sweep's": "hello\n", "cut, not a sweep's": "hello",
            "only a cut row": header + "0,resnet18,tr", "json lines": '{"index": 0}\n',
            "rows in another order": header + second,
            "a row left out": header + second, "a broken row": header + first[:-20] + "\n" + second,
            "no header": first, "an empty line": header + "\n" + first,
            "too long": self.whole + "0\n", "NUL": header + first[:-5] + "\0" + first[-4:],
            "longer header": header[:-1] + ",more\n",
            "a sweep of other points": self.text(ALEXNET, "--batch=1,2"),
            "another phase": self.text(*MANY, "--inference"),
            "a shard": self.text(*MANY, "--shard=0/2"),
        }
        for what, text in others.items():
            self.path.write_text(text)
            with self.subTest(what):
                self.refuse(BAD_INPUT, "sweep", *MANY, "--resume", self.path,
                            says=[f"{self.path}:", "left as it was"])
                self.refuse(BAD_INPUT, "sweep", *MANY, "-o", self.path,
                            says=[f"{self.path}:", "left as it was (--force"])
                self.assertEqual(self.path.read_text(), text)
                self.assert_files("rows.csv")
        self.path.write_text(self.whole)
        self.refuse(BAD_INPUT, "sweep", *MANY, "--resume", self.path, "--format=jsonl")
        self.refuse(BAD_INPUT, "sweep", ALEXNET, "--resume", self.path)
        self.assertEqual(self.path.read_text(), self.whole)

    def test_no_progress_line_without_a_terminal(self):
        self.assertNotIn("\r", self.succeed("sweep", *MANY).err)

    def test_progress_on_a_terminal(self):
        status, out, shown = self.on_terminal("sweep", *MANY, "--threads=1")
        self.assertEqual((status, out), (OK, self.whole))
        self.assertRegex(shown, rf"\r[1-9]\d* of {POINTS} points, \d+ s, about \d+ s left")
        self.assertEqual(re.sub(r"[^\n]*\r", "", shown.replace("note: ", "\n")).split("\n")[0], "")


if __name__ == "__main__":
    unittest.main()
