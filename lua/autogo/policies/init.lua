--- Policies: who is mutated next, with what, and which children become members.
--
--    policies.greedy(model, { iterations = 10 })      -- as autogo.evolve: a front
--
-- All policies run in `autogo.evolve`, over the same batches of children, under the same rules (band,
-- permitted ops, constraints, better than the input) and with the same scores. A policy is a table of
-- up to three functions:
--
--    propose(search, generation)    members to mutate, and options for `space:mutate` or nil
--    choose(search, candidates)     numbers of the candidates that become members; absent: the best
--    learn(search, batch, chosen)   what came of it; `chosen` lists the rows that became members
--
-- `candidates` = { count, columns, violations }: the estimated score and one column per objective, and by
-- how much each breaks the constraints (`autogo.constraints`), nil if there are none. What a policy
-- remembers lies in `search.archive.members`, in order of arrival, and in `search.memory`, a plain
-- table: together they are the policy's whole state.
-- @module autogo.policies

local core = require "autogo.core"
local shown = require("autogo.spelling").shown

local policies = { names = { "ageing", "bandit", "greedy", "greedy_bandit", "published", "random" } }

local function fail(format, ...)
  error("policy: " .. format:format(...), 0)
end

-- What `propose` returned is members of the archive, at least one.
local function check_members(members)
  local expected = "a list of members was expected (search.archive:front() and :sample(n) give some)"
  if type(members) ~= "table" then
    fail("propose returned a %s; %s", type(members), expected)
  elseif #members == 0 then
    fail("propose returned an empty list; %s", expected)
  end
  for i, one in ipairs(members) do
    if type(one) ~= "table" or not one.graph then
      fail("propose returned a %s at %d; %s", type(one), i, expected)
    end
  end
end

-- What `choose` returned is numbers of candidates, none twice.
local function check_numbers(numbers, count)
  if type(numbers) ~= "table" then
    fail("choose returned a %s; a list of numbers from 1 to candidates.count was expected", type(numbers))
  end
  local seen = {}
  for i, k in ipairs(numbers) do
    if math.type(k) ~= "integer" or k < 1 or k > count or seen[k] then
      fail("choose returned %s at %d; numbers from 1 to candidates.count, %d here, were expected, each once",
        tostring(k), i, count)
    end
    seen[k] = true
  end
end

-- Candidates as a policy of one's own sees them: in plain sequences, which it may change.
local function plain(candidates)
  local columns = {}
  for i, column in ipairs(candidates.columns) do
    columns[i] = type(column) == "table" and column or core.floats(column)
  end
  return { count = candidates.count, columns = columns, violations = candidates.violations }
end

-- A policy of one's own, whose mistakes are told in its own words.
local function checked(policy)
  for _, name in ipairs { "propose", "choose", "learn" } do
    local given = policy[name]
    if type(given) ~= "function" and (given ~= nil or name == "propose") then
      fail("%s: a function expected, got %s", name, shown(given))
    end
  end
  local made = { learn = policy.learn }
  function made.propose(...)
    local members, options = policy.propose(...)
    check_members(members)
    return members, options
  end
  made.choose = policy.choose and function(search, candidates)
    local numbers = policy.choose(search, plain(candidates))
    check_numbers(numbers, candidates.count)
    return numbers
  end
  return made
end

--- A policy by name, or a table of one's own, what it returns checked; raises on all else.
function policies.get(policy)
  if type(policy) == "table" then return checked(policy) end
  for _, name in ipairs(policies.names) do
    if policy == name then return require("autogo.policies." .. name) end
  end
  error(("policy: one of %s expected, got '%s'"):format(
    table.concat(policies.names, ", "), shown(policy)), 0)
end

for _, name in ipairs(policies.names) do
  policies[name] = function(model, options)
    local settings = {}
    for key, value in pairs(options or {}) do settings[key] = value end
    settings.policy = name
    return require("autogo").evolve(model, settings)
  end
end

return policies
