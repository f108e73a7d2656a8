--- Nodes of ONNX files that are no CG ops, in Keras 3.
--
-- Files have images as N, C, H, W, Keras as N, H, W, C; tensors of other ranks are the same in both. So
-- dimensions of images are counted anew, and what reshapes goes by way of the file's order.
--
-- A handler gets a table `o` of the node: `type`, `attributes`, `opset`, `args` = an expression per input of
-- the ONNX node (nil where it has none), `constants`, `shape` of its result and `from` = shapes of its
-- operands, both in the file's order. It returns an expression, or nil and a reason; or a statement.
-- Source: github.com/onnx/onnx, docs/Operators.md; keras.io/api, version 3.
-- @module autogo.formats.keras_opaque

local operands = require "autogo.formats.operands"
local python = require "autogo.formats.python"

local opaque = {}

-- --- dimensions ---------------------------------------------------------------------------------

-- The file's dimension d (from 0) of a tensor of that rank, in Keras.
local IMAGE = { [0] = 0, 3, 1, 2 }
local function place(rank, d) return rank == 4 and IMAGE[d] or d end

-- A list by dimensions of the file as one by those of Keras.
local function placed(list)
  local out = {}
  for d = 0, #list - 1 do out[place(#list, d) + 1] = list[d + 1] end
  return out
end

local function in_file_order(text, rank)
  return rank == 4 and ("ops.transpose(%s, (0, 3, 1, 2))"):format(text) or text
end

local function from_file_order(text, rank)
  return rank == 4 and ("ops.transpose(%s, (0, 2, 3, 1))"):format(text) or text
end

local rank, axis, integers = operands.rank, operands.axis, operands.integers

-- --- handlers -----------------------------------------------------------------------------------

local ops = {}

for name, format in pairs {
  Abs = "ops.abs(@)", Neg = "-@", Sqrt = "ops.sqrt(@)", Exp = "ops.exp(@)", Log = "ops.log(@)",
  Floor = "ops.floor(@)", Ceil = "ops.ceil(@)", Round = "ops.round(@)", Erf = "ops.erf(@)",
  Sin = "ops.sin(@)", Cos = "ops.cos(@)", Sign = "ops.sign(@)", Reciprocal = "1 / @",
  Softplus = "ops.softplus(@)", Softsign = "ops.softsign(@)", Selu = "ops.selu(@)",
  Mish = 'layers.Activation("mish")(@)',
} do
  ops[name] = function(o) return (format:gsub("@", o.args[1])) end
end

for name, format in pairs {
  Add = "%s + %s", Sum = "%s + %s", Sub = "%s - %s", Mul = "%s * %s", Div = "%s / %s", Pow = "%s ** %s",
  Max = "ops.maximum(%s, %s)", Min = "ops.minimum(%s, %s)",
} do
  ops[name] = function(o)
    if #o.args ~= 2 then return nil, "it has more than two operands" end
    return format:format(o.args[1], o.args[2])
  end
end

function ops.Elu(o)
  return ("ops.elu(%s, %s)"):format(o.args[1], python.literal(o.attributes.alpha or 1.0))
end

function ops.Clip(o)
  local bounds = {}
  for k, name in ipairs { "min", "max" } do
    local constant = o.constants[k + 1]
    bounds[k] = o.attributes[name] or constant and constant.values and constant.values[1]
    if o.args[k + 1] and not bounds[k] then return nil, "its bounds are not constant" end
  end
  return ("ops.clip(%s, %s, %s)"):format(o.args[1], python.literal(bounds[1] or -math.huge),
    python.literal(bounds[2] or math.huge))
end

function ops.Transpose(o)
  local n, perm, order = rank(o), o.attributes.perm, {}
  for d = 0, n - 1 do order[place(n, d) + 1] = place(n, perm and perm[d + 1] or n - 1 - d) end
  return ("ops.transpose(%s, %s)"):format(o.args[1], python.literal(order))
end

