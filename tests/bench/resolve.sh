#!/bin/sh
# Resolution: the solvers on the problems that searches meet, beside glpsol on the same programs.
# PROBLEMS, MILP and PROGRAMS say how many.
set -eu
BUILD=${BUILD:-build}
AUTOGO=${AUTOGO:-$BUILD/autogo}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

programs=${PROGRAMS:-300}
command -v glpsol >/dev/null || {
  echo "skipped: glpsol (Debian package glpk-utils) is absent"
  programs=0
}
${MAKE:-make} --no-print-directory -s "$BUILD/tests/bench/resolve"
networks=$("$AUTOGO" run tests/bench/networks.lua "$work")
# shellcheck disable=SC2086
"$BUILD/tests/bench/resolve" "${PROBLEMS:-50000}" "${MILP:-20000}" "$programs" "$work" $networks
