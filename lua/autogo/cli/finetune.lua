--- `autogo finetune`: fit predictor weights to a few networks of one's own.
-- @module autogo.cli.finetune

local ag = require "autogo"
local core = require "autogo.core"
local labels = require "autogo.labels"
local train = require "autogo.train"

-- Of the rows of training those that fine-tuning leaves open; its own defaults in brackets.
local HELP = {
  epochs = "passes over the data [40]",
  batch = "graphs in a batch [8]",
  splits = "PSC: random cuts of a graph in a batch [8]",
  ["learning-rate"] = "of Adam [0.0005]",
  hinge = "weight of the pairwise hinge [1]",
  clip = "longest gradient, 0 for any [1]",
  transform = "of the values: z-score or log [z-score]",
  seed = "of folds and training",
  threads = "worker threads [all processors]",
}

local OPTIONS = {
  { name = "from", type = "string", value = "WEIGHTS", help = "weights to start from [the bundled ones]" },
  { name = "data", type = "string", value = "FILE",
    help = "CSV with columns network (a file or a name) and value" },
  { name = "column", type = "string", default = "value", help = "what to predict" },
  { name = "name", type = "string", default = "own", help = "of these values in the weights" },
  { name = "tokenizer", type = "string", value = "FILE", help = "instead of the bundled one" },
  { name = "out", type = "string", value = "FILE", default = "finetuned.safetensors", help = "weights" },
}
for _, row in ipairs(train.OPTIONS) do
  if HELP[row.name] then
    local own = {}
    for key, value in pairs(row) do
      own[key] = value
    end
    own.help = HELP[row.name]
    OPTIONS[#OPTIONS + 1] = own
  end
end

-- Weights, tokenizer and samples; or nil and a message.
local function inputs(values)
  local good, why = core.can_write(values.out)
  if not good then
    return nil, why
  end
  local from
  from, why = ag.predictor(values.from)
  if not from then
    return nil, why
  end
  local tokenizer
  tokenizer, why = ag.tokenizer(values.tokenizer)
  if not tokenizer then
    return nil, why
  end
  local samples
  samples, why = labels.read_networks(values.data, ag.load, values.column)
  if not samples then
    return nil, why
  end
  return from, tokenizer, samples
end

return {
  name = "finetune",
  about = "Fit a predictor to a few networks you measured",
  usage = "--from WEIGHTS --data FILE --out FILE [options]",
  arguments = {},
  options = OPTIONS,
  check = function(values)
    return not values.data and "--data FILE is missing" or nil
  end,
  run = function(values)
    local from, tokenizer, samples = inputs(values)
    if not from then
      return nil, tokenizer
    end
    local options = {}
    for key, value in pairs(values) do
      options[key] = value
    end
    options.tokenizer = tokenizer
    local tuned, report = train.fine_tune(from, samples, options)
    if not tuned then
      return nil, report
    end
    local saved, why = tuned:save(values.out)
    if not saved then
      return nil, why
    end
    io.stdout:write(("%d networks: cross-validated SRCC %.4f before, %.4f after\n"):format(
      #samples, report.before, report.after))
  end,
}
