-- Carbon per million inferences: energy on a server, times what a kilowatt-hour emits where it stands.
--
--     autogo evolve MODEL --objective recipes/objectives/carbon.lua
--
-- CARBON_INTENSITY in the environment is the grid's, in g of CO2 equivalent per kWh; ask its operator.
-- What is below are assumptions to be replaced: a server's energy per FLOP and per byte, and the overhead of
-- its data centre (PUE).
local ag = require "autogo"

local GRAMS_PER_KWH = tonumber(os.getenv "CARBON_INTENSITY" or 400)
  or error("CARBON_INTENSITY: a number expected, got " .. os.getenv "CARBON_INTENSITY", 0)
local JOULES_PER_FLOP, JOULES_PER_BYTE, PUE = 2e-11, 1e-10, 1.4
local JOULES_PER_KWH, INFERENCES = 3.6e6, 1e6

return ag.objective.per_node {
  name = "carbon",
  unit = "g CO2e per million",
  eval = function(node)
    local joules = node.flops * JOULES_PER_FLOP + node.bytes * JOULES_PER_BYTE
    return joules * PUE / JOULES_PER_KWH * GRAMS_PER_KWH * INFERENCES
  end,
}
