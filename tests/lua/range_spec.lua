-- What a predictor was trained on, and what it says of graphs outside of that.

require "tests.lua.support"
local ag = require "autogo"
local core = require "autogo.core"
local expect = require "tests.lua.expect"
local network = expect.network

local tokenizer = ag.tokenizer()

local function train(graphs, more)
  local samples = {}
  for i, graph in ipairs(graphs) do samples[i] = { graph = graph, target = i % 5 } end
  local options = {
    samples = samples, valid = { samples[1], samples[2] }, tokenizer = tokenizer, epochs = 1, batch = 4,
    splits = 2,
  }
  for key, value in pairs(more or {}) do options[key] = value end
  return assert(core.train(options))
end

-- Graphs of many kinds: the zoo has what small random ones lack.
local graphs = {}
for i = 1, 12 do graphs[i] = network(i, 8 * (1 + i % 3)):canonical() end
local zoo = {}
for i, name in ipairs { "resnet50", "edsr", "vgg16_bn" } do zoo[i] = assert(ag.load(name)):canonical() end

local WEIGHTED = { conv = true, depthwise = true, matmul = true, transposedconv = true }

-- The slow reference: everything that the graphs have, as a set of words, and the extremes.
local function facts(list)
  local ops, kernels, sizes = {}, {}, {}
  local function widen(name, value)
    local s = sizes[name] or { value, value }
    sizes[name] = { math.min(s[1], value), math.max(s[2], value) }
  end
  for _, graph in ipairs(list) do
    widen("nodes", #graph)
    for i = 0, #graph - 1 do
      local node = graph:node(i)
      ops[node.op] = true
      for _, side in ipairs { "in", "out" } do
        widen("height", node["h_" .. side])
        widen("width", node["w_" .. side])
        widen("channels", node["c_" .. side])
      end
      if WEIGHTED[node.op] and node.kernel and node.kernel[1] > 0 then
        kernels[("%s kernel %dx%d"):format(node.op, node.kernel[1], node.kernel[2])] = node.op
      end
    end
  end
  return { ops = ops, kernels = kernels, sizes = sizes }
end

local function expected(known, graph)
  local own, set = facts { graph }, {}
  for op in pairs(own.ops) do
    if not known.ops[op] then set["op " .. op] = true end
  end
  for text, op in pairs(own.kernels) do
    if known.ops[op] and not known.kernels[text] then set[text] = true end
  end
  for name, range in pairs(own.sizes) do
    local least, most = table.unpack(known.sizes[name])
    for _, value in ipairs(range) do
      if value < least or value > most then
        set[("%s %d (%d to %d)"):format(name, value, least, most)] = true
      end
    end
  end
  return set
end

local function as_set(list)
  local set = {}
  for _, text in ipairs(list) do
    assert.is_nil(set[text], text)
    set[text] = true
  end
  return set
end

local function saved(predictor, change)
  local path = os.tmpname()
  assert(predictor:save(path))
  local bytes = assert(core.read_file(path))
  if change then assert(core.write_file(path, change(bytes))) end
  local again, why = ag.predictor(path)
  os.remove(path)
  return again, why, bytes
end

describe("the range of a training", function()
  local some = table.move(graphs, 1, 5, 1, {})
  local predictor, known = train(some), facts(some)

  it("is that of its samples, before and after a file", function()
    local found = 0
    for _, one in ipairs { predictor, (saved(predictor)) } do
      for _, list in ipairs { graphs, zoo } do
        for _, graph in ipairs(list) do
          local outside = assert(one:outside(graph))
          assert.same(expected(known, graph), as_set(outside))
          found = found + #outside
        end
      end
      for _, graph in ipairs(some) do assert.same({}, one:outside(graph)) end
    end
    assert.truthy(found > 8)
  end)

  it("is what graphs shown to other weights are written as", function()
    local other = train(zoo)
    other:observe(some)
    local function ranges(one)
      local _, _, bytes = saved(one)
      local list = {}
      for key, value in bytes:gmatch '"(range%.%a+)":"([^"]*)"' do list[#list + 1] = key .. " " .. value end
      return table.concat(list, "\n")
    end
    assert.equal(ranges(predictor), ranges(other))
    assert.matches("range.ops ", ranges(other), 1, true)
    local reversed = {}
    for i, graph in ipairs(some) do reversed[#some + 1 - i] = graph end
    other:observe(reversed)
    assert.equal(ranges(predictor), ranges(other))
  end)

  it("grows when weights are fine-tuned", function()
    local tuned = train(zoo, { from = predictor })
    local all = table.move(zoo, 1, #zoo, #some + 1, table.move(some, 1, #some, 1, {}))
    for _, graph in ipairs(graphs) do
      assert.same(expected(facts(all), graph), as_set(tuned:outside(graph)))
    end
  end)

  it("is, of an ensemble, what all have seen", function()
    local paths = { os.tmpname(), os.tmpname() }
    local other = train(table.move(graphs, 4, 12, 1, {}))
    assert(predictor:save(paths[1]) and other:save(paths[2]))
    local ensemble = assert(ag.predictor(paths))
    for _, one in ipairs { ensemble, (saved(ensemble)), ensemble:member(2) } do
      for _, graph in ipairs(graphs) do
        local outside = #one:outside(graph) > 0
        assert.equal(#predictor:outside(graph) > 0 or #other:outside(graph) > 0, outside)
      end
    end
    for _, path in ipairs(paths) do os.remove(path) end
  end)

  it("may be unknown, which is said", function()
    local unknown = saved(predictor, function(bytes)
      return (bytes:gsub('"range%.', '"rangE.'))
    end)
    local outside, why = unknown:outside(graphs[1])
    assert.is_nil(outside)
    assert.equal("the weights do not say what they were trained on", why)
    local front = assert(ag.evolve(graphs[1], {
      iterations = 1, sources = 3, replacements = 5, predictor = unknown, threads = 1,
    }))
    assert.is_nil(front.input.outside)
    assert.matches("do not say what they were trained on: nothing is marked", tostring(front), 1, true)
    assert.not_matches("%d%*", tostring(front))
  end)

  it("may be damaged, which is found", function()
    for key, damage in pairs {
      ["range.height"] = { '("range%.height":")%d', "%1x" },
      ["range.nodes"] = { '"range%.nodes"', '"range.Nodes"' },
      ["range.ops"] = { '("range%.ops":")%a', "%1?" },
      ["range.kernels"] = { '("range%.kernels":"%a+ %d)x', "%1y" },
    } do
      local again, why = saved(predictor, function(bytes)
        local changed, count = bytes:gsub(damage[1], damage[2])
        assert.equal(1, count, key)
        return changed
      end)
      assert.is_nil(again)
      assert.matches(("metadata %s is missing or damaged"):format(key), why, 1, true)
    end
  end)
end)

describe("a front", function()
  it("marks what is outside, in the table and in its document", function()
    local predictor = train(graphs)
    local function evolve(model)
      return assert(ag.evolve(model, {
        iterations = 2, sources = 4, replacements = 10, finalists = 8, predictor = predictor, threads = 1,
      }))
    end
    local known = facts(graphs)
    for _, model in ipairs { graphs[3], zoo[2] } do
      local front = evolve(model)
      local document = require("autogo.output").document(front)
      assert.same(expected(known, front.input.graph), as_set(document.input.outside))
      for i, member in ipairs(front) do
        assert.same(expected(known, member.graph), as_set(document.members[i].outside))
      end
      local text, any = tostring(front), #front.input.outside > 0
      assert.equal(any, text:find("\ninput*", 1, true) ~= nil)
      for i, member in ipairs(front) do
        assert.equal(#member.outside > 0, text:find(("\n%d*"):format(i - 1), 1, true) ~= nil)
        any = any or #member.outside > 0
      end
      assert.equal(any, text:find("\n* the predictor was not trained on ", 1, true) ~= nil)
      assert.matches('"outside":%[', core.json_encode(document.input))
    end
  end)
end)
