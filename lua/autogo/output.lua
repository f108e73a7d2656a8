--- What a search leaves on disk: front.json, front.svg, history.csv, the members as CG JSON and ONNX,
-- and the best of them drawn beside the input (rank_00_change.svg).
-- front.json holds nothing that differs between two runs of the same seed.
-- @module autogo.output

local core = require "autogo.core"
local draw = require "autogo.report.draw"
local layout = require "autogo.report.table"
local plot = require "autogo.report.plot"

local M = {}

local FORMAT_VERSION = 1
-- Rows shown around a change in a drawing of it.
local CONTEXT = 4

-- What decided the result: threads and output paths did not.
local SETTINGS = {
  "iterations", "parents", "sources", "replacements", "segments", "keep", "operations",
  "finalists", "flops_min", "flops_max", "children", "seed",
}

local function values_of(member, front)
  local values = {}
  for _, objective in ipairs(front.settings.objectives) do
    values[objective.name] = member[objective.name]
  end
  return values
end

local function settings_of(front)
  local settings = {}
  for _, name in ipairs(SETTINGS) do settings[name] = front.settings[name] end
  settings.policy = type(front.settings.policy) == "string" and front.settings.policy or "custom"
  settings.objectives = {}
  for i, objective in ipairs(front.settings.objectives) do
    settings.objectives[i] = { name = objective.name, unit = objective.unit, sense = objective.sense }
  end
  settings.ops = {}
  for op, permitted in pairs(front.settings.ops or { all = true }) do
    if permitted then settings.ops[#settings.ops + 1] = op end
  end
  table.sort(settings.ops)
  return settings
end

local function member_of(member, rank, front, files)
  local removed, added = layout.nodes_changed(member, front.input)
  return {
    rank = rank, predicted = member.predicted, score = member.score,
    flops = member.flops, params = member.graph.params, nodes = #member.graph,
    objectives = values_of(member, front), generation = member.generation,
    parent = member.parent and member.parent.graph:hash(), hash = member.graph:hash(),
    nodes_removed = removed, nodes_added = added, changes = member.changes, files = files,
  }
end

--- front.json as a table.
-- @tparam Front front
-- @tparam {table,...} files per member { onnx =, json = }
function M.document(front, files)
  local input, members = front.input, {}
  for rank, member in ipairs(front) do
    members[rank] = member_of(member, rank - 1, front, files and files[rank] or {})
  end
  local last = front.history[#front.history]
  return {
    format = "autogo-front", version = FORMAT_VERSION, autogo = core.version,
    settings = settings_of(front),
    input = {
      name = input.graph.name, hash = input.graph:hash(), flops = input.flops,
      params = input.graph.params, nodes = #input.graph, predicted = input.score,
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

--- Write everything into a folder, which must exist. When a file cannot be written, those
-- written before are removed again.
-- @tparam Front front
-- @tparam string folder
-- @tparam[opt] boolean light without the ONNX files, which hold as many weights as the networks have
-- @treturn[1] true
-- @treturn[2] nil
-- @treturn[2] string why
function M.write(front, folder, light)
  local written, files = {}, {}
  local function save(name, writer)
    local path = folder .. "/" .. name
    local ok, why = writer(path)
    if ok then
      written[#written + 1] = path
      return true
    end
    for _, earlier in ipairs(written) do os.remove(earlier) end
    return nil, why
  end
  for rank, member in ipairs(front) do
    local stem = ("rank_%02d"):format(rank - 1)
    files[rank] = { json = stem .. ".json" }
    local ok, why = save(files[rank].json, function(path) return member.graph:save(path) end)
    if not ok then return nil, why end
    if not light then
      files[rank].onnx = stem .. ".onnx"
      ok, why = save(files[rank].onnx, function(path)
        return member.graph:save_onnx(path, { seed = front.settings.seed })
      end)
      if not ok then return nil, why end
    end
  end
  local ok, why = save("history.csv", function(path)
    return core.write_file(path, history_csv(front))
  end)
  if not ok then return nil, why end
  ok, why = save("front.svg", function(path) return core.write_file(path, plot.svg(front)) end)
  if not ok then return nil, why end
  local best, drawing = front[1], nil
  if best and best ~= front.input then -- nil where there is too much to draw
    drawing = draw.change(front.input.graph, best.graph, best.origin, { context = CONTEXT })
  end
  if drawing then
    files[1].change = "rank_00_change.svg"
    ok, why = save(files[1].change, function(path) return core.write_file(path, drawing) end)
    if not ok then return nil, why end
  end
  return save("front.json", function(path)
    return core.write_file(path, core.json_encode(M.document(front, files)) .. "\n")
  end)
end

return M
