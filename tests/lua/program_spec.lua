-- The host program, with a Lua tree of the test's own in place of the real command line.

local support = require "tests.lua.support"
local core = require "autogo.core"

local program = support.build .. "/autogo"
-- What the tests' interpreter needs, the program has inside: sanitizer runtime, engine, paths.
local clean = "env -u LD_PRELOAD -u LUA_CPATH -u LUA_PATH "

-- Run the program with `main` as autogo/cli/main.lua: exit code, stdout, stderr.
local function run(main, arguments, prefix)
  local root, out, err = os.tmpname(), os.tmpname(), os.tmpname()
  os.remove(root)
  assert(core.mkdir(root .. "/autogo/cli"))
  assert(core.write_file(root .. "/autogo/init.lua", "return {}"))
  assert(core.write_file(root .. "/autogo/cli/main.lua", main))
  local command = ("%sAUTOGO_LUA=%s %s %s %s >%s 2>%s </dev/null"):format(
    clean, root, prefix or "", program, arguments or "", out, err)
  local _, kind, code = os.execute(command)
  local text, errors = assert(core.read_file(out)), assert(core.read_file(err))
  os.execute(("rm -rf '%s' '%s' '%s'"):format(root, out, err))
  return kind == "signal" and 128 + code or code, text, errors
end

describe("autogo", function()
  it("hands its arguments over and returns the exit code", function()
    local code, out, err = run(
      "return function(args) print(#args, args[0], args[1], args[2], arg == args) return 7 end",
      "a 'b c'"
    )
    assert.equal(7, code)
    assert.equal(("2\t%s\ta\tb c\ttrue\n"):format(program), out)
    assert.equal("", err)
    assert.equal(0, (run "return function() end"))
  end)

  it("has the engine inside and its own Lua tree first", function()
    local code, out = run [[
      local core = require "autogo.core"
      return function() print(core.version, package.path:match "^[^;]*", require "autogo" ~= core) end]]
    assert.equal(0, code)
    assert.truthy(out:match("^" .. core.version:gsub("%.", "%%.") .. "\t/[^\t]*/%?.lua\ttrue\n$"), out)
  end)

  it("says one line about an error nobody caught", function()
    local code, out, err = run [[return function() error("first\nsecond", 0) end]]
    assert.equal(1, code)
    assert.equal("", out)
    assert.equal("autogo: first second\n", err)
    local _
    code, out, err = run [[return function() error {} end]]
    assert.equal(1, code)
    assert.equal("", out)
    assert.equal("autogo: the script raised a table instead of a message\n", err)
    code, _, err = run [[local told = setmetatable({}, { __tostring = function() return "told" end })
      return function() error(told) end]]
    assert.equal(1, code)
    assert.equal("autogo: told\n", err)
    code, _, err = run [[return function() require "autogo.nothing" end]]
    assert.equal(1, code)
    assert.truthy(err:match "^autogo: [^\n]*autogo.nothing[^\n]*\n$")
    code, _, err = run [[this is no Lua]]
    assert.equal(1, code)
    assert.truthy(err:match "^autogo: [^\n]*main.lua[^\n]*\n$")
  end)

  it("shows a traceback on request", function()
    local _, _, err = run([[return function() error "here" end]], "", "AUTOGO_TRACE=1")
    assert.truthy(err:find("stack traceback", 1, true))
  end)

  it("does not take a full disk for success", function()
    local root = core.exists "/dev/full"
    if not root then
      return pending "needs /dev/full"
    end
    local code, _, err = run([[return function()
      io.stdout:setvbuf "full"
      print(("x"):rep(10))
      return 0
    end]], "", "sh -c '\"$0\" \"$@\" >/dev/full'")
    assert.equal(1, code)
    assert.equal("autogo: cannot write to standard output\n", err)
  end)

  it("stops a loop in Lua when interrupted", function()
    for _, signal in ipairs { "INT", "TERM" } do
      local code, out, err = run([[return function()
        local pid = io.open "/proc/self/stat":read "n"
        io.stdout:write "started\n"
        io.stdout:flush()
        os.execute("(sleep 0.1; kill -]] .. signal .. [[ " .. pid .. ") &") -- system() ignores signals
        while true do end
      end]], "", "timeout -s KILL 20")
      assert.equal(130, code)
      assert.equal("started\n", out)
      assert.equal("autogo: interrupted\n", err)
    end
  end)

  it("lets Lua end in order when interrupted", function()
    local code, out = run([[
      local core = require "autogo.core"
      return function()
        local pid = io.open "/proc/self/stat":read "n"
        local ok = pcall(function()
          os.execute("(sleep 0.1; kill -INT " .. pid .. ") &")
          while true do end
        end)
        print(ok, core.interrupted())
        return 3
      end]], "", "timeout -s KILL 20")
    assert.equal(3, code)
    assert.equal("false\ttrue\n", out)
  end)

  it("says where it looked when the Lua tree is missing", function()
    local err = os.tmpname()
    local _, _, code = os.execute(clean .. "AUTOGO_LUA=/nowhere " .. program .. " 2>" .. err)
    local text = core.read_file(err)
    os.remove(err)
    assert.equal(1, code)
    assert.truthy(text:match "^autogo: [^\n]*AUTOGO_LUA[^\n]*\n$")
  end)
end)
