#!/bin/bash
# Checks, builds and tests mbsopt: as released, under the address and undefined-behaviour sanitizers, eight
# threads under the thread sanitizer, the unit tests under valgrind, a minute of fuzzing of each target, and the
# release archive. With --all also what takes long: the lines that run counted, every allocation failing, all of
# torchvision against PyTorch (20 minutes), Debian packages and a wheel, built and installed, a sweep in a Slurm
# cluster of one node, and builds for other compilers and machines.
# The last line is "N passed, N failed"; the exit status is 0 if none failed.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

passed=0
failed=0

# Counts a command as one test. $1: what it is called.
check() {
    local name=$1 start=$SECONDS
    shift
    if "$@" </dev/null; then
        echo "ok: $name ($((SECONDS - start)) s)"
        passed=$((passed + 1))
    else
        echo "FAILED: $name ($((SECONDS - start)) s)"
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

# Builds in folder $1 with the meson options that follow, and runs the tests there, but for the suites that
# $left_out names.
build_and_test() {
    local folder=$root/$1
    shift
    echo "== ${folder##*/}: meson setup $*"
    local start=$SECONDS
    if ! build "$folder" -Dtests=true "$@"; then
        echo "FAILED: the build in $folder"
        failed=$((failed + 1))
        return
    fi
    local status=0
    meson test -C "$folder" --no-rebuild --print-errorlogs "${left_out[@]/#/--no-suite=}" </dev/null 2>&1 |
        tee "$folder/test.log" || status=$?
    local before=$failed
    add_summary "$folder/test.log"
    if [ "$status" != 0 ] && [ "$failed" = "$before" ]; then
        failed=$((failed + 1))
    fi
    echo "${folder##*/}: $((SECONDS - start)) s"
}

# As check, where the program $1 is installed; else it is skipped, and counts as nothing.
check_with() {
    local program=$1
    shift
    if command -v "$program" >/dev/null; then
        check "$@"
    else
        echo "skipped: $1 ($program is not installed)"
    fi
}

format_is_kept() {
    find "$root/include" "$root/src" "$root/tests" -name '*.[ch]' -print0 |
        xargs -0 clang-format --dry-run -Werror
}

# compare_write.c: rows of means have no units, and do not use them.
cppcheck_finds_nothing() {
    (cd "$root" && cppcheck --enable=warning,performance,portability --inline-suppr --quiet \
        --error-exitcode=1 --std=c11 -j2 -Iinclude -Isrc -U__clang_analyzer__ \
        --suppress=nullPointer:src/cli/compare/write.c src)
}

# A file at a time: of a second one it believes that its va_lists are not initialised.
clang_tidy_finds_nothing() {
    find "$root/src" -name '*.c' -print0 |
        xargs -0 -P2 -n1 clang-tidy --quiet -p "$root/build-fuzz" 2>/dev/null
}

# Eight threads under the thread sanitizer.
threads_do_not_race() {
    mkdir -p "$root/build-tsan" &&
        { [ -f "$root/build-tsan/build.ninja" ] ||
            meson setup "$root/build-tsan" "$root" --buildtype=debugoptimized \
                -Db_sanitize=thread -Db_lundef=false; } >/dev/null &&
        ninja -C "$root/build-tsan" tests/test_threads >"$root/build-tsan/build.log" 2>&1 &&
        MBS_SOURCE_DIR=$root TSAN_OPTIONS=exitcode=99 "$root/build-tsan/tests/test_threads"
}

# The unit tests that are quick under it, each in one process, two at a time.
valgrind_finds_nothing() {
    # shellcheck disable=SC2016
    printf '%s\n' base growth json network shapes builder builder_calls program steps hardware remat remat_views \
        traffic footprint solver verify verify_damaged report grid plan_file plan_file_faults |
        MBS_SOURCE_DIR=$root CK_FORK=no CK_DEFAULT_TIMEOUT=0 xargs -P2 -I '{}' bash -c '
            valgrind --quiet --leak-check=full --error-exitcode=99 \
                --errors-for-leak-kinds=definite "$1/build/tests/test_{}" >"$1/build/valgrind-{}.log" 2>&1 ||
                { echo "valgrind: test_{}"; tail -n 40 "$1/build/valgrind-{}.log"; exit 1; }' - "$root"
}

every_allocation_may_fail() {
    (cd "$root/build" && MBS_SOURCE_DIR=$root tests/test_allocation --every)
}

# Lines of src that no test runs are listed in build-coverage/lines.txt; docs/design.md says why. Threads
# that count at once may lose counts, and a few returns of calls then seem negative, which gcovr would not read.
coverage_is_kept() {
    gcovr --root "$root" --filter "$root/src/" --exclude-unreachable-branches --fail-under-line 92 \
        --gcov-ignore-parse-errors --print-summary -o "$root/build-coverage/lines.txt" "$root/build-coverage"
}

# Each target for $fuzz_seconds, two at a time.
fuzzing_finds_nothing() {
    CC=clang build "$root/build-fuzz" -Dtests=true -Dfuzz=true --buildtype=debugoptimized \
        -Db_sanitize=address,undefined -Db_lundef=false || return 1
    # shellcheck disable=SC2016
    printf '%s\n' network builder hardware plan verify solution | xargs -P2 -I '{}' bash -c '
        seeds={}; [ {} = verify ] && seeds=plan; [ {} = builder ] && seeds=network
        mkdir -p "$1/build-fuzz/found/{}" && cd "$1/build-fuzz/found" &&
            ../tests/fuzz/fuzz_{} -max_total_time="$2" -timeout=20 -rss_limit_mb=2500 \
                -max_len=20000 -artifact_prefix="failed-{}-" "{}" \
                "$1/tests/fuzz/corpus/$seeds" "$1/tests/bad" >{}.log 2>&1 ||
            { tail -n 40 {}.log; exit 1; }' - "$root" "${fuzz_seconds:-60}"
}

archive_passes_its_tests() {
    (cd "$root" && git diff --quiet HEAD) || echo "note: the archive holds what is committed"
    meson dist -C "$root/build" --no-tests --include-subprojects >/dev/null || return 1
    local folder status=0
    folder=$(mktemp -d)
    tar -xf "$(ls -t "$root"/build/meson-dist/*.tar.xz | head -n 1)" -C "$folder" --strip-components=1 &&
        meson setup "$folder/build" "$folder" >/dev/null && ninja -C "$folder/build" >/dev/null &&
        meson test -C "$folder/build" --no-rebuild test_network test_golden test_cli test_readme test_install \
            test_python embed >/dev/null || status=1
    rm -rf "$folder"
    return "$status"
}

case "${1:-}" in
"") all=no ;;
--all) all=yes ;;
*) fail "usage: scripts/test.sh [--all]" ;;
esac
ensure_packages tests
offer_python "$([ $all = no ] || echo --torch)"
offer_checkers
offer_cache
offer_browser
# sanitizers: report all, stop at the first, and with a status that mbsopt itself never gives
export ASAN_OPTIONS=exitcode=99:detect_leaks=1:strict_string_checks=1:allocator_may_return_null=1
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1:exitcode=99

