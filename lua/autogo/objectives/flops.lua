--- FLOPs by the published counter: twice the multiply-accumulates of a node, once for every distinct
-- operand.
-- Source: algorithm.md section 2.
-- @module autogo.objectives.flops

local core = require "autogo.core"
local objective = require "autogo.objective"

local ONE_PER_OUTPUT = {}
for op in ([[relu relu6 leakyrelu prelu sigmoid hardsigmoid tanh swish hardswish gelu
  add mul maxpool avgpool mean global]]):gmatch "%S+" do
  ONE_PER_OUTPUT[op] = true
end

local function macs(node)
  local outputs = node.h_out * node.w_out * node.c_out
  if ONE_PER_OUTPUT[node.op] then
    return outputs
  elseif node.op == "batchnorm" then
    return 2 * node.h_in * node.w_in * node.c_in
  elseif node.op == "matmul" then
    return node.macs + (node.bias and node.c_out or 0)
  end
  return node.macs + (node.bias and outputs or 0)
end

local flops = objective.per_node {
  name = "flops",
  unit = "FLOP",
  eval = function(node)
    return 2 * macs(node) * math.max(1, node.inputs)
  end,
}

-- A batch knows them already.
flops.column = function(batch, rows)
  return rows and batch:floats("flops", rows) or core.floats(batch:column "flops")
end

return flops
