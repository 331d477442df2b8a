"""What hatchling does on the way to a wheel: it builds the library, and puts it, models and importer beside the module."""

import os
import subprocess
import sysconfig
import tempfile

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SONAME = "libmbsopt.so.0"


class LibraryInside(BuildHookInterface):
    """The wheel is of one platform, but of any Python: the library is called by way of ctypes."""

    PLUGIN_NAME = "custom"

    def initialize(self, version, build_data):
        self.holder = tempfile.TemporaryDirectory(prefix="mbsopt-wheel-")
        folder = self.holder.name
        for command in (["meson", "setup", folder, self.root, "--buildtype=release", "-Dtests=false"],
                        ["meson", "compile", "-C", folder]):
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode != 0:
                raise RuntimeError(" ".join(command) + "\n" + done.stdout + done.stderr)
        inside = build_data["force_include"]
        inside[os.path.join(folder, SONAME)] = f"mbsopt/{SONAME}"
        for kind in ("networks", "hardware"):
            inside[os.path.join(self.root, "models", kind)] = f"mbsopt/share/{kind}"
        for name in ("import_onnx.py", "onnx_network"):
            inside[os.path.join(self.root, "scripts", name)] = f"mbsopt/share/{name}"
        build_data["pure_python"] = False
        build_data["tag"] = "py3-none-" + sysconfig.get_platform().replace("-", "_").replace(".", "_")

    def finalize(self, version, build_data, artifact_path):
        self.holder.cleanup()
