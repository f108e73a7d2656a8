--- `autogo segment`: how a tokenizer cuts a model.
-- @module autogo.cli.segment

local ag = require "autogo"
local model = require "autogo.cli.model"

return {
  name = "segment",
  about = "Cut a model into the segments of a tokenizer",
  usage = "MODEL [options]",
  arguments = { model.ARGUMENT },
  options = {
    { name = "tokenizer", type = "string", value = "FILE", help = "instead of the bundled one" },
    { name = "keep", type = "number", default = 1, min = 0, max = 1, help = "share of the tokens in use" },
    { name = "seed", type = "integer", default = 1, min = 0, help = "which share" },
    model.INPUT,
    model.SKIP,
  },
  run = function(values)
    local tokenizer, why = ag.tokenizer(values.tokenizer)
    if not tokenizer then
      return nil, why
    end
    local graph
    graph, why = model.load(values)
    if not graph then
      return nil, why
    end
    local cuts = graph:canonical():segments(tokenizer, { keep = values.keep, seed = values.seed })
    for segment in cuts do
      io.stdout:write(("%4d:%-4d  %s\n"):format(segment.first, segment.last, segment:label()))
    end
  end,
}
