--- `autogo convert`: from one format to another.
-- @module autogo.cli.convert

local formats = require "autogo.formats"
local model = require "autogo.cli.model"
local starters = require "autogo.starters"

local WITH_WEIGHTS = { onnx = true, py = true }

-- Options that only one kind of file listens to, and how its name ends.
local OF_KIND = {
  { "to", "%.py$", "Python source, NAME.py" }, { "opset", "%.onnx$", "ONNX, NAME.onnx" },
  { "shapes", "%.svg$", "a drawing, NAME.svg" }, { "train", "%.py$", "a PyTorch module, NAME.py" },
}

local function is_keras(values)
  return values.to == "keras" or values[2]:lower():find "%.keras%.py$" ~= nil
end

local function check(values)
  for _, row in ipairs(OF_KIND) do
    if values[row[1]] and not values[2]:lower():find(row[2]) then
      return ("--%s goes with %s, not '%s'"):format(row[1], row[3], values[2])
    end
  end
  if values.train and is_keras(values) then
    return "--train goes with a PyTorch module, and the source asked for is of Keras"
  end
end

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
  check = check,
  run = function(values)
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
    if not values.no_weights and not is_keras(values) and WITH_WEIGHTS[values[2]:match "%.(%w+)$"] then
      io.stdout:write(("%s: %d parameters kept, %d new\n"):format(values[2], graph:kept()))
    end
  end,
}
