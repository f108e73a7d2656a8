-- The data sets of Table 7: how many {P,S,C} samples the five families give, and how many folds
-- their test parts.
--
--     autogo run recipes/table7_datasets.lua [--out DIR] [--quick]
--
-- Every segment of a graph is one sample. A fold takes one sample of each test graph, so there are as
-- many folds as the test graph with the fewest segments has.
local ag = require "autogo"
local corpus = require "autogo.corpus"
local labels = require "autogo.labels"
local recipe = require "autogo.recipe"

local PUBLISHED = {
  { family = "nb101", graphs = 5000, samples = 404900, folds = 42 },
  { family = "nb201", graphs = 4096, samples = 252800, folds = 34 },
  { family = "hiaml", graphs = 4600, samples = 65100, folds = 10 },
  { family = "inception", graphs = 580, samples = 222400, folds = 129 },
  { family = "two_path", graphs = 6900, samples = 193100, folds = 10 },
}

local values = recipe.options {
  name = "table7_datasets",
  about = "Graphs, {P,S,C} samples and folds of the five families beside Table 7",
  options = {
    { name = "seed", type = "integer", min = 0, default = 1, help = "of the sampling and the split" },
  },
}

local tokenizer = assert(ag.tokenizer())

local function measure(family, count)
  local graphs, nodes, samples = {}, 0, 0
  for graph in assert(corpus.each({ { family = family, count = count } }, values.seed)) do
    local bounds = tokenizer:encode(graph)
    graphs[#graphs + 1] = { graph = graph, segments = #bounds - 1 }
    nodes, samples = nodes + #graph, samples + #bounds - 1
  end
  local folds = math.huge
  local _, _, test = labels.split(graphs, values.seed)
  for _, graph in ipairs(test) do
    folds = math.min(folds, graph.segments)
  end
  return #graphs, nodes, samples, folds
end

local HEADER = {
  "family", "graphs", "nodes/graph", "samples", "samples/graph", "folds",
  "published graphs", "samples", "samples/graph", "folds",
}
local rows = {}
for i, entry in ipairs(PUBLISHED) do
  local graphs, nodes, samples, folds =
    measure(entry.family, values.quick and entry.graphs // 50 or entry.graphs)
  rows[i] = {
    entry.family, graphs, math.floor(nodes / graphs + 0.5), samples, samples // graphs, folds,
    entry.graphs, entry.samples, entry.samples // entry.graphs, entry.folds,
  }
end

recipe.print(HEADER, rows)
recipe.csv(values.out .. "/table7.csv", {
  "family", "graphs", "nodes_per_graph", "samples", "samples_per_graph", "folds",
  "published_graphs", "published_samples", "published_samples_per_graph", "published_folds",
}, rows)
