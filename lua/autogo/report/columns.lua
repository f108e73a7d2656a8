--- Where a tall layered drawing is broken into columns: so that the page has about the asked shape,
-- columns are of like height and few nets pass from one to the next. Dynamic programming over rows.
-- @module autogo.report.columns

local columns = {}

-- Pixels of a row and of what lies between two columns, on average; widths are of the boxes.
local PITCH, GUTTER, BOX_GAP, NET_GAP = 31, 50, 18, 10
-- A drawing of fewer rows is not broken, and no column has fewer on average.
local LEAST_ROWS = 20
-- What a net across a break costs, in squared rows of uneven height.
local NET_COST = 20

-- Nets that pass below each row, summed over the problems, and the width of each row, the widest of them.
local function measure(problems, rows_of, count)
  local nets, widths = {}, {}
  for r = 1, count do
    nets[r], widths[r] = 0, 0
  end
  for p, problem in ipairs(problems) do
    local row, last, begun, boxes = rows_of[p], {}, {}, {}
    for r = 1, count + 1 do
      begun[r], boxes[r] = 0, 0
    end
    for _, edge in ipairs(problem.edges) do
      last[edge[1]] = math.max(last[edge[1]] or 0, row[edge[2]])
    end
    for i, width in ipairs(problem.widths) do
      local from, to = row[i], last[i] or row[i]
      boxes[from] = boxes[from] + width + BOX_GAP
      begun[from], begun[to] = begun[from] + 1, begun[to] - 1
    end
    local passing = 0
    for r = 1, count do
      passing = passing + begun[r]
      nets[r] = nets[r] + passing
      widths[r] = math.max(widths[r], boxes[r] + NET_GAP * passing)
    end
  end
  return nets, widths
end

-- What the problem itself asks for separating the nodes of two rows.
local function reluctance(problems, rows_of, count)
  local cost = {}
  for r = 1, count do
    cost[r] = 0
  end
  for p, problem in ipairs(problems) do
    local row = rows_of[p]
    for _, edge in ipairs(problem.reluctance and problem.edges or {}) do
      if row[edge[2]] == row[edge[1]] + 1 then
        local r = row[edge[1]]
        cost[r] = math.max(cost[r], problem.reluctance(edge[1], edge[2]))
      end
    end
  end
  return cost
end

-- As many columns as give the page its shape.
local function wanted(widths, count, aspect, drawings)
  if count <= 1.5 * LEAST_ROWS then
    return 1
  end
  local sorted = table.move(widths, 1, count, 1, {})
  table.sort(sorted)
  local width = (sorted[math.ceil(0.9 * count)] + GUTTER) * drawings
  local number = math.floor(math.sqrt(aspect * count * PITCH / width) + 0.5)
  return math.max(1, math.min(number, count // LEAST_ROWS))
end

--- The rows after which a column ends.
-- @tparam table problems (see `autogo.report.layers`), drawn side by side with common rows
-- @tparam table rows_of row of each node, per problem
-- @tparam integer count of rows
-- @tparam[opt=1.35] number aspect of the page, width to height
-- @treturn table set of rows
function columns.choose(problems, rows_of, count, aspect)
  local nets, widths = measure(problems, rows_of, count)
  local number = wanted(widths, count, aspect or 1.35, #problems)
  local reluctant = reluctance(problems, rows_of, count)
  local ideal = count / number
  -- best[k][r]: least cost of the first r rows in k columns; from[k][r]: the rows before the last one.
  local best, from = { [0] = { [0] = 0 } }, {}
  for k = 1, number do
    local before, own = best[k - 1], {}
    best[k], from[k] = own, {}
    for r = math.max(k, math.floor((k - 2) * ideal)), math.min(count, math.ceil((k + 2) * ideal)) do
      local cut, least = r < count and NET_COST * nets[r] + reluctant[r] or 0, math.huge
      for s = math.max(0, math.floor(r - 3 * ideal)), r - 1 do
        local cost, uneven = before[s], r - s - ideal
        local total = cost and cost + uneven * uneven + cut
        if total and total < least then
          least, own[r], from[k][r] = total, total, s
        end
      end
    end
  end
  local after, r = {}, count
  for k = number, 2, -1 do
    r = from[k][r]
    after[r] = true
  end
  return after
end

return columns
