local support = require "tests.lua.support"
local ag = require "autogo"
local core = require "autogo.core"
local python = require "autogo.formats.python"
local pytorch = require "autogo.formats.pytorch"

describe("Python text", function()
  it("makes identifiers of names", function()
    assert.equal("layer1_conv1_Conv", python.identifier "/layer1/conv1/Conv")
    assert.equal("n1x1", python.identifier "1x1")
    assert.equal("lambda_", python.identifier "lambda")
    assert.equal("", python.identifier "//")
  end)

  it("writes literals", function()
    assert.equal("(1, 2.5, True)", python.literal { 1, 2.5, true })
    assert.equal("(3,)", python.literal { 3 })
    assert.equal("0.1", python.literal(string.unpack("f", string.pack("f", 0.1))))
    assert.equal("1.0", python.literal(1.0))
    assert.equal('float("inf")', python.literal(math.huge))
    assert.equal([["a\n\x0d\x00\"\\?"]], python.literal 'a\n\r\0"\\\xff')
  end)

  it("breaks long lines at arguments", function()
    local line = "    x = torch.cat((" .. ("a_rather_long_name, "):rep(9) .. "b), 1)"
    for part in (python.wrap(line) .. "\n"):gmatch "(.-)\n" do
      assert.is_true(#part <= python.WIDTH)
    end
    assert.equal(line:gsub("%s", ""):gsub(",?%)", ")"),
      (python.wrap(line):gsub("%s", ""):gsub(",?%)", ")")))
  end)
end)

describe("PyTorch source", function()
  it("has a class for what repeats, and loops", function()
    local text = assert(pytorch.source(assert(ag.load "resnet50")))
    local _, classes = text:gsub("\nclass ", "")
    assert.equal(3, classes)
    assert.truthy(text:find("for _ in range(5)]", 1, true))
    assert.truthy(select(2, text:gsub("\n", "\n")) < 160)
  end)

  it("names every weight once", function()
    local graph = assert(ag.load "mobilenet_v2")
    local _, names = pytorch.source(graph)
    local seen = {}
    for i, node in graph:nodes() do
      assert.equal(node.params > 0, names[i] ~= nil)
      assert.is_nil(seen[names[i] or {}])
      if names[i] then seen[names[i]] = true end
    end
  end)

  it("is the same for the same network", function()
    local graph = assert(ag.load "densenet121")
    assert.equal(pytorch.source(graph), (pytorch.source(graph)))
  end)

  it("is UTF-8 within its quotes, whatever the network is called", function()
    for _, name in ipairs { "a\xff\xfe\"\"\"b\\", "c\n\r", "\xed\xa0\x80", "gr\u{fc}n", "" } do
      local b = core.builder(name, "test")
      b:output(b:relu(b:conv(b:input { 8, 8, 3 }, { filters = 4, kernel = 3, name = "\xff" })))
      local graph = b:build()
      for _, source in ipairs { pytorch.source, require("autogo.formats.keras_source").source } do
        local text = assert(source(graph))
        assert.truthy(utf8.len(text))
        local title = text:match '^"""([^\n]*)\n'
        assert.is_nil(title:find '["\\\r]')
        assert.truthy(title:find "^%C+: 4 nodes, %C+ 108 parameters%.$", title)
      end
    end
  end)

  it("says which node it cannot write", function()
    local b = core.builder "avg"
    local x = b:input { 9, 9, 4 }
    b:output(b:avgpool(x, { kernel = 2, stride = 1, dilation = 2, padding = "valid" }))
    local text, why = pytorch.source(assert(b:build()))
    assert.is_nil(text)
    assert.truthy(why:find "#1: PyTorch has no average pool with dilation")
  end)

  it("refuses weights under names that no module has", function()
    local graph = assert(ag.load "resnet18")
    local path = os.tmpname()
    local good, why = graph:save_weights(path, { [1] = 'a"b' }, {}, 1)
    assert.is_nil(good)
    assert.truthy(why:find "cannot name a module")
    local wrong = { 3, {}, { node = 0, index = 0, name = 7 }, { node = "0", index = 0, name = "c" } }
    for _, constant in ipairs(wrong) do
      assert.error_matches(function() graph:save_weights(path, {}, { constant }, 1) end, "constants: ")
    end
    os.remove(path)
  end)

  it("accounts for what weights are kept", function()
    local kept, fresh = assert(ag.load "resnet18"):kept()
    assert.same({ 0, 11689512 }, { kept, fresh })
    local path = support.shared .. "/models/onnx/torchvision_squeezenet1_1.onnx"
    if not core.exists(path) then return pending "needs the shared models" end
    local graph = assert(ag.load(path))
    kept, fresh = graph:kept()
    assert.same({ graph.params, 0 }, { kept, fresh })
  end)
end)
