--- The search space as a policy sees it: spaces, batches of children, rows.
--
--     local space    = ag.space { ops = model:ops(), seed = 1 }
--     local archive  = ag.pareto { "predicted:max", "flops:min" }
--     archive:insert(space:member(model))
--     for step = 1, 50 do
--       local children = space:mutate(archive:sample(10, step), { sources = 10, replacements = 100 })
--       children:cost(ag.objective.flops)
--       archive:insert(children:filter(function(c) return c.flops < 1.1 * model.flops end))
--     end
--     archive:front()[1].graph:save "better.json"
--
-- The work on every child is done in C, on all threads; a batch keeps its results as columns, and
-- a row is a view of one child that makes the graph when it is asked for.
-- @module autogo.space

local core = require "autogo.core"
local cost = require "autogo.cost"

local Batch, Space = core.classes.Batch, core.classes.Space

-- Columns and costs made so far, per batch; they die with it.
local columns_of = setmetatable({}, { __mode = "k" })
local NAN = 0 / 0
local COLUMNS = { predicted = true, baseline = true, gain = true, flops = true, parent = true, entry = true }

local raw_column = Batch.column

--- A column by name: predicted, baseline, gain, flops, parent, entry, or the name of a cost.
-- @string name
-- @tparam[opt] {integer,...} rows default: all
-- @treturn {number,...} one value per row
function Batch:column(name, rows)
  local columns = columns_of[self]
  if not columns then
    columns = {}
    columns_of[self] = columns
  end
  if not columns[name] then
    if not COLUMNS[name] then
      error(("bad argument #1 to 'column' (no column '%s'; cost it first)"):format(name), 2)
    end
    if rows then return raw_column(self, name, rows) end
    columns[name] = raw_column(self, name)
  end
  return rows and core.pick(columns[name], rows) or columns[name]
end

--- Evaluate an objective (or an evaluator of `autogo.cost`) on all children, or on those of the given
-- `rows` only; the values become a column of its name, NaN where one cannot be or was not measured.
function Batch:cost(objective, rows)
  local evaluator = objective.objective and objective or cost.new(objective)
  if COLUMNS[evaluator.name] and evaluator.name ~= "flops" then
    error(("an objective cannot be called '%s'"):format(evaluator.name), 2)
  end
  self:column "parent"
  columns_of[self][evaluator.name] = nil -- the batch's own flops come back
  local values = evaluator:column(self, rows)
  if rows then
    local all = {}
    for i = 1, #self do all[i] = NAN end
    for k, i in ipairs(rows) do all[i] = values[k] end
    values = all
  end
  columns_of[self][evaluator.name] = values
  return self
end

local Row = {}

--- Fields of a row: those of `batch:child(i)`, every column, and `graph` (canonical order).
function Row:__index(key)
  local batch, index = rawget(self, 1), rawget(self, 2)
  local columns, value = columns_of[batch]
  if columns[key] then
    value = columns[key][index]
  elseif key == "graph" then
    value = assert(batch:graph(index)):canonical()
  elseif COLUMNS[key] then
    value = batch:column(key)[index]
  else
    value = batch:child(index)[key]
  end
  rawset(self, key, value)
  return value
end

--- A view of child number `index`.
function Batch:row(index)
  self:column "parent"
  return setmetatable({ self, index }, Row)
end

--- The rows for which `keep(row)` is true; all of them without a function.
function Batch:filter(keep)
  local rows = {}
  for i = 1, #self do
    local row = self:row(i)
    if not keep or keep(row) then rows[#rows + 1] = row end
  end
  return rows
end

-- How often each space has mutated.
local generations = setmetatable({}, { __mode = "k" })

local raw_mutate = Space.mutate

--- Mutate graphs, rows or archive members (anything with a field `graph`).
--
-- Options: sources, replacements, segments, keep, operations; `children`, the most that may be scored;
-- `weights`, one per entry of the database, how readily it is drawn; `generation`, the key of all
-- random draws (default: how often the space has mutated).
function Space:mutate(parents, options)
  local graphs, filled = {}, {}
  for i, parent in ipairs(parents) do
    graphs[i] = type(parent) == "table" and parent.graph or parent
  end
  for key, value in pairs(options or {}) do filled[key] = value end
  filled.generation = filled.generation or (generations[self] or 0) + 1
  generations[self] = filled.generation
  return raw_mutate(self, graphs, filled)
end

--- What an archive takes for a graph that is no child, such as the input of a search: a table with
-- `graph` (in canonical order), `predicted` and `flops`. No child of the space will equal it.
function Space:member(graph)
  local canonical = graph:canonical()
  self:visit(canonical)
  return { graph = canonical, predicted = assert(self:score(canonical)), flops = canonical.flops }
end

--- A space. Options: `database`, `tokenizer`, `predictor` (default: the bundled ones), `ops` (set
-- of op names a replacement may contain, default all), `solver`, `threads` (default: all
-- processors), `seed`.
-- @treturn Space, and the options with the defaults filled in
local function new(options)
  if options ~= nil and type(options) ~= "table" then
    error("options: a table expected, got " .. type(options), 3)
  end
  local ag, filled = require "autogo", {}
  for key, value in pairs(options or {}) do filled[key] = value end
  filled.database = filled.database or assert(ag.database())
  filled.tokenizer = filled.tokenizer or assert(ag.tokenizer())
  filled.predictor = filled.predictor or assert(ag.predictor())
  filled.threads = filled.threads or core.processors()
  return core.space(filled), filled
end

return { new = new }
