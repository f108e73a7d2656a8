-- Loops over columns in C against the same loops in Lua.

require "tests.lua.support"
local constraints = require "autogo.constraints"
local core = require "autogo.core"
local expect = require "tests.lua.expect"
local random = require "autogo.random"
local raises = expect.raises

local NAN = 0 / 0
local COMPARE = {
  ["<"] = function(a, b) return a < b end, ["<="] = function(a, b) return a <= b end,
  [">"] = function(a, b) return a > b end, [">="] = function(a, b) return a >= b end,
}

-- Few values, so that many are equal; integers, floats, NaN and infinities.
local function random_column(stream, count)
  local values, column = { 1, 2, 2.0, 2.5, -1, 0, -0.0, NAN, 1 / 0, -1 / 0 }, {}
  for i = 1, count do column[i] = values[1 + stream:next() % #values] end
  return column
end

local function some_rows(stream, count)
  local rows = {}
  for i = 1, count do
    if stream:next() % 3 > 0 then rows[#rows + 1] = i end
  end
  return rows
end

describe("columns", function()
  it("give the rows that compare with a bound", function()
    for seed = 1, 100 do
      local stream = random.new(seed)
      local column = random_column(stream, stream:next() % 50)
      local rows, bound = some_rows(stream, #column), 2
      for sign, holds in pairs(COMPARE) do
        local all, part = {}, {}
        for i, value in ipairs(column) do
          if holds(value, bound) then all[#all + 1] = i end
        end
        for _, i in ipairs(rows) do
          if holds(column[i], bound) then part[#part + 1] = i end
        end
        assert.same(all, core.where(column, sign, bound))
        assert.same(part, core.where(column, sign, bound, rows))
        assert.equal(#all == #column, core.holds(column, sign, bound))
        assert.truthy(core.holds(core.pick(column, all), sign, bound))
      end
    end
  end)

  it("are made floats", function()
    for i, value in ipairs(core.floats { 1, 2.5, -3, 1 << 62 }) do
      assert.equal("float", math.type(value))
      assert.equal(({ 1, 2.5, -3, 2.0 ^ 62 })[i], value)
    end
  end)

  it("give the values of rows, whatever they are", function()
    assert.same({ "c", true, "c" }, core.pick({ true, "b", "c" }, { 3, 1, 3 }))
    assert.same({}, core.pick({}, {}))
  end)

  it("give rows in the order of several keys", function()
    for seed = 1, 100 do
      local stream = random.new(seed)
      local count, keys, expected = stream:next() % 40, {}, {}
      for m = 1, 1 + seed % 3 do keys[m] = random_column(stream, count) end
      for i = 1, count do expected[i] = i end
      table.sort(expected, function(a, b)
        for _, key in ipairs(keys) do
          local x, y = key[a], key[b]
          if (x ~= x) ~= (y ~= y) then return x == x end
          if x == x and x ~= y then return x < y end
        end
        return a < b
      end)
      assert.same(expected, core.order(keys))
      assert.same(table.move(expected, 1, math.min(7, count), 1, {}), core.order(keys, 7))
    end
  end)

  it("tell violations as they are told one by one", function()
    local list = { { on = "a", max = 1.5 }, { on = "b", min = 1, max = 2 }, { on = "a", min = 0 } }
    local stream = random.new(1)
    local columns = { a = random_column(stream, 200), b = random_column(stream, 200) }
    for i, violation in ipairs(constraints.violations(list, columns, 200)) do
      assert.equal(constraints.violation(list, { a = columns.a[i], b = columns.b[i] }), violation)
    end
    assert.same({ 1 / 0 }, constraints.violations({ { on = "c", max = 1 } }, columns, 1))
  end)

  it("follow nodes from a parent to its child", function()
    -- P = {0, 1}, two nodes in the place of one, C = the parent's {3}; the child's order is another.
    assert.same({ 11, nil, 12, nil, 14 }, core.follow({ 11, 12, 13, 14 }, 2, 3, 2, { 0, 2, 1, 3, 4 }))
    assert.same({}, core.follow({}, 0, 0, 0, {}))
    local packed = string.pack("i4i4i4i4i4", 0, 2, 1, 3, 4)
    assert.same({ 11, nil, 12, nil, 14 }, core.follow({ 11, 12, 13, 14 }, 2, 3, 2, packed))
    assert.same({}, core.follow({}, 0, 0, 0, ""))
  end)

  it("raise on misuse", function()
    for _, least in ipairs { math.mininteger, math.maxinteger, -1 } do
      raises("outside", core.follow, { 1 }, least, least, 0, { 0 })
      raises("outside", core.follow, { 1 }, 0, 0, least, { 0 })
      raises("positions expected", core.follow, { 1 }, 0, 0, 0, { least })
    end
    raises("invalid option", core.where, { 1 }, "=", 1)
    raises("numbers expected", core.where, { "x" }, "<", 1)
    raises("numbers of rows", core.where, { 1 }, "<", 1, { 2 })
    raises("invalid option", core.holds, { 1 }, "=", 1)
    raises("numbers expected", core.holds, { "x" }, "<", 1)
    raises("numbers expected", core.floats, { "x" })
    raises("numbers of rows", core.pick, { 1 }, { 0 })
    raises("at least one column", core.order, {})
    raises("equal length", core.order, { { 1 }, { 1, 2 } })
    raises("number expected", core.order, { { "x" } })
    raises("4 bytes per node", core.follow, {}, 0, 0, 0, "12345")
  end)
end)
