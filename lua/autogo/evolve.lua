--- The search: iterations of batches of children, under a policy (`autogo.policies`; the published one,
-- algorithm.md section 4, is `policy = "published"`).
--
--     local front = evolve(model, { iterations = 10, seed = 1 })
--     print(front)
--     front[1].graph:save "smaller.onnx"
--
-- Every iteration mutates up to `parents` members of the archive, prices all children, estimates
-- each child's score as its parent's score plus the gain the predictor sees at the cut (with the
-- replacement against without it), and takes the most promising ones in: only these become graphs
-- and are scored for good, over all their cuts. The front is formed on those scores alone.
-- @module autogo.evolve

local constraints = require "autogo.constraints"
local core = require "autogo.core"
local cost = require "autogo.cost"
local family = require "autogo.families.family"
local member = require "autogo.member"
local pareto = require "autogo.pareto"
local policies = require "autogo.policies"
local select = require "autogo.policies.select"
local check = require "autogo.settings"
local space = require "autogo.space"
local spelling = require "autogo.spelling"

local DEFAULTS = {
  iterations = 5, parents = 10, sources = 10, replacements = 100, segments = 3, keep = 0.5,
  operations = false, finalists = 60, flops_max = 1.1, flops_min = 0, seed = 1,
  policy = "greedy_bandit", ops = "input+",
}

-- Iterations without a new child after which a budget counts as spent.
local BARREN = 20

-- Building blocks every device runs: what "input+" adds to the ops of the input. What the input lacks
-- beyond these (depthwise, pools, concat, ...) is not introduced.
local ALWAYS_PERMITTED = { "conv", "batchnorm", "relu", "add", "identity" }

local function unknown_op(name)
  return ("ops: unknown op '%s'%s"):format(name, spelling.suggest(name, family.keys(core.ops)))
end

-- What the user asked for, as a set: names, sets of names (those of the network: "input", "input+"), or
-- nil for all.
local function permitted_ops(model, asked)
  local permitted = {}
  if type(asked) == "table" and not asked[1] then
    local name = spelling.unknown(asked, core.ops)
    if name then error(unknown_op(name), 0) end
    return asked
  end
  for _, name in ipairs(type(asked) == "table" and asked or { asked }) do
    if name == "all" then return nil end
    local plus = name == "input+"
    if not (plus or name == "input" or core.ops[name]) then error(unknown_op(spelling.shown(name)), 0) end
    for op in pairs((plus or name == "input") and model:ops() or { [name] = true }) do
      permitted[op] = true
    end
    for _, op in ipairs(plus and ALWAYS_PERMITTED or {}) do permitted[op] = true end
  end
  return permitted
end

local function with_defaults(options)
  local settings = {}
  for key, value in pairs(DEFAULTS) do settings[key] = value end
  for key, value in pairs(options or {}) do settings[key] = value end
  settings.objectives = settings.objectives or { (require "autogo.objectives.flops") }
  check.check(settings)
  return settings
end

local function evaluators(objectives, watch)
  local list, seen = {}, { score = true }
  for i, objective in ipairs(objectives) do
    if seen[objective.name] then
      error(("objectives: the name '%s' is taken"):format(objective.name), 4)
    end
    seen[objective.name] = true
    list[i] = cost.new(objective, watch)
  end
  return list
end

--- The input as the first member of the archive.
local function first_member(search, model)
  local graph = model:canonical()
  local root = member.root(graph)
  root.score = assert(search.space:score(graph))
  root.predicted = root.score
  root.flops = graph.flops
  for _, evaluator in ipairs(search.costs) do
    local value = evaluator:of(graph)
    if not value then
      error(("objective '%s' cannot measure the input %s: %s; a search needs a number for the network that "
        .. "it starts from"):format(evaluator.name, graph.name, evaluator:why_not(graph)), 0)
    end
    root[evaluator.name] = value
  end
  root.violation = constraints.violation(search.settings.constraints, root)
  search.space:visit(graph)
  return root
end

--- Rows of a batch in the FLOPs band and expected to be better than the input, and what they are
-- expected to score: only these are worth a measurement.
local function hopeful(search, batch, parents)
  local settings, base, scores = search.settings, search.input.graph.flops, {}
  for k, one in ipairs(parents) do scores[k] = one.score end
  return batch:hopeful(scores, search.input.score, settings.flops_min * base, settings.flops_max * base)
end

