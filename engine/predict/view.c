/* Views are compressed rows that only grow at the end: a node is appended after its operands,
 * so a bypassed join never needs a row, only the reference it stands for. Evaluation goes layer
 * by layer over all rows, which keeps one layer's matrices in cache.
 * Source: published.md (induced subgraphs, bypassed joins). */
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/predict/flat.h"
#include "engine/predict/kinds.h"
#include "engine/predict/oracle.h"

void ag_view_free(ag_view *view) {
  free(view->node);
  free(view->start);
  free(view->refs);
  *view = (ag_view){0};
}

void ag_view_within(ag_view *v, int32_t *block, int nodes, int refs) {
  *v = (ag_view){.node = block, .nodes_capacity = nodes + 2, .refs_capacity = refs + 1};
  v->start = v->node + v->nodes_capacity;
  v->refs = v->start + v->nodes_capacity;
  v->start[0] = 0;
}

void ag_view_reserve(ag_view *v, int operands) {
  if (v->size + 1 >= v->nodes_capacity) {
    v->nodes_capacity = v->nodes_capacity ? v->nodes_capacity * 2 : 16;
    v->node = ag_resize(v->node, (size_t)v->nodes_capacity, sizeof *v->node);
    v->start = ag_resize(v->start, (size_t)v->nodes_capacity, sizeof *v->start);
    if (v->size == 0) v->start[0] = 0;
  }
  int needed = v->start[v->size] + operands;
  if (needed >= v->refs_capacity) {
    v->refs_capacity = needed * 2 + 1;
    v->refs = ag_resize(v->refs, (size_t)v->refs_capacity, sizeof *v->refs);
  }
}

/* Lists are short: insertion sort, but for the concatenation of hundreds. */
static int compare(const void *a, const void *b) {
  int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
  return (x > y) - (x < y);
}

static void sort(int32_t *refs, int count) {
  if (count > 32) {
    qsort(refs, (size_t)count, sizeof *refs, compare);
    return;
  }
  for (int i = 1; i < count; i++) {
    int32_t ref = refs[i];
    int j = i;
    for (; j > 0 && refs[j - 1] > ref; j--) refs[j] = refs[j - 1];
    refs[j] = ref;
  }
}

static int make_distinct(int32_t *refs, int count) {
  sort(refs, count);
  int kept = 0;
  for (int i = 0; i < count; i++) {
    if (kept == 0 || refs[kept - 1] != refs[i]) refs[kept++] = refs[i];
  }
  return kept;
}

