-- Files of all kinds into a folder: a graph in every format, a search, weights of a training that was
-- stopped and resumed. Run by same_files.sh with a folder and, for a host that has one, a locale.
local folder, locale = arg[1], arg[2]
if locale then assert(os.setlocale(locale) and tostring(0.5) == "0,5") end

local ag = require "autogo"
local core = require "autogo.core"

assert(core.mkdir(folder .. "/front"))
local graph = assert(ag.load "mobilenet_v2")
for _, name in ipairs { "a.json", "a.onnx", "a.py", "a.keras.py", "a.svg", "a.dot" } do
  assert(graph:save(folder .. "/" .. name))
end
assert(ag.load(folder .. "/a.json"):hash() == graph:hash() and ag.load(folder .. "/a.onnx"))

local energy = ag.objective.per_node {
  name = "energy",
  eval = function(n) return n.macs * 0.8 + n.bytes / 3 end,
}
local front = assert(ag.evolve(ag.load "resnet18", {
  objectives = { energy }, iterations = 2, sources = 3, replacements = 20, seed = 7,
}))
for _, row in ipairs(front.history) do row.seconds = 0 end
assert(require("autogo.output").write(front, folder .. "/front",
  { "json", "onnx", "pytorch", "keras", "svg", "dot" }))

local family, stream, lines = ag.family.nb_macro, ag.random.new(4), { "arch,v" }
for i = 1, 60 do
  lines[i + 1] = family:format(family:sample(stream)) .. "," .. ({ "0.25", "1.5", "2.125" })[i % 3 + 1]
end
local data, checkpoint = folder .. "/labels.csv", folder .. "/checkpoint"
assert(core.write_file(data, table.concat(lines, "\n") .. "\n"))
local function fit(more)
  local options = { data = data, family = "nb_macro", column = "v", model = "gnn", threads = 1, epochs = 3 }
  for key, value in pairs(more) do options[key] = value end
  return assert(ag.train(options))
end
fit { checkpoint = checkpoint, every = 1, progress = function(row) return row.epoch < 2 end }
assert(fit { resume = checkpoint }:save(folder .. "/weights.safetensors"))
