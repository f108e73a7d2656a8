--- A reader of SVG for the specs of drawings: fails where the text is not well formed.

local assert = require "luassert"

local svg = {}

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

--- The root element { tag, attributes, text, children... }; fails where the text is not well formed.
function svg.parse(source)
  assert.truthy(utf8.len(source))
  local root = { tag = "document", attributes = {}, text = "" }
  local stack, at = { root }, 1
  while at <= #source do
    local top = stack[#stack]
    local open, shut = source:find("<[^<>]*>", at)
    local between = source:sub(at, (open or #source + 1) - 1)
    top.text = top.text .. plain(between)
    if not open then
      break
    end
    local slash, tag, list, single = source:sub(open, shut):match "^<(/?)([%a][%w:]*)(.-)(/?)>$"
    assert.truthy(tag, source:sub(open, shut))
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

--- Visit an element and all that is in it.
function svg.walk(element, visit)
  visit(element)
  for _, child in ipairs(element) do
    svg.walk(child, visit)
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

--- Room that a text takes in the broadest of the usual fonts, in pixels.
function svg.breadth(line, size)
  local sum = 0
  for _, code in utf8.codes(line) do
    sum = sum + (ADVANCES[code - 31] or 1000)
  end
  return sum * size / 1000
end

--- The sides of a <rect>, and its fill.
function svg.box_of(element)
  local a = element.attributes
  local x, y = tonumber(a.x), tonumber(a.y)
  return { left = x, top = y, right = x + tonumber(a.width), bottom = y + tonumber(a.height), fill = a.fill }
end

--- Points along a path: a list of {x, y}; curves are sampled.
function svg.points_of(path)
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
  svg.walk(element, function(e)
    graph.elided = graph.elided + (tonumber(e.attributes["data-elided"]) or 0)
    local position = tonumber(e.attributes["data-node"])
    if position then
      assert.is_nil(graph.boxes[position], "a node drawn twice")
      for _, child in ipairs(e) do
        if child.tag == "rect" then
          assert.is_nil(graph.boxes[position])
          graph.boxes[position] = svg.box_of(child)
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
        points = svg.points_of(e.attributes.d),
      })
    end
  end)
  return graph
end

--- The graphs that a drawing shows, by role, and its root element.
function svg.read(source)
  local root, graphs = svg.parse(source), {}
  svg.walk(root, function(e)
    local role = e.attributes["data-graph"]
    if role then
      assert.is_nil(graphs[role])
      graphs[role] = read_graph(e)
    end
  end)
  return graphs, root
end

return svg
