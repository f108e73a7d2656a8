--- The published networks and figures, for recipes that put ours beside them.
-- Source: families.md 4.5, 5.5, 6.5, 7.5 and 8.5; algorithm.md section 7, tables 2 and 9.
-- @module autogo.published

local core = require "autogo.core"

local published = {}

-- The families of the published tables, in their order.
published.families = { "nb101", "nb201", "hiaml", "inception", "two_path" }

-- The best network of each family, as `ag.load` takes it.
published.best = {
  nb101 = "nb101:110001010100010100101:conv3x3-bn-relu,conv3x3-bn-relu,maxpool3x3,"
    .. "conv3x3-bn-relu,conv3x3-bn-relu",
  nb201 = "nb201:|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+"
    .. "|skip_connect~0|nor_conv_3x3~1|nor_conv_1x1~2|",
  hiaml = "hiaml:src1,src1,r30,src3",
  inception = "inception:6xdepthwise5x5:16:16+inception_s3x3:16:16+depthwise5x5,conv5x5:16:16|"
    .. "2xconv5x5,double1x1:128:64|5xconv3x3:128:128|"
    .. "3xinception_s5x5:64:64+conv5x5,inception_p5x5,conv1x1,conv3x3,inception_s3x3,conv5x5,"
    .. "inception_s3x3,depthwise5x5,inception_p3x3,inception_s5x5,depthwise5x5:32:64+"
    .. "inception_p3x3,inception_s3x3:32:64+inception_s3x3:64:64",
  two_path = "two_path:conv5x5/2+conv5x5/2|double3x3,bottleneck-e2-k3+"
    .. "conv1x1,bottleneck-r2-k3/2+bottleneck-e2-k3,bottleneck-r2-k3,bottleneck-e2-k1+"
    .. "bottleneck-r2-k3/2",
}

-- How they were made, where it is not the default.
published.options = { nb201 = { skip = "identity" } }

-- The three searches that are compared, and the two FLOPs bands.
published.methods = {
  { name = "operation+GNN", preset = "published-operations", model = "gnn" },
  { name = "segment+GNN", preset = "published-cifar", model = "gnn" },
  { name = "segment+PSC", preset = "published-cifar", model = "psc" },
}
published.bands = { { name = "at most -20 %", least = 0.8 }, { name = "free", least = 0 } }

-- Table 2: accuracy (%) and MFLOPs of the input and of the result of each method, by family.
published.table2 = {
  nb101 = { { 95.18, 11722 }, { 95.16, 9407 }, { 95.31, 10817 }, { 95.45, 11118 } },
  nb201 = { { 93.50, 313 }, { 93.37, 232 }, { 93.57, 294 }, { 93.84, 303 } },
  hiaml = { { 92.32, 246 }, { 92.00, 198 }, { 92.62, 168 }, { 92.75, 198 } },
  inception = { { 93.20, 494 }, { 92.97, 319 }, { 93.31, 461 }, { 93.52, 474 } },
  two_path = { { 87.90, 116 }, { 88.63, 106 }, { 89.16, 48 }, { 88.94, 91 } },
}

-- Table 9: accuracy (%) and change of FLOPs (%), by family, method and band.
published.table9 = {
  nb101 = {
    { { 95.16, -19.75 }, { 93.12, -86.43 } }, { { 95.31, -7.72 }, { 95.25, -10.31 } },
    { { 95.06, -18.05 }, { 95.45, -5.15 } },
  },
  nb201 = {
    { { 93.28, -20.13 }, { 93.37, -25.88 } }, { { 92.86, -20.13 }, { 93.57, -6.07 } },
    { { 93.32, -19.81 }, { 93.84, -3.19 } },
  },
  hiaml = {
    { { 92.00, -19.51 }, { 84.63, -88.62 } }, { { 92.08, -19.51 }, { 92.62, -31.71 } },
    { { 92.22, -6.50 }, { 92.75, -19.51 } },
  },
  inception = {
    { { 92.97, -19.23 }, { 92.97, -35.43 } }, { { 93.12, -19.23 }, { 93.31, -6.68 } },
    { { 93.52, -4.05 }, { 93.30, -3.24 } },
  },
  two_path = {
    { { 88.63, -8.62 }, { 88.63, -8.62 } }, { { 88.31, -19.83 }, { 89.16, -58.62 } },
    { { 88.68, -18.97 }, { 88.94, -21.55 } },
  },
}

-- Table 8: networks beaten by the front as { accuracy, FLOPs, sum of ranks, chosen }, three of which
-- fill up the parents.
published.table8 = {
  { 91.21, 260, 5, false }, { 91.10, 215, 3, true }, { 91.02, 200, 2, true },
  { 90.75, 210, 4, true }, { 90.35, 220, 7, false }, { 89.05, 250, 9, false },
}

--- The best network of a family.
-- @treturn Graph
function published.network(family)
  return (assert(require("autogo").load(published.best[family], published.options[family])))
end

--- One of the published searches.
-- @string family
-- @tparam table method of `published.methods`
-- @tparam table band of `published.bands`
-- @tparam[opt] table changes to the settings
-- @treturn Front, and the time it took in seconds
function published.search(family, method, band, changes)
  local ag = require "autogo"
  local settings = {}
  for key, value in pairs(require("autogo.presets")[method.preset]) do settings[key] = value end
  settings.predictor = assert(method.model == "gnn" and ag.predictor.gnn() or ag.predictor())
  settings.flops_min = band.least
  for key, value in pairs(changes or {}) do settings[key] = value end
  local begin = ag.clock()
  return ag.evolve(published.network(family), settings), ag.clock() - begin
end

--- The published searches of some families: every method under both bands. The fronts are kept in
-- folders below `out`.
-- @tparam table options `out`, `quick` (two small searches per method), `seed`, `threads`
-- @treturn function iterator of { family, method, band (numbers), front, seconds }
function published.searches(options)
  local changes = { seed = options.seed, threads = options.threads }
  local families = options.quick and { "hiaml", "two_path" } or published.families
  if options.quick then
    changes.iterations, changes.children, changes.finalists = 2, 200, 10
  end
  return coroutine.wrap(function()
    for _, family in ipairs(families) do
      for m, method in ipairs(published.methods) do
        for b, band in ipairs(published.bands) do
          local front, seconds = published.search(family, method, band, changes)
          local folder = ("%s/%s_%s_%s"):format(options.out, family, method.name:gsub("%+", "_"),
            band.least > 0 and "band" or "free")
          assert(core.mkdir(folder))
          assert(require("autogo.output").write(front, folder, true))
          coroutine.yield { family = family, method = m, band = b, front = front, seconds = seconds }
        end
      end
    end
  end)
end

return published
