--- Costs: objectives evaluated on graphs and batches.
--
-- An objective is a table { kind, name, unit, sense, eval } (see `autogo.objective`). A per-node
-- objective is asked once for every distinct node signature; its prices live in C, so the cost of
-- a child is a sum over a table. A combined one is a function of several such sums. Per-graph and
-- batch objectives see graphs of their own.
-- @module autogo.cost

local core = require "autogo.core"
local shown = require("autogo.spelling").shown
local scripts = require "autogo.scripts"
local versioned = require "autogo.versioned"

local Cost = {}
Cost.__index = Cost

local NAN = 0 / 0

local function fail(objective, what)
  error(("objective '%s': %s"):format(objective.name, what), 0)
end

-- What a batch objective measured, by canonical hash:
-- { format, version, objective, values = { hash = number } }.
local CACHE = {
  format = "autogo-cache", version = 1, what = "cache of measurements",
  advice = "remove it or name another file as the objective's cache",
}
-- Seconds between two writings of a cache, so that a quick objective does not wait for the disk.
local CACHE_PERIOD = 1

local function read_cache(objective)
  local path = objective.cache
  if not core.exists(path) then return {} end
  local file, why = versioned.read(path, CACHE)
  if not file then fail(objective, why) end
  if file.objective ~= objective.name then
    fail(objective, ("%s: a cache of '%s'; %s"):format(path, shown(file.objective), CACHE.advice))
  elseif type(file.values) ~= "table" then
    fail(objective, ("%s: values: an object expected; %s"):format(path, CACHE.advice))
  end
  for _, value in pairs(file.values) do
    if type(value) ~= "number" then fail(objective, path .. ": a value is no number; " .. CACHE.advice) end
  end
  return file.values
end

local function write_cache(self)
  local fields = { objective = self.name, values = self.known }
  local good, why = versioned.write(self.objective.cache, CACHE, fields)
  if not good then fail(self.objective, why) end
  self.written = core.clock()
end

local new

--- An evaluator, with its own memory of prices.
-- @tparam table objective
-- @tparam[opt] function watch of (name, done, total, seconds), while graphs are measured that take their
-- time
function new(objective, watch)
  local self = setmetatable({ objective = objective, name = objective.name, watch = watch }, Cost)
  if objective.kind == "per_node" then self.prices = core.prices() end
  for i, part in ipairs(objective.parts or {}) do
    self.parts = self.parts or {}
    self.parts[i] = new(part)
  end
  if objective.cache then self.known, self.written = read_cache(objective), 0 end
  return self
end

-- Seconds between two tellings of how far measuring is.
local TELL_PERIOD = 0.5

local function tell(self, done, total)
  if not self.watch then return end
  local now = core.clock()
  if done == 0 then self.begun, self.told = now, now end
  if now - self.told < TELL_PERIOD then return end
  self.told = now
  self.watch(self.name, done, total, now - self.begun)
end

-- Instructions between two looks at the clock.
local STRIDE = 100000

local function limit_passed(limit)
  return ("a call took longer than its limit of %g s; give the objective a larger `limit`, in seconds, or "
    .. "make it a batch, which has none"):format(limit)
end

-- f(...) under a time limit in seconds. What runs outside Lua, such as another program, is only noticed
-- when it comes back.
local within
function within(limit, f, ...)
  local old, mask, count = debug.gethook()
  local finish = core.clock() + limit
  local function look()
    local why = core.interrupted() and "interrupted" or core.clock() > finish and limit_passed(limit)
    if not why or debug.getinfo(2, "f").func == within then return end
    debug.sethook(look, "", 1) -- at every instruction, lest a pcall of theirs goes on
    error(why, 0)
  end
  debug.sethook(look, "", STRIDE)
  local results = table.pack(pcall(f, ...))
  debug.sethook(old, mask, count)
  if core.interrupted() then return false, "interrupted" end
  return table.unpack(results, 1, results.n)
end

--- Call the user's function; what it raises becomes one line that names the objective.
local function call(objective, ...)
  local ok, result
  if objective.limit then
    ok, result = within(objective.limit, objective.eval, ...)
  else
    ok, result = pcall(objective.eval, ...)
  end
  if ok then return result end
  if core.interrupted() then error(result, 0) end
  local reason = scripts.message(result):gsub("%s*\n.*", "")
  return fail(objective, reason:find "^a call took longer" and reason or "it raised: " .. reason)
end

-- NaN and infinities are no measurements either.
local function finite(value)
  return value and value - value == 0 and value or nil
end

local function number_or_nil(objective, value, of)
  if value == nil or math.type(value) then return finite(value) end
  return fail(objective, ("it returned a %s for %s; a number is expected, or nil for what cannot be "
    .. "measured"):format(type(value), of))
end

