--- Colours told apart by colour-blind readers (Okabe and Ito), and who gets which.
-- @module autogo.report.palette

local palette = {}

palette.INK, palette.GREY, palette.LINE, palette.PAPER = "#1f2933", "#52606d", "#7b8794", "#ffffff"

palette.BLUE, palette.ORANGE, palette.GREEN = "#0072b2", "#e69f00", "#009e73"
palette.PURPLE, palette.SKY, palette.VERMILLION, palette.YELLOW = "#cc79a7", "#56b4e9", "#d55e00", "#f0e442"

-- In an order in which those beside each other differ most.
palette.COLOURS = {
  palette.BLUE, palette.ORANGE, palette.GREEN, palette.PURPLE, palette.SKY, palette.VERMILLION,
  palette.YELLOW,
}

--- Kinds of ops and their colours; the last is for all others.
palette.KINDS = {
  { name = "input, output", colour = palette.YELLOW, ops = { "input", "output" } },
  { name = "convolution", colour = palette.SKY, ops = { "conv", "transposedconv" } },
  { name = "depthwise convolution", colour = palette.BLUE, ops = { "depthwise" } },
  { name = "dense", colour = palette.PURPLE, ops = { "matmul" } },
  { name = "add, multiply", colour = palette.ORANGE, ops = { "add", "mul" } },
  { name = "concatenation", colour = palette.VERMILLION, ops = { "concat" } },
  {
    name = "pooling, resampling", colour = palette.GREEN,
    ops = { "maxpool", "avgpool", "mean", "global", "resize", "depthtospacend", "spacetodepthnd" },
  },
  { name = "kept as it is", colour = palette.GREY, ops = { "opaque" } },
  { name = "normalisation, activation, other", ops = {} },
}

local KIND_OF = {}
for k, kind in ipairs(palette.KINDS) do
  for _, op in ipairs(kind.ops) do
    KIND_OF[op] = k
  end
end

--- The number of an op's kind.
function palette.kind_of(op)
  return KIND_OF[op] or #palette.KINDS
end

local function channels(colour)
  local r, g, b = colour:match "^#(%x%x)(%x%x)(%x%x)$"
  return tonumber(r, 16), tonumber(g, 16), tonumber(b, 16)
end

--- A colour mixed with white: share 1 is the colour itself.
function palette.tint(colour, share)
  local r, g, b = channels(colour)
  local function mix(value)
    return math.floor(255 + (value - 255) * share + 0.5)
  end
  return ("#%02x%02x%02x"):format(mix(r), mix(g), mix(b))
end

local function luminance(colour)
  local sum = 0
  for k, value in ipairs { channels(colour) } do
    local v = value / 255
    v = v <= 0.04045 and v / 12.92 or ((v + 0.055) / 1.055) ^ 2.4
    sum = sum + v * ({ 0.2126, 0.7152, 0.0722 })[k]
  end
  return sum
end

--- Black or white, whichever reads better on a colour (WCAG contrast).
function palette.text_on(colour)
  local light = luminance(colour) + 0.05
  return light / 0.05 >= 1.05 / light and "#000000" or "#ffffff"
end

-- Lexicographic order of lists of three numbers.
local function before(p, q)
  for i = 1, 3 do
    if p[i] ~= q[i] then
      return p[i] < q[i]
    end
  end
  return false
end

--- A colour per group such that neighbours differ: each takes, of the colours none of its neighbours
-- has, the one that was used least recently, groups with the fewest colours left first (Brélaz 1979).
-- Where neighbours have used up all colours, it differs at least from the group before and after it.
-- @tparam integer count of groups
-- @tparam table neighbours neighbours[g] = set of groups
-- @treturn table a colour number per group, from 1
function palette.assign(count, neighbours)
  local chosen, last_used, barred = {}, {}, {}
  for g = 1, count do
    barred[g] = {}
  end
  local function bars(g)
    local number = 0
    for _ in pairs(barred[g]) do
      number = number + 1
    end
    return number
  end
  local function pick(g)
    local best, least = nil, nil
    for k = 1, #palette.COLOURS do
      local beside = (chosen[g - 1] == k or chosen[g + 1] == k) and 1 or 0
      local reluctance = { beside, barred[g][k] or 0, last_used[k] or 0 }
      if not best or before(reluctance, least) then
        best, least = k, reluctance
      end
    end
    return best
  end
  for step = 1, count do
    local next_group, most = nil, -1
    for g = 1, count do
      local number = not chosen[g] and bars(g) or -1
      if number > most and (number > 4 or not next_group) then
        next_group, most = g, number
      end
    end
    local k = pick(next_group)
    chosen[next_group], last_used[k] = k, step
    for g in pairs(neighbours[next_group]) do
      barred[g][k] = (barred[g][k] or 0) + 1
    end
  end
  return chosen
end

return palette
