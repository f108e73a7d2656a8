# Exporters' quirks, one small model each, through the program and back into ONNX Runtime.
. tests/e2e/lib.sh

has_onnxruntime || exit 0
node tests/formats/onnx_cases.js "$AUTOGO" "$WORK" | tee "$WORK/result"
! grep -q "^not ok" "$WORK/result"
