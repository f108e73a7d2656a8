/* A network repeats itself: the same cell again and again. Forward messages make a node's state of
 * a layer a function of its own state and its predecessors' below, so nodes with equal numbers
 * below, in the same order, have the same state bit by bit. Numbers come first, for all layers;
 * then the states they stand for are evaluated, a layer at a time, each once. Finding a number
 * costs a tenth of what evaluating a state does. Source: predictor.md ("Sharing goes further than
 * prefixes"). */
#include "engine/predict/kinds.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/predict/numbers.h"

/* --- layer 0 ---------------------------------------------------------------------------------- */

typedef struct feature_list {
  int count;
  int32_t *node;  /* the first of each feature */
  int32_t *table; /* by hash, open addressing, at most half full; -1 = free */
  uint32_t size;  /* of the table, a power of two */
} feature_list;

static feature_list make_features(int nodes) {
  feature_list list = {.size = 16};
  while (list.size < 2 * (uint32_t)nodes) list.size *= 2;
  list.table = ag_resize(NULL, list.size + (size_t)nodes, sizeof *list.table);
  list.node = list.table + list.size;
  memset(list.table, -1, list.size * sizeof *list.table);
  return list;
}

/* Of all that ag_feature_make looks at. */
static uint32_t hash_node(const ag_node *n) {
  uint32_t op = (uint32_t)n->op << 8 | n->bias;
  uint64_t hash = op * UINT64_C(0x9E3779B97F4A7C15) +
                  (uint32_t)n->kernel[0] * UINT64_C(0xBF58476D1CE4E5B9) +
                  (uint32_t)n->kernel[1] * UINT64_C(0x94D049BB133111EB) +
                  (uint32_t)n->in.h * UINT64_C(0xD6E8FEB86659FD93) +
                  (uint32_t)n->in.w * UINT64_C(0xA0761D6478BD642F) +
                  (uint32_t)n->in.c * UINT64_C(0xE7037ED1A0B428DB) +
                  (uint32_t)n->out.h * UINT64_C(0x8EBC6AF09C88C6E3) +
                  (uint32_t)n->out.w * UINT64_C(0x589965CC75374CC3) +
                  (uint32_t)n->out.c * UINT64_C(0x1D8E4E27C47D124F);
  return (uint32_t)(hash >> 32);
}

static bool same_feature(const ag_node *a, const ag_node *b) {
  return a->op == b->op && a->bias == b->bias && a->kernel[0] == b->kernel[0] &&
         a->kernel[1] == b->kernel[1] && ag_shape_equal(a->in, b->in) &&
         ag_shape_equal(a->out, b->out);
}

static int32_t find_feature(feature_list *list, const ag_node *nodes, int32_t node) {
  uint32_t at = hash_node(&nodes[node]) & (list->size - 1);
  for (; list->table[at] >= 0; at = (at + 1) & (list->size - 1)) {
    int32_t q = list->table[at];
    if (same_feature(&nodes[list->node[q]], &nodes[node])) return q;
  }
  list->node[list->count] = node;
  return list->table[at] = list->count++;
}

/* --- layers above ----------------------------------------------------------------------------- */

/* The numbering of a view's rows, layer by layer. */
typedef struct numbering {
  ag_rows rows;
  int32_t *code, *found; /* per row, of the layer below and of this one */
  ag_state_list layer[AG_MAX_LAYERS + 1];
  int32_t *block; /* all of the above */
} numbering;

static numbering make_numbering(const ag_view *v, int layers) {
  size_t n = (size_t)v->size, refs = n ? (size_t)v->start[n] : 0, list = 2 * n + 2 + refs;
  numbering t = {.rows = {v->start, v->refs, NULL, NULL}};
  int32_t *at = t.block = ag_resize(NULL, 4 * n + 1 + (size_t)layers * list, sizeof *t.block);
  t.rows.one = at;
  t.rows.two = at + n;
  t.found = at + 2 * n;
  t.code = at + 3 * n;
  at += 4 * n + 1;
  for (int l = 1; l <= layers; l++, at += list) {
    t.layer[l] = (ag_state_list){.own = at, .start = at + n + 1, .refs = at + 2 * n + 2};
  }
  ag_rows_pair(&t.rows, v->size, v->size);
  return t;
}

static void number_layers(ag_kinds *k, const ag_view *v, int layers, numbering *t) {
  ag_numbers numbers = {0};
  t->code[v->size] = 0;
  for (int l = 1; l <= layers && v->size; l++) {
    int32_t *kind = k->kind + (size_t)l * (size_t)k->nodes, *below = kind - k->nodes;
    for (int r = 0; r < v->size; r++) t->code[r] = below[v->node[r]] + 1;
    ag_number_rows(&numbers, &t->rows, v->size, t->code, 1, k->first[l] - k->first[l - 1],
                   &t->layer[l], t->found);
    for (int r = 0; r < v->size; r++) kind[v->node[r]] = t->found[r];
    k->first[l + 1] = k->first[l] + t->layer[l].count;
  }
  ag_numbers_free(&numbers);
}

static void evaluate(ag_kinds *k, const ag_predictor *p, const ag_state_list *layer) {
  for (int l = 1; l <= p->config.layers; l++) {
    const ag_layer_weights *w = &p->layers[l - 1];
    ag_layer_input in = {.states = ag_kinds_states(k, l - 1),
                         .projected = ag_kinds_projected(k, l - 1),
                         .own = layer[l].own,
                         .start = layer[l].start,
                         .refs = layer[l].refs};
    ag_project(p->kernels, w, in.states, k->first[l] - k->first[l - 1],
               ag_kinds_projected(k, l - 1));
    p->kernels->combine(w, &in, layer[l].count, ag_kinds_states(k, l));
  }
}

void ag_kinds_init(ag_kinds *k, const ag_predictor *p, const ag_view *v, const ag_node *nodes,
                   int count, ag_shape normalisers) {
  int layers = p->config.layers;
  feature_list features = make_features(count);
  numbering t = make_numbering(v, layers);
  *k = (ag_kinds){.nodes = count};
  k->kind = AG_ARRAY(int32_t, (layers + 1) * count);
  for (int i = 0; i < count; i++) k->kind[i] = find_feature(&features, nodes, i);
  k->first[1] = features.count;
  number_layers(k, v, layers, &t);
  size_t all = (size_t)k->first[layers + 1], below = (size_t)k->first[layers];
  k->states = ag_alloc_aligned(all * AG_WIDTH, sizeof(float), AG_ALIGNMENT);
  k->projected = ag_alloc_aligned(below * AG_PROJECTED, sizeof(float), AG_ALIGNMENT);
  for (int i = 0; i < features.count; i++) {
    ag_predictor_embed(p, &nodes[features.node[i]], normalisers, k->states + i * AG_WIDTH);
  }
  evaluate(k, p, t.layer);
  free(t.block);
  free(features.table);
}

void ag_kinds_free(ag_kinds *k) {
  free(k->kind);
  free(k->states);
  free(k->projected);
  *k = (ag_kinds){0};
}
