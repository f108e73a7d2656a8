--- `make docs`: the reference of the Lua and C interfaces, the man page and the shell completions.
--
--    autogo run lua/docs/build.lua FOLDER
package.path = "lua/?.lua;" .. package.path

local core = require "autogo"
local check = require "docs.check"
local headers = require "docs.headers"

local folder = arg[1] or "build/docs"

local function write(name, text)
  assert(core.write_file(folder .. "/" .. name, text))
  print(folder .. "/" .. name)
end

local function c_reference()
  local list = {}
  for i, path in ipairs((check.sources())) do
    list[i] = { name = path:match "[^/]+$", text = assert(core.read_file(path)) }
  end
  return headers.html(list)
end

assert(core.mkdir(folder))
local missing = check.all(require "autogo.core")
for _, line in ipairs(missing) do io.stderr:write("undocumented: ", line, "\n") end
write("c.html", c_reference())
local manual = require "autogo.cli.manual"
write("autogo.1", manual.page())
for _, shell in ipairs(manual.SHELLS) do write("completion." .. shell, manual.completion(shell)) end
if #missing > 0 then os.exit(1, true) end
