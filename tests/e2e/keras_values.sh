# Keras models of layers without weights, and of functions, through the program into ONNX Runtime, and back
# into Keras source: the numbers are those that numpy gives.
. tests/e2e/lib.sh

has_onnxruntime || exit 0
for python in python3 /usr/bin/python3 none; do
  "$python" -c 'import numpy' 2>/dev/null && break
done
if [ "$python" = none ]; then
  echo "skipped: python3-numpy is not installed"
  exit 0
fi
check "write the models" "$python" tests/formats/keras_values.py "$WORK"
for file in "$WORK"/*.json; do
  model=$(basename "$file" .json)
  check "convert $model" "$AUTOGO" convert "$file" "$WORK/$model.onnx"
  check "$model computes what it should" node tests/formats/run_reference.js "$WORK/$model.onnx" \
    "$WORK/$model.in" "$WORK/$model.out"
  check "convert $model to Keras source" "$AUTOGO" convert "$file" "$WORK/$model.keras.py"
  [ "$model" = affine ] || # becomes a batch norm, and sources hold no weights
    check "the source of $model computes the same" "$python" tests/formats/run_keras_values.py \
      "$WORK/$model.keras.py" "$WORK/$model.in" "$WORK/$model.out"
done
