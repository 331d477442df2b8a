"""Other build systems and languages against an installed prefix: CMake, the C++ header, the Rust crate."""

import os
import re
import shutil
import subprocess
import unittest

from installed import EMBEDDING, NETWORK, ROOT, Installed, run


def needs(program):
    return unittest.skipUnless(shutil.which(program), f"no {program}")


class Consumers(Installed):
    def total(self, *options):
        """What the installed program says that the plan moves."""
        text = run(self.tool, "plan", NETWORK, *options, "--format", "json")
        return int(re.search(r'"traffic_bytes": \{[^}]*"total": (\d+)', text).group(1))

    @needs("cmake")
    def test_cmake(self):
        """find_package finds it wherever the whole was moved to, for the version asked for."""
        moved = self.folder / "moved"
        shutil.copytree(self.tool.parent.parent, moved)
        build = self.folder / "cmake"
        run("cmake", "-S", ROOT / "examples/cmake", "-B", build, f"-DCMAKE_PREFIX_PATH={moved}")
        run("cmake", "--build", build)
        for kind in ("mbsopt", "static"):
            self.assertIn("bytes of DRAM traffic", run(build / f"embed-{kind}", NETWORK, env={}))
        linked = run("readelf", "-d", build / "embed-mbsopt")
        self.assertIn("Shared library: [libmbsopt.so.0]", linked)
        self.assertIn(f"[{moved}/", linked)
        self.assertNotIn("libmbsopt", run("readelf", "-d", build / "embed-static"))

        source = self.folder / "other"
        source.mkdir()
        for wanted, words, good in (("0.0", "", False), ("0.1.0", "EXACT", True), ("0.2", "", False),
                                    ("0.1.1", "", False), ("1", "", False), ("", "", True)):
            (source / "CMakeLists.txt").write_text("cmake_minimum_required(VERSION 3.16)\nproject(other C)\n"
                                                   f"find_package(mbsopt {wanted} {words} CONFIG REQUIRED)\n")
            done = subprocess.run(["cmake", "-S", source, "-B", source / "build", f"-DCMAKE_PREFIX_PATH={moved}"],
                                  capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode == 0, good, (wanted, done.stderr))

    @needs("g++")
    def test_cpp_handles(self):
        total = self.total("--buffer", "1MiB")
        for compiler in filter(shutil.which, ("g++", "clang++")):
            for standard in ("c++11", "c++20"):
                program = self.compile([compiler, f"-std={standard}"], EMBEDDING / "consumer_raii.cc", "raii",
                                       *self.flags("--cflags", "--libs"))
                self.assertRegex(run(program, NETWORK, env=self.env), rf"^{total} bytes, [1-9]\d+ in the file\n$")
        for words, says in ((["/no/such.json"], "5: cannot read \"/no/such.json\""), ([NETWORK, NETWORK], "1: .*format")):
            done = subprocess.run([program, *words], env=self.env, capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stdout, "^" + says)

    @needs("cargo")
    def test_rust(self):
        """The crate builds with nothing but the standard library, and from what pkg-config says."""
        target = self.folder / "target"
        env = {**self.env, "CARGO_TARGET_DIR": str(target), "CARGO_HOME": str(self.folder / "cargo"),
               "RUSTFLAGS": "-D warnings"}
        crate = self.folder / "crate"
        shutil.copytree(ROOT / "examples/rust", crate, ignore=shutil.ignore_patterns("target"))
        for more in ({}, {"MBSOPT_LIB_DIR": str(self.library.parent)}):
            run("cargo", "build", "--offline", "--manifest-path", crate / "Cargo.toml", env={**env, **more})
        program = target / "debug/mbsopt"
        out = run(program, NETWORK, "1048576", env=self.env)
        for planner in ("mbs2", "dp"):
            self.assertIn(f"{planner}: {self.total('--buffer=1MiB', '--planner', planner)} bytes in ", out)
        self.assertIn("libmbsopt 0.", subprocess.run([program], env=self.env, capture_output=True, text=True,
                                                     check=False).stderr)
        for words, says in (([NETWORK, "7"], "buffer"), (["/no/such.json"], "/no/such.json")):
            done = subprocess.run([program, *words], env=self.env, capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn(says, done.stderr)


if __name__ == "__main__":
    unittest.main()
