"""mbsopt for other compilers and machines, built and tested: for scripts/test.sh --all.

gcc without optimisation, clang with optimisation of the whole program at link time, a 32-bit machine (in a Debian of its
own), and a big-endian one (s390x, under qemu-user). For musl Debian has neither GLPK nor cJSON, so there the sources are
compiled only. What is missing skips a test with a word.
"""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from tools import debian_mirror, needs, run

ROOT = pathlib.Path(__file__).resolve().parents[2]
TESTS = ["test_base", "test_growth", "test_json", "test_network", "test_shapes", "test_builder", "test_builder_calls",
         "test_program", "test_steps", "test_rows", "test_hardware", "test_traffic", "test_footprint", "test_planners",
         "test_solver", "test_verify", "test_plan_file", "test_plan_file_faults", "test_report", "test_grid",
         "test_emit", "test_dram_layout", "test_golden", "embed"]
PLANS = [["alexnet", "--buffer", "1MiB"], ["alexnet", "--planner", "ilp", "--buffer", "1MiB"],
         ["resnet50", "--objective", "time", "--buffer", "1MiB"]]
PATIENCE = 20  # times as long as tests may take, of which an emulator needs most
LIBRARIES = "libc6-dev,libglpk-dev,libcjson-dev,check"
STRICT = ["-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror"]
CROSS = """[binaries]
c = 's390x-linux-gnu-gcc'
ar = 's390x-linux-gnu-gcc-ar'
strip = 's390x-linux-gnu-strip'
pkgconfig = 'pkg-config'
exe_wrapper = ['qemu-s390x', '-L', '{root}']
[built-in options]
c_args = ['--sysroot={root}']
c_link_args = ['--sysroot={root}']
[properties]
sys_root = '{root}'
pkg_config_libdir = ['{root}/usr/lib/s390x-linux-gnu/pkgconfig', '{root}/usr/share/pkgconfig']
[host_machine]
system = 'linux'
cpu_family = 's390x'
cpu = 's390x'
endian = 'big'
"""


class Targets(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="mbsopt-target-"))
        self.addCleanup(shutil.rmtree, self.folder, True)

    def build_and_test(self, *options, compiler=None):
        build = self.folder / "build"
        env = {**os.environ, **({"CC": compiler} if compiler else {})}
        run("meson", "setup", build, ROOT, "-Dtests=true", *options, env=env)
        run("ninja", "-C", build)
        run("meson", "test", "-C", build, "--no-rebuild", "--print-errorlogs", "-t", str(PATIENCE), *TESTS,
            env={**os.environ, "CK_TIMEOUT_MULTIPLIER": str(PATIENCE)})
        return build

    def plans(self, *program):
        return [run(*program, "plan", *words, "--format", "json") for words in PLANS]

    def assert_same_plans(self, *program):
        """To the byte those of the build that was tested before."""
        here = os.environ.get("MBSOPT")
        if here is None:
            self.skipTest("MBSOPT does not name a program to compare with")
        self.assertEqual(self.plans(*program), self.plans(here))

    def debian(self, architecture, variant, packages):
        """A folder with a Debian of an architecture; its mirror is this system's, without what may be out of step."""
        mirror = debian_mirror()
        if mirror is None:
            self.skipTest("apt knows no mirror of Debian 12")
        root = self.folder / architecture
        done = subprocess.run(["mmdebstrap", "--quiet", f"--arch={architecture}", f"--variant={variant}",
                               f"--include={packages}", "bookworm", root, mirror],
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            self.skipTest("mmdebstrap: " + done.stderr[-200:])
        return root

    @needs("gcc")
    def test_gcc_without_optimisation(self):
        self.assert_same_plans(self.build_and_test("--buildtype=plain", "-Doptimization=0", compiler="gcc") /
                               "src/cli/mbsopt")

    @needs("clang")
    def test_clang_with_lto(self):
        self.assert_same_plans(self.build_and_test("--buildtype=release", "-Db_lto=true", compiler="clang") /
                               "src/cli/mbsopt")

    @needs("musl-gcc")
    def test_musl_compiles(self):
        (self.folder / "cjson").mkdir()
        shutil.copy("/usr/include/glpk.h", self.folder)
        shutil.copy("/usr/include/cjson/cJSON.h", self.folder / "cjson")
        for source in (ROOT / "src").rglob("*.c"):
            run("musl-gcc", "-std=c17", *STRICT, "-D_POSIX_C_SOURCE=200809L", "-D_XOPEN_SOURCE=700",
                *(f'-DMBSOPT_{name}="/nonexistent"' for name in ("SOURCE", "SHARE", "SHARE_FROM_PROGRAM")),
                f"-I{ROOT}/include", f"-I{ROOT}/src", f"-I{ROOT}/src/cli", f"-I{self.folder}", "-fsyntax-only", source)

    @needs("s390x-linux-gnu-gcc", "qemu-s390x", "mmdebstrap", "arch-test")
    def test_big_endian(self):
        root = self.debian("s390x", "extract", LIBRARIES)
        cross = self.folder / "s390x.ini"
        cross.write_text(CROSS.format(root=root))
        build = self.build_and_test("--buildtype=release", "--cross-file", cross)
        self.assert_same_plans("qemu-s390x", "-L", root, "-E", f"LD_LIBRARY_PATH={build}", build / "src/cli/mbsopt")

    @needs("mmdebstrap", "arch-test", "unshare", "chroot")
    def test_32_bits(self):
        root = self.debian("i386", "apt", LIBRARIES + ",gcc,meson,pkg-config,python3")
        shutil.copytree(ROOT, root / "source", ignore=lambda folder, names: [
            name for name in names if folder == str(ROOT) and (name.startswith("build") or name in (".git", "dist"))])
        script = ("mount --rbind /proc proc && mount --rbind /dev dev && exec chroot . sh -c 'cd /source && "
                  "meson setup b --buildtype=release && ninja -C b && "
                  f"CK_TIMEOUT_MULTIPLIER={PATIENCE} meson test -C b --no-rebuild --print-errorlogs -t {PATIENCE} "
                  f"{' '.join(TESTS)} test_cli && "
                  + " && ".join(f"b/src/cli/mbsopt plan {' '.join(words)} -o /plan-{index}.json"
                                for index, words in enumerate(PLANS)) + "'")
        run("unshare", "--mount", "sh", "-c", script, cwd=root,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"})
        here = os.environ.get("MBSOPT")
        if here is not None:
            self.assertEqual([(root / f"plan-{index}.json").read_text() for index in range(len(PLANS))],
                             self.plans(here))


if __name__ == "__main__":
    unittest.main()
