--- `autogo train`: a predictor from tables of measured architectures.
-- @module autogo.cli.train

local ag = require "autogo"
local core = require "autogo.core"
local train = require "autogo.train"

local LATENCY = train.LATENCY -- what --target chooses unless told otherwise

local function progress(row)
  if row.members and row.members > 1 then
    io.stderr:write(("member %d of %d, "):format(row.member, row.members))
  end
  io.stderr:write(("epoch %d of %d: loss %.4f, validation SRCC %.4f, %.0f samples/s, %.0f s left\n"):format(
    row.epoch, row.epochs, row.loss, row.srcc, row.samples_per_second, row.seconds_left))
end

local function tables(values)
  local list = {}
  if #values.target > 0 then
    for i, target in ipairs(values.target) do
      local path, column = target:match "^(.+):([^:/]+)$"
      if not path then
        return nil, ("--target: FILE:COLUMN expected, got '%s'"):format(target)
      end
      list[i] = { path = path, column = column, family = values.family[i] or values.family[1] or "nb201",
        all = true }
    end
    return list
  elseif #values.labels == 0 or #values.labels ~= #values.family then
    return nil, ("as many --labels as --family expected, at least one, got %d and %d"):format(
      #values.labels, #values.family)
  end
  for i, path in ipairs(values.labels) do
    list[i] = { path = path, family = values.family[i] }
  end
  return list
end

local function save(predictor, report, path)
  local saved, why = predictor:save(path)
  if saved then
    local stem = path:gsub("%.safetensors$", "")
    saved, why = ag.write_file(stem .. ".split.csv", report.held_out)
  end
  return saved, why
end

local function print_report(report)
  for _, row in ipairs(report) do
    io.stdout:write(("%s: %d training, %d test graphs, test SRCC %.4f, of the best fifth %.4f%s\n"):format(
      row.family, row.training, row.test, row.srcc, row.top,
      row.mape and (", error %.1f %%"):format(row.mape) or ""))
  end
end

local OPTIONS = {
  { name = "labels", type = "string", value = "FILE", many = true, help = "CSV; may be repeated" },
  { name = "family", type = "string", value = "NAME", many = true, help = "of that table" },
  { name = "column", type = "string", default = "cifar10_test_acc", help = "what to predict" },
  { name = "target", type = "string", value = "FILE:COLUMN", many = true,
    help = ("a cost such as a latency instead: gnn, log values, sums of states, %s messages, huber %g, "
      .. "rate %g, %d epochs in batches of %d"):format(LATENCY.messages, LATENCY.huber, LATENCY.learning_rate,
      LATENCY.epochs, LATENCY.batch) },
  { name = "tokenizer", type = "string", value = "FILE", help = "instead of the bundled one" },
  { name = "out", type = "string", value = "FILE", default = "predictor.safetensors", help = "weights" },
  { name = "quiet", type = "flag", help = "print no progress" },
}
table.move(train.OPTIONS, 1, #train.OPTIONS, #OPTIONS + 1, OPTIONS)

return {
  name = "train",
  about = "Train a predictor on measured architectures",
  usage = "--labels FILE --family NAME --out FILE [options]",
  arguments = {},
  options = OPTIONS,
  check = function(values)
    local _, why = tables(values)
    return why
  end,
  run = function(values)
    local good, why = core.can_write(values.out)
    if not good then
      return nil, why
    end
    local options = {}
    for key, value in pairs(#values.target > 0 and LATENCY or {}) do
      options[key] = value
    end
    for key, value in pairs(values) do
      options[key] = value
    end
    options.tables, options.progress = tables(values), not values.quiet and progress or nil
    options.tokenizer, why = ag.tokenizer(values.tokenizer)
    if not options.tokenizer then
      return nil, why
    end
    options.sum_pooling = options.sum_pooling and options.model == "gnn"
    local predictor, report = train.train(options)
    if not predictor then
      return nil, report
    end
    local saved
    saved, why = save(predictor, report, values.out)
    if not saved then
      return nil, why
    end
    print_report(report)
    if report.interrupted then
      return nil, "stopped early; the best weights so far are in " .. values.out
    end
  end,
}
