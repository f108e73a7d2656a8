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
#include "engine/predict/numbers.h"

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
/* An empty view within `block`, which has room for ag_view_ints(nodes, refs) numbers and is all
 * that such a view may take; not to be freed. */
static inline size_t ag_view_ints(int nodes, int refs) {
  return 2 * ((size_t)nodes + 2) + (size_t)refs + 1;
}
void ag_view_within(ag_view *view, int32_t *block, int nodes, int refs);

/* Append a node: write the references of its operands to where ag_view_operands says, then add it.
 * Those that are AG_REF_NONE are dropped. Returns how users refer to it: its row, or what it is
 * bypassed to. */
void ag_view_reserve(ag_view *view, int operands);
static inline int32_t *ag_view_operands(ag_view *view, int count) {
  if (view->size + 1 >= view->nodes_capacity ||
      view->start[view->size] + count >= view->refs_capacity) {
    ag_view_reserve(view, count);
  }
  return view->refs + view->start[view->size];
}
int32_t ag_view_add(ag_view *view, const ag_config *config, int32_t index, ag_op op, int count);

/* The view of nodes [first, last) given as arrays (of a graph or of a segment: operands outside
 * of the range are no predecessors). If `refs` is not NULL it receives the reference of each
 * node of the range. O(nodes + edges). */
void ag_view_range(ag_view *view, const ag_config *config, const ag_node *nodes,
                   const int32_t *operand_start, const int32_t *operands, int first, int last,
                   int32_t *refs);

struct ag_kinds;

/* Memory for the evaluation of a view. */
typedef struct ag_room {
  float *states, *above; /* [rows][32]; of a layer and the one being evaluated */
  float *projected;      /* [rows][64] */
  int32_t *position;     /* per row: where its state stands */
  int32_t *node, *one, *two, *found, *start, *refs, *code; /* by position: see view.c */
  ag_state_list list;
  void *heap;
} ag_room;

/* Enough for most segments, on the stack. */
typedef struct ag_local_room {
  _Alignas(AG_ALIGNMENT) char bytes[24 << 10];
} ag_local_room;

/* For a view on a base (NULL: none): divide `local` if it is large enough, or a block of the heap;
 * `local` may be NULL. */
void ag_room_open(ag_room *room, ag_local_room *local, const ag_view *view,
                  const struct ag_kinds *base);
void ag_room_close(ag_room *room);

/* Evaluate: states of the last layer at room->states[room->position[row]], equal ones once if there
 * are `numbers` to find them by (NULL: all are evaluated). The first `embedded` rows
 * have their states of layer 0 in room->states, by row; all others are nodes of the base, NULL if
 * there are none. first[row], if `first` is not NULL, is the layer from which on the row differs
 * from node node[row] of the base; below it the base's states are taken. It is 1 for embedded rows.
 */
void ag_view_encode(const ag_view *view, const ag_predictor *predictor, const struct ag_kinds *base,
                    const int8_t *first, int embedded, ag_numbers *numbers, ag_room *room);

/* h_S: the mean state of nodes [first, last) by themselves, 32 numbers. */
void ag_range_embedding(const ag_predictor *predictor, const ag_node *nodes,
                        const int32_t *operand_start, const int32_t *operands, int first, int last,
                        ag_shape normalisers, float *mean);

static inline void ag_mean(const double *sum, int count, float *mean) {
  for (int j = 0; j < AG_WIDTH; j++) mean[j] = count ? (float)(sum[j] / count) : 0;
}

#endif
