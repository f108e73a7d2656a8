/* Opaque nodes back into a model: the node's own message with its operands renamed.
 *
 * The message was written for the source's operator set; ours is version 13 or the source's, if
 * that is newer. Over the versions, some attributes became operands: a table says which. */
#include <stdio.h>
#include <string.h>

#include "engine/formats/onnx_export.h"

ag_onnx_origin *ag_onnx_read_origin(const ag_graph *graph, int node) {
  const ag_record *record = ag_store_get(graph->store, graph->nodes[node].record);
  if (!record || !record->attributes || record->attributes_size > INT32_MAX) return NULL;
  ag_onnx_origin *origin =
      ag__onnx__origin__unpack(NULL, record->attributes_size, record->attributes);
  if (!origin) return NULL;
  if (origin->format && strcmp(origin->format, "onnx") == 0 && origin->n_shape <= AG_MAX_RANK)
    return origin;
  ag_onnx_free_origin(origin);
  return NULL;
}

void ag_onnx_free_origin(ag_onnx_origin *origin) {
  if (origin) ag__onnx__origin__free_unpacked(origin, NULL);
}

/* --- older versions --------------------------------------------------------------- */

/* Since version `since`, the attribute is operand `slot`. */
typedef struct move {
  const char *type, *attribute;
  int since, slot;
  bool real; /* floats rather than integers */
} move;

static const move moves[] = {
    {"Reshape", "shape", 5, 1, false},    {"Slice", "starts", 10, 1, false},
    {"Slice", "ends", 10, 2, false},      {"Slice", "axes", 10, 3, false},
    {"Clip", "min", 11, 1, true},         {"Clip", "max", 11, 2, true},
    {"Pad", "pads", 11, 1, false},        {"Pad", "value", 11, 2, true},
    {"Upsample", "scales", 9, 1, true},   {"Squeeze", "axes", 13, 1, false},
    {"Unsqueeze", "axes", 13, 1, false},  {"ReduceSum", "axes", 13, 1, false},
    {"Split", "split", 13, 1, false},     {"TopK", "k", 10, 1, false},
    {"ReduceMean", "axes", 18, 1, false}, {"ReduceMax", "axes", 18, 1, false},
    {"ReduceMin", "axes", 18, 1, false},  {"ReduceProd", "axes", 18, 1, false},
    {"ReduceL1", "axes", 18, 1, false},   {"ReduceL2", "axes", 18, 1, false},
};

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
    if (!a || version >= m->since || x->opset < m->since || strcmp(node->op_type, m->type) != 0)
      continue;
    while (node->n_input < (size_t)m->slot) ag_onnx_emit_input(node, ag_onnx_keep(x, ""));
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

/* Upsample became Resize with the sampling grid it always had, and Resize got a region of interest
 * between its operand and the scales. */
