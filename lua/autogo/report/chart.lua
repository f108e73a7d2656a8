--- Small charts on one page of SVG: columns, rows, lines.
--
--    chart.svg("Segments", {
--      { kind = "columns", title = "Nodes", x = "nodes", y = "segments", bars = { { "1", 30 } } },
--      { kind = "rows", title = "Ops", x = "segments", bars = { { "conv", 491 }, { "relu", 296 } } },
--      { kind = "lines", title = "Time", x = "graphs", y = "s",
--        series = { { name = "BPE", points = { { 0, 0 }, { 1000, 0.3 } } } } },
--    }, 2)
--
-- Values are numbers of at least 0; a chart of rows grows with their number, the others do not.
-- @module autogo.report.chart

local palette = require "autogo.report.palette"
local plot = require "autogo.report.plot"
local sheets = require "autogo.report.sheet"
local text = require "autogo.report.text"

local chart = {}

local WIDTH, HEIGHT = 340, 210       -- of a panel's plot with its axes
local LEFT, BOTTOM, TOP = 52, 40, 30 -- room for the ticks of y, for those of x and its title, for the title
local GAP, ROW = 34, 19
local GRID, INK = palette.tint(palette.LINE, 0.25), palette.GREY
local SMALL, NORMAL = sheets.SMALL, sheets.NORMAL

local function most(values)
  local highest = 0
  for _, value in ipairs(values) do
    highest = math.max(highest, value)
  end
  return highest > 0 and highest or 1
end

local function values_of(bars)
  local values = {}
  for i, bar in ipairs(bars) do
    values[i] = bar[2]
  end
  return values
end

