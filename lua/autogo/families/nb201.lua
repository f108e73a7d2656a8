--- NAS-Bench-201: a cell of four tensors and six edges, each edge with one of five ops.
--
-- A configuration is the list of the ops on edges 0-1, 0-2, 1-2, 0-3, 1-3, 2-3; its string is the
-- benchmark's own, `|op~0|+|op~0|op~1|+|op~0|op~1|op~2|`.
--
-- Option `skip` says what an edge with skip_connect becomes:
--
--    "exact"     nothing, and x + x stays an addition of a tensor to itself (the default)
--    "direct"    nothing, and x + x collapses to x, as in the published graph caches
--    "identity"  one identity node, as in the published best graph
--
-- Source: families.md section 5.
-- @module autogo.families.nb201

local family = require "autogo.families.family"
local pieces = require "autogo.families.pieces"
local shown = require("autogo.spelling").shown

local OPS = { "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3", "skip_connect" }
local ALL_OPS = { "none", table.unpack(OPS) }
local IS_OP = family.set(ALL_OPS)
local IS_SKIP_MODE = family.set { "exact", "direct", "identity" }
local EDGES = { "0-1", "0-2", "1-2", "0-3", "1-3", "2-3" }
local CELLS_PER_STAGE = 5

local function check(config)
  if #config ~= 6 then
    return nil, ("6 ops expected, got %d"):format(#config)
  end
  for edge, op in ipairs(config) do
    if not IS_OP[op] then
      return nil, ("edge %s: unknown op '%s'"):format(EDGES[edge], shown(op))
    end
  end
  return true
end

local function format(config)
  return ("|%s~0|+|%s~0|%s~1|+|%s~0|%s~1|%s~2|"):format(table.unpack(config))
end

local function parse(text)
  local config = {}
  for op in text:gmatch "([%w_]+)~" do
    config[#config + 1] = op
  end
  if #config ~= 6 or format(config) ~= text then
    return nil, "a cell like |op~0|+|op~0|op~1|+|op~0|op~1|op~2| expected, got '" .. text .. "'"
  end
  return config
end

local function edge(b, x, op, channels, skip)
  if op == "nor_conv_1x1" then
    return pieces.conv_norm(b, b:relu(x), 1, channels)
  elseif op == "nor_conv_3x3" then
    return pieces.conv_norm(b, b:relu(x), 3, channels)
  elseif op == "avg_pool_3x3" then
    return pieces.pool_norm(b, x, "avgpool")
  elseif op == "none" then
    return b:zero(x)
  end
  return skip == "identity" and b:identity(x) or x
end

local function cell(b, x, config, channels, skip)
  local function add(left, right)
    if left == right and skip == "direct" then
      return left
    end
    return b:add(left, right)
  end
  local e1 = edge(b, x, config[1], channels, skip)
  local e2 = edge(b, x, config[2], channels, skip)
  local e3 = edge(b, e1, config[3], channels, skip)
  local e4 = edge(b, x, config[4], channels, skip)
  local e5 = edge(b, e1, config[5], channels, skip)
  local e6 = edge(b, add(e2, e3), config[6], channels, skip)
  return add(add(e6, e5), e4)
end

-- Halves H and W, doubles the channels. No batch norm: families.md 5.3.
local function reduction(b, x, channels)
  local main = b:relu(b:conv(x, { kernel = 3, filters = channels }))
  main = b:conv(main, { kernel = 3, filters = 2 * channels, stride = 2 })
  local shortcut = b:avgpool(x, { kernel = 3, stride = 2 })
  shortcut = b:conv(shortcut, { kernel = 1, filters = 2 * channels })
  return b:relu(b:add(main, shortcut))
end

local function assemble(b, x, config, options)
  local skip = options.skip or "exact"
  if not IS_SKIP_MODE[skip] then
    local got = type(skip) == "string" and ("'%s'"):format(skip) or "a " .. type(skip)
    error("skip: 'exact', 'direct' or 'identity' expected, got " .. got, 0)
  end
  x = pieces.conv_norm(b, x, 3, 16)
  for stage = 0, 2 do
    local channels = 16 << stage
    if stage > 0 then
      x = reduction(b, x, channels // 2)
    end
    for _ = 1, CELLS_PER_STAGE do
      x = cell(b, x, config, channels, skip)
    end
  end
  return pieces.dropout_head(b, x)
end

-- Tensors as sums of terms in order, skipped edges taken away: addition is associative and does not
-- ask for an order, so equal lists are equal functions.
local function sum(edges)
  local terms = {}
  for _, e in ipairs(edges) do
    if e.op == "skip_connect" then
      table.move(e.from, 1, #e.from, #terms + 1, terms)
    elseif e.op ~= "none" then
      terms[#terms + 1] = ("%s(%s)"):format(e.op, table.concat(e.from, "+"))
    end
  end
  table.sort(terms)
  return terms
end

local function class(config)
  local first = { "x" }
  local second = sum { { op = config[1], from = first } }
  local third = sum { { op = config[2], from = first }, { op = config[3], from = second } }
  return table.concat(sum {
    { op = config[4], from = first },
    { op = config[5], from = second },
    { op = config[6], from = third },
  }, "+")
end

return family.define {
  name = "nb201",
  size = 4096,
  about = "NAS-Bench-201, cells without 'none': 4,096 networks",
  check = check,
  parse = parse,
  format = format,
  assemble = assemble,
  class = class,
  left_out = function(text)
    return text:find("none", 1, true) ~= nil
  end,
  sample = function(stream)
    local config = {}
    for i = 1, 6 do
      config[i] = stream:choice(OPS)
    end
    return config
  end,
  each = function()
    return family.tuples(OPS, 6)
  end,
}
