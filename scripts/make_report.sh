#!/bin/bash
# Makes docs/report-resnet50.html anew, the page of `mbsopt report` that README.md shows.
# MBSOPT, if set, is the program to use in place of the one that scripts/run.sh builds.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
"${MBSOPT:-$root/scripts/run.sh}" report "$root/models/networks/resnet50.json" -o "$root/docs/report-resnet50.html"
