-- `autogo.match` once more, slowly and in other words: what nodes are is said by texts, not hashes.

local function list(values)
  return values and table.concat(values, "x") or ""
end

local function label(node)
  return table.concat({
    node.op, node.source_op or "", list(node.kernel), list(node.stride), list(node.dilation), node.groups,
    tostring(node.bias),
  }, " ")
end

local function shape(node)
  return ("%d %d %d %d %d %d"):format(node.h_in, node.w_in, node.c_in, node.h_out, node.w_out, node.c_out)
end

-- A number for each key, the same for equal keys.
local function interner()
  local numbers, count = {}, 0
  return function(key)
    local known = numbers[key]
    if not known then
      count = count + 1
      known, numbers[key] = count, count
    end
    return known
  end
end

-- What the nodes of a graph are, in words.
local function read(graph)
  local nodes = {}
  for position, node in graph:nodes() do
    nodes[position + 1] = {
      label = label(node), shape = shape(node), operands = node.operands, users = node.users,
    }
  end
  return nodes
end

-- Number of what a node is with all above it, or (upwards) with all below it.
local function identities(nodes, intern, upwards)
  local identity = {}
  local first, last, step = 1, #nodes, 1
  if upwards then
    first, last, step = last, first, -1
  end
  for i = first, last, step do
    local node, around = nodes[i], {}
    for k, j in ipairs(upwards and node.users or node.operands) do
      around[k] = identity[j + 1]
    end
    if upwards then
      table.sort(around)
    end
    identity[i] = intern(table.concat({ node.label, node.shape, table.concat(around, ",") }, "|"))
  end
  return identity
end

-- Pair unmatched nodes of equal identity, in order.
local function pair(a, b, origin, taken)
  local waiting = {}
  for i, identity in ipairs(a) do
    if not taken[i] then
      waiting[identity] = waiting[identity] or { at = 1 }
      table.insert(waiting[identity], i)
    end
  end
  for j, identity in ipairs(b) do
    local queue = not origin[j] and waiting[identity]
    local i = queue and queue[queue.at]
    if i then
      origin[j], taken[i], queue.at = i, true, queue.at + 1
    end
  end
end

local function worth(p, q)
  return p.label ~= q.label and 0 or p.shape == q.shape and 3 or 2
end

local function unmatched(nodes, matched)
  local rest = {}
  for i in ipairs(nodes) do
    if not matched[i] then
      rest[#rest + 1] = i
    end
  end
  return rest
end

-- Longest common subsequence by worth of the nodes that are left: best[x][y] is the most that the nodes
-- from x and from y on can be worth.
local function align(a, b, origin, taken)
  local left, right, best = unmatched(a, taken), unmatched(b, origin), {}
  for x = #left + 1, 1, -1 do
    best[x] = {}
    for y = #right + 1, 1, -1 do
      local most = 0
      if x <= #left and y <= #right then
        local gain = worth(a[left[x]], b[right[y]])
        most = math.max(best[x + 1][y], best[x][y + 1], gain > 0 and best[x + 1][y + 1] + gain or 0)
      end
      best[x][y] = most
    end
  end
  local x, y = 1, 1
  while x <= #left and y <= #right do
    local gain = worth(a[left[x]], b[right[y]])
    if gain > 0 and best[x][y] == best[x + 1][y + 1] + gain then
      origin[right[y]] = left[x]
      x, y = x + 1, y + 1
    elseif best[x][y] == best[x + 1][y] then
      x = x + 1
    else
      y = y + 1
    end
  end
end

return function(a, b)
  local origin, taken = {}, {}
  local p, q = read(a), read(b)
  for _, upwards in ipairs { false, true } do
    local intern = interner()
    pair(identities(p, intern, upwards), identities(q, intern, upwards), origin, taken)
  end
  align(p, q, origin, taken)
  return origin
end
