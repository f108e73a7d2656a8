--- The published search (algorithm.md section 4) as a policy over batches of children.
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

local core = require "autogo.core"
local cost = require "autogo.cost"
local pareto = require "autogo.pareto"
local random = require "autogo.random"
local space = require "autogo.space"

local DEFAULTS = {
  iterations = 5, parents = 10, sources = 10, replacements = 100, segments = 3, keep = 0.5,
  operations = false, finalists = 60, flops_max = 1.1, flops_min = 0, seed = 1,
}

-- Building blocks every device runs; a search may add them even where the input has none. What
-- the input lacks beyond these (depthwise, pools, concat, ...) is not introduced.
local ALWAYS_PERMITTED = { "conv", "batchnorm", "relu", "add", "identity" }

local function permitted_ops(model)
  local ops = {}
  for op in pairs(model:ops()) do ops[op] = true end
  for _, op in ipairs(ALWAYS_PERMITTED) do ops[op] = true end
  return ops
end

local function with_defaults(options)
  local settings = {}
  for key, value in pairs(DEFAULTS) do settings[key] = value end
  for key, value in pairs(options or {}) do settings[key] = value end
  settings.objectives = settings.objectives or { (require "autogo.objectives.flops") }
  if #settings.objectives == 0 then error("objectives: at least one expected", 3) end
  return settings
end

local function evaluators(objectives)
  local list, seen = {}, { score = true }
  for i, objective in ipairs(objectives) do
    if seen[objective.name] then
      error(("objectives: the name '%s' is taken"):format(objective.name), 3)
    end
    seen[objective.name] = true
    list[i] = cost.new(objective)
  end
  return list
end

local function constraint_met(constraints, values)
  for _, constraint in ipairs(constraints or {}) do
    local value = values[constraint.on]
    if not value or (constraint.max and value > constraint.max)
      or (constraint.min and value < constraint.min) then
      return false
    end
  end
  return true
end

--- The input as the first member of the archive.
local function first_member(search, model)
  local graph = model:canonical()
  local member = { graph = graph, generation = 0, changes = {}, origin = {} }
  for i = 1, #graph do member.origin[i] = i end
  member.score = assert(search.space:score(graph))
  member.predicted = member.score
  member.flops = graph.flops
  for _, evaluator in ipairs(search.costs) do
    local value = evaluator:of(graph)
    if not value then
      error(("objective '%s' cannot measure the input %s"):format(evaluator.name, graph.name), 0)
    end
    member[evaluator.name] = value
  end
  search.space:visit(graph)
  return member
end

