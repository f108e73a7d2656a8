/* How a graph owns its memory: the public struct first, then the count and one block per
 * array. Shared by graph.c (life and checks), builder.c and splice.c (making). */
#ifndef AG_GRAPH_INTERNAL_H
#define AG_GRAPH_INTERNAL_H

#include <stdatomic.h>

#include "autogo/graph.h"

struct graph_block {
  ag_graph graph; /* must stay first */
  atomic_int references;
};

/* A graph of `size` nodes and `operand_count` operand slots, nothing filled but the counts;
 * takes one reference to `store`. `named` asks for a names array. */
ag_graph *ag_graph_allocate(int size, int operand_count, bool named, const char *name,
                            const char *family, ag_store *store);

/* Where the next array of a block may begin. */
static inline size_t ag_align8(size_t size) {
  return (size + 7) & ~(size_t)7;
}

/* The writable arrays of a graph under construction. */
static inline ag_node *ag_graph_nodes_mut(ag_graph *g) {
  return (ag_node *)g->nodes;
}
static inline int32_t *ag_graph_starts_mut(ag_graph *g) {
  return (int32_t *)g->operand_start;
}
static inline int32_t *ag_graph_operands_mut(ag_graph *g) {
  return (int32_t *)g->operands;
}
static inline const char **ag_graph_names_mut(ag_graph *g) {
  return (const char **)g->names;
}

/* Fill user_start and users from the operands. */
void ag_graph_index_users(ag_graph *g);

/* Costs are summed in 64 bits over the nodes of a graph or segment: 2^44 elements or MACs per
 * node, its `count` operands counted, leave room for 2^17 nodes. No network comes near. Errors:
 * AG_INVALID. */
ag_status ag_node_check_counts(const ag_node *node, int count, ag_error *err);

#endif
