--- DenseNet-121, torchvision's layout.
-- Source: Huang et al., 2016.
-- @module autogo.zoo.densenet

local pieces = require "autogo.families.pieces"

local GROWTH, BOTTLENECK = 32, 4 * 32
local DEPTHS = { 6, 12, 24, 16 }

local padded = pieces.padded_conv

local function joined(b, features)
  return #features > 1 and b:concat(table.unpack(features)) or features[1]
end

local function dense_layer(b, features)
  local x = b:relu(b:batchnorm(joined(b, features)))
  x = b:relu(b:batchnorm(padded(b, x, 1, BOTTLENECK, 1)))
  return padded(b, x, 3, GROWTH, 1)
end

local function dense_block(b, x, depth)
  local features = { x }
  for i = 1, depth do
    features[i + 1] = dense_layer(b, features)
  end
  return joined(b, features)
end

local function transition(b, x)
  x = padded(b, b:relu(b:batchnorm(x)), 1, b:shape(x)[3] // 2, 1)
  return b:avgpool(x, { kernel = 2, stride = 2, padding = "valid" })
end

local function assemble(b, x)
  x = b:relu(b:batchnorm(padded(b, x, 7, 2 * GROWTH, 2)))
  x = b:maxpool(x, { kernel = 3, stride = 2, padding = { 1, 1, 1, 1 } })
  for i, depth in ipairs(DEPTHS) do
    x = dense_block(b, i > 1 and transition(b, x) or x, depth)
  end
  return b:matmul(b:mean(b:relu(b:batchnorm(x))), { units = 1000, bias = true })
end

return {
  densenet121 = {
    about = "DenseNet-121",
    family = "densenet",
    input = { 224, 224, 3 },
    normalisers = { 224, 224, 1024 },
    assemble = assemble,
  },
}
