-- Policies compared: the volume their fronts dominate, at equal candidates and at equal time.
--
--     autogo run recipes/policies.lua [--children N] [--iterations N] [--seconds X] [--seeds N]
--         [--weights FILE] [--threads N] [--out DIR] [--quick]
--
-- Every policy evolves the best network of each family under the same predictor (the bundled GNN, or
-- --weights) and the same rules, once with exactly --children scored candidates and once until
-- --seconds have passed. Hypervolume: reference point the input's own score and 1.1 times its FLOPs,
-- FLOPs as a ratio to the input's. Mean and deviation are over seeds. Times depend on the machine.
local ag = require "autogo"
local policies = require "autogo.policies"
local published = require "autogo.published"
local recipe = require "autogo.recipe"

local values = recipe.options {
  name = "policies",
  about = "Compare the policies at equal candidates and at equal time",
  options = {
    { name = "children", type = "integer", min = 1, default = 8000, help = "candidates per search" },
    { name = "iterations", type = "integer", min = 1, default = 20, help = "equal shares of them" },
    { name = "seconds", type = "number", min = 0, default = 2, help = "per search at equal time; 0: none" },
    { name = "seeds", type = "integer", min = 1, default = 10, help = "searches per figure" },
    { name = "weights", type = "string", value = "FILE", help = "predictor [the bundled GNN]" },
    { name = "threads", type = "integer", min = 1, max = 256, help = "worker threads [all processors]" },
  },
}

local families = published.families
if values.quick then
  values.children, values.iterations, values.seconds, values.seeds = 200, 4, 0.1, 2
  families = { "two_path" }
end

local predictor = assert(values.weights and ag.predictor(values.weights) or ag.predictor.gnn())

-- One search; its front's volume and the number of its candidates.
local function run(network, settings)
  local front = ag.evolve(network, settings)
  local scored = 0
  for _, row in ipairs(front.history) do
    scored = scored + row.scored
  end
  local last = front.history[#front.history] -- nil where time was up at once
  return (last and last.hypervolume or 0) / front.input.flops, scored
end

-- Settings of one kind of comparison: by candidates, or by time in batches of the same size.
local function settings_of(kind, policy, seed)
  local settings = {
    policy = policy, seed = seed, predictor = predictor, threads = values.threads,
    iterations = values.iterations, children = values.children,
  }
  if kind == "seconds" then
    settings.seconds = values.seconds
    settings.iterations, settings.children = 1000 * values.iterations, 1000 * values.children
  end
  return settings
end

local HEADER = {
  "equal", "family", "policy", "hypervolume", "deviation", "times_random", "children", "seconds",
}
local rows = {}

local function compare(kind, family)
  local network, begin, random = published.network(family), #rows, nil
  for _, policy in ipairs(policies.names) do
    local volumes, children, start = {}, 0, ag.clock()
    for seed = 1, values.seeds do
      local volume, scored = run(network, settings_of(kind, policy, seed))
      volumes[seed], children = volume, children + scored
    end
    local mean, deviation = recipe.mean_and_deviation(volumes)
    rows[#rows + 1] = { kind, family, policy, mean, deviation, nil, children // values.seeds,
      (ag.clock() - start) / values.seeds }
    random = policy == "random" and mean or random
  end
  for i = begin + 1, #rows do
    rows[i][6] = random > 0 and rows[i][4] / random or nil
  end
end

for _, kind in ipairs { "children", values.seconds > 0 and "seconds" or nil } do
  for _, family in ipairs(families) do
    compare(kind, family)
  end
end
recipe.print(HEADER, rows)
recipe.csv(values.out .. "/policies.csv", HEADER, rows)
