--- `autogo measure`: latency on this machine, of a network, of a table of kernels, or of several networks
-- to which an estimate is fitted.
-- @module autogo.cli.measure

local ag = require "autogo"
local calibration = require "autogo.hardware.calibration"
local core = require "autogo.core"
local kernel_table = require "autogo.hardware.kernel_table"
local kernels = require "autogo.hardware.kernels"
local measured = require "autogo.hardware.measured"
local model = require "autogo.cli.model"
local onnxruntime = require "autogo.hardware.onnxruntime"

local STDERR = 2

-- Kernels per call of the runtime: what an interrupt loses.
local PORTION = 32

local OPTIONS = {
  { name = "with", type = "choice", choices = { "onnxruntime" }, default = "onnxruntime",
    help = "the runtime" },
  { name = "threads", type = "integer", min = 1, max = 256, help = "pinned to as many cores" },
  { name = "runs", type = "integer", min = 1, max = 1000000, help = "timed, at least" },
  { name = "seconds", type = "number", min = 0, max = 3600, help = "timed, at least" },
  { name = "most", type = "number", min = 0.001, max = 3600, help = "seconds timed, at most" },
  { name = "limit", type = "number", min = 0.1, help = "seconds after which measuring is ended" },
  { name = "cache", type = "string", value = "FILE", help = "of measurements [the user's]" },
  { name = "fresh", type = "flag", help = "measure even what the cache has" },
  { name = "fit", type = "string", value = "ESTIMATE",
    help = "roofline:DEVICE or table:FILE.csv, to be fitted to the models of a list" },
  { name = "out", type = "string", value = "FILE",
    help = "kernels: the table with its milliseconds; --fit: for --objective fitted:FILE.json" },
  { name = "json", type = "flag", help = "print one JSON object" },
  model.INPUT,
  model.SKIP,
}

local function measurer(values)
  local options = {}
  for _, name in ipairs { "threads", "runs", "seconds", "most", "limit", "cache" } do
    options[name] = values[name]
  end
  local made, why = measured.new(options)
  if made and values.fresh then made.values = {} end
  return made, why
end

local function summary(graph, result, settings)
  return ("%s: median %.4g ms (p10 %.4g, p90 %.4g, MAD %.3g) of %d runs on %d thread%s%s"):format(graph.name,
    result.median, result.p10, result.p90, result.mad, result.n, settings.threads,
    settings.threads == 1 and "" or "s", result.cached and ", from the cache" or "")
end

local function measure_model(values)
  local graph, why = model.load(values)
  if not graph then return nil, why end
  local self
  self, why = measurer(values)
  if not self then return nil, why end
  local results
  results, why = measured.times(self, { graph })
  if not results then return nil, why end
  local result = results[1]
  if result.error then return nil, ("%s: %s"):format(values[1], result.error) end
  if values.json then
    result.name, result.threads, result.unit = graph.name, self.settings.threads, "ms"
    result.cached = result.cached or false
    io.stdout:write(core.json_encode(result), "\n")
  else
    io.stdout:write(summary(graph, result, self.settings), "\n")
  end
end

