--- Named settings of a search, for `autogo evolve --preset` and `ag.evolve`.
-- Source: algorithm.md section 4.
-- @module autogo.presets

return {
  quick = { iterations = 2, parents = 5, sources = 5, replacements = 30 },
  published = {
    iterations = 10, parents = 10, sources = 10, replacements = 100, segments = 3,
    flops_min = 0.8, flops_max = 1.1,
  },
  published_free = {
    iterations = 10, parents = 10, sources = 10, replacements = 100, segments = 3,
    flops_min = 0, flops_max = 1.1,
  },
  published_large = {
    iterations = 5, parents = 10, sources = 10, replacements = 100, segments = 3,
    flops_min = 0.8, flops_max = 1.1,
  },
  operations = {
    iterations = 50, parents = 10, sources = 10, replacements = 100, operations = true,
    flops_min = 0, flops_max = 1.1,
  },
}
