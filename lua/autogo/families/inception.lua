--- Inception: four stages, each with a block of its own of one to four parallel paths.
--
-- A configuration is the list of the four stages `{ n = repetitions, paths = { { ops = {...},
-- C_internal = width inside, C_out = width at the end }, ... } }`. Its string joins ops by commas,
-- appends the two widths after colons, joins paths by plus signs and stages by bars:
-- `6xdepthwise5x5:16:16+depthwise5x5,conv5x5:16:16|2xconv5x5,double1x1:128:64|...`.
--
-- Source: families.md section 7.
-- @module autogo.families.inception

local family = require "autogo.families.family"
local pieces = require "autogo.families.pieces"
local shown = require("autogo.spelling").shown

local STAGE_CHANNELS = { 32, 64, 128, 256 }
local MIN_REPEATS, MAX_REPEATS = 2, 6
local MIN_WIDTH = 16 -- of paths, when sampled

local function conv_relu6(b, x, kernel, c, stride)
  return pieces.conv_relu6(b, x, kernel, c, stride, true)
end

local function plain(kernel)
  return function(b, x, c, s)
    return conv_relu6(b, x, kernel, c, s)
  end
end

-- Only this projection has neither bias nor norm.
local function depthwise(kernel)
  return function(b, x, c, s)
    if b:shape(x)[3] ~= c then
      x = b:conv(x, { kernel = 1, filters = c })
    end
    return b:relu6(b:batchnorm(b:depthwise(x, { kernel = kernel, stride = s, bias = true })))
  end
end

-- Unlike pieces.separated, each half takes the stride along its own axis.
local function separated(kernel)
  return function(b, x, c, s)
    x = conv_relu6(b, x, { 1, kernel }, c, { 1, s })
    return conv_relu6(b, x, { kernel, 1 }, c, { s, 1 })
  end
end

