--- What each node costs before and after a change: a profile along the network, and a table of what
-- changed.
-- @module autogo.report.costs

local boxes = require "autogo.report.boxes"
local markup = require "autogo.report.markup"
local number = require("autogo.report.routes").number
local text = require "autogo.report.text"
local words = require "autogo.report.words"
local fill = markup.fill

local costs = {}

local WIDTH, HALF = 720, 46
-- More rows are no table for people.
local MOST_ROWS = 120

-- --- the profile ----------------------------------------------------------------------------------

-- Costs of one side by row and by what happened: sums[mark or "kept"][row]; and the greatest sum of a row.
local function sums_of(scene, highest)
  local sums, totals = {}, {}
  for i, node in ipairs(scene.nodes) do
    local row, mark = scene.row[i], scene.mark[i] or "kept"
    local own, flops, total = sums[mark], node.flops, (totals[row] or 0) + node.flops
    if not own then
      own = {}
      sums[mark] = own
    end
    own[row], totals[row] = (own[row] or 0) + flops, total
    if total > highest then
      highest = total
    end
  end
  return sums, highest
end

-- Bars of one side, upwards from the middle (sign -1) or downwards, as strokes; those of a row stand on
-- each other.
local function bars(sums, rows, highest, sign)
  local step, base, parts = WIDTH / rows, {}, {}
  for _, mark in ipairs { "kept", "reshaped", "removed", "added" } do
    local path, own = {}, sums[mark]
    for row = 1, own and rows or 0 do
      local length = (own[row] or 0) / highest * HALF
      if length >= 0.05 then
        path[#path + 1] = ("M%s %sv%s"):format(number((row - 0.55) * step),
          number(HALF + sign * (base[row] or 0)), number(sign * length))
        base[row] = (base[row] or 0) + length
      end
    end
    if #path > 0 then
      parts[#parts + 1] = ('<path class="%s" d="%s"/>'):format(mark, table.concat(path))
    end
  end
  return table.concat(parts)
end

--- Cost along the network as bars, before above the line and after below it.
-- @tparam table pair of `autogo.report.aligned`
-- @treturn markup; nil where nothing costs anything
function costs.profile(pair)
  local before, after, highest
  before, highest = sums_of(pair.before, 0)
  after, highest = sums_of(pair.after, highest)
  if highest == 0 then
    return nil
  end
  return markup.raw(('<svg class="profile" viewBox="0 0 %d %d" preserveAspectRatio="none" role="img" '
    .. 'aria-label="FLOPs along the network, before above the line, after below it" stroke-width="%s">%s%s'
    .. '<path class="zero" d="M0 %dH%d"/></svg>'):format(WIDTH, 2 * HALF, number(0.9 * WIDTH / pair.rows),
    bars(before, pair.rows, highest, -1), bars(after, pair.rows, highest, 1), HALF, WIDTH))
end

-- --- the table ------------------------------------------------------------------------------------

local function amount(value)
  return value == 0 and "0" or words.amount(value)
end

local function cell(value)
  return fill('<td class="num">%s</td>', value and amount(value) or "")
end

-- One side of the amounts of a row.
local function amounts(node)
  return node and amount(node.flops) or "", node and amount(node.params) or ""
end

-- The style sheet aligns the cells: a page has thousands.
local function write_row(mark, before, after)
  local node = after or before
  local flops_before, params_before = amounts(before)
  local flops_after, params_after = amounts(after)
  return markup.raw(('<tr class="%s"><td><span class="sign" aria-label="%s">%s</span></td><td>%s</td><td>%s'
    .. "</td><td>%s</td><td>%s</td><td>%s</td><td>%s</td><td>%s</td><td>%s</td></tr>"):format(mark, mark,
    boxes.SIGNS[mark], before and before.position or "", after and after.position or "",
    text.escape(text.node(node)), text.shape(node.h_out, node.w_out, node.c_out), flops_before, flops_after,
    params_before, params_after))
end

-- Rows of what was removed, by node of the parent: the networks of a front have one.
local removed_rows = setmetatable({}, { __mode = "k" })

local function table_row(mark, before, after)
  if mark ~= "removed" then
    return write_row(mark, before, after)
  end
  removed_rows[before] = removed_rows[before] or write_row(mark, before)
  return removed_rows[before]
end

local ORDER = { removed = 1, reshaped = 2, added = 2 }

-- As a diff of text has it: of each stretch of rows that changed, what went and then what came.
local function sort_as_diff(list)
  table.sort(list, function(p, q)
    if p.at ~= q.at then
      return p.at < q.at
    end
    return p.order < q.order
  end)
  local stretch = 0
  for k, entry in ipairs(list) do
    if k == 1 or entry.at > list[k - 1].at + 1 then
      stretch = stretch + 1
    end
    entry.stretch = stretch
  end
  table.sort(list, function(p, q)
    if p.stretch ~= q.stretch then
      return p.stretch < q.stretch
    elseif ORDER[p[1]] ~= ORDER[q[1]] then
      return ORDER[p[1]] < ORDER[q[1]]
    end
    return p.order < q.order
  end)
  return list
end

-- Rows of the table: { mark, before, after, at }.
local function changed_rows(pair, origin)
  local list = {}
  for i, node in ipairs(pair.before.nodes) do
    if pair.before.mark[i] == "removed" then
      list[#list + 1] = { "removed", node, nil, at = pair.before.row[i] }
    end
  end
  for i, node in ipairs(pair.after.nodes) do
    local mark = pair.after.mark[i]
    if mark then
      list[#list + 1] = { mark, mark == "reshaped" and pair.before.nodes[origin[i]] or nil, node,
        at = pair.after.row[i] }
    end
  end
  for k, entry in ipairs(list) do
    entry.order = k
  end
  return sort_as_diff(list)
end

-- Sums of what is not in the table.
local function kept_sums(pair)
  local count, flops, params = 0, 0, 0
  for i, node in ipairs(pair.after.nodes) do
    if not pair.after.mark[i] then
      count, flops, params = count + 1, flops + node.flops, params + node.params
    end
  end
  return count, flops, params
end

local HEAD = markup.raw('<thead><tr><th scope="col" rowspan="2"><span class="unseen">what</span></th>'
  .. '<th scope="colgroup" colspan="2">node</th><th scope="col" rowspan="2">op</th>'
  .. '<th scope="col" rowspan="2" class="num">output</th><th scope="colgroup" colspan="2">FLOPs</th>'
  .. '<th scope="colgroup" colspan="2">parameters</th></tr><tr>'
  .. ('<th scope="col" class="num">before</th><th scope="col" class="num">after</th>'):rep(3)
  .. "</tr></thead>")

--- The nodes that changed and what they cost, what did not change in one line, the totals.
-- @tparam table pair of `autogo.report.aligned`
-- @tparam table origin as there
-- @tparam table totals { before = { flops, params }, after = ... }
-- @treturn markup
function costs.table(pair, origin, totals)
  local rows, list = {}, changed_rows(pair, origin)
  for k = 1, math.min(#list, MOST_ROWS) do
    rows[k] = table_row(table.unpack(list[k], 1, 3))
  end
  if #list > MOST_ROWS then
    rows[#rows + 1] = fill('<tr><td></td><td colspan="8">and %s more</td></tr>',
      words.count(#list - MOST_ROWS, "node"))
  end
  local count, flops, params = kept_sums(pair)
  rows[#rows + 1] = fill('<tr class="kept"><td></td><td colspan="4">%s unchanged</td>%s%s%s%s</tr>',
    words.count(count, "node"), cell(flops), cell(flops), cell(params), cell(params))
  return fill('<table>%s<tbody>%s</tbody><tfoot><tr><td></td><th scope="row" colspan="4">in all</th>%s%s%s%s'
    .. "</tr></tfoot></table>", HEAD, markup.join(rows), cell(totals.before.flops), cell(totals.after.flops),
    cell(totals.before.params), cell(totals.after.params))
end

return costs
