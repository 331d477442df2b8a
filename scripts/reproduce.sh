#!/bin/bash
# Sweeps the paper's networks and draws every figure and table of docs/evaluation.md anew; or does so
# for networks of one's own. See usage below, or --help.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage() {
    cat <<'EOT'
usage: scripts/reproduce.sh [OPTION...] [PART...]

Sweeps the paper's networks and draws every figure and table of
docs/evaluation.md anew. A PART is swept alone, with the rows of the others as
they lie in the folder; the part draw only draws. Without parts all are swept,
30 minutes of processor time, most of it for what is recomputed. Each part's
rows are there as soon as it is done, so that an interrupted run need not begin
anew. ilp stops at a time limit: its last digits may differ between machines.

  planners            every planner at the machine's buffer
  ilp                 ilp, also over buffers
  buffers             over buffer sizes
  strips, strips-batch-norm, strips-inference
                      over buffer sizes, with and without strips of rows
  memories            with each of four memories
  recompute, recompute-memories
                      what to compute again in place of storing it
  below-mbs2          how far below the paper's method with all that is known
  sensitivity         with one constant of the machine changed
  simulation          estimated times beside simulated, all shipped networks
  overlap, overlap-simulation
                      with what of array, vector unit and DRAM works at once:
                      the six networks, and group beside simulated as above
  dram, crane, soma   on the work of MONeT, Crane and SoMa (the tables at the
                      end of docs/evaluation.md)
  optimizers          updates of weights by SGD, momentum and Adam

All times and energies are of DRAM at its peak (--dram-efficiency 1), as the
paper's are; rows of such machines say so behind the name: wavecore:dram-1.

  -o FOLDER           rows, figures and tables go there (default: docs/figures)
  --networks LIST     these networks in place of the paper's, comma-separated:
                      files, or names of mbsopt list. Parts are then planners,
                      buffers and strips unless others are given, what they have
                      is drawn, and so is dp's plan of each. Needs -o
  --batch N           samples of their mini-batch (default: 32)
  --buffers LIST      buffer sizes to sweep over: 1MiB..64MiB:x2. Needs -o
  --formats LIST      of svg, png and pdf (default: svg,png)
  --size SIZE         screen, page or column: how wide figures are
  -h, --help          print this

MBSOPT, if set, is the program to use in place of the one that scripts/run.sh
builds. A run for one's own networks:

  scripts/reproduce.sh -o results --networks alexnet,my-net.json planners
EOT
}

all_parts=(planners ilp buffers strips strips-batch-norm strips-inference memories recompute
    recompute-memories below-mbs2 sensitivity simulation overlap overlap-simulation dram crane soma optimizers)
networks=$root/models/networks
hardware=$root/models/hardware
figures=$root/docs/figures
own=() buffers='' batch=32 into='' drawing=()
while [ $# -gt 0 ] && [[ $1 == -* ]]; do
    case $1 in
    -h | --help)
        usage
        exit 0
        ;;
    -o | --networks | --batch | --buffers | --formats | --size)
        [ -n "${2:-}" ] || fail "$0: $1 needs a value; see: $0 --help"
        ;;
    *) fail "$0: unknown option $1; see: $0 --help" ;;
    esac
    case $1 in
    -o) into=$2 ;;
    --networks) IFS=, read -ra own <<<"$2" ;;
    --batch) batch=$2 ;;
    --buffers) buffers=$2 ;;
    *) drawing+=("$1" "$2") ;;
    esac
    shift 2