-- Fill in the kernels from `first` on, a portion of them; or nil and a message.
local function measure_portion(self, list, first)
  local graphs, part = {}, {}
  for i = first, math.min(#list, first + PORTION - 1) do
    local graph, why = kernels.network(list[i])
    if not graph then return nil, why end
    graphs[#graphs + 1], part[#part + 1] = graph, list[i]
  end
  local results, why = measured.times(self, graphs)
  if not results then return nil, why end
  for i, result in ipairs(results) do
    part[i].median_ms, part[i].p90_ms, part[i].n = result.median, result.p90, result.n
  end
  return true
end

local function measure_table(values)
  local text, why = core.read_file(values[1])
  if not text then return nil, why end
  local read
  read, why = kernel_table.parse(text, values[1])
  if not read then return nil, why end
  local self
  self, why = measurer(values)
  if not self then return nil, why end
  local missing = {}
  for _, kernel in ipairs(read.all) do
    if not kernel.median_ms or values.fresh then missing[#missing + 1] = kernel end
  end
  for first = 1, #missing, PORTION do
    if core.isatty(STDERR) then io.stderr:write(("\r\27[K%d of %d kernels"):format(first - 1, #missing)) end
    local good
    good, why = measure_portion(self, missing, first)
    if not good then return nil, why end
  end
  if core.isatty(STDERR) then io.stderr:write "\r\27[K" end
  local csv = kernels.csv(read.all)
  if not values.out then
    io.stdout:write(csv)
    return
  end
  local good
  good, why = core.write_file(values.out, csv)
  if not good then return nil, why end
end

-- --- a fit --------------------------------------------------------------------------------------

local function load_list(values)
  local text, why = core.read_file(values[1])
  if not text then return nil, why end
  if text:find "[%z\1-\8\14-\31]" then
    return nil, values[1] .. ": no text; with --fit a file with one model a line is wanted"
  end
  local graphs = {}
  for line in text:gmatch "[^\r\n]+" do
    local name = line:gsub("#.*", ""):match "^%s*(.-)%s*$"
    if name ~= "" then
      local graph
      graph, why = ag.load(name, { input = values.input, skip = values.skip })
      if not graph then return nil, ("%s: %s"):format(values[1], why) end
      graphs[#graphs + 1] = graph
    end
  end
  return graphs
end

local function fit_summary(estimate, graphs, rows, fit)
  local lines = {
    ("%-24s %10s %10s %10s %10s"):format("network", "measured", "estimate", "fitted", "left out"),
  }
  for i, graph in ipairs(graphs) do
    lines[#lines + 1] = ("%-24s %10.4g %10.4g %10.4g %10.4g"):format(graph.name, rows[i].measured,
      rows[i].estimate, fit.after.values[i], fit.left_out.values[i])
  end
  lines[#lines + 1] = ""
  lines[#lines + 1] = ("%-24s %10s %10s %10s"):format("", "error", "Spearman", "Kendall")
  local kinds = { { "estimate", fit.before }, { "fitted", fit.after }, { "left out", fit.left_out } }
  for _, kind in ipairs(kinds) do
    local of = kind[2]
    lines[#lines + 1] = ("%-24s %8.1f %% %10.3f %10.3f"):format(kind[1], 100 * of.rmse, of.spearman,
      of.kendall)
  end
  lines[#lines + 1] = ("ms = %.4g * %s + %.4g * ops"):format(fit.scale, estimate, fit.per_op)
  return table.concat(lines, "\n") .. "\n"
end

local function measure_fit(values)
  local graphs, why = load_list(values)
  if not graphs then return nil, why end
  if #graphs < calibration.LEAST then
    return nil, ("%s: a fit needs at least %d networks, a line each; there are %d"):format(values[1],
      calibration.LEAST, #graphs)
  end
  local rows
  rows, why = calibration.rows(values.fit, graphs, {}) -- before anything is measured
  if not rows then return nil, why end
  local self
  self, why = measurer(values)
  if not self then return nil, why end
  local results
  results, why = measured.times(self, graphs)
  if not results then return nil, why end
  for i, result in ipairs(results) do
    if result.error then return nil, ("%s: %s"):format(graphs[i].name, result.error) end
    rows[i].measured = result.median
  end
  local fit
  fit, why = calibration.fit(rows)
  if not fit then return nil, why end
  io.stdout:write(fit_summary(values.fit, graphs, rows, fit))
  if not values.out then return end
  local good
  good, why = calibration.save(values.out, values.fit, fit)
  if not good then return nil, why end
end

local function is_table(values)
  return values[1]:find "%.csv$" ~= nil
end

local function choose(values)
  if values.fit then return measure_fit end
  return is_table(values) and measure_table or measure_model
end

return {
  name = "measure",
  about = "Time a network, or every kernel of a table, on this machine; fit an estimate to it",
  usage = "MODEL|KERNELS.csv [options], or LIST --fit ESTIMATE [options]",
  arguments = {
    { name = "MODEL", help = model.ARGUMENT.help .. ", or a table of autogo kernels --csv (.csv); with --fit "
      .. "a text file with one of these models a line, at least ten" },
  },
  options = OPTIONS,
  defaults = function()
    return onnxruntime.defaults
  end,
  check = function(values)
    if values.out and not values.fit and not is_table(values) then
      return ("--out goes with a table, KERNELS.csv, or with --fit, not with '%s'"):format(values[1])
    end
  end,
  run = function(values)
    local _, why = choose(values)(values)
    if why then
      return core.interrupted() and 130 or nil, why
    end
  end,
}
