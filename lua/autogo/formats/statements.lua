--- What the writers of source share: a graph as a sequence of statements.
-- @module autogo.formats.statements

local forms = require "autogo.formats.forms"
local python = require "autogo.formats.python"

local statements = {}

-- Everything about a statement that a block's uses must have in common.
local function key_of(statement)
  local parts = { statement.before or "", statement.expression, statement.module or "" }
  for _, argument in ipairs(statement.arguments or {}) do
    parts[#parts + 1] = argument.slot or python.literal(argument[2])
  end
  for _, constant in ipairs(statement.buffers or {}) do
    parts[#parts + 1] = table.concat(constant.dims, "x") .. ":" .. constant.dtype
    parts[#parts + 1] = table.concat(constant.values or {}, ",")
  end
  return table.concat(parts, "|")
end

local function add_statement(context, node, layers)
  local statement, why = layers.statement(context, node)
  if not statement then
    return nil, ("%s: %s"):format(node.name or "#" .. node.position, why)
  end
  local operands = {}
  for k, operand in ipairs(node.operands) do operands[k] = context.same[operand] or operand end
  if statement.expression == "$1" then -- an identity is its operand
    context.same[node.position] = operands[1]
    return true
  end
  statement.position, statement.node, statement.operands = node.position, node, operands
  statement.c_in, statement.c_out = node.c_in, node.c_out
  statement.key = key_of(statement)
  context.statements[#context.statements + 1] = statement
  return true
end

--- The network as statements, in order; an identity is its operand.
-- @tparam Graph graph
-- @tparam table layers `layers.statement(context, node)` -> statement { expression, module, arguments,
-- buffers }; or nil and why the node cannot be said
-- @treturn table { nodes, forms, sources, statements, inputs, results }; or nil and a message
function statements.read(graph, layers)
  local context = { nodes = {}, statements = {}, inputs = {}, results = {}, outputs = {}, same = {} }
  context.forms, context.sources = forms.plan(graph)
  for i, node in graph:nodes() do
    context.nodes[i] = node
    local good, why = true, nil
    if node.op == "input" then
      table.insert(context.inputs, node)
    elseif node.op == "output" then
      table.insert(context.outputs, node)
      table.insert(context.results, context.same[node.operands[1]] or node.operands[1])
    else
      good, why = add_statement(context, node, layers)
    end
    if not good then return nil, why end
  end
  return context
end

return statements
