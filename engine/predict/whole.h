/* A whole graph's states, and what a cut changes of them. */
#ifndef AG_PREDICT_WHOLE_H
#define AG_PREDICT_WHOLE_H

#include "engine/predict/flat.h"
#include "engine/predict/kinds.h"

typedef struct ag_whole {
  const ag_predictor *predictor;
  const ag_graph *source; /* retained */
  const ag_graph *graph;  /* what is evaluated: the source, or `kept_nodes` */
  ag_flat *flat; /* the source without its additions or turned round, if the model has it so */
  ag_graph kept_nodes;
  bool plain; /* too many terms: nothing below is there, the oracle is to be asked */
  ag_shape normalisers;
  int32_t *ref;       /* per node: itself, or the node it is bypassed to */
  ag_kinds kinds;     /* the states of nodes that are not bypassed */
  double *prefix;     /* [nodes + 1][32]: sums of the last layer over nodes before */
  int32_t *kept;      /* [nodes + 1]: how many of them are not bypassed */
  int32_t *users;     /* [nodes + 1]: the last user of any node before; -1 = none */
  int32_t *last_user; /* per node */
} ag_whole;

/* Must stay where it is until it is freed. */
void ag_whole_init(ag_whole *whole, const ag_predictor *predictor, const ag_graph *graph);
void ag_whole_free(ag_whole *whole);

/* Where a boundary of the source lies in the graph that is evaluated; backward, they descend. */
static inline int ag_whole_place(const ag_whole *whole, int boundary) {
  return whole->flat ? ag_flat_boundary(whole->flat, boundary) : boundary;
}

/* Which of its states a node has in the last layer, and those states. */
static inline const int32_t *ag_whole_last_kinds(const ag_whole *whole) {
  return ag_kinds_of_layer(&whole->kinds, whole->predictor->config.layers);
}
static inline const float *ag_whole_last(const ag_whole *whole) {
  return ag_kinds_states(&whole->kinds, whole->predictor->config.layers);
}

/* The value of every cut of a graph (PSC), or the one of the graph (GNN; bounds are not looked at),
 * by one member; returns how many. Bounds must have been checked. (score.c) */
int ag_score_member(const ag_predictor *member, const ag_graph *graph, const int32_t *bounds,
                    int count, double *values);

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
