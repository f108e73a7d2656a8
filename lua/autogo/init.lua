--- AutoGO: evolve a convolutional network's computation graph.
--
--    local ag = require "autogo"
--    local model = ag.load "resnet50"
--    local front = ag.evolve(model, { iterations = 3, seed = 1 })
--    print(front)
--    front[1].graph:save "smaller.json"
--
-- Everything of the C core is here too (`ag.builder`, `ag.json_encode`, ...): `autogo.core` lists it.
-- Misuse raises; what the environment does to a program returns nil and a message.
-- @module autogo

local core = require "autogo.core"
local families = require "autogo.families"
local formats = require "autogo.formats"
local objective = require "autogo.objective"
local spelling = require "autogo.spelling"
local zoo = require "autogo.zoo"
require "autogo.predictor"

local _, here = ...
local ASSETS = (here or "lua/autogo/init.lua"):gsub("init%.lua$", "") .. "assets/"

local ag = {
  --- Version of the library.
  version = core.version,
  --- Architecture families: `ag.family.nb201.build(config)`. See `autogo.families`.
  family = families,
  --- Stand-alone networks: `ag.zoo.build(name)`. See `autogo.zoo`.
  zoo = zoo,
  --- Objectives: `ag.objective.per_node {...}`, `per_graph`, `batch`. See `autogo.objective`.
  objective = objective,
  --- A bound on an objective. See `autogo.objective`.
  constraint = objective.constraint,
  --- Accelerators: `ag.device(name, path or table)`. See `autogo.device`.
  device = require "autogo.device",
  --- Deterministic random streams. See `autogo.random`.
  random = require "autogo.random",
}

