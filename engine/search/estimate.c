/* Whole-graph predictions of a batch. Children stand by parent and cut, so a run of equal cuts
 * shares one place: what the cut does not change is evaluated once, and a child costs its segment
 * and the nodes within six hops after it. Runs go to the threads; a child's number depends on its
 * own run alone. */
#include <stdlib.h>

#include "autogo/search.h"
#include "engine/base/alloc.h"

typedef struct estimate {
  const ag_batch *batch;
  const ag_predictor *predictor;
  const bool *wanted;
  int32_t *start; /* runs + 1: first child of each run */
  double *values;
} estimate;

static bool same_cut(const ag_child *a, const ag_child *b) {
  return a->parent == b->parent && a->first == b->first && a->last == b->last;
}

static int find_runs(estimate *e) {
  const ag_child *children = e->batch->children;
  int runs = 0;
  for (int i = 0; i < e->batch->size; i++) {
    if (i == 0 || !same_cut(&children[i - 1], &children[i])) e->start[runs++] = i;
  }
  e->start[runs] = e->batch->size;
  return runs;
}

static void estimate_run(void *context, int64_t run, int worker) {
  const estimate *e = context;
  const ag_child *c = &e->batch->children[e->start[run]];
  (void)worker;
  ag_place *place = ag_place_new(e->predictor, e->batch->parent[c->parent], c->first, c->last);
  for (int32_t i = e->start[run]; i < e->start[run + 1]; i++, c++) {
    if (e->wanted && !e->wanted[i]) continue;
    e->values[i] = ag_place_predict(place, c->segment, c->input_map, c->output_map);
  }
  ag_place_free(place);
}

ag_status ag_batch_estimate(const ag_batch *batch, const ag_predictor *predictor, ag_pool *pool,
                            const bool *wanted, double *values, ag_error *err) {
  if (ag_predictor_model(predictor) != AG_MODEL_GNN) {
    return ag_fail(err, AG_INVALID, "a predictor of whole graphs (gnn) is needed");
  }
  estimate e = {.batch = batch, .predictor = predictor, .wanted = wanted, .values = values};
  e.start = AG_ARRAY(int32_t, batch->size + 1);
  int runs = find_runs(&e);
  ag_pool_run(pool, runs, estimate_run, &e);
  free(e.start);
  return AG_OK;
}
