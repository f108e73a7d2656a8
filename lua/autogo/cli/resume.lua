--- Which journal `autogo evolve` writes: a new one, or that of a search to go on with.
-- @module autogo.cli.resume

local commands = require "autogo.command"
local core = require "autogo.core"
local journal = require "autogo.journal"

local resume = {}

-- Complete the values of the command line by those that the search was begun with. The journal
-- compares what comes of it with what it holds.
local function recall(values, found, settings)
  local command = found.head.command
  if type(command) ~= "table" then
    return nil, values.resume .. ": the search was not begun by this program"
  elseif not commands.is_one(command) then
    return nil, found.path .. ": line 1: its command is damaged"
  end
  values.out = values.resume
  values[1] = values[1] or command.model
  for _, names in ipairs { commands.TEXTS, commands.VALUES } do
    for _, name in ipairs(names) do
      if values[name] == nil then values[name] = command[name] end
    end
  end
  for _, name in ipairs(commands.LISTS) do
    if #values[name] == 0 then values[name] = command[name] or {} end
  end
  values.iterations = values.iterations or found.asked
  for _, option in ipairs(settings) do
    local key = option.name:gsub("-", "_")
    if values[key] == nil then values[key] = found.head.settings[key] end
  end
  return found
end

--- The journal for a command line, whose values are completed where it says --resume. Hours of work
-- are not overwritten: an unfinished search in --out is refused.
-- @tparam table values
-- @tparam table settings the options that are settings of a search
-- @treturn Journal, or nil and a message
function resume.journal(values, settings)
  if values.resume then
    local kind = core.exists(values.resume)
    if kind and kind ~= "directory" then
      return nil, values.resume .. ": a file; the folder of a search is wanted"
    elseif not core.exists(values.resume .. "/journal.jsonl") then
      return nil, ("%s: no search was begun here: there is no journal.jsonl (autogo evolve MODEL --out %s "
        .. "begins one)"):format(values.resume, values.resume)
    end
    local found, why = journal.resume(values.resume)
    if not found then return nil, why end
    return recall(values, found, settings)
  elseif journal.unfinished(values.out) then
    return nil, ("%s holds an unfinished search; autogo evolve --resume %s goes on with it"):format(
      values.out, values.out)
  end
  return journal.new(values.out, commands.of(values))
end

return resume
