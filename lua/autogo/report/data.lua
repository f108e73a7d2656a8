--- What a report is about, from a search in memory or from the folder that it left.
--
-- A table { name, version, command, settings, objectives, measures, input, members, scored, history,
-- hypervolume }. A *measure* is what the front is over, the predicted score first: { key, name, sense,
-- unit }. The input and the members are { rank, values = number per measure key, flops, params,
-- nodes, generation, changes, hash, parent, files, graph, spread, outside }; `scored` is
-- { generation, values } of every network that was scored and taken in; graph is nil where it is not
-- known.
-- @module autogo.report.data

local commands = require "autogo.command"
local core = require "autogo.core"
local family = require "autogo.families.family"
local json_file = require "autogo.json_file"
local shown = require("autogo.spelling").shown

local data = {}

-- Beyond it a figure is no measurement, and sums of it may not be finite.
local LARGEST = 1e30

local function measured(value)
  return type(value) == "number" and math.abs(value) < LARGEST and value or nil
end

-- Objectives whose names are not words.
local NAMES = { flops = "FLOPs", params = "parameters" }

local function measures_of(objectives)
  local list = { { key = "score", name = "predicted score", sense = "max", unit = "" } }
  for _, objective in ipairs(objectives) do
    list[#list + 1] = {
      key = objective.name, name = NAMES[objective.name] or (objective.name:gsub("_", " ")),
      sense = objective.sense or "min", unit = objective.unit or "",
    }
  end
  return list
end

-- --- from memory ----------------------------------------------------------------------------------

-- What an ensemble and a predictor that knows its training say of a network beside its score.
local function doubts_of(one)
  return measured(one.spread), type(one.outside) == "table" and one.outside or nil
end

local function values_of(one, measures)
  local values = {}
  for _, measure in ipairs(measures) do
    values[measure.key] = one[measure.key]
  end
  return values
end

local function entry_of(one, rank, measures, files)
  local spread, outside = doubts_of(one)
  return {
    spread = spread, outside = outside,
    rank = rank, values = values_of(one, measures), flops = one.graph.flops, params = one.graph.params,
    nodes = #one.graph, generation = one.generation, changes = one.changes, hash = one.graph:hash(),
    parent = one.parent and one.parent.graph:hash(), files = files or {}, graph = one.graph,
    source = one,
  }
end

-- The history as history.csv keeps it, so that both ways give one page.
local function rounded(history)
  local rows = {}
  for i, row in ipairs(history) do
    rows[i] = {}
    for name, value in pairs(row) do
      rows[i][name] = value
    end
    rows[i].seconds = tonumber(("%.3f"):format(row.seconds))
    rows[i].hypervolume = tonumber(("%.9g"):format(row.hypervolume))
  end
  return rows
end

