/* Operator sets: what each demands of a node, and how it says it.
 *
 * Over the versions attributes became operands; a table says which, for nodes that we make as for
 * those of a source (opaque nodes), which were written for its operator set. */
#include <string.h>

#include "engine/formats/onnx_export.h"

/* --- settings --------------------------------------------------------------------- */

/* Since version `since`, the attribute is operand `slot`. */
typedef struct move {
  const char *type, *attribute;
  int since, slot;
  bool real; /* floats rather than integers */
} move;

static const move moves[] = {
    {"Reshape", "shape", 5, 1, false},      {"Slice", "starts", 10, 1, false},
    {"Slice", "ends", 10, 2, false},        {"Slice", "axes", 10, 3, false},
    {"Clip", "min", 11, 1, true},           {"Clip", "max", 11, 2, true},
    {"Pad", "pads", 11, 1, false},          {"Pad", "value", 11, 2, true},
    {"Upsample", "scales", 9, 1, true},     {"Squeeze", "axes", 13, 1, false},
    {"Unsqueeze", "axes", 13, 1, false},    {"ReduceSum", "axes", 13, 1, false},
    {"Split", "split", 13, 1, false},       {"TopK", "k", 10, 1, false},
    {"ReduceMean", "axes", 18, 1, false},   {"ReduceMax", "axes", 18, 1, false},
    {"ReduceMin", "axes", 18, 1, false},    {"ReduceProd", "axes", 18, 1, false},
    {"ReduceL1", "axes", 18, 1, false},     {"ReduceL2", "axes", 18, 1, false},
    {"Dropout", "ratio", 12, 1, true},      {"ReduceSumSquare", "axes", 18, 1, false},
    {"ReduceLogSum", "axes", 18, 1, false}, {"ReduceLogSumExp", "axes", 18, 1, false},
};

static bool is_move(const move *m, const char *type, const char *attribute) {
  return strcmp(m->type, type) == 0 && strcmp(m->attribute, attribute) == 0;
}

/* True if the setting is an operand in the set we write; operands left out stand before it. */
static bool is_operand(ag_onnx_export *x, ag_onnx_node *node, const char *name) {
  for (size_t i = 0; i < sizeof moves / sizeof *moves; i++) {
    if (!is_move(&moves[i], node->op_type, name) || x->opset < moves[i].since) continue;
    while (node->n_input < (size_t)moves[i].slot) ag_onnx_emit_input(node, ag_onnx_keep(x, ""));
    return true;
  }
  return false;
}

void ag_onnx_emit_setting(ag_onnx_export *x, ag_onnx_node *node, const char *name, float value) {
  if (is_operand(x, node, name))
    ag_onnx_emit_input(node, ag_onnx_emit_scalar(x, value));
  else
    ag_onnx_emit_float(x, node, name, value);
}

void ag_onnx_emit_int_setting(ag_onnx_export *x, ag_onnx_node *node, const char *name,
                              const int64_t *values, int count) {
  if (is_operand(x, node, name))
    ag_onnx_emit_input(node, ag_onnx_emit_int_list(x, values, count));
  else
    ag_onnx_emit_ints(x, node, name, values, count);
}

char *ag_onnx_emit_no_region(ag_onnx_export *x) {
  return x->opset >= 13 ? ag_onnx_keep(x, "") : ag_onnx_emit_float_list(x, NULL, 0, false);
}

/* --- what CG nodes need ----------------------------------------------------------- */

int ag_onnx_needed_opset(const ag_node *n) {
  bool dilated = n->dilation[0] != 1 || n->dilation[1] != 1;
  bool fixed = n->padding == AG_PAD_SAME || n->padding == AG_PAD_SAME_LOWER;
  bool rounds_up = (n->flags & AG_FLAG_CEIL) && !fixed;
  switch ((ag_op)n->op) {
  case AG_OP_GELU:
    return 9; /* Erf */
  case AG_OP_RESIZE:
    return n->flags & AG_FLAG_LINEAR ? 11 : AG_ONNX_OPSET_MIN; /* says where it samples */
  case AG_OP_MAXPOOL:
    return dilated ? 10 : AG_ONNX_OPSET_MIN;
  case AG_OP_AVGPOOL: /* cells that rounding up adds are no pads, which count */
    return dilated ? 19 : rounds_up && (n->flags & AG_FLAG_COUNT_PADS) ? 10 : AG_ONNX_OPSET_MIN;
  default:
    return AG_ONNX_OPSET_MIN;
  }
}

/* --- nodes of a source ------------------------------------------------------------ */

