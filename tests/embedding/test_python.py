"""The Python module, against the tool's own answers."""

import csv
import importlib.util
import io
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import xml.etree.ElementTree

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
                         ("resnet18", "ilp", "heuristic", 32))
        self.assertEqual((plan.given_bytes, plan.given_bound_bytes), (plan.traffic.total, plan.traffic.total))
        given = mbsopt.plan(str(NETWORKS / "resnet18.json"), buffer="10MiB", order="given")
        self.assertEqual((given.outcome, given.bound_bytes), ("optimal", plan.given_bound_bytes))
        self.assertFalse(plan.inference)
        self.assertGreater(plan.time_s, 0)

    def test_options(self):
        more = {"buffer": 1 << 20, "batch": 7, "no_pin": True, "no_stream": True, "inference": True,
                "hardware": ROOT / "models" / "hardware" / "wavecore-lpddr4.json"}
        plan = mbsopt.plan(NETWORKS / "alexnet.json", **more)
        self.assertEqual(plan.json, tool(
            "plan", NETWORKS / "alexnet.json", "--buffer=1MiB", "--batch=7", "--no-pin",
            "--no-stream", "--inference", "--hardware", more["hardware"], "--format=json"))
        for planner in ("baseline", "archopt", "il", "mbs-fs", "mbs1", "mbs2", "ilp", "best"):
            plan = mbsopt.plan(RESIDUAL, planner=planner, batch=3, buffer=8192)
            self.assertEqual(plan.json, tool("plan", RESIDUAL, "--batch=3", "--buffer=8KiB",
                                             "--planner", planner, "--format=json"))
        most = mbsopt.plan(RESIDUAL, batch=3, buffer=8192).dram_peak.bytes
        limited = mbsopt.plan(RESIDUAL, planner="dp", batch=3, buffer=8192, max_dram=most)
        self.assertLessEqual(limited.dram_peak.bytes, most)
        self.assertEqual(limited.json, tool("plan", RESIDUAL, "--batch=3", "--buffer=8KiB", "--planner=dp",
                                            f"--max-dram={most}", "--format=json"))
        with self.assertRaisesRegex(mbsopt.Error, "the least found is"):
            mbsopt.plan(RESIDUAL, planner="dp", batch=3, buffer=8192, max_dram="1kB")
        placed = mbsopt.plan(RESIDUAL, batch=3, buffer=8192, in_place=True)
        self.assertEqual(placed.json, tool("plan", RESIDUAL, "--batch=3", "--buffer=8KiB", "--in-place",
                                           "--format=json"))
        given, searched = (mbsopt.plan("resnet18", order=order) for order in ("given", "search"))
        self.assertEqual(given.outcome, "optimal")
        self.assertEqual([given.given_bytes, given.given_bound_bytes], [None, None])
        self.assertEqual([searched.given_bytes, searched.given_bound_bytes], [given.traffic.total, given.bound_bytes])
        self.assertLessEqual(searched.traffic.total, given.traffic.total)
        whole, folded = (mbsopt.plan("resnet18", planner="baseline", inference=True, no_fold=no_fold)
                         for no_fold in (True, False))
        self.assertEqual([plan.json for plan in (whole, folded)],
                         [tool("plan", "resnet18", "--planner=baseline", "--inference", *more, "--format=json")
                          for more in (["--no-fold"], [])])
        self.assertLess(folded.traffic.total, whole.traffic.total)
        fused = mbsopt.plan("resnet18", planner="mbs2", fuse=True)
        self.assertEqual(fused.json, tool("plan", "resnet18", "--planner=mbs2", "--fuse", "--format=json"))
        time = mbsopt.plan(RESIDUAL, objective="time", batch=3, buffer=8192)
        self.assertEqual(time.json, tool("plan", RESIDUAL, "--batch=3", "--buffer=8KiB",
                                         "--objective=time", "--format=json"))

    def test_strips(self):
        path = NETWORKS / "resnet18.json"
        plan, whole = (mbsopt.plan(path, buffer="1MiB", no_strips=without) for without in (False, True))
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
        for buffer in ("1 MB of", 0, -1, "4095", 2**63, ""):
            self.refuse("", RESIDUAL, buffer=buffer)
        for batch in (0, -1, 1000001, 2**70):
            self.refuse("batch", RESIDUAL, batch=batch)
        self.refuse("planner", RESIDUAL, planner="none")
        for name in ("objective", "recompute", "batch_norm", "cycle_model", "overlap"):
            self.refuse(f"{name} is 'x', expected ", RESIDUAL, **{name: "x"})
        for share in (0, 1.5, "x", True):
            self.refuse("dram_efficiency is ", RESIDUAL, dram_efficiency=share)
        self.refuse("measured_dram_efficiency", RESIDUAL, hardware={
            "format": "mbsopt-hardware/1", "memory": {"name": "DDR"}}, dram_efficiency="measured")
        times = [mbsopt.plan(RESIDUAL, planner="dp", overlap=overlap).time_s for overlap in ("none", "step", "group")]
        self.assertGreater(times[0], times[1])
        self.assertGreaterEqual(times[1], times[2])
        slower = mbsopt.plan(RESIDUAL, planner="dp", dram_efficiency=0.01)
        usual = mbsopt.plan(RESIDUAL, planner="dp")
        self.assertEqual(mbsopt.plan(RESIDUAL, planner="dp", dram_efficiency="measured").json, usual.json)
        self.assertEqual(slower.traffic, usual.traffic)
        self.assertGreater(slower.time_s, usual.time_s)
        self.assertGreater(slower.energy_j, usual.energy_j)
        peak, usual = (mbsopt.plan("alexnet", planner="baseline", **more).time_s for more in ({"dram_efficiency": 1}, {}))
        self.assertLess(peak, usual)

    def test_simulate(self):
        """Of a network as of its plan; what is not overlapped is longer."""
        plan = mbsopt.plan(RESIDUAL, planner="dp", buffer="16KiB")
        found = mbsopt.simulate(plan)
        self.assertEqual(found, mbsopt.simulate(RESIDUAL, planner="dp", buffer="16KiB"))
        self.assertEqual(found.read_bytes + found.write_bytes, plan.traffic.total)
        self.assertAlmostEqual(found.estimate_s / plan.time_s, 1, places=10)
        self.assertAlmostEqual(found.time_s, found.array_s + found.vector_s + found.wait_load_s + found.wait_room_s +
                               found.wait_store_s, places=12)
        self.assertGreater(mbsopt.simulate(plan, slice="whole", prefetch="none").time_s, found.time_s)
        with self.assertRaisesRegex(mbsopt.Error, "prefetch is 'x'"):
            mbsopt.simulate(plan, prefetch="x")
        with self.assertRaisesRegex(TypeError, "nothing to plan"):
            mbsopt.simulate(json.loads(plan.json), batch=3)

    def test_types(self):
        """A TypeError names the argument, what it was and what was expected."""
        for says, words in ((r"batch is '32' of type str, expected a whole number", {"batch": "32"}),
                            (r"batch is True of type bool, expected a whole number", {"batch": True}),
                            (r"buffer is 1.5 of type float, .* such as \"10MiB\"", {"buffer": 1.5}),
                            (r"gap is None of type NoneType, expected a number", {"gap": None}),
                            (r"planner is 6 of type int, expected text", {"planner": 6}),
                            (r"no_strips is 'no' of type str, expected True or False", {"no_strips": "no"}),
                            (r"hardware is 1 of type int, expected the path of a hardware file", {"hardware": 1}),
                            (r"progress is 1 of type int, expected a function", {"progress": 1})):
            with self.assertRaisesRegex(TypeError, "^" + says):
                mbsopt.plan(RESIDUAL, **words)
        for says, call in (("network is 7", lambda: mbsopt.plan(7)), ("source is 7", lambda: mbsopt.load(7)),
                           ("networks is 7", lambda: mbsopt.sweep([7])), ("batch is 'x'", lambda: mbsopt.sweep(
                               RESIDUAL, batch=[1, "x"])), ("buffer is an empty list", lambda: mbsopt.sweep(
                                   RESIDUAL, buffer=[])), ("steps is 3", lambda: mbsopt.export(
                                       RESIDUAL, "perfetto", "x", steps=3)), ("source is None", lambda: mbsopt.show(None)),
                           ("strips is 'yes'", lambda: mbsopt.sweep(RESIDUAL, strips="yes"))):
            with self.assertRaisesRegex(TypeError, "^" + says):
                call()


