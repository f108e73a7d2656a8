-- Random cells of NB-201 as JSON.
--
--    cells.lua FOLDER COUNT     prints the paths
local ag = require "autogo"

local OPS = { "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3", "skip_connect" }
local stream = ag.random.new(1)

for i = 1, tonumber(arg[2]) do
  local config = "nb201:|%s~0|+|%s~0|%s~1|+|%s~0|%s~1|%s~2|"
  local ops = {}
  for edge = 1, 6 do
    ops[edge] = OPS[stream:below(#OPS) + 1]
  end
  local path = ("%s/cell%d.json"):format(arg[1], i)
  assert(ag.save(assert(ag.load(config:format(table.unpack(ops)))), path))
  print(path)
end
