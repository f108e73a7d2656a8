--- A hunk of a diff as SVG inside a page: before on the left, after on the right, styled by classes.
--
-- A node is a box of `autogo.report.boxes`, shown by <use data-node=POSITION>; what happened to it is said
-- by colour, by the sign at its left edge and by the line around it. Resolutions are there but hidden
-- until the page shows them. A fold stands alone in the first or the last row, <g class="n fold">: it has
-- data-fold=head|foot and data-nodes=POSITIONS, from which the script of the page draws what it stands for.
-- @module autogo.report.sketch

local boxes = require "autogo.report.boxes"
local columns = require "autogo.report.columns"
local folds = require "autogo.report.folds"
local hunks = require "autogo.report.hunks"
local layers = require "autogo.report.layers"
local picture = require "autogo.report.picture"
local routes = require "autogo.report.routes"
local text = require "autogo.report.text"
local number = routes.number

local sketch = {}

local HEIGHT, CHIP = boxes.HEIGHT, boxes.CHIP
local BETWEEN, EDGE, TITLE = 24, 1, 20
-- Of one side, so that its title has room.
local LEAST = 120
-- A longer hunk stands in columns, as drawings of whole networks do; for it this width to height.
local MOST_ROWS, ASPECT = 70, 0.4

--- What the drawings of a page share: `boxes` of nodes, `drawings` by what they show and `arrangements` by
-- their problem; the networks of a front share most of their mutations.
-- @tparam[opt] table earlier that of an earlier page: its boxes keep their numbers
function sketch.memory(earlier)
  return { boxes = earlier and earlier.boxes or boxes.new(), drawings = {}, arrangements = {} }
end

-- --- what a drawing shows -------------------------------------------------------------------------

-- All but positions, which differ between networks that share a change: drawings of equal content differ
-- in nothing else.
local function content(hunk, store)
  local function said(node)
    return node.elided and ("%s%d,%d"):format(node.fold, node.elided, node.reshaped)
      or store:kind(node).number
  end
  return table.concat({ hunk.rows, hunks.text(hunk.before, said), hunks.text(hunk.after, said) }, "|")
end

