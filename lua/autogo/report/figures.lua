--- The figures of a report: scatter plots of the front and lines over the iterations, as SVG inside the
-- page, coloured by its style sheet and made interactive by its script.
-- @module autogo.report.figures

local markup = require "autogo.report.markup"
local plot = require "autogo.report.plot"
local words = require "autogo.report.words"
local number = require("autogo.report.routes").number
local fill = markup.fill

local figures = {}

local LEFT, RIGHT, TOP, BOTTOM = 62, 14, 30, 44
-- More networks that were beaten are not drawn: they would be one blot.
local MOST_DOTS = 4000
local PREFIXES = { { 1e18, "E" }, { 1e15, "P" }, { 1e12, "T" }, { 1e9, "G" }, { 1e6, "M" }, { 1e3, "k" } }

-- A scale from values to pixels with a margin, ticks and a common prefix of thousands.
local function scale_of(values, first, last, count)
  local low, high = math.huge, -math.huge
  for _, value in ipairs(values) do
    low, high = math.min(low, value), math.max(high, value)
  end
  if low > high then
    low, high = 0, 1
  end
  local margin = high > low and 0.07 * (high - low) or high ~= 0 and 0.05 * math.abs(high) or 1
  low, high = low - margin, high + margin
  local unit, prefix = 1, ""
  for _, step in ipairs(PREFIXES) do
    if unit == 1 and math.max(math.abs(low), math.abs(high)) >= step[1] then
      unit, prefix = step[1], step[2]
    end
  end
  local function at(value)
    return first + (value - low) / (high - low) * (last - first)
  end
  local marks = plot.ticks(low / unit, high / unit, count)
  for _, mark in ipairs(marks) do
    mark.at = at(mark.value * unit)
  end
  return { at = at, ticks = marks, prefix = prefix }
end

local function title_of(measure, scale)
  local unit = scale.prefix .. measure.unit
  return measure.name .. (unit ~= "" and (" (%s)"):format(unit) or "")
end

