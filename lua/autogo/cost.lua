--- Costs: objectives evaluated on graphs and batches.
--
-- An objective is a table { kind, name, unit, sense, eval } (see `autogo.objective`). A per-node
-- objective is asked once for every distinct node signature; its prices live in C, so the cost of
-- a child is a sum over a table. Per-graph and batch objectives see graphs of their own.
-- @module autogo.cost

local core = require "autogo.core"

local Cost = {}
Cost.__index = Cost

local NAN = 0 / 0

--- An evaluator, with its own memory of prices.
local function new(objective)
  local self = setmetatable({ objective = objective, name = objective.name }, Cost)
  if objective.kind == "per_node" then self.prices = core.prices() end
  return self
end

local function fail(objective, what)
  error(("objective '%s': %s"):format(objective.name, what), 0)
end

--- Call the user's function; what it raises becomes one line that names the objective.
local function call(objective, argument)
  local ok, result = pcall(objective.eval, argument)
  if ok then return result end
  if core.interrupted() then error(result, 0) end
  return fail(objective, "it raised: " .. tostring(result):gsub("%s*\n.*", ""))
end

-- NaN and infinities are no measurements either.
local function finite(value)
  return value and value - value == 0 and value or nil
end

local function number_or_nil(objective, value, of)
  if value == nil or math.type(value) then return finite(value) end
  return fail(objective, ("it returned a %s for %s, a number or nil was expected")
    :format(type(value), of))
end

local function learn(self, what)
  local objective = self.objective
  self.prices:learn(what, function(node)
    return number_or_nil(objective, call(objective, node), "a " .. node.op .. " node")
  end)
end

--- Costs of a sequence of graphs by a batch objective, asked in groups of `size`.
local function measure(objective, graphs)
  local values, size = {}, objective.size or #graphs
  for first = 1, #graphs, math.max(1, size) do
    local group = table.move(graphs, first, math.min(#graphs, first + size - 1), 1, {})
    local result = call(objective, group)
    if type(result) ~= "table" then
      fail(objective, ("it returned a %s, a sequence was expected"):format(type(result)))
    end
    for i = 1, #group do
      values[first + i - 1] = number_or_nil(objective, result[i], "a graph") or NAN
    end
  end
  return values
end

--- Cost of one graph; nil if it cannot be measured.
function Cost:of(graph)
  local objective = self.objective
  if self.prices then
    learn(self, graph)
    return self.prices:cost(graph)
  elseif objective.kind == "batch" then
    return finite(measure(objective, { graph })[1])
  end
  return number_or_nil(objective, call(objective, graph), "graph " .. graph.name)
end

--- Costs of all children of a batch; NaN where one cannot be measured.
function Cost:column(batch)
  if self.prices then
    learn(self, batch)
    return self.prices:column(batch)
  elseif self.objective.predictor then
    local objective = self.objective
    return assert(batch:estimate(objective.predictor, objective.family, core.processors()))
  end
  local graphs = {}
  for i = 1, #batch do graphs[i] = assert(batch:graph(i)) end
  if self.objective.kind == "batch" then return measure(self.objective, graphs) end
  local values = {}
  for i, graph in ipairs(graphs) do values[i] = self:of(graph) or NAN end
  return values
end

return { new = new }
