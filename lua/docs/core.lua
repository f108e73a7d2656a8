--- The classes and functions of the C core, as Lua sees them.
--
-- `require "autogo"` gives all of them, beside what is written in Lua. Wrong arguments raise an error
-- that names the argument; what the environment does to a program (a file that cannot be read, a
-- problem without solution) returns nil and a message. Objects are read-only but for their methods,
-- and are released by the garbage collector; `local g <close> = ...` releases one early. Positions of
-- nodes count from 0, as files do; sequences count from 1. Shapes are {H, W, C}.
--
-- This page is documentation only: the code is engine/bind.
-- @module autogo.core

--- Files and system
-- @section system

--- The contents of a file.
-- @function read_file
-- @tparam string path
-- @tparam[opt] integer most only the first so many bytes
-- @treturn string bytes; or nil and a message

--- Write a file so that readers see the old one or the new one, never a part.
-- @function write_file
-- @tparam string path
-- @tparam string bytes
-- @treturn boolean true; or nil and a message

--- Append to a file that is `size` bytes long, and wait until the disk has it.
-- @function append_file
-- @tparam string path
-- @tparam integer size what is beyond it, of an append that was interrupted, is cut off
-- @tparam string bytes
-- @treturn boolean true; or nil and a message

--- Hash of a string.
-- @function hash
-- @tparam string bytes
-- @treturn string 32 hexadecimal digits, the same on every machine

--- Make a directory, with the parents that are missing.
-- @function mkdir
-- @tparam string path
-- @treturn boolean true; or nil and a message

--- What a path is.
-- @function exists
-- @tparam string path
-- @treturn string "file", "directory" or "other"; or false

--- Lock a directory against other processes, until the lock is collected or the process ends.
-- @function lock
-- @tparam string directory
-- @treturn userdata lock; or nil and a message where it is taken

--- Whether a standard stream is a terminal.
-- @function isatty
-- @tparam file stream io.stdout, io.stderr or io.stdin
-- @treturn boolean

--- Seconds of a clock that never goes back.
-- @function clock
-- @treturn number

--- Format and parse numbers as in the C locale until the result is closed, whatever locale the host has
-- set: `local _ <close> = core.plain_numbers()`. Of the calling thread.
-- @function plain_numbers
-- @treturn userdata to be closed

--- Number of threads worth starting here.
-- @function processors
-- @treturn integer

--- Whether the user has asked the program to end (Ctrl-C).
-- @function interrupted
-- @treturn boolean

--- A Lua value from JSON. Objects and arrays become tables, null becomes `core.null`.
-- @function json_decode
-- @tparam string text
-- @return the value; or nil and a message with the place of the error

--- JSON of a Lua value: keys in order, numbers with all their digits. Raises on what JSON cannot say.
-- @function json_encode
-- @param value sequences become arrays, other tables objects; see `core.array`
-- @tparam[opt] boolean indented
-- @treturn string

--- Mark a table as a JSON array, which an empty table could not tell.
-- @function array
-- @tparam table t
-- @treturn table t

--- JSON's null.
-- @field null

--- Version of the core, as text.
-- @field version

--- The names of all operations, as a set.
-- @field ops

--- The classes by name: tables of methods, to which Lua may add.
-- @field classes

--- Graphs
-- @section graphs

--- A builder of graphs.
-- @function builder
-- @tparam string name
-- @tparam[opt] string family
-- @treturn Builder

--- Read a graph from a CG JSON file.
-- @function load_graph
-- @tparam string path
-- @treturn Graph; or nil and a message

--- Read a graph from CG JSON text.
-- @function parse_graph
-- @tparam string text
-- @treturn Graph; or nil and a message

--- Read an ONNX model.
-- @function load_onnx
-- @tparam string path
-- @tparam[opt] table input {H, W, C}, which binds what the file leaves open
-- @treturn[1] Graph
-- @treturn[1] table report {kept, merged, folded, opaque}: a number and three lists of lines
-- @treturn[2] nil and a message

--- Read a frozen TensorFlow GraphDef.
-- @function load_tensorflow
-- @tparam string path
-- @tparam[opt] table options `input` = {H, W, C}, which binds what the file leaves open; `start`, `stop` =
-- names of the nodes whose results are the input and the output
-- @treturn[1] Graph
-- @treturn[1] table report as of `load_onnx`
-- @treturn[2] nil and a message

