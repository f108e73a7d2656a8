# ONNX in the operator set asked for: every op computes the same in each.
. tests/e2e/lib.sh

has_onnxruntime || exit 0
check "write every op" "$AUTOGO" run tests/formats/source_models.lua "$WORK" .json ops
# The file ends with the operator set's version, field 2 of its message.
echo 'assert(io.open(arg[1], "rb"):read("a"):sub(-2) == string.char(16, arg[2]))' >"$WORK/says.lua"
for opset in 14 15 16 17 18 19 20 21 22; do
  check "operator set $opset" "$AUTOGO" convert "$WORK/ops.onnx" "$WORK/a.onnx" --opset $opset
  check "it says so" lua5.4 "$WORK/says.lua" "$WORK/a.onnx" $opset
  check "it computes the same" node tests/formats/run_onnx.js --same "$WORK/ops.onnx" "$WORK/a.onnx"
done
refused "an operator set that is not written" 2 "opset.*13 to 22" \
  "$AUTOGO" convert "$WORK/ops.onnx" "$WORK/b.onnx" --opset 11
