--- `autogo convert`: from one format to another.
-- @module autogo.cli.convert

local formats = require "autogo.formats"
local model = require "autogo.cli.model"

return {
  name = "convert",
  about = "Write a model in another format, told by the extension: .json, .onnx, .py, .dot, .svg",
  usage = "MODEL OUT [options]",
  arguments = { model.ARGUMENT, { name = "OUT", help = "the file to write" } },
  options = {
    { name = "seed", type = "integer", default = 0, min = 0, help = "ONNX, PyTorch: seed of new weights" },
    { name = "no-weights", type = "flag", help = "no weights (ONNX: they are inputs)" },
    { name = "shapes", type = "flag", help = "SVG: say in each box what shape comes out" },
    model.INPUT,
    model.START,
    model.STOP,
    model.SKIP,
  },
  run = function(values)
    local graph, why = model.load(values)
    if not graph then
      return nil, why
    end
    local done
    done, why = formats.save(graph, values[2], {
      seed = values.seed, weights = not values.no_weights, shapes = values.shapes,
    })
    if not done then
      return nil, why
    end
  end,
}
