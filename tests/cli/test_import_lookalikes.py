"""ONNX models that are something else than what they look like. Skipped where Debian's python3-onnx is missing."""

import json
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from harness import BAD_INPUT, OK, ROOT, CliTest  # noqa: E402
from test_import import HAVE_ONNX, IMPORTER, PYTHON  # noqa: E402


@unittest.skipUnless(HAVE_ONNX, "python3-onnx is missing")
class LookalikesTest(CliTest):
    def run_importer(self, name, *options):
        path = str(self.folder / f"{name}.onnx")
        subprocess.run([PYTHON, "-B", str(ROOT / "tests/cli/make_onnx_lookalikes.py"), name, path], check=True)
        return subprocess.run([PYTHON, IMPORTER, path, *options], capture_output=True, text=True)

    def network(self, name):
        """(operators, parameters that mbsopt counts, notes)"""
        done = self.run_importer(name)
        self.assertEqual(done.returncode, OK, done.stderr)
        shown = self.succeed("show", self.file("net.json", done.stdout)).out
        operators = [layer["op"] for layer in json.loads(done.stdout)["layers"]]
        return operators, int(shown.split(" parameters, ")[0].split(" ")[-1]), done.stderr

    def test_gelu(self):
        self.assertEqual(self.network("gelu_of_numbers")[0], ["fc", "gelu"])
        operators, parameters, _ = self.network("gelu_with_learned_factors")
        self.assertNotIn("gelu", operators)
        self.assertEqual(parameters, 8 * 8 + 8)
        self.assertEqual(self.network("gelu_of_a_quotient")[0].count("mul"), 2)

    def test_layer_norms(self):
        self.assertEqual(self.network("rms_norm")[0], ["fc", "norm"])
        self.assertNotIn("norm", self.network("rms_norm_plus_an_activation")[0])
        self.assertEqual(self.network("layer_norm_by_feature")[:2], (["fc", "norm"], 64 + 16))
        self.assertEqual(self.network("layer_norm_by_element")[:2], (["fc", "norm", "scale", "bias"], 64 + 96))
        self.assertIn("avg_pool", self.network("mean_and_deviation_along_others")[0])
        self.assertEqual(self.network("layer_norm_over_more_than_factors")[:2], (["fc", "norm", "scale", "bias"], 64 + 16))
        grows = self.run_importer("layer_norm_that_grows")
        self.assertEqual((grows.returncode, grows.stderr.count("\n")), (BAD_INPUT, 1))
        self.assertIn("enlarge what it makes", grows.stderr)

    def test_group_norms(self):
        self.assertEqual(self.network("group_norm_by_channel")[:2], (["conv", "norm"], 24 + 16))
        self.assertEqual(self.network("group_norm_by_group")[:2], (["conv", "norm", "scale", "bias", "relu"], 24 + 8))
        self.assertEqual(self.network("group_norm_flattened")[:2], (["conv", "norm", "reshape", "fc"], 24 + 512 * 5))

    def test_what_a_product_adds(self):
        self.assertEqual(self.network("product_plus_a_row")[:2], (["fc"], 45))
        operators, parameters, notes = self.network("product_plus_a_number")
        self.assertEqual((operators, parameters), (["fc", "bias"], 40))
        self.assertIn("one-element operands count as constants", notes)
        self.assertEqual(self.network("product_plus_a_row_for_each_sample")[:2], (["fc", "bias"], 45))

    def test_operands_that_are_written_once_for_each_sample(self):
        operators, parameters, notes = self.network("token_for_each_sample")
        self.assertEqual((operators, parameters), (["fc", "parameter", "concat", "bias"], 64 + 8 + 7 * 8))
        self.assertEqual(notes.count("is the same for 4 samples and counts as that of one"), 2)
        self.assertEqual(self.network("token_enlarged_by_a_node"), (["fc", "parameter", "concat"], 64 + 8, ""))
        done = self.run_importer("offset_that_differs_between_samples")
        self.assertEqual((done.returncode, done.stderr.count("\n")), (BAD_INPUT, 1), done.stderr)
        self.assertIn("has an operand of shape [4, 6, 8] that differs between samples", done.stderr)

    def test_a_number_computed_from_numbers(self):
        self.assertEqual(self.network("scaled_by_a_computed_number")[:2], (["fc", "scale"], 64))

    def test_weights_that_are_fewer(self):
        self.assertIn("fewer learned numbers than they have count as they are, with 126 too many",
                      self.network("weights_repeated")[2])
        _, parameters, notes = self.network("biases_merged")
        self.assertEqual(parameters, 12 + 4 + 16 + 4)
        self.assertIn("count once for each: 'bias'", notes)

    def test_what_is_not_there_to_overrule(self):
        for name, option, tensor, said in (("biases_merged", "--constant", "w2", "are learned, as 'w2' here"),
                                           ("biases_merged", "--learned", "t3", "no fixed tensor 't3'"),
                                           ("product_plus_a_row", "--constant", "w1", "are learned, as 'w1' here")):
            done = self.run_importer(name, option, tensor)
            self.assertEqual((done.returncode, done.stdout, done.stderr.count("\n")), (BAD_INPUT, "", 1), done.stderr)
            self.assertIn(said, done.stderr)

    def test_opaque_loses_no_weights_of_attributes(self):
        done = self.run_importer("opaque_with_numbers", "--opaque")
        self.assertEqual(done.returncode, OK, done.stderr)
        for name in ("opaque_with_a_tensor", "opaque_with_a_list", "opaque_with_a_subgraph"):
            self.assertNotIn("--opaque", self.run_importer(name).stderr)
            done = self.run_importer(name, "--opaque")
            self.assertEqual((done.returncode, done.stdout, done.stderr.count("\n")), (BAD_INPUT, "", 1), done.stderr)
            self.assertIn("the weights in its attribute 'kernel' would be lost", done.stderr)

    def test_many_branches(self):
        """All that are known are taken at once: one after the other they would take minutes."""
        self.assertEqual(self.network("many_branches")[0], ["relu"] * 300)


if __name__ == "__main__":
    unittest.main()
