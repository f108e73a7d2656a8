--- MobileNetV2, torchvision's layout.
-- Source: Sandler et al., 2018.
-- @module autogo.zoo.mobilenet_v2

local pieces = require "autogo.families.pieces"

-- expansion, channels, repetitions, first stride
local STAGES = {
  { 1, 16, 1, 1 },
  { 6, 24, 2, 2 },
  { 6, 32, 3, 2 },
  { 6, 64, 4, 2 },
  { 6, 96, 3, 1 },
  { 6, 160, 3, 2 },
  { 6, 320, 1, 1 },
}

local norm = pieces.padded_norm

local function inverted_residual(b, x, expansion, channels, stride)
  local width, y = b:shape(x)[3], x
  if expansion > 1 then
    y = b:relu6(norm(b, y, 1, expansion * width, 1))
  end
  y = b:depthwise(y, { kernel = 3, stride = stride, padding = { 1, 1, 1, 1 } })
  y = norm(b, b:relu6(b:batchnorm(y)), 1, channels, 1)
  return stride == 1 and width == channels and b:add(x, y) or y
end

local function assemble(b, x)
  x = b:relu6(norm(b, x, 3, 32, 2))
  for _, stage in ipairs(STAGES) do
    local expansion, channels, repetitions, stride = table.unpack(stage)
    for i = 1, repetitions do
      x = inverted_residual(b, x, expansion, channels, i == 1 and stride or 1)
    end
  end
  x = b:relu6(norm(b, x, 1, 1280, 1))
  return b:matmul(b:mean(x), { units = 1000, bias = true })
end

return {
  mobilenet_v2 = {
    about = "MobileNetV2",
    family = "mobilenet",
    input = { 224, 224, 3 },
    normalisers = { 224, 224, 1280 },
    assemble = assemble,
  },
}
