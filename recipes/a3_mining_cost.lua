-- What mining costs (appendix A.3): byte-pair encoding against the Weisfeiler-Leman enumeration of
-- rooted subgraphs, over a growing part of the five families.
--
--     autogo run recipes/a3_mining_cost.lua [--budget MIB] [--depth N] [--out DIR] [--quick]
--
-- Every measurement is a process of its own: its peak memory, less that of a process which only
-- generates the same graphs, and the seconds spent on anything but generating. Byte-pair encoding
-- learns the tokenizer and cuts the segments; the enumeration keeps one copy of each distinct subgraph
-- (autogo/mining.h says which they are). `unfolded` counts the nodes of all occurrences, which an
-- enumeration that shares nothing, as the published one, has to write down. Linux only.
local ag = require "autogo"
local chart = require "autogo.report.chart"
local corpus = require "autogo.corpus"
local recipe = require "autogo.recipe"

local COUNTS = { nb101 = 5000, nb201 = 4096, hiaml = 4600, inception = 580, two_path = 6900 }

local values = recipe.options {
  name = "a3_mining_cost",
  about = "Time and memory of mining, byte-pair encoding against Weisfeiler-Leman",
  options = {
    { name = "budget", type = "integer", min = 0, max = 1 << 20, default = 1024, value = "MIB",
      help = "memory of the enumeration" },
    { name = "depth", type = "integer", min = 0, max = 16, default = 5, help = "of the rooted subgraphs" },
    { name = "measure", type = "choice", choices = { "generate", "bpe", "wl" }, value = "METHOD",
      help = "one measurement, as a line of CSV" },
    { name = "part", type = "integer", min = 1, default = 1, value = "N",
      help = "of that measurement: one N-th of the graphs" },
  },
}

-- --- one measurement ------------------------------------------------------------------------------

-- The graphs one after the other; `work(graph)` is timed, and ends the iteration by returning nil.
local function over_corpus(work)
  local list = {}
  for family, count in pairs(COUNTS) do
    list[#list + 1] = { family = family, count = math.max(1, count // values.part) }
  end
  local graphs, nodes, seconds = 0, 0, 0
  for graph in corpus.each(list) do
    local start = ag.clock()
    local good = work(graph)
    seconds = seconds + ag.clock() - start
    if not good then
      break
    end
    graphs, nodes = graphs + 1, nodes + #graph
  end
  return graphs, nodes, seconds
end

local function timed(f, ...)
  local start = ag.clock()
  local result = assert(f(...))
  return result, ag.clock() - start
end

local MEASURE = {}

function MEASURE.generate()
  local graphs, nodes, seconds = over_corpus(function() return true end)
  return graphs, nodes, seconds, 0, 0
end

function MEASURE.bpe()
  local learned = ag.corpus()
  local graphs, nodes, adding = over_corpus(function(graph) return learned:add(graph) end)
  local tokenizer, training = timed(learned.train, learned, { vocab = 2000 })
  local miner = ag.miner(tokenizer)
  local _, _, mining = over_corpus(function(graph) return miner:add(graph) end)
  local database, finishing = timed(miner.finish, miner)
  return graphs, nodes, adding + training + mining + finishing, #database, 0
end

function MEASURE.wl()
  local wl = ag.weisfeiler_leman { depth = values.depth, budget = values.budget << 20 }
  local stopped
  local graphs, nodes, seconds = over_corpus(function(graph)
    local good, why = wl:add(graph)
    stopped = why
    return good
  end)
  if stopped then
    io.stderr:write(stopped, "\n")
  end
  local unfolded = 0
  for depth = 0, values.depth do
    unfolded = unfolded + wl:level(depth).nodes
  end
  return graphs, nodes, seconds, #wl, unfolded
end

local function peak_memory() -- KiB
  local file <close> = assert(io.open "/proc/self/status")
  return file:read("a"):match "VmHWM:%s*(%d+)"
end

if values.measure then
  local graphs, nodes, seconds, found, unfolded = MEASURE[values.measure]()
  print(("%d,%d,%.4f,%d,%d,%s"):format(graphs, nodes, seconds, found, unfolded, peak_memory()))
  return
end

-- --- all of them ----------------------------------------------------------------------------------

-- This recipe again, for one measurement.
local function measure(method, part)
  local options = ("--measure %s --part %d --budget %d --depth %d --out %s"):format(method, part,
    values.budget, values.depth, recipe.quoted(values.out))
  local pipe <close> = recipe.again(options)
  local fields = {}
  for field in (pipe:read "l" or error("no answer to: " .. options)):gmatch "[^,]+" do
    fields[#fields + 1] = tonumber(field)
  end
  return { graphs = fields[1], nodes = fields[2], seconds = fields[3], found = fields[4],
    unfolded = fields[5], peak = fields[6] / 1024 }
end

local HEADER = { "method", "graphs", "nodes", "seconds", "MiB", "peak MiB", "found", "unfolded" }
local NAMES = { bpe = "byte-pair encoding", wl = ("Weisfeiler-Leman, depth %d"):format(values.depth) }
local rows, time, memory, found = {}, {}, {}, {}
for number, method in ipairs { "bpe", "wl" } do
  for _, series in ipairs { time, memory, found } do
    series[number] = { name = NAMES[method], points = {} }
  end
end
for _, part in ipairs(values.quick and { 200, 100 } or { 16, 8, 4, 2, 1 }) do
  local floor = measure("generate", part).peak
  for number, method in ipairs { "bpe", "wl" } do
    local m = measure(method, part)
    local net = math.max(0, m.peak - floor)
    rows[#rows + 1] = {
      method, m.graphs, m.nodes, m.seconds, net, m.peak, m.found, method == "wl" and m.unfolded or nil,
    }
    table.insert(time[number].points, { m.graphs, m.seconds })
    table.insert(memory[number].points, { m.graphs, net })
    table.insert(found[number].points, { m.graphs, m.found })
  end
end

recipe.print(HEADER, rows)
recipe.csv(values.out .. "/a3.csv",
  { "method", "graphs", "nodes", "seconds", "mib", "peak_mib", "found", "unfolded_nodes" }, rows)
assert(ag.write_file(values.out .. "/a3.svg", chart.svg("Cost of mining a growing corpus", {
  { kind = "lines", title = "Time without generation", x = "graphs", y = "seconds", series = time },
  { kind = "lines", title = "Memory beyond generation", x = "graphs", y = "MiB", series = memory },
  { kind = "lines", title = "Distinct pieces found", x = "graphs", y = "segments, rooted subgraphs",
    series = found },
})))
