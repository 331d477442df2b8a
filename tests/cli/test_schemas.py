"""The JSON Schemas of docs/schemas: what the program takes and writes keeps them, and they refuse."""

import copy
import json
import os
import sys
import unittest

try:
    import jsonschema
except ImportError:
    # Debian's package is of Debian's own Python
    if sys.executable != "/usr/bin/python3" and os.path.exists(
            "/usr/lib/python3/dist-packages/jsonschema"):
        os.execv("/usr/bin/python3", ["/usr/bin/python3", *sys.argv])
    jsonschema = None

from harness import NETWORKS, ROOT, CliTest


def load(path):
    return json.loads(path.read_text(encoding="utf-8"))


@unittest.skipIf(jsonschema is None, "python3-jsonschema is not installed")
class Schemas(CliTest):
    def validator(self, name):
        schema = load(ROOT / "docs" / "schemas" / f"{name}.json")
        kind = jsonschema.Draft202012Validator
        kind.check_schema(schema)
        return kind(schema)

    def test_networks(self):
        schema = self.validator("network")
        for path in [*NETWORKS.glob("*.json"),
                     *(ROOT / "tests" / "fuzz" / "corpus" / "network").glob("*.json")]:
            schema.validate(load(path))

    def test_machines(self):
        schema = self.validator("hardware")
        for path in [*(ROOT / "models" / "hardware").glob("*.json"),
                     *(ROOT / "tests" / "fuzz" / "corpus" / "hardware").glob("*.json")]:
            schema.validate(load(path))

    def test_plans(self):
        schema = self.validator("plan")
        for words in (["alexnet.json"], ["resnet18.json", "--planner=mbs2", "--inference"],
                      ["mobilenet_v2.json", "--planner=baseline", "--buffer=64KiB"]):
            schema.validate(json.loads(self.succeed("plan", NETWORKS / words[0], *words[1:],
                                                    "--format=json").out))
        for path in (ROOT / "tests" / "fuzz" / "corpus" / "plan").glob("*.json"):
            schema.validate(load(path))

    def test_rows_are_of_version_2(self):
        schema = self.validator("plan")
        good = load(ROOT / "tests" / "fuzz" / "corpus" / "plan" / "decoder-strips.json")
        maps = {m["kind"]: m for step in good["steps"] for m in step.get("maps", [])}
        self.assertEqual(set(maps), {"window", "transposed", "shifted", "scaled", "transposed_scaled", "whole"})
        for step in good["steps"]:
            for each in step.get("maps", []):
                self.refuses(schema, good, each, {**each, "kind": "same"})
                self.refuses(schema, good, each, {**each, "pads": 1})
                for name in each:
                    self.refuses(schema, good, each, {k: v for k, v in each.items() if k != name})
        for member, value in (("rows", 0), ("rows", 2**31), ("maps", 1)):
            self.refuses(schema, good, good["steps"][0], {**good["steps"][0], member: value})
        self.refuses(schema, good, good["groups"][0], {**good["groups"][0], "strips": 0})
        self.refuses(schema, good, good, {**good, "format": "mbsopt-plan/1"})
        self.refuses(schema, good, good["tensors"][1],
                     {k: v for k, v in good["tensors"][1].items() if k != "rows"})

    def refuses(self, schema, whole, part, changed):
        """Both schema and program refuse the plan with `part` of it changed."""
        kept = dict(part)
        part.clear()
        part.update(changed)
        self.assertFalse(schema.is_valid(whole), changed)
        self.assertEqual(self.run_program("verify", "-", given=json.dumps(whole)).status, 1, changed)
        part.clear()
        part.update(kept)

    def test_schedules(self):
        schema = self.validator("schedule")
        strips = ROOT / "tests" / "fuzz" / "corpus" / "plan" / "residual-strips.json"
        for words in ([NETWORKS / "alexnet.json", "--buffer=1MiB"],
                      [NETWORKS / "mobilenet_v2.json", "--inference"], [strips]):
            lines = self.succeed("export", *words, "--format=wavecore", "-o", "-").out.splitlines()
            for line in map(json.loads, lines):
                schema.validate(line)
                if words[0] != strips:
                    continue
                for key in ("rows", "rings", "regions", "last_samples", "traffic_bytes", "address"):
                    if key in line:
                        self.assertFalse(schema.is_valid({**line, key: "much"}), line)
                if "rings" in line:
                    self.assertFalse(schema.is_valid({**line, "strips": 1}), line)

    def test_explanations(self):
        schema = self.validator("explanation")
        for words in (["resnet50.json"], ["resnet50.json", "--buffer=1MiB"], ["resnet18.json", "--inference"],
                      ["alexnet.json", "--planner=baseline", "--buffer=64KiB"], ["alexnet.json", "--group=1"],
                      ["alexnet.json", "--step=conv1"],
                      ["resnet18.json", "--batch-norm=keep", "--buffer=64MiB", "--batch=4"]):
            document = json.loads(self.succeed("explain", NETWORKS / words[0], *words[1:], "--format=json").out)
            schema.validate(document)
            self.assertFalse(schema.is_valid({**document, "group_count": -1}))
            self.assertFalse(schema.is_valid({**document, "more": 1}))

    def test_simulations(self):
        schema = self.validator("simulation")
        corpus = ROOT / "tests" / "fuzz" / "corpus"
        plan = corpus / "plan" / "decoder-strips.json"
        for words in ([plan], [corpus / "network" / "residual.json", "--planner=dp", "--slice=whole", "--prefetch=none"]):
            schema.validate(json.loads(self.succeed("simulate", *words, "--format=json").out))
        bad = json.loads(self.succeed("simulate", plan, "--format=json").out)
        del bad["groups"][0]["wait_room_s"]
        self.assertFalse(schema.is_valid(bad))

    def test_advice(self):
        schema = self.validator("advice")
        for words in ([], ["--batch=4,8", "--buffer=1MiB,2MiB"], ["--inference", "--hardware=lpddr4"]):
            document = json.loads(self.succeed("advise", NETWORKS / "alexnet.json", *words, "--format=json").out)
            schema.validate(document)
            self.assertFalse(schema.is_valid({**document, "objective": "speed"}))
            self.assertFalse(schema.is_valid({**document, "more": 1}))

    def test_refused_is_refused_by_the_program(self):
        """A network that the schema refuses, the program refuses too."""
        schema = self.validator("network")
        refused = 0
        for path in (ROOT / "tests" / "bad").glob("*.json"):
            try:
                data = load(path)
            except ValueError:
                continue
            if not schema.is_valid(data):
                refused += 1
                self.assertEqual(self.run_program("show", path).status, 1, path)
        self.assertGreater(refused, 40)

    def test_what_is_wrong_is_refused(self):
        schema = self.validator("network")
        good = load(ROOT / "tests" / "fuzz" / "corpus" / "network" / "chain.json")
        for change in ({"kernel": 0}, {"strid": 1}, {"pad": [1, 2, 3, 4, 5]}, {"groups": "4"},
                       {"out_channels": 2**53}, {"op": "cnv"}, {"inputs": ["x", "x"]}):
            bad = copy.deepcopy(good)
            bad["layers"][0].update(change)
            self.assertFalse(schema.is_valid(bad), change)
        hardware = self.validator("hardware")
        for change in ({"cores": 0}, {"buffer_bytes": 4095}, {"clock": 1}, {"memory": {"x": 1}}):
            self.assertFalse(hardware.is_valid({"format": "mbsopt-hardware/1", **change}), change)


if __name__ == "__main__":
    unittest.main()
