--- The command line that began a search, as its journal keeps it: what `autogo evolve --resume` and the
-- report need beside the settings of the search.
--
--    { model = NAME, objective = {NAME,...}, weights = {FILE,...}, input = {H, W, C}, skip, start, stop,
--      mined, preset, write = {KIND,...}, ops = {NAME,...} }
--
-- @module autogo.command

local core = require "autogo.core"

local command = {}

--- Options that may be repeated.
command.LISTS = { "objective", "weights" }

--- Those that are one text.
command.TEXTS = { "skip", "start", "stop", "mined", "preset" }

--- Those that are lists of their own.
command.VALUES = { "input", "write" }

--- The command of the values of a command line.
function command.of(values)
  local made = { model = values[1], ops = values.ops }
  for _, name in ipairs(command.LISTS) do made[name] = setmetatable(values[name], core.array) end
  for _, names in ipairs { command.TEXTS, command.VALUES } do
    for _, name in ipairs(names) do made[name] = values[name] end
  end
  return made
end

local function is_list(list, kind)
  for _, one in ipairs(type(list) == "table" and list or {}) do
    if type(one) ~= kind and math.type(one) ~= kind then return false end
  end
  return type(list) == "table"
end

--- Whether something read from a file is such a command.
function command.is_one(made)
  if type(made) ~= "table" or type(made.model) ~= "string" then return false end
  for _, name in ipairs(command.TEXTS) do
    if made[name] ~= nil and type(made[name]) ~= "string" then return false end
  end
  for _, name in ipairs { "objective", "weights", "write", "ops" } do
    if made[name] ~= nil and not is_list(made[name], "string") then return false end
  end
  return made.input == nil or is_list(made.input, "integer") and #made.input == 3
end

return command
