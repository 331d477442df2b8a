#!/bin/bash
# Builds and tests mbsopt twice: as released, and under the address and undefined-behaviour
# sanitizers; with --all also all of torchvision against PyTorch. The last line is
# "N passed, N failed"; the exit status is 0 if none failed.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

passed=0
failed=0

# Counts a command as one test. $1: what it is called.
check() {
    local name=$1
    shift
    if "$@" </dev/null; then
        echo "ok: $name"
        passed=$((passed + 1))
    else
        echo "FAILED: $name"
        failed=$((failed + 1))
    fi
}

# Adds the counts of a `meson test` summary, read from file $1; none at all is a failure.
add_summary() {
    local counts
    counts=$(awk -F: '
        /^Ok: |^Expected Fail: / { good += $2; seen = 1 }
        /^Fail: |^Unexpected Pass: |^Timeout: / { bad += $2; seen = 1 }
        END { print good + 0, seen ? bad + 0 : 1 }' "$1")
    passed=$((passed + ${counts% *}))
    failed=$((failed + ${counts#* }))
}

# Builds in folder $1 with the meson options that follow, and runs all tests there.
build_and_test() {
    local folder=$root/$1
    shift
    echo "== ${folder##*/}: meson setup $*"
    if ! build "$folder" -Dtests=true "$@"; then
        echo "FAILED: the build in $folder"
        failed=$((failed + 1))
        return
    fi
    local status=0
    meson test -C "$folder" --no-rebuild --print-errorlogs --no-suite sweep </dev/null 2>&1 |
        tee "$folder/test.log" || status=$?
    local before=$failed
    add_summary "$folder/test.log"
    if [ "$status" != 0 ] && [ "$failed" = "$before" ]; then
        failed=$((failed + 1))
    fi
}

format_is_kept() {
    find "$root/include" "$root/src" "$root/tests" -name '*.[ch]' -print0 |
        xargs -0 clang-format --dry-run -Werror
}

case "${1:-}" in
"") all=0 ;;
--all) all=1 ;;
*) fail "usage: scripts/test.sh [--all]" "  --all: also all of torchvision against PyTorch (an hour or more)" ;;
esac
ensure_packages tests
if [ "$all" = 1 ]; then
    offer_python --torch
else
    offer_python
fi
# sanitizers: report all, stop at the first, and with a status that mbsopt itself never gives
export ASAN_OPTIONS=exitcode=99:detect_leaks=1:strict_string_checks=1:allocator_may_return_null=1
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1:exitcode=99

check "include order" python3 "$root/scripts/check_includes.py"
if command -v clang-format >/dev/null; then
    check "format" format_is_kept
fi
build_and_test build --buildtype=release
build_and_test build-asan --buildtype=debugoptimized -Db_sanitize=address,undefined -Db_lundef=false
if [ "$all" = 1 ]; then
    check "torchvision" env "MBSOPT=$root/build/src/cli/mbsopt" \
        /usr/bin/python3 "$root/tests/sweep/torchvision_sweep.py"
fi

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
