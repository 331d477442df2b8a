"""What an imported ONNX model learns, and how it is stored. Skipped where Debian's python3-onnx is missing."""

import json
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from harness import ALEXNET, BAD_INPUT, OK, ROOT, USAGE, CliTest  # noqa: E402
from test_import import HAVE_ONNX, IMPORTER, PYTHON  # noqa: E402


@unittest.skipUnless(HAVE_ONNX, "python3-onnx is missing")
class LearnedTest(CliTest):
    def run_importer(self, name, *options):
        path = str(self.folder / f"{name}.onnx")
        subprocess.run([PYTHON, "-B", str(ROOT / "tests/cli/make_onnx_learned.py"), name, path], check=True)
        return subprocess.run([PYTHON, IMPORTER, path, "--name", "net", *options], capture_output=True, text=True)

    def network(self, name, *options):
        """The layers as text, and the notes."""
        done = self.run_importer(name, *options)
        self.assertEqual(done.returncode, OK, done.stderr)
        self.text = done.stdout
        layers = [" ".join([entry["op"]] + [f"{k}={str(v).replace(' ', '')}" for k, v in entry.items()
                                             if k not in ("name", "op", "inputs")])
                  for entry in json.loads(done.stdout)["layers"]]
        return layers, done.stderr

    def shown(self, text):
        """(parameters, multiply-accumulates) that mbsopt counts."""
        lines = self.succeed("show", self.file("net.json", text)).out
        parameters = lines.split(" parameters, ")[0].split(" ")[-1]
        return int(parameters), int(lines.split(" multiply-accumulates")[0].split("\n")[-1])

    def refused(self, name, *options):
        done = self.run_importer(name, *options)
        self.assertEqual((done.returncode, done.stdout, done.stderr.count("\n")), (BAD_INPUT, "", 1), done.stderr)
        return done.stderr

    def test_weights_in_constant_nodes(self):
        layers, notes = self.network("in_constants")
        self.assertEqual(layers, ["conv out_channels=8 kernel=3 bias=True", "norm kind=batch", "prelu parameters=8",
                                  "bias parameters=8", "scale", "norm kind=instance", "global_avg_pool",
                                  "reshape shape=[8]", "fc out_features=5 bias=True"])
        self.assertIn("weights are in Constant nodes", notes)
        layers, notes = self.network("norm_in_constants")
        self.assertEqual(layers[1:], ["norm kind=batch", "prelu parameters=8", "bias",
                                      "norm kind=instance affine=False"])
        self.assertEqual(notes, "")

    def test_weights_by_constant_of_shape(self):
        layers, _ = self.network("filled_weights")
        self.assertEqual(layers, ["conv out_channels=8 kernel=1 bias=True", "norm kind=batch", "bias parameters=8",
                                  "reshape shape=[512]", "fc out_features=4096"])
        self.assertEqual(self.shown(self.text), (8 * 3 + 8 + 16 + 8 + 4096 * 512, 8 * 3 * 64 + 4096 * 512))

    def test_one_element_operands_are_constants(self):
        layers, notes = self.network("numbers")
        self.assertEqual(layers, ["scale", "conv out_channels=4 kernel=3", "scale", "relu6", "upsample size=[12,12]",
                                  "conv out_channels=4 kernel=3 pad=1"])
        self.assertIn("one-element operands count as constants: 'range', 'factor'; --learned NAME", notes)
        self.assertIn("(6 forward, 7 backward)", self.succeed("show", self.file("net.json", self.text)).out)
        layers, notes = self.network("numbers", "--learned", "range,factor")
        self.assertEqual([layers[0], layers[2]], ["scale parameters=1"] * 2)
        self.assertIn("(6 forward, 9 backward)", self.succeed("show", self.file("net.json", self.text)).out)
        self.assertEqual(notes, "")
        self.assertIn("--learned: no fixed tensor 'ranges'", self.refused("numbers", "--learned", "ranges"))
        self.assertIn("one-element operands", self.network("learned_scalar_of_float16")[1])

    def test_constants_by_name(self):
        layers, _ = self.network("merged", "--constant", "same3")
        self.assertEqual(layers[2::3], ["scale"] * 3)
        self.assertIn("--constant: no fixed tensor 'other'", self.refused("merged", "--constant", "other"))

    def test_merged_operands_count_for_each(self):
        layers, notes = self.network("merged")
        self.assertEqual(layers, ["conv out_channels=4 kernel=1", "norm kind=batch", "scale parameters=4"] * 3 +
                         ["norm kind=instance"])
        self.assertIn("count once for each", notes)

    def test_shared_weights_are_shared(self):
        layers, notes = self.network("shared")
        conv = "conv out_channels=4 kernel=3 bias=True"
        self.assertEqual([layer for layer in layers if layer.startswith("conv")], [conv, conv + " shares=head0"])
        self.assertIn("weights that several operators multiply by or look up are shared by their layers: 1, as "
                      "'head.weight' by node 'head0', node 'head1'", notes)
        self.assertNotIn("count once for each", notes)
        self.assertEqual(self.shown(self.text), (4 * 27 + 4, 4 * 27 * (36 + 4)))
        layers, _ = self.network("shared_head")
        self.assertEqual([layer.split()[0] for layer in layers].count("conv"), 6)
        self.assertEqual(sum("shares=" in layer for layer in layers), 4)
        self.assertEqual(self.shown(self.text), (4 * 36 + 6 * 18, 4 * 36 * (192 + 48 + 12) + 6 * 18 * (48 + 12 + 4)))
        plan = self.folder / "plan.json"
        self.succeed("plan", self.file("net.json", self.text), "--batch", "4", "--buffer", "8KiB", "-o", plan)
        self.succeed("verify", plan)

    def test_weights_shared_in_turn_are_shared(self):
        layers, _ = self.network("shared_in_turn")
        first = json.loads(self.text)["layers"][0]["name"]
        conv = "conv out_channels=3 kernel=1"
        self.assertEqual(layers, [conv, "relu", f"{conv} shares={first}", "relu"])
        layers, notes = self.network("shared_untrained")
        self.assertEqual(layers, [conv, "relu"] * 2)
        self.assertIn("shared weights, of which there are 1, count once for each operator", notes)

    def test_biases_of_shared_weights(self):
        """Those that differ are layers of their own."""
        layers, _ = self.network("shared_with_biases")
        kinds = [layer.split(" shares=")[0] for layer in layers]
        conv = "conv out_channels=3 kernel=1"
        self.assertEqual(kinds, [conv, "bias parameters=3", "relu"] * 4 + [conv, "relu"])
        self.assertEqual(sum("shares=" in layer for layer in layers), 4)
        self.assertEqual(self.shown(self.text)[0], 2 * 9 + 3 * 3)

    def test_shared_products(self):
        layers, _ = self.network("shared_products")
        kinds = [layer.split(" shares=")[0] for layer in layers if layer.startswith("fc")]
        self.assertEqual(kinds, ["fc out_features=8 axis=1 bias=True"] * 2 + ["fc out_features=8 axis=1"] * 2 +
                         ["fc out_features=48 bias=True"] * 2)
        self.assertEqual(["shares=" in layer for layer in layers if layer.startswith("fc")], [False, True] * 3)
        self.assertEqual(self.shown(self.text)[0], 72 + 64 + 49 * 48)

    def test_who_is_left_hands_parameters_on(self):
        layers, _ = self.network("shared_where_one_is_cut")
        first = json.loads(self.text)["layers"][0]["name"]
        self.assertEqual(layers, ["conv out_channels=3 kernel=1", f"conv out_channels=3 kernel=1 shares={first}"])
        self.assertEqual(self.shown(self.text)[0], 9)

    def test_parts_of_weights_are_not_shared(self):
        layers, notes = self.network("parts_of_weights")
        product = "fc out_features=8 axis=1"
        self.assertEqual(layers, [product, product, "add", product])
        self.assertEqual(notes.count("\n"), 1)
        self.assertIn("without 8: those of node 'scaled'", notes)

    def test_softmaxes_are_over_the_last_dimension_or_channels(self):
        """What is strips of rows elsewhere is not here: the rows that such a softmax takes up are no rows any more."""
        self.assertEqual(self.network("softmax_of_channels")[0], ["softmax"])
        for name, channels in (("softmax_of_rows", [3]), ("softmax_of_all", [])):
            layers, _ = self.network(name)
            self.assertEqual([layer.split(" ")[0] for layer in layers], ["reshape", "softmax", "reshape"])
            shape = json.loads(self.text)["layers"][0]["shape"]
            self.assertEqual((shape[:-1], len(shape)), (channels, len(channels) + 1))

    def test_sparse_weights(self):
        self.assertEqual(self.network("sparse")[0], ["conv out_channels=4 kernel=3"])

    def test_embeddings(self):
        layers, notes = self.network("text")
        self.assertEqual([entry["name"] for entry in json.loads(self.text)["inputs"]], ["tokens"])
        self.assertEqual(layers, ["embedding rows=50 out_features=8", "bias parameters=80", "bias",
                                  "embedding rows=10 out_features=8", "add", "fc out_features=5 axis=1"])
        self.assertNotIn("table", notes)
        self.assertEqual(self.shown(self.text)[0], 50 * 8 + 80 + 10 * 8 + 8 * 5)
        plan = str(self.folder / "plan.json")
        for planner in ("baseline", "il", "mbs-fs", "mbs1", "mbs2", "dp", "ilp"):
            self.succeed("plan", self.file("net.json", self.text), "--batch", "4", "--planner", planner, "-o", plan)
            self.assertIn("ok", self.succeed("verify", plan).out)

    def test_one_table_that_is_looked_up_and_multiplied_by(self):
        layers, notes = self.network("tied_table")
        table = "embedding rows=50 out_features=8"
        self.assertEqual(layers, [table, table + " shares=words", "add", "fc out_features=50 axis=1 shares=words",
                                  "bias parameters=50", "fc out_features=50 axis=1 shares=words"])
        self.assertIn("shared by their layers: 1, as 'table' by node 'words', node 'words_again'", notes)
        self.assertEqual(self.shown(self.text), (50 * 8 + 50, 2 * 6 * 8 * 50))
        self.assertIn("count once for each operator", self.network("tied_table_untrained")[1])
        self.assertEqual(self.shown(self.text)[0], 4 * 50 * 8 + 50)
        plan = self.folder / "plan.json"
        network = self.file("net.json", self.network("tied_table")[0] and self.text)
        for planner in ("baseline", "mbs2", "dp"):
            self.succeed("plan", network, "--batch", "4", "--buffer", "4KiB", "--planner", planner, "-o", plan)
            self.succeed("verify", plan)

    def test_functions_that_multiply(self):
        """Each calls the next one twice: they end before there are as many nodes as these would make."""
        code = ("import sys; sys.path.insert(0, sys.argv[1])\n"
                "from onnx import helper as h\n"
                "from onnx_network import rewrite, values\n"
                "call = lambda i, x, y: h.make_node(f'f{i}', [x], [y], domain='me')\n"
                "twice = lambda i: [call(i + 1, 'x', 'z'), call(i + 1, 'z', 'y')]\n"
                "functions = [h.make_function('me', f'f{i}', ['x'], ['y'], twice(i), [h.make_opsetid('me', 1)])\n"
                "             for i in range(40)]\n"
                "model = h.make_model(h.make_graph([call(0, 'a', 'b')], 'g', [], []), functions=functions)\n"
                "rewrite.MOST_MADE = 1000\n"
                "try:\n    rewrite.inline_functions(model, set())\n"
                "except values.Fault as fault:\n    print(fault)\n")
        done = subprocess.run([PYTHON, "-B", "-c", code, str(ROOT / "scripts")], capture_output=True, text=True)
        self.assertIn("or they make more than 1000 nodes", done.stdout, done.stderr)

    def test_opaque_where_the_batch_is_open(self):
        """The file's shape has the inputs' name for the batch; another name is no batch."""
        layers, _ = self.network("opaque_of_open_batch", "--opaque", "--cut", "known")
        self.assertEqual(layers, ["conv out_channels=4 kernel=1", "elementwise shape=[4,8,8]"])
        self.assertIn("the shape of its output 'unknown' is not known; --cut x",
                      self.refused("opaque_of_open_batch", "--opaque", "--cut", "unknown"))

    def test_what_cannot_be_cut_at(self):
        for name in ("image", "kernel"):
            said = self.refused("shared_in_turn", "--cut", name)
            self.assertIn(f"--cut: {name!r} is an input or an initializer", said)

    def test_optimised_text(self):
        layers, _ = self.network("optimised_text")
        self.assertEqual(layers[:8], ["embedding rows=50 out_features=12", "embedding rows=2 out_features=12", "add",
                                      "bias parameters=120", "norm kind=layer axis=1"] + ["fc out_features=12 axis=1"] * 3)
        self.assertEqual(layers[8:11], ["bias parameters=12"] * 3)
        self.assertEqual([layer for layer in layers if layer[:3] in ("mat", "sof")],
                         ["matmul transpose_b=True", "softmax", "matmul"])
        self.assertEqual(self.shown(self.text)[1], 3 * 6 * 12 * 12 + 2 * 2 * 6 * 6 * 6)

    def test_folded_norms_are_said(self):
        for name in ("folded", "folded_named"):
            with self.subTest(name):
                notes = self.network(name)[1]
                self.assertEqual(notes.count("\n"), 1)
                self.assertIn("training=torch.onnx.TrainingMode.TRAINING", notes)
        self.assertEqual(self.network("floats")[1], "")

    def test_quantised_networks_are_the_same(self):
        self.network("floats")
        floats = self.text
        self.network("quantised")
        self.assertEqual(self.text, floats)

    def test_weights_from_outside(self):
        self.assertIn("--weights kernel if it is learned", self.refused("given_weights", "--weights", "offset"))
        layers, notes = self.network("given_weights", "--weights", "kernel,offset")
        self.assertEqual(layers, ["conv out_channels=4 kernel=3 bias=True", "bias"])
        self.assertIn("inputs of one number count as constants: 'threshold'", notes)
        self.assertIn("--weights: no input 'other'", self.refused("given_weights", "--weights", "other"))

    def test_cut_at_tensors(self):
        self.assertIn("; --cut ", self.refused("heads"))
        layers, notes = self.network("heads", "--output", "scores,boxes")
        self.assertEqual(layers, ["conv out_channels=8 kernel=3", "relu", "conv out_channels=2 kernel=1", "sigmoid",
                                  "conv out_channels=4 kernel=1", "scale"])
        self.assertIn("cut at 'scores', 'boxes'", notes)
        self.assertIn("NonMaxSuppression", notes)
        self.assertEqual(self.network("heads", "--cut", "features")[0], layers[:2])
        self.assertIn("no tensor 'score'; the closest is 'scores'", self.refused("heads", "--cut", "score"))
        done = self.run_importer("heads", "--output", "/tmp/net.json")
        self.assertEqual((done.returncode, done.stderr.count("\n")), (USAGE, 1))
        self.assertIn("-o is what names a file", done.stderr)

    def test_every_command_hands_options_on(self):
        self.run_importer("heads")
        self.run_importer("numbers")
        self.run_importer("given_weights")
        heads, numbers, kernel = (self.folder / f"{name}.onnx" for name in ("heads", "numbers", "given_weights"))
        for command in (["plan"], ["show"], ["compare", "--planner", "dp"], ["sweep"],
                        ["export", "--format", "perfetto", "-o", "-"]):
            with self.subTest(command[0]):
                self.refuse(BAD_INPUT, *command, heads, says="; --cut ")
                self.assertIn("cut at 'scores', 'boxes'", self.succeed(*command, heads, "--cut", "scores",
                                                                       "--cut=boxes").err)
                self.refuse(USAGE, *command, heads, "--cut", "a.json", says="-o is what names a file")
                self.assertIn("; --learned NAME makes one learned", self.succeed(*command, numbers).err)
                self.assertNotIn("--learned", self.succeed(*command, numbers, "--learned", "range,factor").err)
                self.refuse(BAD_INPUT, *command, numbers, "--constant", "other", says="--constant: no fixed tensor")
                self.refuse(BAD_INPUT, *command, kernel, says="--weights kernel if it is learned")
                self.succeed(*command, kernel, "--weights", "kernel,offset")
                for option in ("cut", "weights", "learned", "constant"):
                    self.refuse(USAGE, *command, ALEXNET, f"--{option}=x", says=f"--{option} is of ONNX files")

    def test_functions_and_branches(self):
        self.assertEqual(self.network("function")[0], ["conv out_channels=4 kernel=1", "leaky_relu"] * 2 +
                         ["relu", "sigmoid"])
        self.assertEqual(self.network("branches")[0], ["conv out_channels=4 kernel=3", "global_avg_pool",
                                                       "reshape shape=[4]", "fc out_features=5"])

    def test_old_broadcasts(self):
        self.assertEqual(self.network("old_broadcast")[0], [
            "conv out_channels=8 kernel=1", "scale parameters=8", "global_avg_pool", "mul", "upsample size=[16,16]"])

    def test_fused_operators(self):
        layers, _ = self.network("microsoft")
        self.assertEqual(layers[0], "fc out_features=36 axis=1 bias=True")
        kinds = ("matmul", "softmax", "norm", "gelu", "conv")
        self.assertEqual([layer for layer in layers if layer.split()[0] in kinds], [
            "matmul transpose_b=True", "softmax", "matmul", "norm kind=layer axis=1", "gelu",
            "conv out_channels=4 kernel=3 bias=True", "gelu"])
        products = 6 * 12 * 36 + 2 * 3 * 6 * 6 * 4 + 2 * 6 * 12 * 24 + 4 * 2 * 9 * 16
        self.assertEqual(self.shown(self.text), (12 * 36 + 36 + 36 + 2 * 12 * 24 + 24 + 4 * 2 * 9 + 4, products))


if __name__ == "__main__":
    unittest.main()
