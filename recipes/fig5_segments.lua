-- The histograms of Fig. 5: what the segments of a database look like.
--
--     autogo run recipes/fig5_segments.lua [--database FILE] [--out DIR] [--quick]
--
-- Every segment counts once, however often it occurs. Edges are those between its own nodes: edges
-- and topology leave the ports out.
local ag = require "autogo"
local chart = require "autogo.report.chart"
local recipe = require "autogo.recipe"

local values = recipe.options {
  name = "fig5_segments",
  about = "Histograms of the segments of a database, as in Fig. 5",
  options = { { name = "database", type = "string", value = "FILE", help = "instead of the bundled one" } },
}

local database = assert(ag.database(values.database))
if values.quick then
  database = database:select { max_size = 4 }
end

-- --- topologies -----------------------------------------------------------------------------------

local TOPOLOGIES = {
  "one node", "chain", "fork", "join", "fork and join", "disconnected",
}

-- Number of connected pieces of a segment, by the edges between its nodes.
local function pieces(operands)
  local root, count = {}, #operands
  local function find(node)
    while root[node] ~= node do
      node = root[node]
    end
    return node
  end
  for node in ipairs(operands) do
    root[node] = node
  end
  for node, list in ipairs(operands) do
    for _, operand in ipairs(list) do
      local a, b = find(node), find(operand)
      if a ~= b then
        root[a], count = b, count - 1
      end
    end
  end
  return count
end

-- The distinct operands of each node within the segment; nodes count from 1.
local function inner_operands(segment)
  local operands = {}
  for node = 0, #segment - 1 do
    local list, seen = {}, {}
    for _, operand in ipairs(segment:node(node).operands) do
      if operand >= 0 and not seen[operand] then
        seen[operand], list[#list + 1] = true, operand + 1
      end
    end
    operands[node + 1] = list
  end
  return operands
end

local function topology(segment)
  local operands = inner_operands(segment)
  if #operands == 1 then
    return "one node"
  elseif pieces(operands) > 1 then
    return "disconnected"
  end
  local fork, join, users = false, false, {}
  for _, list in ipairs(operands) do
    join = join or #list > 1
    for _, operand in ipairs(list) do
      fork = fork or users[operand]
      users[operand] = true
    end
  end
  return fork and join and "fork and join" or fork and "fork" or join and "join" or "chain"
end

-- --- counting -------------------------------------------------------------------------------------

local FIELDS = { "inputs", "outputs", "size", "edges" }

local counts = { topology = {}, ops = {} }
for _, name in ipairs(FIELDS) do
  counts[name] = {}
end

local function count(histogram, key)
  counts[histogram][key] = (counts[histogram][key] or 0) + 1
end

local families, nodes, edges = {}, 0, 0 -- families[op][family] = segments
for i = 1, #database do
  local entry = database:entry(i)
  for _, name in ipairs(FIELDS) do
    count(name, entry[name])
  end
  count("topology", topology(database:segment(i)))
  for op in pairs(entry.ops) do
    count("ops", op)
    families[op] = families[op] or {}
    for _, family in ipairs(entry.families) do
      families[op][family] = (families[op][family] or 0) + 1
    end
  end
  nodes, edges = nodes + entry.size, edges + entry.edges
end

-- Bars for all whole numbers from the smallest to the largest.
local function by_number(histogram)
  local low, high, bars = math.huge, 0, {}
  for key in pairs(histogram) do
    low, high = math.min(low, key), math.max(high, key)
  end
  for key = low, high do
    bars[#bars + 1] = { tostring(key), histogram[key] or 0 }
  end
  return bars
end

local function by_name(histogram, names)
  local bars = {}
  for i, name in ipairs(names) do
    bars[i] = { name, histogram[name] or 0 }
  end
  return bars
end

local function most_frequent_first(histogram)
  local names = {}
  for name in pairs(histogram) do
    names[#names + 1] = name
  end
  table.sort(names, function(a, b)
    if histogram[a] ~= histogram[b] then
      return histogram[a] > histogram[b]
    end
    return a < b
  end)
  return names
end

-- --- output ---------------------------------------------------------------------------------------

local panels = {
  { kind = "columns", title = "Inputs", x = "input ports", bars = by_number(counts.inputs) },
  { kind = "columns", title = "Outputs", x = "output ports", bars = by_number(counts.outputs) },
  { kind = "columns", title = "Nodes", x = "nodes", bars = by_number(counts.size) },
  { kind = "columns", title = "Edges", x = "edges between its nodes", bars = by_number(counts.edges) },
  { kind = "rows", title = "Topologies", x = "segments", bars = by_name(counts.topology, TOPOLOGIES) },
  { kind = "rows", title = "Operations", x = "segments that contain it",
    bars = by_name(counts.ops, most_frequent_first(counts.ops)) },
}
for _, panel in ipairs(panels) do
  panel.y = "segments"
end

local header, rows = { "histogram", "value", "segments", table.unpack(database.families) }, {}
for _, panel in ipairs(panels) do
  for _, bar in ipairs(panel.bars) do
    local row = { panel.title:lower(), bar[1], bar[2] }
    for i, family in ipairs(database.families) do
      row[3 + i] = panel.title == "Operations" and (families[bar[1]][family] or 0) or nil
    end
    rows[#rows + 1] = row
  end
end

local title = ("%d segments: %.1f nodes and %.1f edges on average"):format(
  #database, nodes / #database, edges / #database)
recipe.csv(values.out .. "/fig5.csv", header, rows)
assert(ag.write_file(values.out .. "/fig5.svg", chart.svg(title, panels)))
print(title .. " (published: 428, 5 and 3)")
