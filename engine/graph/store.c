/* The store: records in a growing array, their memory in an arena, adopted blocks in a list;
 * all die with the last reference. The count is atomic because graphs that share a store are
 * released by worker threads. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "autogo/graph.h"
#include "engine/base/alloc.h"

struct adopted {
  struct adopted *next;
  void *block;
  size_t size;
  void (*release)(void *, size_t);
};

struct ag_store {
  atomic_int references;
  ag_arena arena;
  ag_record *records;
  int count, capacity;
  struct adopted *adopted;
};

ag_store *ag_store_new(void) {
  ag_store *store = AG_NEW(ag_store);
  atomic_init(&store->references, 1);
  return store;
}

ag_store *ag_store_retain(ag_store *store) {
  atomic_fetch_add(&store->references, 1);
  return store;
}

void ag_store_release(ag_store *store) {
  if (!store || atomic_fetch_sub(&store->references, 1) > 1) return;
  for (struct adopted *a = store->adopted; a; a = a->next) a->release(a->block, a->size);
  free(store->records);
  ag_arena_free(&store->arena);
  free(store);
}

void *ag_store_alloc(ag_store *store, size_t size) {
  return ag_arena_alloc(&store->arena, size);
}

char *ag_store_string(ag_store *store, const char *text) {
  return ag_arena_strdup(&store->arena, text);
}

void ag_store_adopt(ag_store *store, void *block, size_t size, void (*release)(void *, size_t)) {
  struct adopted *a = ag_arena_alloc(&store->arena, sizeof *a);
  *a = (struct adopted){store->adopted, block, size, release};
  store->adopted = a;
}

int ag_store_add(ag_store *store, const ag_record *record) {
  AG_GROW(store->records, store->count, store->capacity);
  store->records[store->count] = *record;
  return store->count++;
}

const ag_record *ag_store_get(const ag_store *store, int index) {
  return index >= 0 && index < store->count ? &store->records[index] : NULL;
}