def as_written(row):
    """A row with its numbers as the tool writes them."""
    return {name: float(f"{value:.12g}") if isinstance(value, float) else value for name, value in row.items()}


class Many(unittest.TestCase):
    def test_sweep(self):
        """The rows of the tool, in every column."""
        keywords = {"buffer": ["6KiB", 8192], "batch": [2, 3], "planner": ["baseline", "mbs2", "dp"],
                    "strips": ["on", "off"], "hardware": ["wavecore", "lpddr4"]}
        options = [f"--{name}={','.join(map(str, values))}" for name, values in keywords.items()]
        for more, words in (({}, []), ({"objective": "time", "inference": True}, ["--objective=time", "--inference"]),
                            ({"recompute": "auto", "max_recompute": 5, "batch_norm": "keep"},
                             ["--recompute=auto", "--max-recompute=5", "--batch-norm=keep"]),
                            ({"in_place": True}, ["--in-place"]), ({"max_dram": "1GB"}, ["--max-dram=1GB"])):
            rows = mbsopt.sweep([RESIDUAL], **keywords, **more, threads=3).rows
            lines = tool("sweep", RESIDUAL, *options, *words, "--format=jsonl").splitlines()
            self.assertEqual([as_written(row) for row in rows], [json.loads(line) for line in lines])
            self.assertEqual([list(row) for row in rows], [list(json.loads(line)) for line in lines])

    def test_compare(self):
        for more, words in (({}, []), ({"recompute": "activations", "planner": ["mbs2", "dp"]},
                                       ["--recompute=activations", "--planner=mbs2,dp"]),
                            ({"planner": ["ilp", "best"], "objective": "time", "max_dram": 10 ** 9, "optimizer": "sgd"},
                             ["--planner=ilp,best", "--objective=time", "--max-dram=1GB", "--optimizer=sgd"])):
            rows = mbsopt.compare([RESIDUAL, RESIDUAL], buffer=8192, batch=3, **more).rows
            text = tool("compare", RESIDUAL, RESIDUAL, "--buffer=8192", "--batch=3", *words, "--format=csv")
            expected = [row for row in csv.DictReader(io.StringIO(text)) if row["network"] != "(geometric mean)"]
            self.assertEqual([{name: "" if value is None else str(value) if not isinstance(value, float) else f"{value:.12g}"
                               for name, value in row.items()} for row in rows], expected)

    def test_tradeoff(self):
        """The rows of the tool; the plans are the rows'."""
        for more, words in (({}, []), ({"planner": "dp", "points": 3, "hardware": "lpddr4", "no_strips": True},
                                       ["--planner=dp", "--points=3", "--hardware=lpddr4", "--no-strips"]),
                            ({"max_dram": "1MB", "dram_efficiency": 0.5, "in_place": True, "optimizer": "adam"},
                             ["--max-dram=1MB", "--dram-efficiency=0.5", "--in-place", "--optimizer=adam"])):
            found = mbsopt.tradeoff(RESIDUAL, buffer=8192, batch=3, **more)
            text = tool("tradeoff", RESIDUAL, "--buffer=8192", "--batch=3", *words, "--format=csv")
            rows = [{name: "" if value is None else f"{value:.12g}" if isinstance(value, float) else str(value)
                     for name, value in row.items()} for row in found.rows]
            self.assertEqual(rows, list(csv.DictReader(io.StringIO(text))))
            self.assertEqual([plan.traffic.total for plan in found.plans], [row["total_bytes"] for row in found.rows])
            machine = {name: more[name] for name in ("hardware", "dram_efficiency", "optimizer") if name in more}
            baseline = mbsopt.plan(RESIDUAL, buffer=8192, batch=3, planner="baseline", **machine)
            self.assertEqual((found.baseline.traffic, found.baseline.time_s), (baseline.traffic, baseline.time_s))
            self.assertEqual(json.loads(json.dumps(found.to_dict()))["rows"][0]["planner"], found.plans[0].planner)
        for says, words in (("points is 2, expected 3 to 100", {"points": 2}), ("planner is 'ilp', expected dp or best",
                                                                                {"planner": "ilp"})):
            with self.assertRaisesRegex(mbsopt.Error, "^" + says):
                mbsopt.tradeoff(RESIDUAL, **words)
        with self.assertRaisesRegex(TypeError, "^points is '3' of type str, expected a whole number"):
            mbsopt.tradeoff(RESIDUAL, points="3")

    def test_progress_ends_a_sweep(self):
        seen = []
        rows = mbsopt.sweep(RESIDUAL, buffer=8192, batch=range(1, 20), threads=2,
                            progress=lambda done, all_of_them: seen.append((done, all_of_them)) or done == 3).rows
        self.assertEqual(([row["index"] for row in rows], seen), ([0, 1, 2], [(1, 19), (2, 19), (3, 19)]))

    def test_an_error_ends_a_sweep(self):
        with self.assertRaises(mbsopt.Error):
            mbsopt.sweep([RESIDUAL, "/nonexistent"], buffer=8192)


