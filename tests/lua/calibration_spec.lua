-- Estimates fitted to measurements: what was put in comes out, no other pair of numbers is better, and the
-- objective is the formula.

local calibration = require "autogo.hardware.calibration"
local core = require "autogo.core"
local cost = require "autogo.cost"
local objective = require "autogo.objective"
local roofline = require "autogo.hardware.roofline"
local zoo = require "autogo.zoo"

local function near(expected, got, tolerance)
  assert(math.abs(got - expected) <= tolerance * math.abs(expected) + 1e-12,
    ("%g is not near %g"):format(got, expected))
end

-- Rows measured as scale * estimate + per_op * ops, off by up to `noise`.
local function rows_of(count, scale, per_op, noise)
  local rows = {}
  for i = 1, count do
    local row = { estimate = 1 + 20 * math.random(), ops = math.random(5, 200) }
    local off = 1 + noise * (2 * math.random() - 1)
    row.measured = (scale * row.estimate + per_op * row.ops) * off
    rows[i] = row
  end
  return rows
end

local function loss(rows, scale, per_op)
  local sum = 0
  for _, row in ipairs(rows) do
    sum = sum + ((scale * row.estimate + per_op * row.ops) / row.measured - 1) ^ 2
  end
  return math.sqrt(sum / #rows)
end

describe("a fit", function()
  it("finds the numbers that were put in", function()
    math.randomseed(1)
    for _, wanted in ipairs { { 2, 0.03 }, { 0.7, 0 }, { 0, 0.01 }, { 1, 0.5 } } do
      local rows = rows_of(12, wanted[1], wanted[2], 0)
      local fit = assert(calibration.fit(rows))
      near(wanted[1], fit.scale, 1e-9)
      near(wanted[2], fit.per_op, 1e-9)
      assert(fit.after.rmse < 1e-9 and fit.left_out.rmse < 1e-9)
      near(1, fit.after.spearman, 1e-12)
    end
  end)

  it("is the best that is not below 0", function()
    math.randomseed(2)
    local bounded = 0
    for round = 1, 60 do
      local rows = rows_of(10 + round % 5, round % 3, (round % 4 - 1) * 0.02, 0.5)
      for _, row in ipairs(rows) do row.measured = math.max(0.1, row.measured) end
      local fit = assert(calibration.fit(rows))
      assert(fit.scale >= 0 and fit.per_op >= 0)
      bounded = bounded + ((fit.scale == 0 or fit.per_op == 0) and 1 or 0)
      near(fit.after.rmse, loss(rows, fit.scale, fit.per_op), 1e-9)
      for s = 0, 40 do
        for c = 0, 40 do
          assert(loss(rows, s / 10, c / 400) >= fit.after.rmse - 1e-12)
        end
      end
      assert(fit.after.rmse <= fit.before.rmse + 1e-12 and fit.left_out.rmse >= fit.after.rmse)
    end
    assert(bounded > 5)
  end)

  it("can do with estimates that go along with the number of ops", function()
    local rows = {}
    for i = 1, 10 do rows[i] = { estimate = i, ops = 10 * i, measured = 3 * i } end
    local fit = assert(calibration.fit(rows))
    near(0, fit.after.rmse, 1e-9)
  end)

  it("says what it lacks", function()
    local none, why = calibration.fit(rows_of(9, 1, 1, 0))
    assert.is_nil(none)
    assert.truthy(why:find("at least 10 measured networks, there are 9", 1, true))
    local rows = rows_of(10, 1, 1, 0)
    rows[3].measured = 0
    none, why = calibration.fit(rows)
    assert.is_nil(none)
    assert.truthy(why:find("network 3", 1, true))
  end)
end)

describe("a fitted objective", function()
  local path = os.tmpname()
  after_each(function() os.remove(path) end)

  it("is the scaled estimate and so much per op", function()
    local fit = { scale = 1.5, per_op = 0.25, before = { rmse = 1 }, left_out = { rmse = 1 },
      after = { rmse = 1, values = { 1 } } }
    for _, device in ipairs { "rtx2080ti", "epyc-core" } do
      assert(calibration.save(path, "roofline:" .. device, fit))
      local made = assert(objective.load("fitted:" .. path))
      local base = cost.new(assert(roofline.objective(device)))
      for name, ops in pairs { resnet50 = 174, resnet101 = 344 } do
        local graph = zoo.build(name)
        near(1.5 * base:of(graph) + 0.25 * ops, cost.new(made):of(graph), 1e-9)
      end
    end
  end)

  it("names what is wrong", function()
    for text, part in pairs {
      ["{}"] = "this is no calibration",
      ["not JSON"] = "this is no calibration",
      ['{"format":"autogo-calibration","version":2}'] = "a calibration of version 2",
      ['{"format":"autogo-calibration","version":1,"estimate":7}'] = "estimate: a string expected, got 7",
      ['{"format":"autogo-calibration","version":1,"estimate":"flops","scale":1,"per_op_ms":0}'] =
        "'flops' cannot be fitted",
      ['{"format":"autogo-calibration","version":1,"estimate":"roofline:none","scale":1,"per_op_ms":0}'] =
        "unknown roofline device 'none'",
      ['{"format":"autogo-calibration","version":1,"estimate":"roofline:raspi4","scale":-1,"per_op_ms":0}'] =
        "scale: a number not below 0 expected",
    } do
      assert(core.write_file(path, text))
      local none, why = objective.load("fitted:" .. path)
      assert.is_nil(none)
      assert.truthy(why:find(part, 1, true), why)
    end
    local none, why = objective.load "fitted:/no/such.json"
    assert.is_nil(none)
    assert.truthy(why:find("/no/such.json", 1, true))
  end)
end)
