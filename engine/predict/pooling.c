/* Mean pooling of P, S and C from last-layer states, for all cuts of a graph in one pass each
 * way. Walking the whole graph's states forward, the running sum at `first` is P's; walking
 * back, the running sum at `last` is C's before its window is exchanged. The gradients run the
 * other way round: walking back, a state before `first` collects what P's mean passes on;
 * walking forward, one from `last` on what C's does.
 *
 *   P     whole[0 .. first)         weight 1 / first
 *   S     segment's own states      weight 1 / (last - first)
 *   C     whole[last .. size)       weight 1 / (size - last), window: lost -, gained +
 *   all   whole[0 .. size)          GNN with sum pooling: weight 1 / AG_SUM_UNIT as well
 */
#include <string.h>

#include "engine/predict/trainer.h"

/* Where the sums of one graph's items come from and go to. */
typedef struct group {
  const ag_graph_states *graph;
  const ag_cut_states *cuts; /* of the graph */
  const int32_t *ids, *slot;
  const ag_item *item;
  int items, joined;
  float *embedding; /* [items][joined] */
} group;

static group next_group(const ag_shard *s, int from, int joined) {
  const ag_training_set *c = s->corpus;
  group g = {.graph = &c->graph[s->item[from].graph], .ids = c->ids, .joined = joined};
  g.cuts = c->cuts + g.graph->cut;
  g.slot = s->slot[c->states.layers];
  g.item = s->item + from;
  g.embedding = s->joined + from * joined;
  while (from + g.items < s->items && g.item[g.items].graph == g.item[0].graph) g.items++;
  return g;
}

static const ag_cut_states *cut_of(const group *g, int i) {
  return &g->cuts[g->item[i].cut];
}

/* Nodes of P: all of them for a whole graph. */
static int before(const group *g, int i) {
  return g->item[i].cut < 0 ? g->graph->size : cut_of(g, i)->first;
}

/* Whether the second part of the embedding is the sum. */
static bool sums(const group *g) {
  return g->joined == 2 * AG_WIDTH;
}

static size_t row(const group *g, size_t id) {
  return (size_t)g->slot[g->ids[id]] * AG_WIDTH;
}

static inline void axpy(float *to, float scale, const float *from) {
  for (int j = 0; j < AG_WIDTH; j++) to[j] += scale * from[j];
}

static inline float inverse(int count) {
  return count > 0 ? 1.0f / (float)count : 0;
}

AG_VECTOR static void forward_before(const group *g, const float *states) {
  float sum[AG_WIDTH] = {0};
  for (int i = 0, at = 0; i < g->items; i++) {
    int count = before(g, i);
    for (; at < count; at++) axpy(sum, 1, states + row(g, g->graph->whole + (size_t)at));
    axpy(g->embedding + i * g->joined, inverse(count), sum);
    if (sums(g)) axpy(g->embedding + i * g->joined + AG_WIDTH, 1.0f / AG_SUM_UNIT, sum);
  }
}

AG_VECTOR static void forward_after(const group *g, const float *states) {
  float sum[AG_WIDTH] = {0};
  for (int i = g->items - 1, at = g->graph->size; i >= 0; i--) {
    const ag_cut_states *cut = cut_of(g, i);
    while (at > cut->last) axpy(sum, 1, states + row(g, g->graph->whole + (size_t)--at));
    float part[AG_WIDTH];
    memcpy(part, sum, sizeof part);
    for (size_t k = 0; k < (size_t)cut->window; k++) {
      axpy(part, -1, states + row(g, cut->changes + 2 * k));
      axpy(part, 1, states + row(g, cut->changes + 2 * k + 1));
    }
    axpy(g->embedding + i * g->joined + 2 * AG_WIDTH, inverse(g->graph->size - cut->last), part);
  }
}

AG_VECTOR static void forward_segment(const group *g, const float *states) {
  for (int i = 0; i < g->items; i++) {
    const ag_cut_states *cut = cut_of(g, i);
    int count = cut->last - cut->first;
    float sum[AG_WIDTH] = {0};
    for (int k = 0; k < count; k++) axpy(sum, 1, states + row(g, cut->segment + (size_t)k));
    axpy(g->embedding + i * g->joined + AG_WIDTH, inverse(count), sum);
  }
}

void ag_pool_forward(ag_shard *s, int joined) {
  const float *states = s->layer[s->corpus->states.layers].state;
  memset(s->joined, 0, (size_t)s->items * (size_t)joined * sizeof *s->joined);
  for (int from = 0; from < s->items;) {
    group g = next_group(s, from, joined);
    forward_before(&g, states);
    if (g.item[0].cut >= 0) {
      forward_segment(&g, states);
      forward_after(&g, states);
    }
    from += g.items;
  }
}

AG_VECTOR static void backward_before(const group *g, float *grads) {
  float sum[AG_WIDTH] = {0};
  int i = g->items - 1;
  for (int at = before(g, i) - 1; at >= 0; at--) {
    for (; i >= 0 && before(g, i) > at; i--) {
      axpy(sum, inverse(before(g, i)), g->embedding + i * g->joined);
      if (sums(g)) axpy(sum, 1.0f / AG_SUM_UNIT, g->embedding + i * g->joined + AG_WIDTH);
    }
    axpy(grads + row(g, g->graph->whole + (size_t)at), 1, sum);
  }
}

AG_VECTOR static void backward_after(const group *g, float *grads) {
  float sum[AG_WIDTH] = {0};
  int i = 0;
  for (int at = cut_of(g, 0)->last; at < g->graph->size; at++) {
    for (; i < g->items && cut_of(g, i)->last <= at; i++) {
      const ag_cut_states *cut = cut_of(g, i);
      float scale = inverse(g->graph->size - cut->last);
      const float *c = g->embedding + i * g->joined + 2 * AG_WIDTH;
      axpy(sum, scale, c);
      for (size_t k = 0; k < (size_t)cut->window; k++) {
        axpy(grads + row(g, cut->changes + 2 * k), -scale, c);
        axpy(grads + row(g, cut->changes + 2 * k + 1), scale, c);
      }
    }
    axpy(grads + row(g, g->graph->whole + (size_t)at), 1, sum);
  }
}

AG_VECTOR static void backward_segment(const group *g, float *grads) {
  for (int i = 0; i < g->items; i++) {
    const ag_cut_states *cut = cut_of(g, i);
    int count = cut->last - cut->first;
    for (int k = 0; k < count; k++) {
      axpy(grads + row(g, cut->segment + (size_t)k), inverse(count),
           g->embedding + i * g->joined + AG_WIDTH);
    }
  }
}

void ag_pool_backward(ag_shard *s, int joined) {
  float *grads = ag_shard_grad(s, s->corpus->states.layers);
  for (int from = 0; from < s->items;) {
    group g = next_group(s, from, joined);
    backward_before(&g, grads);
    if (g.item[0].cut >= 0) {
      backward_segment(&g, grads);
      backward_after(&g, grads);
    }
    from += g.items;
  }
}
