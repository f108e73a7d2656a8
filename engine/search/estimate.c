/* Whole-graph predictions of a batch. A parent is encoded once for all its cuts. Children stand by
 * parent and cut, so a run of equal cuts shares one place: what the cut does not change is
 * evaluated once, and a child costs its segment and the nodes within six hops after it. Runs go to
 * the threads; a child's number depends on its own run alone. */
#include <stdlib.h>

#include "engine/base/alloc.h"
#include "engine/search/search_internal.h"

typedef struct estimate {
  const ag_batch *batch;
  const ag_predictor *predictor;
  const bool *wanted;
  int32_t *start; /* runs + 1: first child of each run */
  double *values;
  int first_parent, first_run; /* of the parents that are encoded */
  ag_encoding *encodings[AG_ENCODED_AT_ONCE];
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

static void encode_parent(void *context, int64_t index, int worker) {
  estimate *e = context;
  (void)worker;
  e->encodings[index] = ag_encoding_new(e->predictor, e->batch->parent[e->first_parent + index]);
}

static void estimate_run(void *context, int64_t index, int worker) {
  const estimate *e = context;
  int64_t run = e->first_run + index;
  const ag_child *c = &e->batch->children[e->start[run]];
  const ag_encoding *encoding = e->encodings[c->parent - e->first_parent];
  (void)worker;
  ag_place *place = ag_encoding_place(encoding, c->first, c->last);
  for (int32_t i = e->start[run]; i < e->start[run + 1]; i++, c++) {
    if (e->wanted && !e->wanted[i]) continue;
    e->values[i] = ag_place_predict(place, c->segment, c->input_map, c->output_map);
  }
  ag_place_free(place);
}

/* Parents [first, last), of which the runs from e->first_run on are; goes on to the run behind. */
static void estimate_parents(estimate *e, ag_pool *pool, int first, int last, int runs) {
  int end = e->first_run;
  while (end < runs && e->batch->children[e->start[end]].parent < last) end++;
  if (end == e->first_run) return;
  e->first_parent = first;
  ag_pool_run(pool, last - first, encode_parent, e);
  ag_pool_run(pool, end - e->first_run, estimate_run, e);
  for (int p = first; p < last; p++) ag_encoding_free(e->encodings[p - first]);
  e->first_run = end;
}

ag_status ag_batch_estimate(const ag_batch *batch, const ag_predictor *predictor, ag_pool *pool,
                            const bool *wanted, double *values, ag_error *err) {
  if (ag_predictor_model(predictor) != AG_MODEL_GNN) {
    return ag_fail(err, AG_INVALID, "a predictor of whole graphs (gnn) is needed");
  }
  estimate e = {.batch = batch, .predictor = predictor, .wanted = wanted, .values = values};
  e.start = AG_ARRAY(int32_t, batch->size + 1);
  int runs = find_runs(&e);
  for (int first = 0; first < batch->parents; first += AG_ENCODED_AT_ONCE) {
    int last = first + AG_ENCODED_AT_ONCE;
    estimate_parents(&e, pool, first, last < batch->parents ? last : batch->parents, runs);
  }
  free(e.start);
  return AG_OK;
}
