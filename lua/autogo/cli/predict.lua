--- `autogo predict`: the predictor's raw number.
-- @module autogo.cli.predict

local ag = require "autogo"
local model = require "autogo.cli.model"

-- The raw number: of one cut, of the whole graph (GNN), or the mean over the cuts of the full
-- segmentation (PSC).
local function value_of(predictor, graph, range)
  if range then
    local first, last = range[1], range[2]
    if last > #graph then
      return nil, ("--segment: the graph has only %d nodes"):format(#graph)
    end
    return predictor:predict(graph, first, last)
  elseif predictor.model == "gnn" then
    return predictor:predict(graph)
  end
  local tokenizer, why = ag.tokenizer()
  if not tokenizer then
    return nil, why
  end
  return predictor:score(graph:canonical(), tokenizer)
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
