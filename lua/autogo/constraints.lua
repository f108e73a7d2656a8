--- Constraints of a search, and by how much they are broken.
--
-- Networks are compared by constraint domination: one that breaks nothing comes before one that breaks
-- something, and of two that do, the one that breaks less. So what is not allowed on the front may still
-- be the way to what is.
-- Source: Deb, Pratap, Agarwal, Meyarivan, "A fast and elitist multiobjective genetic algorithm:
-- NSGA-II", 2002, section VI.
-- @module autogo.constraints

local constraints = {}

local function excess(over, bound)
  return over > 0 and over / (bound ~= 0 and math.abs(bound) or 1) or 0
end

--- By how much values break the constraints: the sum, over all bounds, of how far a value is beyond it as
-- a share of the bound.
-- @tparam {table,...}|nil bounds constraints
-- @tparam {string=number,...} values by the name of what is constrained
-- @treturn number 0 if they are met; infinite where a value is missing
function constraints.violation(bounds, values)
  local sum = 0
  for _, constraint in ipairs(bounds or {}) do
    local value = values[constraint.on]
    if not value or value ~= value then return 1 / 0 end
    if constraint.max then sum = sum + excess(value - constraint.max, constraint.max) end
    if constraint.min then sum = sum + excess(constraint.min - value, constraint.min) end
  end
  return sum
end

--- The violations of many: values in columns.
-- @tparam {table,...} bounds constraints
-- @tparam {string={number,...}} columns by the name of what is constrained
-- @tparam integer count rows
-- @treturn {number,...}
function constraints.violations(bounds, columns, count)
  local violations, values = {}, {}
  for i = 1, count do
    for _, constraint in ipairs(bounds) do
      local column = columns[constraint.on]
      values[constraint.on] = column and column[i]
    end
    violations[i] = constraints.violation(bounds, values)
  end
  return violations
end

--- A constraint as text: "flops <= 2e+08".
function constraints.text(constraint)
  local parts = {}
  if constraint.min then parts[#parts + 1] = ("%s >= %.6g"):format(constraint.on, constraint.min) end
  if constraint.max then parts[#parts + 1] = ("%s <= %.6g"):format(constraint.on, constraint.max) end
  return table.concat(parts, ", ")
end

return constraints
