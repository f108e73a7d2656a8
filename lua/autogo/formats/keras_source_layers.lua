--- What a CG node is in Keras 3: a layer with arguments, an expression over its operands, or both.
--
-- In expressions $1, $2, ... are the operands and $m is the layer. Arguments are as in
-- autogo.formats.pytorch_layers. Tensors are N, H, W, C.
-- Source: keras.io/api, version 3.
-- @module autogo.formats.keras_source_layers

local opaque = require "autogo.formats.keras_opaque"
local python = require "autogo.formats.python"

local layers = {}

-- --- operands -----------------------------------------------------------------------------------

--- A tensor of one form (as in autogo.formats.forms) brought into another.
function layers.reshape(text, from, to)
  if #from == #to then return text end
  if #from == 4 and #to == 2 then
    if from[3] == 1 and from[4] == 1 then return ("layers.Flatten()(%s)"):format(text) end
    return ("layers.Flatten()(layers.Permute((3, 1, 2))(%s))"):format(text) -- channels vary slowest
  elseif #from == 2 and #to == 4 then
    if to[3] == 1 and to[4] == 1 then return ("layers.Reshape((1, 1, %d))(%s)"):format(to[2], text) end
    return ("layers.Permute((2, 3, 1))(layers.Reshape((%d, %d, %d))(%s))"):format(to[2], to[3], to[4], text)
  end
  return nil
end

-- Operand k in a form of that rank (0: as it is), cut to the channels the node reads.
local function read(context, node, k, rank)
  local from, of = context.forms[node.operands[k]], context.nodes[node.operands[k]]
  local text, channels = "$" .. k, of.c_out
  if node.slice and of.c_out > node.c_in then
    text, channels = ("%s[..., :%d]"):format(text, node.c_in), node.c_in
  end
  if rank == 0 then return text end
  return layers.reshape(text, from, rank == 2 and { 1, of.h_out * of.w_out * channels }
    or { 1, channels, of.h_out, of.w_out }) or text
end

local function read_all(context, node)
  local texts = {}
  for k = 1, #node.operands do texts[k] = read(context, node, k, #context.forms[node.position]) end
  return table.concat(texts, ", ")
end

-- --- windows ------------------------------------------------------------------------------------

local function window(node, d) return (node.kernel[d] - 1) * node.dilation[d] + 1 end

-- Pads that round-up sizes need, the larger half at the end, as padding="same" has them.
local function same_pads(node, d)
  local size_in, size_out = ({ node.h_in, node.w_in })[d], ({ node.h_out, node.w_out })[d]
  local total = math.max(0, (size_out - 1) * node.stride[d] + window(node, d) - size_in)
  return total // 2, total - total // 2
end

