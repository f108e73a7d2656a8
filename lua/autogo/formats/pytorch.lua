--- A network as PyTorch source: one file with a class Model, and its weights beside it.
--
--    autogo convert resnet50.onnx resnet50.py     writes resnet50.py and resnet50.safetensors
--    >>> from resnet50 import Model
--    >>> model = Model.load()
--
-- Nodes with weights become modules that bear the nodes' names; the others are statements of `forward`.
-- What the network repeats becomes a class of its own (autogo.formats.outline).
-- @module autogo.formats.pytorch

local core = require "autogo.core"
local helpers = require "autogo.formats.pytorch_helpers"
local layers = require "autogo.formats.pytorch_layers"
local opaque = require "autogo.formats.pytorch_opaque"
local outline = require "autogo.formats.outline"
local python = require "autogo.formats.python"
local statements = require "autogo.formats.statements"

local pytorch = {}

-- Attributes that nn.Module has already.
local TAKEN = {}
for name in ([[add_module apply bfloat16 buffers children compile cpu cuda double dump_patches eval
  extra_repr float forward get_buffer get_parameter get_submodule half ipu load load_state_dict modules
  named_buffers named_children named_modules named_parameters parameters register_buffer register_module
  register_parameter requires_grad_ share_memory state_dict to to_empty train training type xpu zero_grad
  Model INPUTS WEIGHTS Path read_safetensors]]):gmatch "%S+" do
  TAKEN[name] = true
end
for name in pairs(helpers) do TAKEN[name] = true end

-- --- text ---------------------------------------------------------------------------------------

