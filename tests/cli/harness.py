"""Running the mbsopt program and looking at what comes out."""

import fcntl
import json
import os
import pathlib
import pty
import re
import resource
import signal
import struct
import subprocess
import tempfile
import termios
import unittest

PROGRAM = os.environ["MBSOPT"]
ROOT = pathlib.Path(os.environ["MBS_SOURCE_DIR"])
NETWORKS = ROOT / "models" / "networks"
ALEXNET = str(NETWORKS / "alexnet.json")
RESNET50 = str(NETWORKS / "resnet50.json")

OK, BAD_INPUT, USAGE, NO_PLAN, VERIFICATION, SYSTEM = range(6)


class Outcome:
    """Exit status and text of one run."""

    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err

    def __repr__(self):
        return f"exit {self.status}\n--- out\n{self.out[:2000]}\n--- err\n{self.err[:2000]}"


def environment(**changes):
    """This process's environment without what switches colours and sets the width; None takes a variable away."""
    result = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "TERM", "COLUMNS")}
    for name, value in changes.items():
        result.pop(name, None)
        if value is not None:
            result[name] = value
    return result


def small_files(limit):
    """How to run the program as if the disk were full behind `limit` bytes of each file."""
    def limit_them():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    # a program built to count lines has files of its own, which would be spoilt
    return {"restore_signals": False, "preexec_fn": limit_them,
            "env": environment(GCOV_PREFIX="/dev/null")}


def heed_interrupts():
    """A shell's background jobs, and what they start, ignore them."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def run_on_terminal(words, stream, act=None, columns=None, **more):
    """The exit status, and what was shown on a terminal that `stream`, stdout or stderr, leads to.

    `act(process)` is called once something is shown there. `columns`: of the terminal.
    """
    leader, follower = pty.openpty()
    if columns is not None:
        fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    done = subprocess.Popen([PROGRAM, *words], **{stream: follower}, **more)
    os.close(follower)
    shown = b""
    while True:
        try:
            piece = os.read(leader, 65536)
        except OSError:
            break
        if not piece:
            break
        if not shown and act:
            act(done)
        shown += piece
    os.close(leader)
    return done.wait(), shown.decode()


def network(layers, inputs=None, **members):
    """A network file's text."""
    return json.dumps({"format": "mbsopt-network/1", "name": "test",
                       "inputs": inputs or [{"name": "image", "shape": [3, 8, 8]}],
                       "layers": layers, **members})


def conv(name, source, **members):
    return {"name": name, "op": "conv", "inputs": [source], "out_channels": 4, "kernel": 3,
            "pad": 1, **members}


def relu(name, source):
    return {"name": name, "op": "relu", "inputs": [source]}


class CliTest(unittest.TestCase):
    """Each test has a folder of its own, in which nothing unexpected may be left."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="mbsopt-test-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def run_program(self, *arguments, given="", env=None, **more):
        done = subprocess.run([PROGRAM, *map(str, arguments)], input=given.encode(),
                              stderr=subprocess.PIPE, env=env or environment(), check=False,
                              **{"stdout": subprocess.PIPE, **more})
        # where lines are counted and small_files keeps the counts from being written, gcov says so
        said = re.sub("^profiling:/dev/null/.*\n", "", done.stderr.decode(), flags=re.M)
        result = Outcome(done.returncode, (done.stdout or b"").decode(), said)
        self.check_sane(result)
        return result

    def on_terminal(self, *words, act=None):
        """Runs with standard error on a terminal; `act(process)` once something is shown there."""
        with open(self.folder / "out", "wb") as out:
            status, shown = run_on_terminal(words, "stderr", act, stdout=out, env=environment(),
                                            stdin=subprocess.DEVNULL, preexec_fn=heed_interrupts)
        return status, (self.folder / "out").read_text(), shown

    def check_sane(self, result):
        """No crash, no report of a sanitizer, messages in whole lines without control bytes."""
        self.assertIn(result.status, range(6), result)
        for word in ("Sanitizer", "runtime error", "Assertion"):
            self.assertNotIn(word, result.err)
        if result.err:
            self.assertTrue(result.err.endswith("\n"), result)
        for line in result.err.splitlines():
            # what starts with blanks is a command to copy
            self.assertTrue(line.startswith(("mbsopt: ", "note: ", '{"level": ', "  ")), result)
            self.assertTrue(line.isprintable(), result)
            self.assertLess(len(line), 600)

    def succeed(self, *arguments, **more):
        result = self.run_program(*arguments, **more)
        self.assertEqual(result.status, OK, result)
        self.assertNotIn("mbsopt: ", result.err)
        return result

    def refuse(self, status, *arguments, says=(), **more):
        """The run fails with `status`, its messages hold each of `says`, and it prints nothing."""
        result = self.run_program(*arguments, **more)
        self.assertEqual(result.status, status, result)
        self.assertEqual(result.out, "", result)
        self.assertTrue(result.err.startswith("mbsopt: "), result)
        for words in [says] if isinstance(says, str) else says:
            self.assertIn(words, result.err)
        return result

    def end_with_pipe(self, *words):
        """Nobody reads what the program writes: it ends as other tools do, without a word."""
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run([PROGRAM, *map(str, words)], stdout=writer, stderr=subprocess.PIPE,
                              env=environment(), check=False)
        os.close(writer)
        self.assertEqual(done.returncode, -signal.SIGPIPE, (words, done.stderr))
        errors = [line for line in done.stderr.decode().splitlines() if not line.startswith("note: ")]
        self.assertEqual(errors, [], words)

    def file(self, name, text):
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    def assert_files(self, *names):
        self.assertEqual(sorted(os.listdir(self.folder)), sorted(names))
