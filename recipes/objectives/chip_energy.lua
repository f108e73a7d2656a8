-- Energy on a chip of your own, op by op.
--
--     autogo evolve MODEL --objective recipes/objectives/chip_energy.lua
--
-- Per node: called once for every distinct node, then remembered, so it runs at the speed of the search.
-- The chip is imaginary: a convolution engine, a vector unit, and no way to run tanh, so networks with
-- one cannot be measured (nil) and are passed over.
local ag = require "autogo"

local PJ_PER_MAC = { conv = 0.4, depthwise = 1.6, matmul = 0.4, transposedconv = 0.5 }
local PJ_PER_ELEMENT = 0.9 -- of the vector unit
local PJ_PER_BYTE = 12
local UNSUPPORTED = { tanh = true }
local FREE = { input = true, output = true, identity = true, flatten = true }

return ag.objective.per_node {
  name = "chip_energy",
  unit = "mJ",
  eval = function(node)
    if UNSUPPORTED[node.op] then return nil end
    if FREE[node.op] then return 0 end
    local per_mac = PJ_PER_MAC[node.op]
    local compute = per_mac and per_mac * node.macs
      or PJ_PER_ELEMENT * node.h_out * node.w_out * node.c_out
    return (compute + PJ_PER_BYTE * node.bytes) * 1e-9
  end,
}
