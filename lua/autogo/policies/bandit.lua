--- A bandit that learns which segments pay: the published policy with the random choice of
-- replacements replaced by Thompson sampling over the entries of the database.
--
-- An entry is an arm, a child made with it a pull, and a child that becomes a member a win. Every
-- iteration draws a chance of winning for each entry from what is known of it, and candidates are
-- drawn in proportion. The draw is normal with the mean and deviation of the Beta posterior: near
-- enough, and without functions that differ between processors in their last bit.
-- Source: Thompson, "On the likelihood that one unknown probability exceeds another", 1933.
-- @module autogo.policies.bandit

local published = require "autogo.policies.published"
local random = require "autogo.random"

local policy = {}

local STREAM = 3      -- key of the draws
local LEAST = 1e-3    -- chance that even the worst entry keeps
local UNITS = 1 << 53

-- A normal variate, as the sum of twelve uniform ones.
local function normal(stream)
  local sum = -6
  for _ = 1, 12 do sum = sum + (stream:next() >> 11) / UNITS end
  return sum
end

-- Mean and variance of Beta(1 + wins, 1 + losses), and a draw.
local function thompson(wins, pulls, stream)
  local a, n = 1 + wins, 2 + pulls
  local mean = a / n
  local deviation = (mean * (1 - mean) / (n + 1)) ^ 0.5
  return math.max(LEAST, mean + deviation * normal(stream))
end

local function memory(search)
  local m = search.memory
  if not m.wins then
    m.wins, m.pulls = {}, {}
    for entry = 1, search.space.entries do m.wins[entry], m.pulls[entry] = 0, 0 end
  end
  return m
end

--- A draw of weights for `space:mutate`.
function policy.weights(search, generation)
  local m, weights = memory(search), {}
  local stream = random.new(search.settings.seed, generation, STREAM)
  for entry = 1, #m.wins do weights[entry] = thompson(m.wins[entry], m.pulls[entry], stream) end
  return weights
end

function policy.propose(search, generation)
  return published.propose(search, generation), { weights = policy.weights(search, generation) }
end

function policy.learn(search, batch, chosen)
  local m, entry = memory(search), batch:column "entry"
  for i = 1, #batch do m.pulls[entry[i]] = m.pulls[entry[i]] + 1 end
  for _, i in ipairs(chosen) do m.wins[entry[i]] = m.wins[entry[i]] + 1 end
end

return policy
