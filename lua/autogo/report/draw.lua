--- Drawings of computation graphs as SVG, without other programs: one box per node, in rows from top to
-- bottom, long networks in several columns.
--
--    draw.graph(graph)                              -- coloured by kind of op
--    draw.segments(graph, list_of_segments)         -- coloured and numbered by segment
--    draw.change(parent, child, origin)             -- side by side, what changed coloured
--
-- A node's box carries its position from 0 as data-node, an edge's path data-from and data-to. Hovering
-- over a box says its shapes, hovering over a line lights up all that the tensor feeds.
-- @module autogo.report.draw

local layers = require "autogo.report.layers"
local legend = require "autogo.report.legend"
local palette = require "autogo.report.palette"
local picture = require "autogo.report.picture"
local sheets = require "autogo.report.sheet"
local text = require "autogo.report.text"

local MARGIN = sheets.MARGIN

local draw = {
  --- Draw a graph and what became of it. See `autogo.report.change`.
  change = require "autogo.report.change",
}

local function highlight(styles, set)
  for i in pairs(set or {}) do
    local style = styles[i]
    style.bold, style.stroke, style.more = true, palette.INK, ' stroke-width="2.5"'
  end
end

local function lay_out(graph, problem, options)
  local list, why = picture.fit(function(aspect)
    local a, reason = layers.arrange(problem, { aspect = aspect })
    return a and { a }, reason
  end, options)
  if not list then
    return nil, ("%s: %s"):format(picture.title(graph), why)
  end
  return list[1]
end

-- --- by kind of op ------------------------------------------------------------------------------

local KINDS = palette.KINDS

-- A style per node, and the legend of the kinds that occur.
local function kind_styles(nodes)
  local styles, used, entries = {}, {}, {}
  for i, node in ipairs(nodes) do
    local kind = palette.kind_of(node.op)
    styles[i], used[kind] = picture.style(KINDS[kind].colour), true
  end
  for k, kind in ipairs(KINDS) do
    if used[k] then
      local entry = picture.style(kind.colour)
      entry.name = kind.name
      entries[#entries + 1] = entry
    end
  end
  return styles, entries
end

--- Draw a graph, its nodes coloured by kind of op.
-- @tparam Graph graph
-- @tparam[opt] table options `shapes` = true: each box says its output resolution; `highlight` = set of
-- nodes, from 1, to be made bold; `title`; `aspect` (1.35) of the page, width to height
-- @treturn string SVG; or nil and a message
function draw.graph(graph, options)
  options = options or {}
  local problem = picture.pose(picture.scene(graph), options)
  local a, why = lay_out(graph, problem, options)
  if not a then
    return nil, why
  end
  local sheet, title = sheets.new(), options.title or picture.title(graph)
  local styles, entries = kind_styles(problem.nodes)
  highlight(styles, options.highlight)
  local y = picture.heading(sheet, MARGIN, title, picture.summary(graph))
  y = sheet:legend(MARGIN, y, math.max(a.breadth, 360), entries)
  picture.place(a, MARGIN, y + 14)
  picture.draw(sheet, a, styles, options)
  return sheet:finish(title)
end

-- --- by group -----------------------------------------------------------------------------------

-- Groups that follow each other, or have boxes above or beside each other.
local function touching(a, group, count)
  local sets = {}
  for g = 1, count do
    sets[g] = {}
  end
  local function touch(p, q)
    if p and q and p ~= q then
      sets[p][q], sets[q][p] = true, true
    end
  end
  for g = 2, count do
    touch(g - 1, g)
  end
  for _, order in ipairs(a.rows) do
    local before
    for _, v in ipairs(order) do
      if v <= a.count then
        touch(before, group[v])
        before = group[v]
      end
      for _, w in ipairs(a.down[v]) do
        touch(group[v], group[w])
      end
    end
  end
  return sets
end

local function group_styles(a, group, count)
  local chosen, styles = palette.assign(count, touching(a, group, count)), {}
  for i = 1, a.count do
    local colour = palette.COLOURS[chosen[group[i]]]
    styles[i] = picture.style(colour)
    styles[i].chip = { colour, tostring(group[i]) }
  end
  return styles, chosen
end

--- Draw a graph cut into groups of nodes: each has a number and a colour that none next to it has.
-- @tparam Graph graph
-- @tparam table group group[i] = number of the group of node i, both from 1
-- @tparam {string,...} names what each group is; equal ones share an entry of the legend
-- @tparam[opt] table options as of `draw.graph`; `line`: what to say below the title
-- @treturn string SVG; or nil and a message
function draw.groups(graph, group, names, options)
  local settings = { group = group, chip = math.ceil(text.width(tostring(#names), sheets.SMALL, true) + 8) }
  for key, value in pairs(options or {}) do
    settings[key] = value
  end
  local a, why = lay_out(graph, picture.pose(picture.scene(graph), settings), settings)
  if not a then
    return nil, why
  end
  local sheet, title = sheets.new(), settings.title or picture.title(graph)
  local styles, chosen = group_styles(a, group, #names)
  highlight(styles, settings.highlight)
  local y = picture.heading(sheet, MARGIN, title, settings.line or picture.summary(graph))
  picture.place(a, MARGIN, y + 14)
  picture.draw(sheet, a, styles, settings)
  legend.groups(sheet, MARGIN, sheet.height + 30, math.max(a.breadth, 420), names, chosen)
  return sheet:finish(title)
end

--- Draw a graph and how it is cut into segments.
-- @tparam Graph graph
-- @tparam table segments list of { first, last, label } as of `Graph:segments`: nodes [first, last)
-- from 0, which cover the graph; label a string or a method
-- @tparam[opt] table options as of `draw.groups`
-- @treturn string SVG; or nil and a message
function draw.segments(graph, segments, options)
  local group, names = {}, {}
  for g, segment in ipairs(segments) do
    for position = segment.first, segment.last - 1 do
      group[position + 1] = g
    end
    local label = type(segment.label) == "string" and segment.label or segment:label()
    names[g] = label:gsub("(%d)x(%d)", "%1×%2")
  end
  return draw.groups(graph, group, names, options)
end

return draw
