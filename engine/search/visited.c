/* Sets of hashes, and the graphs that were seen. Members are hashes already and not hashed again.
 */
#include "engine/search/visited.h"

#include <stdlib.h>

#include "engine/base/alloc.h"

/* --- sets --------------------------------------------------------------------------------- */

static bool is_zero(ag_hash hash) {
  return (hash.hi | hash.lo) == 0;
}

/* Where a hash is, or where it would be put. */
static ag_hash *find_slot(const struct hash_set *set, ag_hash hash) {
  size_t mask = set->capacity - 1, i = (size_t)hash.lo & mask;
  while (!is_zero(set->slots[i]) && !ag_hash_equal(set->slots[i], hash)) i = (i + 1) & mask;
  return &set->slots[i];
}

bool ag_set_has(const struct hash_set *set, ag_hash hash) {
  if (is_zero(hash)) return set->zero;
  return set->capacity && !is_zero(*find_slot(set, hash));
}

static void resize(struct hash_set *set, size_t capacity) {
  struct hash_set larger = *set;
  larger.capacity = capacity;
  larger.slots = AG_ARRAY(ag_hash, capacity);
  for (size_t i = 0; i < set->capacity; i++)
    if (!is_zero(set->slots[i])) *find_slot(&larger, set->slots[i]) = set->slots[i];
  free(set->slots);
  *set = larger;
}

void ag_set_reserve(struct hash_set *set, size_t more) {
  size_t capacity = set->capacity ? set->capacity : 16;
  while (3 * (set->count + more) > 2 * capacity) capacity *= 2;
  if (capacity > set->capacity) resize(set, capacity);
}

void ag_set_prefetch(const struct hash_set *set, ag_hash hash) {
  if (set->capacity) __builtin_prefetch(&set->slots[(size_t)hash.lo & (set->capacity - 1)]);
}

bool ag_set_add(struct hash_set *set, ag_hash hash) {
  ag_set_reserve(set, 1);
  if (is_zero(hash)) {
    bool fresh = !set->zero;
    set->zero = true;
    return fresh;
  }
  ag_hash *slot = find_slot(set, hash);
  if (!is_zero(*slot)) return false;
  *slot = hash;
  set->count++;
  return true;
}

void ag_set_free(struct hash_set *set) {
  free(set->slots);
  *set = (struct hash_set){0};
}

/* --- graphs seen -------------------------------------------------------------------------- */

bool ag_visited_has(const struct visited *visited, ag_hash hash) {
  return ag_set_has(&visited->shard[ag_shard_of(hash)], hash);
}

bool ag_visited_add(struct visited *visited, ag_hash hash) {
  if (!ag_set_add(&visited->shard[ag_shard_of(hash)], hash)) return false;
  *ag_visited_extend(visited, 1) = hash;
  return true;
}

ag_hash *ag_visited_extend(struct visited *visited, int64_t more) {
  int64_t wanted = visited->count + more, capacity = visited->capacity;
  if (wanted > capacity) {
    capacity = wanted > 2 * capacity ? wanted : 2 * capacity;
    visited->list = ag_resize(visited->list, (size_t)capacity, sizeof *visited->list);
    visited->capacity = capacity;
  }
  ag_hash *room = visited->list + visited->count;
  visited->count = wanted;
  return room;
}

void ag_visited_free(struct visited *visited) {
  for (int s = 0; s < AG_SHARDS; s++) ag_set_free(&visited->shard[s]);
  free(visited->list);
  *visited = (struct visited){0};
}
