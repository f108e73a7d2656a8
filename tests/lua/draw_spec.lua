-- Drawings: what holds for every one of them, read back from the SVG.

local support = require "tests.lua.support"
local ag = require "autogo"
local core = require "autogo.core"
local columns = require "autogo.report.columns"
local crossings = require "autogo.report.crossings"
local draw = require "autogo.report.draw"
local layers = require "autogo.report.layers"
local palette = require "autogo.report.palette"
local text = require "autogo.report.text"

-- --- a reader of SVG ----------------------------------------------------------------------------

local ENTITY = { amp = "&", lt = "<", gt = ">", quot = '"' }

local function plain(line)
  assert.is_nil(line:find "[<>]", line)
  return (line:gsub("&(.-);", function(name)
    return assert(ENTITY[name], "unknown entity " .. name)
  end))
end

local function attributes(list)
  local map = {}
  local rest = list:gsub('%s+([%w:-]+)="([^"]*)"', function(name, value)
    assert.is_nil(map[name], "attribute given twice: " .. name)
    map[name] = plain(value)
    return ""
  end)
  assert.matches("^%s*$", rest)
  return map
end

-- The root element { tag, attributes, text, children... }; fails where the text is not well formed.
local function parse(svg)
  assert.truthy(utf8.len(svg))
  local root = { tag = "document", attributes = {}, text = "" }
  local stack, at = { root }, 1
  while at <= #svg do
    local top = stack[#stack]
    local open, shut = svg:find("<[^<>]*>", at)
    local between = svg:sub(at, (open or #svg + 1) - 1)
    top.text = top.text .. plain(between)
    if not open then
      break
    end
    local slash, tag, list, single = svg:sub(open, shut):match "^<(/?)([%a][%w:]*)(.-)(/?)>$"
    assert.truthy(tag, svg:sub(open, shut))
    if slash == "/" then
      assert.equal(top.tag, tag)
      stack[#stack] = nil
    else
      local element = { tag = tag, attributes = attributes(list), text = "" }
      top[#top + 1] = element
      if single == "" then
        stack[#stack + 1] = element
      end
    end
    at = shut + 1
  end
  assert.equal(1, #stack)
  assert.equal(1, #root)
  return root[1]
end

local function walk(element, visit)
  visit(element)
  for _, child in ipairs(element) do
    walk(child, visit)
  end
end

-- Advance widths of DejaVu Sans, the broadest of the usual sans-serif fonts, from space on, per 1000.
local ADVANCES = {
  318, 401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361, 318, 337, 636, 636, 636, 636,
  636, 636, 636, 636, 636, 636, 337, 337, 838, 838, 838, 531, 1000, 684, 686, 698, 770, 632, 575, 775,
  752, 295, 295, 656, 557, 863, 748, 787, 603, 787, 695, 635, 611, 732, 684, 989, 685, 611, 685, 390,
  337, 390, 838, 500, 500, 613, 635, 550, 635, 615, 352, 635, 634, 278, 278, 579, 278, 974, 634, 612,
  635, 635, 411, 521, 392, 634, 592, 818, 592, 592, 525, 636, 337, 636, 838,
}

local function breadth(line, size)
  local sum = 0
  for _, code in utf8.codes(line) do
    sum = sum + (ADVANCES[code - 31] or 1000)
  end
  return sum * size / 1000
end

local function box_of(element)
  local a = element.attributes
  local x, y = tonumber(a.x), tonumber(a.y)
  return { left = x, top = y, right = x + tonumber(a.width), bottom = y + tonumber(a.height), fill = a.fill }
end

-- Points along a path: a list of {x, y}; curves are sampled.
local function points_of(path)
  local x, y, points = 0, 0, {}
  local function to(nx, ny)
    x, y = nx, ny
    points[#points + 1] = { x, y }
  end
  local function bezier(at)
    for k = 1, 12 do
      points[#points + 1] = { at(k / 12) }
    end
    x, y = table.unpack(points[#points])
  end
  for command, list in path:gmatch "(%a)([^%a]*)" do
    local numbers = {}
    for value in list:gmatch "%-?[%d.]+" do
      numbers[#numbers + 1] = tonumber(value)
    end
    local n, x0, y0 = numbers, x, y
    if command == "M" then
      to(n[1], n[2])
    elseif command == "V" then
      for k = 1, 8 do
        points[#points + 1] = { x, y0 + (n[1] - y0) * k / 8 }
      end
      y = n[1]
    elseif command == "H" then
      for k = 1, 8 do
        points[#points + 1] = { x0 + (n[1] - x0) * k / 8, y }
      end
      x = n[1]
    elseif command == "C" then
      bezier(function(t)
        local a, b, c, d = (1 - t) ^ 3, 3 * t * (1 - t) ^ 2, 3 * t * t * (1 - t), t ^ 3
        return a * x0 + b * n[1] + c * n[3] + d * n[5], a * y0 + b * n[2] + c * n[4] + d * n[6]
      end)
    elseif command == "q" then
      bezier(function(t)
        local b, c = 2 * t * (1 - t), t * t
        return x0 + b * n[1] + c * n[3], y0 + b * n[2] + c * n[4]
      end)
    else
      error("unknown command " .. command)
    end
  end
  return points
end

-- What a part of a drawing shows: boxes by position, labels, edges.
local function read_graph(element)
  local graph = { boxes = {}, labels = {}, edges = {}, chips = {}, elided = 0 }
  walk(element, function(e)
    graph.elided = graph.elided + (tonumber(e.attributes["data-elided"]) or 0)
    local position = tonumber(e.attributes["data-node"])
    if position then
      assert.is_nil(graph.boxes[position], "a node drawn twice")
      for _, child in ipairs(e) do
        if child.tag == "rect" then
          assert.is_nil(graph.boxes[position])
          graph.boxes[position] = box_of(child)
        elseif child.tag == "text" then
          child.node = position
          table.insert(graph.labels, child)
        elseif child.tag == "path" then
          graph.chips[position] = child.attributes.fill
        end
      end
    elseif e.attributes["data-from"] then
      table.insert(graph.edges, {
        from = tonumber(e.attributes["data-from"]), to = tonumber(e.attributes["data-to"]),
        points = points_of(e.attributes.d),
      })
    end
  end)
  return graph
end

local function read(svg)
  local root, graphs = parse(svg), {}
  walk(root, function(e)
    local role = e.attributes["data-graph"]
    if role then
      assert.is_nil(graphs[role])
      graphs[role] = read_graph(e)
    end
  end)
  return graphs, root
end

-- --- what holds for every drawing -----------------------------------------------------------------

local function overlap(p, q)
  return p.left < q.right and q.left < p.right and p.top < q.bottom and q.top < p.bottom
end

local function sorted_boxes(graph)
  local list = {}
  for _, box in pairs(graph.boxes) do
    list[#list + 1] = box
  end
  table.sort(list, function(p, q)
    if p.left ~= q.left then
      return p.left < q.left
    end
    return p.top < q.top
  end)
  return list
end

local function check_boxes(drawn, graph)
  for position = 0, #graph - 1 do
    assert.truthy(drawn.boxes[position], "a node is missing")
  end
  local list = sorted_boxes(drawn)
  assert.equal(#graph, #list)
  for i, box in ipairs(list) do
    for j = i + 1, #list do
      if list[j].left >= box.right then
        break
      end
      if overlap(box, list[j]) then
        error "two boxes overlap"
      end
    end
  end
end

local function check_labels(drawn)
  local labelled = {}
  for _, label in ipairs(drawn.labels) do
    local a, box = label.attributes, drawn.boxes[label.node]
    local size = tonumber(a["font-size"] or 11)
    assert.truthy(size >= 9)
    assert.equal("middle", a["text-anchor"])
    local half = breadth(label.text, size) * (a["font-weight"] and 1.13 or 1) / 2
    local x, y = tonumber(a.x), tonumber(a.y)
    assert.truthy(x - half >= box.left and x + half <= box.right, label.text)
    assert.truthy(y - 0.76 * size >= box.top and y + 0.24 * size <= box.bottom, label.text)
    labelled[label.node] = true
  end
  for position in pairs(drawn.boxes) do
    assert.truthy(labelled[position])
  end
end

local function check_edges(drawn, graph)
  local wanted = {}
  for position, node in graph:nodes() do
    for _, operand in ipairs(node.operands) do
      local key = operand .. ">" .. position
      wanted[key] = (wanted[key] or 0) + 1
    end
  end
  local entries = {}
  for _, edge in ipairs(drawn.edges) do
    local key = edge.from .. ">" .. edge.to
    wanted[key] = assert(wanted[key], "an edge too many") - 1
    local from, to = drawn.boxes[edge.from], drawn.boxes[edge.to]
    local first, last = edge.points[1], edge.points[#edge.points]
    assert.truthy(math.abs(first[2] - from.bottom) < 0.11 and first[1] > from.left and first[1] < from.right)
    assert.truthy(math.abs(last[2] - to.top) < 0.11 and last[1] > to.left and last[1] < to.right)
    local entry = edge.to .. "@" .. last[1]
    assert.is_nil(entries[entry], "two edges end in one point")
    entries[entry] = true
  end
  for _, missing in pairs(wanted) do
    assert.equal(0, missing)
  end
end

-- No line runs through a box: buckets of the page's width make this fast.
local function check_lines(drawn)
  local buckets, size = {}, 32
  for _, box in pairs(drawn.boxes) do
    for b = box.left // size, box.right // size do
      buckets[b] = buckets[b] or {}
      table.insert(buckets[b], box)
    end
  end
  for _, edge in ipairs(drawn.edges) do
    for _, point in ipairs(edge.points) do
      local x, y = point[1], point[2]
      for _, box in ipairs(buckets[x // size] or {}) do
        if x > box.left + 0.2 and x < box.right - 0.2 and y > box.top + 0.2 and y < box.bottom - 0.2 then
          error "a line through a box"
        end
      end
    end
  end
end

local function check_page(root)
  local width, height = tonumber(root.attributes.width), tonumber(root.attributes.height)
  walk(root, function(e)
    local a, x, y = e.attributes, nil, nil
    if e.tag == "text" then
      local half = breadth(e.text, tonumber(a["font-size"] or 11))
      x, y = tonumber(a.x) + (a["text-anchor"] and half / 2 or half), tonumber(a.y)
      assert.truthy(tonumber(a["font-size"] or 11) >= 9)
    elseif e.tag == "rect" and a.x then
      local box = box_of(e)
      x, y = box.right, box.bottom
    end
    assert.truthy((x or 0) <= width and (y or 0) <= height)
    for _, point in ipairs(a["data-from"] and points_of(a.d) or {}) do
      if point[1] < 0 or point[1] > width or point[2] < 0 or point[2] > height then
        error "a line leaves the page"
      end
    end
  end)
end

local function check(svg, graph)
  local graphs, root = read(svg)
  check_boxes(graphs.whole, graph)
  check_labels(graphs.whole)
  check_edges(graphs.whole, graph)
  check_lines(graphs.whole)
  check_page(root)
  return graphs.whole, root
end

-- --- graphs -----------------------------------------------------------------------------------------

-- A graph of `size` nodes wired at random: joins of few and of many, of a tensor with itself.
local function random_graph(seed, size)
  local random = ag.random.new(seed, 7)
  local b = core.builder("random & <wild> \"" .. seed .. "\"")
  local ids = { b:input { 8, 8, 4 } }
  local used = {}
  local function any()
    local near = random:below(3) > 0 and math.min(#ids, 4) or #ids
    local id = ids[#ids - random:below(near)]
    used[id] = true
    return id
  end
  while #ids < size do
    local kind = random:below(6)
    local id
    if kind < 2 then
      id = b:conv(any(), { kernel = { 1 + 2 * random:below(3), 3 }, filters = 4 })
    elseif kind == 2 then
      id = b:relu(any())
    elseif kind == 3 then
      id = b:batchnorm(any())
    else
      local operands = {}
      for k = 1, 2 + random:below(kind == 4 and 2 or 9) do
        operands[k] = any()
      end
      id = b:add(operands)
    end
    ids[#ids + 1] = id
  end
  local loose = { ids[#ids], ids[#ids] }
  for _, id in ipairs(ids) do
    loose[#loose + 1] = not used[id] and id or nil
  end
  b:output(b:add(loose))
  return b:build()
end

local NETWORKS = {
  "resnet50", "unet_denoise", "densenet121", "mobilenet_v2", "edsr", "vgg16_bn", "fsrcnn3",
  "hiaml:src1,src1,r30,src3",
  "nb201:|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_1x1~2|",
}

local function networks()
  local list, at = {}, 0
  for k, name in ipairs(NETWORKS) do
    list[k] = assert(ag.load(name))
  end
  for _, name in ipairs(ag.family.names) do
    list[#list + 1] = assert(ag.family[name].build(ag.family[name].sample(ag.random.new(5, 1))))
  end
  return function()
    at = at + 1
    return list[at]
  end
end

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
    for graph in networks() do
      check(assert(draw.graph(graph)), graph)
    end
  end)

  it("does so for graphs wired at random, with shapes and nodes made bold", function()
    for seed = 1, 40 do
      local graph = random_graph(seed, 4 + seed)
      check(assert(draw.graph(graph, { shapes = seed % 2 == 0, highlight = { [1] = true } })), graph)
    end
  end)

  it("is the same every time, in another process too", function()
    local graph = assert(ag.load "resnet18")
    local svg = draw.graph(graph)
    assert.equal(svg, draw.graph(assert(ag.load "resnet18")))
    local path = support.temporary("", ".svg")
    assert.equal(0, (support.autogo("convert resnet18 " .. path)))
    assert.equal(svg, core.read_file(path))
    os.remove(path)
  end)

  it("fits a page: long networks stand in columns", function()
    for _, name in ipairs { "resnet50", "densenet121", "mobilenet_v2", "resnet152" } do
      local root = parse(draw.graph(assert(ag.load(name)))).attributes
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
    local drawn = read(draw.graph(assert(ag.load "resnet18"))).whole
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
    local svg, why = draw.graph(b:build())
    assert.is_nil(svg)
    assert.equal("large: the graph is too large to draw", why)
  end)
end)

describe("a drawing of segments", function()
  it("numbers and colours them, neighbours differently", function()
    local seed = 0
    for graph in networks() do
      seed = seed + 1
      local segments = cut(graph, seed)
      local drawn = read(assert(draw.segments(graph, segments))).whole
      check_labels(drawn)
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
    local drawn, root = check(assert(core.read_file(path)), graph)
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
      local drawn = check(assert(core.read_file(folder .. "/" .. name)), graph)
      for position = 0, #graph - 1 do
        assert.truthy(drawn.chips[position])
      end
      os.remove(folder .. "/" .. name)
    end
    os.remove(folder .. "/fig6.csv")
    assert.truthy(os.remove(folder))
  end)
end)

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
      local graphs, root = read(assert(draw.change(graph, child, origin)))
      for role, whole in pairs { parent = graph, child = child } do
        check_boxes(graphs[role], whole)
        check_labels(graphs[role])
        check_edges(graphs[role], whole)
        check_lines(graphs[role])
      end
      check_page(root)
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
    local graphs, root = read(assert(draw.change(graph, child, origin, { context = 3 })))
    check_page(root)
    local at = {}
    for i in pairs(origin) do
      at[origin[i]] = i
    end
    for role, whole in pairs { parent = graph, child = child } do
      local drawn, shown = graphs[role], 0
      check_lines(drawn)
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
    local graphs = read(assert(draw.change(p, q, { 1, 3, 2, 4 })))
    check_boxes(graphs.parent, p)
    check_boxes(graphs.child, q)
  end)

  it("marks what only changed its shape", function()
    local function net(filters)
      local b = core.builder("net")
      local x = b:conv(b:input { 8, 8, 4 }, { kernel = 3, filters = filters })
      b:output(b:conv(b:relu(x), { kernel = 1, filters = 4 }))
      return b:build()
    end
    local graphs = read(assert(draw.change(net(4), net(8), { 1, 2, 3, 4, 5 })))
    assert.same({ [1] = palette.YELLOW, [2] = palette.YELLOW, [3] = palette.YELLOW }, graphs.child.chips)
    assert.same(graphs.child.chips, graphs.parent.chips)
  end)
end)

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
      assert.truthy(text.width(character, 1000) >= breadth(character, 1000), character)
    end
    local cut_short = text.fit("a very long name of an operation", 11, 60)
    assert.matches("^a.*…$", cut_short)
    assert.truthy(breadth(cut_short, 11) <= 60)
    assert.equal("a b c", table.concat(text.wrap("a b c", 11, 10), " "))
    assert.equal("&lt;a &amp; &quot;b&quot;&gt;?", text.escape('<a & "b">\1'))
    assert.equal("?? broken", text.escape "\xff\xfe broken")
    assert.truthy(utf8.len(text.fit("\xff\xfe broken and long", 11, 40)))
  end)
end)
