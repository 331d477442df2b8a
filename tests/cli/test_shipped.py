"""Networks and machines that come with the program; files of any kind in `show`; hardware files."""

import json
import os
import shutil
import unittest

from harness import (ALEXNET, BAD_INPUT, NETWORKS, OK, RESNET50, ROOT, SYSTEM, USAGE, CliTest, conv,
                     environment, network)

MACHINES = ROOT / "models" / "hardware"


def hardware(**members):
    return json.dumps({"format": "mbsopt-hardware/1", "name": "chip", **members})


class Names(CliTest):
    def at_hand(self, *words, **env):
        """The outcome in the test's own folder."""
        return self.run_program(*words, cwd=self.folder, env=environment(**env))

    def test_networks_and_machines_by_name(self):
        path = MACHINES / "wavecore-lpddr4.json"
        expected = self.succeed("plan", ALEXNET, "--hardware", path).out
        for name in ("alexnet", "alexnet.json", "AlexNet"):
            for machine in ("lpddr4", "wavecore-lpddr4", "lpddr4.json"):
                done = self.at_hand("plan", name, "--hardware", machine)
                self.assertEqual((done.status, done.out), (OK, expected), (name, machine))
        rows = self.at_hand("sweep", "alexnet", "--hardware", "lpddr4,gddr5").out
        self.assertEqual([row.split(",")[6] for row in rows.splitlines()[1:]],
                         ["wavecore-lpddr4", "wavecore-gddr5"])
        self.assertIn("resnet18", self.at_hand("compare", "alexnet", "resnet18", "--planners=dp").out)
        self.assertEqual(self.at_hand("export", "alexnet", "--format=perfetto", "-o", "x.json").status, OK)
        for name in ("resnet50", "lpddr4"):
            self.assertEqual(self.at_hand("show", name).status, OK)

    def test_a_file_at_hand_comes_first(self):
        own = network([conv("c", "image")], name="own")
        for name in ("alexnet", "alexnet.json"):
            self.file(name, own)
            self.assertTrue(self.at_hand("show", "alexnet").out.startswith("own "), name)
            os.remove(self.folder / name)
        (self.folder / "alexnet").mkdir()  # such as a folder of exports
        self.assertIn("Is a directory", self.at_hand("show", "alexnet").err)
        self.file("lpddr4.json", hardware(cores=7))
        self.assertIn(" 7 cores ", self.at_hand("show", "lpddr4").out)

    def test_near_names(self):
        for words, near in ((["plan", "resnt50"], "(near: resnet50)"), (["plan", "VGG"], "vgg16, vgg16_bn"),
                            (["plan", "alexnet", "--hardware", "wavecor"], "wavecore"),
                            (["compare", "alexnet", "resnet"], "resnet101, resnet152"),
                            (["sweep", "alexnet", "--hardware", "lpdr4,gddr"], "see: mbsopt list"),
                            (["show", "nothing"], "no network or machine"),
                            (["plan", "lpddr4"], "no network of that name")):
            done = self.at_hand(*words)
            self.assertEqual(done.status, SYSTEM)
            self.assertEqual(done.out, "")
            for text in (near, "No such file", "shipped"):
                self.assertIn(text, done.err)

    def test_what_is_no_name(self):
        for name in ("./alexnet", "no/alexnet", str(self.folder / "resnet50")):
            done = self.at_hand("plan", name)
            self.assertEqual(done.status, SYSTEM)
            self.assertNotIn("shipped", done.err)
        self.assertIn('cannot read "": ', self.at_hand("plan", "").err)
        self.assertEqual(self.at_hand("plan", "n" * 5000).status, SYSTEM)
        self.assertIn("\\x1b", self.at_hand("plan", "a\x1bb").err)

    def test_folder_of_the_environment(self):
        for kind, name, text in (("networks", "mine", network([conv("c", "image")], name="mine")),
                                 ("networks", "n" * 200, network([conv("c", "image")])),
                                 ("hardware", "a-ddr", hardware(name="a")),
                                 ("hardware", "b-ddr", hardware(name="b"))):
            (self.folder / "data" / kind).mkdir(parents=True, exist_ok=True)
            self.file(f"data/{kind}/{name}.json", text)
        self.file("data/networks/.hidden.json", "")
        self.file("data/networks/README", "")
        env = {"MBSOPT_DATA": str(self.folder / "data")}
        self.assertEqual(self.at_hand("list", "--names", **env).out.split(), ["mine", "n" * 200, "a-ddr", "b-ddr"])
        self.assertTrue(self.at_hand("show", "mine", **env).out.startswith("mine "))
        self.assertIn("shipped", self.at_hand("plan", "alexnet", **env).err)
        self.assertIn("n" * 200, self.at_hand("plan", "n" * 100, **env).err)
        done = self.at_hand("plan", "mine", "--hardware", "ddr", **env)
        self.assertEqual((done.status, done.err), (BAD_INPUT, "mbsopt: ddr may be one of a-ddr, b-ddr\n"))
        env["MBSOPT_DATA"] = "/no/such"
        done = self.at_hand("plan", "mine", **env)
        self.assertIn("cannot read /no/such/networks: No such file", done.err)
        self.assertIn("MBSOPT_DATA", done.err)
        self.assertEqual(self.at_hand("plan", ALEXNET, **env).status, OK)
        env["MBSOPT_DATA"] = "n" * 5000
        self.assertEqual(self.at_hand("list", **env).status, SYSTEM)

    def test_list(self):
        both = self.succeed("list").out
        networks = self.succeed("list", "networks").out
        machines = self.succeed("list", "hardware").out
        self.assertEqual(both, networks + "\n" + machines)
        for path in NETWORKS.glob("*.json"):
            self.assertIn(f"\n{path.stem} ", networks)
        self.assertRegex(networks, r"\nresnet50 +174 +25557032  3x224x224\n")
        self.assertRegex(machines, r"\nwavecore-lpddr4 +LPDDR4 +256\.8 +2 +128x128 +10 MiB\n")
        self.assertEqual(self.succeed("list", "--names", "hardware").out.split(),
                         sorted(path.stem for path in MACHINES.glob("*.json")))
        self.refuse(USAGE, "list", "machines", says="networks or hardware")
        shutil.copytree(ROOT / "models", self.folder / "data")
        self.file("data/networks/bad.json", "{}")
        done = self.at_hand("list", MBSOPT_DATA=str(self.folder / "data"))
        self.assertEqual(done.status, BAD_INPUT)
        self.assertIn("bad.json", done.err)
        self.assertIn("wide_resnet50_2", done.out)


