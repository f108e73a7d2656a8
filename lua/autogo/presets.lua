--- Named settings of a search, for `autogo evolve --preset` and `ag.evolve`.
--
-- The published settings are 10 iterations (5 for large networks, 50 with single nodes), 10 parents,
-- 10 sources of 1 to 3 contiguous segments, up to 100 replacements per source, half of the
-- multi-node tokens masked. FLOPs may rise by 10 % and fall freely; the other published band is
-- `flops_min = 0.8` (`--band 0.8:1.1`).
-- Source: algorithm.md section 4.
-- @module autogo.presets

-- The published settings, with some of them changed.
local function published(changes)
  local settings = {
    policy = "published", iterations = 10, parents = 10, sources = 10, replacements = 100,
    segments = 3, keep = 0.5, operations = false, flops_min = 0, flops_max = 1.1, ops = "input+",
  }
  for key, value in pairs(changes) do settings[key] = value end
  return settings
end

return {
  quick = { iterations = 2, parents = 5, sources = 5, replacements = 30 },
  ["published-cifar"] = published {},
  ["published-operations"] = published { iterations = 50, operations = true },
  -- No op that the network lacks: depthwise convolutions for a ResNet, batch norm for an EDSR.
  ["published-imagenet"] = published { iterations = 5, ops = "input" },
  ["published-sr"] = published { iterations = 5, ops = "input" },
}