-- The price of a node: what the user's function says.
local function price(objective)
  return function(node)
    return number_or_nil(objective, call(objective, node), ("a node '%s'"):format(node.op))
  end
end

local function ask(objective, group)
  local result = call(objective, group)
  if type(result) ~= "table" then
    fail(objective, ("it returned a %s; a list of numbers is expected, one for each of the %d graphs that "
      .. "it was given"):format(type(result), #group))
  end
  local values = {}
  for i = 1, #group do values[i] = number_or_nil(objective, result[i], "a graph") end
  return values
end

-- Measure the graphs of the given numbers, in groups of `size`.
local function measure_groups(self, graphs, numbers, values)
  local objective = self.objective
  for first = 1, #numbers, objective.size do
    tell(self, first - 1, #numbers)
    local part = table.move(numbers, first, math.min(#numbers, first + objective.size - 1), 1, {})
    local group = {}
    for k, i in ipairs(part) do group[k] = graphs[i] end
    local answers = ask(objective, group)
    for k, i in ipairs(part) do
      values[i] = answers[k] or NAN
      if self.known then self.known[graphs[i]:hash()] = answers[k] end
    end
    if self.known and core.clock() - self.written > CACHE_PERIOD then write_cache(self) end
  end
end

--- Costs of a sequence of graphs by a batch objective. What is in the cache is not asked again; what
-- could not be measured is not cached, the device may be back later.
local function measure(self, graphs)
  local values, missing = {}, {}
  for i, graph in ipairs(graphs) do
    values[i] = self.known and self.known[graph:hash()] or NAN
    if values[i] ~= values[i] then missing[#missing + 1] = i end
  end
  local good, why = pcall(measure_groups, self, graphs, missing, values)
  if self.known and #missing > 0 then write_cache(self) end
  if not good then error(why, 0) end
  return values
end

-- The function of a combined objective, on the values of its parts.
local function combine(objective, values)
  return number_or_nil(objective, call(objective, table.unpack(values)), "a graph")
end

--- Cost of one graph; nil if it cannot be measured.
function Cost:of(graph)
  local objective = self.objective
  if objective.refuse then
    local why = objective.refuse(graph)
    if why then fail(objective, why) end
  end
  if self.prices then
    self.prices:learn(graph, price(objective))
    return self.prices:cost(graph)
  elseif self.parts then
    local values = {}
    for k, part in ipairs(self.parts) do
      values[k] = part:of(graph)
      if not values[k] then return nil end
    end
    return combine(objective, values)
  elseif objective.kind == "batch" then
    return finite(measure(self, { graph })[1])
  end
  return number_or_nil(objective, call(objective, graph), "graph " .. graph.name)
end

--- Why a graph cannot be measured, for people.
-- @tparam Graph graph of which `of` is nil
-- @treturn string "eval returned nil ..."
function Cost:why_not(graph)
  if self.parts then
    for _, part in ipairs(self.parts) do
      if not part:of(graph) then return ("part '%s': %s"):format(part.name, part:why_not(graph)) end
    end
  elseif self.prices then
    local price_of = price(self.objective)
    for i, node in graph:nodes() do
      if not price_of(node) then
        return ("eval returned nil, or no finite number, for node %d, of op %s"):format(i, node.op)
      end
    end
  end
  return "eval returned nil, or no finite number"
end

-- A combined objective on all children: a row of its parts' columns at a time.
local function combined_column(self, batch, rows)
  local columns, values, row = {}, {}, {}
  for k, part in ipairs(self.parts) do columns[k] = part:column(batch, rows) end
  for i = 1, rows and #rows or #batch do
    local measured = true
    for k, column in ipairs(columns) do
      row[k] = column[i]
      measured = measured and row[k] == row[k]
    end
    values[i] = measured and combine(self.objective, row) or NAN
  end
  return values
end

--- Costs of the children of a batch, or of those in the given rows, in their order; NaN where one
-- cannot be measured.
-- @tparam Batch batch
-- @tparam[opt] {integer,...} rows
-- @treturn {number,...}
function Cost:column(batch, rows)
  local objective = self.objective
  if objective.column then
    return objective.column(batch, rows)
  elseif self.prices then
    return self.prices:column(batch, price(objective), rows)
  elseif self.parts then
    return combined_column(self, batch, rows)
  elseif objective.predictor then
    return assert(batch:estimate(objective.predictor, objective.family, rows))
  end
  local graphs, values = {}, {}
  for k = 1, rows and #rows or #batch do graphs[k] = assert(batch:graph(rows and rows[k] or k)) end
  if objective.kind == "batch" then return measure(self, graphs) end
  for k, graph in ipairs(graphs) do
    tell(self, k - 1, #graphs)
    values[k] = self:of(graph) or NAN
  end
  return values
end

return { new = new }
