--- What all drawings of computation graphs share: boxes, lines, and how a page is filled.
--
-- A *scene* is { nodes = list of nodes as of `Graph:node`, edges = list of {from, to} from 1 }; a node of
-- a scene may also stand for several that are not drawn: { elided = how many }. `picture.pose` makes
-- it a problem of `autogo.report.layers`, `picture.fit` lays it out, `picture.draw` draws it in given
-- styles, each { fill, stroke, chip = {colour, text}, bold, more = attributes of the box }.
-- @module autogo.report.picture

local layers = require "autogo.report.layers"
local palette = require "autogo.report.palette"
local routes = require "autogo.report.routes"
local sheets = require "autogo.report.sheet"
local text = require "autogo.report.text"
local words = require "autogo.report.words"
local number = routes.number

local picture = {}

local HEIGHT, TALL, LEAST_WIDTH, MOST_COMMON, MOST_LABEL, PAD = 20, 31, 74, 120, 180, 9
local NORMAL, SMALL, MARGIN = sheets.NORMAL, sheets.SMALL, sheets.MARGIN
-- Of a page, width to height.
local ASPECT = 1.35
-- What a column does not like to end with, in the measure of `autogo.report.columns`.
local SAME_GROUP, BEFORE_FOLLOWER = 15, 30

-- --- what is drawn ------------------------------------------------------------------------------

--- The nodes and edges of a graph.
function picture.scene(graph)
  local scene = { nodes = {}, edges = {} }
  for position, node in graph:nodes() do
    scene.nodes[position + 1] = node
    for _, operand in ipairs(node.operands) do
      table.insert(scene.edges, { operand + 1, position + 1 })
    end
  end
  return scene
end

local function shape_line(node)
  return text.shape(node.h_out, node.w_out, node.c_out)
end

local function label_of(node)
  return node.elided and ("… %s …"):format(words.count(node.elided, "node")) or text.node(node)
end

--- What a box says in its first line, and the room that its lines need.
-- @tparam table node
-- @tparam[opt] boolean shapes whether its resolution stands below
-- @tparam[opt] boolean bold
-- @treturn string
-- @treturn number
function picture.measure(node, shapes, bold)
  local label = text.fit(label_of(node), NORMAL, MOST_LABEL)
  local room = text.width(label, NORMAL, bold)
  if shapes and not node.elided then
    room = math.max(room, text.width(shape_line(node), SMALL))
  end
  return label, room
end

-- Boxes are of one width, but for those whose label needs more.
local function measure(problem, options)
  local widest, chip, known = LEAST_WIDTH, options.chip or 0, options.measure
  for i, node in ipairs(problem.nodes) do
    local label, room
    if known then
      label, room = known(node)
    else
      label, room = picture.measure(node, options.shapes, options.highlight and options.highlight[i])
    end
    problem.labels[i], problem.widths[i] = label, math.ceil(room + 2 * PAD + chip)
    widest = math.max(widest, math.min(problem.widths[i], MOST_COMMON + chip))
  end
  for i, width in ipairs(problem.widths) do
    problem.widths[i] = math.max(width, widest)
  end
end

--- The problem of layout that a scene poses.
-- @tparam table scene
-- @tparam table options `chip`: width of chips; `shapes` = true: a line of its own for each shape;
-- `highlight`: set of nodes in bold; `group`: number of each node's group; `measure`: function that does
-- what `picture.measure` does
function picture.pose(scene, options)
  local problem = { nodes = scene.nodes, edges = scene.edges, widths = {}, labels = {} }
  measure(problem, options)
  local group = options.group
  -- A column had better begin with a new group, and not with what follows a convolution.
  function problem.reluctance(above, below)
    local op = scene.nodes[below].op
    local follows = op == "batchnorm" or op and op:find "^relu"
    return (group and group[above] == group[below] and SAME_GROUP or 0) + (follows and BEFORE_FOLLOWER or 0)
  end
  return problem
end

-- --- layout ---------------------------------------------------------------------------------------

-- How far a page is from the shape asked for, as a factor of at least 1.
local function distance(aspect, wanted)
  return math.max(aspect / wanted, wanted / aspect)
end

--- Lay out with `lay(aspect)` -> arrangements, or nil and a message. The choice of columns rests on an
-- estimate: where that misses the page by far, ask again for as much more or less, and keep the better.
-- @treturn table arrangements, stacked and spread; or nil and a message
function picture.fit(lay, options)
  local wanted = options.aspect or ASPECT
  local function try(aspect)
    local list, why = lay(aspect)
    if not list then
      return nil, why
    end
    layers.stack(list, options.shapes and TALL or HEIGHT)
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

--- Put an arrangement's upper left corner somewhere.
function picture.place(a, x, y)
  for c in ipairs(a.offset) do
    a.offset[c] = a.offset[c] + x
  end
  a.dy = y + a.rise
end

-- --- boxes and lines ----------------------------------------------------------------------------

--- What a node is, in a few lines.
function picture.tooltip(node)
  if node.elided then
    local reshaped = node.reshaped or 0
    return ("%s, %s"):format(words.count(node.elided, "node"),
      reshaped > 0 and ("%d of another shape"):format(reshaped) or "unchanged")
  end
  return ("%d: %s"):format(node.position, picture.about(node))
end

