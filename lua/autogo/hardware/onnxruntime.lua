--- Timing networks in ONNX Runtime, on this machine's CPU.
--
-- Node.js runs measure.js with the npm package onnxruntime-node: batch 1, inputs made once, threads fixed
-- and pinned to as many cores, no spinning. A model is warmed up until two windows of 5 runs differ by
-- less than 3 % (at least 10 runs), then timed until both 50 runs and 1 s are full, or for 10 s; several
-- models take turns. A job that is not done in time is killed.
-- Source: hardware.md section 6.
-- @module autogo.hardware.onnxruntime

local core = require "autogo.core"

local _, here = ...
local SCRIPT = (here or "lua/autogo/hardware/onnxruntime.lua"):gsub("onnxruntime%.lua$", "") .. "measure.js"

local onnxruntime = {}

--- Settings of a measurement. `limit` is in seconds, for a whole job; by default what its models may
-- need and a minute.
onnxruntime.defaults = {
  threads = 1, warmup = 10, window = 5, steady = 0.03, runs = 50, seconds = 1, most = 10, group = 4,
}

local PACKAGE = "onnxruntime-node@1.30.0"
local INSTALL = "npm install " .. PACKAGE .. " in this folder, or name a folder that has it in NODE_PATH"

-- Seconds of one model beyond those it is timed: loading, and warming up for as long again.
local LOADING = 20

local function quoted(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

local function has(program)
  return (os.execute("command -v " .. program .. " >/dev/null 2>&1"))
end

local function command(settings, job, errors, models)
  local limit = settings.limit or 60 + models * (2 * settings.most + LOADING)
  local parts = {
    ('NODE_PATH="${NODE_PATH:+$NODE_PATH:}$PWD/node_modules:$PWD/build/node/node_modules"'),
    has "timeout" and ("timeout --foreground -s KILL %d"):format(math.max(1, math.ceil(limit))) or "",
    has "taskset" and ("taskset -c 0-%d"):format(math.min(settings.threads, core.processors()) - 1) or "",
    "node", quoted(SCRIPT), quoted(job), "2>" .. quoted(errors),
  }
  return table.concat(parts, " "), limit
end

-- The first line of a file, for a message.
local function first_line(path)
  local text = core.read_file(path) or ""
  return text:match "[^\r\n]+" or "it said nothing"
end

local function read_answers(pipe)
  local answers = {}
  for line in pipe:lines() do
    local answer = core.json_decode(line)
    if type(answer) ~= "table" then break end
    answers[#answers + 1] = answer
  end
  return answers
end

local function run_job(settings, job, paths, folder)
  if not has "node" then
    return nil, "measuring needs Node.js (node is not in PATH); install nodejs and npm, then " .. INSTALL
  end
  local file, errors = folder .. "/job.json", folder .. "/errors"
  assert(core.write_file(file, core.json_encode(job)))
  local line, limit = command(settings, file, errors, #paths)
  local pipe = assert(io.popen(line, "r"))
  local answers = read_answers(pipe)
  local _, how, code = pipe:close()
  local last = answers[#answers] or {}
  if core.interrupted() then error("interrupted", 0) end
  if last.missing then
    return nil, ("ONNX Runtime is missing (%s); %s"):format(last.error, INSTALL)
  elseif how == "exit" and code == 137 or how == "signal" and code == 9 then
    return nil, ("measuring took longer than its limit of %g s and was ended"):format(limit)
  elseif last.error and not last.model or code ~= 0 then
    return nil, "measuring failed: " .. (last.error or first_line(errors))
  end
  return answers
end

-- f(folder) with a folder of its own that is gone afterwards.
local function in_folder(f)
  local folder = os.tmpname()
  os.remove(folder)
  assert(core.mkdir(folder))
  local results = table.pack(pcall(f, folder))
  for name in (core.read_file(folder .. "/names") or ""):gmatch "[^\n]+" do os.remove(name) end
  for _, name in ipairs { "job.json", "errors", "names" } do os.remove(folder .. "/" .. name) end
  os.remove(folder)
  if not results[1] then error(results[2], 0) end
  return table.unpack(results, 2, results.n)
end

local function save_all(graphs, folder)
  local paths, names = {}, {}
  for i = 1, #graphs do
    paths[i] = ("%s/%d.onnx"):format(folder, i)
    names[i] = paths[i]
  end
  names[#names + 1] = folder .. "/reference.onnx"
  assert(core.write_file(folder .. "/names", table.concat(names, "\n")))
  for i, graph in ipairs(graphs) do
    local saved, why = graph:save_onnx(paths[i], { seed = 1 })
    if not saved then return nil, why end
  end
  return paths
end

--- The settings of a measurement, defaults filled in.
function onnxruntime.settings(options)
  local settings = {}
  for key, value in pairs(onnxruntime.defaults) do settings[key] = value end
  for key, value in pairs(options or {}) do settings[key] = value end
  return settings
end

--- Time graphs. Weights are random: they do not matter.
-- @tparam {Graph,...} graphs
-- @tparam[opt] table options of `onnxruntime.defaults`, `limit`, and `reference`, a graph timed before
-- and after the others
-- @treturn[1] table results, one per graph: { median, p10, p90, mad, n } in milliseconds, or { error }
-- @treturn[1] table runtime (version), drift = { before, after } in milliseconds with a reference
-- @treturn[2] nil
-- @treturn[2] string why nothing could be measured
function onnxruntime.time(graphs, options)
  local settings = onnxruntime.settings(options)
  return in_folder(function(folder)
    local paths, why = save_all(graphs, folder)
    if not paths then return nil, why end
    local job = { models = setmetatable(paths, core.array) }
    for key in pairs(onnxruntime.defaults) do job[key] = settings[key] end
    if settings.reference then
      job.reference = folder .. "/reference.onnx"
      assert(settings.reference:save_onnx(job.reference, { seed = 1 }))
    end
    local answers
    answers, why = run_job(settings, job, paths, folder)
    if not answers then return nil, why end
    local results = table.move(answers, 2, #answers - 1, 1, {})
    if #results ~= #graphs then return nil, "measuring failed: it ended early" end
    local drift = answers[#answers].drift
    return results, { runtime = answers[1].runtime, drift = type(drift) == "table" and drift or nil }
  end)
end

return onnxruntime
