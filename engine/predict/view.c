/* Views are compressed rows that only grow at the end: a node is appended after its operands,
 * so a bypassed join never needs a row, only the reference it stands for. Evaluation goes layer
 * by layer over all rows, which keeps one layer's matrices in cache.
 * Source: published.md (induced subgraphs, bypassed joins). */
#include "engine/predict/view.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"

void ag_view_free(ag_view *view) {
  free(view->node);
  free(view->start);
  free(view->refs);
  *view = (ag_view){0};
}

static void reserve(ag_view *v, int operands) {
  if (v->size + 1 >= v->nodes_capacity) {
    v->nodes_capacity = v->nodes_capacity ? v->nodes_capacity * 2 : 16;
    v->node = ag_resize(v->node, (size_t)v->nodes_capacity, sizeof *v->node);
    v->start = ag_resize(v->start, (size_t)v->nodes_capacity, sizeof *v->start);
    if (v->size == 0) v->start[0] = 0;
  }
  int needed = v->start[v->size] + operands;
  if (needed > v->refs_capacity) {
    v->refs_capacity = needed * 2;
    v->refs = ag_resize(v->refs, (size_t)v->refs_capacity, sizeof *v->refs);
  }
}

static int compare(const void *a, const void *b) {
  int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
  return (x > y) - (x < y);
}

static int make_distinct(int32_t *refs, int count) {
  if (count > 1) qsort(refs, (size_t)count, sizeof *refs, compare);
  int kept = 0;
  for (int i = 0; i < count; i++) {
    if (kept == 0 || refs[kept - 1] != refs[i]) refs[kept++] = refs[i];
  }
  return kept;
}

int32_t ag_view_add(ag_view *v, const ag_config *config, int32_t index, ag_op op,
                    const int32_t *operands, int count) {
  reserve(v, count);
  int32_t *refs = v->refs + v->start[v->size];
  int kept = 0;
  for (int i = 0; i < count; i++) {
    if (operands[i] != AG_REF_NONE) refs[kept++] = operands[i];
  }
  if (config->distinct_edges) kept = make_distinct(refs, kept);
  if (config->bypass_joins && kept == 1 && ag_view_join(op)) return refs[0];
  v->node[v->size] = index;
  v->start[v->size + 1] = v->start[v->size] + kept;
  return v->size++;
}

void ag_view_range(ag_view *v, const ag_config *config, const ag_node *nodes,
                   const int32_t *operand_start, const int32_t *operands, int first, int last,
                   int32_t *refs) {
  int32_t *ref = refs ? refs : AG_ARRAY(int32_t, last - first);
  int32_t *list = NULL;
  int capacity = 0;
  for (int i = first; i < last; i++) {
    const int32_t *operand = operands + operand_start[i];
    int count = operand_start[i + 1] - operand_start[i];
    if (count > capacity) list = ag_resize(list, (size_t)(capacity = 2 * count), sizeof *list);
    for (int k = 0; k < count; k++) {
      list[k] = operand[k] >= first && operand[k] < last ? ref[operand[k] - first] : AG_REF_NONE;
    }
    ref[i - first] = ag_view_add(v, config, i, (ag_op)nodes[i].op, list, count);
  }
  free(list);
  if (!refs) free(ref);
}

static void add_state(float *sum, const float *state) {
  for (int j = 0; j < AG_WIDTH; j++) sum[j] += state[j];
}

/* The rows that layer `layer` must compute: their own states and the sums over their
 * predecessors, one after the other. The others differ from the base only above it. */
static int gather(const ag_view *v, const int8_t *first, int layer, const float *base,
                  const float *states, float *own, float *sums) {
  int count = 0;
  for (int r = 0; r < v->size; r++) {
    if (first && first[r] > layer) continue;
    float *sum = sums + count * AG_WIDTH;
    memcpy(own + count++ * AG_WIDTH, states + r * AG_WIDTH, AG_WIDTH * sizeof *own);
    memset(sum, 0, AG_WIDTH * sizeof *sum);
    for (int32_t e = v->start[r]; e < v->start[r + 1]; e++) {
      int32_t ref = v->refs[e];
      add_state(sum, ref >= 0 ? states + ref * AG_WIDTH : base + (size_t)~ref * AG_WIDTH);
    }
  }
  return count;
}

/* Put computed rows in their places and take the others from the base's layer. */
static void spread(const ag_view *v, const int8_t *first, int layer, const float *base,
                   const float *computed, float *states) {
  for (int r = 0; r < v->size; r++, states += AG_WIDTH) {
    bool known = first && first[r] > layer;
    const float *from = known ? base + (size_t)v->node[r] * AG_WIDTH : computed;
    memcpy(states, from, AG_WIDTH * sizeof *states);
    if (!known) computed += AG_WIDTH;
  }
}

void ag_view_encode(const ag_view *v, const ag_predictor *p, const int8_t *first, const float *base,
                    int base_size, float *states) {
  size_t layer = (size_t)v->size * AG_WIDTH, base_layer = (size_t)base_size * AG_WIDTH;
  float *own = ag_alloc(2 * layer, sizeof *own), *sums = own + layer;
  for (int l = 1; l <= p->config.layers; l++, states += layer) {
    int count = gather(v, first, l, base, states, own, sums);
    ag_kernel_layer(&p->layers[l - 1], own, sums, own, count);
    if (base) base += base_layer;
    spread(v, first, l, base, own, states + layer);
  }
  free(own);
}

void ag_view_embed(const ag_view *v, const ag_predictor *p, const ag_node *nodes,
                   ag_shape normalisers, float *states) {
  for (int r = 0; r < v->size; r++) {
    ag_predictor_embed(p, &nodes[v->node[r]], normalisers, states + r * AG_WIDTH);
  }
}

void ag_range_embedding(const ag_predictor *p, const ag_node *nodes, const int32_t *operand_start,
                        const int32_t *operands, int first, int last, ag_shape normalisers,
                        float *mean) {
  ag_view v = {0};
  ag_view_range(&v, &p->config, nodes, operand_start, operands, first, last, NULL);
  size_t layer = (size_t)v.size * AG_WIDTH;
  float *states = ag_alloc(layer * (size_t)(p->config.layers + 1), sizeof *states);
  ag_view_embed(&v, p, nodes, normalisers, states);
  ag_view_encode(&v, p, NULL, NULL, 0, states);
  const float *top = states + layer * (size_t)p->config.layers;
  for (int j = 0; j < AG_WIDTH; j++) mean[j] = 0;
  for (int r = 0; r < v.size; r++) add_state(mean, top + r * AG_WIDTH);
  for (int j = 0; v.size && j < AG_WIDTH; j++) mean[j] /= (float)v.size;
  free(states);
  ag_view_free(&v);
}
