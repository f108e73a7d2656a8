-- JSON files in which values were taken away or exchanged for others: what reads them takes them or says in
-- one line what is wrong, without a place in our own sources or an address.

local support = require "tests.lua.support"
local ag = require "autogo"
local core = require "autogo.core"
local cost = require "autogo.cost"

local JUNK = {
  5, -1, 0, 1.5, 1e300, 2 ^ 53, "", "x", "none", true, false, core.null, {}, { 1 }, { a = 1 }, { {} },
}

-- Places in a tree: { table, key }.
local function places(tree, list)
  local keys = {}
  for key in pairs(tree) do keys[#keys + 1] = key end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  for _, key in ipairs(keys) do
    list[#list + 1] = { tree, key }
    if type(tree[key]) == "table" then places(tree[key], list) end
  end
  return list
end

-- The text with one or two values changed; nil where that is no JSON any more. What a policy keeps in a
-- journal is its own.
local function damaged(text, stream)
  local tree = core.json_decode(text)
  local memory = tree.memory
  tree.memory = nil
  for _ = 1, stream:range(1, 2) do
    local all = places(tree, {})
    local place = stream:choice(all)
    if stream:chance(1, 2) then place = all[1 + stream:below(math.min(#all, 12))] end
    place[1][place[2]] = not stream:chance(1, 4) and stream:choice(JUNK) or nil
  end
  tree.memory = memory
  local good, changed = pcall(core.json_encode, tree)
  return good and changed or nil
end

-- Without waiting for the disk, as core.write_file does.
local function write(path, text)
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
end

local function check_message(message, text)
  message = tostring(message)
  local bad = message:find "%.lua:%d" or message:find "table: 0x" or message:find "\n"
  assert.is_nil(bad and ("%s\nof %s"):format(message, text:sub(1, 2000)))
end

-- read(path) of so many variations of a text.
local function survives(text, count, read)
  local path, stream = support.temporary("", ".json"), ag.random.new(1)
  finally(function() os.remove(path) end)
  for _ = 1, count do
    local changed = damaged(text, stream)
    if changed then
      write(path, changed)
      local good, result, why = pcall(read, path)
      if not good or not result then check_message(good and why or result, changed) end
    end
  end
end

local model = ag.load "fsrcnn3"

local function priced(name)
  return function(path)
    local objective, why = ag.objective.load(name:format(path))
    if not objective then return nil, why end
    local good, value = pcall(function() return cost.new(objective):of(model) end)
    return good, value
  end
end

describe("a damaged file", function()
  it("of a configuration is refused", function()
    for number, name in ipairs(ag.family.names) do
      local config = ag.family[name].sample(ag.random.new(1, number))
      survives(core.json_encode { config = config, skip = "exact", family = name }, 60, function(path)
        return ag.load(name .. ":@" .. path)
      end)
    end
  end)

  it("of a device is refused", function()
    survives(core.read_file "lua/autogo/devices/mobile-npu.json", 200, priced "npu:%s:energy")
    survives(core.read_file "lua/autogo/devices/roofline/raspi4.json", 200, priced "roofline:%s")
    survives(core.json_encode {
      format = "autogo-calibration", version = 1, estimate = "roofline:raspi4", scale = 1.1, per_op_ms = 0.1,
    }, 200, priced "fitted:%s")
  end)

  it("of a graph is refused", function()
    survives(model:json(), 300, ag.load)
  end)
end)

describe("a search", function()
  -- A small one by the program, in a folder that goes with the test.
  local function searched(options)
    local folder = os.tmpname()
    os.remove(folder)
    finally(function() os.execute("rm -rf " .. folder) end)
    local code, _, err = support.autogo(("evolve %s --iterations 1 --sources 3 --replacements 9 --quiet "
      .. "--out %s"):format(options, folder))
    assert.equal(0, code, err)
    return folder
  end

  local function lines_of(path)
    local lines = {}
    for line in core.read_file(path):gmatch "[^\n]+" do lines[#lines + 1] = line end
    return lines
  end

  it("whose front.json or journal is damaged is refused", function()
    local data, html = require "autogo.report.data", require "autogo.report.html"
    local folder, stream = searched "hiaml:src1,src1,r30,src3", ag.random.new(2)
    local front, lines = core.read_file(folder .. "/front.json"), lines_of(folder .. "/journal.jsonl")
    for round = 1, 160 do
      local texts = table.move(lines, 1, #lines, 1, {})
      local at = round % 2 == 0 and stream:range(1, #lines) or nil
      if at then texts[at] = damaged(lines[at], stream) or lines[at] end
      write(folder .. "/journal.jsonl", table.concat(texts, "\n") .. "\n")
      write(folder .. "/front.json", not at and damaged(front, stream) or front)
      local good, page, why = pcall(function()
        local found, reason = data.of_folder(folder)
        if not found then return nil, reason end
        return html.page(found)
      end)
      if not (good and page) then check_message(good and why or page, texts[at] or "front.json") end
      if at and round % 16 == 0 then
        local code, _, err = support.autogo(("evolve --resume %s --iterations 2 --quiet"):format(folder))
        if code ~= 0 then check_message(err:gsub("\n$", ""), texts[at]) end
        write(folder .. "/front.json", front)
      end
    end
  end)

  it("on a part of a TensorFlow graph goes on with that part, and says all of its command", function()
    local function node(name, op, ...)
      return { name = name, op = op, input = setmetatable({ ... }, core.array), attr = {} }
    end
    local path = support.temporary(core.json_encode { node = {
      node("x", "Placeholder"), node("before", "Relu", "x"), node("a", "Sigmoid", "before"),
      node("b", "Tanh", "a"), node("c", "AddV2", "b", "a"), node("d", "Relu", "c"),
      node("after", "Sigmoid", "d"),
    } }, ".json")
    finally(function() os.remove(path) end)
    local folder = searched(path .. " --start before --stop d --input 16x16x3 --ops conv,relu")
    local code, _, err = support.autogo(("evolve --resume %s --iterations 2 --quiet"):format(folder))
    assert.equal("", err)
    assert.equal(0, code)
    local page = core.read_file(folder .. "/report.html")
    local shown = page:match '<code id="command">(.-)</code>':gsub("<.->", "")
    for _, option in ipairs { "--start before", "--stop d", "--input 16x16x3", "--ops conv,relu" } do
      assert.truthy(shown:find(option, 1, true), shown)
    end
  end)
end)
