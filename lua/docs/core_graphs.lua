--- The classes of the C core: graphs and what they are made of and cut into.
--
-- Documentation only; LDoc puts it on the page of `autogo.core`.
-- @module autogo.core

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

--- Which node of this graph each node of another is, where nobody kept account of what was changed: see
-- `autogo.match`.
-- @function Graph:match
-- @tparam Graph other
-- @treturn {integer,...} for each node of the other its position in this graph; -1 for new ones
-- @treturn integer how many of those that are not new have another shape

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
