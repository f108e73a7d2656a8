/* autogo/graph.h - computation graphs (CGs): nodes, shapes, costs, segments, identity.
 *
 * A CG is a DAG of primitive operations whose edges are tensors. Kernels, biases and
 * batch-norm statistics belong to their node. A built graph is immutable and reference
 * counted: its arrays are public to read, never to write.
 *
 *   position   0       1      2      3      4      5
 *   node       input   conv   relu   conv   add    output
 *   operands   -       0      1      2      1,3    4        operands[operand_start[i] ..]
 *   users      1       2,4    3 ...                         users[user_start[i] ..]
 *
 * Nodes stand in topological order: operands come before their users. Operand lists are
 * ordered and may name the same tensor twice (x + x is not x). Every node has exactly one
 * output tensor, named by the node's position.
 *
 * A *segment* is a contiguous range of nodes cut out of a graph; what lies before is its
 * predecessor P, what lies after its successor C. Its input ports are the distinct
 * tensors that enter it, its output ports the distinct tensors that leave it.
 *
 * Source: algorithm.md sections 2 and 3; families.md sections 1 and 2.
 */
#ifndef AUTOGO_GRAPH_H
#define AUTOGO_GRAPH_H

#include "autogo/base.h"

/* --- ops ------------------------------------------------------------------------- */

typedef enum ag_op {
#define OP(id, name, feature, min, max, rule, mutable, macs) AG_OP_##id,
#include "autogo/ops.def"
#undef OP
  AG_OP_COUNT
} ag_op;

typedef enum ag_rule {
  AG_RULE_OPAQUE,   /* the shape is taken as given */
  AG_RULE_INPUT,    /* no operand; the shape is given */
  AG_RULE_SAME,     /* out = in */
  AG_RULE_STRIDED,  /* H and W by kernel, stride, padding, dilation */
  AG_RULE_DENSE,    /* H and W kept, channels free */
  AG_RULE_GLOBAL,   /* H = W = 1 */
  AG_RULE_JOIN,     /* equal operands, or some of them 1x1xC (broadcast) */
  AG_RULE_CONCAT,   /* equal H and W, channels add up */
  AG_RULE_PAD,      /* H and W grow by the pads */
  AG_RULE_FOLD,     /* H / s, W / s, C * s * s  (s = stride) */
  AG_RULE_UNFOLD,   /* H * s, W * s, C / (s * s) */
  AG_RULE_UPSAMPLE, /* H * s, W * s; channels free when weighted, else kept */
  AG_RULE_FLATTEN   /* 1 x 1 x H*W*C */
} ag_rule;

enum { AG_MUTABLE_NONE = 0, AG_MUTABLE_STRIDE = 1, AG_MUTABLE_BOTH = 3 };

typedef struct ag_op_info {
  const char *name;
  int feature; /* row of the predictor's op embedding */
  int min_operands;
  int max_operands; /* INT_MAX = any number */
  ag_rule rule;
  int mutable_dims; /* AG_MUTABLE_... */
} ag_op_info;

/* The row of the ops table. `op` must be valid. */
const ag_op_info *ag_op_get(ag_op op);

/* The op of that name, or -1. Accepts aliases seen in other tools' labels
 * ("conv2d", "fusedbatchnorm", "fusedbatchnormv3", "addn"). O(1). */
int ag_op_find(const char *name);

/* --- nodes ----------------------------------------------------------------------- */

typedef struct ag_shape {
  int32_t h, w, c;
} ag_shape;

/* The same in all three dimensions. */
static inline bool ag_shape_equal(ag_shape a, ag_shape b) {
  return a.h == b.h && a.w == b.w && a.c == b.c;
}
/* Number of elements. */
static inline int64_t ag_shape_size(ag_shape s) {
  return (int64_t)s.h * s.w * s.c;
}

typedef enum ag_padding {
  AG_PAD_SAME,      /* out = ceil(in / stride); the larger half at the end */
  AG_PAD_VALID,     /* none */
  AG_PAD_EXPLICIT,  /* as in `pads` */
  AG_PAD_SAME_LOWER /* as SAME, the larger half at the beginning */
} ag_padding;

enum {
  AG_FLAG_CEIL = 1,       /* pools: round the output size up */
  AG_FLAG_COUNT_PADS = 2, /* average pools: padded cells count */
  AG_FLAG_ALIGN = 4,      /* resize: align corners; depth-to-space: CRD order */
  AG_FLAG_LINEAR = 8,     /* resize: bilinear instead of nearest */
  AG_FLAG_SLICE = 16      /* reads only the first in.c channels of its operands (NB-101,
                             families.md 4.4); set in.c before ag_node_infer */
};

