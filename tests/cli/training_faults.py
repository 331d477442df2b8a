"""
Executions with a fault are noticed, and row maps are those of the ops. Run by test_training.py with a Python that has
PyTorch: training_faults.py SCRIPTS PROGRAM.
"""

import copy
import random
import sys
import tempfile
import unittest

SCRIPTS, PROGRAM = sys.argv[1:3]
sys.path.insert(0, SCRIPTS)
sys.dont_write_bytecode = True
import torch  # noqa: E402

import check_training as c  # noqa: E402
from training_check.layers import apply  # noqa: E402
from training_check.progress import Progress, first, need  # noqa: E402
from training_check.rows import Rows  # noqa: E402
from training_check.split import tallest  # noqa: E402
from training_check.step_rows import StepRows  # noqa: E402


def make_plan(network, *options):
    """mbs2's, which is of whole samples and of a program that is not split."""
    with tempfile.TemporaryDirectory() as folder:
        return c.make_plan(PROGRAM, network, folder, "--batch", "4", "--buffer", "48KiB", "--planner", "mbs2", *options)


def difference(execution, reference):
    return c.worst_difference(torch, execution.run(), reference.gradients)[0]


class WholeSamples(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.network = c.NETWORKS["residual"]()
        cls.plan = make_plan(cls.network)
        cls.reference = c.Reference(torch, cls.network, 4, 1)

    def test_one_interval_less_goes_by_way_of_dram(self):
        plan = copy.deepcopy(self.plan)
        plan["resident"].remove(next(r for r in plan["resident"] if r["to"] > r["from"]))
        self.assertLess(difference(c.Execution(torch, plan, self.reference), self.reference), 2e-5)

    def test_what_is_computed_again_counts(self):
        execution = c.Execution(torch, make_plan(self.network, "--recompute", "expand"), self.reference)
        whole = execution.compute
        execution.compute = lambda step: {n: v * 0 if ".remat" in n else v for n, v in whole(step).items()}
        self.assertGreater(difference(execution, self.reference), 1e-3)

    def test_a_step_left_out(self):
        execution = c.Execution(torch, copy.deepcopy(self.plan), self.reference)
        execution.sum = lambda operands: operands.made.update(
            {operands.own.writes[0]: operands.tensor(operands.own.reads[0], None, 0, 1)})
        self.assertGreater(difference(execution, self.reference), 1e-3)

    def test_reading_before_it_is_there(self):
        plan = copy.deepcopy(self.plan)
        plan["resident"] = []
        plan["groups"] = [{"first": 1, "last": 1, "iterations": 1, "sub_batch": 4}]
        with self.assertRaisesRegex(c.Mismatch, "not in DRAM"):
            c.Execution(torch, plan, self.reference).run()


class Fused(unittest.TestCase):
    def carry_out(self, network, inference, *options, change=lambda plan: None):
        plan = make_plan(network, *options)
        change(plan)
        return c.carry_out(torch, plan, c.Reference(torch, network, 4, 1, inference))[0]

    def test_what_steps_say_that_they_do_counts(self):
        """A layer less, one that another reads, one that is no neighbour."""
        network = c.inverted()
        step = "grow.conv"
        self.assertLess(self.carry_out(network, True, "--inference"), 1e-3)
        for names, says in ((["grow.norm"], "grow is done by no step"), (["grow.norm", "add"], "add is done with grow.conv"),
                            (["stem.norm"], "stem.norm is done with grow.conv")):
            def change(plan, names=names):
                next(s for s in plan["steps"] if s["name"] == step)["fused"] = names
            with self.assertRaisesRegex(c.Mismatch, says):
                self.carry_out(network, True, "--inference", change=change)

    def test_what_a_step_adds_to_counts(self):
        network = c.NETWORKS["residual"]("group")
        plan, reference = make_plan(network, "--fuse"), c.Reference(torch, network, 4, 1)
        reference = c.fuse(torch, reference, plan)
        self.assertTrue(any("sums" in s for s in plan["steps"]))
        self.assertLess(difference(c.Execution(torch, plan, reference), reference), 2e-5)
        execution = c.Execution(torch, plan, reference)
        execution.add_to_running = lambda operands, own: None
        self.assertGreater(difference(execution, reference), 1e-3)

    def test_gradients_come_back_through_activations(self):
        network = c.activations()
        self.assertLess(self.carry_out(network, False, "--fuse"), 1e-3)
        whole = c.fuse

        def without(*arguments):
            made = whole(*arguments)
            made.layers["n3"]["fused"] = []
            return made
        c.fuse = without
        try:
            self.assertGreater(self.carry_out(network, False, "--fuse"), 1e-2)
        finally:
            c.fuse = whole


class Strips(unittest.TestCase):
    """The network with windows of every kind, cut where a norm's statistics are complete, or at each step; strips of
    one row of the tallest tensor."""

    @classmethod
    def setUpClass(cls):
        network = c.STRIP_NETWORKS["windows"]("batch")
        cls.reference = c.Reference(torch, network, 2, 1)
        whole = make_plan(network, "--batch-norm", "keep")
        whole["batch"] = 2
        shapes = {n: v.shape for n, v in cls.reference.values.items()}
        program = c.split_program(whole, network, shapes)
        ends = [s["id"] for s in program["steps"] if s["kind"].endswith(".stat")] + [len(program["steps"]) - 1]
        cls.plan = c.with_groups(program, cls.groups(program, ends))
        cls.alone = c.with_groups(program, cls.groups(program, range(len(program["steps"]))))

    @staticmethod
    def groups(program, ends):
        return [(b + 1, e, tallest(program, b + 1, e), 2) for b, e in zip([-1, *ends], ends)]

    def carried_out(self, plan):
        execution = c.Execution(torch, copy.deepcopy(plan), self.reference)
        self.assertLess(difference(execution, self.reference), 2e-5)
        return execution

    def must_fail(self, execution, group, progress, what):
        """A group again, with DRAM as all groups have left it."""
        with self.assertRaises(c.Mismatch, msg=what):
            execution.run_group(group, progress)
        execution.buffer.clear()

    def test_each_map_is_needed(self):
        """A window one row smaller, a shift by one, a part where all is needed: none of these goes unnoticed."""
        execution, changed = self.carried_out(self.alone), 0
        for group, s in zip(execution.plan["groups"], execution.plan["steps"]):
            for t, row_map in s["maps"].items():
                worse = self.worse(row_map, s, execution.plan["tensors"][t])
                if worse is None:
                    continue
                s["maps"][t] = worse
                self.must_fail(execution, group, Progress(execution.plan, group), f"{s['name']}: {row_map} as {worse}")
                s["maps"][t] = row_map
                changed += 1
        self.assertGreater(changed, 30)

    @staticmethod
    def worse(row_map, step, tensor):
        kind, *g = row_map
        if kind == "window":
            return (kind, g[0] - 1, *g[1:])
        if kind == "transposed":
            return (kind, g[0], g[1], g[2] - 1)
        if kind == "shifted":
            return (kind, g[0] + 1)
        if kind == "whole" and tensor["rows"] > 1 and step["rows"] > 1:
            return ("window", 1, 1, 0)
        return None

    def test_rings_a_row_smaller(self):
        execution, tried = self.carried_out(self.plan), 0
        # the maps of upsampling have a row to spare, for either convention of its corners
        spare = {t for s in execution.plan["steps"] for t, m in s["maps"].items() if "scaled" in m[0]}
        for group in execution.plan["groups"]:
            progress = Progress(execution.plan, group)
            for t, kept in progress.kept.items():
                if t not in spare and kept > 0 and progress.rows[t] > 1:
                    progress.rows[t] -= 1
                    self.must_fail(execution, group, progress, execution.names[t])
                    progress.rows[t] += 1
                    tried += 1
        self.assertGreater(tried, 15)

    def test_statistics_that_are_not_complete(self):
        """A kept batch norm's statistics and their use in one group of several iterations."""
        plan = copy.deepcopy(self.plan)
        one, two = plan["groups"][:2]
        plan["groups"][:2] = [{**one, "last": two["last"], "strips": 1, "sub_batch": 1}]
        with self.assertRaisesRegex(c.Mismatch, "before they are complete"):
            c.Execution(torch, plan, self.reference).run()


class Attention(unittest.TestCase):
    def test_scores_of_one_query_at_a_time(self):
        """Product of queries and keys, softmax, product with values: one row of scores is all that is ever there."""
        network = c.NETWORKS["attention"]()
        plan = make_plan(network, "--inference")
        reference = c.Reference(torch, network, 4, 1, True)
        program = c.split_program(plan, network, {n: v.shape for n, v in reference.values.items()})
        number = {s["name"]: s["id"] for s in program["steps"]}
        begin, end = number["scores"], number["mixed"]
        plan = c.with_groups(program, [(0, begin - 1, 1, 4), (begin, end, 16, 1), (end + 1, len(number) - 1, 1, 4)])
        ids = {t["name"]: t["id"] for t in plan["tensors"]}
        progress = Progress(plan, plan["groups"][1])
        for name in ("q.heads", "scores", "scaled", "softmax"):
            self.assertEqual((progress.rows[ids[name]], progress.kept[ids[name]]), (1, 0), name)
        for name in ("k.heads", "v.heads"):
            self.assertEqual((progress.rows[ids[name]], progress.kept[ids[name]]), (16, 16), name)
        self.assertLess(c.carry_out(torch, plan, reference)[0], 2e-5)


def geometries(chance, many):
    for _ in range(many):
        kernel, dilation = chance.randint(1, 5), chance.randint(1, 3)
        window = (kernel - 1) * dilation + 1
        op = chance.choice(("conv", "avg_pool", "conv_transpose", "upsample", "pad"))
        dilation = dilation if op != "avg_pool" else 1
        layer = {"name": "y", "op": op, "inputs": ["x"]}
        if op in ("conv", "conv_transpose", "avg_pool"):
            top, bottom = (chance.randint(0, min(window - 1, 3)) for _ in range(2))
            layer.update(kernel=[kernel, 1], stride=[chance.randint(1, 6), 1], pad=[top, 0, bottom, 0])
            if op != "avg_pool":
                layer.update(dilation=[dilation, 1], out_channels=1)
            if op == "conv_transpose":
                layer["pad"] = [top, 0, top, 0]
        elif op == "upsample":
            mode = chance.choice(("nearest", "bilinear"))
            layer.update(size=[chance.randint(2, 40), 1], x_mode=mode, x_corners=chance.random() < 0.5)
        else:
            layer.update(before=[0, chance.randint(0, 3), 0], after=[0, chance.randint(0, 3), 0])
        yield layer


class Maps(unittest.TestCase):
    """need and first of rows.py's maps against which rows an op's output depends on, found by PyTorch's derivatives."""

    def dependence(self, layer, height):
        """(of each output row, the input's rows that it depends on; shapes)"""
        x = torch.rand(1, 1, height, 1, requires_grad=True)
        own = [torch.rand(1, 1, *layer["kernel"]) + 1] if layer["op"].startswith("conv") else []
        y = apply(torch, layer, [x], own)
        found = []
        for j in range(y.shape[2]):
            of_row, = torch.autograd.grad(y[0, 0, j, 0], x, retain_graph=True)
            found.append(of_row[0, 0, :, 0].nonzero().flatten().tolist())
        return found, {"x": x.shape, "y": y.shape}

    def check(self, layer, row_map, uses, step_rows, height):
        kind = row_map[0]
        for n in range(step_rows + 1):
            before = [r for rows in uses[:n] for r in rows]
            after = [r for rows in uses[n:] for r in rows]
            most, least = max(before, default=-1) + 1, min(after, default=height)
            self.assertGreaterEqual(need(row_map, n, step_rows, height), most, (layer, row_map, n))
            self.assertLessEqual(first(row_map, n, step_rows, height), least, (layer, row_map, n))
            exact = kind == "shifted" or kind == "window" and layer.get("dilation", [1])[0] == 1
            if exact and n > 0 and uses[n - 1]:
                self.assertEqual(need(row_map, n, step_rows, height), most, (layer, row_map, n))
            if exact and n < step_rows and uses[n]:
                self.assertEqual(first(row_map, n, step_rows, height), least, (layer, row_map, n))

    def test_maps_have_all_rows_that_an_op_uses(self):
        chance, tried = random.Random(3), 0
        for layer in geometries(chance, 300):
            height = chance.randint(1, 20)
            network = {"inputs": [{"name": "x"}], "layers": [layer]}
            try:
                uses, shapes = self.dependence(layer, height)
            except RuntimeError:
                continue  # the window is larger than the input
            rows = Rows(network, shapes)
            back = [[j for j, used in enumerate(uses) if r in used] for r in range(height)]
            names = ["x", "y", "y.grad@loss", "x.grad@y"]
            part = ".dgrad" if layer["op"].startswith("conv") else ".bwd"
            forward = {"name": "y", "kind": layer["op"], "reads": [0], "writes": [1]}
            backward = {"name": "y" + part, "kind": layer["op"] + part, "reads": [2], "writes": [3]}
            for step, used, high in ((forward, uses, height), (backward, back, len(uses))):
                own = StepRows(rows, step, names)
                self.assertEqual(own.count, len(used))
                self.check(layer, own.map_of(names[step["reads"][0]]), used, own.count, high)
            tried += 1
        self.assertGreater(tried, 150)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
