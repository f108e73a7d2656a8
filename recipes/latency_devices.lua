-- How well measured latencies are learnt: a whole-graph GNN for every device of a table, beside least
-- squares and beside the measurements' own repeatability.
--
--     autogo run recipes/latency_devices.lua --table FILE [--devices LIST] [--cells WHICH] [--seeds N]
--         [--members N] [options of autogo train] [--out DIR] [--quick]
--
-- FILE has the columns arch (cells of NAS-Bench-201) and one per device. Each seed draws split (80/10/10,
-- cells of equal function together) and training; the settings are those of `autogo train --target`. With
-- --cells published, cells with `none` are left out. Leaves in the output folder:
--
--    latency_devices.csv     per device: rank correlation (SRCC) on the test cells, mean and deviation over
--                            the seeds, and median and mean relative error; SRCC and mean error of least
--                            squares; and "bound", what a perfect ranking could be expected to reach
--    DEVICE.safetensors      weights of the first seed: those that come with AutoGO are made by this recipe
--    split.csv               its validation and test cells
--
-- Least squares fits the logarithm of the latency by a number per op and edge of the cell.
--
-- The bound comes from isomorphic cells, measured apart: the share of the variance of ranks that is noise is
-- half the mean squared difference of their ranks over the variance of all ranks, and a ranking without error
-- correlates with a noisy one by the root of the rest.
--
-- Source: predictor.md (latency).
local ag = require "autogo"
local core = require "autogo.core"
local labels = require "autogo.labels"
local recipe = require "autogo.recipe"
local train = require "autogo.train"

local DEVICES = "1080ti_1,2080ti_1,titan_rtx_256,gold_6226,silver_4114,pixel3,raspi4,samsung_a50,"
  .. "eyeriss,fpga"
