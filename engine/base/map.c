/* Hash map, and the hash of bytes. A slot is empty while `used` is 0; keys are spread by their low
 * word, which ag_hash_mix makes uniform. */
#include "engine/base/map.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"

struct ag_map_slot {
  ag_hash key;
  int64_t value;
  uint64_t used;
};

static struct ag_map_slot *find_slot(const ag_map *map, ag_hash key) {
  size_t mask = map->capacity - 1;
  size_t i = (size_t)key.lo & mask;
  while (map->slots[i].used && !ag_hash_equal(map->slots[i].key, key)) i = (i + 1) & mask;
  return &map->slots[i];
}

int64_t *ag_map_get(const ag_map *map, ag_hash key) {
  if (map->count == 0) return NULL;
  struct ag_map_slot *slot = find_slot(map, key);
  return slot->used ? &slot->value : NULL;
}

static bool is_full(size_t count, size_t capacity) {
  return 3 * (count + 1) > 2 * capacity;
}

static size_t next_capacity(size_t capacity) {
  return capacity ? capacity * 2 : 16;
}

static void grow(ag_map *map) {
  ag_map larger = {.capacity = next_capacity(map->capacity), .count = map->count};
  larger.slots = AG_ARRAY(struct ag_map_slot, larger.capacity);
  for (size_t i = 0; i < map->capacity; i++)
    if (map->slots[i].used) *find_slot(&larger, map->slots[i].key) = map->slots[i];
  free(map->slots);
  *map = larger;
}

int64_t *ag_map_put(ag_map *map, ag_hash key, int64_t value, bool *inserted) {
  if (is_full(map->count, map->capacity)) grow(map);
  struct ag_map_slot *slot = find_slot(map, key);
  bool fresh = !slot->used;
  if (fresh) {
    *slot = (struct ag_map_slot){.key = key, .value = value, .used = 1};
    map->count++;
  }
  if (inserted) *inserted = fresh;
  return &slot->value;
}

size_t ag_map_bytes(const ag_map *map, size_t more) {
  size_t before = 0, capacity = map->capacity;
  while (more > 0 && is_full(map->count + more - 1, capacity)) {
    before = capacity;
    capacity = next_capacity(capacity);
  }
  return (before + capacity) * sizeof *map->slots;
}

void ag_map_free(ag_map *map) {
  free(map->slots);
  *map = (ag_map){0};
}

ag_hash ag_hash_bytes(const void *data, size_t size) {
  const unsigned char *bytes = data;
  ag_hash h = ag_hash_seed(size);
  for (size_t i = 0; i < size; i += 8) {
    uint64_t word = 0;
    for (size_t k = 0; k < 8 && i + k < size; k++) word |= (uint64_t)bytes[i + k] << (8 * k);
    h = ag_hash_mix(h, word);
  }
  return h;
}
