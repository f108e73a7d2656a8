-- One score for both goals: predicted accuracy per watt, to be made as large as possible.
--
--     autogo evolve MODEL --objective recipes/objectives/accuracy_per_watt.lua
--
-- Per graph, sense max. Accuracy is the bundled predictor's, told as that of a NAS-Bench-201 network on
-- CIFAR-10 (it ranks networks; far from CIFAR-10 it is no accuracy), power that of the preset mobile-npu
-- at 30 inferences a second: at a fixed rate power cannot be lowered by leaving the accelerator idle.
local ag = require "autogo"

local FAMILY, DEVICE, RATE = "nb201", "mobile-npu", 30

local predictor = assert(ag.predictor.gnn()) -- one pass over the network
local device = assert(ag.device(DEVICE))

return ag.objective.per_graph {
  name = "accuracy_per_watt",
  unit = "%/W",
  sense = "max",
  eval = function(graph)
    local milliwatts = device:of(graph, "power", RATE)
    if not milliwatts then return nil end -- it cannot keep up
    return predictor:label(FAMILY, assert(predictor:score(graph))) / (milliwatts / 1000)
  end,
}
