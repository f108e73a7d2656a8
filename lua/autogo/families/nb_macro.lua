--- NAS-Bench-Macro: eight layers, each skipped or an inverted residual of one of two sizes.
--
-- A configuration is the list of eight digits, its string the same joined: `12012012`. 0 = skip,
-- 1 = kernel 3 and expansion 3, 2 = kernel 5 and expansion 6. 3^8 = 6,561 networks.
--
-- Source: families.md section 11; Su et al., "Prioritized architecture sampling with Monto-Carlo
-- tree search", 2021.
-- @module autogo.families.nb_macro

local family = require "autogo.families.family"
local pieces = require "autogo.families.pieces"
local shown = require("autogo.spelling").shown

local LAYERS = 8
local STAGES = { 2, 3, 3 }
local CHOICES = { 0, 1, 2 }
local RESIDUALS = { { kernel = 3, expansion = 3 }, { kernel = 5, expansion = 6 } }

local function check(config)
  if #config ~= LAYERS then
    return nil, ("%d layers expected, got %d"):format(LAYERS, #config)
  end
  for i, choice in ipairs(config) do
    if choice ~= 0 and not RESIDUALS[choice] then
      return nil, ("layer %d: 0, 1 or 2 expected, got '%s'"):format(i - 1, shown(choice))
    end
  end
  return true
end

local function skip(b, x, channels, stride)
  if stride == 1 and b:shape(x)[3] == channels then
    return x
  end
  return pieces.conv_norm(b, x, 1, channels, stride)
end

local function inverted_residual(b, x, channels, stride, size)
  local width = b:shape(x)[3]
  local y = pieces.conv_relu(b, x, 1, size.expansion * width)
  y = b:relu(b:batchnorm(b:depthwise(y, { kernel = size.kernel, stride = stride })))
  y = pieces.conv_norm(b, y, 1, channels)
  return stride == 1 and width == channels and b:add(y, x) or y
end

local function assemble(b, x, config)
  local layer = 0
  x = pieces.conv_relu(b, x, 3, 32)
  for _, layers in ipairs(STAGES) do
    local channels = 2 * b:shape(x)[3]
    for i = 1, layers do
      layer = layer + 1
      local stride, size = i == 1 and 2 or 1, RESIDUALS[config[layer]]
      x = size and inverted_residual(b, x, channels, stride, size) or skip(b, x, channels, stride)
    end
  end
  return pieces.head(b, pieces.conv_relu(b, x, 1, 1280))
end

return family.define {
  name = "nb_macro",
  size = 6561,
  about = "NAS-Bench-Macro, eight layers of three choices: 6,561 networks",
  check = check,
  parse = function(text)
    local config = {}
    for character in text:gmatch "." do
      config[#config + 1] = math.tointeger(character) or character
    end
    return config
  end,
  format = table.concat,
  assemble = assemble,
  sample = function(stream)
    local config = {}
    for i = 1, LAYERS do
      config[i] = stream:choice(CHOICES)
    end
    return config
  end,
  each = function()
    return family.tuples(CHOICES, LAYERS)
  end,
}
