--- FSRCNN-3 and FSRCNN-4 (super-resolution, x3 to full HD) with one and two mapping layers.
-- Source: Dong et al., 2016; families.md section 9.5.
-- @module autogo.zoo.fsrcnn

local SCALE, WIDE, NARROW = 3, 24, 16

local function conv(b, x, kernel, filters)
  return b:conv(x, { kernel = kernel, filters = filters, bias = true })
end

local function fsrcnn(mappings)
  return {
    about = ("FSRCNN, x3 super-resolution with %d mapping layer(s)"):format(mappings),
    family = "fsrcnn",
    input = { 360, 640, 1 },
    normalisers = { 1080, 1920, WIDE },
    assemble = function(b, x)
      x = b:relu(conv(b, x, 5, WIDE))
      x = b:relu(conv(b, x, 1, NARROW))
      for _ = 1, mappings do
        x = b:relu(conv(b, x, 3, NARROW))
      end
      x = b:relu(conv(b, x, 1, WIDE))
      return b:depth_to_space(conv(b, x, 3, SCALE * SCALE), { ratio = SCALE })
    end,
  }
end

return { fsrcnn3 = fsrcnn(1), fsrcnn4 = fsrcnn(2) }