typedef struct ag_node {
  uint8_t op;        /* ag_op */
  uint8_t padding;   /* ag_padding; STRIDED and TRANSPOSED_CONV only */
  uint8_t bias;      /* 1 = weighted node with a bias */
  uint8_t flags;     /* AG_FLAG_... */
  int32_t kernel[2]; /* height, width; 0 where there is none */
  int32_t stride[2]; /* height, width; ratio of FOLD, UNFOLD, UPSAMPLE; 1 elsewhere */
  int32_t dilation[2];
  int32_t pads[4]; /* top, left, bottom, right; EXPLICIT and PADDINGS only, else 0 */
  int32_t groups;  /* conv: 1 = dense; depthwise: channels; channel shuffle: groups */
  ag_shape in;     /* of the first operand (of all, for JOIN) */
  ag_shape out;
  float alpha;    /* slope of leakyrelu and hardsigmoid, epsilon of batchnorm; 0 = default */
  int32_t record; /* weights and source attributes in the graph's store; -1 = none */
} ag_node;

/* A node of `op` with stride, dilation and groups 1, SAME padding, no kernel, no bias,
 * shapes 0 and record -1. */
ag_node ag_node_make(ag_op op);

/* True if the op carries weights of its own (conv, depthwise, matmul, transposed conv). */
bool ag_op_weighted(ag_op op);

/* Output size of one dimension of a strided window op, by the true shape formula; 0 if
 * the window does not fit. dim: 0 = height, 1 = width. */
int32_t ag_strided_size(const ag_node *node, int dim, int32_t in);

/* Derive node->in and node->out from the operands' shapes.
 *
 * Set before the call: kernel, stride, padding, ...; out.c for conv, matmul and
 * transposed conv; out for INPUT and OPAQUE rules; in.c under AG_FLAG_SLICE (at most the
 * operand's channels). A depthwise gets groups = in.c.
 * Errors: AG_INVALID when operands do not fit, or a size would leave [1, 2^31). O(count). */
ag_status ag_node_infer(ag_node *node, const ag_shape *operands, int count, ag_error *err);

/* Multiply-accumulates of one execution, bias and repeated operands not counted
 * (grouped convolutions divided by groups). 0 for ops without weights. */
int64_t ag_node_macs(const ag_node *node);

/* FLOPs by the published rule: 2 x (MACs + bias term, or elements) x max(1, predecessors),
 * where predecessors counts *distinct* operands. Source: algorithm.md section 2. */
int64_t ag_node_flops(const ag_node *node, int predecessors);

/* Trainable parameters: kernel, bias, batch-norm scale and shift, slopes of prelu. */
int64_t ag_node_params(const ag_node *node);

/* Bytes moved: operands read, parameters read, output written, float32. */
int64_t ag_node_bytes(const ag_node *node, int operands);

/* The node's signature: everything a per-node cost can depend on (op, kernel, stride,
 * dilation, padding, groups, bias, flags, in, out, distinct operands); not its weights. */
ag_hash ag_node_signature(const ag_node *node, int predecessors);

/* --- the store: weights and what a source format said --------------------------------- */

typedef enum ag_dtype {
  AG_F32 = 1,
  AG_U8 = 2,
  AG_I8 = 3,
  AG_I32 = 6,
  AG_I64 = 7,
  AG_BOOL = 9,
  AG_F16 = 10,
  AG_F64 = 11
} ag_dtype; /* numbered as in ONNX */

enum { AG_MAX_RANK = 8 };

typedef struct ag_tensor {
  ag_dtype dtype;
  int rank;
  int64_t dims[AG_MAX_RANK];
  const void *data; /* little endian; NULL = the source gave a shape but no values */
  size_t bytes;
} ag_tensor;

enum {
  AG_ROLE_KERNEL,
  AG_ROLE_BIAS,
  AG_ROLE_SCALE,
  AG_ROLE_SHIFT,
  AG_ROLE_MEAN,
  AG_ROLE_VARIANCE,
  AG_ROLE_COUNT
};

