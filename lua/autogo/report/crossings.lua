--- Order of the vertices within the rows of a layered drawing, so that few lines cross: sweeps that
-- sort each row by the mean place of its neighbours, then swaps of neighbours while they help. The best
-- order seen is kept.
-- @module autogo.report.crossings

local crossings = {}

local SWEEPS, PATIENCE, SWAP_ROUNDS = 24, 5, 8

local function number(order, place)
  for i, v in ipairs(order) do
    place[v] = i
  end
end

-- Of so many things or fewer all pairs are looked at, which takes less time than anything cleverer.
local FEW = 16

-- Pairs (i, j) with i before j and targets[i] > targets[j], by a Fenwick tree over `width` places.
local function inversions(targets, width)
  local tree, total = {}, 0
  for i = 1, width do
    tree[i] = 0
  end
  for k, t in ipairs(targets) do
    local not_after, i = 0, t
    while i > 0 do
      not_after, i = not_after + tree[i], i & (i - 1)
    end
    total = total + (k - 1 - not_after)
    i = t
    while i <= width do
      tree[i], i = tree[i] + 1, i + (i & -i)
    end
  end
  return total
end

-- The same of few.
local function inversions_of_few(targets)
  local total = 0
  for j = 2, #targets do
    local target = targets[j]
    for i = 1, j - 1 do
      if targets[i] > target then
        total = total + 1
      end
    end
  end
  return total
end

-- Crossings between a row and the one below it; lines of one vertex do not cross each other.
local function between(a, place, r)
  if #a.rows[r] < 2 or #a.rows[r + 1] < 2 then
    return 0
  end
  local targets, count = {}, 0
  for _, v in ipairs(a.rows[r]) do
    local below = a.down[v]
    for k = 1, #below do
      local at, target = count + k, place[below[k]]
      while at > count + 1 and targets[at - 1] > target do
        targets[at], at = targets[at - 1], at - 1
      end
      targets[at] = target
    end
    count = count + #below
  end
  return count <= FEW and inversions_of_few(targets) or inversions(targets, #a.rows[r + 1])
end

--- Crossings of an arrangement in all.
function crossings.count(a)
  local place, total = {}, 0
  for _, order in ipairs(a.rows) do
    number(order, place)
  end
  for r = 1, #a.rows - 1 do
    total = total + between(a, place, r)
  end
  return total
end

-- Sort a row by `key`; equals keep their order or (`turned`) turn it round.
local function sort_by(order, key, place, turned)
  if #order > FEW then
    local sign = turned and -1 or 1
    number(order, place)
    table.sort(order, function(v, w)
      if key[v] ~= key[w] then
        return key[v] < key[w]
      end
      return sign * place[v] < sign * place[w]
    end)
    return
  end
  for i = 2, #order do
    local v, at = order[i], i
    local own = key[v]
    while at > 1 and (key[order[at - 1]] > own or turned and key[order[at - 1]] == own) do
      order[at], at = order[at - 1], at - 1
    end
    order[at] = v
  end
end

-- Sort a row by the mean place of the neighbours on one side. Equals keep their order, or (every
-- other time, to leave a plateau) turn it round; vertices without neighbours keep their place.
local function sort_row(order, neighbours, place, turned)
  if #order < 2 then
    return
  end
  local key = {}
  for i = 1, #order do
    local v, sum = order[i], 0
    local list = neighbours[v]
    for k = 1, #list do
      sum = sum + place[list[k]]
    end
    key[v] = #list > 0 and sum / #list or i
  end
  sort_by(order, key, place, turned)
  number(order, place)
end

local function sweep(a, place, k)
  local turned = k % 4 >= 2
  if k % 2 == 0 then
    for r = 2, #a.rows do
      sort_row(a.rows[r], a.up, place, turned)
    end
  else
    for r = #a.rows - 1, 1, -1 do
      sort_row(a.rows[r], a.down, place, turned)
    end
  end
end

-- Crossings that v before w has more than w before v, on one side.
local function excess(neighbours, place, v, w)
  local sum, one, other = 0, neighbours[v], neighbours[w]
  for i = 1, #one do
    local p = place[one[i]]
    for j = 1, #other do
      local q = place[other[j]]
      sum = sum + (p > q and 1 or p < q and -1 or 0)
    end
  end
  return sum
end

local function swap_neighbours(a, place)
  for _ = 1, SWAP_ROUNDS do
    local swapped = false
    for _, order in ipairs(a.rows) do
      for i = 1, #order - 1 do
        local v, w = order[i], order[i + 1]
        if excess(a.up, place, v, w) + excess(a.down, place, v, w) > 0 then
          order[i], order[i + 1] = w, v
          place[v], place[w] = i + 1, i
          swapped = true
        end
      end
    end
    if not swapped then
      return
    end
  end
end

local function copy(rows)
  local list = {}
  for r, order in ipairs(rows) do
    list[r] = table.move(order, 1, #order, 1, {})
  end
  return list
end

--- Order the rows of an arrangement (`rows`, `up`, `down`) in place.
function crossings.reduce(a)
  local place = {}
  for _, order in ipairs(a.rows) do
    number(order, place)
  end
  local best, least, idle = copy(a.rows), crossings.count(a), 0
  for k = 0, SWEEPS - 1 do
    if least == 0 or idle >= PATIENCE then
      break
    end
    sweep(a, place, k)
    swap_neighbours(a, place)
    local total = crossings.count(a)
    idle = idle + 1
    if total < least then
      best, least, idle = copy(a.rows), total, 0
    end
  end
  a.rows = best
end

return crossings
