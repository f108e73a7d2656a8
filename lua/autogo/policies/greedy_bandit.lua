--- Both ideas at once: parents as greedy local search takes them, replacements as the bandit draws them.
-- The default: at equal candidates its fronts are the best on every family (recipes/policies.lua).
-- @module autogo.policies.greedy_bandit

local bandit = require "autogo.policies.bandit"
local greedy = require "autogo.policies.greedy"

local policy = { learn = bandit.learn }

function policy.propose(search, generation)
  return greedy.propose(search), { weights = bandit.weights(search, generation) }
end

return policy
