--- `autogo segment`: how a tokenizer cuts a model.
-- @module autogo.cli.segment

local ag = require "autogo"
local core = require "autogo.core"
local draw = require "autogo.report.draw"
local model = require "autogo.cli.model"

local function list(segments)
  for _, segment in ipairs(segments) do
    io.stdout:write(("%4d:%-4d  %s\n"):format(segment.first, segment.last, segment:label()))
  end
end

local function save(graph, segments, values)
  local svg, why = draw.segments(graph, segments, {
    line = values.keep < 1 and ("%g of the tokens, seed %d"):format(values.keep, values.seed) or nil,
  })
  if not svg then
    return nil, why
  end
  return core.write_file(values.svg, svg)
end

return {
  name = "segment",
  about = "Cut a model into the segments of a tokenizer",
  usage = "MODEL [options]",
  arguments = { model.ARGUMENT },
  options = {
    { name = "tokenizer", type = "string", value = "FILE", help = "instead of the bundled one" },
    { name = "keep", type = "number", default = 1, min = 0, max = 1, help = "share of the tokens in use" },
    { name = "seed", type = "integer", default = 1, min = 0, help = "which share" },
    { name = "svg", type = "string", value = "FILE", help = "draw them there instead of listing them" },
    model.INPUT,
    model.START,
    model.STOP,
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
    graph = graph:canonical()
    local segments = {}
    for segment in graph:segments(tokenizer, { keep = values.keep, seed = values.seed }) do
      segments[#segments + 1] = segment
    end
    if values.svg then
      local good
      good, why = save(graph, segments, values)
      if not good then
        return nil, why
      end
    else
      list(segments)
    end
  end,
}
