-- `autogo info` layer by layer: as text, CSV and JSON.

local support = require "tests.lua.support"
local ag = require "autogo"
local core = require "autogo.core"
local inventory = require "autogo.report.inventory"

local function run(line)
  local code, out, err = support.autogo("info " .. line)
  assert.equal("", err)
  assert.equal(0, code)
  return out
end

-- Fields of a line of CSV (RFC 4180).
local function fields(line)
  local list, at = {}, 1
  while at <= #line + 1 do
    if line:sub(at, at) == '"' then
      local field, last = line:match('^"(.-)"()', at)
      while line:sub(last, last) == '"' do
        local more, next_last = line:match('^"(.-)"()', last)
        field, last = field .. '"' .. more, next_last
      end
      list[#list + 1], at = field, last + 1
    else
      local field, last = line:match("^([^,]*)()", at)
      list[#list + 1], at = field, last + 1
    end
  end
  return list
end

local function read_csv(out)
  local rows, names = {}, nil
  for line in out:gmatch "[^\n]+" do
    local list = fields(line)
    if names then
      assert.equal(#names, #list)
      local row = {}
      for i, name in ipairs(names) do
        row[name] = list[i]
      end
      rows[#rows + 1] = row
    end
    names = names or list
  end
  return rows
end

describe("the layers of a network", function()
  it("add up to what the network costs", function()
    for _, name in ipairs { "resnet18", "mobilenet_v2", "densenet121", "unet_denoise", "edsr" } do
      local graph = assert(ag.load(name))
      local rows, macs = inventory.rows(graph), graph:macs()
      local totals = inventory.totals(rows)
      assert.equal(#graph, #rows)
      assert.equal(macs.conv + macs.depthwise + macs.matmul, totals.macs)
      assert.equal(graph.flops, totals.flops)
      assert.equal(graph.params, totals.params)
    end
  end)

  it("are the same as text, CSV and JSON", function()
    local graph = assert(ag.load "mobilenet_v2")
    local rows, csv = inventory.rows(graph), read_csv(run "mobilenet_v2 --csv")
    local json = core.json_decode(run "mobilenet_v2 --json").layers
    local lines = {}
    for line in run("mobilenet_v2"):gmatch "[^\n]+" do
      lines[#lines + 1] = line
    end
    assert.equal(#rows, #csv)
    assert.equal(#rows, #json)
    local share = 0
    for i, row in ipairs(rows) do
      assert.equal(table.concat(row.output, "x"), csv[i].output)
      assert.equal(row.macs, tonumber(csv[i].macs))
      assert.equal(row.params, tonumber(csv[i].params))
      assert.equal(row.op, csv[i].op)
      assert.same(row.output, json[i].output)
      assert.equal(row.macs, json[i].macs)
      assert.equal(4 * row.output[1] * row.output[2] * row.output[3], json[i].bytes)
      share = share + tonumber(csv[i].share)
      assert.matches(("^ *%d  %s "):format(i - 1, row.op), lines[i + 2])
    end
    assert.near(1, share, 1e-4)
    assert.matches("^ +in all", lines[#rows + 3])
  end)

  it("may be left out", function()
    local out = run "resnet18 --summary"
    assert.matches("^resnet18\n  input", out)
    assert.is_nil(out:find "maxpool +3x3")
  end)

  it("are coloured for a terminal only", function()
    local rows = inventory.rows(assert(ag.load "resnet18"))
    assert.is_nil(run("resnet18"):find "\27")
    local coloured = inventory.text(rows, true)
    assert.truthy(coloured:find("\27[1m", 1, true))
    assert.equal(inventory.text(rows), (coloured:gsub("\27%[%d+m", "")))
  end)

  it("keep names apart that want to be something else", function()
    local row = {
      position = 0, name = 'a,"b"\n', op = "\27[2Jconv\xff", input = { 1, 1, 1 }, output = { 1, 1, 1 },
      macs = 0, flops = 0, params = 0, bytes = 4,
    }
    assert.truthy(inventory.csv({ row }):find('0,"a,""b""\n",', 1, true))
    assert.truthy(inventory.text({ row }):find("?[2Jconv?", 1, true))
  end)
end)
