-- Evolve a ResNet-50 for a chip of your own, in a few lines.
--
--     autogo run recipes/quickstart.lua [MODEL [ITERATIONS]]
--
-- MODEL is an ONNX or JSON file, or a name of the zoo. The objective below is the energy of an
-- imaginary accelerator: so much for a multiply-accumulate, so much for a byte of memory traffic.
local ag = require "autogo"

local model = assert(ag.load(arg[1] or "resnet50"))

local energy = ag.objective.per_node { -- called once per distinct node, then remembered
  name = "energy", unit = "J", sense = "min",
  eval = function(node) return (node.macs * 0.8 + node.bytes * 25) * 1e-12 end,
}

local front = ag.evolve(model, {
  objectives = { energy },
  iterations = tonumber(arg[2] or 3),
  seed = 1,
})

print(front)

-- What happened to the best member, segment by segment.
for _, change in ipairs(front[1].changes) do
  print(("iteration %d: [%s] became [%s]"):format(change.generation,
    table.concat(change.removed, " "), table.concat(change.added, " ")))
end
