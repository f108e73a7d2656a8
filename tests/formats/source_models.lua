-- Networks to write as source code, each with what its source must agree with.
--
--   autogo run tests/formats/source_models.lua DIR SUFFIX SET...
--
-- SETs are networks of the zoo and files (with @HxW for another size of input), `ops` (every op by
-- itself), `old_ops` (those ONNX could say in operator set 7) and `evolved:MODEL:COUNT`. Per network DIR
-- gets NAME.onnx and NAMESUFFIX of the same seed, and a line in DIR/list: NAME, parameters, output shapes
-- in the form of ONNX.
local ag = require "autogo"
local core = require "autogo.core"
local forms = require "autogo.formats.forms"

local folder, suffix = arg[1], arg[2]
local lines = {}
local CHANNELS = { edsr = 64, fsrcnn3 = 1, fsrcnn4 = 1, unet_denoise = 1 } -- of inputs that are no RGB

local function write(graph, name)
  assert(graph:save(folder .. "/" .. name .. ".onnx", { seed = 3 }))
  assert(graph:save(folder .. "/" .. name .. suffix, { seed = 3 }))
  local shapes, list = {}, forms.plan(graph)
  for i, node in graph:nodes() do
    if node.op == "output" then shapes[#shapes + 1] = table.concat(list[i], "x"):gsub("^%-1", "1") end
  end
  lines[#lines + 1] = ("%s %d %s"):format(name, graph.params, table.concat(shapes, " "))
end

-- Each op, in all its kinds, as an output of one network.
local function every_op(old)
  local b = core.builder "ops"
  local x = b:input { 17, 14, 8 }
  local gate = b:mean(x)
  local function out(y) b:output(y) end
  for _, padding in ipairs { "same", "same_lower", "valid", { 2, 1, 0, 1 }, { 1, 1, 1, 1 } } do
    for _, stride in ipairs { 1, 2 } do
      local window = { kernel = 3, stride = stride, padding = padding }
      for _, op in ipairs { "depthwise", "maxpool", "avgpool" } do out(b[op](b, x, window)) end
      window.filters, window.bias = 6, true
      out(b:conv(x, window))
      window.groups = 2
      out(b:conv(x, window))
    end
  end
  out(b:conv(x, { filters = 6, kernel = { 1, 3 }, dilation = 2 }))
  out(b:conv(x, { filters = 6, kernel = 3, channels = 5 }))
  out(b:add(b:conv(x, { filters = 6, kernel = 1 }), b:relu(x), { channels = 6 }))
  out(b:maxpool(x, { kernel = 3, stride = 2, padding = "valid", ceil = true }))
  out(b:avgpool(x, { kernel = 3, stride = 2, padding = "valid", ceil = true }))
  out(b:avgpool(x, { kernel = 3, stride = 2, padding = "same", count_pads = true }))
  out(b:avgpool(x, { kernel = 3, stride = 1, padding = { 1, 1, 1, 1 }, count_pads = true }))
  for op in ([[batchnorm relu relu6 sigmoid tanh swish gelu hardswish hardsigmoid prelu softmax mean
    identity zero]]):gmatch "%w+" do
    if not (old and op == "gelu") then out(b[op](b, x)) end
  end
  out(b:leakyrelu(x, { alpha = 0.2 }))
  out(b:add(x, x))
  out(b:mul(x, b:sigmoid(gate)))
  out(b:mul(b:sigmoid(gate), x))
  out(b:concat(x, b:relu(x), x))
  out(b:channel_shuffle(x, { groups = 4 }))
  out(b:depth_to_space(x, { ratio = 2 }))
  out(b:depth_to_space(x, { ratio = 2, align = true }))
  out(b:space_to_depth(b:pad(x, { padding = { 1, 0, 2, 2 } }), { ratio = 2 }))
  out(b:resize(x, { ratio = { 2, 3 } }))
  if not old then out(b:resize(x, { ratio = 2, linear = true })) end
  if suffix ~= ".keras.py" and not old then -- Keras has none of these
    out(b:resize(x, { ratio = 2, linear = true, align = true }))
    out(b:maxpool(x, { kernel = 3, padding = "same", dilation = 2 }))
  end
  if suffix ~= ".keras.py" then
    out(b:transposed_conv(x, { filters = 6, kernel = 4, stride = 2, groups = 2, bias = true }))
  end
  out(b:transposed_conv(x, { filters = 5, kernel = 3, stride = 2, bias = true }))
  out(b:transposed_conv(x, { filters = 5, kernel = 9, stride = 3, bias = true }))
  out(b:conv(b:matmul(gate, { units = 12, bias = true }), { filters = 4, kernel = 1 }))
  out(b:matmul(x, { units = 12, bias = true }))
  out(b:matmul(gate, { units = 12 }))
  out(b:flatten(x))
  return assert(b:build())
end

-- A network, and what files of it are called.
local function load(model)
  local name, h, w = model:match "^(.+)@(%d+)x(%d+)$"
  local input = h and { tonumber(h), tonumber(w), CHANNELS[name] or 3 }
  name = name or model
  return assert(ag.load(name, { input = input })), (name:gsub(".*/", ""):gsub("%.%w+$", ""):gsub("%W", "_"))
end

-- Members of a front, and if they are too few those of the next seed's.
local function evolved(model, count)
  local graph, name = load(model)
  local seed, done = 0, 0
  while done < count do
    seed = seed + 1
    local front = assert(ag.evolve(graph, {
      iterations = 2, parents = 3, sources = 4, replacements = 20, seed = seed, threads = 1,
    }))
    for _, member in ipairs(front) do
      if done < count and member.generation > 0 then
        done = done + 1
        write(member.graph, ("evolved_%s_%d"):format(name, done))
      end
    end
    assert(seed < 20, model .. ": nothing was found")
  end
end

for i = 3, #arg do
  local model, count = arg[i]:match "^evolved:(.*):(%d+)$"
  if model then
    evolved(model, tonumber(count))
  elseif arg[i] == "ops" then
    write(every_op(false), "ops")
  elseif arg[i] == "old_ops" then
    write(every_op(true), "old_ops")
  else
    write(load(arg[i]))
  end
end
assert(core.write_file(folder .. "/list", table.concat(lines, "\n") .. "\n"))