typedef struct ag_record {
  bool has[AG_ROLE_COUNT];
  ag_tensor tensor[AG_ROLE_COUNT]; /* in ONNX layout (O,I,H,W; matmul: as `transposed`) */
  bool transposed;                 /* matmul: kernel is (in, out) instead of (out, in) */
  const char *source_op;           /* opaque nodes: op type in the source */
  const void *attributes;          /* opaque nodes: the source's own node message */
  size_t attributes_size;
  int output_index;             /* opaque nodes with several outputs: which one */
  int constants;                /* opaque nodes: constant operands ... */
  const int *constant_position; /* ... at these positions of the source's inputs */
  const ag_tensor *constant;
} ag_record;

/* Records and the memory behind them, shared by a graph and all graphs derived from it.
 * Append-only while its graph is being built; reference counted, thread-safe to retain
 * and release. ag_store_alloc gives zeroed memory that lives as long as the store;
 * ag_store_adopt hands over a block with the function that will free it. */
typedef struct ag_store ag_store;
ag_store *ag_store_new(void);
ag_store *ag_store_retain(ag_store *store);
void ag_store_release(ag_store *store);
void *ag_store_alloc(ag_store *store, size_t size);
char *ag_store_string(ag_store *store, const char *text);
void ag_store_adopt(ag_store *store, void *block, size_t size, void (*release)(void *, size_t));
int ag_store_add(ag_store *store, const ag_record *record); /* copies; returns its index */
const ag_record *ag_store_get(const ag_store *store, int index);

/* --- graphs ----------------------------------------------------------------------- */

typedef struct ag_graph {
  int size; /* nodes */
  const ag_node *nodes;
  const int32_t *operand_start; /* size + 1 */
  const int32_t *operands;
  const int32_t *user_start; /* size + 1; each user once per operand slot it fills */
  const int32_t *users;
  const char *const *names; /* source names, or NULL; entries may be NULL */
  const char *name;
  const char *family;   /* "" = none */
  ag_shape normalisers; /* feature maxima that came with the file, 0 = none */
  bool dynamic_batch;   /* the source left the batch size open */
  ag_store *store;      /* never NULL */
} ag_graph;

const ag_graph *ag_graph_retain(const ag_graph *graph);
void ag_graph_release(const ag_graph *graph); /* NULL is allowed */

/* Number of operands of a node, and their positions, in order; the same may occur twice. */
static inline int ag_graph_arity(const ag_graph *g, int node) {
  return g->operand_start[node + 1] - g->operand_start[node];
}
static inline const int32_t *ag_graph_operands(const ag_graph *g, int node) {
  return g->operands + g->operand_start[node];
}

/* Number of distinct operands of a node. */
int ag_graph_predecessors(const ag_graph *graph, int node);

/* Distinct edges (producer, consumer), as the published node and edge counts have them. */
int ag_graph_edges(const ag_graph *graph);

int64_t ag_graph_flops(const ag_graph *graph);
int64_t ag_graph_params(const ag_graph *graph);
/* Largest sum of live activations while executing in order, bytes, float32. */
int64_t ag_graph_peak_memory(const ag_graph *graph);

/* "name" or "#position" of a node, for messages; into `buffer`. */
const char *ag_graph_node_label(const ag_graph *graph, int node, char *buffer, size_t size);

/* Re-prove a graph: order, arity, shapes by the ops table, users. For tests and debug
 * builds; errors as ag_builder_finish. O(nodes + edges). */
ag_status ag_graph_check(const ag_graph *graph, ag_error *err);

/* --- building ----------------------------------------------------------------------- */

/* Nodes are added operands first. The first error sticks and is reported by
 * ag_builder_finish; until then ag_builder_add returns -1.
 *
 *   ag_builder *b = ag_builder_new("tiny");
 *   ag_node in = ag_node_make(AG_OP_INPUT);  in.out = (ag_shape){32, 32, 3};
 *   int x = ag_builder_add(b, in, NULL, 0, NULL);
 *   ag_node conv = ag_node_make(AG_OP_CONV);
 *   conv.kernel[0] = conv.kernel[1] = 3;  conv.out.c = 16;
 *   x = ag_builder_add(b, conv, &x, 1, NULL);
 *   x = ag_builder_add(b, ag_node_make(AG_OP_OUTPUT), &x, 1, NULL);
 *   ag_status s = ag_builder_finish(b, &graph, &err);        // frees b
 */
typedef struct ag_builder ag_builder;
ag_builder *ag_builder_new(const char *name);
void ag_builder_free(ag_builder *builder);
/* Shapes are inferred (ag_node_infer). `name` may be NULL; it is copied. */
int ag_builder_add(ag_builder *builder, ag_node node, const int *operands, int count,
                   const char *name);
