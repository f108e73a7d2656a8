-- Journals: a search gone on with is the search that was never ended, whatever the policy; what is
-- not such a search is refused in one line; no bytes of a journal do harm.

require "tests.lua.support"
local ag = require "autogo"
local core = require "autogo.core"
local expect = require "tests.lua.expect"
local journal = require "autogo.journal"
local output = require "autogo.output"
local policies = require "autogo.policies"
local random = require "autogo.random"
local raises, fails, network = expect.raises, expect.fails, expect.network

local model = network(3, 16)
local SMALL = { parents = 3, sources = 3, replacements = 8, finalists = 6, threads = 1, iterations = 4 }

local function with(more)
  local options = {}
  for _, source in ipairs { SMALL, more or {} } do
    for key, value in pairs(source) do options[key] = value end
  end
  return options
end

-- A folder that goes away with the test.
local folders = {}
local function folder()
  local path = os.tmpname()
  os.remove(path)
  assert(core.mkdir(path))
  folders[#folders + 1] = path
  return path
end

local function at_most(flops)
  return ag.constraint { on = "flops", max = flops }
end

local function document(front)
  return core.json_encode(output.document(front))
end

local function slurp(path)
  return assert(core.read_file(path))
end

local function spill(path, text)
  assert(core.write_file(path, text))
end

after_each(function()
  for _, path in ipairs(folders) do os.execute(("rm -rf '%s'"):format(path)) end
  folders = {}
end)

-- Ends the search at the end of an iteration, as an error of the user's code would.
local function end_after(iteration)
  return function(row)
    if row.iteration == iteration then error("ended", 0) end
  end
end

describe("A journal", function()
  for _, name in ipairs(policies.names) do
    it("keeps the " .. name .. " policy's search, ended after any iteration", function()
      local whole = document(assert(ag.evolve(model, with { policy = name })))
      for last = 1, 3 do
        local dir = folder()
        raises("ended", ag.evolve, model,
          with { policy = name, journal = journal.new(dir), progress = end_after(last) })
        local found = assert(journal.unfinished(dir))
        assert.equal(last, #found.iterations)
        local rows = 0
        local front = assert(ag.evolve(model, with {
          policy = name, journal = found, progress = function() rows = rows + 1 end,
        }))
        assert.equal(4 - last, rows)
        assert.equal(whole, document(front))
        assert.falsy(journal.unfinished(dir))
      end
    end)
  end

  it("keeps a budget of children", function()
    local options = { children = 300, policy = "bandit" }
    local whole, dir = document(assert(ag.evolve(model, with(options)))), folder()
    options.journal, options.progress = journal.new(dir), end_after(2)
    raises("ended", ag.evolve, model, with(options))
    options.journal, options.progress = assert(journal.resume(dir)), nil
    assert.equal(whole, document(assert(ag.evolve(model, with(options)))))
    options.journal, options.iterations = assert(journal.resume(dir)), 6
    fails("begun with iterations 4, not 6", ag.evolve(model, with(options)))
  end)

  it("keeps members whose shapes were solved, with every solver", function()
    for _, solver in ipairs { "exact", "milp" } do
      local dir, options = folder(), { solver = solver, iterations = 2 }
      options.journal = journal.new(dir)
      local front = assert(ag.evolve(model, with(options)))
      local solved = false
      for _, member in ipairs(front.archive.members) do
        for _, change in ipairs(member.changes) do solved = solved or change.resolved end
      end
      assert.is_true(solved)
      options.journal = assert(journal.resume(dir))
      assert.equal(document(front), document(assert(ag.evolve(model, with(options)))))
    end
  end)

  it("says what it was begun with", function()
    local dir = folder()
    assert(ag.evolve(model, with { journal = journal.new(dir, { model = "x" }), iterations = 1 }))
    local found = assert(journal.resume(dir))
    assert.equal("x", found.head.command.model)
    assert.equal(1, found.asked)
    assert.equal(1, found.finished)
    local function refused(why, options, other)
      options.journal = assert(journal.resume(dir))
      options.iterations = options.iterations or 1
      fails(why, ag.evolve(other or model, with(options)))
    end
    refused("begun with seed 1, not 2", { seed = 2 })
    refused("begun with keep 0.5, not 0.25", { keep = 0.25 })
    refused("begun with solver exact, not milp", { solver = "milp" })
    refused("begun with policy greedy_bandit, not random", { policy = "random" })
    refused("begun with constraints nothing, not", { constraints = { at_most(1e12) } })
    refused("begun with objectives", { objectives = { ag.objective.params } })
    refused("begun on another input", {}, network(4, 16))
    refused("begun with another tokenizer", { tokenizer = core.train_tokenizer({ model }, { vocab = 30 }) })
  end)

  it("knows a changed script of an objective", function()
    local dir, script = folder(), folder() .. "/cost.lua"
    spill(script, "return { name = 'cost', eval = function(n) return n.flops end }")
    local options = { objectives = { assert(ag.objective.load(script)) }, iterations = 1 }
    options.journal = journal.new(dir)
    assert(ag.evolve(model, with(options)))
    spill(script, "return { name = 'cost', eval = function(n) return 2 * n.flops end }")
    options.objectives, options.journal = { assert(ag.objective.load(script)) }, assert(journal.resume(dir))
    fails("begun with objectives", ag.evolve(model, with(options)))
  end)

  it("belongs to one search at a time", function()
    local dir = folder()
    local held = assert(core.lock(dir))
    fails("in use by another search", ag.evolve(model, with { journal = journal.new(dir) }))
    assert.truthy(held)
    fails("No such file", core.lock(dir .. "/nothing"))
  end)

  it("goes on from what was committed, whatever stands behind it", function()
    local dir = folder()
    local whole = document(assert(ag.evolve(model, with { journal = journal.new(dir) })))
    local text, hashes = slurp(dir .. "/journal.jsonl"), slurp(dir .. "/visited.bin")
    local stream, lines = random.new(7), 0
    for _ = 1, 12 do
      -- Cut anywhere, with the hashes of a later iteration on disk and rubbish behind them.
      local torn = text:sub(1, stream:range(#text // 3, #text))
      spill(dir .. "/journal.jsonl", torn .. (stream:chance(1, 2) and "\0\0\0" or ""))
      spill(dir .. "/visited.bin", hashes .. "rubbish")
      local found = assert(journal.resume(dir))
      lines = lines + #found.iterations
      assert.equal(whole, document(assert(ag.evolve(model, with { journal = found }))))
      -- Where no iteration was left to do, nothing was appended and the rubbish still stands behind.
      assert.equal(hashes, slurp(dir .. "/visited.bin"):sub(1, #hashes))
    end
    assert.truthy(lines > 12)
  end)

  it("is never trusted", function()
    local dir = folder()
    assert(ag.evolve(model, with { journal = journal.new(dir), iterations = 2 }))
    local text, stream = slurp(dir .. "/journal.jsonl"), random.new(11)
    local refused = 0
    for _ = 1, 80 do
      local bytes = { text:byte(1, -1) }
      for _ = 1, stream:range(1, 4) do
        local at = stream:range(1, #bytes)
        bytes[at] = stream:choice { 0, 34, 44, 45, 48, 57, 91, 93, 123, 125, stream:below(256) }
      end
      local parts = {}
      for i = 1, #bytes do parts[i] = string.char(bytes[i]) end
      spill(dir .. "/journal.jsonl", table.concat(parts))
      local found, why = journal.resume(dir)
      local front = found
      if found then
        front, why = ag.evolve(model, with { journal = found, iterations = 2 })
      end
      if not front then
        refused = refused + 1
        assert.truthy(why:find(dir, 1, true) and not why:find "\n", why)
      end
    end
    assert.truthy(refused > 30)
  end)
end)

describe("Results", function()
  it("are whole or absent", function()
    local dir = folder()
    local front = assert(ag.evolve(model, with { iterations = 2, policy = "published" }))
    assert.truthy(#front > 1)
    assert.truthy(output.write(front, dir))
    assert.truthy(core.exists(dir .. "/rank_01.onnx"))
    front[#front].graph = setmetatable({}, { __index = function() error("the disk is gone", 0) end })
    fails("the disk is gone", output.write(front, dir))
    for _, name in ipairs { "front.json", "rank_00.json", "rank_00.onnx" } do
      assert.is_false(core.exists(dir .. "/" .. name))
    end
  end)

  it("of an earlier, longer front do not stay", function()
    local dir = folder()
    local front = assert(ag.evolve(model, with { iterations = 2 }))
    assert.truthy(output.write(front, dir))
    local last = ("%s/rank_%02d.onnx"):format(dir, #front - 1)
    assert.truthy(core.exists(last))
    front[#front] = nil
    assert.truthy(output.write(front, dir))
    assert.is_false(core.exists(last))
  end)
end)

describe("A search that makes no sense", function()
  it("is refused in one line", function()
    local cases = {
      ["parents: an integer of at least 1 expected, got 0"] = { parents = 0 },
      ["iterations: an integer of at least 1 expected, got 0.5"] = { iterations = 0.5 },
      ["flops_max: a number of at least 0 expected, got x"] = { flops_max = "x" },
      ["flops_min: at most flops_max (0.8) expected, got 0.9"] = { flops_min = 0.9, flops_max = 0.8 },
      ["seed: an integer of at most 2^53"] = { seed = 1 << 60 },
      ["objectives: at least one"] = { objectives = {} },
      ["constraints: there is no objective 'latency'"] = {
        constraints = { ag.constraint { on = "latency", max = 1 } },
      },
      ["objective 'none' cannot measure the input"] = {
        objectives = { ag.objective.per_node { name = "none", eval = function() end } },
      },
      ["objective 'endless' cannot measure the input"] = {
        objectives = { ag.objective.per_graph { name = "endless", eval = function() return math.huge end } },
      },
    }
    for why, options in pairs(cases) do raises(why, ag.evolve, model, with(options)) end
  end)

  it("has no result where nothing meets the constraints", function()
    fails("no network was found that meets the constraints: flops <= 3",
      ag.evolve(model, with { iterations = 2, constraints = { at_most(3) } }))
  end)

  it("has the input on its front only if the input meets the constraints", function()
    local limit = 0.99 * model.flops
    local front = assert(ag.evolve(model, with {
      constraints = { at_most(limit) }, sources = 10, replacements = 60, iterations = 6,
    }))
    assert.truthy(#front > 0)
    for _, member in ipairs(front) do assert.truthy(member.flops <= limit) end
  end)
end)

describe("The parts a journal stands on", function()
  it("append to a file at a place, and drop what was behind", function()
    local path = folder() .. "/log"
    assert.is_true(core.append_file(path, 0, "one"))
    assert.is_true(core.append_file(path, 3, "two"))
    assert.equal("onetwo", slurp(path))
    assert.is_true(core.append_file(path, 4, "!"))
    assert.equal("onet!", slurp(path))
    fails("at least 6 bytes", core.append_file(path, 6, "x"))
    fails("Not a directory", core.append_file(path .. "/x", 0, "x"))
    assert.equal("onet!", slurp(path))
    if core.exists "/dev/full" then fails("not a regular file", core.append_file("/dev/full", 0, "x")) end
  end)

  it("give the hashes seen in order, and take them back", function()
    local parts = { ops = model:ops(), seed = 1 }
    local space = ag.space(parts)
    space:visit(model)
    local batch = assert(space:mutate({ (model:canonical()) }, { sources = 3, replacements = 9 }))
    local all = space:visited()
    assert.equal(16 * space.seen, #all)
    assert.equal(1 + batch.scored, space.seen) -- those that were not kept come last
    assert.equal(all:sub(17), space:visited(2))
    assert.equal("", space:visited(space.seen + 1))
    for i = 1, #batch do
      local hash = all:sub(16 * i + 1, 16 * i + 16):gsub(".", function(c)
        return ("%02x"):format(c:byte())
      end)
      assert.equal(batch:child(i).hash, hash)
    end
    local other = ag.space(parts)
    other:restore(all)
    assert.equal(all, other:visited())
    assert.is_false(other:visit(model))
    raises("16 bytes per hash", other.restore, other, "short")
    raises("outside 1 to", other.visited, other, other.seen + 2)
  end)
end)
