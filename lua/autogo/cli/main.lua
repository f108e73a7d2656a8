--- The command line: `autogo VERB ...`, one file of this directory per verb.
--
-- A verb's module is its option table (see `autogo.cli.options`) with a function
-- `run(values)` -> nothing or an exit code; or nil (or an exit code) and a message.
-- Exit codes: 0 done, 1 failed, 2 wrong usage; every failure is one line on standard error.
-- @module autogo.cli.main

local core = require "autogo.core"
local options = require "autogo.cli.options"
local spelling = require "autogo.spelling"
local tables = require "autogo.report.table"

local VERBS = require "autogo.cli.verbs"

-- What else may stand in the place of a verb.
local OTHERS = { "help", "--help", "--version" }

local FAILED, MISUSED = 1, 2

local function complain(message)
  io.stderr:write("autogo: ", (tostring(message):gsub("%s*[\n\r]%s*", " ")), "\n")
end

local function overview()
  local lines = { "usage: autogo VERB ... (autogo help VERB says more)", "" }
  for _, name in ipairs(VERBS) do
    local verb = require("autogo.cli." .. name)
    for k, part in ipairs(tables.wrap(verb.about, tables.BREADTH - 13)) do
      lines[#lines + 1] = ("  %-10s %s"):format(k == 1 and name or "", part)
    end
  end
  lines[#lines + 1] = ""
  lines[#lines + 1] = "MODEL is a file (.onnx, .pb, .json), a network of the zoo (resnet50) or of a"
  lines[#lines + 1] = "family (hiaml:z,z,l20,src1, nb201:@cell.json). First: autogo evolve resnet50"
  return table.concat(lines, "\n") .. "\n"
end

local function find_verb(name)
  for _, known in ipairs(VERBS) do
    if known == name then
      return require("autogo.cli." .. name)
    end
  end
  local words = table.move(OTHERS, 1, #OTHERS, #VERBS + 1, { table.unpack(VERBS) })
  local meant = spelling.suggest(name, words)
  return nil, ("unknown verb '%s'%s"):format(name, meant ~= "" and meant or "; autogo help lists them")
end

local function run_verb(verb, arguments)
  local values, why = options.parse(verb, arguments)
  if not values then
    complain(("%s: %s"):format(verb.name, why))
    return MISUSED
  elseif values.help then
    io.stdout:write(options.help(verb))
    return 0
  end
  local code, message = verb.run(values)
  if message then
    complain(message)
    return code or FAILED
  end
  return code or 0
end

-- `autogo help VERB`
local function help(name)
  local verb, why = find_verb(name)
  if not verb then
    complain(why)
    return MISUSED
  end
  io.stdout:write(options.help(verb))
  return 0
end

--- Run the command line.
-- @tparam table arguments list of strings
-- @treturn integer exit code
return function(arguments)
  local name = arguments[1]
  if not name then
    complain "a verb is missing; autogo --help lists them"
    return MISUSED
  elseif name == "help" and arguments[2] then
    return help(arguments[2])
  elseif name == "--help" or name == "-h" or name == "help" then
    io.stdout:write(overview())
    return 0
  elseif name == "--version" then
    io.stdout:write("autogo ", core.version, "\n")
    return 0
  end
  local verb, why = find_verb(name)
  if not verb then
    complain(why)
    return MISUSED
  end
  return run_verb(verb, table.move(arguments, 2, #arguments, 1, {}))
end
