--- The places where two aligned graphs differ, each with a few rows around it, as a diff of text has them.
--
-- Rows farther than `CONTEXT` from a node that was removed or added are folded: a hunk is what lies
-- between two folds, with a box for each fold at its head and foot. Whatever enters from above comes
-- out of the box above, whatever is used below goes into the box below, and a tensor that only passes
-- by runs from box to box. A fold is a node { elided = how many, reshaped = how many of these have another
-- resolution, fold = "head" or "foot", members = which nodes of the graph, from 1, both sides in the same
-- order }. Places that differ in nothing but resolutions and positions are one hunk
-- that says where else it occurs.
-- @module autogo.report.hunks

local text = require "autogo.report.text"

local hunks = {}

local CONTEXT, LEAST_FOLD = 2, 3

local SIDES = { "before", "after" }

-- --- where ----------------------------------------------------------------------------------------

local function mark_near(near, row, rows)
  for r = math.max(1, row - CONTEXT), math.min(rows, row + CONTEXT) do
    near[r] = true
  end
end

-- Where only resolutions differ: the ends of each stretch of rows that have some.
local function near_reshaped(pair, near)
  local reshaped = {}
  for _, side in ipairs(SIDES) do
    for i in pairs(pair[side].mark) do
      reshaped[pair[side].row[i]] = true
    end
  end
  for r in pairs(reshaped) do
    if not (reshaped[r - 1] and reshaped[r + 1]) then
      mark_near(near, r, pair.rows)
    end
  end
end

-- The set of rows to be drawn.
local function near_changes(pair)
  local near, found = {}, false
  for _, side in ipairs(SIDES) do
    for i, what in pairs(pair[side].mark) do
      if what ~= "reshaped" then
        found = true
        mark_near(near, pair[side].row[i], pair.rows)
      end
    end
  end
  if not found then
    near_reshaped(pair, near)
  end
  return near
end

