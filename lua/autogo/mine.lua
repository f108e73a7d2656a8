--- Mining: a tokenizer and a segment database from members of families.
--
-- The corpus is generated twice, once to learn the merges and once to cut the segments, so that it
-- never stands in memory as a whole.
-- @module autogo.mine

local core = require "autogo.core"
local corpus = require "autogo.corpus"

-- Every graph of the corpus to `add`; how many there were, or nil and a message.
local function feed(options, stage, add)
  local graphs, why = corpus.each(options.corpus, options.seed, { skip = options.skip })
  if not graphs then
    return nil, why
  end
  local count, total = 0, corpus.size(options.corpus)
  for graph in graphs do
    local good
    good, why = add(graph)
    if not good then
      return nil, why
    end
    count = count + 1
    if options.progress then
      options.progress(stage, count, total)
    end
  end
  return count
end

--- Mine.
-- @tparam table options `corpus` = list of { family, count }, `vocab` (2000), `max_length` (16),
-- `seed` (1), `skip` ("exact", see `autogo.families.nb201`), `progress` = function (stage, graphs so
-- far, of how many)
-- @treturn Tokenizer, Database and the number of graphs; or nil and a message
return function(options)
  local learned = core.corpus()
  local count, why = feed(options, "learning", function(graph)
    return learned:add(graph)
  end)
  if not count then
    return nil, why
  elseif count == 0 then
    return nil, "the corpus is empty"
  end
  local vocab, tokenizer = options.vocab or 2000
  tokenizer, why = learned:train { vocab = vocab, max_length = options.max_length }
  if not tokenizer then
    return nil, why
  elseif vocab < tokenizer.symbols then
    return nil, ("a vocabulary of %d is smaller than the alphabet of %d labels"):format(
      vocab, tokenizer.symbols)
  end
  local miner = core.miner(tokenizer)
  count, why = feed(options, "mining", function(graph)
    return miner:add(graph)
  end)
  if not count then
    return nil, why
  end
  local database
  database, why = miner:finish()
  if not database then
    return nil, why
  end
  return tokenizer, database, count
end
