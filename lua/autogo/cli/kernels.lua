--- `autogo kernels`: what has to be measured for a table of latencies.
-- @module autogo.cli.kernels

local ag = require "autogo"
local kernels = require "autogo.hardware.kernels"
local model = require "autogo.cli.model"

local OPTIONS = {
  { name = "csv", type = "flag", help = "print a table to fill in, for --objective table:FILE.csv" },
  { name = "own", type = "flag", help = "only the kernels of MODEL itself" },
  { name = "iterations", type = "integer", min = 1, max = 10000, help = "of the search that is looked at" },
  { name = "seed", type = "integer", min = 0, help = "of its random choices" },
  {
    name = "ops", type = "list", value = "LIST|SET",
    help = "ops a replacement may have, as of autogo evolve",
  },
  { name = "dtype", type = "choice", choices = { "fp32", "fp16", "int8" }, default = "fp32",
    help = "type of the numbers" },
  { name = "threads", type = "integer", min = 1, max = 256, help = "worker threads [all processors]" },
  model.INPUT,
  model.SKIP,
}

-- The kernels of the file or model that the values name; or nil and a message.
local function find(values)
  if values[1]:find "%.agdb$" then
    local database, why = ag.database(values[1])
    if not database then return nil, why end
    return kernels.of_database(database, values.dtype)
  end
  local graph, why = model.load(values)
  if not graph then
    return nil, why
  elseif values.own then
    return kernels.of_graph(graph, values.dtype)
  end
  return kernels.of_search(graph, {
    iterations = values.iterations, seed = values.seed, ops = values.ops, threads = values.threads,
  }, values.dtype)
end

local function count_text(list)
  local counts, ops = {}, {}
  for _, kernel in ipairs(list) do
    if not counts[kernel.op] then ops[#ops + 1] = kernel.op end
    counts[kernel.op] = (counts[kernel.op] or 0) + 1
  end
  table.sort(ops)
  local lines = {}
  for i, op in ipairs(ops) do lines[i] = ("%6d  %s"):format(counts[op], op) end
  lines[#lines + 1] = ("%6d  in all; --csv lists them"):format(#list)
  return table.concat(lines, "\n") .. "\n"
end

return {
  name = "kernels",
  about = "List the kernels a search can meet, to be measured on a device",
  usage = "MODEL|DATABASE.agdb [--csv] [options]",
  arguments = { { name = "MODEL", help = model.ARGUMENT.help .. ", or a segment database (.agdb)" } },
  options = OPTIONS,
  defaults = function()
    return require("autogo.evolve").defaults
  end,
  run = function(values)
    local list, why = find(values)
    if not list then
      return nil, why
    end
    io.stdout:write(values.csv and kernels.csv(list) or count_text(list))
  end,
}