done
if [ -z "$into" ] && { [ ${#own[@]} -gt 0 ] || [ -n "$buffers" ]; }; then
    fail "$0: networks and buffers of one's own need a folder of their own: -o FOLDER"
fi
figures=${into:-$figures}
for part in "$@"; do
    [[ " ${all_parts[*]} draw " == *" $part "* ]] ||
        fail "$0: no part is called '$part'; there are: ${all_parts[*]} draw"
done
if [ ${#own[@]} -gt 0 ]; then
    [ $# -gt 0 ] || set -- planners buffers strips
else
    [ $# -gt 0 ] || set -- "${all_parts[@]}"
    for part in "${all_parts[@]}"; do
        [[ " $* " == *" $part "* ]] || [ -f "$figures/$part.csv" ] ||
            fail "$0: $figures/$part.csv is missing, so $part has to be swept too"
    done
fi
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

# Puts rows aside for the part. DRAM is at its peak, unless `efficiency` says otherwise.
sweep() {
    mbsopt sweep --dram-efficiency "${efficiency:-1}" "$@" -o "$work/rows-$((rows++)).csv"
}

# The six networks of the paper, each at its mini-batch, or those that are given.
sweep_six() {
    if [ ${#own[@]} -gt 0 ]; then
        sweep "${own[@]}" --batch "$batch" "$@"
        return
    fi
    sweep "$networks/alexnet.json" --batch 64 "$@"
    sweep "$networks"/{resnet{50,101,152},inception_v{3,4}}.json "$@"
}

# The four whose recomputation is looked at.
sweep_four() {
    if [ ${#own[@]} -gt 0 ]; then
        sweep "${own[@]}" --batch "$batch" "$@"
        return
    fi
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
    sweep_six --planner ilp --time-limit 4 --buffer "${buffers:-512KiB..64MiB:x2}"
}

sweep_buffers() {
    sweep_six --planner baseline,il,mbs2,dp --buffer "${buffers:-512KiB..64MiB:x2,10MiB}"
}

# Training with batch norms planned as group norms, with batch norms kept, and inference of one image.
# Also for least time, where strips are weighed against what they leave of the array's utilisation.
with_and_without_strips=(--planner "baseline,dp" --strips "off,on" --buffer "${buffers:-128KiB..64MiB:x2}")
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
    [ ${#own[@]} = 0 ] || files=("${own[@]}")
    sweep "${files[@]}" "${with_and_without_strips[@]}" --inference --no-fold --batch 1
    sweep "${files[@]}" "${for_time[@]}" --inference --no-fold --batch 1
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

# The paper's own method, then all that lessens traffic: without more arithmetic, and with some.
sweep_below-mbs2() {
    local percent sizes=(--buffer "${buffers:-1MiB,4MiB,10MiB}")
    sweep_six --planner mbs2 "${sizes[@]}"
    for percent in 0 10 25; do
        sweep_six --planner dp --in-place --order search --recompute auto --max-recompute "$percent" "${sizes[@]}"
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
    efficiency=measured sweep_six --planner baseline,mbs2,dp \
        --hardware "$(variant measured-dram measured_dram_efficiency 0.86)"
}

sweep_simulation() {
    local files=("$networks"/*.json)
    [ ${#own[@]} = 0 ] || files=("${own[@]}")
    MBSOPT=${MBSOPT:-$root/scripts/run.sh} "$root/scripts/simulation_rows.py" --dram-efficiency 1 "${files[@]}" \
        >"$work/rows-$((rows++)).csv"
}

# Puts rows of scripts/overlap_rows.py aside.
overlap_rows() {
    MBSOPT=${MBSOPT:-$root/scripts/run.sh} "$root/scripts/overlap_rows.py" --dram-efficiency 1 \
        "$@" >"$work/rows-$((rows++)).csv"
}

sweep_overlap() {
    if [ ${#own[@]} -gt 0 ]; then
        overlap_rows "${own[@]}" --batch "$batch"
        return
    fi
    overlap_rows "$networks/alexnet.json" --batch 64
    overlap_rows "$networks"/{resnet{50,101,152},inception_v{3,4}}.json
}

sweep_overlap-simulation() {
    local files=("$networks"/*.json)
    [ ${#own[@]} = 0 ] || files=("${own[@]}")
    overlap_rows --overlaps group --planners mbs2,dp,dp-time --buffers 1MiB,10MiB "${files[@]}"
}

# ResNet-50 within MONeT's shares of what must be in DRAM when nothing is recomputed: its GB of 15.06.
sweep_dram() {
    local most hundredths work_of=("$networks/resnet50.json" --batch 184)
    sweep "${work_of[@]}" --planner baseline,dp
    most=$(tail -n 1 "$work/rows-$((rows - 1)).csv" | awk -F, '{ print $NF }')
    for hundredths in 1001 901 801 699 600 499; do
        sweep "${work_of[@]}" --planner dp --max-dram $((most * hundredths / 1506))
    done
}

sweep_crane() {
    local work_of=("$networks"/{resnet{50,101},inception_v{3,4}}.json --batch 256)
    sweep "${work_of[@]}" --planner mbs2,dp
    sweep "${work_of[@]}" --planner dp --recompute auto
}

sweep_optimizers() {
    local optimizer
    for optimizer in sgd momentum adam; do
        sweep "$networks/alexnet.json" --batch 64 --planner baseline,mbs2,dp --optimizer "$optimizer"
    done
    for optimizer in sgd momentum adam; do
        sweep "$networks/resnet50.json" --planner baseline,mbs2,dp --optimizer "$optimizer"
    done
}

# Inference in int8, with batch norms folded into the convolutions before them.
sweep_soma() {
    local machine work_of=("$networks/resnet50.json" --inference --batch "1,4" --buffer "4MiB,8MiB" --planner dp)
    machine=$(variant int8 activation_bits 8)
    sed -i 's/"weight_bits": [0-9]*/"weight_bits": 8/' "$machine"
    sweep "${work_of[@]}" --hardware "$machine" --strips on,off
    sweep "${work_of[@]}" --hardware "$machine" --in-place
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
    --label densenet121=DenseNet-121
    --label "dp-no-strips=dp without strips" --label "dp+auto:10=dp, recomputing" --label "dp-time+auto:10=dp-time, recomputing")
# Rows say behind a machine's name that its DRAM is at its peak; what is drawn does not.
for machine in wavecore=HBM2 wavecore-hbm2x2=2×HBM2 wavecore-gddr5=GDDR5 wavecore-lpddr4=LPDDR4 \
    lpddr4-2="½ LPDDR4" lpddr4-4="¼ LPDDR4" lpddr4-8="⅛ LPDDR4" \
    no-static double-static half-mac norm-one-pass half-accumulators half-vector double-vector; do
    labels+=(--label "${machine%%=*}:dram-1=${machine#*=}")
done
paper_buffer=(--where buffer_bytes=10485760)
table_buffers=(--where "buffer_bytes=524288,1048576,2097152")
[ -z "$buffers" ] || table_buffers=() # all of them

draw() {
    python3 "$root/scripts/plot.py" "${labels[@]}" "$@"
}

# The files of rows that there are of these parts, in `files`; false if there are none.
find_rows() {
    local part
    files=()
    for part in "$@"; do
        [ ! -f "$figures/$part.csv" ] || files+=("$figures/$part.csv")
    done
    [ ${#files[@]} -gt 0 ]
}

# $1: what is drawn, as KIND or KIND:NAME of the file, then the parts whose rows it is drawn from, then
# options.
draw_rows() {
    local kind=${1%%:*} name=${1#*:} parts=() files
    shift
    while [ $# -gt 0 ] && [[ $1 != --* ]]; do
        parts+=("$1")
        shift
    done
    ! find_rows "${parts[@]}" || draw "$kind" "${files[@]}" -o "$figures/$name" "${drawing[@]}" "$@"
}

# $1: the network, $2: the planner, $3: the end of the figure's name, then options.
draw_plan() {
    local network=$1 planner=$2 end=$3
    shift 3
    mbsopt plan "$network" --planner "$planner" "$@" --format json -o "$work/plan.json"
    network=${network##*/}
    draw plan "$work/plan.json" -o "$figures/plan-${network%.*}-$planner$end" "${drawing[@]}"
}

declare -A strips_titles=([strips]="training" [strips-batch-norm]="training, batch norms kept"
    [strips-inference]="inference, N = 1")

# $1: the heading, $2: the kind, $3: the part, then options.
write_table() {
    local files heading=$1 kind=$2 part=$3
    shift 3
    find_rows "$part" || return 0
    printf '\n## %s\n\n' "$heading"
    draw "$kind" "${files[@]}" "$@"
}

write_tables() {
    local part files without=(--where "network=resnet50,resnet101,resnet152,inception_v3,inception_v4")
    printf '# What planners save against baseline\n\n'
    printf 'Written by scripts/reproduce.sh. Per training step and core, 10 MiB of buffer, DRAM at its peak.\n\n'
    ! find_rows planners ilp || draw table "${files[@]}" "${paper_buffer[@]}"
    write_table "With one constant of the machine changed" means sensitivity --label wavecore:dram-1=default
    [ ${#own[@]} -gt 0 ] ||
        write_table "The same without AlexNet" means sensitivity --label wavecore:dram-1=default "${without[@]}"
    for part in strips strips-batch-norm strips-inference; do
        write_table "Strips: ${strips_titles[$part]}" strips-table "$part" "${table_buffers[@]}"
    done
    write_table "Recomputing instead of storing: traffic of dp" recompute-table recompute
    write_table "How far below mbs2: traffic with strips, in place, another order and recomputing" below-table below-mbs2
    write_table "Time by memory, without and with recomputing" recompute-memories-table recompute-memories
}

draw_plans() {
    local network
    for network in "${own[@]}"; do
        draw_plan "$network" dp "" --batch "$batch"
    done
    [ ${#own[@]} = 0 ] || return 0
    draw_plan resnet50 mbs2 ""
    draw_plan resnet50 dp ""
    draw_plan resnet50 dp -1MiB --buffer 1MiB
    draw_plan alexnet dp "" --batch 64
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
    draw_rows buffers-time buffers ilp
    draw_rows buffers-energy buffers ilp
    for part in strips strips-batch-norm strips-inference; do
        draw_rows "buffers:$part" "$part" --where planner=baseline,dp-no-strips,dp
    done
    draw_rows memories memories
    draw_rows recompute recompute
    draw_rows recompute-memories recompute-memories
    draw_plans
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
