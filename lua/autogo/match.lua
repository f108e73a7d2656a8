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

local SHAPE = { "h_in", "w_in", "c_in", "h_out", "w_out", "c_out" }

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

-- By graph: one is matched with many others.
local texts = setmetatable({}, { __mode = "k" })

-- What the nodes of a graph are, in words.
local function describe(graph)
  local known = texts[graph]
  if not known then
    known = {}
    for position, node in graph:nodes() do
      known[position + 1] = {
        label = label(node), shape = shape(node), operands = node.operands, users = node.users,
      }
    end
    texts[graph] = known
  end
  return known
end

-- The same with numbers for words: `label`, `shape`, and both together as `kind`.
local function read(graph, intern)
  local nodes = {}
  for i, node in ipairs(describe(graph)) do
    nodes[i] = {
      label = intern(node.label), shape = intern(node.shape), kind = intern(node.label .. "|" .. node.shape),
      operands = node.operands, users = node.users,
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
    local node = nodes[i]
    local near = upwards and node.users or node.operands
    if #near == 1 then -- most nodes; a number is no text, so both kinds of keys stay apart
      identity[i] = intern(node.kind << 32 | identity[near[1] + 1])
    else
      local around = {}
      for k, j in ipairs(near) do
        around[k] = identity[j + 1]
      end
      if upwards then
        table.sort(around)
      end
      identity[i] = intern(node.kind .. "|" .. table.concat(around, ","))
    end
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

-- Labels and shapes of the nodes that are left, by themselves: `best_row` reads them once per pair.
local function labels_and_shapes(nodes, rest)
  local labels, shapes = {}, {}
  for k, i in ipairs(rest) do
    labels[k], shapes[k] = nodes[i].label, nodes[i].shape
  end
  return labels, shapes
end

-- Row x of the table in which best[x][y] is the most that the nodes from x and from y on can be worth;
-- `below` is row x + 1, `own` node x.
local function best_row(below, own, labels, shapes)
  local own_label, own_shape, next = own.label, own.shape, 0
  local row = { [#labels + 1] = next }
  for y = #labels, 1, -1 do
    local most = below[y]
    if next > most then
      most = next
    end
    if labels[y] == own_label then
      local gained = below[y + 1] + (shapes[y] == own_shape and 3 or 2) -- `worth`, without the call
      if gained > most then
        most = gained
      end
    end
    row[y], next = most, most
  end
  return row
end

-- Longest common subsequence by worth of the nodes that are left.
local function align(a, b, origin, taken)
  local left, right = unmatched(a, taken), unmatched(b, origin)
  if #left * #right > MOST_PAIRS then
    return
  end
  local labels, shapes = labels_and_shapes(b, right)
  local best = { [#left + 1] = {} }
  for y = 1, #right + 1 do
    best[#left + 1][y] = 0
  end
  for x = #left, 1, -1 do
    best[x] = best_row(best[x + 1], a[left[x]], labels, shapes)
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
  local intern, origin, taken = interner(), {}, {}
  local p, q = read(a, intern), read(b, intern)
  intern = interner()
  pair(identities(p, intern), identities(q, intern), origin, taken)
  intern = interner()
  pair(identities(p, intern, true), identities(q, intern, true), origin, taken)
  align(p, q, origin, taken)
  return origin
end

-- --- what became of each node ---------------------------------------------------------------------

local function same_shapes(p, q)
  for _, key in ipairs(SHAPE) do
    if p[key] ~= q[key] then
      return false
    end
  end
  return true
end

--- What became of the nodes of one graph in another: wherever changed nodes are counted, listed or drawn,
-- this is what is meant. A node is *removed* or *added* where the other graph has none that it is matched
-- with, *reshaped* where the resolution of an input or of its output differs, else unchanged.
-- @tparam {table,...} before nodes of the one, as `Graph:node` gives them
-- @tparam {table,...} after nodes of the other
-- @tparam table origin as of `match.nodes`
-- @treturn table marks of the first: "removed", "reshaped", or nil for unchanged
-- @treturn table marks of the second: "added", "reshaped" or nil
-- @treturn table counts { removed, added, reshaped, unchanged }
function match.marks(before, after, origin)
  local counts = { removed = #before, added = 0, reshaped = 0, unchanged = 0 }
  local left, right = {}, {}
  for i in ipairs(before) do
    left[i] = "removed"
  end
  for j, node in ipairs(after) do
    local from, what = origin[j], "added"
    if from then
      what = not same_shapes(node, before[from]) and "reshaped" or nil
      left[from], counts.removed = what, counts.removed - 1
    end
    right[j] = what
    counts[what or "unchanged"] = counts[what or "unchanged"] + 1
  end
  return left, right, counts
end

--- The nodes of a graph as a list from 1.
-- @tparam Graph graph
function match.list(graph)
  local nodes = {}
  for position, node in graph:nodes() do
    nodes[position + 1] = node
  end
  return nodes
end

-- By graph, so that a front is matched once and not for each of its files and tables.
local known = setmetatable({}, { __mode = "k" })

--- Both at once: the match, and how many nodes of each kind. Kept for as long as `b` lives.
-- @tparam Graph a in canonical order
-- @tparam Graph b
-- @treturn table { origin as of `match.nodes`, counts as of `match.marks` }
function match.difference(a, b)
  local entry = known[b]
  if not entry or entry.from ~= a then
    local origin = match.nodes(a, b)
    local _, _, counts = match.marks(match.list(a), match.list(b), origin)
    entry = { origin = origin, counts = counts, from = a }
    known[b] = entry
  end
  return entry
end

--- How many nodes changed, in a few characters: "-45 +36", "-24 +15 ~4" with nodes of another shape.
-- @tparam table counts of `match.difference`
function match.summary(counts)
  local reshaped = counts.reshaped > 0 and (" ~%d"):format(counts.reshaped) or ""
  return ("-%d +%d%s"):format(counts.removed, counts.added, reshaped)
end

return match
