-- Matching the nodes of two graphs, and the command that says what differs.

local support = require "tests.lua.support"
local ag = require "autogo"
local core = require "autogo.core"
local match = require "autogo.match"
local slow_match = require "tests.lua.slow_match"

-- Nodes without one on the other side: of a, of b.
local function unmatched(a, b, origin)
  local kept = 0
  for _ in pairs(origin) do
    kept = kept + 1
  end
  return #a - kept, #b - kept
end

-- What holds for every match: one to one, of one kind, and without a circle when both are laid on top of
-- each other.
local function check(a, b, origin)
  local taken, shared, count = {}, {}, #a
  for j = 1, #b do
    local i = origin[j]
    if i then
      assert.is_nil(taken[i])
      taken[i] = true
      local p, q = a:node(i - 1), b:node(j - 1)
      assert.equal(p.op, q.op)
      assert.same(p.kernel, q.kernel)
      assert.same(p.stride, q.stride)
    else
      count = count + 1
    end
    shared[j] = i or count
  end
  local below, missing, free = {}, {}, {}
  for v = 1, count do
    below[v], missing[v] = {}, 0
  end
  for _, side in ipairs { { a, function(i) return i end }, { b, function(j) return shared[j] end } } do
    for position, node in side[1]:nodes() do
      for _, operand in ipairs(node.operands) do
        local to = side[2](position + 1)
        table.insert(below[side[2](operand + 1)], to)
        missing[to] = missing[to] + 1
      end
    end
  end
  for v = 1, count do
    free[#free + 1] = missing[v] == 0 and v or nil
  end
  local seen = 0
  while #free > 0 do
    seen = seen + 1
    for _, to in ipairs(below[table.remove(free)]) do
      missing[to] = missing[to] - 1
      free[#free + 1] = missing[to] == 0 and to or nil
    end
  end
  assert.equal(count, seen)
end

local function sample(family, seed)
  return assert(ag.family[family].build(ag.family[family].sample(ag.random.new(seed, 1)))):canonical()
end

describe("a match", function()
  it("of a graph with itself misses nothing", function()
    for _, name in ipairs { "resnet50", "densenet121", "unet_denoise", "hiaml:src1,src1,r30,src3" } do
      local graph = assert(ag.load(name))
      local origin = match.nodes(graph, graph:canonical())
      check(graph, graph:canonical(), origin)
      assert.equal(0, (unmatched(graph, graph, origin)))
    end
  end)

  it("finds a replaced segment and nothing else", function()
    for _, case in ipairs {
      { "resnet18", 6, 8, 13, 16 }, { "edsr", 9, 10, 10, 12 }, { "resnet50", 20, 23, 30, 31 },
    } do
      local graph, first, last, from, to = assert(ag.load(case[1])), table.unpack(case, 2)
      local child = assert(graph:splice(first, last, core.cut(graph, from, to)))
      local origin = match.nodes(graph, child:canonical())
      check(graph, child:canonical(), origin)
      local removed, added = unmatched(graph, child, origin)
      assert.truthy(removed <= last - first and added <= to - from)
    end
  end)

  it("finds two changes far apart", function()
    local graph = assert(ag.load "edsr")
    local segment = core.cut(graph, 2, 3)
    local child = assert(assert(graph:splice(51, 52, segment)):splice(9, 10, segment))
    local origin = match.nodes(graph, child)
    check(graph, child, origin)
    local removed, added = unmatched(graph, child, origin)
    assert.equal(2, removed)
    assert.equal(2, added)
  end)

  it("is one to one and makes no circle, whatever is matched", function()
    for seed = 1, 10 do
      for _, names in ipairs { { "hiaml", "hiaml" }, { "nb101", "nb201" }, { "two_path", "two_path" } } do
        local a, b = sample(names[1], seed), sample(names[2], seed + 100)
        check(a, b, match.nodes(a, b))
      end
    end
  end)

  it("is what the slow one says", function()
    local random, changed = ag.random.new(1, 1), 0
    for _, family in ipairs { "hiaml", "nb101", "nb201", "two_path" } do
      for seed = 1, 12 do
        local graph = sample(family, seed)
        local child = graph
        for _ = 1, 40 do
          local first, from = random:range(1, #child - 8), random:range(1, #graph - 8)
          local segment = core.cut(graph, from, from + random:range(1, 4))
          local fits, spliced = pcall(child.splice, child, first, first + random:range(1, 4), segment)
          child = fits and spliced or child
        end
        changed = changed + (child == graph and 0 or 1)
        for _, other in ipairs { child, (child:canonical()), (sample(family, seed + 100)) } do
          local origin = slow_match(graph, other)
          assert.same(origin, match.nodes(graph, other))
          local _, _, counts = match.marks(match.list(graph), match.list(other), origin)
          assert.same(counts, match.difference(graph, other).counts)
        end
      end
    end
    assert.truthy(changed > 40)
  end)
end)

describe("autogo diff", function()
  local function run(line)
    local code, out, err = support.autogo("diff " .. line)
    assert.equal("", err)
    assert.equal(0, code)
    return out
  end

  it("says what differs", function()
    assert.matches("^0 nodes removed, 0 added, 0 of another shape, 67 as before\nFLOPs: 140.7 G, both\n",
      run "edsr edsr")
    local out = run "resnet18 resnet34"
    assert.matches("^0 nodes removed, 56 added, 0 of another shape, %d+ as before\n", out)
    assert.equal(56, select(2, out:gsub("\n%+ ", "")))
  end)

  it("draws it", function()
    local path = support.temporary("", ".svg")
    for _, more in ipairs { "", " --whole", " --context 1" } do
      assert.equal("", run("resnet18 resnet34 --svg " .. path .. more))
      local svg = core.read_file(path)
      assert.matches("^<svg ", svg)
      assert.matches("%+ added %(56%)", svg)
      assert.equal(more == " --whole", not svg:find "data%-elided")
    end
    os.remove(path)
    path = support.temporary("", ".html")
    assert.equal("", run("resnet18 resnet34 --out " .. path))
    local page = core.read_file(path)
    assert.matches("^<!DOCTYPE html>", page)
    assert.matches("added %(56%)", page)
    -- Every added node is in the table of costs.
    assert.equal(56, select(2, page:gsub('<tr class="added">', "")))
    os.remove(path)
    local code, out, err = support.autogo "diff resnet18 resnet34 --out x.png"
    assert.equal(2, code)
    assert.equal("", out)
    assert.equal("autogo: diff: --out: a name that ends in .svg or .html expected, got 'x.png'\n", err)
    code, out, err = support.autogo "diff resnet18 resnet34 --svg /nonexistent/x.svg"
    assert.equal(1, code)
    assert.equal("", out)
    assert.matches("/nonexistent/x.svg", err, 1, true)
  end)
end)