--- Read a Keras model as JSON (Keras 1, 2 or 3, or TF.js layers); such files hold no weights.
-- @function load_keras
-- @tparam string path
-- @tparam[opt] table options `input` = {H, W, C}, which binds what the file leaves open
-- @treturn[1] Graph
-- @treturn[1] table report as of `load_onnx`
-- @treturn[2] nil and a message

--- What a JSON text holds.
-- @function json_kind
-- @tparam string text
-- @treturn[1] string "graph", "keras" or "tensorflow" (a TF.js graph model)
-- @treturn[2] nil and a message where it is no JSON

--- Cut a segment out of a graph.
-- @function cut
-- @tparam Graph graph
-- @tparam integer first
-- @tparam integer last the range of nodes is [first, last)
-- @treturn Segment

--- Mining
-- @section mining

--- Learn a tokenizer by byte-pair encoding.
-- @function train_tokenizer
-- @tparam {Graph,...} graphs in canonical order
-- @tparam[opt] table options vocab, max_length
-- @treturn Tokenizer; or nil and a message

--- Read a tokenizer.
-- @function load_tokenizer
-- @tparam string path
-- @treturn Tokenizer; or nil and a message

--- A corpus, for tokenizers of more graphs than memory holds.
-- @function corpus
-- @treturn Corpus

--- Mine the segments of graphs into a database.
-- @function mine
-- @tparam {Graph,...} graphs
-- @tparam Tokenizer tokenizer
-- @treturn Database; or nil and a message

--- A miner, which takes one graph after another.
-- @function miner
-- @tparam Tokenizer tokenizer
-- @treturn Miner

--- Read a segment database.
-- @function load_database
-- @tparam string path
-- @treturn Database; or nil and a message

--- The Weisfeiler-Leman baseline: counts of rooted subgraphs.
-- @function weisfeiler_leman
-- @tparam table options depth (5), budget (bytes, 2^30)
-- @treturn WeisfeilerLeman

--- Resolution
-- @section resolution

--- Solve the shapes of a segment between fixed inputs and outputs.
--
-- `resolve(segment, options)` or `resolve(graph, first, last, options)`.
-- @function resolve
-- @tparam Segment segment
-- @tparam[opt] table options from, to: lists of shapes at the ports (default: as they are); solver:
-- "exact", "milp" or "exhaustive"; formulation: "ours" or "published" (which gives no segment)
-- @treturn[1] table the shape of each node
-- @treturn[1] number objective
-- @treturn[1] Segment with its new shapes and strides
-- @treturn[2] nil and why there is none

--- Solve the problems of a file.
-- @function resolve_file
-- @tparam string path autogo/resolve.h says what it looks like
-- @tparam[opt] table options solver, formulation
-- @treturn table an answer per problem, {feasible, objective, in, out} or {feasible, reason}; or nil
-- and a message

--- Solve the problems of a JSON text; see `resolve_file`.
-- @function resolve_text
-- @tparam string json
-- @tparam[opt] table options
-- @treturn table answers; or nil and a message

--- Prediction
-- @section prediction

--- Read a predictor from a safetensors file.
-- @function load_predictor
-- @tparam string path
-- @treturn Predictor; or nil and a message

--- An ensemble of copies of up to 8 predictors of one kind.
-- @function join_predictors
-- @tparam {Predictor,...} members
-- @treturn Predictor; or nil and a message

--- Train a predictor; `autogo.train` is the friendlier way.
-- @function train
-- @tparam table options samples = {{graph, target, family}, ...}, valid, tokenizer, model, preset, ...
-- @treturn Predictor; or nil and a message

--- Spearman's rank correlation, ties averaged.
-- @function srcc
-- @tparam {number,...} a
-- @tparam {number,...} b
-- @treturn number

--- Kendall's tau-b.
-- @function kendall
-- @tparam {number,...} a
-- @tparam {number,...} b
-- @treturn number

--- Mean absolute difference.
-- @function mae
-- @tparam {number,...} a
-- @tparam {number,...} b
-- @treturn number

--- Search
-- @section search

