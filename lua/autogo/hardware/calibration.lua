--- Estimates of latency fitted to measurements: a scale and a constant per op.
--
-- A roofline or a table of kernels ranks networks, but its milliseconds are those of an ideal machine, or
-- of kernels called one by one. From measured networks it is fitted as
--
--    ms = scale * estimate + per_op * ops
--
-- with scale and per_op not below 0, so that more work is never cheaper afterwards either, and least sum
-- of squared relative errors. Errors are also told with each network left out of the fit in turn: only
-- those say what to expect of another network.
--
-- The file is { format = "autogo-calibration", version = 1, estimate, scale, per_op_ms, networks, errors }.
-- Source: hardware.md section 6.
-- @module autogo.hardware.calibration

local core = require "autogo.core"
local cost = require "autogo.cost"
local kernels = require "autogo.hardware.kernels"
local objective = require "autogo.objective"
local versioned = require "autogo.versioned"
local shown = require("autogo.spelling").shown

local calibration = {}

local KIND = {
  format = "autogo-calibration", version = 1, what = "calibration",
  advice = "autogo measure MODELS.txt --fit ESTIMATE writes one",
}

--- Networks that a fit needs at least.
calibration.LEAST = 10

-- --- the fit ------------------------------------------------------------------------------------

-- A row { estimate, ops, measured } under a fit.
local function predicted(fit, row) return fit.scale * row.estimate + fit.per_op * row.ops end

