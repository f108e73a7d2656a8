/* Messages run forward only, so a node's state depends on its ancestors alone. Before a cut
 * every node keeps the state it has in the whole graph: h_P is a prefix mean. After it, a node
 * differs from layer d on if the nearest loss of an operand is d - 1 hops above it: those nodes,
 * the *window*, are evaluated anew from their first differing layer; all others are summed from
 * the whole graph. Sums are kept in double so that subtracting the window costs no accuracy.
 * Source: algorithm.md section 6. */
#include "engine/predict/whole.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"

/* Spread the states of a view's rows over the positions of their nodes. */
static void spread(const ag_view *v, const float *rows, int layers, int nodes, float *states) {
  for (int l = 0; l <= layers; l++) {
    for (int r = 0; r < v->size; r++, rows += AG_WIDTH) {
      size_t at = (size_t)l * (size_t)nodes + (size_t)v->node[r];
      memcpy(states + at * AG_WIDTH, rows, AG_WIDTH * sizeof *rows);
    }
  }
}

static int32_t farther(int32_t a, int32_t b) {
  return a > b ? a : b;
}

static int32_t last_user(const ag_graph *g, int node) {
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
    w->users[i + 1] = farther(w->users[i], last_user(w->graph, i));
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
  float *states = ag_alloc((size_t)(layers + 1) * (size_t)v.size * AG_WIDTH, sizeof *states);
  ag_view_embed(&v, p, graph->nodes, w->normalisers, states);
  ag_view_encode(&v, p, NULL, NULL, 0, states);
  if (v.size == n) {
    w->states = states;
  } else {
    w->states = ag_alloc((size_t)(layers + 1) * (size_t)n * AG_WIDTH, sizeof *states);
    spread(&v, states, layers, n, w->states);
    free(states);
  }
  ag_view_free(&v);
  accumulate_prefix(w);
}

void ag_whole_free(ag_whole *w) {
  ag_graph_release(w->graph);
  free(w->ref);
  free(w->states);
  free(w->prefix);
  free(w->kept);
  free(w->users);
  *w = (ag_whole){0};
}

void ag_whole_before(const ag_whole *w, int first, float *mean) {
  ag_mean(w->prefix + (size_t)first * AG_WIDTH, w->kept[first], mean);
}

/* The window while it is found, in order of position. */
typedef struct window {
  ag_view view;
  int8_t *first; /* per row: layer from which on it differs */
  int capacity;
  int32_t *ref; /* per node from `last` on: its reference in the view */
  int ref_capacity;
  int32_t *list; /* operands of the node at hand */
  int list_capacity;
} window;

/* Translate the operands of `node` and return the first layer at which it differs from the
 * whole graph. */
static int translate(const ag_whole *w, window *win, int last, int node) {
  const ag_graph *g = w->graph;
  int count = ag_graph_arity(g, node), level = AG_MAX_LAYERS + 1;
  if (count > win->list_capacity) {
    win->list_capacity = 2 * count;
    win->list = ag_resize(win->list, (size_t)win->list_capacity, sizeof *win->list);
  }
  for (int k = 0; k < count; k++) {
    int32_t u = ag_graph_operands(g, node)[k];
    int32_t ref = win->list[k] = u < last ? AG_REF_NONE : win->ref[u - last];
    int here = 1; /* lost, or another node than in the whole graph */
    if (ref >= 0 && win->view.node[ref] == w->ref[u]) here = win->first[ref] + 1;
    if (ref < 0 && ~ref == w->ref[u]) continue;
    level = here < level ? here : level;
  }
  return level;
}

static void add_to_window(const ag_whole *w, window *win, int last, int node, int level) {
  int before = win->view.size;
  win->ref[node - last] =
      ag_view_add(&win->view, &w->predictor->config, node, (ag_op)w->graph->nodes[node].op,
                  win->list, ag_graph_arity(w->graph, node));
  if (win->view.size == before) return;
  AG_GROW(win->first, before, win->capacity);
  win->first[before] = (int8_t)level;
}

/* Layer 0 of a node, which depends on nothing around it. */
static void first_state(const ag_whole *w, int node, float *state) {
  if (w->ref[node] == node)
    memcpy(state, w->states + (size_t)node * AG_WIDTH, AG_WIDTH * sizeof *state);
  else
    ag_predictor_embed(w->predictor, &w->graph->nodes[node], w->normalisers, state);
}

/* Replace what the window's nodes had in the whole graph's sum by what they have now. */
static void add_window(const ag_whole *w, const window *win, double *sum) {
  const ag_predictor *p = w->predictor;
  size_t layer = (size_t)win->view.size * AG_WIDTH;
  float *states = ag_alloc(layer * (size_t)(p->config.layers + 1), sizeof *states);
  for (int r = 0; r < win->view.size; r++) first_state(w, win->view.node[r], states + r * AG_WIDTH);
  ag_view_encode(&win->view, p, win->first, w->states, w->graph->size, states);
  const float *state = states + layer * (size_t)p->config.layers;
  for (int r = 0; r < win->view.size; r++, state += AG_WIDTH) {
    for (int j = 0; j < AG_WIDTH; j++) sum[j] += (double)state[j];
  }
  free(states);
}

/* Find the nodes that differ and take what they had in the whole graph off the sum. The scan
 * ends at the last user of anything lost or changed; references beyond are never asked for. */
static void find_window(const ag_whole *w, window *win, int last, double *sum, int *count) {
  int32_t end = w->users[last];
  for (int i = last; i <= end; i++) {
    AG_GROW(win->ref, i - last, win->ref_capacity);
    int level = translate(w, win, last, i);
    if (level > w->predictor->config.layers) {
      win->ref[i - last] = ~w->ref[i];
      continue;
    }
    add_to_window(w, win, last, i, level);
    end = farther(end, last_user(w->graph, i));
    if (w->ref[i] != i) continue;
    const float *state = ag_whole_last(w) + (size_t)i * AG_WIDTH;
    for (int j = 0; j < AG_WIDTH; j++) sum[j] -= (double)state[j];
    --*count;
  }
}

void ag_whole_after(const ag_whole *w, int last, float *mean) {
  int n = w->graph->size, count = w->kept[n] - w->kept[last];
  double sum[AG_WIDTH];
  for (int j = 0; j < AG_WIDTH; j++) {
    sum[j] = w->prefix[(size_t)n * AG_WIDTH + (size_t)j] -
             w->prefix[(size_t)last * AG_WIDTH + (size_t)j];
  }
  window win = {0};
  find_window(w, &win, last, sum, &count);
  count += win.view.size;
  add_window(w, &win, sum);
  ag_mean(sum, count, mean);
  ag_view_free(&win.view);
  free(win.first);
  free(win.ref);
  free(win.list);
}
