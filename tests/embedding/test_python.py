"""The Python module, against the tool's own answers."""

import json
import os
import pathlib
import subprocess
import sys
import threading
import unittest

ROOT = pathlib.Path(os.environ["MBS_SOURCE_DIR"])
sys.path.insert(0, str(ROOT / "python"))
import mbsopt  # noqa: E402  pylint: disable=wrong-import-position

NETWORKS = ROOT / "models" / "networks"
RESIDUAL = ROOT / "tests" / "fuzz" / "corpus" / "network" / "residual.json"


def tool(*arguments):
    done = subprocess.run([os.environ["MBSOPT"], *map(str, arguments)], capture_output=True,
                          check=True)
    return done.stdout.decode()


class Plans(unittest.TestCase):
    def test_as_the_tool_says(self):
        plan = mbsopt.plan(str(NETWORKS / "resnet18.json"), buffer="10MiB")
        text = tool("plan", NETWORKS / "resnet18.json", "--buffer", "10MiB", "--format", "json")
        self.assertEqual(plan.json, text)
        file = json.loads(text)
        self.assertEqual(plan.traffic.total, file["traffic_bytes"]["total"])
        self.assertEqual(len(plan.groups), len(file["groups"]))
        self.assertEqual(sum(group.traffic.total for group in plan.groups), plan.traffic.total)
        self.assertEqual(plan.groups[0].first_step, "conv1")
        self.assertEqual((plan.network, plan.planner, plan.outcome, plan.batch),
                         ("resnet18", "dp", "optimal", 32))
        self.assertEqual(plan.bound_bytes, plan.traffic.total)
        self.assertFalse(plan.inference)
        self.assertGreater(plan.time_s, 0)

    def test_options(self):
        more = {"buffer": 1 << 20, "batch": 7, "pin": False, "stream": False, "inference": True,
                "hardware": ROOT / "models" / "hardware" / "wavecore-lpddr4.json"}
        plan = mbsopt.plan(NETWORKS / "alexnet.json", **more)
        self.assertEqual(plan.json, tool(
            "plan", NETWORKS / "alexnet.json", "--buffer=1MiB", "--batch=7", "--no-pin",
            "--no-stream", "--inference", "--hardware", more["hardware"], "--format=json"))
        for planner in ("baseline", "archopt", "il", "mbs-fs", "mbs1", "mbs2", "ilp", "best"):
            plan = mbsopt.plan(RESIDUAL, planner=planner, batch=3, buffer=8192)
            self.assertEqual(plan.json, tool("plan", RESIDUAL, "--batch=3", "--buffer=8KiB",
                                             "--planner", planner, "--format=json"))
        time = mbsopt.plan(RESIDUAL, objective="time", batch=3, buffer=8192)
        self.assertEqual(time.json, tool("plan", RESIDUAL, "--batch=3", "--buffer=8KiB",
                                         "--objective=time", "--format=json"))

    def test_strips(self):
        path = NETWORKS / "resnet18.json"
        plan, whole = (mbsopt.plan(path, buffer="1MiB", strips=strips) for strips in (True, False))
        self.assertEqual(plan, mbsopt.plan(path, buffer="1MiB"))
        self.assertLess(plan.traffic.total, 0.8 * whole.traffic.total)
        self.assertGreater(max(group.strips for group in plan.groups), 1)
        self.assertEqual({group.strips for group in whole.groups}, {1})
        for group in plan.groups:
            self.assertTrue(group.strips == 1 or (group.sub_batch, group.iterations) == (1, 32 * group.strips))

    def test_a_dict(self):
        network = json.loads(RESIDUAL.read_text())
        self.assertEqual(mbsopt.plan(network, buffer=8192), mbsopt.plan(RESIDUAL, buffer="8KiB"))
        hardware = {"format": "mbsopt-hardware/1", "name": "mine", "buffer_bytes": 8192}
        self.assertEqual(mbsopt.plan(network, hardware=hardware).traffic,
                         mbsopt.plan(network, buffer=8192).traffic)

    def test_verify(self):
        plan = mbsopt.plan(RESIDUAL, buffer=8192, batch=3)
        file = json.loads(plan.json)
        self.assertEqual(mbsopt.verify(file), plan.traffic)
        file["traffic_bytes"]["total"] += 1
        with self.assertRaises(mbsopt.Error) as caught:
            mbsopt.verify(file)
        self.assertEqual(caught.exception.status, "verification failed")

    def test_version(self):
        self.assertEqual(tool("--version").split()[1], mbsopt.version())


class Errors(unittest.TestCase):
    def refuse(self, words, *arguments, **more):
        with self.assertRaises(mbsopt.Error) as caught:
            mbsopt.plan(*arguments, **more)
        self.assertIn(words, str(caught.exception))
        return caught.exception

    def test_files(self):
        self.assertEqual(self.refuse("No such file", "/nonexistent").status, "file error")
        self.refuse("format", {"format": "x"})
        self.refuse("format", RESIDUAL, hardware={"format": 1})
        broken = json.loads(RESIDUAL.read_text())
        for layer in broken["layers"]:
            layer["inputs"] = ["nothing"]
        self.assertGreaterEqual(len(self.refuse("no tensor named", broken).messages),
                                len(broken["layers"]))

    def test_options(self):
        for buffer in ("1 MB of", 0, -1, "4095", 2**63):
            self.refuse("", RESIDUAL, buffer=buffer)
        for batch in (0, -1, 1000001, 2**70):
            self.refuse("batch", RESIDUAL, batch=batch)
        self.refuse("planner", RESIDUAL, planner="none")
        self.refuse("objective", RESIDUAL, objective="none")


class Search(unittest.TestCase):
    def test_progress_ends_it(self):
        seen = []

        def watch(elapsed, best, bound):
            seen.append((elapsed, best, bound))
            return True

        plan = mbsopt.plan(NETWORKS / "resnet18.json", planner="ilp", buffer="1MiB",
                           progress=watch)
        self.assertTrue(seen)
        self.assertGreaterEqual(seen[0][1], plan.traffic.total)
        self.assertEqual(plan.outcome, "feasible")

    def test_exception_comes_through(self):
        def fail(*_):
            raise KeyboardInterrupt

        with self.assertRaises(KeyboardInterrupt):
            mbsopt.plan(NETWORKS / "resnet18.json", planner="ilp", buffer="1MiB", progress=fail)

    def test_threads(self):
        expected = mbsopt.plan(RESIDUAL, buffer=8192)
        found = [None] * 8

        def run(index):
            found[index] = mbsopt.plan(RESIDUAL, buffer=8192)

        threads = [threading.Thread(target=run, args=(i,)) for i in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(found, [expected] * 8)


if __name__ == "__main__":
    unittest.main()
