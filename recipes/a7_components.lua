-- What each component of a search costs (appendix A.7): segmentation, sources, resolution by each
-- solver with feasible and infeasible problems apart, prediction, cost, and mutation as a whole, on the
-- best architectures of the five families, ResNet-50 and EDSR.
--
--     autogo run recipes/a7_components.lua [--out DIR] [--quick]
--
-- Single calls take microseconds, too short for a clock in Lua: tests/bench/components.c does the
-- timing, and `make` builds it here if need be (run from the root of the sources). The table shows
-- medians in microseconds beside the figures of the publication and those measured of its
-- implementation; the CSV has counts, 99th percentiles and maxima too.
local ag = require "autogo"
local best = require "autogo.families.best"
local recipe = require "autogo.recipe"

-- What the publication reports (algorithm.md section 7) and what its implementation was measured to
-- take (published.md), per call where it has such a call.
local COMPONENTS = {
  { "segmentation", published = "below 1 ms", measured = "1 to 30 ms" },
  { "sources", published = "below 1 ms", measured = "0.26 to 7.1 s" },
  { "exact feasible" },
  { "exact infeasible" },
  { "milp feasible", published = "110 ms", measured = "8 to 14 ms" },
  { "milp infeasible", published = "110 ms", measured = "8 to 11 ms" },
  { "exhaustive feasible", published = "0.4 s" },
  { "exhaustive infeasible", published = "over 4 s" },
  { "exhaustive gave up" },
  { "prediction encoding" },
  { "prediction place" },
  { "prediction candidate", measured = "0.4 to 1.8 ms" },
  { "cost graph", measured = "1 to 7 ms" },
  { "cost candidate" },
  { "mutation", published = "1.5 to 2 min" },
  { "mutation per child", measured = "43 to 100 ms" },
}

local values = recipe.options {
  name = "a7_components",
  about = "Time of each component of a search, beside the published figures",
}

local function shell(text)
  return "'" .. text:gsub("'", [['\'']]) .. "'"
end

-- Write the networks; returns their names in order and their files.
local function export()
  local names, files = {}, {}
  local function add(name, graph)
    names[#names + 1] = name
    files[#files + 1] = ("%s/%s.json"):format(values.out, name)
    assert(ag.save(graph, files[#files]))
  end
  for _, entry in ipairs(best) do
    add(entry.family, entry.build())
  end
  for _, name in ipairs { "resnet50", "edsr" } do
    add(name, assert(ag.load(name)))
  end
  return names, files
end

-- found[component][network] = { count, median, p99, max }, in microseconds.
local function measure(files)
  local program = (os.getenv "BUILD" or "build") .. "/tests/bench/components"
  if not os.execute("make -s " .. shell(program) .. " >&2") then
    error("cannot build " .. program, 0)
  end
  local words = { shell(program), values.quick and "quick" or "full" }
  for _, file in ipairs(files) do
    words[#words + 1] = shell(file)
  end
  local pipe <close> = assert(io.popen(table.concat(words, " ")))
  local found = {}
  for line in pipe:lines() do
    local network, component, count, rest = line:match "^([^,]+),([^,]+),(%d+),(.+)$"
    if network then
      local times = { math.tointeger(count) }
      for number in rest:gmatch "[^,]+" do
        times[#times + 1] = tonumber(number)
      end
      found[component] = found[component] or {}
      found[component][network] = times
    end
  end
  return found
end

local names, files = export()
local found = measure(files)

local header, rows, lines = { "median microseconds" }, {}, {}
for _, name in ipairs(names) do
  header[#header + 1] = name
end
header[#header + 1] = "published"
header[#header + 1] = "its program"

for i, component in ipairs(COMPONENTS) do
  local row = { component[1] }
  for k, name in ipairs(names) do
    local times = (found[component[1]] or {})[name]
    row[k + 1] = times and times[2]
    if times then
      lines[#lines + 1] = { name, component[1], times[1], times[2], times[3], times[4],
        component.published, component.measured }
    end
  end
  row[#names + 2] = component.published or "-"
  row[#names + 3] = component.measured or "-"
  rows[i] = row
end

recipe.print(header, rows)
recipe.csv(values.out .. "/a7.csv", { "network", "component", "calls", "median_us", "p99_us", "max_us",
  "published", "measured_of_published" }, lines)
