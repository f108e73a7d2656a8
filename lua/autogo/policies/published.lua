--- The published policy: parents at random from the front, filled up by least sum of ranks.
-- Source: algorithm.md section 4.
-- @module autogo.policies.published

local random = require "autogo.random"

local published = {}

function published.propose(search, generation)
  local settings = search.settings
  return search.archive:sample(settings.parents, random.new(settings.seed, generation):next())
end

return published
