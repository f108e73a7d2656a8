# Exporters' quirks, one small model each, through the program and back into ONNX Runtime.
. tests/e2e/lib.sh

modules="${NODE_PATH:-$BUILD/node/node_modules}"
if [ ! -d "$modules/onnxruntime-node" ]; then
  echo "skipped: onnxruntime-node is not installed"
  exit 0
fi
NODE_PATH="$modules" node tests/formats/onnx_cases.js "$AUTOGO" "$WORK" | tee "$WORK/result"
! grep -q "^not ok" "$WORK/result"
