--- All cells of NAS-Bench-101, one of each class of isomorphic ones: in order, and at random. See
-- `autogo.families.nb101`.
-- @module autogo.families.nb101_space

local configurations = require "autogo.families.nb101_config"
local family = require "autogo.families.family"

local MAX_VERTICES, MAX_EDGES = configurations.MAX_VERTICES, configurations.MAX_EDGES
local OPS = configurations.OPS
local on_path, triangle = configurations.on_path, configurations.triangle

local space = {}

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

--- An iterator over all configurations.
function space.each()
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

--- A configuration at random: each of those that `each` gives is equally likely.
-- @tparam Random stream
function space.sample(stream)
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

return space
