--- Two-Path: two sequences of blocks that start from one stem and meet in one concatenation.
--
-- A configuration is `{ path1 = {block, ...}, reduce1 = {i, j}, path2 = ..., reduce2 = ... }`: a block
-- is a list of one to three ops, reduce lists the two blocks (counted from 0) that halve the image.
-- Its string joins ops by commas, blocks by plus signs, marks reducing blocks with /2, and the paths
-- stand on either side of a bar: `conv5x5/2+conv5x5/2|double3x3/2+conv1x1,conv3x3/2`.
--
-- Source: families.md section 8.
-- @module autogo.families.two_path

local family = require "autogo.families.family"
local pieces = require "autogo.families.pieces"
local shown = require("autogo.spelling").shown

local MAX_BLOCKS, MAX_OPS = 4, 3

-- Two convolutions with norms, no activation; `width` input channels -> hidden channels.
local function bottleneck(kernel, width)
  return function(b, x, c, s)
    local hidden = math.max(1, width(b:shape(x)[3]))
    return pieces.conv_norm(b, pieces.conv_norm(b, x, kernel, hidden, s), kernel, c)
  end
end

local function half(c)
  return c // 2
end
local function quarter(c)
  return c // 4
end
local function double(c)
  return 2 * c
end

-- op -> function (builder, input, output channels, stride)
local CONVS = {
  conv3x3 = function(b, x, c, s)
    return pieces.conv_relu6(b, x, 3, c, s)
  end,
  conv5x5 = function(b, x, c, s)
    return pieces.conv_relu6(b, x, 5, c, s)
  end,
  double3x3 = function(b, x, c, s)
    return pieces.conv_relu6(b, pieces.conv_relu6(b, x, 3, b:shape(x)[3], s), 3, c)
  end,
  ["bottleneck-r2-k3"] = bottleneck(3, half),
  ["bottleneck-r4-k3"] = bottleneck(3, quarter),
  ["bottleneck-e2-k3"] = bottleneck(3, double),
  inception_s3x3 = function(b, x, c, s)
    return pieces.separated(b, x, 3, c, s)
  end,
  inception_s5x5 = function(b, x, c, s)
    return pieces.separated(b, x, 5, c, s)
  end,
}

local SUPPORTS = {
  conv1x1 = function(b, x, c)
    return pieces.conv_relu6(b, x, 1, c)
  end,
  ["bottleneck-r2-k1"] = bottleneck(1, half),
  ["bottleneck-e2-k1"] = bottleneck(1, double),
  avgpool3x3 = function(b, x)
    return pieces.pool_norm(b, x, "avgpool")
  end,
  maxpool3x3 = function(b, x)
    return pieces.pool_norm(b, x, "maxpool")
  end,
}

local CONV_NAMES, SUPPORT_NAMES = family.keys(CONVS), family.keys(SUPPORTS)

-- --- configurations -----------------------------------------------------------------------------

local function check_block(block, where)
  if type(block) ~= "table" or #block < 1 or #block > MAX_OPS then
    return nil, ("%s: 1 to %d ops expected"):format(where, MAX_OPS)
  end
  local convs = 0
  for _, op in ipairs(block) do
    if CONVS[op] then
      convs = convs + 1
    elseif not SUPPORTS[op] then
      return nil, ("%s: unknown op '%s'"):format(where, shown(op))
    end
  end
  if convs == 0 then
    return nil, where .. ": at least one convolution expected"
  end
  return true
end

local function check_path(path, reduce, name)
  if type(path) ~= "table" or #path < 2 or #path > MAX_BLOCKS then
    return nil, ("%s: 2 to %d blocks expected"):format(name, MAX_BLOCKS)
  end
  local good = type(reduce) == "table" and #reduce == 2 and reduce[1] ~= reduce[2]
  for i = 1, 2 do
    good = good and math.tointeger(reduce[i]) and reduce[i] >= 0 and reduce[i] < #path
  end
  if not good then
    return nil, ("%s: exactly two of its blocks must reduce"):format(name)
  end
  for i, block in ipairs(path) do
    local fine, why = check_block(block, ("%s, block %d"):format(name, i - 1))
    if not fine then
      return nil, why
    end
  end
  return true
