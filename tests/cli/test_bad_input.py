"""Bad input of every kind: one clear line each, the right exit status, nothing written."""

import json
import os
import subprocess
import unittest

from harness import (ALEXNET, BAD_INPUT, PROGRAM, SYSTEM, CliTest, conv, environment, network,
                     relu)


class Files(CliTest):
    def test_unreadable(self):
        self.refuse(SYSTEM, "plan", self.folder / "none.json", says="No such file")
        self.refuse(SYSTEM, "plan", self.folder, says="Is a directory")
        self.refuse(SYSTEM, "plan", "/proc/self/mem", says="cannot read")
        self.refuse(SYSTEM, "plan", ALEXNET, "--hardware", self.folder / "x", says="No such file")
        self.refuse(SYSTEM, "plan", "a\x1bb", says="\\x1b")

    @unittest.skipIf(os.geteuid() == 0, "root may read everything")
    def test_no_permission(self):
        path = self.file("net.json", "{}")
        os.chmod(path, 0)
        self.refuse(SYSTEM, "plan", path, says="Permission denied")

    def test_not_json(self):
        for text in ("", " ", "nonsense", "[", "[]", "1", '"x"', "null", "\0", "{" * 2000,
                     '{"format": "mbsopt-network/1", }', "\xff\xfe{}", '{"a": 1e}'):
            for command in ("plan", "show"):
                self.refuse(BAD_INPUT, command, "-", given=text, says="standard input: ")

    def test_truncated(self):
        with open(ALEXNET, encoding="utf-8") as file:
            text = file.read()
        for length in range(1, len(text.rstrip()), 97):
            self.refuse(BAD_INPUT, "plan", "-", given=text[:length], says="standard input: ")

    def test_200_mb_of_brackets(self):
        with subprocess.Popen([PROGRAM, "plan", "-"], stdin=subprocess.PIPE,
                              stderr=subprocess.PIPE, env=environment()) as done:
            piece = b"[" * 1000000
            for _ in range(200):
                done.stdin.write(piece)
            done.stdin.close()
            message = done.stderr.read().decode()
        self.assertEqual(done.returncode, BAD_INPUT, message)
        self.assertEqual(message.count("\n"), 1, message)

    def test_wrong_format(self):
        for tag in ("mbsopt-network/2", "mbsopt-plan/1", "", 1, None):
            self.refuse(BAD_INPUT, "plan", "-", given=network([conv("c", "image")], format=tag),
                        says="format")
        self.refuse(BAD_INPUT, "plan", ALEXNET, "--hardware", ALEXNET, says="format")


class Options(CliTest):
    def test_batch(self):
        for batch in ("0", "-1", "1000001", "abc", "", "1.5", "1e3", "9" * 30, "0x10", " 1"):
            for command in ("plan", "show"):
                self.refuse(BAD_INPUT, command, ALEXNET, f"--batch={batch}",
                            says=["--batch", "from 1 to 1000000"])

    def test_buffer(self):
        for size in ("0", "4095", "4095B", "1KiB", "9223372036854775808", "8388608TiB", "10XB",
                     "", "-1", "abc", "1.0001KiB", "9" * 40, "MiB", "10 M iB"):
            for command in ("plan", "show"):
                self.refuse(BAD_INPUT, command, ALEXNET, f"--buffer={size}")

    def test_all_are_named(self):
        result = self.refuse(BAD_INPUT, "plan", ALEXNET, "--buffer", "0", "--batch", "0",
                             says=["--buffer", "--batch"])
        self.assertEqual(result.err.count("\n"), 2)


