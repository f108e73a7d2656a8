--- NAS-Bench-101: one cell, an arbitrary graph of up to 7 vertices and 9 edges, nine times.
--
-- A configuration is `{ matrix = {{0, 1, ...}, ...}, ops = {"input", ..., "output"} }` with a
-- strictly upper triangular matrix. Its string is the upper triangle in row-major order, a colon and
-- the ops of the inner vertices: `110101:maxpool3x3,conv3x3-bn-relu`.
--
-- Source: families.md section 4; Ying et al., "NAS-Bench-101", 2019.
-- @module autogo.families.nb101

local configurations = require "autogo.families.nb101_config"
local family = require "autogo.families.family"
local pieces = require "autogo.families.pieces"
local space = require "autogo.families.nb101_space"

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
  config = configurations.prune(config)
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

return family.define {
  name = "nb101",
  size = 423624,
  about = "NAS-Bench-101, one cell of up to 7 vertices: 423,624 networks",
  check = configurations.check,
  parse = configurations.parse,
  format = configurations.format,
  assemble = assemble,
  sample = space.sample,
  each = space.each,
}
