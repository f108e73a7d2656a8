--- The architecture families by name, and networks named `FAMILY:CONFIG`.
-- @module autogo.families

local json_file = require "autogo.json_file"
local shown = require("autogo.spelling").shown

local NAMES = { "nb101", "nb201", "hiaml", "inception", "two_path", "nb_macro" }

local families = {}
for _, name in ipairs(NAMES) do
  families[name] = require("autogo.families." .. name)
end

local registry = { names = NAMES }

--- The families' names, in their usual order.
-- @table names

--- A family by name.
-- @tparam string name
-- @treturn Family, or nil and a message
function registry.get(name)
  if not families[name] then
    return nil, ("unknown family '%s'; known are %s"):format(name, table.concat(NAMES, ", "))
  end
  return families[name]
end

-- A configuration file holds the configuration itself or an object with it under "config", as the
-- entries of family vectors do; options such as nb201's skip mode may stand beside it.
local function from_file(family, path, options)
  local config, why = json_file.read(path, "a configuration")
  if not config then
    return nil, why
  end
  if config.config then
    if config.family and config.family ~= family.name then
      return nil, ("%s: a configuration of %s, not %s"):format(path, shown(config.family), family.name)
    end
    if not (options and options.skip) then
      options = { skip = config.skip }
    end
    config = config.config
  end
  if type(config) ~= "table" and type(config) ~= "string" then
    return nil, ("%s: config: a table or a text expected, got a %s"):format(path, type(config))
  end
  local good, graph
  good, graph, why = pcall(family.build, config, options) -- raises for options, which the file may name
  if not (good and graph) then
    return nil, ("%s: %s"):format(path, good and why or graph)
  end
  return graph
end

--- Build the network that a name stands for.
-- @tparam string name `FAMILY:CONFIG` or `FAMILY:@file.json`
-- @tparam[opt] table options the family's own
-- @treturn Graph, or nil and a message
function registry.load(name, options)
  local prefix, config = name:match "^([%w_]+):(.*)$"
  if not prefix then
    return nil, ("FAMILY:CONFIG expected, got '%s'"):format(name)
  end
  local family, why = registry.get(prefix)
  if not family then
    return nil, why
  end
  if config:sub(1, 1) == "@" then
    return from_file(family, config:sub(2), options)
  end
  return family.build(config, options)
end

return setmetatable(registry, { __index = families })
