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

/* The sum over all cuts, as many at once as there are rows for. */
static double score_cuts(const ag_whole *w, const int32_t *bounds, int count) {
  struct cut *cuts = AG_ARRAY(struct cut, count);
  ag_window win = {0};
  double sum = 0;
  for (int from = 0, to = 0; from < count; from = to) {
    ag_window_clear(&win);
    for (; to < count && win.view.size < ROWS_AT_ONCE; to++)
      add_cut(w, &win, &cuts[to], bounds[to], bounds[to + 1]);
    const float *states = ag_window_encode(&win, w);
    for (int i = from; i < to; i++) sum += score_cut(w, &cuts[i], states);
  }
  ag_window_free(&win);
  free(cuts);
  return sum;
}

static double score_whole(const ag_whole *w) {
  const ag_predictor *p = w->predictor;
  float joined[AG_JOINED_MAX];
  int n = w->graph->size;
  ag_embed_graph(&p->layout, w->prefix + (size_t)n * AG_WIDTH, w->kept[n], joined);
  return ag_head_graph(&p->head, joined);
}

ag_status ag_predict_score(const ag_predictor *predictor, const ag_graph *graph,
                           const int32_t *bounds, int count, double *value, ag_error *err) {
  bool psc = predictor->config.model == AG_MODEL_PSC;
  if (psc && count < 1) return ag_fail(err, AG_INVALID, "a score needs at least one segment");
  for (int i = 0; psc && i < count; i++) {
    if (bounds[i] < 0 || bounds[i] >= bounds[i + 1] || bounds[i + 1] > graph->size) {
      return ag_fail(err, AG_INVALID, "segment %d is [%d, %d) of %d nodes", i, bounds[i],
                     bounds[i + 1], graph->size);
    }
  }
  ag_whole whole;
  ag_whole_init(&whole, predictor, graph);
  double sum = psc ? score_cuts(&whole, bounds, count) : score_whole(&whole);
  ag_whole_free(&whole);
  *value = psc ? sum / count : sum;
  return AG_OK;
}
