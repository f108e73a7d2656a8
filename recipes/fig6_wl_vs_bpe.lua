-- Figure 6: the same network cut into segments in two ways, drawn.
--
--     autogo run recipes/fig6_wl_vs_bpe.lua [--out DIR] [--model MODEL] [--samples N] [--quick]
--
-- Both ways learn from the same corpus, the model among it. Byte-pair encoding cuts the sequence of
-- nodes into tokens. Weisfeiler-Leman counts rooted subgraphs, which overlap: every node is in those
-- of all nodes below it. To cut a network with them, they are taken one by one, that first which
-- saves most (its count times the nodes it joins), while they share no node with one taken before;
-- nodes left over stand alone. What is frequent there is the beginning of everything, and what is cut
-- out first leaves scraps: the pictures show it, and the table.
local ag = require "autogo"
local core = require "autogo.core"
local corpus = require "autogo.corpus"
local draw = require "autogo.report.draw"
local recipe = require "autogo.recipe"
local text = require "autogo.report.text"

local values = recipe.options {
  name = "fig6_wl_vs_bpe",
  about = "Draw the segments of a network by byte-pair encoding and by Weisfeiler-Leman",
  options = {
    { name = "model", type = "string", value = "MODEL", default = "hiaml:src1,src1,r30,src3",
      help = "what to draw" },
    { name = "family", type = "string", default = "hiaml", help = "what to learn from" },
    { name = "samples", type = "integer", min = 1, default = 1000, help = "graphs to learn from" },
    { name = "depth", type = "integer", min = 1, max = 16, default = 5, help = "of rooted subgraphs" },
    { name = "seed", type = "integer", min = 0, default = 1, help = "of the sampling" },
  },
}

local model = assert(ag.load(values.model)):canonical()

local function each_graph()
  local count = values.quick and math.min(values.samples, 50) or values.samples
  return assert(corpus.each({ { family = values.family, count = count } }, values.seed))
end

-- Segments by byte-pair encoding: the group of each node.
local function by_bpe()
  local learned = core.corpus()
  for graph in each_graph() do
    assert(learned:add(graph))
  end
  assert(learned:add(model))
  local group, count = {}, 0
  for segment in model:segments(assert(learned:train { vocab = 2000 })) do
    count = count + 1
    for position = segment.first, segment.last - 1 do
      group[position + 1] = count
    end
  end
  return group, count
end

-- The nodes within `depth` steps against the edges.
local function rooted_nodes(nodes, root, depth)
  local set, front = { [root] = true }, { root }
  local list = { root }
  for _ = 1, depth do
    local further = {}
    for _, i in ipairs(front) do
      for _, operand in ipairs(nodes[i].operands) do
        if not set[operand + 1] then
          set[operand + 1] = true
          further[#further + 1], list[#list + 1] = operand + 1, operand + 1
        end
      end
    end
    front = further
  end
  return list
end

-- Rooted subgraphs of the model, those that save most first.
local function candidates(wl, numbers)
  local nodes, list = {}, {}
  for position, node in model:nodes() do
    nodes[position + 1] = node
  end
  for root, own in ipairs(numbers) do
    for depth = 1, #own - 1 do
      local members = rooted_nodes(nodes, root, depth)
      local count = wl:get(own[depth + 1]).count
      list[#list + 1] = { members = members, gain = count * (#members - 1), at = #list }
    end
  end
  table.sort(list, function(p, q)
    if p.gain ~= q.gain then
      return p.gain > q.gain
    end
    return p.at < q.at
  end)
  return list
end

-- Segments by Weisfeiler-Leman: the group of each node, numbered from the top.
local function by_wl()
  local wl = core.weisfeiler_leman { depth = values.depth }
  for graph in each_graph() do
    assert(wl:add(graph))
  end
  local taken = {}
  for _, candidate in ipairs(candidates(wl, assert(wl:add(model, true)))) do
    local free = true
    for _, i in ipairs(candidate.members) do
      free = free and not taken[i]
    end
    for _, i in ipairs(free and candidate.members or {}) do
      taken[i] = candidate
    end
  end
  local group, number, count = {}, {}, 0
  for i = 1, #model do
    local key = taken[i] or i
    if not number[key] then
      count = count + 1
      number[key] = count
    end
    group[i] = number[key]
  end
  return group, count
end

-- The ops of each group, in order.
local function names_of(group, count)
  local ops, names = {}, {}
  for g = 1, count do
    ops[g] = {}
  end
  for position, node in model:nodes() do
    table.insert(ops[group[position + 1]], text.node(node))
  end
  for g, list in ipairs(ops) do
    names[g] = table.concat(list, ", ")
  end
  return names, ops
end

local rows = {}
local function show(file, title, group, count)
  local names, ops = names_of(group, count)
  local kinds, distinct, single, largest = {}, 0, 0, 0
  for g, name in ipairs(names) do
    distinct, kinds[name] = distinct + (kinds[name] and 0 or 1), true
    single, largest = single + (#ops[g] == 1 and 1 or 0), math.max(largest, #ops[g])
  end
  rows[#rows + 1] = { title, count, distinct, #model / count, largest, single }
  local svg = assert(draw.groups(model, group, names, {
    title = ("%s by %s"):format(model.name, title),
    line = ("%d segments of %.1f nodes on average, %d of them single nodes"):format(count,
      #model / count, single),
  }))
  assert(core.write_file(values.out .. "/" .. file, svg))
end

show("fig6_bpe.svg", "byte-pair encoding", by_bpe())
show("fig6_wl.svg", "Weisfeiler-Leman", by_wl())

local HEADER = { "segments by", "segments", "kinds", "nodes/segment", "largest", "single nodes" }
recipe.print(HEADER, rows)
recipe.csv(values.out .. "/fig6.csv", HEADER, rows)
