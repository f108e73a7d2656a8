/* Networks without their additions: addition is associative and does not ask for an order, so that
 * (a + b) + c and a + (b + c) are one function, and whoever uses a sum can as well be told its
 * terms. Under ag_config.flatten an addition is no node; its users have its terms for
 * predecessors, a term as often as it occurs. */
#ifndef AG_PREDICT_FLAT_H
#define AG_PREDICT_FLAT_H

#include "engine/predict/model.h"

/* Nodes [first, last) of some arrays without the additions among them, numbered from 0. */
typedef struct ag_flat {
  int size;
  int32_t *place; /* [last - first + 1]: how many nodes before it are kept */
  int32_t *start, *operands;
  ag_node *nodes;
} ag_flat;

/* Operands outside of the range are left out. NULL if sums of sums have more than AG_FLAT_TERMS
 * terms in all: they may double with every node. O(nodes + edges + terms). */
enum { AG_FLAT_TERMS = 1 << 16 };
ag_flat *ag_flat_new(const ag_node *nodes, const int32_t *operand_start, const int32_t *operands,
                     int first, int last);
void ag_flat_free(ag_flat *flat); /* NULL is allowed */

/* The kept nodes as a graph that borrows them: only nodes, operands and normalisers are set. */
ag_graph ag_flat_graph(const ag_flat *flat, ag_shape normalisers);

static inline bool ag_flat_sum(const ag_config *config, const ag_node *node) {
  return config->flatten && node->op == AG_OP_ADD;
}

#endif
