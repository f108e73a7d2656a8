/* Behind a cut a node differs from the whole graph's from layer d on if the nearest loss of an
 * operand is d - 1 hops above it. Those nodes, the *window*, are evaluated anew from their first
 * differing layer; all others are summed from the whole graph. The rows of many cuts stand in one
 * view: a layer's matrices are read once for all of them, and windows of a network that repeats
 * itself share most of their states. */
#include "engine/predict/window.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"

void ag_window_free(ag_window *win) {
  ag_view_free(&win->view);
  ag_numbers_free(&win->numbers);
  ag_room_close(&win->room);
  free(win->first);
  free(win->ref);
}

/* --- one cut ---------------------------------------------------------------------------------- */

/* Translate the operands of `node` and return the first layer at which it differs from the
 * whole graph. */
static int translate(ag_window *win, const ag_whole *w, int at, int node) {
  const ag_graph *g = w->graph;
  int count = ag_graph_arity(g, node), level = AG_MAX_LAYERS + 1;
  const int32_t *operands = ag_graph_operands(g, node);
  int32_t *list = ag_view_operands(&win->view, count);
  for (int k = 0; k < count; k++) {
    int32_t u = operands[k];
    int here = 1; /* lost, or another node than in the whole graph */
    list[k] = u < at ? AG_REF_NONE : win->ref[u - at];
    if (u >= at && win->node[u - at] == w->ref[u]) {
      if (list[k] < 0) continue;
      here = win->first[list[k]] + 1;
    }
    level = here < level ? here : level;
  }
  return level;
}

/* Whose state a join was bypassed to. */
static int32_t bypassed_to(const ag_window *win, const ag_whole *w, int at, int node, int32_t ref) {
  const int32_t *operands = ag_graph_operands(w->graph, node);
  for (int k = 0;; k++) {
    if (operands[k] >= at && win->ref[operands[k] - at] == ref) return win->node[operands[k] - at];
  }
}

static void set_first(ag_window *win, int row, int layer) {
  AG_GROW(win->first, row, win->capacity);
  win->first[row] = (int8_t)layer;
}

static void add_node(ag_window *win, const ag_whole *w, int at, int node, int layer) {
  int before = win->view.size;
  int32_t ref = ag_view_add(&win->view, &w->predictor->config, node,
                            (ag_op)w->graph->nodes[node].op, ag_graph_arity(w->graph, node));
  bool bypassed = win->view.size == before;
  win->ref[node - at] = ref;
  win->node[node - at] = bypassed ? bypassed_to(win, w, at, node, ref) : node;
  if (!bypassed) set_first(win, ref, layer);
}

/* The same for graphs as they are, neither joins bypassed nor edges merged: a node of the window is
 * a row. False if this one is not of the window. */
static bool add_plain(ag_window *win, const ag_whole *w, int at, int node) {
  ag_view *v = &win->view;
  const int32_t *operand = w->graph->operands + w->graph->operand_start[node];
  const int32_t *end = w->graph->operands + w->graph->operand_start[node + 1];
  int level = w->predictor->config.layers + 1;
  int32_t *to = ag_view_operands(v, (int)(end - operand));
  for (; operand < end; operand++) {
    int32_t ref = *operand < at ? 0 : win->ref[*operand - at];
    int here = *operand < at ? 1 : ref < 0 ? level : win->first[ref] + 1;
    *to = ref;
    to += *operand >= at;
    level = here < level ? here : level;
  }
  if (level > w->predictor->config.layers) return false;
  win->ref[node - at] = v->size;
  set_first(win, v->size, level);
  v->node[v->size++] = node;
  v->start[v->size] = (int32_t)(to - v->refs);
  return true;
}

static void reserve(ag_window *win, int span) {
  if (span <= win->span) return;
  free(win->ref);
  win->span = span;
  win->ref = ag_resize(NULL, 3 * (size_t)span, sizeof *win->ref);
  win->node = win->ref + span;
  win->kept = win->node + span;
}

/* The sums over what stays: `inner` of `count` nodes in the segment and, from `end` on, all. */
static void sum_kept(const ag_window *win, const ag_whole *w, int next, int end, int inner,
                     int count, ag_boundary *b) {
  b->segment.count = inner;
  ag_sum_states(b->segment.sum, NULL, ag_whole_last(w), win->kept, inner);
  b->after.count = count;
  ag_sum_states(b->after.sum, b->segment.sum, ag_whole_last(w), win->kept + inner, count - inner);
  if (next > end) ag_whole_add(w, end, next, &b->segment);
  ag_whole_add(w, end, w->graph->size, &b->after);
}

/* Add the node if the cut changes it. */
static bool visit(ag_window *win, const ag_whole *w, int at, int node) {
  const ag_config *config = &w->predictor->config;
  if (!config->bypass_joins && !config->distinct_edges) {
    if (add_plain(win, w, at, node)) return true;
    win->ref[node - at] = ~node;
    return false;
  }
  int layer = translate(win, w, at, node);
  if (layer <= config->layers) {
    add_node(win, w, at, node, layer);
    return true;
  }
  /* A join that was bypassed is the node it was bypassed to, which may have changed in layers too
   * high for the join's users to notice: one node must have one reference, for edges to merge. */
  int32_t stands_for = win->node[node - at] = w->ref[node];
  bool elsewhere = stands_for != node && stands_for >= at;
  win->ref[node - at] = elsewhere ? win->ref[stands_for - at] : ~stands_for;
  return false;
}

/* The scan ends at the last user of anything lost or changed. */
void ag_window_add(ag_window *win, const ag_whole *w, int at, int next, ag_boundary *b) {
  int kept = 0, inner = 0;
  const int32_t *kind = ag_whole_last_kinds(w);
  reserve(win, w->graph->size - at);
  b->first = b->inner = win->view.size;
  int32_t end = w->users[at], i = at;
  for (; i <= end; i++) {
    if (visit(win, w, at, i))
      end = w->last_user[i] > end ? w->last_user[i] : end;
    else if (w->ref[i] == i)
      win->kept[kept++] = kind[i];
    if (i >= next) continue;
    inner = kept;
    b->inner = win->view.size;
  }
  b->end = win->view.size;
  sum_kept(win, w, next, i, inner, kept, b);
}

/* --- all cuts --------------------------------------------------------------------------------- */

void ag_window_encode(ag_window *win, const ag_whole *w) {
  ag_room_close(&win->room);
  ag_room_open(&win->room, NULL, &win->view, &w->kinds);
  ag_view_encode(&win->view, w->predictor, &w->kinds, win->first, 0, &win->numbers, &win->room);
}

void ag_window_finish(const ag_window *win, ag_boundary *b, float *segment, float *after) {
  double inner[AG_WIDTH];
  const float *states = win->room.states;
  const int32_t *at = win->room.position;
  ag_sum_states(inner, NULL, states, at + b->first, b->inner - b->first);
  ag_sum_states(b->after.sum, b->after.sum, states, at + b->inner, b->end - b->inner);
  for (int j = 0; j < AG_WIDTH; j++) {
    b->segment.sum[j] += inner[j];
    b->after.sum[j] += inner[j];
  }
  ag_mean(b->segment.sum, b->segment.count + b->inner - b->first, segment);
  ag_mean(b->after.sum, b->after.count + b->end - b->first, after);
}