--- Rows of a batch that may become members: in the FLOPs band, measurable, within constraints and
-- estimated better than the input. Returns their numbers and the columns the front is formed on.
local function promising(search, batch, parents)
  local input, settings = search.input, search.settings
  local gain, flops, parent = batch:column "gain", batch:column "flops", batch:column "parent"
  local most, least = settings.flops_max * input.flops, settings.flops_min * input.flops
  local rows, columns = {}, { {} }
  for k, evaluator in ipairs(search.costs) do
    batch:cost(evaluator)
    columns[k + 1] = {}
  end
  for i = 1, #batch do
    local estimate = parents[parent[i]].score + gain[i]
    local fits = estimate > input.score and flops[i] <= most and flops[i] >= least
    local values = {}
    for _, evaluator in ipairs(fits and search.costs or {}) do
      local value = batch:column(evaluator.name)[i]
      fits = fits and value == value
      values[evaluator.name] = value
    end
    if fits and constraint_met(settings.constraints, values) then
      rows[#rows + 1] = i
      columns[1][#rows] = estimate
      for k, evaluator in ipairs(search.costs) do
        columns[k + 1][#rows] = values[evaluator.name]
      end
    end
  end
  return rows, columns
end

--- The finalists: the front of the promising rows, then the others by least rank sum, up to the
-- number of finalists.
local function finalists(search, rows, columns)
  if #rows == 0 then return {} end
  local chosen, taken = {}, {}
  for _, k in ipairs(core.pareto_front(columns, search.senses)) do
    chosen[#chosen + 1] = rows[k]
    taken[k] = true
  end
  local sums, rest = core.rank_sums(columns, search.senses), {}
  for k = 1, #rows do
    if not taken[k] then rest[#rest + 1] = k end
  end
  table.sort(rest, function(a, b)
    if sums[a] ~= sums[b] then return sums[a] < sums[b] end
    return a < b
  end)
  for _, k in ipairs(rest) do
    if #chosen >= search.settings.finalists then break end
    chosen[#chosen + 1] = rows[k]
  end
  return chosen
end

--- Where each node of a child in canonical order stood in the input; nil for new nodes.
local function follow_origin(parent, child, order)
  local spliced, shift = {}, #child.added - (child.last - child.first)
  for i = 1, #parent.graph do
    local position = i - 1
    if position < child.first then
      spliced[position] = parent.origin[i]
    elseif position >= child.last then
      spliced[position + shift] = parent.origin[i]
    end
  end
  local origin = {}
  for i, old in ipairs(order) do origin[i] = spliced[old] end
  return origin
end

local function describe(child, generation)
  return {
    generation = generation, first = child.first, last = child.last,
    removed = child.removed, added = child.added,
    segment = child.entry, variant = child.variant, resolved = child.resolved,
  }
end

--- Row `i` of the batch as a member; `made` is what space:make made of it.
local function make_member(search, batch, i, made, parents, generation)
  local child = batch:child(i)
  local parent = parents[child.parent]
  local member = {
    graph = made.graph, generation = generation, parent = parent,
    predicted = parent.score + child.gain, score = made.score,
    flops = child.flops, origin = follow_origin(parent, child, made.order),
    changes = table.move(parent.changes, 1, #parent.changes, 1, {}),
  }
  member.changes[#member.changes + 1] = describe(child, generation)
  for _, evaluator in ipairs(search.costs) do
    member[evaluator.name] = batch:column(evaluator.name)[i]
  end
  return member
end

local function iterate(search, generation)
  local settings = search.settings
  local parents = generation == 1 and { search.input }
    or search.archive:sample(settings.parents, random.new(settings.seed, generation):next())
  local batch, why = search.space:mutate(parents, {
    sources = settings.sources, replacements = settings.replacements,
    segments = settings.segments, keep = settings.keep, operations = settings.operations,
    generation = generation,
  })
  if not batch then error(why, 0) end
  local rows, columns = promising(search, batch, parents)
  local accepted, chosen = 0, finalists(search, rows, columns)
  local made = assert(search.space:make(batch, chosen))
  for k, i in ipairs(chosen) do
    local member = make_member(search, batch, i, made[k], parents, generation)
    if member.score > search.input.score then
      search.archive:insert(member)
      accepted = accepted + 1
    end
  end
  return batch, accepted
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

local Front = {}
Front.__index = Front

--- A table of the front, as text.
function Front:__tostring()
  return require("autogo.report.table").front(self)
end

local function make_front(search)
  local front = setmetatable({
    input = search.input, settings = search.settings, history = search.history,
    reference = search.reference, archive = search.archive,
  }, Front)
  for rank, member in ipairs(search.archive:front()) do front[rank] = member end
  return front
end

local function start(model, options)
  local settings = with_defaults(options)
  settings.ops = settings.ops or permitted_ops(model)
  local search = { settings = settings, costs = evaluators(settings.objectives), history = {} }
  search.space = space.new {
    database = settings.database, tokenizer = settings.tokenizer, predictor = settings.predictor,
    ops = settings.ops, solver = settings.solver, threads = settings.threads, seed = settings.seed,
  }
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
-- operations (single nodes instead of segments), finalists, flops_min and flops_max (band,
-- relative to the input), objectives, constraints, ops (set of permitted ops), predictor,
-- database, tokenizer, solver, seed, threads, progress (function called with each row of the
-- history)
-- @treturn Front a sequence of members (graph, score, predicted, flops, a value per objective,
-- generation, parent, changes), best score first; the input itself if nothing beat it
local function evolve(model, options)
  local search = start(model, options)
  for generation = 1, search.settings.iterations do
    local begin = core.clock()
    local batch, accepted = iterate(search, generation)
    local row = {
      iteration = generation, children = batch.tried, valid = batch.feasible,
      scored = batch.scored, accepted = accepted, front = #search.archive,
      hypervolume = search.archive:hypervolume(search.reference),
      seconds = core.clock() - begin,
    }
    search.history[generation] = row
    if search.settings.progress then search.settings.progress(row) end
  end
  return make_front(search)
end

return setmetatable({ evolve = evolve, defaults = DEFAULTS }, {
  __call = function(_, ...) return evolve(...) end,
})
