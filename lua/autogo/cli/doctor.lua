--- `autogo doctor`: is everything here, and does it work?
-- @module autogo.cli.doctor

local core = require "autogo.core"
local ag = require "autogo"

local verb = {
  name = "doctor",
  about = "Check the installation: files, a small search, and the programs that some verbs use",
  usage = "",
  arguments = {},
  required = 0,
  options = {},
}

-- Each returns a text of what was found; or nil and what to do.
local CHECKS = {
  { "Lua", function()
    return _VERSION == "Lua 5.4" and _VERSION or nil, _VERSION .. " runs this; AutoGO needs Lua 5.4"
  end },
  { "segment database", function()
    local database, why = ag.database()
    return database and ("%d segments"):format(#database), why
  end },
  { "tokenizer", function()
    local tokenizer, why = ag.tokenizer()
    return tokenizer and ("%d tokens"):format(tokenizer.tokens), why
  end },
  { "predictor", function()
    local predictor, why = ag.predictor()
    return predictor and predictor.model:upper(), why
  end },
  { "latency predictors", function()
    for _, device in ipairs(ag.objective.DEVICES) do
      local made, why = ag.objective.load("latency:" .. device)
      if not made then return nil, why end
    end
    return ("%d devices"):format(#ag.objective.DEVICES)
  end },
  { "a small search", function()
    local fronts = {}
    for threads = 1, 2 do
      local front, why = ag.evolve("resnet18", { iterations = 1, seed = 1, threads = threads,
        children = 200 })
      if not front then return nil, why end
      fronts[threads] = front[1].graph:hash()
    end
    if fronts[1] ~= fronts[2] then
      return nil, "1 and 2 threads found different networks: please report this, with your processor"
    end
    return "1 and 2 threads find the same network"
  end },
  { "writing here", function()
    local name = os.tmpname()
    local written, why = core.write_file(name, "autogo")
    os.remove(name)
    return written and "temporary files work", why
  end },
}

-- Programs that are not needed, but that something uses where they are.
local PROGRAMS = {
  { "node", "measured latency through ONNX Runtime", "nodejs" },
  { "dot", "drawing .dot files", "graphviz" },
  { "python3", "running exported PyTorch modules", "python3-torch" },
}

local function on_path(name)
  for folder in (os.getenv "PATH" or ""):gmatch "[^:]+" do
    if core.exists(folder .. "/" .. name) == "file" then return folder .. "/" .. name end
  end
end

local function line(mark, name, text)
  print(("%-7s %-20s %s"):format(mark, name, text))
end

local function run_checks()
  local failed = 0
  for _, check in ipairs(CHECKS) do
    local good, found, why = pcall(check[2])
    if good and found then
      line("ok", check[1], found)
    else
      failed = failed + 1
      line("FAILED", check[1], tostring(good and why or found))
    end
  end
  return failed
end

function verb.run()
  line("ok", "autogo", ("%s, %d processors"):format(core.version, core.processors()))
  local failed = run_checks()
  for _, program in ipairs(PROGRAMS) do
    local path = on_path(program[1])
    line(path and "ok" or "absent", program[1], path and ("%s, for %s"):format(path, program[2]) or
      ("only needed for %s (Debian: apt-get install %s)"):format(program[2], program[3]))
  end
  if failed > 0 then
    return 1, ("doctor: %d of %d checks failed; reinstall with 'make install', or report it"):format(failed,
      #CHECKS)
  end
  return 0
end

return verb
