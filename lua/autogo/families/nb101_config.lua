--- Configurations of NAS-Bench-101: matrices and ops, their strings, and what is wrong with them. See
-- `autogo.families.nb101`.
-- @module autogo.families.nb101_config

local family = require "autogo.families.family"
local shown = require("autogo.spelling").shown

local configurations = {}

-- The largest cells, and the ops of inner vertices.
configurations.MAX_VERTICES, configurations.MAX_EDGES = 7, 9
configurations.OPS = { "conv1x1-bn-relu", "conv3x3-bn-relu", "maxpool3x3" }

local MAX_VERTICES, MAX_EDGES = configurations.MAX_VERTICES, configurations.MAX_EDGES
local IS_OP = family.set(configurations.OPS)

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
      return nil, ("vertex %d: unknown op '%s'"):format(vertex - 1, shown(ops[vertex]))
    end
  end
  return true
end

--- Which vertices lie on a path from the input to the output.
function configurations.on_path(matrix)
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

--- The configuration without vertices off every path; nil if there is no path.
function configurations.prune(config)
  local on = configurations.on_path(config.matrix)
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

--- Whether a configuration is one of the space: true; or nil and a message.
function configurations.check(config)
  local good, why = check_ops(config.ops)
  if good then
    good, why = check_matrix(config.matrix, #config.ops)
  end
  if not good then
    return nil, why
  end
  local pruned = configurations.prune(config)
  if not pruned then
    return nil, "the cell has no path from its input to its output"
  elseif count_edges(pruned.matrix) > MAX_EDGES then
    return nil, ("at most %d edges expected, got %d"):format(MAX_EDGES, count_edges(pruned.matrix))
  end
  return true
end

--- A strictly upper triangular matrix with entries value(from, to).
function configurations.triangle(vertices, value)
  local matrix = {}
  for from = 1, vertices do
    matrix[from] = {}
    for to = 1, vertices do
      matrix[from][to] = to > from and value(from, to) or 0
    end
  end
  return matrix
end

--- A configuration from its string; or nil and a message.
function configurations.parse(text)
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
    matrix = configurations.triangle(#ops, function()
      position = position + 1
      return bits:byte(position) - 48
    end),
  }
end

--- The string of a configuration.
function configurations.format(config)
  local bits = {}
  for from, row in ipairs(config.matrix) do
    bits[from] = table.concat(row, "", from + 1)
  end
  return table.concat(bits) .. ":" .. table.concat(config.ops, ",", 2, #config.ops - 1)
end

return configurations
