# ONNX in the operator set asked for: every op computes the same in each.
. tests/e2e/lib.sh

has_onnxruntime || exit 0
check "write every op" "$AUTOGO" run tests/formats/source_models.lua "$WORK" .json ops old_ops

# ir FILE, opset FILE: the numbers a file states, read from its first field and its last (the message
# of the operator set, whose field 2 is the version).
cat >"$WORK/states.lua" <<'LUA'
local file = io.open(arg[1], "rb"):read "a"
assert(file:sub(1, 1) == "\8" and file:sub(-2, -2) == "\16")
print(file:byte(2), file:byte(-1))
LUA
# written MODEL OPSET FORMAT: in that operator set, in the file format of its time, computing the same.
written() {
  check "$1 in operator set $2" "$AUTOGO" convert "$WORK/$1.onnx" "$WORK/a.onnx" --opset "$2"
  check "it says so" [ "$(lua5.4 "$WORK/states.lua" "$WORK/a.onnx")" = "$(printf '%s\t%s' "$3" "$2")" ]
  check "it computes the same" node tests/formats/run_onnx.js --same "$WORK/$1.onnx" "$WORK/a.onnx"
  [ ! -e /usr/lib/python3/dist-packages/onnx ] || [ "$2" -gt 17 ] || # what Debian's knows
    check "it passes ONNX's checker" /usr/bin/python3 tests/formats/check_onnx.py "$WORK/a.onnx"
  check "it reads back" "$AUTOGO" convert "$WORK/a.onnx" "$WORK/b.onnx" --opset "$2"
  check "and computes the same" node tests/formats/run_onnx.js --same "$WORK/$1.onnx" "$WORK/b.onnx"
}
# As of ONNX's table of versions.
for versions in 7:3 8:3 9:4 10:5; do written old_ops "${versions%:*}" "${versions#*:}"; done
for versions in 11:6 12:7 13:7 14:7 15:8 16:8 17:8 18:8 19:9 20:9 21:10 22:10; do
  written ops "${versions%:*}" "${versions#*:}"
done

# one OP SETTINGS: a network of one op.
one() {
  cat >"$WORK/one.lua" <<LUA
local b = require("autogo.core").builder "one"
b:output(b:$1(b:input { 8, 8, 4 }, { $2 }))
assert(assert(b:build()):save_onnx(arg[1]))
LUA
  check "write $1 $2" "$AUTOGO" run "$WORK/one.lua" "$WORK/one.onnx"
}
# from OPSET OP SETTINGS: written from that operator set on, refused before.
from() {
  one "$2" "$3"
  refused "$2 in $(($1 - 1))" 1 "it needs operator set $1" \
    "$AUTOGO" convert "$WORK/one.onnx" "$WORK/b.onnx" --opset $(($1 - 1))
  check "$2 in $1" "$AUTOGO" convert "$WORK/one.onnx" "$WORK/a.onnx" --opset "$1"
  check "$2 computes the same" node tests/formats/run_onnx.js --same "$WORK/one.onnx" "$WORK/a.onnx"
}
from 9 gelu ""                                             # Erf
from 11 resize "ratio = 2, linear = true"                  # the sampling grid is stated
from 10 maxpool 'kernel = 3, padding = "same", dilation = 2' # pools have dilations
from 19 avgpool 'kernel = 3, padding = "same", dilation = 2' # so have these

refused "an operator set that is not written" 2 "opset.*7 to 22" \
  "$AUTOGO" convert "$WORK/ops.onnx" "$WORK/b.onnx" --opset 6
