--- A search as one HTML file that needs nothing but itself: the front, its course, and for each member
-- what became of the input.
--
--    html.page(data.of_front(front))       -- the file as a string
--
-- Everything is in the page as it is written; its script only adds what needs one (tooltips, selection,
-- sorting, filters) and reads all it knows from the page. See `autogo.report.data` for what it is given.
-- @module autogo.report.html

local boxes = require "autogo.report.boxes"
local core = require "autogo.core"
local figures = require "autogo.report.figures"
local folds = require "autogo.report.folds"
local markup = require "autogo.report.markup"
local portrait = require "autogo.report.portrait"
local sketch = require "autogo.report.sketch"
local tables = require "autogo.report.table"
local words = require "autogo.report.words"
local fill = markup.fill

local html = {}

local _, here = ...
local ASSETS = (here or "lua/autogo/report/html.lua"):gsub("html%.lua$", "") .. "assets/"

-- Of longer searches the table has every so many iterations, the last always.
local MOST_ITERATIONS = 400
-- How far memory may grow, in percent of what is in use, before garbage is collected while a page is made: it
-- is nearly all garbage, and soon done with.
local PAUSE = 400
-- Measures beyond these are in the table, but not paired in figures.
local MOST_PAIRED = 5

-- --- the frame ------------------------------------------------------------------------------------

local function asset(name)
  return markup.raw(assert(core.read_file(ASSETS .. name)))
end

local POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"

--- A page with our style and script around a body.
-- @tparam string title
-- @tparam markup body
-- @treturn string
function html.frame(title, body)
  return tostring(fill('<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
    .. '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
    .. '<meta name="color-scheme" content="light dark">\n<meta name="generator" content="AutoGO">\n'
    .. '<meta http-equiv="Content-Security-Policy" content="%s">\n<link rel="icon" href="data:,">\n'
    .. "<title>%s</title>\n<style>\n%s</style>\n</head>\n<body>\n%s\n<script>\n%s</script>\n"
    .. "<script>\n%s</script>\n<script>\n%s</script>\n</body>\n</html>\n",
    markup.raw(POLICY), title, asset "report.css", body, asset "report.js", asset "folds.js",
    asset "edges.js"))
end

local function section(id, title, ...)
  return fill('<section aria-labelledby="%s"><h2 id="%s">%s</h2>%s</section>\n', id, id, title,
    markup.join { ... })
end

local function title_of(report)
  return report.name ~= "" and report.name or "network"
end

-- --- the head -------------------------------------------------------------------------------------

local function tile(name, value, note)
  return fill('<div class="tile"><dt>%s</dt><dd>%s<small>%s</small></dd></div>', name, value, note)
end

-- The best value of each measure on the front.
local function best_of(report, measure)
  local best
  for _, one in ipairs(report.members) do
    local value = one.values[measure.key]
    if value and (not best or (measure.sense == "max" and value > best)
        or (measure.sense ~= "max" and value < best)) then
      best = value
    end
  end
  return best
end

