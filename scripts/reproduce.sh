#!/bin/bash
# Sweeps the paper's six networks and draws every figure of docs/evaluation.md anew, into
# docs/figures or the folder given. Some ten minutes on two cores, most of them for what is best
# recomputed and for ilp, which stops at a time limit, so that its last digits may differ from machine
# to machine. MBSOPT, if set, is the program to use in place of the one that scripts/run.sh builds.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

networks=$root/models/networks
hardware=$root/models/hardware
figures=${1:-$root/docs/figures}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mbsopt() {
    "${MBSOPT:-$root/scripts/run.sh}" "$@" 2>>"$work/notes" || fail "$(cat "$work/notes")"
}

draw() {
    python3 "$root/scripts/plot.py" "${labels[@]}" "$@"
}

ensure_matplotlib() {
    python3 -c 'import matplotlib' 2>/dev/null && return
    /usr/bin/python3 -c 'import matplotlib' 2>/dev/null && return
    local by_hand="sudo apt-get update && sudo apt-get install -y python3-matplotlib"
    if [ "$(id -u)" != 0 ] && ! sudo -n true 2>/dev/null; then
        fail "the figures need matplotlib. Run this, then try again:" "  $by_hand"
    fi
    echo "installing python3-matplotlib" >&2
    { apt_quietly update && apt_quietly install --no-install-recommends python3-matplotlib; } ||
        fail "matplotlib could not be installed; to try by hand:" "  $by_hand"
}

# Sweeps all six networks at their mini-batch into $figures/$1.csv; the other arguments are the
# sweep's. Two sweeps count their points alike, so the index is left out.
sweep() {
    local name=$1
    shift
    echo "sweeping: $name" >&2
    mbsopt sweep "$networks/alexnet.json" --batch 64 "$@" -o "$work/alexnet.csv"
    mbsopt sweep "$networks"/{resnet{50,101,152},inception_v{3,4}}.json --batch 32 "$@" \
        -o "$work/others.csv"
    { cat "$work/alexnet.csv" && tail -n +2 "$work/others.csv"; } | cut -d, -f2- >"$work/all.csv"
    mv "$work/all.csv" "$figures/$name.csv"
}

# WaveCore with one constant changed. $1: name, $2: member, $3: value.
variant() {
    sed "s/\"name\": \"wavecore\"/\"name\": \"$1\"/; s/\"$2\": [0-9.]*/\"$2\": $3/" \
        "$hardware/wavecore.json" >"$work/$1.json"
    echo "$work/$1.json"
}

labels=(--label alexnet=AlexNet --label resnet50=ResNet-50 --label resnet101=ResNet-101
    --label resnet152=ResNet-152 --label inception_v3=Inception-v3 --label inception_v4=Inception-v4
    --label wavecore=HBM2 --label wavecore-hbm2x2=2×HBM2 --label wavecore-gddr5=GDDR5
    --label wavecore-lpddr4=LPDDR4)

ensure_matplotlib
mkdir -p "$figures"

sweep planners --time-limit 30 --planner baseline,archopt,il,mbs-fs,mbs1,mbs2,dp,ilp
sweep buffers --time-limit 4 --planner baseline,il,mbs2,dp,ilp --buffer 512KiB..64MiB:x2,10MiB
sweep memories --planner baseline,archopt,mbs2,dp \
    --hardware="$hardware"/wavecore{,-hbm2x2,-gddr5,-lpddr4}.json
recompute_sweep() {
    echo "sweeping: recompute, $1" >&2
    mbsopt sweep "$networks"/{resnet50,resnet152,inception_v4,densenet121}.json --recompute "${@:2}" \
        -o "$work/$1.csv"
}
for policy in none activations expand; do
    recompute_sweep "$policy" "$policy"
done
for percent in 0 2 5 10; do
    recompute_sweep "auto-$percent" auto --max-recompute "$percent"
done
merge() {
    local name=$1
    shift
    { head -n 1 "$1" && tail -q -n +2 "$@"; } | cut -d, -f2- >"$work/all.csv"
    mv "$work/all.csv" "$figures/$name.csv"
}
merge recompute "$work"/{none,activations,expand}.csv "$work"/auto-{0,2,5,10}.csv
sweep sensitivity --planner baseline,mbs2,dp --hardware "$hardware/wavecore.json" \
    --hardware "$(variant no-static static_w 0)" \
    --hardware "$(variant double-static static_w 28)" \
    --hardware "$(variant half-mac mac_pj 1)" \
    --hardware "$(variant norm-one-pass norm_passes 1)" \
    --hardware "$(variant half-accumulators accumulator_bits 16)" \
    --hardware "$(variant half-vector vector_elements_per_cycle 128)" \
    --hardware "$(variant double-vector vector_elements_per_cycle 512)"

echo "drawing" >&2
draw traffic "$figures/planners.csv" -o "$figures/traffic" --where planner=baseline,il,mbs-fs,mbs1,mbs2,dp,ilp
for kind in time energy utilisation; do
    draw "$kind" "$figures/planners.csv" -o "$figures/$kind"
done
draw buffers "$figures/buffers.csv" -o "$figures/buffers"
draw memories "$figures/memories.csv" -o "$figures/memories"
draw recompute "$figures/recompute.csv" -o "$figures/recompute" --label densenet121=DenseNet-121
for plan in resnet50-mbs2-32 resnet50-dp-32 alexnet-dp-64; do
    IFS=- read -r network planner batch <<<"$plan"
    mbsopt plan "$networks/$network.json" --planner "$planner" --batch "$batch" --format json \
        -o "$work/plan.json"
    draw plan "$work/plan.json" -o "$figures/plan-$network-$planner"
done

{
    printf '# What planners save against baseline\n\n'
    printf 'Written by scripts/reproduce.sh. Per training step and core, 10 MiB of buffer.\n\n'
    draw table "$figures/planners.csv"
    printf '\n## With one constant of the machine changed\n\n'
    draw means "$figures/sensitivity.csv" --label wavecore=default
    printf '\n## The same without AlexNet\n\n'
    draw means "$figures/sensitivity.csv" --label wavecore=default \
        --where network=resnet50,resnet101,resnet152,inception_v3,inception_v4
} >"$work/tables.md"
mv "$work/tables.md" "$figures/tables.md"
echo "figures and tables are in $figures" >&2
