-- Table 9: how far FLOPs fall when they may fall by 20 % at most, and when they may fall freely.
--
--     autogo run recipes/table9_flops_ablation.lua [--seed N] [--threads N] [--out DIR] [--quick]
--
-- Five networks, three methods, two bands: 30 searches. `our_flops_change_%` is that of the front's member
-- of highest predicted accuracy, `lowest_flops_change_%` that of its cheapest one. The column
-- our_accuracy needs training.
local published = require "autogo.published"
local recipe = require "autogo.recipe"

local values = recipe.options {
  name = "table9_flops_ablation",
  about = "Evolve five networks under two FLOPs bands, as in Table 9",
  options = {
    { name = "seed", type = "integer", min = 0, default = 1, help = "of the searches" },
    { name = "threads", type = "integer", min = 1, max = 256, help = "worker threads [all processors]" },
  },
}

local HEADER = {
  "family", "method", "band", "published_accuracy", "our_accuracy", "published_flops_change_%",
  "our_flops_change_%", "lowest_flops_change_%", "score_input", "score_best", "front", "seconds",
}

local function change(member, input)
  return 100 * (member.flops / input.flops - 1)
end

local rows, total, within = {}, 0, true
for found in published.searches(values) do
  local front, band = found.front, published.bands[found.band]
  local goal = published.table9[found.family][found.method][found.band]
  local lowest = 0
  for _, member in ipairs(front) do
    local ratio = member.flops / front.input.flops
    lowest = math.min(lowest, change(member, front.input))
    within = within and ratio >= band.least and ratio <= front.settings.flops_max
  end
  rows[#rows + 1] = {
    found.family, published.methods[found.method].name, band.name, goal[1], nil, goal[2],
    change(front[1], front.input), lowest, front.input.score, front[1].score, #front, found.seconds,
  }
  total = total + found.seconds
end
recipe.print(HEADER, rows)
recipe.csv(values.out .. "/table9.csv", HEADER, rows)
print(("%d searches in %.1f s, every member %s its band; our_accuracy needs training of the networks in %s")
  :format(#rows, total, within and "within" or "NOT WITHIN", values.out))
return within and 0 or 1
