--- Trainable parameters.
-- @module autogo.objectives.params

return require("autogo.objective").per_node {
  name = "params",
  eval = function(node)
    return node.params
  end,
}
