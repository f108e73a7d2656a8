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

--- Whether `write_file` could write there now: to be asked before long work. Nothing is changed.
-- @function can_write
-- @tparam string path
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

--- An ensemble of copies of up to 8 predictors of one model (psc or gnn), which may differ in all else.
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

--- Whether every value compares so with a bound; NaN never does.
-- @function holds
-- @tparam {number,...} column
-- @tparam string sign "<", "<=", ">" or ">="
-- @tparam number bound
-- @treturn boolean

--- The same numbers as floats.
-- @function floats
-- @tparam {number,...} column
-- @treturn {number,...}

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
-- @tparam {integer,...}|string order of the child's nodes, as `Graph:canonical` gives it, or as bytes:
-- `string.pack "i4"` of each
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
