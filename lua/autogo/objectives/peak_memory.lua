--- Largest sum of live activations while the network runs, float32.
-- @module autogo.objectives.peak_memory

return require("autogo.objective").per_graph {
  name = "peak_memory",
  unit = "MiB",
  eval = function(graph)
    return graph.peak_memory / 2 ^ 20
  end,
}
