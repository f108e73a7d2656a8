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

-- Crossings between a row and the one below it; lines of one vertex do not cross each other.
local function between(a, place, r)
  if #a.rows[r] < 2 or #a.rows[r + 1] < 2 then
    return 0
  end
  local targets = {}
  for _, v in ipairs(a.rows[r]) do
    local from = #targets
    for _, w in ipairs(a.down[v]) do
      targets[#targets + 1] = place[w]
    end
    if #targets > from + 1 then
      local own = table.move(targets, from + 1, #targets, 1, {})
      table.sort(own)
      table.move(own, 1, #own, from + 1, targets)
    end
  end
  return inversions(targets, #a.rows[r + 1])
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

-- Sort a row by the mean place of the neighbours on one side. Equals keep their order, or (every
-- other time, to leave a plateau) turn it round; vertices without neighbours keep their place.
local function sort_row(order, neighbours, place, turned)
  if #order < 2 then
    return
  end
  local key, sign = {}, turned and -1 or 1
  for i, v in ipairs(order) do
    local sum, list = 0, neighbours[v]
    for _, w in ipairs(list) do
      sum = sum + place[w]
    end
    key[v] = #list > 0 and sum / #list or i
  end
  local was = {}
  number(order, was)
  table.sort(order, function(v, w)
    if key[v] ~= key[w] then
      return key[v] < key[w]
    end
    return sign * was[v] < sign * was[w]
  end)
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
  local sum = 0
  for _, p in ipairs(neighbours[v]) do
    for _, q in ipairs(neighbours[w]) do
      if place[p] > place[q] then
        sum = sum + 1
      elseif place[p] < place[q] then
        sum = sum - 1
      end
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
