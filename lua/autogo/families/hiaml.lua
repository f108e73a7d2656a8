--- HiAML: four stages of two blocks, each stage with one of 14 block types.
--
-- A configuration is the list of the four block names, its string the same joined by commas:
-- `src1,src1,r30,src3`. 14^4 = 38,416 networks.
--
-- Source: families.md section 6.
-- @module autogo.families.hiaml

local family = require "autogo.families.family"
local pieces = require "autogo.families.pieces"
local shown = require("autogo.spelling").shown

local norm, relu, separated = pieces.conv_norm, pieces.conv_relu, pieces.separated

-- The block's input itself where it already has the output's shape, else a projection of it.
local function projection(b, x, c, s)
  if s == 1 and b:shape(x)[3] == c then
    return x
  end
  return norm(b, x, 1, c, s)
end

-- block name -> function (builder, input, output channels, stride); statements stand in the order
-- in which the nodes are created.
local BLOCKS = {}

function BLOCKS.z(b, x, c, s)
  local first = relu(b, x, 3, c, s)
  return b:relu(b:add(first, separated(b, first, 3, c)))
end

function BLOCKS.a22(b, x, c, s)
  local first = relu(b, x, 3, c, s)
  local last = norm(b, relu(b, first, 1, c), 1, c)
  return b:relu(b:add(first, last))
end

function BLOCKS.b23(b, x, c, s)
  local shortcut = projection(b, x, c, s)
  local main = separated(b, separated(b, x, 3, c, s), 3, c)
  return b:relu(b:add(shortcut, main))
end

function BLOCKS.j30(b, x, c, s)
  local shortcut = projection(b, x, c, s)
  local main = separated(b, relu(b, x, 3, c, s), 3, c)
  return b:relu(b:add(shortcut, main))
end

function BLOCKS.g30(b, x, c, s)
  local shortcut = projection(b, x, c, s)
  local first = separated(b, x, 3, c, s)
  local sum = b:add(shortcut, first)
  local last = norm(b, separated(b, sum, 3, c), 1, c)
  return b:relu(b:add(first, last))
end

function BLOCKS.r30(b, x, c, s)
  local early = projection(b, x, c, s)
  local late = projection(b, x, c, s)
  local first = separated(b, x, 3, c, s)
  local middle = norm(b, b:add(early, first), 1, c)
  local last = separated(b, first, 3, c)
  return b:relu(b:add(b:add(late, middle), last))
end

function BLOCKS.l20(b, x, c, s)
  return b:relu(norm(b, relu(b, x, 3, c, s), 1, c))
end

function BLOCKS.t20(b, x, c, s)
  local shortcut = norm(b, x, 1, c, s)
  return b:relu(b:add(shortcut, separated(b, x, 3, c, s)))
end

function BLOCKS.t31(b, x, c, s)
  local early = projection(b, x, c, s)
  local late = projection(b, x, c, s)
  local first = separated(b, x, 3, c, s)
  local middle = relu(b, first, 1, c)
  local last = separated(b, b:add(early, middle), 3, c)
  return b:relu(b:add(b:add(late, middle), last))
end

function BLOCKS.src0(b, x, c, s)
  local first = relu(b, x, 1, c, s)
  local last = norm(b, relu(b, first, 3, c), 3, c)
  return b:relu(b:add(first, last))
end

function BLOCKS.src1(b, x, c, s)
  local first = relu(b, x, 1, c, s)
  local last = norm(b, relu(b, x, 3, b:shape(x)[3]), 3, c, s)
  return b:relu(b:add(first, last))
end

function BLOCKS.src3(b, x, c, s)
  local first = norm(b, x, 1, c, s)
  local last = relu(b, x, 1, b:shape(x)[3])
  last = norm(b, relu(b, last, 3, c, s), 1, c)
  return b:relu(b:add(first, last))
end

function BLOCKS.src7(b, x, c, s)
  local first = norm(b, x, 1, c, s)
  local last = separated(b, separated(b, first, 3, c), 3, c)
  return b:relu(b:add(first, last))
end

function BLOCKS.src8(b, x, c, s)
  local first = norm(b, x, 1, c, s)
  local last = norm(b, separated(b, first, 3, c), 1, c)
  return b:relu(b:add(first, last))
end

local NAMES = family.keys(BLOCKS)

-- Channels of each stage's output, and the stride of its first block.
local STAGES = { { 64, 1 }, { 128, 2 }, { 128, 1 }, { 256, 2 } }

local function check(config)
  if #config ~= #STAGES then
    return nil, ("%d blocks expected, got %d"):format(#STAGES, #config)
  end
  for stage, name in ipairs(config) do
    if not BLOCKS[name] then
      return nil, ("stage %d: unknown block '%s'"):format(stage - 1, shown(name))
    end
  end
  return true
end

local function assemble(b, x, config)
  x = relu(b, x, 3, 64, 2)
  for stage, name in ipairs(config) do
    local channels, stride = table.unpack(STAGES[stage])
    x = BLOCKS[name](b, x, channels, stride)
    x = BLOCKS[name](b, x, channels, 1)
  end
  return pieces.head(b, x)
end

return family.define {
  name = "hiaml",
  size = 38416,
  about = "HiAML, four stages of 14 block types: 38,416 networks",
  check = check,
  parse = function(text)
    return family.split(text, ",")
  end,
  format = function(config)
    return table.concat(config, ",")
  end,
  assemble = assemble,
  sample = function(stream)
    local config = {}
    for stage = 1, #STAGES do
      config[stage] = stream:choice(NAMES)
    end
    return config
  end,
  each = function()
    return family.tuples(NAMES, #STAGES)
  end,
}