class Show(CliTest):
    def rows(self, text):
        lines = self.succeed("show", "-", "--wide", given=text).out.splitlines()
        start = lines.index(next(line for line in lines if line.startswith("member ")))
        end = lines.index("", start)
        return lines, {line.split()[0]: (" ".join(line.split()[1:-1]), line.endswith("WaveCore"))
                       for line in (line.replace("the file", "file") for line in lines[start + 1:end])}

    def test_what_is_inherited(self):
        lines, rows = self.rows(hardware(array_rows=64, array_cols=64, cycle_model="wavecore",
                                         memory={"bandwidth_bytes_per_s": 10**11, "source": "x"}))
        stated = {"name", "array_rows", "array_cols", "cycle_model", "memory.bandwidth_bytes_per_s"}
        self.assertEqual({name for name, row in rows.items() if not row[1]},
                         stated | {"memory.dram_efficiency", "memory.measured_dram_efficiency"})
        self.assertRegex("\n".join(lines), r"\nmemory.measured_dram_efficiency +not known *\n") # HBM2's is not this one's
        self.assertEqual(rows["energy.static_w"], ("14", True))
        self.assertEqual(rows["memory.energy_pj_per_bit"], ("3.92", True))
        self.assertRegex("\n".join(lines), r"\nmemory.dram_efficiency +1 +not measured *\n")
        self.assertIn("22 of 29 members are not in the file: WaveCore's value holds", lines)
        # 2 · 64 · 64 · 2 cores · 0.7 GHz = 11.4688 T; by 100 GB/s
        self.assertIn("11.47 TFLOP/s", lines[1])
        self.assertIn("100.00 GB/s", lines[1])
        self.assertIn("balance 114.69 FLOP", lines[1])

    def test_each_member_is_known_to_be_stated(self):
        with open(MACHINES / "wavecore.json", encoding="utf-8") as file:
            whole = json.load(file)
        whole["cycle_model"] = "scalesim"
        whole["memory"]["dram_efficiency"] = 1
        for section in (None, "memory", "energy"):
            for member in whole if section is None else whole[section]:
                if member in ("format", "memory", "energy") or member.startswith("x_") or "source" in member:
                    continue
                less = json.loads(json.dumps(whole))
                del (less if section is None else less[section])[member]
                _, rows = self.rows(json.dumps(less))
                name = member if section is None else f"{section}.{member}"
                inherited = [] if member in ("dram_efficiency", "measured_dram_efficiency") else [name]
                self.assertEqual([n for n, row in rows.items() if row[1]], inherited)

    def test_extremes(self):
        small = hardware(array_rows=1, array_cols=1, cores=1, clock_hz=1,
                         memory={"bandwidth_bytes_per_s": 2**53 - 1})
        large = hardware(array_rows=10**6, array_cols=10**6, cores=10**6, clock_hz=10**12,
                         memory={"bandwidth_bytes_per_s": 1}, energy={"mac_pj": 1e9, "static_w": 1e-300})
        self.assertIn("2.00 FLOP/s", self.rows(small)[0][1])
        lines, rows = self.rows(large)
        self.assertIn("EFLOP/s", lines[1])
        self.assertEqual(rows["energy.static_w"], ("1e-300", False))

    def test_a_plan(self):
        path = self.folder / "plan.json"
        self.succeed("plan", ALEXNET, "-o", path)
        shown = self.succeed("show", path).out
        self.assertIn("alexnet · training · 32 samples", shown)
        self.assertNotIn("ms per step", shown)
        self.assertIn("ms per step on wavecore-gddr5", self.succeed("show", path, "--hardware", "gddr5").out)

    def test_the_rows_of_a_plan_in_strips(self):
        path = ROOT / "tests" / "fuzz" / "corpus" / "plan" / "decoder-strips.json"
        plan = json.loads(path.read_text())
        groups, steps = self.succeed("show", path).out.split("\n\n")[1::2]
        strips = [f" {g['sub_batch']}/{g['strips']} " for g in plan["groups"] if "strips" in g]
        self.assertTrue(strips)
        for text in strips:
            self.assertIn(text, groups)
            self.assertIn(text, steps)
        lines = steps.splitlines()[2:]
        self.assertEqual(len(lines), len(plan["steps"]))
        for step, line in zip(plan["steps"], lines):
            self.assertRegex(line, rf"^ *{step['id']}  {step['name'][:8]}")
            self.assertIn(f" {step['rows']}  ", line)
            for each in step.get("maps", [])[:1]:
                self.assertIn(f" {each['kind']}", line)

    def test_options_of_another_kind(self):
        plan = self.folder / "plan.json"
        self.succeed("plan", ALEXNET, "-o", plan)
        for path in (plan, MACHINES / "wavecore.json"):
            for option in ("--buffer=1MiB", "--batch=1", "--inference", "--batch-norm=keep"):
                self.refuse(USAGE, "show", path, option, says=[option.split("=", maxsplit=1)[0], "of networks"])
        self.refuse(USAGE, "show", MACHINES / "wavecore.json", "--hardware", "gddr5", says="a machine itself")
        self.refuse(BAD_INPUT, "plan", MACHINES / "wavecore.json", says="format")

    def test_digest(self):
        def digest(text):
            return self.succeed("show", "-", "--wide", given=text).out.splitlines()[-1]
        plain = digest(hardware())
        self.assertRegex(plain, r"^digest fnv1a64:[0-9a-f]{16}$")
        with open(MACHINES / "wavecore.json", encoding="utf-8") as file:
            whole = json.load(file)
        self.assertEqual(digest(json.dumps(whole)), plain)
        self.assertEqual(digest(json.dumps(dict(reversed(whole.items())), indent=7)), plain)
        self.assertEqual(digest(hardware(name="other", x_note="", memory={"name": "m", "measured_dram_efficiency": 0.86},
                                         energy={"static_w": 1.4e1})), plain)
        others = {digest(hardware(**members)) for members in (
            {"cores": 3}, {"buffer_bytes": 10485761}, {"cycle_model": "scalesim"}, {"mask_bits": 2},
            {"overlap": "none"}, {"overlap": "group"},
            {"memory": {"bandwidth_bytes_per_s": 322122547201, "dram_efficiency": 0.86}}, {"energy": {"mac_pj": 2.0000000000000004}},
            {"energy": {"vector_pj": 3}}, {"energy": {"buffer_pj_per_byte": 3}})}
        self.assertEqual(len(others | {plain}), 11)
        # what came later leaves the digests of machines that do as before
        peak = digest(hardware(memory={"dram_efficiency": 1}))
        self.assertEqual(peak, "digest fnv1a64:363708762c904678") # WaveCore's in 0.1.0
        whole["memory"].pop("measured_dram_efficiency")
        self.assertEqual(digest(json.dumps(whole)), peak)
        self.assertEqual(digest(hardware(overlap="step")), plain)
        self.assertEqual(digest(hardware(memory={"dram_efficiency": 1, "measured_dram_efficiency": 0.5})), peak)
        shares = [digest(hardware(memory={name: 0.5})) for name in ("dram_efficiency", "measured_dram_efficiency")]
        self.assertEqual(*shares)
        self.assertEqual(len({plain, peak, shares[0]}), 3)


