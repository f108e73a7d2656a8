--- Horizontal places in one column of a layered drawing.
--
-- Lines that may run straight are joined into *blocks* of vertices with one x: first the inner parts of
-- long lines, then edges between boxes, those on the longest paths first, so that the trunk of a
-- network is one straight line and skips run beside it. Blocks are packed to the left, then each moves
-- towards the mean of what it is connected to, as far as its neighbours let it.
-- @module autogo.report.coordinates

local coordinates = {}

local BOX_GAP, NET_GAP = 18, 9
local ROUNDS = 30

local function separation(a, v, w)
  local boxes = (v <= a.count and 1 or 0) + (w <= a.count and 1 or 0)
  return (a.width[v] + a.width[w]) / 2 + (boxes == 2 and BOX_GAP or boxes == 1 and 13 or NET_GAP)
end

-- Longest paths, in edges: from above to each node, and from it to below.
local function path_lengths(a)
  local above, below = {}, {}
  for i = 1, a.count do
    above[i], below[i] = 0, 0
  end
  for i = 1, a.count do
    for _, j in ipairs(a.users[i]) do
      above[j] = math.max(above[j], above[i] + 1)
    end
  end
  for i = a.count, 1, -1 do
    for _, j in ipairs(a.users[i]) do
      below[i] = math.max(below[i], below[j] + 1)
    end
  end
  return above, below
end

-- Candidates for straight lines between neighbouring rows, the most wanted first.
local function candidates(a, first, last)
  local list = {}
  for r = first, last - 1 do
    for _, v in ipairs(a.rows[r]) do
      for _, w in ipairs(a.down[v]) do
        local boxes = (v <= a.count and 1 or 0) + (w <= a.count and 1 or 0)
        local length = a.above[a.source[v]] + a.below[a.source[w]]
        list[#list + 1] = { v, w, boxes == 0 and 2 or boxes == 2 and 1 or 0, length, #list }
      end
    end
  end
  table.sort(list, function(p, q)
    if p[3] ~= q[3] then
      return p[3] > q[3]
    elseif p[4] ~= q[4] then
      return p[4] > q[4]
    end
    return p[5] < q[5]
  end)
  return list
end

-- Take candidates while they do not cross one taken before. Returns the vertex straight above each.
local function align(a, first, last, place)
  local straight_above, straight_below, taken = {}, {}, {}
  for r = first, last do
    taken[r] = {}
  end
  for _, candidate in ipairs(candidates(a, first, last)) do
    local v, w = candidate[1], candidate[2]
    local free = not straight_below[v] and not straight_above[w]
    for _, other in ipairs(free and taken[a.row[v]] or {}) do
      if (place[v] < place[other[1]]) ~= (place[w] < place[other[2]]) then
        free = false
        break
      end
    end
    if free then
      straight_below[v], straight_above[w] = w, v
      table.insert(taken[a.row[v]], candidate)
    end
  end
  return straight_above
end

local function make_blocks(a, first, last, straight_above)
  local block, count = {}, 0
  for r = first, last do
    for _, v in ipairs(a.rows[r]) do
      local above = straight_above[v]
      if above then
        block[v] = block[above]
      else
        count = count + 1
        block[v] = count
      end
    end
  end
  return block, count
end

-- left[b] and right[b]: lists of {neighbour block, least distance}.
local function neighbours(a, first, last, block, count)
  local left, right, known = {}, {}, {}
  for b = 1, count do
    left[b], right[b] = {}, {}
  end
  for r = first, last do
    local order = a.rows[r]
    for i = 2, #order do
      local p, q, apart = block[order[i - 1]], block[order[i]], separation(a, order[i - 1], order[i])
      local pair = known[p * (count + 1) + q]
      if pair then
        pair[1][2] = math.max(pair[1][2], apart)
        pair[2][2] = pair[1][2]
      else
        pair = { { q, apart }, { p, apart } }
        known[p * (count + 1) + q] = pair
        table.insert(right[p], pair[1])
        table.insert(left[q], pair[2])
      end
    end
  end
  return left, right
end

-- Every block as far to the left as the others allow. Also returns the blocks in an order in which
-- each comes after those to its left.
local function pack(left, right)
  local missing, queue, x = {}, {}, {}
  for b = 1, #left do
    missing[b], x[b] = #left[b], 0
    if missing[b] == 0 then
      queue[#queue + 1] = b
    end
  end
  local at = 1
  while at <= #queue do
    local b = queue[at]
    at = at + 1
    for _, pair in ipairs(right[b]) do
      local q = pair[1]
      x[q] = math.max(x[q], x[b] + pair[2])
      missing[q] = missing[q] - 1
      if missing[q] == 0 then
        queue[#queue + 1] = q
      end
    end
  end
  return x, queue
end

-- Lines that are not straight pull blocks together: pulls[b] = list of other blocks.
local function find_pulls(a, first, last, block, count)
  local pulls = {}
  for b = 1, count do
    pulls[b] = {}
  end
  for r = first, last - 1 do
    for _, v in ipairs(a.rows[r]) do
      for _, w in ipairs(a.down[v]) do
        local p, q = block[v], block[w]
        if p ~= q then
          table.insert(pulls[p], q)
          table.insert(pulls[q], p)
        end
      end
    end
  end
  return pulls
end

-- Move a block; returns whether that changed anything.
local function move(b, x, left, right, pulls)
  local low, high, sum = -math.huge, math.huge, 0
  for k = 1, #left do
    local least = x[left[k][1]] + left[k][2]
    low = least > low and least or low
  end
  for k = 1, #right do
    local most = x[right[k][1]] - right[k][2]
    high = most < high and most or high
  end
  for k = 1, #pulls do
    sum = sum + x[pulls[k]]
  end
  local was, now = x[b], math.max(low, math.min(high, sum / #pulls))
  x[b] = now
  return now ~= was
end

-- Rounds in either direction, until two in a row change nothing.
local function relax(x, queue, left, right, pulls)
  local pulled, still = {}, 0
  for _, b in ipairs(queue) do
    pulled[#pulled + 1] = #pulls[b] > 0 and b or nil
  end
  for round = 1, ROUNDS do
    local from, to, step = 1, #pulled, 1
    if round % 2 == 1 then
      from, to, step = to, from, -1
    end
    local moved = false
    for k = from, to, step do
      local b = pulled[k]
      moved = move(b, x, left[b], right[b], pulls[b]) or moved
    end
    still = moved and 0 or still + 1
    if still == 2 then
      return
    end
  end
end

--- What all columns share: `above` and `below`, the longest paths to and from each node.
function coordinates.prepare(a)
  a.above, a.below = path_lengths(a)
end

--- Places of the vertices in rows first to last, the centre of each.
-- @tparam table a arrangement, ordered
-- @tparam integer first
-- @tparam integer last
-- @treturn table x by vertex, left edge and right edge
function coordinates.assign(a, first, last)
  local place = {}
  for r = first, last do
    for i, v in ipairs(a.rows[r]) do
      place[v] = i
    end
  end
  local block, count = make_blocks(a, first, last, align(a, first, last, place))
  local left, right = neighbours(a, first, last, block, count)
  local bx, queue = pack(left, right)
  relax(bx, queue, left, right, find_pulls(a, first, last, block, count))
  local x, low, high = {}, math.huge, -math.huge
  for v, b in pairs(block) do
    x[v] = math.floor(bx[b] * 2 + 0.5) / 2
    low = math.min(low, x[v] - a.width[v] / 2)
    high = math.max(high, x[v] + a.width[v] / 2)
  end
  if low > high then
    low, high = 0, 0
  end
  return x, low, high
end

return coordinates
