#!/bin/bash
# A sweep in shards on this machine, or on those that PARALLEL_OPTIONS names, by GNU parallel.
#   scripts/sweep_parallel.sh SHARDS OUT NET… [OPTION…]
# runs `mbsopt sweep` on each of SHARDS shards, one thread each, and merges them into OUT, which must not
# be there yet (or --force among the options). A run that was interrupted, with which its sweeps end too,
# goes on where it stopped when the same command is given again. Without GNU parallel xargs does it, on
# this machine only.
# MBSOPT: the program (default: the one installed with this script, or built by run.sh beside it). JOBS: shards at a time (default: the cores).
# PARALLEL_OPTIONS: more options of parallel, such as "--sshloginfile hosts --workdir .".
set -euo pipefail
home=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/sweep_lib.sh
. "$home/sweep_lib.sh"

usage() {
    echo "usage: $0 SHARDS OUT NET… [OPTION of mbsopt sweep…]" >&2
    exit 2
}

[ $# -ge 3 ] || usage
shards=$1
out=$2
shift 2
[[ $shards =~ ^[1-9][0-9]{0,5}$ ]] || usage

if [ -z "${MBSOPT:-}" ]; then
    MBSOPT=$(find_program "$home")
fi
jobs=${JOBS:-$(getconf _NPROCESSORS_ONLN)}

forced=no
for word in "$@"; do
    [ "$word" != --force ] || forced=yes
done
if [ -s "$out" ] && [ $forced = no ]; then
    echo "$0: $out is there already (--force replaces it)" >&2
    exit 1
fi

# Ends the sweeps as this script is ended, by signal $1, and waits until they are.
end_all() {
    local group
    trap '' INT TERM HUP
    for group in $(jobs -p); do
        kill -TERM -- "-$group" 2>/dev/null || true
        # GNU parallel, whose sweeps are no part of its group, only ends them when it is told twice
        sleep 0.1
        kill -TERM "$!" 2>/dev/null || true
        while kill -0 -- "-$group" 2>/dev/null; do
            sleep 0.05
        done
    done
    echo "interrupted; the same command goes on" >&2
    trap - "$1"
    kill -s "$1" $$
}
for signal in INT TERM HUP; do
    # shellcheck disable=SC2064 # the signal is that of now
    trap "end_all $signal" "$signal"
done

# One shard's command; {} stands for its number.
command=("$MBSOPT" sweep --threads 1 --shard "{}/$shards" --resume "$out.shard-{}" "$@")
set -m # a group of their own for what is started, so that it can be ended
if command -v parallel >/dev/null && parallel --version 2>/dev/null | grep -q "GNU parallel"; then
    read -ra more <<<"${PARALLEL_OPTIONS:-}"
    seq 0 $((shards - 1)) |
        parallel --quote --jobs "$jobs" --halt now,fail=1 --termseq TERM,2000,TERM,500,KILL,25 \
            "${more[@]}" "${command[@]}" &
else
    echo "note: GNU parallel is not installed; xargs runs the shards on this machine" >&2
    seq 0 $((shards - 1)) | xargs -P "$jobs" -I '{}' "${command[@]}" &
fi
set +m
wait "$!"
trap - INT TERM HUP

files=()
for ((shard = 0; shard < shards; shard++)); do
    files+=("$out.shard-$shard")
done
python3 "$home/sweep_merge.py" -o "$out" "${files[@]}"
rm -f "${files[@]}"
