/* Networks as some models see them.
 * Without their additions: addition is associative and does not ask for an order, so that
 * (a + b) + c and a + (b + c) are one function, and whoever uses a sum can as well be told its
 * terms. Under ag_config.flatten an addition is no node; its users have its terms for
 * predecessors, a term as often as it occurs.
 * From their ends: under ag_config.backward nodes come in reverse order and have their users for
 * predecessors, so that a node hears of what is made of it instead of what it was made from. */
#ifndef AG_PREDICT_FLAT_H
#define AG_PREDICT_FLAT_H

#include "engine/predict/model.h"

/* Nodes [first, last) of some arrays as a model sees them, numbered from 0. */
typedef struct ag_flat {
  bool backward;
  int size;
  int32_t *place; /* [last - first + 1]: how many nodes before it are kept */
  int32_t *start, *operands;
  ag_node *nodes;
} ag_flat;

/* Whether the model sees something else than the graph itself. */
static inline bool ag_flat_needed(const ag_config *config) {
  return config->flatten || config->backward;
}

/* Operands outside of the range are left out. NULL if sums of sums have more than AG_FLAT_TERMS
 * terms in all: they may double with every node. O(nodes + edges + terms). */
enum { AG_FLAT_TERMS = 1 << 16 };
ag_flat *ag_flat_new(const ag_config *config, const ag_node *nodes, const int32_t *operand_start,
                     const int32_t *operands, int first, int last);
void ag_flat_free(ag_flat *flat); /* NULL is allowed */

/* Where a boundary of the range, from 0, lies among the nodes that the model sees; backward, what
 * was before it is after it. */
static inline int ag_flat_boundary(const ag_flat *flat, int boundary) {
  return flat->backward ? flat->size - flat->place[boundary] : flat->place[boundary];
}

/* The kept nodes as a graph that borrows them: only nodes, operands and normalisers are set. */
ag_graph ag_flat_graph(const ag_flat *flat, ag_shape normalisers);

static inline bool ag_flat_sum(const ag_config *config, const ag_node *node) {
  return config->flatten && node->op == AG_OP_ADD;
}

#endif