-- Ticks from 0 to beyond `highest`, and the value at the end of the axis.
local function axis(highest, count)
  local ticks = plot.ticks(0, highest, count)
  local step = ticks[2].value - ticks[1].value
  local last = ticks[#ticks].value
  if last < highest then
    last = last + step
    ticks = plot.ticks(0, last, count)
  end
  return ticks, last
end

local function line(sheet, x1, y1, x2, y2, colour)
  sheet:add('<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s"/>', x1, y1, x2, y2, colour)
end

-- Grid lines and ticks of y; returns value -> y.
local function draw_y(sheet, panel, x, y, highest)
  local top, bottom = y + TOP, y + HEIGHT - BOTTOM
  local ticks, last = axis(highest, 4)
  local function at(value)
    return bottom - value / last * (bottom - top)
  end
  for _, tick in ipairs(ticks) do
    line(sheet, x + LEFT, at(tick.value), x + WIDTH, at(tick.value), tick.value == 0 and INK or GRID)
    sheet:text(x + LEFT - 6, at(tick.value) + 4, tick.label, { anchor = "end", fill = INK })
  end
  sheet:text(x, y + TOP - 10, panel.y, { fill = INK })
  return at
end

local function title_of_x(sheet, panel, x, bottom)
  sheet:text(x + (LEFT + WIDTH) / 2, bottom + 31, panel.x, { anchor = "middle", fill = INK })
end

local DRAW = {}

function DRAW.columns(sheet, panel, x, y)
  local bottom, step = y + HEIGHT - BOTTOM, (WIDTH - LEFT) / #panel.bars
  local at = draw_y(sheet, panel, x, y, most(values_of(panel.bars)))
  local width = math.min(0.8 * step, 46)
  for i, bar in ipairs(panel.bars) do
    local middle = x + LEFT + (i - 0.5) * step
    sheet:box(middle - width / 2, at(bar[2]), width, bottom - at(bar[2]), palette.BLUE)
    sheet:text(middle, bottom + 15, bar[1], { anchor = "middle", fill = INK })
    local count = tostring(bar[2])
    if text.width(count, SMALL) <= step then
      sheet:text(middle, at(bar[2]) - 4, count, { anchor = "middle", size = SMALL })
    end
  end
  title_of_x(sheet, panel, x, bottom)
end

function DRAW.rows(sheet, panel, x, y)
  local left, right = 0, 0
  for _, bar in ipairs(panel.bars) do
    left = math.max(left, text.width(bar[1], NORMAL) + 8)
    right = math.max(right, text.width(tostring(bar[2]), SMALL) + 6)
  end
  local room, highest = WIDTH - left - right, most(values_of(panel.bars))
  sheet:text(x, y + TOP - 10, panel.x, { fill = INK })
  for i, bar in ipairs(panel.bars) do
    local top, length = y + TOP + (i - 1) * ROW, bar[2] / highest * room
    sheet:text(x + left - 8, top + 11, bar[1], { anchor = "end", fill = INK })
    sheet:box(x + left, top, length, ROW - 5, palette.BLUE)
    sheet:text(x + left + length + 5, top + 11, tostring(bar[2]), { size = SMALL })
  end
end

-- One path per series, with a mark of its own shape at each point.
local MARKS = {
  '<circle cx="%.1f" cy="%.1f" r="4" fill="%s"/>',
  '<path d="M%.1f %.1fm-4 -4h8v8h-8z" fill="%s"/>',
  '<path d="M%.1f %.1fm0 -5l5 9h-10z" fill="%s"/>',
  '<path d="M%.1f %.1fm0 -5l5 5l-5 5l-5 -5z" fill="%s"/>',
}

local function draw_series(sheet, points, number)
  local colour, path = palette.COLOURS[number], {}
  for i, point in ipairs(points) do
    path[i] = ("%s%.1f %.1f"):format(i == 1 and "M" or "L", point[1], point[2])
  end
  sheet:add('<path d="%s" fill="none" stroke="%s" stroke-width="1.8"/>', table.concat(path), colour)
  for _, point in ipairs(points) do
    sheet:add(MARKS[(number - 1) % #MARKS + 1], point[1], point[2], colour)
  end
end

local function draw_names(sheet, series, x, y)
  for number, one in ipairs(series) do
    local top = y + (number - 1) * 16
    draw_series(sheet, { { x, top }, { x + 22, top } }, number)
    sheet:text(x + 32, top + 4, one.name)
  end
end

function DRAW.lines(sheet, panel, x, y)
  local bottom, xs, ys = y + HEIGHT - BOTTOM, {}, {}
  for _, one in ipairs(panel.series) do
    for _, point in ipairs(one.points) do
      xs[#xs + 1], ys[#ys + 1] = point[1], point[2]
    end
  end
  local y_at = draw_y(sheet, panel, x, y, most(ys))
  local ticks, last = axis(most(xs), 5)
  local function x_at(value)
    return x + LEFT + value / last * (WIDTH - LEFT - 8)
  end
  for _, tick in ipairs(ticks) do
    line(sheet, x_at(tick.value), bottom, x_at(tick.value), bottom + 4, INK)
    sheet:text(x_at(tick.value), bottom + 16, tick.label, { anchor = "middle", fill = INK })
  end
  for number, one in ipairs(panel.series) do
    local points = {}
    for i, point in ipairs(one.points) do
      points[i] = { x_at(point[1]), y_at(point[2]) }
    end
    draw_series(sheet, points, number)
  end
  title_of_x(sheet, panel, x, bottom)
  if #panel.series > 1 then
    draw_names(sheet, panel.series, x + LEFT, bottom + 50)
  end
end

local function height_of(panel)
  if panel.kind == "rows" then
    return TOP + #panel.bars * ROW
  elseif panel.kind == "lines" and #panel.series > 1 then
    return HEIGHT + 16 * #panel.series + 4
  end
  return HEIGHT
end

--- A page of charts, `columns` beside each other.
-- @tparam string title
-- @tparam {table,...} panels see above
-- @tparam[opt=3] integer columns
-- @treturn string SVG
function chart.svg(title, panels, columns)
  local sheet, margin = sheets.new(), sheets.MARGIN
  columns = columns or 3
  sheet:text(margin, margin + 12, title, { size = sheets.LARGE, bold = true })
  local y = margin + 38
  for first = 1, #panels, columns do
    local tallest = 0
    for i = first, math.min(first + columns - 1, #panels) do
      local panel, x = panels[i], margin + (i - first) * (WIDTH + GAP)
      sheet:text(x, y, panel.title, { bold = true })
      DRAW[panel.kind](sheet, panel, x, y + 4)
      sheet:cover(x + WIDTH, y + height_of(panel))
      tallest = math.max(tallest, height_of(panel))
    end
    y = y + tallest + GAP
  end
  return sheet:finish(title)
end

return chart
