--- A network layer by layer: what each node is and what it costs, for people, spreadsheets and programs.
-- @module autogo.report.inventory

local tables = require "autogo.report.table"
local text = require "autogo.report.text"

local inventory = {}

-- Bytes of a number in single precision.
local FLOAT = 4

--- A row per node, in order: { position, name, op, kernel, stride, groups, input = {h, w, c},
-- output = {h, w, c}, macs, flops, params, bytes }; kernel and stride are nil for nodes without, bytes
-- are those of the output in single precision. O(nodes).
-- @tparam Graph graph
function inventory.rows(graph)
  local rows = {}
  for position, node in graph:nodes() do
    rows[position + 1] = {
      position = position, name = node.name, op = node.source_op or node.op, kernel = node.kernel,
      stride = node.kernel and node.stride,
      groups = node.op == "conv" and node.groups > 1 and node.groups or nil,
      input = { node.h_in, node.w_in, node.c_in }, output = { node.h_out, node.w_out, node.c_out },
      macs = node.macs, flops = node.flops, params = node.params,
      bytes = FLOAT * node.h_out * node.w_out * node.c_out, opaque = node.op == "opaque" or nil,
    }
  end
  return rows
end

--- Sums of macs, flops and params over rows.
function inventory.totals(rows)
  local totals = { macs = 0, flops = 0, params = 0 }
  for _, row in ipairs(rows) do
    for name in pairs(totals) do
      totals[name] = totals[name] + row[name]
    end
  end
  return totals
end

local function times(list)
  return list and table.concat(list, "x") or ""
end

-- --- for people -----------------------------------------------------------------------------------

local HEAD = { "node", "op", "kernel", "stride", "output", "MACs", "%", "params", "memory" }
local LEFT = { [2] = true, [3] = true, [4] = true, [5] = true }
local BOLD, DIM, MARKED, PLAIN = "\27[1m", "\27[2m", "\27[33m", "\27[0m"
-- Share of the multiplications from which a node is one to look at.
local HEAVY = 0.05

local function share_of(row, totals)
  return totals.macs > 0 and row.macs / totals.macs or 0
end

-- A text of a file, so that it cannot steer the terminal.
local function tame(line)
  return (text.clean(line):gsub("%c", "?"))
end

local function cells_of(row, totals)
  local share = share_of(row, totals)
  local op = tame(row.op) .. (row.groups and (" /%d groups"):format(row.groups) or "")
  return {
    ("%d"):format(row.position), op, times(row.kernel), times(row.stride), times(row.output),
    tables.figure(row.macs), share > 0 and ("%.1f"):format(100 * share) or "-", tables.figure(row.params),
    tables.memory(row.bytes),
  }
end

local function colour_of(row, totals)
  if row.opaque then
    return MARKED
  elseif share_of(row, totals) >= HEAVY then
    return BOLD
  end
  return row.params == 0 and DIM or nil
end

--- The rows as a table of text with a line of totals.
-- @tparam table rows
-- @tparam[opt] boolean coloured with escape sequences of terminals: bold is what costs most, dim what
-- has no weights, yellow what is kept as it is
function inventory.text(rows, coloured)
  local totals = inventory.totals(rows)
  local lines, colours = { HEAD }, { coloured and BOLD or nil }
  for i, row in ipairs(rows) do
    lines[i + 1], colours[i + 1] = cells_of(row, totals), coloured and colour_of(row, totals) or nil
  end
  lines[#lines + 1] = {
    "", "in all", "", "", "", tables.figure(totals.macs), totals.macs > 0 and "100" or "-",
    tables.figure(totals.params), "",
  }
  colours[#lines] = coloured and BOLD or nil
  local out = tables.align(lines, LEFT)
  for k, line in ipairs(out) do out[k] = colours[k] and colours[k] .. line .. PLAIN or line end
  return table.concat(out, "\n")
end

-- --- for spreadsheets -----------------------------------------------------------------------------

local COLUMNS = {
  "position", "name", "op", "kernel", "stride", "input", "output", "macs", "share", "flops", "params",
  "bytes",
}

-- A field of RFC 4180.
local function quote(field)
  if field:find '[",\r\n]' then
    return '"' .. field:gsub('"', '""') .. '"'
  end
  return field
end

--- The rows as CSV, header first; share is that of the multiplications, from 0 to 1.
function inventory.csv(rows)
  local totals, lines = inventory.totals(rows), { table.concat(COLUMNS, ",") }
  for i, row in ipairs(rows) do
    local cells = {}
    for k, name in ipairs(COLUMNS) do
      local value = row[name]
      if name == "share" then
        value = ("%.6g"):format(share_of(row, totals))
      end
      cells[k] = quote(type(value) == "table" and times(value) or tostring(value or ""))
    end
    lines[i + 1] = table.concat(cells, ",")
  end
  return table.concat(lines, "\n") .. "\n"
end

return inventory
