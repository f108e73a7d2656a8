--- Training a predictor on tables of measured architectures.
-- @module autogo.train

local core = require "autogo.core"
local labels = require "autogo.labels"

local function append(list, more)
  table.move(more, 1, #more, #list + 1, list)
end

-- Training and validation parts of all tables together, the test parts by themselves.
local function read_tables(options)
  local training, validation, tests = {}, {}, {}
  for i, entry in ipairs(options.tables) do
    local samples, why = labels.read(entry.path, entry.family, options.column)
    if not samples then
      return nil, why
    end
    local train, valid, test = labels.split(samples, options.seed)
    append(training, train)
    append(validation, valid)
    tests[i] = { family = entry.family, training = #train, samples = test }
  end
  return training, validation, tests
end

-- Rank correlation of predictions and labels on one test part.
local function evaluate(predictor, tokenizer, test)
  local predicted, measured = {}, {}
  for i, sample in ipairs(test.samples) do
    predicted[i] = predictor:score(sample.graph, tokenizer)
    measured[i] = sample.target
  end
  return {
    family = test.family,
    training = test.training,
    test = #test.samples,
    srcc = core.srcc(predicted, measured),
  }
end

--- Train.
-- @tparam table options `tables` = list of { path, family }, `column`, `tokenizer`, `model` = "psc" or
-- "gnn", `epochs`, `batch`, `seed`, `threads`, `progress` = function (row)
-- @treturn Predictor, and a list of { family, training, test, srcc } with a field `held_out` (the
-- architectures kept out of the training, as CSV); or nil and a message
return function(options)
  local training, validation, tests = read_tables(options)
  if not training then
    return nil, validation
  end
  local predictor, why = core.train {
    samples = training,
    valid = validation,
    tokenizer = options.tokenizer,
    model = options.model,
    epochs = options.epochs,
    batch = options.batch,
    seed = options.seed,
    threads = options.threads or core.processors(),
    progress = options.progress,
  }
  if not predictor then
    return nil, why
  end
  local parts = { { validation, "validation" } }
  for i, test in ipairs(tests) do
    parts[i + 1] = { test.samples, "test" }
  end
  local report = { held_out = labels.held_out(parts) }
  for i, test in ipairs(tests) do
    report[i] = evaluate(predictor, options.tokenizer, test)
  end
  return predictor, report
end
