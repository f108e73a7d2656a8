--- The zoo: stand-alone networks by name.
--
--    for _, name in ipairs(zoo.names) do print(name, zoo.about(name)) end
--    local graph = zoo.build("resnet50", { input = { 160, 160, 3 } })
--
-- An entry is { about, family, input = {H, W, C}, normalisers = {H, W, C},
-- assemble = function(builder, input) -> node that feeds the output }.
-- @module autogo.zoo

local core = require "autogo.core"

local MODULES = { "resnet", "vgg", "edsr", "fsrcnn", "unet", "mobilenet_v2", "densenet" }

local zoo = { names = {} }
local entries = {}

--- All names, sorted.
-- @table names

for _, module in ipairs(MODULES) do
  for name, entry in pairs(require("autogo.zoo." .. module)) do
    entries[name] = entry
    zoo.names[#zoo.names + 1] = name
  end
end
table.sort(zoo.names)

--- Whether the zoo has a network of that name.
function zoo.has(name)
  return entries[name] ~= nil
end

--- One line about a network.
function zoo.about(name)
  return entries[name] and entries[name].about
end

--- Build a network.
-- @tparam string name
-- @tparam[opt] table options `input` = {H, W, C} instead of the network's usual size
-- @treturn Graph, or nil and a message
function zoo.build(name, options)
  local entry = entries[name]
  if not entry then
    return nil, ("unknown network '%s'; known are %s"):format(
      tostring(name),
      table.concat(zoo.names, ", ")
    )
  end
  local b = core.builder(name, entry.family)
  b:normalisers(entry.normalisers)
  local x = b:input(options and options.input or entry.input)
  -- Only an input of another size can fail to fit, at some node on the way.
  local good, why = pcall(function()
    b:output(entry.assemble(b, x))
  end)
  if not good then
    return nil, ("%s: %s"):format(name, (tostring(why):gsub("^.-%.lua:%d+: ", "")))
  end
  return b:build()
end

return zoo
