--- Random search: what a policy has to beat.
--
-- Parents are drawn from all members alike, and so are new members from the candidates. The front of
-- the candidates becomes members as well, so that nothing that was found is lost.
-- @module autogo.policies.random

local random = require "autogo.random"
local select = require "autogo.policies.select"

local policy = {}

local PARENTS, MEMBERS = 1, 2 -- keys of the streams

function policy.propose(search, generation)
  local settings, members = search.settings, search.archive.members
  local order = random.new(settings.seed, generation, PARENTS):permutation(#members)
  local parents = {}
  for i = 1, math.min(settings.parents, #members) do parents[i] = members[order[i]] end
  return parents
end

function policy.choose(search, candidates)
  local settings = search.settings
  local chosen, taken = select.front(search, candidates), {}
  for _, k in ipairs(chosen) do taken[k] = true end
  local stream = random.new(settings.seed, #search.history + 1, MEMBERS)
  for _, k in ipairs(stream:permutation(candidates.count)) do
    if #chosen >= settings.finalists then break end
    if not taken[k] then chosen[#chosen + 1] = k end
  end
  return chosen
end

return policy
