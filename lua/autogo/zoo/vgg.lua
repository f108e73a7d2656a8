--- VGG with batch norm, and the AutoGO publication's with a single dense layer.
-- Source: Simonyan and Zisserman, 2014; families.md section 9.3.
-- @module autogo.zoo.vgg

local pieces = require "autogo.families.pieces"

local WIDTHS = { 64, 128, 256, 512, 512 }
local CLASSES = 1000

local function features(b, x, depths)
  for group, depth in ipairs(depths) do
    for _ = 1, depth do
      x = pieces.conv_relu(b, x, 3, WIDTHS[group], 1, true)
    end
    x = b:maxpool(x, { kernel = 2, stride = 2, padding = "valid" })
  end
  return x
end

local function dense_head(b, x)
  x = b:node("flatten", { x })
  x = b:relu(b:matmul(x, { units = 4096, bias = true }))
  x = b:relu(b:matmul(x, { units = 4096, bias = true }))
  return b:matmul(x, { units = CLASSES, bias = true })
end

local function mean_head(b, x)
  return b:matmul(b:mean(x), { units = CLASSES, bias = true })
end

local function entry(about, depths, head)
  return {
    about = about,
    family = "vgg",
    input = { 224, 224, 3 },
    normalisers = { 224, 224, 1000 },
    assemble = function(b, x)
      return head(b, features(b, x, depths))
    end,
  }
end

return {
  vgg11_bn = entry("VGG-11 with batch norm", { 1, 1, 2, 2, 2 }, dense_head),
  vgg13_bn = entry("VGG-13 with batch norm", { 2, 2, 2, 2, 2 }, dense_head),
  vgg16_bn = entry("VGG-16 with batch norm", { 2, 2, 3, 3, 3 }, dense_head),
  vgg19_bn = entry("VGG-19 with batch norm", { 2, 2, 4, 4, 4 }, dense_head),
  vgg16_published = entry("VGG-16 of the AutoGO publication", { 2, 2, 3, 3, 3 }, mean_head),
}
