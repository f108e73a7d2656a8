--- Members of a search's archive: networks with their descent.
--
-- A member is a table { graph, generation, parent, origin, changes, splice, predicted, score, flops,
-- and a value per objective }. `origin[i]` is the position that node i (from 1) had in the input, nil
-- for a new node; `changes` lists the replacements from the input down to it; `splice` is the last of
-- them, as `batch:child` gives it. From its parent and its splice a member can be made again, weights
-- of the nodes that stayed included: that is what the journal of a search keeps. `origin` and `changes`
-- are made when they are asked for, which few members ever are.
-- @module autogo.member

local core = require "autogo.core"

local member = {}

local Member = {}

--- The input of a search as a member.
function member.root(graph)
  local root = { graph = graph, generation = 0, changes = {}, origin = {} }
  for i = 1, #graph do root.origin[i] = i end
  return root
end

local function describe(one)
  local splice = one.splice
  return {
    generation = one.generation, first = splice.first, last = splice.last,
    removed = splice.removed, added = splice.added,
    segment = splice.entry, variant = splice.variant, resolved = splice.resolved,
  }
end

local function follow(origin, one)
  local splice = one.splice
  return core.follow(origin, splice.first, splice.last, #splice.added, one.order)
end

local function append(changes, one)
  local list = table.move(changes, 1, #changes, 1, {})
  list[#list + 1] = describe(one)
  return list
end

-- What a member gets from the same of its parent.
local INHERITED = { origin = follow, changes = append }

function Member:__index(key)
  local inherit = INHERITED[key]
  if not inherit then return nil end
  local line = { self } -- up to an ancestor that has it: a loop, for lines are as long as a search
  while not rawget(line[#line].parent, key) do line[#line + 1] = line[#line].parent end
  for i = #line, 1, -1 do
    local one = line[i]
    one[key] = inherit(one.parent[key], one)
  end
  return self[key]
end

--- The member that a splice makes of its parent.
-- @tparam table parent
-- @tparam table splice as `batch:child` gives it
-- @tparam Graph graph the result, in canonical order
-- @tparam {integer,...}|string order the position that each of its nodes had in the order P,
-- replacement, C, as `core.follow` takes it
-- @tparam integer generation
function member.grow(parent, splice, graph, order, generation)
  return setmetatable({
    graph = graph, generation = generation, parent = parent, splice = splice, order = order,
  }, Member)
end

local function ops_of(segment)
  local ops = {}
  for i = 1, #segment do ops[i] = segment:node(i - 1).op end
  return ops
end

-- The replacement as it stood in the child: solving its shapes is a function of the segment and the
-- shapes at its ports, so it need not be kept.
local function replacement(splice, cut, parts)
  local segment = parts.database:segment(splice.entry, splice.variant)
  if not splice.resolved then return segment end
  local ports, from, to = cut:shapes(), {}, {}
  for p, port in ipairs(splice.inputs) do from[p] = ports.from[port] end
  for q, port in ipairs(splice.outputs) do to[port] = ports.to[q] end
  local _, _, resolved = core.resolve(segment, { from = from, to = to, solver = parts.solver })
  return assert(resolved, "its shapes cannot be solved")
end

--- A member made again; raises where that is impossible.
-- @tparam table parent
-- @tparam table splice first, last, entry, variant, resolved, inputs, outputs
-- @tparam integer generation
-- @tparam table parts the `database` and the `solver` of the search
function member.regrow(parent, splice, generation, parts)
  local cut = core.cut(parent.graph, splice.first, splice.last)
  local segment = replacement(splice, cut, parts)
  local graph = assert(parent.graph:splice(splice.first, splice.last, segment, splice.inputs,
    splice.outputs))
  splice.removed, splice.added = ops_of(cut), ops_of(segment)
  local canonical, order = graph:canonical()
  return member.grow(parent, splice, canonical, order, generation)
end

return member
