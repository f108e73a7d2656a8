--- A graph and what became of it laid on top of each other: common rows, and what happened to each node.
--
-- Both graphs get the rows of their union, in which a node that both have stands once: what they share
-- stands at one height. Where the union has a circle (nodes matched in another order than they follow
-- each other) each graph has rows of its own.
--
--    local pair = aligned.pair(parent, child, origin)
--    pair.before.mark[i]    -- "removed", "reshaped" or nil
--    pair.after.mark[i]     -- "added", "reshaped" or nil
-- @module autogo.report.aligned

local layers = require "autogo.report.layers"
local match = require "autogo.match"
local picture = require "autogo.report.picture"

local aligned = {}

-- The two graphs laid on top of each other: edges, number of nodes, and where the child's nodes are.
local function union(before, after, origin)
  local shared, count, edges = {}, #before.nodes, {}
  for i in ipairs(after.nodes) do
    if not origin[i] then
      count = count + 1
    end
    shared[i] = origin[i] or count
  end
  table.move(before.edges, 1, #before.edges, 1, edges)
  for _, edge in ipairs(after.edges) do
    edges[#edges + 1] = { shared[edge[1]], shared[edge[2]] }
  end
  return shared, count, edges
end

-- Longest paths from above; nil where the edges make a circle.
local function longest_paths(count, edges)
  local below, missing, row, queue = {}, {}, {}, {}
  for v = 1, count do
    below[v], missing[v], row[v] = {}, 0, 1
  end
  for _, edge in ipairs(edges) do
    table.insert(below[edge[1]], edge[2])
    missing[edge[2]] = missing[edge[2]] + 1
  end
  for v = 1, count do
    if missing[v] == 0 then
      queue[#queue + 1] = v
    end
  end
  local rows = 1
  for at = 1, count do
    local v = queue[at]
    if not v then
      return nil
    end
    rows = math.max(rows, row[v])
    for _, w in ipairs(below[v]) do
      row[w], missing[w] = math.max(row[w], row[v] + 1), missing[w] - 1
      if missing[w] == 0 then
        queue[#queue + 1] = w
      end
    end
  end
  return row, rows
end

-- Set the rows of both scenes and return their number; also whether nodes they share have the same.
local function find_rows(before, after, origin)
  local shared, count, edges = union(before, after, origin)
  local row, rows = longest_paths(count, edges)
  if not row then
    local rows_before, rows_after
    before.row, rows_before = layers.assign(#before.nodes, before.edges)
    after.row, rows_after = layers.assign(#after.nodes, after.edges)
    return math.max(rows_before, rows_after), false
  end
  before.row, after.row = table.move(row, 1, #before.nodes, 1, {}), {}
  for i in ipairs(after.nodes) do
    after.row[i] = row[shared[i]]
  end
  return rows, true
end

-- The scenes of parents, by graph: the networks of a front have one.
local scenes = setmetatable({}, { __mode = "k" })

local function scene_of_parent(graph)
  scenes[graph] = scenes[graph] or picture.scene(graph)
  return { nodes = scenes[graph].nodes, edges = scenes[graph].edges }
end

--- Align two graphs. O(nodes + edges).
-- @tparam Graph parent
-- @tparam Graph child
-- @tparam table origin of `autogo.match`: origin[i] = which node of the parent node i of the child is, both
-- from 1; nil for new nodes
-- @treturn table { before, after = scenes (see `autogo.report.picture`) with `row` and `mark` per node,
-- rows = their number, common = whether shared nodes stand in the same row, counts = { removed, added,
-- reshaped, unchanged }, origin }
function aligned.pair(parent, child, origin)
  local before, after = scene_of_parent(parent), picture.scene(child)
  local rows, common = find_rows(before, after, origin)
  local counts
  before.mark, after.mark, counts = match.marks(before.nodes, after.nodes, origin)
  return {
    before = before, after = after, rows = rows, common = common, counts = counts, origin = origin,
  }
end

return aligned
