--- Files of JSON that hold a table.
-- @module autogo.json_file

local core = require "autogo.core"

local json_file = {}

--- Read one.
-- @tparam string path
-- @tparam string expected what it should hold, for the message: "a configuration"
-- @treturn[1] table
-- @treturn[1] string its text
-- @treturn[2] nil
-- @treturn[2] string why, with the path
function json_file.read(path, expected)
  local text, why = core.read_file(path)
  if not text then return nil, why end
  local content
  content, why = core.json_decode(text)
  if type(content) ~= "table" then
    return nil, ("%s: %s"):format(path, why or expected .. " expected")
  end
  return content, text
end

return json_file
