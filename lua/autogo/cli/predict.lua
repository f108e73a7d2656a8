--- `autogo predict`: the predictor's raw number.
-- @module autogo.cli.predict

local ag = require "autogo"
local model = require "autogo.cli.model"

local function value_of(predictor, graph, range)
  if not range then
    return predictor:predict(graph)
  elseif predictor.model == "gnn" then
    return nil, "predict: --segment: these weights are a GNN's, which predicts whole networks only"
  elseif range[2] > #graph then
    return nil, ("predict: --segment: the graph has only %d nodes"):format(#graph)
  end
  return predictor:predict(graph, range[1], range[2])
end

return {
  name = "predict",
  about = "Predict the performance of a model",
  usage = "MODEL [--weights FILE] [--segment FIRST:LAST]",
  arguments = { model.ARGUMENT },
  options = {
    { name = "weights", type = "string", value = "FILE", many = true,
      help = "predictor, instead of the bundled one; several are an ensemble" },
    { name = "caution", type = "number", default = 0, help = "ensemble: mean - X * spread" },
    {
      name = "segment",
      type = "range",
      help = "PSC: nodes FIRST .. LAST-1 as the segment [all segments, averaged]",
    },
    model.INPUT,
    model.START,
    model.STOP,
    model.SKIP,
  },
  run = function(values)
    local predictor, why = ag.predictor(#values.weights > 1 and values.weights or values.weights[1])
    if not predictor then
      return nil, why
    end
    predictor:caution(values.caution)
    local graph
    graph, why = model.load(values)
    if not graph then
      return nil, why
    end
    local value
    value, why = value_of(predictor, graph, values.segment)
    if not value then
      return nil, why
    end
    io.stdout:write(("%.9g\n"):format(value))
  end,
}
