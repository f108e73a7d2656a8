/* A hash map from ag_hash to int64_t, open addressing with linear probing, capacity a power
 * of two, at most 2/3 full. Keys are already hashes, so they are not hashed again. There is
 * no removal: visited sets, memos and interning tables only grow or are cleared whole. */
#ifndef AG_BASE_MAP_H
#define AG_BASE_MAP_H

#include "autogo/base.h"

typedef struct ag_map {
  struct ag_map_slot *slots;
  size_t capacity, count;
} ag_map; /* {0} is an empty map */

/* The value of `key`, or NULL. Valid until the next insertion. */
int64_t *ag_map_get(const ag_map *map, ag_hash key);
/* The value of `key`, inserted as `value` if it was absent; *inserted says which. */
int64_t *ag_map_put(ag_map *map, ag_hash key, int64_t value, bool *inserted);
/* Call visit for every key, in no order that means anything. */
void ag_map_each(const ag_map *map, void (*visit)(void *context, ag_hash key, int64_t value),
                 void *context);
/* Bytes it takes, growing included, until `more` keys were put. */
size_t ag_map_bytes(const ag_map *map, size_t more);
void ag_map_clear(ag_map *map); /* keeps the memory */
void ag_map_free(ag_map *map);

/* Mixing. ag_hash_bytes is for strings and plain data without padding; ag_hash_mix folds a
 * 64-bit word into a running hash (order matters). Start from ag_hash_seed(tag). */
ag_hash ag_hash_seed(uint64_t tag);
ag_hash ag_hash_mix(ag_hash h, uint64_t word);
ag_hash ag_hash_mix_hash(ag_hash h, ag_hash word);
ag_hash ag_hash_bytes(const void *data, size_t size);

#endif
