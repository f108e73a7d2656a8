#!/bin/sh
# Children per second of a search with the published settings, on one thread and on two: of mutation
# alone, and of `autogo evolve` from its history.csv. GENERATIONS=3 RUNS=1 for a quick look.
set -eu
BUILD=${BUILD:-build}
SHARED=${AUTOGO_SHARED:-../shared}
GENERATIONS=${GENERATIONS:-10}
RUNS=${RUNS:-5}
cg=$SHARED/data/cg
[ -d "$cg" ] || { echo "skipped: search: the graphs of $cg are absent"; exit 0; }
${MAKE:-make} --no-print-directory BUILD="$BUILD" "$BUILD/tests/bench/search" >&2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

networks="nb201_best hiaml_best resnet50 edsr_base"
set --
for name in $networks; do set -- "$@" "$cg/$name.json"; done
for threads in 1 2; do
  "$BUILD/tests/bench/search" $threads "$GENERATIONS" "$@" | tee "$work/mutate.$threads"
done
awk 'FNR == 1 { next }
  FNR == NR { one[$1] = $8; next }
  { printf "%s: 2 threads %.2f times 1 thread\n", $1, $8 / one[$1] }' "$work/mutate.1" "$work/mutate.2"

# NAME THREADS: children scored and seconds
evolve() {
  "$BUILD/autogo" evolve "$cg/$1.json" --preset published-cifar --seed 1 --threads "$2" \
    --iterations "$GENERATIONS" --out "$work/$1" >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
  awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i; next }
    { seconds += $column["seconds"]; scored += $column["scored"] }
    END { print scored, seconds }' "$work/$1/history.csv"
  rm -r "$work/$1"
}

# The quickest of RUNS on one thread and on two, in turn: what else the machine does only ever adds.
for name in $networks; do
  for run in $(seq "$RUNS"); do
    evolve "$name" 1
    evolve "$name" 2
  done >"$work/runs"
  awk -v name="$name" 'NR % 2 { if (!one || $2 < one) one = $2; next }
    !two || $2 < two { two = $2 }
    END { printf "evolve %s: %d scored in %.2f s, %.0f a second; 2 threads %.2f times 1 thread\n",
        name, $1, two, $1 / two, one / two }' "$work/runs"
done
