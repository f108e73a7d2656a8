--- Training a predictor on tables of measured architectures.
-- @module autogo.train

local core = require "autogo.core"
local labels = require "autogo.labels"
local random = require "autogo.random"

local train = {}

--- Options of `core.train` that are handed on as they are, with type, bounds and help: the rows of the
-- command line's table. Defaults are the preset's (`core.train`).
train.OPTIONS = {
  { name = "model", type = "choice", choices = { "psc", "gnn" }, help = "psc or gnn [psc]" },
  { name = "preset", type = "choice", choices = { "default", "published" },
    help = "default, or published: z-score, MSE, Adam 1e-4, 40 epochs, plain layers" },
  { name = "epochs", type = "integer", min = 1, max = 100000, help = "passes over the data [100]" },
  { name = "batch", type = "integer", min = 1, max = 8192, help = "graphs in a batch [64, gnn 32]" },
  { name = "splits", type = "integer", min = 1, max = 8192,
    help = "PSC: random cuts of a graph in a batch; 1 is PSC 1:1 [8]" },
  { name = "learning-rate", type = "number", min = 1e-12, max = 1000, help = "of Adam [0.004, gnn 0.003]" },
  { name = "warmup", type = "number", min = 0, max = 1e9, help = "steps of linear warm-up [100]" },
  { name = "final-rate", type = "number", min = 1e-12, max = 1,
    help = "share of the learning rate that cosine decay ends at; 1 is constant [0.01]" },
  { name = "hinge", type = "number", min = 0, max = 1e9, help = "weight of the pairwise hinge [1]" },
  { name = "consistency", type = "number", min = 0, max = 1e9,
    help = "PSC: weight of what a graph's cuts disagree among themselves [2]" },
  { name = "huber", type = "number", min = 0, max = 1e9,
    help = "errors beyond it count linearly instead of squared; 0: none does [0]" },
  { name = "clip", type = "number", min = 0, max = 1e9, help = "longest gradient, 0 for any [0]" },
  { name = "patience", type = "integer", min = 0, max = 1000000,
    help = "stop after so many epochs without a better validation SRCC, 0 for never [0]" },
  { name = "transform", type = "choice", choices = { "rank-normal", "z-score", "log" },
    help = "of the values: rank-normal, z-score or log [rank-normal]" },
  { name = "sums", type = "choice", choices = { "keep", "flatten", "both" },
    help = "additions are nodes, or their terms go to their users in any order: keep or flatten; both: "
      .. "an ensemble's members in turn [keep]" },
  { name = "messages", type = "choice", choices = { "forward", "backward", "both" },
    help = "a node hears of what it is made from, or of what is made of it: forward or backward; both: "
      .. "an ensemble's members in turn [forward]" },
  { name = "members", type = "integer", min = 1, max = 8,
    help = "trained apart with seeds of their own; the mean of all is the prediction [1]" },
  { name = "seed", type = "integer", min = 0, default = 1, help = "of the split and the training" },
  { name = "threads", type = "integer", min = 1, max = 256, help = "worker threads [all processors]" },
  { name = "checkpoint", type = "string", value = "FILE",
    help = "written every few epochs and on Ctrl-C; a weights file too" },
  { name = "every", type = "integer", min = 1, max = 1000000, help = "epochs between checkpoints [10]" },
  { name = "resume", type = "string", value = "FILE", help = "go on from a checkpoint of this training" },
}

--- What to choose for latencies and other costs. They add up over nodes and span decades, some measurements
-- are far off, and what nobody uses may never be computed, so a node hears of its users.
train.LATENCY = { model = "gnn", transform = "log", sum_pooling = true, messages = "backward", huber = 0.05,
  epochs = 25, batch = 128, learning_rate = 0.006 }

-- Options without a row above: for programs.
local MORE = { "residual", "log_features", "sum_pooling", "tokenizer", "progress", "from" }

local function core_options(options, samples, valid)
  local filled = { samples = samples, valid = valid }
  for _, row in ipairs(train.OPTIONS) do
    local key = row.name:gsub("%-", "_")
    filled[key] = options[key]
  end
  for _, key in ipairs(MORE) do
    filled[key] = options[key]
  end
  filled.threads = filled.threads or core.processors()
  filled.members = nil
  return filled
end

--- Train a single predictor on samples.
-- @tparam table options as of `train.train`, without `tables` and `members`
-- @tparam table samples list of { graph in canonical order, target, family }
-- @tparam[opt] table valid the like, to choose the best epoch by
-- @treturn Predictor; or nil and a message
function train.fit(options, samples, valid)
  return core.train(core_options(options, samples, valid))
end

-- Seeds of an ensemble's members lie so far apart that runs with seeds 1, 2, ... share none.
local SEEDS_APART, MOST_MEMBERS = 1000, 8

