--- Tables of measured architectures: CSV in, graphs with targets out, split for training.
--
-- A table has a header line, a column of values (`cifar10_test_acc` unless told otherwise), and the
-- configuration: a column `arch` (or `arch_string`) with the family's standard string, or the
-- family's own columns, which are joined to that string:
--
--    nb101      adjacency_upper_rowmajor, ops                 110101 and input;conv3x3-bn-relu;...
--    nb_macro   layer1 ... layer8                             0, 1 or 2 each
--    hiaml      block1 ... block4                             src1, r30, ... each
--    inception  stage1 ... stage4                             2xconv5x5,double1x1:128:64 each
--    two_path   path1, path2                                  conv5x5/2+conv1x1,conv3x3/2 each
--
-- Fields with commas stand in double quotes. HiAML, Inception and Two-Path have no public labels: a
-- table of one's own in this form trains like the others.
-- @module autogo.labels

local core = require "autogo.core"
local families = require "autogo.families"
local random = require "autogo.random"

local labels = {}

local OWN = {
  nb101 = { ":", "adjacency_upper_rowmajor", "ops" },
  nb_macro = { "", "layer1", "layer2", "layer3", "layer4", "layer5", "layer6", "layer7", "layer8" },
  hiaml = { ",", "block1", "block2", "block3", "block4" },
  inception = { "|", "stage1", "stage2", "stage3", "stage4" },
  two_path = { "|", "path1", "path2" },
}

-- A field in double quotes from `at` on and the position after it; "" within is one quote.
local function quoted_field(line, at)
  local text, after = line:match('^"([^"]*)"()', at)
  while after and line:sub(after, after) == '"' do
    local more
    more, after = line:match('^"([^"]*)"()', after)
    text = more and text .. '"' .. more
  end
  return text, after
end

