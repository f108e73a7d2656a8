-- The command line as a user meets it: the program is run as a process.

local support = require "tests.lua.support"
local core = require "autogo.core"
local options = require "autogo.cli.options"
local zoo = require "autogo.zoo"

local autogo = support.autogo

local fails = require("tests.lua.expect").refused

local function succeeds(line, input)
  local status, out, err = autogo(line, input)
  assert.equal(0, status, err)
  assert.equal("", err)
  return out
end

describe("usage", function()
  it("lists every verb", function()
    local out = succeeds "--help"
    local verbs = "evolve info convert diff segment predict resolve mine train finetune run repl"
    for verb in verbs:gmatch "%a+" do
      assert.matches("\n  " .. verb .. " ", out)
      assert.matches("^usage: autogo " .. verb, succeeds(verb .. " --help"))
    end
    assert.equal(out, succeeds "help")
  end)

  it("says its version", function()
    assert.equal("autogo " .. core.version .. "\n", succeeds "--version")
  end)

  it("is explained in one line when wrong, with exit code 2", function()
    assert.equal("a verb is missing; autogo --help lists them", fails(2, ""))
    assert.equal("unknown verb 'inof', did you mean 'info'?", fails(2, "inof resnet18"))
    assert.equal("info: MODEL is missing; usage: autogo info MODEL [options]", fails(2, "info"))
    assert.equal("info: one argument too many: 'b'", fails(2, "info a b"))
    assert.equal("info: unknown option '--jason', did you mean '--json'?", fails(2, "info a --jason"))
    assert.equal("info: unknown option '--zzzzzzzz'", fails(2, "info a --zzzzzzzz"))
    assert.equal("info: unknown option '-j'; options begin with --", fails(2, "info a -j"))
    assert.equal("info: --json takes no value", fails(2, "info a --json=1"))
    assert.equal("info: --input needs a value, HxWxC", fails(2, "info a --input"))
    local SHAPES = { "3", "3x", "4x5", "axb", "0x3x3", "3x3x3x3", "99999999x1x1", "-1x2x3", "1.5x2x3" }
    for _, shape in ipairs(SHAPES) do
      assert.equal(("info: --input: a size like 224x224x3 expected, got '%s'"):format(shape),
        fails(2, "info a --input=" .. shape))
    end
    assert.equal("evolve: --iterations: an integer from 1 to 10000 expected, got '0'",
      fails(2, "evolve a --iterations 0"))
    assert.equal("evolve: --seed: an integer of at least 0 expected, got '1e3'",
      fails(2, "evolve a --seed 1e3"))
    assert.equal("predict: --segment: FIRST:LAST with FIRST < LAST expected, got '4:4'",
      fails(2, "predict a --segment 4:4"))
    assert.matches("^mine: %-%-samples: integers", fails(2, "mine --samples 1,,2"))
    assert.matches("^evolve: %-%-preset: one of .* expected, got 'x'", fails(2, "evolve a --preset x"))
  end)
end)

describe("option parsing", function()
  local verb = {
    name = "v", usage = "A [B]", about = "Test", required = 1,
    arguments = { { name = "A", help = "a" }, { name = "B", help = "b" } },
    options = {
      { name = "count", type = "integer", default = 3, help = "c" },
      { name = "ratio", type = "number", min = 0, max = 1, help = "r" },
      { name = "tag", type = "string", many = true, help = "t" },
      { name = "dry-run", type = "flag", help = "d" },
      { name = "names", type = "list", help = "n" },
      { name = "size", type = "shape", help = "s" },
    },
  }

  it("takes values after a space or an equals sign, in any place", function()
    assert.same(
      { "x", "y", count = 7, ratio = 0.5, tag = { "a", "b=c" }, dry_run = true,
        names = { "p", "q" }, size = { 4, 5, 6 } },
      options.parse(verb, { "--count", "7", "x", "--ratio=0.5", "--tag", "a", "--tag=b=c", "y",
        "--dry-run", "--names", "p,q", "--size", "4x5x6" })
    )
    assert.same({ "x", count = 3, tag = {} }, options.parse(verb, { "x" }))
    assert.same({ "--count", "-", count = 3, tag = {} }, options.parse(verb, { "--", "--count", "-" }))
  end)

  it("shows defaults and values in the help", function()
    local help = options.help(verb)
    assert.matches("--count N +c %[3%]\n", help)
    assert.matches("--tag TEXT +t\n", help)
    assert.matches("--size HxWxC +s\n", help)
  end)
end)