-- Why these options make no ensemble, or nil.
local function unfit(options, members)
  if math.type(members) ~= "integer" or members < 1 or members > MOST_MEMBERS then
    return ("members: an integer from 1 to %d expected, got %s"):format(MOST_MEMBERS, members)
  elseif options.sums == "both" and members == 1 then
    return "sums: both ways take at least two members, and members is 1"
  elseif options.messages == "both" and members < (options.sums == "both" and 3 or 2) then
    return ("messages: both ways take at least %s members, and members is %d"):format(
      options.sums == "both" and "three" or "two", members)
  elseif (options.checkpoint or options.resume) and members > 1 then
    return "checkpoint and resume: only the training of a single predictor, with members 1, can go on later"
  end
end

-- The options of member number `index`.
local function member_options(options, index, members)
  local own = { seed = (options.seed or 1) + SEEDS_APART * (index - 1) }
  local turn = index - 1
  if options.sums == "both" then
    own.sums = turn % 2 == 0 and "keep" or "flatten"
    turn = turn // 2
  end
  if options.messages == "both" then
    own.messages = turn % 2 == 0 and "forward" or "backward"
  end
  own.progress = options.progress and function(row)
    row.member, row.members = index, members
    return options.progress(row)
  end
  return setmetatable(own, { __index = options })
end

--- Train an ensemble: members that differ in their seed; with `sums` = "both" also in what an addition
-- is to them, a node (the first, third, ...) or none; with `messages` = "both" in whom nodes listen to (with
-- both, the first two hear of what they are made from, the next two of what is made of them, ...).
-- @tparam table options as of `train.fit`; `progress` gets rows with `member` and `members`, too; for
-- more than one member without `checkpoint` and `resume`
-- @tparam integer members 1 to 8
-- @tparam table samples as of `train.fit`
-- @tparam[opt] table valid
-- @treturn Predictor, which says their mean; or nil and a message, also where training was stopped
function train.fit_ensemble(options, members, samples, valid)
  local reason = unfit(options, members)
  if reason then
    return nil, reason
  end
  local list = {}
  for i = 1, members do
    local member, why = train.fit(member_options(options, i, members), samples, valid)
    if not member then
      return nil, why
    elseif why then
      return nil, ("stopped in member %d of %d; without the rest there is no ensemble"):format(i, members)
    end
    list[i] = member
  end
  if members == 1 then
    return list[1]
  end
  return core.join_predictors(list)
end

