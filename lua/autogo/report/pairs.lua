--- A front over three or more axes as one self-contained SVG: a panel for every pair of axes.
--
--    pairs.svg(front, { input = member, others = members, title = "...",
--      axes = { { field = "score", title = "predicted" }, { field = "energy", title = "energy (mJ)",
--        bound = 3 } } })
--
-- What the search scored is grey, the front blue squares, the input a cross; an axis with a bound has a
-- dashed line there.
-- @module autogo.report.pairs

local plot = require "autogo.report.plot"

local pair_plot = {}

local SIDE, LEFT, TOP, GAP, BOTTOM = 260, 70, 40, 84, 60

-- As in `autogo.report.plot`, told apart by colour-blind readers and by shape.
local BEATEN, FRONT, INPUT, INK, GRID = "#9aa5b1", "#0072b2", "#d55e00", "#1f2933", "#e4e7eb"

local function escape(text)
  return (text:gsub("[&<>]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" }))
end

-- Lowest and highest value of an axis over all that is drawn, with a margin.
local function span(members, axis)
  local low, high = axis.bound or math.huge, axis.bound or -math.huge
  for _, member in ipairs(members) do
    low, high = math.min(low, member[axis.field]), math.max(high, member[axis.field])
  end
  local margin = high > low and 0.06 * (high - low) or math.max(1e-6, 0.05 * math.abs(high))
  return low - margin, high + margin
end

local function line(x1, y1, x2, y2, style)
  return ('<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" %s/>'):format(x1, y1, x2, y2, style)
end

local function text(x, y, what, style)
  return ('<text x="%.1f" y="%.1f" %s>%s</text>'):format(x, y, style or "", escape(what))
end

-- One panel whose upper left corner is at (left, top): lines of SVG appended to `lines`.
local function panel(lines, left, top, horizontal, vertical, drawn)
  local function add(svg) lines[#lines + 1] = svg end
  local function x(value)
    return left + (value - horizontal.low) / (horizontal.high - horizontal.low) * SIDE
  end
  local function y(value)
    return top + SIDE - (value - vertical.low) / (vertical.high - vertical.low) * SIDE
  end
  local grid = ('stroke="%s"'):format(GRID)
  for _, tick in ipairs(plot.ticks(horizontal.low, horizontal.high, 4)) do
    add(line(x(tick.value), top, x(tick.value), top + SIDE, grid))
    add(text(x(tick.value), top + SIDE + 16, tick.label, 'text-anchor="middle"'))
  end
  for _, tick in ipairs(plot.ticks(vertical.low, vertical.high, 5)) do
    add(line(left, y(tick.value), left + SIDE, y(tick.value), grid))
    add(text(left - 6, y(tick.value) + 4, tick.label, 'text-anchor="end"'))
  end
  local dashed = ('stroke="%s" stroke-dasharray="4 3"'):format(INPUT)
  if horizontal.bound then add(line(x(horizontal.bound), top, x(horizontal.bound), top + SIDE, dashed)) end
  if vertical.bound then add(line(left, y(vertical.bound), left + SIDE, y(vertical.bound), dashed)) end
  add(text(left + SIDE / 2, top + SIDE + 36, horizontal.title, 'text-anchor="middle"'))
  add(('<text transform="translate(%.1f %.1f) rotate(-90)" text-anchor="middle">%s</text>'):format(left - 50,
    top + SIDE / 2, escape(vertical.title)))
  for _, member in ipairs(drawn.others) do
    add(('<circle cx="%.1f" cy="%.1f" r="2.5" fill="%s" fill-opacity="0.6"/>'):format(
      x(member[horizontal.field]), y(member[vertical.field]), BEATEN))
  end
  for _, member in ipairs(drawn.front) do
    add(('<rect x="%.1f" y="%.1f" width="7" height="7" fill="%s"/>'):format(
      x(member[horizontal.field]) - 3.5, y(member[vertical.field]) - 3.5, FRONT))
  end
  add(('<path d="M%.1f %.1fl10 10m0 -10l-10 10" stroke="%s" stroke-width="3" fill="none"/>'):format(
    x(drawn.input[horizontal.field]) - 5, y(drawn.input[vertical.field]) - 5, INPUT))
end

--- The pairwise plots of a front.
-- @tparam {table,...} front members with a number per axis
-- @tparam table options `axes` = { { field, title, bound }, ... }, `input` = a member, `others` =
-- members behind the front, `title`
-- @treturn string SVG
function pair_plot.svg(front, options)
  local drawn = { front = front, others = options.others or {}, input = options.input }
  local all, axes = { drawn.input }, {}
  for _, list in ipairs { front, drawn.others } do
    table.move(list, 1, #list, #all + 1, all)
  end
  for i, axis in ipairs(options.axes) do
    axes[i] = { field = axis.field, title = axis.title, bound = axis.bound }
    axes[i].low, axes[i].high = span(all, axis)
  end
  local panels = #axes * (#axes - 1) // 2
  local across = math.min(3, panels)
  local width = LEFT + across * (SIDE + GAP)
  local height = TOP + (panels + across - 1) // across * (SIDE + BOTTOM)
  local lines = {
    ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" font-family='
      .. '"Helvetica, Arial, sans-serif" font-size="12" fill="%s">'):format(width, height, width, height,
      INK),
    ('<rect width="%d" height="%d" fill="#ffffff"/>'):format(width, height),
    text(LEFT, 24, options.title or "", 'font-size="16" font-weight="600"'),
  }
  local k = 0
  for i = 1, #axes do
    for j = i + 1, #axes do
      local left, top = LEFT + k % across * (SIDE + GAP), TOP + k // across * (SIDE + BOTTOM)
      panel(lines, left, top, axes[j], axes[i], drawn)
      k = k + 1
    end
  end
  lines[#lines + 1] = "</svg>"
  return table.concat(lines, "\n") .. "\n"
end

return pair_plot