-- What ag.load returns: no option was passed over, and where nothing was read from a file there is
-- nothing to account for.
local function loaded(model, options, graph, report)
  if not graph then
    return nil, report
  end
  local asked, input = options.input, graph:input()
  if asked and table.concat(asked, "x") ~= table.concat(input, "x") then
    return nil, ("%s: its input is %s, not %s"):format(model, table.concat(input, "x"),
      table.concat(asked, "x"))
  elseif options.skip and graph.family ~= "nb201" then
    return nil, ("%s: only nb201 networks have a skip mode"):format(model)
  elseif (options.start or options.stop) and not report then
    return nil, ("%s: only TensorFlow files have start and stop nodes"):format(model)
  end
  return graph, report or { kept = #graph, merged = {}, folded = {}, opaque = {} }
end

local LOAD_OPTIONS = { input = true, skip = true, start = true, stop = true }

--- A graph by name or from a file.
--
-- MODEL is the name of a zoo network (`resnet50`), a member of a family (`hiaml:z,z,l20,src1`,
-- `nb201:@cell.json`), or a path (.onnx, .pb, .json; other names are told by their content).
-- @tparam string model
-- @tparam[opt] table options `input` = {H, W, C}: size of the input where the model leaves it open;
-- `skip`: see `autogo.families.nb201`; `start`, `stop`: TensorFlow files: the nodes whose results are the
-- input and the output
-- @treturn Graph, and the report of the import { kept = number, merged = lines, folded = lines,
-- opaque = lines }; or nil and a message
function ag.load(model, options)
  if type(model) ~= "string" then
    error("model: a string expected, got " .. type(model), 2)
  end
  if options ~= nil and type(options) ~= "table" then
    error("options: a table expected, got " .. type(options), 2)
  end
  options = options or {}
  local unknown = spelling.unknown(options, LOAD_OPTIONS)
  if unknown then
    error(("options: unknown option '%s'; known: input, skip, start, stop"):format(unknown), 2)
  end
  if zoo.has(model) then
    return loaded(model, options, zoo.build(model, options))
  elseif core.exists(model) then
    return loaded(model, options, formats.load(model, options))
  elseif model:find "^%w[%w_]*:" then
    return loaded(model, options, families.load(model, options))
  elseif model:find "[/.]" then
    return loaded(model, options, formats.load(model, options)) -- for its message
  end
  return nil, ("%s: no such file, nor a network of the zoo (%s), nor FAMILY:CONFIG (%s)%s"):format(
    model, table.concat(zoo.names, " "), table.concat(families.names, " "),
    spelling.suggest(model, zoo.names))
end

--- Write a graph in the format that the path's extension names. See `autogo.formats`.
ag.save = formats.save

-- A class of the core as a value: call it for the bundled object, index it for its functions.
local function with_asset(file, load, functions)
  return setmetatable(functions, {
    __call = function(_, path)
      return load(path or ASSETS .. file)
    end,
  })
end

--- The bundled tokenizer, or the one in a file: `ag.tokenizer([path])`;
-- `ag.tokenizer.train(graphs, options)` makes a new one.
ag.tokenizer = with_asset("tokenizer.txt", function(path)
  return core.load_tokenizer(path)
end, { train = core.train_tokenizer })

--- The bundled segment database, or the one in a file: `ag.database([path])`;
-- `ag.database.mine(graphs, tokenizer)` makes a new one.
ag.database = with_asset("segments.agdb", function(path)
  return core.load_database(path)
end, { mine = core.mine })

-- Several files as one predictor, cautious or not.
local function load_ensemble(paths)
  local members = {}
  for i, path in ipairs(paths) do
    local member, why = core.load_predictor(path)
    if not member then
      return nil, why
    end
    members[i] = member
  end
  local ensemble, why = core.join_predictors(members)
  if ensemble then
    ensemble:caution(paths.caution or 0)
  end
  return ensemble, why
end

--- The bundled predictor (PSC), or the one in a file: `ag.predictor([path])`; `ag.predictor.gnn()` is
-- the bundled one of whole graphs. A list of up to 8 paths is an
-- ensemble, `ag.predictor { path, path, ..., caution = k }`: its numbers are mean - k * spread over
-- the members, `predictor:spread(graph, tokenizer)` gives both, `predictor:save(path)` makes it one file.
ag.predictor = with_asset("predictor.safetensors", function(path)
  if type(path) == "table" then
    return load_ensemble(path)
  end
  return core.load_predictor(path)
end, {
  gnn = function()
    return core.load_predictor(ASSETS .. "predictor_gnn.safetensors")
  end,
})

--- Train a predictor.
-- @tparam table options `data` = CSV file of measured architectures and `family` = its family, or
-- `tables` = list of { path, family, column }; `column`, `tokenizer` (default: the bundled one),
-- `progress`, and the options of `autogo.train`: `model`, `preset`, `epochs`, `batch`, ...
-- @treturn Predictor, and a list of { family, training, test, srcc }; or nil and a message
function ag.train(options)
  if type(options) ~= "table" then
    error("options: a table expected, got " .. type(options), 2)
  end
  local filled, why = {}, nil
  for key, value in pairs(options) do
    filled[key] = value
  end
  filled.tables = filled.tables or { { path = options.data, family = options.family } }
  if not filled.tokenizer then
    filled.tokenizer, why = ag.tokenizer()
  end
  if not filled.tokenizer then
    return nil, why
  end
  return require("autogo.train").train(filled)
end

--- A search space, for policies of one's own. See `autogo.space`.
function ag.space(options)
  return require("autogo.space").new(options)
end

--- A Pareto archive: `ag.pareto { "predicted:max", "flops:min" }`. See `autogo.pareto`.
function ag.pareto(objectives)
  return require "autogo.pareto"(objectives)
end

--- Evolve a network. See `autogo.evolve`.
-- @tparam Graph|string model
-- @tparam[opt] table options
-- @treturn the front, or nil and a message
function ag.evolve(model, options)
  local graph = model
  if type(model) == "string" then
    local found, why = ag.load(model)
    if not found then
      return nil, why
    end
    graph = found
  elseif getmetatable(graph) ~= "autogo.Graph" then
    error("model: a graph or the name of one expected, got " .. type(graph), 2)
  end
  if options ~= nil and type(options) ~= "table" then
    error("options: a table expected, got " .. type(options), 2)
  end
  return require("autogo.evolve").evolve(graph, options)
end

return setmetatable(ag, { __index = core })
