# ONNX through the program: every model of the folder goes in and out and still runs in ONNX Runtime
# with the shapes it had; those with weights compute what they computed.
. tests/e2e/lib.sh

has_onnxruntime || exit 0
run="node tests/formats/run_onnx.js"

# Each op, as an output of one network, has in ONNX Runtime the shape that the engine gives it.
mkdir "$WORK/ops"
check "write every op" "$AUTOGO" run tests/formats/source_models.lua "$WORK/ops" .onnx ops
check "every op runs" sh -c "$run '$WORK/ops/ops.onnx' >'$WORK/seen'"
cut -d ' ' -f 3- "$WORK/ops/list" | tr ' ' '\n' >"$WORK/expected"
check "every op has the shape it should" \
  sh -c "sed 's/.*: //; s/, /\n/g' '$WORK/seen' | diff '$WORK/expected' -"

# Small models of what is easily lost, before and after.
mkdir "$WORK/small"
check "write the small models" "$BUILD/tests/formats/test_onnx_models" --write "$WORK/small"
for file in "$WORK"/small/*.onnx; do
  model=$(basename "$file" .onnx)
  check "convert $model" "$AUTOGO" convert "$file" "$WORK/a.onnx"
  check "$model computes the same" $run --same "$file" "$WORK/a.onnx"
done

# Layer norms written out as ONNX's definition has them: sizes computed by Size, Neg, Sub, Concat.
for file in /usr/share/libonnx-testdata/data/node/test_layer_normalization_*_expanded/model.onnx; do
  [ -f "$file" ] || { echo "skipped: no libonnx-testdata" && break; }
  model=$(basename "$(dirname "$file")")
  check "convert $model" "$AUTOGO" convert "$file" "$WORK/a.onnx"
  check "$model runs" $run --like "$file" "$WORK/a.onnx"
done

for file in "$SHARED"/models/onnx/*.onnx; do
  [ -f "$file" ] || { echo "skipped: no ONNX models" && break; }
  model=$(basename "$file" .onnx) input=
  [ "$model" = ppocr_mobile_cls ] && input="--input 48x192x3"
  # shellcheck disable=SC2086
  check "convert $model" "$AUTOGO" convert "$file" "$WORK/$model.onnx" --seed 3 $input
  check "$model runs" $run --like "$file" "$WORK/$model.onnx"
  case $model in torchvision_squeezenet1_1 | ppocr_mobile_cls)
    check "$model computes the same" $run --same "$file" "$WORK/$model.onnx" ;;
  esac
  rm -f "$WORK/$model.onnx"
done

for network in resnet18 mobilenet_v2 unet_denoise edsr fsrcnn3 'nb201:|nor_conv_3x3~0|+|skip_connect~0|avg_pool_3x3~1|+|none~0|nor_conv_1x1~1|skip_connect~2|'; do
  check "write $network" "$AUTOGO" convert "$network" "$WORK/a.onnx" --seed 3
  check "$network runs" $run "$WORK/a.onnx"
  check "write $network again" "$AUTOGO" convert "$network" "$WORK/b.onnx" --seed 3
  check "$network has the same bytes" cmp "$WORK/a.onnx" "$WORK/b.onnx"
  check "read $network back and write it" "$AUTOGO" convert "$WORK/a.onnx" "$WORK/b.onnx"
  check "$network computes the same" $run --same "$WORK/a.onnx" "$WORK/b.onnx"
done
