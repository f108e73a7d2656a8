/* A whole graph's states, and what a cut changes of them. */
#ifndef AG_PREDICT_WHOLE_H
#define AG_PREDICT_WHOLE_H

#include "engine/predict/kinds.h"

typedef struct ag_whole {
  const ag_predictor *predictor;
  const ag_graph *graph; /* retained */
  ag_shape normalisers;
  int32_t *ref;   /* per node: itself, or the node it is bypassed to */
  float *states;  /* [layers + 1][nodes][32]; zero for bypassed nodes */
  int32_t *kind;  /* [layers + 1][nodes]: equal numbers in a layer, equal states (kinds.h) */
  double *prefix; /* [nodes + 1][32]: sums of the last layer over nodes before */
  int32_t *kept;  /* [nodes + 1]: how many of them are not bypassed */
  int32_t *users; /* [nodes + 1]: the last user of any node before; -1 = none */
} ag_whole;

void ag_whole_init(ag_whole *whole, const ag_predictor *predictor, const ag_graph *graph);
void ag_whole_free(ag_whole *whole);

static inline const float *ag_whole_last(const ag_whole *whole) {
  return whole->states +
         (size_t)whole->predictor->config.layers * (size_t)whole->graph->size * AG_WIDTH;
}

/* The last node that reads a node; -1 = none. */
int32_t ag_last_user(const ag_graph *graph, int node);

/* h_P of a cut: mean over nodes before `first`; zero if there are none. O(1). */
void ag_whole_before(const ag_whole *whole, int first, float *mean);
/* h_C of a cut: mean over nodes from `last` on, evaluated by themselves. Only nodes within
 * `layers` hops of the cut are computed anew. O(span of the window + window * layers). */
void ag_whole_after(const ag_whole *whole, int last, float *mean);

static inline void ag_mean(const double *sum, int count, float *mean) {
  for (int j = 0; j < AG_WIDTH; j++) mean[j] = count ? (float)(sum[j] / count) : 0;
}

#endif
