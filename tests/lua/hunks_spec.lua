-- Hunks: what of two aligned graphs is drawn, and what is folded.

require "tests.lua.support"
local ag = require "autogo"
local aligned = require "autogo.report.aligned"
local hunks = require "autogo.report.hunks"

describe("hunks", function()
  it("draw every node that changed once, or an alike one in its place", function()
    for _, names in ipairs { { "resnet18", "resnet34" }, { "resnet50", "resnet18" }, { "edsr", "edsr" } } do
      local a, b = assert(ag.load(names[1])):canonical(), assert(ag.load(names[2])):canonical()
      local origin = require("autogo.match").nodes(a, b)
      local pair = aligned.pair(a, b, origin)
      local drawn = 0
      for _, hunk in ipairs(hunks.list(pair)) do
        for _, side in ipairs { "before", "after" } do
          for i in pairs(hunk[side].mark) do
            drawn = drawn + (hunk[side].mark[i] ~= "reshaped" and #hunk.places or 0)
          end
          for _, edge in ipairs(hunk[side].edges) do
            assert.truthy(hunk[side].row[edge[1]] < hunk[side].row[edge[2]])
          end
        end
      end
      local total = pair.counts.removed + pair.counts.added
      assert.equal(total, drawn)
    end
  end)

  it("count what they fold", function()
    local a, b = assert(ag.load "resnet18"):canonical(), assert(ag.load "resnet34"):canonical()
    local list = hunks.list(aligned.pair(a, b, require("autogo.match").nodes(a, b)))
    local sizes = { before = #a, after = #b }
    for side, size in pairs(sizes) do
      local sum = 0
      for k, hunk in ipairs(list) do
        assert.equal(1, #hunk.places)
        for i, node in ipairs(hunk[side].nodes) do
          -- A fold between two hunks is in both: it counts in the lower one.
          local counts = not node.elided or i == 1 or k == #list
          sum = sum + (counts and (node.elided or 1) or 0)
        end
      end
      assert.equal(size, sum)
    end
  end)
end)
