--- Which node of one graph is which of another, where nobody kept account.
--
-- Nodes with the same everything above them are the same, and so are nodes with the same everything
-- below them; what lies between is matched in the order of the nodes (longest common subsequence),
-- preferring equal shapes. Laid on top of each other along such a match two graphs have no circle: the
-- first kind of nodes lies above the others, the second below, and each of the three keeps an order.
-- The work is done by `Graph:match`.
-- @module autogo.match

local match = {}

local SHAPE = { "h_in", "w_in", "c_in", "h_out", "w_out", "c_out" }

-- What the core says, counted from 1 and without the nodes that are new.
local function counted_from_one(positions)
  local origin = {}
  for j, position in ipairs(positions) do
    origin[j] = position >= 0 and position + 1 or nil
  end
  return origin
end

--- Match two graphs. O(nodes of one times nodes of the other) in the worst case.
-- @tparam Graph a
-- @tparam Graph b
-- @treturn table origin[j] = which node of a node j of b is, both from 1; nil where it is new
function match.nodes(a, b)
  return counted_from_one((a:match(b)))
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

-- The counts of `match.marks`.
local function count(origin, before, after, reshaped)
  local kept = 0
  for j = 1, after do
    kept = kept + (origin[j] and 1 or 0)
  end
  return {
    removed = before - kept, added = after - kept, reshaped = reshaped, unchanged = kept - reshaped,
  }
end

--- Both at once: the match, and how many nodes of each kind. Kept for as long as `b` lives.
-- @tparam Graph a in canonical order
-- @tparam Graph b
-- @treturn table { origin as of `match.nodes`, counts as of `match.marks` }
function match.difference(a, b)
  local entry = known[b]
  if not entry or entry.from ~= a then
    local positions, reshaped = a:match(b)
    entry = { origin = counted_from_one(positions), from = a }
    entry.counts = count(entry.origin, #a, #b, reshaped)
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
