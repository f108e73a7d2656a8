-- Rank correlation of the predictors (Table 1), on the families with public labels.
--
--     autogo run recipes/table1_predictors.lua --labels DIR [--seeds N] [--members N] [--sums WAY]
--         [--messages WAY] [--models LIST] [--out DIR] [--jobs N] [--quick]
--
-- DIR holds nb201.csv, nb_macro.csv and nb101.csv (columns: `autogo.labels`); one that is missing is
-- left out. For every family, the whole-graph GNN, PSC trained on one random cut per graph and batch (PSC
-- 1:1) and PSC on eight, each for several seeds, which draw split and training. With --members, each is
-- the mean of as many trained apart; with --sums both, half of them see additions as nodes and half do
-- not; with --messages both, half hear of what nodes are made from and half of what is made of them.
-- SRCC is the mean over folds of one cut per test graph. Trainings
-- are dealt out to --jobs processes of one thread each, which scales better than threads within one
-- training; the figures do not depend on it. Leaves in the output folder:
--
--    table1.csv      mean and deviation over the seeds, of all test networks and of the best fifth
--    families.csv    own: trained on the family; joint: on all; cross: on the others alone
--    predicted.csv, predicted.svg    what PSC of the first seed says of the test networks
--
-- Source: algorithm.md sections 6 and 7.
local ag = require "autogo"
local labels = require "autogo.labels"
local recipe = require "autogo.recipe"
local train = require "autogo.train"

local FAMILIES = { "nb201", "nb_macro", "nb101" }
local MODELS = {
  { name = "GNN", model = "gnn" },
  { name = "PSC 1:1", model = "psc", splits = 1 },
  { name = "PSC", model = "psc" },
}
local PUBLISHED = {
  nb101 = { GNN = 0.627, ["PSC 1:1"] = 0.666, PSC = 0.849 },
  nb201 = { GNN = 0.809, ["PSC 1:1"] = 0.865, PSC = 0.983 },
}
local NAMES = { "GNN", "PSC 1:1", "PSC" }
local QUICK = { networks = 120, epochs = 3, seeds = 2 }
local MOST_FOLDS = 10

local values = recipe.options {
  name = "table1_predictors",
  about = "Rank correlation of GNN, PSC 1:1 and PSC (Table 1)",
  options = {
    { name = "labels", type = "string", value = "DIR", default = "../shared/data/labels", help = "tables" },
    { name = "seeds", type = "integer", min = 1, max = 100, default = 5, help = "runs of each" },
    { name = "members", type = "integer", min = 1, max = 8, default = 1, help = "of an ensemble" },
    { name = "sums", type = "choice", choices = { "keep", "flatten", "both" }, default = "keep",
      help = "additions are nodes or none, or (an ensemble's members in turn) both" },
    { name = "messages", type = "choice", choices = { "forward", "backward", "both" }, default = "forward",
      help = "nodes hear of their operands or users, or both in turn" },
    { name = "epochs", type = "integer", min = 1, max = 100000, default = 100, help = "passes" },
    { name = "models", type = "list", value = "LIST", choices = NAMES, default = NAMES,
      help = "of them; without PSC nothing is learnt jointly" },
    { name = "jobs", type = "integer", min = 1, max = 256, help = "processes [all processors]" },
    { name = "job", type = "integer", min = 1, max = 256, help = "be one of them: for internal use" },
  },
}
local seeds = values.quick and QUICK.seeds or values.seeds
local epochs = values.quick and QUICK.epochs or values.epochs
local jobs = values.jobs or ag.processors()
local tokenizer = assert(ag.tokenizer())

