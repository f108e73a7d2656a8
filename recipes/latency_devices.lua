-- How well measured latencies are learnt: a whole-graph GNN for every device of a table, beside least
-- squares and beside the measurements' own repeatability.
--
--     autogo run recipes/latency_devices.lua --table FILE [--devices LIST] [--seeds N] [--members N]
--         [--epochs N] [--huber H] [--out DIR] [--quick]
--
-- FILE has the columns arch (cells of NAS-Bench-201) and one per device. Each seed draws split (80/10/10,
-- cells of equal function together) and training; the settings are those of `autogo train --target`. Leaves
-- in the output folder:
--
--    latency_devices.csv     per device: rank correlation (SRCC) on the test cells, mean and deviation over
--                            the seeds, and mean relative error (MAPE); both for least squares; and
--                            "repeated", the SRCC between two measurements of isomorphic cells
--
-- Least squares fits the logarithm of the latency by a number per op and edge of the cell. No ranking
-- can be expected to reach more than about the square root of "repeated": what it is held against
-- is a measurement as noisy as either of the two.
--
-- Source: predictor.md (latency).
local ag = require "autogo"
local labels = require "autogo.labels"
local recipe = require "autogo.recipe"
local train = require "autogo.train"

local DEVICES = "1080ti_1,2080ti_1,titan_rtx_256,gold_6226,silver_4114,pixel3,raspi4,samsung_a50,"
  .. "eyeriss,fpga"
local OPS = { "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3", "skip_connect" }
local EDGES, RIDGE = 6, 1e-6

local values = recipe.options {
  name = "latency_devices",
  about = "Rank correlation and error of learnt latencies",
  options = {
    { name = "table", type = "string", value = "FILE", help = "measured cells",
      default = "../shared/data/latency/nb201_devices_ms.csv" },
    { name = "devices", type = "string", value = "LIST", default = DEVICES, help = "columns" },
    { name = "seeds", type = "integer", min = 1, max = 100, default = 3, help = "runs of each" },
    { name = "members", type = "integer", min = 1, max = 8, default = 1, help = "of an ensemble" },
    { name = "epochs", type = "integer", min = 1, max = 100000, default = 50, help = "passes" },
    { name = "huber", type = "number", min = 0, max = 1e9, default = 0.2, help = "as of autogo train" },
    { name = "threads", type = "integer", min = 1, max = 256, help = "worker threads [all processors]" },
  },
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

-- SRCC between the measurements of isomorphic cells, in pairs; nil if there are few.
local function repeated(samples)
  local waiting, one, two = {}, {}, {}
  for _, sample in ipairs(samples) do
    local key = sample.graph:hash()
    if waiting[key] then
      one[#one + 1], two[#two + 1] = waiting[key], sample.target
      waiting[key] = nil
    else
      waiting[key] = sample.target
    end
  end
  return #one >= 10 and ag.srcc(one, two) or nil
end

local function run(samples, seed)
  local training, validation, tests = train.split({ { family = "nb201", samples = samples } }, seed)
  if not training then
    stop(validation)
  end
  local predictor, why = train.fit_ensemble({
    model = "gnn",
    transform = "log",
    sum_pooling = true,
    epochs = epochs,
    huber = values.huber,
    seed = seed,
    threads = values.threads,
    tokenizer = tokenizer,
  }, values.members, training, validation)
  if not predictor then
    stop(why)
  end
  local test = tests[1].samples
  local seen = train.evaluate(predictor, tokenizer, test, "nb201")
  return seen.srcc, seen.mape, evaluate_least_squares(fit_least_squares(training), test)
end

local rows = {}
for device in values.devices:gmatch "[^,]+" do
  local samples, why = labels.read(values.table, "nb201", device, limit)
  if not samples then
    stop(why)
  end
  local found = { {}, {}, {}, {} }
  for seed = 1, seeds do
    for i, value in ipairs { run(samples, seed) } do
      found[i][seed] = value
    end
  end
  local srcc, deviation = recipe.mean_and_deviation(found[1])
  rows[#rows + 1] = { device, seeds, srcc, deviation, (recipe.mean_and_deviation(found[2])),
    (recipe.mean_and_deviation(found[3])), (recipe.mean_and_deviation(found[4])), repeated(samples) }
  io.stderr:write(("%s: SRCC %.4f, MAPE %.1f %%\n"):format(device, srcc, rows[#rows][5]))
end

local HEADER = { "device", "seeds", "srcc", "deviation", "mape", "least squares", "its mape", "repeated" }
recipe.print(HEADER, rows)
recipe.csv(values.out .. "/latency_devices.csv", HEADER, rows)
