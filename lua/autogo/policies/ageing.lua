--- Regularized evolution: parents win tournaments among the youngest members, and old age, not
-- defeat, removes a member from the population.
--
-- Many objectives: the winner of a tournament is the member of least violation, then of least rank sum,
-- in the population.
-- Source: Real, Aggarwal, Huang, Le, "Regularized evolution for image classifier architecture
-- search", 2019.
-- @module autogo.policies.ageing

local random = require "autogo.random"
local select = require "autogo.policies.select"

local policy = { population = 100, tournament = 10 }

-- The youngest members, oldest first.
local function population(members)
  local first = math.max(1, #members - policy.population + 1)
  return table.move(members, first, #members, 1, {})
end

-- The best of a sample without repetition; at equal places the youngest.
local function winner(count, places, stream)
  local best
  for _, k in ipairs(stream:subset(math.min(policy.tournament, count), 1, count)) do
    if not best or places[k] <= places[best] then best = k end
  end
  return best
end

function policy.propose(search, generation)
  local settings = search.settings
  local living = population(search.archive.members)
  local places, stream = select.places(search, living), random.new(settings.seed, generation)
  local parents, taken = {}, {}
  for _ = 1, settings.parents do
    local k = winner(#living, places, stream)
    if not taken[k] then -- a parent that wins twice is mutated once
      taken[k], parents[#parents + 1] = true, living[k]
    end
  end
  return parents
end

return policy
