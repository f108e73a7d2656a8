-- The roofline against the published latencies, the specification's own figures and a plain sum.

local support = require "tests.lua.support"
local core = require "autogo.core"
local cost = require "autogo.cost"
local objective = require "autogo.objective"
local roofline = require "autogo.hardware.roofline"
local space = require "autogo.space"
local zoo = require "autogo.zoo"

local function latency(device, graph)
  local evaluator = cost.new(assert(objective.load("roofline:" .. device)))
  return evaluator:of(graph), evaluator
end

-- EDSR up to its upsampling, with the skip around all blocks: 34 convolutions, 16 ReLU, 17 adds.
local function edsr_body()
  local b = core.builder("edsr_body", "edsr")
  local x = b:input { 320, 180, 3 }
  local function conv(y)
    return b:conv(y, { kernel = 3, filters = 64, bias = true })
  end
  local first = conv(x)
  x = first
  for _ = 1, 16 do
    x = b:add(conv(b:relu(conv(x))), x)
  end
  b:output(b:add(conv(x), first))
  return b:build()
end

local function near(expected, got, tolerance)
  assert.is_true(math.abs(got / expected - 1) <= tolerance, ("%g is not near %g"):format(got, expected))
end

describe("the RTX 2080 Ti's roofline", function()
  it("is within 7 % of the four published latencies", function()
    for name, published in pairs { resnet50 = 7.18, resnet101 = 15.86, vgg16_bn = 4.65, edsr = 18.04 } do
      near(published, latency("rtx2080ti", zoo.build(name)), 0.07)
    end
  end)

  it("is within 1 % of the model as specified", function()
    near(7.66, latency("rtx2080ti", zoo.build "resnet50"), 0.01)
    near(15.14, latency("rtx2080ti", zoo.build "resnet101"), 0.01)
    near(4.88, latency("rtx2080ti", zoo.build "vgg16_bn"), 0.01)
    near(17.57, latency("rtx2080ti", edsr_body()), 0.01)
  end)

  it("counts ops as a framework issues them", function()
    for name, ops in pairs { resnet50 = 174, resnet101 = 344 } do
      local _, evaluator = latency("rtx2080ti", zoo.build(name))
      near(ops * 0.044, evaluator.parts[2]:of(zoo.build(name)), 1e-12)
    end
  end)
end)

