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
#include "engine/predict/window.h"

/* A sum over last-layer states: of nodes that a boundary leaves alone, at first. */
typedef struct part {
  double sum[AG_WIDTH];
  int count;
} part;

/* Rows [first, inner) lie in the segment behind the boundary, [inner, end) behind that. */
typedef struct boundary {
  int first, inner, end;
  part segment, after;
} boundary;

typedef struct embedding {
  float segment[AG_WIDTH], after[AG_WIDTH];
} embedding;

enum {
  ROWS_AT_ONCE = 1024
}; /* many, so that equal windows meet; few, so that they stay in cache */

static void add_state(double *sum, const float *state, double sign) {
  for (int j = 0; j < AG_WIDTH; j++) sum[j] += sign * (double)state[j];
}

/* What the window leaves alone of nodes [at, next); it changes none from `end` on. */
static void keep_rest(const ag_whole *w, const ag_window *win, int at, int next, int end, part *p) {
  p->count = w->kept[next] - w->kept[at];
  for (int j = 0; j < AG_WIDTH; j++) {
    p->sum[j] = w->prefix[(size_t)next * AG_WIDTH + (size_t)j] -
                w->prefix[(size_t)at * AG_WIDTH + (size_t)j];
  }
  for (int i = at; i < next && i < end; i++) {
    if (w->ref[i] != i || win->ref[i - at] == ~i) continue;
    add_state(p->sum, ag_whole_last(w) + (size_t)i * AG_WIDTH, -1);
    p->count--;
  }
}

static void add_boundary(const ag_whole *w, ag_window *win, boundary *b, int at, int next) {
  b->first = win->view.size;
  int end = ag_window_add_after(win, w, at, b->after.sum, &b->after.count);
  b->end = win->view.size;
  for (b->inner = b->first; b->inner < b->end && win->view.node[b->inner] < next;) b->inner++;
  keep_rest(w, win, at, next, end, &b->segment);
}

static void finish_boundary(boundary *b, const float *states, embedding *e) {
  for (int r = b->first; r < b->end; r++) {
    add_state(b->after.sum, states + r * AG_WIDTH, 1);
    if (r < b->inner) add_state(b->segment.sum, states + r * AG_WIDTH, 1);
  }
  ag_mean(b->segment.sum, b->segment.count + b->inner - b->first, e->segment);
  ag_mean(b->after.sum, b->after.count + b->end - b->first, e->after);
}

/* Embeddings at bounds[0 .. count], as many at once as there are rows for. */
static embedding *embed_boundaries(const ag_whole *w, const int32_t *bounds, int count) {
  embedding *embeddings = AG_ARRAY(embedding, count + 1);
  boundary *boundaries = AG_ARRAY(boundary, count + 1);
  ag_window win = {0};
  for (int from = 0, to = 0; from <= count; from = to) {
    ag_window_clear(&win);
    for (; to <= count && win.view.size < ROWS_AT_ONCE; to++) {
      add_boundary(w, &win, &boundaries[to], bounds[to], bounds[to < count ? to + 1 : to]);
    }
    const float *states = ag_window_encode(&win, w);
    for (int i = from; i < to; i++) finish_boundary(&boundaries[i], states, &embeddings[i]);
  }
  ag_window_free(&win);
  free(boundaries);
  return embeddings;
}

/* The value of every cut. */
static void score_cuts(const ag_whole *w, const int32_t *bounds, int count, double *values) {
  const ag_head *head = &w->predictor->head;
  embedding *e = embed_boundaries(w, bounds, count);
  for (int i = 0; i < count; i++) {
    float before[AG_WIDTH], acc[AG_JOINED_MAX];
    memcpy(acc, head->bias, sizeof acc);
    ag_whole_before(w, bounds[i], before);
    ag_head_accumulate(head, 0, before, acc);
    ag_head_accumulate(head, AG_WIDTH, e[i].segment, acc);
    ag_head_accumulate(head, 2 * AG_WIDTH, e[i + 1].after, acc);
    values[i] = ag_head_finish(head, acc);
  }
  free(e);
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
