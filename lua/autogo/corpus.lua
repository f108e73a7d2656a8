--- Graphs to learn from: members of families, in an order that does not depend on who asks.
-- @module autogo.corpus

local families = require "autogo.families"
local random = require "autogo.random"

local corpus = {}

-- Distinct samples of a family, or all of its members where as many are asked for as there are.
local function configs(family, count, seed, key)
  if count >= (family.size or math.huge) then
    return family.each()
  end
  local seen, drawn, attempt = {}, 0, 0
  return function()
    while drawn < count do
      attempt = attempt + 1
      local config = family.sample(random.new(seed, key, attempt))
      local text = family.format(config)
      if not seen[text] then
        seen[text], drawn = true, drawn + 1
        return config
      end
    end
  end
end

--- Iterate over sampled members of families.
--
-- The order is that of `families.names`, whatever the order of the list, and what is drawn from one
-- family does not depend on the others.
-- @tparam table wanted list of { family = name, count = number }
-- @tparam[opt=1] integer seed
-- @tparam[opt] table options how to build them, as `family.build` takes them
-- @treturn function iterator of graphs in canonical order; or nil and a message
function corpus.each(wanted, seed, options)
  local counts = {}
  for _, entry in ipairs(wanted) do
    local family, why = families.get(entry.family)
    if not family then
      return nil, why
    elseif counts[entry.family] then
      return nil, ("family '%s' is given twice"):format(entry.family)
    end
    counts[entry.family] = entry.count
  end
  return coroutine.wrap(function()
    for key, name in ipairs(families.names) do
      for config in configs(families[name], counts[name] or 0, seed or 1, key) do
        coroutine.yield(assert(families[name].build(config, options)):canonical())
      end
    end
  end)
end

--- How many graphs `each` gives.
function corpus.size(wanted)
  local size = 0
  for _, entry in ipairs(wanted) do
    size = size + math.min(entry.count, families[entry.family].size or math.huge)
  end
  return size
end

return corpus
