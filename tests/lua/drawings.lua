--- What holds for every drawing of a graph, read back from the SVG, and graphs to draw.

require "tests.lua.support"
local assert = require "luassert"
local ag = require "autogo"
local core = require "autogo.core"
local svg = require "tests.lua.svg"

local drawings = {}

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

--- Every node has a box, and no two overlap.
function drawings.boxes(drawn, graph)
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

--- Every box has a label that fits into it.
function drawings.labels(drawn)
  local labelled = {}
  for _, label in ipairs(drawn.labels) do
    local a, box = label.attributes, drawn.boxes[label.node]
    local size = tonumber(a["font-size"] or 11)
    assert.truthy(size >= 9)
    assert.equal("middle", a["text-anchor"])
    local half = svg.breadth(label.text, size) * (a["font-weight"] and 1.13 or 1) / 2
    local x, y = tonumber(a.x), tonumber(a.y)
    assert.truthy(x - half >= box.left and x + half <= box.right, label.text)
    assert.truthy(y - 0.76 * size >= box.top and y + 0.24 * size <= box.bottom, label.text)
    labelled[label.node] = true
  end
  for position in pairs(drawn.boxes) do
    assert.truthy(labelled[position])
  end
end

--- Every edge is drawn once, from the foot of a box to the head of another.
function drawings.edges(drawn, graph)
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

--- No line runs through a box: buckets of the page's width make this fast.
function drawings.lines(drawn)
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

--- Nothing leaves the page, no text is too small.
function drawings.page(root)
  local width, height = tonumber(root.attributes.width), tonumber(root.attributes.height)
  svg.walk(root, function(e)
    local a, x, y = e.attributes, nil, nil
    if e.tag == "text" then
      local half = svg.breadth(e.text, tonumber(a["font-size"] or 11))
      x, y = tonumber(a.x) + (a["text-anchor"] and half / 2 or half), tonumber(a.y)
      assert.truthy(tonumber(a["font-size"] or 11) >= 9)
    elseif e.tag == "rect" and a.x then
      local box = svg.box_of(e)
      x, y = box.right, box.bottom
    end
    assert.truthy((x or 0) <= width and (y or 0) <= height)
    for _, point in ipairs(a["data-from"] and svg.points_of(a.d) or {}) do
      if point[1] < 0 or point[1] > width or point[2] < 0 or point[2] > height then
        error "a line leaves the page"
      end
    end
  end)
end

--- All of that for the drawing of one whole graph; returns what it shows and its root element.
function drawings.check(source, graph)
  local graphs, root = svg.read(source)
  drawings.boxes(graphs.whole, graph)
  drawings.labels(graphs.whole)
  drawings.edges(graphs.whole, graph)
  drawings.lines(graphs.whole)
  drawings.page(root)
  return graphs.whole, root
end

-- --- graphs -----------------------------------------------------------------------------------------

--- A graph of `size` nodes wired at random: joins of few and of many, of a tensor with itself.
function drawings.random_graph(seed, size)
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

--- Networks of the zoo and one of each family, one after the other.
function drawings.networks()
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

return drawings
