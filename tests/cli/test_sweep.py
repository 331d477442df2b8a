"""`mbsopt sweep`: the same rows however it is cut up, interrupted and resumed."""

import csv
import io
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import unittest

from harness import (ALEXNET, BAD_INPUT, NETWORKS, OK, PROGRAM, ROOT, SYSTEM, USAGE, CliTest, conv,
                     environment, network, relu)

RESNET18 = str(NETWORKS / "resnet18.json")
MACHINES = [str(ROOT / "models" / "hardware" / name)
            for name in ("wavecore.json", "wavecore-gddr5.json", "wavecore-lpddr4.json")]
SMALL = network([conv("c1", "image"), relu("r1", "c1"), conv("c2", "r1")])
MERGE = str(ROOT / "scripts" / "sweep_merge.py")

# 2 networks, 3 buffers, 2 batches, 2 planners, 3 machines
MANY = [ALEXNET, RESNET18, "--buffer", "1MiB..4MiB:x2", "--batch", "4,9", "--planner",
        "baseline,dp", "--hardware", ",".join(MACHINES)]
POINTS = 2 * 3 * 2 * 2 * 3


class Sweep(CliTest):
    def few(self):
        """A sweep that takes next to no time: 2 networks, 2 buffers, 2 planners."""
        paths = [self.file(f"{name}.json", SMALL.replace('"test"', f'"{name}"'))
                 for name in ("first", "second")]
        return [*paths, "--buffer", "4KiB,8KiB", "--batch=5", "--planner", "baseline,dp"], 2 * 2 * 2

    def text(self, *arguments, **more):
        return self.succeed("sweep", *arguments, **more).out

    def rows(self, *arguments, **more):
        return list(csv.DictReader(io.StringIO(self.text(*arguments, **more))))

    def merge(self, *arguments):
        return subprocess.run([sys.executable, MERGE, *map(str, arguments)], capture_output=True,
                              text=True, check=False)


