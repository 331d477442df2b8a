#!/bin/bash
# Builds Debian packages of what is committed here, and looks at them with lintian.
#   packaging/build_deb.sh [FOLDER]
# FOLDER: where they go (default: dist). Needs Debian's debhelper, dh-python, lintian, and what a build needs:
# apt-get install debhelper dh-python lintian meson pkgconf libcjson-dev libglpk-dev check
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
mkdir -p "${1:-$root/dist}"
out=$(cd "${1:-$root/dist}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir "$work/mbsopt"
git -C "$root" archive HEAD | tar -x -C "$work/mbsopt"
cp -r "$work/mbsopt/packaging/debian" "$work/mbsopt/debian"
cd "$work/mbsopt"
{
    echo 'libmbsopt.so.0 libmbsopt0 #MINVER#'
    sed 's/.*/ &@Base 0.1.0/' tests/embedding/symbols.txt
} >debian/libmbsopt0.symbols
dpkg-buildpackage --build=binary --no-sign
lintian --fail-on=error,warning "$work"/*.changes
mv "$work"/*.deb "$out"
ls "$out"/*.deb
