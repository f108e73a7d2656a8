--- `autogo run`: a Lua script with the engine at hand.
-- @module autogo.cli.run

local scripts = require "autogo.scripts"

return {
  name = "run",
  about = "Run a Lua script (a recipe, a policy of your own)",
  usage = "SCRIPT [arguments of the script]",
  arguments = { { name = "SCRIPT", help = "a Lua file; its arguments are in arg" } },
  options = {},
  rest = true,
  run = function(values)
    local script, why = loadfile(values[1], "t")
    if not script then
      return nil, scripts.named(values[1], why)
    end
    _G.arg = table.move(values, 1, #values, 0, {}) -- arg[0] is the script, as in lua itself
    local code = script(table.unpack(_G.arg))
    return math.type(code) == "integer" and code or 0
  end,
}
