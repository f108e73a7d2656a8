--- What goes wrong in a user's script.
-- @module autogo.scripts

local scripts = {}

--- What a script raised, as text; of what is no message its kind.
-- @param raised
-- @treturn string
function scripts.message(raised)
  local meta = getmetatable(raised)
  local plain = type(raised) == "string" or type(meta) == "table" and meta.__tostring
  return plain and tostring(raised) or ("a %s instead of a message"):format(type(raised))
end

--- A line that says in which script what went wrong.
-- @tparam string path
-- @param raised what the script raised, or what Lua said of its text
-- @treturn string
function scripts.named(path, raised)
  local text = scripts.message(raised)
  if type(raised) == "string" and raised:find(path, 1, true) then return text end
  return ("%s: %s%s"):format(path, type(raised) == "string" and "" or "it raised ", text)
end

return scripts
