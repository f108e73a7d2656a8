--- A search in words and figures: lineages, amounts, the command that repeats it.
-- @module autogo.report.words

local table_of = require "autogo.report.table"

local words = {}

--- A number with a prefix and a unit: "6.306 GFLOP"; "not measured" for nil.
function words.amount(value, unit)
  if type(value) ~= "number" then
    return "not measured"
  end
  return (((table_of.short(value)) .. (unit or "")):gsub("%s+$", ""))
end

--- An integer, its thousands apart: "28,666".
function words.integer(number)
  local digits = ("%.0f"):format(number)
  local head = digits:match "^-?%d%d?%d?"
  while (#digits - #head) % 3 ~= 0 do
    head = head:sub(1, -2)
  end
  return head .. digits:sub(#head + 1):gsub("%d%d%d", ",%0")
end

--- "1 node", "3 nodes".
function words.count(number, what)
  return ("%s %s%s"):format(words.integer(number), what, number == 1 and "" or "s")
end

--- A change relative to a reference with a true minus sign, "±0" where there is none.
function words.change(value, reference)
  if type(value) ~= "number" or type(reference) ~= "number" or reference == 0 then
    return ""
  elseif value == reference then
    return "±0 %"
  end
  return (("%+.1f %%"):format(100 * (value / reference - 1)):gsub("%-", "−"))
end

--- A predicted score, with a true minus sign.
function words.score(value)
  return (("%.4f"):format(value):gsub("%-", "−"))
end

--- A difference with its sign.
function words.difference(value)
  return (("%+.4f"):format(value):gsub("%-", "−"))
end

-- Ops with repetitions counted: "2 × conv, relu".
local function op_list(ops)
  local parts, k = {}, 1
  while k <= #ops do
    local last = k
    while ops[last + 1] == ops[k] do
      last = last + 1
    end
    parts[#parts + 1] = last > k and ("%d × %s"):format(last - k + 1, ops[k]) or tostring(ops[k])
    k = last + 1
  end
  return #parts > 0 and table.concat(parts, ", ") or "nothing"
end

--- One mutation as a sentence. Positions are those in the network that was changed.
-- @tparam table change of a member's `changes`
function words.mutation(change)
  local last = change.last - 1
  local where = last > change.first and ("nodes %d–%d"):format(change.first, last)
    or ("node %d"):format(change.first)
  local removed, added = op_list(change.removed), op_list(change.added)
  return ("iteration %d: %s (%s) gave way to %s"):format(change.generation, where, removed,
    added == removed and "others of the same ops" or added)
end

local function quote(argument)
  if argument:find "^[%w@%%+=:,./_-]+$" then
    return argument
  end
  return "'" .. argument:gsub("'", "'\\''") .. "'"
end

-- Settings that `autogo evolve` takes as options of their own, and their names there.
local OPTIONS = {
  "iterations", "parents", "sources", "replacements", "segments", "keep", "flops_min", "flops_max",
  "children", "caution",
}

--- The command line that repeats a search.
-- @tparam table command see `autogo.command`
-- @tparam table settings the record of the settings
-- @tparam table defaults of the search
function words.command(command, settings, defaults)
  local list = { "autogo", "evolve", command.model, "--seed", ("%d"):format(settings.seed) }
  local function add(name, value)
    list[#list + 1], list[#list + 2] = "--" .. name, tostring(value)
  end
  for _, name in ipairs(OPTIONS) do
    local value = settings[name]
    if type(value) == "number" and (value ~= defaults[name] or name == "iterations") then
      add(name:gsub("_", "-"), ("%.14g"):format(value))
    end
  end
  if settings.operations then
    list[#list + 1] = "--operations"
  end
  if settings.policy ~= defaults.policy then
    add("policy", settings.policy)
  end
  for _, name in ipairs(command.objective or {}) do
    add("objective", name)
  end
  if command.input then
    add("input", table.concat(command.input, "x"))
  end
  if command.ops then
    add("ops", table.concat(command.ops, ","))
  end
  for _, name in ipairs { "skip", "start", "stop", "weights", "mined", "preset" } do
    local value = command[name]
    for _, one in ipairs(type(value) == "table" and value or { value }) do
      add(name, one)
    end
  end
  for i, argument in ipairs(list) do
    list[i] = quote(argument)
  end
  return table.concat(list, " ")
end

return words