local function tiles(report)
  local list = {}
  for k, measure in ipairs(report.measures) do
    local best, input = best_of(report, measure), report.input.values[measure.key]
    if best and input and k <= MOST_PAIRED then
      local value = k == 1 and words.score(best) or words.amount(best, measure.unit)
      local most = measure.sense == "max" and "highest" or "lowest"
      local change = k == 1 and words.difference(best - input) or words.change(best, input)
      local from = k == 1 and words.score(input) or words.amount(input, measure.unit)
      list[#list + 1] = tile(("%s %s"):format(most, measure.name), value,
        change ~= "" and ("%s from %s"):format(change, from) or "from " .. from)
    end
  end
  list[#list + 1] = tile("networks on the front", words.integer(#report.members),
    "hypervolume " .. words.amount(report.hypervolume))
  local children, seconds = 0, 0
  for _, row in ipairs(report.history) do
    children, seconds = children + (row.scored or 0), seconds + (row.seconds or 0)
  end
  list[#list + 1] = tile("networks scored", words.integer(children),
    ("%s, %.1f s"):format(words.count(#report.history, "iteration"), seconds))
  return fill('<dl class="tiles">%s</dl>', markup.join(list))
end

local function setting_rows(settings)
  local names, rows = {}, {}
  for name, value in pairs(settings) do
    if type(name) == "string" and (type(value) ~= "table" or name == "ops") then
      names[#names + 1] = name
    end
  end
  table.sort(names)
  for i, name in ipairs(names) do
    local value = settings[name]
    local shown = tostring(value)
    if type(value) == "table" then
      local parts = {}
      for k, part in ipairs(value) do
        parts[k] = tostring(part)
      end
      shown = table.concat(parts, ", ")
    elseif type(value) == "number" then
      shown = ("%.14g"):format(value)
    end
    rows[i] = fill('<div%s><dt>%s</dt><dd>%s</dd></div>', type(value) == "table"
      and markup.raw ' class="long"' or "", name:gsub("_", " "), shown)
  end
  return fill('<dl class="settings">%s</dl>', markup.join(rows))
end

-- A command line, an option and its value together where it is too long for one line.
local function command_line(line)
  local parts = {}
  for part in (line:gsub(" %-%-", "\0--") .. "\0"):gmatch "(%Z*)%z" do
    parts[#parts + 1] = fill("<span>%s</span>", part)
  end
  return fill('<div class="command"><code id="command">%s</code></div>', markup.join(parts, " "))
end

local function head(report, running)
  local input, command = report.input, ""
  if report.command then
    command = command_line(words.command(report.command, report.settings,
      require("autogo.evolve").defaults))
  end
  return fill('<header><p class="kind">AutoGO search report%s</p><h1>%s</h1>'
    .. '<p class="lead">%s, %s, %s parameters</p>%s%s'
    .. "<details class=\"more\"><summary>Settings</summary>%s</details></header>\n",
    running and fill ' <span class="running">written while the search ran: more may follow</span>' or "",
    title_of(report), words.count(input.nodes, "node"), words.amount(input.flops, "FLOP"),
    words.amount(input.params),
    tiles(report), command, setting_rows(report.settings))
end

-- --- the front ------------------------------------------------------------------------------------

local function key_entry(sign, name)
  return fill('<li><svg viewBox="0 0 14 14" aria-hidden="true">%s</svg> %s</li>', markup.raw(sign), name)
end

local KEY = fill('<ul class="key">%s</ul>', markup.join {
  key_entry('<circle class="dot" cx="7" cy="7" r="5"/>', "on the front"),
  key_entry('<path class="beaten" d="M7 7h0"/>', "scored, beaten"),
  key_entry('<g class="origin"><path d="M2 2l10 10m0-10L2 12"/></g>', "input"),
})

local function charts(report)
  local measures, list = report.measures, {}
  if #measures == 2 then
    -- Twice, for broad and for narrow pages: text in a figure does not shrink well.
    return fill('<div class="wide">%s</div><div class="narrow">%s</div>',
      figures.front(report, measures[2], measures[1], { 1080, 440 }),
      figures.front(report, measures[2], measures[1], { 400, 340 }))
  end
  local count = math.min(#measures, MOST_PAIRED)
  for a = 1, count do
    for b = a + 1, count do
      list[#list + 1] = figures.front(report, measures[b], measures[a], { 420, 300 })
    end
  end
  return fill('<div class="multiples">%s</div>', markup.join(list))
end

local function introduction(report)
  for _, one in ipairs(report.members) do
    if #one.changes > 0 then
      return fill('<p class="note">Networks that no other beats in all respects. Choose one to see how it '
        .. "differs from the input.</p>")
    end
  end
  return fill('<p class="note">%s.</p>', tables.NOTHING_FOUND:gsub("^%l", string.upper))
end

-- One pair of sliders per measure; the script shows them.
local function filters(report)
  local list = {}
  for k, measure in ipairs(report.measures) do
    local low, high
    for _, one in ipairs(report.members) do
      local value = one.values[measure.key]
      if value then
        low, high = math.min(low or value, value), math.max(high or value, value)
      end
    end
    if low and high > low then
      list[#list + 1] = fill('<fieldset data-key="%s" data-low="%s" data-high="%s" data-unit="%s"%s>'
        .. '<legend>%s</legend><div class="range"><input type="range" min="0" max="200" value="0" '
        .. 'aria-label="least %s"><input type="range" min="0" max="200" value="200" aria-label="most %s">'
        .. "</div><output></output></fieldset>", k, ("%.17g"):format(low), ("%.17g"):format(high),
        measure.unit, k == 1 and markup.raw ' data-decimals="4"' or "", measure.name, measure.name,
        measure.name)
    end
  end
  return fill('<form class="filters" hidden aria-label="filter the front">%s<div class="shown">'
    .. '<output id="shown" aria-live="polite"></output> <button type="reset">show all</button></div></form>',
    markup.join(list))
end

-- --- the course -----------------------------------------------------------------------------------

-- Best value of a measure of all that was in the archive after each iteration, the input at 0.
local function best_so_far(report, measure)
  local input = report.input.values[measure.key]
  if not input or #report.scored == 0 then
    return nil
  end
  local best, values = input, { input }
  local by_generation = {}
  for _, one in ipairs(report.scored) do
    local value, held = one.values[measure.key], by_generation[one.generation]
    if value and (not held or (measure.sense == "max" and value > held)
        or (measure.sense ~= "max" and value < held)) then
      by_generation[one.generation] = value
    end
  end
  for generation = 1, #report.history do
    local value = by_generation[generation]
    if value then
      best = (measure.sense == "max" and math.max or math.min)(best, value)
    end
    values[generation + 1] = best
  end
  return values
end

local HISTORY = {
  { "iteration", "%d" }, { "seconds", "%.2f" }, { "children", "%d" }, { "valid", "%d" }, { "scored", "%d" },
  { "accepted", "%d" }, { "front", "%d" }, { "hypervolume", "%.6g" },
}

local function history_table(report)
  local head_cells, rows = {}, {}
  for i, column in ipairs(HISTORY) do
    head_cells[i] = fill('<th scope="col" class="num">%s</th>', column[1])
  end
  local step = math.ceil(#report.history / MOST_ITERATIONS)
  for k = #report.history, 1, -step do
    local row, cells = report.history[k], {}
    for i, column in ipairs(HISTORY) do
      local format = column[2] == "%d" and "%.0f" or column[2]
      cells[i] = fill('<td class="num">%s</td>', format:format(row[column[1]] or 0))
    end
    table.insert(rows, 1, fill("<tr>%s</tr>", markup.join(cells)))
  end
  return fill('<details class="more"><summary>%s in figures</summary><div class="scroll" tabindex="0" '
    .. 'role="region" aria-label="iterations"><table><thead><tr>%s</tr></thead><tbody>%s</tbody></table>'
    .. "</div></details>", step > 1 and ("Every %dth iteration"):format(step) or "Every iteration",
    markup.join(head_cells), markup.join(rows))
end

local function course(report)
  if #report.history == 0 then
    return ""
  end
  local list, volumes = {}, {}
  for i, row in ipairs(report.history) do
    volumes[i] = row.hypervolume or 0
  end
  list[1] = #volumes > 1 and figures.line("hypervolume", "", volumes, 1) or nil
  for k, measure in ipairs(report.measures) do
    local values = k <= MOST_PAIRED and best_so_far(report, measure)
    if values then
      list[#list + 1] = figures.line(("%s %s so far"):format(measure.sense == "max" and "highest" or "lowest",
        measure.name), measure.unit, values, 0)
    end
  end
  return section("course", "Over the iterations", fill('<div class="multiples">%s</div>', markup.join(list)),
    history_table(report))
end

local MIB = 2 ^ 20

-- One amount of two networks as a tile.
local function compared(name, before, after, unit)
  return tile(name, words.amount(after, unit), ("%s before, %s"):format(words.amount(before, unit),
    before == after and "the same" or words.change(after, before)))
end

--- Two networks side by side as one HTML file.
-- @tparam Graph parent
-- @tparam Graph child
-- @tparam table origin which node of the parent each of the child is, as of `autogo.match`
-- @tparam {string,string} names what the user calls them
-- @treturn string
function html.comparison(parent, child, origin, names)
  local title = ("%s and %s"):format(names[1], names[2])
  local difference, used = portrait.difference(parent, child, origin, sketch.memory())
  return html.frame(title .. " – AutoGO", markup.join {
    fill('<header><p class="kind">AutoGO comparison</p><h1>%s</h1><p class="lead">before: %s · after: %s</p>'
      .. '<dl class="tiles">%s</dl></header>\n<main>'
      .. '<section class="body" aria-label="what changed">%s</section></main>\n'
      .. "<footer>Written by AutoGO %s.</footer>", title, words.count(#parent, "node"),
      words.count(#child, "node"), markup.join {
        compared("FLOPs", parent.flops, child.flops), compared("parameters", parent.params, child.params),
        compared("memory at the peak", parent.peak_memory / MIB, child.peak_memory / MIB, "MiB"),
        compared("nodes", #parent, #child),
      }, difference, core.version),
    boxes.page(used), folds.network(parent),
  })
end

--- The report as one HTML file.
-- @tparam table report of `autogo.report.data`
-- @tparam[opt] table options `running`: the search was going on; `memory`: a table in which drawings are
-- kept from one call to the next
-- @treturn string
function html.page(report, options)
  local _ <close> = core.plain_numbers()
  options = options or {}
  local members = require "autogo.report.members"
  local pause = collectgarbage("setpause", PAUSE)
  local page = html.frame(title_of(report) .. " – AutoGO", markup.join {
    fill '<a class="skip" href="#members">to the networks</a>\n',
    head(report, options.running),
    fill "<main>\n",
    section("front", "The front", introduction(report), KEY, charts(report),
      fill '<p class="choice" id="choice" aria-live="polite" hidden></p>', filters(report)),
    members.table(report, section),
    course(report),
    members.list(report, section, options.memory or {}),
    fill "</main>\n",
    fill("<footer>Written by AutoGO %s. Scores are predictions, for comparison with each other; costs are "
      .. "computed from the graphs.</footer>\n", report.version),
    report.input.graph and folds.network(report.input.graph) or "",
  })
  collectgarbage("setpause", pause)
  return page
end

return html
