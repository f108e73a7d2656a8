#!/bin/sh
# Reading and writing an ONNX file of 100 MB: seconds, and memory as a multiple of the file.
set -eu
BUILD=${BUILD:-build}
${MAKE:-make} --no-print-directory BUILD="$BUILD" "$BUILD/tests/bench/onnx" >&2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$BUILD/tests/bench/onnx" "$work"
