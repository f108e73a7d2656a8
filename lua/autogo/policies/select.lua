--- What policies share: choosing among candidates by front and ranks.
-- @module autogo.policies.select

local core = require "autogo.core"

local M = {}

--- Numbers of the candidates that no other candidate beats, ascending.
function M.front(search, candidates)
  if candidates.count == 0 then return {} end
  return core.pareto_front(candidates.columns, search.senses)
end

--- The front of the candidates, filled up to `count` with those of least rank sum (algorithm.md
-- section 4, table 8). A larger front is taken whole.
function M.best(search, candidates, count)
  local chosen, taken, rest = M.front(search, candidates), {}, {}
  if #chosen >= count then return chosen end
  for _, k in ipairs(chosen) do taken[k] = true end
  for k = 1, candidates.count do
    if not taken[k] then rest[#rest + 1] = k end
  end
  local sums = #rest > 0 and core.rank_sums(candidates.columns, search.senses)
  table.sort(rest, function(a, b)
    if sums[a] ~= sums[b] then return sums[a] < sums[b] end
    return a < b
  end)
  return table.move(rest, 1, math.min(#rest, count - #chosen), #chosen + 1, chosen)
end

--- Rank sums of members, by all objectives.
function M.rank_sums(search, members)
  local columns = {}
  for i, name in ipairs(search.archive.names) do
    columns[i] = {}
    for k, member in ipairs(members) do columns[i][k] = member[name] end
  end
  return core.rank_sums(columns, search.senses)
end

return M
