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

local policies = { names = { "ageing", "bandit", "greedy", "greedy_bandit", "published", "random" } }

--- A policy by name; raises on others. A table is a policy of one's own and returned as it is.
function policies.get(policy)
  if type(policy) == "table" then return policy end
  for _, name in ipairs(policies.names) do
    if policy == name then return require("autogo.policies." .. name) end
  end
  error(("policy: one of %s expected, got '%s'"):format(
    table.concat(policies.names, ", "), tostring(policy)), 0)
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
