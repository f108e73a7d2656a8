-- Drawings of graphs and of their segments.

local support = require "tests.lua.support"
local ag = require "autogo"
local core = require "autogo.core"
local draw = require "autogo.report.draw"
local drawings = require "tests.lua.drawings"
local svg = require "tests.lua.svg"

local function cut(graph, seed)
  local random, segments, first = ag.random.new(seed, 3), {}, 0
  while first < #graph do
    local last = math.min(#graph, first + 1 + random:below(7))
    segments[#segments + 1] = { first = first, last = last, label = "conv 3x3, relu" }
    first = last
  end
  return segments
end

describe("a drawing of a graph", function()
  it("shows every node once, apart from each other, joined by its edges", function()
    for graph in drawings.networks() do
      drawings.check(assert(draw.graph(graph)), graph)
    end
  end)

  it("does so for graphs wired at random, with shapes and nodes made bold", function()
    for seed = 1, 40 do
      local graph = drawings.random_graph(seed, 4 + seed)
      drawings.check(assert(draw.graph(graph, { shapes = seed % 2 == 0, highlight = { [1] = true } })), graph)
    end
  end)

  it("is the same every time, in another process too", function()
    local graph = assert(ag.load "resnet18")
    local first = draw.graph(graph)
    assert.equal(first, draw.graph(assert(ag.load "resnet18")))
    local path = support.temporary("", ".svg")
    assert.equal(0, (support.autogo("convert resnet18 " .. path)))
    assert.equal(first, core.read_file(path))
    os.remove(path)
  end)

  it("fits a page: long networks stand in columns", function()
    for _, name in ipairs { "resnet50", "densenet121", "mobilenet_v2", "resnet152" } do
      local root = svg.parse(draw.graph(assert(ag.load(name)))).attributes
      local aspect = tonumber(root.width) / tonumber(root.height)
      assert.truthy(aspect > 0.7 and aspect < 2.6, name .. " " .. aspect)
    end
  end)

  it("takes well under a second", function()
    local graph = assert(ag.load "densenet121")
    local start = os.clock()
    draw.graph(graph)
    assert.truthy(os.clock() - start < 1)
  end)

  it("says what each node is", function()
    local drawn = svg.read(draw.graph(assert(ag.load "resnet18"))).whole
    assert.equal("input", drawn.labels[1].text)
    assert.equal("conv 7×7 /2", drawn.labels[2].text)
  end)

  it("refuses what nobody could look at", function()
    local b = core.builder("large")
    local x = b:input { 8, 8, 4 }
    local start = x
    local long = {}
    for i = 1, 1200 do
      x = b:relu(x)
      long[i] = x
    end
    for i = 1200, 1, -1 do
      x = b:add(x, long[i])
    end
    b:output(b:add(x, start))
    local drawn, why = draw.graph(b:build())
    assert.is_nil(drawn)
    assert.equal("large: the graph is too large to draw", why)
  end)
end)

describe("a drawing of segments", function()
  it("numbers and colours them, neighbours differently", function()
    local seed = 0
    for graph in drawings.networks() do
      seed = seed + 1
      local segments = cut(graph, seed)
      local drawn = svg.read(assert(draw.segments(graph, segments))).whole
      drawings.labels(drawn)
      local of = {}
      for g, segment in ipairs(segments) do
        for position = segment.first, segment.last - 1 do
          of[position] = g
          assert.equal(drawn.chips[segment.first], drawn.chips[position])
        end
        if g > 1 then
          assert.not_equal(drawn.chips[segment.first - 1], drawn.chips[segment.first])
        end
      end
      for _, label in ipairs(drawn.labels) do
        if label.attributes["font-weight"] then
          assert.equal(tostring(of[label.node]), label.text)
        end
      end
      -- Boxes that touch but for a gap: above each other and joined, or beside each other.
      for _, edge in ipairs(drawn.edges) do
        local p, q = drawn.boxes[edge.from], drawn.boxes[edge.to]
        if of[edge.from] ~= of[edge.to] and q.top > p.bottom and q.top - p.bottom < 12
          and p.left < q.right and q.left < p.right then
          assert.not_equal(drawn.chips[edge.from], drawn.chips[edge.to])
        end
      end
      for i, p in pairs(drawn.boxes) do
        for j, q in pairs(drawn.boxes) do
          if p.top == q.top and q.left > p.right and q.left - p.right < 19 and of[i] ~= of[j] then
            assert.not_equal(drawn.chips[i], drawn.chips[j])
          end
        end
      end
    end
  end)

  it("comes from the command line", function()
    local path = support.temporary("", ".svg")
    local line = ("segment resnet18 --keep 0.5 --seed 3 --svg %s"):format(path)
    local code, out, err = support.autogo(line)
    assert.equal("", err)
    assert.equal(0, code)
    assert.equal("", out)
    local graph = assert(ag.load "resnet18"):canonical()
    local drawn, root = drawings.check(assert(core.read_file(path)), graph)
    local _, listed = support.autogo "segment resnet18 --keep 0.5 --seed 3"
    local g = 0
    for first in listed:gmatch "(%d+):%d+" do
      g = g + 1
      local number
      for _, label in ipairs(drawn.labels) do
        if label.node == tonumber(first) and label.attributes["font-weight"] then
          number = label.text
        end
      end
      assert.equal(tostring(g), number)
    end
    assert.matches(("%d segments of %%d+ kinds"):format(g), core.read_file(path))
    assert.equal("svg", root.tag)
    os.remove(path)
    code, out, err = support.autogo "segment resnet18 --svg /nonexistent/x.svg"
    assert.equal(1, code)
    assert.equal("", out)
    assert.matches("/nonexistent/x.svg", err, 1, true)
  end)
end)

describe("figure 6", function()
  it("shows one network cut in two ways", function()
    local folder = support.temporary("", "")
    os.remove(folder)
    local code, out, err = support.autogo("run recipes/fig6_wl_vs_bpe.lua --quick --out " .. folder)
    assert.equal("", err)
    assert.equal(0, code)
    assert.matches("Weisfeiler%-Leman", out)
    local graph = assert(ag.load "hiaml:src1,src1,r30,src3"):canonical()
    for _, name in ipairs { "fig6_bpe.svg", "fig6_wl.svg" } do
      local drawn = drawings.check(assert(core.read_file(folder .. "/" .. name)), graph)
      for position = 0, #graph - 1 do
        assert.truthy(drawn.chips[position])
      end
      os.remove(folder .. "/" .. name)
    end
    os.remove(folder .. "/fig6.csv")
    assert.truthy(os.remove(folder))
  end)
end)
