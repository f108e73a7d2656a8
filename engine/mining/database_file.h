/* The database's file.
 *
 *   "AGDB" | version u32 | payload size u64 | checksum u128 | payload       (little endian)
 *
 *   payload   families { length, bytes }
 *             entries  { hash u128, count, families,
 *                        layouts  { size, inputs, outputs,
 *                                   nodes { op, padding, bias, flags, kernel, dilation, alpha u32,
 *                                           operands { operand } },
 *                                   output nodes },
 *                        variants { layout, count, input shapes, node sizes } }
 *
 * Lists are preceded by their length; plain numbers are LEB128, operands zigzag. Of a node's sizes
 * only what ag_node_infer cannot derive is stored: stride, groups, pads, output channels, each only
 * for the ops that have it. */
#ifndef AG_MINING_DATABASE_FILE_H
#define AG_MINING_DATABASE_FILE_H

#include "engine/mining/database.h"

enum { AG_DATABASE_VERSION = 1, AG_DATABASE_MAX_NODES = 1 << 23 };

/* A size that the file stores of a node, and the least it can be. */
typedef struct ag_stored_size {
  int32_t *value;
  int32_t least;
} ag_stored_size;

enum { AG_STORED_SIZES = 8 };

/* The sizes stored of a node of this op and padding, in the order of the file; returns how many. */
int ag_node_stored_sizes(ag_node *node, ag_stored_size sizes[AG_STORED_SIZES]);

#endif