--- From the front of a search, ended or not.
-- @tparam Front front
-- @tparam[opt] table options `files`: per member, as in front.json
function data.of_front(front, options)
  options = options or {}
  local record = require("autogo.settings").record(front.settings)
  local measures, members, scored = measures_of(record.objectives), {}, {}
  for rank, one in ipairs(front) do
    members[rank] = entry_of(one, rank - 1, measures, options.files and options.files[rank])
  end
  for _, one in ipairs(front.archive.members) do
    if one.parent then
      scored[#scored + 1] = { generation = one.generation, values = values_of(one, measures) }
    end
  end
  local last, journal = front.history[#front.history], front.settings.journal
  local command = journal and (journal.command or journal.head and journal.head.command)
  return {
    name = front.input.graph.name, version = core.version, settings = record,
    command = commands.is_one(command) and command or nil,
    measures = measures, input = entry_of(front.input, nil, measures), members = members,
    scored = scored, history = rounded(front.history), hypervolume = last and last.hypervolume or 0,
  }
end

-- --- from a folder --------------------------------------------------------------------------------

-- The first field, by name, that a table read from a file lacks; nil where it has all of the types asked.
local function lacks(document, fields)
  if type(document) ~= "table" then
    return "everything"
  end
  for _, name in ipairs(family.keys(fields)) do
    local value, kind = document[name], fields[name]
    local good = type(value) == kind
    if kind == "integer" then
      good = measured(value) and math.tointeger(value) ~= nil
    elseif kind == "number" then
      good = measured(value) ~= nil
    end
    if not good then
      return name
    end
  end
end

local FRONT = { format = "string", settings = "table", input = "table", members = "table" }
local SIZES = { flops = "number", params = "number", nodes = "integer", objectives = "table" }
local MEMBER = { rank = "integer", score = "number", generation = "integer", changes = "table" }
local INPUT = { predicted = "number", name = "string" }
local CHANGE = {
  generation = "integer", first = "integer", last = "integer", removed = "table", added = "table",
}

local function check_member(member)
  local missing = lacks(member, MEMBER) or lacks(member, SIZES)
  for _, change in ipairs(not missing and member.changes or {}) do
    missing = missing or lacks(change, CHANGE)
  end
  return missing
end

local function check_front(path, document)
  if lacks(document, FRONT) or document.format ~= "autogo-front" then
    return nil, path .. ": not a front of autogo evolve"
  elseif document.version ~= 1 then
    return nil, ("%s: version %s of the format is not known; this program reads version 1"):format(path,
      shown(document.version))
  end
  local missing = lacks(document.input, INPUT) or lacks(document.input, SIZES)
  if missing then
    return nil, ("%s: input lacks '%s'"):format(path, missing)
  end
  missing = lacks(document.settings, { objectives = "table", seed = "integer" })
  if missing then
    return nil, ("%s: settings lack '%s'"):format(path, missing)
  end
  for i, objective in ipairs(document.settings.objectives) do
    if lacks(objective, { name = "string" }) then
      return nil, ("%s: objective %d has no name"):format(path, i)
    elseif objective.unit ~= nil and lacks(objective, { unit = "string" }) then
      return nil, ("%s: objective %d: unit: a text expected"):format(path, i)
    end
  end
  for i, member in ipairs(document.members) do
    missing = check_member(member)
    if missing then
      return nil, ("%s: member %d lacks '%s'"):format(path, i, missing)
    end
  end
  return true
end

-- Rows of history.csv by the names in its first line; empty where there is no such file.
local function read_history(path)
  local names, rows = nil, {}
  for line in (core.read_file(path) or ""):gmatch "[^\r\n]+" do
    local cells = {}
    for cell in (line .. ","):gmatch "(.-)," do
      cells[#cells + 1] = cell
    end
    if names then
      local row = {}
      for i, name in ipairs(names) do
        row[name] = measured(tonumber(cells[i])) or 0
      end
      rows[#rows + 1] = row
    end
    names = names or cells
  end
  return rows
end

-- What the journal knows and front.json does not: the command, and every network taken in.
local function read_journal(path)
  local scored, command = {}, nil
  for line in (core.read_file(path) or ""):gmatch "[^\n]+" do
    local event = core.json_decode(line)
    if type(event) == "table" and event.event == "start" then
      command = event.command
    elseif type(event) == "table" and event.event == "iteration" and type(event.members) == "table" then
      for _, one in ipairs(event.members) do
        one = type(one) == "table" and one or {}
        local values = {}
        for key, value in pairs(type(one.objectives) == "table" and one.objectives or {}) do
          values[key] = measured(value)
        end
        values.score = measured(one.score)
        scored[#scored + 1] = { generation = math.tointeger(one.generation) or 0, values = values }
      end
    end
  end
  return scored, commands.is_one(command) and command or nil
end

local function with_score(objectives, score)
  local values = { score = score }
  for key, value in pairs(objectives) do
    values[key] = measured(value)
  end
  return values
end

-- The graph of a file, where it is there and is what was written.
local function graph_of(folder, name, nodes)
  if type(name) ~= "string" or name:find "/" then
    return nil
  end
  local graph = core.load_graph(folder .. "/" .. name)
  return graph and #graph == nodes and graph or nil
end

local function read_members(folder, document)
  local members = {}
  for i, one in ipairs(document.members) do
    local files = type(one.files) == "table" and one.files or {}
    local graph = graph_of(folder, files.json, one.nodes)
    local spread, outside = doubts_of(one)
    members[i] = {
      spread = spread, outside = outside,
      rank = one.rank, values = with_score(one.objectives, one.score), flops = one.flops,
      params = one.params, nodes = one.nodes, generation = one.generation, changes = one.changes,
      hash = one.hash, parent = one.parent, files = files, graph = graph,
    }
  end
  return members
end

--- From the folder of a search: front.json, history.csv, the members' JSON; the command and the networks
-- that were beaten from journal.jsonl, where it is.
-- @tparam string folder
-- @treturn table; or nil and a message
function data.of_folder(folder)
  local path = folder .. "/front.json"
  local document, why = json_file.read(path, "a front")
  if not document then
    return nil, why
  end
  local good
  good, why = check_front(path, document)
  if not good then
    return nil, why
  end
  local input, measures = document.input, measures_of(document.settings.objectives)
  local graph = graph_of(folder, "input.json", input.nodes)
  local scored, command = read_journal(folder .. "/journal.jsonl")
  local spread, outside = doubts_of(input)
  return {
    name = input.name, version = shown(document.autogo),
    command = command, settings = document.settings, measures = measures,
    input = {
      spread = spread, outside = outside,
      values = with_score(input.objectives, input.predicted), flops = input.flops, params = input.params,
      nodes = input.nodes, generation = 0, changes = {}, hash = input.hash, files = {}, graph = graph,
    },
    members = read_members(folder, document), scored = scored,
    history = read_history(folder .. "/history.csv"), hypervolume = measured(document.hypervolume) or 0,
  }
end

return data