/* The version that gave an op the form it still has, but for the types it takes. */
static const struct {
  const char *type;
  int since;
} settled[] = {
    {"Abs", 6},
    {"Add", 7},
    {"Ceil", 6},
    {"Concat", 4},
    {"Conv", 1},
    {"ConvTranspose", 1},
    {"Cos", 7},
    {"Div", 7},
    {"Elu", 6},
    {"Erf", 9},
    {"Exp", 6},
    {"Expand", 8},
    {"Floor", 6},
    {"Gather", 1},
    {"GlobalMaxPool", 1},
    {"HardSigmoid", 6},
    {"Identity", 1},
    {"InstanceNormalization", 6},
    {"LRN", 1},
    {"LeakyRelu", 6},
    {"Log", 6},
    {"LpNormalization", 1},
    {"MatMul", 1},
    {"Max", 8},
    {"Mean", 8},
    {"Min", 8},
    {"Mul", 7},
    {"Neg", 6},
    {"Not", 1},
    {"PRelu", 7},
    {"Pow", 7},
    {"Reciprocal", 6},
    {"Relu", 6},
    {"Selu", 6},
    {"Shrink", 9},
    {"Sigmoid", 6},
    {"Sign", 9},
    {"Sin", 7},
    {"Softplus", 1},
    {"Softsign", 1},
    {"Sqrt", 6},
    {"Sub", 7},
    {"Sum", 8},
    {"Tanh", 6},
    {"ThresholdedRelu", 10},
    {"Tile", 6},
    {"Transpose", 1},
    {"Where", 9},
};

static int64_t oldest_form(const char *type, int64_t version) {
  for (size_t i = 0; i < sizeof settled / sizeof *settled; i++)
    if (strcmp(settled[i].type, type) == 0 && settled[i].since < version) return settled[i].since;
  return version;
}

static void drop_attribute(ag_onnx_node *node, const ag_onnx_attribute *attribute) {
  size_t kept = 0;
  for (size_t i = 0; i < node->n_attribute; i++)
    if (node->attribute[i] != attribute) node->attribute[kept++] = node->attribute[i];
  node->n_attribute = kept;
}

static char *attribute_tensor(ag_onnx_export *x, const ag_onnx_attribute *a, bool real) {
  if (!real && a->n_ints) return ag_onnx_emit_int_list(x, a->ints, (int)a->n_ints);
  if (!real) return ag_onnx_emit_int_list(x, &a->i, a->has_i);
  if (a->n_floats) return ag_onnx_emit_float_list(x, a->floats, (int)a->n_floats, false);
  return ag_onnx_emit_float_list(x, &a->f, 1, true);
}

/* `node` has room for operands up to slot 3. */
static void modernise(ag_onnx_export *x, ag_onnx_node *node, int64_t version) {
  for (size_t i = 0; i < sizeof moves / sizeof *moves; i++) {
    const move *m = &moves[i];
    const ag_onnx_attribute *a = ag_onnx_attr(node, m->attribute);
    if (!a || version >= m->since || !is_move(m, node->op_type, m->attribute)) continue;
    if (!is_operand(x, node, m->attribute)) continue;
    ag_onnx_emit_input(node, attribute_tensor(x, a, m->real));
    drop_attribute(node, a);
  }
  ag_onnx_attribute *to = (ag_onnx_attribute *)(uintptr_t)ag_onnx_attr(node, "to");
  if (to && strcmp(node->op_type, "Cast") == 0) to->i = ag_onnx_cast_type(node);
  if (version < 7) { /* broadcasting had to be asked for; in-place hints */
    drop_attribute(node, ag_onnx_attr(node, "broadcast"));
    drop_attribute(node, ag_onnx_attr(node, "consumed_inputs"));
  }
}

/* Upsample became Resize with the sampling grid it always had (10), which Resize then could state,
 * and Resize got a region of interest between its operand and the scales (11). */
static void replace_upsample(ag_onnx_export *x, ag_onnx_node *node, int64_t version) {
  bool upsample = strcmp(node->op_type, "Upsample") == 0;
  if (!upsample && (version >= 11 || strcmp(node->op_type, "Resize") != 0)) return;
  if (x->opset < (upsample ? 10 : 11)) return;
  char *scales = node->n_input > 1 ? node->input[1] : ag_onnx_keep(x, "");
  node->op_type = ag_onnx_keep(x, "Resize");
  node->n_input = 1;
  if (x->opset >= 11) ag_onnx_emit_input(node, ag_onnx_emit_no_region(x));
  ag_onnx_emit_input(node, scales);
  if (x->opset < 11) return;
  ag_onnx_emit_text(x, node, "coordinate_transformation_mode", "asymmetric");
  ag_onnx_emit_text(x, node, "nearest_mode", "floor");
}

