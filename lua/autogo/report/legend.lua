--- The legend of a graph drawn in groups: what occurs, most frequent first, and the numbers of the
-- groups that are so.
-- @module autogo.report.legend

local palette = require "autogo.report.palette"
local sheets = require "autogo.report.sheet"
local text = require "autogo.report.text"

local legend = {}

local COLUMN, BETWEEN, LINE, CHIP_HEIGHT = 330, 22, 14, 14
local MOST_LINES = 4

-- Entries { name, groups }: equal names together, the most frequent first, then the earliest.
local function collect(names)
  local entries, of = {}, {}
  for g, name in ipairs(names) do
    local entry = of[name]
    if not entry then
      entry = { name = name, groups = {} }
      of[name], entries[#entries + 1] = entry, entry
    end
    table.insert(entry.groups, g)
  end
  table.sort(entries, function(p, q)
    if #p.groups ~= #q.groups then
      return #p.groups > #q.groups
    end
    return p.groups[1] < q.groups[1]
  end)
  return entries
end

local function measure(entry, chip)
  entry.lines = text.wrap(entry.name, sheets.NORMAL, COLUMN)
  for i = MOST_LINES + 1, #entry.lines do
    entry.lines[i] = nil
    entry.lines[MOST_LINES] = text.fit(entry.lines[MOST_LINES] .. " …", sheets.NORMAL, COLUMN)
  end
  entry.per_line = math.max(1, (COLUMN + 4) // (chip + 4))
  local chips = math.ceil(#entry.groups / entry.per_line)
  entry.height = #entry.lines * LINE + 3 + chips * (CHIP_HEIGHT + 3) + 11
end

local function draw_entry(sheet, x, y, entry, chip, chosen)
  for i, line in ipairs(entry.lines) do
    sheet:text(x, y + i * LINE - 3, line)
  end
  y = y + #entry.lines * LINE + 3
  for k, g in ipairs(entry.groups) do
    local at = x + (k - 1) % entry.per_line * (chip + 4)
    local top = y + (k - 1) // entry.per_line * (CHIP_HEIGHT + 3)
    local colour = palette.COLOURS[chosen[g]]
    sheet:box(at, top, chip, CHIP_HEIGHT, colour)
    sheet:text(at + chip / 2, top + 10.5, tostring(g),
      { size = sheets.SMALL, bold = true, anchor = "middle", fill = palette.text_on(colour) })
  end
end

--- Draw the legend.
-- @tparam Sheet sheet
-- @tparam number x
-- @tparam number y top
-- @tparam number room width at hand
-- @tparam {string,...} names of the groups
-- @tparam {integer,...} chosen colour number of each
function legend.groups(sheet, x, y, room, names, chosen)
  local chip = math.ceil(text.width(tostring(#names), sheets.SMALL, true) + 8)
  local entries, total = collect(names), 0
  for _, entry in ipairs(entries) do
    measure(entry, chip)
    total = total + entry.height
  end
  local columns = math.max(1, (room + BETWEEN) // (COLUMN + BETWEEN))
  sheet:text(x, y, ("%d segments of %d kinds"):format(#names, #entries), { bold = true })
  local top, column, at = y + 12, 0, 0
  for _, entry in ipairs(entries) do
    if at > 0 and at + entry.height / 2 > total / columns and column < columns - 1 then
      column, at = column + 1, 0
    end
    draw_entry(sheet, x + column * (COLUMN + BETWEEN), top + at, entry, chip, chosen)
    at = at + entry.height
  end
end

return legend
