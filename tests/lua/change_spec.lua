-- Drawings of a graph and what became of it.

require "tests.lua.support"
local ag = require "autogo"
local core = require "autogo.core"
local draw = require "autogo.report.draw"
local drawings = require "tests.lua.drawings"
local palette = require "autogo.report.palette"
local svg = require "tests.lua.svg"

describe("a drawing of a change", function()
  -- A child of the graph: nodes [first, last) replaced by what was cut from [from, to).
  local function changed(graph, first, last, from, to)
    local child = assert(graph:splice(first, last, core.cut(graph, from, to)))
    local origin, shift = {}, (to - from) - (last - first)
    for i = 1, #child do
      if i <= first then
        origin[i] = i
      elseif i > first + to - from then
        origin[i] = i - shift
      end
    end
    return child, origin
  end

  it("shows both graphs whole, what they share at one height", function()
    for _, case in ipairs {
      { "vgg16_bn", 4, 7, 4, 5 }, { "resnet18", 6, 8, 13, 16 }, { "edsr", 9, 10, 10, 12 },
      { "resnet50", 20, 23, 30, 31 },
    } do
      local graph = assert(ag.load(case[1]))
      local child, origin = changed(graph, table.unpack(case, 2))
      local graphs, root = svg.read(assert(draw.change(graph, child, origin)))
      for role, whole in pairs { parent = graph, child = child } do
        drawings.boxes(graphs[role], whole)
        drawings.labels(graphs[role])
        drawings.edges(graphs[role], whole)
        drawings.lines(graphs[role])
      end
      drawings.page(root)
      local kept = {}
      for i = 1, #child do
        if origin[i] then
          kept[origin[i]] = true
          assert.equal(graphs.parent.boxes[origin[i] - 1].top, graphs.child.boxes[i - 1].top)
        else
          assert.equal(palette.BLUE, graphs.child.chips[i - 1])
        end
      end
      for i = 1, #graph do
        if not kept[i] then
          assert.equal(palette.VERMILLION, graphs.parent.chips[i - 1])
        end
      end
      for _, p in pairs(graphs.parent.boxes) do
        for _, q in pairs(graphs.child.boxes) do
          assert.truthy(p.right < q.left)
        end
      end
    end
  end)

  it("folds what is far from a change, and says how much", function()
    local graph = assert(ag.load "resnet50")
    local child, origin = changed(graph, 20, 23, 30, 31)
    local graphs, root = svg.read(assert(draw.change(graph, child, origin, { context = 3 })))
    drawings.page(root)
    local at = {}
    for i in pairs(origin) do
      at[origin[i]] = i
    end
    for role, whole in pairs { parent = graph, child = child } do
      local drawn, shown = graphs[role], 0
      drawings.lines(drawn)
      for position in pairs(drawn.boxes) do
        shown = shown + 1
        local other = role == "parent" and at[position + 1] or role == "child" and origin[position + 1]
        if other then
          local twin = graphs[role == "parent" and "child" or "parent"].boxes[other - 1]
          assert.equal(drawn.boxes[position].top, twin.top)
        else
          assert.truthy(drawn.chips[position])
        end
      end
      assert.truthy(shown < 25)
      assert.equal(#whole, shown + drawn.elided)
    end
    for position = 20, 22 do
      assert.truthy(graphs.parent.chips[position])
    end
    assert.truthy(graphs.child.chips[20])
  end)

  it("needs no order in common", function()
    local function chain(ops)
      local b = core.builder("chain")
      local x = b:input { 8, 8, 4 }
      for _, op in ipairs(ops) do
        x = b[op](b, x)
      end
      b:output(x)
      return b:build()
    end
    local p, q = chain { "relu", "sigmoid" }, chain { "sigmoid", "relu" }
    local graphs = svg.read(assert(draw.change(p, q, { 1, 3, 2, 4 })))
    drawings.boxes(graphs.parent, p)
    drawings.boxes(graphs.child, q)
  end)

  it("marks what only changed its shape", function()
    local function net(filters)
      local b = core.builder("net")
      local x = b:conv(b:input { 8, 8, 4 }, { kernel = 3, filters = filters })
      b:output(b:conv(b:relu(x), { kernel = 1, filters = 4 }))
      return b:build()
    end
    local graphs = svg.read(assert(draw.change(net(4), net(8), { 1, 2, 3, 4, 5 })))
    assert.same({ [1] = palette.YELLOW, [2] = palette.YELLOW, [3] = palette.YELLOW }, graphs.child.chips)
    assert.same(graphs.child.chips, graphs.parent.chips)
  end)
end)
