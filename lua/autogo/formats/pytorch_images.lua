--- Nodes of ONNX files that are no CG ops, in PyTorch: windows, norms, pads and sizes of images, and of
-- what has fewer or more dimensions. Handlers are as in autogo.formats.pytorch_opaque.
-- @module autogo.formats.pytorch_images

local operands = require "autogo.formats.operands"
local python = require "autogo.formats.python"

local images = {}

local ops = {}
local rank, axis = operands.rank, operands.axis

-- --- windows ------------------------------------------------------------------------------------

-- A list of one number for each dimension after the channels.
local function numbers(o, name, otherwise)
  local given, list = o.attributes[name], {}
  for d = 1, rank(o) - 2 do list[d] = given and given[d] or otherwise end
  return list
end

local function all(list, number)
  for _, value in ipairs(list) do
    if value ~= number then return false end
  end
  return true
end

-- A window over all dimensions after the channels: kernel, stride, dilation, and the pads before and after.
local function window(o, kernel)
  local w = {
    n = rank(o) - 2, kernel = kernel, stride = numbers(o, "strides", 1),
    dilation = numbers(o, "dilations", 1), before = {}, after = {}, alike = true,
  }
  local pads, same = o.attributes.pads, (o.attributes.auto_pad or ""):match "^SAME_(.*)"
  for d = 1, w.n do
    w.before[d], w.after[d] = pads and pads[d] or 0, pads and pads[w.n + d] or 0
    if same then
      local span = w.dilation[d] * (kernel[d] - 1) + 1
      local total = math.max(0, (o.shape[d + 2] - 1) * w.stride[d] + span - o.from[1][d + 2])
      w.before[d] = same == "UPPER" and total // 2 or total - total // 2
      w.after[d] = total - w.before[d]
    end
    w.alike = w.alike and w.before[d] == w.after[d]
  end
  return w
end

-- The order of F.pad, by the last dimension first; `sign` -1 cuts off.
local function pad_order(before, after, sign)
  local order = {}
  for d = #before, 1, -1 do table.move({ sign * before[d], sign * after[d] }, 1, 2, #order + 1, order) end
  return python.literal(order)
end

