/* The ops table as data, expanded from ops.def, and the index from names to ops. */
#include <limits.h>
#include <string.h>

#include "autogo/node.h"
#include "engine/graph/names.h"

#define MANY INT_MAX

static const ag_op_info ops[AG_OP_COUNT] = {
#define OP(id, name, feature, min, max, rule, mutable, macs)                                       \
  [AG_OP_##id] = {name, feature, min, max, AG_RULE_##rule, AG_MUTABLE_##mutable},
#include "autogo/ops.def"
#undef OP
};

const ag_op_info *ag_op_get(ag_op op) {
  return &ops[op];
}

const char *const ag_padding_names[AG_PADDING_NAMES] = {"same", "valid", "explicit", "same_lower"};
const char *const ag_flag_names[AG_FLAG_NAMES] = {"ceil", "count_pads", "align", "linear", "slice"};

static const struct alias {
  const char *name;
  ag_op op;
} aliases[] = {
    {"addn", AG_OP_ADD},
    {"conv2d", AG_OP_CONV},
    {"fusedbatchnorm", AG_OP_BATCHNORM},
    {"fusedbatchnormv3", AG_OP_BATCHNORM},
};

int ag_op_find(const char *name) {
  for (int op = 0; op < AG_OP_COUNT; op++)
    if (strcmp(ops[op].name, name) == 0) return op;
  for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
    if (strcmp(aliases[i].name, name) == 0) return (int)aliases[i].op;
  return -1;
}

bool ag_op_weighted(ag_op op) {
  return op == AG_OP_CONV || op == AG_OP_DEPTHWISE || op == AG_OP_MATMUL ||
         op == AG_OP_TRANSPOSED_CONV;
}

ag_node ag_node_make(ag_op op) {
  return (ag_node){.op = (uint8_t)op,
                   .padding = AG_PAD_SAME,
                   .stride = {1, 1},
                   .dilation = {1, 1},
                   .groups = 1,
                   .record = -1};
}