class UnknownMembers(CliTest):
    def test_suggestions(self):
        for members, says in (
                ({"buffer": 1}, '"buffer" (did you mean "buffer_bytes"?)'),
                ({"bufer_bytes": 1}, '(did you mean "buffer_bytes"?)'),
                ({"clock_ghz": 1}, '(did you mean "clock_hz"?)'),
                ({"static_w": 1}, '(did you mean "static_w" in energy?)'),
                ({"dram_bandwidth": 1}, '(did you mean "bandwidth_bytes_per_s" in memory?)'),
                ({"energy": {"cores": 1}}, 'energy: unknown member "cores" (did you mean "cores" of the file'),
                ({"energy": {"static_power_w": 1}}, '(did you mean "static_w"?)'),
                ({"memory": {"bandwith_bytes_per_s": 1}}, '(did you mean "bandwidth_bytes_per_s"?)')):
            self.refuse(BAD_INPUT, "show", "-", given=hardware(**members), says=says)
        for members in ({"wheels": 1}, {"bits": 1}, {"x": 1}, {"": 1}, {"memory": {"_": 1}}, {"__": 1}):
            done = self.refuse(BAD_INPUT, "show", "-", given=hardware(**members), says="unknown member")
            self.assertNotIn("mean", done.err)
        done = self.refuse(BAD_INPUT, "plan", RESNET50, "--hardware", "-",
                           given=hardware(**{f"buffer{i}": 1 for i in range(5000)}), says="and 4980 more")
        self.assertEqual(done.err.count("\n"), 21)


if __name__ == "__main__":
    unittest.main()
