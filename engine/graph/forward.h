/* Forward hashes in parts, for those who hash the same nodes many times over changing operands: a
 * node's own part, the terms of its operands, and the two put together. */
#ifndef AG_GRAPH_FORWARD_H
#define AG_GRAPH_FORWARD_H

#include "autogo/graph.h"
#include "engine/base/map.h"

/* What a node's forward hash starts from: its attributes and the number of its operands. */
static inline ag_hash ag_forward_own(const ag_node *node, int count) {
  return ag_hash_mix(ag_node_hash(node, AG_EQUAL_SHAPES), (uint64_t)count);
}

/* ag_hash_multiset_term. */
static inline ag_hash ag_forward_term(ag_hash h) {
  return ag_hash_mix_hash(ag_hash_seed(1), h);
}

#endif
