-- Train the predictor that is bundled: one model for every family with public labels.
--
--     autogo run recipes/train_predictor.lua --labels DIR [--out DIR] [--quick]
--
-- DIR holds nb201.csv, nb_macro.csv and nb101.csv (columns: `autogo.labels`). Each is split 80/10/10
-- with isomorphic networks together. Leaves predictor.safetensors, predictor.split.csv (what was held
-- out) and predictor.csv (rank correlation on each test part) in the output folder. With --observe FILE
-- nothing is trained: the weights in FILE are told what a training with these options would have seen
-- (its ranges of sizes, its ops and kernels), as that training would have written them.
local ag = require "autogo"
local labels = require "autogo.labels"
local recipe = require "autogo.recipe"
local train = require "autogo.train"

local FAMILIES = { "nb201", "nb_macro", "nb101" }

local values = recipe.options {
  name = "train_predictor",
  about = "Train the bundled predictor",
  options = {
    { name = "labels", type = "string", value = "DIR", default = "../shared/data/labels", help = "tables" },
    { name = "model", type = "choice", choices = { "psc", "gnn" }, default = "psc", help = "psc or gnn" },
    { name = "epochs", type = "integer", min = 1, max = 100000, default = 100, help = "passes" },
    { name = "seed", type = "integer", min = 0, default = 1, help = "of the split and the training" },
    { name = "observe", type = "string", value = "FILE", help = "only write the ranges into these weights" },
    { name = "threads", type = "integer", min = 1, max = 256, help = "worker threads [all processors]" },
  },
}

local tables = {}
for i, family in ipairs(FAMILIES) do
  tables[i] = { path = values.labels .. "/" .. family .. ".csv", family = family }
end

-- Write into a file of weights what its training saw.
local function observe(path)
  local groups, graphs = {}, {}
  for i, entry in ipairs(tables) do
    groups[i] = { family = entry.family, samples = assert(labels.read(entry.path, entry.family)) }
  end
  for i, sample in ipairs(assert(train.split(groups, values.seed))) do
    graphs[i] = sample.graph
  end
  local weights = assert(ag.predictor(path))
  weights:observe(graphs)
  assert(weights:save(path))
end

if values.observe then
  observe(values.observe)
  return
end

local predictor, report = ag.train {
  tables = tables,
  model = values.model,
  epochs = values.quick and 2 or values.epochs,
  seed = values.seed,
  threads = values.threads,
  progress = function(row)
    io.stderr:write(("epoch %d of %d: loss %.4f, validation SRCC %.4f, %.0f samples/s\n"):format(
      row.epoch, row.epochs, row.loss, row.srcc, row.samples_per_second))
  end,
}
if not predictor then
  io.stderr:write("autogo: train_predictor: ", report, "\n")
  os.exit(1, true)
end

local HEADER, rows = { "family", "training", "test", "srcc" }, {}
for i, row in ipairs(report) do
  rows[i] = { row.family, row.training, row.test, row.srcc }
end
recipe.print(HEADER, rows)
recipe.csv(values.out .. "/predictor.csv", HEADER, rows)
assert(predictor:save(values.out .. "/predictor.safetensors"))
assert(ag.write_file(values.out .. "/predictor.split.csv", report.held_out))
