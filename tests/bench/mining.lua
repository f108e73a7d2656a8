-- The corpus of the five families as text for SentencePiece, and our training on the same symbols.
--
--    mining.lua FOLDER PART     one PART-th of the published counts; leaves text and merges, prints its time
--
-- Each symbol is written as the character U+4E00 + its number, each graph as a line.
local core = require "autogo.core"
local corpus = require "autogo.corpus"

local folder, part = arg[1], tonumber(arg[2])
local COUNTS = { nb101 = 5000, nb201 = 4096, hiaml = 4600, inception = 580, two_path = 6900 }
local VOCABULARY = 2000

local wanted = {}
for family, count in pairs(COUNTS) do
  wanted[#wanted + 1] = { family = family, count = count // part }
end

local learned, seconds, graphs, nodes = core.corpus(), 0, 0, 0
for graph in assert(corpus.each(wanted)) do
  local start = os.clock()
  learned:add(graph)
  seconds = seconds + os.clock() - start
  graphs, nodes = graphs + 1, nodes + #graph
end
local start = os.clock()
local tokenizer = assert(learned:train { vocab = VOCABULARY })
seconds = seconds + os.clock() - start

local character = {}
for symbol = 0, tokenizer.symbols - 1 do
  character[tokenizer:spelling(symbol)[1]] = utf8.char(0x4E00 + symbol)
end

local function write(name, lines)
  local file <close> = assert(io.open(folder .. "/" .. name, "w"))
  for line in lines do
    file:write(line, "\n")
  end
end

local function spell(labels)
  for i, label in ipairs(labels) do
    labels[i] = character[label]
  end
  return table.concat(labels)
end

write("text", coroutine.wrap(function()
  for graph in corpus.each(wanted) do
    local labels = {}
    for node = 0, #graph - 1 do
      labels[node + 1] = graph:token_label(node)
    end
    coroutine.yield(spell(labels))
  end
end))
write("merges", coroutine.wrap(function()
  for token = tokenizer.symbols, tokenizer.tokens - 1 do
    coroutine.yield(spell(tokenizer:spelling(token)))
  end
end))
print(("%d %d %d %.3f"):format(graphs, nodes, tokenizer.symbols, seconds))
