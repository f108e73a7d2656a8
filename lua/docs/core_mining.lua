--- The classes of the C core: mining.
--
-- Documentation only; LDoc puts it on the page of `autogo.core`.
-- @module autogo.core

--- A byte-pair encoding of graphs. Fields: `symbols`, `tokens`.
-- @type Tokenizer

--- Segment a graph.
-- @function Tokenizer:encode
-- @tparam Graph graph in canonical order
-- @tparam[opt] table options keep (share of merges), seed
-- @treturn {integer,...} bounds 0, ..., size
-- @treturn {integer,...} tokens, -1 for a label that is not known

--- The labels a token stands for.
-- @function Tokenizer:spelling
-- @tparam integer token
-- @treturn {string,...}

--- Write the tokenizer.
-- @function Tokenizer:save
-- @tparam string path
-- @treturn boolean true; or nil and a message

--- Graphs to learn a tokenizer from.
-- @type Corpus

--- Take one more graph.
-- @function Corpus:add
-- @tparam Graph graph

--- Learn; see `train_tokenizer`.
-- @function Corpus:train
-- @tparam[opt] table options
-- @treturn Tokenizer; or nil and a message

--- Takes graphs and makes a database of their segments.
-- @type Miner

--- Take one more graph.
-- @function Miner:add
-- @tparam Graph graph
-- @treturn boolean true; or nil and a message

--- The database; the miner is closed.
-- @function Miner:finish
-- @treturn Database; or nil and a message

--- Segments, each with the shapes it was seen with. Fields: `size`, `families`; `#database`.
-- @type Database

--- What is known of an entry: size, edges, inputs, outputs, count, variants, families, ops, hash.
-- @function Database:entry
-- @tparam integer i from 1
-- @treturn table

--- The segment of an entry.
-- @function Database:segment
-- @tparam integer i
-- @tparam[opt] integer variant
-- @treturn Segment
-- @treturn integer how often it was seen with these shapes

--- The entries that pass a filter.
-- @function Database:select
-- @tparam table filter ops, families, min_size, max_size, min_count, max_variants
-- @treturn Database

--- The union with another database.
-- @function Database:merge
-- @tparam Database other
-- @treturn Database; or nil and a message

--- Write the database.
-- @function Database:save
-- @tparam string path
-- @treturn boolean true; or nil and a message

--- Counts of rooted subgraphs. Fields: `size`, `graphs`, `bytes`.
-- @type WeisfeilerLeman

--- Take one more graph.
-- @function WeisfeilerLeman:add
-- @tparam Graph graph
-- @tparam[opt] boolean list
-- @return true, or with `list` for each node the numbers of its subgraphs; or nil and a message

--- How many subgraphs there are at a depth.
-- @function WeisfeilerLeman:level
-- @tparam integer depth
-- @treturn table {subgraphs, occurrences, nodes}

--- One subgraph.
-- @function WeisfeilerLeman:get
-- @tparam integer number
-- @treturn table {op, kernel, depth, count, nodes, operands}
