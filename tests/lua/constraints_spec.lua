-- Constraint domination: what breaks a constraint is no result, but may be the way to one.

require "tests.lua.support"
local ag = require "autogo"
local constraints = require "autogo.constraints"
local core = require "autogo.core"
local expect = require "tests.lua.expect"
local journal = require "autogo.journal"
local pareto = require "autogo.pareto"
local policies = require "autogo.policies"
local random = require "autogo.random"
local select_ = require "autogo.policies.select"

local model = expect.network(3, 16)

local function evolve(more)
  local options = { parents = 4, sources = 4, replacements = 10, finalists = 8, threads = 1, iterations = 4 }
  for key, value in pairs(more) do options[key] = value end
  return ag.evolve(model, options)
end

local function at_most(share)
  return { ag.constraint { on = "flops", max = share * model.flops } }
end

-- The definition: whether a comes before b, both with values in { a = max, b = min } and a violation.
local function dominates(a, b)
  if a.violation ~= b.violation then return a.violation < b.violation end
  return a.gain >= b.gain and a.price <= b.price and (a.gain > b.gain or a.price < b.price)
end

local function is_before(a, b) return a.violation < b.violation end

-- Members of small integers, so that many are equal, some of them infeasible.
local function random_members(seed, share)
  local stream, members = random.new(seed), {}
  local function below(n) return stream:next() % n end
  for i = 1, 1 + below(40) do
    local violation = below(100) < share and below(4) / 4 or 0
    members[i] = { gain = below(8), price = below(8), violation = violation }
  end
  return members
end

describe("constraint domination", function()
  it("measures violations as shares of the bounds", function()
    local list = { { on = "a", max = 10 }, { on = "b", min = 4, max = 8 }, { on = "c", max = 0 } }
    local function violation(a, b, c) return constraints.violation(list, { a = a, b = b, c = c }) end
    assert.equal(0, violation(10, 4, 0))
    assert.equal(0.5, violation(15, 8, -1))
    assert.equal(0.25 + 3, violation(10, 3, 3))
    assert.near(0.1 + 0.125, violation(11, 9, 0), 1e-12)
    assert.equal(1 / 0, violation(1, nil, 0))
    assert.equal(1 / 0, violation(1, 0 / 0, 0))
    assert.equal(0, constraints.violation(nil, {}))
  end)

  it("keeps an archive's front feasible, and fills parents up in its order", function()
    for seed = 1, 200 do
      local members = random_members(seed, seed % 101)
      local archive = pareto { "gain:max", "price:min" }
      for i, member in ipairs(members) do
        archive:insert(member)
        if (i * seed) % 7 < 2 then archive:front() end -- asked for in between, or only at the end
      end
      local on_front = {}
      for _, member in ipairs(archive:front()) do on_front[member] = true end
      for _, member in ipairs(members) do
        local beaten, equal_before = member.violation > 0, false
        for _, other in ipairs(members) do
          if other == member then break end
          equal_before = equal_before or other.gain == member.gain and other.price == member.price
            and other.violation == member.violation
        end
        for _, other in ipairs(members) do beaten = beaten or dominates(other, member) end
        assert.equal(not beaten and not equal_before, on_front[member] or false)
      end
      local parents = archive:sample(#members, seed)
      assert.equal(#members, #parents)
      for i = #archive + 2, #parents do
        assert.is_false(is_before(parents[i], parents[i - 1]))
      end
    end
  end)

  it("chooses candidates in its order", function()
    local search = { senses = { "max", "min" } }
    for seed = 1, 200 do
      local members = random_members(seed, seed % 101)
      local candidates = { count = #members, columns = { {}, {} }, violations = {} }
      for i, one in ipairs(members) do
        candidates.columns[1][i], candidates.columns[2][i] = one.gain, one.price
        candidates.violations[i] = one.violation
      end
      local taken = {}
      local chosen = select_.best(search, candidates, #members // 2)
      for _, k in ipairs(chosen) do taken[k] = true end
      assert.truthy(#chosen >= #members // 2)
      for k, one in ipairs(members) do
        for i, other in ipairs(members) do
          if taken[k] and not taken[i] then assert.is_false(is_before(other, one)) end
        end
      end
      for _, k in ipairs(select_.front(search, candidates)) do
        for _, other in ipairs(members) do assert.is_false(dominates(other, members[k])) end
      end
    end
  end)

  it("gives members places in its order", function()
    for seed = 1, 50 do
      local members = random_members(seed, 50)
      local search = { senses = { "max", "min" }, archive = { names = { "gain", "price" } } }
      local places = select_.places(search, members)
      for k, one in ipairs(members) do
        for i, other in ipairs(members) do
          if dominates(one, other) then assert.truthy(places[k] < places[i]) end
        end
      end
    end
  end)
end)

describe("a search under constraints", function()
  it("has only networks that meet them on its front, whatever the policy", function()
    local infeasible = 0
    for _, policy in ipairs(policies.names) do
      for _, share in ipairs { 0.9, 0.95, 1 } do
        local front = evolve { policy = policy, constraints = at_most(share), seed = 2 }
        for _, member in ipairs(front or {}) do
          assert.equal(0, member.violation)
          assert.truthy(member.graph.flops <= share * model.flops)
        end
        for _, member in ipairs(front and front.archive.members or {}) do
          local over = math.max(0, member.graph.flops / (share * model.flops) - 1)
          assert.near(over, member.violation, 1e-12)
          infeasible = infeasible + (over > 0 and 1 or 0)
        end
      end
    end
    assert.truthy(infeasible > 20)
  end)

  it("gets there over networks that break them", function()
    local reached = 0
    for seed = 1, 5 do
      local front = evolve { constraints = at_most(0.6), seed = seed, iterations = 8 }
      for _, member in ipairs(front or {}) do
        local parent = member.parent
        if parent.parent and parent.violation > 0 then reached = reached + 1 end
      end
    end
    assert.truthy(reached > 0)
  end)

  it("goes on from its journal with all of them", function()
    local folder = os.tmpname()
    os.remove(folder)
    assert(core.mkdir(folder))
    local function numbers(front)
      local list = {}
      for i, one in ipairs(front.archive.members) do
        list[i] = ("%s %.17g %.17g"):format(one.graph:hash(), one.score, one.violation)
      end
      return table.concat(list, "\n")
    end
    local limits = at_most(0.95)
    local whole = assert(evolve { constraints = limits, iterations = 5 })
    evolve { constraints = limits, iterations = 2, journal = journal.new(folder) }
    local again = assert(evolve {
      constraints = limits, iterations = 5, journal = assert(journal.resume(folder)),
    })
    assert.equal(numbers(whole), numbers(again))
    for _, name in ipairs { "journal.jsonl", "visited.bin" } do os.remove(folder .. "/" .. name) end
    os.remove(folder)
  end)
end)
