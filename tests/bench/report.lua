-- The hard case of a report: a front of 50 networks of 250 nodes or so, each of a dozen mutations, from two
-- searches over five objectives so that they share less. Prints the quickest of RUNS pages in processor
-- seconds on one thread, its size, and how many of the networks are drawn.
--
--    report.lua GRAPH.json RUNS
local ag = require "autogo"
local data = require "autogo.report.data"
local html = require "autogo.report.html"

local MEMBERS = 50

local graph, objectives = assert(ag.load(arg[1])), {}
for i, name in ipairs { "flops", "params", "peak_memory", "latency:raspi4", "npu:mobile-npu:energy" } do
  objectives[i] = assert(ag.objective.load(name))
end

local function search(seed)
  return data.of_front(assert(ag.evolve(graph, {
    objectives = objectives, iterations = 12, children = 40000, seed = seed,
  })))
end

local report, known = search(5), {}
local all = report.members
for _, one in ipairs(search(6).members) do
  all[#all + 1] = one
end
report.members = {}
for _, one in ipairs(all) do
  if #one.changes > 0 and not known[one.hash] and #report.members < MEMBERS then
    known[one.hash] = true
    one.rank = #report.members
    table.insert(report.members, one)
  end
end

local best, page = math.huge, nil
for _ = 1, tonumber(arg[2]) do
  local start = os.clock()
  page = html.page(report)
  best = math.min(best, os.clock() - start)
end
local _, left_out = page:gsub("Not drawn here", "")
print(("%s, %d nodes: a page of %d networks, %d drawn: %.2f s, %.2f MB"):format(graph.name, #graph,
  #report.members, #report.members - left_out, best, #page / 1e6))
