--- A denoising U-Net of three levels that predicts the correction of a one-channel image.
-- Source: Ronneberger et al., 2015; families.md section 9.6.
-- @module autogo.zoo.unet

local WIDTHS = { 32, 64, 128 }

local function conv(b, x, filters)
  return b:conv(x, { kernel = 3, filters = filters, bias = true })
end

local function double_conv(b, x, filters)
  return b:relu(conv(b, b:relu(conv(b, x, filters)), filters))
end

-- Depth-to-space by 2 quarters the channels, so that `width` remain.
local function up(b, x, width)
  return b:depth_to_space(conv(b, x, 4 * width), { ratio = 2 })
end

local function assemble(b, image)
  local skips, x = {}, image
  for level, width in ipairs(WIDTHS) do
    if level > 1 then
      x = b:maxpool(x, { kernel = 2, stride = 2 })
    end
    x = double_conv(b, x, width)
    skips[level] = x
  end
  for level = #WIDTHS - 1, 1, -1 do
    local width = WIDTHS[level]
    x = double_conv(b, b:concat(up(b, x, width), skips[level]), width)
  end
  return b:add(conv(b, x, 1), image)
end

return {
  unet_denoise = {
    about = "U-Net for denoising, three levels",
    family = "unet",
    input = { 256, 256, 1 },
    normalisers = { 256, 256, 256 },
    assemble = assemble,
  },
}
