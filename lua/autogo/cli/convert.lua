--- `autogo convert`: from one format to another.
-- @module autogo.cli.convert

local formats = require "autogo.formats"
local model = require "autogo.cli.model"
local starters = require "autogo.starters"

local WITH_WEIGHTS = { onnx = true, py = true }

return {
  name = "convert",
  about = "Write a model in another format, told by the extension: .json, .onnx, .py, .keras.py, .dot, .svg",
  usage = "MODEL OUT [options]",
  arguments = { model.ARGUMENT, { name = "OUT", help = "the file to write" } },
  options = {
    { name = "seed", type = "integer", default = 0, min = 0, help = "ONNX, PyTorch: seed of new weights" },
    { name = "no-weights", type = "flag", help = "no weights (ONNX: they are inputs)" },
    { name = "opset", type = "integer", min = 7, max = 22, help = "ONNX: operator set, 7 to 22" },
    { name = "shapes", type = "flag", help = "SVG: say in each box what shape comes out" },
    {
      name = "to",
      type = "choice",
      choices = { "pytorch", "keras" },
      help = "of a .py file; a .keras.py is Keras",
    },
    {
      name = "train",
      type = "choice",
      choices = starters.names,
      help = "PyTorch: also a script that trains the module: " .. table.concat(starters.names, ", "),
    },
    model.INPUT,
    model.START,
    model.STOP,
    model.SKIP,
  },
  run = function(values)
    if values.train and not values[2]:find "%.py$" then
      return nil, ("%s: --train goes with a PyTorch module, NAME.py"):format(values[2])
    end
    local graph, why = model.load(values)
    if not graph then
      return nil, why
    end
    local done
    done, why = formats.save(graph, values[2], {
      seed = values.seed, weights = not values.no_weights, shapes = values.shapes, to = values.to,
      opset = values.opset,
    })
    if not done then
      return nil, why
    end
    if values.train then
      local script
      script, why = starters.write(values.train, values[2])
      if not script then return nil, why end
      io.stdout:write(("%s: trains it; python3 %s --help\n"):format(script, script))
    end
    local is_keras = values.to == "keras" or values[2]:find "%.keras%.py$"
    if not values.no_weights and not is_keras and WITH_WEIGHTS[values[2]:match "%.(%w+)$"] then
      io.stdout:write(("%s: %d parameters kept, %d new\n"):format(values[2], graph:kept()))
    end
  end,
}
