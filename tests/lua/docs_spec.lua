-- Everything public is documented, and the checker finds what is not.
local ag = require "autogo"
local core = require "autogo.core"
local check = require "docs.check"
local headers = require "docs.headers"
local manual = require "autogo.cli.manual"
local verbs = require "autogo.cli.verbs"

assert.truthy(ag)

describe("documentation", function()
  it("is there for every public function of the headers, the modules and the core", function()
    assert.same({}, check.all(core))
  end)

  it("of a header is found by block", function()
    local text = "/* Adds. */\nint ag_add(int a,\n           int b);\nint ag_more(int a);\n\n"
      .. "int ag_bare(void);\n"
    assert.same({ "ag_bare" }, headers.undocumented(text))
    local names = {}
    for _, block in ipairs(headers.read(text)) do
      for _, one in ipairs(block.declarations) do names[#names + 1] = one.name end
    end
    assert.same({ "ag_add", "ag_more", "ag_bare" }, names)
  end)

  it("of a header covers every function that the compiler sees", function()
    local seen = {}
    for _, path in ipairs((check.sources())) do
      for _, block in ipairs(headers.read(core.read_file(path))) do
        for _, one in ipairs(block.declarations) do seen[one.name] = true end
      end
    end
    local pipe = io.popen "gcc -std=c11 -Iinclude -E -P include/autogo/autogo.h 2>/dev/null"
    local missing = {}
    for name in pipe:read("a"):gmatch "[%w_*]+ %**(ag_[%w_]+)%(" do
      if not seen[name] then missing[name] = true end
    end
    pipe:close()
    assert.same({}, missing)
  end)

  it("of a header is a page in which every declaration can be linked to, once", function()
    local files, expected, found = {}, {}, {}
    for i, path in ipairs((check.sources())) do
      files[i] = { name = path:match "[^/]+$", text = core.read_file(path) }
      for _, block in ipairs(headers.read(files[i].text)) do
        for _, one in ipairs(block.declarations) do expected[one.name] = 1 end
      end
    end
    local page = headers.html(files)
    for id in page:gmatch ' id="([%w_]+)"' do found[id] = (found[id] or 0) + 1 end
    assert.same(expected, found)
    for target in page:gmatch 'href="#([%w_]+)"' do assert.equal(1, found[target]) end
    assert.is_nil(page:find("__cplusplus", 1, true))
  end)

  it("of a module is a comment of three dashes right above", function()
    local text = "local m = {}\n\n--- Does it.\n-- @treturn number\nfunction m.good() end\n\n"
      .. "-- A note.\nfunction m.bad() end\n\nlocal t = {}\nfunction t.inside() end\n\nreturn m\n"
    assert.same({ "m.bad" }, check.undocumented(text))
  end)
end)

describe("man page and completions", function()
  it("speak of every verb and option", function()
    local page = manual.page():gsub("\\%-", "-")
    for _, name in ipairs(verbs) do
      assert.truthy(page:find(".SS autogo " .. name, 1, true), name)
      for _, option in ipairs(require("autogo.cli." .. name).options) do
        assert.truthy(page:find(".B --" .. option.name, 1, true), name .. " " .. option.name)
        for _, shell in ipairs(manual.SHELLS) do
          local dashes = shell == "fish" and "-l " or "--"
          assert.truthy(manual.completion(shell):find(dashes .. option.name, 1, true), shell)
        end
      end
    end
  end)
end)
