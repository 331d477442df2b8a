#!/bin/bash
# Sweeps the paper's networks and draws every figure and table of docs/evaluation.md anew.
#   scripts/reproduce.sh [-o FOLDER] [PART…]
# FOLDER: default docs/figures. PART, any of planners ilp buffers strips strips-batch-norm
# strips-inference memories recompute recompute-memories sensitivity, or draw: sweeps these alone, takes the rows of the others as they
# lie in FOLDER, and draws. None given: all of them, 30 minutes of processor time, most of it for what is
# recomputed. Each part's rows are there as soon as it is done, so that an interrupted run need not begin anew.
# ilp stops at a time limit: its last digits may differ from machine to machine.
# MBSOPT, if set, is the program to use in place of the one that scripts/run.sh builds.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

all_parts=(planners ilp buffers strips strips-batch-norm strips-inference memories recompute
    recompute-memories sensitivity)
networks=$root/models/networks
hardware=$root/models/hardware
figures=$root/docs/figures
if [ "${1:-}" = -o ] && [ -n "${2:-}" ]; then
    figures=$2
    shift 2
fi
for part in "$@"; do
    [[ " ${all_parts[*]} draw " == *" $part "* ]] ||
        fail "$0: no part is called '$part'; there are: ${all_parts[*]} draw"