ag_shape ag_builder_shape(const ag_builder *builder, int node);      /* out; zero after an error */
const ag_node *ag_builder_node(const ag_builder *builder, int node); /* NULL if none */
ag_store *ag_builder_store(ag_builder *builder); /* to add records; owned by the builder */
void ag_builder_set_family(ag_builder *builder, const char *family);
void ag_builder_set_normalisers(ag_builder *builder, ag_shape normalisers);
void ag_builder_set_dynamic_batch(ag_builder *builder, bool dynamic);
/* Builds the graph and frees the builder in any case. Node order is the order of
 * addition. Errors: AG_INVALID for no input, no output, a node without users that is not
 * an output, a node of more than 2^44 elements or MACs (costs are summed in 64 bits), or
 * the first error of ag_builder_add, naming the node. */
ag_status ag_builder_finish(ag_builder *builder, const ag_graph **graph, ag_error *err);

/* --- segments ------------------------------------------------------------------------- */

typedef struct ag_segment {
  int size;               /* nodes, in topological order */
  ag_node *nodes;         /* with the shapes of the graph they were cut from */
  int32_t *operand_start; /* size + 1 */
  int32_t *operands;      /* >= 0: node of the segment; < 0: input port ~operand */
  int inputs;             /* input ports, in order of first use */
  ag_shape *input_shapes;
  int outputs; /* output ports, in order of position */
  int32_t *output_nodes;
} ag_segment;

/* Number of operands of a node of a segment. */
static inline int ag_segment_arity(const ag_segment *s, int node) {
  return s->operand_start[node + 1] - s->operand_start[node];
}

/* Cut nodes [first, last) out of `graph`. The caller frees with ag_segment_free. If
 * `input_tensors` / `output_tensors` are not NULL they receive malloc'd arrays with the
 * position in `graph` of the tensor behind each port. O(edges of the range). */
ag_status ag_segment_cut(const ag_graph *graph, int first, int last, ag_segment **segment,
                         int32_t **input_tensors, int32_t **output_tensors, ag_error *err);

/* Number of distinct operands of a node of a segment, input ports included. */
int ag_segment_predecessors(const ag_segment *segment, int node);

/* An empty segment with room for nodes, operands and ports, in one block; fill it and
 * set the counts. Freed by ag_segment_free. */
ag_segment *ag_segment_new(int size, int operands, int inputs, int outputs);
ag_segment *ag_segment_copy(const ag_segment *segment);
void ag_segment_free(ag_segment *segment);

/* Shapes of all nodes from the shapes of the input ports, by ag_node_infer; channels of
 * convolutions as they stand. The error names the node by its number in the segment. */
ag_status ag_segment_infer(ag_segment *segment, const ag_shape *inputs, ag_error *err);

/* Number of nodes that node i reaches, itself not counted; into reach[size]. */
void ag_segment_descendants(const ag_segment *segment, int32_t *reach);

/* Put `replacement` in the place of nodes [first, last) of `graph`.
 *
 * input_map[p]   which input port of the cut (ag_segment_cut order) feeds the
 *                replacement's input port p
 * output_map[q]  which output port of the replacement stands for the cut's output port q
 *
 * The replacement's shapes must already fit. Order of the result: P, replacement, C.
 * Nodes outside keep their records, names and store; new nodes have none; normalisers,
 * family and batch are the parent's.
 * Errors: AG_INVALID when maps or shapes do not fit, naming the node. O(nodes + edges). */
ag_status ag_graph_splice(const ag_graph *graph, int first, int last, const ag_segment *replacement,
                          const int32_t *input_map, const int32_t *output_map,
                          const ag_graph **child, ag_error *err);

/* --- identity -------------------------------------------------------------------------- */

/* What counts as equal. AG_EQUAL_KIND: op, kernel, dilation, bias, flags, dense / grouped,
 * padding kind (not its amounts); no shapes, no strides. AG_EQUAL_SHAPES: kind and all shapes,
 * strides, pads, groups, slopes (alpha). Weights, names, batch-norm epsilon never count.
 * Operands of add and mul are unordered multisets, those of all others ordered. */
typedef enum ag_equality { AG_EQUAL_KIND, AG_EQUAL_SHAPES } ag_equality;

/* Hash of a node's own attributes under an equality (no operands). */
ag_hash ag_node_hash(const ag_node *node, ag_equality equality);

