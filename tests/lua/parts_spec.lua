-- The binding of identity, the segment database and resolution.

require "tests.lua.support"
local core = require "autogo.core"
local expect = require "tests.lua.expect"
local raises, fails, network = expect.raises, expect.fails, expect.network

local function temporary() return expect.temporary(finally) end

describe("identity", function()
  it("sees through the numbering of nodes", function()
    local a, b, c = network(2, 8), network(2, 8, true), network(2, 16)
    assert.equal(a:hash(), b:hash())
    assert.truthy(a:hash():match("^" .. ("%x"):rep(32) .. "$"))
    assert.is_true(a == b)
    assert.is_false(a == c)
    assert.is_true(a:isomorphic(b))
    assert.is_false(a:isomorphic(c))
    assert.is_true(a:isomorphic(c, "kind"))
    raises("invalid option 'name'", a.isomorphic, a, b, "name")
    local function ops(graph)
      local list = {}
      for _, n in graph:nodes() do
        list[#list + 1] = ("%s %s"):format(n.op, table.concat(n.operands, ","))
      end
      return table.concat(list, "; ")
    end
    assert.not_equal(ops(a), ops(b))
    assert.equal(ops(a:canonical()), ops(b:canonical()))
    assert.is_true(a:canonical() == a)
  end)

  it("compares segments with their ports", function()
    local a, b = network(1, 8), network(1, 8)
    assert.is_true(core.cut(a, 2, 5):isomorphic(core.cut(b, 2, 5)))
    assert.is_false(core.cut(a, 2, 5):isomorphic(core.cut(b, 2, 6)))
    assert.equal(core.cut(a, 2, 5):hash(), core.cut(b, 2, 5):hash())
    local wide = network(1, 16)
    assert.equal(core.cut(a, 2, 5):hash "kind", core.cut(wide, 2, 5):hash "kind")
    assert.not_equal(core.cut(a, 2, 5):hash(), core.cut(wide, 2, 5):hash())
  end)
end)

describe("Database", function()
  local graphs = {}
  for i = 1, 5 do
    graphs[i] = network(i, 8):canonical()
  end
  local tokenizer = assert(core.train_tokenizer(graphs, { vocab = 60 }))
  local db = assert(core.mine(graphs, tokenizer))

  it("has entries that are what their segments are", function()
    assert.truthy(#db > 0)
    assert.same({ "test" }, db.families)
    for i = 1, #db do
      local entry, segment = db:entry(i), db:segment(i)
      assert.equal(entry.size, segment.size)
      assert.equal(entry.inputs, segment.inputs)
      assert.equal(entry.outputs, segment.outputs)
      assert.equal(entry.hash, segment:hash "kind")
      assert.same({ "test" }, entry.families)
      local nodes = 0
      for op, count in pairs(entry.ops) do
        assert.is_nil(({ input = 1, output = 1, mean = 1, matmul = 1 })[op])
        nodes = nodes + count
      end
      assert.equal(entry.size, nodes)
      local seen = 0
      for v = 1, entry.variants do
        local _, count = db:segment(i, v)
        seen = seen + count
      end
      assert.truthy(seen <= entry.count)
      assert.is_nil(segment.first)
    end
    raises("outside 1 to", db.entry, db, 0)
    raises("outside 1 to", db.segment, db, 1, db:entry(1).variants + 1)
  end)

  it("selects and merges", function()
    local small = db:select { max_size = 2 }
    for i = 1, #small do
      assert.truthy(small:entry(i).size <= 2)
    end
    local merged = assert(small:merge(db:select { min_size = 3 }))
    assert.equal(#db, #merged)
    local relus = db:select { ops = { relu = true } }
    for i = 1, #relus do
      assert.is_nil(next(relus:entry(i).ops, (next(relus:entry(i).ops))))
    end
    raises("'ops'", db.select, db, { ops = { "relu" } })
    raises("'families'", db.select, db, { families = { "unknown" } })
    assert.equal(#db, #db:select { families = { "test" } })
  end)

  it("comes back from a file; is mined graph by graph", function()
    local path, other = temporary(), temporary()
    assert.is_true(db:save(path))
    assert.is_true(assert(core.load_database(path)):save(other))
    local bytes = core.read_file(path)
    assert.equal(bytes, core.read_file(other))
    local miner = core.miner(tokenizer)
    for _, g in ipairs(graphs) do
      assert.is_true(miner:add(g))
    end
    assert.is_true(assert(miner:finish()):save(other))
    assert.equal(bytes, core.read_file(other))
    raises("Miner is closed", miner.add, miner, graphs[1])
    assert(core.write_file(path, bytes:sub(1, -2)))
    fails(path, core.load_database(path))
  end)

  it("keeps a miner's tokenizer", function()
    local miner
    do
      local t <close> = core.train_tokenizer(graphs, { vocab = 30 })
      miner = core.miner(t)
    end
    collectgarbage()
    assert.is_true(miner:add(graphs[1]))
    assert.truthy(#assert(miner:finish()) > 0)
  end)
end)

describe("resolve", function()
  it("solves the worked example", function() -- algorithm.md section 5
    local b = core.builder "example"
    local x = b:input { 32, 32, 16 }
    local left = b:conv(x, { filters = 16, kernel = 3 })
    local right = b:conv(b:batchnorm(x), { filters = 16, kernel = 3 })
    b:output(b:relu(b:add(left, right)))
    local segment = core.cut(b:build(), 1, 5)
    for _, solver in ipairs { "exact", "milp", "exhaustive" } do
      local shapes, objective, resolved =
        core.resolve(segment, { from = { { 32, 32, 16 } }, to = { { 16, 16, 32 } }, solver = solver })
      assert.same({ 16, 16, 32 }, shapes[1])
      assert.same({ 32, 32, 16 }, shapes[2])
      assert.same({ 16, 16, 32 }, shapes[3])
      assert.equal("number", type(objective))
      assert.same({ 2, 2 }, resolved:node(0).stride)
      assert.same({ { 16, 16, 32 } }, resolved:shapes().to)
    end
    fails("", core.resolve(segment, { to = { { 31, 31, 16 } } }))
  end)

  it("takes a place in a graph", function()
    local g = network(2, 8)
    local segment = core.cut(g, 2, 6)
    local shapes, objective = assert(core.resolve(g, 2, 6))
    local again, same = assert(core.resolve(segment, segment:shapes()))
    assert.same(again, shapes)
    assert.equal(same, objective)
  end)

  it("raises on misuse", function()
    local segment = core.cut(network(2, 8), 2, 6)
    raises("'to' 1 shapes expected got 2", core.resolve, segment, { to = { { 1, 1, 1 }, { 1, 1, 1 } } })
    raises("from {H, W, C}", core.resolve, segment, { from = { 32, 32, 8 } })
    raises([['solver' exact or milp or exhaustive got "best"]], core.resolve, segment, { solver = "best" })
    raises("autogo.Segment expected", core.resolve, {})
  end)
end)
