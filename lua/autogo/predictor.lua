--- What a predictor says of whole architectures, with the bundled tokenizer.
--
--     local p = ag.predictor()
--     print(p:predict(graph))           -- of the architecture
--     print(p:predict(graph, 10, 14))   -- of one cut: nodes 10 .. 13 as the segment
--     print(p:metrics(samples).srcc)    -- samples = { { graph =, target = }, ... }
-- @module autogo.predictor

local core = require "autogo.core"

local Predictor = core.classes.Predictor

-- Loaded once.
local tokenizer
local function bundled_tokenizer()
  tokenizer = tokenizer or assert(require("autogo").tokenizer())
  return tokenizer
end

local predict_cut = Predictor.predict

--- The raw number of a cut, or of the whole graph: a GNN's own, or the mean over the cuts of the full
-- segmentation (PSC).
-- @tparam Graph graph
-- @tparam[opt] integer first
-- @tparam[optchain] integer last
-- @treturn number, or nil and a message
function Predictor:predict(graph, first, last)
  if first == nil and last == nil and getmetatable(graph) == "autogo.Graph" and self.model == "psc" then
    return self:score(graph:canonical(), bundled_tokenizer())
  end
  return predict_cut(self, graph, first, last)
end

--- Predictions against measurements: see `autogo.train.evaluate`.
-- @tparam {table,...} samples each with `graph` (in canonical order) and `target`
-- @tparam[opt] string family under which the predictor knows their unit
-- @treturn table srcc, top, mae, mape, predicted, measured
function Predictor:metrics(samples, family)
  return require("autogo.train").evaluate(self, bundled_tokenizer(), samples, family or "")
end
