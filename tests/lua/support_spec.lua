-- What the other specs rest on: a test without its data must not count as passed.

local support = require "tests.lua.support"

describe("a test on shared files", function()
  it("is skipped where they are absent, and its body does not run", function()
    local ran = false
    local good, why = pcall(support.with(support.read, "no/such/file", function()
      ran = true
    end))
    assert.is_false(good)
    assert.matches("needs no/such/file", tostring(why), 1, true)
    assert.is_false(ran)
  end)

  it("shows as pending, not as a success", function()
    local spec = support.temporary([[
      local support = require "tests.lua.support"
      it("skips", support.with(support.read, "no/such/file", error))
    ]], "_spec.lua")
    local command = ('busted --lua="$(command -v lua5.4)" -o plainTerminal %s 2>&1'):format(spec)
    local pipe = assert(io.popen(command))
    local out = pipe:read "a"
    pipe:close()
    os.remove(spec)
    assert.matches("0 successes / 0 failures / 0 errors / 1 pending", out, 1, true)
  end)
end)
