--- A graph and what became of it, side by side, what changed coloured and marked.
--
-- Both are laid out in the same rows, so that what they share stands at one height. Stretches of rows
-- far from any change may be folded into one box that says how many nodes it stands for.
-- @module autogo.report.change

local aligned = require "autogo.report.aligned"
local columns = require "autogo.report.columns"
local layers = require "autogo.report.layers"
local palette = require "autogo.report.palette"
local picture = require "autogo.report.picture"
local sheets = require "autogo.report.sheet"
local number = require("autogo.report.routes").number

local MARGIN, LEAST_BREADTH, BETWEEN = sheets.MARGIN, 360, 24
-- Fewer rows are not worth folding.
local LEAST_FOLD = 6

-- --- folding ------------------------------------------------------------------------------------

-- Where each row goes when rows farther than `context` from a change are folded, the number of rows
-- then, and the set of rows that stand for several.
local function fold_rows(before, after, rows, context)
  local near, to, folded = {}, {}, {}
  for _, scene in ipairs { before, after } do
    for i in pairs(scene.mark) do
      for r = scene.row[i] - context, scene.row[i] + context do
        near[r] = true
      end
    end
  end
  local count, r = 0, 1
  while r <= rows do
    local last = r
    while not near[r] and last < rows and not near[last + 1] do
      last = last + 1
    end
    if last - r + 1 >= LEAST_FOLD then
      count = count + 1
      folded[count] = true
      for k = r, last do
        to[k] = count
      end
    else
      for k = r, last do
        count = count + 1
        to[k] = count
      end
    end
    r = last + 1
  end
  return to, count, folded
end

-- The scene with the nodes of each folded row made one, in the order of the rows.
local function fold(scene, to, folded)
  local small, place, standing = { nodes = {}, edges = {}, row = {}, mark = {} }, {}, {}
  local order = {}
  for i in ipairs(scene.nodes) do
    order[i] = i
  end
  table.sort(order, function(p, q)
    if scene.row[p] ~= scene.row[q] then
      return scene.row[p] < scene.row[q]
    end
    return p < q
  end)
  for _, i in ipairs(order) do
    local r = to[scene.row[i]]
    local k = standing[r]
    if not k then
      k = #small.nodes + 1
      small.nodes[k], small.row[k] = folded[r] and { elided = 0 } or scene.nodes[i], r
      small.mark[k] = scene.mark[i]
      standing[r] = folded[r] and k or nil
    end
    if folded[r] then
      small.nodes[k].elided = small.nodes[k].elided + 1
    end
    place[i] = k
  end
  local known = {}
  for _, edge in ipairs(scene.edges) do
    local from, to_node = place[edge[1]], place[edge[2]]
    local plain = not small.nodes[from].elided and not small.nodes[to_node].elided
    local key = from * (#small.nodes + 1) + to_node
    if plain or from ~= to_node and not known[key] then
      known[key] = true
      table.insert(small.edges, { from, to_node })
    end
  end
  return small
end

-- --- marks ----------------------------------------------------------------------------------------

local MARKS = {
  removed = { colour = palette.VERMILLION, sign = "−", words = "removed" },
  added = { colour = palette.BLUE, sign = "+", words = "added" },
  reshaped = { colour = palette.YELLOW, sign = "~", words = "other shape" },
}

local function styles_of(a)
  local styles = {}
  for i, node in ipairs(a.problem.nodes) do
    local what = MARKS[a.problem.mark[i]]
    local style = picture.style(what and what.colour)
    if what then
      style.chip, style.more = { what.colour, what.sign }, ' stroke-width="1.8"'
    elseif node.elided then
      style.fill, style.more = palette.PAPER, ' stroke-dasharray="3 3"'
    end
    styles[i] = style
  end
  return styles
end

local function legend_entries(counts)
  local entries = {}
  for _, key in ipairs { "removed", "added", "reshaped" } do
    if counts[key] > 0 then
      local entry = picture.style(MARKS[key].colour)
      entry.name = ("%s %s (%d)"):format(MARKS[key].sign, MARKS[key].words, counts[key])
      entries[#entries + 1] = entry
    end
  end
  local rest = picture.style(nil)
  rest.name = ("unchanged (%d)"):format(counts.unchanged)
  entries[#entries + 1] = rest
  return entries
end

-- --- the page -------------------------------------------------------------------------------------

local function lay_out(scenes, rows, settings)
  local problems = {}
  for k, scene in ipairs(scenes) do
    problems[k] = picture.pose(scene, settings)
    problems[k].mark = scene.mark
  end
  return picture.fit(function(aspect)
    local ends = columns.choose(problems, { scenes[1].row, scenes[2].row }, rows, aspect)
    local list = {}
    for k, problem in ipairs(problems) do
      local why
      list[k], why = layers.arrange(problem, { row = scenes[k].row, rows = rows, after = ends })
      if not list[k] then
        return nil, why
      end
    end
    return list
  end, settings)
end

local function titles(parent, child, settings)
  local before, after = picture.title(parent), picture.title(child)
  if settings.title then
    before, after = settings.title, settings.title
  end
  if before == after then
    return before .. ", before", after .. ", after"
  end
  return before, after
end

--- Draw a graph and what became of it side by side; nodes that both have stand at one height.
-- @tparam Graph parent
-- @tparam Graph child
-- @tparam table origin origin[i] = which node of the parent node i of the child is, both from 1; nil for
-- new nodes
-- @tparam[opt] table options `context`: rows shown above and below a change, all without it; `shapes`,
-- `title`, `aspect` as of `autogo.report.draw`
-- @treturn string SVG; or nil and a message
return function(parent, child, origin, options)
  local settings = { chip = 17 }
  for key, value in pairs(options or {}) do
    settings[key] = value
  end
  local pair = aligned.pair(parent, child, origin)
  local before, after, rows = pair.before, pair.after, pair.rows
  if pair.common and settings.context then
    local to, count, folded = fold_rows(before, after, rows, settings.context)
    before, after, rows = fold(before, to, folded), fold(after, to, folded), count
  end
  local list, why = lay_out({ before, after }, rows, settings)
  if not list then
    return nil, ("%s: %s"):format(picture.title(parent), why)
  end
  local sheet, title_before, title_after = sheets.new(), titles(parent, child, settings)
  local middle = MARGIN + math.max(list[1].breadth, LEAST_BREADTH) + 2 * BETWEEN
  local y = picture.heading(sheet, MARGIN, title_before, picture.summary(parent))
  picture.heading(sheet, middle, title_after, picture.summary(child))
  y = sheet:legend(MARGIN, y, middle - BETWEEN - MARGIN, legend_entries(pair.counts))
  picture.place(list[1], MARGIN, y + 14)
  picture.place(list[2], middle, y + 14)
  picture.draw(sheet, list[1], styles_of(list[1]), settings, "parent")
  picture.draw(sheet, list[2], styles_of(list[2]), settings, "child")
  sheet:add('<path d="M%s %dV%s" stroke="#cbd2d9"/>', number(middle - BETWEEN), MARGIN, number(sheet.height))
  return sheet:finish(title_before .. " and after")
end
