--- Latency from a table of measured kernels.
--
-- A CSV file has one line per kernel: the columns of `autogo kernels MODEL --csv`, with median_ms filled
-- in. The latency of a network is the sum over its nodes. A kernel without a line of its own is
-- estimated from its kin (same op, window, stride, dtype, and groups unless depthwise), along one axis
-- at a time, in this order:
--
-- 1. the size H*W, at equal channels: log-log between the two nearest points;
-- 2. input channels, output channels, or both where they go together, at equal H and W: log-log between
--    points of the same remainder by the device's granule (8, or what a line `# granule N` says);
-- 3. latency is a staircase in channels, so else up to the next measured kernel of at least so many
--    channels, at equal H and W.
--
-- Points are at most a factor of 4 apart, and nothing is estimated more than a factor of 2 away from
-- what was measured. Every estimate is told on standard error with its key and its points.
-- Source: hardware.md section 6.
-- @module autogo.hardware.kernel_table

local core = require "autogo.core"
local kernels = require "autogo.hardware.kernels"
local objective = require "autogo.objective"

local kernel_table = {}

local GRANULE, APART, BEYOND = 8, 4, 2

-- Lines about estimates, and about kernels that are missing, before it is only said that there are more.
local TOLD = 10

local NUMBERS = { in_h = true, in_w = true, in_c = true, out_c = true, kh = true, kw = true, groups = true }

-- --- the file -----------------------------------------------------------------------------------

