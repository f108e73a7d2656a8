/* Messages run forward only, so a node's state depends on its ancestors alone. Before a cut
 * every node keeps the state it has in the whole graph: h_P is a prefix mean. After it, most do
 * (window.c). Sums are kept in double so that taking nodes off again costs no accuracy.
 * Source: algorithm.md section 6. */
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/predict/window.h"

static int32_t farther(int32_t a, int32_t b) {
  return a > b ? a : b;
}

static void find_last_users(const ag_graph *g, int32_t *last_user) {
  memset(last_user, -1, (size_t)g->size * sizeof *last_user);
  for (int i = 0; i < g->size; i++) {
    for (int k = 0; k < ag_graph_arity(g, i); k++) last_user[ag_graph_operands(g, i)[k]] = i;
  }
}

static void accumulate_prefix(ag_whole *w) {
  int n = w->graph->size;
  w->prefix = ag_resize(NULL, (size_t)(n + 1) * AG_WIDTH, sizeof *w->prefix);
  w->kept = AG_ARRAY(int32_t, 3 * (n + 1));
  w->users = w->kept + n + 1;
  w->last_user = w->users + n + 1;
  w->users[0] = -1;
  find_last_users(w->graph, w->last_user);
  ag_running_sums(w->prefix, ag_whole_last(w), ag_whole_last_kinds(w), w->ref, n);
  for (int i = 0; i < n; i++) {
    w->kept[i + 1] = w->kept[i] + (w->ref[i] == i);
    w->users[i + 1] = farther(w->users[i], w->last_user[i]);
  }
}

void ag_whole_init(ag_whole *w, const ag_predictor *p, const ag_graph *graph) {
  *w = (ag_whole){.predictor = p, .source = ag_graph_retain(graph), .graph = graph};
  w->normalisers = ag_feature_normalisers(graph);
  if (ag_flat_needed(&p->config)) {
    w->flat = ag_flat_new(&p->config, graph->nodes, graph->operand_start, graph->operands, 0,
                          graph->size);
    w->plain = !w->flat;
    if (w->plain) return;
    w->kept_nodes = ag_flat_graph(w->flat, graph->normalisers);
    w->graph = graph = &w->kept_nodes;
  }
  int n = graph->size, refs = graph->operand_start[n];
  w->ref = ag_resize(NULL, (size_t)n + ag_view_ints(n, refs), sizeof *w->ref);
  ag_view v;
  ag_view_within(&v, w->ref + n, n, refs);
  ag_view_range(&v, &p->config, graph->nodes, graph->operand_start, graph->operands, 0, n, w->ref);
  for (int i = 0; i < n; i++) w->ref[i] = v.node[w->ref[i]];
  ag_kinds_init(&w->kinds, p, &v, graph->nodes, n, w->normalisers);
  accumulate_prefix(w);
}

void ag_whole_free(ag_whole *w) {
  ag_graph_release(w->source);
  ag_flat_free(w->flat);
  ag_kinds_free(&w->kinds);
  free(w->ref);
  free(w->prefix);
  free(w->kept);
  *w = (ag_whole){0};
}

void ag_whole_add(const ag_whole *w, int first, int last, ag_part *part) {
  const double *from = w->prefix + (size_t)first * AG_WIDTH;
  const double *to = w->prefix + (size_t)last * AG_WIDTH;
  for (int j = 0; j < AG_WIDTH; j++) part->sum[j] += to[j] - from[j];
  part->count += w->kept[last] - w->kept[first];
}

void ag_whole_before(const ag_whole *w, int first, float *mean) {
  ag_mean(w->prefix + (size_t)first * AG_WIDTH, w->kept[first], mean);
}

void ag_whole_after(const ag_whole *w, int last, float *mean) {
  ag_window win = {0};
  ag_boundary b;
  float segment[AG_WIDTH];
  ag_window_add(&win, w, last, last, &b);
  ag_window_encode(&win, w);
  ag_window_finish(&win, &b, segment, mean);
  ag_window_free(&win);
}
