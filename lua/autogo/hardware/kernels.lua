--- Kernels: what a table of latencies is indexed by, and which of them a search can meet.
--
-- A kernel is what a device runs for one node: { op, in_h, in_w, in_c, out_c, kh, kw, stride, groups,
-- dtype }. Strides and dilations that differ in H and W are written 2x1; a dilation other than 1 stands
-- behind the op (conv@2). The channels into a concat are those out of it. An add or mul of n operands
-- is n - 1 kernels of two. Ends of the graph and views of a tensor are no kernels.
-- Source: hardware.md section 6.
-- @module autogo.hardware.kernels

local core = require "autogo.core"
local objective = require "autogo.objective"

local kernels = {}

--- Columns of a table of kernels, in their order; the key of a kernel is the first ten.
kernels.COLUMNS = {
  "op", "in_h", "in_w", "in_c", "out_c", "kh", "kw", "stride", "groups", "dtype", "median_ms", "p90_ms", "n",
}
kernels.KEY = 10

-- What runs nothing on the device.
local FREE = { input = true, output = true, identity = true, zero = true, flatten = true }

local function pair(values)
  return values[1] == values[2] and tostring(values[1]) or values[1] .. "x" .. values[2]
end

--- The kernel of a node, and how often it runs; nil for what is no kernel.
-- @tparam table node
-- @tparam string dtype
-- @treturn table kernel, and a number
function kernels.of_node(node, dtype)
  if FREE[node.op] then return nil end
  local dilation, window = pair(node.dilation), node.kernel or { 0, 0 }
  local kernel = {
    op = dilation == "1" and node.op or node.op .. "@" .. dilation,
    in_h = node.h_in, in_w = node.w_in, in_c = node.op == "concat" and node.c_out or node.c_in,
    out_c = node.c_out, kh = window[1], kw = window[2], stride = pair(node.stride),
    groups = node.op == "depthwise" and node.c_in or node.groups, dtype = dtype,
  }
  local joins = node.op == "add" or node.op == "mul"
  return kernel, joins and math.max(1, node.inputs - 1) or 1
end

--- The key of a kernel as text: its fields, separated by commas.
function kernels.key(kernel)
  local fields = {}
  for i = 1, kernels.KEY do fields[i] = tostring(kernel[kernels.COLUMNS[i]]) end
  return table.concat(fields, ",")
end

-- A collection of distinct kernels, in order of first appearance.
local function collector(dtype)
  local list, seen = {}, {}
  return list, function(node)
    local kernel = kernels.of_node(node, dtype)
    local key = kernel and kernels.key(kernel)
    if kernel and not seen[key] then
      seen[key], list[#list + 1] = true, kernel
    end
  end
end

--- The kernels of a network.
-- @tparam Graph graph
-- @tparam[opt] string dtype default fp32
-- @treturn {kernel,...}
function kernels.of_graph(graph, dtype)
  local list, add = collector(dtype or "fp32")
  for _, node in graph:nodes() do add(node) end
  return list
end

--- The kernels of a segment database, as they stood in the networks it was mined from.
-- @tparam Database database
-- @tparam[opt] string dtype default fp32
-- @treturn {kernel,...}
function kernels.of_database(database, dtype)
  local list, add = collector(dtype or "fp32")
  for i = 1, #database do
    for variant = 1, database:entry(i).variants do
      local segment = database:segment(i, variant)
      for k = 1, #segment do add(segment:node(k - 1)) end
    end
  end
  return list
end

--- The kernels a search can meet: those of the network, then those of every replacement that was valid
-- in it or in a descendant, with the shapes it was solved to there.
--
-- There is no end to what a search of any length can meet, so this is one: with the search's own
-- settings, but more sources and replacements per parent, and FLOPs for the objective. It prices all
-- children, not only those it keeps.
-- @tparam Graph graph
-- @tparam[opt] table settings of `autogo.evolve`
-- @tparam[opt] string dtype default fp32
-- @treturn {kernel,...}; or nil and a message
function kernels.of_search(graph, settings, dtype)
  local list, add = collector(dtype or "fp32")
  for _, node in graph:nodes() do add(node) end
  local wide = { sources = 30, replacements = 300 }
  for key, value in pairs(settings or {}) do wide[key] = value end
  local visitor = objective.per_node {
    name = "kernels",
    eval = function(node)
      add(node)
      return 0
    end,
  }
  local prices = core.prices()
  visitor.column = function(batch, rows) -- of all children, not only those worth it
    local zeros = prices:column(batch, visitor.eval)
    return rows and core.pick(zeros, rows) or zeros
  end
  wide.objectives = { objective.flops, visitor }
  local front, why = require("autogo.evolve").evolve(graph, wide)
  if not front then return nil, why end
  return list
end

local function unpair(text)
  local h, w = text:match "^(%d+)x(%d+)$"
  return { math.tointeger(tonumber(h or text)), math.tointeger(tonumber(w or text)) }
end

-- The node of a kernel, fed by an input of its size.
local function add_node(b, kernel)
  local op, dilation = kernel.op:match "^(.-)@(.+)$"
  op = op or kernel.op
  local joins = op == "add" or op == "mul"
  if op == "concat" then
    local half = b:input { kernel.in_h, kernel.in_w, math.max(1, kernel.in_c // 2) }
    return b:concat(half, half)
  end
  local x = b:input { kernel.in_h, kernel.in_w, kernel.in_c }
  local options = {}
  if kernel.kh > 0 then
    options.kernel, options.stride = { kernel.kh, kernel.kw }, unpair(kernel.stride)
    options.dilation = dilation and unpair(dilation)
  elseif kernel.stride ~= "1" then
    options.ratio = unpair(kernel.stride)
  end
  if op == "conv" or op == "transposedconv" then
    options.filters, options.groups = kernel.out_c, kernel.groups > 1 and kernel.groups or nil
  elseif op == "matmul" then
    options.units = kernel.out_c
  end
  return b:node(op, joins and { x, x } or { x }, options)
end

--- A network of a single kernel, to be measured; convolutions are padded to "same". A concat is one of
-- its half with itself.
-- @tparam table kernel
-- @treturn Graph, or nil and a message
function kernels.network(kernel)
  local b = core.builder("kernel", "kernel")
  local good, why = pcall(function() b:output(add_node(b, kernel)) end)
  if not good then
    local reason = tostring(why):match "[^\n]*":gsub("^.-%.lua:%d+: ", "")
    return nil, ("%s: %s"):format(kernels.key(kernel), reason)
  end
  return b:build()
end

--- Kernels as CSV, with what was measured of them.
-- @tparam {kernel,...} list
-- @treturn string
function kernels.csv(list)
  local lines = { table.concat(kernels.COLUMNS, ",") }
  for _, kernel in ipairs(list) do
    local fields = {}
    for i, column in ipairs(kernels.COLUMNS) do
      fields[i] = kernel[column] == nil and "" or tostring(kernel[column])
    end
    lines[#lines + 1] = table.concat(fields, ",")
  end
  return table.concat(lines, "\n") .. "\n"
end

return kernels
