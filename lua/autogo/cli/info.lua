--- `autogo info`: what a model is made of and what it costs.
-- @module autogo.cli.info

local core = require "autogo.core"
local device = require "autogo.device"
local device_table = require "autogo.device_table"
local inventory = require "autogo.report.inventory"
local model = require "autogo.cli.model"
local tables = require "autogo.report.table"
local terminal = require "autogo.cli.terminal"

local function as_json(graph, report, cost)
  return core.json_encode {
    device = cost,
    name = graph.name,
    input = graph:input(),
    nodes = graph.size,
    edges = graph.edges,
    ops = graph:ops(),
    macs = graph:macs(),
    flops = graph.flops,
    params = graph.params,
    layers = inventory.rows(graph),
    report = {
      kept = report.kept,
      merged = #report.merged,
      folded = #report.folded,
      opaque = setmetatable(report.opaque, core.array),
    },
  }
end

local function scaled(value)
  return (tables.short(value):gsub("%s+$", ""))
end

local function shape(s)
  return s and ("%dx%dx%d"):format(s[1], s[2], s[3]) or "none"
end

local function op_list(ops)
  local names = {}
  for name in pairs(ops) do
    names[#names + 1] = name
  end
  table.sort(names, function(a, b)
    return ops[a] > ops[b] or ops[a] == ops[b] and a < b
  end)
  for i, name in ipairs(names) do
    names[i] = ("%s %d"):format(name, ops[name])
  end
  return table.concat(names, ", ")
end

-- Of what is said of a network, behind its names.
local INDENT = 11

-- The name, the layers and the sums: what is read first stands last, where a terminal is.
local function summary(graph, report, values)
  local macs = graph:macs()
  local rows = {
    { "input", shape(graph:input()) },
    { "output", shape(graph:output()) },
    { "nodes", ("%d, %d edges"):format(graph.size, graph.edges) },
    { "ops", op_list(graph:ops()) },
    { "FLOPs", scaled(graph.flops) },
    {
      "MACs",
      ("%s: conv %s, depthwise %s, matmul %s"):format(
        scaled(macs.conv + macs.depthwise + macs.matmul),
        scaled(macs.conv),
        scaled(macs.depthwise),
        scaled(macs.matmul)
      ),
    },
    { "params", scaled(graph.params) },
    { "memory", tables.memory(graph.peak_memory) .. " of activations at the peak" },
    {
      "import",
      ("%d kept, %d merged, %d folded, %d opaque"):format(
        report.kept,
        #report.merged,
        #report.folded,
        #report.opaque
      ),
    },
  }
  -- A name comes from a file: it must not steer the terminal.
  local lines = { graph.name ~= "" and graph.name:gsub("%c", "?") or "(without a name)" }
  if not values.summary then
    lines[2] = inventory.text(inventory.rows(graph), terminal.coloured()) .. "\n"
  end
  for _, row in ipairs(rows) do
    for k, part in ipairs(tables.wrap(row[2], tables.BREADTH - INDENT)) do
      lines[#lines + 1] = ("  %-8s %s"):format(k == 1 and row[1] or "", part)
    end
  end
  for _, line in ipairs(report.opaque) do
    lines[#lines + 1] = "  opaque   " .. line
  end
  return table.concat(lines, "\n") .. "\n"
end

return {
  name = "info",
  about = "Say what a model is made of and what it costs",
  usage = "MODEL [options]",
  arguments = { model.ARGUMENT },
  options = {
    { name = "json", type = "flag", help = "print one JSON object" },
    { name = "csv", type = "flag", help = "print the layers as CSV" },
    { name = "summary", type = "flag", help = "leave the layers out" },
    {
      name = "device",
      type = "string",
      value = "NAME",
      help = "what each layer costs on an accelerator: " .. table.concat(device.NAMES, ", ") .. ", or a file",
    },
    model.INPUT,
    model.START,
    model.STOP,
    model.SKIP,
  },
  run = function(values)
    local graph, report = model.load(values)
    if not graph then
      return nil, report
    end
    local chip, cost, why
    if values.device then
      chip, why = device.load(values.device)
      if chip then
        cost, why = chip:cost(graph)
      end
      if not cost then
        return nil, why
      end
      cost.name = chip.name
    end
    if values.json then
      io.stdout:write(as_json(graph, report, cost), "\n")
    elseif cost and not values.csv then
      io.stdout:write(device_table(chip, cost))
    elseif values.csv then
      io.stdout:write(inventory.csv(inventory.rows(graph)))
    else
      io.stdout:write(summary(graph, report, values))
    end
  end,
}
