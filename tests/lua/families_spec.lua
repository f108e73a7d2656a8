-- The architecture families against the published graphs, vectors and benchmark tables.

local support = require "tests.lua.support"
local families = require "autogo.families"
local random = require "autogo.random"

-- How the published best graphs were made, where it is not the default.
local BEST_OPTIONS = { nb201 = { skip = "identity" } }

local function sizes(graph)
  return ("%d/%d/%d"):format(graph.size, graph.edges, graph.flops)
end

describe("published best graph", function()
  for _, name in ipairs { "nb101", "nb201", "hiaml", "inception", "two_path" } do
    local path = "data/cg/" .. name .. "_best.json"
    it(
      "of " .. name .. " is rebuilt node for node",
      support.with(support.json, path, function(file)
        local graph = assert(families[name].build(file.config, BEST_OPTIONS[name]))
        assert.equal(support.published_text(file), support.graph_text(graph))
        assert.equal(file.flops, graph.flops)
        assert.equal(name, graph.family)
      end)
    )
  end
  for _, best in ipairs(require "autogo.families.best") do
    it(
      "of " .. best.family .. " is the one listed",
      support.with(support.json, "data/cg/" .. best.family .. "_best.json", function(file)
        assert.equal(support.published_text(file), support.graph_text(best.build()))
      end)
    )
  end
end)

describe("family vectors", function()
  it(
    "have their nodes, edges, FLOPs and ops",
    support.with(support.json, "data/cg/family_vectors.json", function(vectors)
      for _, vector in ipairs(vectors) do
        local graph = assert(families[vector.family].build(vector.config, { skip = vector.skip }))
        assert.equal(
          ("%d/%d/%d"):format(vector.nodes, vector.edges, vector.flops),
          sizes(graph),
          graph.name
        )
        assert.same(vector.ops, graph:ops(), graph.name)
      end
    end)
  )
end)

-- families.md 6.4: the block in all four stages.
describe("hiaml block", function()
  local NETWORKS = {
    z = "95/102/235542036",
    a22 = "87/94/168285716",
    b23 = "123/130/200381972",
    j30 = "99/106/237688340",
    g30 = "147/162/217749012",
    r30 = "159/182/220190228",
    l20 = "55/54/150771220",
    t20 = "87/94/111662612",
    t31 = "167/190/220337684",
    src0 = "87/94/319280660",
    src1 = "87/94/300480020",
    src3 = "103/110/183334420",
    src7 = "135/142/219502100",
    src8 = "103/110/135026196",
  }
  for block, expected in pairs(NETWORKS) do
    it(block .. " makes a network of the specified size", function()
      assert.equal(expected, sizes(families.hiaml.build { block, block, block, block }))
    end)
  end
end)

-- families.md 10.1.
describe("specified sizes", function()
  it("of nb101 cells", function()
    local function cell(ops, edges)
      local names = { c1 = "conv1x1-bn-relu", c3 = "conv3x3-bn-relu", mp = "maxpool3x3" }
      local config = { ops = { "input" }, matrix = {} }
      for op in ops:gmatch "%S+" do
        table.insert(config.ops, names[op])
      end
      table.insert(config.ops, "output")
      for i = 1, #config.ops do
        config.matrix[i] = {}
        for j = 1, #config.ops do
          config.matrix[i][j] = 0
        end
      end
      for from, to in edges:gmatch "(%d)(%d)" do
        config.matrix[from + 1][to + 1] = 1
      end
      return sizes(assert(families.nb101.build(config)))
    end
    assert.equal("36/35/280538132", cell("", "01"))
    assert.equal("99/107/3277892628", cell("c3", "01 02 12"))
    assert.equal("126/134/1039641620", cell("c3 c1", "01 02 13 23"))
    assert.equal("162/179/622987028", cell("c3 c1 mp", "01 02 03 14 24 34"))
    assert.equal("198/233/575138836", cell("c3 mp c1 c3", "01 03 04 12 15 23 25 35 45"))
    assert.equal("243/269/813493268", cell("c1 c3 c3 c3 mp", "01 02 03 05 16 26 34 46 56"))
    assert.equal("144/170/717139092", cell("c3 c1 mp", "01 04 12 13 14 24 34"))
  end)

  it("of nb201 cells", function()
    local function cell(op, skip)
      return sizes(families.nb201.build({ op, op, op, op, op, op }, { skip = skip }))
    end
    assert.equal("336/382/447321492", cell("nor_conv_3x3", "identity"))
    assert.equal("336/382/69834132", cell("nor_conv_1x1", "identity"))
    assert.equal("246/292/22648212", cell("avg_pool_3x3", "identity"))
    assert.equal("156/202/17487252", cell("skip_connect", "identity"))
    assert.equal("21/22/15766932", cell("skip_connect", "direct"))
    local mixed = {
      "nor_conv_3x3", "skip_connect", "avg_pool_3x3", "skip_connect", "skip_connect", "nor_conv_1x1",
    }
    assert.equal("231/277/98710932", sizes(families.nb201.build(mixed, { skip = "identity" })))
    assert.equal("186/232/98710932", sizes(families.nb201.build(mixed, { skip = "direct" })))
  end)

  it("of two-path ops", function()
    local NETWORKS = {
      conv3x3 = "31/32/58813460",
      conv5x5 = "31/32/83979284",
      double3x3 = "46/47/68312084",
      inception_s3x3 = "46/47/57338900",
      ["bottleneck-r2-k3"] = "36/37/56441876",
      ["bottleneck-r4-k3"] = "36/37/50533396",
      ["bottleneck-e2-k3"] = "36/37/91892756",
      inception_s5x5 = "46/47/65727508",
    }
    for op, expected in pairs(NETWORKS) do
      local config = {
        path1 = { { op }, { op }, { op } },
        reduce1 = { 0, 2 },
        path2 = { { op }, { op } },
        reduce2 = { 0, 1 },
      }
      assert.equal(expected, sizes(families.two_path.build(config)), op)
    end
  end)

  it("of inception ops", function()
    local NETWORKS = {
      conv3x3 = "40/44/163900436",
      conv5x5 = "40/44/382004244",
      depthwise3x3 = "43/47/56011796",
      depthwise5x5 = "43/47/59943956",
      inception_s3x3 = "64/68/143092756",
      inception_s5x5 = "64/68/210201620",
      inception_p3x3 = "76/88/101329940",
      inception_p5x5 = "76/88/141175828",
    }
    for op, expected in pairs(NETWORKS) do
      local config = {}
      for i, channels in ipairs { 32, 64, 128, 256 } do
        config[i] = { n = 2, paths = { { ops = { op }, C_internal = channels, C_out = channels } } }
      end
      assert.equal(expected, sizes(families.inception.build(config)), op)
    end
  end)
end)

