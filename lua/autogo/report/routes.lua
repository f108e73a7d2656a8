--- Lines of a layered drawing as SVG path data: smooth, straight where they can be, from the foot of a
-- node to the head of its user.
-- @module autogo.report.routes

local routes = {}

local PORT_GAP, PORT_MARGIN, CORNER = 12, 8, 5

-- Texts of multiples of 1/2 that are not large: most of the coordinates of drawings.
local texts, LARGE = {}, 4096

-- A coordinate with at most one decimal.
local function number(value)
  local known = texts[value]
  if known then
    return known
  end
  local written = ("%.1f"):format(value)
  if written:sub(-2) == ".0" then
    written = written:sub(1, -3)
  end
  if value > 0 and value < LARGE and value % 0.5 == 0 then
    texts[value] = written
  end
  return written
end

routes.number = number

-- The edges that enter each node, with the vertex they come from.
local function entering(a)
  local list = {}
  for i = 1, a.count do
    list[i] = {}
  end
  for e, edge in ipairs(a.problem.edges) do
    local from = a.chain[edge[1]][a.row[edge[2]] - 1]
    table.insert(list[edge[2]], { edge = e, x = a.breaks[a.row[from]] and a.x_head[from] or a.x[from] })
  end
  return list
end

-- Where edges enter a node: one that comes straight down goes in at the middle, the others on
-- the side they come from.
local function spread(list, x, width, ports)
  table.sort(list, function(p, q)
    if p.x ~= q.x then
      return p.x < q.x
    end
    return p.edge < q.edge
  end)
  local middle, straight = (#list + 1) / 2, 0
  for i, port in ipairs(list) do
    if math.abs(port.x - x) < 1 then
      straight = straight + 1
      middle = straight == 1 and i or (#list + 1) / 2
    end
  end
  local reach = math.max(middle - 1, #list - middle)
  local gap = reach > 0 and math.min(PORT_GAP, (width / 2 - PORT_MARGIN) / reach) or 0
  for i, port in ipairs(list) do
    ports[port.edge] = x + (i - middle) * gap
  end
end

--- Where each edge enters its node: x by number of the edge.
function routes.ports(a)
  local ports = {}
  for i, list in ipairs(entering(a)) do
    spread(list, a.x[i], a.width[i], ports)
  end
  return ports
end

-- A pen that joins straight pieces of the same line: what lies between `from` and y is not drawn yet.
local Pen = {}
Pen.__index = Pen

local function new_pen(x, y)
  local start = ("M%s %s"):format(number(x), number(y))
  return setmetatable({ x = x, y = y, from = y, parts = { start } }, Pen)
end

--- Write the straight line that is due.
function Pen:flush()
  if self.y ~= self.from then
    self.parts[#self.parts + 1] = "V" .. number(self.y)
    self.from = self.y
  end
end

--- A curve to a point, vertical at both ends.
function Pen:curve(x, y)
  if math.abs(x - self.x) < 0.25 then
    self.y = y
    return
  end
  self:flush()
  local middle = number((self.y + y) / 2)
  self.parts[#self.parts + 1] = ("C%s %s %s %s %s %s"):format(number(self.x), middle, number(x), middle,
    number(x), number(y))
  self.x, self.y, self.from = x, y, y
end

-- From the foot of a column to the head of the next: down, right, up, right, down, corners rounded.
local function ribbon(pen, low, lane, high, x, y)
  local r = CORNER
  pen.y = low - r
  pen:flush()
  local corner = number(r)
  pen.parts[#pen.parts + 1] = ("q0 %s %s %sH%sq%s 0 %s -%sV%sq0 -%s %s -%sH%sq%s 0 %s %sV%s"):format(
    corner, corner, corner, number(lane - r), corner, corner, corner, number(high + r), corner,
    corner, corner, number(x - r), corner, corner, corner, number(y))
  pen.x, pen.y, pen.from = x, y, y
end

local function place_in(order, vertex)
  for i, v in ipairs(order) do
    if v == vertex then
      return i
    end
  end
end

-- The line of the vertex at `place` of the break at the end of column c, between c and c + 1.
local function lane_of(a, c, place)
  local row = a.columns[c][2]
  local inner = #a.rows[row] - place + 1
  return {
    x = a.spans[c][2] + a.offset[c] + 2 * a.lane + a.lane * inner,
    bottom = a.dy + a.sunk + a.lane * inner, top = a.dy + a.raised - a.lane * place,
  }
end

--- The lines between columns, each { x, top, bottom }.
function routes.lanes(a)
  local list = {}
  for c = 1, #a.columns - 1 do
    for place in ipairs(a.rows[a.columns[c][2]]) do
      list[#list + 1] = lane_of(a, c, place)
    end
  end
  return list
end

local function cross_break(a, pen, c, v)
  local row = a.columns[c][2]
  local lane = lane_of(a, c, place_in(a.rows[row], v))
  ribbon(pen, lane.bottom, lane.x, lane.top, a.x_head[v] + a.offset[c + 1], a.dy + a.head[row])
end

--- Path data of an edge.
-- @tparam table a arrangement with `offset` (x of each column) and `dy`
-- @tparam table edge {from, to}
-- @tparam number port where it enters
-- @treturn string
function routes.path(a, edge, port)
  local from, to = edge[1], edge[2]
  local r, c = a.row[from], a.column[from]
  local chain = a.chain[from]
  local pen = new_pen(a.x[from] + a.offset[c], a.dy + a.bottom[r])
  for below = r + 1, a.row[to] - 1 do
    local v = chain[below]
    if a.breaks[below] then
      pen:curve(a.x[v] + a.offset[c], a.dy + a.foot[below])
      cross_break(a, pen, c, v)
      c = c + 1
    else
      pen:curve(a.x[v] + a.offset[c], a.dy + a.top[below])
      pen.y = a.dy + a.bottom[below]
    end
  end
  pen:curve(port + a.offset[c], a.dy + a.top[a.row[to]])
  pen:flush()
  return table.concat(pen.parts)
end

return routes
