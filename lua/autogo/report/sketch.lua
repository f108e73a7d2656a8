--- A hunk of a diff as SVG inside a page: before on the left, after on the right, styled by classes.
--
-- A node is <g class="n removed|added|reshaped|fold" data-node=POSITION>; what happened to it is said by
-- colour, by the sign at its left edge and by the line around it. Resolutions are there but hidden
-- until the page shows them. A fold stands alone in the first or the last row: it has data-fold=head|foot
-- and data-nodes=POSITIONS, from which the script of the page draws what it stands for.
-- @module autogo.report.sketch

local columns = require "autogo.report.columns"
local folds = require "autogo.report.folds"
local layers = require "autogo.report.layers"
local picture = require "autogo.report.picture"
local routes = require "autogo.report.routes"
local text = require "autogo.report.text"
local number = routes.number

local sketch = {}

local HEIGHT, CHIP, BETWEEN, EDGE, TITLE = 29, 15, 24, 1, 20
-- Of one side, so that its title has room.
local LEAST = 120
-- A longer hunk stands in columns, as drawings of whole networks do; for it this width to height.
local MOST_ROWS, ASPECT = 70, 0.4

local SIGNS = { removed = "−", added = "+", reshaped = "~" }

--- The sign of what happened to a node.
sketch.SIGNS = SIGNS

-- Both sides laid out in common rows; nil and a message where that is impossible.
local function arrange(hunk)
  local scenes, problems, list = { hunk.before, hunk.after }, {}, {}
  for k, scene in ipairs(scenes) do
    problems[k] = picture.pose(scene, { chip = CHIP, shapes = true })
  end
  local ends = {}
  if hunk.rows > MOST_ROWS then
    ends = columns.choose(problems, { scenes[1].row, scenes[2].row }, hunk.rows, ASPECT)
  end
  for k, scene in ipairs(scenes) do
    local why
    list[k], why = layers.arrange(problems[k], { row = scene.row, rows = hunk.rows, after = ends })
    if not list[k] then
      return nil, why
    end
  end
  layers.stack(list, HEIGHT)
  layers.spread(list[1])
  layers.spread(list[2])
  return list
end

local function draw_edges(out, a)
  local ports, parts, from = routes.ports(a), {}, nil
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
      out[#out + 1] = ('<path d="%s"/>'):format(table.concat(parts))
      parts = {}
    end
    from = entry[2]
    parts[#parts + 1] = routes.path(a, a.problem.edges[entry[1]], ports[entry[1]])
  end
  if from then
    out[#out + 1] = ('<path d="%s"/>'):format(table.concat(parts))
  end
end

-- Arrow heads of their own: a marker stands only at the end of a path, and a net is one path.
local function draw_tips(out, a)
  local ports, parts = routes.ports(a), {}
  for e, edge in ipairs(a.problem.edges) do
    parts[#parts + 1] = ("M%s %sl-2.6 -5h5.2z"):format(number(ports[e] + a.offset[a.column[edge[2]]]),
      number(a.dy + a.y[edge[2]]))
  end
  out[#out + 1] = ('<path class="tip" d="%s"/>'):format(table.concat(parts))
end

local function draw_node(out, a, i, mark)
  local node, width = a.problem.nodes[i], a.width[i]
  local x, y = a.x[i] + a.offset[a.column[i]] - width / 2, a.dy + a.y[i]
  local class, id = node.elided and "fold" or mark
  if node.elided then
    id = ('data-fold="%s" data-nodes="%s"'):format(node.fold, folds.positions(node))
  else
    id = ('data-node="%d"'):format(node.position)
  end
  out[#out + 1] = ('<g class="n%s" %s transform="translate(%s %s)"><title>%s%s</title>'
    .. '<rect width="%s" height="%d" rx="3"/>'):format(class and " " .. class or "", id, number(x),
    number(y), mark and mark .. "\n" or "", text.escape(picture.tooltip(node)), number(width), HEIGHT)
  local middle = number((width + (mark and CHIP or 0)) / 2)
  if mark then
    out[#out + 1] = ('<path class="k" d="M0 3q0-3 3-3H%dV%dH3q-3 0-3-3z"/>'):format(CHIP, HEIGHT)
    out[#out + 1] = ('<text class="k" x="%s" y="18.5">%s</text>'):format(number(CHIP / 2), SIGNS[mark])
  end
  out[#out + 1] = ('<text class="l" x="%s" y="18.5">%s</text>'):format(middle,
    text.escape(a.problem.labels[i]))
  if not node.elided then
    out[#out + 1] = ('<text class="s" x="%s" y="24.5">%s</text>'):format(middle,
      text.shape(node.h_out, node.w_out, node.c_out))
  end
  out[#out + 1] = "</g>"
end

local function draw_side(out, a, scene, name, x)
  out[#out + 1] = ('<text class="t" x="%s" y="12">%s</text>'):format(number(x), name)
  picture.place(a, x, EDGE + TITLE)
  out[#out + 1] = ('<g data-side="%s"><g class="e">'):format(name)
  draw_edges(out, a)
  out[#out + 1] = "</g>"
  draw_tips(out, a)
  for i = 1, a.count do
    draw_node(out, a, i, scene.mark[i])
  end
  out[#out + 1] = "</g>"
end

-- All that a drawing shows: hunks of the same are drawn alike.
local function content(hunk)
  local parts = { hunk.rows }
  for _, scene in ipairs { hunk.before, hunk.after } do
    for i, node in ipairs(scene.nodes) do
      parts[#parts + 1] = ("%s@%d%s%s"):format(picture.tooltip(node), scene.row[i], scene.mark[i] or "",
        node.elided and node.fold .. folds.positions(node) or "")
    end
    for _, edge in ipairs(scene.edges) do
      parts[#parts + 1] = edge[1] .. ">" .. edge[2]
    end
    parts[#parts + 1] = "|"
  end
  return table.concat(parts, "\n")
end

-- The attributes and the content of the drawing's element.
local function draw(hunk)
  local list, why = arrange(hunk)
  if not list then
    return nil, why
  end
  local out = {}
  local middle = EDGE + math.max(list[1].breadth, LEAST) + BETWEEN
  local width = middle + math.max(list[2].breadth, LEAST) + EDGE
  local height = list[1].rise + list[1].fall + TITLE + 2 * EDGE
  draw_side(out, list[1], hunk.before, "before", EDGE)
  draw_side(out, list[2], hunk.after, "after", middle)
  local breadth, tall = number(width), number(height)
  return (' viewBox="0 0 %s %s" width="%s" height="%s" data-middle="%s">%s<path class="split" '
    .. 'd="M%s 0V%s"/></svg>'):format(breadth, tall, breadth, tall, number(middle), table.concat(out),
    number(middle - BETWEEN / 2), tall)
end

--- Draw a hunk.
-- @tparam table hunk of `autogo.report.hunks`
-- @tparam string label for those who cannot see it
-- @tparam table drawn what was drawn before: the networks of a front share most of their mutations (of 145
-- hunks of 23 networks, 56 differed; half the time of a page was drawing)
-- @treturn string SVG; or nil and a message
function sketch.hunk(hunk, label, drawn)
  local key = content(hunk)
  if not drawn[key] then
    local drawing, why = draw(hunk)
    if not drawing then
      return nil, why
    end
    drawn[key] = drawing
  end
  return ('<svg class="sketch" role="img" aria-label="%s"%s'):format(text.escape(label), drawn[key])
end

return sketch
