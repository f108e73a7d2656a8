-- Kernels and tables of them: every child of a search priced, estimates exact where latency is a power
-- law, and every refusal.

local support = require "tests.lua.support"
local core = require "autogo.core"
local cost = require "autogo.cost"
local kernel_table = require "autogo.hardware.kernel_table"
local kernels = require "autogo.hardware.kernels"
local objective = require "autogo.objective"
local space = require "autogo.space"
local zoo = require "autogo.zoo"

local HEADER = "op,in_h,in_w,in_c,out_c,kh,kw,stride,groups,dtype,median_ms,p90_ms,n\n"

local function conv(size, from, to, ms)
  return { op = "conv", in_h = size, in_w = size, in_c = from, out_c = to, kh = 3, kw = 3, stride = "1",
    groups = 1, dtype = "fp32", median_ms = ms }
end

local function parsed(list)
  return assert(kernel_table.parse(kernels.csv(list), "t.csv"))
end

local function near(expected, got)
  assert.is_true(got and math.abs(got / expected - 1) < 1e-12, ("%s is not %s"):format(got, expected))
end

-- Run f with standard error in a string.
local function silently(f)
  local lines, real = {}, io.stderr
  io.stderr = { write = function(_, ...) lines[#lines + 1] = table.concat { ... } end } -- luacheck: ignore
  local good, why = pcall(f)
  io.stderr = real -- luacheck: ignore
  assert(good, why)
  return table.concat(lines)
end

describe("kernels", function()
  it("of a network are distinct, and cover every node that runs", function()
    local graph = zoo.build "unet_denoise"
    local list, known = kernels.of_graph(graph), {}
    for _, kernel in ipairs(list) do
      assert.is_nil(known[kernels.key(kernel)])
      known[kernels.key(kernel)] = true
    end
    for _, node in graph:nodes() do
      local kernel = kernels.of_node(node, "fp32")
      assert.is_true(kernel == nil or known[kernels.key(kernel)])
    end
  end)

  it("of a search hold those of its children", function()
    local model, known = zoo.build "fsrcnn3", {}
    for _, kernel in ipairs(assert(kernels.of_search(model, {
      iterations = 1, seed = 5, sources = 5, replacements = 20, ops = "input",
    }))) do
      known[kernels.key(kernel)] = true
    end
    local batch = assert(space.new({ ops = model:ops(), seed = 5 }):mutate({ (model:canonical()) },
      { sources = 5, replacements = 20 }))
    local met, all = 0, 0
    core.prices():column(batch, function(node)
      local kernel = kernels.of_node(node, "fp32")
      if kernel then
        all = all + 1
        met = met + (known[kernels.key(kernel)] and 1 or 0)
      end
      return 0
    end)
    assert.equal(all, met)
  end)

  it("are networks of one node each, which have that kernel", function()
    for _, name in ipairs { "resnet18", "mobilenet_v2", "densenet121", "unet_denoise", "vgg16_bn" } do
      for _, kernel in ipairs(kernels.of_graph(zoo.build(name))) do
        local graph = assert(kernels.network(kernel))
        if kernel.op ~= "concat" or kernel.in_c % 2 == 0 then
          local own = kernels.of_graph(graph)
          assert.equal(1, #own)
          assert.equal(kernels.key(kernel), kernels.key(own[1]))
        end
      end
    end
  end)

  it("say what a node is: dilation, joins, concat", function()
    local b = core.builder("k", "test")
    local x = b:input { 8, 8, 4 }
    local y = b:conv(x, { kernel = 3, filters = 4, dilation = 2 })
    local z = b:concat(y, b:relu(y))
    b:output(z)
    local keys = {}
    for _, kernel in ipairs(kernels.of_graph(b:build())) do keys[#keys + 1] = kernels.key(kernel) end
    assert.same({ "conv@2,8,8,4,4,3,3,1,1,fp32", "relu,8,8,4,4,0,0,1,1,fp32",
      "concat,8,8,8,8,0,0,1,1,fp32" }, keys)
  end)
end)

describe("a table of kernels", function()
  it("prices a network as the sum over its nodes", function()
    local graph, expected, ms = zoo.build "resnet18", 0, {}
    local list = kernels.of_graph(graph)
    for i, kernel in ipairs(list) do
      kernel.median_ms = 0.5 + i / 8
      ms[kernels.key(kernel)] = kernel.median_ms
    end
    for _, node in graph:nodes() do
      local kernel, times = kernels.of_node(node, "fp32")
      expected = expected + (kernel and times * ms[kernels.key(kernel)] or 0)
    end
    local path = support.temporary(kernels.csv(list), ".csv")
    finally(function() os.remove(path) end)
    local made = assert(objective.load("table:" .. path))
    assert.equal("ms", made.unit)
    near(expected, cost.new(made):of(graph))
  end)

  it("is exact between points where latency is a power law", function()
    local function law(size, from, to) return 3e-7 * (size * size) ^ 0.9 * from ^ 0.8 * to ^ 0.7 end
    local list = {}
    for _, point in ipairs { { 16, 16, 16 }, { 32, 16, 16 }, { 64, 16, 16 }, { 32, 32, 16 },
      { 32, 16, 32 } } do
      list[#list + 1] = conv(point[1], point[2], point[3], law(table.unpack(point)))
    end
    local t = parsed(list)
    for _, wanted in ipairs { { 24, 16, 16 }, { 48, 16, 16 }, { 12, 16, 16 }, { 80, 16, 16 },
      { 32, 24, 16 }, { 32, 16, 24 }, { 32, 40, 16 } } do
      local ms, from = kernel_table.find(t, conv(table.unpack(wanted)))
      near(law(table.unpack(wanted)), ms)
      assert.equal(2, #from)
    end
    local ms, from = kernel_table.find(t, conv(32, 16, 16))
    near(law(32, 16, 16), ms)
    assert.is_nil(from)
  end)

  it("goes up a step in channels, never down", function()
    local t = parsed { conv(32, 16, 16, 1), conv(32, 32, 16, 7) }
    local ms, from = kernel_table.find(t, conv(32, 17, 16)) -- of no remainder that was measured
    assert.equal(7, ms)
    assert.equal(32, from[1].in_c)
    assert.is_nil((kernel_table.find(t, conv(32, 33, 16))))
  end)

  it("interpolates between the same remainders of the device's granule only", function()
    local list = { conv(32, 16, 16, 1), conv(32, 32, 16, 2) }
    local text = "# granule 16\n" .. kernels.csv(list)
    local coarse = assert(kernel_table.parse(text, "t.csv"))
    assert.equal(2, (kernel_table.find(coarse, conv(32, 24, 16))))
    near(2 ^ (math.log(1.5) / math.log(2)), (kernel_table.find(parsed(list), conv(32, 24, 16))))
  end)

  it("estimates nothing across ops, windows, strides, groups or types, nor far away", function()
    local t = parsed { conv(16, 16, 16, 1), conv(32, 16, 16, 2) }
    for field, value in pairs {
      op = "transposedconv", kh = 5, kw = 1, stride = "2", groups = 2, dtype = "fp16",
    } do
      local wanted = conv(24, 16, 16)
      wanted[field] = value
      assert.is_nil((kernel_table.find(t, wanted)))
    end
    assert.is_nil((kernel_table.find(t, conv(46, 16, 16)))) -- more than twice the area
    assert.is_number((kernel_table.find(t, conv(45, 16, 16))))
    assert.is_nil((kernel_table.find(t, conv(11, 16, 16))))
    assert.is_nil((kernel_table.find(t, conv(24, 16, 64)))) -- two axes away
    local apart = parsed { conv(16, 16, 16, 1), conv(64, 16, 16, 2) }
    assert.is_nil((kernel_table.find(apart, conv(32, 16, 16))))
  end)

  it("warns with the key and both points", function()
    local graph = zoo.build "edsr"
    local list = kernels.of_graph(graph)
    local rest = {}
    for _, kernel in ipairs(list) do
      for _, width in ipairs { 160, 200 } do
        local point = {}
        for key, value in pairs(kernel) do point[key] = value end
        point.in_w, point.median_ms = width, width / 4
        rest[#rest + 1] = point
      end
    end
    local path = support.temporary(kernels.csv(rest), ".csv")
    finally(function() os.remove(path) end)
    local said = silently(function()
      near(65 * 45, cost.new(assert(objective.load("table:" .. path))):of(graph))
    end)
    assert.matches("warning: .*: conv,320,180,64,64,3,3,1,1,fp32 estimated as 45 ms from "
      .. "conv,320,160,64,64,3,3,1,1,fp32 %(40 ms%) and conv,320,200,64,64,3,3,1,1,fp32 %(50 ms%)", said)
  end)

  it("without a kernel of the input is refused, with the key; a child without one is passed over", function()
    local graph = zoo.build "edsr"
    local path = support.temporary(kernels.csv { conv(320, 64, 64, 1) }, ".csv")
    finally(function() os.remove(path) end)
    local made = assert(objective.load("table:" .. path))
    local good, why = pcall(function() cost.new(made):of(graph) end)
    assert.is_false(good)
    assert.matches("no kernel conv,320,180,64,64,3,3,1,1,fp32, nor any near enough; autogo kernels MODEL "
      .. "%-%-csv lists what to measure$", why)
    silently(function()
      assert.is_nil(made.eval { op = "relu", h_in = 1, w_in = 1, c_in = 1, c_out = 1, stride = { 1, 1 },
        dilation = { 1, 1 }, groups = 1, inputs = 1 })
    end)
  end)

  it("that is broken is refused by line and column", function()
    local function message(text)
      return select(2, kernel_table.parse(text, "t.csv"))
    end
    assert.matches("^t.csv:1: column op is missing", message "a,b\n")
    assert.equal("t.csv:2: in_h: a whole number expected, got 'x'",
      message(HEADER .. "conv,x,1,1,1,1,1,1,1,fp32,1,,\n"))
    assert.equal("t.csv:2: median_ms: milliseconds above 0 expected, got '-1'",
      message(HEADER .. "conv,1,1,1,1,1,1,1,1,fp32,-1,,\n"))
    assert.equal("t.csv:3: the kernel conv,1,1,1,1,1,1,1,1,fp32 stands here twice",
      message(HEADER .. ("conv,1,1,1,1,1,1,1,1,fp32,1,,\n"):rep(2)))
    local path = support.temporary(HEADER .. "conv,1,1,1,1,1,1,1,1,fp32,,,\n", ".csv")
    finally(function() os.remove(path) end)
    assert.matches("no kernel has a median_ms", select(2, objective.load("table:" .. path)))
    assert.matches("cannot open", select(2, objective.load "table:none.csv"))
  end)
end)

describe("autogo kernels", function()
  it("prints a table that parses, and a summary", function()
    local code, out = support.autogo "kernels fsrcnn3 --own --csv"
    assert.equal(0, code)
    assert.equal(HEADER, out:sub(1, #HEADER))
    assert.equal(1 + #kernels.of_graph(zoo.build "fsrcnn3"), select(2, out:gsub("\n", "\n")))
    code, out = support.autogo "kernels lua/autogo/assets/segments.agdb"
    assert.equal(0, code)
    assert.matches("in all", out)
  end)
end)
