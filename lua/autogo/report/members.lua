--- The members of a front in a report: the table of all, and a part for each.
-- @module autogo.report.members

local boxes = require "autogo.report.boxes"
local markup = require "autogo.report.markup"
local match = require "autogo.match"
local portrait = require "autogo.report.portrait"
local sketch = require "autogo.report.sketch"
local words = require "autogo.report.words"
local fill = markup.fill

local members = {}

-- Bytes of drawings in a page: of a large front that changed beyond recognition the last are left out.
local ROOM = 4e6

local function integer(value)
  return ("%d"):format(value)
end

local function shown_value(k, value, measure)
  return k == 1 and words.score(value) or words.amount(value, measure.unit)
end

local function shown_change(k, value, reference)
  if not (value and reference) then
    return ""
  end
  return k == 1 and words.difference(value - reference) or words.change(value, reference)
end

-- Whether a change is one for the better, as a class.
local function judged(measure, value, reference)
  if not (value and reference) or value == reference then
    return ""
  end
  return ((value > reference) == (measure.sense == "max")) and "better" or "worse"
end

-- --- the table ------------------------------------------------------------------------------------

-- What the table says beside the measures: { name, value of a member, value -> text }. Parameters may be
-- a measure themselves.
local FURTHER = {
  { "parameters", function(one) return one.params end, words.amount },
  { "nodes", function(one) return one.nodes end, integer },
  { "iteration", function(one) return one.generation end, integer },
  { "mutations", function(one) return #one.changes end, integer },
}

local function further(report)
  local first = 1
  for _, measure in ipairs(report.measures) do
    first = measure.key == "params" and 2 or first
  end
  return table.move(FURTHER, first, #FURTHER, 1, {})
end

local function head_row(report)
  local cells = { fill '<th scope="col" class="num" aria-sort="ascending">rank</th>' }
  for k, measure in ipairs(report.measures) do
    cells[#cells + 1] = fill('<th scope="col" class="num">%s</th><th scope="col" class="num">change</th>',
      measure.name)
    if k == 1 and report.input.spread then
      cells[#cells + 1] = fill '<th scope="col" class="num" title="of the predictors\' scores">spread</th>'
    end
  end
  for _, column in ipairs(further(report)) do
    cells[#cells + 1] = fill('<th scope="col" class="num">%s</th>', column[1])
  end
  cells[#cells + 1] = fill '<th scope="col" data-plain>files</th>'
  return fill("<thead><tr>%s</tr></thead>", markup.join(cells))
end

local function number_cell(shown, value, class)
  return fill('<td class="num%s" data-v="%s">%s</td>', class and class ~= "" and " " .. class or "",
    value and ("%.17g"):format(value) or "", shown)
end

local function links(files)
  local names, list = {}, {}
  for kind, name in pairs(files) do
    if type(name) == "string" and type(kind) == "string" then
      names[#names + 1] = kind
    end
  end
  table.sort(names)
  for i, kind in ipairs(names) do
    list[i] = fill('<a href="%s">%s</a>', markup.address("./" .. files[kind]), kind)
  end
  return markup.join(list, " ")
end

local function cells_of(report, one)
  local cells = {}
  for k, measure in ipairs(report.measures) do
    local value, reference = one.values[measure.key], report.input.values[measure.key]
    cells[#cells + 1] = number_cell(value and shown_value(k, value, measure) or "not measured", value)
    local change = value and reference
      and (k == 1 and value - reference or reference ~= 0 and value / reference)
    cells[#cells + 1] = number_cell(shown_change(k, value, reference), change or nil,
      judged(measure, value, reference))
    if k == 1 and report.input.spread then
      cells[#cells + 1] = number_cell(one.spread and ("%.4f"):format(one.spread), one.spread)
    end
  end
  for _, column in ipairs(further(report)) do
    local value = column[2](one)
    cells[#cells + 1] = number_cell(column[3](value), value)
  end
  cells[#cells + 1] = fill("<td>%s</td>", links(one.files))
  return markup.join(cells)
end

-- The values by number of measure, where the script finds them.
local function values_attributes(report, one)
  local list = {}
  for k, measure in ipairs(report.measures) do
    local value = one.values[measure.key]
    list[k] = value and ("%.17g"):format(value) or ""
  end
  return table.concat(list, " ")
end

--- The table of the front, the input below it.
function members.table(report, section)
  local rows = {}
  for i, one in ipairs(report.members) do
    local rank = integer(one.rank)
    rows[i] = fill('<tr data-rank="%s" data-values="%s"><th scope="row" class="num" data-v="%s">'
      .. '<a href="#rank-%s">%s</a></th>%s</tr>', rank, values_attributes(report, one), rank, rank, rank,
      cells_of(report, one))
  end
  return section("members", "Networks", fill('<div class="scroll" tabindex="0" role="region" '
    .. 'aria-label="table of networks"><table id="table" class="sortable">%s<tbody>%s</tbody><tfoot><tr>'
    .. '<th scope="row" class="num">input</th>%s</tr></tfoot></table></div>', head_row(report),
    markup.join(rows), cells_of(report, report.input)))
end

-- --- one by one -----------------------------------------------------------------------------------

local function summary(report, one)
  local parts = {}
  for k, measure in ipairs(report.measures) do
    local value, reference = one.values[measure.key], report.input.values[measure.key]
    if value then
      parts[#parts + 1] = fill('<span class="fact"><b>%s</b> %s <i class="%s">%s</i></span>',
        shown_value(k, value, measure), measure.name, judged(measure, value, reference),
        shown_change(k, value, reference))
    end
  end
  return fill('<summary><span class="rank">rank %s</span>%s</summary>', integer(one.rank), markup.join(parts))
end

local function lineage(report, one, ranks)
  if #one.changes == 0 then
    return fill '<p class="note">This is the input itself.</p>'
  end
  local items = {}
  for i, change in ipairs(one.changes) do
    items[i] = fill("<li>%s</li>", words.mutation(change))
  end
  local parent = ranks[one.parent]
  local from = one.parent == report.input.hash and "the input"
    or parent and fill('<a href="#rank-%s">rank %s</a>', integer(parent), integer(parent)) or nil
  return fill("<h4>Lineage</h4><ol>%s</ol>%s", markup.join(items),
    from and fill('<p class="note">The last of these changed %s.</p>', from) or "")
end

-- What of a network the predictor was not trained on.
local function doubts(one)
  local list = {}
  for i, outside in ipairs(one.outside or {}) do
    list[i] = tostring(outside)
  end
  if #list == 0 then
    return ""
  end
  return fill('<p class="note">The predictor was not trained on: %s.</p>', table.concat(list, ", "))
end

-- Where there is no room for a drawing, how to get it.
local function elsewhere(one)
  local file = one.files.json
  return fill('<p class="note">Not drawn here, or the page would become too large%s</p>', file
    and fill(': <code>autogo diff input.json %s --out %s</code> in this folder draws it.', file,
      (file:gsub("%.json$", "") .. ".html")) or ".")
end

-- The drawings of a member, from `memory` where they were made before; `left` is the room for them.
-- Returns the room then left, too, and which boxes are shown.
local function difference(report, one, memory, left)
  if #one.changes == 0 then
    return "", left
  elseif not (report.input.graph and one.graph) then
    return fill('<p class="note">Not drawn: the graphs of the input and of this network are not both in the '
      .. "folder.</p>"), left
  elseif left <= 0 then
    return elsewhere(one), left
  end
  local key = one.source or one
  if not memory[key] then
    local input = report.input.graph
    local drawn, used = portrait.difference(input, one.graph, match.difference(input, one.graph).origin,
      memory.shared)
    memory[key] = { drawn = drawn, used = used }
  end
  local made = memory[key]
  left = left - #made.drawn.html
  if left < 0 then
    return elsewhere(one), left
  end
  return fill("<h4>What changed</h4>%s", made.drawn), left, made.used
end

--- A part for each member that opens: lineage, drawings, costs.
-- @tparam table report
-- @tparam function section
-- @tparam table memory drawings made before, by member
function members.list(report, section, memory)
  local ranks, parts = {}, {}
  for _, one in ipairs(report.members) do
    ranks[one.hash or false] = one.rank
  end
  memory.shared = sketch.memory(memory.shared)
  local left, used = ROOM, {}
  for i, one in ipairs(report.members) do
    local drawn, shown
    drawn, left, shown = difference(report, one, memory, left)
    for box in pairs(shown or {}) do
      used[box] = true
    end
    parts[i] = fill('<details class="member" data-rank="%s">%s<div class="body" id="rank-%s" tabindex="-1">'
      .. "%s%s%s</div></details>\n", integer(one.rank), summary(report, one), integer(one.rank),
      lineage(report, one, ranks), doubts(one), drawn)
  end
  return section("diffs", "Network by network", boxes.page(used), markup.join(parts))
end

return members
