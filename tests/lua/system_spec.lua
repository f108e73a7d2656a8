-- What the core gives Lua of files, JSON, clocks and the machine.

require "tests.lua.support"
local core = require "autogo.core"
local expect = require "tests.lua.expect"
local raises, fails = expect.raises, expect.fails

local function temporary() return expect.temporary(finally) end

describe("JSON", function()
  local function round(value)
    return assert(core.json_decode(core.json_encode(value)))
  end

  it("sorts keys and writes the shortest exact numbers", function()
    local value = { d = "x", c = true, b = {}, a = { 1, 0.1, -3.0 } }
    assert.equal('{"a":[1,0.1,-3],"b":{},"c":true,"d":"x"}', core.json_encode(value))
    value = { a = { 1 }, b = setmetatable({}, core.array) }
    assert.equal('{\n  "a": [\n    1\n  ],\n  "b": []\n}', core.json_encode(value, true))
    assert.equal("[null,1]", core.json_encode { core.null, 1 })
  end)

  it("brings numbers back exactly", function()
    local seed = 1
    local function random()
      seed = seed * 6364136223846793005 + 1442695040888963407
      return seed
    end
    for _ = 1, 2000 do
      local bits = random()
      local float = string.unpack("d", string.pack("i8", bits))
      if float == float and math.abs(float) ~= math.huge then
        assert.equal(float, round { float }[1])
      end
      local integer = bits >> 11
      assert.equal(integer, round { integer }[1])
      assert.equal("integer", math.type(round { integer }[1]))
    end
    assert.equal(9007199254740992, round { 9007199254740992 }[1])
  end)

  it("brings strings, arrays and objects back", function()
    local value = {
      text = 'quote " backslash \\ tab \t newline \n nul-free \1 \127 é 漢 😀',
      list = { 1, { 2, { 3 } }, {}, "x", true, false },
      ["key with \" quote"] = { deep = { deeper = {} } },
    }
    assert.same(value, round(value))
    local arrays = assert(core.json_decode '{"a":[],"b":{}}')
    assert.equal('{"a":[],"b":{}}', core.json_encode(arrays))
    assert.same({ b = { core.null } }, core.json_decode '{"a":null,"b":[null]}')
    assert.equal("é", core.json_decode '"\\u00e9"')
  end)

  it("writes U+FFFD for bytes that are not UTF-8", function()
    for _, bad in ipairs { "\xff", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "a\x80" } do
      local text = core.json_encode { bad }
      assert.truthy(utf8.len(text))
      assert.truthy(text:find("\\ufffd", 1, true))
      assert(core.json_decode(text))
    end
  end)

  it("raises on what JSON cannot say", function()
    raises("not finite", core.json_encode, 0 / 0)
    raises("not finite", core.json_encode, { 1 / 0 })
    raises("beyond 2^53", core.json_encode, math.maxinteger)
    raises("function", core.json_encode, { print })
    raises("keys", core.json_encode, { 1, 2, x = 3 })
    raises("keys", core.json_encode, { [1] = 1, [3] = 3 })
    local cycle = {}
    cycle[1] = cycle
    raises("cycle", core.json_encode, cycle)
    raises("value expected", core.json_encode)
  end)

  it("returns nil and where for what is not JSON", function()
    for _, text in ipairs { "", "[1,", "{", '{"a"}', "[1] x", "nul", '"open', "[1,]", "\0", "{1:2}" } do
      fails("JSON byte", core.json_decode(text))
    end
    fails("nested deeper", core.json_decode(("["):rep(100000)))
    fails("nested deeper", core.json_decode(('{"a":'):rep(201) .. "1" .. ("}"):rep(201)))
    assert(core.json_decode(("["):rep(200) .. ("]"):rep(200)))
    assert.equal(core.null, core.json_decode "null")
  end)
end)

describe("files and system", function()
  it("writes files whole and reads them back", function()
    local path = temporary()
    local bytes = "a\0b\r\n" .. ("x"):rep(100000)
    assert.is_true(core.write_file(path, bytes))
    assert.equal(bytes, core.read_file(path))
    assert.is_true(core.write_file(path, ""))
    assert.equal("", core.read_file(path))
    fails("/dev/null/x cannot", core.write_file("/dev/null/x", "y"))
    fails("/dev/null/x", core.read_file "/dev/null/x")
    fails("regular", core.read_file "/")
  end)

  it("makes directories with their parents", function()
    local base = os.tmpname()
    os.remove(base)
    finally(function()
      os.remove(base .. "/a/b")
      os.remove(base .. "/a")
      os.remove(base)
    end)
    assert.is_false(core.exists(base))
    assert.is_true(core.mkdir(base .. "/a//b/"))
    assert.is_true(core.mkdir(base .. "/a/b"))
    assert.equal("directory", core.exists(base .. "/a/b"))
    assert.equal("file", core.exists "Makefile")
    fails("Makefile/x", core.mkdir "Makefile/x")
    raises("path expected", core.mkdir, "")
  end)

  it("knows the time, the processors and the version", function()
    local before = core.clock()
    assert.truthy(core.clock() >= before)
    assert.truthy(core.processors() >= 1)
    assert.truthy(core.version:match "^%d+%.%d+%.%d+$")
    assert.is_false(core.interrupted())
    assert.is_boolean(core.isatty(0))
  end)

  it("loads once under every name", function()
    local file = assert(package.searchpath("autogo", package.cpath))
    assert.equal(core, package.loadlib(file, "luaopen_autogo")())
  end)
end)
