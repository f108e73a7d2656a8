/* Scoring a graph: all cuts of a segmentation share one pass over the whole graph, which gives
 * every h_P as a prefix mean and every h_C but for its window, and the evaluation of what is left.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/predict/window.h"

/* A cut whose rows stand in a window: those of the segment [segment, after), those behind it that
 * it changes [after, end), and the sum over the others behind it. */
struct cut {
  int first, segment, after, end, count;
  double sum[AG_WIDTH];
};

enum { ROWS_AT_ONCE = 512 }; /* all layers of them stay in the second-level cache */

static void add_cut(const ag_whole *w, ag_window *win, struct cut *c, int first, int last) {
  c->first = first;
  c->segment = win->view.size;
  ag_window_add_range(win, w, first, last);
  c->after = win->view.size;
  ag_window_add_after(win, w, last, c->sum, &c->count);
  c->end = win->view.size;
}

static void mean_of_rows(const float *states, int from, int to, float *mean) {
  for (int j = 0; j < AG_WIDTH; j++) mean[j] = 0;
  for (int r = from; r < to; r++)
    for (int j = 0; j < AG_WIDTH; j++) mean[j] += states[r * AG_WIDTH + j];
  for (int j = 0; to > from && j < AG_WIDTH; j++) mean[j] /= (float)(to - from);
}

static double score_cut(const ag_whole *w, struct cut *c, const float *states) {
  const ag_predictor *p = w->predictor;
  float mean[AG_WIDTH], acc[AG_JOINED_MAX];
  memcpy(acc, p->head.bias, sizeof acc);
  ag_whole_before(w, c->first, mean);
  ag_head_accumulate(&p->head, 0, mean, acc);
  mean_of_rows(states, c->segment, c->after, mean);
  ag_head_accumulate(&p->head, AG_WIDTH, mean, acc);
  for (int r = c->after; r < c->end; r++)
    for (int j = 0; j < AG_WIDTH; j++) c->sum[j] += (double)states[r * AG_WIDTH + j];
  ag_mean(c->sum, c->count + c->end - c->after, mean);
  ag_head_accumulate(&p->head, 2 * AG_WIDTH, mean, acc);
  return ag_head_finish(&p->head, acc);
}

/* The value of every cut, evaluated as many at once as there are rows for. */
static void score_cuts(const ag_whole *w, const int32_t *bounds, int count, double *values) {
  struct cut *cuts = AG_ARRAY(struct cut, count);
  ag_window win = {0};
  for (int from = 0, to = 0; from < count; from = to) {
    ag_window_clear(&win);
    for (; to < count && win.view.size < ROWS_AT_ONCE; to++)
      add_cut(w, &win, &cuts[to], bounds[to], bounds[to + 1]);
    const float *states = ag_window_encode(&win, w);
    for (int i = from; i < to; i++) values[i] = score_cut(w, &cuts[i], states);
  }
  ag_window_free(&win);
  free(cuts);
}

static double score_whole(const ag_whole *w) {
  const ag_predictor *p = w->predictor;
  float joined[AG_JOINED_MAX];
  int n = w->graph->size;
  ag_embed_graph(&p->layout, w->prefix + (size_t)n * AG_WIDTH, w->kept[n], joined);
  return ag_head_graph(&p->head, joined);
}

/* The value of every cut (PSC), or the one of the graph (GNN); returns how many. */
static int score_member(const ag_predictor *p, const ag_graph *graph, const int32_t *bounds,
                        int count, double *values) {
  bool psc = p->config.model == AG_MODEL_PSC;
  ag_whole whole;
  ag_whole_init(&whole, p, graph);
  if (psc)
    score_cuts(&whole, bounds, count, values);
  else
    values[0] = score_whole(&whole);
  ag_whole_free(&whole);
  return psc ? count : 1;
}

static double score(const ag_predictor *p, const ag_graph *graph, const int32_t *bounds,
                    int count) {
  double *values = AG_ARRAY(double, count + 1), sum = 0;
  int cuts = score_member(p, graph, bounds, count, values);
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
    score_member(m, graph, bounds, count, all + count * members++);
  }
  for (int i = 0; i < count; i++) {
    for (int m = 0; m < members; m++) one[m] = all[count * m + i];
    values[i] = ag_ensemble_value(predictor, one);
  }
  free(all);
  return AG_OK;
}
