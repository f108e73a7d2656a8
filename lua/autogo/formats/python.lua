--- Python text as a person would lay it out: names, literals, lines that are not too long.
-- @module autogo.formats.python

local clean = require("autogo.report.text").clean

local python = {}

python.WIDTH = 99

local KEYWORDS = {}
for word in ([[False None True and as assert async await break class continue def del elif else except
  finally for from global if import in is lambda nonlocal not or pass raise return try while with yield
  x y self torch nn F layers keras json math os]]):gmatch "%w+" do
  KEYWORDS[word] = true
end

--- The first line of a module's documentation: what network it is. The name may hold anything; the source
-- must be UTF-8, and the text within its quotes.
-- @tparam Graph graph
-- @treturn string
function python.title(graph)
  local name = graph.name ~= "" and clean(graph.name):gsub('[%c"\\]', " ") or "A network"
  return ("%s: %d nodes, %.4g GFLOPs, %d parameters."):format(name, graph.size, graph.flops / 1e9,
    graph.params)
end

--- A text as an identifier; "" where nothing of it is left.
-- @tparam string text
-- @treturn string
function python.identifier(text)
  local name = text:gsub("[^%w_]+", "_"):gsub("^_+", ""):gsub("_+$", "")
  if name:find "^%d" then name = "n" .. name end
  return KEYWORDS[name] and name .. "_" or name
end

--- A text in CamelCase.
function python.camel(text)
  return (python.identifier(text):gsub("_*(%w)(%w*)", function(first, rest)
    return first:upper() .. rest
  end))
end

--- Names that are given once. `taken`: set of names not to be given.
-- @treturn function (name) -> name, with a number where it was given before
function python.scope(taken)
  local used = {}
  for name in pairs(taken or {}) do used[name] = true end
  return function(name)
    local unique, n = name, 1
    while used[unique] do
      n = n + 1
      unique = ("%s_%d"):format(name, n)
    end
    used[unique] = true
    return unique
  end
end

local function number(value)
  if math.type(value) == "integer" then return tostring(value) end
  if value ~= value then return 'float("nan")' end
  if value == math.huge then return 'float("inf")' end
  if value == -math.huge then return '-float("inf")' end
  for digits = 6, 17 do -- the shortest that is the same float32, as all values here are
    local text = ("%." .. digits .. "g"):format(value)
    if string.pack("f", tonumber(text)) == string.pack("f", value) then
      return text:find "[.en]" and text or text .. ".0"
    end
  end
end

local function escaped(character)
  if character == "\n" then return "\\n" end
  return character:find "%c" and ("\\x%02x"):format(character:byte()) or "\\" .. character
end

--- A literal: boolean, number, text, or list of them as a tuple.
function python.literal(value)
  if type(value) == "boolean" then return value and "True" or "False" end
  if type(value) == "number" then return number(value) end
  if type(value) == "string" then return '"' .. clean(value):gsub('[%c"\\]', escaped) .. '"' end
  local items = {}
  for i, item in ipairs(value) do items[i] = python.literal(item) end
  return "(" .. table.concat(items, ", ") .. (#items == 1 and ",)" or ")")
end

--- A pair as one number where both are equal.
function python.pair(values)
  return values[1] == values[2] and values[1] or { values[1], values[2] }
end

-- The parts of a text between commas that stand in no bracket and no quotes.
local function split(text)
  local parts, depth, quote, start = {}, 0, nil, 1
  for i = 1, #text do
    local c = text:sub(i, i)
    if quote then
      if c == quote and text:sub(i - 1, i - 1) ~= "\\" then quote = nil end
    elseif c == '"' or c == "'" then
      quote = c
    elseif c:find "[%(%[{]" then
      depth = depth + 1
    elseif c:find "[%)%]}]" then
      depth = depth - 1
    elseif c == "," and depth == 0 then
      parts[#parts + 1] = text:sub(start, i - 1)
      start = i + 1
    end
  end
  parts[#parts + 1] = text:sub(start)
  for i, part in ipairs(parts) do parts[i] = part:match "^%s*(.-)%s*$" end
  if parts[#parts] == "" then parts[#parts] = nil end
  return parts
end

-- Position of the bracket that the last character of the line closes.
local function opening(line)
  local depth = 0
  for i = #line, 1, -1 do
    local c = line:sub(i, i)
    if c:find "[%)%]}]" then depth = depth + 1 end
    if c:find "[%(%[{]" then depth = depth - 1 end
    if depth == 0 then return i end
  end
end

--- A statement as one line, or as several where it is too long and ends in a bracket.
-- @tparam string line with its indentation
-- @treturn string
function python.wrap(line)
  local open = #line > python.WIDTH and line:find "[%)%]}]:?$" and opening(line:gsub(":$", ""))
  if not open then return line end
  local tail = line:match ":$" or ""
  local body, indent = line:sub(open + 1, #line - 1 - #tail), line:match "^ *"
  local lines, current, parts = { line:sub(1, open) }, nil, split(body)
  if #parts == 1 then
    lines[2] = python.wrap(indent .. "    " .. parts[1])
  else
    for _, part in ipairs(parts) do
      if current and #indent + 4 + #current + 2 + #part + 1 <= python.WIDTH then
        current = current .. ", " .. part
      else
        if current then lines[#lines + 1] = python.wrap(indent .. "    " .. current) .. "," end
        current = part
      end
    end
    lines[#lines + 1] = python.wrap(indent .. "    " .. current)
    lines[#lines] = lines[#lines] .. ","
  end
  lines[#lines + 1] = indent .. line:sub(#line - #tail, #line)
  return table.concat(lines, "\n")
end

--- A call: the name and its arguments, those nil left out.
-- @tparam string name
-- @tparam {string,...} arguments
function python.call(name, arguments)
  return ("%s(%s)"):format(name, table.concat(arguments, ", "))
end

return python
