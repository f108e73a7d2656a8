-- Rank correlation of the predictors (Table 1), on the families with public labels.
--
--     autogo run recipes/table1_predictors.lua --labels DIR [--seeds N] [--members N] [--out DIR]
--         [--quick]
--
-- DIR holds nb201.csv, nb_macro.csv and nb101.csv (columns: `autogo.labels`); one that is missing is
-- left out. For every family, the whole-graph GNN, PSC trained on one random cut per graph and batch (PSC
-- 1:1) and PSC on eight, each for several seeds, which draw split and training. With --members, each is
-- the mean of as many trained apart. SRCC is the mean over folds of one cut per test graph.
-- Leaves in the output folder:
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
local QUICK = { networks = 120, epochs = 3, seeds = 2 }
local MOST_FOLDS = 10

local values = recipe.options {
  name = "table1_predictors",
  about = "Rank correlation of GNN, PSC 1:1 and PSC (Table 1)",
  options = {
    { name = "labels", type = "string", value = "DIR", default = "../shared/data/labels", help = "tables" },
    { name = "seeds", type = "integer", min = 1, max = 100, default = 5, help = "runs of each" },
    { name = "members", type = "integer", min = 1, max = 8, default = 1, help = "of an ensemble" },
    { name = "epochs", type = "integer", min = 1, max = 100000, default = 100, help = "passes" },
    { name = "threads", type = "integer", min = 1, max = 256, help = "worker threads [all processors]" },
  },
}
local seeds = values.quick and QUICK.seeds or values.seeds
local epochs = values.quick and QUICK.epochs or values.epochs
local tokenizer = assert(ag.tokenizer())

local function stop(why)
  io.stderr:write("autogo: table1_predictors: ", why, "\n")
  os.exit(1, true)
end

local function read_tables()
  local groups = {}
  for _, family in ipairs(FAMILIES) do
    local path = ("%s/%s.csv"):format(values.labels, family)
    if ag.exists(path) then
      local samples, why = labels.read(path, family, nil, values.quick and QUICK.networks or nil)
      groups[#groups + 1] = { family = family, samples = samples or stop(why) }
    end
  end
  if #groups == 0 then
    stop("no tables of labels in " .. values.labels)
  end
  return groups
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
    epochs = epochs,
    seed = seed,
    threads = values.threads,
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

-- One row of table 1, and the evaluation of the first seed.
local function measure(group, model)
  local folds, tops, first = {}, {}, nil
  for seed = 1, seeds do
    local training, validation, tests = split({ group }, seed)
    local start = ag.clock()
    local predictor = fit(model, training, validation, seed)
    local took = ag.clock() - start
    local seen = train.evaluate(predictor, tokenizer, tests[1].samples, group.family)
    folds[seed], tops[seed] = srcc_in_folds(predictor, tests[1].samples, seed), seen.top
    first = first or seen
    progress("%s, %s, seed %d: %.4f in folds, %.0f s", group.family, model.name, seed, folds[seed], took)
  end
  local mean, deviation = recipe.mean_and_deviation(folds)
  local published = PUBLISHED[group.family]
  return { group.family, model.name, seeds, mean, deviation, (recipe.mean_and_deviation(tops)),
    published and published[model.name] }, first
end

-- --- joint and cross-family -------------------------------------------------------------------------

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

local function compare_families(groups)
  local psc, rows = MODELS[3], {}
  local training, validation, tests = split(groups, 1)
  local joint = fit(psc, training, validation, 1)
  for _, test in ipairs(tests) do
    local function score(predictor)
      return train.evaluate(predictor, tokenizer, test.samples, test.family).srcc
    end
    local function trained(others)
      return score(fit(psc, of_family(training, test.family, others),
        of_family(validation, test.family, others), 1))
    end
    rows[#rows + 1] = { test.family, #test.samples, trained(false), score(joint), trained(true) }
    progress("%s: own %.4f, joint %.4f, cross %.4f", test.family, table.unpack(rows[#rows], 3))
  end
  return rows
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

local HEADER = { "family", "model", "seeds", "srcc", "deviation", "best fifth", "published" }
local FAMILY_HEADER = { "family", "test", "own", "joint", "cross" }

local groups = read_tables()
local rows, shown, points = {}, {}, {}
for _, group in ipairs(groups) do
  for _, model in ipairs(MODELS) do
    local row, first = measure(group, model)
    rows[#rows + 1] = row
    if model.name == "PSC" then
      first.family = group.family
      shown[#shown + 1] = first
    end
  end
end
for _, seen in ipairs(shown) do
  for i, measured in ipairs(seen.measured) do
    points[#points + 1] = { seen.family, measured, seen.predicted[i] }
  end
end
recipe.print(HEADER, rows)
recipe.csv(values.out .. "/table1.csv", HEADER, rows)
recipe.csv(values.out .. "/predicted.csv", { "family", "measured", "predicted" }, points)
assert(ag.write_file(values.out .. "/predicted.svg", picture(shown)))
if #groups > 1 then
  local families = compare_families(groups)
  recipe.print(FAMILY_HEADER, families)
  recipe.csv(values.out .. "/families.csv", FAMILY_HEADER, families)
end