-- Root of the mean squared relative error, of rows predicted by `of(row, index)`.
local function relative_error(rows, of)
  local sum = 0
  for i, row in ipairs(rows) do sum = sum + (of(row, i) / row.measured - 1) ^ 2 end
  return math.sqrt(sum / #rows)
end

-- The candidates among which the least squares not below 0 lie: within, and on either axis.
local function candidates(rows, without)
  local ee, eo, oo, e1, o1 = 0, 0, 0, 0, 0
  for i, row in ipairs(rows) do
    if i ~= without then
      local e, o = row.estimate / row.measured, row.ops / row.measured
      ee, eo, oo, e1, o1 = ee + e * e, eo + e * o, oo + o * o, e1 + e, o1 + o
    end
  end
  local det, found = ee * oo - eo * eo, {}
  if det > 1e-12 * ee * oo then
    found[1] = { scale = (e1 * oo - o1 * eo) / det, per_op = (o1 * ee - e1 * eo) / det }
  end
  found[#found + 1] = { scale = ee > 0 and e1 / ee or 0, per_op = 0 }
  found[#found + 1] = { scale = 0, per_op = oo > 0 and o1 / oo or 0 }
  return found
end

local function least_squares(rows, without)
  local best, least
  for _, fit in ipairs(candidates(rows, without)) do
    local sum = 0
    for i, row in ipairs(rows) do
      if i ~= without then sum = sum + (predicted(fit, row) / row.measured - 1) ^ 2 end
    end
    if fit.scale >= 0 and fit.per_op >= 0 and not (least and least <= sum) then best, least = fit, sum end
  end
  return best
end

local function quality(rows, of)
  local values, measured = {}, {}
  for i, row in ipairs(rows) do values[i], measured[i] = of(row, i), row.measured end
  return { rmse = relative_error(rows, of), spearman = core.srcc(values, measured),
    kendall = core.kendall(values, measured), values = values }
end

--- Fit an estimate to measurements.
-- @tparam {table,...} rows of { estimate, ops, measured }: milliseconds, a number of ops, milliseconds
-- @treturn[1] table { scale, per_op (ms), before, after, left_out }; the last three are { rmse (root of
-- the mean squared relative error), spearman, kendall, values }: the estimate itself, fitted, and fitted
-- to all others
-- @treturn[2] nil
-- @treturn[2] string why nothing can be fitted
function calibration.fit(rows)
  if #rows < calibration.LEAST then
    return nil, ("a fit needs at least %d measured networks, there are %d"):format(calibration.LEAST, #rows)
  end
  for i, row in ipairs(rows) do
    if not (row.measured > 0 and row.estimate > 0) then
      return nil, ("network %d: measured and estimated milliseconds above 0 expected"):format(i)
    end
  end
  local fit, others = least_squares(rows), {}
  for i = 1, #rows do others[i] = least_squares(rows, i) end
  fit.before = quality(rows, function(row) return row.estimate end)
  fit.after = quality(rows, function(row) return predicted(fit, row) end)
  fit.left_out = quality(rows, function(row, i) return predicted(others[i], row) end)
  return fit
end

-- --- objectives ---------------------------------------------------------------------------------

-- How many kernels run.
local function ops_objective()
  return objective.per_node {
    name = "ops",
    eval = function(node)
      local kernel, times = kernels.of_node(node, "fp32")
      return kernel and times or 0
    end,
  }
end

-- What may be fitted, by its name; or nil and a message.
local function load_estimate(name)
  if not name:find "^roofline:" and not name:find "^table:" then
    return nil, ("'%s' cannot be fitted: roofline:DEVICE or table:FILE.csv expected"):format(name)
  end
  return objective.load(name)
end

--- Rows for `calibration.fit`.
-- @tparam string estimate roofline:DEVICE or table:FILE.csv
-- @tparam {Graph,...} graphs
-- @tparam {number,...} measured milliseconds
-- @treturn {table,...}; or nil and a message
function calibration.rows(estimate, graphs, measured)
  local made, why = load_estimate(estimate)
  if not made then return nil, why end
  local estimated, ops, rows = cost.new(made), cost.new(ops_objective()), {}
  for i, graph in ipairs(graphs) do
    local good, value = pcall(estimated.of, estimated, graph)
    if not good then return nil, value end
    rows[i] = { estimate = value, ops = ops:of(graph), measured = measured[i] }
  end
  return rows
end

--- Write a fit.
-- @treturn boolean, or nil and a message
function calibration.save(path, estimate, fit)
  return versioned.write(path, KIND, {
    estimate = estimate, scale = fit.scale, per_op_ms = fit.per_op, networks = #fit.after.values,
    errors = { before = fit.before.rmse, after = fit.after.rmse, left_out = fit.left_out.rmse },
  })
end

local function read(path)
  local file, text = versioned.read(path, KIND)
  if not file then return nil, text end
  if type(file.estimate) ~= "string" then
    return nil, ("%s: estimate: a string expected, got %s"):format(path, shown(file.estimate))
  end
  for _, field in ipairs { "scale", "per_op_ms" } do
    local value = file[field]
    if type(value) ~= "number" or not (value >= 0 and value < math.huge) then
      return nil, ("%s: %s: a number not below 0 expected, got %s"):format(path, field, shown(value))
    end
  end
  return file, text
end

--- A fitted estimate, in milliseconds, as an objective called fitted_ESTIMATE.
-- @tparam string path of a calibration
-- @treturn table objective, or nil and a message
function calibration.objective(path)
  local file, text = read(path)
  if not file then return nil, text end
  local base, why = load_estimate(file.estimate)
  if not base then return nil, ("%s: %s"):format(path, why) end
  local parts = table.move(base.parts or { base }, 1, #(base.parts or { base }), 1, {})
  local count = #parts
  parts[count + 1] = ops_objective()
  local made = objective.combined {
    name = "fitted_" .. base.name, unit = "ms (fitted)", parts = parts,
    eval = function(...)
      local ops = select(count + 1, ...)
      local estimate = base.parts and base.eval(table.unpack({ ... }, 1, count)) or (...)
      return file.scale * estimate + file.per_op_ms * ops
    end,
  }
  made.refuse = base.refuse
  made.script = core.hash(text .. (base.script or ""))
  return made
end

return calibration
