-- The binding of predictor, training and metrics.

local support = require "tests.lua.support"
local core = require "autogo.core"
local expect = require "tests.lua.expect"
local raises, fails, network = expect.raises, expect.fails, expect.network

local function temporary() return expect.temporary(finally) end

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

describe("train", function()
  local graphs, samples, valid = {}, {}, {}
  for i = 1, 24 do
    local g = network(1 + i % 4, 4 + 4 * (i % 5)):canonical()
    graphs[i] = g
    local list = i % 4 == 0 and valid or samples
    list[#list + 1] = { graph = g, target = math.log(g.flops) }
  end
  local tokenizer = assert(core.train_tokenizer(graphs, { vocab = 40 }))
  local function options(more)
    local o = { samples = samples, valid = valid, tokenizer = tokenizer, epochs = 3, batch = 4, splits = 2 }
    for name, value in pairs(more or {}) do
      o[name] = value
    end
    return o
  end

  it("makes a predictor and tells how it goes", function()
    local path, epochs = temporary(), 0
    local p = assert(core.train(options {
      progress = function(t)
        epochs = epochs + 1
        assert.equal(epochs, t.epoch)
        assert.equal(3, t.epochs)
        assert.is_number(t.loss)
        assert.is_number(t.samples_per_second)
        collectgarbage()
      end,
    }))
    assert.equal(3, epochs)
    assert.equal("psc", p.model)
    local value = assert(p:score(graphs[1], tokenizer))
    assert.is_number(p:label("test", value))
    assert.is_true(p:save(path))
    assert.equal(value, assert(core.load_predictor(path)):score(graphs[1], tokenizer))
  end)

  it("stops when asked, and raises what the callback raised", function()
    local p, why = core.train(options {
      progress = function()
        return false
      end,
    })
    assert.truthy(p)
    assert.equal("interrupted", why)
    raises("on purpose", core.train, options {
      progress = function()
        error "on purpose"
      end,
    })
  end)

  it("does not mind what the callback does to its arguments", function()
    local own = {}
    for i, s in ipairs(samples) do
      own[i] = { graph = s.graph:canonical(), target = s.target }
    end
    assert(core.train(options {
      samples = own,
      progress = function()
        for i = #own, 1, -1 do
          own[i] = nil
        end
        collectgarbage()
      end,
    }))
  end)

  it("raises on misuse", function()
    raises("'tokenizer' autogo.Tokenizer", core.train, { samples = samples })
    raises("'samples' [1] graph", core.train, options { samples = { {} } })
    raises("'samples' [1] target", core.train, options { samples = { { graph = graphs[1] } } })
    for _, target in ipairs { 1 / 0, -1 / 0, 0 / 0 } do
      raises("'samples' [1] target finite", core.train,
        options { samples = { { graph = graphs[1], target = target } } })
    end
    raises("'epochs' got 0", core.train, options { epochs = 0 })
    raises("unknown option 'epoch'", core.train, options { epoch = 1 })
    raises("'progress' function", core.train, options { progress = 1 })
    for _, caution in ipairs { 1 / 0, 0 / 0 } do
      raises("finite", core.classes.Predictor.caution, require "autogo".predictor(), caution)
    end
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
