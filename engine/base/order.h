/* Order of what depends on each other. */
#ifndef AG_BASE_ORDER_H
#define AG_BASE_ORDER_H

#include <stdint.h>

/* A topological order of the nodes [0, size): each in turn, after the operands it still lacks, so
 * that nothing moves where the numbers are one already. The operands of a node are
 * operands[start[node]] .. operands[start[node + 1] - 1]; a negative one is no node. Returns -1, or
 * a node that depends on itself, and then `order` is not complete. O(nodes + operands). */
int ag_topological_order(int size, const int32_t *start, const int32_t *operands, int32_t *order);

#endif
