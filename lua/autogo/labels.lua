--- Tables of measured architectures: CSV in, graphs with targets out, split for training.
--
-- A table has a header line, an accuracy column (`cifar10_test_acc` unless told otherwise), and for
-- the configuration a column `arch`, or the pair `adjacency_upper_rowmajor` and `ops`.
-- @module autogo.labels

local core = require "autogo.core"
local families = require "autogo.families"
local random = require "autogo.random"

local labels = {}

local function fields(line)
  local list = {}
  for field in (line .. ","):gmatch "(.-)," do
    list[#list + 1] = field
  end
  return list
end

local function columns(header)
  local position = {}
  for i, name in ipairs(fields(header)) do
    position[name] = i
  end
  return position
end

local function config_of(row, position)
  if position.arch then
    return row[position.arch]
  elseif position.adjacency_upper_rowmajor and position.ops then
    return row[position.adjacency_upper_rowmajor] .. ":" .. row[position.ops]
  end
end

local function names_configs(position)
  return position.arch or (position.adjacency_upper_rowmajor and position.ops)
end

-- One row as a sample; false for a cell that training leaves out; nil and why for a bad one.
local function sample_of(row, position, family, column)
  local config = config_of(row, position)
  local target = tonumber(row[position[column]])
  if not config or not target then
    return nil, "a configuration and a number expected"
  elseif family.name == "nb201" and config:find "none" then
    return false
  end
  local graph, why = family.build(config)
  if not graph then
    return nil, why
  end
  return { graph = (graph:canonical()), target = target, family = family.name, config = config }
end

--- Read a table.
-- @tparam string path
-- @tparam string name of the family; cells of nb201 with `none` are left out
-- @tparam[opt="cifar10_test_acc"] string column of the target
-- @treturn table list of { graph in canonical order, target, family }; or nil and a message
function labels.read(path, name, column)
  local family, why = families.get(name)
  if not family then
    return nil, why
  end
  local text
  text, why = core.read_file(path)
  if not text then
    return nil, why
  end
  column = column or "cifar10_test_acc"
  local samples, position, number = {}, nil, 0
  for line in text:gmatch "[^\r\n]+" do
    number = number + 1
    if not position then
      position = columns(line)
      if not position[column] or not names_configs(position) then
        return nil, ("%s: a header with arch (or adjacency_upper_rowmajor and ops) and %s expected")
          :format(path, column)
      end
    else
      local sample
      sample, why = sample_of(fields(line), position, family, column)
      if sample == nil then
        return nil, ("%s: line %d: %s"):format(path, number, why)
      end
      samples[#samples + 1] = sample or nil
    end
  end
  if #samples == 0 then
    return nil, path .. ": no rows"
  end
  return samples
end

--- The parts a training did not learn from, as CSV: family, part (validation or test), arch.
-- @tparam table parts list of { samples, name of the part }
-- @treturn string
function labels.held_out(parts)
  local lines = { "family,part,arch" }
  for _, part in ipairs(parts) do
    for _, sample in ipairs(part[1]) do
      lines[#lines + 1] = table.concat({ sample.family, part[2], sample.config }, ",")
    end
  end
  return table.concat(lines, "\n") .. "\n"
end

-- Classes of isomorphic graphs, in order of first appearance.
local function classes_of(samples)
  local classes, by_hash = {}, {}
  for _, sample in ipairs(samples) do
    local hash = sample.graph:hash()
    if not by_hash[hash] then
      by_hash[hash] = {}
      classes[#classes + 1] = by_hash[hash]
    end
    table.insert(by_hash[hash], sample)
  end
  return classes
end

--- Split samples 80 / 10 / 10, isomorphic graphs always together.
-- @tparam table samples of one family
-- @tparam[opt=1] integer seed
-- @treturn table training part
-- @treturn table validation part
-- @treturn table test part
function labels.split(samples, seed)
  local parts, part = { {}, {}, {} }, 1
  local limits = { 0.8 * #samples, 0.9 * #samples, math.huge }
  local placed = 0
  for _, class in ipairs(random.new(seed or 1):shuffle(classes_of(samples))) do
    while placed >= limits[part] do
      part = part + 1
    end
    table.move(class, 1, #class, #parts[part] + 1, parts[part])
    placed = placed + #class
  end
  return table.unpack(parts)
end

return labels