class Networks(CliTest):
    def bad(self, layers, *says, **members):
        result = self.refuse(BAD_INPUT, "plan", "-", given=network(layers, **members), says=says)
        self.assertFalse([line for line in result.err.splitlines()
                          if not line.startswith("mbsopt: standard input: ")], result.err)
        return result

    def test_names(self):
        self.bad([conv("c", "image"), conv("c", "image")], "layers[1].name", '"c"')
        self.bad([conv("image", "image")], '"image"')
        self.bad([conv("", "image")], "layers[0].name")
        layer = conv("c", "image")
        del layer["name"]
        self.bad([layer], "layers[0].name")
        self.bad([{**layer, "name": 7}], "layers[0].name")

    def test_wiring(self):
        self.bad([conv("relu4", "image"), conv("d", "relu4x")],
                 'layers[1].inputs[0]: no tensor named "relu4x"', 'did you mean "relu4"?')
        self.bad([relu("a", "b"), relu("b", "a")], "cycle")
        self.bad([relu("a", "a")], "cycle")
        self.bad([{"name": "a", "op": "add", "inputs": ["image"]}], "layers[0].inputs")

    def test_ops_and_members(self):
        self.bad([{"name": "a", "op": "cnv", "inputs": ["image"]}],
                 'unknown op "cnv"', 'did you mean "conv"?')
        self.bad([conv("c", "image", strid=2)], "strid", "stride")
        self.succeed("plan", "-", given=network([conv("c", "image", x_note="mine")]))

    def test_numbers(self):
        for number in (0, -1, 1.5, 1e300, 2**63, 2**53 + 1, "3", None, [], True):
            self.bad([conv("c", "image", out_channels=number)], "layers[0].out_channels")
            self.bad([conv("c", "image")], "inputs[0].shape",
                     inputs=[{"name": "image", "shape": [3, number, 8]}])
        for word in ("NaN", "Infinity", "-Infinity", "1e999", "01"):
            text = network([conv("c", "image", stride=12345)]).replace("12345", word)
            self.refuse(BAD_INPUT, "plan", "-", given=text)

    def test_overflow(self):
        big = 2**52
        self.bad([relu("r", "image")], inputs=[{"name": "image", "shape": [big, big, big]}])
        self.refuse(BAD_INPUT, "plan", "-", "--batch=1000000", given=network(
            [relu("r", "image")], inputs=[{"name": "image", "shape": [2**20, 2**20, 2**16]}]))

    def test_shapes(self):
        self.bad([conv("c", "image", kernel=20)], "layers[0]")
        self.bad([conv("c", "image", groups=2)], "layers[0].groups", ' (in "c")')
        self.bad([conv("c", "image"), conv("d\u001b", "c", kernel=[3, -1])], "layers[1].kernel[1]: ", ' (in "d\\x1b")')
        self.assertNotIn("(in ", self.bad([conv("c", "image"), conv("c", "image")], "layers[1].name").err)
        self.bad([conv("a", "image"), conv("b", "image", out_channels=5),
                  {"name": "s", "op": "add", "inputs": ["a", "b"]}], "layers[2]")
        self.bad([conv("a", "image"), conv("b", "image", stride=2),
                  {"name": "s", "op": "concat", "inputs": ["a", "b"]}], "layers[2]")

    def test_empty(self):
        self.bad([], "layers")
        views = [{"name": "v", "op": "flatten", "inputs": ["image"]}]
        self.refuse(BAD_INPUT, "plan", "-", given=network(views), says="views")
        self.refuse(BAD_INPUT, "show", "-", given=network(views), says="views")

    def test_odd_but_good(self):
        no_parameters = [relu("r", "image")]
        sinks = [conv("c", "image"), relu("a", "c"), relu("b", "c")]
        two_inputs = [{"name": "s", "op": "add", "inputs": ["p", "q"]}, conv("c", "s")]
        names = [conv('"quoted"\\', "image"), conv("\u00fcber \u6f22\u5b57", '"quoted"\\'),
                 conv("\x01\x7f", "image")]
        inputs = [{"name": n, "shape": [3, 8, 8]} for n in "pq"]
        for given in (network(no_parameters), network(sinks), network(names),
                      network(two_inputs, inputs=inputs)):
            for more in ([], ["--inference"], ["--buffer=4096"], ["--batch=1"], ["--format=json"]):
                self.succeed("plan", "-", *more, given=given)
            self.succeed("show", "-", given=given)

    def test_many_faults(self):
        layers = [conv(f"c{i}", "nothing") for i in range(30)]
        result = self.bad_count(layers)
        self.assertEqual(len(result), 21)
        self.assertRegex(result[-1], r"^mbsopt: … and \d+ more$")
        self.assertEqual(len(self.bad_count(layers[:7])), 7)

    def bad_count(self, layers):
        return self.refuse(BAD_INPUT, "plan", "-", given=network(layers)).err.splitlines()

    def test_json_bombs(self):
        for text in ('{"format": ' + "[" * 100000, '{"a":' * 100000,
                     '{"format": "' + "x" * 1000000 + '"}',
                     json.dumps({"x" * 100000: 1})):
            self.refuse(BAD_INPUT, "plan", "-", given=text)


if __name__ == "__main__":
    unittest.main()
