-- Table 2: the best networks of five families, evolved with single nodes and the GNN predictor, with
-- segments and the GNN predictor, and with segments and the PSC predictor.
--
--     autogo run recipes/table2_cifar.lua [--seed N] [--threads N] [--out DIR] [--quick]
--
-- As published, each method runs under both FLOPs bands and the better result counts: here, the front's
-- member of highest predicted accuracy. `score` is the bundled predictors' own number, which ranks
-- networks and is no accuracy; the predictors learnt from NB-201, NB-101 and NB-Macro, so on the other
-- three families they judge what they have not seen. The column our_accuracy needs training: evolved
-- networks lie in the output folder for it.
local published = require "autogo.published"
local recipe = require "autogo.recipe"

local values = recipe.options {
  name = "table2_cifar",
  about = "Evolve the best networks of five families by three methods, as in Table 2",
  options = {
    { name = "seed", type = "integer", min = 0, default = 1, help = "of the searches" },
    { name = "threads", type = "integer", min = 1, max = 256, help = "worker threads [all processors]" },
  },
}

local HEADER = {
  "family", "method", "published_accuracy", "our_accuracy", "published_mflops", "our_mflops",
  "published_flops_change_%", "our_flops_change_%", "score_input", "score_best", "hypervolume",
  "children", "seconds",
}

local function change(flops, base)
  return 100 * (flops / base - 1)
end

-- What a search found, in the units of the table.
local function summary(found)
  local front, scored = found.front, 0
  for _, row in ipairs(front.history) do
    scored = scored + row.scored
  end
  local last = front.history[#front.history]
  return {
    best = front[1], input = front.input, children = scored, seconds = found.seconds,
    hypervolume = last.hypervolume / front.input.flops,
  }
end

-- The result of the better band; the work of both.
local function better(a, b)
  local best = not a and b or b.best.score > a.best.score and b or a
  return {
    best = best.best, input = best.input, hypervolume = best.hypervolume,
    children = (a and a.children or 0) + b.children, seconds = (a and a.seconds or 0) + b.seconds,
  }
end

local results, order = {}, {}
for found in published.searches(values) do
  local key = found.family .. " " .. published.methods[found.method].name
  if not results[key] then
    order[#order + 1] = { key, found.family, found.method }
  end
  results[key] = better(results[key], summary(found))
end

local rows, total = {}, 0
for i, entry in ipairs(order) do
  local key, family, method = table.unpack(entry)
  local ours, theirs = results[key], published.table2[family]
  local base, goal = theirs[1], theirs[1 + method]
  rows[i] = {
    family, published.methods[method].name, goal[1], nil, goal[2], ours.best.flops / 1e6,
    change(goal[2], base[2]), change(ours.best.flops, ours.input.flops), ours.input.score,
    ours.best.score, ours.hypervolume, ours.children, ours.seconds,
  }
  total = total + ours.seconds
end
recipe.print(HEADER, rows)
recipe.csv(values.out .. "/table2.csv", HEADER, rows)
print(("%d searches in %.1f s; our_accuracy needs training of the networks in %s"):format(
  2 * #rows, total, values.out))