--- By how much rows break the constraints; nil without any.
local function violations_of(search, batch, rows, columns)
  if not search.settings.constraints then return nil end
  local named = { score = columns[1], flops = batch:column("flops", rows) }
  for k, evaluator in ipairs(search.costs) do named[evaluator.name] = columns[k + 1] end
  return constraints.violations(search.settings.constraints, named, #rows)
end

--- Candidates: rows that may become members, hopeful and measurable. `rows` holds their numbers; the
-- rest is what a policy sees of them (`autogo.policies`).
local function candidates_of(search, batch, parents)
  local rows, estimates = hopeful(search, batch, parents)
  local columns = { estimates }
  for k, evaluator in ipairs(search.costs) do
    columns[k + 1] = evaluator:column(batch, rows)
    if not core.holds(columns[k + 1], "<", 1 / 0) then -- NaN does not
      local measured = core.where(columns[k + 1], "<", 1 / 0)
      rows = core.pick(rows, measured)
      for m, column in ipairs(columns) do columns[m] = core.pick(column, measured) end
    end
  end
  return {
    count = #rows, rows = rows, columns = columns,
    violations = violations_of(search, batch, rows, columns),
  }
end

--- Candidate number `k` as a member; `made` is what space:make made of it.
local function make_member(search, batch, candidates, k, made, parents, generation)
  local child = batch:child(candidates.rows[k])
  local parent = parents[child.parent]
  local one = member.grow(parent, child, made.graph, made.order, generation)
  one.predicted, one.score, one.flops = parent.score + child.gain, made.score, child.flops
  for m, evaluator in ipairs(search.costs) do
    one[evaluator.name] = candidates.columns[m + 1][k]
  end
  one.violation = constraints.violation(search.settings.constraints, one)
  return one
end

--- Children that may be scored in an iteration: an equal share of what is left of the budget,
-- all of it in the last; nil without a budget.
local function share(search, generation)
  local settings = search.settings
  if not settings.children then return nil end
  local shares = math.max(1, settings.iterations - generation + 1)
  return math.max(1, (settings.children - search.scored) // shares)
end

local function mutate(search, generation)
  local settings = search.settings
  local parents, more = search.policy.propose(search, generation)
  local options = {
    sources = settings.sources, replacements = settings.replacements,
    segments = settings.segments, keep = settings.keep, operations = settings.operations,
    generation = generation, children = share(search, generation),
  }
  for key, value in pairs(more or {}) do options[key] = value end
  local batch, why = search.space:mutate(parents, options)
  if not batch then error(why, 0) end
  return batch, parents
end

local function iterate(search, generation)
  local batch, parents = mutate(search, generation)
  local candidates, accepted = candidates_of(search, batch, parents), 0
  local numbers = search.policy.choose and search.policy.choose(search, candidates)
    or select.best(search, candidates, search.settings.finalists)
  local chosen = core.pick(candidates.rows, numbers)
  local made = assert(search.space:make(batch, chosen))
  for i, k in ipairs(numbers) do
    local one = make_member(search, batch, candidates, k, made[i], parents, generation)
    if one.score > search.input.score then
      search.archive:insert(one)
      accepted = accepted + 1
    end
  end
  if search.policy.learn then search.policy.learn(search, batch, chosen) end
  search.scored = search.scored + batch.scored
  return batch, accepted
end

--- Whether there is another iteration: a budget is spent to the last child, unless nothing new has
-- been found for a while.
local function goes_on(search, generation)
  local settings = search.settings
  if settings.seconds and core.clock() - search.begin >= settings.seconds then return false end
  if not settings.children then return generation <= settings.iterations end
  local barren = 0
  for i = #search.history, 1, -1 do
    if search.history[i].scored > 0 then break end
    barren = barren + 1
  end
  return search.scored < settings.children and barren < BARREN
end

--- The reference point of the hypervolume: the input's score, 1.1 times its costs (0.9 times for
-- costs to be maximised).
local function reference_point(search)
  local point = { score = search.input.score }
  for _, evaluator in ipairs(search.costs) do
    local factor = evaluator.objective.sense == "max" and 0.9 or 1.1
    point[evaluator.name] = factor * search.input[evaluator.name]
  end
  return point
end

-- Caution asked for, or that the predictor came with; a plain number only an ensemble has.
local function set_caution(settings, predictor)
  local cautious = predictor.members > 1
  if settings.caution and not cautious then
    error("caution: the predictor is a single one; an ensemble is needed, of several weights files", 0)
  end
  settings.caution = cautious and predictor:caution(settings.caution) or nil
end

local Front = {}
Front.__index = Front

--- A table of the front, as text.
function Front:__tostring()
  return require("autogo.report.table").front(self)
end

-- How far the scores of the front are to be trusted: what of each network the predictor was not trained
-- on, nil where its weights do not say; and how far the members of an ensemble disagree.
local function judge(search, front)
  local predictor, tokenizer = search.parts.predictor, search.parts.tokenizer
  local function judge_one(one)
    one.outside = predictor:outside(one.graph)
    if predictor.members == 1 then return end
    local mean, spread = predictor:spread(one.graph, tokenizer)
    if not mean then error(spread, 0) end
    one.spread = spread
  end
  judge_one(front.input)
  for _, one in ipairs(front) do judge_one(one) end
end

local function make_front(search)
  local front = setmetatable({
    input = search.input, settings = search.settings, history = search.history,
    reference = search.reference, archive = search.archive,
  }, Front)
  table.move(search.archive:front(), 1, #search.archive, 1, front)
  judge(search, front)
  return front
end

-- Nothing on the front: even the input was kept off it, by a constraint.
local function unmet(search)
  local texts = {}
  for i, constraint in ipairs(search.settings.constraints) do
    texts[i] = constraints.text(constraint)
  end
  return ("no network was found that meets the constraints: %s"):format(table.concat(texts, ", "))
end

-- An iteration and its row of the history.
local function run_iteration(search, generation)
  local begin = core.clock()
  local batch, accepted = iterate(search, generation)
  local row = {
    iteration = generation, children = batch.tried, valid = batch.feasible,
    scored = batch.scored, accepted = accepted, front = #search.archive,
    hypervolume = search.archive:hypervolume(search.reference),
    seconds = core.clock() - begin,
  }
  search.history[generation] = row
  return row
end

local function start(model, options)
  local settings = with_defaults(options)
  settings.ops = permitted_ops(model, settings.ops)
  local search = {
    settings = settings, costs = evaluators(settings.objectives, settings.measuring),
    policy = policies.get(settings.policy),
    memory = {}, history = {}, scored = 0, begin = core.clock(),
  }
  search.space, search.parts = space.new {
    database = settings.database, tokenizer = settings.tokenizer, predictor = settings.predictor,
    ops = settings.ops, solver = settings.solver, threads = settings.threads, seed = settings.seed,
  }
  set_caution(settings, search.parts.predictor)
  local names = { "score:max" }
  search.senses = { "max" }
  for i, objective in ipairs(settings.objectives) do
    names[i + 1] = objective.name .. ":" .. objective.sense
    search.senses[i + 1] = objective.sense
  end
  search.archive = pareto(names)
  search.input = first_member(search, model)
  search.archive:insert(search.input)
  search.reference = reference_point(search)
  return search
end

--- Evolve a network.
-- @tparam Graph model
-- @tparam[opt] table options iterations, parents, sources, replacements, segments, keep,
-- operations (single nodes instead of segments), policy (a name or a table, `autogo.policies`),
-- children (exactly so many are scored, in `iterations` equal shares), seconds (no iteration begins
-- after so long; results then depend on the machine), finalists, flops_min and
-- flops_max (band, relative to the input), objectives, constraints, ops (permitted in replacements: a
-- list or set of names, "input": those of the input, "input+": and the commonest, "all"), predictor,
-- caution (with an ensemble: every score is mean - caution * spread of its members; the predictor keeps
-- it), database, tokenizer, solver, seed, threads, progress (function called with each row of the history
-- and a function that gives the front as it is then), measuring (function called once in a while with
-- the name of an objective that takes its time, how many networks it has measured, of how many, and in
-- how many seconds), journal (`autogo.journal`)
-- @treturn[1] Front a sequence of members (graph, score, predicted, flops, a value per objective,
-- generation, parent, changes; outside, what the predictor was not trained on, where it knows; spread,
-- with an ensemble), best score first; the input itself if nothing beat it
-- @treturn[2] nil
-- @treturn[2] string why: nothing met the constraints, or the journal cannot be read or written
local function evolve(model, options)
  local search, generation = start(model, options), 0
  local settings, journal = search.settings, search.settings.journal
  if journal then
    local done, why = journal:start(search)
    if not done then return nil, why end
    generation = done
  end
  while goes_on(search, generation + 1) do
    generation = generation + 1
    local row = run_iteration(search, generation)
    if journal then
      local kept, why = journal:iteration(search, row)
      if not kept then return nil, why end
    end
    if settings.progress then
      settings.progress(row, function() return make_front(search) end)
    end
  end
  if journal then
    local kept, why = journal:finish()
    if not kept then return nil, why end
  end
  local front = make_front(search)
  if #front == 0 then return nil, unmet(search) end
  return front
end

return setmetatable({ evolve = evolve, defaults = DEFAULTS }, {
  __call = function(_, ...) return evolve(...) end,
})
