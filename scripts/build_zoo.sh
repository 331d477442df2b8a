#!/bin/bash
# Rebuilds models/networks and docs/zoo.md: the networks of make_zoo.py, and those that import_torch.py makes of
# torchvision's models. All of them go to build/zoo, a choice to models/networks. Takes about 25 minutes, most of it
# PyTorch's. Needs Debian's python3-torch, python3-torchvision and python3-onnx, which it installs if it may.
# With --resume it goes on where it was interrupted, with --table only the table is made anew, from what is in build/zoo.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# Beside the hand-written ones: a network of each kind.
chosen="vgg16_bn resnext50_32x4d wide_resnet50_2 squeezenet1_1 googlenet mobilenet_v3_large mnasnet1_0
    shufflenet_v2_x1_0 efficientnet_b0 regnet_y_400mf convnext_tiny vit_b_16 swin_t fcn_resnet50
    lraspp_mobilenet_v3_large"

ensure_packages build
build "$root/build" --buildtype=release || fail "the build failed"
export MBSOPT=$root/build/src/cli/mbsopt
zoo=$root/build/zoo
mkdir -p "$zoo"
[ "${1:-}" = --resume ] || [ "${1:-}" = --table ] || rm -f "$zoo"/*.json "$zoo/sweep.log"
if [ "${1:-}" != --table ]; then
    offer_python --torch
    python3 "$root/scripts/make_zoo.py"
    # imports, and holds each to PyTorch
    /usr/bin/python3 "$root/tests/sweep/torchvision_sweep.py" --out "$zoo" --log "$zoo/sweep.log" ||
        fail "some models were not imported, or differ from PyTorch"
    for name in $chosen; do
        cp "$zoo/$name.json" "$root/models/networks/"
    done
fi
# where both have a network of that name, the table shows the one in models/networks
cp "$root"/models/networks/*.json "$zoo/"
python3 "$root/scripts/zoo_table.py" "$zoo"/*.json