--- The same without its position, of a node that stands for itself.
function picture.about(node)
  local parts = { text.node(node), node.name }
  local from, to = text.shape(node.h_in, node.w_in, node.c_in), shape_line(node)
  parts[#parts + 1] = from == to and to or from .. " → " .. to
  if node.groups > 1 and node.op == "conv" then
    parts[#parts + 1] = ("%d groups"):format(node.groups)
  end
  if node.bias then
    parts[#parts + 1] = "bias"
  end
  if node.macs > 0 then
    parts[#parts + 1] = words.amount(node.macs) .. " MACs"
  end
  if node.params > 0 then
    parts[#parts + 1] = words.amount(node.params) .. " parameters"
  end
  return table.concat(parts, "\n")
end

local function draw_chip(sheet, x, y, width, height, chip)
  sheet:add('<path d="M%s %sh-%sq-3 0 -3 3v%sq0 3 3 3h%sz" fill="%s"/>', number(x + width), number(y),
    number(width - 3), number(height - 6), number(width - 3), chip[1])
  sheet:text(x + width / 2, y + height / 2 + 3.2, chip[2],
    { size = SMALL, bold = true, anchor = "middle", fill = palette.text_on(chip[1]) })
end

-- What edges call a node: its position, or that of an elided one in the scene.
local function name_of(a, i)
  return a.problem.nodes[i].position or "e" .. i
end

local function draw_node(sheet, a, i, style, options)
  local node, width, height = a.problem.nodes[i], a.width[i], options.shapes and TALL or HEIGHT
  local x, y = a.x[i] + a.offset[a.column[i]] - width / 2, a.dy + a.y[i]
  local chip = style.chip and options.chip or 0
  sheet:add('<g data-%s="%d"><title>%s</title>', node.elided and "elided" or "node",
    node.elided or node.position, text.escape(picture.tooltip(node)))
  sheet:box(x, y, width, height, style.fill, style.stroke, style.more)
  if style.chip then
    draw_chip(sheet, x, y, chip, height, style.chip)
  end
  local middle, two_lines = x + (width + chip) / 2, options.shapes and not node.elided
  sheet:text(middle, y + (two_lines and 14 or height / 2 + 4), a.problem.labels[i],
    { anchor = "middle", bold = style.bold })
  if two_lines then
    sheet:text(middle, y + 26, shape_line(node), { size = SMALL, anchor = "middle", fill = palette.GREY })
  end
  sheet:add "</g>"
end

-- The numbers of the edges, those from one node together.
local function edges_by_source(edges)
  local order = {}
  for e in ipairs(edges) do
    order[e] = e
  end
  table.sort(order, function(p, q)
    if edges[p][1] ~= edges[q][1] then
      return edges[p][1] < edges[q][1]
    end
    return p < q
  end)
  return order
end

local function draw_edges(sheet, a)
  local ports, source = routes.ports(a), nil
  sheet:add('<g fill="none" stroke="%s" stroke-width="1.3" marker-end="url(#tip)">', palette.LINE)
  for _, e in ipairs(edges_by_source(a.problem.edges)) do
    local edge = a.problem.edges[e]
    if source ~= edge[1] then
      sheet:add(source and '</g><g class="net">' or '<g class="net">')
      source = edge[1]
    end
    sheet:add('<path data-from="%s" data-to="%s" d="%s"/>', name_of(a, edge[1]), name_of(a, edge[2]),
      routes.path(a, edge, ports[e]))
  end
  sheet:add(source and "</g></g>" or "</g>")
end

-- Lines between columns run upwards: say so.
local function draw_directions(sheet, a)
  for _, lane in ipairs(routes.lanes(a)) do
    local x, y = lane.x, (lane.top + lane.bottom) / 2
    sheet:add('<path d="M%s %sl-3 6h6z" fill="%s"/>', number(x), number(y), palette.GREY)
  end
end

--- Draw an arrangement that was placed.
-- @tparam Sheet sheet
-- @tparam table a arrangement
-- @tparam table styles one per node
-- @tparam table options as of `picture.pose`
-- @tparam[opt="whole"] string role its name as data-graph
function picture.draw(sheet, a, styles, options, role)
  sheet:add('<g data-graph="%s">', role or "whole")
  draw_edges(sheet, a)
  draw_directions(sheet, a)
  for i = 1, a.count do
    draw_node(sheet, a, i, styles[i], options)
  end
  sheet:add "</g>"
  sheet:cover(a.offset[#a.offset] + a.spans[#a.spans][2], a.dy + a.fall)
end

-- --- words and colours --------------------------------------------------------------------------

--- The style of a box in a colour; grey for nil.
function picture.style(colour)
  if not colour then
    return { fill = "#f5f7fa", stroke = "#9aa5b1" }
  end
  return { fill = palette.tint(colour, 0.35), stroke = colour }
end

--- What a graph is called in a picture.
function picture.title(graph)
  return graph.name ~= "" and graph.name or "graph"
end

--- One line of a graph: nodes, FLOPs, parameters.
function picture.summary(graph)
  return ("%d nodes, %d edges, %s, %s parameters"):format(#graph, graph.edges,
    words.amount(graph.flops, "FLOP"), words.amount(graph.params))
end

--- A title and a line below it at the top of a page; returns the height below them.
function picture.heading(sheet, x, title, line)
  sheet:text(x, MARGIN + 12, text.fit(title, sheets.LARGE, 400), { size = sheets.LARGE, bold = true })
  sheet:text(x, MARGIN + 30, line, { fill = palette.GREY })
  return MARGIN + 42
end

return picture
