"""Debian packages, sdist and wheel, built from what is committed and installed without a network: for scripts/test.sh --all.

A fresh Debian is made with mmdebstrap where that, its mirror and mount namespaces can be had; what is missing skips a test
with a word.
"""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from tools import debian_mirror, needs, run

ROOT = pathlib.Path(__file__).resolve().parents[2]
PYTHON = "/usr/bin/python3"
PLAIN = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/nonexistent", "LC_ALL": "C.UTF-8"}


class Folder(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # pylint: disable=consider-using-with
        cls.holder = tempfile.TemporaryDirectory(prefix="mbsopt-packages-")
        cls.folder = pathlib.Path(cls.holder.name)

    @classmethod
    def tearDownClass(cls):
        cls.holder.cleanup()


@needs("dpkg-buildpackage", "dh", "dh_python3", "lintian")
class Debian(Folder):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # fails on what lintian finds
        run(ROOT / "packaging/build_deb.sh", cls.folder / "debs", env={**os.environ, "DEB_BUILD_OPTIONS": "parallel=2"})
        cls.debs = sorted(path for path in (cls.folder / "debs").glob("*.deb") if "dbgsym" not in path.name)

    def test_unpacked(self):
        root = self.folder / "root"
        self.assertEqual([path.name.split("_")[0] for path in self.debs],
                         ["libmbsopt-dev", "libmbsopt0", "mbsopt", "python3-mbsopt"])
        for deb in self.debs:
            run("dpkg", "-x", deb, root)
        library = next(root.rglob("libmbsopt.so.0"))
        env = {**PLAIN, "LD_LIBRARY_PATH": str(library.parent)}
        self.assertIn("resnet50 · ", run(root / "usr/bin/mbsopt", "plan", "resnet50", env=env))
        module = "import mbsopt; print(mbsopt.plan('alexnet').traffic.total)"
        env = {**PLAIN, "PYTHONPATH": str(root / "usr/lib/python3/dist-packages")}
        self.assertGreater(int(run(PYTHON, "-c", module, env=env)), 0)
        self.assertNotIn("PATH)", run("readelf", "-d", root / "usr/bin/mbsopt"))

    @needs("mmdebstrap", "unshare", "chroot")
    def test_on_a_fresh_debian(self):
        fresh = self.folder / "fresh"
        made = subprocess.run(["mmdebstrap", "--quiet", "--variant=apt", "bookworm", fresh, debian_mirror() or ""],
                              capture_output=True, text=True, check=False)
        if made.returncode != 0:
            self.skipTest("mmdebstrap: " + made.stderr[-200:])
        for deb in self.debs:
            shutil.copy(deb, fresh)
        shutil.copytree("/etc/apt/apt.conf.d", fresh / "etc/apt/apt.conf.d", dirs_exist_ok=True)
        names = " ".join(f"./{deb.name}" for deb in self.debs if not deb.name.startswith("libmbsopt-dev"))
        script = (f"cd / && apt-get -q update && apt-get -q -y --no-install-recommends install {names} && "
                  "mbsopt plan resnet50 && python3 -c 'import mbsopt; print(\"module\", mbsopt.version())'")
        out = run("unshare", "--mount", "chroot", fresh, "sh", "-c", script,
                  env={**PLAIN, "DEBIAN_FRONTEND": "noninteractive"})
        self.assertIn("resnet50 · ", out)
        self.assertIn("module ", out)


@unittest.skipIf(subprocess.run([PYTHON, "-c", "import build, hatchling, venv"], capture_output=True,
                                check=False).returncode, "python3-build or python3-hatchling is not installed")
class Wheel(Folder):
    def test_wheel(self):
        run(ROOT / "packaging/build_wheel.sh", self.folder / "dist")
        wheel, = (self.folder / "dist").glob("*.whl")
        self.assertTrue(wheel.name.startswith("mbsopt-") and "-py3-none-linux_" in wheel.name, wheel.name)
        run(PYTHON, "-m", "venv", self.folder / "venv")
        python = self.folder / "venv/bin/python"
        run(python, "-m", "pip", "install", "-q", "--no-index", wheel)
        code = ("import mbsopt, mbsopt._library as l; print(l.library()._name, l.shared('import_onnx.py')); "
                "print(mbsopt.plan('resnet50', hardware='lpddr4').traffic.total)")
        library, importer, total = run(python, "-c", code, env=PLAIN, cwd=self.folder).split()
        for path in (library, importer):
            self.assertTrue(path.startswith(str(self.folder / "venv")), path)
        run(PYTHON, importer, "--help")
        self.assertGreater(int(total), 0)


if __name__ == "__main__":
    unittest.main()
