--- What the folds of drawings stand for, as data of a page: its script draws a fold where a reader opens
-- it, from what is said here once for the input and once per member for what differs from it.
--
-- A node is the list { label, resolution, width of its box, what it is, operands }; operands are
-- positions in the input, those of nodes that the input lacks are negative.
-- @module autogo.report.folds

local core = require "autogo.core"
local markup = require "autogo.report.markup"
local picture = require "autogo.report.picture"
local text = require "autogo.report.text"

local folds = {}

-- What page and script call each other's things: 12 nodes of a fold are "3-9 12 14-17".
local function ranges(positions)
  local parts, k = {}, 1
  while k <= #positions do
    local last = k
    while positions[last + 1] == positions[last] + 1 do
      last = last + 1
    end
    parts[#parts + 1] = last > k and ("%d-%d"):format(positions[k], positions[last])
      or ("%d"):format(positions[k])
    k = last + 1
  end
  return table.concat(parts, " ")
end

--- The positions of a fold's members in its own graph.
-- @tparam table node that has `members`, of `autogo.report.hunks`
-- @treturn string
function folds.positions(node)
  local list = {}
  for k, i in ipairs(node.members) do
    list[k] = i - 1
  end
  return ranges(list)
end

local function shape_of(node)
  return text.shape(node.h_out, node.w_out, node.c_out)
end

--- A network for the script.
-- @tparam Graph graph
-- @treturn markup
function folds.network(graph)
  local scene, list = picture.scene(graph), {}
  local problem = picture.pose(scene, { shapes = true })
  for i, node in ipairs(scene.nodes) do
    list[i] = {
      text.clean(problem.labels[i]), shape_of(node), problem.widths[i], text.clean(picture.about(node)),
      table.concat(node.operands, " "),
    }
  end
  return markup.fill('<div id="network" data-nodes="%s" hidden></div>', core.json_encode(list))
end

-- The nodes of `after` that some fold stands for.
local function folded_nodes(list)
  local set = {}
  for _, hunk in ipairs(list) do
    for _, node in ipairs(hunk.after.nodes) do
      for _, i in ipairs(node.members or {}) do
        set[i] = true
      end
    end
  end
  return set
end

-- Those of them that new nodes use, as positions in the input.
local function used_by_new(pair, folded)
  local list, known = {}, {}
  for _, edge in ipairs(pair.after.edges) do
    local from = edge[1]
    if folded[from] and not pair.origin[edge[2]] and not known[from] then
      known[from], list[#list + 1] = true, pair.origin[from] - 1
    end
  end
  table.sort(list)
  return ranges(list)
end

-- The operands of a new network's node as positions in the input, -k for a new one, the k-th of its network.
local function operand_in_input(pair, operand)
  local from = pair.origin[operand + 1]
  return from and from - 1 or -(operand + 1)
end

local function operands_in_input(pair, node)
  local list = {}
  for k, operand in ipairs(node.operands) do
    list[k] = operand_in_input(pair, operand)
  end
  return table.concat(list, " ")
end

-- Whether a node has other operands than it had in the input.
local function rewired(pair, node, before)
  local was = before.operands
  for k, operand in ipairs(node.operands) do
    if operand_in_input(pair, operand) ~= was[k] then
      return true
    end
  end
  return #was ~= #node.operands
end

--- What of the folded nodes is not as in the input: { nodes = list of { position in the input, resolution,
-- what it is, operands }, used = those that new nodes use }, as JSON.
-- @tparam table pair of `autogo.report.aligned`
-- @tparam table list of `autogo.report.hunks`
-- @treturn string
function folds.differences(pair, list)
  local folded, nodes = folded_nodes(list), {}
  for i, node in ipairs(pair.after.nodes) do
    local from = folded[i] and pair.origin[i]
    if from and (pair.after.mark[i] or rewired(pair, node, pair.before.nodes[from])) then
      nodes[#nodes + 1] = {
        from - 1, shape_of(node), text.clean(picture.about(node)), operands_in_input(pair, node),
      }
    end
  end
  return core.json_encode { nodes = nodes[1] and nodes, used = used_by_new(pair, folded) }
end

return folds
