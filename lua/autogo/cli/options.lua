--- Options of the command line: one table per verb gives parsing, errors and help.
--
-- A verb's table:
--
--    { name, about, usage = "MODEL [options]",
--      arguments = { { name = "MODEL", help }, ... },   more of them than `required` are optional
--      required = 1, rest = false,                       rest: pass everything else on unread;
--                                                        required may be function(values) -> number
--      options = { { name, type, default, min, max, choices, value, many, help }, ... },
--      check = function(values) -> nil or a message      options that do not go together
--      defaults = function () -> table }                 defaults that live elsewhere, for the help
--
-- Types: flag, integer, number, string, choice, list (a,b,c; of `choices`, if any), integers (1,2,3),
-- shape (HxWxC), range (FIRST:LAST). Values appear under the option's name with _ for -.
-- @module autogo.cli.options

local spelling = require "autogo.spelling"
local tables = require "autogo.report.table"

local options = {}

-- --- values -------------------------------------------------------------------------------------

local function bounds(option)
  if option.min and option.max then
    return (" from %s to %s"):format(option.min, option.max)
  elseif option.min then
    return (" of at least %s"):format(option.min)
  end
  return ""
end

local function numeric(convert, what)
  return function(text, option)
    local value = convert(text)
    if not value or option.min and value < option.min or option.max and value > option.max then
      return nil, what .. bounds(option)
    end
    return value
  end
end

local function to_integer(text)
  return text:find "^[+-]?%d+$" and math.tointeger(tonumber(text))
end

local function to_number(text)
  local value = tonumber(text)
  return value and value == value and math.abs(value) < math.huge and value
end

