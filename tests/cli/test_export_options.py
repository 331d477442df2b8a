"""Exports: names, what is refused, folders and full disks, shapes in plan files, the model of cycles."""

import json
import os
import pathlib
import shutil
import unittest

import formats
from exporting import ALL, FOLDERS, TINY, TINY_OPTIONS, TRACES, ExportTest
from harness import (ALEXNET, BAD_INPUT, ROOT, SYSTEM, USAGE, VERIFICATION, conv, network, relu,
                     small_files)


class Names(ExportTest):
    def test_safe(self):
        given = ["a,b", "a b", 'a"b', "a_b", "DP", "xDPy", "dp", "DDPP", "é", "ñandú", "1st", "a#b",
                 "n" * 300, "n" * 299 + "m", "-", "a_b_2", "\u2028", "quote'"]
        layers, source = [], "image"
        for name in given:
            layers.append(conv(name, source))
            source = name
        path = self.file("names.json", network(layers))
        for form in FOLDERS:
            names = formats.names(self.export(path, form)["names.csv"])
            if form != "timeloop":
                kept = set(names.values())
                suffix = "_b32" if form == "scalesim" else ""
                self.assertLessEqual({name + suffix for name in given}, kept)
        formats.scalesim_conv(self.export(path, "scalesim")["conv.csv"])
        formats.perfetto(self.export(path, "perfetto"))

    def test_thousands_alike(self):
        layers = [relu("é" * (1 + i % 40) + "," * (i // 40), "image") for i in range(1600)]
        names = formats.names(self.export(self.file("n.json", network(layers)), "astra-sim")["names.csv"])
        self.assertLessEqual({layer["name"] for layer in layers}, set(names.values()))


class Failures(ExportTest):
    def test_device_and_pipe(self):
        for form in TRACES + ("addresses", "perfetto", "wavecore"):
            more = ("--sample-every", "32", "--steps", "0..3") if form in TRACES else ()
            result = self.run_program("export", ALEXNET, "--format", form, "-o", "/dev/full", *more)
            self.assertEqual(result.status, SYSTEM, result)
            self.assertIn("No space left", result.err)
            self.end_with_pipe("export", ALEXNET, "--format", form, "-o", "-", *more)
        for form in FOLDERS:
            for place in ("/dev/full", "-/x", self.file("file", "old")):
                self.refuse(SYSTEM, "export", ALEXNET, "--format", form, "-o", place)
        self.assertEqual((self.folder / "file").read_text(), "old")
        self.assert_files("file")

    def test_full_disk_leaves_what_was_there(self):
        for form in (*ALL, "wavecore"):
            out = self.folder / form
            more = ("--steps", "0..3", "--sample-every", "32") if form in TRACES else ()
            for before in (False, True):
                if before:
                    self.succeed("export", ALEXNET, "--format", form, "-o", out, *more)
                    kept = self.everything()
                result = self.run_program("export", ALEXNET, "--format", form, "-o", out, *more,
                                          **small_files(500))
                self.assertEqual(result.status, SYSTEM, result)
                self.assertIn("File too large", result.err)
                self.assertEqual(self.everything(), kept if before else {})
            shutil.rmtree(out) if out.is_dir() else out.unlink()

    def everything(self):
        return {str(p): p.read_bytes() for p in pathlib.Path(self.folder).rglob("*") if p.is_file()}

    def test_folders(self):
        out = self.folder / "out"
        out.mkdir()
        self.succeed("export", ALEXNET, "--format", "timeloop", "-o", out)
        self.succeed("export", ALEXNET, "--format", "astra-sim", "-o", f"{out}/")
        self.assertEqual(sorted(os.listdir(out)), ["export.json", "names.csv", "workload.txt"])
        (out / "mine.txt").write_text("precious")
        self.refuse(SYSTEM, "export", ALEXNET, "--format", "timeloop", "-o", out,
                    says='holds "mine.txt", which no export wrote')
        self.assertEqual((out / "mine.txt").read_text(), "precious")
        self.refuse(SYSTEM, "export", ALEXNET, "--format", "scalesim", "-o", self.folder / "no" / "x")
        self.assert_files("out")

    def test_usage(self):
        out = self.folder / "x"
        self.refuse(USAGE, "export", ALEXNET, "--format", "scalesm", "-o", out, says="scalesim")
        self.refuse(USAGE, "export", ALEXNET, "-o", out, says="--format is missing")
        self.refuse(USAGE, "export", ALEXNET, "--format", "scalesim", says="--output is missing")
        self.refuse(USAGE, "export", "--format", "scalesim", "-o", out, says="is missing")
        self.refuse(USAGE, "export", ALEXNET, "--format", "dramsim3", "-o", out, "--steps", "x")
        self.refuse(USAGE, "export", ALEXNET, "--format", "dramsim3", "-o", out, "--steps", "1" * 40,
                    says="expected A..B")
        self.refuse(USAGE, "export", ALEXNET, "--format", "dramsim3", "-o", out, "--sample-every", 0)
        self.refuse(BAD_INPUT, "export", ALEXNET, "--format", "dramsim3", "-o", out, "--steps",
                    "5..3", says="steps 5..3")
        self.refuse(BAD_INPUT, "export", ALEXNET, "--format", "dramsim3", "-o", out, "--steps",
                    "0..4000", says="within 0..")
        self.refuse(BAD_INPUT, "export", ALEXNET, "--format", "dramsim3", "-o", out,
                    "--request-bytes", "48", says="power of 2")
        self.refuse(BAD_INPUT, "export", ALEXNET, "--format", "dramsim3", "-o", out, "--planner",
                    "baseline", "--batch", 2048, says="--force")
        plan, _ = self.plan(ALEXNET)
        for option in ("--batch=4", "--max-dram=1GB", "--time-limit=1", "--work-limit=1"):
            self.refuse(USAGE, "export", plan, "--format", "perfetto", "-o", out, option, says="is a plan already")
            self.refuse(USAGE, "explain", plan, option, says="is a plan already")
            self.refuse(USAGE, "simulate", plan, option, says="is a plan already")
        self.refuse(USAGE, "plan", ALEXNET, "--export", "perfetto", says="FORMAT=OUT")
        self.refuse(USAGE, "plan", ALEXNET, "--export", "perfeto=x", says="perfetto")
        self.refuse(USAGE, "plan", ALEXNET, "--export", "everything=x", says="expected one of wavecore, ")
        self.refuse(USAGE, "plan", ALEXNET, "--export", "perfetto=-", says="standard output")
        for form in FOLDERS:
            self.refuse(BAD_INPUT, "export", ALEXNET, "--format", form, "-o", "-", says="a folder")
        listed = self.succeed("export", "--list").out
        self.assertEqual(sorted(line.split()[0] for line in listed.splitlines()
                                if not line.startswith(" ")),
                         sorted((*ALL, "wavecore")))  # which test_wavecore.py tests
        self.assert_files("plan.json")

    def test_plan_exports_too(self):
        given, trace, folder = self.file("tiny.json", TINY), self.folder / "t", self.folder / "f"
        result = self.succeed("plan", given, *TINY_OPTIONS, "--export", f"ramulator2={trace}",
                              "--export", f"scalesim={folder}")
        self.assertEqual(result.out, self.succeed("plan", given, *TINY_OPTIONS).out)
        self.assertEqual(trace.read_text(), self.export(given, "ramulator2", *TINY_OPTIONS))
        self.assertIn("conv.csv", os.listdir(folder))

    def test_network_or_plan_from_standard_input(self):
        plan = self.succeed("plan", "-", *TINY_OPTIONS, "--format", "json", given=TINY).out
        first = self.succeed("export", "-", *TINY_OPTIONS, "--format", "perfetto", "-o", "-",
                             given=TINY).out
        self.assertEqual(self.succeed("export", "-", "--format", "perfetto", "-o", "-",
                                      given=plan).out, first)


class Shapes(ExportTest):
    """The members of plan files that tell of shapes."""

    def changed(self, change):
        plan = json.loads(self.succeed("plan", "-", *TINY_OPTIONS, "--format", "json",
                                       given=TINY).out)
        change(plan)
        return self.file("changed.json", json.dumps(plan))

    def test_without(self):
        def strip(plan):
            for tensor in plan["tensors"]:
                del tensor["elements"]

        def strip_product(plan):
            del plan["steps"][0]["gemm"], plan["steps"][0]["conv"]

        for change in (strip, strip_product):
            path = self.changed(change)
            self.succeed("verify", path)
            for form in ALL:
                out = self.folder / "x"
                if form == "addresses":
                    self.succeed("export", path, "--format", form, "-o", "-")
                    continue
                result = self.refuse(BAD_INPUT, "export", path, "--format", form, "-o", out,
                                     says="the plan file does not tell")
                self.assertEqual(len(result.err.splitlines()), 1)
        self.assert_files("changed.json")

    def test_hostile(self):
        huge = 2**53 - 1
        changes = [
            ("gemm", {"m": 0}, "steps[0].gemm.m"),
            ("gemm", {"k": -1}, "steps[0].gemm.k"),
            ("gemm", {"n": 1.5}, "steps[0].gemm.n"),
            ("gemm", {"groups": "x"}, "steps[0].gemm.groups"),
            ("gemm", {"samples_in": "n"}, "steps[0].gemm.samples_in"),
            ("gemm", {"q": 1}, "steps[0].gemm"),
            ("gemm", {"m": huge}, "steps[0].conv"),
            ("conv", {"channels": 0}, "steps[0].conv.channels"),
            ("conv", {"kernel": [3]}, "steps[0].conv.kernel"),
            ("conv", {"stride": [1, 0]}, "steps[0].conv.stride[1]"),
            ("conv", {"stride": [huge, huge]}, "steps[0].conv"),
            ("conv", {"output": [huge, huge]}, "steps[0].conv"),
            ("conv", {"filters": 9}, "steps[0].conv"),
            ("conv", {"strid": 1}, "steps[0].conv"),
        ]
        for member, values, place in changes:
            path = self.changed(lambda plan: plan["steps"][0][member].update(values))
            result = self.refuse(BAD_INPUT, "verify", path, says=place)
            self.assertEqual(len(result.err.splitlines()), 1, result)
        for member in ("gemm", "conv"):
            path = self.changed(lambda plan: plan["steps"][0].update({member: 3}))
            self.refuse(BAD_INPUT, "verify", path, says=f"steps[0].{member}")
        path = self.changed(lambda plan: plan["tensors"][0].update(elements=0))
        self.refuse(BAD_INPUT, "verify", path, says="tensors[0].elements")

        def lying(plan):
            plan["steps"][0]["gemm"].update(m=huge, k=huge, n=huge, groups=huge)
            del plan["steps"][0]["conv"]

        path = self.changed(lying)
        self.succeed("verify", path)
        for form in ("scalesim", "timeloop"):
            self.refuse(BAD_INPUT, "export", path, "--format", form, "-o", self.folder / "x",
                        says="too large")
        self.succeed("export", path, "--format", "perfetto", "-o", "/dev/null")

    def test_broken_plans_are_refused(self):
        path = self.changed(lambda plan: plan["groups"][0].update(peak_bytes=1))
        self.refuse(VERIFICATION, "export", path, "--format", "perfetto", "-o", self.folder / "x")
        self.assert_files("changed.json")


class CycleModel(ExportTest):
    def test_option_and_member(self):
        machine = json.loads((ROOT / "models" / "hardware" / "wavecore.json").read_text())
        machine["cycle_model"] = "scalesim"
        path = self.file("hw.json", json.dumps(machine))
        plans = [self.succeed("plan", ALEXNET, "--format", "json", *options).out for options in
                 ((), ("--cycle-model", "scalesim"), ("--hardware", path),
                  ("--hardware", path, "--cycle-model", "wavecore"))]
        names = [json.loads(plan)["made_by"]["hardware"] for plan in plans]
        self.assertEqual(names, ["wavecore", "wavecore:scalesim", "wavecore", "wavecore:wavecore"])
        plans = [plan.replace(f'"{name}"', '"machine"') for plan, name in zip(plans, names)]
        self.assertEqual(plans[1], plans[2])
        self.assertEqual(plans[0], plans[3])
        self.assertNotEqual(json.loads(plans[0])["time_s"], json.loads(plans[1])["time_s"])
        machine["cycle_model"] = "fast"
        path = self.file("hw.json", json.dumps(machine))
        self.refuse(BAD_INPUT, "plan", ALEXNET, "--hardware", path, says="cycle_model")
        self.refuse(USAGE, "plan", ALEXNET, "--cycle-model", "fast", says="wavecore or scalesim")

    def test_compare_and_sweep(self):
        """Both take the option, and say so where they name the machine."""
        scalesim = json.loads(self.succeed("plan", ALEXNET, "--planner=dp", "--cycle-model",
                                           "scalesim", "--format", "json").out)
        usual = json.loads(self.succeed("plan", ALEXNET, "--planner=dp", "--format", "json").out)
        self.assertEqual(scalesim["traffic_bytes"], usual["traffic_bytes"])
        times = {"wavecore": usual["time_s"], "wavecore:scalesim": scalesim["time_s"]}
        for more in ((), ("--cycle-model", "wavecore"), ("--cycle-model", "scalesim")):
            name = "wavecore:scalesim" if "scalesim" in more else "wavecore"
            compared = json.loads(self.succeed("compare", ALEXNET, "--planner", "dp", "--format",
                                               "json", *more).out)
            self.assertEqual(compared["hardware"], name)
            self.assertEqual(compared["networks"][0]["plans"][-1]["time_s"], times[name])
            row = json.loads(self.succeed("sweep", ALEXNET, "--format", "jsonl", *more).out)
            self.assertEqual((row["hardware"], row["time_s"]), (name, times[name]))
            self.assertIn(f" on {name}, ", self.succeed("plan", ALEXNET, *more).out)
        machines = ",".join(str(ROOT / "models" / "hardware" / name)
                            for name in ("wavecore.json", "wavecore-lpddr4.json"))
        rows = self.succeed("sweep", ALEXNET, "--hardware", machines, "--cycle-model", "scalesim",
                            "--format", "jsonl").out.splitlines()
        self.assertEqual([json.loads(row)["hardware"] for row in rows],
                         ["wavecore:scalesim", "wavecore-lpddr4:scalesim"])
        path = self.file("rows.csv", self.succeed("sweep", ALEXNET).out)
        self.refuse(BAD_INPUT, "sweep", ALEXNET, "--resume", path, "--cycle-model", "scalesim",
                    says="left as it was")
        for command in ("compare", "sweep"):
            self.refuse(USAGE, command, ALEXNET, "--cycle-model", "fast",
                        says="wavecore or scalesim")

    def test_dram_efficiency(self):
        """As option and as member; of each machine its own where it was measured."""
        machine = json.loads((ROOT / "models" / "hardware" / "wavecore.json").read_text())
        measured = machine["memory"]["measured_dram_efficiency"]
        machine["memory"]["dram_efficiency"] = 1
        path = self.file("hw.json", json.dumps(machine))
        plans = [json.loads(self.succeed("plan", ALEXNET, "--planner=dp", "--format", "json", *options).out)
                 for options in (("--dram-efficiency", "1"), (), ("--dram-efficiency", "measured"), ("--hardware", path),
                                 ("--hardware", path, "--dram-efficiency", "measured"))]
        self.assertEqual([plan["made_by"]["hardware"] for plan in plans],
                         ["wavecore:dram-1", "wavecore", "wavecore", "wavecore", f"wavecore:dram-{measured}"])
        times = [plan["time_s"] for plan in plans]
        self.assertEqual(times, [times[0], times[1], times[1], times[0], times[1]])
        self.assertGreater(times[1], times[0])
        self.assertEqual(len({json.dumps(plan["traffic_bytes"]) for plan in plans}), 1)
        rows = self.succeed("sweep", ALEXNET, "--hardware", "wavecore,lpddr4", "--dram-efficiency", "measured",
                            "--format", "jsonl").out.splitlines()
        self.assertEqual(json.loads(rows[0])["time_s"], times[1])
        self.assertEqual(json.loads(rows[1])["hardware"], "wavecore-lpddr4")
        for share, says in (("0", "above 0"), ("1.01", "from 0 to 1"), ("-1", "from 0 to 1"), ("x", "from 0 to 1")):
            self.refuse(BAD_INPUT, "plan", ALEXNET, "--dram-efficiency", share, says=says)
        del machine["memory"]["measured_dram_efficiency"]
        self.refuse(BAD_INPUT, "sweep", ALEXNET, "--hardware", self.file("hw.json", json.dumps(machine)),
                    "--dram-efficiency", "measured", says="no measured_dram_efficiency")

    def test_overlap(self):
        """As option and as member; a plan's totals are its groups', and an exported time line's end."""
        machine = json.loads((ROOT / "models" / "hardware" / "wavecore.json").read_text())
        times = {}
        for overlap in ("none", "step", "group"):
            machine["overlap"] = overlap
            path = self.file("hw.json", json.dumps(machine))
            plans = [json.loads(self.succeed("plan", ALEXNET, "--planner=mbs2", "--format", "json", *options).out)
                     for options in (("--hardware", path), ("--overlap", overlap))]
            named = "wavecore" if overlap == "step" else f"wavecore:overlap-{overlap}"
            self.assertEqual([plan.pop("made_by")["hardware"] for plan in plans], ["wavecore", named])
            self.assertEqual(plans[0], plans[1])
            times[overlap] = plans[0]["time_s"]
            self.assertAlmostEqual(sum(group["time_s"] for group in plans[0]["groups"]), times[overlap], delta=1e-12)
            line = json.loads(self.succeed("export", ALEXNET, "--planner=mbs2", "--overlap", overlap,
                                           "--format", "perfetto", "-o", "-").out)
            end = max(event["ts"] + event.get("dur", 0) for event in line["traceEvents"] if "ts" in event)
            self.assertAlmostEqual(end * 1e-6, times[overlap], delta=1e-9)
        self.assertGreater(times["none"], times["step"])
        self.assertLess(abs(times["group"] / times["step"] - 1), 1e-12)  # nor is there room for a second sub-batch
        step, group = (json.loads(self.succeed("plan", ALEXNET, "--planner=dp", "--objective=time", "--overlap", overlap,
                                               "--format=json").out)["time_s"] for overlap in ("step", "group"))
        self.assertLess(group, step)
        rows = self.succeed("sweep", ALEXNET, "--planner=mbs2", "--overlap", "group", "--format", "jsonl").out
        self.assertEqual(json.loads(rows)["time_s"], times["group"])
        self.refuse(USAGE, "plan", ALEXNET, "--overlap", "all", says="step, none or group")

    def test_long_names_of_machines(self):
        machine = json.loads((ROOT / "models" / "hardware" / "wavecore.json").read_text())
        machine["name"] = "w" * 63
        row = json.loads(self.succeed("sweep", ALEXNET, "--format", "jsonl", "--hardware",
                                      self.file("hw.json", json.dumps(machine)),
                                      "--cycle-model", "scalesim").out)
        self.assertEqual(row["hardware"], "w" * 54 + ":scalesim")

    def test_array_utilisation_is_scalesims(self):
        """MACs over the cells' cycles, the cycles those of the rows."""
        plan, contents = self.plan(ALEXNET, "--cycle-model", "scalesim")
        rows = formats.table(self.export(plan, "scalesim")["runs.csv"],
                             "name,step,samples,runs,in_conv,m,n,k,cycles,rows")
        macs = sum(int(r["runs"]) * int(r["m"]) * int(r["n"]) * int(r["k"]) for r in rows)
        cycles = sum(int(r["runs"]) * int(r["cycles"]) for r in rows)
        self.assertAlmostEqual(contents.plan["utilisation"], macs / (128 * 128 * cycles), places=9)


if __name__ == "__main__":
    unittest.main()
