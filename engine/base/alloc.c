/* Memory that never fails, and arenas: a list of blocks, newest first, each filled from the
 * front. A request larger than a block gets one of its own. */
#include "engine/base/alloc.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void out_of_memory(size_t size) {
  fprintf(stderr, "autogo: out of memory (asked for %zu bytes)\n", size);
  abort();
}

static size_t checked_size(size_t count, size_t size) {
  if (size && count > SIZE_MAX / 2 / size) out_of_memory(SIZE_MAX);
  size_t total = count * size;
  return total ? total : 1;
}

void *ag_alloc(size_t count, size_t size) {
  size_t total = checked_size(count, size);
  void *block = calloc(1, total);
  if (!block) out_of_memory(total);
  return block;
}

void *ag_resize(void *block, size_t count, size_t size) {
  size_t total = checked_size(count, size);
  void *moved = realloc(block, total);
  if (!moved) out_of_memory(total);
  return moved;
}

void *ag_alloc_aligned(size_t count, size_t size, size_t alignment) {
  size_t total = checked_size(count, size);
  total += (alignment - total % alignment) % alignment;
  void *block = aligned_alloc(alignment, total);
  if (!block) out_of_memory(total);
  return block;
}

char *ag_strdup(const char *text) {
  return ag_memdup(text, strlen(text) + 1, 1);
}

void *ag_memdup(const void *data, size_t count, size_t size) {
  size_t total = checked_size(count, size);
  void *block = malloc(total);
  if (!block) out_of_memory(total);
  if (count && size) memcpy(block, data, count * size);
  return block;
}

enum { BLOCK_SIZE = 64 * 1024, ALIGNMENT = 16 };

struct ag_arena_block {
  struct ag_arena_block *next;
  size_t used, capacity;
  _Alignas(ALIGNMENT) unsigned char bytes[];
};

static void add_block(ag_arena *arena, size_t size) {
  size_t capacity = size > BLOCK_SIZE ? size : BLOCK_SIZE;
  struct ag_arena_block *block = ag_alloc(1, sizeof *block + capacity);
  block->capacity = capacity;
  block->next = arena->head;
  arena->head = block;
}

void *ag_arena_alloc(ag_arena *arena, size_t size) {
  size = checked_size(size, 1);
  size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  struct ag_arena_block *head = arena->head;
  if (!head || head->capacity - head->used < size) {
    add_block(arena, size);
    head = arena->head;
  }
  void *result = head->bytes + head->used;
  head->used += size;
  return result;
}

char *ag_arena_strdup(ag_arena *arena, const char *text) {
  size_t size = strlen(text) + 1;
  return memcpy(ag_arena_alloc(arena, size), text, size);
}

void ag_arena_free(ag_arena *arena) {
  while (arena->head) {
    struct ag_arena_block *next = arena->head->next;
    free(arena->head);
    arena->head = next;
  }
}