/* Forward hash of a node: its attributes (AG_EQUAL_SHAPES) and its operands' hashes. O(count). */
ag_hash ag_node_hash_forward(const ag_node *node, const ag_hash *operands, int count);

/* Multisets of hashes: the wrapping sum of their terms, so that a child's follows from its
 * parent's by subtracting what went and adding what came. */
ag_hash ag_hash_multiset_term(ag_hash h);
static inline ag_hash ag_hash_add(ag_hash sum, ag_hash term) {
  return (ag_hash){sum.hi + term.hi, sum.lo + term.lo};
}
static inline ag_hash ag_hash_subtract(ag_hash sum, ag_hash term) {
  return (ag_hash){sum.hi - term.hi, sum.lo - term.lo};
}

/* The graph's hash from its nodes' forward hashes: `outputs` is the multiset of the OUTPUT
 * nodes', `multiset_sum` that of all nodes'. */
ag_hash ag_hash_finish_graph(ag_hash outputs, ag_hash multiset_sum, int size);

/* Isomorphic graphs (AG_EQUAL_SHAPES) have equal hashes. Others collide by 128-bit chance, or
 * when they differ only in which of several nodes with equal ancestors feeds which user; where
 * that matters, ask ag_graph_isomorphic. O(nodes + edges). */
ag_hash ag_graph_hash(const ag_graph *graph);

/* Exact labelled isomorphism. `map`, if not NULL, receives for each node of `a` its image in
 * `b` (untouched if there is none). O((nodes + edges) log nodes) unless refinement leaves nodes
 * alike that the canonical orders do not match; then by backtracking, with equivalent choices
 * tried once. */
bool ag_graph_isomorphic(const ag_graph *a, const ag_graph *b, ag_equality equality, int32_t *map);

/* Canonical hash of a segment, ports included: which nodes the outside feeds, through which
 * distinct tensors, and which tensors leave; the numbering of ports does not count. */
ag_hash ag_segment_hash(const ag_segment *segment, ag_equality equality);
bool ag_segment_isomorphic(const ag_segment *a, const ag_segment *b, ag_equality equality);

/* The same graph with its nodes in canonical order: independent of the numbering it came
 * with, branch after branch (a branch is finished before the next begins; the one with the
 * longer way to the sink first), so that a contiguous run is a connected piece where possible.
 * Siblings of equal length are ordered by what they are, by rules that give the same block the
 * same order wherever it stands. Isomorphic graphs give the same sequence wherever
 * Weisfeiler-Leman refinement tells their nodes apart, and for equal branches too.
 * `order`, if not NULL, receives for each new position the old one. Operands keep their order.
 * O((nodes + edges) log nodes). Source: algorithm.md section 3, our choice. */
const ag_graph *ag_graph_canonical(const ag_graph *graph, int32_t *order);

/* --- JSON --------------------------------------------------------------------------------- */

/* Read a CG in the format of `ag_graph_save_json` or of the published graphs. A node has id (any
 * distinct whole number), op, in, out ([H, W, C]); where its op has them kernel, strides,
 * padding ("same", "valid", "same_lower", "explicit" with pads), dilations, groups, bias, flags,
 * alpha; a name; opaque ones a source_op. Edges come as "operands" per node (ids in order, with
 * multiplicity) or as a set of [producer, consumer] in "edges": then operands stand in the order
 * of their producers in the file, and a join of one edge takes its tensor twice. Nodes keep the
 * file's order where it is topological, else each follows its operands.
 *
 * Errors name the node and, when loading, the file: AG_FORMAT for what is not such a graph, also
 * for shapes that do not follow from the ops; AG_INVALID where a node does not fit its operands;
 * AG_UNSUPPORTED for another version; AG_LIMIT above 100,000 nodes, 1,000,000 edges, 8,000,000
 * values, depth 64 or 256 MiB. O(bytes + edges log edges). */
ag_status ag_graph_load_json(const char *path, const ag_graph **graph, ag_error *err);
ag_status ag_graph_parse_json(const char *text, size_t length, const ag_graph **graph,
                              ag_error *err);

/* Write atomically (temporary file, fsync, rename). Weights are not written. The text is
 * deterministic: same graph, same bytes. */
ag_status ag_graph_save_json(const ag_graph *graph, const char *path, ag_error *err);
/* The same as a malloc'd string. */
char *ag_graph_to_json(const ag_graph *graph);

#endif
