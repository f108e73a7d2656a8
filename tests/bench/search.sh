#!/bin/sh
# Children per second of a search with the published settings, on one thread and on two: of mutation
# alone, and of `autogo evolve` from its history.csv. GENERATIONS=3 for a quick look.
set -eu
BUILD=${BUILD:-build}
SHARED=${AUTOGO_SHARED:-../shared}
GENERATIONS=${GENERATIONS:-10}
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

for name in $networks; do
  { evolve "$name" 1; evolve "$name" 2; } >"$work/runs"
  awk -v name="$name" 'NR == 1 { one = $2; next }
    { printf "evolve %s: %d scored in %.2f s, %.0f a second; 2 threads %.2f times 1 thread\n",
        name, $1, $2, $1 / $2, one / $2 }' "$work/runs"
done