local function append(list, more)
  table.move(more, 1, #more, #list + 1, list)
end

-- All samples of a family together, whatever tables they come from, so that no class straddles.
local function read_families(options)
  local list, by_name = {}, {}
  for _, entry in ipairs(options.tables) do
    local samples, why = labels.read(entry.path, entry.family,
      { column = entry.column or options.column, all = entry.all })
    if not samples then
      return nil, why
    end
    local group = by_name[entry.family]
    if not group then
      group = { family = entry.family, samples = {} }
      by_name[entry.family], list[#list + 1] = group, group
    end
    append(group.samples, samples)
  end
  return list
end

local function networks(count)
  return count == 1 and "1 network is" or ("%d networks are"):format(count)
end

--- Training and validation parts of all families together, the test parts by themselves.
-- @tparam table groups list of { family, samples }
-- @tparam integer seed
-- @treturn table training samples, or nil and a message
-- @treturn table validation samples
-- @treturn table list of { family, training = number, samples = test samples }
function train.split(groups, seed)
  local training, validation, tests = {}, {}, {}
  for i, group in ipairs(groups) do
    local learnt, valid, test = labels.split(group.samples, seed)
    if #valid < 2 or #test < 2 then
      return nil, ("%s: %s too few to train, validate and test on; 20 distinct ones would do")
        :format(group.family, networks(#group.samples))
    end
    append(training, learnt)
    append(validation, valid)
    tests[i] = { family = group.family, training = #learnt, samples = test }
  end
  return training, validation, tests
end

-- Rank correlation within the fifth of the samples that measured best.
local function top_srcc(predicted, measured)
  local order = {}
  for i = 1, #measured do
    order[i] = i
  end
  table.sort(order, function(a, b)
    return measured[a] > measured[b] or measured[a] == measured[b] and a < b
  end)
  local p, m = {}, {}
  for i = 1, math.max(2, #order // 5) do
    p[i], m[i] = predicted[order[i]], measured[order[i]]
  end
  return core.srcc(p, m)
end

--- What a predictor says of samples, against what was measured.
-- @tparam Predictor predictor
-- @tparam Tokenizer tokenizer
-- @tparam table samples of one family
-- @tparam string family name under which the predictor knows their unit
-- @treturn table { test = number, srcc, top (SRCC of the best fifth), mae, mape (per cent; nil where a
-- value is not positive), predicted = list, measured = list } with predictions in the labels' unit
function train.evaluate(predictor, tokenizer, samples, family)
  local raw, labelled, measured, relative = {}, {}, {}, 0
  for i, sample in ipairs(samples) do
    raw[i] = assert(predictor:score(sample.graph, tokenizer))
    labelled[i] = predictor:label(family, raw[i])
    measured[i] = sample.target
    relative = relative and sample.target > 0 and relative + math.abs(labelled[i] / sample.target - 1)
  end
  return {
    test = #samples,
    srcc = core.srcc(raw, measured),
    top = top_srcc(raw, measured),
    mae = core.mae(labelled, measured),
    mape = relative and 100 * relative / #samples or nil,
    predicted = labelled,
    measured = measured,
  }
end

-- One predictor, maybe stopped early, or a whole ensemble.
local function fit(options, training, validation)
  if (options.members or 1) ~= 1 or options.sums == "both" or options.messages == "both" then
    return train.fit_ensemble(options, options.members or 1, training, validation)
  end
  return train.fit(options, training, validation)
end

--- Train.
-- @tparam table options `tables` = list of { path, family, column, all (as of `labels.read`) },
-- `column`, `tokenizer`, `progress` = function (row), and those of `train.OPTIONS` (with _ for -),
-- `residual`, `log_features`, `sum_pooling`
-- @treturn Predictor, and a list of { family, training, test, srcc, top, mae, mape } with a field
-- `held_out` (the architectures kept out of the training, as CSV) and `interrupted` (true if the
-- training was stopped early); or nil and a message
function train.train(options)
  local groups, why = read_families(options)
  if not groups then
    return nil, why
  end
  local training, validation, tests = train.split(groups, options.seed)
  if not training then
    return nil, validation
  end
  local predictor
  predictor, why = fit(options, training, validation)
  if not predictor then
    return nil, why
  end
  local parts = { { validation, "validation" } }
  for i, test in ipairs(tests) do
    parts[i + 1] = { test.samples, "test" }
  end
  local report = { held_out = labels.held_out(parts), interrupted = why ~= nil }
  for i, test in ipairs(tests) do
    report[i] = train.evaluate(predictor, options.tokenizer, test.samples, test.family)
    report[i].family, report[i].training = test.family, test.training
  end
  return predictor, report
end

local FOLDS, ENOUGH_TO_VALIDATE = 5, 50

-- Fine-tune on all samples, an ensemble member by member; with enough of them the last tenth chooses
-- the epoch.
local function tune(from, samples, options)
  local kept = #samples >= ENOUGH_TO_VALIDATE and #samples // 10 or 0
  local learnt = table.move(samples, 1, #samples - kept, 1, {})
  local valid = table.move(samples, #samples - kept + 1, #samples, 1, {})
  local filled, list = core_options(options, learnt, kept > 0 and valid or nil), {}
  filled.model, filled.preset, filled.sums, filled.messages = nil, nil, nil, nil
  for i = 1, from.members do
    filled.from = from:member(i)
    local member, why = core.train(filled)
    if not member or why then
      return from.members == 1 and member or nil, why
    end
    list[i] = member
  end
  return #list == 1 and list[1] or core.join_predictors(list)
end

-- Predictions of every sample by weights tuned on the other folds.
local function cross_validate(from, samples, options)
  local measured, before, after = {}, {}, {}
  for fold = 1, FOLDS do
    local learnt, test = {}, {}
    for i, sample in ipairs(samples) do
      local part = i % FOLDS + 1 == fold and test or learnt
      part[#part + 1] = sample
    end
    local tuned, why = tune(from, learnt, options)
    if not tuned or why then
      return nil, why
    end
    for _, sample in ipairs(test) do
      measured[#measured + 1] = sample.target
      before[#before + 1] = assert(from:score(sample.graph, options.tokenizer))
      after[#after + 1] = assert(tuned:score(sample.graph, options.tokenizer))
    end
  end
  return { before = core.srcc(before, measured), after = core.srcc(after, measured) }
end

--- Fine-tune weights on a few measured networks.
-- @tparam Predictor from
-- @tparam table samples list of { graph in canonical order, target }
-- @tparam table options `name` of the values in the new weights ("own"), `tokenizer`, `progress`, and
-- those of `train.OPTIONS`
-- @treturn Predictor, and { before, after }: rank correlation in five-fold cross-validation without and
-- with tuning; or nil and a message
function train.fine_tune(from, samples, options)
  if #samples < 2 * FOLDS then
    return nil, ("%s too few to fine-tune on; %d would do"):format(networks(#samples), 2 * FOLDS)
  end
  local named = {}
  local order = table.move(samples, 1, #samples, 1, {})
  for i, sample in ipairs(random.new(options.seed or 1):shuffle(order)) do
    named[i] = { graph = sample.graph, target = sample.target, family = options.name or "own" }
  end
  local plain = {}
  for key, value in pairs(options) do
    plain[key] = value
  end
  plain.progress, plain.checkpoint, plain.resume = nil, nil, nil
  local report, why = cross_validate(from, named, plain)
  if not report then
    return nil, why
  end
  local tuned
  tuned, why = tune(from, named, options)
  if not tuned then
    return nil, why
  end
  return tuned, report
end

return train
