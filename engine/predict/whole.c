/* Messages run forward only, so a node's state depends on its ancestors alone. Before a cut
 * every node keeps the state it has in the whole graph: h_P is a prefix mean. After it, most do
 * (window.c). Sums are kept in double so that taking nodes off again costs no accuracy.
 * Source: algorithm.md section 6. */
#include "engine/predict/window.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"

/* Spread the states of a view's rows over the positions of their nodes, and their kinds. */
static void spread(ag_whole *w, const ag_view *v, const float *rows, const int32_t *kinds) {
  size_t nodes = (size_t)w->graph->size, layers = (size_t)w->predictor->config.layers + 1;
  w->states = ag_alloc(layers * nodes * AG_WIDTH, sizeof *w->states);
  w->kind = AG_ARRAY(int32_t, layers * nodes);
  for (size_t l = 0; l < layers; l++) {
    for (int r = 0; r < v->size; r++, rows += AG_WIDTH) {
      size_t at = l * nodes + (size_t)v->node[r];
      memcpy(w->states + at * AG_WIDTH, rows, AG_WIDTH * sizeof *rows);
      w->kind[at] = *kinds++;
    }
  }
}

static int32_t farther(int32_t a, int32_t b) {
  return a > b ? a : b;
}

int32_t ag_last_user(const ag_graph *g, int node) {
  int32_t last = -1;
  for (int32_t e = g->user_start[node]; e < g->user_start[node + 1]; e++) {
    last = farther(last, g->users[e]);
  }
  return last;
}

static void accumulate_prefix(ag_whole *w) {
  int n = w->graph->size;
  w->prefix = AG_ARRAY(double, (n + 1) * AG_WIDTH);
  w->kept = AG_ARRAY(int32_t, n + 1);
  w->users = AG_ARRAY(int32_t, n + 1);
  w->users[0] = -1;
  const float *last = ag_whole_last(w);
  for (int i = 0; i < n; i++) {
    double *sum = w->prefix + (size_t)i * AG_WIDTH;
    const float *state = last + (size_t)i * AG_WIDTH;
    for (int j = 0; j < AG_WIDTH; j++) sum[AG_WIDTH + j] = sum[j] + (double)state[j];
    w->kept[i + 1] = w->kept[i] + (w->ref[i] == i);
    w->users[i + 1] = farther(w->users[i], ag_last_user(w->graph, i));
  }
}

void ag_whole_init(ag_whole *w, const ag_predictor *p, const ag_graph *graph) {
  *w = (ag_whole){.predictor = p, .graph = ag_graph_retain(graph)};
  int n = graph->size, layers = p->config.layers;
  w->normalisers = ag_feature_normalisers(graph);
  w->ref = AG_ARRAY(int32_t, n);
  ag_view v = {0};
  ag_view_range(&v, &p->config, graph->nodes, graph->operand_start, graph->operands, 0, n, w->ref);
  for (int i = 0; i < n; i++) w->ref[i] = v.node[w->ref[i]];
  size_t rows = (size_t)(layers + 1) * (size_t)v.size;
  float *states = ag_resize(NULL, rows * AG_WIDTH + 1, sizeof *states);
  int32_t *kinds = ag_resize(NULL, rows + 1, sizeof *kinds);
  ag_kinds_embed(&v, p, graph->nodes, w->normalisers, kinds, states);
  ag_kinds_encode(&v, p, NULL, NULL, NULL, 0, states, kinds);
  if (v.size == n) {
    w->states = states;
    w->kind = kinds;
  } else {
    spread(w, &v, states, kinds);
    free(states);
    free(kinds);
  }
  ag_view_free(&v);
  accumulate_prefix(w);
}

void ag_whole_free(ag_whole *w) {
  ag_graph_release(w->graph);
  free(w->ref);
  free(w->states);
  free(w->kind);
  free(w->prefix);
  free(w->kept);
  free(w->users);
  *w = (ag_whole){0};
}

void ag_whole_before(const ag_whole *w, int first, float *mean) {
  ag_mean(w->prefix + (size_t)first * AG_WIDTH, w->kept[first], mean);
}

void ag_whole_after(const ag_whole *w, int last, float *mean) {
  ag_window win = {0};
  double sum[AG_WIDTH];
  int count;
  ag_window_add_after(&win, w, last, sum, &count);
  const float *state = ag_window_encode(&win, w);
  for (int r = 0; r < win.view.size; r++, state += AG_WIDTH)
    for (int j = 0; j < AG_WIDTH; j++) sum[j] += (double)state[j];
  ag_mean(sum, count + win.view.size, mean);
  ag_window_free(&win);
}
