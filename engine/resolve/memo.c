/* A direct-mapped table. The key hashes the problem as it stands, nodes in their order and ports in
 * theirs, because a result is a list of shapes in that order; the canonical hash of a segment is
 * the same for several orders. Memory is bounded by slots times the largest segment taken. */
#include "engine/resolve/memo.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/base/map.h"

enum { MEMO_NODES = 64, MEMO_TAG = 0x7265736f };

struct ag_memo_slot {
  ag_hash key;
  ag_status status;
  bool used;
  int size;
  double objective;
  ag_shape *shapes; /* in, then out */
  int room;
};

void ag_memo_resize(ag_memo *memo, int entries) {
  for (int k = 0; k < memo->slots; k++) free(memo->slot[k].shapes);
  free(memo->slot);
  *memo = (ag_memo){0};
  if (entries <= 0) return;
  memo->slot = AG_ARRAY(struct ag_memo_slot, entries);
  memo->slots = entries;
}

bool ag_memo_takes(const ag_memo *memo, const ag_resolve_problem *p) {
  return memo->slots > 0 && p->segment->size <= MEMO_NODES;
}

static ag_hash mix_pair(ag_hash h, int32_t a, int32_t b) {
  return ag_hash_mix(h, (uint64_t)(uint32_t)a << 32 | (uint32_t)b);
}

static ag_hash mix_shape(ag_hash h, ag_shape s) {
  return ag_hash_mix(mix_pair(h, s.h, s.w), (uint32_t)s.c);
}

static ag_hash mix_node(ag_hash h, const ag_node *n) {
  h = mix_pair(h, n->op | n->padding << 8 | n->flags << 16, n->groups);
  h = mix_pair(h, n->kernel[0], n->kernel[1]);
  h = mix_pair(h, n->stride[0], n->stride[1]);
  h = mix_pair(h, n->dilation[0], n->dilation[1]);
  h = mix_pair(h, n->pads[0], n->pads[1]);
  h = mix_pair(h, n->pads[2], n->pads[3]);
  return mix_shape(mix_shape(h, n->in), n->out);
}

ag_hash ag_memo_key(const ag_resolve_problem *p) {
  const ag_segment *s = p->segment;
  ag_hash h = mix_pair(ag_hash_seed(MEMO_TAG), s->size, (int32_t)p->formulation);
  h = mix_pair(h, s->inputs, s->outputs);
  for (int i = 0; i < s->size; i++) {
    h = mix_node(h, &s->nodes[i]);
    for (int k = s->operand_start[i]; k < s->operand_start[i + 1]; k++)
      h = mix_pair(h, i, s->operands[k]);
  }
  for (int k = 0; k < s->inputs; k++) h = mix_shape(mix_shape(h, s->input_shapes[k]), p->inputs[k]);
  for (int q = 0; q < s->outputs; q++)
    h = ag_hash_mix(mix_shape(h, p->outputs[q]), (uint32_t)s->output_nodes[q]);
  return h;
}

static struct ag_memo_slot *slot_of(const ag_memo *memo, ag_hash key) {
  return &memo->slot[key.lo % (uint64_t)memo->slots];
}

bool ag_memo_get(ag_memo *memo, ag_hash key, ag_status *status, ag_resolve_result *result) {
  const struct ag_memo_slot *slot = slot_of(memo, key);
  if (!slot->used || !ag_hash_equal(slot->key, key)) return false;
  memo->hits++;
  *status = slot->status;
  if (slot->status == AG_OK)
    *result =
        (ag_resolve_result){slot->size, slot->shapes, slot->shapes + slot->size, slot->objective};
  return true;
}

void ag_memo_put(ag_memo *memo, ag_hash key, ag_status status, const ag_resolve_result *result) {
  struct ag_memo_slot *slot = slot_of(memo, key);
  slot->key = key;
  slot->status = status;
  slot->used = true;
  if (!result) return;
  if (slot->room < 2 * result->size) {
    slot->room = 2 * result->size;
    slot->shapes = ag_resize(slot->shapes, (size_t)slot->room, sizeof *slot->shapes);
  }
  slot->size = result->size;
  slot->objective = result->objective;
  memcpy(slot->shapes, result->in, (size_t)result->size * sizeof *result->in);
  memcpy(slot->shapes + result->size, result->out, (size_t)result->size * sizeof *result->out);
}
