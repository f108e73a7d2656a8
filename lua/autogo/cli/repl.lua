--- `autogo repl`: Lua line by line, with `ag` at hand.
-- @module autogo.cli.repl

local core = require "autogo.core"

local function shown(value, depth)
  if type(value) ~= "table" or getmetatable(value) and getmetatable(value).__tostring or depth > 2 then
    return type(value) == "string" and depth > 0 and ("%q"):format(value) or tostring(value)
  end
  local parts, keys = {}, {}
  for i, element in ipairs(value) do
    parts[i] = shown(element, depth + 1)
  end
  for key in pairs(value) do
    if math.type(key) ~= "integer" or key < 1 or key > #parts then
      keys[#keys + 1] = key
    end
  end
  table.sort(keys, function(a, b)
    return tostring(a) < tostring(b)
  end)
  for _, key in ipairs(keys) do
    parts[#parts + 1] = ("%s = %s"):format(tostring(key), shown(value[key], depth + 1))
  end
  return "{ " .. table.concat(parts, ", ") .. " }"
end

-- A chunk of the text: an expression if it is one. True as second result: more lines are wanted.
local function compile(text, environment)
  local chunk = load("return " .. text, "=repl", "t", environment)
  if chunk then
    return chunk
  end
  local why
  chunk, why = load(text, "=repl", "t", environment)
  return chunk, not chunk and why:find "<eof>$" ~= nil, why
end

local function evaluate(chunk)
  local results = table.pack(xpcall(chunk, function(message)
    return tostring(message)
  end))
  if not results[1] then
    io.stderr:write(results[2], "\n")
    return
  end
  for i = 2, results.n do
    results[i] = shown(results[i], 0)
  end
  if results.n > 1 then
    io.stdout:write(table.concat(results, "\t", 2, results.n), "\n")
  end
end

local function read(prompt)
  io.stdout:write(prompt)
  io.stdout:flush()
  return io.stdin:read "L"
end

local function loop(interactive)
  local environment = setmetatable({ ag = require "autogo" }, { __index = _G })
  local text = ""
  while true do
    local line = read(interactive and (text == "" and "> " or ">> ") or "")
    if not line then
      return text == ""
    end
    text = text .. line
    local chunk, unfinished, why = compile(text, environment)
    if chunk then
      evaluate(chunk)
    elseif not unfinished then
      io.stderr:write(why, "\n")
    end
    text = unfinished and text or ""
  end
end

return {
  name = "repl",
  about = "Try things out, line by line",
  usage = "",
  arguments = {},
  options = {},
  run = function()
    local interactive = core.isatty(0)
    if interactive then
      io.stdout:write("AutoGO ", core.version, ", Lua 5.4. `ag` is the module; Ctrl-D ends.\n")
    end
    local whole = loop(interactive)
    if interactive then
      io.stdout:write "\n"
    elseif not whole then
      return nil, "repl: the input ends in the middle of a statement"
    end
  end,
}
