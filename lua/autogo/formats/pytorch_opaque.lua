--- Nodes of ONNX files that are no CG ops, in PyTorch.
--
-- A handler gets a table `o` of the node: `type`, `attributes`, `opset`, `args` = an expression per
-- input of the ONNX node (nil where it has none), `constants`, `shape` of its result, `from` = shapes of
-- its operands. It returns an expression, or nil and a reason.
-- Source: github.com/onnx/onnx, docs/Operators.md, versions 1 to 22.
-- @module autogo.formats.pytorch_opaque

local images = require "autogo.formats.pytorch_images"
local operands = require "autogo.formats.operands"
local python = require "autogo.formats.python"

local opaque = {}

local DTYPES = {
  [1] = "torch.float32", [2] = "torch.uint8", [3] = "torch.int8", [6] = "torch.int32",
  [7] = "torch.int64", [9] = "torch.bool", [10] = "torch.float16", [11] = "torch.float64",
}
opaque.DTYPES = DTYPES

-- --- handlers -----------------------------------------------------------------------------------

local ops = setmetatable({}, { __index = images.ops })
local integers, rank, axis, axes = operands.integers, operands.rank, operands.axis, operands.axes

local function known(value, what)
  if value == nil then return nil, ("its %s is not constant"):format(what) end
  return value
end

local function unary(format)
  return function(o) return (format:gsub("@", (o.args[1]:gsub("%%", "%%%%")))) end
end

local function binary(format)
  return function(o) return format:format(o.args[1], o.args[2]) end
end

for name, format in pairs {
  Abs = "torch.abs(@)", Neg = "-@", Sqrt = "torch.sqrt(@)", Exp = "torch.exp(@)", Log = "torch.log(@)",
  Floor = "torch.floor(@)", Ceil = "torch.ceil(@)", Round = "torch.round(@)", Erf = "torch.erf(@)",
  Sin = "torch.sin(@)", Cos = "torch.cos(@)", Sign = "torch.sign(@)", Reciprocal = "torch.reciprocal(@)",
  Relu = "F.relu(@)", Sigmoid = "torch.sigmoid(@)", Tanh = "torch.tanh(@)", Identity = "@",
  Dropout = "@", Softplus = "F.softplus(@)", Softsign = "F.softsign(@)", Mish = "F.mish(@)",
  HardSwish = "F.hardswish(@)", Not = "torch.logical_not(@)",
  Tan = "torch.tan(@)", Atan = "torch.atan(@)",
  Asin = "torch.asin(@)", Acos = "torch.acos(@)", Sinh = "torch.sinh(@)", Cosh = "torch.cosh(@)",
} do
  ops[name] = unary(format)
end

for name, format in pairs {
  Sub = "%s - %s", And = "%s & %s", Or = "%s | %s", Xor = "%s ^ %s", Pow = "%s ** %s",
  Equal = "%s == %s", Greater = "%s > %s",
  Less = "%s < %s", MatMul = "%s @ %s", GreaterOrEqual = "%s >= %s", LessOrEqual = "%s <= %s",
} do
  ops[name] = binary(format)
end

local function nary(separator)
  return function(o) return table.concat(o.args, separator) end
end
ops.Add, ops.Sum, ops.Mul = nary " + ", nary " + ", nary " * "