describe("a model that is none", function()
  it("is named with the reason, with exit code 1", function()
    assert.matches("^nosuch: no such file, nor a network of the zoo %(densenet121 ", fails(1, "info nosuch"))
    assert.matches("nonexistent.onnx", fails(1, "info /nonexistent.onnx"), 1, true)
    assert.matches("nonexistent.json", fails(1, "info /nonexistent.json"), 1, true)
    assert.equal("hiaml: stage 3: unknown block 'q'", fails(1, "info hiaml:z,z,z,q"))
    assert.matches("^unknown family 'hiamk'; known are nb101", fails(1, "info hiamk:z"))
    assert.matches("nonexistent.json", fails(1, "info nb201:@/nonexistent.json"), 1, true)
    assert.matches("^resnet50_published: ", fails(1, "info resnet50_published --input 32x32x3"))
    assert.matches("/tmp", fails(1, "info /tmp"), 1, true)
  end)

  it("may hold anything", function()
    local random = require("autogo.random").new(5)
    for _, suffix in ipairs { ".onnx", ".json", "" } do
      for length = 0, 60, 15 do
        local bytes = {}
        for i = 1, length do
          bytes[i] = string.char(random:below(256))
        end
        local path = support.temporary(table.concat(bytes), suffix)
        assert.matches(path, fails(1, "info " .. path), 1, true)
        os.remove(path)
      end
    end
  end)
end)

