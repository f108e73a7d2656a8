--- Objectives and constraints: what a search weighs against predicted performance.
--
-- An objective is a plain table
--
--    { kind = "per_node" | "per_graph" | "batch" | "combined", name, unit, sense = "min" | "max",
--      eval, ... }
--
-- eval returns a number, or nil for "could not be measured". What it gets depends on the kind: one
-- node (called once per distinct node signature; the results are summed), one graph, a list of
-- graphs (and it returns a list), or the values of `parts`, per-node objectives of the same network.
-- With `limit` a call that takes longer, in seconds, is ended by an error.
-- @module autogo.objective

local core = require "autogo.core"
local scripts = require "autogo.scripts"
local spelling = require "autogo.spelling"

local _, here = ...
local LATENCIES = (here or "lua/autogo/objective.lua"):gsub("objective%.lua$", "") .. "assets/latency/"

local objective = {}

local BUILTIN = { "flops", "params", "peak_memory" }

-- Members and rows of a batch hold costs under the objectives' names, beside fields of their own.
local TAKEN = {}
for _, name in ipairs {
  "score", "predicted", "baseline", "gain", "parent", "graph", "generation", "changes", "splice",
  "origin", "hash", "first", "last", "entry", "variant", "resolved", "removed", "added", "inputs",
  "outputs",
} do
  TAKEN[name] = true
end

local function expect(condition, level, argument, expected, got)
  if not condition then
    error(("%s: %s expected, got %s"):format(argument, expected, spelling.shown(got)), level + 1)
  end
end

-- What a user may state, and what an objective that was made before has besides.
local FIELDS = { "name", "unit", "sense", "eval", "limit", "size", "cache", "parts" }
local KNOWN = { kind = true, predictor = true, family = true }
for _, name in ipairs(FIELDS) do
  KNOWN[name] = true
end

local function check_names(fields, level)
  local name = spelling.unknown(fields, KNOWN)
  if name then
    error(("objective: unknown field '%s'%s"):format(name, spelling.suggest(name, FIELDS)), level + 1)
  end
end

local function make(kind, fields, level)
  level = level + 1
  expect(type(fields) == "table", level, "objective", "a table", fields)
  check_names(fields, level)
  local name, sense, unit = fields.name, fields.sense or "min", fields.unit or ""
  expect(type(name) == "string" and name:find "^[%w_]+$", level, "name",
    "a word of letters, digits and underscores", name)
  if TAKEN[name] then
    error(("name: '%s' is taken: members of a front have a field of that name"):format(name), level)
  end
  expect(sense == "min" or sense == "max", level, "sense", "'min' or 'max'", sense)
  expect(type(unit) == "string", level, "unit", "a string", unit)
  expect(type(fields.eval) == "function", level, "eval", "a function", fields.eval)
  local limit = fields.limit
  expect(limit == nil or type(limit) == "number" and limit > 0, level, "limit", "seconds above 0", limit)
  local made = { kind = kind, name = name, sense = sense, unit = unit, eval = fields.eval }
  made.limit = limit
  if kind == "batch" then
    made.size, made.cache = fields.size or 16, fields.cache
    expect(math.type(made.size) == "integer" and made.size > 0, level, "size", "a positive integer",
      made.size)
    expect(made.cache == nil or type(made.cache) == "string", level, "cache", "a path", made.cache)
  end
  return made
end

--- A cost that is the sum over nodes of a function of one node.
--
-- The node is a table: op, kernel = {h, w}, stride, dilation, groups, bias, h_in, w_in, c_in, h_out,
-- w_out, c_out, macs, flops, params, bytes, inputs (the number of distinct operands).
-- @tparam table fields name, eval, and optionally unit, sense
-- @treturn table objective
function objective.per_node(fields)
  return make("per_node", fields, 1)
end

--- A cost of the whole graph.
-- @tparam table fields name, eval, and optionally unit, sense
-- @treturn table objective
function objective.per_graph(fields)
  return make("per_graph", fields, 1)
end

--- A cost that is measured for several graphs at once, such as on a real device.
-- @tparam table fields name, eval, and optionally unit, sense, size (graphs per call), cache (a file
-- that remembers results)
-- @treturn table objective
function objective.batch(fields)
  return make("batch", fields, 1)
end

--- A cost of the whole graph that is a function of several sums over its nodes, such as the longer of
-- two times. It costs no more than the sums: no child is made for it.
-- @tparam table fields name, parts (per-node objectives), eval (gets their values in that order), and
-- optionally unit, sense
-- @treturn table objective
function objective.combined(fields)
  local made = make("combined", fields, 2)
  local given = type(fields.parts) == "table" and #fields.parts > 0
  expect(given, 2, "parts", "a list of objectives", fields.parts)
  for _, part in ipairs(fields.parts) do
    expect(type(part) == "table" and part.kind == "per_node", 2, "parts", "per-node objectives", part)
  end
  made.parts = fields.parts
  return made
end

--- A bound on an objective: members of the front keep to it.
-- @tparam table fields on = name of the objective; min, max or both
-- @treturn table constraint
function objective.constraint(fields)
  expect(type(fields) == "table", 2, "constraint", "a table", fields)
  expect(type(fields.on) == "string", 2, "on", "the name of an objective", fields.on)
  expect(fields.min or fields.max, 2, "constraint", "min, max or both", "neither")
  for _, bound in ipairs { "min", "max" } do
    local value = fields[bound]
    expect(value == nil or type(value) == "number", 2, bound, "a number", value)
  end
  return { on = fields.on, min = fields.min, max = fields.max }
end

