#!/bin/bash
# Builds the sdist and, from it, the wheel of the Python module, with the library inside, without a network.
#   packaging/build_wheel.sh [FOLDER]
# FOLDER: where they go (default: dist). Needs Debian's python3-build, python3-hatchling, meson, libcjson-dev and
# libglpk-dev; what is installed needs libcjson1 and libglpk40. `pip install dist/*.whl` installs it.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
out=${1:-$root/dist}
# --skip-dependency-check: Debian's hatchling does without the module editables, which its metadata names
/usr/bin/python3 -m build --no-isolation --skip-dependency-check --outdir "$out" "$root"
chmod a+r "$out"/mbsopt-*
