/* Scoring a graph: all cuts of a segmentation share one pass over the whole graph, which gives
 * every h_P as a prefix mean and every h_C but for its window. The segment that begins where
 * another ends needs nothing of its own: to it, as to C of the cut before, what lies before the
 * boundary is lost and what lies behind it plays no part, so its states are those of the boundary's
 * window.
 *
 *        ... segment i - 1 | segment i | ...
 *                          ^ boundary i: its window gives C of cut i - 1 and S of cut i
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/predict/oracle.h"
#include "engine/predict/window.h"

/* P, S and C of a cut, side by side: the head's input. */
typedef struct joined {
  float before[AG_WIDTH], segment[AG_WIDTH], after[AG_WIDTH];
} joined;

enum {
  ROWS_AT_ONCE = 1024
}; /* many, so that equal windows meet; few, so that they stay in cache */

/* The value of every cut; bounds of the graph that is evaluated. */
static void score_cuts(const ag_whole *w, const int32_t *bounds, int count, double *values) {
  joined *cuts = ag_resize(NULL, (size_t)count + 1, sizeof *cuts);
  ag_boundary *boundaries = ag_resize(NULL, (size_t)count + 1, sizeof *boundaries);
  float none[AG_WIDTH];
  ag_window win = {0};
  for (int from = 0, to = 0; from <= count; from = to) {
    ag_window_clear(&win);
    for (; to <= count && win.view.size < ROWS_AT_ONCE; to++) {
      ag_window_add(&win, w, bounds[to], bounds[to < count ? to + 1 : to], &boundaries[to]);
    }
    ag_window_encode(&win, w);
    for (int i = from; i < to; i++) {
      ag_window_finish(&win, &boundaries[i], cuts[i].segment, i ? cuts[i - 1].after : none);
      ag_whole_before(w, bounds[i], cuts[i].before);
    }
  }
  ag_head_values(w->predictor, cuts->before, count, values);
  ag_window_free(&win);
  free(boundaries);
  free(cuts);
}

static double score_whole(const ag_whole *w) {
  const ag_predictor *p = w->predictor;
  float embedding[AG_JOINED_MAX];
  int n = w->graph->size;
  double value;
  ag_embed_graph(&p->layout, w->prefix + (size_t)n * AG_WIDTH, w->kept[n], embedding);
  ag_head_values(p, embedding, 1, &value);
  return value;
}

static void score_psc(const ag_whole *w, const int32_t *bounds, int count, double *values) {
  if (!w->flat) {
    score_cuts(w, bounds, count, values);
    return;
  }
  int32_t *places = ag_resize(NULL, (size_t)count + 1, sizeof *places);
  bool backward = w->flat->backward;
  for (int i = 0; i <= count; i++) {
    places[i] = ag_whole_place(w, bounds[backward ? count - i : i]);
  }
  score_cuts(w, places, count, values);
  for (int i = 0; backward && i < count / 2; i++) {
    double value = values[i];
    values[i] = values[count - 1 - i];
    values[count - 1 - i] = value;
  }
  free(places);
}

static void score_plainly(const ag_whole *w, const int32_t *bounds, int count, double *values) {
  for (int i = 0; i < count; i++) {
    int first = bounds ? bounds[i] : 0, last = bounds ? bounds[i + 1] : 0;
    ag_oracle_value(w->predictor, w->source, first, last, &values[i], NULL);
  }
}

int ag_score_member(const ag_predictor *p, const ag_graph *graph, const int32_t *bounds, int count,
                    double *values) {
  bool psc = p->config.model == AG_MODEL_PSC;
  ag_whole whole;
  ag_whole_init(&whole, p, graph);
  if (whole.plain)
    score_plainly(&whole, psc ? bounds : NULL, psc ? count : 1, values);
  else if (psc)
    score_psc(&whole, bounds, count, values);
  else
    values[0] = score_whole(&whole);
  ag_whole_free(&whole);
  return psc ? count : 1;
}

static double score(const ag_predictor *p, const ag_graph *graph, const int32_t *bounds,
                    int count) {
  double *values = AG_ARRAY(double, count + 1), sum = 0;
  int cuts = ag_score_member(p, graph, bounds, count, values);
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
    ag_score_member(m, graph, bounds, count, all + count * members++);
  }
  for (int i = 0; i < count; i++) {
    for (int m = 0; m < members; m++) one[m] = all[count * m + i];
    values[i] = ag_ensemble_value(predictor, one);
  }
  free(all);
  return AG_OK;
}
