--- Names that were probably meant.
-- @module autogo.spelling

local core = require "autogo.core"

local spelling = {}

-- Edit distance (insert, delete, replace, swap of neighbours).
local function distance(a, b)
  local rows = { [-1] = {}, [0] = {} }
  for j = 0, #b do
    rows[0][j] = j
  end
  for i = 1, #a do
    rows[i] = { [0] = i }
    for j = 1, #b do
      local same = a:byte(i) == b:byte(j)
      local best = math.min(rows[i - 1][j], rows[i][j - 1]) + 1
      best = math.min(best, rows[i - 1][j - 1] + (same and 0 or 1))
      if i > 1 and j > 1 and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j) then
        best = math.min(best, rows[i - 2][j - 2] + 1)
      end
      rows[i][j] = best
    end
  end
  return rows[#a][#b]
end

--- The name that was probably meant, as ", did you mean 'x'?"; or "".
-- @tparam string given
-- @tparam table names
-- @treturn string
function spelling.suggest(given, names)
  local nearest, least = nil, math.max(1, #given // 3) + 1
  for _, name in ipairs(names) do
    local d = #given < 64 and distance(given, name) or least
    if d < least then
      nearest, least = name, d
    end
  end
  return nearest and (", did you mean '%s'?"):format(nearest) or ""
end

--- A value that is not what was expected, for a message: a text or number as it is, "a table" for what has
-- nothing to show but its address.
-- @param value
-- @treturn string
function spelling.shown(value)
  if value == core.null then return "null" end
  local kind = type(value)
  local plain = kind == "string" or kind == "number" or kind == "boolean" or kind == "nil"
  return plain and tostring(value) or "a " .. kind
end

--- The first of a table's keys, by name, that is not among `known`, as text; nil where all are. Always the
-- same one, however the table came to be.
-- @tparam table given
-- @tparam table known set
function spelling.unknown(given, known)
  local first
  for key in pairs(given) do
    local name = tostring(key)
    if not known[key] and not (first and first <= name) then first = name end
  end
  return first
end

return spelling