local function to_list(text)
  local list = {}
  for part in (text .. ","):gmatch "(.-)," do
    if part == "" then
      return nil
    end
    list[#list + 1] = part
  end
  return list
end

local CONVERT = {
  integer = numeric(to_integer, "an integer"),
  number = numeric(to_number, "a number"),
  string = function(text)
    if text == "" then
      return nil, "a text"
    end
    return text
  end,
  choice = function(text, option)
    for _, choice in ipairs(option.choices) do
      if text == choice then
        return text
      end
    end
    return nil, "one of " .. table.concat(option.choices, ", ")
  end,
  list = function(text, option)
    local list, known = to_list(text), {}
    for _, choice in ipairs(option.choices or {}) do known[choice] = true end
    for _, part in ipairs(option.choices and list or {}) do
      if not known[part] then return nil, "a list of " .. table.concat(option.choices, ", ") end
    end
    return list, "a list like a,b,c"
  end,
  integers = function(text, option)
    local list = to_list(text) or { "" }
    for i, part in ipairs(list) do
      local value = to_integer(part)
      if not value or value < (option.min or value) then
        return nil, "integers" .. bounds(option) .. " like 1,2,3"
      end
      list[i] = value
    end
    return list
  end,
  shape = function(text)
    local shape = { text:match "^(%d+)x(%d+)x(%d+)$" }
    for i = 1, 3 do
      local size = to_integer(shape[i] or "")
      if not size or size < 1 or size > 1 << 20 then
        return nil, "a size like 224x224x3"
      end
      shape[i] = size
    end
    return shape
  end,
  range = function(text)
    local first, last = text:match "^(%d+):(%d+)$"
    first, last = to_integer(first or ""), to_integer(last or "")
    if not first or not last or first >= last then
      return nil, "FIRST:LAST with FIRST < LAST"
    end
    return { first, last }
  end,
}

-- What stands for a value of each type.
local VALUES = {
  integer = "N",
  number = "X",
  string = "TEXT",
  choice = "NAME",
  list = "A,B,...",
  integers = "N,N,...",
  shape = "HxWxC",
  range = "FIRST:LAST",
}

local HELP = { name = "help", type = "flag", help = "show this and end" }

local function find(verb, name)
  if name == "help" then
    return HELP
  end
  for _, option in ipairs(verb.options) do
    if option.name == name then
      return option
    end
  end
  local names = {}
  for i, option in ipairs(verb.options) do
    names[i] = "--" .. option.name
  end
  return nil, ("unknown option '--%s'%s"):format(name, spelling.suggest("--" .. name, names))
end

local function key(option)
  return (option.name:gsub("%-", "_"))
end

-- --- parsing ------------------------------------------------------------------------------------

local function defaults(verb)
  local values = {}
  for _, option in ipairs(verb.options) do
    values[key(option)] = option.default
    if option.many then
      values[key(option)] = {}
    end
  end
  return values
end

local function store(values, option, text)
  local value, expected = CONVERT[option.type](text, option)
  if value == nil then
    return nil, ("--%s: %s expected, got '%s'"):format(option.name, expected, text)
  end
  if option.many then
    table.insert(values[key(option)], value)
  else
    values[key(option)] = value
  end
  return true
end

-- Read the option at arguments[i]; returns how many arguments it took.
local function take_option(verb, values, arguments, i)
  local name, text = arguments[i]:match "^%-%-([^=]*)=?(.*)$"
  local inline = arguments[i]:find("=", 1, true) ~= nil
  if arguments[i] == "-h" then
    name, inline = "help", false
  end
  local option, why = find(verb, name)
  if not option then
    return nil, why
  end
  if option.type == "flag" then
    if inline then
      return nil, ("--%s takes no value"):format(name)
    end
    values[key(option)] = true
    return 1
  end
  if not inline then
    text = arguments[i + 1]
    if not text then
      return nil, ("--%s needs a value, %s"):format(name, option.value or VALUES[option.type])
    end
  end
  local good
  good, why = store(values, option, text)
  return good and (inline and 1 or 2), why
end

local function check_count(verb, values)
  if values.help then
    return values
  end
  local missing, required = verb.arguments[#values + 1], verb.required or #verb.arguments
  if type(required) == "function" then
    required = required(values)
  end
  if #values < required then
    return nil, ("%s is missing; usage: autogo %s %s"):format(missing.name, verb.name, verb.usage)
  elseif #values > #verb.arguments and not verb.rest then
    return nil, ("one argument too many: '%s'"):format(values[#verb.arguments + 1])
  end
  local why = verb.check and verb.check(values)
  return not why and values or nil, why
end

--- Read a verb's arguments.
-- @tparam table verb
-- @tparam table arguments list of strings
-- @treturn table values: positional ones at 1, 2, ..., options by name; or nil and a message
function options.parse(verb, arguments)
  local values, i, only_positional = defaults(verb), 1, false
  while i <= #arguments do
    local argument = arguments[i]
    if verb.rest and #values >= #verb.arguments then
      only_positional = true
    end
    if only_positional or argument == "-" or argument:sub(1, 1) ~= "-" then
      values[#values + 1] = argument
      i = i + 1
    elseif argument == "--" then
      only_positional, i = true, i + 1
    elseif argument ~= "-h" and argument:sub(1, 2) ~= "--" then
      return nil, ("unknown option '%s'; options begin with --"):format(argument)
    else
      local taken, why = take_option(verb, values, arguments, i)
      if not taken then
        return nil, why
      end
      i = i + taken
    end
  end
  return check_count(verb, values)
end

-- --- help ---------------------------------------------------------------------------------------

local function shown_default(option, defaults_elsewhere)
  local default = option.default
  if default == nil then
    default = defaults_elsewhere[key(option)]
  end
  if default == nil or default == false then
    return ""
  elseif type(default) == "table" then
    default = table.concat(default, ",")
  end
  return (" [%s]"):format(default)
end

--- What the help lists: arguments and options, with what they mean and their defaults.
-- @tparam table verb
-- @treturn {{string,string},...}
function options.rows(verb)
  local rows, elsewhere = {}, verb.defaults and verb.defaults() or {}
  for _, argument in ipairs(verb.arguments) do
    rows[#rows + 1] = { argument.name, argument.help }
  end
  for _, option in ipairs(verb.options) do
    local left = "--" .. option.name
    if option.type ~= "flag" then
      left = left .. " " .. (option.value or VALUES[option.type])
    end
    rows[#rows + 1] = { left, option.help .. shown_default(option, elsewhere) }
  end
  rows[#rows + 1] = { "--help", HELP.help }
  return rows
end

--- The help text of a verb.
-- @tparam table verb
-- @treturn string
function options.help(verb)
  local lines = { ("usage: autogo %s %s"):format(verb.name, verb.usage), "", verb.about .. ".", "" }
  local rows, width = options.rows(verb), 0
  for _, row in ipairs(rows) do
    width = math.max(width, #row[1])
  end
  for _, row in ipairs(rows) do
    for k, part in ipairs(tables.wrap(row[2], tables.BREADTH - width - 4)) do
      lines[#lines + 1] = ("  %-" .. width .. "s  %s"):format(k == 1 and row[1] or "", part)
    end
  end
  return table.concat(lines, "\n") .. "\n"
end

return options
