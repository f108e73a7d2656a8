-- Mining end to end: what the corpus is, what comes of it, and files that cannot be used.

local support = require "tests.lua.support"
local core = require "autogo.core"
local corpus = require "autogo.corpus"
local families = require "autogo.families"
local mine = require "autogo.mine"

local SMALL = { { family = "hiaml", count = 60 }, { family = "nb201", count = 40 } }

describe("mining", function()
  it("reports both passes up to the number of graphs", function()
    local last = {}
    local tokenizer, _, count = mine {
      corpus = SMALL,
      vocab = 300,
      progress = function(stage, done, total)
        assert.equal((last[stage] or 0) + 1, done)
        assert.equal(100, total)
        last[stage] = done
      end,
    }
    assert.equal(100, count)
    assert.equal(300, tokenizer.tokens)
    assert.same({ learning = 100, mining = 100 }, last)
  end)

  it("counts a family's members where more are asked for", function()
    assert.equal(families.nb_macro.size + 5, corpus.size {
      { family = "nb_macro", count = 10 ^ 9 // 1 | 0 }, { family = "two_path", count = 5 },
    })
  end)

  it("finds only segments that occur in its graphs", function()
    local _, database = mine { corpus = SMALL, vocab = 300, seed = 2 }
    local wanted, missing = {}, 0
    for i = 1, #database do
      wanted[database:segment(i):hash "kind"], missing = database:segment(i), missing + 1
    end
    for graph in corpus.each(SMALL, 2) do
      for first = 0, #graph - 1 do
        for last = first + 1, math.min(first + 16, #graph) do
          local hash = core.cut(graph, first, last):hash "kind"
          if wanted[hash] then
            assert.is_true(core.cut(graph, first, last):isomorphic(wanted[hash], "kind"))
            wanted[hash], missing = nil, missing - 1
          end
        end
      end
      if missing == 0 then break end
    end
    assert.is_true(#database > 50)
    assert.equal(0, missing)
  end)
end)

describe("the bundled tokenizer and database", function()
  local ag = require "autogo"

  it("know every label of exact graphs of the five families", function()
    local tokenizer, unknown, nodes = ag.tokenizer(), 0, 0
    for _, name in ipairs { "nb201", "hiaml", "two_path" } do
      for graph in corpus.each({ { family = name, count = 200 } }, 99) do
        local _, tokens = tokenizer:encode(graph)
        nodes = nodes + #graph
        for _, token in ipairs(tokens) do
          unknown = unknown + (token < 0 and 1 or 0)
        end
      end
    end
    assert.is_true(unknown < nodes / 1000)
  end)

  it("come from all five, with depthwise in Inception alone", function()
    local database = ag.database()
    assert.same({ "hiaml", "inception", "nb101", "nb201", "two_path" }, database.families)
    for i = 1, #database do
      local entry = database:entry(i)
      assert.is_true(entry.size >= 1 and entry.size <= 16)
      if entry.ops.depthwise then
        assert.same({ "inception" }, entry.families)
      end
    end
  end)
end)

describe("what autogo mine left", function()
  local folder = support.temporary ""
  os.remove(folder)
  local database = folder .. "/segments.agdb"
  local original

  local function evolve()
    local code, _, err = support.autogo(
      ("evolve hiaml:z,z,z,z --iterations 1 --replacements 5 --quiet --mined %s --out %s/out"):format(
        folder, folder))
    return code, err
  end

  local function refuses(pattern, bytes)
    assert(core.write_file(database, bytes))
    local code, err = evolve()
    assert.equal(1, code)
    assert.matches(pattern, err)
    assert.equal(1, select(2, err:gsub("\n", "")))
  end

  setup(function()
    local code, _, err = support.autogo(
      "mine --families hiaml --samples 30 --vocab 100 --quiet --out " .. folder)
    assert.equal(0, code, err)
    original = assert(core.read_file(database))
  end)

  teardown(function()
    os.execute("rm -r '" .. folder .. "'")
  end)

  it("serves a search", function()
    local code, err = evolve()
    assert.equal(0, code, err)
    assert.is_truthy(core.exists(folder .. "/out/front.json"))
  end)

  it("is refused in one line when it is damaged, of another version, or gone", function()
    refuses("segments%.agdb: .*checksum", original:sub(1, -2) .. string.char(original:byte(-1) ~ 1))
    refuses("segments%.agdb: ", original:sub(1, #original // 2))
    refuses("segments%.agdb: ", "")
    refuses("segments%.agdb: .*format 0", original:sub(1, 4) .. "\0\0\0\0" .. original:sub(9))
    refuses("segments%.agdb: ", "not a database")
    os.remove(database)
    local code, err = evolve()
    assert.equal(1, code)
    assert.matches("segments%.agdb: cannot open", err)
  end)
end)
