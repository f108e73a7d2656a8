-- Measured latency against its estimates: ResNet-18 and ten of its evolved children in ONNX Runtime on this
-- machine, beside the roofline of a CPU, a table of kernels measured one by one, and both fitted as
-- `autogo measure LIST --fit` does.
--
--     autogo run recipes/measured_latency.lua [--device DEVICE] [--children N] [--runs N] [--seed N]
--         [--threads N] [--out DIR] [--quick]
--
-- The children are spread over the members of a search's archive, from fastest to slowest by roofline. What
-- counts is whether the estimates rank them as the measurement does: Spearman's and Kendall's rank
-- correlations are printed, whatever they are. The sum of isolated kernels has no fusion and pays the call of
-- the runtime once per kernel, so it is far above the measurement; the roofline is of another CPU. What is
-- fitted is told of each network by the fit to all others: `fitted_ms` is the roofline's.
local ag = require "autogo"
local calibration = require "autogo.hardware.calibration"
local core = require "autogo.core"
local cost = require "autogo.cost"
local kernel_table = require "autogo.hardware.kernel_table"
local kernels = require "autogo.hardware.kernels"
local measured = require "autogo.hardware.measured"
local published = require "autogo.published"
local recipe = require "autogo.recipe"

local values = recipe.options {
  name = "measured_latency",
  about = "Rank correlation of measured latency with the roofline and a table of kernels",
  options = {
    { name = "device", type = "string", default = "epyc-core", help = "of the roofline" },
    { name = "children", type = "integer", min = 2, max = 1000, default = 10, help = "that are measured" },
    { name = "runs", type = "integer", min = 1, default = 20, help = "of each network, at least" },
    { name = "seed", type = "integer", min = 0, default = 1, help = "of the search" },
    { name = "threads", type = "integer", min = 1, max = 256, help = "of the search [all processors]" },
  },
}

local HEADER = { "network", "gflops", "measured_ms", "p10", "p90", "roofline_ms", "table_ms", "fitted_ms" }
local ESTIMATES = { "estimate", "spearman", "kendall", "error_%", "scale", "ms_per_op" }

-- Every k-th of a list, so many of them, its ends among them.
local function spread(list, count)
  local chosen = {}
  count = math.min(count, #list)
  for i = 1, count do chosen[i] = list[1 + (i - 1) * (#list - 1) // math.max(1, count - 1)] end
  return chosen
end

-- The kernels of all graphs, measured, as a table; raises where they cannot be.
local function measured_table(self, graphs, path)
  local list, known = {}, {}
  for _, graph in ipairs(graphs) do
    for _, kernel in ipairs(kernels.of_graph(graph)) do
      local key = kernels.key(kernel)
      if not known[key] then
        known[key], list[#list + 1] = true, kernel
      end
    end
  end
  local networks = {}
  for i, kernel in ipairs(list) do networks[i] = assert(kernels.network(kernel)) end
  for i, result in ipairs(assert(measured.times(self, networks))) do
    list[i].median_ms, list[i].p90_ms, list[i].n = result.median, result.p90, result.n
  end
  assert(core.write_file(path, kernels.csv(list)))
  return assert(kernel_table.objective(path)), #list
end

local function new_measurer(runs, seconds, most)
  local made, why = measured.new { runs = runs, seconds = seconds, most = most, cache = false }
  if not made then
    io.stderr:write("autogo: measured_latency: ", why, "\n")
    os.exit(1, true)
  end
  return made
end

local begin = ag.clock()
local quick = values.quick
local networks = new_measurer(quick and 3 or values.runs, quick and 0.01 or 0.5, quick and 0.3 or 6)
local singles = new_measurer(quick and 2 or 10, quick and 0.002 or 0.02, quick and 0.05 or 0.5)

local roofline = cost.new(assert(ag.objective.load("roofline:" .. values.device)))
local model = assert(ag.load("resnet18", { input = quick and { 32, 32, 3 } or nil }))
local front = published.evolve(model, values, {
  preset = "published-imagenet", objectives = { ag.objective.flops, "roofline:" .. values.device },
}, "resnet18")
local members = {}
for _, member in ipairs(front.archive.members) do
  if member ~= front.input then members[#members + 1] = member end
end
table.sort(members, function(a, b)
  if a[roofline.name] ~= b[roofline.name] then return a[roofline.name] < b[roofline.name] end
  return a.score > b.score
end)
local graphs = { front.input.graph }
for _, member in ipairs(spread(members, quick and calibration.LEAST - 1 or values.children)) do
  graphs[#graphs + 1] = member.graph
end

local times = assert(measured.times(networks, graphs))
local by_table, count = measured_table(singles, graphs, values.out .. "/kernels.csv")
by_table = cost.new(by_table)

local medians = {}
for i, time in ipairs(times) do medians[i] = time.median or error(time.error, 0) end

-- How an estimate does: as it is, and fitted to all networks but the one in question.
local summary = {}
local function judge(name, estimate)
  local fit, why = calibration.fit(assert(calibration.rows(estimate, graphs, medians)))
  if not fit then
    print(("%s: %s"):format(name, why))
    return {}
  end
  local before, after = fit.before, fit.left_out
  summary[#summary + 1] = { name, before.spearman, before.kendall, 100 * before.rmse }
  summary[#summary + 1] = { name .. " fitted", after.spearman, after.kendall, 100 * after.rmse, fit.scale,
    fit.per_op }
  return after.values
end
local fitted = judge("roofline " .. values.device, "roofline:" .. values.device)
judge("table of kernels", "table:" .. values.out .. "/kernels.csv")

local rows = {}
for i, graph in ipairs(graphs) do
  rows[i] = { i == 1 and "resnet18" or ("child %d"):format(i - 1), graph.flops / 1e9, medians[i],
    times[i].p10, times[i].p90, roofline:of(graph), by_table:of(graph), fitted[i] }
end
recipe.print(HEADER, rows)
recipe.csv(values.out .. "/measured.csv", HEADER, rows)
recipe.print(ESTIMATES, summary)
recipe.csv(values.out .. "/correlations.csv", ESTIMATES, summary)
print(("%.1f s with seed %d; %d networks, %d kernels, one thread"):format(ag.clock() - begin, values.seed,
  #graphs, count))
