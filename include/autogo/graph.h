/* autogo/graph.h - computation graphs (CGs): structure, building, identity, JSON.
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
 * Source: algorithm.md sections 2 and 3; families.md sections 1 and 2.
 */
#ifndef AUTOGO_GRAPH_H
#define AUTOGO_GRAPH_H

#include "autogo/node.h"
#include "autogo/store.h"

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

/* The same graph with its nodes in canonical order: independent of the numbering it came
 * with, branch after branch (a branch is finished before the next begins; the one with the
 * longer way to the sink first), so that a contiguous run is a connected piece where possible.
 * Siblings of equal length are ordered by what they are, by rules that give the same block the
 * same order wherever it stands. Isomorphic graphs give the same sequence wherever
 * Weisfeiler-Leman refinement tells their nodes apart, and for equal branches too.
 * `order`, if not NULL, receives for each new position the old one. Operands keep their order.
 * O((nodes + edges) log nodes). Source: algorithm.md section 3, our choice. */
const ag_graph *ag_graph_canonical(const ag_graph *graph, int32_t *order);

/* Which node of `a` each node of `b` is, where nobody kept account of what was changed; -1 for
 * what is new, into origin[b->size]. Nodes with equal everything above them are the same, then
 * those with equal everything below them; what lies between is matched in the order of the nodes
 * (longest common subsequence; equal op, kernel, stride, dilation, groups and bias, preferring
 * equal shapes), unless it is more than 4,000,000 pairs. So two graphs laid on top of each other
 * have no circle: the first kind of nodes lies above the others, the second below, and what lies
 * between keeps its order. O(size of a times size of b) at worst. Source: our choice. */
void ag_graph_match(const ag_graph *a, const ag_graph *b, int32_t *origin);

/* --- JSON --------------------------------------------------------------------------------- */

/* Read a CG in the format of `ag_graph_save_json` or of the published graphs. A node has id (any
 * distinct whole number), op, in, out ([H, W, C]); where its op has them kernel, strides,
 * padding ("same", "valid", "same_lower", "explicit" with pads), dilations, groups, bias, flags,
 * alpha; a name; opaque ones a source_op and macs. Edges come as "operands" per node (ids in order,
 * with multiplicity) or as a set of [producer, consumer] in "edges": then operands stand in the
 * order of their producers in the file, and a join of one edge takes its tensor twice. Nodes keep
 * the file's order where it is topological, else each follows its operands.
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