class Points(Sweep):
    def test_cross_product(self):
        rows = self.rows(*MANY)
        expected = itertools.product(("alexnet", "resnet18"), (2**20, 2**21, 2**22), (4, 9),
                                     ("baseline", "dp"),
                                     ("wavecore", "wavecore-gddr5", "wavecore-lpddr4"))
        self.assertEqual([(int(r["index"]), r["network"], int(r["buffer_bytes"]), int(r["batch"]),
                           r["planner"], r["hardware"]) for r in rows],
                         [(i, *point[:5]) for i, point in enumerate(expected)])

    def test_rows_are_those_of_compare_and_plan(self):
        for row in self.rows(*MANY):
            if int(row["index"]) % 7:
                continue
            options = [NETWORKS / (row["network"] + ".json"), "--buffer", row["buffer_bytes"],
                       "--batch", row["batch"], "--hardware",
                       MACHINES[int(row["index"]) % 3]]
            plan = json.loads(self.succeed("plan", *options, "--planner", row["planner"],
                                           "--format", "json").out)
            for member, bytes_moved in plan["traffic_bytes"].items():
                self.assertEqual(int(row[member + "_bytes"]), bytes_moved)
            self.assertEqual(row["bound_bytes"], str(plan.get("bound_bytes", "")))
            self.assertEqual((row["outcome"], int(row["groups"])),
                             (plan["outcome"], len(plan["groups"])))
            compared = json.loads(self.succeed("compare", *options, "--planners", row["planner"],
                                               "--format", "json").out)["networks"][0]["plans"][0]
            for member in ("time_s", "energy_j", "utilisation"):
                self.assertEqual(float(row[member]), compared[member])
            for part, joules in compared["energy_parts_j"].items():
                self.assertEqual(float(row[part + "_j"]), joules)
            self.assertTrue(0 <= float(row["compute_bound"]) <= 1)

    def test_plans_are_not_shared_where_they_differ(self):
        base = {"format": "mbsopt-hardware/1"}
        machines = [{**base, "name": "a"}, {**base, "name": "b", "norm_passes": 1},
                    {**base, "name": "c", "reserved_bytes": 2**20},
                    {**base, "name": "d", "activation_bits": 8},
                    {**base, "name": "e", "buffer_bytes": 2**22}]
        paths = [self.file(m["name"] + ".json", json.dumps(m)) for m in machines]
        for more in ([], ["--buffer", "2MiB"]):
            rows = self.rows(RESNET18, "--planner=baseline,mbs2", "--hardware", ",".join(paths),
                             *more)
            for row, path in zip(rows, paths * 2):
                plan = json.loads(self.succeed("plan", RESNET18, "--planner", row["planner"],
                                               "--hardware", path, "--format=json", *more).out)
                self.assertEqual(int(row["total_bytes"]), plan["traffic_bytes"]["total"])

    def test_objectives(self):
        """dp's rows are those of compare with the same objective, on each machine its own."""
        words = [RESNET18, "--batch=16"]
        usual = self.rows(*words, "--planner=mbs2,dp", "--hardware", ",".join(MACHINES))
        for objective, member in (("time", "time_s"), ("energy", "energy_j")):
            options = ["--objective", objective]
            lists = [*words, *options, "--planner=mbs2,dp", "--hardware", ",".join(MACHINES)]
            rows = self.rows(*lists)
            self.assertEqual(rows[:3], usual[:3])
            for row, before, machine in zip(rows[3:], usual[3:], MACHINES):
                alone = json.loads(self.succeed("compare", *words, *options, "--planners=dp",
                                                "--hardware", machine, "--format=json").out)
                plan, = alone["networks"][0]["plans"]
                self.assertEqual([row["planner"], float(row[member]), int(row["total_bytes"])],
                                 [f"dp-{objective}", plan[member], plan["traffic_bytes"]["total"]])
                self.assertLess(float(row[member]), float(before[member]))
            whole = self.text(*lists)
            path = self.folder / "rows.csv"
            path.write_text(whole[:-40])
            self.succeed("sweep", *lists, "--resume", path)
            self.assertEqual(path.read_text(), whole)
            self.refuse(BAD_INPUT, "sweep", *lists[:2], "--resume", path, says="left as it was")
        self.refuse(USAGE, "sweep", ALEXNET, "--planner=mbs2", "--objective=time",
                    says="--planner leaves out")
        self.refuse(USAGE, "sweep", ALEXNET, "--objective=speed", says="traffic, time or energy")

    def test_json_lines(self):
        rows = self.rows(*MANY)
        lines = [json.loads(line) for line in self.text(*MANY, "--format=jsonl").splitlines()]
        self.assertEqual(len(lines), POINTS)
        for row, line in zip(rows, lines):
            self.assertEqual(list(row), list(line))
            for name, value in row.items():
                if isinstance(line[name], (int, float)):
                    self.assertEqual(float(value), line[name])
                else:
                    self.assertEqual(value, line[name] or "")

    def test_defaults(self):
        row, = self.rows(ALEXNET)
        self.assertEqual([row[c] for c in ("buffer_bytes", "batch", "hardware", "planner")],
                         ["10485760", "32", "wavecore", "dp"])

    def test_ranges(self):
        def column(name, option, value):
            return [int(r[name]) for r in self.rows("-", f"--{option}={value}", given=SMALL)]
        self.assertEqual(column("batch", "batch", "8..64:x2"), [8, 16, 32, 64])
        self.assertEqual(column("batch", "batch", "8..63:x2,3"), [8, 16, 32, 3])
        self.assertEqual(column("batch", "batch", "1..8:+3,2..2:x2"), [1, 4, 7, 2])
        self.assertEqual(column("batch", "batch", "999999..1000000:+1"), [999999, 1000000])
        self.assertEqual(column("buffer_bytes", "buffer", "4KiB..8KiB:+2KiB,1MB"),
                         [4096, 6144, 8192, 1000000])
        self.assertEqual(column("buffer_bytes", "buffer", "4096..9223372036854775807:x1048576"),
                         [4096, 2**32, 2**52])

    def test_repeated_hardware(self):
        self.assertEqual(self.text(*MANY), self.text(*MANY[:-2], "--hardware", MACHINES[0],
                                                     "--hardware", ",".join(MACHINES[1:])))

    def test_names_stay_in_one_line(self):
        given = network([conv("c", "image")], name='a"b,\x1b\nc')
        self.assertEqual(self.rows("-", given=given)[0]["network"], 'a"b,\\x1b\\x0ac')
        self.assertEqual(json.loads(self.text("-", "--format=jsonl", given=given))["network"],
                         'a"b,\x1b\nc')

    def test_inference_and_batch_norms(self):
        rows = self.rows(RESNET18, "--inference", "--planner=archopt,dp")
        self.assertEqual([(r["phase"], r["batch_norm"]) for r in rows],
                         [("inference", "keep"), ("inference", "replace")])
        result = self.succeed("sweep", RESNET18, "--batch-norm=keep")
        self.assertEqual(result.err, "")
        self.assertIn(",training,keep,", result.out)
        self.assertIn("of 1 network are planned as group norms",
                      self.succeed("sweep", RESNET18).err)