--- A search space; `autogo.space` is the friendlier way.
-- @function space
-- @tparam table options database, tokenizer, predictor, ops, solver, threads, seed
-- @treturn Space

--- Prices of nodes by signature, for objectives per node.
-- @function prices
-- @treturn Prices

--- The rows that no other row dominates.
-- @function pareto_front
-- @tparam {{number,...},...} columns
-- @tparam {string,...} senses "min" or "max" for each column
-- @tparam[opt] {number,...} violations only the rows of the least one compete
-- @treturn {integer,...} row numbers, ascending

--- The rows of the front, and if those are fewer than `count`, after them others: by least violation,
-- least sum of ranks, number.
-- @function pareto_best
-- @tparam {{number,...},...} columns
-- @tparam {string,...} senses
-- @tparam ?{number,...} violations
-- @tparam integer count
-- @treturn {integer,...} row numbers

--- The volume that rows dominate, up to a reference point; exact.
-- @function hypervolume
-- @tparam {{number,...},...} columns
-- @tparam {string,...} senses
-- @tparam {number,...} reference
-- @treturn number

--- For each row the sum of its ranks over the columns.
-- @function rank_sums
-- @tparam {{number,...},...} columns
-- @tparam {string,...} senses
-- @treturn {number,...}

--- The rows whose value compares so with a bound; NaN never does.
-- @function where
-- @tparam {number,...} column
-- @tparam string sign "<", "<=", ">" or ">="
-- @tparam number bound
-- @tparam[opt] {integer,...} rows only of these, in their order
-- @treturn {integer,...} row numbers

--- The values of rows.
-- @function pick
-- @tparam table column
-- @tparam {integer,...} rows
-- @treturn table

--- The rows in ascending order: of equal ones by the next column, at last by number. NaN comes last.
-- @function order
-- @tparam {{number,...},...} columns
-- @tparam[opt] integer count only the first so many
-- @treturn {integer,...} row numbers

--- Where the nodes of a child stood in an ancestor, from where those of its parent stood.
-- @function follow
-- @tparam {integer|nil,...} origin of the parent's nodes
-- @tparam integer first position of the first node that was replaced
-- @tparam integer last and the one after the last
-- @tparam integer added how many came in their place
-- @tparam {integer,...} order of the child's nodes, as `Graph:canonical` gives it
-- @treturn {integer|nil,...} of the child's nodes; nil for those that came

--- Hardware
-- @section hardware

--- Read a device file; `ag.device` also takes the names of the bundled ones.
-- @function load_device
-- @tparam string path
-- @treturn Device; or nil and a message that names file, field and value

--- A device from JSON text.
-- @function parse_device
-- @tparam string json
-- @treturn Device; or nil and a message

--- A computation graph: immutable, nodes in topological order. `#graph` is the number of nodes,
-- `a == b` says whether the node lists are equal. Fields: `size`, `edges`, `name`, `family`, `flops`,
-- `params`, `peak_memory` (bytes of the activations alive at once), `dynamic_batch`, `normalisers`.
-- @type Graph

--- One node as a table: op, kernel, stride, dilation, groups, bias, padding, the shapes, macs, flops,
-- params, bytes, operands, users, position, name.
-- @function Graph:node
-- @tparam integer position from 0
-- @treturn table

--- `for position, node in graph:nodes() do`.
-- @function Graph:nodes

--- How many nodes there are of each operation.
-- @function Graph:ops
-- @treturn table operation -> count

--- Multiply-accumulates by kind.
-- @function Graph:macs
-- @treturn table {conv, depthwise, matmul}

--- Shape of the input.
-- @function Graph:input
-- @treturn table {H, W, C}

--- Shape of the output.
-- @function Graph:output
-- @treturn table {H, W, C}

--- Validate every rule of a graph anew.
-- @function Graph:check
-- @treturn boolean true; or nil and what is wrong

--- Hash of structure and attributes, 32 hexadecimal digits; the same on every machine.
-- @function Graph:hash
-- @treturn string

--- The same graph in canonical order.
-- @function Graph:canonical
-- @treturn Graph
-- @treturn table for each of its nodes the position it had

--- Whether another graph is the same up to the order of its nodes.
-- @function Graph:isomorphic
-- @tparam Graph other
-- @treturn boolean

