--- A scatter plot of a search as one self-contained SVG: every member scored, the front and the border of
-- what it dominates, the input as a cross.
-- @module autogo.report.plot

local plot = {}

local WIDTH, HEIGHT = 720, 440
local LEFT, RIGHT, TOP, BOTTOM = 76, 24, 46, 58

-- Told apart by colour-blind readers (Okabe and Ito) and by shape.
local BEATEN, FRONT, INPUT, INK, GRID = "#9aa5b1", "#0072b2", "#d55e00", "#1f2933", "#e4e7eb"

--- Steps of 1, 2 or 5 times a power of ten, about `count` of them over [low, high].
function plot.ticks(low, high, count)
  local raw = (high - low) / count
  local power = 10 ^ math.floor(math.log(raw, 10))
  local step = power * 10
  for _, factor in ipairs { 1, 2, 5 } do
    if factor * power >= raw then
      step = factor * power
      break
    end
  end
  local ticks, decimals = {}, math.max(0, -math.floor(math.log(step, 10) + 1e-9))
  for k = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) do
    ticks[#ticks + 1] = { value = k * step, label = ("%%.%df"):format(decimals):format(k * step) }
  end
  return ticks
end

--- The border of what a front of two measures dominates, as the data of an SVG path: steps.
-- @tparam {table,...} points { x, y } in pixels, where less y is better
-- @tparam[opt] boolean rightwards whether more x is better
function plot.steps(points, rightwards)
  table.sort(points, function(p, q)
    if p[1] ~= q[1] then
      return p[1] < q[1]
    end
    return p[2] > q[2]
  end)
  local parts = {}
  for i, point in ipairs(points) do
    if i > 1 and rightwards then
      parts[i] = ("V%.1fH%.1f"):format(point[2], point[1])
    else
      parts[i] = (i == 1 and "M%.1f %.1f" or "H%.1fV%.1f"):format(point[1], point[2])
    end
  end
  return table.concat(parts)
end

local function span(members, field)
  local low, high = math.huge, -math.huge
  for _, member in ipairs(members) do
    low, high = math.min(low, member[field]), math.max(high, member[field])
  end
  local margin = high > low and 0.06 * (high - low) or math.max(1e-6, 0.05 * math.abs(high))
  return low - margin, high + margin
end

local function scale(low, high, first, last)
  return function(value) return first + (value - low) / (high - low) * (last - first) end
end

local function escape(text)
  return (tostring(text):gsub("[&<>\"]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;",
    ["\""] = "&quot;" }))
end

local function axes(add, x, y, xs, ys, titles)
  for _, tick in ipairs(plot.ticks(xs[1], xs[2], 8)) do
    local at = x(tick.value)
    add('<line x1="%.1f" x2="%.1f" y1="%d" y2="%d" stroke="%s"/>', at, at, TOP, HEIGHT - BOTTOM, GRID)
    add('<text x="%.1f" y="%d" text-anchor="middle">%s</text>', at, HEIGHT - BOTTOM + 18, tick.label)
  end
  for _, tick in ipairs(plot.ticks(ys[1], ys[2], 6)) do
    local at = y(tick.value)
    add('<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" stroke="%s"/>', LEFT, WIDTH - RIGHT, at, at, GRID)
    add('<text x="%d" y="%.1f" text-anchor="end">%s</text>', LEFT - 8, at + 4, tick.label)
  end
  add('<text x="%.1f" y="%d" text-anchor="middle">%s</text>', (LEFT + WIDTH - RIGHT) / 2,
    HEIGHT - 16, escape(titles.x))
  add('<text transform="translate(20 %.1f) rotate(-90)" text-anchor="middle">%s</text>',
    (TOP + HEIGHT - BOTTOM) / 2, escape(titles.y))
  add('<text x="%d" y="26" font-size="16" font-weight="600">%s</text>', LEFT, escape(titles.title))
end

local function title_of(name, unit)
  local word = name == "flops" and "FLOPs" or name:gsub("_", " ")
  return unit == "" and word or ("%s (%s)"):format(word, unit)
end

local function legend(add)
  local at = WIDTH - RIGHT - 250
  add('<circle cx="%d" cy="21" r="3" fill="%s"/><text x="%d" y="25">scored</text>', at, BEATEN, at + 8)
  add('<rect x="%d" y="17" width="8" height="8" fill="%s"/><text x="%d" y="25">front</text>',
    at + 80, FRONT, at + 94)
  add('<path d="M%d 16l9 9m0 -9l-9 9" stroke="%s" stroke-width="3"/><text x="%d" y="25">input</text>',
    at + 160, INPUT, at + 175)
end

--- The plot of a front over its first objective.
-- @tparam Front front
-- @treturn string SVG
function plot.svg(front)
  local objective = front.settings.objectives[1]
  local name, input = objective.name, front.input
  local lines = {}
  local function add(format, ...) lines[#lines + 1] = format:format(...) end
  local members = front.archive.members
  local x_low, x_high = span(members, name)
  local y_low, y_high = span(members, "score")
  local unit = 1
  while x_high / unit >= 1000 do unit = unit * 1000 end
  local prefix = ({ [1] = "", [1e3] = "k", [1e6] = "M", [1e9] = "G", [1e12] = "T" })[unit] or ""
  local x = scale(x_low, x_high, LEFT, WIDTH - RIGHT)
  local y = scale(y_low, y_high, HEIGHT - BOTTOM, TOP)
  add('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" '
    .. 'font-family="Helvetica, Arial, sans-serif" font-size="12" fill="%s">', WIDTH, HEIGHT, WIDTH,
    HEIGHT, INK)
  add('<rect width="%d" height="%d" fill="#ffffff"/>', WIDTH, HEIGHT)
  axes(add, function(v) return x(v * unit) end, y, { x_low / unit, x_high / unit }, { y_low, y_high }, {
    x = title_of(name, prefix .. objective.unit), y = "predicted score",
    title = input.graph.name,
  })
  legend(add)
  for _, member in ipairs(members) do
    add('<circle cx="%.1f" cy="%.1f" r="3" fill="%s" fill-opacity="0.7"/>', x(member[name]),
      y(member.score), BEATEN)
  end
  if #front.settings.objectives == 1 then
    local points = {}
    for i, member in ipairs(front) do
      points[i] = { x(member[name]), y(member.score) }
    end
    add('<path d="%s" fill="none" stroke="%s" stroke-width="1.5"/>',
      plot.steps(points, objective.sense == "max"), FRONT)
  end
  for rank, member in ipairs(front) do
    add('<rect x="%.1f" y="%.1f" width="8" height="8" fill="%s"><title>rank %d: %.4f</title></rect>',
      x(member[name]) - 4, y(member.score) - 4, FRONT, rank - 1, member.score)
  end
  add('<path d="M%.1f %.1fl10 10m0 -10l-10 10" stroke="%s" stroke-width="3" fill="none"/>',
    x(input[name]) - 5, y(input.score) - 5, INPUT)
  lines[#lines + 1] = "</svg>"
  return table.concat(lines, "\n") .. "\n"
end

return plot
