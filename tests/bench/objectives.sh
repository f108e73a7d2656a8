#!/bin/sh
# Children per second of `autogo evolve` with the published settings on one thread, by objective: FLOPs,
# a roofline, the NPU model, and a per-node objective in Lua. GENERATIONS=3 for a quick look.
set -eu
BUILD=${BUILD:-build}
GENERATIONS=${GENERATIONS:-10}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for name in hiaml:src1,src1,r30,src3 resnet50 edsr; do
  for objective in flops roofline:rtx2080ti npu:mobile-npu:energy recipes/objectives/chip_energy.lua; do
    "$BUILD/autogo" evolve "$name" --preset published-cifar --seed 1 --threads "${THREADS:-1}" \
      --iterations "$GENERATIONS" --objective "$objective" --out "$work/out" >"$work/log" 2>&1 ||
      { cat "$work/log"; exit 1; }
    awk -F, -v what="$name, ${objective##*/}" '
      NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i; next }
      { seconds += $column["seconds"]; scored += $column["scored"] }
      END { printf "%s: %d scored in %.2f s, %.0f a second\n", what, scored, seconds, scored / seconds }
    ' "$work/out/history.csv"
    rm -r "$work/out"
  done
done
