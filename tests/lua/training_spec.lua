-- Training from tables, fine-tuning, and predictors as objectives.

local support = require "tests.lua.support"
local ag = require "autogo"
local core = require "autogo.core"
local cost = require "autogo.cost"
local labels = require "autogo.labels"
local objective = require "autogo.objective"
local train = require "autogo.train"

-- A table of nb_macro networks whose value is a sum over layers, and where it lies.
local function macro_table(count)
  local stream, lines = ag.random.new(4), { "arch,v" }
  local family = ag.family.nb_macro
  for _ = 1, count do
    local config = family:sample(stream)
    local value = 10
    for i = 1, 8 do
      value = value + config[i] * i
    end
    lines[#lines + 1] = ("%s,%d"):format(family:format(config), value)
  end
  return support.temporary(table.concat(lines, "\n") .. "\n", ".csv")
end

describe("ag.train", function()
  local path = macro_table(200)
  teardown(function()
    os.remove(path)
  end)
  local function run(more)
    local options = { data = path, family = "nb_macro", column = "v", model = "gnn", threads = 1 }
    options.epochs = 30
    for key, value in pairs(more or {}) do
      options[key] = value
    end
    return ag.train(options)
  end

  it("learns, and says how well", function()
    local predictor, report = assert(run { transform = "log", sum_pooling = true })
    assert.equal("gnn", predictor.model)
    local row = report[1]
    assert.is_true(row.srcc > 0.9 and row.srcc <= 1)
    assert.is_true(row.mape < 20 and row.mae < 10)
    assert.equal(row.test, #row.predicted)
  end)

  it("with flattened sums says the same of cells of equal function", function()
    local predictor = assert(run { epochs = 2, sums = "flatten" })
    local nb201, by_class, pairs_seen = ag.family.nb201, {}, 0
    local stream = ag.random.new(8)
    for _ = 1, 1000 do
      local text = nb201:format(nb201:sample(stream)):gsub("none", "skip_connect") -- zeros are nodes
      local graph = assert(nb201.build(text)):canonical()
      local class = nb201:class(text) .. graph.params -- a convolution used twice or two alike ones
      local score = predictor:score(graph)
      if by_class[class] and by_class[class].text ~= text then
        assert.is_true(math.abs(score - by_class[class].score) < 1e-5)
        pairs_seen = pairs_seen + 1
      end
      by_class[class] = { text = text, score = score }
    end
    assert.is_true(pairs_seen > 50)
  end)

  it("goes on from a checkpoint to the same weights", function()
    local file, whole = os.tmpname(), assert(run { epochs = 12 })
    local stopped, report = assert(run {
      epochs = 12, checkpoint = file,
      progress = function(row)
        return row.epoch < 2
      end,
    })
    assert.is_true(report.interrupted)
    assert.truthy(ag.predictor(file))
    local resumed = assert(run { epochs = 12, resume = file })
    local graph = ag.family.nb_macro.build("12012012"):canonical()
    assert.equal(whole:score(graph), resumed:score(graph))
    assert.not_equal(whole:score(graph), stopped:score(graph))
    local none, why = run { epochs = 13, resume = file }
    assert.is_nil(none)
    assert.matches("a checkpoint of other samples or options", why)
    os.remove(file)
  end)

  it("trains ensembles, whose members differ and whose number is their mean", function()
    local samples = assert(labels.read(path, "nb_macro", { column = "v" }))
    local options = { model = "gnn", epochs = 2, threads = 1, tokenizer = assert(ag.tokenizer()) }
    local function fit(members, seed)
      options.seed = seed
      return assert(train.fit_ensemble(options, members, samples))
    end
    local graph = samples[1].graph
    local both, first, second = fit(2, 3), fit(1, 3), fit(1, 1003)
    assert.equal(2, both.members)
    assert.not_equal(first:score(graph), second:score(graph))
    assert.near((first:score(graph) + second:score(graph)) / 2, both:score(graph), 1e-9)
  end)

  -- A trained ensemble of n members that see additions and edges in both ways by turns, and members by
  -- themselves.
  local function both_ways(model, n)
    local samples = assert(labels.read(path, "nb_macro", { column = "v" }))
    local options = { model = model, epochs = 1, threads = 1, tokenizer = assert(ag.tokenizer()) }
    local alone = {}
    for i = 1, n do
      options.seed, options.sums = 5 + 1000 * (i - 1), i % 2 == 1 and "keep" or "flatten"
      options.messages = i > 2 and "backward" or nil
      alone[i] = assert(train.fit(options, samples))
    end
    options.seed, options.sums, options.messages = 5, "both", "both"
    return assert(train.fit_ensemble(options, n, samples)), alone
  end

  it("trains ensembles that see networks in all ways by turns, in one file", function()
    local graph = assert(ag.load "resnet18"):canonical()
    for _, model in ipairs { "gnn", "psc" } do
      local trained, alone = both_ways(model, 4)
      local file, sum = os.tmpname(), 0
      assert(trained:save(file))
      local loaded, tokenizer = assert(ag.predictor(file)), assert(ag.tokenizer())
      os.remove(file)
      assert.equal(4, loaded.members)
      for i, member in ipairs(alone) do
        local score = assert(member:score(graph, tokenizer))
        sum = sum + score
        assert.equal(score, trained:member(i):score(graph, tokenizer))
        assert.equal(score, loaded:member(i):score(graph, tokenizer))
      end
      assert.near(sum / 4, loaded:score(graph, tokenizer), 1e-9)
      for i, cut in ipairs(model == "psc" and assert(loaded:cuts(graph, tokenizer)) or {}) do
        local own = 0
        for _, member in ipairs(alone) do own = own + member:cuts(graph, tokenizer)[i] / 4 end
        assert.near(own, cut, 1e-9)
      end
      assert.equal(alone[1]:label("nb_macro", 0.3), loaded:label("nb_macro", 0.3))
      for _, entry in ipairs(assert(ag.evolve("resnet18", {
        iterations = 1, parents = 2, sources = 4, replacements = 10, finalists = 4, threads = 1,
        predictor = loaded,
      }))) do
        assert.near(loaded:score(entry.graph, tokenizer), entry.score, 1e-9)
      end
    end
  end)

  it("says what makes no ensemble, before it trains", function()
    local function why(more)
      local none, reason = run(more)
      assert.is_nil(none)
      return reason
    end
    assert.equal("sums: both ways take at least two members, and members is 1", why { sums = "both" })
    assert.equal("messages: both ways take at least two members, and members is 1", why { messages = "both" })
    assert.equal("messages: both ways take at least three members, and members is 2",
      why { messages = "both", sums = "both", members = 2 })
    assert.equal("members: an integer from 1 to 8 expected, got 9", why { members = 9 })
    assert.equal("members: an integer from 1 to 8 expected, got 0", why { members = 0 })
    assert.matches("^checkpoint and resume: only .* single predictor", why { members = 2, resume = "x" })
    local rows = {}
    assert.matches("^stopped in member 2 of 2", why { members = 2, progress = function(row)
      rows[#rows + 1] = row
      return row.member == 1
    end })
    assert.equal(31, #rows)
    assert.equal(2, rows[1].members)
  end)

  it("knows the published settings", function()
    local epochs
    assert(run {
      preset = "published", epochs = 2, patience = 1, clip = 1,
      progress = function(row)
        epochs = row.epochs
        assert.is_true(row.seconds_left >= 0)
      end,
    })
    assert.equal(2, epochs)
  end)
end)

describe("fine-tuning", function()
  it("reads networks by name or file, and refuses what is none", function()
    local function read(text)
      local path = support.temporary(text, ".csv")
      local samples, why = labels.read_networks(path, ag.load)
      os.remove(path)
      return samples, why and why:gsub(path, "FILE", 1)
    end
    local samples = assert(read('network,value\nnb_macro:12012012,3\n"hiaml:src1,src1,r30,src3",4\n'))
    assert.equal(2, #samples)
    assert.equal(4, samples[2].target)
    local function reason(text)
      return select(2, read(text))
    end
    assert.equal("FILE: a header with network and value expected", reason "a,value\nx,1\n")
    assert.matches("^FILE: line 2: .*nb_macro", reason "network,value\nnb_macro:1,1\n")
    assert.matches("^FILE: line 2: .*No such file", reason "network,value\nnowhere.onnx,1\n")
    assert.matches("^FILE: line 2: value is 'nan'", reason "network,value\nresnet50,nan\n")
    assert.equal("FILE: line 3: resnet50 is 2 here and 1 in line 2",
      reason "network,value\nresnet50,1\nresnet50,2\n")
    assert.equal("FILE: no rows", reason "network,value\n")
  end)

  it("learns from twenty networks what the weights did not know", function()
    local stream, samples, family = ag.random.new(8), {}, ag.family.nb_macro
    for i = 1, 24 do
      local config = family:sample(stream)
      local early = config[1] + config[2] + config[3]
      samples[i] = { graph = family:build(config):canonical(), target = 10 * early - config[8] }
    end
    local from, tokenizer = assert(ag.predictor()), assert(ag.tokenizer())
    local tuned, report = assert(train.fine_tune(from, samples, { tokenizer = tokenizer, threads = 1 }))
    assert.is_true(report.after > report.before)
    local raw = tuned:score(samples[1].graph, tokenizer)
    assert.is_true(math.abs(tuned:label("own", raw) - samples[1].target) < 20)
    assert.equal(from:label("nb201", 0.5), tuned:label("nb201", 0.5)) -- what it knew of others stays
    local pair = assert(core.join_predictors { from, tuned })
    local both = assert(train.fine_tune(pair, samples, { tokenizer = tokenizer, threads = 1, epochs = 5 }))
    assert.equal(2, both.members)
    assert.not_equal(both:member(1):score(samples[1].graph, tokenizer),
      both:member(2):score(samples[1].graph, tokenizer))
    raw = both:score(samples[1].graph, tokenizer)
    assert.is_true(math.abs(both:label("own", raw) - samples[1].target) < 20)
    local none, why = train.fine_tune(from, { samples[1] }, { tokenizer = tokenizer })
    assert.is_nil(none)
    assert.matches("^1 network is too few", why)
  end)
end)

describe("an ensemble", function()
  it("is mean and spread of its members, in one file or several", function()
    local path = macro_table(60)
    local files, members = {}, {}
    for seed = 1, 3 do
      files[seed] = os.tmpname()
      members[seed] = assert(ag.train { data = path, family = "nb_macro", column = "v", model = "gnn",
        epochs = 2, threads = 1, seed = seed })
      assert(members[seed]:save(files[seed]))
    end
    local graph, mean, squares = ag.family.nb_macro.build("12012012"):canonical(), 0, 0
    for _, member in ipairs(members) do
      mean = mean + member:score(graph) / 3
    end
    for _, member in ipairs(members) do
      squares = squares + (member:score(graph) - mean) ^ 2 / 3
    end
    local ensemble = assert(ag.predictor(files))
    assert.equal(3, ensemble.members)
    local m, s = ensemble:spread(graph)
    assert.is_true(math.abs(m - mean) < 1e-12 and math.abs(s - math.sqrt(squares)) < 1e-9)
    files.caution = 2
    assert.is_true(math.abs(ag.predictor(files):score(graph) - (m - 2 * s)) < 1e-9)
    assert(ensemble:save(files[1]))
    assert.equal(m, assert(ag.predictor(files[1])):score(graph))
    files[#files + 1] = "nowhere.safetensors"
    assert.matches("^nowhere", select(2, ag.predictor(files)))
    for i = 1, 3 do
      os.remove(files[i])
    end
    os.remove(path)
  end)
end)

describe("a predicted objective", function()
  it("costs children in batches what it costs them as graphs", function()
    local latency = assert(objective.load "latency:raspi4")
    assert.equal("latency_raspi4", latency.name)
    local parents = {}
    for i, code in ipairs { "12012012", "00000000", "21021021" } do
      parents[i] = assert(ag.load("nb_macro:" .. code)):canonical()
    end
    local children = assert(ag.space { threads = 2 }:mutate(parents, { sources = 4, replacements = 8 }))
    assert.is_true(#children > 30)
    local evaluator = cost.new(latency)
    local column = evaluator:column(children)
    for i = 1, #children do
      local alone = evaluator:of(assert(children:graph(i)))
      assert.is_true(math.abs(column[i] / alone - 1) < 1e-4)
      assert.is_true(alone > 0)
    end
  end)

  it("needs a device that is known and a predictor of whole graphs", function()
    local none, why = objective.load "latency:abacus"
    assert.is_nil(none)
    assert.matches("^unknown device 'abacus'; known are 1080ti_1, ", why)
    assert.has_error(function()
      objective.predicted { name = "x", predictor = assert(ag.predictor()) }
    end)
    for _, device in ipairs(objective.DEVICES) do
      assert(objective.latency(device))
    end
  end)
end)
