--- Files of graphs: which reader and writer serves which name.
-- @module autogo.formats

local core = require "autogo.core"

local formats = {}

-- extension -> function (path, options) -> graph, report
local READERS = {}
-- extension -> function (graph, path, options) -> true, or nil and a message
local WRITERS = {}

-- Options that the readers of other frameworks' files take.
local function import_options(options)
  return { input = options.input, start = options.start, stop = options.stop }
end

local JSON_READERS = {
  graph = function(path)
    return core.load_graph(path)
  end,
  keras = function(path, options)
    return core.load_keras(path, import_options(options))
  end,
  tensorflow = function(path, options)
    return core.load_tensorflow(path, import_options(options))
  end,
}

-- Our own files begin with their format; of others, what they hold tells. The reader of TensorFlow's says of
-- what is no JSON at all what it looks like.
local function json_kind(path)
  local start = core.read_file(path, 64)
  if not start or start:find('"autogo-cg"', 1, true) then
    return "graph"
  end
  local text = core.read_file(path)
  return text and (core.json_kind(text) or "tensorflow") or "graph"
end

function READERS.json(path, options)
  return JSON_READERS[json_kind(path)](path, options)
end

function READERS.onnx(path, options)
  if options.start or options.stop then
    return nil, path .. ": only TensorFlow files have start and stop nodes"
  end
  return core.load_onnx(path, options.input)
end

function READERS.pb(path, options)
  return core.load_tensorflow(path, import_options(options))
end

function WRITERS.json(graph, path)
  return graph:save_json(path)
end

function WRITERS.onnx(graph, path, options)
  return graph:save_onnx(path, { seed = options.seed, weights = options.weights, opset = options.opset })
end

function WRITERS.dot(graph, path)
  return core.write_file(path, require("autogo.formats.dot")(graph))
end

function WRITERS.svg(graph, path, options)
  local svg, why = require("autogo.report.draw").graph(graph, { shapes = options.shapes })
  if not svg then
    return nil, why
  end
  return core.write_file(path, svg)
end

function WRITERS.py(graph, path, options)
  if options.to == "keras" or path:lower():find "%.keras%.py$" then
    return require("autogo.formats.keras_source").save(graph, path)
  end
  return require("autogo.formats.pytorch").save(graph, path, options)
end

local function extension(path)
  local suffix = path:match "%.([%w_]+)$"
  return suffix and suffix:lower()
end

-- Endings of files that can be written.
local function written_endings()
  local list = { ".keras.py" }
  for suffix in pairs(WRITERS) do
    list[#list + 1] = "." .. suffix
  end
  table.sort(list)
  return table.concat(list, ", ")
end

-- A file without a telling name: JSON starts with a brace, ONNX does not.
local function sniff(path)
  local start, why = core.read_file(path, 64)
  if not start then
    return nil, why
  elseif start == "" then
    return nil, path .. ": the file is empty"
  end
  return start:find "^%s*{" and READERS.json or READERS.onnx
end

--- Read a graph.
-- @tparam string path
-- @tparam[opt] table options `input` = {H, W, C} where the file leaves sizes open; TensorFlow: `start`,
-- `stop` = names of the first and the last node
-- @treturn Graph, and the report of the import; or nil and a message
function formats.load(path, options)
  local reader, why = READERS[extension(path)], nil
  if not reader then
    reader, why = sniff(path)
  end
  if not reader then
    return nil, why
  end
  return reader(path, options or {})
end

--- Write a graph in the format that the path's extension names.
-- @tparam Graph graph
-- @tparam string path
-- @tparam[opt] table options ONNX: `seed` of new weights, `weights` = false for none; SVG: `shapes` = true
-- for shapes in the boxes
-- @treturn true, or nil and a message
function formats.save(graph, path, options)
  local writer = WRITERS[extension(path)]
  if not writer then
    return nil, ("%s: unknown format; the name must end in one of %s"):format(path, written_endings())
  end
  local _ <close> = core.plain_numbers()
  return writer(graph, path, options or {})
end

--- `graph:save(path[, options])`: `formats.save` as a method.
function core.classes.Graph:save(path, options)
  if type(path) ~= "string" then
    error("bad argument #1 to 'save' (string expected, got " .. type(path) .. ")", 2)
  end
  return formats.save(self, path, options)
end

return formats
