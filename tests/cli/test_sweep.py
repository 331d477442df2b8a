"""`mbsopt sweep`: its points and rows, and what it refuses."""

import itertools
import json
import unittest

from harness import ALEXNET, BAD_INPUT, NETWORKS, SYSTEM, USAGE, conv, network
from sweeping import MACHINES, MANY, POINTS, RESNET18, SMALL, Sweep


class Points(Sweep):
    def test_dry_run(self):
        """All is looked at, and counted; nothing is planned or written."""
        out = self.folder / "rows.csv"
        words = ["sweep", "--dry-run", ALEXNET, "--buffer=1MiB,2MiB", "--planner=dp,mbs2", "--strips=on,off", "-o", out]
        self.assertEqual(self.succeed(*words).out,
                         "6 points: 1 network, 2 buffers, 1 batch, 3 planners, 1 machine\n")
        self.assertEqual(self.succeed(*words, "--shard=3/4", "--batch=1..2:+1").out,
                         "12 points: 1 network, 2 buffers, 2 batches, 3 planners, 1 machine\n3 in shard 3/4\n")
        self.assertFalse(out.exists())
        self.refuse(BAD_INPUT, "sweep", "--dry-run", ALEXNET, "--buffer=1", says="--buffer")
        self.refuse(SYSTEM, "sweep", "--dry-run", "/nonexistent", says="/nonexistent")

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
            compared = json.loads(self.succeed("compare", *options, "--planner", row["planner"],
                                               "--format", "json").out)["networks"][0]["plans"][-1]
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
                alone = json.loads(self.succeed("compare", *words, *options, "--planner=dp",
                                                "--hardware", machine, "--format=json").out)
                *_, plan = alone["networks"][0]["plans"]
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

    def test_strips(self):
        """A dimension of the planners that know strips, and a column of all."""
        words = [RESNET18, "--buffer=1MiB,2MiB", "--planner=mbs2,dp"]
        rows = self.rows(*words, "--strips=off,on")
        self.assertEqual([(r["planner"], r["strips"]) for r in rows],
                         [("mbs2", "off"), ("dp", "off"), ("dp", "on")] * 2)
        for row in rows:
            plan = json.loads(self.succeed(
                "plan", RESNET18, "--buffer", row["buffer_bytes"], "--planner", row["planner"],
                *(["--no-strips"] if (row["planner"], row["strips"]) == ("dp", "off") else []),
                "--format=json").out)
            self.assertEqual((int(row["total_bytes"]), float(row["utilisation"])),
                             (plan["traffic_bytes"]["total"], plan["utilisation"]))
        self.assertLess(int(rows[2]["total_bytes"]), 0.8 * int(rows[1]["total_bytes"]))
        self.assertEqual([r["strips"] for r in self.rows(*words)], ["off", "on"] * 2)
        for wrong in ("", "yes", "on,on", "on,off,on", "off,"):
            self.refuse(USAGE, "sweep", RESNET18, f"--strips={wrong}", says="expected on, off")

    def test_in_place(self):
        """The planners that write in place are called so; the presets' rows are those of before."""
        words = [RESNET18, "--buffer=2MiB", "--planner=mbs2,dp", "--strips=off"]
        preset, placed = self.rows(*words, "--in-place")
        before, plain = self.rows(*words)
        self.assertEqual([preset["planner"], placed["planner"]], ["mbs2", "dp-in-place"])
        self.assertEqual(preset, before)
        plan = json.loads(self.succeed("plan", RESNET18, "--buffer=2MiB", "--planner=dp", "--no-strips", "--in-place",
                                       "--format=json").out)
        self.assertGreater(len(plan["in_place"]), 0)
        self.assertEqual(int(placed["total_bytes"]), plan["traffic_bytes"]["total"])
        self.assertLess(int(placed["total_bytes"]), int(plain["total_bytes"]))
        self.refuse(USAGE, "sweep", RESNET18, "--planner=mbs2,il", "--in-place", says="--in-place is of the planners")
        self.refuse(USAGE, "plan", RESNET18, "--planner=mbs2", "--in-place", says="--in-place is of the planners")
        self.refuse(BAD_INPUT, "plan", ALEXNET, "--planner=ilp", "--no-strips", "--in-place",
                    "--export-model", self.folder / "m.lp", says="knows no steps that write over")

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
        self.assertEqual([(r["phase"], r["batch_norm"], r["fused"]) for r in rows],
                         [("inference", "keep", "products"), ("inference", "replace", "products")])
        fused = [self.rows(RESNET18, "--planner=dp", *more)[0].get("fused") for more in
                 (["--inference", "--no-fold"], ["--inference", "--fuse"], ["--fuse"], [])]
        self.assertEqual(fused, ["none", "products+norms", "norms+sums", None])
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
        for given, meant in (("4,8,16MiB", "4MiB,8MiB,16MiB"), ("4..16MiB:x2", "4MiB..16MiB:x2"),
                             ("1.5,2GB", "1.5GB,2GB"), ("1MiB..9MiB:+4", "1MiB..9MiB:+4MiB")):
            self.refuse(BAD_INPUT, "sweep", ALEXNET, "--buffer", given,
                        says=f"did you mean --buffer {meant}?")
        for given in ("4,8", "4,8MuB", "4MiB,x", "4MiB,4MiB"):
            self.assertNotIn("did you mean",
                             self.refuse(BAD_INPUT, "sweep", ALEXNET, "--buffer", given).err)
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
        self.end_with_pipe("sweep", ALEXNET)
        self.refuse(SYSTEM, "sweep", ALEXNET, "-o", self.folder / "no" / "file", says="No such")
        self.refuse(SYSTEM, "sweep", ALEXNET, "--resume", "/dev/null", says="no regular file")
        self.refuse(SYSTEM, "sweep", ALEXNET, "--resume", self.folder / "no" / "file", says="cannot write")
        self.refuse(SYSTEM, "sweep", ALEXNET, "--resume", "/dev/null/x", says="cannot read")
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

    def test_too_many_points(self):
        self.refuse(BAD_INPUT, "sweep", ALEXNET, RESNET18, "--batch=1..1000:+1", "--buffer",
                    "4096..5095:+1", "--planner=baseline,il,mbs-fs,mbs1,mbs2,dp",
                    says="more than 10000000 points")


if __name__ == "__main__":
    unittest.main()
