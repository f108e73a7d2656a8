--- A Pareto archive: members that no other member beats in every objective.
--
-- A member is any table that holds the objectives' values under their names:
--
--     local archive = pareto { "predicted:max", "flops:min" }
--     archive:insert { predicted = 0.93, flops = 2.1e8, graph = g }
--     for rank, member in ipairs(archive:front()) do print(rank, member.flops) end
--
-- The archive also remembers the members that were beaten, because a search may need more
-- parents than the front has (algorithm.md section 4): see `sample`. Members that break a constraint,
-- those with a `violation` above 0, are remembered too and never reach the front.
-- @module autogo.pareto

local core = require "autogo.core"
local random = require "autogo.random"

local Pareto = {}
Pareto.__index = Pareto

local function parse(spec)
  local name, sense = tostring(spec):match("^(.+):(%a+)$")
  if sense ~= "min" and sense ~= "max" then
    error(("bad objective '%s' ('name:min' or 'name:max' expected)"):format(tostring(spec)), 3)
  end
  return name, sense
end

--- An empty archive.
-- @tparam {string,...} objectives each `"name:max"` or `"name:min"`
local function new(objectives)
  if type(objectives) ~= "table" then
    error(("objectives: a list expected, got %s"):format(type(objectives)), 3)
  end
  local self = setmetatable({
    names = {}, senses = {}, members = {},
    -- What `front` found among the first `known` members, and their numbers.
    found = {}, number = {}, known = 0,
  }, Pareto)
  for i, spec in ipairs(objectives) do self.names[i], self.senses[i] = parse(spec) end
  if #self.names == 0 then error("at least one objective expected", 2) end
  return self
end

local function check(self, member)
  for _, name in ipairs(self.names) do
    if type(member[name]) ~= "number" then
      error(("a member needs a number '%s', got %s"):format(name, type(member[name])), 3)
    end
  end
end

--- Add one member, or a sequence of members.
-- Members with a NaN are kept but never reach the front. O(1); the front is made when asked for. What a
-- member is worth must not change any more.
-- @treturn Pareto the archive itself
function Pareto:insert(members)
  if type(members) ~= "table" then
    error(("members: a member or a list of them expected, got %s"):format(type(members)), 2)
  end
  if #members == 0 and next(members) ~= nil then members = { members } end
  for _, member in ipairs(members) do
    check(self, member)
    self.members[#self.members + 1] = member
  end
  return self
end

local function columns(self, members)
  local result = {}
  for i, name in ipairs(self.names) do
    local column = {}
    for k, member in ipairs(members) do column[k] = member[name] end
    result[i] = column
  end
  return result
end

local function is_infeasible(member)
  return member.violation and member.violation > 0
end

-- Members that may be on the front, in order of arrival: those that were, and those that have come since.
-- Whatever an older one was beaten by still beats it, or is beaten by what does.
local function rivals(self)
  local number = self.number
  local list = table.move(self.found, 1, #self.found, 1, {})
  table.sort(list, function(a, b) return number[a] < number[b] end)
  for i = self.known + 1, #self.members do
    local member = self.members[i]
    if not is_infeasible(member) then
      list[#list + 1] = member
      number[member] = number[member] or i
    end
  end
  return list
end

--- The members on the front, best first by the first objective. O(those that came since it was last asked
-- for, and the front then).
-- @treturn {table,...} a sequence; do not change it
function Pareto:front()
  if self.known == #self.members then return self.found end
  local list, front, number = rivals(self), {}, {}
  if #list > 0 then
    for _, i in ipairs(core.pareto_front(columns(self, list), self.senses)) do
      front[#front + 1] = list[i]
      number[list[i]] = self.number[list[i]]
    end
  end
  local name, sign = self.names[1], self.senses[1] == "max" and 1 or -1
  table.sort(front, function(a, b)
    if a[name] ~= b[name] then return sign * a[name] > sign * b[name] end
    return number[a] < number[b]
  end)
  self.found, self.number, self.known = front, number, #self.members
  return front
end

--- Number of members on the front.
function Pareto:__len() return #self:front() end

--- Members that are not on the front, by least violation and then least sum of ranks (algorithm.md,
-- table 8).
local function beaten(self)
  local on_front, others = {}, {}
  for _, member in ipairs(self:front()) do on_front[member] = true end
  for _, member in ipairs(self.members) do
    if not on_front[member] then others[#others + 1] = member end
  end
  if #others == 0 then return others end
  local violations = {}
  for i, member in ipairs(others) do violations[i] = member.violation or 0 end
  local sums = core.rank_sums(columns(self, others), self.senses)
  return core.pick(others, core.order { violations, sums })
end

--- Up to `count` members to mutate: from the front, at random if it has more; filled up with
-- beaten members of least rank sum if it has fewer.
-- @int count
-- @int[opt=1] seed
function Pareto:sample(count, seed)
  local chosen, front = {}, self:front()
  local order = random.new(seed or 1):permutation(#front)
  for i = 1, math.min(count, #front) do chosen[i] = front[order[i]] end
  if #chosen < count then
    for _, member in ipairs(beaten(self)) do
      if #chosen == count then break end
      chosen[#chosen + 1] = member
    end
  end
  return chosen
end

--- Volume the front dominates above a reference point.
-- @tparam {string=number,...} reference a value per objective name
function Pareto:hypervolume(reference)
  local front, point = self:front(), {}
  if #front == 0 then return 0 end
  for i, name in ipairs(self.names) do point[i] = reference[name] end
  return core.hypervolume(columns(self, front), self.senses, point)
end

return setmetatable({ new = new, class = Pareto }, {
  __call = function(_, objectives) return new(objectives) end,
})