end

local function check(config)
  local good, why = check_path(config.path1, config.reduce1, "path1")
  if not good then
    return nil, why
  end
  return check_path(config.path2, config.reduce2, "path2")
end

local function parse_path(text)
  local path, reduce = {}, {}
  for i, block in ipairs(family.split(text, "+")) do
    local plain, reduces = block:gsub("/2$", "")
    path[i] = family.split(plain, ",")
    if reduces == 1 then
      reduce[#reduce + 1] = i - 1
    end
  end
  return path, reduce
end

local function parse(text)
  local paths = family.split(text, "|")
  if #paths ~= 2 then
    return nil, ("two paths joined by a bar expected, got %d"):format(#paths)
  end
  local config = {}
  config.path1, config.reduce1 = parse_path(paths[1])
  config.path2, config.reduce2 = parse_path(paths[2])
  return config
end

local function format_path(path, reduce)
  local reduces, blocks = family.set(reduce), {}
  for i, block in ipairs(path) do
    blocks[i] = table.concat(block, ",") .. (reduces[i - 1] and "/2" or "")
  end
  return table.concat(blocks, "+")
end

local function format(config)
  return format_path(config.path1, config.reduce1) .. "|" .. format_path(config.path2, config.reduce2)
end

-- --- the network --------------------------------------------------------------------------------

local function same_shape(b, x, y)
  local p, q = b:shape(x), b:shape(y)
  return p[1] == q[1] and p[2] == q[2] and p[3] == q[3]
end

-- The first convolution takes the stride and changes the channels, all else keeps both.
local function block(b, x, ops, channels, stride)
  local y, reduced = x, false
  for _, op in ipairs(ops) do
    if CONVS[op] and not reduced then
      y, reduced = CONVS[op](b, y, channels, stride), true
    else
      y = (CONVS[op] or SUPPORTS[op])(b, y, b:shape(y)[3], 1)
    end
  end
  return same_shape(b, x, y) and b:add(y, x) or y
end

local function path(b, x, blocks, reduce)
  local reduces = family.set(reduce)
  for i, ops in ipairs(blocks) do
    local stride = reduces[i - 1] and 2 or 1
    x = block(b, x, ops, b:shape(x)[3] * stride, stride)
  end
  return x
end

local function assemble(b, x, config)
  local stem = pieces.conv_relu6(b, pieces.conv_relu6(b, x, 3, 32), 3, 32, 2)
  local first = path(b, stem, config.path1, config.reduce1)
  local second = path(b, stem, config.path2, config.reduce2)
  return pieces.dropout_head(b, pieces.conv_relu6(b, b:concat(first, second), 3, 512))
end

-- --- sampling -----------------------------------------------------------------------------------

local function sample_block(stream)
  local ops, supported = { stream:choice(CONV_NAMES) }, false
  for i = 2, stream:range(1, MAX_OPS) do
    if not supported and stream:chance(#SUPPORT_NAMES, #SUPPORT_NAMES + #CONV_NAMES) then
      ops[i], supported = stream:choice(SUPPORT_NAMES), true
    else
      ops[i] = stream:choice(CONV_NAMES)
    end
  end
  return stream:shuffle(ops)
end

local function sample_path(stream)
  local blocks = {}
  for i = 1, stream:range(2, MAX_BLOCKS) do
    blocks[i] = sample_block(stream)
  end
  return blocks, stream:subset(2, 0, #blocks - 1)
end

return family.define {
  name = "two_path",
  about = "Two-Path, two sequences of 2 to 4 blocks of 1 to 3 ops",
  check = check,
  parse = parse,
  format = format,
  assemble = assemble,
  sample = function(stream)
    local config = {}
    config.path1, config.reduce1 = sample_path(stream)
    config.path2, config.reduce2 = sample_path(stream)
    return config
  end,
}
