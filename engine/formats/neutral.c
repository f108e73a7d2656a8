/* The model under construction (neutral.h) in two parts: the messages, in an arena that the graph's
 * store takes over, and the *probe*, an import that never ends. The probe holds every value with
 * its shape and, for constants, elements; each node is run through it alone. Every value counts as
 * used more than once there, so that no pattern of several nodes is taken for one.
 *
 * Names of values are those of nodes and weights, made unique. */
#include "engine/formats/neutral.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPSET = 13, USES = 2, MOST_NODES = 1 << 20 };

typedef struct facts {
  bool lasting; /* its data lives as long as the graph */
  bool emitted; /* it is an initializer of the model */
} facts;

struct ag_neutral {
  const char *format;
  ag_arena *arena;
  ag_onnx_model model;
  ag_onnx_graph graph;
  Ag__Onnx__OperatorSet opset;
  Ag__Onnx__OperatorSet *opsets[1];

  ag_onnx_node **nodes;
  int32_t *node_source;
  int node_count, node_capacity, node_source_capacity;
  ag_onnx_tensor **initializers;
  int initializer_count, initializer_capacity;
  ag_onnx_value_info **inputs, **infos;
  int input_count, input_capacity, info_count, info_capacity;

  ag_onnx_source *sources;
  int source_count, source_capacity;

  ag_onnx_import probe;
  ag_onnx_graph probe_graph;
  facts *facts;
  int facts_count, facts_capacity;
  uint8_t fate;
  const char *reason;
  int32_t ends[4]; /* input_start and output_start of the probe's only node */
  unsigned serial;
};

ag_neutral *ag_neutral_new(const char *format, const char *name, size_t file_size, ag_error *err) {
  ag_neutral *n = AG_NEW(ag_neutral);
  n->format = format;
  n->arena = AG_NEW(ag_arena);
  ag__onnx__model__init(&n->model);
  ag__onnx__graph__init(&n->graph);
  ag__onnx__graph__init(&n->probe_graph);
  ag__onnx__operator_set__init(&n->opset);
  n->opset.has_version = 1;
  n->opset.version = OPSET;
  n->opsets[0] = &n->opset;
  n->model.n_opset_import = 1;
  n->model.opset_import = n->opsets;
  n->model.graph = &n->graph;
  n->graph.name = ag_arena_strdup(n->arena, name);
  ag_onnx_import *p = &n->probe;
  p->model = &n->model;
  p->graph = &n->probe_graph;
  p->opset = OPSET;
  p->builder = ag_builder_new(name);
  p->store = ag_builder_store(p->builder);
  p->err = err;
  p->nodes = 1;
  p->input_start = n->ends;
  p->output_start = n->ends + 2;
  p->fate = &n->fate;
  p->reason = &n->reason;
  p->file_size = file_size;
  return n;
}

static void free_arena(void *arena, size_t size) {
  (void)size;
  if (arena) ag_arena_free(arena);
  free(arena);
}

void ag_neutral_free(ag_neutral *n) {
  ag_builder_free(n->probe.builder);
  ag_map_free(&n->probe.names);
  ag_map_free(&n->probe.fills);
  free(n->probe.values);
  free(n->probe.drafts);
  free(n->probe.draft_operands);
  ag_arena_free(&n->probe.arena);
  free_arena(n->arena, 0);
  free(n->nodes);
  free(n->node_source);
  free(n->initializers);
  free(n->inputs);
  free(n->infos);
  free(n->sources);
  free(n->facts);
  free(n);
}

void *ag_neutral_alloc(ag_neutral *n, size_t size) {
  return ag_arena_alloc(n->arena, size);
}

