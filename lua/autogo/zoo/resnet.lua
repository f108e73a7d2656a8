--- ResNet: the textbook networks, and the shortened ones of the AutoGO publication.
--
-- resnet18 .. resnet152 have torchvision's layout: stride in the 3x3 convolution of a bottleneck,
-- explicit pads, projection shortcuts. resnet50_published and resnet101_published are the graphs
-- published with AutoGO, three blocks short, with biases and striding pools between stages.
--
-- Source: He et al., "Deep residual learning", 2015; families.md section 9.2.
-- @module autogo.zoo.resnet

local pieces = require "autogo.families.pieces"

local CLASSES = 1000

local padded = pieces.padded_norm

local function shortcut(b, x, channels, stride)
  if stride == 1 and b:shape(x)[3] == channels then
    return x
  end
  return padded(b, x, 1, channels, stride)
end

local function basic_block(b, x, width, stride)
  local y = b:relu(padded(b, x, 3, width, stride))
  y = padded(b, y, 3, width, 1)
  return b:relu(b:add(y, shortcut(b, x, width, stride)))
end

local function bottleneck_block(b, x, width, stride)
  local y = b:relu(padded(b, x, 1, width, 1))
  y = b:relu(padded(b, y, 3, width, stride))
  y = padded(b, y, 1, 4 * width, 1)
  return b:relu(b:add(y, shortcut(b, x, 4 * width, stride)))
end

local function standard(block, depths)
  return function(b, x)
    x = b:relu(padded(b, x, 7, 64, 2))
    x = b:maxpool(x, { kernel = 3, stride = 2, padding = { 1, 1, 1, 1 } })
    for stage, depth in ipairs(depths) do
      for i = 1, depth do
        x = block(b, x, 32 << stage, stage > 1 and i == 1 and 2 or 1)
      end
    end
    return b:matmul(b:mean(x), { units = CLASSES, bias = true })
  end
end

local function published_block(b, x, width, first)
  local projected = first and pieces.conv_norm(b, x, 1, 4 * width, 1, true) or x
  local y = pieces.conv_relu(b, x, 1, width, 1, true)
  y = pieces.conv_relu(b, y, 3, width, 1, true)
  y = pieces.conv_norm(b, y, 1, 4 * width, 1, true)
  return b:relu(b:add(projected, y))
end

local function published(depths)
  return function(b, x)
    x = b:conv(x, { kernel = 7, filters = 64, stride = 2, padding = "valid", bias = true })
    x = b:relu(b:batchnorm(x))
    x = b:maxpool(x, { kernel = 3, stride = 2, padding = "valid" })
    for stage, depth in ipairs(depths) do
      if stage > 1 then
        x = b:relu(b:maxpool(x, { kernel = 1, stride = 2, padding = "valid" }))
      end
      for i = 1, depth do
        x = published_block(b, x, 32 << stage, i == 1)
      end
    end
    x = b:avgpool(x, { kernel = 7, stride = 1, padding = "valid" })
    return b:conv(x, { kernel = 1, filters = CLASSES, bias = true })
  end
end

local function entry(about, assemble, widest)
  return {
    about = about,
    family = "resnet",
    input = { 224, 224, 3 },
    normalisers = { 224, 224, widest },
    assemble = assemble,
  }
end

return {
  resnet18 = entry("ResNet-18", standard(basic_block, { 2, 2, 2, 2 }), 1000),
  resnet34 = entry("ResNet-34", standard(basic_block, { 3, 4, 6, 3 }), 1000),
  resnet50 = entry("ResNet-50", standard(bottleneck_block, { 3, 4, 6, 3 }), 2048),
  resnet101 = entry("ResNet-101", standard(bottleneck_block, { 3, 4, 23, 3 }), 2048),
  resnet152 = entry("ResNet-152", standard(bottleneck_block, { 3, 8, 36, 3 }), 2048),
  resnet50_published = entry("ResNet-50 of the AutoGO publication", published { 2, 3, 5, 3 }, 2048),
  resnet101_published = entry("ResNet-101 of the AutoGO publication", published { 2, 3, 22, 3 }, 2048),
}
