"""The limits that docs/formats.md names, each at its edge."""

import os
import unittest

from harness import BAD_INPUT, CliTest, conv, network, relu


class Limits(CliTest):
    def bad(self, text, says):
        self.refuse(BAD_INPUT, "show", "-", given=text, says=says)

    def test_file_size(self):
        path = self.file("large.json", "{}")
        os.truncate(path, (1 << 30) + 1)  # sparse: it takes no room
        for command in ("show", "plan", "verify"):
            self.refuse(BAD_INPUT, command, path, says="larger than 1073741824 bytes")
        self.refuse(BAD_INPUT, "plan", "-", "--hardware", path, says="larger than")

    def test_nesting(self):
        for depth, good in ((997, True), (1001, False)):
            # the document, its member and the layer are three levels
            text = network([conv("c", "image", x_deep=0)]).replace(
                '"x_deep": 0', '"x_deep": ' + "[" * depth + "]" * depth)
            if good:
                self.succeed("show", "-", given=text)
            else:
                self.bad(text, "nested more than 1000 deep")

    def test_layers(self):
        text = network(["LAYERS"]).replace('"LAYERS"', ",".join("0" * 1000001))
        self.bad(text, "layers: found a list of 1000001, expected a list of 1 to 1000000")

    def test_inputs(self):
        inputs = [{"name": "image", "shape": [1]}] * 100001
        self.bad(network([relu("r", "image")], inputs=inputs),
                 "inputs: found a list of 100001, expected a list of 1 to 100000")

    def test_names(self):
        for length in (1024, 1025):
            text = network([relu("n" * length, "image")])
            if length == 1024:
                self.succeed("show", "-", given=text)
            else:
                self.bad(text, "found a name of 1025 bytes, expected at most 1024")

    def test_operands_of_a_layer(self):
        many = network([{"name": "a", "op": "add", "inputs": ["image"] * 200000}])
        self.succeed("show", "-", given=many)
        self.succeed("plan", "-", given=many)

    def test_operands_of_a_program(self):
        """Views of views: a small file whose reads, written out, are more than memory holds."""
        layers = [conv("c0", "image", out_channels=1), relu("v0", "c0")]
        for i in range(1, 15000):
            layers.append({"name": f"v{i}", "op": "concat", "inputs": [f"v{i - 1}", f"c{i - 1}"]})
            layers.append(conv(f"c{i}", f"v{i}", out_channels=1))
        self.bad(network(layers), "100000000 at most")

    def test_figures_that_json_readers_round(self):
        text = network([relu("r", "x")], inputs=[{"name": "x", "shape": [2**40]}])
        words = ("plan", "-", "--inference", "--batch=1000000", "--planner=baseline")
        self.succeed(*words, given=text)
        self.refuse(BAD_INPUT, *words, "--format=json", given=text, says="many JSON readers round")

    def test_doubling_views(self):
        layers = [relu("v0", "image")]
        for i in range(1, 51):
            layers.append({"name": f"v{i}", "op": "concat", "inputs": [f"v{i - 1}"] * 2})
        layers.append(relu("r", "v50"))
        inputs = [{"name": "image", "shape": [1]}]
        self.succeed("show", "-", given=network(layers, inputs=inputs))

    def test_names_chosen_to_collide(self):
        """Names are looked up in a sorted list: long common beginnings cost what they are long."""
        layers = [relu("r" * 900 + "0", "image")]
        for i in range(1, 2000):
            layers.append(relu("r" * 900 + str(i), "r" * 900 + str(i - 1)))
        self.succeed("show", "-", given=network(layers))


if __name__ == "__main__":
    unittest.main()
