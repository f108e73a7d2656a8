/* Scoring a graph: all cuts of a segmentation share one pass over the whole graph, which gives
 * every h_P as a prefix mean and every h_C but for its window. */
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/predict/whole.h"

static double score_cut(const ag_whole *w, int first, int last) {
  const ag_predictor *p = w->predictor;
  const ag_graph *g = w->graph;
  float mean[AG_WIDTH], acc[AG_JOINED_MAX];
  memcpy(acc, p->head.bias, sizeof acc);
  ag_whole_before(w, first, mean);
  ag_head_accumulate(&p->head, 0, mean, acc);
  ag_range_embedding(p, g->nodes, g->operand_start, g->operands, first, last, w->normalisers, mean);
  ag_head_accumulate(&p->head, AG_WIDTH, mean, acc);
  ag_whole_after(w, last, mean);
  ag_head_accumulate(&p->head, 2 * AG_WIDTH, mean, acc);
  return ag_head_finish(&p->head, acc);
}

static double score_whole(const ag_whole *w) {
  const ag_predictor *p = w->predictor;
  float joined[AG_JOINED_MAX];
  int n = w->graph->size;
  ag_embed_graph(&p->layout, w->prefix + (size_t)n * AG_WIDTH, w->kept[n], joined);
  return ag_head_graph(&p->head, joined);
}

/* The value of every cut (PSC), or the one of the graph (GNN); returns how many. */
static int score_cuts(const ag_predictor *p, const ag_graph *graph, const int32_t *bounds,
                      int count, double *values) {
  bool psc = p->config.model == AG_MODEL_PSC;
  ag_whole whole;
  ag_whole_init(&whole, p, graph);
  if (!psc) values[0] = score_whole(&whole);
  for (int i = 0; psc && i < count; i++) values[i] = score_cut(&whole, bounds[i], bounds[i + 1]);
  ag_whole_free(&whole);
  return psc ? count : 1;
}

static double score(const ag_predictor *p, const ag_graph *graph, const int32_t *bounds,
                    int count) {
  double *values = AG_ARRAY(double, count + 1), sum = 0;
  int cuts = score_cuts(p, graph, bounds, count, values);
  for (int i = 0; i < cuts; i++) sum += values[i];
  free(values);
  return sum / cuts;
}

static ag_status check_bounds(const ag_predictor *p, const ag_graph *graph, const int32_t *bounds,
                              int count, ag_error *err) {
  if (p->config.model != AG_MODEL_PSC) return AG_OK;
  if (count < 1) return ag_fail(err, AG_INVALID, "a score needs at least one segment");
  for (int i = 0; i < count; i++) {
    if (bounds[i] < 0 || bounds[i] >= bounds[i + 1] || bounds[i + 1] > graph->size) {
      return ag_fail(err, AG_INVALID, "segment %d is [%d, %d) of %d nodes", i, bounds[i],
                     bounds[i + 1], graph->size);
    }
  }
  return AG_OK;
}

/* The score of every member. */
static ag_status score_members(const ag_predictor *p, const ag_graph *graph, const int32_t *bounds,
                               int count, double *values, ag_error *err) {
  ag_status s = check_bounds(p, graph, bounds, count, err);
  for (; !s && p; p = p->next) *values++ = score(p, graph, bounds, count);
  return s;
}

ag_status ag_predict_score(const ag_predictor *predictor, const ag_graph *graph,
                           const int32_t *bounds, int count, double *value, ag_error *err) {
  double values[AG_MEMBERS_MAX];
  ag_status s = score_members(predictor, graph, bounds, count, values, err);
  if (!s) *value = ag_ensemble_value(predictor, values);
  return s;
}

ag_status ag_predict_spread(const ag_predictor *predictor, const ag_graph *graph,
                            const int32_t *bounds, int count, double *mean, double *spread,
                            ag_error *err) {
  double values[AG_MEMBERS_MAX];
  ag_status s = score_members(predictor, graph, bounds, count, values, err);
  if (!s) ag_ensemble_moments(predictor, values, mean, spread);
  return s;
}

ag_status ag_predict_cuts(const ag_predictor *predictor, const ag_graph *graph,
                          const int32_t *bounds, int count, double *values, ag_error *err) {
  if (predictor->config.model != AG_MODEL_PSC) {
    return ag_fail(err, AG_INVALID, "a gnn looks at whole graphs, not at cuts");
  }
  ag_status s = check_bounds(predictor, graph, bounds, count, err);
  if (s) return s;
  int members = 0;
  double *all = AG_ARRAY(double, AG_MEMBERS_MAX *count), one[AG_MEMBERS_MAX];
  for (const ag_predictor *m = predictor; m; m = m->next) {
    score_cuts(m, graph, bounds, count, all + count * members++);
  }
  for (int i = 0; i < count; i++) {
    for (int m = 0; m < members; m++) one[m] = all[count * m + i];
    values[i] = ag_ensemble_value(predictor, one);
  }
  free(all);
  return AG_OK;
}
