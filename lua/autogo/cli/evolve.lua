--- `autogo evolve`: the main job.
-- @module autogo.cli.evolve

local ag = require "autogo"
local core = require "autogo.core"
local family = require "autogo.families.family"
local formats = require "autogo.output_formats"
local live = require "autogo.report.live"
local model = require "autogo.cli.model"
local policies = require "autogo.policies"
local presets = require "autogo.presets"
local progress = require "autogo.cli.progress"
local resume = require "autogo.cli.resume"
local tables = require "autogo.report.table"

local MISUSED, INTERRUPTED = 2, 130

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
  {
    name = "caution",
    type = "number",
    value = "K",
    help = "with several --weights: scores are mean - K * spread of the predictors",
  },
}

local OPTIONS = {
  { name = "out", type = "string", value = "DIR", default = "evolved", help = "where the results go" },
  {
    name = "write",
    type = "list",
    choices = formats.kinds,
    value = "LIST",
    help = ("what to write of each member: %s; JSON always is [%s]"):format(
      table.concat(formats.kinds, ","), table.concat(formats.usual, ",")),
  },
  {
    name = "objective",
    type = "string",
    value = "NAME|FILE.lua",
    many = true,
    help = "what to reduce; may be repeated [flops]",
  },
  {
    name = "weights",
    type = "string",
    value = "FILE",
    many = true,
    help = "predictor, instead of the bundled one; repeated, an ensemble",
  },
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
  {
    name = "resume",
    type = "string",
    value = "DIR",
    help = "go on with the search in DIR, where it was ended; with --iterations beyond its end",
  },
  { name = "quiet", type = "flag", help = "print nothing but errors" },
  { name = "verbose", type = "flag", help = "a line per iteration on standard error" },
  { name = "json", type = "flag", help = "events as JSON lines on standard output" },
}
table.move(SETTINGS, 1, #SETTINGS, #OPTIONS + 1, OPTIONS)
OPTIONS[#OPTIONS + 1] = model.INPUT
OPTIONS[#OPTIONS + 1] = model.START
OPTIONS[#OPTIONS + 1] = model.STOP
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

-- Warn of costs that were learnt from networks unlike this one.
local function warn_of_guesses(objectives, graph)
  for _, one in ipairs(objectives) do
    local strange = one.predictor and one.predictor:outside(graph) or {}
    if #strange > 0 then
      io.stderr:write(("autogo: warning: %s is a guess for this network: it was not learnt from %s\n")
        :format(one.name, tables.first_few(strange)))
    end
  end
end

-- LOW:HIGH or free as the two bounds; nothing for what is neither.
local function band_of(text)
  local low, high = (text == "free" and "0:1.1" or text):match "^(.+):(.+)$"
  low, high = tonumber(low), tonumber(high)
  if low and high and low >= 0 and low < high and high < math.huge then return low, high end
end

local function check(values)
  if values.band and not band_of(values.band) then
    return ("--band: LOW:HIGH with LOW < HIGH, or free, expected, got '%s'"):format(values.band)
  end
end

local function spread_band(settings)
  if settings.band then settings.flops_min, settings.flops_max = band_of(settings.band) end
  settings.band = nil
end

-- Put what the command line names in the place of what is bundled; true, or nil and a message.
local function load_parts(values, settings)
  local why
  if #values.weights > 0 then
    settings.predictor, why = ag.predictor(#values.weights == 1 and values.weights[1] or values.weights)
  end
  if values.mined and not why then
    settings.tokenizer, why = ag.tokenizer(values.mined .. "/tokenizer.txt")
  end
  if values.mined and not why then
    settings.database, why = ag.database(values.mined .. "/segments.agdb")
  end
  return why == nil, why
end

-- Whether there is more than one predictor to be cautious about; or nil and a message.
local function check_caution(values, settings)
  if not values.caution or settings.predictor and settings.predictor.members > 1 then
    return true
  end
  return nil, "evolve: --caution needs several predictors: give --weights more than once"
end

-- The settings of the search from the command line; or nil, a message and the exit code.
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
  spread_band(settings)
  local good, why
  settings.objectives, why = load_objectives(values.objective)
  if not settings.objectives then
    return nil, why
  end
  good, why = load_parts(values, settings)
  if not good then
    return nil, why
  end
  good, why = check_caution(values, settings)
  if not good then
    return nil, why, MISUSED
  end
  settings.threads = values.threads or core.processors()
  return settings
end

-- Search and write.
local function evolve_and_write(values, graph, settings, display)
  local front, why = ag.evolve(graph, settings)
  display.clear()
  if not front then
    return nil, why
  end
  front.missing, why = require("autogo.output").write(front, values.out, values.write)
  if not front.missing then
    return nil, why
  end
  local last = front.history[#front.history]
  display.finish {
    iterations = #front.history, front = #front, hypervolume = last and last.hypervolume or 0,
  }
  return front
end

-- The search with all that has to happen around it. The folder is made first, so that hours of work
-- cannot end at a wrong name, and goes away again when nothing came of it.
local function evolve_into(values, graph, settings, display)
  local existed = core.exists(values.out)
  local made, why = core.mkdir(values.out)
  if not made then
    return nil, why
  end
  local good, front, message = pcall(evolve_and_write, values, graph, settings, display)
  if good and front then
    return front
  end
  display.clear()
  message = tostring(good and message or front)
  settings.journal:discard()
  if not existed then
    os.remove(values.out) -- fails, as it should, where the journal stayed
  end
  local code = 1
  if core.interrupted() then
    code, message = INTERRUPTED, "interrupted"
  end
  if settings.journal.started and settings.journal.last then
    message = ("%s; autogo evolve --resume %s goes on after iteration %d"):format(message, values.out,
      settings.journal.last)
  end
  return nil, message, code
end

-- Say that there was nothing left to do but to write the results again.
local function say_finished(values, done)
  if not values.quiet and not values.json then
    io.stdout:write(("%s: %s; more with --iterations N\n"):format(values.out,
      done == 1 and "its one iteration was done" or ("all %d iterations were done"):format(done)))
  end
end

-- Say which members have no form in a format that was asked for.
local function say_missing(front)
  for _, line in ipairs(front.missing) do io.stdout:write(line, "\n") end
end

-- Say where to look.
local function say_where(values)
  io.stdout:write(("%s/report.html shows it; the networks lie beside it\n"):format(values.out))
end

-- Say how much of its training the input's best descendant keeps.
local function say_kept(front)
  local best = front[1] and front[1].graph
  if not best or front.input.graph:kept() == 0 then return end
  local kept, new = best:kept()
  io.stdout:write(("weights: rank 0 keeps %d parameters of the input, %d are new\n"):format(kept, new))
end

return {
  name = "evolve",
  about = "Evolve a network: cheaper, and predicted to be better",
  usage = "MODEL [options], or autogo evolve --resume DIR",
  arguments = { model.ARGUMENT },
  required = function(values)
    return values.resume and 0 or 1
  end,
  options = OPTIONS,
  defaults = function()
    return require("autogo.evolve").defaults
  end,
  check = check,
  run = function(values)
    local record, settings, graph, why
    record, why = resume.journal(values, SETTINGS)
    if not record then
      return nil, why
    end
    local code
    settings, why, code = settings_of(values)
    if not settings then
      return code, why
    end
    graph, why = model.load(values)
    if not graph then
      return nil, why
    end
    warn_of_guesses(settings.objectives, graph)
    local iterations = settings.iterations or require("autogo.evolve").defaults.iterations
    local display = progress.new(values, iterations)
    local page = live.new(values.out)
    settings.journal, settings.progress = record, function(row, snapshot)
      display.row(row)
      page(snapshot)
    end
    settings.measuring = display.measuring
    display.begin { model = values[1], out = values.out, iterations = iterations }
    local before = record.finished
    local front
    front, why, code = evolve_into(values, graph, settings, display)
    if not front then
      return code, why
    end
    if before == #front.history then
      say_finished(values, before)
    end
    if not values.quiet and not values.json then
      io.stdout:write(tostring(front), "\n")
      say_kept(front)
      say_where(values)
      say_missing(front)
    end
  end,
}
