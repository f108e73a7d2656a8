/* Induced subgraphs as the encoder sees them, and their evaluation.
 *
 * A view is a list of rows in topological order. A row's predecessors are *references*:
 *
 *   >= 0   a row of the view
 *   ~p     node p of the graph the view is cut from, whose states are known (the base)
 *
 * Rules of the model (ag_config) shape a view: with `distinct_edges` a predecessor occurs once
 * in a row's list; with `bypass_joins` an add, mul or concat left with exactly one predecessor
 * has no row, and whoever used it refers to that predecessor. */
#ifndef AG_PREDICT_VIEW_H
#define AG_PREDICT_VIEW_H

#include "engine/predict/model.h"

/* Ops that vanish under `bypass_joins` when one predecessor is left. */
static inline bool ag_view_join(ag_op op) {
  return op == AG_OP_ADD || op == AG_OP_MUL || op == AG_OP_CONCAT;
}

enum { AG_REF_NONE = INT32_MIN }; /* an operand outside of the view: no predecessor */

typedef struct ag_view {
  int size;
  int32_t *node;  /* per row: its index among the nodes the view was made from */
  int32_t *start; /* size + 1 */
  int32_t *refs;
  int nodes_capacity, refs_capacity;
} ag_view; /* {0} is empty */

void ag_view_free(ag_view *view);
/* Append a node whose operands are already translated to references; the ones that are
 * AG_REF_NONE are dropped. Returns how users refer to it: its row, or what it is bypassed to. */
int32_t ag_view_add(ag_view *view, const ag_config *config, int32_t index, ag_op op,
                    const int32_t *operands, int count);

/* The view of nodes [first, last) given as arrays (of a graph or of a segment: operands outside
 * of the range are no predecessors). If `refs` is not NULL it receives the reference of each
 * node of the range. O(nodes + edges). */
void ag_view_range(ag_view *view, const ag_config *config, const ag_node *nodes,
                   const int32_t *operand_start, const int32_t *operands, int first, int last,
                   int32_t *refs);

/* states[layer][row][32] of all layers 0 .. layers; layer 0 must be filled. `base` gives the
 * states of ~references as base[layer][p][32] with `base_size` nodes; NULL if there are none.
 * first[row], if `first` is not NULL, is the layer from which on the row differs from node
 * node[row] of the base; below it the base's states are taken. */
void ag_view_encode(const ag_view *view, const ag_predictor *predictor, const int8_t *first,
                    const float *base, int base_size, float *states);

/* Layer 0 of the rows, by features. */
void ag_view_embed(const ag_view *view, const ag_predictor *predictor, const ag_node *nodes,
                   ag_shape normalisers, float *states);

/* h_S: the mean state of nodes [first, last) by themselves, 32 numbers. */
void ag_range_embedding(const ag_predictor *predictor, const ag_node *nodes,
                        const int32_t *operand_start, const int32_t *operands, int first, int last,
                        ag_shape normalisers, float *mean);

#endif
