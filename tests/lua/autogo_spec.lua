-- The front door: what ag.load and ag.evolve take, and what they say of anything else.

local support = require "tests.lua.support"
local ag = require "autogo"
local core = require "autogo.core"
local expect = require "tests.lua.expect"
local raises, fails = expect.raises, expect.fails

describe("ag.load", function()
  it("passes no option over", function()
    local cell = "nb201:|none~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|"
    assert.same({ 64, 32, 3 }, ag.load("resnet18", { input = { 64, 32, 3 } }):input())
    assert.same({ 32, 32, 3 }, ag.load(cell, { input = { 32, 32, 3 } }):input())
    fails("its input is 32x32x3, not 64x64x3", ag.load(cell, { input = { 64, 64, 3 } }))
    assert.truthy(ag.load(cell, { skip = "direct" }))
    fails("resnet18 only nb201", ag.load("resnet18", { skip = "direct" }))
    raises("unknown option 'inptu'", ag.load, "resnet18", { inptu = {} })
    raises("options table", ag.load, "resnet18", 3)
    raises("model string", ag.load)
  end)
end)

describe("ag.evolve", function()
  local graph = assert(ag.load "resnet18")

  local function evolve(options)
    options.iterations, options.sources, options.replacements = options.iterations or 2, 4, 20
    return ag.evolve(graph, options)
  end

  it("names the option that makes no sense", function()
    raises("model nil", ag.evolve)
    raises("options number", ag.evolve, graph, 3)
    raises("unknown option 'iteratoins'", evolve, { iteratoins = 1 })
    raises("objectives list", evolve, { objectives = 3 })
    raises("objectives at 1, got flops", evolve, { objectives = { "flops" } })
    raises("ops: unknown op 'frob'", evolve, { ops = { "conv", "frob" } })
    fails("resnet51", ag.evolve "resnet51")
  end)

  it("knows FLOPs apart from an objective of that name", function()
    local macs = ag.objective.per_node { name = "flops", eval = function(n) return n.macs end }
    local front = assert(evolve { objectives = { macs } })
    assert.truthy(front[1].score > front.input.score)
    local document = require("autogo.output").document(front)
    assert.equal(graph.flops, document.input.flops)
    for _, member in ipairs(document.members) do
      assert.truthy(member.flops > member.objectives.flops)
    end
  end)

  it("keeps constraints on what is no objective", function()
    local params = ag.objective.load "params"
    local free = assert(evolve { objectives = { params } })
    local most = 0.95 * graph.flops
    local front = assert(evolve {
      objectives = { params }, constraints = { ag.constraint { on = "flops", max = most } },
    })
    assert.truthy(#free > 0 and #front > 0)
    for _, member in ipairs(front) do assert.truthy(member.graph.flops <= most) end
    assert.truthy(evolve {
      objectives = { params },
      constraints = { ag.constraint { on = "score", min = front.input.score } },
    })
  end)
end)

describe("ag.predictor", function()
  it("predicts a whole architecture as autogo predict does", function()
    local predictor, graph = assert(ag.predictor()), ag.load "hiaml:z,z,l20,z"
    local value = assert(predictor:predict(graph))
    assert.equal(predictor:score(graph:canonical(), ag.tokenizer()), value)
    local _, out = support.autogo "predict hiaml:z,z,l20,z"
    assert.equal(("%.9g\n"):format(value), out)
    assert.equal("number", type(predictor:predict(graph, 3, 5)))
    raises("number expected", predictor.predict, predictor, graph, 3)
    raises("Graph expected", predictor.predict, predictor)
    local whole = assert(ag.predictor.gnn())
    assert.equal("number", type(whole:predict(graph)))
  end)

  it("is measured against samples", function()
    local predictor, samples, raw, targets = assert(ag.predictor()), {}, {}, {}
    for i, config in ipairs { "z,z,z,z", "z,z,l20,z", "src1,src1,r30,src3", "l20,z,z,src1" } do
      local graph = ag.load("hiaml:" .. config):canonical()
      samples[i], raw[i], targets[i] = { graph = graph, target = i }, predictor:predict(graph), i
    end
    assert.equal(core.srcc(raw, targets), predictor:metrics(samples).srcc)
  end)
end)

describe("a Pareto archive", function()
  it("says what it takes", function()
    raises("objectives list", ag.pareto)
    raises("objectives list", ag.pareto, "x:max")
    local archive = ag.pareto { "x:max" }
    raises("members number", archive.insert, archive, 3)
  end)

  it("is not the only one to say so", function()
    raises("options number", ag.space, 3)
    raises("options nil", ag.train)
  end)
end)

describe("a slow objective", function()
  it("is asked only for children that may become members", function()
    local graph, asked = assert(ag.load "resnet18"), 0
    local phone = ag.objective.batch { name = "phone", size = 8, eval = function(graphs)
      local values = {}
      for i, g in ipairs(graphs) do values[i] = g.flops end
      asked = asked + #graphs
      return values
    end }
    local quick = ag.objective.per_node { name = "phone", eval = function(n) return n.flops end }
    local options = { iterations = 2, sources = 4, replacements = 20, objectives = { phone } }
    local front = assert(ag.evolve(graph, options))
    local scored = 0
    for _, row in ipairs(front.history) do scored = scored + row.scored end
    assert.truthy(asked < 0.7 * scored)
    options.objectives = { quick }
    local same = assert(ag.evolve(graph, options))
    assert.equal(#same, #front)
    for i, member in ipairs(same) do assert.equal(member.graph:hash(), front[i].graph:hash()) end
  end)
end)
