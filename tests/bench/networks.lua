-- The networks that benchmarks run on, as JSON: the best of the five families, then the zoo.
--
--    networks.lua FOLDER     prints the paths
local ag = require "autogo"
local families = require "autogo.families.best"
local zoo = require "autogo.zoo"

local function export(name, graph)
  local path = ("%s/%s.json"):format(arg[1], name)
  assert(ag.save(graph, path))
  print(path)
end

for _, best in ipairs(families) do
  export(best.family, best.build())
end
for _, name in ipairs(zoo.names) do
  export(name, assert(zoo.build(name)))
end
