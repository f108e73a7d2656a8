--- EDSR body (super-resolution): 16 residual blocks between 64-channel feature maps.
-- Source: Lim et al., 2017; families.md section 9.4.
-- @module autogo.zoo.edsr

local BLOCKS, CHANNELS = 16, 64

local function conv(b, x)
  return b:conv(x, { kernel = 3, filters = CHANNELS, bias = true })
end

local function assemble(b, x)
  for _ = 1, BLOCKS do
    x = b:add(conv(b, b:relu(conv(b, x))), x)
  end
  return conv(b, x)
end

return {
  edsr = {
    about = "EDSR body, 16 residual blocks of 64 channels",
    family = "edsr",
    input = { 320, 180, CHANNELS },
    normalisers = { 320, 180, CHANNELS },
    assemble = assemble,
  },
}
