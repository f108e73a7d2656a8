--- What a CG node is in PyTorch: a module with arguments, an expression over its operands, or both.
--
-- In expressions $1, $2, ... are the operands, $m the module, $b1, $b2, ... constants. An argument is
-- { name, value, default, slot }: `slot` marks numbers that may differ between two uses of a block.
-- Source: pytorch.org, torch.nn and torch.nn.functional, version 1.13 and newer.
-- @module autogo.formats.pytorch_layers

local forms = require "autogo.formats.forms"
local opaque = require "autogo.formats.pytorch_opaque"
local python = require "autogo.formats.python"

local layers = {}

-- --- operands -----------------------------------------------------------------------------------

--- What turns a tensor of one form into another, behind its name.
function layers.reshape(from, to)
  if forms.equal(from, to) then return "" end
  if #to == 2 and #from > 2 and from[1] == to[1] then return ".flatten(1)" end
  if #to == 4 and #from == 2 and from[1] == to[1] and to[3] == 1 and to[4] == 1 then
    return "[:, :, None, None]"
  end
  local sizes = table.move(to, 1, #to, 1, {})
  if from[1] == to[1] then sizes[1] = -1 end
  return (".reshape(%s)"):format(table.concat(sizes, ", "))
end

-- Operand k as the node needs it: cut to the channels it reads, in a form of that rank (0: as it is).
local function read(context, node, k, rank)
  local from, of = context.forms[node.operands[k]], context.nodes[node.operands[k]]
  local text, form = "$" .. k, table.move(from, 1, #from, 1, {})
  if node.slice and #form >= 2 and of.c_out > node.c_in then
    text, form[2] = ("%s[:, :%d]"):format(text, node.c_in), node.c_in
  end
  local to = form
  if rank == 2 and #form ~= 2 then
    to = { form[1], of.h_out * of.w_out * of.c_out }
  elseif rank == 4 and #form ~= 4 then
    to = { form[1], form[2] and node.slice and node.c_in or of.c_out, of.h_out, of.w_out }
  elseif rank > 4 and #form ~= rank then
    to = context.forms[node.position]
  end
  return text .. layers.reshape(form, to)
end

local function read_all(context, node)
  local texts = {}
  for k = 1, #node.operands do texts[k] = read(context, node, k, #context.forms[node.position]) end
  return texts
end

-- --- windows ------------------------------------------------------------------------------------

local function window(node, d)
  return (node.kernel[d] - 1) * node.dilation[d] + 1
end

-- Pads before and after, per dimension (height, width).
local function pads_of(node)
  local sizes_in, sizes_out = { node.h_in, node.w_in }, { node.h_out, node.w_out }
  local before, after = {}, {}
  for d = 1, 2 do
    if node.padding == "explicit" then
      before[d], after[d] = node.pads[d], node.pads[d + 2]
    elseif node.padding == "valid" then
      before[d], after[d] = 0, 0
    else
      local total = math.max(0, (sizes_out[d] - 1) * node.stride[d] + window(node, d) - sizes_in[d])
      before[d] = node.padding == "same_lower" and total - total // 2 or total // 2
      after[d] = total - before[d]
    end
  end
  return before, after
end

local function symmetric(before, after)
  return before[1] == after[1] and before[2] == after[2]
end

-- The order of F.pad: left, right, top, bottom.
local function pad_order(before, after)
  return ("(%d, %d, %d, %d)"):format(before[2], after[2], before[1], after[1])
end

-- The stride of a pool is its kernel unless given.
local function window_arguments(node, pad)
  return {
    { "kernel_size", python.pair(node.kernel) },
    { "stride", python.pair(node.stride), default = python.pair(node.kernel) },
    { "padding", python.pair(pad), default = 0 },
  }
end

-- --- layers -------------------------------------------------------------------------------------

local function channels(node)
  return { false, node.c_in, slot = "in_channels" }, { false, node.c_out, slot = "out_channels" }
end

local function conv(context, node)
  local x, before, after = read(context, node, 1, 4), pads_of(node)
  local pad = before
  if not symmetric(before, after) then
    x, pad = ("F.pad(%s, %s)"):format(x, pad_order(before, after)), { 0, 0 }
  end
  local input, output = channels(node)
  return {
    module = "nn.Conv2d", expression = ("$m(%s)"):format(x),
    arguments = {
      input, output,
      { false, python.pair(node.kernel) },
      { "stride", python.pair(node.stride), slot = "stride", default = 1 },
      { "padding", python.pair(pad), default = 0 },
      { "dilation", python.pair(node.dilation), default = 1 },
      { "groups", node.op == "depthwise" and node.c_in or node.groups, slot = "groups", default = 1 },
      { "bias", node.bias, default = true },
    },
  }
end

-- The result is exactly stride times as large. PyTorch pads alike on both sides: other pads are cut off
-- the whole result.
local function transposed_conv(context, node)
  local before, after, extra = {}, {}, {}
  for d = 1, 2 do
    local total = math.max(0, window(node, d) - node.stride[d])
    before[d] = node.padding == "same_lower" and total - total // 2 or total // 2
    after[d] = total - before[d]
    if node.padding == "explicit" then before[d], after[d] = node.pads[d], node.pads[d + 2] end
    extra[d] = node.stride[d] - window(node, d) + before[d] + after[d]
  end
  if extra[1] < 0 or extra[2] < 0 then
    return nil, ("its pads do not give %d times its input"):format(node.stride[1])
  end
  local pad, cut = before, ""
  local largest = math.max(node.stride[1], node.dilation[1], node.stride[2], node.dilation[2])
  if not symmetric(before, after) or math.max(extra[1], extra[2]) >= largest then
    local more, off = {}, {}
    for d = 1, 2 do
      more[d] = math.max(0, before[d] + node.stride[d] - window(node, d))
      off[d] = window(node, d) - node.stride[d] + more[d] - before[d]
    end
    pad, extra = { 0, 0 }, more
    cut = ("(%d, %d, %d, %d)"):format(-before[2], -off[2], -before[1], -off[1])
  end
  local call = ("$m(%s)"):format(read(context, node, 1, 4))
  local input, output = channels(node)
  return {
    module = "nn.ConvTranspose2d",
    expression = cut == "" and call or ("F.pad(%s, %s)"):format(call, cut),
    arguments = {
      input, output,
      { false, python.pair(node.kernel) },
      { "stride", python.pair(node.stride), default = 1 },
      { "padding", python.pair(pad), default = 0 },
      { "output_padding", python.pair(extra), default = 0 },
      { "groups", node.groups, slot = "groups", default = 1 },
      { "bias", node.bias, default = true },
      { "dilation", python.pair(node.dilation), default = 1 },
    },
  }
end

-- The size PyTorch gives.
local function pooled(node, d, pad, ceil)
  local size = d == 1 and node.h_in or node.w_in
  local room = size + 2 * pad - window(node, d)
  local out = (ceil and -(-room // node.stride[d]) or room // node.stride[d]) + 1
  if ceil and (out - 1) * node.stride[d] >= size + pad then out = out - 1 end
  return out
end

local function fits(node, pad, ceil)
  return pad[1] <= node.kernel[1] // 2 and pad[2] <= node.kernel[2] // 2
    and pooled(node, 1, pad[1], ceil) == node.h_out and pooled(node, 2, pad[2], ceil) == node.w_out
end

-- Pads after, such that sizes rounded down are those of the node.
local function needed(node, before)
  local sizes_in, sizes_out, after = { node.h_in, node.w_in }, { node.h_out, node.w_out }, {}
  for d = 1, 2 do
    after[d] = math.max(0, (sizes_out[d] - 1) * node.stride[d] + window(node, d) - sizes_in[d] - before[d])
  end
  return after
end

local function call_window(name, x, arguments)
  local texts = { x }
  for _, argument in ipairs(arguments) do
    if argument[2] ~= argument.default then
      texts[#texts + 1] = (argument[1] and argument[1] .. "=" or "") .. python.literal(argument[2])
    end
  end
  return python.call(name, texts)
end

local function pool(context, node)
  local average, x, before, after = node.op == "avgpool", read(context, node, 1, 4), pads_of(node)
  if average and (node.dilation[1] > 1 or node.dilation[2] > 1) then
    return nil, "PyTorch has no average pool with dilation"
  end
  local arguments = window_arguments(node, before)
  arguments[1][1] = false
  local ceil = node.ceil and not node.padding:find "^same"
  local native = symmetric(before, after) and (fits(node, before, false) or ceil and fits(node, before, true))
  if native then
    arguments[4] = { "ceil_mode", not fits(node, before, false), default = false }
    if average then
      local padded = before[1] > 0 or before[2] > 0
      arguments[5] = { "count_include_pad", node.count_pads or not padded, default = true }
      return { expression = call_window("F.avg_pool2d", x, arguments) }
    end
    arguments[5] = { "dilation", python.pair(node.dilation), default = 1 }
    return { expression = call_window("F.max_pool2d", x, arguments) }
  end
  local order = pad_order(before, needed(node, before))
  arguments[3][2] = 0
  if average and not node.count_pads then
    return {
      helper = "average_inside",
      expression = ("average_inside(%s, %s, %s, %s)"):format(x, python.literal(arguments[1][2]),
        python.literal(arguments[2][2]), order),
    }
  elseif average then
    if node.ceil then return nil, "PyTorch has no average pool with such pads that rounds up" end
    return { expression = call_window("F.avg_pool2d", ("F.pad(%s, %s)"):format(x, order), arguments) }
  end
  arguments[4] = { "dilation", python.pair(node.dilation), default = 1 }
  x = ('F.pad(%s, %s, value=float("-inf"))'):format(x, order)
  return { expression = call_window("F.max_pool2d", x, arguments) }
end

local function matmul(context, node)
  local plane = node.h_in ~= 1 or node.w_in ~= 1
  local x = read(context, node, 1, plane and 4 or 2)
  return {
    module = "nn.Linear",
    expression = plane and ("$m(%s.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)"):format(x)
      or ("$m(%s)"):format(x),
    arguments = {
      { false, node.c_in, slot = "in_channels" }, { false, node.c_out, slot = "out_channels" },
      { "bias", node.bias, default = true },
    },
  }
end

local function batchnorm(context, node)
  local rank = #context.forms[node.operands[1]]
  local class = rank <= 3 and "nn.BatchNorm1d" or rank == 4 and "nn.BatchNorm2d" or "nn.BatchNorm3d"
  local epsilon = node.alpha > 0 and node.alpha or 1e-5
  if string.pack("f", epsilon) == string.pack("f", 1e-5) then epsilon = 1e-5 end
  return {
    module = class, expression = ("$m(%s)"):format(read(context, node, 1, 0)),
    arguments = { { false, node.c_in, slot = "channels" }, { "eps", epsilon, default = 1e-5 } },
  }
end

local function prelu(context, node)
  return {
    module = "nn.PReLU", expression = ("$m(%s)"):format(read(context, node, 1, 0)),
    arguments = { { false, node.c_in, slot = "channels" } },
  }
end

-- --- functions ----------------------------------------------------------------------------------

local function unary(format, rank)
  return function(context, node)
    return { expression = (format:gsub("@", (read(context, node, 1, rank or 0):gsub("%%", "%%%%")))) }
  end
end

local function joined(separator)
  return function(context, node)
    return { expression = table.concat(read_all(context, node), separator) }
  end
end

local function concat(context, node)
  return { expression = ("torch.cat((%s), 1)"):format(table.concat(read_all(context, node), ", ")) }
end

local function hardsigmoid(context, node)
  local x = read(context, node, 1, 0)
  if node.alpha == 0 or string.pack("f", node.alpha) == string.pack("f", 1 / 6) then
    return { expression = ("F.hardsigmoid(%s)"):format(x) }
  end
  return { expression = ("(%s * %s + 0.5).clamp(0, 1)"):format(x, python.literal(node.alpha)) }
end

local function leakyrelu(context, node)
  local slope = python.literal(node.alpha ~= 0 and node.alpha or 0.01)
  return { expression = ("F.leaky_relu(%s, %s)"):format(read(context, node, 1, 0), slope) }
end

local function paddings(context, node)
  local before, after = { node.pads[1], node.pads[2] }, { node.pads[3], node.pads[4] }
  return { expression = ("F.pad(%s, %s)"):format(read(context, node, 1, 4), pad_order(before, after)) }
end

local function resize(context, node)
  local scale = python.literal(python.pair { node.stride[1], node.stride[2] })
  local how = 'mode="nearest"'
  if node.linear then
    how = ('mode="bilinear", align_corners=%s'):format(python.literal(node.align or false))
  end
  local x = read(context, node, 1, 4)
  return { expression = ("F.interpolate(%s, scale_factor=%s, %s)"):format(x, scale, how) }
end

local function depth_to_space(context, node)
  local x, a, b = read(context, node, 1, 4), node.stride[1], node.stride[2]
  if node.align and a == b then return { expression = ("F.pixel_shuffle(%s, %d)"):format(x, a) } end
  if node.align then return nil, ("PyTorch has no %dx%d blocks in this order"):format(a, b) end
  return {
    helper = "depth_to_space", expression = ("depth_to_space(%s, (%d, %d))"):format(x, a, b),
  }
end

local function space_to_depth(context, node)
  return {
    helper = "space_to_depth",
    expression = ("space_to_depth(%s, (%d, %d))"):format(read(context, node, 1, 4), node.stride[1],
      node.stride[2]),
  }
end

local function channel_shuffle(context, node)
  if node.groups < 1 or node.c_in % node.groups > 0 then
    return nil, ("%d groups do not divide %d channels"):format(node.groups, node.c_in)
  end
  return {
    helper = "channel_shuffle",
    expression = ("channel_shuffle(%s, %d)"):format(read(context, node, 1, 4), node.groups),
  }
end

local MEAN = unary("@.mean((2, 3), keepdim=True)", 4)

local OPS = {
  conv = conv, depthwise = conv, transposedconv = transposed_conv, matmul = matmul,
  batchnorm = batchnorm, prelu = prelu, maxpool = pool, avgpool = pool, mean = MEAN, global = MEAN,
  relu = unary "F.relu(@)", relu6 = unary "F.relu6(@)", sigmoid = unary "torch.sigmoid(@)",
  tanh = unary "torch.tanh(@)", swish = unary "F.silu(@)", gelu = unary "F.gelu(@)",
  hardswish = unary "F.hardswish(@)", hardsigmoid = hardsigmoid, leakyrelu = leakyrelu,
  softmax = unary "torch.softmax(@, 1)", identity = unary "@", zero = unary "torch.zeros_like(@)",
  add = joined " + ", mul = joined " * ", concat = concat, paddings = paddings, resize = resize,
  depthtospacend = depth_to_space, spacetodepthnd = space_to_depth,
  channelshuffle = channel_shuffle, flatten = unary("@.flatten(1)", 4),
}

--- The statement of a node, without operands and position; or nil and a message.
-- @tparam table context { nodes, forms, sources }, by position
-- @tparam table node
function layers.statement(context, node)
  local write = OPS[node.op] or opaque.statement
  return write(context, node, layers.reshape)
end

return layers