const char *ag_neutral_print(ag_neutral *n, const char *format, ...) {
  char buffer[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(buffer, sizeof buffer, format, arguments);
  va_end(arguments);
  return ag_arena_strdup(n->arena, buffer);
}

/* --- elements of the file --------------------------------------------------------- */

void ag_neutral_source(ag_neutral *n, const char *name, const char *type) {
  AG_GROW(n->sources, n->source_count, n->source_capacity);
  n->sources[n->source_count++] = (ag_onnx_source){.name = ag_arena_strdup(n->arena, name),
                                                   .type = ag_arena_strdup(n->arena, type)};
}

void ag_neutral_fate(ag_neutral *n, ag_onnx_fate fate, const char *reason) {
  n->sources[n->source_count - 1].fate = fate;
  n->sources[n->source_count - 1].reason = reason;
}

static ag_status at_source(ag_neutral *n, ag_status code) {
  char place[sizeof(ag_error)];
  if (n->source_count == 0) return code;
  const ag_onnx_source *s = &n->sources[n->source_count - 1];
  snprintf(place, sizeof place, "%s (%s)", s->name, s->type);
  return ag_error_at_node(n->probe.err, code, place);
}

ag_status ag_neutral_fail(ag_neutral *n, ag_status code, const char *format, ...) {
  char buffer[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(buffer, sizeof buffer, format, arguments);
  va_end(arguments);
  ag_fail(n->probe.err, code, "%s", buffer);
  return at_source(n, code);
}

/* --- values ----------------------------------------------------------------------- */

/* The name itself if it is free, else with a number. */
static char *unique(ag_neutral *n, const char *name) {
  char *text = ag_arena_alloc(n->arena, strlen(name) + 16);
  strcpy(text, name);
  while (!text[0] || ag_map_get(&n->probe.names, ag_hash_bytes(text, strlen(text))))
    sprintf(text, "%s~%u", name, ++n->serial);
  return text;
}

static int add_value(ag_neutral *n, const char *name) {
  ag_onnx_import *p = &n->probe;
  bool inserted;
  char *own = unique(n, name);
  ag_map_put(&p->names, ag_hash_bytes(own, strlen(own)), p->value_count, &inserted);
  AG_GROW(n->facts, n->facts_count, n->facts_capacity);
  n->facts[n->facts_count++] = (facts){false, false};
  AG_GROW(p->values, p->value_count, p->value_capacity);
  p->values[p->value_count] = (ag_onnx_value){.name = own,
                                              .producer = -1,
                                              .uses = USES,
                                              .used_as_data = true,
                                              .draft = -1,
                                              .sliced_from = -1};
  return p->value_count++;
}

static Ag__Onnx__Dimension *make_dimension(ag_neutral *n, int64_t size) {
  Ag__Onnx__Dimension *d = ag_arena_alloc(n->arena, sizeof *d);
  ag__onnx__dimension__init(d);
  d->has_dim_value = size > 0;
  d->dim_value = size;
  return d;
}

static ag_onnx_value_info *make_info(ag_neutral *n, const char *name, const ag_tensor *t) {
  ag_onnx_value_info *info = ag_arena_alloc(n->arena, sizeof *info);
  Ag__Onnx__Type *type = ag_arena_alloc(n->arena, sizeof *type);
  Ag__Onnx__TensorType *tensor = ag_arena_alloc(n->arena, sizeof *tensor);
  ag__onnx__value_info__init(info);
  ag__onnx__type__init(type);
  ag__onnx__tensor_type__init(tensor);
  info->name = (char *)(uintptr_t)name;
  info->type = type;
  type->tensor_type = tensor;
  tensor->has_elem_type = 1;
  tensor->elem_type = (int32_t)t->dtype;
  if (t->rank < 0) return info;
  Ag__Onnx__Shape *shape = tensor->shape = ag_arena_alloc(n->arena, sizeof *shape);
  ag__onnx__shape__init(shape);
  shape->n_dim = (size_t)t->rank;
  shape->dim = ag_arena_alloc(n->arena, (size_t)(t->rank + 1) * sizeof *shape->dim);
  for (int d = 0; d < t->rank; d++) shape->dim[d] = make_dimension(n, t->dims[d]);
  return info;
}

int ag_neutral_input(ag_neutral *n, const char *name, const ag_tensor *shape) {
  int index = add_value(n, name);
  ag_onnx_value *v = &n->probe.values[index];
  AG_GROW(n->inputs, n->input_count, n->input_capacity);
  n->inputs[n->input_count++] = make_info(n, v->name, shape);
  v->tensor = *shape;
  if (shape->rank > 0 && shape->dims[0] <= 0) {
    v->tensor.dims[0] = 1;
    n->probe.dynamic_batch = true;
  }
  ag_node node = ag_node_make(AG_OP_INPUT);
  node.in = node.out = ag_onnx_shape(&v->tensor);
  v->kind = AG_ONNX_ACTIVATION;
  v->draft = ag_onnx_add_draft(&n->probe, &node, NULL, 0, index, -1);
  return index;
}

int ag_neutral_constant(ag_neutral *n, const char *name, const ag_tensor *tensor, bool lasting) {
  int index = add_value(n, name);
  n->probe.values[index].kind = AG_ONNX_CONSTANT;
  n->probe.values[index].tensor = *tensor;
  n->facts[index].lasting = lasting;
  return index;
}

int ag_neutral_ints_value(ag_neutral *n, const int64_t *values, int count) {
  size_t bytes = (size_t)count * sizeof *values;
  ag_tensor t = {.dtype = AG_I64, .rank = 1, .dims = {count}, .bytes = bytes};
  t.data = memcpy(ag_neutral_alloc(n, bytes), values, bytes);
  return ag_neutral_constant(n, "list", &t, true);
}

int ag_neutral_float_value(ag_neutral *n, float value) {
  ag_tensor t = {.dtype = AG_F32, .bytes = sizeof value};
  t.data = memcpy(ag_neutral_alloc(n, sizeof value), &value, sizeof value);
  return ag_neutral_constant(n, "number", &t, true);
}

const ag_tensor *ag_neutral_tensor(const ag_neutral *n, int value) {
  return &n->probe.values[value].tensor;
}

bool ag_neutral_is_constant(const ag_neutral *n, int value) {
  return n->probe.values[value].kind == AG_ONNX_CONSTANT;
}

bool ag_neutral_open_batch(const ag_neutral *n) {
  return n->probe.dynamic_batch;
}

/* Constants that a node of the model uses become initializers. */
static void emit_constant(ag_neutral *n, int value) {
  ag_onnx_value *v = &n->probe.values[value];
  if (v->kind != AG_ONNX_CONSTANT || n->facts[value].emitted) return;
  n->facts[value].emitted = true;
  ag_onnx_constant_data(&n->probe, v);
  const ag_tensor *from = &v->tensor;
  ag_onnx_tensor *t = ag_arena_alloc(n->arena, sizeof *t);
  ag__onnx__tensor__init(t);
  t->name = (char *)(uintptr_t)v->name;
  t->has_data_type = 1;
  t->data_type = (int32_t)from->dtype;
  t->n_dims = (size_t)from->rank;
  t->dims = ag_arena_alloc(n->arena, sizeof from->dims);
  memcpy(t->dims, from->dims, sizeof from->dims);
  t->has_raw_data = from->data != NULL;
  if (from->data && from->bytes) {
    t->raw_data.len = from->bytes;
    t->raw_data.data = (uint8_t *)(uintptr_t)from->data;
    if (!n->facts[value].lasting)
      t->raw_data.data = memcpy(ag_arena_alloc(n->arena, from->bytes), from->data, from->bytes);
  }
  AG_GROW(n->initializers, n->initializer_count, n->initializer_capacity);
  n->initializers[n->initializer_count++] = t;
}

/* --- nodes ------------------------------------------------------------------------ */

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
    results[k] = add_value(n, node->name);
    ag_onnx_value *v = &n->probe.values[results[k]];
    node->output[k] = (char *)(uintptr_t)v->name;
    if (declared && declared[k].rank >= 0) v->info = make_info(n, v->name, &declared[k]);
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
  return status ? at_source(n, status) : AG_OK;
}

static void keep_node(ag_neutral *n, ag_onnx_node *node, const int *operands, int count,
                      const int *results, int result_count) {
  for (int k = 0; k < count; k++)
    if (operands[k] >= 0) emit_constant(n, operands[k]);
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

/* --- the end ---------------------------------------------------------------------- */

static void *moved(ag_neutral *n, const void *list, int count) {
  size_t bytes = (size_t)count * sizeof(void *);
  return count ? memcpy(ag_arena_alloc(n->arena, bytes), list, bytes) : NULL;
}

/* The messages refer to the arena alone from here on. */
static ag_onnx_model *close_model(ag_neutral *n, const int *outputs, int count) {
  ag_onnx_model *model = ag_arena_alloc(n->arena, sizeof *model);
  ag_onnx_graph *graph = ag_arena_alloc(n->arena, sizeof *graph);
  *model = n->model;
  *graph = n->graph;
  model->graph = graph;
  graph->n_node = (size_t)n->node_count;
  graph->node = moved(n, n->nodes, n->node_count);
  graph->n_initializer = (size_t)n->initializer_count;
  graph->initializer = moved(n, n->initializers, n->initializer_count);
  graph->n_input = (size_t)n->input_count;
  graph->input = moved(n, n->inputs, n->input_count);
  graph->n_value_info = (size_t)n->info_count;
  graph->value_info = moved(n, n->infos, n->info_count);
  graph->n_output = (size_t)count;
  graph->output = ag_arena_alloc(n->arena, (size_t)count * sizeof *graph->output);
  for (int i = 0; i < count; i++) {
    const ag_onnx_value *v = &n->probe.values[outputs[i]];
    ag_tensor open = {.dtype = v->tensor.dtype, .rank = -1};
    if (v->kind == AG_ONNX_CONSTANT) emit_constant(n, outputs[i]);
    graph->output[i] = make_info(n, v->name, v->info ? &v->tensor : &open);
  }
  return model;
}

ag_status ag_neutral_finish(ag_neutral *n, const int *outputs, int count, const ag_graph **graph,
                            ag_import_report *report) {
  ag_onnx_translation t = {.format = n->format,
                           .model = close_model(n, outputs, count),
                           .node_source = n->node_source,
                           .sources = n->sources,
                           .source_count = n->source_count,
                           .file_size = n->probe.file_size,
                           .memory = n->arena,
                           .release = free_arena};
  n->arena = NULL;
  return ag_onnx_import_translation(&t, graph, report, n->probe.err);
}
