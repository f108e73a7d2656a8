-- Latency by a program of your own: a simulator, a script that talks to a board, ...
--
--     LATENCY_PROGRAM=./my_simulator autogo evolve MODEL --objective recipes/objectives/external_program.lua
--
-- Batch: the program is called once for up to 16 networks, with their ONNX files as arguments, and prints
-- one line per network: milliseconds, or anything else for "could not be measured". It should give up by
-- itself when the device hangs: a call of another program cannot be ended from here except by Ctrl-C. With
-- LATENCY_CACHE=FILE.json in the environment, results are kept.
local ag = require "autogo"

local PROGRAM = os.getenv "LATENCY_PROGRAM"
  or error("set LATENCY_PROGRAM to a program that prints milliseconds for each ONNX file it is given", 0)

local function quoted(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

local function run(paths)
  local words = { PROGRAM }
  for i, path in ipairs(paths) do words[i + 1] = quoted(path) end
  local pipe = assert(io.popen(table.concat(words, " ")))
  local values, i = {}, 0
  for line in pipe:lines() do
    i = i + 1
    values[i] = tonumber(line) -- nil for what is no number
  end
  local good, _, code = pipe:close()
  if not good then error(("%s ended with %s"):format(PROGRAM, code), 0) end
  return values
end

return ag.objective.batch {
  name = "external_latency",
  unit = "ms",
  size = 16,
  cache = os.getenv "LATENCY_CACHE",
  eval = function(graphs)
    local paths = {}
    for i, graph in ipairs(graphs) do
      local name = os.tmpname()
      os.remove(name)
      paths[i] = name .. ".onnx"
      assert(graph:save_onnx(paths[i], { seed = 1 }))
    end
    local good, result = pcall(run, paths)
    for _, path in ipairs(paths) do os.remove(path) end
    return good and result or error(result, 0)
  end,
}
