"""What `meson install` leaves, in a folder of its own, for tests of those who use it."""

import os
import pathlib
import shlex
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(os.environ["MBS_SOURCE_DIR"])
BUILD = os.environ["MBS_BUILD_DIR"]
EMBEDDING = ROOT / "tests" / "embedding"
NETWORK = str(ROOT / "models" / "networks" / "resnet18.json")
STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"]


def run(*command, **more):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **more)
    if done.returncode != 0:
        raise AssertionError(f"{shlex.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # pylint: disable=consider-using-with
        cls.holder = tempfile.TemporaryDirectory(prefix="mbsopt-install-")
        cls.folder = pathlib.Path(cls.holder.name)
        root = cls.folder / "root"
        run("meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", root)
        cls.library = next(root.rglob("libmbsopt.so")).resolve()
        cls.headers = next(root.rglob("mbsopt.h")).parent
        package = next(root.rglob("mbsopt.pc"))
        cls.tool = next(path for path in root.rglob("bin/mbsopt"))
        cls.env = {**os.environ, "PKG_CONFIG_SYSROOT_DIR": str(root),
                   "PKG_CONFIG_PATH": str(package.parent),
                   "LD_LIBRARY_PATH": str(cls.library.parent)}

    @classmethod
    def tearDownClass(cls):
        cls.holder.cleanup()

    def flags(self, *options):
        prefix = run("pkg-config", "--variable=prefix", "mbsopt", env=self.env).strip()
        self.assertTrue(prefix.startswith(str(self.folder)), prefix)
        return shlex.split(run("pkg-config", *options, "mbsopt", env=self.env))

    def compile(self, compiler, source, name, *flags):
        program = self.folder / name
        run(*compiler, *STRICT, source, "-o", program, *flags)
        return program
