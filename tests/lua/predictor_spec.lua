-- The binding of predictor and metrics.

local support = require "tests.lua.support"
local core = require "autogo.core"
local expect = require "tests.lua.expect"
local raises, fails = expect.raises, expect.fails

local function temporary()
  local path = os.tmpname()
  finally(function()
    os.remove(path)
  end)
  return path
end

describe("Predictor", function()
  it(
    "of the published weights gives the golden numbers",
    support.with(support.json, "data/predictor/golden.json", function(golden)
      local graphs = {}
      for _, model in ipairs { "psc", "gnn" } do
        local path = ("%s/data/predictor/published_%s.safetensors"):format(support.shared, model)
        local p = assert(core.load_predictor(path))
        assert.equal(model, p.model)
        for _, case in ipairs(golden[model]) do
          local file = ("%s/data/cg/%s.json"):format(support.shared, case.graph)
          graphs[file] = graphs[file] or assert(core.load_graph(file))
          local value = assert(p:predict(graphs[file], case.first, case.last))
          assert.truthy(math.abs(value - case.prediction) < 1e-4)
        end
      end
    end)
  )

  it("fails on files that are not weights", function()
    local path = temporary()
    assert(core.write_file(path, "no weights"))
    fails(path, core.load_predictor(path))
    fails("/dev/null/x", core.load_predictor "/dev/null/x")
  end)
end)

describe("metrics", function()
  it("are what their formulas say", function()
    assert.equal(1, core.srcc({ 1, 2, 3 }, { 10, 20, 25 }))
    assert.equal(-1, core.srcc({ 1, 2, 3 }, { 3, 2, 1 }))
    assert.truthy(math.abs(core.srcc({ 1, 2, 3, 4 }, { 1, 3, 2, 4 }) - 0.8) < 1e-12)
    assert.truthy(math.abs(core.kendall({ 1, 2, 3, 4 }, { 1, 3, 2, 4 }) - 2 / 3) < 1e-12)
    assert.equal(1.5, core.mae({ 1, 2 }, { 2, 4 }))
    raises("as many numbers", core.srcc, { 1, 2 }, { 1 })
    raises("number expected at [2] got string", core.mae, { 1, "2" }, { 1, 2 })
    raises("got none", core.mae, {}, {})
  end)
end)
