/* Which states a part of a batch needs, and their memory. They are collected from the last layer
 * down: each distinct state becomes one row of its layer, so rows of layer l refer to rows of layer
 * l - 1. The order of rows is the order of first use, fixed by the items.
 * Source: predictor.md ("Sharing goes further than prefixes"). */
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/predict/trainer.h"

/* Contents need not survive: everything is filled anew for each batch. */
static float *renew(float *block, size_t count) {
  free(block);
  return ag_alloc_aligned(count, sizeof *block, AG_ALIGNMENT);
}

void ag_shard_init(ag_shard *s, const ag_training_set *corpus, const ag_layout *layout) {
  *s = (ag_shard){.corpus = corpus};
  s->gradient.params = AG_ARRAY(float, layout->size);
  s->input = renew(NULL, AG_BLOCK_ROWS * AG_INPUT_WIDTH);
  s->delta = renew(NULL, AG_BLOCK_ROWS * AG_WIDTH);
  for (int l = 0; l <= corpus->states.layers; l++) {
    s->slot[l] = AG_ARRAY(int32_t, ag_states_count(&corpus->states, l));
  }
}

static void free_layer(ag_shard_layer *t) {
  free(t->id);
  free(t->own);
  free(t->start);
  free(t->preds);
  free(t->hat);
  free(t->scale);
  free(t->active);
  free(t->state);
}

void ag_shard_free(ag_shard *s) {
  for (int l = 0; l <= AG_MAX_LAYERS; l++) {
    free(s->slot[l]);
    free_layer(&s->layer[l]);
  }
  free(s->input);
  free(s->delta);
  free(s->grad[0]);
  free(s->grad[1]);
  free(s->item);
  free(s->joined);
  free(s->hidden);
  free(s->raw);
  free(s->raw_grad);
  free(s->gradient.params);
  *s = (ag_shard){0};
}

void ag_shard_set_items(ag_shard *s, const ag_item *items, int count) {
  if (count > s->capacity) {
    s->capacity = 2 * count;
    size_t n = (size_t)s->capacity;
    s->item = ag_resize(s->item, n, sizeof *s->item);
    s->joined = renew(s->joined, n * AG_JOINED_MAX);
    s->hidden = renew(s->hidden, n * AG_JOINED_MAX);
    s->raw = renew(s->raw, n);
    s->raw_grad = renew(s->raw_grad, n);
  }
  if (count) memcpy(s->item, items, (size_t)count * sizeof *items);
  s->items = count;
}

/* --- which states ------------------------------------------------------------------------------
 */

static void grow_rows(ag_shard_layer *t) {
  if (t->rows < t->capacity) return;
  t->capacity = t->capacity ? 2 * t->capacity : 256;
  size_t n = (size_t)t->capacity;
  t->id = ag_resize(t->id, n, sizeof *t->id);
  t->own = ag_resize(t->own, n, sizeof *t->own);
  t->start = ag_resize(t->start, n + 1, sizeof *t->start);
  t->hat = renew(t->hat, n * AG_WIDTH);
  t->scale = renew(t->scale, n);
  t->active = renew(t->active, n * AG_WIDTH);
  t->state = renew(t->state, n * AG_WIDTH);
}

/* What a slot says holds if the row says the same, so that slots of earlier batches need no
 * clearing. (Briggs & Torczon, An efficient representation for sparse sets.) */
static inline int32_t row_of(ag_shard *s, int layer, int32_t id) {
  int32_t *slot = &s->slot[layer][id];
  ag_shard_layer *t = &s->layer[layer];
  if (*slot < t->rows && t->id[*slot] == id) return *slot;
  grow_rows(t);
  t->id[t->rows] = id;
  return *slot = t->rows++;
}

static void collect_last_layer(ag_shard *s) {
  const ag_training_set *c = s->corpus;
  int layers = c->states.layers;
  for (int i = 0; i < s->items; i++) {
    const ag_graph_states *g = &c->graph[s->item[i].graph];
    if (i == 0 || s->item[i - 1].graph != s->item[i].graph) {
      for (int k = 0; k < g->size; k++) row_of(s, layers, c->ids[g->whole + (size_t)k]);
    }
    if (s->item[i].cut < 0) continue;
    const ag_cut_states *cut = &c->cuts[g->cut + (size_t)s->item[i].cut];
    for (int k = 0; k < cut->last - cut->first; k++) {
      row_of(s, layers, c->ids[cut->segment + (size_t)k]);
    }
    for (int k = 0; k < cut->window; k++) {
      row_of(s, layers, c->ids[cut->changes + 2 * (size_t)k + 1]);
    }
  }
}

static void collect_below(ag_shard *s, int layer) {
  const ag_state_layer *states = &s->corpus->states.layer[layer];
  ag_shard_layer *t = &s->layer[layer];
  int32_t preds = 0;
  if (t->capacity) t->start[0] = 0;
  for (int r = 0; r < t->rows; r++) {
    int32_t id = t->id[r], from = states->start[id], to = states->start[id + 1];
    if (preds + to - from > t->preds_capacity) {
      t->preds_capacity = 2 * (preds + to - from);
      t->preds = ag_resize(t->preds, (size_t)t->preds_capacity, sizeof *t->preds);
    }
    t->own[r] = row_of(s, layer - 1, states->own[id]);
    for (int32_t k = from; k < to; k++) t->preds[preds++] = row_of(s, layer - 1, states->preds[k]);
    t->start[r + 1] = preds;
  }
}

/* Room for the layer of most rows. */
static void reserve_gradients(ag_shard *s) {
  for (int l = 0; l <= s->corpus->states.layers; l++) {
    if (s->layer[l].rows <= s->grad_capacity) continue;
    s->grad_capacity = s->layer[l].capacity;
    for (int i = 0; i < 2; i++) {
      s->grad[i] = renew(s->grad[i], (size_t)s->grad_capacity * AG_WIDTH);
    }
  }
}

void ag_shard_collect(ag_shard *s) {
  int layers = s->corpus->states.layers;
  for (int l = 0; l <= layers; l++) s->layer[l].rows = 0;
  collect_last_layer(s);
  for (int l = layers; l > 0; l--) collect_below(s, l);
  reserve_gradients(s);
}
