-- The zoo against the published graphs, the specified sizes and torchvision's own numbers.

local support = require "tests.lua.support"
local core = require "autogo.core"
local zoo = require "autogo.zoo"

describe("zoo network", function()
  for _, name in ipairs(zoo.names) do
    it(name .. " builds, keeps its name and passes the checker", function()
      local graph = assert(zoo.build(name))
      assert.equal(name, graph.name)
      assert.is_true((graph:check()))
      assert.is_string(zoo.about(name))
    end)
  end

  -- families.md 9.1, 9.5, 9.6; FLOPs to the digits given there.
  it("has the specified nodes, edges and FLOPs", function()
    local function rounded(name, unit)
      local graph = assert(zoo.build(name))
      return ("%d %d %.4f"):format(graph.size, graph.edges, graph.flops / unit)
    end
    assert.equal("152 164 6.3065", rounded("resnet50_published", 1e9))
    assert.equal("322 351 13.7855", rounded("resnet101_published", 1e9))
    assert.equal("48 47 30.8057", rounded("vgg16_published", 1e9))
    assert.equal("67 82 140.7394", rounded("edsr", 1e9))
    assert.equal("12 11 2.6657", rounded("fsrcnn3", 1e9))
    assert.equal("14 13 3.7422", rounded("fsrcnn4", 1e9))
    assert.equal("32 34 17.0497", rounded("unet_denoise", 1e9))
  end)

  local PUBLISHED = { resnet50_published = "resnet50", vgg16_published = "vgg16_bn", edsr = "edsr_base" }
  for name, file in pairs(PUBLISHED) do
    local path = "data/cg/" .. file .. ".json"
    it(
      name .. " is isomorphic to the published graph",
      support.with(support.json, path, function(published)
        local graph = assert(zoo.build(name))
        local other = assert(core.load_graph(support.shared .. "/" .. path))
        assert.is_true(graph:isomorphic(other))
        assert.equal(published.flops, graph.flops)
      end)
    )
  end

  -- Their edges come without the order of operands, which counts for a concatenation: compare node
  -- for node instead.
  for _, name in ipairs { "fsrcnn3", "fsrcnn4", "unet_denoise", "edsr" } do
    local path = "data/cg/" .. (name == "edsr" and "edsr_base" or name) .. ".json"
    it(
      name .. " is the shared graph node for node",
      support.with(support.json, path, function(file)
        local graph = assert(zoo.build(name))
        assert.equal(support.published_text(file), support.graph_text(graph))
        assert.equal(file.flops, graph.flops)
      end)
    )
  end

  -- Parameters as torchvision documents them.
  it("has torchvision's parameters", function()
    local DOCUMENTED = {
      resnet18 = 11689512,
      resnet34 = 21797672,
      resnet50 = 25557032,
      resnet101 = 44549160,
      resnet152 = 60192808,
      vgg11_bn = 132868840,
      vgg13_bn = 133053736,
      vgg16_bn = 138365992,
      vgg19_bn = 143678248,
      mobilenet_v2 = 3504872,
      densenet121 = 7978856,
    }
    for name, params in pairs(DOCUMENTED) do
      assert.equal(params, assert(zoo.build(name)).params, name)
    end
  end)

  -- Some of the files were exported with batch norm folded into the convolution in front of it: of
  -- its scale and shift only a bias remains, and that only where there was none.
  local function folded_params(graph)
    local params = graph.params
    for _, node in graph:nodes() do
      local producer = node.op == "batchnorm" and graph:node(node.operands[1])
      if producer and producer.op == "conv" and #producer.users == 1 then
        params = params - 2 * node.c_out + (producer.bias and 0 or node.c_out)
      end
    end
    return params
  end

  local EXPORTED = {
    resnet18 = { "torchvision_resnet18_noweights.onnx", folded = true },
    resnet50 = { "torchvision_resnet50_bn_noweights.onnx" },
    mobilenet_v2 = { "torchvision_mobilenet_v2_bn_noweights.onnx" },
    densenet121 = { "torchvision_densenet121_noweights.onnx", folded = true },
    vgg16_bn = { "torchvision_vgg16_bn_noweights.onnx", folded = true },
  }
  it(
    "has the MACs and parameters of torchvision's exports",
    support.with(support.json, "models/onnx/torchvision_truth.json", function(truth)
      for name, file in pairs(EXPORTED) do
        local graph, expected = assert(zoo.build(name)), truth[file[1]]
        local macs = graph:macs()
        assert.equal(expected.conv_macs, macs.conv + macs.depthwise, name)
        assert.equal(expected.linear_macs, macs.matmul, name)
        assert.equal(expected.params, file.folded and folded_params(graph) or graph.params, name)
      end
    end)
  )

  it("takes another input size, and refuses one that does not fit", function()
    local graph = assert(zoo.build("resnet18", { input = { 64, 96, 3 } }))
    assert.same({ 64, 96, 3 }, graph:input())
    local none, why = zoo.build("resnet50_published", { input = { 32, 32, 3 } })
    assert.is_nil(none)
    assert.matches("^resnet50_published: ", why)
    assert.is_nil(why:find "\n")
    assert.is_nil(why:find ".lua", 1, true)
  end)

  it("is unknown by other names", function()
    local graph, why = zoo.build "resnet51"
    assert.is_nil(graph)
    assert.matches("unknown network 'resnet51'; known are densenet121, ", why)
  end)
end)
