--- What goes wrong in a user's script.
-- @module autogo.scripts

local scripts = {}

--- A line that says in which script what went wrong.
-- @tparam string path
-- @param raised what the script raised, or what Lua said of its text
-- @treturn string
function scripts.named(path, raised)
  local plain = type(raised) == "string" or getmetatable(raised) and getmetatable(raised).__tostring
  local text = plain and tostring(raised) or ("it raised a %s instead of a message"):format(type(raised))
  return text:find(path, 1, true) and text or ("%s: %s"):format(path, text)
end

return scripts