--- The graph as CG JSON.
-- @function Graph:json
-- @treturn string

--- Write CG JSON.
-- @function Graph:save_json
-- @tparam string path
-- @treturn boolean true; or nil and a message

--- Write ONNX.
-- @function Graph:save_onnx
-- @tparam string path
-- @tparam[opt] table options seed (of new weights), weights = false for none, opset (7 to 22)
-- @treturn boolean true; or nil and a message

--- How many parameters have values in the graph.
-- @function Graph:kept
-- @treturn integer parameters with values
-- @treturn integer parameters that a file of the graph would hold new

--- Write weights as a safetensors file: NAME.weight, NAME.bias, NAME.running_mean and NAME.running_var
-- of each named node, laid out as PyTorch does.
-- @function Graph:save_weights
-- @tparam string path
-- @tparam table names module by position; others are left out
-- @tparam table constants of opaque nodes, too: list of { node, index, name }
-- @tparam integer seed of new weights
-- @treturn boolean true; or nil and a message

--- What the ONNX file said of an input, an output or an opaque node.
-- @function Graph:source
-- @tparam integer position
-- @treturn table shape, dtype, opset; of opaque nodes also type, domain, attributes, inputs, constants,
-- operand_shapes and output; or nil

--- Put a segment in the place of a range of nodes.
-- @function Graph:splice
-- @tparam integer first
-- @tparam integer last
-- @tparam Segment segment
-- @tparam[opt] {integer,...} inputs which input port of the cut feeds each port of the segment
-- @tparam[opt] {integer,...} outputs which output port of the segment stands for each of the cut
-- @treturn Graph; or nil and a message

--- `for segment in graph:segments(tokenizer, options) do`: a segmentation into tokens.
-- @function Graph:segments
-- @tparam Tokenizer tokenizer
-- @tparam[opt] table options keep, seed

--- Label of a node in the tokenizers' alphabet.
-- @function Graph:token_label
-- @tparam integer position
-- @treturn string

--- Write the graph in the format that the path's extension names; see `autogo.formats`.
-- @function Graph:save
-- @tparam string path
-- @tparam[opt] table options
-- @treturn boolean true; or nil and a message

--- Builds one graph, node by node; ids count from 0.
--
--    local b = ag.builder "small"
--    local x = b:input { 32, 32, 3 }
--    x = b:conv(x, { kernel = 3, channels = 16 })
--    local g = b:relu(x) and b:build()
-- @type Builder

--- Add a node; there is also a method per operation: `b:conv(x, options)`, `b:add(x, y)`, ...
-- @function Builder:node
-- @tparam string op
-- @tparam {integer,...} operands ids
-- @tparam[opt] table options kernel, stride, channels, groups, bias, padding, dilation, name, ...
-- @treturn integer id

--- Add an input.
-- @function Builder:input
-- @tparam table shape {H, W, C}
-- @treturn integer id

--- Shape of a node.
-- @function Builder:shape
-- @tparam integer id
-- @treturn table {H, W, C}

--- The maxima that predictors divide sizes by.
-- @function Builder:normalisers
-- @tparam table shape {H, W, C}

--- Leave the batch size open when the graph is written.
-- @function Builder:dynamic_batch

--- Finish; the builder is closed, whatever comes of it.
-- @function Builder:build
-- @treturn Graph

--- A contiguous range of nodes with ports. Fields: `size`, `first`, `last`, `inputs`, `outputs`, `flops`.
-- @type Segment

--- One node, as `Graph:node`; operands below 0 are input ports.
-- @function Segment:node
-- @tparam integer position
-- @treturn table

--- In words: "conv 3x3 /2, batchnorm, relu".
-- @function Segment:label
-- @treturn string

--- Shapes at the ports.
-- @function Segment:shapes
-- @treturn table of the inputs
-- @treturn table of the outputs

--- Canonical hash: equal for segments that are the same up to order.
-- @function Segment:hash
-- @treturn string

--- Whether a label- and port-preserving isomorphism exists.
-- @function Segment:isomorphic
-- @tparam Segment other
-- @treturn boolean

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
-- columns `predicted`, `baseline`, `gain`, `flops`, `parent`, `entry`; `#batch`.
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
-- @treturn {integer,...} rows, and {number,...}, what each is expected to score

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
