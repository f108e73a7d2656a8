-- Problem files through the binding and the command line.

local support = require "tests.lua.support"
local core = require "autogo.core"
local expect = require "tests.lua.expect"
local raises, fails = expect.raises, expect.fails
local autogo = support.autogo

-- algorithm.md section 5: both convolutions must adapt; the second problem has no solution, for an
-- add has the channels of its operands.
local EXAMPLE = [==[
[{"nodes":[{"op":"conv","in":[32,32,16],"out":[32,32,16],"kernel":[3,3],"strides":[1,1]},
           {"op":"batchnorm","in":[32,32,16],"out":[32,32,16]},
           {"op":"conv","in":[32,32,16],"out":[32,32,16]},
           {"op":"add","in":[32,32,16],"out":[32,32,16]}],
  "edges":[[0,3],[1,2],[2,3]], "targets":{"3":[16,16,32]}},
 {"nodes":[{"op":"relu","in":[8,8,4],"out":[8,8,4]},{"op":"add","in":[8,8,4],"out":[8,8,4]}],
  "edges":[[0,1]], "targets":{"1":[8,8,8]}}]]==]

local SOLVERS = { "exact", "milp", "exhaustive" }

local function check_example(answers)
  assert.equal(2, #answers)
  assert.is_true(answers[1].feasible)
  assert.same({ { 32, 32, 16 }, { 32, 32, 16 }, { 32, 32, 16 }, { 16, 16, 32 } }, answers[1]["in"])
  assert.same({ { 16, 16, 32 }, { 32, 32, 16 }, { 16, 16, 32 }, { 16, 16, 32 } }, answers[1].out)
  -- Descendants times cost: conv 1 x (|64 - 80| + 32), batch norm 2 x 80, conv 1 x 48, add 0.
  assert.equal(48 + 160 + 48, answers[1].objective)
  assert.is_false(answers[2].feasible)
  assert.truthy(#answers[2].reason > 0)
  assert.is_nil(answers[2].objective)
  assert.is_nil(answers[2].out)
end

local function lines_of(text)
  local list = {}
  for line in text:gmatch "[^\n]+" do
    list[#list + 1] = assert(core.json_decode(line))
  end
  return list
end

describe("resolve_text and resolve_file", function()
  it("answer problem by problem", function()
    local path = support.temporary(EXAMPLE, ".json")
    finally(function()
      os.remove(path)
    end)
    for _, solver in ipairs(SOLVERS) do
      check_example(assert(core.resolve_text(EXAMPLE, { solver = solver })))
      check_example(assert(core.resolve_file(path, { solver = solver })))
    end
    check_example(assert(core.resolve_text(EXAMPLE)))
  end)

  it("know the published formulation", function()
    -- Sizes of 1 are infeasible there.
    local text = [==[{"nodes":[{"op":"conv","in":[2,2,4],"out":[2,2,4]}],"edges":[],
      "targets":{"0":[1,1,4]}}]==]
    assert.is_true(assert(core.resolve_text(text))[1].feasible)
    assert.is_false(assert(core.resolve_text(text, { formulation = "published" }))[1].feasible)
  end)

  it("say where a solver gave up", function()
    local nodes, edges = {}, {}
    for i = 0, 39 do
      nodes[i + 1] = '{"op":"conv","in":[64,64,64],"out":[64,64,64]}'
      edges[i] = ("[%d,%d]"):format(i - 1, i)
    end
    local text = ('{"nodes":[%s],"edges":[%s],"targets":{"39":[63,63,64]}}'):format(
      table.concat(nodes, ","), table.concat(edges, ","))
    assert.is_false(assert(core.resolve_text(text))[1].feasible)
    local answer = assert(core.resolve_text(text, { solver = "exhaustive" }))[1]
    assert.is_nil(answer.feasible)
    assert.matches("partial combinations", answer.reason)
  end)

  it("return nil and the place for what is no problem", function()
    fails("problem 0: a problem must be an object", core.resolve_text "3")
    fails("/nonexistent.json", core.resolve_file "/nonexistent.json")
    fails("problem 0 no such node", core.resolve_text(
      [==[{"nodes":[{"op":"relu","in":[8,8,4],"out":[8,8,4]}],"edges":[],"targets":{"7":[8,8,4]}}]==]))
    raises("'solver' exact or milp or exhaustive", core.resolve_text, "[]", { solver = "x" })
    raises("unknown option 'from'", core.resolve_text, "[]", { from = {} })
    raises("string expected", core.resolve_file, {})
    assert.same({}, core.resolve_text "[]")
  end)
end)

describe("autogo resolve", function()
  it("prints a line of JSON per problem", function()
    local path = support.temporary(EXAMPLE, ".json")
    finally(function()
      os.remove(path)
    end)
    for _, solver in ipairs(SOLVERS) do
      local status, out, err = autogo(("resolve %s --solver %s"):format(path, solver))
      assert.equal(0, status, err)
      local answers = lines_of(out)
      check_example(answers)
      assert.equal(0, answers[1].index)
      assert.equal(1, answers[2].index)
    end
  end)

  it("explains bad input in one line", function()
    local path = support.temporary('[{"nodes":[{"op":"conv","in":[0,8,4]}],"edges":[]}]', ".json")
    finally(function()
      os.remove(path)
    end)
    local status, out, err = autogo("resolve " .. path)
    assert.equal(1, status)
    assert.equal("", out)
    assert.truthy(err:find(("autogo: %s: problem 0, node 0: "):format(path), 1, true), err)
    assert.equal(2, (autogo("resolve " .. path .. " --solver best")))
    assert.equal(2, (autogo "resolve"))
  end)

  it("agrees with the published optima", support.with(
    support.json, "data/resolve/published_instances.json", function(published)
      local path = support.shared .. "/data/resolve/published_instances.json"
      for _, solver in ipairs(SOLVERS) do
        local status, out, err =
          autogo(("resolve %s --formulation published --solver %s"):format(path, solver))
        assert.equal(0, status, err)
        local answers = lines_of(out)
        assert.equal(#published, #answers)
        for i, answer in ipairs(answers) do
          local expected = published[i]
          assert.equal(i - 1, answer.index)
          assert.equal(expected.feasible, answer.feasible)
          assert.equal(expected.objective, answer.objective)
          for node, shape in pairs(answer.feasible and expected.targets or {}) do
            assert.same(shape, answer.out[node + 1])
          end
          assert.equal(not answer.feasible, answer.reason ~= nil)
        end
      end
    end))
end)