/* Before version 13 these ran over everything from `axis` on, as if flattened to two dimensions. */
static bool is_flattening(const ag_onnx_node *node, int64_t version, int rank) {
  bool softmax = strcmp(node->op_type, "Softmax") == 0 ||
                 strcmp(node->op_type, "LogSoftmax") == 0 || strcmp(node->op_type, "Hardmax") == 0;
  int64_t axis = ag_onnx_attr_int(node, "axis", 1);
  return softmax && version < 13 && (axis < 0 ? axis + rank : axis) < rank - 1;
}

/* Flatten, the node over rows, and back to `shape`. */
static void wrap_flattening(ag_onnx_export *x, ag_onnx_node *node,
                            const ag_onnx_result_tensor *shape) {
  int64_t dims[AG_MAX_RANK], axis = ag_onnx_attr_int(node, "axis", 1);
  memcpy(dims, shape->dims, sizeof dims);
  dims[0] = -1; /* whatever the batch */
  char *output = node->output[0], *rows = ag_onnx_fresh(x);
  x->node_count--; /* the flattened operand comes first */
  ag_onnx_node *flatten = ag_onnx_emit(x, "Flatten", 1, rows);
  ag_onnx_emit_input(flatten, node->input[0]);
  ag_onnx_emit_int(x, flatten, "axis", axis < 0 ? axis + shape->rank : axis);
  drop_attribute(node, ag_onnx_attr(node, "axis"));
  ag_onnx_emit_int(x, node, "axis", 1);
  node->input[0] = rows;
  node->output[0] = ag_onnx_fresh(x);
  AG_GROW(x->nodes, x->node_count, x->node_capacity);
  x->nodes[x->node_count++] = node;
  ag_onnx_node *back = ag_onnx_emit(x, "Reshape", 2, output);
  ag_onnx_emit_input(back, node->output[0]);
  ag_onnx_emit_input(back, ag_onnx_emit_int_list(x, dims, shape->rank));
}

/* Since version 18 equal parts have to be counted. */
static void count_parts(ag_onnx_export *x, ag_onnx_node *node, int64_t version) {
  if (strcmp(node->op_type, "Split") != 0 || version >= 18 || x->opset < 18) return;
  if (node->n_input < 2) ag_onnx_emit_int(x, node, "num_outputs", (int64_t)node->n_output);
}

/* Each number repeated, so that one per group becomes one per channel. */
static char *emit_repeated(ag_onnx_export *x, char *name, int64_t count, int64_t times) {
  char *columns = ag_onnx_emit_step(x, "Reshape", name,
                                    ag_onnx_emit_int_list(x, (const int64_t[]){count, 1}, 2));
  char *rows = ag_onnx_emit_step(x, "Expand", columns,
                                 ag_onnx_emit_int_list(x, (const int64_t[]){count, times}, 2));
  return ag_onnx_emit_step(x, "Reshape", rows,
                           ag_onnx_emit_int_list(x, (const int64_t[]){count * times}, 1));
}

/* Before version 21 a group norm had one scale and one shift per group. */
static void scale_channels(ag_onnx_export *x, ag_onnx_node *node, int64_t version,
                           const ag_onnx_result_tensor *shape) {
  if (strcmp(node->op_type, "GroupNormalization") != 0 || version >= 21 || x->opset < 21) return;
  int64_t groups = ag_onnx_attr_int(node, "num_groups", 0);
  if (node->n_input < 3 || shape->rank < 2 || groups < 1) return;
  x->node_count--; /* what it reads comes first */
  for (int k = 1; k < 3; k++)
    node->input[k] = emit_repeated(x, node->input[k], groups, shape->dims[1] / groups);
  AG_GROW(x->nodes, x->node_count, x->node_capacity);
  x->nodes[x->node_count++] = node;
}

ag_status ag_onnx_emit_version(ag_onnx_export *x, ag_onnx_node *node, int64_t version,
                               const ag_onnx_result_tensor *shape) {
  if (version > x->opset && oldest_form(node->op_type, version) > x->opset)
    return ag_fail(x->err, AG_UNSUPPORTED,
                   "%s comes from operator set %d; ask for that or a newer one", node->op_type,
                   (int)version);
  modernise(x, node, version);
  replace_upsample(x, node, version);
  count_parts(x, node, version);
  scale_channels(x, node, version, shape);
  if (x->opset >= 13 && node->n_input == 1 && node->n_output == 1 &&
      is_flattening(node, version, shape->rank))
    wrap_flattening(x, node, shape);
  return AG_OK;
}
