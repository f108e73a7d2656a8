/* What the database's file stores of a node. */
#include <string.h>

#include "engine/mining/database_file.h"

static bool has_stride(int op) {
  ag_rule rule = ag_op_get((ag_op)op)->rule;
  return rule == AG_RULE_STRIDED || rule == AG_RULE_FOLD || rule == AG_RULE_UNFOLD ||
         rule == AG_RULE_UPSAMPLE;
}

static bool has_groups(int op) {
  return op == AG_OP_CONV || op == AG_OP_TRANSPOSED_CONV || op == AG_OP_CHANNEL_SHUFFLE;
}

static bool has_channels(int op) {
  return op == AG_OP_CONV || op == AG_OP_TRANSPOSED_CONV;
}

static bool has_pads(const ag_node *n) {
  return n->op == AG_OP_PADDINGS || n->op == AG_OP_TRANSPOSED_CONV || n->padding == AG_PAD_EXPLICIT;
}

int ag_node_stored_sizes(ag_node *n, ag_stored_size sizes[AG_STORED_SIZES]) {
  int count = 0;
  for (int d = 0; d < 2 && has_stride(n->op); d++)
    sizes[count++] = (ag_stored_size){&n->stride[d], 1};
  if (has_groups(n->op)) sizes[count++] = (ag_stored_size){&n->groups, 1};
  for (int k = 0; k < 4 && has_pads(n); k++) sizes[count++] = (ag_stored_size){&n->pads[k], 0};
  if (has_channels(n->op)) sizes[count++] = (ag_stored_size){&n->out.c, 1};
  return count;
}

ag_node ag_node_skeleton(const ag_node *n) {
  ag_node bare = ag_node_make(n->op), full = *n;
  bare.padding = n->padding;
  bare.bias = n->bias;
  bare.flags = n->flags;
  bare.alpha = n->alpha;
  memcpy(bare.kernel, n->kernel, sizeof n->kernel);
  memcpy(bare.dilation, n->dilation, sizeof n->dilation);
  ag_stored_size to[AG_STORED_SIZES], from[AG_STORED_SIZES];
  int count = ag_node_stored_sizes(&bare, to);
  ag_node_stored_sizes(&full, from);
  for (int k = 0; k < count; k++) *to[k].value = *from[k].value;
  return bare;
}
