# Files of other frameworks on the command line: found out by their content, first and last nodes
# chosen, and refusals in one line.
. tests/e2e/lib.sh

keras='{"class_name":"Sequential","config":{"name":"small","layers":[{"class_name":"Conv2D",
"config":{"name":"c","filters":4,"kernel_size":[3,3],"padding":"same","activation":"relu"}},
{"class_name":"GlobalAveragePooling2D","config":{"name":"p"}},
{"class_name":"Dense","config":{"name":"d","units":10}}]}}'
printf '%s' "$keras" >"$WORK/small.json"
cp "$WORK/small.json" "$WORK/nameless"
refused "an open size asks for --input" 1 'small.json: .*--input HxWxC' \
  "$AUTOGO" info "$WORK/small.json"
for file in small.json nameless; do
  check "Keras in $file" "$AUTOGO" info "$WORK/$file" --input 32x32x3
done
check "Keras to ONNX" "$AUTOGO" convert "$WORK/small.json" "$WORK/small.onnx" --input 32x32x3
refused "Keras has no start nodes" 1 'start and stop' \
  "$AUTOGO" info "$WORK/small.json" --input 32x32x3 --start c
refused "ONNX has no start nodes" 1 'start and stop' "$AUTOGO" info "$WORK/small.onnx" --start c
refused "networks of the zoo have none" 1 'start and stop' "$AUTOGO" info resnet50 --stop x

printf 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n' >"$WORK/pointer.onnx"
printf '\n<!DOCTYPE html><title>404</title>' >"$WORK/page.onnx"
cp "$WORK/small.json" "$WORK/keras.onnx"
refused "a Git LFS pointer" 1 'pointer.onnx: .*git lfs pull' "$AUTOGO" info "$WORK/pointer.onnx"
refused "a web page" 1 'page.onnx: .*HTML.*download' "$AUTOGO" info "$WORK/page.onnx"
cp "$WORK/pointer.onnx" "$WORK/pointer.json"
printf '{"class_name": "Sequential", ' >"$WORK/short.json"
refused "a Git LFS pointer for JSON" 1 'pointer.json: .*git lfs pull' "$AUTOGO" info "$WORK/pointer.json"
refused "JSON that is cut short" 1 'short.json: .*cut short' "$AUTOGO" info "$WORK/short.json"
refused "JSON" 1 'keras.onnx: .*JSON.*name that ends in .json' "$AUTOGO" info "$WORK/keras.onnx"
refused "endings are listed" 1 '\.dot, \.json, \.keras\.py, \.onnx, \.py, \.svg' \
  "$AUTOGO" convert resnet18 "$WORK/x.xyz"

pb=$SHARED/models/tensorflow/CNN_S.pb
if [ ! -f "$pb" ]; then
  echo "skipped: no TensorFlow models"
  exit 0
fi
refused "the front end names the start" 1 'DecodeWav.*--start Reshape_1' "$AUTOGO" info "$pb"
check "after the front end" "$AUTOGO" info "$pb" --start Reshape_1
check "up to a layer" sh -c "'$AUTOGO' info '$pb' --start Reshape_1 --stop Relu_1 |
  grep -q 'output *16x4x30'"
refused "a node that is not there" 1 "no node is called 'nobody'" \
  "$AUTOGO" info "$pb" --start Reshape_1 --stop nobody
refused "a wrong size" 1 'height' "$AUTOGO" info "$pb" --start Reshape_1 --input 50x10x1
