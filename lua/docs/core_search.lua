--- The classes of the C core: prediction, search and prices.
--
-- Documentation only; LDoc puts it on the page of `autogo.core`.
-- @module autogo.core

--- A performance predictor, or an ensemble. Fields: `model` ("psc" or "gnn"), `members`.
-- @type Predictor

--- The raw number of one cut (PSC), or of the graph (GNN).
-- @function Predictor:predict
-- @tparam Graph graph
-- @tparam[opt] integer first
-- @tparam[opt] integer last
-- @treturn number; or nil and a message

--- The score of an architecture: the mean over the cuts of its full segmentation (PSC), or the GNN's.
-- @function Predictor:score
-- @tparam Graph graph in canonical order
-- @tparam[opt] Tokenizer tokenizer
-- @treturn number; or nil and a message

--- The value of every cut of the full segmentation.
-- @function Predictor:cuts
-- @tparam Graph graph
-- @tparam Tokenizer tokenizer
-- @treturn {number,...}; or nil and a message

--- Mean and standard deviation of the score over an ensemble's members.
-- @function Predictor:spread
-- @tparam Graph graph
-- @tparam[opt] Tokenizer tokenizer
-- @treturn number
-- @treturn number

--- From now on, numbers are mean - k * spread.
-- @function Predictor:caution
-- @tparam number k

--- A raw number in the unit of a family's labels.
-- @function Predictor:label
-- @tparam string family
-- @tparam number raw
-- @treturn number

--- A copy of one member of an ensemble; a single predictor is its own number 1.
-- @function Predictor:member
-- @tparam integer i
-- @treturn Predictor

--- What of a graph its training did not see: operations, and sizes beyond the largest.
-- @function Predictor:outside
-- @tparam Graph graph
-- @treturn {string,...} in words; or nil and a message where the weights do not say what they were
-- trained on

--- Note what it was trained on, so that its file says so.
-- @function Predictor:observe
-- @tparam {Graph,...} graphs

--- How well it ranks labelled graphs; see `autogo.predictor`.
-- @function Predictor:metrics
-- @tparam {table,...} samples
-- @treturn table {srcc, kendall, mae, ...}

--- Write the predictor; an ensemble becomes one file.
-- @function Predictor:save
-- @tparam string path
-- @treturn boolean true; or nil and a message

--- What may be put where, and which graphs have been seen. Fields: `entries`, `seen`.
-- @type Space

--- A batch of children: the C core works on all processors. `autogo.space` lists the options.
-- @function Space:mutate
-- @tparam {Graph,...} parents
-- @tparam[opt] table options
-- @treturn Batch; or nil and why nothing can be mutated

--- Children as graphs in canonical order, scored.
-- @function Space:make
-- @tparam Batch batch
-- @tparam {integer,...} rows
-- @treturn {table,...} {graph, order, score}

--- The score of a graph.
-- @function Space:score
-- @tparam Graph graph
-- @treturn number

--- Mark a graph as seen.
-- @function Space:visit
-- @tparam Graph graph
-- @treturn boolean true if it had not been seen

--- The hashes of what has been seen.
-- @function Space:visited
-- @tparam[opt] integer first
-- @treturn string 16 bytes each

--- Mark hashes of `Space:visited` as seen.
-- @function Space:restore
-- @tparam string bytes

--- Children of one mutation, as columns and as rows. Fields: `tried`, `feasible`, `scored`, and the
-- columns `predicted`, `baseline`, `gain`, `flops`, `parent`, `entry`; `#batch`. Columns that come as
-- userdata are kept in C: they go where a column of numbers is expected and are read as a sequence is,
-- `column[i]` and `#column`; `core.pick`, `core.where` and `core.floats` make sequences of them.
-- @type Batch

--- A column by name: those above, or one that Lua has set.
-- @function Batch:column
-- @tparam string name
-- @tparam[opt] {integer,...} rows the only ones; default all
-- @treturn {number,...}

--- What the children may be worth: of every child its parent's score and its gain.
-- @function Batch:expected
-- @tparam {number,...} scores one per parent
-- @treturn {number,...}

--- The children that are worth a closer look: expected to score more than `least` (`Batch:expected`), with
-- FLOPs in a band.
-- @function Batch:hopeful
-- @tparam {number,...} scores one per parent
-- @number least
-- @number flops_min
-- @number flops_max
-- @treturn userdata column of their rows, and another one, what each is expected to score

--- A column of the batch's own as floats.
-- @function Batch:floats
-- @tparam string name
-- @tparam[opt] {integer,...} rows the only ones; default all
-- @treturn userdata column of numbers

--- All about one child: parent, first, last, entry, variant, hash, flops, predicted, removed, added, ...
-- @function Batch:child
-- @tparam integer i
-- @treturn table

--- One child as a graph.
-- @function Batch:graph
-- @tparam integer i
-- @treturn Graph

--- What a predictor of whole graphs says of every child.
-- @function Batch:estimate
-- @tparam Predictor predictor
-- @tparam string family whose labels give the unit
-- @tparam[opt] {integer,...} rows the only ones; default all
-- @treturn {number,...}; or nil and a message

--- A model of an accelerator: autogo/hardware.h says what it counts. Fields: `name`.
-- @type Device

--- Everything about a graph on the device: totals, and `nodes`, a row per node.
-- @function Device:cost
-- @tparam Graph graph
-- @treturn table; or nil and a message where an operation does not fit

--- One figure of a graph.
-- @function Device:of
-- @tparam Graph graph
-- @tparam string measure "latency" (ms), "energy" (mJ) or "power" (mW)
-- @tparam[opt] number fps power at so many inferences per second, instead of back to back
-- @treturn number; or nil and a message

--- One figure of each child; NaN where one does not fit.
-- @function Device:column
-- @tparam Batch batch
-- @tparam string measure
-- @tparam[opt] number fps
-- @tparam[opt] {integer,...} rows the only ones; default all
-- @treturn {number,...}

--- Prices of node signatures.
-- @type Prices

--- Ask for the price of every signature of a graph that has none.
-- @function Prices:learn
-- @tparam Graph graph
-- @tparam function eval node -> number or nil
-- @treturn integer how many there were

--- Cost of a graph.
-- @function Prices:cost
-- @tparam Graph graph
-- @treturn number; or nil if it cannot be measured

--- Cost of each child; NaN where it cannot be measured.
-- @function Prices:column
-- @tparam Batch batch
-- @tparam function eval node -> number or nil; asked for every signature that has no price
-- @tparam[opt] {integer,...} rows the only ones; default all
-- @treturn {number,...}