local function split(line)
  local fields = {}
  for field in (line .. ","):gmatch "%s*(.-)%s*," do fields[#fields + 1] = field end
  return fields
end

local function read_header(line)
  local place, known = {}, split(line)
  for i, name in ipairs(known) do place[name] = i end
  for i = 1, kernels.KEY + 1 do
    if not place[kernels.COLUMNS[i]] then
      return nil, ("column %s is missing; autogo kernels MODEL --csv writes such a file"):format(
        kernels.COLUMNS[i])
    end
  end
  return place
end

-- A line as a kernel with `ms` (nil where it is not measured); or nil and a message.
local function read_kernel(place, line)
  local fields, kernel = split(line), {}
  for i = 1, kernels.KEY do
    local name = kernels.COLUMNS[i]
    local text = fields[place[name]] or ""
    if NUMBERS[name] then
      kernel[name] = math.tointeger(tonumber(text))
    else
      kernel[name] = text
    end
    if kernel[name] == nil or kernel[name] == "" or NUMBERS[name] and kernel[name] < 0 then
      return nil, ("%s: %s expected, got '%s'"):format(name, NUMBERS[name] and "a whole number" or "a text",
        text)
    end
  end
  local text = fields[place.median_ms] or ""
  kernel.ms = tonumber(text)
  kernel.median_ms, kernel.p90_ms = kernel.ms, tonumber(fields[place.p90_ms or 0])
  kernel.n = math.tointeger(tonumber(fields[place.n or 0]))
  if text ~= "" and not (kernel.ms and kernel.ms > 0 and kernel.ms < math.huge) then
    return nil, ("median_ms: milliseconds above 0 expected, got '%s'"):format(text)
  end
  return kernel
end

-- Kernels between which may be interpolated share this.
local function kin(kernel)
  local groups = kernel.op:find "^depthwise" and "each" or kernel.groups
  return table.concat({ kernel.op, kernel.kh, kernel.kw, kernel.stride, groups, kernel.dtype }, ",")
end

local function insert(self, kernel)
  local key, family = kernels.key(kernel), kin(kernel)
  if self.known[key] then return nil, ("the kernel %s stands here twice"):format(key) end
  self.known[key] = kernel
  self.kin[family] = self.kin[family] or {}
  table.insert(self.kin[family], kernel)
  return true
end

--- Parse a table. `all` lists its kernels in order, those that are not measured too.
-- @tparam string text
-- @tparam string name of the file, for messages
-- @treturn table { all, known = kernel by key, kin = lists of kernels, granule, dtype }, or nil and a message
function kernel_table.parse(text, name)
  local self, place, number = { all = {}, known = {}, kin = {}, granule = GRANULE, name = name }, nil, 0
  for line in text:gsub("^\xef\xbb\xbf", ""):gmatch "([^\n]*)\n?" do
    number = number + 1
    local good, why = true, nil
    line = line:gsub("\r$", "")
    if line:find "^%s*#" then
      self.granule = math.tointeger(tonumber(line:match "^%s*#%s*granule%s+(%d+)%s*$")) or self.granule
    elseif line:find "%S" and not place then
      place, why = read_header(line)
      good = place
    elseif line:find "%S" then
      local kernel
      kernel, why = read_kernel(place, line)
      good = kernel
      self.all[#self.all + 1] = kernel
      if kernel and kernel.ms then good, why = insert(self, kernel) end
      self.dtype = self.dtype or kernel and kernel.dtype
    end
    if not good then return nil, ("%s:%d: %s"):format(name, number, why) end
  end
  if not place then return nil, name .. ": an empty table; autogo kernels MODEL --csv writes one" end
  self.granule = math.max(1, self.granule)
  return self
end

-- --- estimates ----------------------------------------------------------------------------------

local function area(kernel) return kernel.in_h * kernel.in_w end

local function same_size(a, b) return a.in_h == b.in_h and a.in_w == b.in_w end

-- The axes: where a kernel stands on one, and whether a point of its kin lies on the same line.
local AXES = {
  { area, function(wanted, point)
    return point.in_c == wanted.in_c and point.out_c == wanted.out_c
  end },
  { function(kernel) return kernel.in_c end, function(wanted, point, granule)
    return same_size(wanted, point) and point.out_c == wanted.out_c
      and (point.in_c - wanted.in_c) % granule == 0
  end },
  { function(kernel) return kernel.out_c end, function(wanted, point, granule)
    return same_size(wanted, point) and point.in_c == wanted.in_c
      and (point.out_c - wanted.out_c) % granule == 0
  end },
  { function(kernel) return kernel.in_c end, function(wanted, point, granule)
    return same_size(wanted, point) and point.in_c == point.out_c and wanted.in_c == wanted.out_c
      and (point.in_c - wanted.in_c) % granule == 0
  end },
}

-- The two of these points to draw a line through: around `at`, or the nearest two on its one side.
local function neighbours(points, place, at)
  table.sort(points, function(a, b) return place(a) < place(b) end)
  local above = 1
  while points[above] and place(points[above]) < at do above = above + 1 end
  local first = math.max(1, math.min(above - 1, #points - 1))
  return points[first], points[first + 1]
end

local function along(points, place, wanted)
  local low, high = neighbours(points, place, place(wanted))
  if not high then return nil end
  local at, x, y = place(wanted), place(low), place(high)
  if x == y or y / x > APART or at > BEYOND * y or at * BEYOND < x then return nil end
  local slope = math.log(high.ms / low.ms) / math.log(y / x)
  return low.ms * (at / x) ^ slope, { low, high }
end

-- The least kernel with at least as many channels, or nil.
local function next_step(family, wanted)
  local best
  for _, point in ipairs(family) do
    local fits = same_size(wanted, point) and point.in_c >= wanted.in_c and point.out_c >= wanted.out_c
      and point.in_c * point.out_c <= BEYOND * wanted.in_c * wanted.out_c
    if fits and (not best or point.in_c * point.out_c < best.in_c * best.out_c) then best = point end
  end
  return best and best.ms, { best }
end

--- Milliseconds of a kernel, and the points they were estimated from (nil where it was measured).
-- @treturn number, {kernel,...}; or nil
function kernel_table.find(self, wanted)
  local exact = self.known[kernels.key(wanted)]
  if exact then return exact.ms end
  local family = self.kin[kin(wanted)] or {}
  for _, axis in ipairs(AXES) do
    local place, on_line = axis[1], axis[2]
    local points = {}
    for _, point in ipairs(family) do
      if on_line(wanted, point, self.granule) then points[#points + 1] = point end
    end
    local ms, from = along(points, place, wanted)
    if ms then return ms, from end
  end
  return next_step(family, wanted)
end

-- --- the objective ------------------------------------------------------------------------------

-- A function that says a line on standard error, so often and no more.
local function teller()
  local told = 0
  return function(format, ...)
    told = told + 1
    if told <= TOLD then
      io.stderr:write("autogo: warning: ", format:format(...), "\n")
    elseif told == TOLD + 1 then
      io.stderr:write "autogo: warning: ... and more of these\n"
    end
  end
end

local function describe(points)
  local texts = {}
  for i, point in ipairs(points) do texts[i] = ("%s (%g ms)"):format(kernels.key(point), point.ms) end
  return table.concat(texts, " and ")
end

local function missing(self, key)
  return ("%s: no kernel %s, nor any near enough; autogo kernels MODEL --csv lists what to measure"):format(
    self.name, key)
end

-- Milliseconds of a node, estimates told; nil where the table cannot say, and the key.
local function price(self, tell, node)
  local kernel, times = kernels.of_node(node, self.dtype)
  if not kernel then return 0 end
  local ms, from = kernel_table.find(self, kernel)
  if not ms then return nil, kernels.key(kernel) end
  if from then
    tell("%s: %s estimated as %.4g ms from %s", self.name, kernels.key(kernel), ms, describe(from))
  end
  return ms * times
end

--- Latency by the table in a file, in milliseconds, as an objective called table_FILE. The input of a
-- search must be in it wholly; a child that is not cannot be measured.
-- @tparam string path
-- @treturn table objective, or nil and a message
function kernel_table.objective(path)
  local text, why = core.read_file(path)
  if not text then return nil, why end
  local self
  self, why = kernel_table.parse(text, path)
  if not self then return nil, why end
  if not next(self.known) then
    return nil, path .. ": no kernel has a median_ms; autogo measure FILE.csv fills them in"
  end
  local tell, tell_missing = teller(), teller()
  local made = objective.per_node {
    name = "table_" .. path:match "([^/]*)$":gsub("%.csv$", ""):gsub("%W", "_"), unit = "ms",
    eval = function(node)
      local ms, key = price(self, tell, node)
      if not ms then tell_missing("%s", missing(self, key)) end
      return ms
    end,
  }
  made.script = core.hash(text)
  made.refuse = function(graph)
    for _, node in graph:nodes() do
      local ms, key = price(self, function() end, node)
      if not ms then return missing(self, key) end
    end
  end
  return made
end

return kernel_table
