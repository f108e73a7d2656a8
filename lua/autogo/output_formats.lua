--- Files of one network of a front, one function per kind of file.
-- @module autogo.output_formats

local core = require "autogo.core"
local draw = require "autogo.report.draw"
local dot = require "autogo.formats.dot"
local keras = require "autogo.formats.keras_source"
local pytorch = require "autogo.formats.pytorch"

local formats = {}

--- The kinds, in the order in which they are written. JSON, which the report and `autogo report` read,
-- is always among them.
formats.kinds = { "json", "onnx", "pytorch", "keras", "svg", "dot" }

--- Those written where nothing else is asked for.
formats.usual = { "onnx", "pytorch" }

-- All endings that files of a network may have.
local SUFFIXES = { ".json", ".onnx", ".py", ".safetensors", ".keras.py", ".svg", ".dot" }

-- kind -> function (graph, add, seed), which calls add(ending, writer) per file; nil and why, if the
-- network has no such form.
local WRITERS = {}

function WRITERS.json(graph, add)
  add(".json", function(path) return graph:save(path) end)
  return true
end

function WRITERS.onnx(graph, add, seed)
  add(".onnx", function(path) return graph:save_onnx(path, { seed = seed }) end)
  return true
end

local function add_text(add, suffix, text, why)
  if not text then return nil, why end
  add(suffix, function(path) return core.write_file(path, text) end)
  return true
end

-- With weights where the network keeps some.
function WRITERS.pytorch(graph, add, seed)
  local text, names, constants = pytorch.source(graph)
  if not text then return nil, names end
  add_text(add, ".py", text)
  if graph:kept() > 0 or #constants > 0 then
    add(".safetensors", function(path) return graph:save_weights(path, names, constants, seed) end)
  end
  return true
end

function WRITERS.keras(graph, add)
  return add_text(add, ".keras.py", keras.source(graph))
end

function WRITERS.svg(graph, add)
  return add_text(add, ".svg", draw.graph(graph, { shapes = true }))
end

function WRITERS.dot(graph, add)
  return add_text(add, ".dot", dot(graph))
end

--- Write a network. Errors of `save` pass through.
-- @tparam Graph graph
-- @tparam string stem the files' common name
-- @tparam table kinds set of kinds: kind -> true
-- @tparam integer seed of weights that are new
-- @tparam function save (name, writer), with writer(path) -> true, or nil and a message
-- @treturn table the files' names, by their ending without its dot (keras for .keras.py)
-- @treturn {string,...} what could not be written and why, a line each
function formats.write(graph, stem, kinds, seed, save)
  local files, missing = {}, {}
  local function add(suffix, writer)
    files[suffix == ".keras.py" and "keras" or suffix:sub(2)] = stem .. suffix
    save(stem .. suffix, writer)
  end
  for _, kind in ipairs(formats.kinds) do
    if kind == "json" or kinds[kind] then
      local written, why = WRITERS[kind](graph, add, seed)
      if not written then missing[#missing + 1] = ("%s: not as %s: %s"):format(stem, kind, why) end
    end
  end
  return files, missing
end

--- Remove what an earlier search wrote under that name.
-- @tparam string stem path
-- @treturn boolean whether there was anything
function formats.remove(stem)
  local found = false
  for _, suffix in ipairs(SUFFIXES) do
    found = os.remove(stem .. suffix) or found
  end
  return found and true or false
end

return formats
