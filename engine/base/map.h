/* A hash map from ag_hash to int64_t, open addressing with linear probing, capacity a power
 * of two, at most 2/3 full. Keys are already hashes, so they are not hashed again. There is
 * no removal: visited sets, memos and interning tables only grow. */
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
/* Bytes it takes, growing included, until `more` keys were put. */
size_t ag_map_bytes(const ag_map *map, size_t more);
void ag_map_free(ag_map *map);

/* Mixing. ag_hash_bytes is for strings and plain data without padding; ag_hash_mix folds a
 * 64-bit word into a running hash (order matters). Start from ag_hash_seed(tag). Inline because a
 * search spends its time here: a child's identity takes hundreds of them. */

/* The finaliser of splitmix64: a bijection in which every input bit moves half the output. */
static inline uint64_t ag_hash_scramble(uint64_t x) {
  x ^= x >> 30;
  x *= UINT64_C(0xbf58476d1ce4e5b9);
  x ^= x >> 27;
  x *= UINT64_C(0x94d049bb133111eb);
  return x ^ (x >> 31);
}

/* Two 64-bit lanes with different constants, each fed by the other. */
static inline ag_hash ag_hash_mix(ag_hash h, uint64_t word) {
  uint64_t lo = ag_hash_scramble((h.lo ^ word) + UINT64_C(0x9e3779b97f4a7c15));
  uint64_t hi =
      ag_hash_scramble((h.hi + word * UINT64_C(0xff51afd7ed558ccd)) ^ (lo >> 32 | lo << 32));
  return (ag_hash){hi, lo + hi};
}

static inline ag_hash ag_hash_seed(uint64_t tag) {
  ag_hash h = {UINT64_C(0x243f6a8885a308d3) + AG_HASH_VERSION, UINT64_C(0x13198a2e03707344)};
  return ag_hash_mix(h, tag);
}

static inline ag_hash ag_hash_mix_hash(ag_hash h, ag_hash word) {
  return ag_hash_mix(ag_hash_mix(h, word.hi), word.lo);
}

ag_hash ag_hash_bytes(const void *data, size_t size);

#endif
