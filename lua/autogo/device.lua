--- Devices: accelerators as JSON files, and what a network costs on them.
--
--    local device = ag.device "mobile-npu"          -- a bundled one, or a path
--    local cost = device:cost(graph)
--    print(cost.ms, cost.mj, cost.mw)
--    for _, row in ipairs(cost.nodes) do print(row.node, row.op, row.ms) end
--
-- The model, its formulas and what it assumes are described in autogo/hardware.h and the manual.
-- @module autogo.device

local core = require "autogo.core"
local json_file = require "autogo.json_file"

local _, here = ...
local DEVICES = (here or "lua/autogo/device.lua"):gsub("device%.lua$", "") .. "devices/"

local device = {}

--- The bundled devices.
device.NAMES = { "mobile-npu", "systolic-16", "systolic-128", "ethos-u55-256", "nvdla-large" }

--- The path of a bundled device's file; of any other name the name itself.
-- @tparam string name
function device.path(name)
  for _, known in ipairs(device.NAMES) do
    if name == known then
      return DEVICES .. name .. ".json"
    end
  end
  return name
end

--- The content of a device file as a table, to change and to hand to `ag.device`.
-- @tparam string name of a bundled device, or a path
-- @treturn table, or nil and a message
function device.read(name)
  local read, why = json_file.read(device.path(name), "a device as a JSON object")
  return read, not read and why or nil
end

--- A device.
-- @tparam string|table name of a bundled device, a path, or what `device.read` gives
-- @treturn Device, or nil and a message
function device.load(name)
  if type(name) == "table" then
    return core.parse_device(core.json_encode(name))
  elseif type(name) ~= "string" then
    error("device: a name, a path or a table expected, got " .. type(name), 2)
  end
  local path = device.path(name)
  if path == name and not name:find "[/.]" and not core.exists(name) then
    return nil, ("unknown device '%s'; known are %s and paths of device files"):format(name,
      table.concat(device.NAMES, ", "))
  end
  return core.load_device(path)
end

return setmetatable(device, {
  __call = function(_, name)
    return device.load(name)
  end,
})