local asked, asked_models = {}, {}
for _, name in ipairs(values.models) do asked[name] = true end
for _, model in ipairs(MODELS) do
  asked_models[#asked_models + 1] = asked[model.name] and model or nil
end

local function stop(why)
  io.stderr:write("autogo: table1_predictors: ", why, "\n")
  os.exit(1, true)
end

local function table_of(family)
  return ("%s/%s.csv"):format(values.labels, family)
end

local present = {}
for _, family in ipairs(FAMILIES) do
  if ag.exists(table_of(family)) then
    present[#present + 1] = family
  end
end
if #present == 0 then
  stop("no tables of labels in " .. values.labels)
end

-- --- measures -------------------------------------------------------------------------------------

-- Mean SRCC over folds with one random cut per graph; as many as the shortest graph has cuts.
local function srcc_in_folds(predictor, samples, seed)
  local measured, cuts, folds = {}, {}, MOST_FOLDS
  for i, sample in ipairs(samples) do
    measured[i] = sample.target
    cuts[i] = predictor.model == "psc" and assert(predictor:cuts(sample.graph, tokenizer))
      or { assert(predictor:score(sample.graph)) }
    folds = math.min(folds, #cuts[i])
  end
  local stream = ag.random.new(seed)
  for i = 1, #cuts do
    stream:shuffle(cuts[i])
  end
  local sum = 0
  for fold = 1, folds do
    local predicted = {}
    for i = 1, #cuts do
      predicted[i] = cuts[i][fold]
    end
    sum = sum + ag.srcc(predicted, measured)
  end
  return sum / folds
end

-- --- training -------------------------------------------------------------------------------------

local function fit(model, training, validation, seed)
  local predictor, why = train.fit_ensemble({
    model = model.model,
    splits = model.splits,
    sums = values.sums,
    messages = values.messages,
    epochs = epochs,
    seed = seed,
    threads = 1,
    tokenizer = tokenizer,
  }, values.members, training, validation)
  return predictor or stop(why)
end

local function split(groups, seed)
  local training, validation, tests = train.split(groups, seed)
  if not training then
    stop(validation)
  end
  return training, validation, tests
end

local function progress(...)
  io.stderr:write((...):format(select(2, ...)), "\n")
end

-- Samples of one family, or with `others` of all but that one.
local function of_family(samples, family, others)
  local list = {}
  for _, sample in ipairs(samples) do
    if (sample.family == family) ~= (others or false) then
      list[#list + 1] = sample
    end
  end
  return list
end

-- --- tasks: trainings that know nothing of each other -----------------------------------------------
-- Each answers with lines of its own kind, fields between tabs:
--    row, family, model, seed, SRCC in folds, of the best fifth
--    own | joint | cross, family, SRCC
--    points, family, measured between spaces, predicted between spaces

local PSC = MODELS[3]

local function numbers(list)
  local texts = {}
  for i, value in ipairs(list) do
    texts[i] = ("%.17g"):format(value)
  end
  return table.concat(texts, " ")
end

-- One seed of one row of table 1.
local function run_row(group, model, seed, answer)
  local training, validation, tests = split({ group }, seed)
  local start = ag.clock()
  local predictor = fit(model, training, validation, seed)
  local took = ag.clock() - start
  local samples = tests[1].samples
  local seen = train.evaluate(predictor, tokenizer, samples, group.family)
  local folds = srcc_in_folds(predictor, samples, seed)
  answer("row", group.family, model.name, seed, folds, seen.top)
  progress("%s, %s, seed %d: %.4f in folds, %.0f s", group.family, model.name, seed, folds, took)
  if seed == 1 and model == PSC then
    answer("own", group.family, seen.srcc)
    answer("points", group.family, numbers(seen.measured), numbers(seen.predicted))
  end
end

-- PSC trained on all families, or on all but one, and what it says of each that is asked for.
local function run_joint(groups, without, answer)
  local training, validation, tests = split(groups, 1)
  if without then
    training, validation = of_family(training, without, true), of_family(validation, without, true)
  end
  local predictor = fit(PSC, training, validation, 1)
  for _, test in ipairs(tests) do
    if not without or test.family == without then
      local srcc = train.evaluate(predictor, tokenizer, test.samples, test.family).srcc
      answer(without and "cross" or "joint", test.family, srcc)
      progress("%s, %s: %.4f", test.family, without and "cross" or "joint", srcc)
    end
  end
end

local COST = { GNN = 1, ["PSC 1:1"] = 2, PSC = 3 } -- of an epoch, about

local function tasks_of(groups)
  local tasks, all = {}, 0
  for _, group in ipairs(groups) do
    all = all + #group.samples
    for _, model in ipairs(asked_models) do
      for seed = 1, seeds do
        tasks[#tasks + 1] = { cost = COST[model.name] * #group.samples, run = function(answer)
          run_row(group, model, seed, answer)
        end }
      end
    end
  end
  local jointly = asked.PSC and #groups > 1
  for i = jointly and 0 or 1, jointly and #groups or 0 do
    local without = groups[i]
    tasks[#tasks + 1] = { cost = COST.PSC * (all - (without and #without.samples or 0)),
      run = function(answer)
        run_joint(groups, without and without.family, answer)
      end }
  end
  return tasks
end

local function answers_path(job)
  return ("%s/answers-%d.txt"):format(values.out, job)
end

local function work(job)
  local groups, lines = {}, {}
  for i, family in ipairs(present) do
    local limit = values.quick and QUICK.networks or nil
    local samples, why = labels.read(table_of(family), family, { limit = limit })
    groups[i] = { family = family, samples = samples or stop(why) }
  end
  for _, task in ipairs(recipe.share(tasks_of(groups), jobs, job)) do
    task.run(function(...)
      lines[#lines + 1] = table.concat({ ... }, "\t")
    end)
  end
  assert(ag.write_file(answers_path(job), table.concat(lines, "\n") .. "\n"))
end

-- --- processes --------------------------------------------------------------------------------------

-- Lines of all answers, as lists of fields.
local function collect()
  local pipes, lines = {}, {}
  for job = 1, jobs do
    local options = "--job %d --jobs %d --labels %s --out %s --seeds %d --members %d --sums %s --messages %s "
      .. "--models %s --epochs %d%s"
    pipes[job] = recipe.again(options:format(job, jobs, recipe.quoted(values.labels),
      recipe.quoted(values.out), values.seeds, values.members, values.sums, values.messages,
      recipe.quoted(table.concat(values.models, ",")), values.epochs,
      values.quick and " --quick" or ""))
  end
  local failed = false
  for job = 1, jobs do
    failed = not pipes[job]:close() or failed
  end
  if failed then
    os.exit(1, true) -- the job has said why
  end
  for job = 1, jobs do
    for line in io.lines(answers_path(job)) do
      local fields = {}
      for field in line:gmatch "[^\t]+" do
        fields[#fields + 1] = field
      end
      lines[#lines + 1] = fields
    end
    os.remove(answers_path(job))
  end
  return lines
end

local function split_numbers(text)
  local list = {}
  for field in text:gmatch "%S+" do
    list[#list + 1] = tonumber(field)
  end
  return list
end

-- --- picture --------------------------------------------------------------------------------------

local SIDE, MARGIN = 260, 46

-- Points of one family in a square of its own; the diagonal is a perfect prediction.
local function panel(x, family, seen)
  local low = math.min(table.unpack(seen.measured))
  local high = math.max(table.unpack(seen.measured))
  local function at(value)
    return SIDE * math.max(0, math.min(1, (value - low) / math.max(high - low, 1e-9)))
  end
  local parts = { ('<g transform="translate(%d,%d)"><rect width="%d" height="%d" fill="none" stroke="#999"/>')
    :format(x, MARGIN, SIDE, SIDE) }
  local function add(...)
    parts[#parts + 1] = (...):format(select(2, ...))
  end
  add('<line x1="0" y1="%d" x2="%d" y2="0" stroke="#bbb"/>', SIDE, SIDE)
  for i, measured in ipairs(seen.measured) do
    add('<circle cx="%.1f" cy="%.1f" r="2" fill="#2b6cb0" fill-opacity="0.5"/>', at(measured),
      SIDE - at(seen.predicted[i]))
  end
  add('<text x="0" y="-8">%s: SRCC %.3f</text>', family, seen.srcc)
  add('<text x="0" y="%d">%.1f</text><text x="%d" y="%d" text-anchor="end">%.1f measured</text>',
    SIDE + 16, low, SIDE, SIDE + 16, high)
  add('<text x="6" y="16">predicted</text></g>')
  return table.concat(parts, "\n")
end

local function picture(seen)
  local panels = {}
  for i, one in ipairs(seen) do
    panels[i] = panel(MARGIN + (i - 1) * (SIDE + MARGIN), one.family, one)
  end
  return ('<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" '
    .. 'font-size="12">\n%s\n</svg>\n'):format(MARGIN + #seen * (SIDE + MARGIN), SIDE + 2 * MARGIN,
    table.concat(panels, "\n"))
end

-- --- the whole ------------------------------------------------------------------------------------

if values.job then
  work(values.job)
  return
end

-- found.row[family][model] = { folds = {}, tops = {} }; found.own, .joint, .cross, .points[family]
local found = { row = {}, own = {}, joint = {}, cross = {}, points = {} }

local function take(kind, family, ...)
  if kind == "row" then
    local model, seed, folds, top = ...
    local rows = found.row[family] or {}
    found.row[family] = rows
    rows[model] = rows[model] or { folds = {}, tops = {} }
    seed = math.tointeger(tonumber(seed))
    rows[model].folds[seed], rows[model].tops[seed] = tonumber(folds), tonumber(top)
  elseif kind == "points" then
    local measured, predicted = ...
    found.points[family] = { family = family, measured = split_numbers(measured),
      predicted = split_numbers(predicted), srcc = 0 }
  elseif kind then
    found[kind][family] = tonumber((...))
  end
end

for _, fields in ipairs(collect()) do
  take(table.unpack(fields))
end

local rows, families, shown, points = {}, {}, {}, {}
for _, family in ipairs(present) do
  for _, model in ipairs(asked_models) do
    local one, published = found.row[family][model.name], PUBLISHED[family]
    local mean, deviation = recipe.mean_and_deviation(one.folds)
    rows[#rows + 1] = { family, model.name, seeds, mean, deviation, (recipe.mean_and_deviation(one.tops)),
      published and published[model.name] }
  end
  local seen = found.points[family]
  if seen then
    seen.srcc = found.own[family]
    shown[#shown + 1] = seen
    for i, measured in ipairs(seen.measured) do
      points[#points + 1] = { family, measured, seen.predicted[i] }
    end
    families[#families + 1] = { family, #seen.measured, found.own[family], found.joint[family],
      found.cross[family] }
  end
end

local HEADER = { "family", "model", "seeds", "srcc", "deviation", "best fifth", "published" }
local FAMILY_HEADER = { "family", "test", "own", "joint", "cross" }
recipe.print(HEADER, rows)
recipe.csv(values.out .. "/table1.csv", HEADER, rows)
if asked.PSC then
  recipe.csv(values.out .. "/predicted.csv", { "family", "measured", "predicted" }, points)
  assert(ag.write_file(values.out .. "/predicted.svg", picture(shown)))
end
if asked.PSC and #present > 1 then
  recipe.print(FAMILY_HEADER, families)
  recipe.csv(values.out .. "/families.csv", FAMILY_HEADER, families)
end
