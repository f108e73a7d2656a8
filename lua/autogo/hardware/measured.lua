--- Measured latency: a cache over `autogo.hardware.onnxruntime`, and the objective.
--
-- Measurements are kept under everything they depend on: the network's canonical hash (which covers its
-- shapes), the type of the numbers, the runtime and its version, the threads, the processor and the
-- stopping rule. The file is { format = "autogo-measurements", version = 1, values = { key = { median,
-- p10, p90, mad, n } } }, by default in the user's cache folder.
--
-- A small reference network is timed before and after each batch of an objective. Values are divided by
-- its drift since it was first seen; a batch in which it moved by more than `drift` (5 %) is measured
-- again, and given up after three tries: its networks could not be measured.
-- Source: hardware.md section 6.
-- @module autogo.hardware.measured

local core = require "autogo.core"
local objective = require "autogo.objective"
local onnxruntime = require "autogo.hardware.onnxruntime"
local versioned = require "autogo.versioned"

local measured = {}

local KIND = {
  format = "autogo-measurements", version = 1, what = "cache of measurements",
  advice = "remove it or name another with --cache",
}
local TRIES, DRIFT, SIZE = 3, 0.05, 8

-- --- the cache ----------------------------------------------------------------------------------

--- Where measurements are kept unless told otherwise; nil where there is no home.
function measured.default_cache()
  local base = os.getenv "XDG_CACHE_HOME" or os.getenv "HOME" and os.getenv "HOME" .. "/.cache"
  return base and base .. "/autogo/measured.json"
end

local function read_cache(path)
  if not path or not core.exists(path) then return {} end
  local file, why = versioned.read(path, KIND)
  if not file then return nil, why end
  if type(file.values) ~= "table" then
    return nil, ("%s: values: an object expected; %s"):format(path, KIND.advice)
  end
  for _, value in pairs(file.values) do
    if type(value) ~= "table" or type(value.median) ~= "number" then
      return nil, ("%s: a value is no measurement; %s"):format(path, KIND.advice)
    end
  end
  return file.values
end

local function write_cache(path, values)
  if not path then return true end
  local folder = path:match "^(.*)/[^/]*$"
  if folder and folder ~= "" then core.mkdir(folder) end
  return versioned.write(path, KIND, { values = values })
end

-- The processor, as the system calls it.
local function processor()
  local file = io.open "/proc/cpuinfo"
  local text = file and file:read "a" or ""
  if file then file:close() end
  return text:match "model name%s*:%s*([^\n]+)" or text:match "Model%s*:%s*([^\n]+)" or "unknown CPU"
end

local function key_suffix(runtime, settings)
  return ("|fp32|onnxruntime %s|%d threads|%s|%d runs, %g to %g s"):format(runtime, settings.threads,
    processor(), settings.runs, settings.seconds, settings.most)
end

-- --- measuring ----------------------------------------------------------------------------------

--- A measurer: settings, cache and the runtime's version, which is asked once.
-- @tparam[opt] table options of `onnxruntime.defaults`, `cache` (a path; false for none)
-- @treturn table measurer, or nil and a message
function measured.new(options)
  local self = { settings = onnxruntime.settings(options) }
  self.cache = self.settings.cache
  if self.cache == nil then self.cache = measured.default_cache() end
  local why
  self.values, why = read_cache(self.cache or nil)
  if not self.values then return nil, why end
  local nothing, about = onnxruntime.time({}, self.settings)
  if not nothing then return nil, about end
  self.suffix = key_suffix(about.runtime, self.settings)
  return self
end

local function record(result)
  return { median = result.median, p10 = result.p10, p90 = result.p90, mad = result.mad, n = result.n }
end

