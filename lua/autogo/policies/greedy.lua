--- Greedy local search on the front: the neighbours of every member of the front are looked at in
-- turn, the least often visited first; at equal counts the one whose loss would cost the front most
-- volume.
--
-- Source: Paquete, Chiarandini, Stuetzle, "Pareto local optimum sets in the biobjective traveling
-- salesman problem", 2004 (Pareto local search).
-- @module autogo.policies.greedy

local core = require "autogo.core"

local policy = {}

-- Volume above the reference point that each member alone contributes to the front.
local function contributions(search, front)
  local archive, point = search.archive, {}
  for i, name in ipairs(archive.names) do point[i] = search.reference[name] end
  local function volume(without)
    local columns = {}
    for i, name in ipairs(archive.names) do
      columns[i] = {}
      for _, member in ipairs(front) do
        if member ~= without then table.insert(columns[i], member[name]) end
      end
    end
    return #columns[1] > 0 and core.hypervolume(columns, archive.senses, point) or 0
  end
  local all, result = volume(nil), {}
  for _, member in ipairs(front) do result[member] = all - volume(member) end
  return result
end

function policy.propose(search)
  local visits = search.memory.visits or {} -- by hash
  search.memory.visits = visits
  local front, rank = {}, {}
  if #search.archive == 0 then -- nothing yet that meets the constraints
    return search.archive:sample(search.settings.parents)
  end
  for i, member in ipairs(search.archive:front()) do front[i], rank[member] = member, i end
  local worth = contributions(search, front)
  table.sort(front, function(a, b)
    local times_a, times_b = visits[a.graph:hash()] or 0, visits[b.graph:hash()] or 0
    if times_a ~= times_b then return times_a < times_b end
    if worth[a] ~= worth[b] then return worth[a] > worth[b] end
    return rank[a] < rank[b]
  end)
  local parents = table.move(front, 1, math.min(#front, search.settings.parents), 1, {})
  for _, member in ipairs(parents) do
    local hash = member.graph:hash()
    visits[hash] = (visits[hash] or 0) + 1
  end
  return parents
end

return policy
