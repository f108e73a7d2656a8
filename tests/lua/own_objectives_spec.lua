-- The worked examples of objectives: each loads as a file does, says what it should of networks, and goes
-- through a small search.

local support = require "tests.lua.support"
local ag = require "autogo"
local cost = require "autogo.cost"
local zoo = require "autogo.zoo"

local function load_example(name)
  return ag.objective.load("recipes/objectives/" .. name .. ".lua")
end

local function of(example, graph)
  return cost.new(example):of(graph)
end

local function near(expected, got)
  assert.is_true(got and math.abs(got / expected - 1) < 1e-12, ("%s is not %s"):format(got, expected))
end

local function search(example, model)
  local front = assert(ag.evolve(model or "fsrcnn3", {
    objectives = { example }, iterations = 2, children = 60, finalists = 10, seed = 1,
  }))
  for _, member in ipairs(front) do
    near(of(example, member.graph), member[example.name])
  end
  return front
end

describe("memory_peak", function()
  it("is a quarter of peak_memory without anything in place, and never more with it", function()
    local example = assert(load_example "memory_peak")
    local b = ag.builder("chain", "test")
    local x = b:input { 8, 8, 4 }
    local y = b:conv(x, { kernel = 3, filters = 8 })
    b:output(b:add(y, b:conv(y, { kernel = 1, filters = 8 })))
    local plain = b:build()
    near(plain.peak_memory / 4 / 1024, of(example, plain))
    for _, name in ipairs { "resnet18", "fsrcnn4", "unet_denoise", "mobilenet_v2" } do
      local graph = zoo.build(name)
      assert.is_true(of(example, graph) <= graph.peak_memory / 4 / 1024)
    end
    search(example)
  end)
end)

describe("chip_energy", function()
  it("is the sum over nodes; a network with tanh cannot be measured", function()
    local example = assert(load_example "chip_energy")
    local b = ag.builder("one", "test")
    local y = b:conv(b:input { 8, 8, 4 }, { kernel = 3, filters = 8 })
    b:output(y)
    near((0.4 * 9 * 4 * 8 * 64 + 12 * 4 * (256 + 288 + 512)) * 1e-9, of(example, b:build()))
    b = ag.builder("two", "test")
    b:output(b:tanh(b:input { 8, 8, 4 }))
    assert.is_nil(of(example, b:build()))
    search(example)
  end)
end)

describe("carbon", function()
  it("grows with the network", function()
    local example = assert(load_example "carbon")
    assert.is_true(of(example, zoo.build "resnet50") > of(example, zoo.build "resnet18"))
    search(example)
  end)

  it("takes the grid from the environment", function()
    local command = "env CARBON_INTENSITY=%s " .. (os.getenv "AUTOGO" or support.build .. "/autogo")
      .. " evolve fsrcnn3 --iterations 1 --children 5 --seed 1 --objective recipes/objectives/carbon.lua "
      .. "--out %s --quiet 2>&1"
    local out = os.tmpname()
    os.remove(out)
    local function run(value)
      local pipe = io.popen(command:format(value, out))
      local text = pipe:read "a"
      pipe:close()
      return text
    end
    assert.matches("CARBON_INTENSITY: a number expected, got much\n$", run "much")
    assert.equal("", run "0.5")
    local text = assert(ag.read_file(out .. "/front.json"))
    local clean = ag.json_decode(text).input.objectives.carbon
    near(of(assert(load_example "carbon"), zoo.build "fsrcnn3") * 0.5 / 400, clean)
    os.execute("rm -r '" .. out .. "'")
  end)
end)

describe("external_program", function()
  -- Milliseconds are the size of the file; every file whose number ends in 7 cannot be measured.
  local program = support.temporary([[#!/bin/sh
for f in "$@"; do
  [ -n "$DEAF" ] && echo unknown && continue
  [ -f "$f" ] || exit 3
  size=$(wc -c <"$f")
  case $size in *7) echo unknown ;; *) echo "$size" ;; esac
done
]], ".sh")
  os.execute("chmod +x '" .. program .. "'")

  local function run(environment, arguments)
    local pipe = io.popen(("env %s %s evolve fsrcnn3 --iterations 1 --children 30 --seed 1 --quiet "
      .. "--objective recipes/objectives/external_program.lua %s 2>&1; echo $?"):format(environment,
      os.getenv "AUTOGO" or support.build .. "/autogo", arguments))
    local text = pipe:read "a"
    pipe:close()
    return text
  end

  it("is asked for the input and for children, and remembers", function()
    local out = os.tmpname()
    os.remove(out)
    local environment = "LATENCY_PROGRAM=%s LATENCY_CACHE=%s.cache"
    assert.equal("0\n", run(environment:format(program, out), "--out " .. out))
    local front = ag.json_decode(assert(ag.read_file(out .. "/front.json")))
    assert.is_true(front.input.objectives.external_latency > 1000)
    -- The second time all that was measured is known: a device that says nothing more is not noticed.
    local first = front.input.objectives.external_latency
    assert.equal("0\n", run("DEAF=1 " .. environment:format(program, out), "--out " .. out))
    front = ag.json_decode(assert(ag.read_file(out .. "/front.json")))
    assert.equal(first, front.input.objectives.external_latency)
    os.execute(("rm -r '%s' '%s.cache'"):format(out, out))
  end)

  it("says what went wrong in one line", function()
    assert.matches("^autogo: [^\n]*set LATENCY_PROGRAM to a program[^\n]*\n1\n$",
      run("-u LATENCY_PROGRAM", "--out /tmp/never"))
    assert.matches("^autogo: objective 'external_latency': it raised: false ended with 1\n1\n$",
      run("LATENCY_PROGRAM=false", "--out /tmp/never"))
    os.remove(program)
  end)
end)

describe("accuracy_per_watt", function()
  it("is maximised", function()
    local example = assert(load_example "accuracy_per_watt")
    assert.equal("max", example.sense)
    local front = search(example)
    assert.is_true(front[1].accuracy_per_watt > 0)
  end)
end)
