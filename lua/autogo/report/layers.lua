--- Layered layout of a directed acyclic graph (Sugiyama, Tagawa and Toda 1981), made for long networks.
--
-- Nodes stand in rows, every edge runs downwards from row to row. What a node computes is one *net*:
-- all its edges share one chain of invisible vertices through the rows that they pass, so a tensor
-- with twenty users is one line with twenty taps, and crossings are counted between nets. A tall
-- drawing is broken into columns at rows of their own, the *breaks*; the nets that pass a break are
-- its vertices, drawn at the foot of one column and at the head of the next. Order decides at every
-- tie, so equal problems give equal drawings.
--
--    local a = layers.arrange { widths = {...}, edges = { {1, 2}, ... } }
--    layers.stack({ a }, 20)
--    layers.spread(a)
--    a.x[i] + a.offset[a.column[i]], a.y[i]       -- centre and top edge of node i
--
-- A problem is { widths = list, edges = list of {from, to} with from < to, reluctance = function
-- (above, below) -> cost of a break between two nodes }.
--
-- An arrangement holds the problem; rows (lists of vertices from left to right); row (of a vertex);
-- up and down (neighbours); source (the node whose net a vertex is of); chain[node][row] (the vertex
-- of the node's net in a row); breaks (set of rows); columns ({first, last} rows, breaks included);
-- column (of a node); x (centre of vertices); x_head (of vertices of breaks, at the head of the next
-- column); spans (left and right edge of each column).
-- @module autogo.report.layers

local columns = require "autogo.report.columns"
local coordinates = require "autogo.report.coordinates"
local crossings = require "autogo.report.crossings"

local layers = {}

-- Beyond this the drawing is of no use to anyone, and memory would go first.
local MOST_VERTICES = 200000

--- Row of each node: one below the lowest of its operands; a node without operands stands just above
-- the highest of its users. Returns the rows and their number. O(nodes + edges).
-- @tparam integer count of nodes
-- @tparam table edges
function layers.assign(count, edges)
  local below, fed, row, last = {}, {}, {}, 1
  for i = 1, count do
    below[i], row[i] = {}, 1
  end
  for _, edge in ipairs(edges) do
    table.insert(below[edge[1]], edge[2])
    fed[edge[2]] = true
  end
  for i = 1, count do
    for _, j in ipairs(below[i]) do
      row[j] = math.max(row[j], row[i] + 1)
    end
    last = math.max(last, row[i])
  end
  for i = 1, count do
    local nearest = math.huge
    for _, j in ipairs(below[i]) do
      nearest = math.min(nearest, row[j])
    end
    if not fed[i] and nearest < math.huge then
      row[i] = nearest - 1
    end
  end
  return row, last
end

-- Rows with the breaks among them: row of each node, number of rows, set of breaks.
local function insert_breaks(row, count, after)
  local shift, breaks, shifted = {}, {}, {}
  local inserted = 0
  for r = 1, count do
    shift[r] = r + inserted
    if after[r] then
      inserted = inserted + 1
      breaks[r + inserted] = true
    end
  end
  for i, r in ipairs(row) do
    shifted[i] = shift[r]
  end
  return shifted, count + inserted, breaks
end

local function add_vertex(a, row, source)
  local v = #a.row + 1
  a.row[v], a.up[v], a.down[v], a.width[v], a.source[v] = row, {}, {}, 0, source
  return v
end

local function link(a, from, to)
  table.insert(a.down[from], to)
  table.insert(a.up[to], from)
end

-- One chain per net, down to the row above its last user.
local function add_chains(a, count, edges)
  local last = {}
  for i = 1, count do
    last[i], a.users[i], a.chain[i] = a.row[i], {}, { [a.row[i]] = i }
  end
  for _, edge in ipairs(edges) do
    last[edge[1]] = math.max(last[edge[1]], a.row[edge[2]])
    table.insert(a.users[edge[1]], edge[2])
  end
  for i = 1, count do
    local v = i
    for r = a.row[i] + 1, last[i] - 1 do
      local below = add_vertex(a, r, i)
      if below > MOST_VERTICES then
        return nil, "the graph is too large to draw"
      end
      link(a, v, below)
      a.chain[i][r], v = below, below
    end
    local joined = {}
    for _, j in ipairs(a.users[i]) do
      if not joined[j] then
        link(a, a.chain[i][a.row[j] - 1], j)
      end
      joined[j] = true
    end
  end
  return true
end

-- Vertices in depth-first order, so that what belongs together begins together.
local function first_order(a, rows)
  local seen = {}
  for r = 1, rows do
    a.rows[r] = {}
  end
  for start = 1, #a.row do
    local stack = { start }
    while #stack > 0 do
      local v = table.remove(stack)
      if not seen[v] then
        seen[v] = true
        table.insert(a.rows[a.row[v]], v)
        for k = #a.down[v], 1, -1 do
          stack[#stack + 1] = a.down[v][k]
        end
      end
    end
  end
end

local function find_columns(a)
  local first = 1
  for r = 1, #a.rows do
    for _, v in ipairs(a.rows[r]) do
      a.column[v] = #a.columns + 1
    end
    if a.breaks[r] or r == #a.rows then
      a.columns[#a.columns + 1] = { first, r }
      first = r
    end
  end
end

--- Decide rows, columns, order and horizontal places.
-- @tparam table problem
-- @tparam[opt] table options `row` and `rows`: the nodes' rows and the number of rows, decided
-- elsewhere; `after`: set of rows after which a column ends; `aspect`: of the page, width to height
-- @treturn table arrangement; or nil and a message
function layers.arrange(problem, options)
  options = options or {}
  local count = #problem.widths
  local row, rows = options.row, options.rows
  if not row then
    row, rows = layers.assign(count, problem.edges)
  end
  local after = options.after or columns.choose({ problem }, { row }, rows, options.aspect)
  local a = {
    problem = problem, count = count, rows = {}, up = {}, down = {}, chain = {}, users = {},
    width = {}, source = {}, columns = {}, column = {}, x = {}, x_head = {}, spans = {},
  }
  a.row, rows, a.breaks = insert_breaks(row, rows, after)
  for i = 1, count do
    a.up[i], a.down[i], a.width[i], a.source[i] = {}, {}, problem.widths[i], i
  end
  local good, why = add_chains(a, count, problem.edges)
  if not good then
    return nil, why
  end
  first_order(a, rows)
  crossings.reduce(a)
  find_columns(a)
  coordinates.prepare(a)
  for c, column in ipairs(a.columns) do
    local x, left, right = coordinates.assign(a, column[1], column[2])
    a.spans[c] = { left, right }
    for r = column[1], column[2] do
      local target = (c > 1 and r == column[1]) and a.x_head or a.x
      for _, v in ipairs(a.rows[r]) do
        target[v] = x[v]
      end
    end
  end
  return a
end

local MIN_GAP, MAX_GAP = 9, 46

-- Where a vertex of a row stands, seen from the row below it.
local function x_above(a, v)
  return a.breaks[a.row[v]] and a.x_head[v] or a.x[v]
end

-- Room for the curves below a row: little where all run straight down.
local function gap_below(a, r)
  local widest, slanted = 0, 0
  for _, v in ipairs(a.rows[r] or {}) do
    for _, w in ipairs(a.down[v]) do
      local reach = math.abs(x_above(a, v) - a.x[w])
      widest = math.max(widest, reach)
      slanted = slanted + (reach > 1 and 1 or 0)
    end
  end
  if widest <= 1 then
    return MIN_GAP
  end
  return math.min(MAX_GAP, math.floor(16 + widest / 14 + 1.5 * slanted))
end

-- Room at a break for one line per net.
local LANE = 6

-- Top and bottom of the rows of a column, and the foot and head of its breaks.
local function stack_column(column, breaks, gap, height, to)
  local y = 0
  for r = column[1], column[2] do
    if breaks[r] and r == column[1] then
      to.head[r] = -gap(r)
      to.raised = math.min(to.raised, to.head[r])
    elseif breaks[r] then
      to.foot[r] = y
      to.sunk = math.max(to.sunk, y)
    else
      to.top[r], to.bottom[r] = y, y + height
      to.sunk = math.max(to.sunk, y + height)
      y = y + height + gap(r)
    end
  end
end

--- Decide heights, the same for all arrangements of a list: they share rows and breaks. The first row
-- of each column stands at 0. Sets y (top edge of nodes), top and bottom (of rows), foot and head (of
-- breaks, at the end of one column and the start of the next), raised and sunk (the extremes), lane
-- (distance of lines beside each other), rise and fall (extremes, lines between columns included).
-- @tparam table list of arrangements
-- @tparam number height of a node
function layers.stack(list, height)
  local first = list[1]
  local to = { top = {}, bottom = {}, head = {}, foot = {}, raised = 0, sunk = 0, lane = LANE }
  local function gap(r)
    local most = MIN_GAP
    for _, a in ipairs(list) do
      most = math.max(most, gap_below(a, r))
    end
    return most
  end
  for _, column in ipairs(first.columns) do
    stack_column(column, first.breaks, gap, height, to)
  end
  local lanes = 0
  for r in pairs(first.breaks) do
    for _, a in ipairs(list) do
      lanes = math.max(lanes, #a.rows[r])
    end
  end
  to.rise = lanes > 0 and (lanes + 1) * LANE - to.raised or 0
  to.fall = lanes > 0 and to.sunk + (lanes + 1) * LANE or to.sunk
  for _, a in ipairs(list) do
    for key, value in pairs(to) do
      a[key] = value
    end
    a.y = {}
    for i = 1, a.count do
      a.y[i] = a.top[a.row[i]]
    end
  end
end

-- Between the edge of a column and the lines beside it.
local GUTTER = 12

--- Place the columns of an arrangement beside each other from 0 on: sets offset (added to every x of
-- a column) and breadth (of all).
function layers.spread(a)
  local at = 0
  a.offset = {}
  for c, span in ipairs(a.spans) do
    a.offset[c] = at - span[1]
    at = at + span[2] - span[1]
    local last = a.columns[c][2]
    if a.breaks[last] then
      at = at + 2 * GUTTER + (#a.rows[last] + 1) * LANE
    end
  end
  a.breadth = at
end

return layers
