--- What policies share: choosing among candidates by front and ranks, what breaks constraints last.
-- @module autogo.policies.select

local constraints = require "autogo.constraints"
local core = require "autogo.core"

local M = {}

-- Numbers of the candidates that break the constraints least.
local function least_violating(candidates)
  local least, numbers = 1 / 0, {}
  for k = 1, candidates.count do
    local violation = candidates.violations and candidates.violations[k] or 0
    if violation < least then least, numbers = violation, {} end
    if violation == least then numbers[#numbers + 1] = k end
  end
  return numbers
end

local function rows_of(columns, rows)
  local part = {}
  for i, column in ipairs(columns) do
    part[i] = {}
    for n, k in ipairs(rows) do part[i][n] = column[k] end
  end
  return part
end

--- Numbers of the candidates that no other candidate beats, ascending: by constraint domination
-- (`autogo.constraints`).
function M.front(search, candidates)
  local allowed, front = least_violating(candidates), {}
  if #allowed == 0 then return front end
  for i, k in ipairs(core.pareto_front(rows_of(candidates.columns, allowed), search.senses)) do
    front[i] = allowed[k]
  end
  return front
end

--- The front of the candidates, filled up to `count` with those of least violation and least rank sum
-- (algorithm.md section 4, table 8). A larger front is taken whole.
function M.best(search, candidates, count)
  local chosen, taken, rest = M.front(search, candidates), {}, {}
  if #chosen >= count then return chosen end
  for _, k in ipairs(chosen) do taken[k] = true end
  for k = 1, candidates.count do
    if not taken[k] then rest[#rest + 1] = k end
  end
  if #rest > 0 then
    constraints.sort(rest, core.rank_sums(candidates.columns, search.senses), candidates.violations)
  end
  return table.move(rest, 1, math.min(#rest, count - #chosen), #chosen + 1, chosen)
end

--- Places of members, less is better: by violation, then by the sum of ranks over all objectives. Equal
-- members share a place.
function M.places(search, members)
  local columns, violations, order, places = {}, {}, {}, {}
  for i, name in ipairs(search.archive.names) do
    columns[i] = {}
    for k, member in ipairs(members) do columns[i][k] = member[name] end
  end
  for k, member in ipairs(members) do order[k], violations[k] = k, member.violation or 0 end
  local sums = core.rank_sums(columns, search.senses)
  for n, k in ipairs(constraints.sort(order, sums, violations)) do
    local before = order[n - 1]
    local equal = before and sums[before] == sums[k] and violations[before] == violations[k]
    places[k] = equal and places[before] or n
  end
  return places
end

return M
