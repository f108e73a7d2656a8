# ONNX through the program: every model of the folder goes in and out and still runs in ONNX Runtime
# with the shapes it had; those with weights compute what they computed.
. tests/e2e/lib.sh

if [ ! -d "${NODE_PATH:-$BUILD/node/node_modules}/onnxruntime-node" ]; then
  echo "skipped: onnxruntime-node is not installed"
  exit 0
fi
export NODE_PATH="${NODE_PATH:-$BUILD/node/node_modules}"
run="node tests/formats/run_onnx.js"

# Each op that can be written, as an output of one network; prints the shapes that the engine gives
# them, as ONNX Runtime writes them.
cat >"$WORK/ops.lua" <<'LUA'
local core = require "autogo.core"
local b = core.builder "ops"
local x = b:input { 17, 14, 8 }
local gate = b:mean(x)
local shapes = {}
local function out(y)
  local s = b:shape(y)
  shapes[#shapes + 1] = ("1x%dx%dx%d"):format(s[3], s[1], s[2])
  b:output(y)
end
for _, padding in ipairs { "same", "same_lower", "valid", { 2, 1, 0, 1 } } do
  for _, stride in ipairs { 1, 2 } do
    local window = { kernel = 3, stride = stride, padding = padding }
    for _, op in ipairs { "depthwise", "maxpool", "avgpool" } do
      out(b[op](b, x, window))
    end
    window.filters, window.bias = 6, true
    out(b:conv(x, window))
    window.groups = 2
    out(b:conv(x, window))
  end
end
out(b:conv(x, { filters = 6, kernel = { 1, 3 }, dilation = 2 }))
out(b:conv(x, { filters = 6, kernel = 3, channels = 5 }))
out(b:add(b:conv(x, { filters = 6, kernel = 1 }), b:relu(x), { channels = 6 }))
out(b:maxpool(x, { kernel = 3, stride = 2, padding = "valid", ceil = true }))
out(b:avgpool(x, { kernel = 3, stride = 2, padding = "same", count_pads = true }))
for _, op in ipairs { "batchnorm", "relu", "relu6", "sigmoid", "tanh", "swish", "gelu", "hardswish",
  "hardsigmoid", "prelu", "softmax", "mean", "identity", "zero" } do
  out(b[op](b, x))
end
out(b:leakyrelu(x, { alpha = 0.2 }))
out(b:add(x, x))
out(b:mul(x, b:sigmoid(gate)))
out(b:mul(b:sigmoid(gate), x))
out(b:concat(x, b:relu(x), x))
out(b:channel_shuffle(x, { groups = 4 }))
out(b:depth_to_space(x, { ratio = 2 }))
out(b:depth_to_space(x, { ratio = 2, align = true }))
out(b:space_to_depth(b:pad(x, { padding = { 1, 0, 2, 2 } }), { ratio = 2 }))
out(b:resize(x, { ratio = { 2, 3 } }))
out(b:resize(x, { ratio = 2, linear = true }))
out(b:resize(x, { ratio = 2, linear = true, align = true }))
out(b:transposed_conv(x, { filters = 5, kernel = 3, stride = 2, bias = true }))
out(b:conv(b:matmul(gate, { units = 12, bias = true }), { filters = 4, kernel = 1 }))
assert(b:build():save_onnx(arg[1], { seed = 1 }))
print(arg[1] .. ": " .. table.concat(shapes, ", "))
LUA
check "write every op" sh -c "'$AUTOGO' run '$WORK/ops.lua' '$WORK/ops.onnx' >'$WORK/expected'"
check "every op runs" sh -c "$run '$WORK/ops.onnx' >'$WORK/seen'"
check "every op has the shape it should" diff "$WORK/expected" "$WORK/seen"

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
