/* Interning of node states. Forward messages make a node's state of layer l a function of its own
 * state and its predecessors' states of layer l - 1, so the pair (own, sorted predecessors) is
 * its identity: equal pairs have equal states whatever the weights are. The table is built once
 * for a corpus; a training step then evaluates each state of its batch once, however many nodes,
 * cuts and graphs share it, and the gradients of all its uses add up. Exact, and independent of
 * the weights.
 * Source: predictor.md ("Sharing goes further than prefixes"). */
#include "engine/predict/states.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"

void ag_states_free(ag_states *s) {
  free(s->feature);
  ag_map_free(&s->feature_map);
  for (int l = 1; l <= s->layers; l++) {
    free(s->layer[l].own);
    free(s->layer[l].start);
    free(s->layer[l].preds);
    ag_map_free(&s->layer[l].map);
  }
  *s = (ag_states){0};
}

int ag_states_count(const ag_states *s, int layer) {
  return layer == 0 ? s->features : s->layer[layer].count;
}

int32_t ag_states_feature(ag_states *s, const ag_feature *feature) {
  bool inserted;
  ag_hash key = ag_hash_bytes(feature, sizeof *feature);
  int64_t id = *ag_map_put(&s->feature_map, key, s->features, &inserted);
  if (inserted) {
    AG_GROW(s->feature, s->features, s->feature_capacity);
    s->feature[s->features++] = *feature;
  }
  return (int32_t)id;
}

static int compare(const void *a, const void *b) {
  int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
  return (x > y) - (x < y);
}

/* Lists are short as a rule: insertion sort. */
static void sort_ids(int32_t *ids, int count) {
  if (count > 32) {
    qsort(ids, (size_t)count, sizeof *ids, compare);
    return;
  }
  for (int i = 1; i < count; i++) {
    int32_t id = ids[i];
    int j = i;
    for (; j > 0 && ids[j - 1] > id; j--) ids[j] = ids[j - 1];
    ids[j] = id;
  }
}

static void append(ag_state_layer *t, int32_t own, const int32_t *preds, int count) {
  if (t->count + 1 >= t->start_capacity) {
    t->start_capacity = t->start_capacity ? 2 * t->start_capacity : 64;
    t->start = ag_resize(t->start, (size_t)t->start_capacity, sizeof *t->start);
    if (t->count == 0) t->start[0] = 0;
  }
  AG_GROW(t->own, t->count, t->own_capacity);
  int32_t at = t->start[t->count];
  if (at + count > t->preds_capacity) {
    t->preds_capacity = 2 * (at + count);
    t->preds = ag_resize(t->preds, (size_t)t->preds_capacity, sizeof *t->preds);
  }
  for (int i = 0; i < count; i++) t->preds[at + i] = preds[i];
  t->own[t->count++] = own;
  t->start[t->count] = at + count;
}

int32_t ag_states_find(ag_states *s, int layer, int32_t own, int32_t *preds, int count) {
  ag_state_layer *t = &s->layer[layer];
  sort_ids(preds, count);
  ag_hash key = ag_hash_mix(ag_hash_seed((uint64_t)count), (uint64_t)own);
  for (int i = 0; i < count; i++) key = ag_hash_mix(key, (uint64_t)preds[i]);
  bool inserted;
  int64_t id = *ag_map_put(&t->map, key, t->count, &inserted);
  if (inserted) append(t, own, preds, count);
  return (int32_t)id;
}