function ops.Mean(o) return ("(%s) / %d"):format(table.concat(o.args, " + "), #o.args) end

local function folded(name)
  return function(o)
    local text = o.args[1]
    for i = 2, #o.args do text = ("torch.%s(%s, %s)"):format(name, text, o.args[i]) end
    return text
  end
end
ops.Max, ops.Min = folded "maximum", folded "minimum"

function ops.Where(o) return ("torch.where(%s, %s, %s)"):format(o.args[1], o.args[2], o.args[3]) end

function ops.Gelu(o)
  return o.attributes.approximate == "tanh" and ('F.gelu(%s, approximate="tanh")'):format(o.args[1])
    or ("F.gelu(%s)"):format(o.args[1])
end

local function sloped(name, default)
  return function(o)
    return ("%s(%s, %s)"):format(name, o.args[1], python.literal(o.attributes.alpha or default))
  end
end
ops.Elu, ops.Celu, ops.LeakyRelu = sloped("F.elu", 1.0), sloped("F.celu", 1.0), sloped("F.leaky_relu", 0.01)

function ops.Selu(o)
  if o.attributes.alpha or o.attributes.gamma then return nil, "its slopes are not the usual ones" end
  return ("F.selu(%s)"):format(o.args[1])
end

function ops.ThresholdedRelu(o)
  return ("F.threshold(%s, %s, 0.0)"):format(o.args[1], python.literal(o.attributes.alpha or 1.0))
end

local WHOLE = { [2] = true, [3] = true, [6] = true, [7] = true }

function ops.Div(o)
  if not WHOLE[o.dtype] then return ("%s / %s"):format(o.args[1], o.args[2]) end
  return ('torch.div(%s, %s, rounding_mode="trunc")'):format(o.args[1], o.args[2])
end

-- One slope per channel is a CG op; others broadcast as they are.
function ops.PRelu(o)
  return ("torch.where(%s < 0, %s * %s, %s)"):format(o.args[1], o.args[1], o.args[2], o.args[1])
end

function ops.HardSigmoid(o)
  return ("(%s * %s + %s).clamp(0, 1)"):format(o.args[1], python.literal(o.attributes.alpha or 0.2),
    python.literal(o.attributes.beta or 0.5))
end

function ops.Clip(o)
  local bounds = {}
  for k, name in ipairs { "min", "max" } do
    local constant = o.constants[k + 1]
    local value = o.attributes[name] or constant and constant.values and constant.values[1]
    if o.args[k + 1] and not value then return nil, "its bounds are not constant" end
    if value and math.abs(value) < 3e38 then
      bounds[#bounds + 1] = ("%s=%s"):format(name, python.literal(value))
    end
  end
  if #bounds == 0 then return o.args[1] end
  return ("%s.clamp(%s)"):format(o.args[1], table.concat(bounds, ", "))
end

local function soft(name)
  return function(o)
    local along = axis(o, o.attributes.axis or (o.opset < 13 and 1 or -1))
    if o.opset < 13 and along < rank(o) - 1 then -- over everything from the axis on, as one
      local x = o.args[1]
      return ("torch.%s(%s.flatten(%d), %d).reshape(%s.shape)"):format(name, x, along, along, x)
    end
    return ("torch.%s(%s, %d)"):format(name, o.args[1], along)
  end
end
ops.Softmax, ops.LogSoftmax = soft "softmax", soft "log_softmax"

function ops.Transpose(o)
  local order = o.attributes.perm
  if not order then
    order = {}
    for d = 1, rank(o) do order[d] = rank(o) - d end
  end
  return ("%s.permute(%s)"):format(o.args[1], table.concat(order, ", "))
end

-- The result's shape is known; the batch stays open where it stays in its place.
local function reshape(o)
  local sizes = table.move(o.shape, 1, #o.shape, 1, {})
  if o.from[1] and o.from[1][1] == sizes[1] then sizes[1] = -1 end
  return ("%s.reshape(%s)"):format(o.args[1], table.concat(sizes, ", "))
end
ops.Reshape, ops.Flatten, ops.Squeeze, ops.Unsqueeze = reshape, reshape, reshape, reshape

function ops.Expand(o)
  local sizes = table.move(o.shape, 1, #o.shape, 1, {})
  if o.from[1] and #o.from[1] == #sizes and o.from[1][1] == sizes[1] then sizes[1] = -1 end
  return ("%s.expand(%s)"):format(o.args[1], table.concat(sizes, ", "))
end

function ops.Tile(o)
  local times, why = known(integers(o, "repeats", 2), "number of repeats")
  return times and ("%s.repeat(%s)"):format(o.args[1], table.concat(times, ", ")), why
end

function ops.Concat(o)
  return ("torch.cat((%s), %d)"):format(table.concat(o.args, ", "), axis(o, o.attributes.axis or 1))
end

function ops.Split(o)
  local along = axis(o, o.attributes.axis or 0)
  local sizes = integers(o, "split", 2)
  if sizes then
    sizes = python.literal(sizes)
    return ("torch.split(%s, %s, %d)[%d]"):format(o.args[1], sizes, along, o.output - 1)
  end
  local size = o.shape[along + 1]
  if not o.from[1] or o.from[1][along + 1] % size > 0 then return nil, "its parts are not equal" end
  return ("torch.split(%s, %d, %d)[%d]"):format(o.args[1], size, along, o.output - 1)
end

-- PyTorch does not step backwards: the same elements forwards, from the last one on, then turned round.
local function backwards(size, count, start, step)
  local first = math.min(start < 0 and start + size or start, size - 1)
  return ("%d:%d:%d"):format(first + (count - 1) * step, first + 1, -step)
end

function ops.Slice(o)
  local starts, ends = integers(o, "starts", 2), integers(o, "ends", 3)
  local along, steps = integers(o, "axes", 4), integers(o, "steps", 5) or {}
  if not starts or not ends then return nil, "its bounds are not constant" end
  local index, flips = {}, {}
  for d = 1, rank(o) do index[d] = ":" end
  for i, start in ipairs(starts) do
    local d, step, stop = axis(o, along and along[i] or i - 1) + 1, steps[i] or 1, ends[i]
    if step < 0 then
      flips[#flips + 1] = d - 1
      if step < -1 or start ~= -1 or stop > -(1 << 20) then
        if o.from[1][d] < 1 then return nil, "it runs backwards over an open size" end
        index[d] = backwards(o.from[1][d], o.shape[d], start, step)
      end
    else
      index[d] = (start ~= 0 and start or "") .. ":" .. (stop < 1 << 30 and stop or "")
        .. (step > 1 and ":" .. step or "")
    end
  end
  while #index > 1 and index[#index] == ":" do index[#index] = nil end
  local text = ("%s[%s]"):format(o.args[1], table.concat(index, ", "))
  return #flips == 0 and text or ("%s.flip(%s)"):format(text, table.concat(flips, ", "))
end

function ops.Gather(o)
  local along, constant = axis(o, o.attributes.axis or 0), o.constants[2]
  if not constant or not constant.values then return nil, "its indices are not constant" end
  local index = {}
  for d = 1, along do index[d] = ":" end
  index[along + 1] = #constant.dims == 0 and tostring(constant.values[1])
    or "[" .. table.concat(constant.values, ", ") .. "]"
  if #constant.dims > 1 then return nil, "its indices have more than one dimension" end
  return ("%s[%s]"):format(o.args[1], table.concat(index, ", "))
end

local function reduced(format)
  return function(o)
    local list, keep = axes(o, 2), o.attributes.keepdims ~= 0
    if not list then
      list = {}
      for d = 1, rank(o) do list[d] = d - 1 end
    end
    return ("%s, %s, keepdim=%s)"):format(format:format(o.args[1], o.args[1]), python.literal(list),
      python.literal(keep))
  end
end
ops.ReduceMean, ops.ReduceSum = reduced "torch.mean(%s", reduced "torch.sum(%s"
ops.ReduceMax, ops.ReduceMin = reduced "torch.amax(%s", reduced "torch.amin(%s"
ops.ReduceL1 = reduced "torch.linalg.vector_norm(%s, 1"
ops.ReduceL2 = reduced "torch.linalg.vector_norm(%s, 2"
ops.ReduceSumSquare, ops.ReduceLogSumExp = reduced "torch.sum(%s * %s", reduced "torch.logsumexp(%s"

function ops.ArgMax(o)
  if o.attributes.select_last_index == 1 then return nil, "it selects the last index" end
  return ("torch.argmax(%s, %d, keepdim=%s)"):format(o.args[1], axis(o, o.attributes.axis or 0),
    python.literal(o.attributes.keepdims ~= 0))
end

function ops.Cast(o)
  local dtype = DTYPES[o.attributes.to]
  if not dtype then return nil, ("PyTorch has no element type %s"):format(tostring(o.attributes.to)) end
  return ("%s.to(%s)"):format(o.args[1], dtype)
end

local function times(factor) return factor ~= 1 and python.literal(factor) .. " * " or "" end

function ops.Gemm(o)
  local a = o.args[1] .. (o.attributes.transA == 1 and ".T" or "")
  local b = o.args[2] .. (o.attributes.transB == 1 and ".T" or "")
  local alpha, beta = o.attributes.alpha or 1, o.attributes.beta or 1
  local product = alpha == 1 and ("%s @ %s"):format(a, b) or ("%s(%s @ %s)"):format(times(alpha), a, b)
  return product .. (o.args[3] and (" + %s%s"):format(times(beta), o.args[3]) or "")
end

-- --- operands -----------------------------------------------------------------------------------

-- A constant as an expression: a number, or a buffer of the module.
local function constant_text(constant, buffers)
  if #constant.dims == 0 and constant.values then return python.literal(constant.values[1]) end
  buffers[#buffers + 1] = constant
  return "$b" .. #buffers
end

local function arguments(context, node, source, reshape_text, buffers)
  local args, next_operand = {}, 0
  for k, given in ipairs(source.inputs) do
    local constant = source.constants[k]
    if constant then
      args[k] = function() return constant_text(constant, buffers) end
    elseif given then
      next_operand = next_operand + 1
      local shape = source.operand_shapes[next_operand]
      if not node.operands[next_operand] or not shape then return nil, "it has lost an operand" end
      local text = "$" .. next_operand .. reshape_text(context.forms[node.operands[next_operand]], shape)
      args[k] = function() return text end
    end
  end
  -- Constants become buffers only where the expression takes them.
  return setmetatable({}, {
    __index = function(self, k)
      local text = args[k] and args[k]()
      rawset(self, k, text)
      return text
    end,
    __len = function() return #source.inputs end,
  })
end

--- The statement of an opaque node; or nil and a message.
function opaque.statement(context, node, reshape_text)
  local source = context.sources[node.position]
  local handler = source and source.type and source.domain:gsub("^ai%.onnx$", "") == "" and ops[source.type]
  if not handler then
    return nil, ("PyTorch source has no form of %s; a handler in autogo.formats.pytorch_opaque adds it")
      :format(source and source.type or node.source_op or node.op)
  end
  if source.output > 1 and source.type ~= "Split" then
    return nil, ("%s: PyTorch source has only its first output"):format(source.type)
  end
  local buffers = {}
  local args, why = arguments(context, node, source, reshape_text, buffers)
  if not args then return nil, why end
  local expression
  expression, why = handler {
    type = source.type, attributes = source.attributes, opset = source.opset, args = args,
    constants = source.constants, shape = source.shape, from = source.operand_shapes,
    output = source.output, dtype = source.dtype,
  }
  if not expression then return nil, ("%s: %s"):format(source.type, why) end
  return { expression = expression, buffers = buffers }
end

return opaque
