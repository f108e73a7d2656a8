--- `autogo evolve`: the main job.
-- @module autogo.cli.evolve

local ag = require "autogo"
local core = require "autogo.core"
local family = require "autogo.families.family"
local model = require "autogo.cli.model"
local policies = require "autogo.policies"
local presets = require "autogo.presets"

-- Settings that go to the search as they are; those not given are the preset's or its own.
local SETTINGS = {
  { name = "seed", type = "integer", min = 0, help = "of all random choices" },
  { name = "iterations", type = "integer", min = 1, max = 10000, help = "rounds of mutation" },
  { name = "parents", type = "integer", min = 1, max = 1000, help = "networks mutated per iteration" },
  { name = "sources", type = "integer", min = 1, max = 1000, help = "segments replaced per parent" },
  { name = "replacements", type = "integer", min = 1, max = 10000, help = "candidates per source" },
  { name = "segments", type = "integer", min = 1, max = 16, help = "contiguous segments in a source" },
  { name = "flops-min", type = "number", min = 0, help = "least FLOPs, relative to the input" },
  { name = "flops-max", type = "number", min = 0, help = "most FLOPs, relative to the input" },
  { name = "band", type = "string", value = "LOW:HIGH", help = "both at once: 0.8:1.1; free is 0:1.1" },
  { name = "operations", type = "flag", help = "replace single nodes instead of segments" },
  { name = "keep", type = "number", min = 0, max = 1, help = "share of the multi-node tokens in use" },
  {
    name = "ops",
    type = "list",
    value = "LIST|SET",
    help = "ops a replacement may have: names, or input (those of the network), input+ (and conv, "
      .. "batchnorm, relu, add, identity), all",
  },
  {
    name = "policy",
    type = "choice",
    choices = policies.names,
    help = "who is mutated, and with what: " .. table.concat(policies.names, ", "),
  },
  { name = "children", type = "integer", min = 1, help = "score exactly so many, over the iterations" },
}

local OPTIONS = {
  { name = "out", type = "string", value = "DIR", default = "evolved", help = "where the results go" },
  {
    name = "objective",
    type = "string",
    value = "NAME|FILE.lua",
    many = true,
    help = "what to reduce; may be repeated [flops]",
  },
  { name = "weights", type = "string", value = "FILE", help = "predictor, instead of the bundled one" },
  {
    name = "mined",
    type = "string",
    value = "DIR",
    help = "what autogo mine left there, instead of the bundled tokenizer and segments",
  },
  {
    name = "preset",
    type = "choice",
    choices = family.keys(presets),
    value = "NAME",
    help = "settings by name: " .. table.concat(family.keys(presets), ", "),
  },
  {
    name = "threads",
    type = "integer",
    min = 1,
    max = 256,
    help = "worker threads [all processors]; results do not depend on them",
  },
  { name = "quiet", type = "flag", help = "print nothing but errors" },
}
table.move(SETTINGS, 1, #SETTINGS, #OPTIONS + 1, OPTIONS)
OPTIONS[#OPTIONS + 1] = model.INPUT
OPTIONS[#OPTIONS + 1] = model.SKIP

local function load_objectives(names)
  local list, seen = {}, {}
  if #names == 0 then
    names = { "flops" }
  end
  for i, name in ipairs(names) do
    local loaded, why = ag.objective.load(name)
    if not loaded then
      return nil, why
    elseif seen[loaded.name] then
      return nil, ("objective '%s' is given twice"):format(loaded.name)
    end
    list[i], seen[loaded.name] = loaded, true
  end
  return list
end

local function report_progress(row)
  io.stderr:write(
    ("iteration %d: %d children, %d valid, %d accepted, front %d, %.1f s\n"):format(
      row.iteration, row.children, row.valid, row.accepted, row.front, row.seconds))
end

-- LOW:HIGH or free into the two bounds; true, or nil and a message.
local function read_band(settings)
  local low, high = (settings.band == "free" and "0:1.1" or settings.band or ""):match "^(.+):(.+)$"
  low, high = tonumber(low), tonumber(high)
  if settings.band and not (low and high and low >= 0 and low < high) then
    return nil, ("--band: LOW:HIGH with LOW < HIGH, or free, expected, got '%s'"):format(settings.band)
  end
  settings.flops_min, settings.flops_max = low or settings.flops_min, high or settings.flops_max
  settings.band = nil
  return true
end

-- Put what the command line names in the place of what is bundled; true, or nil and a message.
local function load_parts(values, settings)
  local why
  if values.weights then
    settings.predictor, why = ag.predictor(values.weights)
  end
  if values.mined and not why then
    settings.tokenizer, why = ag.tokenizer(values.mined .. "/tokenizer.txt")
  end
  if values.mined and not why then
    settings.database, why = ag.database(values.mined .. "/segments.agdb")
  end
  return why == nil, why
end

-- The settings of the search from the command line; or nil and a message.
local function settings_of(values)
  local settings = {}
  for key, value in pairs(presets[values.preset] or {}) do
    settings[key] = value
  end
  for _, option in ipairs(SETTINGS) do
    local key = option.name:gsub("-", "_")
    if values[key] ~= nil then
      settings[key] = values[key]
    end
  end
  local good, why = read_band(settings)
  if not good then
    return nil, why
  end
  settings.objectives, why = load_objectives(values.objective)
  if not settings.objectives then
    return nil, why
  end
  local loaded
  loaded, why = load_parts(values, settings)
  if not loaded then
    return nil, why
  end
  settings.threads = values.threads or core.processors()
  settings.progress = not values.quiet and report_progress or nil
  return settings
end

-- Search and write; the folder is made first, so that hours of work cannot end at a wrong name, and
-- goes away again when nothing came of it.
local function evolve_into(folder, graph, settings)
  local existed = core.exists(folder)
  local made, why = core.mkdir(folder)
  if not made then
    return nil, why
  end
  local good, front, message = pcall(function()
    local front, message = ag.evolve(graph, settings)
    if not front then
      return nil, message
    end
    local written
    written, message = require("autogo.output").write(front, folder)
    return written and front, message
  end)
  if not (good and front) and not existed then
    os.remove(folder)
  end
  if not good then
    error(front, 0)
  end
  return front, message
end

return {
  name = "evolve",
  about = "Evolve a network: cheaper, and predicted to be better",
  usage = "MODEL [options]",
  arguments = { model.ARGUMENT },
  options = OPTIONS,
  defaults = function()
    return require("autogo.evolve").defaults
  end,
  run = function(values)
    local settings, why = settings_of(values)
    if not settings then
      return nil, why
    end
    local graph
    graph, why = model.load(values)
    if not graph then
      return nil, why
    end
    local front
    front, why = evolve_into(values.out, graph, settings)
    if not front then
      return nil, why
    end
    if not values.quiet then
      io.stdout:write(tostring(front), "\n")
    end
  end,
}
