--- What a node of an ONNX file says of itself, for writers of source code; `o` is the table that their
-- handlers get (autogo.formats.pytorch_opaque).
-- @module autogo.formats.operands

local operands = {}

--- Integers that are an attribute in older versions and a constant input in newer ones.
function operands.integers(o, attribute, slot)
  local value = o.attributes[attribute]
  if value == nil and slot and o.constants[slot] then value = o.constants[slot].values end
  if math.type(value) == "integer" then return { value } end
  return value
end

--- The rank of its first operand, or of its result.
function operands.rank(o) return #(o.from[1] or o.shape) end

--- A dimension counted from 0, also one that was counted from behind.
function operands.axis(o, value)
  return value < 0 and value + operands.rank(o) or value
end

--- Its axes in ascending order, an attribute or that constant input; or nil.
function operands.axes(o, slot)
  local list = operands.integers(o, "axes", slot)
  if not list then return nil end
  local out = {}
  for i, value in ipairs(list) do out[i] = operands.axis(o, value) end
  table.sort(out)
  return out
end

--- Pads of all dimensions, before and then after, where some only may be given (version 18); or nil.
function operands.pads(o)
  local given, along = operands.integers(o, "pads", 2), operands.integers(o, "axes", 4)
  if not given or not along then return given end
  local n, pads = operands.rank(o), {}
  for d = 1, 2 * n do pads[d] = 0 end
  for i, value in ipairs(along) do
    local d = operands.axis(o, value) + 1
    pads[d], pads[n + d] = given[i], given[#along + i]
  end
  return pads
end

return operands
