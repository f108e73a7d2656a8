-- Random arguments to everything in autogo.core: whatever a script does wrong, it gets an error or
-- a nil, never a crash. Under the sanitizers this also proves that no error leaves memory behind in
-- a bad state.

require "tests.lua.support"
local core = require "autogo.core"
local random = require "autogo.random"

local function network()
  local b = core.builder("net", "test")
  local x = b:conv(b:input { 16, 16, 3 }, { filters = 8, kernel = 3 })
  for _ = 1, 3 do
    x = b:relu(b:add(x, b:batchnorm(b:conv(x, { filters = 8, kernel = 3 }))))
  end
  b:output(b:matmul(b:mean(x), { units = 10 }))
  return b:build()
end

-- The large objects are made once.
local base = network():canonical()
local tokenizer = assert(core.train_tokenizer({ base }, { vocab = 30 }))
local database = assert(core.mine({ base }, tokenizer))
local predictor = assert(core.train {
  samples = { { graph = base, target = 1 }, { graph = base, target = 2 } },
  tokenizer = tokenizer, epochs = 1, batch = 1, splits = 1,
})

-- Things to call with: fresh ones now and then, since builders and miners end.
local function values()
  local g = network()
  local closed <close> = core.cut(g, 1, 3)
  local space = core.space { database = database, tokenizer = tokenizer, predictor = predictor }
  local b = core.builder "x"
  b:input { 8, 8, 4 }
  return {
    0, 1, 2, -1, 7, 0.5, 1e300, 0 / 0, math.maxinteger, math.mininteger, 1 << 31,
    "", "conv", "kind", "/dev/null/x", "shapes", "a\0b", ("x"):rep(3000), "psc",
    true, false, core.null, print, function() error "callback" end, function() return {} end,
    {}, { 1 }, { 0, 0 }, { 8, 8, 4 }, { { 8, 8, 4 } }, { g }, { g, g }, { {} }, { kernel = 3, filters = 4 },
    { keep = 0.5, seed = 3 }, { vocab = 30 }, { from = { { 8, 8, 4 } } }, { relu = true },
    { ops = { relu = true } }, setmetatable({}, { __index = error, __len = error }),
    g, network(), core.cut(g, 2, 5), closed, b, core.corpus(),
    tokenizer, database, predictor, space, core.prices(), core.miner(tokenizer),
    assert(space:mutate({ base }, { sources = 2, replacements = 3 })),
    { database = database, tokenizer = tokenizer, predictor = predictor, threads = 2 },
    { sources = 2, replacements = 3 }, { keep = 0, seed = 2 },
    { "max" }, { "max", "min" }, { { 1, 2 }, { 2, 1 } },
  }
end

-- What writes files gets no name that could be made.
local function harmless(name, arguments, count)
  if not (name:find "^save" or name == "mkdir" or name == "write_file" or name == "append_file") then
    return
  end
  for i = 1, count do
    local kind = type(arguments[i])
    if kind == "string" or kind == "number" then
      arguments[i] = "/dev/null/x"
    end
  end
end

-- Every function of the module and every method of its classes, in a fixed order.
local function functions()
  local found = {}
  local function collect(table, prefix)
    for name, f in pairs(table) do
      if type(f) == "function" then
        found[#found + 1] = { name = name, full = prefix .. name, call = f }
      end
    end
  end
  collect(core, "")
  for name, methods in pairs(core.classes) do
    collect(methods, name .. ":")
  end
  table.sort(found, function(a, b)
    return a.full < b.full
  end)
  return found
end

describe("misuse", function()
  it("never crashes", function()
    local stream, pool, all = random.new(1), values(), functions()
    assert.truthy(#all > 60)
    local raised = 0
    for round = 1, 400 do
      if round % 20 == 0 then
        pool = values()
        collectgarbage()
      end
      for _, f in ipairs(all) do
        local arguments, count = {}, stream:below(6)
        for i = 1, count do
          arguments[i] = pool[stream:below(#pool) + 1]
        end
        harmless(f.name, arguments, count)
        local ok, result = pcall(f.call, table.unpack(arguments, 1, count))
        if not ok then
          raised = raised + 1
          assert.truthy(result ~= nil, f.full)
        elseif type(result) == "userdata" and result ~= core.null then
          assert.is_string(tostring(result))
          pool[stream:below(#pool) + 1] = result
        end
      end
    end
    assert.truthy(raised > 1000)
  end)

  it("of methods on objects of the right class never crashes either", function()
    local stream, pool = random.new(2), values()
    for round = 1, 3000 do
      if round % 100 == 0 then
        pool = values()
      end
      local object = pool[stream:below(#pool) + 1]
      local class = type(object) == "userdata" and tostring(getmetatable(object)):match "^autogo%.(%a+)$"
      if class then
        local names = {}
        for name in pairs(core.classes[class]) do
          names[#names + 1] = name
        end
        table.sort(names)
        local arguments, count = {}, stream:below(5)
        for i = 1, count do
          arguments[i] = pool[stream:below(#pool) + 1]
        end
        local name = names[stream:below(#names) + 1]
        harmless(name, arguments, count)
        pcall(core.classes[class][name], object, table.unpack(arguments, 1, count))
      end
    end
  end)
end)
