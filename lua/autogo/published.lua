--- The published networks and figures, for recipes that put ours beside them.
-- Source: families.md 4.5, 5.5, 6.5, 7.5 and 8.5; algorithm.md section 7, tables 2 to 6 and 9.
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

-- Table 3: networks for ImageNet as { name, GFLOPs, milliseconds on an RTX 2080 Ti, top-1 and top-5
-- accuracy (%), Cityscapes mIoU, MPII PCK }, each original before its results.
published.table3 = {
  resnet50_published = {
    { "ResNet-50", 6.29, 7.18, 74.02, 91.22, 63.42, 82.36 },
    { "arch 1", 6.71, 7.50, 75.34, 92.16, 65.88, 84.07 },
    { "arch 2", 5.88, 6.92, 75.66, 92.45, 66.65, 82.70 },
  },
  resnet101_published = {
    { "ResNet-101", 13.76, 15.86, 75.09, 91.94, 65.92, 82.77 },
    { "arch 1", 13.66, 15.56, 76.56, 93.09, 67.12, 83.59 },
    { "arch 2", 13.35, 15.36, 75.69, 92.15, 66.38, 84.64 },
  },
  vgg16_published = {
    { "VGG-16", 30.81, 4.65, 74.18, 91.83, 65.36, 85.92 },
    { "VGG arch", 24.34, 4.20, 74.91, 93.23, 66.91, 85.99 },
  },
}

-- Table 4: EDSR x2 as { name, GFLOPs, milliseconds, PSNR on DIV2K, Set5, Set14, BSD100, Urban100 and
-- Manga109 }.
published.table4 = {
  { "EDSR", 141, 18.04, 36.19, 36.86, 32.57, 31.39, 29.14, 36.09 },
  { "arch 1", 118, 15.38, 37.28, 38.01, 33.62, 32.18, 31.56, 38.49 },
  { "arch 2", 110, 14.52, 37.27, 37.97, 33.55, 32.16, 31.53, 38.47 },
  { "arch 3", 105, 13.81, 37.25, 38.01, 33.58, 32.16, 31.46, 38.44 },
}

-- Table 5: FSRCNN, power in mW before and after, its change (%), GFLOPs before and after.
published.table5 = {
  fsrcnn3 = { 774.77, 644.10, -16.87, 2.67, 2.09 },
  fsrcnn4 = { 892.89, 508.37, -43.06, 3.74, 2.07 },
}

-- Table 6: U-Net, change of latency (%), power in mW before and after, its change (%), GFLOPs before
-- and after.
published.table6 = { latency = -24.94, power = { 724.59, 657.82, -9.21 }, gflops = { 17.05, 16.26 } }

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

-- Settings that make a search small enough for a test.
local QUICK = { iterations = 2, children = 200, finalists = 10 }

-- ONNX with fresh weights, PyTorch source, and a script that trains it.
local function export(graph, folder, rank, seed, starter)
  local stem = ("%s/rank_%02d"):format(folder, rank)
  assert(graph:save_onnx(stem .. ".onnx", { seed = seed }))
  assert(require("autogo.formats").save(graph, stem .. ".py"))
  if starter then assert(require("autogo.starters").write(starter, stem .. ".py")) end
end

--- Evolve a stand-alone network and keep its front in a folder below `out`.
-- @tparam string|Graph network
-- @tparam table options of the recipe: `out`, `quick`, `seed`, `threads`
-- @tparam table changes `preset`, and settings instead of the preset's; objectives may be names;
-- `starter`, the training script that goes with what is kept
-- @tparam[opt] string folder default: the name of the network
-- @treturn Front, keep(member), which exports a member of it there, and the seconds it took
function published.evolve(network, options, changes, folder)
  local ag = require "autogo"
  local settings = {}
  for key, value in pairs(require("autogo.presets")[changes.preset]) do settings[key] = value end
  for key, value in pairs(changes) do settings[key] = value end
  for key, value in pairs(options.quick and QUICK or {}) do settings[key] = value end
  if options.quick then settings.iterations, settings.children = 5, 500 end
  settings.preset, settings.starter = nil, nil
  settings.seed, settings.threads = options.seed, options.threads
  settings.objectives = {}
  for i, objective in ipairs(changes.objectives) do
    settings.objectives[i] = type(objective) == "table" and objective
      or assert(ag.objective.load(objective))
  end
  local begin = ag.clock()
  local front = assert(ag.evolve(network, settings))
  local seconds = ag.clock() - begin
  folder = ("%s/%s"):format(options.out, folder or network)
  assert(core.mkdir(folder))
  assert(require("autogo.output").write(front, folder, {})) -- weights of all would be gigabytes
  local function keep(member)
    for rank, one in ipairs(front) do
      if one == member and not options.quick then
        export(member.graph, folder, rank - 1, options.seed, changes.starter)
      end
    end
  end
  return front, keep, seconds
end

--- The published searches of some families: every method under both bands. The fronts are kept in
-- folders below `out`.
-- @tparam table options `out`, `quick` (two small searches per method), `seed`, `threads`
-- @treturn function iterator of { family, method, band (numbers), front, seconds }
function published.searches(options)
  local changes = { seed = options.seed, threads = options.threads }
  local families = options.quick and { "hiaml", "two_path" } or published.families
  for key, value in pairs(options.quick and QUICK or {}) do changes[key] = value end
  return coroutine.wrap(function()
    for _, family in ipairs(families) do
      for m, method in ipairs(published.methods) do
        for b, band in ipairs(published.bands) do
          local front, seconds = published.search(family, method, band, changes)
          local folder = ("%s/%s_%s_%s"):format(options.out, family, method.name:gsub("%+", "_"),
            band.least > 0 and "band" or "free")
          assert(core.mkdir(folder))
          assert(require("autogo.output").write(front, folder, {}))
          coroutine.yield { family = family, method = m, band = b, front = front, seconds = seconds }
        end
      end
    end
  end)
end

return published
