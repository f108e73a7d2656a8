--- The search space as a policy sees it: spaces, batches of children, rows.
--
--     local space    = ag.space { ops = model:ops(), seed = 1 }
--     local children = space:mutate({ model }, { sources = 10, replacements = 100 })
--     children:cost(flops)
--     local better   = children:filter(function(c) return c.gain > 0 end)
--     better[1].graph:save "better.json"
--
-- The work on every child is done in C, on all threads; a batch keeps its results as columns, and
-- a row is a view of one child that makes the graph when it is asked for.
-- @module autogo.space

local core = require "autogo.core"
local cost = require "autogo.cost"

local Batch, Space = core.classes.Batch, core.classes.Space

-- Columns and costs made so far, per batch; they die with it.
local columns_of = setmetatable({}, { __mode = "k" })
local COLUMNS = { predicted = true, baseline = true, gain = true, flops = true, parent = true }

--- A column by name: predicted, baseline, gain, flops, parent, or the name of a cost.
-- @treturn {number,...} one value per child
local raw_column = Batch.column
function Batch:column(name)
  local columns = columns_of[self]
  if not columns then
    columns = {}
    columns_of[self] = columns
  end
  if not columns[name] then
    if not COLUMNS[name] then
      error(("bad argument #1 to 'column' (no column '%s'; cost it first)"):format(name), 2)
    end
    columns[name] = raw_column(self, name)
  end
  return columns[name]
end

--- Evaluate an objective (or an evaluator of `autogo.cost`) on all children; the values become a
-- column of its name, NaN where one cannot be measured.
function Batch:cost(objective)
  local evaluator = objective.column and objective or cost.new(objective)
  if COLUMNS[evaluator.name] and evaluator.name ~= "flops" then
    error(("an objective cannot be called '%s'"):format(evaluator.name), 2)
  end
  self:column "parent"
  columns_of[self][evaluator.name] = evaluator:column(self)
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

--- Mutate graphs, rows or archive members (anything with a field `graph`).
local raw_mutate = Space.mutate
function Space:mutate(parents, options)
  local graphs = {}
  for i, parent in ipairs(parents) do
    graphs[i] = type(parent) == "table" and parent.graph or parent
  end
  return raw_mutate(self, graphs, options)
end

--- A space. Options: `database`, `tokenizer`, `predictor` (default: the bundled ones), `ops` (set
-- of op names a replacement may contain, default all), `solver`, `threads` (default: all
-- processors), `seed`.
-- @treturn Space, and the options with the defaults filled in
local function new(options)
  local ag, filled = require "autogo", {}
  for key, value in pairs(options or {}) do filled[key] = value end
  filled.database = filled.database or assert(ag.database())
  filled.tokenizer = filled.tokenizer or assert(ag.tokenizer())
  filled.predictor = filled.predictor or assert(ag.predictor())
  filled.threads = filled.threads or core.processors()
  return core.space(filled), filled
end

return { new = new }
