-- Three objectives at once, under a constraint: predicted accuracy, latency on a Raspberry Pi 4 and energy
-- on an NPU, with the peak of activation memory bounded.
--
--     autogo run recipes/three_objectives.lua [--model MODEL] [--input HxWxC]
--         [--seed N] [--threads N] [--out DIR] [--quick]
--
-- Latency is the bundled predictor's, learnt from measurements of NAS-Bench-201 cells; energy is that of the
-- preset mobile-npu; memory is float32. The bound is nine tenths of the input's peak. What is drawn and
-- listed is the front over the three objectives among the networks that keep to it: pairs.svg, front.csv.
local ag = require "autogo"
local core = require "autogo.core"
local pairs_plot = require "autogo.report.pairs"
local published = require "autogo.published"
local recipe = require "autogo.recipe"

local values = recipe.options {
  name = "three_objectives",
  about = "Accuracy, latency and energy at once, with memory bounded",
  options = {
    { name = "model", type = "string", default = "resnet18", help = "what is evolved" },
    { name = "input", type = "shape", default = { 32, 32, 3 }, help = "its input" },
    { name = "seed", type = "integer", min = 0, default = 1, help = "of the search" },
    { name = "threads", type = "integer", min = 1, max = 256, help = "worker threads [all processors]" },
  },
}

local LATENCY, ENERGY, MEMORY = "latency_raspi4", "mobile_npu_energy", "peak_memory"
local HEADER = { "network", "score", "raspi4_ms", "npu_mj", "peak_mib", "gflops" }
local SHARE = 0.9 -- of the input's memory

local function row(name, member)
  return { name, member.score, member[LATENCY], member[ENERGY], member[MEMORY], member.flops / 1e9 }
end

local begin = ag.clock()
local model = assert(ag.load(values.model, { input = values.input }))
local bound = (values.quick and 1 or SHARE) * model.peak_memory / 2 ^ 20
local front, keep = published.evolve(model, values, {
  preset = "published-cifar", starter = "cifar10",
  objectives = { "latency:raspi4", "npu:mobile-npu:energy", ag.objective.peak_memory },
  constraints = { ag.constraint { on = MEMORY, max = bound } },
}, "front")

local archive, others = ag.pareto { "score:max", LATENCY .. ":min", ENERGY .. ":min" }, {}
for _, member in ipairs(front.archive.members) do
  if member[MEMORY] <= bound then
    archive:insert(member)
  else
    others[#others + 1] = member
  end
end
local best = archive:front()
for _, member in ipairs(archive.members) do others[#others + 1] = member end

local rows = { row("input", front.input) }
for rank, member in ipairs(best) do rows[rank + 1] = row(("rank %d"):format(rank - 1), member) end
recipe.print(HEADER, rows)
recipe.csv(values.out .. "/front.csv", HEADER, rows)
if best[1] then keep(best[1]) end
assert(core.write_file(values.out .. "/pairs.svg", pairs_plot.svg(best, {
  title = model.name, input = front.input, others = others,
  axes = {
    { field = "score", title = "predicted" }, { field = LATENCY, title = "Raspberry Pi 4 (ms)" },
    { field = ENERGY, title = "mobile-npu (mJ)" },
  },
})))
print(("%.1f s with seed %d; %d networks on the front, at most %.4g MiB each (input %.4g)"):format(
  ag.clock() - begin, values.seed, #best, bound, model.peak_memory / 2 ^ 20))
