#!/bin/sh
# A page of 50 heavily changed networks: processor seconds, size, how many are drawn. The searches that
# find them take a minute or two. RUNS=1 for a quick look.
set -eu
BUILD=${BUILD:-build}
AUTOGO=${AUTOGO:-$BUILD/autogo}
cg=${AUTOGO_SHARED:-../shared}/data/cg
[ -d "$cg" ] || { echo "skipped: report: the graphs of $cg are absent"; exit 0; }
for name in nb201_best resnet50; do
  "$AUTOGO" run tests/bench/report.lua "$cg/$name.json" "${RUNS:-5}"
done
