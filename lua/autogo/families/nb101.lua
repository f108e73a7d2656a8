--- NAS-Bench-101: one cell, an arbitrary graph of up to 7 vertices and 9 edges, nine times.
--
-- A configuration is `{ matrix = {{0, 1, ...}, ...}, ops = {"input", ..., "output"} }` with a
-- strictly upper triangular matrix. Its string is the upper triangle in row-major order, a colon and
-- the ops of the inner vertices: `110101:maxpool3x3,conv3x3-bn-relu`.
--
-- Source: families.md section 4; Ying et al., "NAS-Bench-101", 2019.
-- @module autogo.families.nb101

local family = require "autogo.families.family"
local pieces = require "autogo.families.pieces"

local MAX_VERTICES, MAX_EDGES = 7, 9
local OPS = { "conv1x1-bn-relu", "conv3x3-bn-relu", "maxpool3x3" }
local IS_OP = family.set(OPS)

-- --- configurations -----------------------------------------------------------------------------

local function check_matrix(matrix, vertices)
  if type(matrix) ~= "table" or #matrix ~= vertices then
    return nil, ("a matrix of %d rows expected, one for each op"):format(vertices)
  end
  for from = 1, vertices do
    if type(matrix[from]) ~= "table" or #matrix[from] ~= vertices then
      return nil, ("row %d of the matrix: %d entries expected"):format(from, vertices)
    end
    for to, value in ipairs(matrix[from]) do
      if value ~= 0 and (value ~= 1 or to <= from) then
        return nil, ("matrix entry (%d, %d): 0 expected, or 1 above the diagonal"):format(from, to)
      end
    end
  end
  return true
end

