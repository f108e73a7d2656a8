--- Plain-text tables.
-- @module autogo.report.table

local match = require "autogo.match"

local tables = {}

local UNITS = { { 1e18, "E" }, { 1e15, "P" }, { 1e12, "T" }, { 1e9, "G" }, { 1e6, "M" }, { 1e3, "k" } }

-- Four significant figures, zeros too: numbers below each other are read by their length.
local function four_figures(value)
  return (("%#.4g"):format(value):gsub("%.$", ""))
end

--- A number with a prefix of thousands: 6306482512 -> "6.306 G", 6390000000 -> "6.390 G", 12 -> "12 ".
function tables.short(value)
  for _, unit in ipairs(UNITS) do
    if math.abs(value) >= unit[1] then return four_figures(value / unit[1]) .. " " .. unit[2] end
  end
  return (value == math.floor(value) and ("%.0f"):format(value) or four_figures(value)) .. " "
end

--- Relative change in percent: "-12.3 %".
function tables.change(value, reference)
  if reference == 0 then return "" end
  return ("%+.1f %%"):format(100 * (value / reference - 1))
end

local function length(line)
  return utf8.len(line) or #line
end

--- Columns of a terminal that text for people keeps to.
tables.BREADTH = 80

--- Words in lines of at most `room` characters.
-- @tparam string line
-- @tparam integer room
-- @treturn {string,...}
function tables.wrap(line, room)
  local lines = {}
  for word in line:gmatch "%S+" do
    local last = lines[#lines]
    if last and length(last) + 1 + length(word) <= room then
      lines[#lines] = last .. " " .. word
    else
      lines[#lines + 1] = word
    end
  end
  return lines
end

--- The same without its trailing blank, for a column of its own; a dash for nothing.
function tables.figure(value)
  return value == 0 and "-" or (tables.short(value):gsub("%s+$", ""))
end

--- A number of bytes with its unit: "41.2 MiB".
function tables.memory(bytes)
  for _, unit in ipairs { { 1 << 30, "GiB" }, { 1 << 20, "MiB" }, { 1 << 10, "KiB" } } do
    if bytes >= unit[1] then
      return ("%.4g %s"):format(bytes / unit[1], unit[2])
    end
  end
  return ("%d B"):format(bytes)
end

--- Lines of text with the cells of each row below each other.
-- @tparam {{string,...},...} rows
-- @tparam {[integer]=boolean} left columns that are aligned to the left
-- @treturn {string,...} a line per row
function tables.align(rows, left)
  local width, lines = {}, {}
  for _, row in ipairs(rows) do
    for i, cell in ipairs(row) do width[i] = math.max(width[i] or 0, utf8.len(cell)) end
  end
  for k, row in ipairs(rows) do
    local cells = {}
    for i, cell in ipairs(row) do
      local pad = (" "):rep(width[i] - utf8.len(cell))
      cells[i] = left[i] and cell .. pad or pad .. cell
    end
    lines[k] = table.concat(cells, "  "):gsub("%s+$", "")
  end
  return lines
end

local FIRST = { true }

-- Rows in columns, right-aligned but the first, under a header.
local function columns(header, rows)
  local lines = tables.align({ header, table.unpack(rows) }, FIRST)
  table.insert(lines, 2, ("-"):rep(utf8.len(lines[1])))
  return table.concat(lines, "\n")
end

-- Behind what the predictor was not trained on.
local MARK = "*"

local function is_marked(member)
  return member.outside and #member.outside > 0
end

local function row_of(name, member, front)
  local input = front.input
  local row = { is_marked(member) and name .. MARK or name, ("%.4f"):format(member.score),
    ("%+.4f"):format(member.score - input.score) }
  if input.spread then row[#row + 1] = ("%.4f"):format(member.spread) end
  for _, objective in ipairs(front.settings.objectives) do
    row[#row + 1] = tables.short(member[objective.name]) .. objective.unit
    row[#row + 1] = tables.change(member[objective.name], input[objective.name])
  end
  row[#row + 1] = member == input and "-"
    or match.summary(match.difference(input.graph, member.graph).counts)
  row[#row + 1] = tostring(#member.graph)
  return row
end

-- Findings that a sentence names.
local NAMED = 4

--- The first few of a list of texts: "a, b, c, d, and 3 more".
-- @tparam {string,...} list
-- @treturn string
function tables.first_few(list)
  local named = table.concat(list, ", ", 1, math.min(#list, NAMED))
  return #list > NAMED and ("%s, and %d more"):format(named, #list - NAMED) or named
end

-- What the marks mean: the first few of what is outside, by row from above.
local function explain_marks(front)
  local found, seen = {}, {}
  for _, member in ipairs { front.input, table.unpack(front) } do
    for _, text in ipairs(member.outside or {}) do
      if not seen[text] then
        seen[text], found[#found + 1] = true, text
      end
    end
  end
  if #found == 0 then return nil end
  local sentence = MARK .. " the predictor was not trained on " .. tables.first_few(found)
  return table.concat(tables.wrap(sentence, tables.BREADTH - 2), "\n  ")
end

--- What is said of a search in which nothing became better.
tables.NOTHING_FOUND = "no network that was scored beats the input; more iterations, wider limits, "
  .. "other ops or another seed may find one"

-- What the signs of the changed nodes mean, where one is not plain.
local function explain_signs(front)
  for _, member in ipairs(front) do
    if match.difference(front.input.graph, member.graph).counts.reshaped > 0 then
      return "nodes changed: - removed, + added, ~ of another shape"
    end
  end
end

-- What a reader of the table should know beside it, a line each.
local function notes(front)
  local lines, caution = {}, front.settings.caution
  if caution and caution ~= 0 then
    lines[1] = ("predicted: mean - %g * spread of the predictors"):format(caution)
  end
  if #front == 0 or #front == 1 and front[1] == front.input then
    lines[#lines + 1] = table.concat(tables.wrap(tables.NOTHING_FOUND, tables.BREADTH), "\n")
  end
  lines[#lines + 1] = explain_signs(front)
  lines[#lines + 1] = explain_marks(front)
  if not front.input.outside then
    lines[#lines + 1] = "the predictor's weights do not say what they were trained on: nothing is marked"
  end
  return #lines > 0 and "\n" .. table.concat(lines, "\n") or ""
end

--- The front as a table: rank, predicted score and its change, with an ensemble its spread, each
-- objective and its change, nodes changed (as `autogo.match` counts them), nodes in all. The input is the
-- last row. A mark says that something of a network is outside of what the predictor was trained on.
function tables.front(front)
  local header = { "rank", "predicted", "change", front.input.spread and "spread" }
  for _, objective in ipairs(front.settings.objectives) do
    header[#header + 1] = objective.name
    header[#header + 1] = "change"
  end
  header[#header + 1] = "nodes changed"
  header[#header + 1] = "nodes"
  local rows = {}
  for rank, member in ipairs(front) do
    if member ~= front.input then rows[#rows + 1] = row_of(tostring(rank - 1), member, front) end
  end
  rows[#rows + 1] = row_of("input", front.input, front)
  return columns(header, rows) .. notes(front)
end

return tables