class Bad(Sweep):
    def test_lists(self):
        for value in ("", ",", "1MiB,", ",1MiB", "x", "1MiB..", "..1MiB", "1MiB..2MiB",
                      "1MiB..2MiB:", "1MiB..2MiB:2", "1MiB..2MiB:x", "1MiB..2MiB:x0",
                      "1MiB..2MiB:x1", "1MiB..2MiB:x-2", "1MiB..2MiB:x1.5", "1MiB..2MiB:+0",
                      "1MiB..2MiB:+", "1MiB..2MiB:+-1", "1MiB..2MiB:-1", "2MiB..1MiB:x2",
                      "2MiB..1MiB:+1KiB", "4095", "4095..8192:x2", "1MiB,1MiB",
                      "1MiB..4MiB:x2,2MiB", "4096..1GiB:+1", "1MiB..2MiB:x2:x2"):
            self.refuse(BAD_INPUT, "sweep", ALEXNET, f"--buffer={value}", says="--buffer")
        for value in ("", "0", "0..8:x2", "1000001", "1.5", "8..4:x2", "8..16:x1", "8..16:+0",
                      "8..16", "1,1", "1..1000000:+1", "8..16:+1KiB", "10MiB"):
            self.refuse(BAD_INPUT, "sweep", ALEXNET, f"--batch={value}", says="--batch")
        self.refuse(BAD_INPUT, "sweep", ALEXNET, "--batch=0", "--buffer=0",
                    says=["--batch", "--buffer"])

    def test_usage(self):
        self.refuse(USAGE, "sweep", says="NET… is missing")
        for value, says in (("", "unknown planner"), ("dp,", "unknown planner"),
                            ("dp,dp", "twice"), ("dp,mbs3", "did you mean --planner mbs1?")):
            self.refuse(USAGE, "sweep", ALEXNET, f"--planner={value}", says=says)
        self.refuse(USAGE, "sweep", ALEXNET, "--format=json", says="csv or jsonl")
        self.refuse(USAGE, "sweep", "-", "-", says="standard input")
        self.refuse(USAGE, "sweep", "-", "--hardware=-", says="standard input")
        self.refuse(USAGE, "sweep", ALEXNET, "--resume=-", says="--resume")
        self.refuse(USAGE, "sweep", ALEXNET, "--resume=x", "-oy", says="--resume")
        self.assert_files()

    def test_shards_and_threads(self):
        for value in ("", "1", "1/", "/2", "2/2", "-1/2", "0/0", "a/b", "0/2/3", "0x0/2", " 0/2",
                      "0/10000001", "99999999999999999999999/2"):
            self.refuse(BAD_INPUT, "sweep", ALEXNET, f"--shard={value}", says="--shard")
        for value in ("", "0", "-1", "x", "1025"):
            self.refuse(BAD_INPUT, "sweep", ALEXNET, f"--threads={value}", says="--threads")

    def test_files(self):
        out = self.folder / "out.csv"
        out.write_text("old")
        none = self.folder / "none.json"
        self.refuse(SYSTEM, "sweep", ALEXNET, none, "-o", out, says="No such file")
        self.refuse(SYSTEM, "sweep", ALEXNET, f"--hardware={none}", "-o", out, says="No such file")
        self.refuse(SYSTEM, "sweep", ALEXNET, "--hardware=", "-o", out, says="No such file")
        self.refuse(BAD_INPUT, "sweep", ALEXNET, ALEXNET, "-o", out, says="named alexnet")
        self.refuse(BAD_INPUT, "sweep", ALEXNET, f"--hardware={MACHINES[0]},{MACHINES[0]}", "-o",
                    out, says="named wavecore")
        self.assertEqual(out.read_text(), "old")

    def test_full_disk(self):
        for more in ([], ["--format=jsonl"]):
            self.refuse(SYSTEM, "sweep", ALEXNET, *more, "-o", "/dev/full", says="No space left")
            with open("/dev/full", "wb") as full:
                self.refuse(SYSTEM, "sweep", ALEXNET, *more, stdout=full, says="No space left")
        reader, writer = os.pipe()
        os.close(reader)
        self.refuse(SYSTEM, "sweep", ALEXNET, stdout=writer, says="Broken pipe")
        os.close(writer)
        self.refuse(SYSTEM, "sweep", ALEXNET, "-o", self.folder / "no" / "file", says="No such")
        self.refuse(SYSTEM, "sweep", ALEXNET, "--resume", "/dev/null", says="no regular file")
        self.refuse(SYSTEM, "sweep", ALEXNET, "--resume", self.folder, says=str(self.folder))

    def test_point_without_a_plan(self):
        machine = {"format": "mbsopt-hardware/1", "name": "full", "reserved_bytes": 2**20}
        path = self.file("full.json", json.dumps(machine))
        lists = [f"--hardware={MACHINES[0]},{path}", "--buffer=4MiB,1MiB"]
        for threads in (1, 2, 7):
            result = self.run_program("sweep", ALEXNET, *lists, f"--threads={threads}")
            self.assertEqual(result.status, BAD_INPUT)
            self.assertEqual(result.err.count("\n"), 1, result)
            self.assertIn("point 3 (alexnet, dp, buffer of 1048576 bytes, 32 samples, full): ",
                          result.err)
            self.assertEqual(result.out.count("\n"), 4) # the header and the points before