describe("info", function()
  it("--json has exactly the specified fields", function()
    local info = assert(core.json_decode(succeeds "info resnet18 --json"))
    local graph = zoo.build "resnet18"
    assert.equal(graph.size, #info.layers) -- tests/lua/info_spec.lua says more of them
    info.layers = nil
    assert.same({
      name = "resnet18",
      input = { 224, 224, 3 },
      nodes = graph.size,
      edges = graph.edges,
      ops = graph:ops(),
      macs = { conv = 1813561344, depthwise = 0, matmul = 512000 },
      flops = graph.flops,
      params = 11689512,
      report = { kept = graph.size, merged = 0, folded = 0, opaque = setmetatable({}, core.array) },
    }, info)
  end)

  it("is readable otherwise", function()
    local out = succeeds "info mobilenet_v2 --input 96x64x3"
    assert.matches("^mobilenet_v2\n", out)
    assert.matches("input +96x64x3", out)
    assert.matches("depthwise 17", out)
  end)

  local TRUTH = "models/onnx/torchvision_truth.json"
  it(
    "--json gives the MACs and parameters of every torchvision file",
    support.with(support.json, TRUTH, function(truth)
      for name, expected in pairs(truth) do
        local h, w, c = table.unpack(expected.input)
        local info = assert(core.json_decode(succeeds(
          ("info --json --input %dx%dx%d %s/models/onnx/%s"):format(h, w, c, support.shared, name))))
        assert.equal(expected.conv_macs, info.macs.conv + info.macs.depthwise, name)
        assert.equal(expected.linear_macs, info.macs.matmul, name)
        assert.equal(expected.params, info.params, name)
        assert.same(expected.input, info.input, name)
      end
    end)
  )

  it(
    "--json gives the FLOPs, nodes and edges of the published graphs",
    support.with(support.json, "data/cg/hiaml_best.json", function()
      for _, name in ipairs { "hiaml_best", "resnet50", "edsr_arch1", "unet_denoise", "nb101_best" } do
        local path = ("%s/data/cg/%s.json"):format(support.shared, name)
        local published = support.json("data/cg/" .. name .. ".json")
        local info = assert(core.json_decode(succeeds("info --json " .. path)))
        assert.equal(published.flops, info.flops)
        assert.equal(#published.nodes, info.nodes)
        assert.equal(#published.edges, info.edges)
        assert.equal(published.name, info.name)
      end
    end)
  )
end)

describe("convert", function()
  it("to JSON and back keeps the graph", function()
    local path = support.temporary("", ".json")
    succeeds("convert nb201:'|nor_conv_3x3~0|+|skip_connect~0|skip_connect~1|+"
      .. "|nor_conv_1x1~0|avg_pool_3x3~1|skip_connect~2|' " .. path)
    local graph = assert(core.load_graph(path))
    local built = require("autogo.families").nb201.build(
      "|nor_conv_3x3~0|+|skip_connect~0|skip_connect~1|+|nor_conv_1x1~0|avg_pool_3x3~1|skip_connect~2|")
    assert.equal(support.graph_text(built), support.graph_text(graph))
    assert.is_true(built:isomorphic(graph))
    os.remove(path)
  end)

  it("to ONNX and back keeps FLOPs and parameters", function()
    local path = support.temporary("", ".onnx")
    succeeds("convert mobilenet_v2 --no-weights " .. path)
    local graph, why = core.load_onnx(path)
    assert.is_truthy(graph, why)
    local built = zoo.build "mobilenet_v2"
    assert.equal(built.params, graph.params)
    assert.same(built:macs(), graph:macs())
    os.remove(path)
  end)

  it("to dot gives a node and an edge for each", function()
    local path = support.temporary("", ".dot")
    succeeds("convert edsr " .. path)
    local file = assert(io.open(path))
    local text = file:read "a"
    file:close()
    os.remove(path)
    assert.equal(67, select(2, text:gsub("%[label=", "")))
    assert.equal(82, select(2, text:gsub(" %-> ", "")))
  end)

  it("refuses other formats and places, leaving nothing behind", function()
    assert.equal("/tmp/x.xyz: unknown format; the name must end in one of .dot, .json, .keras.py, .onnx, "
      .. ".py, .svg",
      fails(1, "convert edsr /tmp/x.xyz"))
    for _, suffix in ipairs { "json", "onnx", "dot", "svg" } do
      local path = "/nonexistent/x." .. suffix
      assert.matches(path, fails(1, "convert edsr " .. path), 1, true)
    end
    assert.is_false(core.exists "/tmp/x.xyz")
  end)
end)

describe("run", function()
  local function script(text)
    return support.temporary(text, ".lua")
  end

  it("gives the script its arguments and the module", function()
    local path = script [[
      local ag = require "autogo"
      print(#arg, arg[1], ag.load("edsr").flops, ...)
    ]]
    assert.equal("2\t--x\t140739379200\t--x\ty z\n", succeeds("run " .. path .. " --x 'y z'"))
    os.remove(path)
  end)

  it("passes on an exit code", function()
    local path = script "return 3"
    assert.equal(3, (autogo("run " .. path)))
    os.remove(path)
  end)

  it("says where a script is wrong", function()
    local path = script "local x = nil\nx()"
    assert.matches(":2: attempt to call a nil value", fails(1, "run " .. path), 1, true)
    os.remove(path)
    path = script "x ="
    assert.matches(path, fails(1, "run " .. path), 1, true)
    os.remove(path)
    assert.matches("/nonexistent.lua", fails(1, "run /nonexistent.lua"), 1, true)
  end)
end)

describe("repl", function()
  it("prints values, continues lines and survives errors", function()
    local code, out, err = autogo("repl", table.concat({
      "1 + 1",
      "x = { a = 1, 2, 'three' }",
      "x",
      "for i = 1, 2 do",
      "print(i) end",
      "ag.load 'edsr'.size",
      "error 'boom'",
      "nil, 'message'",
      "y = = 2",
      "",
    }, "\n"))
    assert.equal(0, code)
    assert.equal('2\n{ 2, "three", a = 1 }\n1\n2\n67\nnil\tmessage\n', out)
    assert.matches("boom", err)
    assert.matches("unexpected symbol", err)
  end)

  it("does not drop a last statement that has no end", function()
    local code, out, err = autogo("repl", "1 + 1\nfor i = 1, 2 do\n")
    assert.equal(1, code)
    assert.equal("2\n", out)
    assert.equal("autogo: repl: the input ends in the middle of a statement\n", err)
    assert.same({ 0, "3\n", "" }, { autogo("repl", "1 + 2") })
  end)
end)

describe("evolve", function()
  it("refuses objectives that are none before it does anything", function()
    assert.matches("^unknown objective 'speed'", fails(1, "evolve edsr --objective speed --out /nonexistent"))
    assert.equal("objective 'flops' is given twice",
      fails(1, "evolve edsr --objective flops --objective flops"))
    assert.matches("/nonexistent.lua", fails(1, "evolve edsr --objective /nonexistent.lua"), 1, true)
    assert.matches("nosuch", fails(1, "evolve nosuch"))
  end)

  it("takes a wrong band, and caution without an ensemble, for wrong usage", function()
    for _, band in ipairs { "1.1", "1.1:0.8", "a:b", "1:1", "-1:1" } do
      assert.matches("^evolve: %-%-band: LOW:HIGH .* got '", fails(2, "evolve edsr --band " .. band))
    end
    for _, weights in ipairs { "", " --weights lua/autogo/assets/predictor.safetensors" } do
      assert.equal("evolve: --caution needs several predictors: give --weights more than once",
        fails(2, "evolve edsr --caution 1" .. weights))
    end
  end)
end)

describe("mine", function()
  it("gives the same bytes whatever the order of the families", function()
    local function mined(line)
      local folder = support.temporary ""
      os.remove(folder)
      local out = succeeds(("mine --out %s --seed 4 --vocab 400 %s"):format(folder, line))
      assert.matches("^160 graphs, %d+ labels, %d+ tokens, %d+ segments in ", out)
      local files = {}
      for i, name in ipairs { "tokenizer.txt", "segments.agdb" } do
        files[i] = assert(core.read_file(folder .. "/" .. name))
        os.remove(folder .. "/" .. name)
      end
      os.remove(folder)
      return files
    end
    local first = mined "--families hiaml,nb201,two_path --samples 70,50,40"
    assert.same(first, mined "--families two_path,hiaml,nb201 --samples 40,70,50")
    assert.is_not.same(first, mined "--families two_path,hiaml,nb201 --samples 70,40,50")
  end)

  it("refuses what cannot be mined", function()
    assert.equal("unknown family 'nb301'; known are nb101, nb201, hiaml, inception, two_path, nb_macro",
      fails(1, "mine --families nb301 --samples 3 --out /tmp/autogo-none"))
    assert.equal("mine: --samples: one count per family expected, 2, got 1",
      fails(2, "mine --families nb201,hiaml --samples 3"))
    assert.equal("family 'hiaml' is given twice", fails(1, "mine --families hiaml,hiaml --samples 3,3"))
    assert.equal("the corpus is empty", fails(1, "mine --families hiaml --samples 0"))
    assert.matches("^a vocabulary of 3 is smaller than the alphabet of %d+ labels",
      fails(1, "mine --families hiaml --samples 20 --vocab 3"))
  end)
end)