--- Measurements of graphs, those of the cache not taken again.
-- @tparam table self of `measured.new`
-- @tparam {Graph,...} graphs
-- @treturn {table,...} one per graph: { median, p10, p90, mad, n, cached } or { error }; or nil and a
-- message
function measured.times(self, graphs)
  local results, missing, numbers = {}, {}, {}
  for i, graph in ipairs(graphs) do
    local known = self.values[graph:hash() .. self.suffix]
    if known then
      results[i] = record(known)
      results[i].cached = true
    else
      missing[#missing + 1], numbers[#numbers + 1] = graph, i
    end
  end
  if #missing == 0 then return results end
  local taken, why = onnxruntime.time(missing, self.settings)
  if not taken then return nil, why end
  for k, result in ipairs(taken) do
    results[numbers[k]] = result.median and record(result) or { error = result.error }
    if result.median then self.values[missing[k]:hash() .. self.suffix] = record(result) end
  end
  local good
  good, why = write_cache(self.cache, self.values)
  if not good then return nil, why end
  return results
end

-- --- the objective ------------------------------------------------------------------------------

-- What stands for the speed of the machine.
local function reference()
  return assert(require("autogo.zoo").build("fsrcnn3", { input = { 64, 64, 1 } }))
end

-- Milliseconds per graph, with the machine's drift divided out; nil where it would not hold still.
local function steady_times(self, graphs)
  local settings = onnxruntime.settings(self.settings)
  settings.reference = self.reference
  for _ = 1, TRIES do
    local taken, about = onnxruntime.time(graphs, settings)
    if not taken then error(about, 0) end
    local before, after = about.drift[1], about.drift[2]
    if math.abs(after / before - 1) <= (self.settings.drift or DRIFT) then
      local now, key = (before + after) / 2, "reference" .. self.suffix
      self.values[key] = self.values[key] or { median = now }
      return taken, self.values[key].median / now
    end
  end
  io.stderr:write(("autogo: warning: the machine's speed changed by more than %g %% in each of %d tries; "
    .. "a batch could not be measured\n"):format(100 * (self.settings.drift or DRIFT), TRIES))
end

local function evaluate(self, graphs)
  local values, missing, numbers = {}, {}, {}
  for i, graph in ipairs(graphs) do
    local known = self.values[graph:hash() .. self.suffix .. "|steady"]
    values[i] = known and known.median
    if not known then missing[#missing + 1], numbers[#numbers + 1] = graph, i end
  end
  if #missing == 0 then return values end
  local taken, factor = steady_times(self, missing)
  for k, result in ipairs(taken or {}) do
    if result.median then
      values[numbers[k]] = result.median * factor
      local kept = record(result)
      kept.median = values[numbers[k]]
      self.values[missing[k]:hash() .. self.suffix .. "|steady"] = kept
    end
  end
  assert(write_cache(self.cache, self.values))
  return values
end

local NUMBERS = { threads = true, runs = true, seconds = true, most = true, limit = true, drift = true }

-- "threads=2,runs=20,cache=FILE" as a table; or nil and a message.
local function read_options(text)
  local options = {}
  for part in text:gmatch "[^,]+" do
    local name, value = part:match "^(%l+)=(.+)$"
    local number = tonumber(value)
    if not (name == "cache" or NUMBERS[name] and number and number > 0) then
      return nil, ("measured: '%s': threads, runs, seconds, most, limit or drift=NUMBER, or cache=FILE, "
        .. "expected"):format(part)
    end
    options[name] = name == "cache" and value or number
  end
  for _, name in ipairs { "threads", "runs" } do
    if options[name] and not math.tointeger(options[name]) then
      return nil, ("measured: %s: a whole number expected"):format(name)
    end
  end
  return options
end

--- Latency measured on this machine, in milliseconds, as an objective called measured_onnxruntime.
-- @tparam string what onnxruntime, or onnxruntime:threads=2,runs=20,... of the settings, `drift`, `cache`
-- @treturn table objective, or nil and a message
function measured.objective(what)
  local runtime, rest = what:match "^([^:]*):?(.*)$"
  if runtime ~= "onnxruntime" then
    return nil, ("measured:%s: only onnxruntime is known"):format(what)
  end
  local options, why = read_options(rest)
  if not options then return nil, why end
  local self
  self, why = measured.new(options)
  if not self then return nil, why end
  self.reference = reference()
  return objective.batch {
    name = "measured_onnxruntime", unit = "ms", size = SIZE,
    eval = function(graphs) return evaluate(self, graphs) end,
  }
end

return measured
