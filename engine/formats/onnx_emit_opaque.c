/* Opaque nodes back into a model: the node's own message with its operands renamed.
 *
 * The message was written for the source's operator set: onnx_emit_versions.c brings it to ours. */
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
  return ag_onnx_emit_version(x, copy, origin->opset, &x->results[node]);
}
