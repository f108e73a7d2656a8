--- Latency, energy and power on a device file.
--
--    npu:DEVICE:latency      milliseconds of one inference
--    npu:DEVICE:energy       millijoules of one inference
--    npu:DEVICE:power        average milliwatts; falls with a badly filled array too, so look at the
--                            other two beside it
--    npu:DEVICE:power@FPS    milliwatts at a fixed frame rate: falls only with the work
--
-- DEVICE is the name of a bundled device or the path of a file.
-- @module autogo.objectives.npu

local core = require "autogo.core"
local device = require "autogo.device"
local objective = require "autogo.objective"

local UNITS = { latency = "ms", energy = "mJ", power = "mW" }
local USAGE = "npu:DEVICE:latency, energy, power or power@FPS"

local npu = {}

-- "power@30" -> "power", 30
local function read_measure(text)
  local measure, fps = text:match "^(%a+)@([%d.]+)$"
  measure, fps = measure or text, tonumber(fps)
  if not UNITS[measure] or (text:find "@" and (measure ~= "power" or not fps or fps <= 0)) then
    return nil
  end
  return measure, fps
end

--- An objective from what stands after `npu:`.
-- @tparam string text DEVICE:MEASURE
-- @treturn table objective (`script`: hash of the device file), or nil and a message
function npu.objective(text)
  local name, what = text:match "^(.+):([^:]+)$"
  local measure, fps = read_measure(what or "")
  if not measure then
    return nil, ("npu:%s: %s expected"):format(text, USAGE)
  end
  local chip, why = device.load(name)
  if not chip then
    return nil, why
  end
  local made = npu.on(chip, measure, fps)
  made.script = core.hash(assert(core.read_file(device.path(name))))
  return made
end

--- An objective on a device.
-- @tparam Device chip
-- @tparam string measure "latency", "energy" or "power"
-- @tparam[opt] number fps frame rate of "power"
-- @treturn table objective
function npu.on(chip, measure, fps)
  local made = objective.per_graph {
    name = ("%s_%s%s"):format(chip.name, measure, fps and ("_%gfps"):format(fps) or "")
      :gsub("[^%w_]", "_"),
    unit = UNITS[measure],
    eval = function(graph)
      return (chip:of(graph, measure, fps))
    end,
  }
  -- An input that does not fit is no search to begin; a child that does not is one that costs NaN.
  made.refuse = function(graph)
    local value, why = chip:of(graph, measure, fps)
    return not value and why or nil
  end
  made.column = function(batch, rows)
    return chip:column(batch, measure, fps, rows)
  end
  return made
end

return npu
