/* The groups of a pass while nodes are put into them. */
#ifndef AG_HARDWARE_GROUP_H
#define AG_HARDWARE_GROUP_H

#include "engine/hardware/npu_internal.h"

/* The state of one run of a pass. */
typedef struct ag_placing {
  ag_pass *pass;
  const ag_device *device;
  const ag_pass_graph *graph;
  bool report;          /* it will be asked which node is in which group */
  int64_t energy;       /* dynamic */
  int64_t held;         /* bytes of all tensors that stay: never fewer than are alive at once */
  int64_t dram, shared; /* bytes moved */
} ag_placing;

void ag_group_lead(ag_placing *r, int32_t node);

/* Node goes on with the groups of an operand that it may follow. */
void ag_group_follow(ag_placing *r, int32_t node, int32_t operand);

/* Likewise for a join and all operands that it may follow, of which there is one at least. */
void ag_group_join(ag_placing *r, int32_t node);

/* What the node adds to the group that it has joined. */
void ag_group_add(ag_placing *r, int32_t node, const ag_added *more);

/* The least time of the groups whose tree begins in [from, to). */
int64_t ag_group_time(const ag_pass *p, int32_t from, int32_t to);

/* Put the groups led before pass->first back as they were; returns by how much their time had
 * grown. */
int64_t ag_group_undo(ag_pass *p);

/* After all nodes, with `report`: replace heads of trees by leaders in pass->group. */
void ag_group_settle(const ag_placing *r);

#endif
