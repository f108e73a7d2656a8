--- Roofline: the latency of a network on a GPU or CPU from data-sheet numbers. An estimate.
--
-- An op takes the longer of its arithmetic and its traffic,
--
--    t = max(FLOPs / (peak * efficiency of its kind), bytes / (bandwidth * efficiency of bytes))
--
-- A CPU adds a constant per op, and the network takes the sum. On a GPU launches run ahead of the
-- work, so the network takes the longer of all launches and all work: max(ops * launch, sum of t).
-- Both are sums over nodes, so a child costs only its new node signatures.
--
-- A device file is { format = "autogo-roofline", version = 1, name, kind = "gpu" | "cpu", tflops =
-- { fp32, fp16, ... }, gbs, launch_us, efficiency = { conv, matmul, depthwise, bytes } }; every number
-- may be { value, source } instead.
-- Source: hardware.md section 5.
-- @module autogo.hardware.roofline

local json_file = require "autogo.json_file"
local family = require "autogo.families.family"
local objective = require "autogo.objective"
local shown = require("autogo.spelling").shown

local _, here = ...
local DEVICES = (here or "lua/autogo/hardware/roofline.lua"):gsub("hardware/roofline%.lua$", "")
  .. "devices/roofline/"

local roofline = {}

--- Bundled devices.
roofline.names = {
  "rtx2080ti", "rtx2080ti-graph", "v100-sxm2", "a100-40g", "a100-80g", "h100-sxm", "orin-nano-8g",
  "raspi4", "raspi4-core", "a76-core", "epyc-core", "xeon-6226",
}

local BYTES = { fp32 = 4, fp16 = 2, bf16 = 2, int8 = 1 }

-- What a framework does not issue as a kernel: ends of the graph and views of a tensor.
local FREE = { input = true, output = true, identity = true, zero = true, flatten = true }

-- The kinds of arithmetic that have an efficiency of their own; all else moves bytes.
local KIND = { conv = "conv", transposedconv = "conv", depthwise = "depthwise", matmul = "matmul" }

-- A positive number of a device file, or nil and a message.
local function number(file, where, field, value)
  if type(value) == "table" then value = value.value end
  if type(value) ~= "number" or not (value > 0 and value < math.huge) then
    return nil, ("%s: %s%s: a number above 0 expected, got %s"):format(file, where, field, shown(value))
  end
  return value
end

local function numbers(file, name, from, required)
  local values = {}
  if type(from) ~= "table" then
    return nil, ("%s: %s: a table of numbers expected, got %s"):format(file, name, shown(from))
  end
  for _, field in ipairs(required) do
    if from[field] == nil then
      return nil, ("%s: %s.%s is missing"):format(file, name, field)
    end
  end
  for _, field in ipairs(family.keys(from)) do
    local value, why = number(file, name .. ".", tostring(field), from[field])
    if not value then return nil, why end
    values[field] = value
  end
  return values
end

-- What a decoded file says, in SI units; or nil and a message.
local function read(file, data)
  if data.format ~= "autogo-roofline" or data.version ~= 1 then
    return nil, ("%s: this is no roofline device (format autogo-roofline, version 1)"):format(file)
  elseif type(data.name) ~= "string" then
    return nil, file .. ": name: a string expected"
  elseif data.kind ~= "gpu" and data.kind ~= "cpu" then
    return nil, ("%s: kind: 'gpu' or 'cpu' expected, got %s"):format(file, shown(data.kind))
  end
  local device, why = { name = data.name, kind = data.kind }
  device.tflops, why = numbers(file, "tflops", data.tflops, { "fp32" })
  if not why then
    device.efficiency, why = numbers(file, "efficiency", data.efficiency,
      { "conv", "matmul", "depthwise", "bytes" })
  end
  if not why then device.bandwidth, why = number(file, "", "gbs", data.gbs) end
  if not why then device.launch, why = number(file, "", "launch_us", data.launch_us) end
  if why then return nil, why end
  device.bandwidth, device.launch = device.bandwidth * 1e9, device.launch * 1e-6
  return device
end

--- A device by name or from a file that ends in .json.
-- @treturn table { name, kind, tflops, bandwidth (bytes/s), launch (s), efficiency }, or nil and a message
function roofline.device(name)
  local path = name
  if not name:find "%.json$" then
    path = nil
    for _, known in ipairs(roofline.names) do
      if name == known then path = DEVICES .. name .. ".json" end
    end
    if not path then
      return nil, ("unknown roofline device '%s'; known are %s and files that end in .json"):format(name,
        table.concat(roofline.names, ", "))
    end
  end
  local data, why = json_file.read(path, "a device as a JSON object")
  if not data then return nil, why end
  return read(path, data)
end

--- Seconds that one node keeps the device busy, without the constant per op; and whether it is an op
-- that is issued at all.
-- @tparam table device of `roofline.device`
-- @tparam table node
-- @tparam string dtype
function roofline.time(device, node, dtype)
  if FREE[node.op] then return 0, false end
  local traffic = node.bytes * BYTES[dtype] / 4 / (device.bandwidth * device.efficiency.bytes)
  local kind = KIND[node.op]
  if not kind then return traffic, true end
  local peak = device.tflops[dtype] * 1e12 * device.efficiency[kind]
  return math.max(2 * node.macs / peak, traffic), true
end

-- Milliseconds per node, as objectives of which the network's latency is made.
local function parts(device, dtype)
  local constant = device.kind == "cpu" and device.launch or 0
  local busy = objective.per_node {
    name = "busy", unit = "ms",
    eval = function(node)
      local time, issued = roofline.time(device, node, dtype)
      return 1e3 * (time + (issued and constant or 0))
    end,
  }
  if device.kind == "cpu" then return { busy } end
  return { busy, objective.per_node {
    name = "launches", unit = "ms",
    eval = function(node)
      return FREE[node.op] and 0 or 1e3 * device.launch
    end,
  } }
end

--- Latency by the roofline of a device, in milliseconds, as an objective called roofline_DEVICE.
-- @tparam string what NAME, or NAME:DTYPE (default fp32)
-- @treturn table objective, or nil and a message
function roofline.objective(what)
  local name, dtype = what:match "^(.*):(%w+)$"
  name, dtype = name or what, dtype or "fp32"
  local device, why = roofline.device(name)
  if not device then return nil, why end
  if not device.tflops[dtype] or not BYTES[dtype] then
    return nil, ("roofline device '%s' has no %s arithmetic"):format(name, dtype)
  end
  return objective.combined {
    name = "roofline_" .. device.name:gsub("%W", "_"), unit = "ms (estimate)",
    parts = parts(device, dtype), eval = math.max,
  }
end

return roofline
