-- Peak of activation memory on a device that computes in 8 bits and runs activations in place.
--
--     autogo evolve MODEL --objective recipes/objectives/memory_peak.lua --objective flops
--
-- Per graph: the peak depends on which tensors live at the same time, not on one node. The built-in
-- peak_memory counts float32 and gives every node a tensor of its own.
local ag = require "autogo"

local BYTES = 1
local IN_PLACE = { relu = true, relu6 = true, sigmoid = true, tanh = true, swish = true, hardswish = true,
  hardsigmoid = true, leakyrelu = true, identity = true }

return ag.objective.per_graph {
  name = "memory_peak",
  unit = "KiB",
  eval = function(graph)
    local tensor, size, last = {}, {}, {} -- node -> its tensor; tensor -> bytes, last node that reads it
    for i, node in graph:nodes() do
      local operand = node.operands[1]
      local shared = IN_PLACE[node.op] and operand and #graph:node(operand).users == 1
      local t = shared and tensor[operand] or i
      tensor[i], last[t] = t, i
      size[t] = size[t] or node.h_out * node.w_out * node.c_out * BYTES
      for _, o in ipairs(node.operands) do last[tensor[o]] = math.max(last[tensor[o]], i) end
    end
    local live, peak = 0, 0
    for i in graph:nodes() do
      if tensor[i] == i then live = live + size[i] end
      peak = math.max(peak, live)
      for t, at in pairs(last) do
        if at == i then live = live - size[t] end
      end
    end
    return peak / 1024
  end,
}
