-- Objectives in Lua against the numbers of the core and of the published graphs.

local support = require "tests.lua.support"
local core = require "autogo.core"
local cost = require "autogo.cost"
local expect = require "tests.lua.expect"
local families = require "autogo.families"
local objective = require "autogo.objective"
local random = require "autogo.random"
local zoo = require "autogo.zoo"

local GRAPHS = {
  "edsr_arch1", "edsr_base", "fsrcnn3", "fsrcnn4", "hiaml_best", "inception_best", "nb101_best",
  "nb201_best", "resnet50", "resnet50_autogo_arch2", "two_path_best", "unet_denoise", "vgg16_bn",
}

local function total(per_node, graph)
  local sum = 0
  for _, node in graph:nodes() do
    sum = sum + per_node.eval(node)
  end
  return sum
end

describe("flops", function()
  local flops = require "autogo.objectives.flops"

  for _, name in ipairs(GRAPHS) do
    local path = "data/cg/" .. name .. ".json"
    it(
      "of " .. name .. " is the published number, in Lua as in C",
      support.with(support.json, path, function(file)
        local graph = assert(core.load_graph(support.shared .. "/" .. path))
        assert.equal(file.flops, graph.flops)
        assert.equal(file.flops, total(flops, graph))
      end)
    )
  end

  it("is the same in Lua and C for every network of the zoo and samples of every family", function()
    for _, name in ipairs(zoo.names) do
      local graph = zoo.build(name)
      assert.equal(graph.flops, total(flops, graph), name)
    end
    for _, name in ipairs(families.names) do
      for i = 1, 5 do
        local graph = families[name].build(families[name].sample(random.new(11, i)))
        assert.equal(graph.flops, total(flops, graph), graph.name)
      end
    end
  end)
end)

describe("params and peak_memory", function()
  it("agree with the graph", function()
    local graph = zoo.build "resnet18"
    assert.equal(graph.params, total(require "autogo.objectives.params", graph))
    assert.equal(graph.peak_memory / 2 ^ 20, require("autogo.objectives.peak_memory").eval(graph))
  end)
end)

