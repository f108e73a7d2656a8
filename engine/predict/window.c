/* Behind a cut a node differs from the whole graph's from layer d on if the nearest loss of an
 * operand is d - 1 hops above it. Those nodes, the *window*, are evaluated anew from their first
 * differing layer; all others are summed from the whole graph. Windows are small, so the rows of
 * many cuts stand in one view: the kernel takes rows four at a time, and a layer's matrices are
 * read once for all of them. */
#include "engine/predict/window.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"

void ag_window_free(ag_window *win) {
  ag_view_free(&win->view);
  free(win->first);
  free(win->ref);
  free(win->list);
  free(win->states);
  free(win->kind);
}

static void set_first(ag_window *win, int row, int level) {
  AG_GROW(win->first, row, win->capacity);
  win->first[row] = (int8_t)level;
}

/* Translate the operands of `node` and return the first layer at which it differs from the
 * whole graph. */
static int translate(const ag_whole *w, ag_window *win, int last, int node) {
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

static void add_node(const ag_whole *w, ag_window *win, int last, int node, int level) {
  int before = win->view.size;
  win->ref[node - last] =
      ag_view_add(&win->view, &w->predictor->config, node, (ag_op)w->graph->nodes[node].op,
                  win->list, ag_graph_arity(w->graph, node));
  if (win->view.size > before) set_first(win, before, level);
}

/* The scan ends at the last user of anything lost or changed; references beyond are never asked
 * for. */
int ag_window_add_after(ag_window *win, const ag_whole *w, int last, double *sum, int *count) {
  int n = w->graph->size;
  *count = w->kept[n] - w->kept[last];
  for (int j = 0; j < AG_WIDTH; j++) {
    sum[j] = w->prefix[(size_t)n * AG_WIDTH + (size_t)j] -
             w->prefix[(size_t)last * AG_WIDTH + (size_t)j];
  }
  int32_t end = w->users[last];
  for (int i = last; i <= end; i++) {
    AG_GROW(win->ref, i - last, win->ref_capacity);
    int level = translate(w, win, last, i);
    if (level > w->predictor->config.layers) {
      win->ref[i - last] = ~w->ref[i];
      continue;
    }
    add_node(w, win, last, i, level);
    int32_t user = ag_last_user(w->graph, i);
    end = user > end ? user : end;
    if (w->ref[i] != i) continue;
    const float *state = ag_whole_last(w) + (size_t)i * AG_WIDTH;
    for (int j = 0; j < AG_WIDTH; j++) sum[j] -= (double)state[j];
    --*count;
  }
  return end < last ? last : end + 1;
}

/* Layer 0 of a row, which depends on nothing around it. */
static void first_state(const ag_whole *w, ag_window *win, int row) {
  int node = win->view.node[row];
  float *state = win->states + row * AG_WIDTH;
  bool known = w->ref[node] == node;
  win->kind[row] = known ? w->kind[node] : w->graph->size + row;
  if (known)
    memcpy(state, w->states + (size_t)node * AG_WIDTH, AG_WIDTH * sizeof *state);
  else
    ag_predictor_embed(w->predictor, &w->graph->nodes[node], w->normalisers, state);
}

static void reserve(ag_window *win, int layers) {
  if (win->view.size <= win->rows) return;
  win->rows = 2 * win->view.size;
  size_t rows = (size_t)(layers + 1) * (size_t)win->rows;
  free(win->states);
  free(win->kind);
  win->states = ag_resize(NULL, rows * AG_WIDTH, sizeof *win->states);
  win->kind = ag_resize(NULL, rows, sizeof *win->kind);
}

const float *ag_window_encode(ag_window *win, const ag_whole *w) {
  const ag_predictor *p = w->predictor;
  int rows = win->view.size, layers = p->config.layers;
  reserve(win, layers);
  for (int r = 0; r < rows; r++) first_state(w, win, r);
  ag_kinds_encode(&win->view, p, win->first, w->states, w->kind, w->graph->size, win->states,
                  win->kind);
  return win->states + (size_t)rows * AG_WIDTH * (size_t)layers;
}