describe("benchmark tables", function()
  it(
    "nb_macro: parameters and MACs of all 6,561 networks",
    support.with(support.csv, "data/labels/nb_macro.csv", function(rows)
      assert.equal(6561, #rows)
      for _, row in ipairs(rows) do
        local graph = families.nb_macro.build(row[1])
        local macs = graph:macs()
        assert.equal(row[4] .. " " .. row[5], ("%d %d"):format(
          graph.params,
          macs.conv + macs.depthwise + macs.matmul
        ))
      end
    end)
  )

  it(
    "nb101: parameters of all its cells",
    support.with(support.csv, "data/labels/nb101.csv", function(rows)
      for _, row in ipairs(rows) do
        local graph = assert(families.nb101.build(row[3] .. ":" .. row[4]))
        assert.equal(tonumber(row[8]), graph.params, row[1])
      end
    end)
  )

  it(
    "nb201: every architecture string is one of ours",
    support.with(support.csv, "data/labels/nb201.csv", function(rows)
      local without_none = 0
      for _, row in ipairs(rows) do
        local config = assert(families.nb201.parse(row[2]))
        assert.equal(row[2], families.nb201.format(config))
        without_none = without_none + (row[2]:find "none" and 0 or 1)
      end
      assert.equal(4096, without_none)
    end)
  )
end)

describe("a space", function()
  it("has as many members as published", function()
    local SIZES = { nb201 = 4 ^ 6, hiaml = 14 ^ 4, nb_macro = 3 ^ 8 }
    for name, size in pairs(SIZES) do
      local seen, count = {}, 0
      for config in families[name].each() do
        local text = families[name].format(config)
        assert.is_nil(seen[text])
        seen[text], count = true, count + 1
      end
      assert.equal(math.tointeger(size), count, name)
    end
  end)

  it("of nb101 has the published numbers of cells by vertices", function()
    local counts = {}
    for config in families.nb101.each() do
      local vertices = #config.ops
      counts[vertices] = (counts[vertices] or 0) + 1
    end
    -- 423,624 in all (Ying et al., 2019)
    assert.same({ [2] = 1, [3] = 6, [4] = 84, [5] = 2441, [6] = 62010, [7] = 359082 }, counts)
  end)

  it("too large to iterate over says so", function()
    local iterator, why = families.inception.each()
    assert.is_nil(iterator)
    assert.matches("sample instead", why)
  end)
end)

describe("every family", function()
  for _, name in ipairs(families.names) do
    local family = families[name]

    it(name .. ": parse and format undo each other, samples build", function()
      for i = 1, 300 do
        local config = family.sample(random.new(7, i))
        local text = family.format(config)
        assert.same(config, assert(family.parse(text)), text)
        if i <= 60 then
          assert.is_true((assert(family.build(text)):check()))
        end
      end
    end)

    it(name .. ": the same seed gives the same sample", function()
      local first = family.format(family.sample(random.new(3, 5)))
      assert.equal(first, family.format(family.sample(random.new(3, 5))))
    end)

    it(name .. ": rejects what is no configuration of it", function()
      for _, text in ipairs { "", "nonsense", "a,b,c,d", "|", ":", "12345678", "2x:1:1", "1::" } do
        local graph, why = family.build(text)
        assert.is_nil(graph)
        assert.equal(name .. ": ", why:sub(1, #name + 2))
        assert.is_nil(why:find "\n")
      end
    end)
  end
end)

describe("an impossible configuration", function()
  local function reason(name, config)
    local graph, why = families[name].build(config)
    assert.is_nil(graph)
    return why
  end

  it("is named in one line", function()
    local no_path = { matrix = { { 0, 1, 0 }, { 0, 0, 0 }, { 0, 0, 0 } },
      ops = { "input", "maxpool3x3", "output" } }
    assert.equal("nb101: the cell has no path from its input to its output", reason("nb101", no_path))
    assert.matches("at most 9 edges", reason("nb101", {
      matrix = { { 0, 1, 1, 1, 1 }, { 0, 0, 1, 1, 1 }, { 0, 0, 0, 1, 1 }, { 0, 0, 0, 0, 1 },
        { 0, 0, 0, 0, 0 } },
      ops = { "input", "maxpool3x3", "maxpool3x3", "maxpool3x3", "output" },
    }))
    assert.equal("nb201: edge 1-2: unknown op 'conv'",
      reason("nb201", "|none~0|+|none~0|conv~1|+|none~0|none~1|none~2|"))
    assert.equal("hiaml: stage 1: unknown block 'q'", reason("hiaml", "z,q,z,z"))
    assert.equal("two_path: path1: exactly two of its blocks must reduce",
      reason("two_path", "conv3x3+conv3x3/2|conv3x3/2+conv3x3/2"))
    assert.equal("two_path: path2, block 1: at least one convolution expected",
      reason("two_path", "conv3x3/2+conv3x3/2|conv3x3/2+conv1x1/2"))
    assert.matches("C_internal and C_out must be equal",
      reason("inception", "2xconv3x3:32:64|2xconv3x3:64:64|2xconv3x3:128:128|2xconv3x3:256:256"))
    assert.equal("nb_macro: layer 7: 0, 1 or 2 expected, got '3'", reason("nb_macro", "00000003"))
  end)

  it("leaves misuse to raise", function()
    assert.error_matches(function()
      families.nb201.build(7)
    end, "config: a table expected, got number")
  end)
end)

describe("FAMILY:CONFIG", function()
  local function write(text)
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write(text)
    file:close()
    return path
  end

  it("takes a string or a file", function()
    local graph = assert(families.load "hiaml:z,z,l20,z")
    local path = write '["z", "z", "l20", "z"]'
    local same = assert(families.load("hiaml:@" .. path))
    assert.equal(support.graph_text(graph), support.graph_text(same))
    os.remove(path)
  end)

  it("takes an entry of family vectors with its skip mode", function()
    local skip = '"skip_connect"'
    local path = write('{"family": "nb201", "skip": "direct", "config": ['
      .. table.concat({ skip, skip, skip, skip, skip, skip }, ",") .. "]}")
    assert.equal("21/22/15766932", sizes(assert(families.load("nb201:@" .. path))))
    assert.equal("21/22/15766932", sizes(assert(families.load("nb201:@" .. path, {}))))
    assert.equal("21/22/15766932", sizes(assert((require "autogo".load("nb201:@" .. path)))))
    local graph, why = families.load("hiaml:@" .. path)
    assert.is_nil(graph)
    assert.equal(path .. ": a configuration of nb201, not hiaml", why)
    os.remove(path)
  end)

  it("names what is wrong", function()
    local _, why = families.load "nb301:x"
    assert.matches("^unknown family 'nb301'; known are nb101, ", why)
    _, why = families.load "hiaml:@/nonexistent/x.json"
    assert.matches("/nonexistent/x.json", why, 1, true)
    local path = write "{"
    _, why = families.load("hiaml:@" .. path)
    assert.equal(path, why:sub(1, #path))
    os.remove(path)
  end)
end)

describe("samples of nb101", function()
  it("are uniform over its cells", function()
    local cells, drawn, seven, seen, distinct = 423624, 20000, 0, {}, 0
    for i = 1, drawn do
      local config = families.nb101.sample(random.new(11, i))
      local text = families.nb101.format(config)
      seven = seven + (#config.ops == 7 and 1 or 0)
      distinct = distinct + (seen[text] and 0 or 1)
      seen[text] = true
    end
    local share = 359082 / cells
    assert.is_true(math.abs(seven - drawn * share) < 5 * math.sqrt(drawn * share * (1 - share)))
    -- Were some cells likelier than others, more of them would be drawn twice.
    local expected = cells * (1 - (1 - 1 / cells) ^ drawn)
    assert.is_true(math.abs(distinct - expected) < 5 * math.sqrt(drawn - expected))
  end)
end)
