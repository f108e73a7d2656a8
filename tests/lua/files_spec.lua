-- The binding of graph files: CG JSON and ONNX.

local support = require "tests.lua.support"
local core = require "autogo.core"
local expect = require "tests.lua.expect"
local raises, fails, network = expect.raises, expect.fails, expect.network

local function temporary() return expect.temporary(finally) end

describe("CG JSON", function()
  it("comes back the same", function()
    local path = temporary()
    local g = network(2, 8)
    assert.is_true(g:save_json(path))
    local again = assert(core.load_graph(path))
    assert.is_true(g == again)
    assert.equal(g:json(), again:json())
    assert.equal(g:json(), assert(core.parse_graph(g:json())):json())
    assert.equal("net", again.name)
    assert.equal("test", again.family)
  end)

  it(
    "is read as the published graphs have it",
    support.with(support.json, "data/cg/nb201_best.json", function(file)
      local g = assert(core.load_graph(support.shared .. "/data/cg/nb201_best.json"))
      assert.equal(file.flops, g.flops)
      assert.equal(#file.nodes, g.size)
      assert.equal(#file.edges, g.edges)
    end)
  )

  it("names the file and the reason when it is none", function()
    local path = temporary()
    assert(core.write_file(path, '{"nodes":[{"id":0,"op":"conv"}],"edges":[]}'))
    fails(path, core.load_graph(path))
    fails("/dev/null/x", core.load_graph "/dev/null/x")
    fails("", core.parse_graph "")
    fails("", core.parse_graph "[]")
    fails("/dev/null/x", network(1, 4):save_json "/dev/null/x")
    raises("string expected", core.load_graph)
  end)
end)

describe("ONNX", function()
  it("comes back isomorphic", function()
    local path = temporary()
    local g = network(2, 8)
    assert.is_true(g:save_onnx(path, { seed = 3 }))
    local again, report = assert(core.load_onnx(path))
    assert.is_true(g:isomorphic(again))
    assert.same({}, report.opaque)
    assert.equal(g.size, again.size)
    assert.truthy(report.kept > 0)
    local bytes = core.read_file(path)
    assert.is_true(g:save_onnx(path, { seed = 3 }))
    assert.equal(bytes, core.read_file(path))
    assert.is_true(g:save_onnx(path, { seed = 4 }))
    assert.not_equal(bytes, core.read_file(path))
    assert.is_true(g:save_onnx(path, { weights = false }))
    assert.truthy(#core.read_file(path) < #bytes)
  end)

  it("returns nil and names the file", function()
    local path = temporary()
    assert(core.write_file(path, "\255\255\255 no model"))
    fails(path, core.load_onnx(path))
    fails("/dev/null/x", core.load_onnx "/dev/null/x")
    fails("/dev/null/x", network(1, 4):save_onnx "/dev/null/x")
    raises("input shape", core.load_onnx, path, { 3, 224 })
    raises("unknown option", network(1, 4).save_onnx, network(1, 4), path, { weight = false })
  end)
end)
