--- The outline of a generated source: which statements stand by themselves, which are uses of a block,
-- what everything is called, and which numbers of a block are its parameters.
--
--    outline = {
--      blocks = { { name, uses = {use, ...}, statements, locals = {name, ...}, parameters = {name, ...},
--                   argument = { [statement] = { [argument] = parameter } } }, ... },
--      items = { item, ... },   in order
--    }
--    item = { name, operands, result, statement = ... }
--        or { name, operands, result, uses = {use, ...} }   one block after another
--    use  = { block, first, values = {number, ...} }
--
-- @module autogo.formats.outline

local python = require "autogo.formats.python"
local repeats = require "autogo.formats.repeats"

local outline = {}

-- --- names --------------------------------------------------------------------------------------

local SHORT = {
  batchnorm = "bn", matmul = "fc", transposedconv = "deconv", depthtospacend = "shuffle",
  spacetodepthnd = "unshuffle", channelshuffle = "shuffle", paddings = "pad",
}

local function short(op) return SHORT[op] or op end

-- "/layer1/layer1.0/conv1/Conv" as { "layer1", "0", "conv1" }: what repeats the part before goes, and
-- so does the type that exporters put at the end.
local function components(name)
  local parts = {}
  for part in name:gmatch "[^/]+" do
    local before = parts[#parts]
    if before and part:sub(1, #before + 1) == before .. "." then
      parts[#parts] = part
    else
      parts[#parts + 1] = part
    end
  end
  if #parts > 1 and parts[#parts]:find "^%u" then parts[#parts] = nil end
  local fine = {}
  for part in table.concat(parts, "."):gmatch "[^.]+" do fine[#fine + 1] = part end
  return fine
end

--- The name of a node as an identifier: its own, or made of op and position.
function outline.node_name(node)
  local own = node.name and python.identifier(table.concat(components(node.name), "_")) or ""
  return own ~= "" and own or ("%s_%d"):format(short(node.op), node.position)
end

-- What the names of some nodes begin with in common, as components.
local function common_prefix(nodes)
  local prefix
  for _, node in ipairs(nodes) do
    local parts = components(node.name or "")
    local length = prefix and 0 or math.max(0, #parts - 1)
    while prefix and length < #prefix and prefix[length + 1] == parts[length + 1] do
      length = length + 1
    end
    prefix = table.move(prefix or parts, 1, length, 1, {})
  end
  return prefix or {}
end

local function prefix_name(nodes)
  return python.identifier(table.concat(common_prefix(nodes), "_"))
end

-- Names inside a block: the nodes' own behind what they have in common, where all uses agree on
-- them, else made of ops.
local function local_names(block)
  local own, seen = {}, {}
  for u, use in ipairs(block.uses) do
    local nodes = {}
    for k = 1, block.length do nodes[k] = block.all[use.first + k - 1].node end
    local prefix = #common_prefix(nodes)
    for k, node in ipairs(nodes) do
      local parts = components(node.name or "")
      local name = python.identifier(table.concat(parts, "_", math.min(prefix, #parts) + 1))
      if name == "" or u > 1 and own[k] ~= name or u == 1 and seen[name] then own.fail = true end
      own[k], seen[name] = name, true
    end
  end
  if not own.fail then return own end
  local counts, names = {}, {}
  for k, statement in ipairs(block.statements) do
    local op = short(statement.node.op)
    counts[op] = (counts[op] or 0) + 1
    names[k] = op .. counts[op]
  end
  return names
end

local function has(block, ...)
  for _, statement in ipairs(block.statements) do
    for _, op in ipairs { ... } do
      if statement.node.op == op then return true end
    end
  end
  return false
end

-- A class name that says what the block is.
local function class_name(block)
  if block.length <= 4 and not has(block, "add", "mul", "concat") then
    local parts = {}
    for k, statement in ipairs(block.statements) do parts[k] = python.camel(short(statement.node.op)) end
    return table.concat(parts)
  elseif has(block, "concat") then
    return "ConcatBlock"
  elseif has(block, "add") then
    return has(block, "depthwise") and "InvertedResidual" or "ResidualBlock"
  elseif has(block, "mul") and has(block, "mean") then
    return has(block, "depthwise") and "SqueezeExciteBlock" or "SqueezeExcite"
  elseif has(block, "depthwise") then
    return "DepthwiseBlock"
  end
  return "Block"
end

-- --- parameters ---------------------------------------------------------------------------------

local function vector_of(block, read)
  local values = {}
  for u, use in ipairs(block.uses) do values[u] = python.literal(read(use)) end
  return values
end

local function all_equal(values)
  for _, value in ipairs(values) do
    if value ~= values[1] then return false end
  end
  return true
end

local function parameter_name(block, slot, key)
  if key == block.input_key then return key == block.output_key and "channels" or "in_channels" end
  if key == block.output_key then return "out_channels" end
  return slot == "stride" and "stride" or "width"
end

-- The numbers that differ between the uses, one parameter for each set of numbers that go together.
local function find_parameters(block)
  local scope, by_key = python.scope(), {}
  block.parameters, block.argument = {}, {}
  local function channels(k, what)
    return table.concat(vector_of(block, function(use) return block.all[use.first + k][what] end), ";")
  end
  block.input_key = channels(0, "c_in")
  block.output_key = channels(block.length - 1, "c_out")
  for k in ipairs(block.statements) do
    block.argument[k] = {}
    for a, argument in ipairs(block.statements[k].arguments or {}) do
      local values = vector_of(block, function(use)
        return block.all[use.first + k - 1].arguments[a][2]
      end)
      local key = table.concat(values, ";")
      if not all_equal(values) then
        local parameter = by_key[key]
        if not parameter then
          parameter = scope(parameter_name(block, argument.slot, key)):gsub("_(%d+)$", "%1")
          by_key[key] = parameter
          block.parameters[#block.parameters + 1] = parameter
          for u, use in ipairs(block.uses) do use.values[#use.values + 1] = values[u] end
        end
        block.argument[k][a] = parameter
      end
    end
  end
end

-- --- items --------------------------------------------------------------------------------------

local function entering(block, use)
  local inside = {}
  for k = 0, block.length - 1 do inside[block.all[use.first + k].position] = true end
  for k = 0, block.length - 1 do
    for _, operand in ipairs(block.all[use.first + k].operands) do
      if not inside[operand] then return operand end
    end
  end
end

local function leaving(block, use, last)
  local final = use.first + block.length - 1
  for k = 0, block.length - 1 do
    local position = block.all[use.first + k].position
    if (last[position] or 0) > final then return position end
  end
end

local function make_blocks(statements, results, last)
  local blocks, starts, scope = {}, {}, python.scope { Model = true }
  for b, found in ipairs(repeats.find(statements, results)) do
    local block = { length = found.length, all = statements, uses = {} }
    block.statements = table.move(statements, found.starts[1], found.starts[1] + found.length - 1, 1, {})
    for u, start in ipairs(found.starts) do
      local use = { block = block, first = start, values = {} }
      use.operand, use.result = entering(block, use), leaving(block, use, last)
      block.uses[u], starts[start] = use, use
    end
    block.name = scope(class_name(block)):gsub("_(%d+)$", "%1")
    block.locals = local_names(block)
    find_parameters(block)
    blocks[b] = block
  end
  return blocks, starts
end

local function shape_of(statement)
  return ("%dx%dx%d"):format(statement.node.h_out, statement.node.w_out, statement.c_out)
end

-- Nodes of a list of uses, for their names.
local function nodes_of(uses)
  local nodes = {}
  for _, use in ipairs(uses) do
    for k = 0, use.block.length - 1 do nodes[#nodes + 1] = use.block.all[use.first + k].node end
  end
  return nodes
end

-- A block that reads the one before, alone, and gives as large a tensor goes on with its stage.
local function add_use(items, use, index, last)
  local previous, statements = items[#items], use.block.all
  local follows = previous and previous.uses and previous.result == use.operand
    and last[previous.result] < use.first + use.block.length
    and shape_of(statements[index[previous.result]]) == shape_of(statements[index[use.result]])
  if follows then
    table.insert(previous.uses, use)
    previous.result = use.result
  else
    items[#items + 1] = { operands = { use.operand }, result = use.result, uses = { use } }
  end
end

-- Blocks bear the part that their nodes' names have in common, or are numbered.
local function name_items(items, scope)
  local blocks = 0
  for _, item in ipairs(items) do
    if item.statement then
      item.name = scope(outline.node_name(item.statement.node))
    else
      blocks = blocks + 1
      local name = prefix_name(nodes_of(item.uses))
      if name == "" then name = (#item.uses > 1 and "stage" or "block") .. blocks end
      item.name = scope(name)
    end
  end
end

--- Outline a network.
-- @tparam {statement,...} statements { position, node, operands, key, c_in, c_out, arguments, ... }
-- @tparam {position,...} results positions that leave the network
-- @tparam function scope gives names that are new
-- @treturn table
function outline.make(statements, results, scope)
  local last = repeats.last_uses(statements, results)
  local blocks, starts = make_blocks(statements, results, last)
  local items, index, i = {}, {}, 1
  for at, statement in ipairs(statements) do index[statement.position] = at end
  while i <= #statements do
    local use, statement = starts[i], statements[i]
    if use then
      add_use(items, use, index, last)
      i = i + use.block.length
    else
      items[#items + 1] = {
        operands = statement.operands, result = statement.position, statement = statement,
      }
      i = i + 1
    end
  end
  name_items(items, scope)
  return { blocks = blocks, items = items }
end

--- Variables for the results of a list of items. A result that only the next item reads is the running
-- variable; one that lives longer bears the item's name.
-- @tparam {item,...} items
-- @tparam table inputs { [position] = variable }
-- @tparam {position,...} results
-- @treturn table variable by position
function outline.variables(items, inputs, results)
  local last, variables = {}, {}
  for i, item in ipairs(items) do
    for _, operand in ipairs(item.operands) do last[operand] = i end
  end
  for _, position in ipairs(results) do last[position] = #items + 1 end
  local running = "x"
  for position, variable in pairs(inputs) do
    variables[position] = variable
    if (last[position] or 0) > 1 and variable == "x" then running = "y" end
  end
  for i, item in ipairs(items) do
    local passing = (last[item.result] or 0) <= i + 1
    variables[item.result] = passing and running or item.name
  end
  return variables
end

return outline
