--- Finds what is public and has no documentation, in the C headers, in the Lua modules and in the page
-- of the C core (lua/docs/core*.lua), which must name exactly what the core has at run time.
local headers = require "docs.headers"

local check = {}

local function trimmed_name(line)
  return line:match "^function ([%w_]+[.:][%w_]+)"
end

-- Functions that a verb or a policy has because its kind has them: autogo.cli.main and
-- autogo.policies say what they are.
local OF_A_KIND = { run = true, propose = true, choose = true, learn = true }

-- The name that the module returns, and tables that it makes public as classes (capitals).
local function is_public(name, returned)
  local owner, member = name:match "^([%w_]+)[.:](.+)$"
  return not OF_A_KIND[member] and (owner == returned or owner:find "^%u%l" ~= nil)
end

--- Public functions of a Lua module without a `---` comment.
-- @tparam string text of the module
-- @treturn {string,...} names
function check.undocumented(text)
  local returned = text:match "\nreturn ([%w_]+)%s*$" or text:match "\nreturn setmetatable%(([%w_]+),"
  local names, documented = {}, false
  for line in (text .. "\n"):gmatch "(.-)\n" do
    local name = trimmed_name(line)
    if name and not documented and is_public(name, returned) and not name:find "[.:]__" then
      names[#names + 1] = name
    end
    if line:find "^%-%-%-" then
      documented = true
    elseif not line:find "^%-%-" then
      documented = false
    end
  end
  return names
end

--- The names that a documentation page speaks of: `@function name` and `@field name`.
-- @tparam string text
-- @treturn table set
function check.named(text)
  local set = {}
  for kind, name in text:gmatch "\n%-%- @(%l+) ([%w_:]+)" do
    if kind == "function" or kind == "field" then set[name] = true end
  end
  return set
end

-- Second names of operations as methods of a builder.
local ALIASES = { "pad", "space_to_depth", "depth_to_space", "transposed_conv", "channel_shuffle" }

--- What the core has: "name" and "Class:method".
-- @tparam table core
-- @treturn table set; true of what is in C, false of methods that modules of Lua gave its classes
function check.of_core(core)
  local set = {}
  for name in pairs(core) do set[name] = true end
  for class, methods in pairs(core.classes) do
    for name, method in pairs(methods) do
      set[class .. ":" .. name] = debug.getinfo(method, "S").what == "C"
    end
  end
  for op in pairs(core.ops) do -- one method per operation: the page names them together
    if op ~= "input" then set["Builder:" .. op] = nil end
  end
  for _, alias in ipairs(ALIASES) do set["Builder:" .. alias] = nil end
  return set
end

--- Sorted members of `a` that `b` lacks, without those that are false.
function check.missing(a, b)
  local names = {}
  for name, counts in pairs(a) do
    if counts and b[name] == nil then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

local function read(path)
  local file = assert(io.open(path))
  local text = file:read "a"
  file:close()
  return text
end

local function paths(command)
  local list = {}
  for path in assert(io.popen(command)):lines() do list[#list + 1] = path end
  return list
end

--- The headers and modules of the repository at the current directory.
-- @treturn {string,...} headers
-- @treturn {string,...} modules
function check.sources()
  return paths "ls include/autogo/*.h", paths "find lua/autogo lua/docs -name '*.lua' | LC_ALL=C sort"
end

--- Everything that is missing, as lines "FILE: NAME".
-- @tparam table core
-- @treturn {string,...}
function check.all(core)
  local lines = {}
  local function report(file, names)
    for _, name in ipairs(names) do lines[#lines + 1] = file .. ": " .. name end
  end
  local header_paths, modules = check.sources()
  for _, path in ipairs(header_paths) do report(path, headers.undocumented(read(path))) end
  for _, path in ipairs(modules) do report(path, check.undocumented(read(path))) end
  local pages = {}
  for i, path in ipairs(paths "ls lua/docs/core*.lua") do pages[i] = read(path) end
  local named, has = check.named(table.concat(pages, "\n")), check.of_core(core)
  report("lua/docs/core*.lua: not documented", check.missing(has, named))
  report("lua/docs/core*.lua: documented, but does not exist", check.missing(named, has))
  return lines
end

return check
