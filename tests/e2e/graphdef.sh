# TensorFlow's GraphDefs through the program into ONNX Runtime: the numbers are those that plain loops
# over N, H, W, C give.
. tests/e2e/lib.sh

has_onnxruntime || exit 0
check "write the small models" "$BUILD/tests/formats/test_graphdef_models" --write "$WORK"
for file in "$WORK"/*.pb; do
  model=$(basename "$file" .pb)
  check "convert $model" "$AUTOGO" convert "$file" "$WORK/$model.onnx"
  check "$model computes what it should" node tests/formats/run_reference.js "$WORK/$model.onnx" \
    "$WORK/$model.in" "$WORK/$model.out"
done
