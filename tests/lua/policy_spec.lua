-- Policies: the four primitives by hand, the policies that come with the program, and the rules that
-- hold whichever is used.

require "tests.lua.support"
local ag = require "autogo"
local core = require "autogo.core"
local expect = require "tests.lua.expect"
local policies = require "autogo.policies"
local presets = require "autogo.presets"
local network, raises = expect.network, expect.raises

local flops = ag.objective.flops
local SMALL = { parents = 4, sources = 4, replacements = 10, finalists = 8, threads = 1 }

local function with(more)
  local options = {}
  for _, source in ipairs { SMALL, more } do
    for key, value in pairs(source) do options[key] = value end
  end
  return options
end

local function hashes(front)
  local list = {}
  for i, member in ipairs(front) do list[i] = member.graph:hash() end
  return table.concat(list, " ")
end

local function scored(front)
  local sum = 0
  for _, row in ipairs(front.history) do sum = sum + row.scored end
  return sum
end

describe("a policy of one's own", function()
  it("is a loop over four primitives", function() -- api.md
    local model = network(3, 16)
    local base = model.flops
    local space = ag.space {
      database = ag.database(), ops = model:ops(), predictor = ag.predictor(), seed = 1,
    }
    local archive = ag.pareto { "predicted:max", "flops:min" }
    archive:insert(space:member(model))
    for step = 1, 5 do
      local parents = archive:sample(10, step)
      local children = space:mutate(parents, { sources = 10, replacements = 20, segments = 3 })
      children:cost(flops)
      archive:insert(children:filter(function(c) return c.flops < 1.1 * base end))
    end
    local front = archive:front()
    assert.truthy(#front > 1)
    for _, member in ipairs(front) do
      assert.truthy(member.flops < 1.1 * base)
      assert.equal(member.flops, member.graph.flops)
      assert.is_true(member.graph:check())
      for op in pairs(member.graph:ops()) do assert.truthy(model:ops()[op]) end
    end
  end)

  it("sees a batch as columns and as rows", function()
    local model = network(3, 16)
    local space = ag.space { seed = 1 }
    local children = space:mutate({ model }, { sources = 4, replacements = 10 })
    children:cost { name = "nodes", kind = "per_graph", sense = "min", eval = function(g) return #g end }
    for _, name in ipairs { "predicted", "baseline", "gain", "flops", "parent", "entry" } do
      assert.equal(#children, #children[name])
      for i, row in ipairs(children:filter()) do assert.equal(children[name][i], row[name]) end
    end
    assert.equal(#children:row(1).graph, children:column("nodes")[1])
  end)

  it("draws anew in every call, unless it says which", function()
    local model = network(3, 16)
    local function batch(generation)
      local children = ag.space({ seed = 1 }):mutate({ model }, { sources = 3, generation = generation })
      local list = {}
      for i, row in ipairs(children:filter()) do list[i] = row.hash end
      return table.concat(list, " ")
    end
    assert.equal(batch(), batch(1))
    assert.not_equal(batch(1), batch(2))
    local space = ag.space { seed = 1 }
    assert.truthy(#space:mutate { model } > 0 and #space:mutate { model } > 0)
  end)

  it("runs in the search as a table", function()
    local asked = 0
    local own = { propose = function(search)
      asked = asked + 1
      return { search.input }, { sources = 2 }
    end }
    local front = ag.evolve(network(2, 16), with { policy = own, iterations = 3 })
    assert.equal(3, asked)
    for _, member in ipairs(front) do assert.truthy(member.generation <= 3 and #member.changes <= 1) end
  end)
end)

describe("a mistake in a policy of one's own", function()
  local model = network(2, 16)
  local function fails(policy)
    local ok, why = pcall(ag.evolve, model, with { policy = policy, iterations = 1 })
    assert.is_false(ok)
    return why
  end
  local function all(search) return search.archive:sample(4) end

  it("is told in the words of policies", function()
    assert.equal("policy: propose: a function expected, got nil", fails { proposes = all })
    assert.equal("policy: learn: a function expected, got 3", fails { propose = all, learn = 3 })
    assert.matches("^policy: propose returned a nil; a list of members was", fails { propose = print })
    assert.matches("^policy: propose returned an empty list; ", fails { propose = function() return {} end })
    local function words() return { "x" } end
    assert.matches("^policy: propose returned a string at 1; ", fails { propose = words })
    local function choosing(result)
      return { propose = all, choose = function() return result end }
    end
    assert.matches("^policy: choose returned a nil; ", fails(choosing(nil)))
    for _, wrong in ipairs { 0, 1e9, 1.5, "1" } do
      assert.matches("^policy: choose returned " .. wrong .. " at 1; ", fails(choosing { wrong }))
    end
    local function twice(_, candidates)
      assert(candidates.count > 0)
      return { 1, 1 }
    end
    assert.matches("^policy: choose returned 1 at 2; ", fails { propose = all, choose = twice })
  end)

  it("leaves no trace where there is none: the rules are those of the bundled policies", function()
    local published = require "autogo.policies.published"
    local own = { propose = published.propose, choose = published.choose, learn = published.learn }
    local names = hashes(ag.evolve(network(3, 16), with { policy = "published", iterations = 3 }))
    assert.equal(names, hashes(ag.evolve(network(3, 16), with { policy = own, iterations = 3 })))
  end)
end)

describe("every policy", function()
  local model = network(3, 16)
  for _, name in ipairs(policies.names) do
    it(name .. " gives the same front again, with any number of threads", function()
      local front = policies[name](model, with { iterations = 4 })
      local again = ag.evolve(model, with { iterations = 4, policy = name, threads = 3 })
      assert.equal(hashes(front), hashes(again))
      assert.equal(name, front.settings.policy)
      assert.truthy(#front >= 1)
      for _, member in ipairs(front) do assert.truthy(member.score >= front.input.score) end
    end)

    it(name .. " spends a budget to the last child", function()
      for _, children in ipairs { 1, 57, 200 } do
        local options = with { policy = name, iterations = 4, children = children }
        assert.equal(children, scored(ag.evolve(model, options)))
      end
    end)
  end

  for _, name in ipairs { "bandit", "greedy", "greedy_bandit" } do -- those that remember
    it(name .. " goes on from its journal as if nothing had happened", function()
      local folder = os.tmpname()
      os.remove(folder)
      assert(core.mkdir(folder))
      local function journal_of(open)
        return assert(require("autogo.journal")[open](folder))
      end
      ag.evolve(model, with { policy = name, iterations = 3, journal = journal_of "new" })
      local resumed = ag.evolve(model, with { policy = name, iterations = 6, journal = journal_of "resume" })
      for _, file in ipairs { "journal.jsonl", "visited.bin" } do os.remove(folder .. "/" .. file) end
      os.remove(folder)
      assert.equal(hashes(ag.evolve(model, with { policy = name, iterations = 6 })), hashes(resumed))
    end)
  end

  it("is known by name", function()
    raises("policy: one of ageing, bandit, greedy, greedy_bandit, published, random expected, got 'lucky'",
      ag.evolve, model, { policy = "lucky" })
  end)
end)

-- Every member and all of its ancestors down to the input.
local function each_change(front)
  local list = {}
  for _, member in ipairs(front) do
    for _, change in ipairs(member.changes) do list[#list + 1] = change end
  end
  return list
end

describe("the rules", function()
  local MODELS = { network(3, 16), (assert(ag.load "fsrcnn3")), (assert(ag.load "hiaml:l20,l20,r30,src3")) }
  local BANDS = { { 0.8, 1.1 }, { 0.95, 1 }, { 0, 1.3 } }

  it("of the band hold for every member", function()
    for seed, band in ipairs(BANDS) do
      for _, model in ipairs(MODELS) do
        for _, name in ipairs(policies.names) do
          local front = ag.evolve(model, with { policy = name, iterations = 3, seed = seed,
            flops_min = band[1], flops_max = band[2] })
          for _, member in ipairs(front) do
            local ratio = member.graph.flops / model.flops
            assert.truthy(ratio >= band[1] and ratio <= band[2] or member == front.input)
          end
        end
      end
    end
  end)

  it("of the permitted ops hold for every replacement", function()
    local wider = { conv = true, batchnorm = true, relu = true, add = true, identity = true }
    for seed, model in ipairs(MODELS) do
      local own = model:ops()
      local ASKED = {
        { { "conv", "relu" }, function(op) return op == "conv" or op == "relu" end },
        { { conv = true, add = true }, function(op) return op == "conv" or op == "add" end },
        { "input", function(op) return own[op] end },
        { "input+", function(op) return own[op] or wider[op] end },
        { "all", function() return true end },
      }
      for _, case in ipairs(ASKED) do
        for _, name in ipairs(policies.names) do
          local front = ag.evolve(model, with { policy = name, iterations = 3, seed = seed, ops = case[1] })
          for _, change in ipairs(each_change(front)) do
            for _, op in ipairs(change.added) do assert.truthy(case[2](op), op) end
          end
        end
      end
    end
  end)

  it("name what is wrong with them", function()
    raises("flops_min: at most flops_max (1.1) expected, got 2", ag.evolve, MODELS[1], { flops_min = 2 })
    raises("ops: unknown op 'convolution'", ag.evolve, MODELS[1], { ops = { "convolution" } })
  end)
end)

describe("published settings", function()
  it("are presets that name known settings", function()
    local known = require("autogo.evolve").defaults
    for name, preset in pairs(presets) do
      for key in pairs(preset) do assert.truthy(known[key] ~= nil, name .. ": " .. key) end
    end
    local cifar = presets["published-cifar"]
    assert.same({ 10, 10, 10, 100, 3, 0.5 }, { cifar.iterations, cifar.parents, cifar.sources,
      cifar.replacements, cifar.segments, cifar.keep })
    assert.equal(50, presets["published-operations"].iterations)
    assert.equal("input", presets["published-sr"].ops)
  end)

  it("fill up the parents by least rank sum: table 8", function() -- algorithm.md section 4
    local rows = {
      { 91.21, 260 }, { 91.10, 215 }, { 91.02, 200 }, { 90.75, 210 }, { 90.35, 220 }, { 89.05, 250 },
    }
    local archive = ag.pareto { "acc:max", "flops:min" }
    archive:insert { acc = 92, flops = 190 } -- beats all of them
    for _, row in ipairs(rows) do archive:insert { acc = row[1], flops = row[2] } end
    local chosen = {}
    for i, member in ipairs(archive:sample(4)) do chosen[i] = member.acc end
    assert.same({ 92, 91.02, 91.10, 90.75 }, chosen)
  end)
end)

describe("hypervolume", function()
  local CASES = { -- network, children, what a front must reach (reference: the input's, 1.1 times its FLOPs)
    { "hiaml_best", 8285, 0.004, 0.937724 },
    { "nb201_best", 2782, 0.004, 0.937790 },
    { "resnet50", 2348, 0.002, 0.932598 },
  }
  for _, case in ipairs(CASES) do
    it("of " .. case[1] .. " under the published weights", function()
      local shared = os.getenv "AUTOGO_SHARED" or "../shared"
      local weights = shared .. "/data/predictor/published_gnn.safetensors"
      if not core.exists(weights) then
        return pending "needs the published weights of the shared data (AUTOGO_SHARED)"
      end
      local options = { predictor = assert(ag.predictor(weights)), children = case[2] }
      for key, value in pairs(presets["published-cifar"]) do options[key] = value end
      local front = ag.evolve(shared .. "/data/cg/" .. case[1] .. ".json", options)
      assert.near(case[4], front.input.score, 1e-5)
      assert.equal(case[2], scored(front))
      local last = front.history[#front.history]
      assert.truthy(last.hypervolume / front.input.flops >= case[3], last.hypervolume / front.input.flops)
    end)
  end
end)
