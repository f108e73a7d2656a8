/* The graphs a search has seen, by their hashes: in the order of sight, and as sets to ask. The
 * hashes are dealt out to several sets, so that as many threads can add to them at a time. */
#ifndef AG_SEARCH_VISITED_H
#define AG_SEARCH_VISITED_H

#include "autogo/base.h"

/* A set of hashes, open addressing with linear probing, a power of two of slots, at most 2/3 of
 * them taken. Nothing is removed. */
struct hash_set {
  ag_hash *slots; /* {0, 0} is an empty one */
  size_t capacity, count;
  bool zero; /* {0, 0} is a member */
};           /* {0} is an empty set */

bool ag_set_has(const struct hash_set *set, ag_hash hash);
/* True if it is new. */
bool ag_set_add(struct hash_set *set, ag_hash hash);
/* Make room for `more` members, so that adding them moves none. */
void ag_set_reserve(struct hash_set *set, size_t more);
/* Begin to fetch what asking for a hash will need: for many known in advance, each a cache miss. */
void ag_set_prefetch(const struct hash_set *set, ag_hash hash);
void ag_set_free(struct hash_set *set);

enum { AG_SHARDS = 8 };

struct visited {
  struct hash_set shard[AG_SHARDS];
  ag_hash *list;
  int64_t count, capacity;
}; /* {0}: nothing */

static inline int ag_shard_of(ag_hash hash) {
  return (int)(hash.hi >> 32) & (AG_SHARDS - 1); /* the low words choose slots */
}

bool ag_visited_has(const struct visited *visited, ag_hash hash);
/* True if it is new. */
bool ag_visited_add(struct visited *visited, ag_hash hash);
/* Room for `more` hashes at the end of the list, which the caller fills in, having added them to
 * their shards. */
ag_hash *ag_visited_extend(struct visited *visited, int64_t more);
void ag_visited_free(struct visited *visited);

#endif
