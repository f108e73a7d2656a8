-- Sampled corpora, and tables of labels as samples.

local support = require "tests.lua.support"
local corpus = require "autogo.corpus"
local families = require "autogo.families"
local labels = require "autogo.labels"

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
    local samples, why = labels.read(path, family, column)
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

  it("that is none is named with the line", function()
    local function reason(...)
      local samples, why = read(...)
      assert.is_nil(samples)
      return why
    end
    assert.equal(
      "FILE: a header with arch (or adjacency_upper_rowmajor and ops) and cifar10_test_acc expected",
      reason("a,b\n1,2\n", "nb_macro")
    )
    assert.equal("FILE: line 3: nb_macro: 8 layers expected, got 3",
      reason("arch,cifar10_test_acc\n00000000,1\n123,1\n", "nb_macro"))
    assert.equal("FILE: line 2: a configuration and a number expected",
      reason("arch,cifar10_test_acc\n00000000,x\n", "nb_macro"))
    assert.equal("FILE: no rows", reason("arch,cifar10_test_acc\n", "nb_macro"))
    assert.matches("unknown family", reason("arch,cifar10_test_acc\n", "nb3"))
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
          local hash = sample.graph:hash()
          assert.equal(number, part_of[hash] or number)
          part_of[hash] = number
        end
      end
      assert.equal(4096, sizes[1] + sizes[2] + sizes[3])
      assert.is_true(math.abs(sizes[1] - 3277) < 20 and math.abs(sizes[2] - 410) < 20)
    end)
  )
end)