local function fields(line)
  local list, at = {}, 1
  while at <= #line + 1 do
    local field, after = quoted_field(line, at)
    if not field then
      field, after = line:match("^([^,]*)()", at)
    end
    list[#list + 1] = field
    at = after + 1
  end
  return list
end

-- Where each name of a header stands. Spreadsheets put the mark of UTF-8 before the first one.
local function columns(header)
  local position = {}
  header = header:gsub("^\xef\xbb\xbf", "")
  for i, name in ipairs(fields(header)) do
    position[name] = i
  end
  return position
end

-- A function from a row to its configuration's string, if the header names what it takes.
local function config_reader(position, family)
  local arch = position.arch or position.arch_string
  if arch then
    return function(row)
      return row[arch]
    end
  end
  local own = OWN[family.name]
  for i = 2, own and #own or 0 do
    if not position[own[i]] then
      return nil
    end
  end
  return own and function(row)
    local parts = {}
    for i = 2, #own do
      parts[i - 1] = row[position[own[i]]] or ""
    end
    return table.concat(parts, own[1])
  end
end

local function expected_columns(family)
  local own = OWN[family.name]
  return own and ("arch (or %s)"):format(table.concat(own, ", ", 2)) or "arch"
end

local function value_of(text, column)
  local value = tonumber(text)
  if not value then
    return nil, ("%s is '%s', a number expected"):format(column, text or "")
  elseif value ~= value or math.abs(value) == math.huge then
    return nil, ("%s is %s, a finite number expected"):format(column, text)
  end
  return value
end

-- One row as a sample; false for one to leave out; nil and why for a bad one.
local function sample_of(config, text, family, column, all)
  local target, why = value_of(text, column)
  if not config or config == "" then
    return nil, "an architecture expected"
  elseif not target then
    return nil, why
  elseif not all and family:leaves_out(config) then
    return false
  end
  local graph
  graph, why = family.build(config)
  if not graph then
    return nil, why
  end
  graph = graph:canonical()
  return { graph = graph, target = target, family = family.name, config = config,
    class = family:class(config) or graph:hash() }
end

-- Lines of a text with their numbers, empty ones left out.
local function numbered_lines(text)
  local number = 0
  return coroutine.wrap(function()
    for line in (text:gsub("\r\n?", "\n") .. "\n"):gmatch "(.-)\n" do
      number = number + 1
      if line ~= "" then
        coroutine.yield(number, line)
      end
    end
  end)
end

-- Take a sample unless its architecture was there before; its value must be the same then.
local function take(samples, seen, sample, number)
  local before = seen[sample.config]
  if not before then
    samples[#samples + 1] = sample
    seen[sample.config] = { target = sample.target, number = number }
  elseif before.target ~= sample.target then
    return nil, ("%s is %.10g here and %.10g in line %d"):format(sample.config, sample.target,
      before.target, before.number)
  end
  return true
end

-- Samples of a table of values. `reader_of(position)` gives, for the columns of the header, a function
-- from a row to a sample, false to leave it out, or nil and why; itself nil where a column is
-- missing, which `expected` then names.
local function read_table(path, column, expected, reader_of, limit)
  local text, why = core.read_file(path)
  if not text then
    return nil, why
  end
  local samples, seen, read = {}, {}, nil
  for number, line in numbered_lines(text) do
    if #samples == limit then
      break
    end
    if not read then
      local position = columns(line)
      read = position[column] and reader_of(position)
      if not read then
        return nil, ("%s: a header with %s and %s expected%s"):format(path, expected, column,
          line:find "[;\t]" and not line:find "," and ", and commas between them" or "")
      end
    else
      local sample, reason = read(fields(line))
      local good = sample ~= nil
      if sample then
        good, reason = take(samples, seen, sample, number)
      end
      if not good then
        return nil, ("%s: line %d: %s"):format(path, number, reason)
      end
    end
  end
  if #samples == 0 then
    return nil, path .. ": no rows"
  end
  return samples
end

--- Read a table.
-- @tparam string path
-- @tparam string name of the family
-- @tparam[opt] table options `column` of the target ("cifar10_test_acc"); `limit` on the samples;
-- `all`: networks that the publication leaves out too, which are the cells of nb201 with `none`
-- @treturn table list of { graph in canonical order, target, family, config, class }, where networks
-- of one class are isomorphic or compute the same function; or nil and a message
function labels.read(path, name, options)
  options = options or {}
  local column = options.column or "cifar10_test_acc"
  local family, why = families.get(name)
  if not family then
    return nil, why
  end
  return read_table(path, column, expected_columns(family), function(position)
    local config_of = config_reader(position, family)
    return config_of and function(row)
      return sample_of(config_of(row), row[position[column]], family, column, options.all)
    end
  end, options.limit)
end

local function network_of(name, text, column, folder, load)
  local target, why = value_of(text, column)
  local graph
  if target then
    graph, why = load(name ~= "" and core.exists(folder .. name) and folder .. name or name)
  end
  if not graph then
    return nil, why
  end
  return { graph = (graph:canonical()), target = target, config = name }
end

--- Read a table of networks: columns `network` (a file or a name, as `autogo.load` takes them; files
-- are looked for beside the table too) and `value`.
-- @tparam string path
-- @tparam function load name -> graph, or nil and a message
-- @tparam[opt="value"] string column of the target
-- @treturn table list of { graph in canonical order, target, config }; or nil and a message
function labels.read_networks(path, load, column)
  column = column or "value"
  local folder = path:match "^.*/" or ""
  return read_table(path, column, "network", function(position)
    return position.network and function(row)
      return network_of(row[position.network] or "", row[position[column]], column, folder, load)
    end
  end)
end

--- The parts a training did not learn from, as CSV: family, part (validation or test), arch.
-- @tparam table parts list of { samples, name of the part }
-- @treturn string
function labels.held_out(parts)
  local lines = { "family,part,arch" }
  for _, part in ipairs(parts) do
    for _, sample in ipairs(part[1]) do
      local config = sample.config
      if config:find '[",]' then
        config = '"' .. config:gsub('"', '""') .. '"'
      end
      lines[#lines + 1] = table.concat({ sample.family, part[2], config }, ",")
    end
  end
  return table.concat(lines, "\n") .. "\n"
end

-- Samples by class, in order of first appearance; without a class, isomorphic graphs are one.
local function classes_of(samples)
  local classes, by_class = {}, {}
  for _, sample in ipairs(samples) do
    local class = sample.class or sample.graph:hash()
    if not by_class[class] then
      by_class[class] = {}
      classes[#classes + 1] = by_class[class]
    end
    table.insert(by_class[class], sample)
  end
  return classes
end

--- Split samples 80 / 10 / 10, a class always together.
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
