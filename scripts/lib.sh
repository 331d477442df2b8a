# shellcheck shell=bash disable=SC2034
# Shared by run.sh and test.sh: finding what a build needs, and building. To be sourced.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export LC_ALL=C.UTF-8

# What the script says on its way out when it cannot go on; run.sh sets its own status.
failure_status=1
fail() {
    printf '%s\n' "$@" >&2
    exit "$failure_status"
}

have_header() {
    printf '#include <stdio.h>\n#include <%s>\n' "$1" | gcc -E -o /dev/null - 2>/dev/null
}

# Prints the Debian packages that are missing. $1: "tests" to ask for those of the tests too.
missing_packages() {
    command -v gcc >/dev/null || echo gcc
    command -v meson >/dev/null || echo meson
    command -v ninja >/dev/null || echo ninja-build
    command -v pkg-config >/dev/null || echo pkg-config
    have_header stdlib.h || echo libc6-dev
    have_header cjson/cJSON.h || echo libcjson-dev
    have_header glpk.h || echo libglpk-dev
    if [ "$1" = tests ]; then
        have_header check.h || echo check
        command -v python3 >/dev/null || echo python3
    fi
}

# How long to wait for another program that installs packages, in seconds.
apt_patience=600

# Whether apt-get's talk in file $1 says that another program holds a lock.
lock_is_held() {
    grep -qE "^E: Could not get lock .*(held by|temporarily)|by another process" "$1"
}

# Runs apt-get as root, asking nothing, its talk in file $1; waits for a lock that another program holds.
run_apt() {
    local log=$1 as_root=() end=$((SECONDS + apt_patience)) told=no
    shift
    [ "$(id -u)" = 0 ] || as_root=(sudo -n)
    until "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get -q -y "$@" \
        </dev/null >"$log" 2>&1; do
        lock_is_held "$log" && [ $SECONDS -lt $end ] || return 1
        [ $told = yes ] || echo "waiting for another program that installs packages:" \
            "$(grep -m 1 '^E: ' "$log" | cut -c 4-)" >&2
        told=yes
        sleep 2
    done
}

# The same with its talk on standard error, but only if it fails,
apt_quietly() {
    local log status=0
    log=$(mktemp)
    run_apt "$log" "$@" || status=1
    [ $status = 0 ] || cat "$log" >&2
    rm -f "$log"
    return $status
}

# or nowhere.
apt_silently() {
    local log status=0
    log=$(mktemp)
    run_apt "$log" "$@" || status=1
    rm -f "$log"
    return $status
}

can_install() {
    command -v apt-get >/dev/null && { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }
}

