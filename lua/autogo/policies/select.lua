--- What policies share: choosing among candidates by front and ranks, what breaks constraints last.
-- @module autogo.policies.select

local core = require "autogo.core"

local selection = {}

--- Numbers of the candidates that no other candidate beats, ascending: by constraint domination
-- (`autogo.constraints`).
function selection.front(search, candidates)
  if candidates.count == 0 then return {} end
  return core.pareto_front(candidates.columns, search.senses, candidates.violations)
end

--- The front of the candidates, filled up to `count` with those of least violation and least rank sum
-- (algorithm.md section 4, table 8). A larger front is taken whole.
function selection.best(search, candidates, count)
  if candidates.count == 0 then return {} end
  return core.pareto_best(candidates.columns, search.senses, candidates.violations, count)
end

--- Places of members, less is better: by violation, then by the sum of ranks over all objectives. Equal
-- members share a place.
function selection.places(search, members)
  local columns, violations, places = {}, {}, {}
  for i, name in ipairs(search.archive.names) do
    columns[i] = {}
    for k, member in ipairs(members) do columns[i][k] = member[name] end
  end
  for k, member in ipairs(members) do violations[k] = member.violation or 0 end
  local sums = core.rank_sums(columns, search.senses)
  local order = core.order { violations, sums }
  for n, k in ipairs(order) do
    local before = order[n - 1]
    local equal = before and sums[before] == sums[k] and violations[before] == violations[k]
    places[k] = equal and places[before] or n
  end
  return places
end

return selection