check "include order" python3 "$root/scripts/check_includes.py"
check_with clang-format "format" format_is_kept
check_with cppcheck "cppcheck" cppcheck_finds_nothing
check_with doxygen "docs/api.md" python3 "$root/scripts/make_api.py" --check
left_out=(sweep)
build_and_test build --buildtype=release
left_out=(sweep released) # their work is not done by what is built here
build_and_test build-asan --buildtype=debugoptimized -Db_sanitize=address,undefined -Db_lundef=false
check "threads" threads_do_not_race
check_with valgrind "valgrind" valgrind_finds_nothing
check_with clang "fuzzing" fuzzing_finds_nothing
check_with clang-tidy "clang-tidy" clang_tidy_finds_nothing
check "archive" archive_passes_its_tests
if [ $all = yes ]; then
    offer_packagers
    # counting atomically, as -pthread has it, takes five times as long; and counted code makes gcc 12 warn falsely
    if command -v gcovr >/dev/null; then
        find "$root/build-coverage" -name '*.gcda' -delete 2>/dev/null || true # lines of an earlier run
        build_and_test build-coverage --buildtype=debugoptimized -Db_coverage=true \
            -Dc_args=-fprofile-update=single -Dwerror=false
    fi
    check_with gcovr "coverage" coverage_is_kept
    check "slurm" env "MBSOPT=$root/build/src/cli/mbsopt" python3 "$root/tests/slurm/test_slurm.py"
    check "other compilers and machines" env "MBSOPT=$root/build/src/cli/mbsopt" \
        python3 "$root/tests/packaging/test_targets.py"
    check "packages" python3 "$root/tests/packaging/test_packages.py"
    check "every allocation" every_allocation_may_fail
    check "torchvision" env "MBSOPT=$root/build/src/cli/mbsopt" \
        /usr/bin/python3 "$root/tests/sweep/torchvision_sweep.py"
fi

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
