--- Settings of a search: what decides its result, and whether they make sense.
-- @module autogo.settings

local spelling = require "autogo.spelling"

local settings = {}

-- What decided the result: threads and output paths did not.
local NAMES = {
  "iterations", "parents", "sources", "replacements", "segments", "keep", "operations",
  "finalists", "flops_min", "flops_max", "children", "seed", "caution",
}

-- What else a search may be told.
local OTHERS = {
  "objectives", "constraints", "ops", "policy", "predictor", "database", "tokenizer", "solver",
  "threads", "seconds", "progress", "measuring", "journal",
}

local ALL, KNOWN = table.move(OTHERS, 1, #OTHERS, #NAMES + 1, { table.unpack(NAMES) }), {}
for _, name in ipairs(ALL) do KNOWN[name] = true end

-- Beyond it JSON does not keep integers.
local EXACT = 1 << 53

local COUNTS = { "iterations", "parents", "sources", "replacements", "segments", "finalists" }

--- Settings as plain data, for front.json and the journal.
function settings.record(values)
  local record = {}
  for _, name in ipairs(NAMES) do record[name] = values[name] end
  record.policy = type(values.policy) == "string" and values.policy or "custom"
  record.objectives = {}
  for i, objective in ipairs(values.objectives) do
    record.objectives[i] = { name = objective.name, unit = objective.unit, sense = objective.sense }
  end
  record.ops = {}
  for op, permitted in pairs(values.ops or { all = true }) do
    if permitted then record.ops[#record.ops + 1] = op end
  end
  table.sort(record.ops)
  return record
end

local function fail(format, ...)
  error(format:format(...), 0)
end

local function check_names(values)
  local name = spelling.unknown(values, KNOWN)
  if name then fail("unknown option '%s'%s", name, spelling.suggest(name, ALL)) end
end

local function check_objectives(objectives)
  if type(objectives) ~= "table" then
    fail("objectives: a list expected, got a %s", type(objectives))
  elseif #objectives == 0 then
    fail "objectives: at least one expected"
  end
  for i, objective in ipairs(objectives) do
    if type(objective) ~= "table" or type(objective.name) ~= "string" then
      fail("objectives: an objective (autogo.objective) expected at %d, got %s", i, spelling.shown(objective))
    end
  end
end

local function check_constraints(values)
  local known = { score = true, flops = true }
  for _, objective in ipairs(values.objectives) do known[objective.name] = true end
  for _, constraint in ipairs(values.constraints or {}) do
    if not known[constraint.on] then
      fail("constraints: there is no objective '%s'", spelling.shown(constraint.on))
    end
  end
end

--- Raise, in one line, on settings that make no sense.
function settings.check(values)
  check_names(values)
  for _, name in ipairs(COUNTS) do
    local value = values[name]
    if math.type(value) ~= "integer" or value < 1 then
      fail("%s: an integer of at least 1 expected, got %s", name, spelling.shown(value))
    end
  end
  local seed = values.seed
  if math.type(seed) ~= "integer" or seed < -EXACT or seed > EXACT then
    fail("seed: an integer of at most 2^53 expected, got %s", spelling.shown(seed))
  end
  for _, name in ipairs { "flops_min", "flops_max" } do
    if type(values[name]) ~= "number" or values[name] ~= values[name] or values[name] < 0 then
      fail("%s: a number of at least 0 expected, got %s", name, spelling.shown(values[name]))
    end
  end
  local caution = values.caution
  if caution ~= nil and (type(caution) ~= "number" or caution ~= caution or math.abs(caution) == 1 / 0) then
    fail("caution: a finite number expected, got %s", spelling.shown(caution))
  end
  if values.flops_min > values.flops_max then
    fail("flops_min: at most flops_max (%g) expected, got %g", values.flops_max, values.flops_min)
  end
  check_objectives(values.objectives)
  check_constraints(values)
end

return settings
