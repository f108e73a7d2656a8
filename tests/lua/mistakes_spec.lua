-- What beginners do wrong with the program: each ends in one line that says what, and what to do.

local support = require "tests.lua.support"
local expect = require "tests.lua.expect"
local core = require "autogo.core"

local refused = expect.refused

local function file(text, suffix)
  local path = support.temporary(text, suffix)
  finally(function() os.remove(path) end)
  return path
end

describe("a script of one's own", function()
  it("that raises no message is named all the same", function()
    for raise, what in pairs { ["error {}"] = "table", ["error()"] = "nil" } do
      local path = file(raise, ".lua")
      assert.equal(("%s: it raised a %s instead of a message"):format(path, what),
        refused(1, "evolve edsr --objective " .. path))
    end
  end)

  it("that is compiled Lua is named", function()
    local path = file(string.dump(function() end), ".lua")
    for _, line in ipairs { "run ", "evolve edsr --objective " } do
      assert.matches(path .. ": .*binary", refused(1, line .. path))
    end
  end)
end)

describe("an objective's name", function()
  it("without what follows its colon, or misspelt, is told", function()
    for _, kind in ipairs { "table:", "fitted:", "npu:", "roofline:", "measured:" } do
      assert.matches("^" .. kind .. " what follows the colon is missing",
        refused(1, "evolve edsr --objective " .. kind))
    end
    assert.matches("did you mean 'flops'%?$", refused(1, "evolve edsr --objective flop"))
    assert.equal("ops: unknown op 'rellu', did you mean 'relu'?",
      refused(1, "evolve edsr --ops conv,rellu --out " .. file("", "") .. ".d"))
  end)
end)

describe("options", function()
  it("that the kind of file does not listen to are wrong usage", function()
    for line, words in pairs {
      ["x.json --opset 9"] = "--opset goes with ONNX", ["x.onnx --to keras"] = "--to goes with Python",
      ["x.json --shapes"] = "--shapes goes with a drawing", ["x.onnx --train sr"] = "with a PyTorch module",
      ["x.keras.py --train sr"] = "of Keras", ["x.py --to keras --train sr"] = "of Keras",
    } do
      assert.matches(words, refused(2, "convert edsr /nonexistent/" .. line), 1, true)
    end
    local path = file("", ".ONNX") -- endings in capitals are the same
    assert.equal(0, (support.autogo("convert fsrcnn3 --opset 13 " .. path)))
    assert.matches("^diff: %-%-out: .*%.html", refused(2, "diff edsr edsr --out x.png"))
    assert.matches("^measure: %-%-out goes with a table", refused(2, "measure edsr --out x.csv"))
  end)

  it("are said to be missing before anything is read", function()
    assert.equal("finetune: --data FILE is missing", refused(2, "finetune"))
    assert.matches("^train: as many %-%-labels as %-%-family", refused(2, "train"))
    assert.equal("unknown verb 'version', did you mean '--version'?", refused(2, "version"))
  end)

  it("are unknown in the same order whatever the order of a table", function()
    local ag = require "autogo"
    local names = {}
    for i = 1, 20 do names[i] = ("z%02d"):format(i) end
    for first = 1, 20 do
      local options = {}
      for i = 0, 19 do options[names[(first * 7 + i * 3) % 20 + 1]] = {} end
      expect.raises("unknown option 'z01'", ag.load, "edsr", options)
      expect.raises("unknown option 'z01'", ag.evolve, "edsr", options)
      expect.raises("unknown field 'z01'", ag.objective.per_node, options)
    end
  end)
end)

describe("a place to write to", function()
  it("is tried before the work", function()
    local data = file("network,value\n", ".csv") -- which would be refused next
    for _, line in ipairs { "finetune --data " .. data, "train --family nb201 --labels " .. data } do
      assert.matches("^/nonexistent/w: cannot write", refused(1, line .. " --out /nonexistent/w"))
    end
    assert.matches("^/proc/w: cannot make directory",
      refused(1, "mine --families nb201 --samples 9 --out /proc/w"))
    local out = os.tmpname()
    os.remove(out)
    refused(1, "mine --families nosuch --samples 9 --out " .. out)
    assert.is_false(core.exists(out))
    assert.is_true(core.can_write(out))
    assert.is_false(core.exists(out))
  end)

  it("may be a pipe", function()
    local program = os.getenv "AUTOGO" or support.build .. "/autogo"
    local pipe = assert(io.popen(program .. " diff resnet18 resnet34 --svg /dev/stdout"))
    assert.matches("^<svg.*</svg>%s*$", pipe:read "a")
    assert.is_true(pipe:close())
    local code, out = support.autogo "diff resnet18 resnet34 --svg /dev/stdout"
    assert.equal(0, code)
    assert.matches("^<svg.*</svg>%s*$", out)
  end)
end)

describe("a file of another kind", function()
  it("is told from JSON that is damaged", function()
    for text, words in pairs { ["[1,2"] = "cut short", ["{\"a\":"] = "cut short",
      [("["):rep(100000)] = "nested deeper" } do
      local path = file(text, ".json")
      assert.matches("^" .. path .. ": .*" .. words, refused(1, "info " .. path))
    end
  end)

  it("is no list of models, nor the folder of a search", function()
    local path = file("\8\7\18\0onnx", ".onnx")
    assert.matches("one model a line", refused(1, "measure " .. path .. " --fit roofline:raspi4"), 1, true)
    assert.equal(path .. ": a file; the folder of a search is wanted", refused(1, "evolve --resume " .. path))
  end)
end)

describe("a table of one's own", function()
  it("may begin with the mark of UTF-8, and says that commas are expected", function()
    local labels = require "autogo.labels"
    local function read(text)
      local ag = require "autogo"
      return labels.read_networks(file(text, ".csv"), ag.load)
    end
    assert.equal(2, #assert(read "\xef\xbb\xbfnetwork,value\r\nedsr,1\r\nfsrcnn3,2\r\n"))
    expect.fails("commas", read "network;value\nedsr;1\n")
    local _, why = read "net,value\nedsr,1\n"
    assert.is_nil(why:find "commas")
  end)

  it("of kernels may begin with it too, and must hold something", function()
    local kernels, kernel_table = require "autogo.hardware.kernels", require "autogo.hardware.kernel_table"
    local csv = kernels.csv(kernels.of_graph(require("autogo").load "fsrcnn3"))
    assert.same(kernel_table.parse(csv, "k.csv"), kernel_table.parse("\xef\xbb\xbf" .. csv, "k.csv"))
    expect.fails("k.csv empty table autogo kernels", kernel_table.parse("", "k.csv"))
  end)
end)
