/* A list of blocks, filled one after the other. Rewinding moves the fill mark back and keeps the
 * blocks; a block too small for a request is skipped until the next rewind. */
#include "engine/resolve/scratch.h"

#include <stdlib.h>

#include "engine/base/alloc.h"

enum { SCRATCH_BLOCK = 64 * 1024, SCRATCH_ALIGN = 16 };

static void add_block(ag_scratch *s, size_t size) {
  if (s->blocks == s->room) {
    s->room = s->room ? 2 * s->room : 8;
    s->block = ag_resize(s->block, (size_t)s->room, sizeof *s->block);
    s->capacity = ag_resize(s->capacity, (size_t)s->room, sizeof *s->capacity);
  }
  s->capacity[s->blocks] = size > SCRATCH_BLOCK ? size : SCRATCH_BLOCK;
  s->block[s->blocks] = ag_alloc(s->capacity[s->blocks], 1);
  s->blocks++;
}

void *ag_scratch_take(ag_scratch *s, size_t count, size_t size) {
  size_t bytes = (count * size + SCRATCH_ALIGN - 1) / SCRATCH_ALIGN * SCRATCH_ALIGN;
  if (s->blocks == 0) add_block(s, bytes);
  while (s->capacity[s->current] - s->used < bytes) {
    if (s->current + 1 == s->blocks) add_block(s, bytes);
    s->current++;
    s->used = 0;
  }
  void *result = s->block[s->current] + s->used;
  s->used += bytes;
  return result;
}

ag_scratch_mark ag_scratch_now(const ag_scratch *s) {
  return (ag_scratch_mark){s->current, s->used};
}

void ag_scratch_rewind(ag_scratch *s, ag_scratch_mark mark) {
  s->current = mark.current;
  s->used = mark.used;
}

void ag_scratch_free(ag_scratch *s) {
  for (int i = 0; i < s->blocks; i++) free(s->block[i]);
  free(s->block);
  free(s->capacity);
  *s = (ag_scratch){0};
}
