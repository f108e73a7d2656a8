#!/bin/sh
# Training: {P, S, C} samples of NB-201 a second, forward and back, beside training one cut at a
# time. CELLS and EPOCHS say how many.
set -eu
BUILD=${BUILD:-build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
${MAKE:-make} --no-print-directory -s "$BUILD/tests/bench/train"
cells=$("$BUILD/autogo" run tests/bench/cells.lua "$work" "${CELLS:-512}")
# shellcheck disable=SC2086
"$BUILD/tests/bench/train" lua/autogo/assets/tokenizer.txt "${EPOCHS:-5}" $cells