-- Rows and columns in parallel, each with half of the channels.
local function parallel(kernel)
  local row, column = { 1, kernel }, { kernel, 1 }
  local function norm(b, x, window, c, stride)
    return pieces.conv_norm(b, x, window, c, stride, true)
  end
  return function(b, x, c, s)
    local left, right
    if s == 1 then
      left = norm(b, x, row, c // 2)
      right = norm(b, x, column, c - c // 2)
    else
      left = norm(b, norm(b, x, row, c // 2, { 1, s }), column, c // 2, { s, 1 })
      right = norm(b, norm(b, x, column, c - c // 2, { s, 1 }), row, c - c // 2, { 1, s })
    end
    return b:relu6(b:concat(left, right))
  end
end

-- op -> function (builder, input, output channels, stride)
local CONVS = {
  conv3x3 = plain(3),
  conv5x5 = plain(5),
  depthwise3x3 = depthwise(3),
  depthwise5x5 = depthwise(5),
  inception_s3x3 = separated(3),
  inception_s5x5 = separated(5),
  inception_p3x3 = parallel(3),
  inception_p5x5 = parallel(5),
}

local SUPPORTS = {
  conv1x1 = plain(1),
  double1x1 = function(b, x, c)
    return conv_relu6(b, conv_relu6(b, x, 1, c), 1, c)
  end,
  avgpool3x3 = function(b, x)
    return pieces.pool_norm(b, x, "avgpool")
  end,
  maxpool3x3 = function(b, x)
    return pieces.pool_norm(b, x, "maxpool")
  end,
}

local CONV_NAMES, SUPPORT_NAMES = family.keys(CONVS), family.keys(SUPPORTS)

local function changes_channels(op)
  return CONVS[op] ~= nil or op == "conv1x1" or op == "double1x1"
end

-- First and last op that can change the channels, and the first convolution, which takes the stride.
local function landmarks(ops)
  local first, last, strided
  for i, op in ipairs(ops) do
    if changes_channels(op) then
      first, last = first or i, i
    end
    if CONVS[op] then
      strided = strided or i
    end
  end
  return first, last, strided
end

-- --- configurations -----------------------------------------------------------------------------

local function is_width(value)
  return math.tointeger(value) and value >= 1 and value <= 1 << 16
end

local function check_path(path, where)
  if type(path) ~= "table" or type(path.ops) ~= "table" then
    return nil, where .. ": a table with ops, C_internal and C_out expected"
  elseif not is_width(path.C_internal) or not is_width(path.C_out) then
    return nil, where .. ": C_internal and C_out must be positive integers"
  end
  for _, op in ipairs(path.ops) do
    if not CONVS[op] and not SUPPORTS[op] then
      return nil, ("%s: unknown op '%s'"):format(where, shown(op))
    elseif op:find "^inception_p" and math.min(path.C_internal, path.C_out) < 2 then
      return nil, ("%s: %s needs at least 2 channels"):format(where, op)
    end
  end
  local first, last, strided = landmarks(path.ops)
  if not strided then
    return nil, where .. ": at least one convolution expected"
  elseif first == last and path.C_internal ~= path.C_out then
    return nil, where .. ": with one op that sets channels, C_internal and C_out must be equal"
  end
  return true
end

local function check(config)
  if #config ~= #STAGE_CHANNELS then
    return nil, ("%d stages expected, got %d"):format(#STAGE_CHANNELS, #config)
  end
  for i, stage in ipairs(config) do
    local where = "stage " .. i - 1
    local repeats = type(stage) == "table" and math.tointeger(stage.n)
    if not repeats or repeats < MIN_REPEATS or repeats > MAX_REPEATS then
      return nil, ("%s: n of %d to %d expected"):format(where, MIN_REPEATS, MAX_REPEATS)
    elseif type(stage.paths) ~= "table" or #stage.paths < 1 or #stage.paths > 4 then
      return nil, where .. ": 1 to 4 paths expected"
    end
    for p, path in ipairs(stage.paths) do
      local good, why = check_path(path, ("%s, path %d"):format(where, p - 1))
      if not good then
        return nil, why
      end
    end
  end
  return true
end

local function parse_stage(text)
  local repeats, rest = text:match "^(%d+)x(.+)$"
  if not repeats then
    return nil, "a stage like 2xconv3x3:64:64 expected, got '" .. text .. "'"
  end
  local stage = { n = math.tointeger(repeats), paths = {} }
  for i, path in ipairs(family.split(rest, "+")) do
    local ops, internal, out = path:match "^([%w_,]+):(%d+):(%d+)$"
    if not ops then
      return nil, "a path like conv3x3,conv1x1:64:32 expected, got '" .. path .. "'"
    end
    stage.paths[i] = {
      ops = family.split(ops, ","),
      C_internal = math.tointeger(internal),
      C_out = math.tointeger(out),
    }
  end
  return stage
end

local function parse(text)
  local config = {}
  for i, part in ipairs(family.split(text, "|")) do
    local stage, why = parse_stage(part)
    if not stage then
      return nil, why
    end
    config[i] = stage
  end
  return config
end

local function format(config)
  local stages = {}
  for i, stage in ipairs(config) do
    local paths = {}
    for p, path in ipairs(stage.paths) do
      paths[p] = ("%s:%d:%d"):format(table.concat(path.ops, ","), path.C_internal, path.C_out)
    end
    stages[i] = ("%dx%s"):format(stage.n, table.concat(paths, "+"))
  end
  return table.concat(stages, "|")
end

-- --- the network --------------------------------------------------------------------------------

-- The first op that can sets the width inside, the first convolution reduces the image, the last op
-- that can restores the path's width (families.md 7.3).
local function build_path(b, x, path, stride)
  local first, last, strided = landmarks(path.ops)
  for i, op in ipairs(path.ops) do
    local width = b:shape(x)[3]
    if i == first then
      width = path.C_internal
    elseif i == last then
      width = path.C_out
    end
    x = (CONVS[op] or SUPPORTS[op])(b, x, width, i == strided and stride or 1)
  end
  return x
end

local function block(b, x, paths, channels, stride)
  local ends, width = {}, 0
  for i, path in ipairs(paths) do
    ends[i] = build_path(b, x, path, stride)
    width = width + b:shape(ends[i])[3]
  end
  local y = #ends > 1 and b:concat(table.unpack(ends)) or ends[1]
  if width ~= channels then
    y = pieces.conv_norm(b, y, 1, channels, 1, true)
  end
  if stride == 1 and b:shape(x)[3] == channels then
    return b:add(y, x)
  end
  return y
end

local function assemble(b, x, config)
  x = conv_relu6(b, x, 3, 32)
  for i, stage in ipairs(config) do
    for repetition = 1, stage.n do
      local stride = i > 1 and repetition == 1 and 2 or 1
      x = block(b, x, stage.paths, STAGE_CHANNELS[i], stride)
    end
  end
  return pieces.dropout_head(b, conv_relu6(b, x, 3, 512))
end

-- --- sampling (families.md 7.4) -------------------------------------------------------------------

local MAX_OPS = { 3, 4, 8, 10 } -- in a block of so many paths
local MIN_OPS = { 1, 1, 2, 2 }  -- in each of them

local function sample_widths(stream, paths, channels)
  local widths = {}
  for i = 1, paths do
    widths[i] = channels // paths
  end
  widths[paths] = channels - (paths - 1) * (channels // paths)
  if paths == 3 then
    widths = { channels // 2, channels // 4, channels - channels // 2 - channels // 4 }
  end
  for i, width in ipairs(widths) do
    widths[i] = math.max(width, MIN_WIDTH)
  end
  return stream:shuffle(widths)
end

local function sample_ops(stream, count)
  local ops, supported = { stream:choice(CONV_NAMES) }, false
  for i = 2, count do
    if not supported and stream:chance(#SUPPORT_NAMES, #SUPPORT_NAMES + #CONV_NAMES) then
      ops[i], supported = stream:choice(SUPPORT_NAMES), true
    else
      ops[i] = stream:choice(CONV_NAMES)
    end
  end
  return stream:shuffle(ops)
end

local function sample_internal(stream, ops, out)
  local first, last = landmarks(ops)
  if first == last then
    return out
  end
  local draw = stream:below(10)
  if draw < 3 then
    return math.max(out // 2, MIN_WIDTH)
  end
  return draw < 9 and out or 2 * out
end

local function sample_stage(stream, channels)
  local paths = stream:range(1, 4)
  local stage = { n = stream:range(MIN_REPEATS, MAX_REPEATS), paths = {} }
  local widths, left = sample_widths(stream, paths, channels), MAX_OPS[paths]
  for i = 1, paths do
    local count = stream:range(MIN_OPS[paths], left - MIN_OPS[paths] * (paths - i))
    left = left - count
    local ops = sample_ops(stream, count)
    stage.paths[i] =
      { ops = ops, C_internal = sample_internal(stream, ops, widths[i]), C_out = widths[i] }
  end
  return stage
end

return family.define {
  name = "inception",
  about = "Inception, four stages of blocks of 1 to 4 parallel paths",
  check = check,
  parse = parse,
  format = format,
  assemble = assemble,
  sample = function(stream)
    local config = {}
    for i, channels in ipairs(STAGE_CHANNELS) do
      config[i] = sample_stage(stream, channels)
    end
    return config
  end,
}