-- nn.Conv2d(64, 128, 3, ...) with parameters in the place of some arguments.
local function constructor(statement, parameters)
  local texts = {}
  for a, argument in ipairs(statement.arguments) do
    local parameter = parameters and parameters[a]
    if parameter or argument[2] ~= argument.default or argument.default == nil then
      texts[#texts + 1] = (argument[1] and argument[1] .. "=" or "")
        .. (parameter or python.literal(argument[2]))
    end
  end
  return python.call(statement.module, texts)
end

local function buffer_line(name, constant)
  local shape, dtype = python.literal(constant.dims), opaque.DTYPES[constant.dtype] or "torch.float32"
  if constant.values then
    return ('self.register_buffer("%s", torch.tensor(%s, dtype=%s).reshape(%s), persistent=False)'):format(
      name, "[" .. python.literal(constant.values):sub(2, -2) .. "]", dtype, shape)
  end
  return ('self.register_buffer("%s", torch.zeros(%s, dtype=%s))'):format(name, shape, dtype)
end

-- Lines of __init__ for one statement, and where its weights and constants are to be found.
local function members(statement, name, parameters, lines)
  if statement.module then
    lines[#lines + 1] = ("self.%s = %s"):format(name, constructor(statement, parameters))
  end
  for b, constant in ipairs(statement.buffers or {}) do
    lines[#lines + 1] = buffer_line(("%s_%d"):format(name, b), constant)
  end
end

local function expression(statement, name, variables)
  return (statement.expression:gsub("%$(%w)(%d*)", function(kind, number)
    if kind == "m" then return "self." .. name end
    if kind == "b" then return ("self.%s_%s"):format(name, number) end
    return variables[statement.operands[tonumber(kind .. number)]]
  end))
end

local function method(lines, signature, body)
  lines[#lines + 1] = ""
  lines[#lines + 1] = "    def " .. signature .. ":"
  for _, line in ipairs(body) do lines[#lines + 1] = python.wrap("        " .. line) end
end

-- The last assignment to what is returned becomes the return itself.
local function finish(body, result)
  local last = body[#body]
  if last and last:sub(1, #result + 3) == result .. " = " then
    body[#body] = "return " .. last:sub(#result + 4)
  else
    body[#body + 1] = "return " .. result
  end
end

-- "conv, bn, relu, ..." of a block.
local function ops_of(block)
  local ops = {}
  for k, statement in ipairs(block.statements) do ops[k] = statement.node.op end
  if #ops > 10 then ops = { table.concat(ops, ", ", 1, 9), "..." } end
  local text = table.concat(ops, ", ")
  return text:sub(1, 1):upper() .. text:sub(2)
end

local function block_class(block, lines)
  local use, items, init = block.uses[1], {}, { "super().__init__()" }
  for k, statement in ipairs(block.statements) do
    items[k] = { name = block.locals[k], operands = statement.operands, result = statement.position }
    members(statement, block.locals[k], block.argument[k], init)
  end
  local variables = outline.variables(items, { [use.operand] = "x" }, { use.result })
  local body = {}
  for k, statement in ipairs(block.statements) do
    body[k] = ("%s = %s"):format(variables[statement.position],
      expression(statement, block.locals[k], variables))
  end
  finish(body, variables[use.result])
  lines[#lines + 1] = ("class %s(nn.Module):"):format(block.name)
  lines[#lines + 1] = ('    """%s; used %d times."""'):format(ops_of(block), #block.uses)
  if #init > 1 then
    method(lines, ("__init__(%s)"):format(table.concat({ "self", table.unpack(block.parameters) }, ", ")),
      init)
  end
  method(lines, "forward(self, x)", body)
  lines[#lines + 1] = ""
  lines[#lines + 1] = ""
end

local function use_text(use)
  return python.call(use.block.name, use.values)
end

-- nn.Sequential over several uses; equal ones in a row as a loop.
local function sequential(item, lines)
  lines[#lines + 1] = ("self.%s = nn.Sequential("):format(item.name)
  local i = 1
  while i <= #item.uses do
    local text, count = use_text(item.uses[i]), 1
    while item.uses[i + count] and use_text(item.uses[i + count]) == text do count = count + 1 end
    if count > 2 then
      lines[#lines + 1] = ("    *[%s for _ in range(%d)],"):format(text, count)
    else
      for _ = 1, count do lines[#lines + 1] = "    " .. text .. "," end
    end
    i = i + count
  end
  lines[#lines + 1] = ")"
end

local function forward_arguments(context, scope)
  local names, inputs = {}, {}
  for k, node in ipairs(context.inputs) do
    names[k] = #context.inputs == 1 and "x" or scope(outline.node_name(node))
    inputs[node.position] = names[k]
  end
  return names, inputs
end

local function model_class(context, plan, names, inputs, lines, about)
  local init, body = { "super().__init__()" }, {}
  local variables = outline.variables(plan.items, inputs, context.results)
  for i, item in ipairs(plan.items) do
    local value
    if item.statement then
      members(item.statement, item.name, nil, init)
      value = expression(item.statement, item.name, variables)
    else
      if #item.uses > 1 then
        sequential(item, init)
      else
        init[#init + 1] = ("self.%s = %s"):format(item.name, use_text(item.uses[1]))
      end
      value = ("self.%s(%s)"):format(item.name, variables[item.operands[1]])
    end
    body[i] = ("%s = %s"):format(variables[item.result], value)
  end
  local results = {}
  for k, node in ipairs(context.outputs) do
    local from = context.results[k]
    results[k] = variables[from] .. layers.reshape(context.forms[from], context.forms[node.position])
  end
  finish(body, table.concat(results, ", "))
  lines[#lines + 1] = "class Model(nn.Module):"
  lines[#lines + 1] = ('    """%s"""'):format(about)
  if #init > 1 then method(lines, "__init__(self)", init) end
  method(lines, ("forward(self, %s)"):format(table.concat(names, ", ")), body)
end

local LOAD = [[

    @classmethod
    def load(cls, path=WEIGHTS):
        """The network with the weights of a safetensors file."""
        model = cls()
        missing, unexpected = model.load_state_dict(read_safetensors(path), strict=False)
        missing = [name for name in missing if not name.endswith(".num_batches_tracked")]
        if missing or unexpected:
            raise ValueError(f"{path}: missing {missing}, unexpected {unexpected}")
        return model
]]

local MAIN = [[


if __name__ == "__main__":
    model = Model.load() if WEIGHTS.exists() else Model()
    model.eval()
    with torch.no_grad():
        outputs = model(*[torch.rand(shape) for shape in INPUTS])
    for output in outputs if isinstance(outputs, tuple) else [outputs]:
        print("output", tuple(output.shape))
    print("parameters", sum(weight.numel() for weight in model.parameters()))
]]

local function preamble(graph, context, lines)
  local shapes = {}
  for k, node in ipairs(context.inputs) do
    local form = table.move(context.forms[node.position], 1, #context.forms[node.position], 1, {})
    if form[1] == -1 then form[1] = 1 end
    shapes[k] = python.literal(form)
  end
  local text = ([["""%s

Written by AutoGO %s. Needs PyTorch 1.13 or newer; the weights are in the safetensors file beside it:
Model.load() is the network with them, Model() with new ones.
"""
import json
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

INPUTS = [%s]
WEIGHTS = Path(__file__).with_suffix(".safetensors")

]]):format(python.title(graph), core.version, table.concat(shapes, ", "))
  lines[#lines + 1] = text
end

local function write_helpers(context, lines)
  local used = { read_safetensors = true }
  for _, statement in ipairs(context.statements) do
    if statement.helper then used[statement.helper] = true end
  end
  local names = {}
  for name in pairs(used) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do lines[#lines + 1] = helpers[name] .. "\n" end
end

-- --- weights ------------------------------------------------------------------------------------

-- Where the weights and constants of each node are in the state of the module.
local function state_names(plan)
  local names, constants = {}, {}
  local function add(statement, path)
    if statement.module then names[statement.position] = path end
    for b, constant in ipairs(statement.buffers or {}) do
      if not constant.values then
        constants[#constants + 1] = {
          node = statement.position, index = constant.index, name = ("%s_%d"):format(path, b),
        }
      end
    end
  end
  for _, item in ipairs(plan.items) do
    if item.statement then add(item.statement, item.name) end
    for u, use in ipairs(item.uses or {}) do
      local path = #item.uses > 1 and ("%s.%d"):format(item.name, u - 1) or item.name
      for k = 1, use.block.length do
        add(use.block.all[use.first + k - 1], path .. "." .. use.block.locals[k])
      end
    end
  end
  return names, constants
end

-- --- files --------------------------------------------------------------------------------------

--- The source of a network.
-- @tparam Graph graph
-- @treturn string, { [position] = module }, { constant, ... }; or nil and a message
function pytorch.source(graph)
  local context, why = statements.read(graph, layers)
  if not context then return nil, why end
  local scope = python.scope(TAKEN)
  local names, inputs = forward_arguments(context, scope)
  local plan = outline.make(context.statements, context.results, scope)
  local lines = {}
  preamble(graph, context, lines)
  write_helpers(context, lines)
  for _, block in ipairs(plan.blocks) do block_class(block, lines) end
  model_class(context, plan, names, inputs, lines, python.title(graph))
  return table.concat(lines, "\n") .. "\n" .. LOAD .. MAIN, state_names(plan)
end

--- Write PATH.py, and PATH.safetensors unless `options.weights` is false.
-- @tparam Graph graph
-- @tparam string path
-- @tparam table options `seed` of new weights, `weights`
-- @treturn true, or nil and a message
function pytorch.save(graph, path, options)
  local text, names, constants = pytorch.source(graph)
  if not text then return nil, ("%s: %s"):format(path, names) end
  if options.weights ~= false then
    local good, why = graph:save_weights(path:gsub("%.%w+$", "") .. ".safetensors", names, constants,
      options.seed or 1)
    if not good then return nil, why end
  elseif #constants > 0 then
    return nil, path .. ": its constants can only be written with the weights; leave out --no-weights"
  end
  return core.write_file(path, text)
end

return pytorch
