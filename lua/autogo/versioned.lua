--- JSON files that say what they are: { format = WORD, version = NUMBER, ... }.
-- @module autogo.versioned

local core = require "autogo.core"
local shown = require("autogo.spelling").shown

local versioned = {}

--- Read one.
-- @tparam string path
-- @tparam table kind { format, version, what it is called, advice: what to do about a wrong one }
-- @treturn[1] table
-- @treturn[1] string its text
-- @treturn[2] nil
-- @treturn[2] string why it cannot be read, or is another
function versioned.read(path, kind)
  local text, why = core.read_file(path)
  if not text then return nil, why end
  local file = core.json_decode(text)
  if type(file) ~= "table" or file.format ~= kind.format then
    return nil, ("%s: this is no %s; %s"):format(path, kind.what, kind.advice)
  elseif file.version ~= kind.version then
    return nil, ("%s: a %s of version %s, but %d is what this program reads; %s"):format(path, kind.what,
      shown(file.version), kind.version, kind.advice)
  end
  return file, text
end

--- Write one, so that readers see the old file or the new one.
-- @tparam string path
-- @tparam table kind { format, version }
-- @tparam table fields
-- @treturn boolean, or nil and a message
function versioned.write(path, kind, fields)
  local file = { format = kind.format, version = kind.version }
  for name, value in pairs(fields) do file[name] = value end
  return core.write_file(path, core.json_encode(file) .. "\n")
end

return versioned