done
[ $# -gt 0 ] || set -- "${all_parts[@]}"
for part in "${all_parts[@]}"; do
    [[ " $* " == *" $part "* ]] || [ -f "$figures/$part.csv" ] ||
        fail "$0: $figures/$part.csv is missing, so $part has to be swept too"
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mbsopt() {
    "${MBSOPT:-$root/scripts/run.sh}" "$@" 2>>"$work/notes" || fail "$(cat "$work/notes")"
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

# ---- Sweeps -------------------------------------------------------------------------------------

# Puts rows aside for the part.
sweep() {
    mbsopt sweep "$@" -o "$work/rows-$((rows++)).csv"
}

# The six networks of the paper, each at its mini-batch.
sweep_six() {
    sweep "$networks/alexnet.json" --batch 64 "$@"
    sweep "$networks"/{resnet{50,101,152},inception_v{3,4}}.json "$@"
}

# The four whose recomputation is looked at.
sweep_four() {
    sweep "$networks"/{resnet50,resnet152,inception_v4,densenet121}.json "$@"
}

# WaveCore with one constant changed. $1: name, $2: member, $3: value, $4: the file it is made from.
variant() {
    local from=${4:-wavecore}
    sed "s/\"name\": \"$from\"/\"name\": \"$1\"/; s/\"$2\": [0-9.]*/\"$2\": $3/" \
        "$hardware/$from.json" >"$work/$1.json"
    echo "$work/$1.json"
}

sweep_planners() {
    sweep_six --planner baseline,archopt,il,mbs-fs,mbs1,mbs2,dp
    sweep_six --planner dp --objective time
    sweep_six --planner dp --objective energy
}

sweep_ilp() {
    sweep_six --planner ilp --time-limit 30
    sweep_six --planner ilp --time-limit 4 --buffer 512KiB..64MiB:x2
}

sweep_buffers() {
    sweep_six --planner baseline,il,mbs2,dp --buffer 512KiB..64MiB:x2,10MiB
}

# Training with batch norms planned as group norms, with batch norms kept, and inference of one image.
# Also for least time, where strips are weighed against what they leave of the array's utilisation.
with_and_without_strips=(--planner "baseline,dp" --strips "off,on" --buffer 128KiB..64MiB:x2)
for_time=(--planner dp --objective time --buffer "512KiB,1MiB,2MiB")
sweep_strips() {
    sweep_six "${with_and_without_strips[@]}"
    sweep_six "${for_time[@]}"
}

sweep_strips-batch-norm() {
    sweep_six "${with_and_without_strips[@]}" --batch-norm keep
    sweep_six "${for_time[@]}" --batch-norm keep
}

sweep_strips-inference() {
    local files=("$networks"/{alexnet,resnet{50,101,152},inception_v{3,4}}.json)
    sweep "${files[@]}" "${with_and_without_strips[@]}" --inference --batch 1
    sweep "${files[@]}" "${for_time[@]}" --inference --batch 1
}

sweep_memories() {
    sweep_six --planner baseline,archopt,mbs2,dp \
        --hardware="$hardware"/wavecore{,-hbm2x2,-gddr5,-lpddr4}.json
}

sweep_recompute() {
    local policy percent
    for policy in none activations expand; do
        sweep_four --recompute "$policy"
    done
    for percent in 0 1 2 3 5 7 10 15 20 25 30; do
        sweep_four --recompute auto --max-recompute "$percent"
    done
}

# Also with less of LPDDR4 than the paper's, where DRAM is what a step waits for.
sweep_recompute-memories() {
    local objective policy machines=("$hardware"/wavecore{,-lpddr4}.json) part bandwidth=256839044301
    for part in 2 4 8; do
        machines+=("$(variant "lpddr4-$part" bandwidth_bytes_per_s $((bandwidth / part)) \
            wavecore-lpddr4)")
    done
    for objective in traffic time; do
        for policy in none auto; do
            sweep_four --objective "$objective" --recompute "$policy" "${machines[@]/#/--hardware=}"
        done
    done
}

sweep_sensitivity() {
    sweep_six --planner baseline,mbs2,dp --hardware "$hardware/wavecore.json" \
        --hardware "$(variant no-static static_w 0)" \
        --hardware "$(variant double-static static_w 28)" \
        --hardware "$(variant half-mac mac_pj 1)" \
        --hardware "$(variant norm-one-pass norm_passes 1)" \
        --hardware "$(variant half-accumulators accumulator_bits 16)" \
        --hardware "$(variant half-vector vector_elements_per_cycle 128)" \
        --hardware "$(variant double-vector vector_elements_per_cycle 512)"
}

# Writes the part's rows into the folder, whole or not at all. Its sweeps count their points alike,
# so the index is left out.
run_part() {
    local start=$SECONDS rows=10 # two digits, for the files to be in order
    echo "sweeping: $1" >&2
    rm -f "$work"/rows-*.csv
    "sweep_$1"
    local files=("$work"/rows-*.csv)
    { head -n 1 "${files[0]}" && tail -q -n +2 "${files[@]}"; } | cut -d, -f2- >"$work/all.csv"
    mv "$work/all.csv" "$figures/$1.csv"
    echo "  $((SECONDS - start)) s" >&2
}

# ---- Figures ------------------------------------------------------------------------------------

labels=(--label alexnet=AlexNet --label resnet50=ResNet-50 --label resnet101=ResNet-101
    --label resnet152=ResNet-152 --label inception_v3=Inception-v3 --label inception_v4=Inception-v4
    --label densenet121=DenseNet-121 --label wavecore=HBM2 --label wavecore-hbm2x2=2×HBM2
    --label wavecore-gddr5=GDDR5 --label wavecore-lpddr4=LPDDR4 --label "lpddr4-2=½ LPDDR4"
    --label "lpddr4-4=¼ LPDDR4" --label "lpddr4-8=⅛ LPDDR4"
    --label "dp-no-strips=dp without strips" --label "dp+auto:10=dp, recomputing" --label "dp-time+auto:10=dp-time, recomputing")
paper_buffer=(--where buffer_bytes=10485760)

draw() {
    python3 "$root/scripts/plot.py" "${labels[@]}" "$@"
}

# $1: what is drawn, as KIND or KIND:NAME of the file, then the parts whose rows it is drawn from, then
# options.
draw_rows() {
    local kind=${1%%:*} name=${1#*:} files=()
    shift
    while [ $# -gt 0 ] && [[ $1 != --* ]]; do
        files+=("$figures/$1.csv")
        shift
    done
    draw "$kind" "${files[@]}" -o "$figures/$name" "$@"
}

# $1: the network, $2: the planner, $3: the end of the figure's name, then options.
draw_plan() {
    local network=$1 planner=$2 end=$3
    shift 3
    mbsopt plan "$networks/$network.json" --planner "$planner" "$@" --format json -o "$work/plan.json"
    draw plan "$work/plan.json" -o "$figures/plan-$network-$planner$end"
}

declare -A strips_titles=([strips]="training" [strips-batch-norm]="training, batch norms kept"
    [strips-inference]="inference, N = 1")

write_tables() {
    local part
    printf '# What planners save against baseline\n\n'
    printf 'Written by scripts/reproduce.sh. Per training step and core, 10 MiB of buffer.\n\n'
    draw table "$figures"/{planners,ilp}.csv "${paper_buffer[@]}"
    printf '\n## With one constant of the machine changed\n\n'
    draw means "$figures/sensitivity.csv" --label wavecore=default
    printf '\n## The same without AlexNet\n\n'
    draw means "$figures/sensitivity.csv" --label wavecore=default \
        --where network=resnet50,resnet101,resnet152,inception_v3,inception_v4
    for part in strips strips-batch-norm strips-inference; do
        printf '\n## Strips: %s\n\n' "${strips_titles[$part]}"
        draw strips-table "$figures/$part.csv" --where buffer_bytes=524288,1048576,2097152
    done
    printf '\n## Recomputing instead of storing: traffic of dp\n\n'
    draw recompute-table "$figures/recompute.csv"
    printf '\n## Time by memory, without and with recomputing\n\n'
    draw recompute-memories-table "$figures/recompute-memories.csv"
}

draw_all() {
    local part
    draw_rows traffic planners ilp "${paper_buffer[@]}" \
        --where planner=baseline,il,mbs-fs,mbs1,mbs2,dp,ilp
    draw_rows time planners ilp "${paper_buffer[@]}" \
        --where planner=baseline,archopt,il,mbs-fs,mbs1,mbs2,dp,ilp,dp-time
    draw_rows energy planners ilp "${paper_buffer[@]}" \
        --where planner=baseline,archopt,il,mbs-fs,mbs1,mbs2,dp,ilp,dp-energy
    draw_rows utilisation planners ilp "${paper_buffer[@]}" \
        --where planner=baseline,archopt,il,mbs-fs,mbs1,mbs2,dp,ilp,dp-time
    draw_rows buffers buffers ilp
    for part in strips strips-batch-norm strips-inference; do
        draw_rows "buffers:$part" "$part" --where planner=baseline,dp-no-strips,dp
    done
    draw_rows memories memories
    draw_rows recompute recompute
    draw_rows recompute-memories recompute-memories
    draw_plan resnet50 mbs2 ""
    draw_plan resnet50 dp ""
    draw_plan resnet50 dp -1MiB --buffer 1MiB
    draw_plan alexnet dp "" --batch 64
    write_tables >"$work/tables.md"
    mv "$work/tables.md" "$figures/tables.md"
}

ensure_matplotlib
mkdir -p "$figures"
for part in "$@"; do
    [ "$part" = draw ] || run_part "$part"
done
echo "drawing" >&2
draw_all
echo "figures and tables are in $figures" >&2