int32_t ag_view_add(ag_view *v, const ag_config *config, int32_t index, ag_op op, int count) {
  int32_t *refs = v->refs + v->start[v->size];
  int kept = 0;
  for (int i = 0; i < count; i++) {
    if (refs[i] != AG_REF_NONE) refs[kept++] = refs[i];
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
  for (int i = first; i < last; i++) {
    const int32_t *operand = operands + operand_start[i];
    int count = operand_start[i + 1] - operand_start[i];
    int32_t *list = ag_view_operands(v, count);
    for (int k = 0; k < count; k++) {
      list[k] = operand[k] >= first && operand[k] < last ? ref[operand[k] - first] : AG_REF_NONE;
    }
    ref[i - first] = ag_view_add(v, config, i, (ag_op)nodes[i].op, count);
  }
  if (!refs) free(ref);
}

/* --- evaluation ------------------------------------------------------------------------------- */

void ag_room_open(ag_room *room, ag_local_room *local, const ag_view *v, const ag_kinds *base) {
  size_t n = (size_t)v->size, refs = n ? (size_t)v->start[n] : 0;
  size_t floats = n * (2 * AG_WIDTH + AG_PROJECTED), known = base ? (size_t)base->nodes : 0;
  size_t bytes = floats * sizeof(float) + (9 * n + 4 + 2 * refs + known) * sizeof(int32_t);
  bool fits = local && bytes <= sizeof local->bytes;
  room->heap = fits ? NULL : ag_alloc_aligned(bytes, 1, AG_ALIGNMENT);
  room->states = fits ? (void *)local->bytes : room->heap;
  room->above = room->states + n * AG_WIDTH;
  room->projected = room->above + n * AG_WIDTH;
  room->position = (int32_t *)(void *)(room->projected + n * AG_PROJECTED);
  room->node = room->position + n;
  room->one = room->node + n;
  room->two = room->one + n;
  room->found = room->two + n;
  room->start = room->found + n;
  room->refs = room->start + n + 1;
  room->list.own = room->refs + refs;
  room->list.start = room->list.own + n;
  room->list.refs = room->list.start + n + 1;
  room->code = room->list.refs + refs;
}

void ag_room_close(ag_room *room) {
  free(room->heap);
}

/* Rows that differ from the base in a layer also do in those above. So they are put in the order of
 * the layer from which on they do: what a layer has to compute comes first, and more in each.
 * `until` receives how many that is. References become positions; nodes of the base stand behind
 * the rows. */
static void arrange(const ag_view *v, const int8_t *first, int layers, ag_room *room, int *until) {
  int next[AG_MAX_LAYERS + 2] = {0};
  for (int r = 0; r < v->size; r++) next[first[r] + 1]++;
  for (int l = 1; l <= layers; l++) next[l + 1] += next[l];
  for (int l = 1; l <= layers; l++) until[l] = next[l + 1];
  for (int r = 0; r < v->size; r++) {
    int32_t at = room->position[r] = next[first[r]]++;
    room->node[at] = v->node[r];
    room->start[at + 1] = v->start[r + 1] - v->start[r];
  }
  room->start[0] = 0;
  for (int i = 0; i < v->size; i++) room->start[i + 1] += room->start[i];
  for (int r = 0; r < v->size; r++) {
    int32_t *to = room->refs + room->start[room->position[r]];
    for (int32_t e = v->start[r]; e < v->start[r + 1]; e++) {
      *to++ = v->refs[e] < 0 ? v->size + ~v->refs[e] : room->position[v->refs[e]];
    }
  }
}

/* Codes of a layer's states: those of the base from 1 on, backwards, then those of the rows, of
 * which the first `known` have one; 0 = none, at the end. */
static void make_codes(ag_room *room, int rows, int known, const int32_t *kind, int nodes) {
  for (int i = 0; i < known; i++) room->code[i] = nodes + 1 + room->found[i];
  for (int i = known; i < rows; i++) room->code[i] = nodes - kind[room->node[i]];
  for (int i = 0; i < nodes; i++) room->code[rows + i] = nodes - kind[i];
  room->code[rows + nodes] = 0;
}

static void encode_on_base(const ag_view *v, const ag_predictor *p, const ag_kinds *base,
                           const int8_t *first, int embedded, ag_numbers *numbers, ag_room *room) {
  int layers = p->config.layers, until[AG_MAX_LAYERS + 1] = {embedded}, below = embedded;
  ag_rows rows = {room->start, room->refs, room->one, room->two};
  arrange(v, first, layers, room, until);
  ag_rows_pair(&rows, v->size, v->size + base->nodes);
  for (int i = 0; i < embedded; i++) room->found[i] = i;
  for (int l = 1; l <= layers; l++) {
    const ag_layer_weights *w = &p->layers[l - 1];
    ag_project(p->kernels, w, room->states, below, room->projected);
    make_codes(room, v->size, until[l - 1], ag_kinds_of_layer(base, l - 1), base->nodes);
    ag_number_rows(numbers, &rows, until[l], room->code, base->nodes + 1, base->nodes + below,
                   &room->list, room->found);
    ag_layer_input in = {.states = room->states,
                         .projected = room->projected,
                         .base_states = ag_kinds_states(base, l - 1),
                         .base_projected = ag_kinds_projected(base, l - 1),
                         .own = room->list.own,
                         .start = room->list.start,
                         .refs = room->list.refs};
    below = room->list.count;
    p->kernels->combine(w, &in, below, room->above);
    float *swap = room->states;
    room->states = room->above;
    room->above = swap;
  }
  for (int r = 0; r < v->size; r++) room->position[r] = room->found[room->position[r]];
}

/* All rows in all layers; a row is combined from what was projected before, so that its states may
 * be written over. */
static void encode_alone(const ag_view *v, const ag_predictor *p, ag_room *room) {
  for (int r = 0; r < v->size; r++) room->found[r] = room->position[r] = r;
  ag_layer_input in = {room->states, room->projected, NULL, NULL, room->found, v->start, v->refs};
  for (int l = 0; l < p->config.layers; l++) {
    ag_project(p->kernels, &p->layers[l], room->states, v->size, room->projected);
    p->kernels->combine(&p->layers[l], &in, v->size, room->states);
  }
}

void ag_view_encode(const ag_view *v, const ag_predictor *p, const ag_kinds *base,
                    const int8_t *first, int embedded, ag_numbers *numbers, ag_room *room) {
  if (v->size == 0) return;
  if (base)
    encode_on_base(v, p, base, first, embedded, numbers, room);
  else
    encode_alone(v, p, room);
}

enum { LOCAL_INTS = 512 };

static void embed_nodes(const ag_predictor *p, const ag_node *nodes, const int32_t *operand_start,
                        const int32_t *operands, int first, int last, ag_shape normalisers,
                        float *mean) {
  int size = last - first, refs = operand_start[last] - operand_start[first];
  int32_t local_ints[LOCAL_INTS];
  size_t ints = ag_view_ints(size, refs) + (size_t)size;
  int32_t *ref = ints > LOCAL_INTS ? ag_resize(NULL, ints, sizeof *ref) : local_ints;
  ag_local_room local;
  ag_room room;
  ag_view v;
  ag_view_within(&v, ref + size, size, refs);
  ag_view_range(&v, &p->config, nodes, operand_start, operands, first, last, ref);
  ag_room_open(&room, &local, &v, NULL);
  for (int r = 0; r < v.size; r++) {
    ag_predictor_embed(p, &nodes[v.node[r]], normalisers, room.states + r * AG_WIDTH);
  }
  ag_view_encode(&v, p, NULL, NULL, v.size, NULL, &room);
  double sum[AG_WIDTH];
  ag_sum_states(sum, NULL, room.states, room.position, v.size);
  ag_mean(sum, v.size, mean);
  ag_room_close(&room);
  if (ref != local_ints) free(ref);
}

static void embed_flat(const ag_predictor *p, const ag_node *nodes, const int32_t *operand_start,
                       const int32_t *operands, int first, int last, ag_shape normalisers,
                       float *mean) {
  ag_flat *flat = ag_flat_new(&p->config, nodes, operand_start, operands, first, last);
  if (flat) {
    embed_nodes(p, flat->nodes, flat->start, flat->operands, 0, flat->size, normalisers, mean);
    ag_flat_free(flat);
    return;
  }
  double plain[AG_WIDTH];
  ag_oracle_embed(p, nodes, operand_start, operands, first, last, normalisers, plain, NULL);
  for (int j = 0; j < AG_WIDTH; j++) mean[j] = (float)plain[j];
}

void ag_range_embedding(const ag_predictor *p, const ag_node *nodes, const int32_t *operand_start,
                        const int32_t *operands, int first, int last, ag_shape normalisers,
                        float *mean) {
  if (ag_flat_needed(&p->config))
    embed_flat(p, nodes, operand_start, operands, first, last, normalisers, mean);
  else
    embed_nodes(p, nodes, operand_start, operands, first, last, normalisers, mean);
}
