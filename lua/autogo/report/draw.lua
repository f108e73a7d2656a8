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

local columns = require "autogo.report.columns"
local layers = require "autogo.report.layers"
local legend = require "autogo.report.legend"
local palette = require "autogo.report.palette"
local routes = require "autogo.report.routes"
local sheets = require "autogo.report.sheet"
local short = require("autogo.report.table").short
local text = require "autogo.report.text"
local number = routes.number

local draw = {}

local HEIGHT, TALL, LEAST_WIDTH, PAD = 20, 31, 74, 9
local NORMAL, SMALL, MARGIN = sheets.NORMAL, sheets.SMALL, sheets.MARGIN

-- --- what is drawn ------------------------------------------------------------------------------

local function shape_line(node)
  return text.shape(node.h_out, node.w_out, node.c_out)
end

-- The problem of autogo.report.layers that a graph poses.
local function pose(graph, options)
  local nodes, edges, widths, labels = {}, {}, {}, {}
  local widest = LEAST_WIDTH
  for position, node in graph:nodes() do
    local i = position + 1
    nodes[i], labels[i] = node, text.fit(text.node(node), NORMAL, 180)
    widths[i] = text.width(labels[i], NORMAL, options.highlight and options.highlight[i])
    if options.shapes then
      widths[i] = math.max(widths[i], text.width(shape_line(node), SMALL))
    end
    widths[i] = math.ceil(widths[i] + 2 * PAD + (options.chip or 0))
    widest = math.max(widest, math.min(widths[i], 120 + (options.chip or 0)))
    for _, operand in ipairs(node.operands) do
      edges[#edges + 1] = { operand + 1, i }
    end
  end
  for i, width in ipairs(widths) do
    widths[i] = math.max(width, widest)
  end
  local group = options.group
  return {
    nodes = nodes, edges = edges, widths = widths, labels = labels,
    -- A column had better begin with a convolution or a new group.
    reluctance = function(above, below)
      local op = nodes[below].op
      return (group and group[above] == group[below] and 40 or 0)
        + ((op == "batchnorm" or op:find "^relu") and 60 or 0)
    end,
  }
end

local function tooltip(node)
  local parts = { ("%d: %s"):format(node.position, text.node(node)) }
  if node.name then
    parts[#parts + 1] = node.name
  end
  local from, to = text.shape(node.h_in, node.w_in, node.c_in), shape_line(node)
  parts[#parts + 1] = from == to and to or from .. " → " .. to
  if node.groups > 1 and node.op == "conv" then
    parts[#parts + 1] = ("%d groups"):format(node.groups)
  end
  if node.bias then
    parts[#parts + 1] = "bias"
  end
  if node.macs > 0 then
    parts[#parts + 1] = short(node.macs) .. "MACs"
  end
  if node.params > 0 then
    parts[#parts + 1] = short(node.params) .. "parameters"
  end
  return table.concat(parts, "\n")
end

-- --- boxes and lines ----------------------------------------------------------------------------

-- style: fill, stroke, chip {colour, label}, bold, more (attributes of the box)
local function draw_node(sheet, a, i, style, options)
  local width, height = a.width[i], options.shapes and TALL or HEIGHT
  local x, y = a.x[i] + a.offset[a.column[i]] - width / 2, a.dy + a.y[i]
  local chip = style.chip and options.chip or 0
  sheet:add('<g data-node="%d"><title>%s</title>', i - 1,
    text.escape(tooltip(a.problem.nodes[i])))
  sheet:box(x, y, width, height, style.fill, style.stroke, style.more)
  if style.chip then
    local colour = style.chip[1]
    sheet:add('<path d="M%s %sh-%sq-3 0 -3 3v%sq0 3 3 3h%sz" fill="%s"/>', number(x + chip), number(y),
      number(chip - 3), number(height - 6), number(chip - 3), colour)
    sheet:text(x + chip / 2, y + height / 2 + 3.2, style.chip[2],
      { size = SMALL, bold = true, anchor = "middle", fill = palette.text_on(colour) })
  end
  local middle = x + (width + chip) / 2
  sheet:text(middle, y + 14, a.problem.labels[i], { anchor = "middle", bold = style.bold })
  if options.shapes then
    sheet:text(middle, y + 26, shape_line(a.problem.nodes[i]),
      { size = SMALL, anchor = "middle", fill = palette.GREY })
  end
  sheet:add "</g>"
end

local function draw_edges(sheet, a)
  local ports, open = routes.ports(a), nil
  local order = {}
  for e in ipairs(a.problem.edges) do
    order[e] = e
  end
  table.sort(order, function(p, q)
    local from, other = a.problem.edges[p][1], a.problem.edges[q][1]
    if from ~= other then
      return from < other
    end
    return p < q
  end)
  sheet:add('<g fill="none" stroke="%s" stroke-width="1.3" marker-end="url(#tip)">', palette.LINE)
  for _, e in ipairs(order) do
    local edge = a.problem.edges[e]
    if open ~= edge[1] then
      sheet:add(open and "</g><g class=\"net\">" or "<g class=\"net\">")
      open = edge[1]
    end
    sheet:add('<path data-from="%d" data-to="%d" d="%s"/>', edge[1] - 1, edge[2] - 1,
      routes.path(a, edge, ports[e]))
  end
  sheet:add(open and "</g></g>" or "</g>")
end

-- Lines between columns run upwards: say so.
local function draw_directions(sheet, a)
  for _, lane in ipairs(routes.lanes(a)) do
    local x, y = lane.x, (lane.top + lane.bottom) / 2
    sheet:add('<path d="M%s %sl-3 6h6z" fill="%s"/>', number(x), number(y), palette.GREY)
  end
end

local function draw_graph(sheet, a, styles, options)
  sheet:add('<g data-graph="%s">', options.role or "whole")
  draw_edges(sheet, a)
  draw_directions(sheet, a)
  for i = 1, a.count do
    draw_node(sheet, a, i, styles[i], options)
  end
  sheet:add "</g>"
  sheet:cover(a.offset[#a.offset] + a.spans[#a.spans][2], a.dy + a.fall)
end

-- --- the page -----------------------------------------------------------------------------------

local function summary(graph)
  return ("%d nodes, %d edges, %sFLOPs, %sparameters"):format(#graph, graph.edges, short(graph.flops),
    short(graph.params))
end

local function title_of(graph)
  return graph.name ~= "" and graph.name or "graph"
end

local function heading(sheet, x, title, line)
  sheet:text(x, MARGIN + 12, text.fit(title, sheets.LARGE, 700), { size = sheets.LARGE, bold = true })
  sheet:text(x, MARGIN + 30, line, { fill = palette.GREY })
  return MARGIN + 42
end

local function place(a, x, y)
  for c in ipairs(a.offset) do
    a.offset[c] = a.offset[c] + x
  end
  a.dy = y + a.rise
end

local function height_of(options)
  return options.shapes and TALL or HEIGHT
end

local function highlight(styles, set)
  for i in pairs(set or {}) do
    local style = styles[i]
    style.bold, style.stroke, style.more = true, palette.INK, ' stroke-width="2.5"'
  end
end

local ASPECT = 1.35

-- How far a page is from the shape asked for, as a factor of at least 1.
local function distance(aspect, wanted)
  return math.max(aspect / wanted, wanted / aspect)
end

-- Lay out with `lay(aspect)` -> arrangements or nil and a message. Its choice of columns rests on an
-- estimate: where that misses the page by far, ask again for as much more or less, and keep the better.
local function fit_page(lay, options)
  local wanted = options.aspect or ASPECT
  local function try(aspect)
    local list, why = lay(aspect)
    if not list then
      return nil, why
    end
    layers.stack(list, height_of(options))
    local breadth = 0
    for _, a in ipairs(list) do
      layers.spread(a)
      breadth = breadth + a.breadth
    end
    return list, breadth / (list[1].rise + list[1].fall)
  end
  local list, aspect = try(wanted)
  if list and distance(aspect, wanted) > 1.2 then
    local second, second_aspect = try(wanted * wanted / aspect)
    if distance(second_aspect, wanted) < distance(aspect, wanted) then
      list = second
    end
  end
  return list, aspect
end

local function one_graph(graph, problem, options)
  local list, why = fit_page(function(aspect)
    local a, why = layers.arrange(problem, { aspect = aspect })
    return a and { a }, why
  end, options)
  if not list then
    return nil, ("%s: %s"):format(title_of(graph), why)
  end
  return list[1]
end

-- --- by kind of op ------------------------------------------------------------------------------

local KINDS = {
  { name = "input, output", colour = palette.YELLOW, ops = { "input", "output" } },
  { name = "convolution", colour = palette.SKY, ops = { "conv", "transposedconv" } },
  { name = "depthwise convolution", colour = palette.BLUE, ops = { "depthwise" } },
  { name = "dense", colour = palette.PURPLE, ops = { "matmul" } },
  { name = "add, multiply", colour = palette.ORANGE, ops = { "add", "mul" } },
  { name = "concatenation", colour = palette.VERMILLION, ops = { "concat" } },
  {
    name = "pooling, resampling", colour = palette.GREEN,
    ops = { "maxpool", "avgpool", "mean", "global", "resize", "depthtospacend", "spacetodepthnd" },
  },
  { name = "kept as it is", colour = palette.GREY, ops = { "opaque" } },
  { name = "normalisation, activation, other", colour = nil, ops = {} },
}

local KIND_OF = {}
for k, kind in ipairs(KINDS) do
  for _, op in ipairs(kind.ops) do
    KIND_OF[op] = k
  end
end

local function style_of(colour)
  if not colour then
    return { fill = "#f5f7fa", stroke = "#9aa5b1" }
  end
  return { fill = palette.tint(colour, 0.35), stroke = colour }
end

--- Draw a graph, its nodes coloured by kind of op.
-- @tparam Graph graph
-- @tparam[opt] table options `shapes` = true: each box says its output resolution; `highlight` = set of
-- nodes, from 1, to be made bold; `title`; `aspect` (1.35) of the page, width to height
-- @treturn string SVG; or nil and a message
function draw.graph(graph, options)
  options = options or {}
  local problem = pose(graph, options)
  local a, why = one_graph(graph, problem, options)
  if not a then
    return nil, why
  end
  local sheet, styles, used, entries = sheets.new(), {}, {}, {}
  for i, node in ipairs(problem.nodes) do
    local kind = KIND_OF[node.op] or #KINDS
    styles[i], used[kind] = style_of(KINDS[kind].colour), true
  end
  highlight(styles, options.highlight)
  for k, kind in ipairs(KINDS) do
    if used[k] then
      local style = style_of(kind.colour)
      entries[#entries + 1] = { fill = style.fill, stroke = style.stroke, name = kind.name }
    end
  end
  local title = options.title or title_of(graph)
  local y = heading(sheet, MARGIN, title, summary(graph))
  y = sheet:legend(MARGIN, y, math.max(a.breadth, 360), entries)
  place(a, MARGIN, y + 14)
  draw_graph(sheet, a, styles, options)
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
    styles[i] = style_of(colour)
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
  local settings = { group = group }
  for key, value in pairs(options or {}) do
    settings[key] = value
  end
  settings.chip = math.ceil(text.width(tostring(#names), SMALL, true) + 8)
  local problem = pose(graph, settings)
  local a, why = one_graph(graph, problem, settings)
  if not a then
    return nil, why
  end
  local sheet = sheets.new()
  local styles, chosen = group_styles(a, group, #names)
  highlight(styles, settings.highlight)
  local title = settings.title or title_of(graph)
  local y = heading(sheet, MARGIN, title, settings.line or summary(graph))
  place(a, MARGIN, y + 14)
  draw_graph(sheet, a, styles, settings)
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

-- --- before and after ---------------------------------------------------------------------------

local REMOVED, ADDED, RESHAPED = palette.VERMILLION, palette.BLUE, palette.YELLOW

-- Rows of both graphs in which matched nodes stand at one height: those of the two graphs laid on top
-- of each other. Nil where that makes a circle.
local function common_rows(before, after, origin)
  local shared, count = {}, #before.widths
  for i in ipairs(after.widths) do
    if not origin[i] then
      count = count + 1
    end
    shared[i] = origin[i] or count
  end
  local below, missing, row = {}, {}, {}
  for v = 1, count do
    below[v], missing[v], row[v] = {}, 0, 1
  end
  local function join(from, to)
    table.insert(below[from], to)
    missing[to] = missing[to] + 1
  end
  for _, edge in ipairs(before.edges) do
    join(edge[1], edge[2])
  end
  for _, edge in ipairs(after.edges) do
    join(shared[edge[1]], shared[edge[2]])
  end
  local queue, rows = {}, 1
  for v = 1, count do
    if missing[v] == 0 then
      queue[#queue + 1] = v
    end
  end
  for at = 1, count do
    local v = queue[at]
    if not v then
      return nil
    end
    rows = math.max(rows, row[v])
    for _, w in ipairs(below[v]) do
      row[w], missing[w] = math.max(row[w], row[v] + 1), missing[w] - 1
      if missing[w] == 0 then
        queue[#queue + 1] = w
      end
    end
  end
  local row_after = {}
  for i in ipairs(after.widths) do
    row_after[i] = row[shared[i]]
  end
  return table.move(row, 1, #before.widths, 1, {}), row_after, rows
end

local function separate_rows(before, after)
  local row_before, rows_before = layers.assign(#before.widths, before.edges)
  local row_after, rows_after = layers.assign(#after.widths, after.edges)
  return row_before, row_after, math.max(rows_before, rows_after)
end

local function reshaped(node, old)
  return node.h_out ~= old.h_out or node.w_out ~= old.w_out or node.c_out ~= old.c_out
    or node.c_in ~= old.c_in or node.h_in ~= old.h_in or node.w_in ~= old.w_in
end

local function marked(colour, mark)
  local style = style_of(colour)
  style.chip = mark and { colour, mark } or nil
  style.more = mark and ' stroke-width="1.8"' or nil
  return style
end

local function change_styles(before, after, origin)
  local old, new = {}, {}
  local removed, added, changed = #before.nodes, 0, 0
  for i, node in ipairs(after.nodes) do
    local from = origin[i]
    if not from then
      added, new[i] = added + 1, marked(ADDED, "+")
    else
      removed = removed - 1
      local colour, mark
      if reshaped(node, before.nodes[from]) then
        changed, colour, mark = changed + 1, RESHAPED, "~"
      end
      new[i], old[from] = marked(colour, mark), marked(colour, mark)
    end
  end
  for i in ipairs(before.nodes) do
    old[i] = old[i] or marked(REMOVED, "−")
  end
  return old, new, removed, added, changed
end

--- Draw a graph and what became of it side by side; nodes that both have stand at one height.
-- @tparam Graph parent
-- @tparam Graph child
-- @tparam table origin origin[i] = which node of the parent node i of the child is, both from 1; nil for
-- new nodes
-- @tparam[opt] table options `shapes`, `title`, `aspect` (1.35)
-- @treturn string SVG; or nil and a message
function draw.change(parent, child, origin, options)
  local settings = { chip = 17 }
  for key, value in pairs(options or {}) do
    settings[key] = value
  end
  local before, after = pose(parent, settings), pose(child, settings)
  local row_before, row_after, rows = common_rows(before, after, origin)
  if not rows then
    row_before, row_after, rows = separate_rows(before, after)
  end
  local list, why = fit_page(function(aspect)
    local ends = columns.choose({ before, after }, { row_before, row_after }, rows, aspect)
    local a, why = layers.arrange(before, { row = row_before, rows = rows, after = ends })
    local b
    if a then
      b, why = layers.arrange(after, { row = row_after, rows = rows, after = ends })
    end
    return b and { a, b }, why
  end, settings)
  if not list then
    return nil, ("%s: %s"):format(title_of(parent), why)
  end
  local a, b = list[1], list[2]
  local old, new, removed, added, changed = change_styles(before, after, origin)
  local sheet = sheets.new()
  local middle = MARGIN + math.max(a.breadth, 420) + 48
  local y = heading(sheet, MARGIN, settings.title or title_of(parent), summary(parent))
  heading(sheet, middle, settings.title and "" or title_of(child), summary(child))
  local entries = {}
  for _, entry in ipairs {
    { REMOVED, "−", "removed", removed }, { ADDED, "+", "added", added },
    { RESHAPED, "~", "other shape", changed }, { nil, nil, "unchanged", a.count - removed - changed },
  } do
    local style = marked(entry[1], nil)
    local sign = entry[2] and entry[2] .. " " or ""
    entries[#entries + 1] =
      { fill = style.fill, stroke = style.stroke, name = ("%s%s (%d)"):format(sign, entry[3], entry[4]) }
  end
  y = sheet:legend(MARGIN, y, middle - MARGIN, entries)
  place(a, MARGIN, y + 14)
  place(b, middle, y + 14)
  settings.role = "parent"
  draw_graph(sheet, a, old, settings)
  settings.role = "child"
  draw_graph(sheet, b, new, settings)
  sheet:add('<path d="M%s %sV%s" stroke="#cbd2d9"/>', number(middle - 24), number(MARGIN),
    number(sheet.height))
  return sheet:finish(settings.title or ("%s, changed"):format(title_of(parent)))
end

return draw