-- What one side of a drawing asks of the layout, as text.
local function problem_key(problem, row, rows, ends)
  local parts, n = {}, 0
  for i, width in ipairs(problem.widths) do
    parts[n + 1], parts[n + 2] = width, row[i]
    n = n + 2
  end
  parts[n + 1] = "|"
  n = n + 1
  for _, edge in ipairs(problem.edges) do
    parts[n + 1], parts[n + 2] = edge[1], edge[2]
    n = n + 2
  end
  parts[n + 1] = "|"
  for r = 1, rows do
    parts[#parts + 1] = ends[r] and r
  end
  return rows .. " " .. table.concat(parts, " ")
end

-- An arrangement of its own for a problem that was perhaps solved before for other nodes.
local function arrange_side(problem, options, known)
  local key = problem_key(problem, options.row, options.rows, options.after)
  if not known[key] then
    local why
    known[key], why = layers.arrange(problem, options)
    if not known[key] then
      return nil, why
    end
  end
  local own = {}
  for name, value in pairs(known[key]) do
    own[name] = value
  end
  own.problem = problem
  return own
end

-- Both sides laid out in common rows; nil and a message where that is impossible.
local function arrange(hunk, memory)
  local store = memory.boxes
  local scenes, problems, list = { hunk.before, hunk.after }, {}, {}
  local function measure(node)
    if node.elided then
      return picture.measure(node, true)
    end
    local kind = store:kind(node)
    return kind.label, kind.room
  end
  for k, scene in ipairs(scenes) do
    problems[k] = picture.pose(scene, { chip = CHIP, shapes = true, measure = measure })
  end
  local ends = {}
  if hunk.rows > MOST_ROWS then
    ends = columns.choose(problems, { scenes[1].row, scenes[2].row }, hunk.rows, ASPECT)
  end
  for k, scene in ipairs(scenes) do
    local why
    list[k], why = arrange_side(problems[k], { row = scene.row, rows = hunk.rows, after = ends },
      memory.arrangements)
    if not list[k] then
      return nil, why
    end
  end
  layers.stack(list, HEIGHT)
  layers.spread(list[1])
  layers.spread(list[2])
  return list
end

-- --- drawing --------------------------------------------------------------------------------------

-- A drawing in the making: `parts` of text with a hole for the positions of each node, `holes` = list of
-- { number of the part, side, node }, `boxes` that it shows.
local function add(out, part)
  out.parts[#out.parts + 1] = part
end

local function add_hole(out, side, i)
  add(out, "")
  out.holes[#out.holes + 1] = { #out.parts, side, i }
end

local function draw_edges(out, a, ports)
  local parts, from = {}, nil
  local order = {}
  for e, edge in ipairs(a.problem.edges) do
    order[e] = { e, edge[1] }
  end
  table.sort(order, function(p, q)
    if p[2] ~= q[2] then
      return p[2] < q[2]
    end
    return p[1] < q[1]
  end)
  for _, entry in ipairs(order) do
    if from and entry[2] ~= from then
      add(out, ('<path d="%s"/>'):format(table.concat(parts)))
      parts = {}
    end
    from = entry[2]
    parts[#parts + 1] = routes.path(a, a.problem.edges[entry[1]], ports[entry[1]])
  end
  if from then
    add(out, ('<path d="%s"/>'):format(table.concat(parts)))
  end
end

-- Arrow heads of their own: a marker stands only at the end of a path, and a net is one path.
local function draw_tips(out, a, ports)
  local parts = {}
  for e, edge in ipairs(a.problem.edges) do
    parts[#parts + 1] = ("M%s %sl-2.6 -5h5.2z"):format(number(ports[e] + a.offset[a.column[edge[2]]]),
      number(a.dy + a.y[edge[2]]))
  end
  add(out, ('<path class="tip" d="%s"/>'):format(table.concat(parts)))
end

local function draw_fold(out, a, i, side, x, y)
  local node, width = a.problem.nodes[i], a.width[i]
  add(out, ('<g class="n fold" data-fold="%s" data-nodes="'):format(node.fold))
  add_hole(out, side, i)
  add(out, ('" transform="translate(%s %s)"><title>%s</title><rect width="%s" height="%d" rx="3"/>'
    .. '<text class="l" x="%s" y="18.5">%s</text></g>'):format(x, y, text.escape(picture.tooltip(node)),
    number(width), HEIGHT, number(width / 2), text.escape(a.problem.labels[i])))
end

local function draw_box(out, a, i, side, x, y, mark, store)
  local box = store:box(store:kind(a.problem.nodes[i]), mark, a.width[i])
  out.boxes[#out.boxes + 1] = box
  add(out, ('<use href="#b%d" data-node="'):format(box.id))
  add_hole(out, side, i)
  add(out, ('" x="%s" y="%s"/>'):format(x, y))
end

local function draw_side(out, a, scene, side, x, store)
  add(out, ('<text class="t" x="%s" y="12">%s</text>'):format(number(x), side))
  picture.place(a, x, EDGE + TITLE)
  add(out, ('<g data-side="%s"><g class="e">'):format(side))
  local ports = routes.ports(a)
  draw_edges(out, a, ports)
  add(out, "</g>")
  draw_tips(out, a, ports)
  for i = 1, a.count do
    local left = number(a.x[i] + a.offset[a.column[i]] - a.width[i] / 2)
    local top = number(a.dy + a.y[i])
    if scene.nodes[i].elided then
      draw_fold(out, a, i, side, left, top)
    else
      draw_box(out, a, i, side, left, top, scene.mark[i], store)
    end
  end
  add(out, "</g>")
end

-- The attributes and the content of the drawing's element.
local function draw(hunk, memory)
  local list, why = arrange(hunk, memory)
  if not list then
    return nil, why
  end
  local out = { parts = {}, holes = {}, boxes = {} }
  local middle = EDGE + math.max(list[1].breadth, LEAST) + BETWEEN
  local width = middle + math.max(list[2].breadth, LEAST) + EDGE
  local breadth, tall = number(width), number(list[1].rise + list[1].fall + TITLE + 2 * EDGE)
  add(out, (' viewBox="0 0 %s %s" width="%s" height="%s" data-middle="%s">'):format(breadth, tall, breadth,
    tall, number(middle)))
  draw_side(out, list[1], hunk.before, "before", EDGE, memory.boxes)
  draw_side(out, list[2], hunk.after, "after", middle, memory.boxes)
  add(out, ('<path class="split" d="M%s 0V%s"/></svg>'):format(number(middle - BETWEEN / 2), tall))
  return out
end

-- The drawing with the positions of a hunk's nodes.
local function fill_in(drawing, hunk)
  local parts = table.move(drawing.parts, 1, #drawing.parts, 1, {})
  for _, hole in ipairs(drawing.holes) do
    local node = hunk[hole[2]].nodes[hole[3]]
    parts[hole[1]] = node.elided and folds.positions(node) or node.position
  end
  return table.concat(parts)
end

--- Draw a hunk.
-- @tparam table hunk of `autogo.report.hunks`
-- @tparam string label for those who cannot see it
-- @tparam table memory of `sketch.memory`
-- @tparam table used set to which the boxes are added that the drawing shows
-- @treturn string SVG; or nil and a message
function sketch.hunk(hunk, label, memory, used)
  local key = content(hunk, memory.boxes)
  local drawing = memory.drawings[key]
  if not drawing then
    local why
    drawing, why = draw(hunk, memory)
    if not drawing then
      return nil, why
    end
    memory.drawings[key] = drawing
  end
  for _, box in ipairs(drawing.boxes) do
    used[box] = true
  end
  return ('<svg class="sketch" role="img" aria-label="%s"%s'):format(text.escape(label),
    fill_in(drawing, hunk))
end

return sketch