static void replace_upsample(ag_onnx_export *x, ag_onnx_node *node, int64_t version) {
  bool upsample = strcmp(node->op_type, "Upsample") == 0;
  if (!upsample && (version >= 11 || strcmp(node->op_type, "Resize") != 0)) return;
  char *scales = node->n_input > 1 ? node->input[1] : ag_onnx_keep(x, "");
  node->op_type = ag_onnx_keep(x, "Resize");
  node->n_input = 1;
  ag_onnx_emit_input(node, ag_onnx_keep(x, ""));
  ag_onnx_emit_input(node, scales);
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

/* --- emission --------------------------------------------------------------------- */

/* Shape of the next operand in the flat list of the origin; false at its end. */
static bool next_shape(const ag_onnx_origin *origin, size_t *at, ag_onnx_result_tensor *shape) {
  if (*at >= origin->n_operand_shape) return false;
  int64_t rank = origin->operand_shape[(*at)++];
  if (rank < 0 || rank > AG_MAX_RANK || (size_t)rank > origin->n_operand_shape - *at) return false;
  shape->rank = (int)rank;
  for (int d = 0; d < rank; d++) shape->dims[d] = origin->operand_shape[(*at)++];
  return true;
}

static int constant_at(const ag_record *record, int slot) {
  for (int i = 0; i < record->constants; i++)
    if (record->constant_position[i] == slot) return i;
  return -1;
}

/* Names of all operands of the source's node, in `names`. */
static ag_status read_operands(ag_onnx_export *x, int node, const ag_onnx_origin *origin,
                               char **names) {
  const ag_record *record = ag_store_get(x->graph->store, x->graph->nodes[node].record);
  const int32_t *operands = ag_graph_operands(x->graph, node);
  int next = 0, arity = ag_graph_arity(x->graph, node);
  size_t at = 0;
  for (size_t k = 0; k < origin->node->n_input; k++) {
    int constant = constant_at(record, (int)k);
    names[k] = ag_onnx_keep(x, "");
    if (!origin->node->input[k][0]) continue;
    if (constant >= 0) {
      names[k] = ag_onnx_emit_constant(x, node, constant);
      continue;
    }
    ag_onnx_result_tensor shape = {0};
    if (next == arity || !next_shape(origin, &at, &shape))
      return ag_fail(x->err, AG_INVALID, "it has lost an operand");
    const ag_onnx_result_tensor *from = &x->results[operands[next++]];
    names[k] = ag_onnx_emit_reshape(x, from->name, from, &shape, NULL);
  }
  return AG_OK;
}

/* The outputs that no CG node stands for get names of their own. */
static void name_outputs(ag_onnx_export *x, int node, const ag_onnx_origin *origin,
                         ag_onnx_node *copy) {
  const ag_record *record = ag_store_get(x->graph->store, x->graph->nodes[node].record);
  copy->n_output = origin->node->n_output;
  copy->output = ag_arena_alloc(&x->arena, copy->n_output * sizeof *copy->output);
  for (size_t k = 0; k < copy->n_output; k++) {
    bool named = origin->node->output[k][0];
    copy->output[k] = named ? ag_onnx_fresh(x) : ag_onnx_keep(x, "");
    if ((int)k == record->output_index) copy->output[k] = x->results[node].name;
  }
}

/* Other operator sets than the standard one are imported at the version the source had. */
static void import_domain(ag_onnx_export *x, const char *domain, int64_t version) {
  for (size_t i = 0; i < x->domain_count; i++)
    if (strcmp(x->domains[i]->domain, domain) == 0) return;
  Ag__Onnx__OperatorSet *set = ag_arena_alloc(&x->arena, sizeof *set);
  ag__onnx__operator_set__init(set);
  set->domain = ag_onnx_keep(x, domain);
  set->has_version = 1;
  set->version = version;
  AG_GROW(x->domains, x->domain_count, x->domain_capacity);
  x->domains[x->domain_count++] = set;
}

enum { ROOM = 4 }; /* operands and attributes that modernising may add */

static ag_onnx_node *emit_copy(ag_onnx_export *x, int node, const ag_onnx_origin *origin,
                               char **operands) {
  const ag_onnx_node *from = origin->node;
  int inputs = (int)from->n_input;
  ag_onnx_node *copy = ag_onnx_emit(x, from->op_type, inputs + ROOM, NULL);
  for (int k = 0; k < inputs; k++) ag_onnx_emit_input(copy, operands[k]);
  ag_onnx_name_node(x, copy, from->name);
  copy->domain = from->domain;
  copy->attribute = ag_arena_alloc(&x->arena, (from->n_attribute + ROOM) * sizeof *copy->attribute);
  for (size_t i = 0; i < from->n_attribute; i++)
    copy->attribute[copy->n_attribute++] = from->attribute[i];
  name_outputs(x, node, origin, copy);
  return copy;
}

ag_status ag_onnx_emit_opaque(ag_onnx_export *x, int node) {
  const ag_onnx_origin *origin = x->origins[node];
  if (!origin || !origin->node || !origin->node->op_type) {
    const ag_record *record = ag_store_get(x->graph->store, x->graph->nodes[node].record);
    return ag_fail(x->err, AG_UNSUPPORTED, "%s did not come from ONNX and has no form there",
                   record && record->source_op ? record->source_op : "an opaque node");
  }
  char **operands = ag_arena_alloc(&x->arena, origin->node->n_input * sizeof *operands);
  ag_status status = read_operands(x, node, origin, operands);
  if (status) return status;
  ag_onnx_node *copy = emit_copy(x, node, origin, operands);
  if (copy->domain && copy->domain[0] && strcmp(copy->domain, "ai.onnx") != 0) {
    import_domain(x, copy->domain, origin->opset);
    return AG_OK;
  }
  if (origin->opset > x->opset)
    return ag_fail(x->err, AG_UNSUPPORTED,
                   "%s comes from operator set %d; ask for that or a newer one", copy->op_type,
                   (int)origin->opset);
  modernise(x, copy, origin->opset);
  replace_upsample(x, copy, origin->opset);
  if (copy->n_input == 1 && copy->n_output == 1 &&
      is_flattening(copy, origin->opset, x->results[node].rank))
    wrap_flattening(x, copy, &x->results[node]);
  return AG_OK;
}
