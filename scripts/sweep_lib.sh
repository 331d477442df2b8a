# shellcheck shell=bash
# Shared by sweep.sbatch and sweep_parallel.sh. To be sourced.

# Prints where the program is: installed with these scripts, whose folder is $1, or built by run.sh beside them, which
# builds it once, before many want it.
find_program() {
    local home=$1
    if [ -x "$home/../../bin/mbsopt" ]; then
        (cd "$home/../../bin" && printf '%s/mbsopt' "$PWD")
    elif [ -f "$home/run.sh" ]; then
        "$home/run.sh" --version >/dev/null && printf '%s' "${home%/*}/build-run/src/cli/mbsopt"
    else
        command -v mbsopt
    fi
}
