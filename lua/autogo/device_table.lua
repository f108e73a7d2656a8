--- What a network costs on a device, group by group, for people: a line that says what a group is and how it
-- is cut into tiles, one below it with its figures. Both fit a terminal.
-- @module autogo.device_table

local clean = require("autogo.report.text").clean
local tables = require "autogo.report.table"

local TITLE = { "node  ", "ops: tile, channels out and in, order" }
local HEAD = { "MACs", "use %", "array", "vector", "memory", "exposed", "DRAM", "us", "uJ" }
-- Before a line of figures, and before what goes on in another line.
local INDENT, BEHIND_NODE, BEHIND_NOTE = " ", "      ", "  "

local figure = tables.figure

local function moved(bytes)
  local sum = bytes.dram_read + bytes.dram_written
  return sum == 0 and "-" or tables.memory(sum)
end

local function plain(value)
  return value >= 1e5 and figure(value) or (value < 1e4 and "%.4g" or "%.0f"):format(value)
end

-- "3x80 px, 64 out, 3 in, os": a tile, in the order of its loops.
local function tile(t)
  return ("%dx%d px, %d out, %d in%s, %s"):format(t.height, t.width, t.channels, t.depth,
    t.split and " by tap" or "", t.order)
end

-- The ops of each group, leader first.
local function names(nodes)
  local list = {}
  for _, node in ipairs(nodes) do
    if node.group then
      list[node.group] = list[node.group] and list[node.group] .. "+" .. node.op or node.op
    end
  end
  return list
end

local function title_of(row, ops)
  return { ("%4d  "):format(row.node), ops .. (row.tiling and ": " .. tile(row.tiling) or "") }
end

local function cells_of(row)
  return {
    figure(row.macs), row.macs > 0 and ("%.1f"):format(100 * row.utilisation) or "-",
    figure(row.array_cycles), figure(row.vector_cycles), figure(row.memory_cycles),
    figure(row.exposed_cycles), moved(row.bytes), plain(row.ms * 1e3), plain(row.mj * 1e3),
  }
end

local CROWDED = "tensors that stay on chip come to %.4g MiB at once, the shared buffer has %.4g: %s are "
  .. "written to DRAM and %s read back, %.4g us and %.4g uJ more than the sums of the lines"
local DOUBT = "%.3g TOPS/W at full use is outside 0.1 to 10: doubt the energies of this device file"

local function notes(device, cost)
  local lines = {
    ("%s: %.4g ms, %.4g mJ, %.4g mW on average (with the memory device %.4g mJ, %.4g mW)"):format(
      device.name, cost.ms, cost.mj, cost.mw, cost.mj_system, cost.mw_system),
    ("%.1f %% of the MACs that fit into that time; %.1f %% of those offered while the array was busy")
      :format(100 * cost.utilisation, 100 * cost.mapping),
  }
  if cost.evicted + cost.reread > 0 then
    lines[#lines + 1] = CROWDED:format(cost.shared_peak / 2 ^ 20, device.shared_bytes / 2 ^ 20,
      tables.memory(cost.evicted), tables.memory(cost.reread), cost.evicted_ms * 1e3, cost.evicted_mj * 1e3)
  end
  local tops = device.tops_per_watt
  if tops > 10 or tops < 0.1 then
    lines[#lines + 1] = DOUBT:format(tops)
  end
  return lines
end

-- A line that may be too long for a terminal, what goes on in the next one set in as far as `margin`.
local function add_wrapped(lines, head, line, margin)
  for k, part in ipairs(tables.wrap(line, tables.BREADTH - #margin)) do
    lines[#lines + 1] = (k == 1 and head or margin) .. part
  end
end

--- A table of text: two lines per group with cycles of the array, the vector unit and the memory and what
-- of these is exposed, time and energy; then totals.
-- @tparam Device device
-- @tparam table cost what `device:cost(graph)` gives
-- @treturn string
return function(device, cost)
  local ops, titles, figures, lines = names(cost.nodes), { TITLE }, { HEAD }, {}
  for _, row in ipairs(cost.nodes) do
    if row.ms then
      titles[#titles + 1], figures[#figures + 1] = title_of(row, clean(ops[row.node])), cells_of(row)
    end
  end
  titles[#titles + 1], figures[#figures + 1] = { "", "in all" }, cells_of(cost)
  for k, line in ipairs(tables.align(figures, {})) do
    add_wrapped(lines, titles[k][1], titles[k][2], BEHIND_NODE)
    lines[#lines + 1] = INDENT .. line
  end
  lines[#lines + 1] = ""
  for _, note in ipairs(notes(device, cost)) do
    add_wrapped(lines, "", note, BEHIND_NOTE)
  end
  return table.concat(lines, "\n") .. "\n"
end
