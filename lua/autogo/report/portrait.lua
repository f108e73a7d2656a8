--- What a network became, as a part of a page: where it differs, drawn side by side, and what that costs.
-- @module autogo.report.portrait

local aligned = require "autogo.report.aligned"
local boxes = require "autogo.report.boxes"
local costs = require "autogo.report.costs"
local folds = require "autogo.report.folds"
local hunks = require "autogo.report.hunks"
local markup = require "autogo.report.markup"
local sketch = require "autogo.report.sketch"
local words = require "autogo.report.words"
local fill = markup.fill

local portrait = {}

local function range(span)
  if not span then
    return nil
  elseif span[1] == span[2] then
    return ("node %d"):format(span[1])
  end
  return ("nodes %d–%d"):format(span[1], span[2])
end

local function place_in_words(place)
  local before, after = range(place.before), range(place.after)
  if before == after then
    return before or "everything"
  end
  return ("%s before, %s after"):format(before or "nothing", after or "nothing")
end

-- A hunk with its caption; alike places are named in it.
local function figure(hunk, number, total, memory, used)
  local where = place_in_words(hunk.places[1])
  local label = ("change %d of %d, %s, before and after"):format(number, total, where)
  local svg, why = sketch.hunk(hunk, label, memory, used)
  if not svg then
    return fill('<p class="note">Not drawn: %s.</p>', why)
  end
  local more = ""
  if #hunk.places > 1 then
    local others = {}
    for k = 2, #hunk.places do
      others[#others + 1] = place_in_words(hunk.places[k])
    end
    more = fill(' <span class="alike">and alike, but for shapes, at %s</span>',
      table.concat(others, "; "))
  end
  return fill('<figure class="hunk"><figcaption>%s%s</figcaption><div class="scroll" tabindex="0" '
    .. 'role="region" aria-label="drawing of change %s">%s</div></figure>', where, more, number,
    markup.raw(svg))
end

local LEGEND = { { "removed", "removed" }, { "added", "added" }, { "reshaped", "other shape" } }

local function legend(counts)
  local parts = {}
  for _, entry in ipairs(LEGEND) do
    if counts[entry[1]] > 0 then
      parts[#parts + 1] = fill('<li class="%s"><span class="sign">%s</span> %s (%s)</li>', entry[1],
        boxes.SIGNS[entry[1]], entry[2], counts[entry[1]])
    end
  end
  parts[#parts + 1] = fill('<li class="kept"><span class="sign">&nbsp;</span> unchanged (%s)</li>',
    counts.unchanged)
  return fill('<ul class="legend">%s</ul>', markup.join(parts))
end

--- The difference between two networks.
-- @tparam Graph parent
-- @tparam Graph child
-- @tparam table origin as of `autogo.report.aligned`
-- @tparam table memory of `autogo.report.sketch`: what drawings share
-- @treturn markup
-- @treturn table set of the boxes that it shows, for `boxes.page`
function portrait.difference(parent, child, origin, memory)
  local pair = aligned.pair(parent, child, origin)
  local list, drawings, used = hunks.list(pair), {}, {}
  for k, hunk in ipairs(list) do
    drawings[k] = figure(hunk, k, #list, memory, used)
  end
  if #list == 0 then
    return fill '<p class="note">No node differs.</p>', used
  end
  local profile = costs.profile(pair)
  return markup.join {
    fill('<div class="bar">%s<label class="toggle"><input type="checkbox" class="shapes"> shapes</label>'
      .. "</div>", legend(pair.counts)),
    fill('<div class="hunks" data-after="%s">%s</div>', folds.differences(pair, list), markup.join(drawings)),
    profile and fill('<figure class="cost"><figcaption>FLOPs along the network: before above the line, after '
      .. "below it</figcaption>%s</figure>", profile) or "",
    fill('<details class="costs"><summary>Cost per node, before and after (%s)</summary><div class="scroll" '
      .. 'tabindex="0" role="region" aria-label="cost per node">%s</div></details>',
      words.count(pair.counts.removed + pair.counts.added + pair.counts.reshaped, "node"),
      costs.table(pair, origin, { before = parent, after = child })),
  }, used
end

return portrait
