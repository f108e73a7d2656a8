--- What the verbs that take a MODEL share.
-- @module autogo.cli.model

local ag = require "autogo"

local model = {}

--- The positional argument.
model.ARGUMENT = {
  name = "MODEL", help = "a file (.onnx, .pb, .json of Keras too), a network of the zoo or FAMILY:CONFIG",
}

--- The options that say how to read it.
model.INPUT = {
  name = "input",
  type = "shape",
  help = "input size where the model leaves it open",
}
model.START = {
  name = "start",
  type = "string",
  value = "NODE",
  help = "TensorFlow: the node whose result is the input",
}
model.STOP = {
  name = "stop",
  type = "string",
  value = "NODE",
  help = "TensorFlow: the node whose result is the output",
}
model.SKIP = {
  name = "skip",
  type = "choice",
  choices = { "exact", "direct", "identity" },
  value = "MODE",
  help = "nb201: what skip_connect becomes: exact, direct or identity",
}

--- Read the model that the values of the command line name.
-- @treturn Graph and report, or nil and a message
function model.load(values)
  return ag.load(values[1],
    { input = values.input, skip = values.skip, start = values.start, stop = values.stop })
end

return model