local function reshape(o)
  local sizes = table.move(o.shape, 1, #o.shape, 1, {})
  if o.from[1][1] == sizes[1] then sizes[1] = -1 end
  local text = ("ops.reshape(%s, %s)"):format(in_file_order(o.args[1], rank(o)), python.literal(sizes))
  return from_file_order(text, #sizes)
end
ops.Reshape, ops.Flatten, ops.Squeeze, ops.Unsqueeze = reshape, reshape, reshape, reshape

function ops.Concat(o)
  local along = place(rank(o), axis(o, o.attributes.axis or 1))
  return ("layers.Concatenate(axis=%d)([%s])"):format(along, table.concat(o.args, ", "))
end

function ops.Split(o)
  local along, sizes, bounds, at = axis(o, o.attributes.axis or 0), integers(o, "split", 2), {}, 0
  if not sizes then return nil, "its parts are not constant" end
  for k = 1, #sizes - 1 do
    at = at + sizes[k]
    bounds[k] = at
  end
  return ("ops.split(%s, [%s], axis=%d)[%d]"):format(o.args[1], table.concat(bounds, ", "),
    place(rank(o), along), o.output - 1)
end

function ops.Slice(o)
  local starts, ends = integers(o, "starts", 2), integers(o, "ends", 3)
  local along, steps, index = integers(o, "axes", 4), integers(o, "steps", 5) or {}, {}
  if not starts or not ends then return nil, "its bounds are not constant" end
  for d = 1, rank(o) do index[d] = ":" end
  for i, start in ipairs(starts) do
    local step = steps[i] or 1
    if step < 1 then return nil, "it runs backwards" end
    index[axis(o, along and along[i] or i - 1) + 1] = (start ~= 0 and start or "") .. ":"
      .. (ends[i] < 1 << 30 and ends[i] or "") .. (step > 1 and ":" .. step or "")
  end
  return ("%s[%s]"):format(o.args[1], table.concat(placed(index), ", "))
end

-- Dimensions that go: the others must stand in the file's order, unless they do in either.
local function reduced(name)
  return function(o)
    local n, list, keep = rank(o), integers(o, "axes", 2), o.attributes.keepdims ~= 0
    if not list then return nil, "its axes are not constant" end
    local gone, text, out = {}, o.args[1], {}
    for _, d in ipairs(list) do gone[axis(o, d)] = true end
    local apart = n == 4 and not keep and not gone[1] and not (gone[2] and gone[3])
    for d = 0, n - 1 do
      if gone[d] then out[#out + 1] = apart and d or place(n, d) end
    end
    table.sort(out)
    if apart then text = in_file_order(text, n) end
    return ("ops.%s(%s, axis=%s%s)"):format(name, text, python.literal(out), keep and ", keepdims=True" or "")
  end
end
ops.ReduceMean, ops.ReduceSum, ops.ReduceMax, ops.ReduceMin =
  reduced "mean", reduced "sum", reduced "max", reduced "min"

function ops.Softmax(o)
  if o.opset < 13 then return nil, "its version runs over several dimensions" end
  return ("layers.Softmax(axis=%d)(%s)"):format(place(rank(o), axis(o, o.attributes.axis or -1)), o.args[1])
end

function ops.Pad(o)
  local pads, mode, n = operands.pads(o), o.attributes.mode or "constant", rank(o)
  local constant, sides = o.constants[3], {}
  local value = o.attributes.value or constant and constant.values and constant.values[1] or 0
  if not pads or #pads ~= 2 * n then return nil, "its pads are not constant" end
  if mode ~= "constant" and mode ~= "reflect" then return nil, ("it pads by '%s'"):format(mode) end
  for d = 1, n do sides[d] = { pads[d], pads[n + d] } end
  local tail = mode == "reflect" and ', mode="reflect"'
    or value ~= 0 and ", constant_values=" .. python.literal(value) or ""
  return ("ops.pad(%s, %s%s)"):format(o.args[1], python.literal(placed(sides)), tail)
end

-- Its weights are new, like those of all layers; only whether it has them is kept.
function ops.LayerNormalization(o)
  local n, along, scale = rank(o), {}, o.constants[2]
  for d = axis(o, o.attributes.axis or -1), n - 1 do along[#along + 1] = place(n, d) end
  table.sort(along)
  local plain = scale and scale.values ~= nil
  for _, value in ipairs(plain and scale.values or {}) do plain = plain and value == 1 end
  return {
    module = "layers.LayerNormalization", expression = ("$m(%s)"):format(o.args[1]),
    arguments = {
      { "axis", #along == 1 and along[1] or along }, { "epsilon", o.attributes.epsilon or 1e-5 },
      { "center", o.constants[3] ~= nil, default = true }, { "scale", not plain, default = true },
    },
  }
end

-- --- operands -----------------------------------------------------------------------------------

-- A number, or numbers along one dimension of a result of that rank; nil if it is more than that.
local function constant_text(constant, n)
  local count, along = 1, n - 1
  for k, size in ipairs(constant.dims) do
    if size > 1 and count > 1 then return nil end
    if size > 1 then count, along = size, n - #constant.dims + k - 1 end
  end
  if not constant.values or along < 0 then return nil end
  if count == 1 then return python.literal(constant.values[1]) end
  local text = ("ops.convert_to_tensor(%s)"):format(python.literal(constant.values))
  local at, sizes = place(n, along), {}
  if at == n - 1 then return text end
  for d = 1, n do sizes[d] = d == at + 1 and count or 1 end
  return ("ops.reshape(%s, %s)"):format(text, python.literal(sizes))
end

-- Expressions by input; settings, which are constants that no expression is made of, stay out.
local function arguments(context, node, source)
  local args, next_operand = {}, 0
  for k, given in ipairs(source.inputs) do
    local constant = source.constants[k]
    if constant then
      args[k] = constant_text(constant, #source.shape) or false
    elseif given then
      next_operand = next_operand + 1
      local shape, operand = source.operand_shapes[next_operand], node.operands[next_operand]
      if not operand or not shape or #shape ~= #context.forms[operand] then
        return nil, "its operand has another shape than in the file"
      end
      args[k] = "$" .. next_operand
    end
  end
  return args
end

local ELEMENT_WISE = {}
for name in ("Add Sum Sub Mul Div Pow Max Min"):gmatch "%w+" do ELEMENT_WISE[name] = true end

--- The statement of an opaque node; or nil and a message.
function opaque.statement(context, node)
  local source = context.sources[node.position]
  local handler = source and source.type and source.domain:gsub("^ai%.onnx$", "") == "" and ops[source.type]
  if not handler then
    return nil, ("Keras source has no form of %s; a handler in autogo.formats.keras_opaque adds it")
      :format(source and source.type or node.source_op or node.op)
  end
  local args, why = arguments(context, node, source)
  if not args then return nil, ("%s: %s"):format(source.type, why) end
  for k = 1, #source.inputs do
    if args[k] == false and ELEMENT_WISE[source.type] then
      return nil, ("%s: its constant is not one number, or one per channel"):format(source.type)
    end
  end
  local statement
  statement, why = handler {
    type = source.type, attributes = source.attributes, args = args, constants = source.constants,
    shape = source.shape, from = source.operand_shapes, output = source.output, opset = source.opset,
  }
  if not statement then return nil, ("%s: %s"):format(source.type, why) end
  return type(statement) == "string" and { expression = statement } or statement
end

return opaque
