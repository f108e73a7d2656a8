--- What recipes share: their options, the folder they write to, CSV, means.
--
--    local recipe = require "autogo.recipe"
--    local values = recipe.options {
--      name = "table7_datasets", about = "...",
--      options = { { name = "seed", type = "integer", default = 1, help = "of the sampling" } },
--    }
--    recipe.csv(values.out .. "/table7.csv", { "family", "graphs" }, { { "nb101", 5000 }, ... })
--
-- Every recipe knows --out DIR (default: build/recipes/NAME) and --quick, a run small enough for a
-- test.
-- @module autogo.recipe

local core = require "autogo.core"
local options = require "autogo.cli.options"

local recipe = {}

local function stop(code, name, message)
  io.stderr:write("autogo: ", name, ": ", message, "\n")
  os.exit(code, true)
end

--- Read `arg`. Ends the program after --help and on wrong usage.
-- @tparam table verb `name`, `about`, and `options` as of `autogo.cli.options`
-- @treturn table values by name; the folder `out` exists
function recipe.options(verb)
  local known = {
    { name = "out", type = "string", value = "DIR", default = "build/recipes/" .. verb.name,
      help = "where the files go" },
    { name = "quick", type = "flag", help = "a small run, to see that it works" },
    table.unpack(verb.options or {}),
  }
  local full = { name = "run recipes/" .. verb.name .. ".lua", about = verb.about,
    usage = "[options]", arguments = {}, options = known }
  local values, why = options.parse(full, arg)
  if not values then
    stop(2, verb.name, why)
  elseif values.help then
    io.stdout:write(options.help(full))
    os.exit(0, true)
  end
  local good
  good, why = core.mkdir(values.out)
  if not good then
    stop(1, verb.name, why)
  end
  return values
end

local function process_id()
  local file <close> = assert(io.open "/proc/self/stat")
  return file:read "n"
end

--- A text as one word of a command line.
-- @tparam string text
-- @treturn string
function recipe.quoted(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

--- The tasks of one of several processes: the dearest first, each to the process with the least to do.
-- @tparam table tasks a list of { cost = number, ... }
-- @tparam integer jobs number of processes
-- @tparam integer job which of them, from 1
-- @treturn table its tasks
function recipe.share(tasks, jobs, job)
  local order, loads, mine = {}, {}, {}
  for i = 1, #tasks do order[i] = i end
  table.sort(order, function(a, b)
    local x, y = tasks[a].cost, tasks[b].cost
    return x > y or x == y and a < b
  end)
  for i = 1, jobs do loads[i] = 0 end
  for _, place in ipairs(order) do
    local least = 1
    for i = 2, jobs do
      least = loads[i] < loads[least] and i or least
    end
    loads[least] = loads[least] + tasks[place].cost
    if least == job then mine[#mine + 1] = tasks[place] end
  end
  return mine
end

--- Start this recipe again in a process of its own, by this program, whatever it is called.
-- @tparam string rest command line after the recipe's name
-- @treturn file what it prints
function recipe.again(rest)
  return assert(io.popen(("/proc/%d/exe run %s %s"):format(process_id(), recipe.quoted(arg[0]), rest)))
end

--- Mean and standard deviation of a sample, 0 where it has one value.
-- @tparam {number,...} sample
-- @treturn number mean
-- @treturn number deviation
function recipe.mean_and_deviation(sample)
  local sum, squares = 0, 0
  for _, value in ipairs(sample) do
    sum = sum + value
  end
  for _, value in ipairs(sample) do
    squares = squares + (value - sum / #sample) ^ 2
  end
  return sum / #sample, math.sqrt(squares / math.max(1, #sample - 1))
end

local function field(value)
  local text = math.type(value) == "float" and ("%.6g"):format(value) or tostring(value)
  return text:find '[",\n]' and '"' .. text:gsub('"', '""') .. '"' or text
end

local function line(row, count)
  local fields = {}
  for i = 1, count do
    fields[i] = row[i] == nil and "" or field(row[i])
  end
  return table.concat(fields, ",")
end

--- Write rows as CSV; what is nil stays empty.
-- @tparam string path
-- @tparam {string,...} header
-- @tparam {{...},...} rows
function recipe.csv(path, header, rows)
  local lines = { line(header, #header) }
  for _, row in ipairs(rows) do
    lines[#lines + 1] = line(row, #header)
  end
  assert(core.write_file(path, table.concat(lines, "\n") .. "\n"))
end

--- Print rows as a table: text to the left, numbers to the right.
function recipe.print(header, rows)
  local width, numeric = {}, {}
  for i, title in ipairs(header) do
    width[i], numeric[i] = #title, true
    for _, row in ipairs(rows) do
      width[i] = math.max(width[i], row[i] == nil and 0 or #field(row[i]))
      numeric[i] = numeric[i] and type(row[i]) ~= "string"
    end
  end
  local function put(row)
    for i = 1, #header do
      local text = row[i] == nil and "" or field(row[i])
      local pad = (" "):rep(width[i] - #text)
      io.stdout:write(i > 1 and "  " or "", numeric[i] and pad .. text or text .. pad)
    end
    io.stdout:write "\n"
  end
  put(header)
  for _, row in ipairs(rows) do
    put(row)
  end
end

return recipe