class Data(unittest.TestCase):
    def test_dicts_and_rows(self):
        plan = mbsopt.plan(RESIDUAL, buffer=8192, batch=3)
        found = plan.to_dict()
        self.assertEqual(found["traffic"]["total"], plan.traffic.total)
        self.assertEqual(found["groups"][0]["traffic"], plan.groups[0].traffic.to_dict())
        self.assertEqual(json.loads(json.dumps(found))["batch"], 3)
        self.assertEqual(sum(row["total_bytes"] for row in plan.rows), plan.traffic.total)
        for shown in (plan, mbsopt.show(RESIDUAL), mbsopt.show("lpddr4"), mbsopt.sweep(RESIDUAL, buffer=8192),
                      mbsopt.compare(RESIDUAL, buffer=8192, planner="dp"), mbsopt.tradeoff(RESIDUAL, buffer=8192)):
            page = xml.etree.ElementTree.fromstring(shown._repr_html_())  # pylint: disable=protected-access
            self.assertEqual(len(page.findall("table/tbody/tr")), len(shown.rows))
            self.assertEqual([cell.text for cell in page.findall("table/thead/tr/th")], list(shown.rows[0]))

    @unittest.skipUnless(importlib.util.find_spec("pandas"), "no pandas")
    def test_pandas(self):
        import pandas  # pylint: disable=import-outside-toplevel
        frame = pandas.DataFrame(mbsopt.sweep(RESIDUAL, buffer=8192, batch=[1, 2, 3]).rows)
        self.assertEqual(frame.batch.tolist(), [1, 2, 3])
        self.assertTrue((frame.total_bytes > 0).all())

    def test_hostile_names_are_text(self):
        network = json.loads(RESIDUAL.read_text())
        network["name"] = "<script>&"
        self.assertIn("&lt;script&gt;&amp;", mbsopt.plan(network, buffer=8192)._repr_html_())

    def test_files(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "plan.json"
            plan = mbsopt.plan(RESIDUAL, buffer=8192, batch=3)
            plan.save(path)
            self.assertEqual(mbsopt.load(path), plan)
            self.assertEqual(mbsopt.show(path), plan)
            self.assertEqual(mbsopt.verify(plan), plan.traffic)
            for source, name in ((plan, "a"), (path, "b"), (RESIDUAL, "c")):
                more = {"buffer": 8192, "batch": 3} if source == RESIDUAL else {}
                mbsopt.export(source, "perfetto", path.with_name(name), **more)
            tool("export", path, "--format=perfetto", "-o", path.with_name("d"))
            texts = {path.with_name(name).read_text() for name in "abcd"}
            self.assertEqual(len(texts), 1)
            with self.assertRaisesRegex(TypeError, "^batch: of a plan there is nothing to plan"):
                mbsopt.export(path, "perfetto", path.with_name("e"), batch=2)
            with self.assertRaises(mbsopt.Error):
                mbsopt.export(plan, "none", path.with_name("e"))
            mbsopt.export(plan, "dramsim3", path.with_name("f"), steps=(0, 2), iterations=(0, 0))
            tool("export", path, "--format=dramsim3", "-o", path.with_name("g"), "--steps=0..2", "--iterations=0..0")
            self.assertEqual(path.with_name("f").read_bytes(), path.with_name("g").read_bytes())
        self.assertIn("perfetto", mbsopt.formats())

    def test_show(self):
        for name in (RESIDUAL, "lpddr4"):  # the tool fits lines to 80 columns
            self.assertEqual(str(mbsopt.show(name)).split(), tool("show", name).split())
        shown = mbsopt.show("alexnet", buffer="1MiB", batch=4, inference=True)
        text = tool("show", "alexnet", "--buffer=1MiB", "--batch=4", "--inference")
        self.assertEqual(str(shown).split(), text.split())
        self.assertEqual((shown.layers[0].name, shown.layers[0].shape), ("conv1", (96, 55, 55)))
        self.assertEqual(shown.parameters, sum(layer.parameters for layer in shown.layers))

    def test_names(self):
        """As on the command line: what comes with mbsopt, of machines also the end of the name."""
        self.assertEqual(mbsopt.plan("AlexNet", hardware="lpddr4", buffer="2MiB").json,
                         tool("plan", "alexnet", "--hardware=lpddr4", "--buffer=2MiB", "--format=json"))
        with self.assertRaisesRegex(mbsopt.Error, "may be one of|No such file"):
            mbsopt.plan("alexnet", hardware="hbm")

    @unittest.skipUnless(shutil.which("mypy"), "no mypy")
    def test_type_hints(self):
        done = subprocess.run(["mypy", "--strict", "--cache-dir", os.devnull, ROOT / "python/mbsopt"],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)


class Search(unittest.TestCase):
    def test_progress_ends_it(self):
        seen = []

        def watch(elapsed, best, bound):
            seen.append((elapsed, best, bound))
            return best > 0  # on a busy machine there is none yet at the first call

        plan = mbsopt.plan(NETWORKS / "resnet18.json", planner="ilp", buffer="1MiB",
                           progress=watch)
        self.assertTrue(seen)
        self.assertGreaterEqual(seen[-1][1], plan.traffic.total)
        self.assertEqual(plan.outcome, "feasible")

    def test_ten_calls_a_second(self):
        calls, start = [], time.monotonic()
        mbsopt.plan(NETWORKS / "resnet18.json", planner="ilp", buffer="1MiB", time_limit=1,
                    progress=lambda *_: calls.append(time.monotonic()) and None)
        self.assertTrue(calls)
        self.assertLessEqual(len(calls), 1 + 10 * (time.monotonic() - start))
        self.assertTrue(all(later - earlier >= 0.099 for earlier, later in zip(calls, calls[1:])))

    def test_interrupt(self):
        """Ctrl-C comes through while the library plans, and once no thread is in it any more."""
        code = ("import mbsopt, sys\n"
                "def tell(*_):\n    print('planning', flush=True)\n"
                "try:\n    mbsopt.plan(sys.argv[1], planner='dp', recompute='auto', progress=tell)\n"
                "except KeyboardInterrupt:\n    print('interrupted', len(sys._current_frames()))\n")
        with subprocess.Popen([sys.executable, "-c", code, NETWORKS / "inception_v4.json"], stdout=subprocess.PIPE,
                              text=True, env={**os.environ, "PYTHONPATH": str(ROOT / "python")},
                              preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler)) as running:
            self.assertEqual(running.stdout.readline(), "planning\n")
            running.send_signal(signal.SIGINT)
            self.assertEqual(running.communicate()[0].splitlines()[-1], "interrupted 1")
            self.assertEqual(running.returncode, 0)

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
