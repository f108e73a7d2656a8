--- Which node of one graph is which of another, where nobody kept account.
--
-- Nodes with the same everything above them are the same, and so are nodes with the same everything
-- below them; what lies between is matched in the order of the nodes (longest common subsequence),
-- preferring equal shapes. Laid on top of each other along such a match two graphs have no circle: the
-- first kind of nodes lies above the others, the second below, and each of the three keeps an order.
-- @module autogo.match

local match = {}

-- Beyond this many pairs what lies between stays unmatched.
local MOST_PAIRS = 4000000

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

local function read(graph)
  local nodes = {}
  for position, node in graph:nodes() do
    nodes[position + 1] = {
      label = label(node), shape = shape(node), operands = node.operands, users = node.users,
    }
  end
  return nodes
end

-- A number for each text, the same for equal texts.
local function interner()
  local numbers, count = {}, 0
  return function(key)
    if not numbers[key] then
      count = count + 1
      numbers[key] = count
    end
    return numbers[key]
  end
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
    identity[i] = intern(node.label .. "|" .. node.shape .. "|" .. table.concat(around, ","))
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

-- Longest common subsequence by worth of the nodes that are left.
local function align(a, b, origin, taken)
  local left, right = unmatched(a, taken), unmatched(b, origin)
  if #left * #right > MOST_PAIRS then
    return
  end
  local best = { [#left + 1] = {} }
  for y = 1, #right + 1 do
    best[#left + 1][y] = 0
  end
  for x = #left, 1, -1 do
    local row, below = { [#right + 1] = 0 }, best[x + 1]
    for y = #right, 1, -1 do
      local gain = worth(a[left[x]], b[right[y]])
      row[y] = math.max(below[y], row[y + 1], gain > 0 and below[y + 1] + gain or 0)
    end
    best[x] = row
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

--- Match two graphs. O(nodes of one times nodes of the other) in the worst case.
-- @tparam Graph a
-- @tparam Graph b
-- @treturn table origin[j] = which node of a node j of b is, both from 1; nil where it is new
function match.nodes(a, b)
  local p, q, origin, taken = read(a), read(b), {}, {}
  local intern = interner()
  pair(identities(p, intern), identities(q, intern), origin, taken)
  intern = interner()
  pair(identities(p, intern, true), identities(q, intern, true), origin, taken)
  align(p, q, origin, taken)
  return origin
end

return match
