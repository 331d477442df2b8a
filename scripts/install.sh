#!/bin/bash
# Builds mbsopt if need be, installing what that takes on Debian, and installs it.
#   scripts/install.sh [PREFIX]
# PREFIX: default /usr/local as root, else ~/.local. What is installed may be moved as a whole.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

case "${1:-}" in
-*) fail "usage: $0 [PREFIX]" ;;
"") if [ "$(id -u)" = 0 ]; then prefix=/usr/local; else prefix=$HOME/.local; fi ;;
*) prefix=$(realpath -m -- "$1") ;;
esac

# Where the system's Python looks for modules in the prefix, or would if it looked there.
python_folder() {
    /usr/bin/python3 - "$prefix" <<'CODE' 2>/dev/null || echo "$prefix/lib/python3/dist-packages"
import os, site, sys, sysconfig
prefix = sys.argv[1]
for folder in [site.getusersitepackages(), *site.getsitepackages(), sysconfig.get_path("purelib")]:
    if os.path.commonpath([folder, prefix]) == prefix and "/python" in folder[len(prefix):]:
        print(folder)
        break
else:
    sys.exit(1)
CODE
}

ensure_packages run
build "$root/build-install" --buildtype=release -Dtests=false "--prefix=$prefix" \
    "-Dpython.purelibdir=$(python_folder)" || fail "mbsopt could not be built"
meson install -C "$root/build-install" --no-rebuild >"$root/build-install/install.log" ||
    fail "mbsopt could not be installed in $prefix"
# a library in /usr/local is found by other programs once the system has been told
[ "$(id -u)" != 0 ] || ldconfig 2>/dev/null || true
echo "installed $("$prefix/bin/mbsopt" --version) in $prefix"
[[ ":$PATH:" == *":$prefix/bin:"* ]] || echo "to find it: export PATH=\"$prefix/bin:\$PATH\""
python3 -c 'import mbsopt' 2>/dev/null ||
    echo "for Python: export PYTHONPATH=\"$(python_folder)\${PYTHONPATH:+:\$PYTHONPATH}\""
