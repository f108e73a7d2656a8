--- `autogo mine`: a tokenizer and a segment database from the families.
-- @module autogo.cli.mine

local core = require "autogo.core"
local mine = require "autogo.mine"
local model = require "autogo.cli.model"

-- The published corpus: families.md, algorithm.md table 7.
local FAMILIES = { "nb101", "nb201", "hiaml", "inception", "two_path" }
local SAMPLES = { 5000, 4096, 4600, 580, 6900 }

local function wanted(values)
  local families, samples = values.families or FAMILIES, values.samples
  if not samples and not values.families then
    samples = SAMPLES
  end
  if not samples or #samples ~= #families then
    return nil, ("--samples: one count per family expected, %d, got %d"):format(
      #families, samples and #samples or 0)
  end
  local list = {}
  for i, name in ipairs(families) do
    list[i] = { family = name, count = samples[i] }
  end
  return list
end

-- One line that rewrites itself, and goes away at the end.
local function progress(stage, count, total)
  if count == total then
    io.stderr:write "\r\27[K"
  elseif count % 100 == 0 then
    io.stderr:write(("\r\27[K%s: %d of %d graphs"):format(stage, count, total))
  end
end

local function save(tokenizer, database, folder)
  local good, why = tokenizer:save(folder .. "/tokenizer.txt")
  if good then
    good, why = database:save(folder .. "/segments.agdb")
  end
  return good, why
end

return {
  name = "mine",
  about = "Learn a tokenizer and mine a segment database from the architecture families",
  usage = "--out DIR [options]",
  arguments = {},
  options = {
    { name = "out", type = "string", value = "DIR", default = "mined", help = "where the two files go" },
    { name = "families", type = "list", help = "which [" .. table.concat(FAMILIES, ",") .. "]" },
    {
      name = "samples",
      type = "integers",
      min = 0,
      help = "graphs of each, in that order [" .. table.concat(SAMPLES, ",") .. "]",
    },
    { name = "vocab", type = "integer", min = 1, max = 131072, default = 2000, help = "tokens at most" },
    { name = "max-length", type = "integer", min = 1, max = 64, default = 16, help = "nodes in a segment" },
    { name = "seed", type = "integer", min = 0, default = 1, help = "of the sampling" },
    model.SKIP,
    { name = "quiet", type = "flag", help = "print no progress" },
  },
  check = function(values)
    local _, why = wanted(values)
    return why
  end,
  run = function(values)
    local existed = core.exists(values.out)
    local made, why = core.mkdir(values.out) -- before the work, in case it cannot be
    if not made then
      return nil, why
    end
    local start = core.clock()
    local tokenizer, database, count = mine {
      corpus = wanted(values),
      vocab = values.vocab,
      max_length = values.max_length,
      seed = values.seed,
      skip = values.skip,
      progress = not values.quiet and core.isatty(2) and progress or nil,
    }
    if not tokenizer then
      if not existed then os.remove(values.out) end
      return nil, database
    end
    local good
    good, why = save(tokenizer, database, values.out)
    if not good then
      return nil, why
    end
    if not values.quiet then
      io.stdout:write(("%d graphs, %d labels, %d tokens, %d segments in %.1f s\n"):format(
        count, tokenizer.symbols, tokenizer.tokens, #database, core.clock() - start))
    end
  end,
}