describe("every roofline device", function()
  it("says where each of its numbers comes from", function()
    for _, name in ipairs(roofline.names) do
      local path = "lua/autogo/devices/roofline/" .. name .. ".json"
      local data = assert(core.json_decode(assert(core.read_file(path))))
      local numbers = { data.gbs, data.launch_us }
      for _, list in ipairs { data.tflops, data.efficiency } do
        for _, entry in pairs(list) do numbers[#numbers + 1] = entry end
      end
      for _, entry in ipairs(numbers) do
        assert.equal("number", type(entry.value), name)
        assert.is_true(#entry.source > 3, name)
      end
      assert.equal(name, data.name)
    end
  end)

  it("prices a network as the plain sum over its nodes", function()
    local graph = zoo.build "mobilenet_v2"
    for _, name in ipairs(roofline.names) do
      local device, busy, ops = assert(roofline.device(name)), 0, 0
      for _, node in graph:nodes() do
        local seconds, issued = roofline.time(device, node, "fp32")
        busy, ops = busy + seconds, ops + (issued and 1 or 0)
      end
      local launches = ops * device.launch
      local expected = device.kind == "cpu" and busy + launches or math.max(busy, launches)
      near(1e3 * expected, latency(name, graph), 1e-9)
    end
  end)

  it("never runs more work in less time", function()
    for _, name in ipairs(roofline.names) do
      assert.is_true(latency(name, zoo.build "resnet101") > latency(name, zoo.build "resnet50"))
      assert.is_true(latency(name, zoo.build "fsrcnn4") >= latency(name, zoo.build "fsrcnn3"))
    end
    local half, full = latency("a100-40g:fp16", edsr_body()), latency("a100-40g", edsr_body())
    assert.is_true(half <= full)
  end)
end)

describe("a combined objective", function()
  it("of children is that of the graphs made from them", function()
    local model = zoo.build "resnet18"
    local batch = assert(space.new({ ops = model:ops(), seed = 3 }):mutate({ model },
      { sources = 4, replacements = 20 }))
    local evaluator = cost.new(assert(objective.load "roofline:rtx2080ti-graph"))
    batch:cost(evaluator)
    assert.is_true(#batch > 20)
    for i = 1, #batch, 7 do
      near(evaluator:of(batch:graph(i)), batch:column(evaluator.name)[i], 1e-9)
    end
  end)

  it("is not measured where a part is not, and refuses parts that are no sums", function()
    local part = objective.per_node { name = "a", eval = function(node)
      if node.op ~= "relu" then return 1 end
    end }
    local made = objective.combined { name = "b", parts = { part }, eval = math.max }
    assert.is_nil(cost.new(made):of(zoo.build "resnet18"))
    local good, why = pcall(objective.combined, { name = "b", parts = {}, eval = math.max })
    assert.is_false(good)
    assert.matches("parts: a list of objectives expected", why)
    good, why = pcall(objective.combined, { name = "b", parts = { made }, eval = math.max })
    assert.is_false(good)
    assert.matches("parts: per%-node objectives expected", why)
  end)
end)

describe("bad devices", function()
  local function message(text)
    local path = support.temporary(text, ".json")
    finally(function() os.remove(path) end)
    local made, why = objective.load("roofline:" .. path)
    assert.is_nil(made)
    assert.equal(path, why:sub(1, #path))
    return why:sub(#path + 3)
  end
  local function device(changes)
    local data = { format = "autogo-roofline", version = 1, name = "mine", kind = "cpu",
      tflops = { fp32 = 1 }, gbs = 10, launch_us = 1,
      efficiency = { conv = 0.5, matmul = 0.5, depthwise = 0.1, bytes = 0.7 } }
    for key, value in pairs(changes) do data[key] = value end
    return core.json_encode(data)
  end

  it("are refused by file and field", function()
    assert.equal("gbs: a number above 0 expected, got 0", message(device { gbs = 0 }))
    assert.equal("launch_us: a number above 0 expected, got none", message(device { launch_us = "none" }))
    assert.equal("tflops.fp32 is missing", message(device { tflops = { fp16 = 1 } }))
    assert.equal("efficiency.bytes is missing",
      message(device { efficiency = { conv = 1, matmul = 1, depthwise = 1 } }))
    assert.equal("kind: 'gpu' or 'cpu' expected, got tpu", message(device { kind = "tpu" }))
    assert.matches("this is no roofline device", message "{}")
    assert.matches("unknown roofline device 'abacus'; known are rtx2080ti",
      select(2, objective.load "roofline:abacus"))
    assert.equal("roofline device 'raspi4' has no fp16 arithmetic",
      select(2, objective.load "roofline:raspi4:fp16"))
  end)
end)

describe("a time limit", function()
  it("ends an objective that hangs", function()
    local stuck = objective.per_node { name = "stuck", limit = 0.05, eval = function()
      while true do end
    end }
    local good, why = pcall(function() cost.new(stuck):of(zoo.build "resnet18") end)
    assert.is_false(good)
    assert.matches("^objective 'stuck': a call took longer than its limit of 0.05 s", why)
    assert.is_nil(debug.gethook())
  end)

  it("ends one that catches errors and goes on", function()
    local stubborn = objective.per_graph { name = "stubborn", limit = 0.05, eval = function()
      while true do
        pcall(function() while true do end end)
      end
    end }
    local good, why = pcall(function() cost.new(stubborn):of(zoo.build "resnet18") end)
    assert.is_false(good)
    assert.matches("^objective 'stubborn': a call took longer", why)
    assert.is_nil(debug.gethook())
  end)

  it("is given to objectives from files", function()
    local path = support.temporary("return { name = 'a', eval = function() return 1 end }", ".lua")
    finally(function() os.remove(path) end)
    assert.equal(60, objective.load(path).limit)
  end)
end)
