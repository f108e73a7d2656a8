-- Table 3: ResNet-50, ResNet-101 and VGG-16 of the publication, with fewer FLOPs and a better
-- prediction; latency on an RTX 2080 Ti by its roofline.
--
--     autogo run recipes/table3_resnet_vgg.lua [--seed N] [--threads N] [--out DIR] [--quick]
--
-- Published settings for large networks (5 iterations, no ops that the network lacks), objectives
-- FLOPs and the roofline. As many of our networks stand beside each original as were published: those
-- of highest score with fewer FLOPs than the original. `score` is the
-- bundled predictor's number: it learnt from CIFAR-10 cells, ranks networks, and is no accuracy.
-- our_ms is an estimate; accuracies need training of the networks in the output folder.
local ag = require "autogo"
local published = require "autogo.published"
local recipe = require "autogo.recipe"

local values = recipe.options {
  name = "table3_resnet_vgg",
  about = "Evolve ResNet-50, ResNet-101 and VGG-16, as in Table 3",
  options = {
    { name = "seed", type = "integer", min = 0, default = 1, help = "of the searches" },
    { name = "threads", type = "integer", min = 1, max = 256, help = "worker threads [all processors]" },
  },
}

local HEADER = {
  "network", "published_top1", "our_top1", "published_gflops", "our_gflops", "published_ms", "our_ms",
  "published_flops_change_%", "our_flops_change_%", "our_ms_change_%", "score",
}

local LATENCY = "roofline_rtx2080ti"

-- The members of highest score with fewer FLOPs than the input.
local function cheaper(front, count)
  local found = {}
  for _, member in ipairs(front) do
    if member.flops < front.input.flops and #found < count then found[#found + 1] = member end
  end
  return found
end

local function row(network, original, member, input)
  return {
    network[1], network[4], nil, network[2], member and member.flops / 1e9, network[3],
    member and member[LATENCY], 100 * (network[2] / original[2] - 1),
    member and 100 * (member.flops / input.flops - 1),
    member and 100 * (member[LATENCY] / input[LATENCY] - 1), member and member.score,
  }
end

local rows, begin = {}, ag.clock()
for _, name in ipairs { "resnet50_published", "resnet101_published", "vgg16_published" } do
  local front, keep = published.evolve(name, values, {
    preset = "published-imagenet", starter = "imagenet",
    objectives = { ag.objective.flops, "roofline:rtx2080ti" },
  })
  local networks = published.table3[name]
  local ours = cheaper(front, #networks - 1)
  rows[#rows + 1] = row(networks[1], networks[1], front.input, front.input)
  for i = 2, #networks do
    keep(ours[i - 1])
    rows[#rows + 1] = row(networks[i], networks[1], ours[i - 1], front.input)
  end
end
recipe.print(HEADER, rows)
recipe.csv(values.out .. "/table3.csv", HEADER, rows)
print(("%.1f s with seed %d; our_ms is an estimate (roofline); our_top1 needs training of the networks in %s")
  :format(ag.clock() - begin, values.seed, values.out))