describe("an objective", function()
  local function eval() end

  it("is a plain table with defaults", function()
    assert.same(
      { kind = "per_node", name = "e", unit = "", sense = "min", eval = eval },
      objective.per_node { name = "e", eval = eval }
    )
    assert.same(
      { kind = "batch", name = "b", unit = "ms", sense = "max", eval = eval, size = 4, cache = "c.json" },
      objective.batch { name = "b", unit = "ms", sense = "max", eval = eval, size = 4, cache = "c.json" }
    )
  end)

  it("names the argument that is wrong", function()
    local function message(fields, kind)
      local good, why = pcall(objective[kind or "per_node"], fields)
      assert.is_false(good)
      return why
    end
    assert.matches("objective: a table expected, got 3", message(3))
    assert.matches("name: a word .* expected, got nil", message { eval = eval })
    assert.matches("name: a word .* expected, got a b", message { name = "a b", eval = eval })
    assert.matches("objective: unknown field 'units', did you mean 'unit'?",
      message { name = "a", units = "ms", eval = eval }, 1, true)
    assert.matches("sense: 'min' or 'max' expected, got low",
      message { name = "a", sense = "low", eval = eval })
    assert.matches("eval: a function expected, got nil", message { name = "a" })
    assert.matches("size: a positive integer expected, got 0",
      message({ name = "a", eval = eval, size = 0 }, "batch"))
    assert.matches("on: the name of an objective expected", message({ max = 3 }, "constraint"))
    assert.matches("min, max or both expected", message({ on = "a" }, "constraint"))
    assert.matches("^tests/lua/objectives_spec.lua:%d+: name: ", select(2, pcall(function()
      objective.per_node { eval = eval }
    end)))
  end)

  it("has no name that a member of a front has use for", function()
    for name in ("score predicted gain parent graph changes origin"):gmatch "%a+" do
      assert.has_error(function()
        objective.per_node { name = name, eval = eval }
      end)
      local _, why = pcall(objective.per_node, { name = name, eval = eval })
      assert.matches("name: '" .. name .. "' is taken", why)
    end
    assert.equal("flops", objective.per_node({ name = "flops", eval = eval }).name)
  end)

  it("could not be measured where it is not finite", function()
    local graph = zoo.build "resnet18"
    for _, kind in ipairs { "per_node", "per_graph", "batch" } do
      for _, value in ipairs { 1 / 0, -1 / 0, 0 / 0 } do
        local made = objective[kind] { name = "x", eval = function()
          return kind == "batch" and { value } or value
        end }
        assert.is_nil(cost.new(made):of(graph))
      end
    end
    local large = objective.per_node { name = "x", eval = function() return 1e308 end }
    assert.is_nil(cost.new(large):of(graph))
  end)

  it("is measured in groups, and remembered in its cache", function()
    local path, calls, sizes = os.tmpname(), 0, {}
    os.remove(path)
    finally(function() os.remove(path) end)
    local graphs = {}
    for i, name in ipairs { "resnet18", "resnet34", "vgg11_bn", "fsrcnn3", "fsrcnn4" } do
      graphs[i] = zoo.build(name)
    end
    local function batch(name)
      return cost.new(objective.batch { name = name or "phone", size = 2, cache = path, eval = function(group)
        calls, sizes[#sizes + 1] = calls + 1, #group
        local values = {}
        for i, graph in ipairs(group) do
          if graph.name ~= "vgg11_bn" then values[i] = graph.flops / 7 end
        end
        return values
      end })
    end
    local first = batch()
    for i, graph in ipairs(graphs) do
      assert.equal(i ~= 3 and graph.flops / 7 or nil, first:of(graph))
    end
    assert.equal(5, calls)
    local again = batch()
    for i, graph in ipairs(graphs) do
      assert.equal(i ~= 3 and graph.flops / 7 or nil, again:of(graph))
    end
    assert.equal(6, calls) -- only what could not be measured
    expect.raises("phone no cache", function()
      core.write_file(path, "{}")
      batch()
    end)
    os.remove(path)
    batch "other":of(graphs[1])
    expect.raises("a cache of 'other'", batch)
  end)

  it("tells how far it is, if it takes its time", function()
    for kind, slow in pairs {
      per_graph = objective.per_graph { name = "slow", eval = function()
        os.execute "sleep 0.1"
        return 1
      end },
      batch = objective.batch { name = "slow", size = 2, eval = function(graphs)
        os.execute "sleep 0.2"
        local values = {}
        for i = 1, #graphs do values[i] = 1 end
        return values
      end },
    } do
      local calls = 0
      assert(require "autogo".evolve("fsrcnn3", {
        objectives = { slow }, iterations = 1, children = 200, seed = 1,
        measuring = function(name, done, all, seconds)
          calls = calls + 1
          assert.equal("slow", name)
          assert.is_true(done > 0 and done < all and seconds > 0, kind)
        end,
      }))
      assert.is_true(calls > 0, kind)
    end
  end)

  it("comes from a file", function()
    local path = support.temporary([[
      return { name = "macs", unit = "MAC", eval = function(n) return n.macs end }
    ]], ".lua")
    local loaded = assert(objective.load(path))
    assert.equal("per_node", loaded.kind)
    assert.equal("macs", loaded.name)
    os.remove(path)
  end)

  it("that cannot be loaded says why", function()
    local function reason(text)
      local path = support.temporary(text, ".lua")
      local loaded, why = objective.load(path)
      os.remove(path)
      assert.is_nil(loaded)
      return why
    end
    assert.matches("%.lua:1: unexpected symbol", reason "return return")
    assert.matches("boom", reason "error 'boom'")
    assert.matches("the script returned nothing; it must end with", reason "")
    assert.matches("eval: a function expected", reason "return { name = 'x' }")
    assert.matches("%.lua: name: a word", reason
      "return require 'autogo'.objective.per_node { name = 'a b', eval = print }")
    assert.matches("unknown kind", reason "return { kind = 'both' }")
    assert.matches("unknown objective 'speed'; known are flops", select(2, objective.load "speed"))
    assert.matches("/nonexistent.lua", select(2, objective.load "/nonexistent.lua"), 1, true)
  end)
end)