local function check_ops(ops)
  if type(ops) ~= "table" or #ops < 2 then
    return nil, "at least the ops 'input' and 'output' expected"
  elseif #ops > MAX_VERTICES then
    return nil, ("at most %d vertices expected, got %d"):format(MAX_VERTICES, #ops)
  elseif ops[1] ~= "input" or ops[#ops] ~= "output" then
    return nil, "the first op must be 'input', the last 'output'"
  end
  for vertex = 2, #ops - 1 do
    if not IS_OP[ops[vertex]] then
      return nil, ("vertex %d: unknown op '%s'"):format(vertex - 1, tostring(ops[vertex]))
    end
  end
  return true
end

-- Which vertices lie on a path from the input to the output.
local function on_path(matrix)
  local last = #matrix
  local reached, leads = { [1] = true }, { [last] = true }
  for from = 1, last do
    for to = from + 1, last do
      reached[to] = reached[to] or reached[from] and matrix[from][to] == 1
    end
  end
  for from = last - 1, 1, -1 do
    for to = from + 1, last do
      leads[from] = leads[from] or leads[to] and matrix[from][to] == 1
    end
  end
  local on = {}
  for vertex = 1, last do
    on[vertex] = reached[vertex] and leads[vertex] or false
  end
  return on
end

-- The configuration without vertices off every path; nil if there is no path.
local function prune(config)
  local on = on_path(config.matrix)
  if not on[1] then
    return nil
  end
  local pruned = { matrix = {}, ops = {} }
  for from, row in ipairs(config.matrix) do
    if on[from] then
      local kept = {}
      for to, value in ipairs(row) do
        if on[to] then
          kept[#kept + 1] = value
        end
      end
      table.insert(pruned.matrix, kept)
      table.insert(pruned.ops, config.ops[from])
    end
  end
  return pruned
end

local function count_edges(matrix)
  local edges = 0
  for _, row in ipairs(matrix) do
    for _, value in ipairs(row) do
      edges = edges + value
    end
  end
  return edges
end

local function check(config)
  local good, why = check_ops(config.ops)
  if good then
    good, why = check_matrix(config.matrix, #config.ops)
  end
  if not good then
    return nil, why
  end
  local pruned = prune(config)
  if not pruned then
    return nil, "the cell has no path from its input to its output"
  elseif count_edges(pruned.matrix) > MAX_EDGES then
    return nil, ("at most %d edges expected, got %d"):format(MAX_EDGES, count_edges(pruned.matrix))
  end
  return true
end

local function triangle(vertices, value)
  local matrix = {}
  for from = 1, vertices do
    matrix[from] = {}
    for to = 1, vertices do
      matrix[from][to] = to > from and value(from, to) or 0
    end
  end
  return matrix
end

local function parse(text)
  local bits, names = text:match "^([01]+):?([%w_,;%-]*)$"
  if not bits then
    return nil, "TRIANGLE:OP,OP,... expected, got '" .. text .. "'"
  end
  local ops = { "input" }
  for name in names:gmatch "[^,;]+" do
    if name ~= "input" and name ~= "output" then
      ops[#ops + 1] = name
    end
  end
  ops[#ops + 1] = "output"
  local entries = #ops * (#ops - 1) // 2
  if #bits ~= entries then
    return nil, ("%d bits expected for %d vertices, got %d"):format(entries, #ops, #bits)
  end
  local position = 0
  return {
    ops = ops,
    matrix = triangle(#ops, function()
      position = position + 1
      return bits:byte(position) - 48
    end),
  }
end

local function format(config)
  local bits = {}
  for from, row in ipairs(config.matrix) do
    bits[from] = table.concat(row, "", from + 1)
  end
  return table.concat(bits) .. ":" .. table.concat(config.ops, ",", 2, #config.ops - 1)
end

-- --- the network --------------------------------------------------------------------------------

-- Channels of the inner vertices: those wired to the output share its channels, the others take the
-- most that a successor wants (families.md 4.3).
local function vertex_channels(matrix, filters)
  local last, wired, channels = #matrix, 0, {}
  for vertex = 2, last - 1 do
    wired = wired + matrix[vertex][last]
  end
  local extra = wired > 0 and filters % wired or 0
  for vertex = 2, last - 1 do
    if matrix[vertex][last] == 1 then
      channels[vertex] = filters // wired + (extra > 0 and 1 or 0)
      extra = extra - 1
    end
  end
  for vertex = last - 1, 2, -1 do
    if not channels[vertex] then
      channels[vertex] = 0
      for to = vertex + 1, last - 1 do
        if matrix[vertex][to] == 1 then
          channels[vertex] = math.max(channels[vertex], channels[to])
        end
      end
    end
  end
  return channels
end

-- `channels` where a node reads only the first ones of a wider operand, else nil.
local function slice(b, operands, channels)
  for _, x in ipairs(operands) do
    if b:shape(x)[3] > channels then
      return channels
    end
  end
end

local function vertex(b, op, operands, channels)
  local x = operands[1]
  if #operands > 1 then
    x = b:node("add", operands, { channels = slice(b, operands, channels) })
  end
  local narrow = slice(b, { x }, channels)
  if op == "maxpool3x3" then
    return b:maxpool(x, { kernel = 3, stride = 1, channels = narrow })
  end
  local kernel = op == "conv1x1-bn-relu" and 1 or 3
  return b:relu(b:batchnorm(b:conv(x, { kernel = kernel, filters = channels, channels = narrow })))
end

local function cell(b, x, config, filters)
  local matrix, last = config.matrix, #config.matrix
  local channels = vertex_channels(matrix, filters)
  local made, ends = {}, {}
  for t = 2, last - 1 do
    local operands = {}
    for from = 2, t - 1 do
      if matrix[from][t] == 1 then
        operands[#operands + 1] = made[from]
      end
    end
    if matrix[1][t] == 1 then
      operands[#operands + 1] = pieces.conv_relu(b, x, 1, channels[t])
    end
    made[t] = vertex(b, config.ops[t], operands, channels[t])
    if matrix[t][last] == 1 then
      ends[#ends + 1] = made[t]
    end
  end
  local out = #ends > 1 and b:concat(table.unpack(ends)) or ends[1]
  if matrix[1][last] == 0 then
    return out
  end
  local projection = pieces.conv_relu(b, x, 1, filters)
  return out and b:add(out, projection) or projection
end

local function assemble(b, x, config)
  config = prune(config)
  x = pieces.conv_relu(b, x, 3, 128)
  for stack = 0, 2 do
    if stack > 0 then
      x = b:maxpool(x, { kernel = 2, stride = 2 })
    end
    for _ = 1, 3 do
      x = cell(b, x, config, 128 << stack)
    end
  end
  return pieces.head(b, x)
end

-- --- the space ----------------------------------------------------------------------------------

-- All orders of the inner vertices 2 .. last-1, as maps from new to old; ends stay where they are.
local function inner_orders(vertices)
  local orders = { { 1 } }
  for position = 2, vertices - 1 do
    local longer = {}
    for _, order in ipairs(orders) do
      local used = family.set(order)
      for old = 2, vertices - 1 do
        if not used[old] then
          local extended = table.move(order, 1, #order, 1, {})
          extended[position] = old
          longer[#longer + 1] = extended
        end
      end
    end
    orders = longer
  end
  for _, order in ipairs(orders) do
    order[vertices] = vertices
  end
  return orders
end

-- -1, 0, 1: the matrix renumbered by `order` is smaller, equal, larger; nil if not triangular.
local function compare_renumbered(matrix, order)
  local result = 0
  for from = 1, #matrix do
    local row, renumbered = matrix[from], matrix[order[from]]
    for to = 1, #matrix do
      local value = renumbered[order[to]]
      if value == 1 and to <= from then
        return nil
      elseif result == 0 and value ~= row[to] then
        result = value < row[to] and -1 or 1
      end
    end
  end
  return result
end

-- The orders that map the matrix to itself, if no order makes it smaller; else nil.
local function stabilizer(matrix, orders)
  local fixing = {}
  for _, order in ipairs(orders) do
    local compared = compare_renumbered(matrix, order)
    if compared == -1 then
      return nil
    elseif compared == 0 then
      fixing[#fixing + 1] = order
    end
  end
  return fixing
end

local function is_smallest(ops, orders)
  for _, order in ipairs(orders) do
    for position, op in ipairs(ops) do
      local other = ops[order[position]]
      if other ~= op then
        if other < op then
          return false
        end
        break
      end
    end
  end
  return true
end

local function is_whole(matrix)
  for _, on in ipairs(on_path(matrix)) do
    if not on then
      return false
    end
  end
  return true
end

-- Visit each matrix of whole cells with this many vertices; it is the same table every time.
local function visit_whole(vertices, visit)
  local matrix = triangle(vertices, function() return 0 end)
  local function choose_operands(to, edges)
    if to > vertices then
      return is_whole(matrix) and visit(matrix)
    end
    for bits = 1, (1 << to - 1) - 1 do
      local count = edges
      for from = 1, to - 1 do
        local bit = bits >> from - 1 & 1
        matrix[from][to], count = bit, count + bit
      end
      if count + vertices - to <= MAX_EDGES then -- one at least for each that follows
        choose_operands(to + 1, count)
      end
    end
  end
  choose_operands(2, 0)
end

local shapes_by_size = {}

-- The shapes of whole cells with this many vertices, one of each class of isomorphic ones: a matrix
-- and the orders that map it to itself. About 2,000 in all, made when first asked for.
local function shapes_of_size(vertices)
  local shapes = shapes_by_size[vertices]
  if not shapes then
    local orders = inner_orders(vertices)
    shapes = {}
    visit_whole(vertices, function(matrix)
      local fixing = stabilizer(matrix, orders)
      if fixing then
        local copy = triangle(vertices, function(from, to) return matrix[from][to] end)
        shapes[#shapes + 1] = { matrix = copy, fixing = fixing }
      end
    end)
    shapes_by_size[vertices] = shapes
  end
  return shapes
end

local function config_of(shape, inner)
  local ops = table.move(inner, 1, #inner, 2, { "input" })
  ops[#ops + 1] = "output"
  if not is_smallest(ops, shape.fixing) then
    return nil -- another one stands for it
  end
  local matrix = triangle(#ops, function(from, to) return shape.matrix[from][to] end)
  return { matrix = matrix, ops = ops }
end

local function each()
  return coroutine.wrap(function()
    for vertices = 2, MAX_VERTICES do
      for _, shape in ipairs(shapes_of_size(vertices)) do
        for inner in family.tuples(OPS, vertices - 2) do
          local config = config_of(shape, inner)
          if config then
            coroutine.yield(config)
          end
        end
      end
    end
  end)
end

-- How many ways there are to give the inner vertices ops.
local function fillings(vertices)
  return math.tointeger((#OPS) ^ (vertices - 2))
end

-- A shape, in proportion to its fillings.
local function sample_shape(stream)
  local total = 0
  for vertices = 2, MAX_VERTICES do
    total = total + #shapes_of_size(vertices) * fillings(vertices)
  end
  local ticket = stream:below(total)
  for vertices = 2, MAX_VERTICES do
    local shapes, each_one = shapes_of_size(vertices), fillings(vertices)
    if ticket < #shapes * each_one then
      return shapes[1 + ticket // each_one]
    end
    ticket = ticket - #shapes * each_one
  end
end

-- Each of the cells that `each` gives is equally likely.
local function sample(stream)
  local config
  repeat
    local shape, ops = sample_shape(stream), {}
    for i = 1, #shape.matrix - 2 do
      ops[i] = stream:choice(OPS)
    end
    config = config_of(shape, ops)
  until config
  return config
end

return family.define {
  name = "nb101",
  size = 423624,
  about = "NAS-Bench-101, one cell of up to 7 vertices: 423,624 networks",
  check = check,
  parse = parse,
  format = format,
  assemble = assemble,
  sample = sample,
  each = each,
}
