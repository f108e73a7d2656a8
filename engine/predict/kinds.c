/* A network repeats itself: the same cell again and again, and behind the cuts of each the same
 * window. Forward messages make a row's state of a layer a function of its own state and its
 * predecessors' below, so rows with equal numbers below, in the same order, have the same state bit
 * by bit. A number is that of the first such row:
 *
 *   kind < base_size       a state of the base
 *   base_size + r          the state that row r was the first to have
 *
 * Finding it in a small open-addressed table costs a tenth of what evaluating the row does.
 * Source: predictor.md ("Sharing goes further than prefixes"). */
#include "engine/predict/kinds.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"

/* Rows by hash of what they depend on; -1 = free. At most half full. */
typedef struct table {
  int32_t *row;
  uint32_t size; /* a power of two */
} table;

static table make_table(int rows) {
  table t = {.size = 16};
  while (t.size < 2 * (uint32_t)rows) t.size *= 2;
  t.row = ag_resize(NULL, t.size, sizeof *t.row);
  return t;
}

static void clear_table(table *t) {
  memset(t->row, -1, t->size * sizeof *t->row);
}

static uint32_t mix(uint32_t hash, uint32_t word) {
  hash = (hash ^ word) * 0x9E3779B1u;
  return hash ^ hash >> 15;
}

/* --- layer 0 ---------------------------------------------------------------------------------- */

static uint32_t hash_feature(const ag_feature *f) {
  uint32_t words[sizeof *f / sizeof(uint32_t)], hash = 1;
  memcpy(words, f, sizeof words);
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) hash = mix(hash, words[i]);
  return hash;
}

/* The first row of the same feature, which may be `r`. */
static int32_t find_feature(table *t, const ag_feature *features, int32_t r) {
  uint32_t at = hash_feature(&features[r]) & (t->size - 1);
  for (; t->row[at] >= 0; at = (at + 1) & (t->size - 1)) {
    int32_t q = t->row[at];
    if (memcmp(&features[q], &features[r], sizeof *features) == 0) return q;
  }
  return t->row[at] = r;
}

void ag_kinds_embed(const ag_view *v, const ag_predictor *p, const ag_node *nodes,
                    ag_shape normalisers, int32_t *kind, float *states) {
  ag_feature *features = ag_resize(NULL, (size_t)v->size, sizeof *features);
  table t = make_table(v->size);
  clear_table(&t);
  for (int r = 0; r < v->size; r++) {
    features[r] = ag_feature_make(p->config.log_features, &nodes[v->node[r]], normalisers);
    float *state = states + r * AG_WIDTH;
    kind[r] = find_feature(&t, features, r);
    if (kind[r] == r)
      ag_feature_embed(&p->layout, p->params, &features[r], state);
    else
      memcpy(state, states + kind[r] * AG_WIDTH, AG_WIDTH * sizeof *state);
  }
  free(t.row);
  free(features);
}

/* --- layers above ----------------------------------------------------------------------------- */

/* The layer below as rows see it. */
typedef struct below {
  const ag_view *view;
  const float *states, *base;
  const int32_t *kind, *base_kind;
} below;

static int32_t kind_of(const below *b, int32_t ref) {
  return ref >= 0 ? b->kind[ref] : b->base_kind[~ref];
}

static bool same_row(const below *b, int32_t q, int32_t r) {
  const int32_t *start = b->view->start, *refs = b->view->refs;
  int count = start[r + 1] - start[r];
  if (b->kind[q] != b->kind[r] || start[q + 1] - start[q] != count) return false;
  for (int k = 0; k < count; k++) {
    if (kind_of(b, refs[start[q] + k]) != kind_of(b, refs[start[r] + k])) return false;
  }
  return true;
}

/* The first row of the same state, which may be `r`. */
static int32_t find_row(table *t, const below *b, int32_t r) {
  uint32_t hash = mix(1, (uint32_t)b->kind[r]);
  for (int32_t e = b->view->start[r]; e < b->view->start[r + 1]; e++) {
    hash = mix(hash, (uint32_t)kind_of(b, b->view->refs[e]));
  }
  uint32_t at = hash & (t->size - 1);
  for (; t->row[at] >= 0; at = (at + 1) & (t->size - 1)) {
    if (same_row(b, t->row[at], r)) return t->row[at];
  }
  return t->row[at] = r;
}

/* What a row's state follows from: its own below, and the sum over its predecessors. */
static void gather_row(const below *b, int32_t r, float *own, float *sum) {
  memcpy(own, b->states + r * AG_WIDTH, AG_WIDTH * sizeof *own);
  memset(sum, 0, AG_WIDTH * sizeof *sum);
  for (int32_t e = b->view->start[r]; e < b->view->start[r + 1]; e++) {
    int32_t ref = b->view->refs[e];
    const float *state = ref >= 0 ? b->states + ref * AG_WIDTH : b->base + (size_t)~ref * AG_WIDTH;
    for (int j = 0; j < AG_WIDTH; j++) sum[j] += state[j];
  }
}

/* The layer being evaluated. */
typedef struct above {
  float *own, *sums; /* of the states to compute, one after the other; own becomes the states */
  int32_t *computed; /* per row, which of them is its state; -1 = the base's */
  const int32_t *base_kind;
  int offset; /* of kinds that are not the base's */
} above;

/* Find the kinds of all rows and what is to be computed for them; returns how much. */
static int collect(const below *b, const above *a, table *t, const int8_t *first, int layer,
                   int32_t *kind) {
  int count = 0;
  clear_table(t);
  for (int32_t r = 0; r < b->view->size; r++) {
    a->computed[r] = -1;
    if (first && first[r] > layer) {
      kind[r] = a->base_kind[b->view->node[r]];
      continue;
    }
    int32_t q = find_row(t, b, r);
    kind[r] = a->offset + q;
    a->computed[r] = q < r ? a->computed[q] : count;
    if (q < r) continue;
    gather_row(b, r, a->own + count * AG_WIDTH, a->sums + count * AG_WIDTH);
    count++;
  }
  return count;
}

static void spread(const ag_view *v, const above *a, const float *base, float *states) {
  for (int r = 0; r < v->size; r++, states += AG_WIDTH) {
    const float *from = a->computed[r] < 0 ? base + (size_t)v->node[r] * AG_WIDTH
                                           : a->own + a->computed[r] * AG_WIDTH;
    memcpy(states, from, AG_WIDTH * sizeof *states);
  }
}

void ag_kinds_encode(const ag_view *v, const ag_predictor *p, const int8_t *first,
                     const float *base, const int32_t *base_kind, int base_size, float *states,
                     int32_t *kind) {
  size_t layer = (size_t)v->size * AG_WIDTH, base_layer = (size_t)base_size * AG_WIDTH;
  above a = {.offset = base_size};
  a.own = ag_resize(NULL, 2 * layer + 1, sizeof *a.own);
  a.sums = a.own + layer;
  a.computed = ag_resize(NULL, (size_t)v->size + 1, sizeof *a.computed);
  table t = make_table(v->size);
  below b = {v, states, base, kind, base_kind};
  for (int l = 1; l <= p->config.layers; l++, b.states += layer, b.kind += v->size) {
    if (base) a.base_kind = b.base_kind + base_size;
    int count = collect(&b, &a, &t, first, l, kind + l * v->size);
    ag_kernel_layer(&p->layers[l - 1], a.own, a.sums, a.own, count);
    if (base) {
      b.base += base_layer;
      b.base_kind = a.base_kind;
    }
    spread(v, &a, b.base, states + (size_t)l * layer);
  }
  free(t.row);
  free(a.computed);
  free(a.own);
}
