/* A whole graph's states, and what a cut changes of them. */
#ifndef AG_PREDICT_WHOLE_H
#define AG_PREDICT_WHOLE_H

#include "engine/predict/kinds.h"

typedef struct ag_whole {
  const ag_predictor *predictor;
  const ag_graph *graph; /* retained */
  ag_shape normalisers;
  int32_t *ref;       /* per node: itself, or the node it is bypassed to */
  ag_kinds kinds;     /* the states of nodes that are not bypassed */
  double *prefix;     /* [nodes + 1][32]: sums of the last layer over nodes before */
  int32_t *kept;      /* [nodes + 1]: how many of them are not bypassed */
  int32_t *users;     /* [nodes + 1]: the last user of any node before; -1 = none */
  int32_t *last_user; /* per node */
} ag_whole;

void ag_whole_init(ag_whole *whole, const ag_predictor *predictor, const ag_graph *graph);
void ag_whole_free(ag_whole *whole);

/* Which of its states a node has in the last layer, and those states. */
static inline const int32_t *ag_whole_last_kinds(const ag_whole *whole) {
  return ag_kinds_of_layer(&whole->kinds, whole->predictor->config.layers);
}
static inline const float *ag_whole_last(const ag_whole *whole) {
  return ag_kinds_states(&whole->kinds, whole->predictor->config.layers);
}

/* A sum over states of the last layer. */
typedef struct ag_part {
  double sum[AG_WIDTH];
  int count;
} ag_part;

/* Add nodes [first, last) as they are in the whole graph. O(1). */
void ag_whole_add(const ag_whole *whole, int first, int last, ag_part *part);

/* h_P of a cut: mean over nodes before `first`; zero if there are none. O(1). */
void ag_whole_before(const ag_whole *whole, int first, float *mean);
/* h_C of a cut: mean over nodes from `last` on, evaluated by themselves. Only nodes within
 * `layers` hops of the cut are computed anew. O(span of the window + window * layers). */
void ag_whole_after(const ag_whole *whole, int last, float *mean);

#endif
