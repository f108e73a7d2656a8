--- The form of each tensor in frameworks where a vector is (N, C) or (N, C, 1, 1): the same choice as
-- the ONNX writer's, so that sources in other languages have outputs of the same shape.
--
-- A form is { n, d1, d2, ... } in the order N, C, H, W; n is -1 where the source left the batch open.
-- @module autogo.formats.forms

local forms = {}

local function four(node, n) return { n, node.c_out, node.h_out, node.w_out } end
local function two(node, n) return { n, node.h_out * node.w_out * node.c_out } end

--- Whether two forms are equal.
function forms.equal(a, b)
  return table.concat(a, "x") == table.concat(b, "x")
end

local JOINS = { add = true, mul = true }

-- Joined tensors all have one form: the operands' own if they agree, else the larger.
local function join(node, list)
  local first, vectors, equal = list[node.operands[1]], true, true
  for _, operand in ipairs(node.operands) do
    vectors = vectors and #list[operand] == 2
    equal = equal and forms.equal(list[operand], first)
  end
  if equal and JOINS[node.op] and not node.slice then return table.move(first, 1, #first, 1, {}) end
  return (vectors and two or four)(node, first[1])
end

local SAME = {}
for op in ([[output batchnorm relu relu6 sigmoid tanh swish gelu identity zero hardswish hardsigmoid
  leakyrelu prelu softmax]]):gmatch "%w+" do
  SAME[op] = true
end

local function form_of(node, list, source, batch)
  local first = node.operands[1] and list[node.operands[1]]
  local n = first and first[1] or batch
  if source then return table.move(source.shape, 1, #source.shape, 1, {}) end
  if SAME[node.op] then return table.move(first, 1, #first, 1, {}) end
  if node.op == "matmul" then
    return (node.h_in == 1 and node.w_in == 1 and two or four)(node, n)
  elseif node.op == "flatten" then
    return two(node, n)
  elseif node.op == "concat" or JOINS[node.op] then
    return join(node, list)
  end
  return four(node, n)
end

--- The forms of all tensors, by position, and the sources of the nodes that have one.
-- @tparam Graph graph
-- @treturn table, table
function forms.plan(graph)
  local list, sources, batch = {}, {}, graph.dynamic_batch and -1 or 1
  for i, node in graph:nodes() do
    local source = graph:source(i)
    sources[i] = source
    list[i] = form_of(node, list, source, batch)
  end
  return list, sources
end

return forms
