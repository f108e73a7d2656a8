/* Nodes of a model under construction. */
#include <string.h>

#include "engine/formats/neutral_model.h"

enum { MOST_NODES = 1 << 20 };

ag_onnx_node *ag_neutral_begin(ag_neutral *n, const char *type, const char *name) {
  ag_onnx_node *node = ag_arena_alloc(n->arena, sizeof *node);
  const char *dot = strchr(type, '.');
  ag__onnx__node__init(node);
  node->name = ag_arena_strdup(n->arena, name);
  node->op_type = ag_arena_strdup(n->arena, dot ? dot + 1 : type);
  if (dot) node->domain = ag_arena_strdup(n->arena, n->format);
  return node;
}

enum { MOST_ATTRIBUTES = 16 };

static ag_onnx_attribute *add_attribute(ag_neutral *n, ag_onnx_node *node, const char *name,
                                        int type) {
  ag_onnx_attribute *a = ag_arena_alloc(n->arena, sizeof *a);
  ag__onnx__attribute__init(a);
  a->name = ag_arena_strdup(n->arena, name);
  a->has_type = 1;
  a->type = type;
  if (!node->attribute)
    node->attribute = ag_arena_alloc(n->arena, MOST_ATTRIBUTES * sizeof *node->attribute);
  if (node->n_attribute < MOST_ATTRIBUTES) node->attribute[node->n_attribute++] = a;
  return a;
}

void ag_neutral_int(ag_neutral *n, ag_onnx_node *node, const char *name, int64_t value) {
  ag_onnx_attribute *a = add_attribute(n, node, name, AG_ONNX_ATTRIBUTE_INT);
  a->has_i = 1;
  a->i = value;
}

void ag_neutral_float(ag_neutral *n, ag_onnx_node *node, const char *name, float value) {
  ag_onnx_attribute *a = add_attribute(n, node, name, AG_ONNX_ATTRIBUTE_FLOAT);
  a->has_f = 1;
  a->f = value;
}

void ag_neutral_text(ag_neutral *n, ag_onnx_node *node, const char *name, const char *value) {
  ag_onnx_attribute *a = add_attribute(n, node, name, AG_ONNX_ATTRIBUTE_STRING);
  a->has_s = 1;
  a->s.len = strlen(value);
  a->s.data = (uint8_t *)ag_arena_strdup(n->arena, value);
}

void ag_neutral_ints(ag_neutral *n, ag_onnx_node *node, const char *name, const int64_t *values,
                     int count) {
  ag_onnx_attribute *a = add_attribute(n, node, name, AG_ONNX_ATTRIBUTE_INTS);
  size_t bytes = (size_t)count * sizeof *values;
  a->n_ints = (size_t)count;
  a->ints = memcpy(ag_arena_alloc(n->arena, bytes), values, bytes);
}

static void set_operands(ag_neutral *n, ag_onnx_node *node, const int *operands, int count) {
  node->n_input = (size_t)count;
  node->input = ag_arena_alloc(n->arena, (size_t)count * sizeof *node->input);
  for (int k = 0; k < count; k++)
    node->input[k] = operands[k] < 0 ? ag_arena_strdup(n->arena, "")
                                     : (char *)(uintptr_t)n->probe.values[operands[k]].name;
}

static void set_results(ag_neutral *n, ag_onnx_node *node, int *results, int count,
                        const ag_tensor *declared) {
  node->n_output = (size_t)count;
  node->output = ag_arena_alloc(n->arena, (size_t)count * sizeof *node->output);
  for (int k = 0; k < count; k++) {
    results[k] = ag_neutral_add_value(n, node->name);
    ag_onnx_value *v = &n->probe.values[results[k]];
    node->output[k] = (char *)(uintptr_t)v->name;
    if (declared && declared[k].rank >= 0) v->info = ag_neutral_make_info(n, v->name, &declared[k]);
  }
}

/* Run the node through the importer on its own. */
static ag_status probe(ag_neutral *n, ag_onnx_node *node, const int *operands, int count,
                       const int *results, int result_count) {
  ag_onnx_import *p = &n->probe;
  p->inputs = ag_arena_alloc(&p->arena, (size_t)count * sizeof *p->inputs);
  p->outputs = ag_arena_alloc(&p->arena, (size_t)result_count * sizeof *p->outputs);
  for (int k = 0; k < count; k++) p->inputs[k] = operands[k];
  for (int k = 0; k < result_count; k++) p->outputs[k] = results[k];
  n->ends[1] = count;
  n->ends[3] = result_count;
  n->probe_graph.n_node = 1;
  n->probe_graph.node = &node;
  ag_status status = ag_onnx_import_node(p, 0);
  return status ? ag_neutral_at_source(n, status) : AG_OK;
}

static void keep_node(ag_neutral *n, ag_onnx_node *node, const int *operands, int count,
                      const int *results, int result_count) {
  for (int k = 0; k < count; k++)
    if (operands[k] >= 0) ag_neutral_emit_constant(n, operands[k]);
  AG_GROW(n->nodes, n->node_count, n->node_capacity);
  n->nodes[n->node_count] = node;
  int same = n->node_count;
  AG_GROW(n->node_source, same, n->node_source_capacity);
  n->node_source[n->node_count++] = n->source_count - 1;
  for (int k = 0; k < result_count; k++) {
    const ag_onnx_value_info *info = n->probe.values[results[k]].info;
    if (!info) continue;
    AG_GROW(n->infos, n->info_count, n->info_capacity);
    n->infos[n->info_count++] = (ag_onnx_value_info *)(uintptr_t)info;
  }
}

ag_status ag_neutral_end_many(ag_neutral *n, ag_onnx_node *node, const int *operands, int count,
                              int *results, int result_count, const ag_tensor *declared) {
  if (n->node_count == MOST_NODES)
    return ag_neutral_fail(n, AG_LIMIT, "more than %d nodes", MOST_NODES);
  set_operands(n, node, operands, count);
  set_results(n, node, results, result_count, declared);
  ag_status status = probe(n, node, operands, count, results, result_count);
  if (status) return status;
  if (result_count == 1 && ag_neutral_is_constant(n, results[0])) return AG_OK;
  keep_node(n, node, operands, count, results, result_count);
  return AG_OK;
}

ag_status ag_neutral_end(ag_neutral *n, ag_onnx_node *node, const int *operands, int count,
                         int *result) {
  return ag_neutral_end_many(n, node, operands, count, result, 1, NULL);
}

ag_status ag_neutral_apply(ag_neutral *n, const char *type, const char *name, const int *operands,
                           int count, int *result) {
  return ag_neutral_end(n, ag_neutral_begin(n, type, name), operands, count, result);
}
