--- `autogo train`: a predictor from tables of measured architectures.
-- @module autogo.cli.train

local ag = require "autogo"
local train = require "autogo.train"

local function progress(row)
  io.stderr:write(("epoch %d of %d: loss %.4f, validation SRCC %.4f, %.0f samples/s\n"):format(
    row.epoch, row.epochs, row.loss, row.srcc, row.samples_per_second))
end

local function tables(values)
  if #values.labels == 0 or #values.labels ~= #values.family then
    return nil, ("as many --labels as --family expected, at least one, got %d and %d"):format(
      #values.labels, #values.family)
  end
  local list = {}
  for i, path in ipairs(values.labels) do
    list[i] = { path = path, family = values.family[i] }
  end
  return list
end

return {
  name = "train",
  about = "Train a predictor on measured architectures",
  usage = "--labels FILE --family NAME --out FILE [options]",
  arguments = {},
  options = {
    { name = "labels", type = "string", value = "FILE", many = true, help = "CSV; may be repeated" },
    { name = "family", type = "string", value = "NAME", many = true, help = "of that table" },
    { name = "column", type = "string", default = "cifar10_test_acc", help = "what to predict" },
    { name = "model", type = "choice", choices = { "psc", "gnn" }, default = "psc", help = "psc or gnn" },
    { name = "epochs", type = "integer", min = 1, max = 100000, help = "passes over the data" },
    { name = "batch", type = "integer", min = 1, max = 4096, help = "graphs in a batch" },
    { name = "seed", type = "integer", min = 0, default = 1, help = "of the split and the training" },
    { name = "threads", type = "integer", min = 1, max = 256, help = "worker threads [all processors]" },
    { name = "tokenizer", type = "string", value = "FILE", help = "instead of the bundled one" },
    { name = "out", type = "string", value = "FILE", default = "predictor.safetensors", help = "weights" },
    { name = "quiet", type = "flag", help = "print no progress" },
  },
  run = function(values)
    local list, why = tables(values)
    if not list then
      return nil, why
    end
    local tokenizer
    tokenizer, why = ag.tokenizer(values.tokenizer)
    if not tokenizer then
      return nil, why
    end
    local predictor, report = train {
      tables = list,
      column = values.column,
      tokenizer = tokenizer,
      model = values.model,
      epochs = values.epochs,
      batch = values.batch,
      seed = values.seed,
      threads = values.threads,
      progress = not values.quiet and progress or nil,
    }
    if not predictor then
      return nil, report
    end
    local saved
    saved, why = predictor:save(values.out)
    if saved then
      local stem = values.out:gsub("%.safetensors$", "")
      saved, why = ag.write_file(stem .. ".split.csv", report.held_out)
    end
    if not saved then
      return nil, why
    end
    for _, row in ipairs(report) do
      io.stdout:write(("%s: %d training, %d test graphs, test SRCC %.4f\n"):format(
        row.family, row.training, row.test, row.srcc))
    end
  end,
}
