-- Sampled corpora, and tables of labels as samples.

local support = require "tests.lua.support"
local corpus = require "autogo.corpus"
local families = require "autogo.families"
local labels = require "autogo.labels"
local random = require "autogo.random"

local function names(wanted, seed)
  local list = {}
  for graph in assert(corpus.each(wanted, seed)) do
    list[#list + 1] = graph.name
  end
  return list
end

describe("a corpus", function()
  it("does not depend on the order of its families, nor one family on the others", function()
    local both = names { { family = "hiaml", count = 20 }, { family = "nb101", count = 10 } }
    assert.same(both, names { { family = "nb101", count = 10 }, { family = "hiaml", count = 20 } })
    assert.same(names { { family = "hiaml", count = 20 } }, table.move(both, 11, 30, 1, {}))
    assert.is_not.same(both, names({ { family = "hiaml", count = 20 }, { family = "nb101", count = 10 } }, 2))
  end)

  it("holds distinct graphs, as many as asked for, and a whole family at most", function()
    for _, count in ipairs { 300, 4096, 9999 } do
      local seen, distinct = {}, 0
      for _, name in ipairs(names { { family = "nb201", count = count } }) do
        distinct = distinct + (seen[name] and 0 or 1)
        seen[name] = true
      end
      assert.equal(math.min(count, families.nb201.size), distinct)
    end
  end)

  it("stands in canonical order, skip connections as asked for", function()
    local function doubled(options)
      local count = 0
      for graph in assert(corpus.each({ { family = "nb201", count = 400 } }, 1, options)) do
        assert.equal(support.graph_text(graph:canonical()), support.graph_text(graph))
        for _, node in graph:nodes() do
          if #node.operands > node.inputs then count = count + 1 end
        end
      end
      return count
    end
    assert.is_true(doubled() > 0) -- exact: x + x stays
    assert.equal(0, doubled { skip = "direct" })
  end)

  it("refuses unknown and repeated families", function()
    local _, why = corpus.each { { family = "x", count = 1 } }
    assert.matches("unknown family 'x'", why)
    _, why = corpus.each { { family = "hiaml", count = 1 }, { family = "hiaml", count = 1 } }
    assert.equal("family 'hiaml' is given twice", why)
  end)
end)

describe("a table of labels", function()
  local function read(text, family, column)
    local path = support.temporary(text, ".csv")
    local samples, why = labels.read(path, family, { column = column })
    os.remove(path)
    return samples, why and why:gsub(path, "FILE", 1)
  end

  it("becomes graphs with targets", function()
    local text = "arch,cifar10_test_acc,other\n00000000,45.5,1\n00000001,64.25,2\n"
    local samples = assert(read(text, "nb_macro"))
    assert.equal(2, #samples)
    assert.equal(45.5, samples[1].target)
    assert.equal(64.25, samples[2].target)
    assert.equal(2, assert(read(text, "nb_macro", "other"))[2].target)
  end)

  it("leaves out cells that the publication does, unless all are asked for", function()
    local with = "|none~0|+|nor_conv_3x3~0|none~1|+|skip_connect~0|none~1|nor_conv_1x1~2|"
    local without = with:gsub("none", "avg_pool_3x3")
    local path = support.temporary(("arch,ms\n%s,1.5\n%s,2\n"):format(with, without), ".csv")
    local published = assert(labels.read(path, "nb201", { column = "ms" }))
    local all = assert(labels.read(path, "nb201", { column = "ms", all = true }))
    os.remove(path)
    assert.equal(1, #published)
    assert.equal(without, published[1].config)
    assert.equal(2, #all)
    assert.equal(with, all[1].config)
    assert.equal(1.5, all[1].target)
    local convs = 0
    for _, node in all[1].graph:nodes() do
      convs = convs + (node.op == "conv" and 1 or 0)
    end
    assert.equal(1 + 15 * 2 + 2 * 3, convs) -- stem, two per cell, three per reduction
  end)

  it("that is none is named with the line", function()
    local function reason(...)
      local samples, why = read(...)
      assert.is_nil(samples)
      return why
    end
    assert.equal(
      "FILE: a header with arch (or adjacency_upper_rowmajor, ops) and cifar10_test_acc expected",
      reason("a,b\n1,2\n", "nb101")
    )
    assert.equal("FILE: line 3: nb_macro: 8 layers expected, got 3",
      reason("arch,cifar10_test_acc\n00000000,1\n123,1\n", "nb_macro"))
    assert.equal("FILE: line 2: cifar10_test_acc is 'x', a number expected",
      reason("arch,cifar10_test_acc\n00000000,x\n", "nb_macro"))
    for _, text in ipairs { "nan", "-nan", "inf", "1e999" } do
      assert.matches("^FILE: line 2: cifar10_test_acc is .*number expected",
        reason(("arch,cifar10_test_acc\n00000000,%s\n"):format(text), "nb_macro"))
    end
    assert.equal("FILE: line 4: 00000000 is 2 here and 1 in line 2",
      reason("arch,cifar10_test_acc\n00000000,1\n00000001,1\n00000000,2\n", "nb_macro"))
    assert.equal(1, #assert(read("arch,cifar10_test_acc\n00000000,1\n00000000,1.0\n", "nb_macro")))
    assert.matches("^FILE: line 2: nb201: ", reason("arch,cifar10_test_acc\n|conv9x9~0|,1\n", "nb201"))
    assert.equal("FILE: line 2: an architecture expected", reason("arch,cifar10_test_acc\n,1\n", "nb201"))
    assert.equal("FILE: no rows", reason("arch,cifar10_test_acc\n", "nb_macro"))
    assert.matches("unknown family", reason("arch,cifar10_test_acc\n", "nb3"))
  end)

  it("may hold the family's own columns, quoted where they hold commas", function()
    local stream = random.new(5)
    local columns = {
      nb_macro = { "", "layer1,layer2,layer3,layer4,layer5,layer6,layer7,layer8", 8 },
      hiaml = { ",", "block1,block2,block3,block4", 4 },
      inception = { "|", "stage1,stage2,stage3,stage4", 4 },
      two_path = { "|", "path1,path2", 2 },
    }
    for name, own in pairs(columns) do
      local family = families.get(name)
      local config = family:format(family:sample(stream))
      local parts, pattern = {}, own[1] == "" and "." or ("[^%s]+"):format(own[1])
      for part in config:gmatch(pattern) do
        parts[#parts + 1] = '"' .. part .. '"'
      end
      assert.equal(own[3], #parts)
      local text = ("%s,v\n%s,7\n"):format(own[2], table.concat(parts, ","))
      assert.equal(config, assert(read(text, name, "v"))[1].config)
      assert.equal(config, assert(read(('arch,v\n"%s",7\n'):format(config), name, "v"))[1].config)
    end
  end)

  it("keeps cells that compute the same together", function()
    local nb201 = families.get "nb201"
    -- The sum of node 2 goes on unchanged to the output: (a + b) + c and (a + c) + b are one function.
    local head = "|nor_conv_1x1~0|+"
    local a = head .. "|nor_conv_3x3~0|skip_connect~1|+|avg_pool_3x3~0|nor_conv_3x3~1|skip_connect~2|"
    local b = head .. "|avg_pool_3x3~0|skip_connect~1|+|nor_conv_3x3~0|nor_conv_3x3~1|skip_connect~2|"
    assert.equal(nb201:class(a), nb201:class(b))
    assert.not_equal(nb201:class(a), nb201:class(a:gsub("avg_pool_3x3", "nor_conv_1x1")))
    local class_of, isomorphic, equal = {}, {}, {}
    for config in nb201:each() do
      local hash, class = nb201:build(config):hash(), nb201:class(config)
      assert.equal(class, class_of[hash] or class) -- isomorphic cells are equal functions
      class_of[hash], isomorphic[hash], equal[class] = class, true, true
    end
    local function count(set)
      local n = 0
      for _ in pairs(set) do
        n = n + 1
      end
      return n
    end
    assert.is_true(count(equal) < count(isomorphic))
    local macro, hashes = families.get "nb_macro", {}
    for config in macro:each() do
      hashes[macro:build(config):hash()] = true
    end
    assert.equal(3969, count(hashes))
  end)

  it("with one network is too few to train on", function()
    local path = support.temporary("arch,v\n00000000,1\n", ".csv")
    local predictor, why = require("autogo").train { data = path, family = "nb_macro", column = "v" }
    os.remove(path)
    assert.is_nil(predictor)
    assert.matches("^nb_macro: 1 network is too few to train, validate and test on", why)
  end)

  it(
    "splits 80 / 10 / 10 with isomorphic graphs together",
    support.with(support.read, "data/labels/nb201.csv", function()
      local samples = assert(labels.read(support.shared .. "/data/labels/nb201.csv", "nb201"))
      assert.equal(4096, #samples)
      local part_of, sizes = {}, {}
      for number, part in ipairs { labels.split(samples, 3) } do
        sizes[number] = #part
        for _, sample in ipairs(part) do
          for _, class in ipairs { sample.graph:hash(), families.get("nb201"):class(sample.config) } do
            assert.equal(number, part_of[class] or number)
            part_of[class] = number
          end
        end
      end
      assert.equal(4096, sizes[1] + sizes[2] + sizes[3])
      assert.is_true(math.abs(sizes[1] - 3277) < 20 and math.abs(sizes[2] - 410) < 20)
    end)
  )
end)
