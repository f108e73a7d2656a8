-- The parts of the layout of drawings.

require "tests.lua.support"
local ag = require "autogo"
local columns = require "autogo.report.columns"
local crossings = require "autogo.report.crossings"
local layers = require "autogo.report.layers"
local palette = require "autogo.report.palette"
local svg = require "tests.lua.svg"
local text = require "autogo.report.text"

describe("the parts of the layout", function()
  -- Crossings counted pair by pair.
  local function slow_count(a)
    local place, total = {}, 0
    for _, order in ipairs(a.rows) do
      for i, v in ipairs(order) do
        place[v] = i
      end
    end
    for r = 1, #a.rows - 1 do
      local lines = {}
      for _, v in ipairs(a.rows[r]) do
        for _, w in ipairs(a.down[v]) do
          for _, line in ipairs(lines) do
            if (line[1] - place[v]) * (line[2] - place[w]) < 0 then
              total = total + 1
            end
          end
          lines[#lines + 1] = { place[v], place[w] }
        end
      end
    end
    return total
  end

  local function random_problem(seed, size)
    local random, problem = ag.random.new(seed, 11), { widths = {}, edges = {} }
    for i = 1, size do
      problem.widths[i] = 20 + random:below(60)
      for _ = 1, i > 1 and random:below(4) or 0 do
        table.insert(problem.edges, { i - 1 - random:below(math.min(i - 1, 12)), i })
      end
    end
    return problem
  end

  it("puts every node below its operands, as high as it can", function()
    for seed = 1, 50 do
      local problem = random_problem(seed, 40)
      local row, count = layers.assign(40, problem.edges)
      local fed = {}
      for _, edge in ipairs(problem.edges) do
        assert.truthy(row[edge[1]] < row[edge[2]])
        fed[edge[2]] = fed[edge[2]] or row[edge[1]] + 1 == row[edge[2]]
      end
      for i = 1, 40 do
        assert.truthy(row[i] >= 1 and row[i] <= count)
        assert.is_not_false(fed[i])
      end
    end
  end)

  it("counts crossings as pairs do", function()
    for seed = 1, 40 do
      local a = assert(layers.arrange(random_problem(seed, 30)))
      assert.equal(slow_count(a), crossings.count(a))
    end
  end)

  it("draws a planar graph without crossings", function()
    -- A tree of three branches each, and a ladder.
    local tree = { widths = { 40 }, edges = {} }
    for i = 2, 40 do
      tree.widths[i], tree.edges[i - 1] = 40, { (i + 1) // 3, i }
    end
    local ladder = { widths = {}, edges = {} }
    for i = 1, 40 do
      ladder.widths[i] = 40
      for _, to in ipairs { i + 1, i + 3 } do
        if to <= 40 and i % 3 == 1 then
          table.insert(ladder.edges, { i, to })
        end
      end
      if i % 3 == 2 and i + 2 <= 40 then
        table.insert(ladder.edges, { i, i + 2 })
      end
    end
    for _, problem in ipairs { tree, ladder } do
      assert.equal(0, crossings.count(assert(layers.arrange(problem))))
    end
  end)

  it("runs long lines straight", function()
    -- A chain with a skip over all of it: every vertex of the skip has one x in each column.
    local problem = { widths = {}, edges = {} }
    for i = 1, 90 do
      problem.widths[i] = 60
      if i > 1 then
        table.insert(problem.edges, { i - 1, i })
      end
    end
    table.insert(problem.edges, { 1, 90 })
    local a = assert(layers.arrange(problem))
    for c, column in ipairs(a.columns) do
      local seen, boxes = {}, {}
      for r = column[1], column[2] do
        for _, v in ipairs(a.rows[r]) do
          local x = (a.breaks[r] and r == column[1] and c > 1) and a.x_head[v] or a.x[v]
          local kind = v > 90 and not a.breaks[r] and seen or v <= 90 and boxes or {}
          kind[x] = true
        end
      end
      assert.truthy(next(seen, next(seen)) == nil and next(boxes, next(boxes)) == nil)
    end
  end)

  it("breaks where few lines pass", function()
    -- Bottlenecks every 20 rows.
    local problem = { widths = {}, edges = {} }
    for i = 1, 120 do
      problem.widths[i] = 60
      if i > 1 then
        table.insert(problem.edges, { i - 1, i })
      end
      if i % 20 == 1 and i < 101 then
        for k = 3, 20 do
          table.insert(problem.edges, { i, i + k })
          table.insert(problem.edges, { i + 1, i + k })
        end
      end
    end
    local row, count = layers.assign(120, problem.edges)
    local after = columns.choose({ problem }, { row }, count)
    assert.truthy(next(after))
    for r in pairs(after) do
      assert.equal(1, r % 20)
    end
  end)

  it("gives neighbours different colours while there are enough", function()
    for seed = 1, 100 do
      local random, sets = ag.random.new(seed, 13), {}
      for g = 1, 60 do
        sets[g] = {}
      end
      local function join(p, q)
        local function degree(g)
          local number = 0
          for _ in pairs(sets[g]) do
            number = number + 1
          end
          return number
        end
        if p ~= q and degree(p) < 6 and degree(q) < 6 then
          sets[p][q], sets[q][p] = true, true
        end
      end
      for g = 2, 60 do
        join(g - 1, g)
      end
      for _ = 1, 120 do
        join(1 + random:below(60), 1 + random:below(60))
      end
      local chosen = palette.assign(60, sets)
      for g = 1, 60 do
        for other in pairs(sets[g]) do
          assert.not_equal(chosen[g], chosen[other])
        end
      end
    end
  end)

  it("estimates text as wide as the broadest font, and cuts it to fit", function()
    for code = 32, 126 do
      local character = string.char(code)
      assert.truthy(text.width(character, 1000) >= svg.breadth(character, 1000), character)
    end
    local cut_short = text.fit("a very long name of an operation", 11, 60)
    assert.matches("^a.*…$", cut_short)
    assert.truthy(svg.breadth(cut_short, 11) <= 60)
    assert.equal("a b c", table.concat(text.wrap("a b c", 11, 10), " "))
    assert.equal("&lt;a &amp; &quot;b&quot;&gt;?", text.escape('<a & "b">\1'))
    assert.equal("?? broken", text.escape "\xff\xfe broken")
    assert.truthy(utf8.len(text.fit("\xff\xfe broken and long", 11, 40)))
  end)
end)
