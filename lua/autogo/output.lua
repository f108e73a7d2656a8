--- What a search leaves on disk: front.json, front.svg, history.csv, the input and the members as CG
-- JSON, the members in the formats asked for, the best of them drawn beside the input
-- (rank_00_change.svg), and all of it in one page to look at (report.html).
-- front.json holds nothing that differs between two runs of the same seed.
-- @module autogo.output

local core = require "autogo.core"
local data = require "autogo.report.data"
local draw = require "autogo.report.draw"
local formats = require "autogo.output_formats"
local html = require "autogo.report.html"
local match = require "autogo.match"
local plot = require "autogo.report.plot"
local settings = require "autogo.settings"

local output = {}

local FORMAT_VERSION = 1
-- Rows shown around a change in a drawing of it.
local CONTEXT = 4

local function values_of(member, front)
  local values = {}
  for _, objective in ipairs(front.settings.objectives) do
    values[objective.name] = member[objective.name]
  end
  return values
end

-- Where each node stood in the input, both counted from 0; -1 for what a mutation put in: those get new
-- weights, also where they are equal to what they replaced.
local function origin_of(member)
  local list = {}
  for i = 1, #member.graph do list[i] = (member.origin[i] or 0) - 1 end
  return list
end

-- Parameters that have the input's values, and those that need new ones.
local function weights_of(graph)
  local kept, new = graph:kept()
  return { kept = kept, new = new }
end

-- A list is one even where it is empty.
local function list(texts)
  return texts and setmetatable(texts, core.array)
end

local function member_of(member, rank, front, files)
  local counts = match.difference(front.input.graph, member.graph).counts
  return {
    rank = rank, predicted = member.predicted, score = member.score, spread = member.spread,
    flops = member.graph.flops, params = member.graph.params, nodes = #member.graph,
    objectives = values_of(member, front), generation = member.generation,
    parent = member.parent and member.parent.graph:hash(), hash = member.graph:hash(),
    nodes_removed = counts.removed, nodes_added = counts.added, nodes_reshaped = counts.reshaped,
    changes = member.changes, files = files,
    origin = origin_of(member), outside = list(member.outside),
    weights = weights_of(member.graph),
  }
end

--- front.json as a table.
-- @tparam Front front
-- @tparam {table,...} files per member { json =, onnx =, py =, ... }
function output.document(front, files)
  local input, members = front.input, {}
  for rank, member in ipairs(front) do
    members[rank] = member_of(member, rank - 1, front, files and files[rank] or {})
  end
  local last = front.history[#front.history]
  return {
    format = "autogo-front", version = FORMAT_VERSION, autogo = core.version,
    settings = settings.record(front.settings),
    input = {
      name = input.graph.name, hash = input.graph:hash(), flops = input.graph.flops,
      params = input.graph.params, nodes = #input.graph, predicted = input.score,
      weights = weights_of(input.graph),
      spread = input.spread, outside = list(input.outside),
      objectives = values_of(input, front),
    },
    hypervolume = last and last.hypervolume or 0,
    reference = front.reference,
    members = members,
  }
end

local COLUMNS = {
  { "iteration", "%d" }, { "seconds", "%.3f" }, { "children", "%d" }, { "valid", "%d" },
  { "scored", "%d" }, { "accepted", "%d" }, { "front", "%d" }, { "hypervolume", "%.9g" },
}

local function history_csv(front)
  local names, lines = {}, {}
  for i, column in ipairs(COLUMNS) do names[i] = column[1] end
  lines[1] = table.concat(names, ",")
  for _, row in ipairs(front.history) do
    local cells = {}
    for i, column in ipairs(COLUMNS) do cells[i] = column[2]:format(row[column[1]]) end
    lines[#lines + 1] = table.concat(cells, ",")
  end
  return table.concat(lines, "\n") .. "\n"
end

local function stem_of(rank)
  return ("rank_%02d"):format(rank - 1)
end

-- Members that an earlier search left: those in our place, and those of ranks that this front does not
-- have.
local function remove_members(folder, count)
  for rank = 1, count do formats.remove(folder .. "/" .. stem_of(rank)) end
  repeat
    count = count + 1
  until not formats.remove(folder .. "/" .. stem_of(count))
end

-- Write everything; save(name, writer) does one file and raises where it fails. What some network has
-- no form for goes into `missing`.
local function write_files(front, kinds, missing, save)
  local files, set = {}, {}
  for _, kind in ipairs(kinds) do set[kind] = true end
  for rank, member in ipairs(front) do
    local lost
    files[rank], lost = formats.write(member.graph, stem_of(rank), set, front.settings.seed, save)
    table.move(lost, 1, #lost, #missing + 1, missing)
  end
  save("input.json", function(path) return front.input.graph:save(path) end)
  local function save_text(name, text)
    save(name, function(path) return core.write_file(path, text) end)
  end
  save_text("history.csv", history_csv(front))
  save_text("front.svg", plot.svg(front))
  local best, drawing = front[1], nil
  if best and best ~= front.input then -- nil where there is too much to draw
    local origin = match.difference(front.input.graph, best.graph).origin
    drawing = draw.change(front.input.graph, best.graph, origin, { context = CONTEXT })
  end
  if drawing then
    files[1].change = "rank_00_change.svg"
    save_text(files[1].change, drawing)
  end
  save_text("report.html", html.page(data.of_front(front, { files = files })))
  save_text("front.json", core.json_encode(output.document(front, files)) .. "\n")
end

--- Write everything into a folder, which must exist. An older front.json goes first and the new one
-- comes last: where it is, all files that it names are. When a file cannot be written, or the user
-- interrupts, those written before are removed again.
-- @tparam Front front
-- @tparam string folder
-- @tparam[opt] table kinds what to write of each member beside JSON: `output_formats.kinds`, by default
-- those of `output_formats.usual`
-- @treturn[1] {string,...} what some member has no form for, a line each
-- @treturn[2] nil
-- @treturn[2] string why
function output.write(front, folder, kinds)
  local _ <close> = core.plain_numbers()
  local written, missing = {}, {}
  os.remove(folder .. "/front.json")
  remove_members(folder, #front)
  local good, why = pcall(write_files, front, kinds or formats.usual, missing, function(name, writer)
    local path = folder .. "/" .. name
    written[#written + 1] = path
    local saved, reason = writer(path)
    if not saved then error(reason, 0) end
  end)
  if good then return missing end
  for _, path in ipairs(written) do os.remove(path) end
  return nil, why
end

return output
