-- Rooted subgraphs from Lua.

require "tests.lua.support"
local expect = require "tests.lua.expect"
local core = require "autogo.core"
local corpus = require "autogo.corpus"

local function graphs(family, count)
  return assert(corpus.each { { family = family, count = count } })
end

describe("the Weisfeiler-Leman baseline", function()
  it("says which subgraphs a graph has", function()
    local wl = core.weisfeiler_leman { depth = 3 }
    for graph in graphs("hiaml", 5) do
      local numbers = assert(wl:add(graph, true))
      assert.equal(#graph, #numbers)
      for position, node in graph:nodes() do
        local own = numbers[position + 1]
        for depth = 0, #own - 1 do
          local subgraph = wl:get(own[depth + 1])
          assert.equal(node.op, subgraph.op)
          assert.equal(depth, subgraph.depth)
          local below = {}
          for k, operand in ipairs(depth > 0 and node.operands or {}) do
            local list = numbers[operand + 1]
            below[k] = list[math.min(depth, #list)]
          end
          table.sort(below)
          assert.same(below, subgraph.operands)
        end
      end
    end
  end)

  it("counts each node once per depth it reaches", function()
    local wl = core.weisfeiler_leman { depth = 3 }
    local nodes, inner = 0, 0
    for graph in graphs("hiaml", 20) do
      assert.is_true(wl:add(graph))
      nodes, inner = nodes + #graph, inner + #graph - 1
    end
    assert.equal(20, wl.graphs)
    assert.equal(nodes, wl:level(0).occurrences)
    assert.equal(inner, wl:level(1).occurrences) -- all but the inputs
    local distinct, occurrences = 0, 0
    for depth = 0, 3 do
      distinct = distinct + wl:level(depth).subgraphs
      occurrences = occurrences + wl:level(depth).occurrences
    end
    assert.equal(distinct, #wl)
    for number = 1, #wl do
      local subgraph = wl:get(number)
      occurrences = occurrences - subgraph.count
      assert.equal(subgraph.depth == 0 or subgraph.op == "input", #subgraph.operands == 0)
      local unfolded = 1
      for _, operand in ipairs(subgraph.operands) do
        assert.is_true(operand < number)
        unfolded = unfolded + wl:get(operand).nodes
      end
      assert.equal(unfolded, subgraph.nodes)
    end
    assert.equal(0, occurrences)
  end)

  it("stops at its budget and says how far it got", function()
    local wl = core.weisfeiler_leman { budget = 300000 }
    local why
    for graph in graphs("nb201", 400) do
      local good
      good, why = wl:add(graph)
      if not good then break end
    end
    assert.equal(("the budget of 300000 bytes ends after %d graphs with %d rooted subgraphs"):format(
      wl.graphs, #wl), why)
    assert.is_true(wl.graphs > 0 and wl.bytes <= 300000)
  end)

  it("refuses misuse", function()
    local wl = core.weisfeiler_leman()
    expect.raises("bad option 'depth'", core.weisfeiler_leman, { depth = 17 })
    expect.raises("bad option 'width'", core.weisfeiler_leman, { width = 1 })
    expect.raises("6 is outside 0 to 5", wl.level, wl, 6)
    expect.raises("1 is outside 1 to 0", wl.get, wl, 1)
    expect.raises("Graph expected", wl.add, wl, {})
  end)
end)
