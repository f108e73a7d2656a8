--- What all architecture families have in common.
--
-- A family turns a *configuration* (a plain table, in the form of JSON) into a computation graph.
-- It is defined by a few functions over configurations:
--
--    name       as in `FAMILY:CONFIG`
--    about      one line for listings
--    size       number of networks that `each` gives
--    check      config -> true, or nil and what is wrong with it
--    parse      standard string -> config, or nil and what is wrong with it
--    format     config -> standard string
--    assemble   (builder, input, config, options) -> node that feeds the output
--    sample     (stream) -> config, uniform over the family's sampling rule
--    each       () -> iterator over all configs; absent where their number is astronomic
--    class      config -> string, equal for networks that compute the same function but for the
--               order of additions; absent where isomorphism says all
--    left_out   standard string -> whether trainings on accuracies leave the network out; may be absent
--
-- Nodes are created in the order of families.md, so that a graph equals the published one node for
-- node.
-- @module autogo.families.family

local core = require "autogo.core"
local pieces = require "autogo.families.pieces"

local family = {}

local Family = {}
Family.__index = Family

Family.__tostring = function(self)
  return ("family %s: %s"):format(self.name, self.about)
end

--- A configuration from its standard string, checked.
-- @tparam string text
-- @treturn table config, or nil and a message
function Family:parse(text)
  if type(text) ~= "string" then
    error("config: a string expected, got " .. type(text), 2)
  end
  local config, why = self.definition.parse(text)
  if not config then
    return nil, ("%s: %s"):format(self.name, why)
  end
  return self:check(config)
end

--- A configuration, if it is one of this family's.
-- @tparam table config
-- @treturn table the same, or nil and a message
function Family:check(config)
  if type(config) ~= "table" then
    error("config: a table expected, got " .. type(config), 2)
  end
  local good, why = self.definition.check(config)
  if not good then
    return nil, ("%s: %s"):format(self.name, why)
  end
  return config
end

--- The standard string of a configuration.
-- @tparam table config
-- @treturn string
function Family:format(config)
  return self.definition.format(config)
end

--- The computation graph of a configuration.
-- @tparam string|table config standard string or table
-- @tparam[opt] table options the family's own
-- @treturn Graph, or nil and a message if the configuration is impossible
function Family:build(config, options)
  local why
  if type(config) == "string" then
    config, why = self:parse(config)
  else
    config, why = self:check(config)
  end
  if not config then
    return nil, why
  end
  local b = core.builder(self.name .. ":" .. self:format(config), self.name)
  b:normalisers(pieces.NORMALISERS)
  local x = b:input { 32, 32, 3 }
  b:output(self.definition.assemble(b, x, config, options or {}))
  return b:build()
end

--- A random configuration.
-- @tparam Stream stream see `autogo.random`
-- @treturn table config
function Family:sample(stream)
  return self.definition.sample(stream)
end

--- Iterate over all configurations.
-- @treturn function iterator of configs, or nil and a message where there are too many to ask for
function Family:each()
  if not self.definition.each then
    return nil, self.name .. ": too many configurations to iterate over; sample instead"
  end
  return self.definition.each()
end

--- What networks that compute the same function share, beyond isomorphism.
-- @tparam string|table config
-- @treturn string, or nil where the family knows nothing beyond isomorphism
function Family:class(config)
  local class = self.definition.class
  if class and type(config) == "string" then
    config = self:parse(config)
  end
  return class and config and class(config)
end

--- Whether the publication leaves this network out of trainings on measured accuracies.
-- @tparam string config standard string
-- @treturn boolean
function Family:leaves_out(config)
  local left_out = self.definition.left_out
  return left_out ~= nil and left_out(config)
end

-- Let `family.build(config)` do as well as `family:build(config)`: a family is one of a kind.
local function bound(self, method)
  return function(first, ...)
    if first == self then
      return method(self, ...)
    end
    return method(self, first, ...)
  end
end

--- Make a family of its definition.
-- @tparam table definition see above
-- @treturn Family
function family.define(definition)
  local self = { name = definition.name, about = definition.about, size = definition.size }
  self.definition = definition
  for name, method in pairs(Family) do
    if not name:find("^__") then
      self[name] = bound(self, method)
    end
  end
  return setmetatable(self, Family)
end

--- Iterate over all tuples of `length` choices from `alphabet`, the last position fastest.
-- @treturn function iterator of fresh lists
function family.tuples(alphabet, length)
  local total, index = math.tointeger((#alphabet) ^ length), 0
  return function()
    if index == total then
      return nil
    end
    local tuple, rest = {}, index
    for position = length, 1, -1 do
      tuple[position] = alphabet[1 + rest % #alphabet]
      rest = rest // #alphabet
    end
    index = index + 1
    return tuple
  end
end

--- The pieces of `text` between separators (one plain character).
function family.split(text, separator)
  local parts = {}
  for part in (text .. separator):gmatch("(.-)%" .. separator) do
    parts[#parts + 1] = part
  end
  return parts
end

--- A set with the elements of a list.
function family.set(list)
  local set = {}
  for _, element in ipairs(list) do
    set[element] = true
  end
  return set
end

--- The keys of a table, sorted.
function family.keys(map)
  local keys = {}
  for key in pairs(map) do
    keys[#keys + 1] = key
  end
  table.sort(keys)
  return keys
end

return family