-- "same", "valid", or "valid" with the pads to add before: { {top, bottom}, {left, right} }.
local function padding(node)
  if node.padding == "same" or node.padding == "valid" then return node.padding end
  local pads, none, same = {}, true, true
  for d = 1, 2 do
    local before, after = same_pads(node, d)
    local size_in, size_out = ({ node.h_in, node.w_in })[d], ({ node.h_out, node.w_out })[d]
    if node.padding == "same_lower" then
      pads[d] = { after, before }
    else
      pads[d] = { node.pads[d], node.pads[d + 2] }
    end
    none = none and pads[d][1] == 0 and pads[d][2] == 0
    same = same and pads[d][1] == before and pads[d][2] == after and size_out == -(-size_in // node.stride[d])
  end
  return none and "valid" or same and "same" or "valid", not none and not same and pads or nil
end

local function check_dilation(node)
  local dilated = node.dilation[1] > 1 or node.dilation[2] > 1
  if dilated and (node.stride[1] > 1 or node.stride[2] > 1) then
    return nil, "Keras has no layer with both a stride and a dilation"
  end
  return true
end

-- Pads as short as Keras allows: one number, one for each direction, or one for each side.
local function zero_padded(x, pads)
  local rows, columns = pads[1], pads[2]
  local shortest = pads
  if rows[1] == rows[2] and columns[1] == columns[2] then
    shortest = rows[1] == columns[1] and rows[1] or { rows[1], columns[1] }
  end
  return ("layers.ZeroPadding2D(%s)(%s)"):format(python.literal(shortest), x)
end

local function conv(context, node)
  local good, why = check_dilation(node)
  if not good then return nil, why end
  local kind, pads = padding(node)
  local arguments = {
    { false, python.pair(node.kernel) },
    { "strides", python.pair(node.stride), default = 1, slot = "stride" },
    { "padding", kind, default = "valid" },
    { "dilation_rate", python.pair(node.dilation), default = 1 },
    { "use_bias", node.bias, default = true },
  }
  if node.op == "conv" then
    table.insert(arguments, 1, { false, node.c_out, slot = "filters" })
    table.insert(arguments, 5, { "groups", node.groups, default = 1, slot = "groups" })
  end
  local x = read(context, node, 1, 4)
  return {
    module = node.op == "conv" and "layers.Conv2D" or "layers.DepthwiseConv2D", arguments = arguments,
    before = pads and zero_padded(x, pads), expression = ("$m(%s)"):format(pads and "$v" or x),
  }
end

local function transposed_conv(context, node)
  local good, why = check_dilation(node)
  if not good then return nil, why end
  if node.groups > 1 then return nil, "Keras has no transposed convolution with groups" end
  local kind, expression = node.padding, ("$m(%s)"):format(read(context, node, 1, 4))
  if kind ~= "same" then -- the whole result, then cut
    local cuts, sizes = {}, { node.h_in, node.w_in }
    for d = 1, 2 do
      local whole = (sizes[d] - 1) * node.stride[d] + math.max(window(node, d), node.stride[d])
      local total = math.max(0, window(node, d) - node.stride[d])
      local before = kind == "explicit" and node.pads[d] or kind == "same_lower" and total - total // 2
        or total // 2
      cuts[d] = { before, whole - sizes[d] * node.stride[d] - before }
      if cuts[d][2] < 0 then return nil, "Keras has no transposed convolution with such pads" end
    end
    kind, expression = "valid", ("layers.Cropping2D(%s)(%s)"):format(python.literal(cuts), expression)
  end
  return {
    module = "layers.Conv2DTranspose", expression = expression,
    arguments = {
      { false, node.c_out, slot = "filters" },
      { false, python.pair(node.kernel) },
      { "strides", python.pair(node.stride), default = 1 },
      { "padding", kind, default = "valid" },
      { "dilation_rate", python.pair(node.dilation), default = 1 },
      { "use_bias", node.bias, default = true },
    },
  }
end

-- Pads as given before, and after as many as the size of the result needs.
local function pool_pads(node, pads)
  local sizes_in, sizes_out = { node.h_in, node.w_in }, { node.h_out, node.w_out }
  local out = {}
  for d = 1, 2 do
    local before = pads and pads[d][1] or 0
    local need = (sizes_out[d] - 1) * node.stride[d] + window(node, d) - sizes_in[d] - before
    out[d] = { before, math.max(0, need) }
  end
  return out
end

local function pool(context, node)
  if node.dilation[1] > 1 or node.dilation[2] > 1 then return nil, "Keras has no pool with dilation" end
  local average, x, kind, pads = node.op == "avgpool", read(context, node, 1, 4), padding(node)
  if kind == "valid" then pads = pool_pads(node, pads) end
  if kind == "same" and average and node.count_pads then
    pads, kind = pool_pads(node, { { same_pads(node, 1) }, { same_pads(node, 2) } }), "valid"
  end
  local padded = pads and pads[1][1] + pads[1][2] + pads[2][1] + pads[2][2] > 0
  local kernel, stride = python.literal(python.pair(node.kernel)), python.literal(python.pair(node.stride))
  if average and padded and not node.count_pads then
    return {
      helper = "average_inside",
      expression = ("average_inside(%s, %s, %s, %s)"):format(x, kernel, stride, python.literal(pads)),
    }
  end
  local before
  if padded then
    before = average and zero_padded(x, pads)
      or ('ops.pad(%s, ((0, 0), %s, (0, 0)), constant_values=-float("inf"))'):format(x,
        python.literal(pads):sub(2, -2))
  end
  local name = average and "layers.AveragePooling2D" or "layers.MaxPooling2D"
  local how = stride ~= kernel and ", strides=" .. stride or ""
  if kind == "same" then how = how .. ', padding="same"' end
  return { before = before, expression = ("%s(%s%s)(%s)"):format(name, kernel, how, before and "$v" or x) }
end

-- --- the others ---------------------------------------------------------------------------------

local function matmul(context, node)
  local plane = node.h_in ~= 1 or node.w_in ~= 1
  return {
    module = "layers.Dense", expression = ("$m(%s)"):format(read(context, node, 1, plane and 4 or 2)),
    arguments = { { false, node.c_out, slot = "units" }, { "use_bias", node.bias, default = true } },
  }
end

local function batchnorm(context, node)
  local epsilon = node.alpha > 0 and node.alpha or 1e-5
  if string.pack("f", epsilon) == string.pack("f", 1e-5) then epsilon = 1e-5 end
  return {
    module = "layers.BatchNormalization", expression = ("$m(%s)"):format(read(context, node, 1, 0)),
    arguments = { { "epsilon", epsilon, default = 1e-3 } },
  }
end

local function prelu(context, node)
  local four = #context.forms[node.operands[1]] == 4
  return {
    module = "layers.PReLU", expression = ("$m(%s)"):format(read(context, node, 1, 0)),
    arguments = { { "shared_axes", four and { 1, 2 } or "None", default = "None" } },
  }
end

local function unary(format, rank)
  return function(context, node)
    return { expression = (format:gsub("@", (read(context, node, 1, rank or 0):gsub("%%", "%%%%")))) }
  end
end

local function activation(name) return unary(('layers.Activation("%s")(@)'):format(name)) end

local function merged(name)
  return function(context, node)
    return { expression = ("layers.%s()([%s])"):format(name, read_all(context, node)) }
  end
end

local function hardsigmoid(context, node)
  if node.alpha == 0 or string.pack("f", node.alpha) == string.pack("f", 1 / 6) then
    return activation "hard_sigmoid"(context, node)
  end
  local x = read(context, node, 1, 0)
  return { expression = ("ops.clip(%s * %s + 0.5, 0, 1)"):format(x, python.literal(node.alpha)) }
end

local function leakyrelu(context, node)
  local slope = python.literal(node.alpha ~= 0 and node.alpha or 0.01)
  return { expression = ("layers.LeakyReLU(negative_slope=%s)(%s)"):format(slope, read(context, node, 1, 0)) }
end

local function paddings(context, node)
  local pads = { { node.pads[1], node.pads[3] }, { node.pads[2], node.pads[4] } }
  return { expression = zero_padded(read(context, node, 1, 4), pads) }
end

local function resize(context, node)
  if node.linear and node.align then return nil, "Keras does not interpolate with aligned corners" end
  local size = python.literal(python.pair(node.stride))
  local how = node.linear and ', interpolation="bilinear"' or ""
  return { expression = ("layers.UpSampling2D(%s%s)(%s)"):format(size, how, read(context, node, 1, 4)) }
end

local function blocks(name)
  return function(context, node)
    local block = python.literal { node.stride[1], node.stride[2] }
    local order = name == "depth_to_space" and node.align and ", channels_first=True" or ""
    local x = read(context, node, 1, 4)
    return { helper = name, expression = ("%s(%s, %s%s)"):format(name, x, block, order) }
  end
end

local function channel_shuffle(context, node)
  return {
    helper = "channel_shuffle",
    expression = ("channel_shuffle(%s, %d)"):format(read(context, node, 1, 4), node.groups),
  }
end

local function flatten(context, node)
  local form = { 1, node.c_in, node.h_in, node.w_in }
  return { expression = layers.reshape(read(context, node, 1, 4), form, { 1, 1 }) }
end

local MEAN = unary("layers.GlobalAveragePooling2D(keepdims=True)(@)", 4)

local OPS = {
  conv = conv, depthwise = conv, transposedconv = transposed_conv, matmul = matmul,
  batchnorm = batchnorm, prelu = prelu, maxpool = pool, avgpool = pool, mean = MEAN, global = MEAN,
  relu = activation "relu", relu6 = activation "relu6", sigmoid = activation "sigmoid",
  tanh = activation "tanh", swish = activation "silu", gelu = activation "gelu",
  hardswish = activation "hard_silu", hardsigmoid = hardsigmoid, leakyrelu = leakyrelu,
  softmax = unary "layers.Softmax()(@)", identity = unary "@", zero = unary "ops.zeros_like(@)",
  add = merged "Add", mul = merged "Multiply", concat = merged "Concatenate", paddings = paddings,
  resize = resize, depthtospacend = blocks "depth_to_space", spacetodepthnd = blocks "space_to_depth",
  channelshuffle = channel_shuffle, flatten = flatten,
}

--- The statement of a node, without operands and position; or nil and a message.
function layers.statement(context, node)
  return (OPS[node.op] or opaque.statement)(context, node)
end

--- Python functions that sources bring along where they use them.
layers.helpers = {
  average_inside = [[
def average_inside(x, pool_size, strides, pads):
    """The average over those cells of each window that lie inside the image."""
    inside = ops.pad(ops.ones((1, x.shape[1], x.shape[2], 1)), ((0, 0), *pads, (0, 0)))
    x = layers.AveragePooling2D(pool_size, strides=strides)(layers.ZeroPadding2D(pads)(x))
    return x / ops.average_pool(inside, pool_size, strides)
]],
  depth_to_space = [[
def depth_to_space(x, block, channels_first=False):
    """Channels into blocks of pixels; the place in the block varies slowest, or else fastest."""
    _, h, w, c = x.shape
    c //= block[0] * block[1]
    if channels_first:
        x = ops.transpose(ops.reshape(x, (-1, h, w, c, *block)), (0, 1, 4, 2, 5, 3))
    else:
        x = ops.transpose(ops.reshape(x, (-1, h, w, *block, c)), (0, 1, 3, 2, 4, 5))
    return ops.reshape(x, (-1, h * block[0], w * block[1], c))
]],
  space_to_depth = [[
def space_to_depth(x, block):
    """Blocks of pixels into channels; the place in the block varies slowest among the channels."""
    _, h, w, c = x.shape
    x = ops.reshape(x, (-1, h // block[0], block[0], w // block[1], block[1], c))
    x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
    return ops.reshape(x, (-1, h // block[0], w // block[1], block[0] * block[1] * c))
]],
  channel_shuffle = [[
def channel_shuffle(x, groups):
    """Channel i of each group after channel i of the group before."""
    _, h, w, c = x.shape
    x = ops.transpose(ops.reshape(x, (-1, h, w, groups, c // groups)), (0, 1, 2, 4, 3))
    return ops.reshape(x, (-1, h, w, c))
]],
}

return layers
