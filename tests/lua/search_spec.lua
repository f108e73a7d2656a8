-- The binding of the search: spaces, batches, prices, fronts.

require "tests.lua.support"
local ag = require "autogo"
local core = require "autogo.core"
local evaluators = require "autogo.cost"
local expect = require "tests.lua.expect"
local raises, fails, network = expect.raises, expect.fails, expect.network

local graphs, samples = {}, {}
for i = 1, 8 do
  graphs[i] = network(i, 8 * (1 + i % 2)):canonical()
  samples[i] = { graph = graphs[i], target = i }
end
local tokenizer = assert(core.train_tokenizer(graphs, { vocab = 60 }))
local database = assert(core.mine(graphs, tokenizer))
local predictor = assert(core.train {
  samples = samples, valid = samples, tokenizer = tokenizer, epochs = 1, batch = 4, splits = 2,
})

local function space(more)
  local options = { database = database, tokenizer = tokenizer, predictor = predictor, seed = 1 }
  for name, value in pairs(more or {}) do
    options[name] = value
  end
  return core.space(options)
end

local function mutate(more)
  local s = space(more)
  s:visit(graphs[4])
  return assert(s:mutate({ graphs[4] }, { sources = 6, replacements = 20 }))
end

describe("Space", function()
  it("makes children that are valid graphs of their own", function()
    local batch, parent, seen = mutate(), graphs[4], {}
    assert.truthy(#batch > 10)
    assert.truthy(batch.tried >= batch.feasible and batch.feasible >= #batch)
    local flops, predicted = batch:column "flops", batch:column "predicted"
    for i = 1, #batch do
      local child, graph = batch:child(i), assert(batch:graph(i))
      assert.is_true(graph:check())
      assert.same(parent:input(), graph:input())
      assert.same(parent:output(), graph:output())
      assert.equal(graph.flops, flops[i])
      assert.equal(graph:hash(), child.hash)
      assert.equal(predicted[i], child.predicted)
      assert.not_equal(parent:hash(), child.hash)
      assert.is_nil(seen[child.hash])
      seen[child.hash] = true
    end
  end)

  it("expects of a child its parent's score and its gain", function()
    local batch = mutate()
    local expected, gain = batch:expected { 0.25 }, batch:column "gain"
    assert.equal(#batch, #expected)
    for i = 1, #batch do assert.equal(0.25 + gain[i], expected[i]) end
    raises("one number per parent", batch.expected, batch, { 1, 2 })
  end)

  it("gives columns, estimates and prices of single rows", function()
    local batch, rows = mutate(), { 5, 2, 9 }
    local gnn, chip = assert(ag.predictor.gnn()), assert(ag.device "mobile-npu")
    local function three_rows(whole, part)
      assert.equal(#batch, #whole)
      assert.same({ whole[5], whole[2], whole[9] }, part)
    end
    for _, name in ipairs { "predicted", "flops", "entry" } do
      local part = batch:column(name, rows) -- before the whole is there, and after
      three_rows(batch:column(name), part)
      three_rows(batch:column(name), batch:column(name, rows))
    end
    three_rows(assert(batch:estimate(gnn, "")), assert(batch:estimate(gnn, "", rows)))
    three_rows(chip:column(batch, "energy"), chip:column(batch, "energy", nil, rows))
    local function ops(node) return #node.op end
    three_rows(core.prices():column(batch, ops), core.prices():column(batch, ops, rows))
    raises("numbers of rows", batch.column, batch, "gain", { #batch + 1 })
  end)

  it("finds the children worth a closer look", function()
    local batch, rows, values = mutate(), {}, {}
    local expected, flops = batch:expected { 0.25 }, batch:column "flops"
    local least, low, high = 0.25, 0.9 * graphs[4].flops, 1.05 * graphs[4].flops
    for i, value in ipairs(expected) do
      if value > least and flops[i] >= low and flops[i] <= high then
        rows[#rows + 1], values[#values + 1] = i, value
      end
    end
    assert.truthy(#rows > 0 and #rows < #batch)
    local found, scores = batch:hopeful({ 0.25 }, least, low, high)
    local all = {}
    for i = 1, #found do all[i] = i end
    assert.same({ rows, values }, { core.pick(found, all), core.floats(scores) })
    assert.same(batch:column("gain", rows), core.floats(batch:floats("gain", found)))
    assert.equal(#batch, #batch:floats "entry")
    for name in pairs { predicted = 1, baseline = 1, gain = 1, flops = 1, parent = 1, entry = 1 } do
      assert.same(core.floats(batch[name]), core.floats(batch:floats(name)))
    end
    raises("one number per parent", batch.hopeful, batch, {}, 0, 0, 1)
  end)

  it("gives the same batch with more threads, another with another seed", function()
    local function hashes(more)
      local batch, list = mutate(more), {}
      for i = 1, #batch do
        list[i] = batch:child(i).hash
      end
      return table.concat(list, " ")
    end
    assert.equal(hashes(), hashes { threads = 3 })
    assert.not_equal(hashes(), hashes { seed = 2 })
  end)

  it("makes rows of a batch, scored, with any number of threads", function()
    local rows = { 3, 1, 7, 7 }
    for threads = 1, 3 do
      local s = space { threads = threads }
      s:visit(graphs[4])
      local batch = assert(s:mutate({ graphs[4] }, { sources = 6, replacements = 20 }))
      local made = assert(s:make(batch, rows))
      assert.equal(#rows, #made)
      for k, row in ipairs(rows) do
        local graph, order = assert(batch:graph(row)):canonical()
        assert.equal(graph:json(), made[k].graph:json())
        assert.equal(string.pack(("i4"):rep(#order), table.unpack(order)), made[k].order)
        assert.equal(s:score(graph), made[k].score)
      end
      assert.same({}, s:make(batch, {}))
      raises("numbers of rows", s.make, s, batch, { #batch + 1 })
      raises("numbers of rows", s.make, s, batch, { 0.5 })
      raises("table expected", s.make, s, batch)
    end
  end)

  it("visits a graph once", function()
    local s = space()
    assert.is_true(s:visit(graphs[1]))
    assert.is_false(s:visit(graphs[1]))
    assert.is_true(s:visit(graphs[2]))
    assert.is_number(s:score(graphs[1]))
  end)

  it("keeps what it uses, whatever becomes of its options", function()
    local s
    do
      local d <close> = assert(core.mine(graphs, tokenizer))
      local options = { database = d, tokenizer = tokenizer, predictor = predictor }
      s = core.space(options)
      options.database = nil
    end
    collectgarbage()
    collectgarbage()
    assert.truthy(#assert(s:mutate({ graphs[4] }, { sources = 2, replacements = 4 })) > 0)
  end)

  it("leaves batches that outlive it, closed or collected, and its database", function()
    local function batch_of(close)
      local d = assert(core.mine(graphs, tokenizer))
      local s = core.space { database = d, tokenizer = tokenizer, predictor = predictor, seed = 1 }
      local _ <close> = close and s or nil
      return assert(s:mutate({ graphs[4] }, { sources = 6, replacements = 20 }))
    end
    for _, close in ipairs { true, false } do
      local batch = batch_of(close)
      collectgarbage()
      collectgarbage()
      assert.truthy(#batch > 10)
      for i = 1, #batch do
        assert.equal(assert(batch:graph(i)):hash(), batch:child(i).hash)
      end
    end
  end)

  it("scores no more children than asked", function()
    for _, most in ipairs { 1, 7, 40 } do
      local batch = assert(space():mutate({ graphs[4] }, { sources = 6, children = most }))
      assert.truthy(batch.scored <= most and #batch <= batch.scored)
      assert.truthy(batch.scored >= most // 3)
    end
  end)

  it("draws by weight, and never what has none", function()
    local heavy, counts, weights = 3, { 0, 0 }, {}
    for entry = 1, #database do weights[entry] = entry % 2 end -- odd entries only
    for generation = 1, 20 do
      local options = { sources = 4, children = 8, generation = generation }
      for round = 1, 2 do
        weights[heavy] = round == 1 and 1 or 1000
        options.weights = weights
        local batch = assert(space():mutate({ graphs[4] }, options))
        for i = 1, #batch do
          local entry = batch:child(i).entry
          assert.equal(1, entry % 2)
          counts[round] = counts[round] + (entry == heavy and 1 or 0)
        end
      end
    end
    assert.truthy(counts[2] >= counts[1])
  end)

  it("raises on misuse", function()
    raises("'weights' one number per entry", space().mutate, space(), { graphs[1] }, { weights = { 1 } })
    raises("'children' got -1", space().mutate, space(), { graphs[1] }, { children = -1 })
    raises("'database' autogo.Database got nil", core.space, { tokenizer = tokenizer, predictor = predictor })
    raises("'ops' names of ops", space, { ops = { convolution = true } })
    raises("'solver' exact", space, { solver = "best" })
    raises("'threads' got 0", space, { threads = 0 })
    local s = space()
    raises("autogo.Graph expected [1]", s.mutate, s, { 1 })
    raises("'sources' got 0", s.mutate, s, { graphs[1] }, { sources = 0 })
    raises("invalid option", function()
      return mutate():column "price"
    end)
    raises("outside 1 to", function()
      return mutate():child(0)
    end)
  end)

  it("returns nil and why where nothing can be replaced", function()
    local b = core.builder "bare"
    b:output(b:mean(b:input { 8, 8, 4 }))
    fails("", space():mutate { b:build() })
  end)
end)

describe("Prices", function()
  it("ask once per signature and add up", function()
    local batch, prices, calls = mutate(), core.prices(), 0
    local function price(node)
      calls = calls + 1
      return node.flops + 2 * node.params
    end
    local column, asked = prices:column(batch, price), calls
    assert.same(column, prices:column(batch, price))
    assert.equal(asked, calls)
    for i = 1, #batch do
      local graph = batch:graph(i)
      assert.equal(graph.flops + 2 * graph.params, column[i])
      assert.equal(column[i], prices:cost(graph))
    end
  end)

  it("of FLOPs are what a batch knows, whatever took their name before", function()
    require "autogo.space"
    local flops, batch = require "autogo.objectives.flops", mutate()
    local costs = core.prices():column(batch, flops.eval)
    local function mine() return 1 end
    for _, objective in ipairs { flops, { kind = "per_node", name = "flops", eval = mine }, flops } do
      batch:cost(objective.eval == mine and evaluators.new(objective) or flops)
      for i, value in ipairs(batch:column "flops") do
        assert.equal(objective.eval == mine and #batch:graph(i) or costs[i], value)
        assert.equal("float", math.type(value))
      end
    end
  end)

  it("know what cannot be measured", function()
    local prices = core.prices()
    prices:learn(graphs[1], function(node)
      return node.op ~= "add" and 1 or nil
    end)
    assert.is_nil(prices:cost(graphs[1]))
    raises("returned a string", prices.learn, core.prices(), graphs[1], function()
      return "dear"
    end)
  end)

  it("outlive a callback that raises, recurses or closes", function()
    local prices = core.prices()
    raises("on purpose", prices.learn, prices, graphs[1], function()
      error "on purpose"
    end)
    prices:learn(graphs[2], function()
      local _ <close> = prices
      prices:learn(graphs[3], function()
        return 1
      end)
      collectgarbage()
      return 1
    end)
    assert.equal(graphs[2].size, prices:cost(graphs[2]))
  end)
end)

describe("members", function()
  local member = require "autogo.member"

  -- A line of descent as long as a search may be: every mutation replaces one node by one or two, and
  -- canonical order turns the list round.
  it("know their origin and changes from their line", function()
    local size, length = 6, 500
    local one = member.root(setmetatable({}, { __len = function() return size end }))
    local expected = { 1, 2, 3, 4, 5, 6 }
    for generation = 1, length do
      local at, order, added = generation % 5, {}, generation % 100 == 0 and 2 or 1
      table.remove(expected, at + 1)
      for _ = 1, added do table.insert(expected, at + 1, false) end
      size = size + added - 1
      local turned = {}
      for i = 1, size do order[i], turned[i] = size - i, expected[size - i + 1] end
      expected = turned
      local splice = { first = at, last = at + 1, added = { "a", added > 1 and "b" or nil } }
      splice.entry = generation
      one = member.grow(one, splice, nil, order, generation)
    end
    for i = 1, size do assert.equal(expected[i] or nil, one.origin[i]) end
    assert.equal(length, #one.changes)
    for i, change in ipairs(one.changes) do assert.same({ i, i }, { change.generation, change.segment }) end
    assert.equal(length - 1, #one.parent.changes)
    assert.is_nil(one.violation)
  end)
end)

describe("fronts", function()
  it("of columns", function()
    local gain, cost = { 1, 2, 3, 2, 3 }, { 1, 2, 3, 1.5, 4 }
    assert.same({ 1, 3, 4 }, core.pareto_front({ gain, cost }, { "max", "min" }))
    -- above (0, 4): strips of width 1 per unit of gain, heights 4 - cost
    assert.equal(3 + 2.5 + 1, core.hypervolume({ gain, cost }, { "max", "min" }, { 0, 4 }))
    raises("\"min\" or \"max\"", core.pareto_front, { gain }, { "up" })
    raises("equal length", core.pareto_front, { gain, { 1 } }, { "max", "min" })
    raises("columns of numbers", core.pareto_front, { { "x" } }, { "min" })
    raises("one number per row", core.pareto_front, { gain }, { "min" }, { 1 })
  end)

  it("of ranks: the worked example", function() -- algorithm.md section 4
    local accuracy = { 91.21, 91.10, 91.02, 90.75, 90.35, 89.05 }
    local flops = { 260, 215, 200, 210, 220, 250 }
    assert.same({ 5, 3, 2, 4, 7, 9 }, core.rank_sums({ accuracy, flops }, { "max", "min" }))
  end)
end)
