--- A network as Keras 3 source: one file with a function build(), in the functional API.
--
--    autogo convert resnet50.onnx resnet50.keras.py
--
-- Layers with weights bear the nodes' names. What the network repeats becomes a function.
-- @module autogo.formats.keras_source

local core = require "autogo.core"
local layers = require "autogo.formats.keras_source_layers"
local outline = require "autogo.formats.outline"
local python = require "autogo.formats.python"
local statements = require "autogo.formats.statements"

local keras = {}

local TAKEN = { build = true, layers = true, ops = true, keras = true, inputs = true, name = true }
for name in pairs(layers.helpers) do TAKEN[name] = true end

-- --- text ---------------------------------------------------------------------------------------

-- "None" stands for itself; other texts are quoted.
local function argument_text(value)
  return value == "None" and value or python.literal(value)
end

local function constructor(statement, parameters, name)
  local texts = {}
  for a, argument in ipairs(statement.arguments) do
    local parameter = parameters and parameters[a]
    if parameter or argument[2] ~= argument.default or argument.default == nil then
      texts[#texts + 1] = (argument[1] and argument[1] .. "=" or "")
        .. (parameter or argument_text(argument[2]))
    end
  end
  texts[#texts + 1] = "name=" .. name
  return python.call(statement.module, texts)
end

local function add(lines, line) lines[#lines + 1] = python.wrap("    " .. line) end

-- In a text, $m is the layer, $v the variable that the result goes to, $1 the first operand's.
local function assign(lines, statement, name, parameters, variables)
  local variable = variables[statement.position]
  local texts = { statement.expression }
  if statement.before then table.insert(texts, 1, statement.before) end
  for _, text in ipairs(texts) do
    add(lines, ("%s = %s"):format(variable, text:gsub("%$(%w)(%d*)", function(kind, number)
      if kind == "m" then return constructor(statement, parameters, name) end
      if kind == "v" then return variable end
      return variables[statement.operands[tonumber(kind .. number)]]
    end)))
  end
end

local function function_name(block)
  return (block.name:gsub("(%l)(%u)", "%1_%2"):lower())
end

local function block_function(block, lines)
  local use, items = block.uses[1], {}
  for k, statement in ipairs(block.statements) do
    items[k] = { name = block.locals[k], operands = statement.operands, result = statement.position }
  end
  local variables = outline.variables(items, { [use.operand] = "x" }, { use.result })
  local parameters = table.concat({ "x", table.unpack(block.parameters) }, ", ")
  lines[#lines + 1] = ("def %s(%s, name):"):format(function_name(block), parameters)
  for k, statement in ipairs(block.statements) do
    local name = ('f"{name}_%s"'):format(block.locals[k])
    assign(lines, statement, name, block.argument[k], variables)
  end
  local last = block.statements[block.length].position == use.result
  if last then -- the last line need not be a variable's
    lines[#lines] = lines[#lines]:gsub("^    [%w_]+ = ", "    return ") .. "\n\n"
  else
    lines[#lines + 1] = "    return " .. variables[use.result] .. "\n\n"
  end
end

local function call(use, operand, name)
  local texts = table.move(use.values, 1, #use.values, 2, { operand })
  texts[#texts + 1] = name
  return python.call(function_name(use.block), texts)
end

-- The uses of a block one after another; equal ones as a loop.
local function stage(item, variable, operand, lines)
  local i = 1
  while i <= #item.uses do
    local use, count = item.uses[i], 1
    local text = call(use, "", "")
    while item.uses[i + count] and call(item.uses[i + count], "", "") == text do count = count + 1 end
    if count > 2 then
      if operand ~= variable then add(lines, ("%s = %s"):format(variable, operand)) end
      add(lines, ("for k in range(%d, %d):"):format(i - 1, i - 1 + count))
      add(lines, ("    %s = %s"):format(variable, call(use, variable, ('f"%s_{k}"'):format(item.name))))
    else
      count = 1
      local name = #item.uses > 1 and item.name .. "_" .. i - 1 or item.name
      add(lines, ("%s = %s"):format(variable, call(use, operand, ('"%s"'):format(name))))
    end
    operand, i = variable, i + count
  end
end

local function build_function(context, plan, names, inputs, lines)
  lines[#lines + 1] = "def build():"
  for k, node in ipairs(context.inputs) do
    local form = context.forms[node.position]
    local shape = #form == 2 and { form[2] } or { node.h_out, node.w_out, node.c_out }
    local name = #names == 1 and "inputs" or names[k]
    add(lines, ("%s = keras.Input(%s)"):format(name, python.literal(shape)))
  end
  if #names == 1 then add(lines, "x = inputs") end
  local variables = outline.variables(plan.items, inputs, context.results)
  for _, item in ipairs(plan.items) do
    if item.statement then
      assign(lines, item.statement, ('"%s"'):format(item.name), nil, variables)
    else
      stage(item, variables[item.result], variables[item.operands[1]], lines)
    end
  end
  local results = {}
  for k, node in ipairs(context.outputs) do
    local from = context.results[k]
    results[k] = layers.reshape(variables[from], context.forms[from], context.forms[node.position])
      or variables[from]
  end
  local function listed(texts) return #texts == 1 and texts[1] or "[" .. table.concat(texts, ", ") .. "]" end
  local given = #names == 1 and "inputs" or listed(names)
  add(lines, ("return keras.Model(%s, %s)"):format(given, listed(results)))
end

local function helpers_of(context, lines)
  local used, names = {}, {}
  for _, statement in ipairs(context.statements) do
    if statement.helper and not used[statement.helper] then
      used[statement.helper] = true
      names[#names + 1] = statement.helper
    end
  end
  table.sort(names)
  for _, name in ipairs(names) do lines[#lines + 1] = layers.helpers[name] .. "\n" end
end

--- The source of a network.
-- @tparam Graph graph
-- @treturn string; or nil and a message
function keras.source(graph)
  local context, why = statements.read(graph, layers)
  if not context then return nil, why end
  local scope, names, inputs = python.scope(TAKEN), {}, {}
  for k, node in ipairs(context.inputs) do
    names[k] = #context.inputs == 1 and "x" or scope(outline.node_name(node))
    inputs[node.position] = names[k]
  end
  local plan = outline.make(context.statements, context.results, scope)
  local lines = {
    '"""' .. python.title(graph),
    ('\nWritten by AutoGO %s, for Keras 3.\n"""'):format(core.version),
    "import keras\nfrom keras import layers\n\n",
  }
  helpers_of(context, lines)
  for _, block in ipairs(plan.blocks) do block_function(block, lines) end
  build_function(context, plan, names, inputs, lines)
  lines[#lines + 1] = '\n\nif __name__ == "__main__":\n    build().summary()\n'
  local text = table.concat(lines, "\n")
  return (text:gsub("import layers\n", text:find("ops.", 1, true) and "import layers, ops\n" or "%0", 1))
end

--- Write a network as Keras source.
-- @treturn true, or nil and a message
function keras.save(graph, path)
  local text, why = keras.source(graph)
  if not text then return nil, ("%s: %s"):format(path, why) end
  return core.write_file(path, text)
end

return keras