local OPS = { "none", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3", "skip_connect" }
local EDGES, RIDGE = 6, 1e-6
local ENOUGH_TWINS = 10

local options = {
  { name = "table", type = "string", value = "FILE", help = "measured cells",
    default = "../shared/data/latency/nb201_devices_ms.csv" },
  { name = "devices", type = "string", value = "LIST", default = DEVICES, help = "columns" },
  { name = "cells", type = "choice", choices = { "all", "published" }, default = "all",
    help = "published: those without none" },
  { name = "seeds", type = "integer", min = 1, max = 100, default = 3, help = "runs of each" },
  { name = "members", type = "integer", min = 1, max = 8, default = 1, help = "of an ensemble" },
  { name = "threads", type = "integer", min = 1, max = 256, help = "worker threads [all processors]" },
}
-- And those of `autogo train` that --target has its own defaults for.
for _, row in ipairs(train.OPTIONS) do
  local default = train.LATENCY[(row.name:gsub("%-", "_"))]
  if default and row.name ~= "model" then
    options[#options + 1] = { name = row.name, type = row.type, min = row.min, max = row.max,
      choices = row.choices, help = (row.help:gsub(" %[.*", "")), default = default }
  end
end
local values = recipe.options {
  name = "latency_devices",
  about = "Rank correlation and error of learnt latencies",
  options = options,
}
local seeds = values.quick and 1 or values.seeds
local epochs = values.quick and 2 or values.epochs
local limit = values.quick and 150 or nil
local tokenizer = assert(ag.tokenizer())

local function stop(why)
  io.stderr:write("autogo: latency_devices: ", why, "\n")
  os.exit(1, true)
end

-- --- least squares --------------------------------------------------------------------------------

local function regressors(config)
  local row = { 1 }
  for op in config:gmatch "([%w_]+)~" do
    for _, name in ipairs(OPS) do
      row[#row + 1] = op == name and 1 or 0
    end
  end
  return row
end

-- The solution of a symmetric positive definite system, by elimination in place.
local function solve(matrix, right)
  local n = #right
  for k = 1, n do
    for i = k + 1, n do
      local factor = matrix[i][k] / matrix[k][k]
      for j = k, n do
        matrix[i][j] = matrix[i][j] - factor * matrix[k][j]
      end
      right[i] = right[i] - factor * right[k]
    end
  end
  for i = n, 1, -1 do
    for j = i + 1, n do
      right[i] = right[i] - matrix[i][j] * right[j]
    end
    right[i] = right[i] / matrix[i][i]
  end
  return right
end

local function fit_least_squares(samples)
  local n, matrix, right = 1 + EDGES * #OPS, {}, {}
  for i = 1, n do
    matrix[i], right[i] = {}, 0
    for j = 1, n do
      matrix[i][j] = i == j and RIDGE * #samples or 0 -- ops of an edge add up to one: not full rank
    end
  end
  for _, sample in ipairs(samples) do
    local row, target = regressors(sample.config), math.log(sample.target)
    for i = 1, n do
      right[i] = right[i] + row[i] * target
      for j = 1, n do
        matrix[i][j] = matrix[i][j] + row[i] * row[j]
      end
    end
  end
  return solve(matrix, right)
end

local function evaluate_least_squares(weights, samples)
  local predicted, measured, relative = {}, {}, 0
  for i, sample in ipairs(samples) do
    local sum = 0
    for k, value in ipairs(regressors(sample.config)) do
      sum = sum + weights[k] * value
    end
    predicted[i], measured[i] = sum, sample.target
    relative = relative + math.abs(math.exp(sum) / sample.target - 1)
  end
  return ag.srcc(predicted, measured), 100 * relative / #samples
end

-- --- devices --------------------------------------------------------------------------------------

-- Ranks of numbers less their mean; equal ones share the mean of theirs.
local function ranks_of(numbers)
  local below, above = core.rank_sums({ numbers }, { "min" }), core.rank_sums({ numbers }, { "max" })
  local ranks = {}
  for i = 1, #numbers do
    ranks[i] = (below[i] - above[i]) / 2
  end
  return ranks
end

-- SRCC that a perfect ranking could be expected to reach; nil where few cells are isomorphic.
local function bound(samples)
  local measured, waiting = {}, {}
  for i, sample in ipairs(samples) do
    measured[i] = sample.target
  end
  local ranks = ranks_of(measured)
  local twins, noise, variance = 0, 0, 0
  for i, sample in ipairs(samples) do
    variance = variance + ranks[i] ^ 2 / #samples
    local key = sample.graph:hash()
    if waiting[key] then
      twins, noise = twins + 1, noise + (ranks[i] - ranks[waiting[key]]) ^ 2 / 2
      waiting[key] = nil
    else
      waiting[key] = i
    end
  end
  return twins >= ENOUGH_TWINS and math.sqrt(math.max(0, 1 - noise / twins / variance)) or nil
end

local function median_error(seen)
  local errors = {}
  for i, measured in ipairs(seen.measured) do
    errors[i] = 100 * math.abs(seen.predicted[i] / measured - 1)
  end
  table.sort(errors)
  return errors[(#errors + 1) // 2]
end

local function save(predictor, device, validation, test)
  assert(predictor:save(("%s/%s.safetensors"):format(values.out, device)))
  assert(ag.write_file(values.out .. "/split.csv",
    labels.held_out { { validation, "validation" }, { test, "test" } }))
end

local function run(samples, seed, device)
  local training, validation, tests = train.split({ { family = "nb201", samples = samples } }, seed)
  if not training then
    stop(validation)
  end
  local settings = { seed = seed, threads = values.threads, tokenizer = tokenizer }
  for key, value in pairs(train.LATENCY) do
    settings[key] = values[key] or value
  end
  settings.epochs = epochs
  local predictor, why = train.fit_ensemble(settings, values.members, training, validation)
  if not predictor then
    stop(why)
  end
  local test = tests[1].samples
  if seed == 1 then
    save(predictor, device, validation, test)
  end
  local seen = train.evaluate(predictor, tokenizer, test, "nb201")
  return seen.srcc, median_error(seen), seen.mape, evaluate_least_squares(fit_least_squares(training), test)
end

local rows = {}
for device in values.devices:gmatch "[^,]+" do
  local samples, why = labels.read(values.table, "nb201",
    { column = device, limit = limit, all = values.cells == "all" })
  if not samples then
    stop(why)
  end
  local found = { {}, {}, {}, {}, {} }
  for seed = 1, seeds do
    for i, value in ipairs { run(samples, seed, device) } do
      found[i][seed] = value
    end
  end
  local row = { device, seeds, recipe.mean_and_deviation(found[1]) }
  for i = 2, #found do
    row[#row + 1] = (recipe.mean_and_deviation(found[i]))
  end
  row[#row + 1] = bound(samples)
  rows[#rows + 1] = row
  io.stderr:write(("%s: SRCC %.4f, median error %.1f %%\n"):format(device, row[3], row[5]))
end

local HEADER = { "device", "seeds", "srcc", "deviation", "median error", "mean error", "least squares",
  "its mean error", "bound" }
recipe.print(HEADER, rows)
recipe.csv(values.out .. "/latency_devices.csv", HEADER, rows)
