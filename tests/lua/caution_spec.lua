-- Searches under an ensemble: every score is mean - caution * spread of its members.

require "tests.lua.support"
local ag = require "autogo"
local core = require "autogo.core"
local expect = require "tests.lua.expect"
local journal = require "autogo.journal"
local network, raises = expect.network, expect.raises

local model, tokenizer = network(3, 16), ag.tokenizer()
local samples = {}
for i = 1, 8 do samples[i] = { graph = network(i, 8 * (1 + i % 2)):canonical(), target = i % 5 } end

-- Members of an ensemble that were trained apart, as files.
local paths = {}
for seed = 1, 3 do
  paths[seed] = os.tmpname()
  local member = assert(core.train {
    samples = samples, valid = samples, tokenizer = tokenizer, epochs = 2, batch = 4, splits = 2,
    seed = seed,
  })
  assert(member:save(paths[seed]))
end
local members = {}
for i, path in ipairs(paths) do members[i] = assert(ag.predictor(path)) end
teardown(function()
  for _, path in ipairs(paths) do os.remove(path) end
end)

local function settings(more)
  local options = {
    iterations = 3, parents = 4, sources = 4, replacements = 10, finalists = 8, threads = 1,
    predictor = assert(ag.predictor(paths)),
  }
  for key, value in pairs(more or {}) do options[key] = value end
  return options
end

-- Mean and deviation of what the members say by themselves.
local function moments(graph)
  local sum, squares, n = 0, 0, #members
  for _, member in ipairs(members) do sum = sum + assert(member:score(graph, tokenizer)) end
  for _, member in ipairs(members) do
    squares = squares + (member:score(graph, tokenizer) - sum / n) ^ 2
  end
  return sum / n, (squares / n) ^ 0.5
end

local function numbers(front)
  local list = {}
  for i, one in ipairs(front) do
    list[i] = ("%s %.17g %.17g"):format(one.graph:hash(), one.score, one.spread)
  end
  return table.concat(list, "\n")
end

describe("caution", function()
  it("makes every score mean - caution * spread", function()
    for _, caution in ipairs { 0, 0.5, 2 } do
      local front = assert(ag.evolve(model, settings { caution = caution }))
      assert.truthy(#front > 1)
      for _, one in ipairs { front.input, table.unpack(front) } do
        local mean, spread = moments(one.graph)
        assert.near(spread, one.spread, 1e-9)
        assert.near(mean - caution * spread, one.score, 1e-9)
      end
    end
  end)

  it("holds at the mutation, too", function()
    local cautious = assert(ag.predictor(paths))
    cautious:caution(1.5)
    local space = ag.space { predictor = cautious, threads = 1 }
    local alone, parent = {}, model:canonical()
    local options = { sources = 4, replacements = 10, generation = 1 }
    local batch = space:mutate({ parent }, options)
    for i = 1, #batch do
      local child, graph, sum, squares = batch:child(i), assert(batch:graph(i)), 0, 0
      for k, member in ipairs(members) do
        alone[k] = assert(member:predict(graph, child.first, child.first + #child.added))
        sum = sum + alone[k]
      end
      for k in ipairs(members) do squares = squares + (alone[k] - sum / #members) ^ 2 end
      assert.near(sum / #members - 1.5 * (squares / #members) ^ 0.5, child.predicted, 1e-4)
    end
    assert.truthy(#batch > 10)
  end)

  it("is part of what decides a search, and of its journal", function()
    local folder = os.tmpname()
    os.remove(folder)
    assert(core.mkdir(folder))
    local whole = assert(ag.evolve(model, settings { caution = 1 }))
    assert(ag.evolve(model, settings { caution = 1, iterations = 2, journal = journal.new(folder) }))
    local _, why = ag.evolve(model, settings { caution = 2, journal = assert(journal.resume(folder)) })
    assert.truthy(why:find("the search was begun with caution 1", 1, true), why)
    local again = ag.evolve(model, settings { caution = 1, journal = assert(journal.resume(folder)) })
    assert.equal(numbers(whole), numbers(again))
    assert.not_equal(numbers(whole), numbers(ag.evolve(model, settings { caution = 0 })))
    for _, name in ipairs { "journal.jsonl", "visited.bin" } do os.remove(folder .. "/" .. name) end
    os.remove(folder)
  end)

  it("comes with the predictor, if nothing else is said", function()
    paths.caution = 1
    local front = assert(ag.evolve(model, settings()))
    paths.caution = nil
    assert.equal(1, front.settings.caution)
    assert.equal(numbers(assert(ag.evolve(model, settings { caution = 1 }))), numbers(front))
    assert.truthy(tostring(front):find("mean - 1 * spread", 1, true))
  end)

  it("needs more than one predictor, and a number", function()
    raises("caution: the predictor is a single one; an ensemble is needed, of several weights files",
      ag.evolve, model, settings { predictor = members[1], caution = 1 })
    raises("caution: a finite number expected, got lots", ag.evolve, model, settings { caution = "lots" })
    local front = assert(ag.evolve(model, settings { predictor = members[1] }))
    assert.is_nil(front.settings.caution)
    assert.is_nil(front[1].spread)
  end)
end)
