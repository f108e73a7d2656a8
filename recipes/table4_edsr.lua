-- Table 4: the body of EDSR (x2 super-resolution) at no more FLOPs than each of the three published
-- results, with a better prediction.
--
--     autogo run recipes/table4_edsr.lua [--seed N] [--threads N] [--out DIR] [--quick]
--
-- Three searches with the published settings (5 iterations, no ops that EDSR lacks: no depthwise
-- convolution, pool or batch norm), each with a band of FLOPs that ends a little below a published
-- result; objectives FLOPs and the roofline of an RTX 2080 Ti. The network of highest score with no
-- more FLOPs than that result counts. `score` is the bundled predictor's number: it
-- learnt from CIFAR-10 cells, ranks networks, and is no PSNR. our_ms is an estimate; PSNR needs
-- training of the networks in the output folder.
local ag = require "autogo"
local published = require "autogo.published"
local recipe = require "autogo.recipe"

local values = recipe.options {
  name = "table4_edsr",
  about = "Evolve the body of EDSR, as in Table 4",
  options = {
    { name = "seed", type = "integer", min = 0, default = 1, help = "of the searches" },
    { name = "threads", type = "integer", min = 1, max = 256, help = "worker threads [all processors]" },
  },
}

local HEADER = {
  "network", "published_psnr_div2k", "our_psnr_div2k", "published_gflops", "our_gflops",
  "published_ms", "our_ms", "published_flops_change_%", "our_flops_change_%", "score",
}

-- Results are no cheaper than this part of their bound, so that each stands beside its own.
local LEAST = 0.9

local original = published.table4[1]

local function row(network, member, input)
  return {
    network[1], network[4], nil, network[2], member.flops / 1e9, network[3],
    member.roofline_rtx2080ti, 100 * (network[2] / original[2] - 1),
    100 * (member.flops / input.flops - 1), member.score,
  }
end

local function best_within(front, bound)
  for _, member in ipairs(front) do
    if member.flops <= bound then return member end
  end
  error(("no network of at most %g GFLOPs was found"):format(bound / 1e9), 0)
end

local rows, begin, base = {}, ag.clock(), ag.load("edsr").flops
for i = 2, #published.table4 do
  local network = published.table4[i]
  local bound = network[2] * 1e9
  local front, keep = published.evolve("edsr", values, {
    preset = "published-sr", starter = "sr",
    objectives = { ag.objective.flops, "roofline:rtx2080ti" },
    flops_min = LEAST * bound / base,
  }, ("edsr_%d"):format(network[2]))
  local best = best_within(front, bound)
  keep(best)
  if i == 2 then rows[1] = row(original, front.input, front.input) end
  rows[i] = row(network, best, front.input)
end
recipe.print(HEADER, rows)
recipe.csv(values.out .. "/table4.csv", HEADER, rows)
print(("%.1f s with seed %d; our_ms is an estimate (roofline); our_psnr_div2k needs training of the "
  .. "networks in %s"):format(ag.clock() - begin, values.seed, values.out))