-- Stretches of rows { first, last } to be drawn; gaps too short to be folded are filled.
local function stretches(near, rows)
  local list = {}
  for r = 1, rows do
    local last = list[#list]
    if near[r] and last and r - last[2] <= LEAST_FOLD then
      last[2] = r
    elseif near[r] then
      list[#list + 1] = { r <= LEAST_FOLD and 1 or r, r }
    end
  end
  local last = list[#list]
  if last and rows - last[2] < LEAST_FOLD then
    last[2] = rows
  end
  return list
end

-- --- scenes ---------------------------------------------------------------------------------------

-- The nodes in each row of a scene.
local function nodes_by_row(scene, rows)
  local list = {}
  for r = 1, rows do
    list[r] = {}
  end
  for i, r in ipairs(scene.row) do
    table.insert(list[r], i)
  end
  return list
end

-- The nodes of a scene with row in [first, last], in order.
local function nodes_between(scene, first, last)
  local list = {}
  for r = first, last do
    for _, i in ipairs(scene.by_row[r]) do
      list[#list + 1] = i
    end
  end
  table.sort(list)
  return list
end

local function add_node(small, node, row, what)
  local k = #small.nodes + 1
  small.nodes[k], small.row[k], small.mark[k] = node, row, what
  return k
end

-- A function that adds an edge to the scene; those of the folds once each.
local function edge_adder(small, folds)
  local known, edges, count = {}, small.edges, #small.nodes
  return function(from, to)
    if folds[from] or folds[to] then
      local key = from * (count + 1) + to
      if known[key] then
        return
      end
      known[key] = true
    end
    edges[#edges + 1] = { from, to }
  end
end

-- The node that stands for those of rows [first, last], all of which both graphs have. `origin` is that
-- of the scene's nodes, nil before.
local function fold_of(scene, first, last, where, origin)
  local members, reshaped = nodes_between(scene, first, last), 0
  for _, i in ipairs(members) do
    reshaped = reshaped + (scene.mark[i] and 1 or 0)
  end
  if origin then
    table.sort(members, function(p, q)
      return origin[p] < origin[q]
    end)
  end
  return { elided = #members, reshaped = reshaped, fold = where, members = members }
end

-- What of a scene lies in rows [first, last], between the folds `above` and `below` (nil where there is
-- none).
local function cut_scene(scene, first, last, above, below)
  local small, place, folds = { nodes = {}, edges = {}, row = {}, mark = {} }, {}, {}
  local head = above and add_node(small, above, 1)
  for _, i in ipairs(nodes_between(scene, first, last)) do
    place[i] = add_node(small, scene.nodes[i], scene.row[i] - first + (above and 2 or 1), scene.mark[i])
  end
  local foot = below and add_node(small, below, last - first + (above and 3 or 2))
  folds[head or 0], folds[foot or 0] = true, true
  local add = edge_adder(small, folds)
  local row = scene.row
  for _, edge in ipairs(scene.edges) do
    local from, to = edge[1], edge[2]
    if row[from] <= last and row[to] >= first then
      from = place[from] or row[from] < first and head
      to = place[to] or row[to] > last and foot
      if from and to then
        add(from, to)
      end
    end
  end
  return small
end

-- --- alike ----------------------------------------------------------------------------------------

-- Few hunks are alike, and most that are not differ in this.
local function sizes(hunk)
  return table.concat({ hunk.rows, #hunk.before.nodes, #hunk.before.edges, #hunk.after.nodes,
    #hunk.after.edges }, " ")
end

--- A scene as text, without positions: equal texts, equal drawings as far as `said` goes.
-- @tparam table scene
-- @tparam function said what to say of a node
-- @treturn string
function hunks.text(scene, said)
  local parts, n = {}, 0
  for i, node in ipairs(scene.nodes) do
    parts[n + 1], parts[n + 2], parts[n + 3] = said(node), scene.row[i], scene.mark[i] or ""
    n = n + 3
  end
  for _, edge in ipairs(scene.edges) do
    parts[n + 1], parts[n + 2] = edge[1], edge[2]
    n = n + 2
  end
  return table.concat(parts, " ")
end

-- What is alike in spite of other resolutions.
local function without_sizes(node)
  return node.elided and "fold" or text.node(node)
end

-- That of both sides of a hunk, kept in it.
local function signature_of(hunk)
  hunk.signature = hunk.signature
    or hunks.text(hunk.before, without_sizes) .. "|" .. hunks.text(hunk.after, without_sizes)
  return hunk.signature
end

-- The hunk of a list that one is like, nil where there is none.
local function find_alike(list, hunk)
  for _, other in ipairs(list) do
    if signature_of(other) == signature_of(hunk) then
      return other
    end
  end
end

-- First and last position of the nodes of a scene; nil where all are folded.
local function span(scene)
  local first, last
  for _, node in ipairs(scene.nodes) do
    if not node.elided then
      first, last = math.min(first or node.position, node.position), math.max(last or 0, node.position)
    end
  end
  return first and { first, last }
end

--- The hunks of two aligned graphs, from top to bottom.
-- @tparam table pair of `autogo.report.aligned`
-- @treturn {table,...} each { before, after = scenes with rows counted from 1, rows, places = list of
-- { before = {first, last} positions, after = ... } }; the first place is the one drawn
function hunks.list(pair)
  local drawn = pair.common and stretches(near_changes(pair), pair.rows) or { { 1, pair.rows } }
  local list, known = {}, {}
  for _, side in ipairs(SIDES) do
    pair[side].by_row = nodes_by_row(pair[side], pair.rows)
  end
  for k, stretch in ipairs(drawn) do
    local first, last, hunk = stretch[1], stretch[2], { rows = stretch[2] - stretch[1] + 1 }
    local above, below = k > 1 and drawn[k - 1][2] + 1 or 1, k < #drawn and drawn[k + 1][1] - 1 or pair.rows
    for _, side in ipairs(SIDES) do
      local scene, origin = pair[side], side == "after" and pair.origin or nil
      hunk[side] = cut_scene(scene, first, last,
        first > 1 and fold_of(scene, above, first - 1, "head", origin) or nil,
        last < pair.rows and fold_of(scene, last + 1, below, "foot", origin) or nil)
    end
    hunk.rows = hunk.rows + (first > 1 and 1 or 0) + (last < pair.rows and 1 or 0)
    local place, key = { before = span(hunk.before), after = span(hunk.after) }, sizes(hunk)
    known[key] = known[key] or {}
    local alike = find_alike(known[key], hunk)
    if alike then
      table.insert(alike.places, place)
    else
      hunk.places, list[#list + 1] = { place }, hunk
      table.insert(known[key], hunk)
    end
  end
  return list
end

return hunks
