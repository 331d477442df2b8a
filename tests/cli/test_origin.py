"""What plans say made them: in files, tables and by verify; and that those options make them anew."""

import json
import shlex
import unittest

from harness import ALEXNET, BAD_INPUT, NETWORKS, ROOT, CliTest, conv, network

BATCH_NORMS = network([conv("c", "image"), {"name": "n", "op": "norm", "kind": "batch", "inputs": ["c"]},
                       {"name": "r", "op": "relu", "inputs": ["n"]}, conv("d", "r")])


class Origin(CliTest):
    def plan(self, net, *options):
        return self.succeed("plan", net, *options, "--format", "json").out

    def test_each_option_is_told_and_makes_the_plan_anew(self):
        net = self.file("net.json", BATCH_NORMS)
        for options, told in (
                ([], ""), (["--batch=7"], ""), (["--buffer", "8KiB"], "--buffer 8192"),
                (["--buffer=10MiB"], ""), (["--no-pin", "--no-stream"], "--no-pin --no-stream"),
                (["--objective=energy"], "--objective energy"),
                (["--objective=time", "--in-place", "--no-strips"], "--objective time --no-strips --in-place"), (["--inference"], "--inference"),
                (["--batch-norm", "keep"], "--batch-norm keep"), (["--inference", "--batch-norm=keep"], "--inference --batch-norm keep"),
                (["--recompute=expand"], "--recompute expand"), (["--in-place"], "--in-place"), (["--order=search"], "--order search"), (["--order=given"], "--planner best --batch 32 --order given"), (["--order=auto"], "--planner best --batch 32"), (["--order=given", "--planner=dp"], "--planner dp --batch 32"),
                (["--recompute=auto", "--max-recompute=2.5", "--buffer=9000"], "--recompute auto --max-recompute 2.5"),
                (["--recompute=auto", "--effort=2"], "--recompute auto --max-recompute 10 --effort 2"),
                (["--recompute=auto", "--planner=mbs2"], "--recompute auto --max-recompute 10"),
                (["--planner=ilp", "--time-limit=7", "--gap=0.5"], "--time-limit 7 --gap 0.5"),
                (["--planner=best"], "--planner best"), (["--planner=best", "--time-limit=50"], "--time-limit 50"), (["--planner=dp"], "--planner dp"), (["--planner=baseline"], ""), (["--planner=il"], "")):
            first = self.plan(net, *options)
            made_by = json.loads(first)["made_by"]
            self.assertIn(told, made_by["options"], options)
            self.assertEqual(made_by["options"].count("--"), made_by["options"].count(" --") + 1)
            self.assertEqual(self.plan(net, *shlex.split(made_by["options"])), first, options)

    def test_hardware(self):
        path = ROOT / "models" / "hardware" / "wavecore-gddr5.json"
        digest = self.succeed("show", path).out.split()[-1]
        for more in ([], ["--buffer=1MiB"]):
            made_by = json.loads(self.plan(ALEXNET, "--hardware", path, *more))["made_by"]
            self.assertEqual((made_by["hardware"], made_by["hardware_digest"]), ("wavecore-gddr5", digest))
        other = json.loads(self.plan(ALEXNET, "--hardware", path, "--cycle-model=scalesim"))["made_by"]
        self.assertEqual(other["hardware"], "wavecore-gddr5:scalesim")
        self.assertNotEqual(other["hardware_digest"], digest)
        version = self.succeed("--version").out.strip()
        self.assertEqual(made_by["program"], version)

    def test_another_machine_is_noted(self):
        path = self.folder / "plan.json"
        self.succeed("plan", ALEXNET, "-o", path, "--hardware=gddr5", "--buffer=1MiB")
        for words in (["show", path], ["export", path, "--format=perfetto", "-o", "/dev/null"]):
            self.assertEqual(self.succeed(*words, "--hardware=gddr5").err, "")
            self.assertRegex(self.succeed(*words, "--hardware=lpddr4").err,
                             r"note: the plan was made for wavecore-gddr5 \(fnv.*, not for wavecore-lpddr4 \(fnv")
        self.assertIn("made for wavecore-gddr5", self.succeed(*words).err)
        self.assertEqual(self.succeed("show", path).err, "")

    def test_shown(self):
        path = self.folder / "plan.json"
        self.succeed("plan", ALEXNET, "-o", path, "--batch", "3")
        made_by = json.loads(path.read_text())["made_by"]
        line = "made by {program} for {hardware} ({hardware_digest}): {options}\n".format(**made_by)
        self.assertTrue(line.endswith("--planner best --batch 3\n"))
        for words in (["plan", ALEXNET, "--batch=3"], ["verify", path], ["show", path]):
            self.assertTrue(self.succeed(*words, "--wide").out.endswith(line), words)
        nothing = self.file("nothing.json", path.read_text().replace('"made_by"', '"x_made_by"'))
        for command in ("verify", "show"):
            self.assertNotIn("made by", self.succeed(command, nothing).out)

    def test_placed(self):
        net = NETWORKS / "resnet18.json"
        out = self.folder / "placed"
        changed = self.run_program("plan", net, "--buffer=300KiB", "--export", f"wavecore={out}", "--format=json")
        options = json.loads(changed.out)["made_by"]["options"]
        self.assertEqual("as placed" in changed.err, options.endswith("--export wavecore=OUT"), changed.err)
        same = json.loads(self.succeed("plan", ALEXNET, "--export", f"wavecore={out}", "--format=json").out)
        self.assertEqual(same["made_by"]["options"], "--planner best --batch 32")

    def test_hostile(self):
        path = self.folder / "plan.json"
        self.succeed("plan", ALEXNET, "-o", path)
        plan = json.loads(path.read_text())
        plan["made_by"]["options"] = "\x1b[2J\n‮"
        shown = self.succeed("verify", self.file("bad.json", json.dumps(plan))).out
        self.assertTrue(shown.splitlines()[-1].isprintable(), shown)
        shown = self.succeed("show", self.folder / "bad.json").out
        self.assertNotIn("\x1b", shown)
        for change in ({"options": 1}, {"hardware_digest": "x"}, {"more": "x"}, {"program": ""}):
            bad = {**plan, "made_by": {**plan["made_by"], **change}}
            self.refuse(BAD_INPUT, "verify", self.file("bad.json", json.dumps(bad)), says="made_by")


if __name__ == "__main__":
    unittest.main()