# Installs $2 … where that can be done; where it cannot, $1 is what follows. None given: nothing to do.
install_or_say() {
    local without=$1
    shift
    [ $# -gt 0 ] && can_install || return 0
    echo "installing $*" >&2
    apt_silently install --no-install-recommends "$@" ||
        { apt_quietly update && apt_quietly install --no-install-recommends "$@"; } ||
        echo "without $*, $without" >&2
}

# Other solvers for tests to compare with: where they cannot be had, those tests are skipped.
offer_solvers() {
    local packages=()
    command -v cbc >/dev/null || packages+=(coinor-cbc)
    command -v glpsol >/dev/null || packages+=(glpk-utils)
    install_or_say "the tests that compare with them are skipped" "${packages[@]}"
}

# Python's libraries for importing models, and with "--torch" PyTorch, which is large. Likewise: where
# they cannot be had, what needs them is skipped.
offer_python() {
    local packages=() python=/usr/bin/python3
    [ -x "$python" ] || return 0
    "$python" -c 'import onnx' 2>/dev/null || packages+=(python3-onnx)
    if [ "${1:-}" = --torch ]; then
        "$python" -c 'import torch, torchvision' 2>/dev/null || packages+=(python3-torch python3-torchvision)
        # its products take many times as long by the BLAS that Debian installs if none is asked for
        [ -n "$(find /usr/lib/*/openblas-* -name 'libblas.so.3' 2>/dev/null)" ] || packages+=(libopenblas0-pthread)
    fi
    install_or_say "the tests of importing models are skipped" "${packages[@]}"
}

# What checks the code itself: without it those checks are skipped, and test.sh says so.
offer_checkers() {
    local packages=()
    command -v clang-format >/dev/null || packages+=(clang-format)
    command -v cppcheck >/dev/null || packages+=(cppcheck)
    command -v doxygen >/dev/null || packages+=(doxygen)
    command -v fish >/dev/null || packages+=(fish)
    command -v zsh >/dev/null || packages+=(zsh)
    command -v groff >/dev/null || packages+=(groff-base)
    command -v g++ >/dev/null || packages+=(g++)
    [ -d /usr/lib/python3/dist-packages/jsonschema ] || packages+=(python3-jsonschema)
    command -v clang >/dev/null || packages+=(clang)
    [ -n "$(find /usr/lib -name 'libclang_rt.fuzzer-*.a' -print -quit 2>/dev/null)" ] ||
        packages+=(libclang-rt-14-dev)
    command -v clang-tidy >/dev/null || packages+=(clang-tidy)
    command -v gcovr >/dev/null || packages+=(gcovr)
    command -v valgrind >/dev/null || packages+=(valgrind)
    install_or_say "some checks are skipped" "${packages[@]}"
}

# What scripts/test.sh --all makes packages, a cluster and builds for other machines with. Likewise.
offer_packagers() {
    local packages=()
    command -v dh >/dev/null || packages+=(debhelper)
    command -v dh_python3 >/dev/null || packages+=(dh-python)
    command -v lintian >/dev/null || packages+=(lintian)
    command -v mmdebstrap >/dev/null || packages+=(mmdebstrap)
    [ -d /usr/lib/python3/dist-packages/build ] || packages+=(python3-build)
    [ -d /usr/lib/python3/dist-packages/hatchling ] || packages+=(python3-hatchling)
    [ -d /usr/lib/python3.11/ensurepip ] || packages+=(python3-venv)
    if [ "$(id -u)" = 0 ]; then
        command -v munged >/dev/null || packages+=(munge)
        command -v slurmctld >/dev/null || packages+=(slurmctld)
        command -v slurmd >/dev/null || packages+=(slurmd)
        command -v sbatch >/dev/null || packages+=(slurm-client)
    fi
    command -v musl-gcc >/dev/null || packages+=(musl-tools)
    command -v s390x-linux-gnu-gcc >/dev/null || packages+=(gcc-s390x-linux-gnu)
    command -v qemu-s390x >/dev/null || packages+=(qemu-user)
    command -v arch-test >/dev/null || packages+=(arch-test)
    command -v cargo >/dev/null || packages+=(cargo)
    command -v cmake >/dev/null || packages+=(cmake)
    command -v mypy >/dev/null || packages+=(mypy)
    install_or_say "the tests of packages, clusters and other machines are skipped" "${packages[@]}"
}

# What builds again what was built before. Likewise: without it all is compiled once more.
offer_cache() {
    local packages=()
    command -v ccache >/dev/null || packages+=(ccache)
    install_or_say "the release archive takes two minutes to build" "${packages[@]}"
}

# A browser for the page of `mbsopt report`.
offer_browser() {
    local packages=()
    command -v chromium >/dev/null || command -v google-chrome >/dev/null || packages+=(chromium)
    install_or_say "the page of mbsopt report is not looked at in a browser" "${packages[@]}"
}

# Installs what is missing, or says how to. $1 as above.
install_missing() {
    local packages
    mapfile -t packages < <(missing_packages "$1")
    [ ${#packages[@]} -gt 0 ] || return 0
    local by_hand="sudo apt-get update && sudo apt-get install -y ${packages[*]}"
    if ! command -v apt-get >/dev/null; then
        fail "mbsopt needs these Debian packages, or what this system calls them: ${packages[*]}"
    fi
    if ! can_install; then
        fail "mbsopt needs packages that are not installed. Run this, then try again:" \
            "  $by_hand"
    fi
    echo "installing ${packages[*]}" >&2
    apt_quietly update || fail "apt-get update failed"
    apt_quietly install --no-install-recommends "${packages[@]}" ||
        fail "the packages could not be installed; to try by hand:" "  $by_hand"
}

# Gets what a build, and with $1 "tests" the tests, need.
ensure_packages() {
    install_missing "$1"
    [ "$1" != tests ] || offer_solvers
}

# Builds the checkout in folder $1 with the given meson options. What it prints goes to the folder's
# build.log, and to standard error if it fails.
build() {
    local folder=$1
    shift
    mkdir -p "$folder" || return 1
    # two runs at once must not build in one folder
    exec 9>"$folder/build.lock"
    flock 9 || return 1
    if ! build_locked "$folder" "$@" </dev/null >"$folder/build.log" 2>&1; then
        cat "$folder/build.log" >&2
        exec 9>&-
        return 1
    fi
    exec 9>&-
}

build_locked() {
    local folder=$1
    shift
    # set up anew where the options or the checkout's place are not those of the last time
    local wanted="$root $*"
    if [ ! -f "$folder/build.ninja" ] || [ "$(cat "$folder/configured" 2>/dev/null)" != "$wanted" ]; then
        find "$folder" -mindepth 1 -maxdepth 1 ! -name 'build.l*' -exec rm -rf {} + || return 1
        meson setup "$folder" "$root" "$@" || return 1
        printf '%s' "$wanted" >"$folder/configured" || return 1
    fi
    ninja -C "$folder"
}