-- Grid, ticks and titles.
local function frame(width, height, x, y, titles)
  local parts = { '<g class="grid">' }
  for _, tick in ipairs(x.ticks) do
    parts[#parts + 1] = ('<path d="M%s %dV%d"/>'):format(number(tick.at), TOP, height - BOTTOM)
  end
  for _, tick in ipairs(y.ticks) do
    parts[#parts + 1] = ('<path d="M%d %sH%d"/>'):format(LEFT, number(tick.at), width - RIGHT)
  end
  parts[#parts + 1] = '</g><g class="axis">'
  for _, tick in ipairs(x.ticks) do
    parts[#parts + 1] = ('<text x="%s" y="%d" text-anchor="middle">%s</text>'):format(number(tick.at),
      height - BOTTOM + 17, tick.label)
  end
  for _, tick in ipairs(y.ticks) do
    parts[#parts + 1] = ('<text x="%d" y="%s" text-anchor="end">%s</text>'):format(LEFT - 7,
      number(tick.at + 4), tick.label)
  end
  return markup.join {
    markup.raw(table.concat(parts)),
    fill('<text class="name" x="%s" y="%s" text-anchor="middle">%s</text>',
      number((LEFT + width - RIGHT) / 2), height - 6, titles.x),
    fill('<text class="name" x="%s" y="15">%s</text></g>', 2, titles.y),
  }
end

local function figure(width, height, label, parts)
  return fill('<svg class="chart" viewBox="0 0 %s %s" role="%s" aria-label="%s">%s</svg>', width, height,
    parts.role or "img", label, markup.join(parts))
end

-- --- the front ------------------------------------------------------------------------------------

local function known(one, xs, ys)
  return one.values[xs.key] and one.values[ys.key]
end

-- All networks that were beaten as one path of dots.
local function dots(report, xs, ys, x, y)
  local parts = {}
  local step = math.max(1, math.ceil(#report.scored / MOST_DOTS))
  for i = 1, #report.scored, step do
    local one = report.scored[i]
    if known(one, xs, ys) then
      parts[#parts + 1] = ("M%s %sh0"):format(number(x.at(one.values[xs.key])),
        number(y.at(one.values[ys.key])))
    end
  end
  return fill('<path class="beaten" d="%s"/>', table.concat(parts))
end

-- The border of what the front dominates: steps, in a figure of the whole front only.
local function steps(report, xs, ys, x, y)
  local list = {}
  for _, one in ipairs(report.members) do
    if known(one, xs, ys) then
      list[#list + 1] = { x.at(one.values[xs.key]), y.at(one.values[ys.key]) }
    end
  end
  return fill('<path class="steps" d="%s"/>', plot.steps(list, xs.sense == "max"))
end

local function describe(one, measures)
  local parts = {}
  for i, measure in ipairs(measures) do
    local value = one.values[measure.key]
    parts[i] = ("%s %s"):format(measure.name, i == 1 and words.score(value)
      or words.amount(value, measure.unit))
  end
  return table.concat(parts, ", ")
end

local function point(one, xs, ys, x, y, measures)
  local cx, cy = number(x.at(one.values[xs.key])), number(y.at(one.values[ys.key]))
  local label = ("rank %d: %s"):format(one.rank, describe(one, measures))
  return fill('<a class="point" href="#rank-%s" data-rank="%s" aria-label="%s"><title>%s</title>'
    .. '<circle class="reach" cx="%s" cy="%s" r="12"/><circle class="dot" cx="%s" cy="%s" r="5"/></a>',
    ("%d"):format(one.rank), ("%d"):format(one.rank), label, label, cx, cy, cx, cy)
end

local function cross(one, xs, ys, x, y, measures)
  if not known(one, xs, ys) then
    return ""
  end
  return fill('<g class="origin"><title>%s</title><path d="M%s %sm-5.5 -5.5l11 11m0 -11l-11 11"/></g>',
    "input: " .. describe(one, measures), number(x.at(one.values[xs.key])), number(y.at(one.values[ys.key])))
end

--- A scatter plot of two measures: what was scored, the front, the input.
-- @tparam table report of `autogo.report.data`
-- @tparam table xs measure of the horizontal axis
-- @tparam table ys
-- @tparam table size { width, height }
-- @treturn markup
function figures.front(report, xs, ys, size)
  local width, height, all = size[1], size[2], { {}, {} }
  local function take(one)
    if known(one, xs, ys) then
      table.insert(all[1], one.values[xs.key])
      table.insert(all[2], one.values[ys.key])
    end
  end
  for _, list in ipairs { report.scored, report.members, { report.input } } do
    for _, one in ipairs(list) do
      take(one)
    end
  end
  local x = scale_of(all[1], LEFT, width - RIGHT, width > 500 and 8 or 5)
  local y = scale_of(all[2], height - BOTTOM, TOP, 5)
  local parts = { role = "group", frame(width, height, x, y, { x = title_of(xs, x), y = title_of(ys, y) }) }
  parts[#parts + 1] = dots(report, xs, ys, x, y)
  if #report.measures == 2 then
    parts[#parts + 1] = steps(report, xs, ys, x, y)
  end
  for k = #report.members, 1, -1 do
    if known(report.members[k], xs, ys) then
      parts[#parts + 1] = point(report.members[k], xs, ys, x, y, report.measures)
    end
  end
  parts[#parts + 1] = cross(report.input, xs, ys, x, y, report.measures)
  return figure(width, height, ("%s against %s of the front"):format(ys.name, xs.name), parts)
end

-- --- over time ------------------------------------------------------------------------------------

--- A line over the iterations, a mark at each value, one label at its end.
-- @tparam string name of what is drawn
-- @tparam string unit
-- @tparam {number,...} values of iterations 0, 1, ... or 1, 2, ...
-- @tparam integer first iteration of the first value
-- @treturn markup
function figures.line(name, unit, values, first)
  local width, height, xs = 380, 210, {}
  for i in ipairs(values) do
    xs[i] = first + i - 1
  end
  local x, y = scale_of(xs, LEFT, width - RIGHT, 6), scale_of(values, height - BOTTOM, TOP, 4)
  local whole = {}
  for _, tick in ipairs(x.ticks) do
    if tick.value == math.floor(tick.value) and tick.value >= first then
      tick.label = ("%d"):format(tick.value)
      whole[#whole + 1] = tick
    end
  end
  x.ticks = whole
  local parts, path, marks = {}, {}, {}
  for i, value in ipairs(values) do
    local at, up = number(x.at(xs[i])), number(y.at(value))
    path[i] = ("%s%s %s"):format(i == 1 and "M" or "L", at, up)
    if #values <= 60 then
      marks[#marks + 1] = fill('<circle cx="%s" cy="%s" r="3"><title>iteration %s: %s</title></circle>',
        at, up, xs[i], ("%.6g %s"):format(value, unit))
    end
  end
  parts[1] = frame(width, height, x, y,
    { x = "iteration", y = title_of({ name = name, unit = unit }, y) })
  parts[2] = fill('<g class="line"><path d="%s"/>%s</g>', table.concat(path), markup.join(marks))
  local label = ("%s: %.6g after iteration %d"):format(name, values[#values], xs[#xs])
  return figure(width, height, label, parts)
end

return figures
