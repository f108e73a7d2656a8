/* A graph's node states, each distinct one once. */
#ifndef AG_PREDICT_KINDS_H
#define AG_PREDICT_KINDS_H

#include "engine/predict/view.h"

/* Nodes of equal kind[layer][node] have equal states, bit by bit, in that layer and all below.
 * State k of a layer stands at first[layer] + k of the arrays. */
typedef struct ag_kinds {
  int nodes;
  int32_t *kind;                /* [layers + 1][nodes]; of bypassed nodes layer 0 alone */
  int first[AG_MAX_LAYERS + 2]; /* layers + 2 */
  float *states;                /* [..][32] */
  float *projected; /* [..][64], what they say to the layer above; not the last layer's */
} ag_kinds;

/* Evaluate a view of the graph's nodes. O(rows + references) per layer. */
void ag_kinds_init(ag_kinds *kinds, const ag_predictor *predictor, const ag_view *view,
                   const ag_node *nodes, int count, ag_shape normalisers);
void ag_kinds_free(ag_kinds *kinds);

static inline const int32_t *ag_kinds_of_layer(const ag_kinds *kinds, int layer) {
  return kinds->kind + (size_t)layer * (size_t)kinds->nodes;
}

static inline float *ag_kinds_states(const ag_kinds *kinds, int layer) {
  return kinds->states + (size_t)kinds->first[layer] * AG_WIDTH;
}

static inline float *ag_kinds_projected(const ag_kinds *kinds, int layer) {
  return kinds->projected + (size_t)kinds->first[layer] * AG_PROJECTED;
}

#endif