class SameRows(Sweep):
    def setUp(self):
        super().setUp()
        self.whole = self.text(*MANY)
        self.path = self.folder / "rows.csv"

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

    def check_shards(self, words, points, shards, form, whole):
        paths = [self.folder / f"shard-{k}" for k in range(shards)]
        for k, path in enumerate(paths):
            self.succeed("sweep", *words, f"--format={form}", f"--shard={k}/{shards}", "-o", path)
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

    def test_killed_and_resumed(self):
        """SIGKILL at some moments; what is there is a beginning of the whole."""
        for rows in (0, 1, 10, POINTS // 2):
            self.path.unlink(missing_ok=True)
            with subprocess.Popen([PROGRAM, "sweep", *MANY, "-o", self.path, "--threads=1"],
                                  stderr=subprocess.DEVNULL, env=environment()) as running:
                while running.poll() is None:
                    if self.path.exists() and self.path.read_bytes().count(b"\n") > rows:
                        break
                running.kill()
            self.assertTrue(self.whole.startswith(self.path.read_text()))
            self.assertEqual(self.resume(), self.whole)

    def interrupt(self, number):
        words = [str(NETWORKS / "resnet152.json"), "--batch=64..640:+1"]
        with subprocess.Popen([PROGRAM, "sweep", *words, "-o", self.path], text=True,
                              stderr=subprocess.PIPE, env=environment()) as running:
            while not self.path.exists() or self.path.read_bytes().count(b"\n") < 3:
                time.sleep(0.01)
            running.send_signal(number)
            message = running.communicate()[1]
        self.assertEqual(running.returncode, -number, message)
        self.assertIn("note: interrupted after", message)
        text = self.path.read_text()
        self.assertTrue(text.endswith("\n"))
        self.assertIn(f"interrupted after {text.count(chr(10)) - 1} of 577 points", message)

    def test_interrupted(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            self.path.unlink(missing_ok=True)
            self.interrupt(number)

    def test_search_is_interrupted(self):
        words = [str(NETWORKS / "inception_v4.json"), "--planner=ilp", "--time-limit=600"]
        start = time.monotonic()
        with subprocess.Popen([PROGRAM, "sweep", *words, "-o", self.path], env=environment(),
                              stderr=subprocess.DEVNULL) as running:
            time.sleep(1)
            running.send_signal(signal.SIGINT)
            status = running.wait()
        self.assertLess(time.monotonic() - start, 100)
        if status != OK: # else it was done within the second
            self.assertEqual(status, -signal.SIGINT)
            self.assertEqual(self.path.read_text().count("\n"), 1)

    def test_files_of_other_sweeps(self):
        header, first, second, *_ = self.whole.splitlines(keepends=True)
        others = {
            "another header": header.replace("index", "point") + first,
            "not a sweep's": "hello\n", "cut, not a sweep's": "hello",
            "only a cut row": header + "0,resnet18,tr", "json lines": '{"index": 0}\n',
            "rows in another order": header + second, "a row twice": header + first + first,
            "a row left out": header + second, "a broken row": header + first[:-20] + "\n" + second,
            "no header": first, "an empty line": header + "\n" + first,
            "too long": self.whole + first, "NUL": header + first[:-5] + "\0" + first[-4:],
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
                self.assertEqual(self.path.read_text(), text)
        self.path.write_text(self.whole)
        self.refuse(BAD_INPUT, "sweep", *MANY, "--resume", self.path, "--format=jsonl")
        self.refuse(BAD_INPUT, "sweep", ALEXNET, "--resume", self.path)
        self.assertEqual(self.path.read_text(), self.whole)

    def test_no_progress_line_without_a_terminal(self):
        self.assertNotIn("\r", self.succeed("sweep", *MANY).err)


class Scripts(Sweep):
    def run_script(self, name, *arguments, **more):
        return subprocess.run(["bash", ROOT / "scripts" / name, *map(str, arguments)],
                              capture_output=True, text=True, check=False,
                              env=environment(MBSOPT=PROGRAM, **more), cwd=self.folder)

    def other_parallel(self):
        """A PATH on which `parallel` is some other program than GNU's."""
        tools = self.folder / "tools"
        tools.mkdir()
        (tools / "parallel").write_text("#!/bin/sh\nexit 1\n")
        (tools / "parallel").chmod(0o755)
        return f"{tools}:{os.environ['PATH']}"

    def test_parallel(self):
        """With GNU parallel, if it is there, and with xargs."""
        whole = self.text(*MANY)
        for path in (os.environ["PATH"], self.other_parallel()):
            done = self.run_script("sweep_parallel.sh", 3, "out.csv", *MANY, PATH=path)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual((self.folder / "out.csv").read_text(), whole)
            (self.folder / "out.csv").unlink()
            self.assert_files("tools")
        self.assertIn("GNU parallel is not installed", done.stderr)
        for words in ([], [0, "x", ALEXNET], ["a", "x", ALEXNET], [3, "x"]):
            self.assertEqual(self.run_script("sweep_parallel.sh", *words).returncode, 2)
        self.assertNotEqual(
            self.run_script("sweep_parallel.sh", 2, "y", ALEXNET, "--batch=0").returncode, 0)
        self.assertFalse((self.folder / "y").exists())

    def test_slurm(self):
        """With an sbatch that runs the tasks at once, one after the other."""
        tools = self.folder / "tools"
        tools.mkdir()
        sbatch = tools / "sbatch"
        sbatch.write_text("""#!/bin/bash
set -e
tasks=""
while [[ $1 == --* ]]; do
    case $1 in
    --array=0-*) tasks=$(seq 0 "${1#--array=0-}") ;;
    --dependency=*) [ "$1" = --dependency=afterok:7 ] ;;
    esac
    shift
done
cp "$1" spooled
shift
for task in ${tasks:-none}; do
    [ "$task" = none ] || export SLURM_ARRAY_TASK_ID=$task SLURM_CPUS_PER_TASK=2
    bash spooled "$@" >>log
done
rm spooled
echo "7;cluster"
""")
        sbatch.chmod(0o755)
        done = self.run_script("sweep.sbatch", 4, "out.csv", *MANY,
                               PATH=f"{tools}:{os.environ['PATH']}")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("job array 7", done.stdout)
        self.assertEqual((self.folder / "out.csv").read_text(), self.text(*MANY))
        shutil.rmtree(tools)
        self.assert_files("log", "out.csv")

    @unittest.skipUnless(shutil.which("shellcheck"), "no shellcheck")
    def test_shellcheck(self):
        scripts = [ROOT / "scripts" / name for name in ("sweep.sbatch", "sweep_parallel.sh")]
        done = subprocess.run(["shellcheck", *scripts], capture_output=True, text=True,
                              check=False)
        self.assertEqual(done.returncode, 0, done.stdout)


if __name__ == "__main__":
    unittest.main()
