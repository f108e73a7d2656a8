-- Seeds in the project's own formats: autogo run tests/fuzz/seeds.lua KIND FOLDER
local ag = require "autogo"
local core = require "autogo.core"

local KIND, FOLDER = arg[1], arg[2]
local count = 0

local function path()
  count = count + 1
  return ("%s/seed%d"):format(FOLDER, count)
end

local function write(bytes)
  assert(core.write_file(path(), bytes))
end

-- A network with one of everything that an op can have.
local function every_op()
  local b = core.builder "ops"
  local x = b:input { 17, 14, 8 }
  local gate = b:mean(x)
  for i, padding in ipairs { "same", "same_lower", "valid", { 2, 1, 0, 1 } } do
    b:output(b:depthwise(x, { kernel = 3, stride = i % 2 + 1, padding = padding }))
    b:output(b:avgpool(x, { kernel = 3, stride = i % 2 + 1, padding = padding, count_pads = true }))
  end
  b:output(b:conv(x, { filters = 6, kernel = { 1, 3 }, dilation = 2, groups = 2, bias = true }))
  b:output(b:conv(x, { filters = 6, kernel = 3, channels = 5 }))
  b:output(b:maxpool(x, { kernel = 3, stride = 2, padding = "valid", ceil = true }))
  for _, op in ipairs { "batchnorm", "relu6", "swish", "hardsigmoid", "prelu", "softmax", "zero" } do
    b:output(b[op](b, x))
  end
  b:output(b:leakyrelu(x, { alpha = 0.2 }))
  b:output(b:mul(x, b:sigmoid(gate)))
  b:output(b:concat(x, b:add(x, x), x))
  b:output(b:channel_shuffle(x, { groups = 4 }))
  b:output(b:depth_to_space(x, { ratio = 2, align = true }))
  b:output(b:space_to_depth(b:pad(x, { padding = { 1, 0, 2, 2 } }), { ratio = 2 }))
  b:output(b:resize(x, { ratio = 2, linear = true }))
  b:output(b:transposed_conv(x, { filters = 5, kernel = 3, stride = 2, bias = true }))
  b:output(b:conv(b:matmul(gate, { units = 12 }), { filters = 4, kernel = 1 }))
  return assert(b:build())
end

local function cells()
  local graphs = {}
  for i, genotype in ipairs { "00000000", "12012012", "22222222" } do
    graphs[i] = ag.family.nb_macro.build(genotype):canonical()
  end
  return graphs
end

-- See tests/fuzz/tensors.h.
local function header_of(file)
  local length = string.unpack("<I8", file)
  return "h" .. string.pack("<I4", #file - 8 - length) .. file:sub(9, 8 + length)
end

local makers = {}

function makers.cg_json()
  assert(every_op():save_json(path()))
  assert(ag.load("fsrcnn3"):save_json(path()))
  assert(ag.load("unet_denoise"):save_json(path()))
end

function makers.onnx()
  assert(every_op():save_onnx(path(), { weights = false }))
  assert(ag.load("fsrcnn3"):save_onnx(path(), { seed = 1 }))
  assert(ag.load("unet_denoise"):save_onnx(path(), { weights = false }))
end

function makers.tokenizer()
  for _, size in ipairs { 1, 40, 200 } do
    assert(assert(core.train_tokenizer(cells(), { vocab = size })):save(path()))
  end
end

function makers.agdb()
  for _, size in ipairs { 1, 40 } do
    local tokenizer = assert(core.train_tokenizer(cells(), { vocab = size }))
    assert(assert(core.mine(cells(), tokenizer)):save(path()))
  end
end

function makers.safetensors()
  local small = [[{"__metadata__":{"kind":"psc"},"a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},]]
    .. [["b":{"dtype":"F64","shape":[],"data_offsets":[8,16]}}]]
  write("r" .. string.pack("<I8", #small) .. small .. ("\0"):rep(16))
  write("h" .. string.pack("<I4", 16) .. small)
  for _, name in ipairs { "predictor", "predictor_gnn" } do
    write(header_of(assert(core.read_file("lua/autogo/assets/" .. name .. ".safetensors"))))
  end
end

function makers.checkpoint()
  local graphs, file = cells(), path()
  local samples = {}
  for i, graph in ipairs(graphs) do
    samples[i] = { graph = graph, target = i, family = "nb_macro" }
  end
  assert(core.train {
    samples = samples, valid = samples, tokenizer = assert(core.train_tokenizer(graphs, {})),
    epochs = 1, every = 1, checkpoint = file,
  })
  write(header_of(assert(core.read_file(file))))
  os.remove(file)
end

function makers.resolve()
  write(([=[[{"nodes":[{"op":"conv","in":[32,32,16],"out":[16,16,32],"strides":[2,2]},]=]
    .. [[{"op":"concat","in":[16,16,32],"out":[16,16,40]},{"op":"relu","in":[16,16,40],"out":[16,16,40]}],]]
    .. [=["edges":[[0,1],[1,2]],"targets":{"2":[16,16,40]},"feasible":true,"objective":96}]]=]))
  local shared = os.getenv "SHARED" or "../shared"
  local published = core.read_file(shared .. "/data/resolve/published_instances.json")
  for i, problem in ipairs(published and core.json_decode(published) or {}) do
    if i % 8 == 1 then
      write(core.json_encode { problem })
    end
  end
end

function makers.script_json()
  write [[{"version":1,"event":"iteration","iteration":3,"front":[{"rank":0,"score":-1.5e-3}],"x":null}]]
  write [=[[[],{},[null,true,false],"\u00e9\n\ud83d\ude00",9007199254740993,0.1]]=]
end

makers[KIND]()
