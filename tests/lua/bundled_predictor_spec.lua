-- The bundled weights on what they were not trained on.

local support = require "tests.lua.support"
local ag = require "autogo"
local labels = require "autogo.labels"

local SPLIT = "lua/autogo/assets/predictor.split.csv"

-- parts[family][config] = "validation" or "test"
local function held_out()
  local parts = {}
  for line in io.lines(SPLIT) do
    local family, part, config = line:match "^([%w_]+),(%l+),(.*)$"
    if part ~= "part" then
      parts[family] = parts[family] or {}
      parts[family][config] = part
    end
  end
  return parts
end

-- What each family must reach: below it the weights, the tokenizer or the features have changed.
local WANTED = { nb201 = 0.985, nb_macro = 0.99, nb101 = 0.96 }

describe("the bundled predictor", function()
  local parts = held_out()
  local predictor, tokenizer = assert(ag.predictor()), assert(ag.tokenizer())

  for _, family in ipairs { "nb201", "nb_macro", "nb101" } do
    it("ranks the test part of " .. family, function()
      local table_path = "data/labels/" .. family .. ".csv"
      local there, why = support.read(table_path)
      if not there then
        return pending(why)
      end
      local samples = assert(labels.read(support.shared .. "/" .. table_path, family))
      local part_of, raw, measured, error_sum = {}, {}, {}, 0
      for _, sample in ipairs(samples) do
        local part, hash = parts[family][sample.config] or "training", sample.graph:hash()
        assert.equal(part, part_of[hash] or part) -- isomorphic networks are in one part
        part_of[hash] = part
        if part == "test" then
          raw[#raw + 1] = assert(predictor:score(sample.graph, tokenizer))
          measured[#measured + 1] = sample.target
          error_sum = error_sum + math.abs(predictor:label(family, raw[#raw]) - sample.target)
        end
      end
      assert.truthy(#raw > 0.08 * #samples and #raw < 0.12 * #samples)
      assert.truthy(ag.srcc(raw, measured) >= WANTED[family])
      assert.truthy(error_sum / #raw < 1) -- per cent of accuracy
    end)
  end
end)