-- What differs from the defaults, as keyword arguments.
local function keywords(list)
  local texts = {}
  for _, argument in ipairs(list) do
    local name, value, default = argument[1], argument[2], argument[3]
    local plain = value == default or type(value) == "table" and all(value, default)
    if not plain then texts[#texts + 1] = (", %s=%s"):format(name, python.literal(value)) end
  end
  return table.concat(texts)
end

local function kernel_of(o)
  local dims = o.constants[2] and o.constants[2].dims or o.from[2]
  return table.move(dims, 3, #dims, 1, {})
end

function ops.Conv(o)
  local w, x = window(o, kernel_of(o)), o.args[1]
  if not w.alike then x = ("F.pad(%s, %s)"):format(x, pad_order(w.before, w.after, 1)) end
  return ("F.conv%dd(%s, %s, %s%s)"):format(w.n, x, o.args[2], o.args[3] or "None", keywords {
    { "stride", w.stride, 1 }, { "padding", w.alike and w.before or 0, 0 }, { "dilation", w.dilation, 1 },
    { "groups", o.attributes.group or 1, 1 },
  })
end

-- The whole result, of which pads are cut off; its size says how much where the node gives no pads.
function ops.ConvTranspose(o)
  local w, before, after = window(o, kernel_of(o)), {}, {}
  local extra, given = numbers(o, "output_padding", 0), o.attributes.pads and not o.attributes.output_shape
  for d = 1, w.n do
    local whole = w.stride[d] * (o.from[1][d + 2] - 1) + w.dilation[d] * (w.kernel[d] - 1) + 1
    local total = whole + extra[d] - o.shape[d + 2]
    before[d] = o.attributes.auto_pad == "SAME_UPPER" and total // 2 or total - total // 2
    if given then before[d] = w.before[d] end
    after[d] = total - before[d]
    if total < 0 then return nil, "its result is larger than what it covers" end
  end
  local native = true
  for d = 1, w.n do
    native = native and before[d] == after[d] and extra[d] < math.max(w.stride[d], w.dilation[d])
  end
  local settings = keywords {
    { "stride", w.stride, 1 }, { "padding", native and before or 0, 0 }, { "output_padding", extra, 0 },
    { "groups", o.attributes.group or 1, 1 }, { "dilation", w.dilation, 1 },
  }
  local text = ("F.conv_transpose%dd(%s, %s, %s%s)"):format(w.n, o.args[1], o.args[2], o.args[3] or "None",
    settings)
  return native and text or ("F.pad(%s, %s)"):format(text, pad_order(before, after, -1))
end

-- Whether PyTorch pads so, and gives the node's size when it rounds that way.
local function fits(o, w, ceil)
  for d = 1, w.n do
    local span, size = w.dilation[d] * (w.kernel[d] - 1) + 1, o.from[1][d + 2]
    local room = size + 2 * w.before[d] - span
    local out = (ceil and -(-room // w.stride[d]) or room // w.stride[d]) + 1
    if ceil and (out - 1) * w.stride[d] >= size + w.before[d] then out = out - 1 end
    if not w.alike or w.before[d] > w.kernel[d] // 2 or out ~= o.shape[d + 2] then return false end
  end
  return true
end

local function pool(name, average)
  return function(o)
    local w = window(o, o.attributes.kernel_shape)
    local ceil = not fits(o, w, false)
    if ceil and not fits(o, w, true) then return nil, "PyTorch has no pool with such pads" end
    if average and not all(w.dilation, 1) then return nil, "PyTorch has no average pool with dilation" end
    local padded = not all(w.before, 0)
    return ("F.%s%dd(%s, %s, %s%s)"):format(name, w.n, o.args[1], python.literal(w.kernel),
      python.literal(w.stride), keywords {
        { "padding", w.before, 0 }, { "ceil_mode", ceil, false }, { "dilation", w.dilation, 1 },
        { "count_include_pad", not average or not padded or o.attributes.count_include_pad == 1, true },
      })
  end
end
ops.MaxPool, ops.AveragePool = pool("max_pool", false), pool("avg_pool", true)

local function whole(name)
  return function(o)
    local dims = {}
    for d = 2, rank(o) - 1 do dims[#dims + 1] = d end
    return ("torch.%s(%s, %s, keepdim=True)"):format(name, o.args[1], python.literal(dims))
  end
end
ops.GlobalMaxPool, ops.GlobalAveragePool = whole "amax", whole "mean"

-- --- norms --------------------------------------------------------------------------------------

function ops.LRN(o)
  return ("F.local_response_norm(%s, %d, alpha=%s, beta=%s, k=%s)"):format(o.args[1], o.attributes.size,
    python.literal(o.attributes.alpha or 1e-4), python.literal(o.attributes.beta or 0.75),
    python.literal(o.attributes.bias or 1.0))
end

function ops.InstanceNormalization(o)
  return ("F.instance_norm(%s, weight=%s, bias=%s, eps=%s)"):format(o.args[1], o.args[2], o.args[3],
    python.literal(o.attributes.epsilon or 1e-5))
end

function ops.BatchNormalization(o)
  if o.attributes.training_mode == 1 or o.attributes.spatial == 0 then
    return nil, "it normalises otherwise than per channel at inference"
  end
  return ("F.batch_norm(%s, %s, %s, %s, %s, eps=%s)"):format(o.args[1], o.args[4], o.args[5], o.args[2],
    o.args[3], python.literal(o.attributes.epsilon or 1e-5))
end

-- Before version 21 scale and shift were one per group.
function ops.GroupNormalization(o)
  local groups, weights = o.attributes.num_groups, {}
  for k = 1, 2 do
    weights[k] = o.args[k + 1]
    if o.opset < 21 then
      weights[k] = ("%s.repeat_interleave(%d)"):format(weights[k], o.shape[2] // groups)
    end
  end
  return ("F.group_norm(%s, %d, %s, %s, eps=%s)"):format(o.args[1], groups, weights[1], weights[2],
    python.literal(o.attributes.epsilon or 1e-5))
end

function ops.LayerNormalization(o)
  local sizes = table.move(o.shape, axis(o, o.attributes.axis or -1) + 1, #o.shape, 1, {})
  return ("F.layer_norm(%s, %s, %s, %s, %s)"):format(o.args[1], python.literal(sizes), o.args[2],
    o.args[3] or "None", python.literal(o.attributes.epsilon or 1e-5))
end

-- --- pads and sizes ---

local PAD_MODES = { constant = "constant", reflect = "reflect", edge = "replicate" }

function ops.Pad(o)
  local pads, mode = operands.pads(o), PAD_MODES[o.attributes.mode or "constant"]
  local constant = o.constants[3]
  local value = o.attributes.value or constant and constant.values and constant.values[1] or 0
  if not pads then return nil, "its pads are not constant" end
  if not mode then return nil, ("PyTorch does not pad by '%s'"):format(o.attributes.mode) end
  local order, n = {}, #pads // 2
  for d = n, 1, -1 do table.move({ pads[d], pads[n + d] }, 1, 2, #order + 1, order) end
  -- Other modes than constants pad all dimensions after the channels, or also these.
  local least = mode == "constant" and 2 or math.max(2, 2 * (n - 2))
  while #order > least and order[#order] == 0 and order[#order - 1] == 0 do
    order[#order], order[#order - 1] = nil, nil
  end
  if mode ~= "constant" and #order > 2 * (n - 1) then return nil, "it pads the batch" end
  local tail = mode == "constant" and (value ~= 0 and ", value=" .. python.literal(value) or "")
    or (', mode="%s"'):format(mode)
  return ("F.pad(%s, %s%s)"):format(o.args[1], python.literal(order), tail)
end

local GRIDS = {
  linear = { half_pixel = "False", pytorch_half_pixel = "False", align_corners = "True" },
  cubic = { half_pixel = "False", align_corners = "True" },
}

-- The scale of each dimension, or nil where sizes are given; `axes` = those that there are scales of.
local function scales(o)
  local constant, list = o.constants[o.opset < 11 and 2 or 3], { 1, 1, 1, 1 }
  local given = o.attributes.scales or constant and constant.values
  if not given or #given == 0 then return nil end
  for i, scale in ipairs(given) do
    list[o.attributes.axes and axis(o, o.attributes.axes[i]) + 1 or i] = scale
  end
  return list
end

-- Scales say where samples lie, also where the sizes they give are rounded; else the sizes do.
local function ratio(o, d)
  local list = scales(o)
  return list and list[d] or o.shape[d] / o.from[1][d]
end

local function target(o)
  for d = 3, 4 do
    if o.from[1][d] * ratio(o, d) ~= o.shape[d] and scales(o) then
      return "scale_factor=" .. python.literal { ratio(o, 3), ratio(o, 4) }
    end
  end
  return ("size=(%d, %d)"):format(o.shape[3], o.shape[4])
end

-- Whether some sample lies half way between two pixels of a half-pixel grid.
local function ties(o)
  for d = 3, 4 do
    for i = 0, o.shape[d] - 1 do
      local at = (i + 0.5) / ratio(o, d)
      if at == math.floor(at) then return true end
    end
  end
  return false
end

-- The nearest of F.interpolate that rounds as the node, or nil.
local function nearest(o, grid)
  local rounding = o.attributes.nearest_mode or o.opset < 11 and "floor" or "round_prefer_floor"
  if grid == "asymmetric" then return rounding == "floor" and "nearest" or nil end
  local half_up = rounding == "round_prefer_ceil" or rounding == "round_prefer_floor" and not ties(o)
  return grid == "half_pixel" and half_up and "nearest-exact" or nil
end

-- ONNX has the only pixel of a pytorch_half_pixel grid in the corner.
local function lone_pixel(o, grid)
  for d = 3, 4 do
    if grid == "pytorch_half_pixel" and o.shape[d] == 1 and o.from[1][d] > 1 then return true end
  end
  return false
end

function ops.Resize(o)
  local a = o.attributes
  local mode, grid = a.mode or "nearest", a.coordinate_transformation_mode or "half_pixel"
  if o.type == "Upsample" or o.opset < 11 then grid = "asymmetric" end
  if rank(o) ~= 4 then return nil, "only images are resized" end
  if o.from[1][2] ~= o.shape[2] then return nil, "it resizes channels" end
  local stretch = (a.keep_aspect_ratio_policy or "stretch") == "stretch"
  if a.antialias == 1 or a.exclude_outside == 1 or a.cubic_coeff_a or not stretch then
    return nil, "PyTorch does not interpolate so"
  end
  local corners = GRIDS[mode] and GRIDS[mode][grid]
  if corners and not lone_pixel(o, grid) then
    return ('F.interpolate(%s, %s, mode="bi%s", align_corners=%s)'):format(o.args[1], target(o), mode,
      corners)
  end
  local native = mode == "nearest" and nearest(o, grid)
  if native then return ('F.interpolate(%s, %s, mode="%s")'):format(o.args[1], target(o), native) end
  return nil, ("PyTorch does not interpolate '%s' on a '%s' grid"):format(mode, grid)
end
ops.Upsample = ops.Resize

--- Handlers by ONNX op.
images.ops = ops

return images