--- A cost that a predictor of whole graphs (GNN) tells, such as one trained by `autogo train --target`.
-- @tparam table fields name, predictor, and optionally family (whose labels give the unit; default: the
-- predictor's only one), unit, sense
-- @treturn table objective
function objective.predicted(fields)
  expect(type(fields) == "table", 2, "objective", "a table", fields)
  local predictor, family = fields.predictor, fields.family or ""
  expect(type(predictor) == "userdata" and predictor.model == "gnn", 2, "predictor", "a GNN", predictor)
  expect(type(family) == "string", 2, "family", "a string", family)
  local made = make("per_graph", {
    name = fields.name, unit = fields.unit, sense = fields.sense,
    eval = function(graph)
      return predictor:label(family, assert(predictor:score(graph)))
    end,
  }, 2)
  made.predictor, made.family = predictor, family
  return made
end

--- Devices whose latency is bundled, learnt from the cells of NAS-Bench-201 at 32 x 32 pixels. Of networks
-- far from these it says little, in order as in milliseconds (`predictor:outside` tells what is far):
-- a roofline, a table of kernels or measurements of one's own know those better.
objective.DEVICES = { "1080ti_1", "2080ti_1", "titan_rtx_256", "gold_6226", "silver_4114", "pixel3",
  "raspi4", "samsung_a50", "eyeriss", "fpga" }

--- Latency on one of `objective.DEVICES`, in milliseconds.
-- @tparam string device
-- @treturn table objective, or nil and a message
function objective.latency(device)
  for _, known in ipairs(objective.DEVICES) do
    if device == known then
      local predictor, why = core.load_predictor(LATENCIES .. device .. ".safetensors")
      if not predictor then
        return nil, why
      end
      return objective.predicted { name = "latency_" .. device, unit = "ms", predictor = predictor }
    end
  end
  return nil, ("unknown device '%s'; known are %s"):format(spelling.shown(device),
    table.concat(objective.DEVICES, ", "))
end

-- Seconds that a call of an objective from a file may take unless it says otherwise; a batch, which
-- may wait for a device, has no limit of its own.
local LIMIT = 60

-- An objective from whatever a script returned, validated once more.
local function adopt(value, where)
  if value == nil then
    return nil, where .. ": the script returned nothing; it must end with, for instance, "
      .. "return ag.objective.per_node { name = ..., eval = function(node) ... end }"
  elseif type(value) ~= "table" then
    return nil, ("%s: the script must return an objective, not a %s"):format(where, type(value))
  end
  local kind = value.kind or "per_node"
  if kind ~= "per_node" and kind ~= "per_graph" and kind ~= "batch" and kind ~= "combined" then
    return nil, ("%s: unknown kind of objective '%s'; known are per_node, per_graph, batch and combined")
      :format(where, spelling.shown(kind))
  end
  local good, result
  if kind == "combined" then
    good, result = pcall(objective.combined, value)
  else
    good, result = pcall(make, kind, value, 0)
  end
  if not good then
    return nil, ("%s: %s"):format(where, (result:gsub("^[^\n:]*%.lua:%d+: ", ""))) -- the place is ours
  end
  return result
end

-- Objectives named KIND:REST: the module that makes them from the rest.
local MAKERS = {
  roofline = "autogo.hardware.roofline", table = "autogo.hardware.kernel_table",
  measured = "autogo.hardware.measured", npu = "autogo.objectives.npu",
  fitted = "autogo.hardware.calibration",
}

local KINDS = "known are " .. table.concat(BUILTIN, ", ") .. ", latency:DEVICE, roofline:DEVICE, "
  .. "npu:DEVICE:MEASURE, table:FILE.csv, measured:onnxruntime, fitted:FILE.json and files that end in .lua"

--- An objective by name or from a Lua file that returns one.
-- @tparam string name of a built-in (flops, params, peak_memory), latency:DEVICE, roofline:DEVICE[:DTYPE],
-- npu:DEVICE:MEASURE, table:FILE.csv, measured:onnxruntime, fitted:FILE.json, or path that ends in .lua
-- @treturn table objective (`script`: hash of the file it came from), or nil and a message
function objective.load(name)
  for _, known in ipairs(BUILTIN) do
    if name == known then
      return require("autogo.objectives." .. name)
    end
  end
  local kind, rest = name:match "^(%l+):(.*)$"
  if kind == "latency" then
    return objective.latency(rest)
  elseif MAKERS[kind] and rest == "" then
    return nil, ("%s what follows the colon is missing; %s"):format(name, KINDS)
  elseif MAKERS[kind] then
    return require(MAKERS[kind]).objective(rest)
  elseif not name:find "%.lua$" then
    return nil, ("unknown objective '%s'; %s%s"):format(name, KINDS, spelling.suggest(name, BUILTIN))
  end
  local text, why = core.read_file(name)
  if not text then
    return nil, why
  end
  local chunk
  chunk, why = load(text, "@" .. name, "t")
  if not chunk then
    return nil, scripts.named(name, why)
  end
  local good, value = pcall(chunk)
  if not good then
    return nil, scripts.named(name, value)
  end
  local adopted
  adopted, why = adopt(value, name)
  if adopted then
    adopted.script = core.hash(text)
    adopted.limit = adopted.limit or (adopted.kind ~= "batch" and LIMIT or nil)
  end
  return adopted, why
end

-- `objective.flops` and the other built-ins, loaded when they are asked for.
local function builtin(_, name)
  for _, known in ipairs(BUILTIN) do
    if name == known then
      return require("autogo.objectives." .. name)
    end
  end
end

return setmetatable(objective, { __index = builtin })
