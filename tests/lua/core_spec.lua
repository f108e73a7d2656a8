-- The binding: arguments, results and lifetimes of autogo.core. What the library computes is
-- tested beside the library; here it is enough that the right thing crosses the border.

require "tests.lua.support"
local ag = require "autogo"
local core = require "autogo.core"
local expect = require "tests.lua.expect"
local raises, fails = expect.raises, expect.fails

local function temporary() return expect.temporary(finally) end

-- A small residual network.
local function network(blocks, channels, name)
  local b = core.builder(name or "net", "test")
  local x = b:conv(b:input { 32, 32, 3 }, { filters = channels, kernel = 3 })
  for _ = 1, blocks do
    local y = b:relu(b:batchnorm(b:conv(x, { filters = channels, kernel = 3 })))
    y = b:batchnorm(b:conv(y, { filters = channels, kernel = { 1, 3 } }))
    x = b:relu(b:add(x, y))
  end
  b:output(b:matmul(b:mean(x), { units = 10, bias = true }))
  return b:build()
end

describe("Builder", function()
  it("infers shapes as the formulas say", function()
    local b = core.builder "shapes"
    local x = b:input { 33, 17, 3 }
    assert.equal(0, x)
    local function shape(id)
      return table.concat(b:shape(id), "x")
    end
    assert.equal("17x9x8", shape(b:conv(x, { filters = 8, kernel = 3, stride = 2 })))
    assert.equal("31x15x8", shape(b:conv(x, { filters = 8, kernel = 3, padding = "valid" })))
    assert.equal("33x16x8", shape(b:conv(x, { filters = 8, kernel = { 1, 2 }, padding = "valid" })))
    assert.equal("35x19x8", shape(b:conv(x, { filters = 8, kernel = 3, padding = { 2, 2, 2, 2 } })))
    assert.equal("29x13x8", shape(b:conv(x, { filters = 8, kernel = 3, dilation = 2, padding = "valid" })))
    assert.equal("17x9x3", shape(b:maxpool(x, { kernel = 3, stride = 2 })))
    assert.equal("16x8x3", shape(b:avgpool(x, { kernel = 2, stride = 2, padding = "valid" })))
    assert.equal("17x9x3", shape(b:maxpool(x, { kernel = 2, stride = 2, padding = "valid", ceil = true })))
    assert.equal("33x17x3", shape(b:depthwise(x, { kernel = 5 })))
    assert.equal("33x17x9", shape(b:concat { x, x, x }))
    assert.equal("33x17x9", shape(b:concat(x, x, x)))
    assert.equal("1x1x3", shape(b:mean(x)))
    assert.equal("1x1x10", shape(b:matmul(b:mean(x), { units = 10 })))
    local y = b:conv(x, { filters = 12, kernel = 1 })
    assert.equal("66x34x3", shape(b:depth_to_space(y, { ratio = 2 })))
  end)

  it("gives nodes the attributes asked for", function()
    local b = core.builder("attributes", "family")
    local x = b:input({ 8, 8, 16 }, { name = "data" })
    x = b:node("conv", { x }, { kernel = { 3, 5 }, stride = { 2, 1 }, groups = 4, filters = 8, bias = true })
    x = b:leakyrelu(x, { alpha = 0.25 })
    b:output(x)
    b:normalisers { 32, 64, 128 }
    b:dynamic_batch(true)
    local g = b:build()
    local n = g:node(1)
    assert.same({ 3, 5 }, n.kernel)
    assert.same({ 2, 1 }, n.stride)
    assert.equal(4, n.groups)
    assert.is_true(n.bias)
    assert.equal("same", n.padding)
    assert.equal(3 * 5 * (16 / 4) * 8 * 4 * 8, n.macs)
    assert.equal(3 * 5 * (16 // 4) * 8 + 8, n.params)
    assert.same({ 0 }, n.operands)
    assert.same({ 2 }, n.users)
    assert.equal(0.25, g:node(2).alpha)
    assert.equal("data", g:node(0).name)
    assert.is_nil(n.name)
    assert.same({ 32, 64, 128 }, g.normalisers)
    assert.is_true(g.dynamic_batch)
    assert.equal("attributes", g.name)
    assert.equal("family", g.family)
  end)

  it("keeps operand order and repetition", function()
    local b = core.builder "twice"
    local x = b:input { 4, 4, 2 }
    local y = b:relu(x)
    b:output(b:concat(y, x, y))
    local n = b:build():node(2)
    assert.same({ 1, 0, 1 }, n.operands)
    assert.equal(2, n.inputs)
  end)

  it("raises where arguments make no sense", function()
    local b = core.builder "bad"
    local x = b:input { 8, 8, 4 }
    raises("#1 string expected", core.builder)
    raises("shape {H, W, C}", b.input, b, { 8, 8 })
    raises("shape positive integers", b.input, b, { 8, 8, 0 })
    raises("shape positive integers", b.input, b, { 8, 8, 1.5 })
    raises("no op 'convolution'", b.node, b, "convolution", { x })
    raises("id of a node expected got 7", b.relu, b, 7)
    raises("id of a node expected got 0.5", b.relu, b, 0.5)
    raises("id of a node expected", b.add, b, x, nil, x)
    raises("table expected", b.relu, b, "x")
    raises("unknown option 'filter' filters", b.conv, b, x, { filter = 3 })
    raises("unknown option", b.conv, b, x, { 3, kernel = 3 })
    raises([['filters' positive integer got "3"]], b.conv, b, x, { filters = "3" })
    raises("'filters' positive integer got 0", b.conv, b, x, { filters = 0 })
    raises("'kernel' 2 integers", b.conv, b, x, { filters = 3, kernel = { 1, 2, 3 } })
    raises("'padding' \"same\" got \"most\"", b.conv, b, x, { filters = 3, padding = "most" })
    raises("'padding' 4 integers", b.conv, b, x, { filters = 3, padding = { 1, 1 } })
    raises("'bias' boolean got 1", b.conv, b, x, { filters = 3, bias = 1 })
    raises("'name' string", b.conv, b, x, { filters = 3, name = 1 })
    assert.equal(1, b:relu(x)) -- none of these ended it
  end)

  it("raises at the node that does not fit, and is closed", function()
    local b = core.builder "misfit"
    local x = b:input { 8, 8, 4 }
    local y = b:conv(x, { filters = 5, kernel = 3 })
    raises("add", b.add, b, x, y)
    raises("Builder is closed", b.relu, b, x)
    b = core.builder "too large a window"
    local options = { filters = 1, kernel = 3, padding = "valid", name = "the_name" }
    raises("the_name", b.conv, b, b:input { 2, 2, 1 }, options)
  end)

  it("raises on a graph without an output, or with a dead end", function()
    local b = core.builder "none"
    b:input { 8, 8, 4 }
    raises("output", b.build, b)
    raises("closed", b.build, b)
    b = core.builder "dead"
    local x = b:input { 8, 8, 4 }
    b:relu(x, { name = "forgotten" })
    b:output(x)
    raises("forgotten", b.build, b)
  end)
end)

describe("Graph", function()
  it("has fields, counts and iterators", function()
    local g = network(2, 8)
    assert.equal(#g, g.size)
    assert.equal(19, g.size)
    assert.equal(20, g.edges)
    assert.same(
      { input = 1, conv = 5, batchnorm = 4, relu = 4, add = 2, mean = 1, matmul = 1, output = 1 },
      g:ops()
    )
    local macs = 32 * 32 * 8 * (27 + 2 * (9 * 8 + 3 * 8))
    assert.same({ conv = macs, depthwise = 0, matmul = 80 }, g:macs())
    assert.equal(8 * (27 + 2 * (9 * 8 + 3 * 8)) + 4 * 16 + 80 + 10, g.params)
    local flops, params, positions = 0, 0, 0
    for i, n in g:nodes() do
      assert.equal(positions, i)
      assert.equal(i, n.position)
      positions, flops, params = positions + 1, flops + n.flops, params + n.params
    end
    assert.equal(g.size, positions)
    assert.equal(g.flops, flops)
    assert.equal(g.params, params)
    assert.same({ 32, 32, 3 }, g:input())
    assert.same({ 1, 1, 10 }, g:output())
    assert.is_true(g:check())
    assert.is_false(g.dynamic_batch)
    assert.is_nil(g.normalisers)
    assert.is_nil(g.unknown)
    assert.truthy(tostring(g):find("net (19 nodes", 1, true))
  end)

  it("is read-only and checks positions", function()
    local g = network(1, 8)
    raises("autogo.Graph read-only 'size'", function()
      g.size = 3
    end)
    raises("outside 0 to", g.node, g, g.size)
    raises("outside 0 to", g.node, g, -1)
    raises("number expected", g.node, g)
    raises("autogo.Graph expected got table", g.node, {}, 1)
    assert.equal("autogo.Graph", getmetatable(g))
  end)

  it("can be closed early", function()
    local kept
    do
      local g <close> = network(1, 8)
      kept = g
    end
    raises("autogo.Graph is closed", function()
      return kept.size
    end)
    assert.equal("autogo.Graph (closed)", tostring(kept))
  end)
end)

describe("Segment", function()
  it("is a range with its ports", function()
    local g = network(1, 8)
    local s = core.cut(g, 2, 7) -- conv to the batch norm before the add
    assert.equal(5, #s)
    assert.equal(2, s.first)
    assert.equal(7, s.last)
    assert.equal(1, s.inputs)
    assert.equal(1, s.outputs)
    assert.same({ from = { { 32, 32, 8 } }, to = { { 32, 32, 8 } } }, s:shapes())
    assert.equal("conv 3x3, batchnorm, relu, conv 1x3, batchnorm", s:label())
    assert.same({ -1 }, s:node(0).operands)
    assert.same({ 0 }, s:node(1).operands)
    local flops = 0
    for i = 2, 6 do
      flops = flops + g:node(i).flops
    end
    assert.equal(flops, s.flops)
    raises("outside", core.cut, g, 3, 3)
    raises("outside", core.cut, g, 3, g.size + 1)
    raises("outside", core.cut, g, -1, 3)
  end)

  it("spliced back where it was cut gives the same graph", function()
    local g = network(3, 8)
    for first = 1, g.size - 2 do
      for last = first + 1, math.min(first + 5, g.size - 1) do
        local child = assert(g:splice(first, last, core.cut(g, first, last)))
        assert.is_true(child:check())
        assert.equal(g.flops, child.flops)
        assert.equal(g.size, child.size)
      end
    end
  end)

  it("does not fit everywhere", function()
    local g, other = network(1, 8), network(1, 16)
    fails("", g:splice(2, 7, core.cut(other, 2, 7)))
    raises("port numbers", g.splice, g, 2, 7, core.cut(g, 2, 7), { 2 })
    raises("1 port numbers expected", g.splice, g, 2, 7, core.cut(g, 2, 7), { 1, 1 })
    raises("autogo.Segment expected", g.splice, g, 2, 7, g)
  end)
end)

describe("Tokenizer", function()
  local graphs = {}
  for i = 1, 6 do
    graphs[i] = network(i, 8)
  end

  it("covers every graph with its segments", function()
    local t = assert(core.train_tokenizer(graphs, { vocab = 40, max_length = 6 }))
    assert.truthy(t.tokens <= 40 and t.tokens > t.symbols)
    for _, g in ipairs(graphs) do
      local bounds, tokens = t:encode(g)
      assert.equal(#bounds, #tokens + 1)
      assert.equal(0, bounds[1])
      assert.equal(g.size, bounds[#bounds])
      local at = 0
      for segment in g:segments(t) do
        assert.equal(at, segment.first)
        assert.truthy(segment.size <= 6)
        at = segment.last
      end
      assert.equal(g.size, at)
    end
  end)

  it("spells tokens in labels of nodes", function()
    local t = assert(core.train_tokenizer(graphs, { vocab = 40 }))
    local g = graphs[4]
    local bounds, tokens = t:encode(g)
    for i, token in ipairs(tokens) do
      local spelling = t:spelling(token)
      assert.equal(bounds[i + 1] - bounds[i], #spelling)
      for k, label in ipairs(spelling) do
        assert.equal(g:token_label(bounds[i] + k - 1), label)
      end
    end
  end)

  it("draws sparse vocabularies by seed", function()
    local t = assert(core.train_tokenizer(graphs, { vocab = 60 }))
    local g = graphs[6]
    local function bounds(options)
      return table.concat(t:encode(g, options), " ")
    end
    assert.equal(bounds {}, bounds { keep = 1 })
    assert.equal(bounds { keep = 0.5, seed = 7 }, bounds { keep = 0.5, seed = 7 })
    assert.equal(g.size + 1, #t:encode(g, { keep = 0 }))
    local different = {}
    for seed = 1, 20 do
      different[bounds { keep = 0.5, seed = seed }] = true
    end
    assert.truthy(next(different, next(different)))
  end)

  it("comes back from a file, and learns graph by graph", function()
    local path = temporary()
    local t = assert(core.train_tokenizer(graphs, { vocab = 40 }))
    assert.is_true(t:save(path))
    local again = assert(core.load_tokenizer(path))
    local corpus = core.corpus()
    for _, g in ipairs(graphs) do
      assert.is_true(corpus:add(g))
    end
    local by_graph = assert(corpus:train { vocab = 40 })
    for _, g in ipairs(graphs) do
      assert.same(t:encode(g), again:encode(g))
      assert.same(t:encode(g), by_graph:encode(g))
    end
  end)

  it("rejects misuse, and files that are not tokenizers", function()
    raises("'vocab' integer got 0", core.train_tokenizer, graphs, { vocab = 0 })
    raises("unknown option 'vocabulary'", core.train_tokenizer, graphs, { vocabulary = 5 })
    raises("autogo.Graph expected [2] got number", core.train_tokenizer, { graphs[1], 7 })
    raises("table expected", core.train_tokenizer, graphs[1])
    local t = assert(core.train_tokenizer(graphs, { vocab = 40 }))
    raises("'keep' got 2", t.encode, t, graphs[1], { keep = 2 })
    raises("outside", t.spelling, t, t.tokens)
    fails("/dev/null/x", core.load_tokenizer "/dev/null/x")
    fails("/dev/null/x", t:save "/dev/null/x")
    local path = temporary()
    assert(core.write_file(path, "\0\1\2\3 not a tokenizer"))
    fails(path, core.load_tokenizer(path))
  end)
end)

describe("an iterator over nodes", function()
  it("ends wherever it is continued from", function()
    local g = network(1, 4)
    local iterator = g:nodes()
    for _, after in ipairs { math.maxinteger, math.mininteger, #g - 1, #g, -2 } do
      assert.is_nil(iterator(g, after))
    end
    assert.equal(0, (iterator(g, -1)))
  end)
end)

describe("names that are unknown", function()
  it("are told in the order of their bytes", function()
    local names = { "Zeta", "alpha", "beta", "gamma", "omega" }
    for first = 1, #names do
      local options, ops = {}, {}
      for i = 0, #names - 1 do
        local name = names[(first + 2 * i) % #names + 1]
        options[name], ops[name] = 1, true
      end
      raises("unknown option 'Zeta'", core.resolve_text, "[]", options)
      raises("'ops' got \"Zeta\"", core.space, {
        tokenizer = ag.tokenizer(), database = ag.database(), predictor = ag.predictor(), ops = ops,
      })
      raises("'ops' got \"Zeta\"", ag.database().select, ag.database(), { ops = ops })
    end
  end)
end)

describe("lifetimes", function()
  it("survive a collector that runs all the time", function()
    collectgarbage("generational")
    finally(function()
      collectgarbage("incremental")
    end)
    local function nodes_of_child(blocks)
      local g = network(blocks, 4)
      return g:splice(2, 7, core.cut(g, 2, 7)):nodes()
    end
    for i = 1, 200 do
      local iterator, state, control = nodes_of_child(1 + i % 3)
      for _ = 1, 5 do
        collectgarbage("step")
        control = iterator(state, control)
      end
      pcall(core.builder("x").conv, core.builder "y", 3)
    end
    collectgarbage()
  end)

  it("keep a tokenizer alive under its iterator", function()
    local function segments()
      local graphs = { network(3, 8), network(4, 8) }
      local t <close> = core.train_tokenizer(graphs, { vocab = 30 })
      return graphs[2]:segments(t)
    end
    local count = 0
    for segment in segments() do
      collectgarbage()
      count = count + segment.size
    end
    assert.equal(33, count)
  end)
end)
