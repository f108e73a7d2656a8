/* Making ONNX messages: nodes, attributes, tensors, names. Everything lives in the export's
 * arena; repeated fields have fixed room, asked for when the message is made. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/formats/onnx_export.h"

enum { MAX_ATTRIBUTES = 8 };

char *ag_onnx_keep(ag_onnx_export *x, const char *text) {
  return ag_arena_strdup(&x->arena, text);
}

static void *copy(ag_onnx_export *x, const void *data, size_t size) {
  void *block = ag_arena_alloc(&x->arena, size);
  return size ? memcpy(block, data, size) : block;
}

/* --- names ------------------------------------------------------------------------ */

enum { SUFFIX = 24 };

/* Append a number that makes `name` new to `used`, where each name keeps the last number it was
 * given, so that many equal names cost no more than many different ones. There is room for
 * SUFFIX bytes. */
static void make_unique(ag_map *used, char *name) {
  size_t length = strlen(name);
  ag_hash base = ag_hash_bytes(name, length);
  bool inserted = false;
  int64_t number = *ag_map_put(used, base, 0, &inserted);
  while (!inserted) {
    snprintf(name + length, SUFFIX, "_%" PRId64, ++number);
    ag_map_put(used, ag_hash_bytes(name, strlen(name)), 0, &inserted);
  }
  *ag_map_get(used, base) = number;
}

char *ag_onnx_unique(ag_onnx_export *x, const char *format, ...) {
  char name[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(name, sizeof name - SUFFIX, format, arguments);
  va_end(arguments);
  make_unique(&x->used, name);
  return ag_onnx_keep(x, name);
}

void ag_onnx_name_node(ag_onnx_export *x, ag_onnx_node *node, const char *name) {
  char unique[512];
  if (!name || !name[0]) return;
  snprintf(unique, sizeof unique - SUFFIX, "%s", name);
  make_unique(&x->used_nodes, unique);
  node->name = ag_onnx_keep(x, unique);
}

void ag_onnx_node_label(const ag_onnx_export *x, int node, char *label, size_t size) {
  const char *name = x->graph->names ? x->graph->names[node] : NULL;
  if (name && name[0])
    snprintf(label, size, "%s", name);
  else
    snprintf(label, size, "%s_%d", ag_op_get(x->graph->nodes[node].op)->name, node);
}

char *ag_onnx_fresh(ag_onnx_export *x) {
  return ag_onnx_unique(x, "m%zu", x->node_count);
}

/* --- nodes ------------------------------------------------------------------------ */

ag_onnx_node *ag_onnx_emit(ag_onnx_export *x, const char *type, int inputs, char *output) {
  ag_onnx_node *node = ag_arena_alloc(&x->arena, sizeof *node);
  ag__onnx__node__init(node);
  node->op_type = ag_onnx_keep(x, type);
  node->input = ag_arena_alloc(&x->arena, (size_t)inputs * sizeof *node->input);
  node->output = ag_arena_alloc(&x->arena, sizeof *node->output);
  node->output[0] = output;
  node->n_output = 1;
  node->attribute = ag_arena_alloc(&x->arena, MAX_ATTRIBUTES * sizeof(void *));
  AG_GROW(x->nodes, x->node_count, x->node_capacity);
  x->nodes[x->node_count++] = node;
  return node;
}

void ag_onnx_emit_input(ag_onnx_node *node, char *name) {
  node->input[node->n_input++] = name;
}

static ag_onnx_attribute *add_attribute(ag_onnx_export *x, ag_onnx_node *node, const char *name,
                                        int type) {
  ag_onnx_attribute *a = ag_arena_alloc(&x->arena, sizeof *a);
  ag__onnx__attribute__init(a);
  a->name = ag_onnx_keep(x, name);
  a->has_type = 1;
  a->type = type;
  node->attribute[node->n_attribute++] = a;
  return a;
}

void ag_onnx_emit_int(ag_onnx_export *x, ag_onnx_node *node, const char *name, int64_t value) {
  ag_onnx_attribute *a = add_attribute(x, node, name, AG_ONNX_ATTRIBUTE_INT);
  a->has_i = 1;
  a->i = value;
}

void ag_onnx_emit_ints(ag_onnx_export *x, ag_onnx_node *node, const char *name,
                       const int64_t *values, int count) {
  ag_onnx_attribute *a = add_attribute(x, node, name, AG_ONNX_ATTRIBUTE_INTS);
  a->n_ints = (size_t)count;
  a->ints = copy(x, values, (size_t)count * sizeof *values);
}

void ag_onnx_emit_float(ag_onnx_export *x, ag_onnx_node *node, const char *name, float value) {
  ag_onnx_attribute *a = add_attribute(x, node, name, AG_ONNX_ATTRIBUTE_FLOAT);
  a->has_f = 1;
  a->f = value;
}

void ag_onnx_emit_floats(ag_onnx_export *x, ag_onnx_node *node, const char *name,
                         const float *values, int count) {
  ag_onnx_attribute *a = add_attribute(x, node, name, AG_ONNX_ATTRIBUTE_FLOATS);
  a->n_floats = (size_t)count;
  a->floats = copy(x, values, (size_t)count * sizeof *values);
}

void ag_onnx_emit_text(ag_onnx_export *x, ag_onnx_node *node, const char *name, const char *value) {
  ag_onnx_attribute *a = add_attribute(x, node, name, AG_ONNX_ATTRIBUTE_STRING);
  a->has_s = 1;
  a->s.len = strlen(value);
  a->s.data = (uint8_t *)ag_onnx_keep(x, value);
}

/* --- tensors ---------------------------------------------------------------------- */

char *ag_onnx_emit_tensor(ag_onnx_export *x, const char *name, const ag_tensor *tensor) {
  ag_onnx_tensor *t = ag_arena_alloc(&x->arena, sizeof *t);
  ag__onnx__tensor__init(t);
  t->name = ag_onnx_unique(x, "%s", name);
  t->has_data_type = t->has_raw_data = 1;
  t->data_type = (int32_t)tensor->dtype;
  t->n_dims = (size_t)tensor->rank;
  t->dims = copy(x, tensor->dims, (size_t)tensor->rank * sizeof(int64_t));
  t->raw_data.data = (uint8_t *)(uintptr_t)tensor->data;
  t->raw_data.len = tensor->bytes;
  AG_GROW(x->initializers, x->initializer_count, x->initializer_capacity);
  x->initializers[x->initializer_count++] = t;
  return t->name;
}

static char *emit_list(ag_onnx_export *x, const ag_tensor *tensor) {
  char name[32];
  snprintf(name, sizeof name, "c%zu", x->initializer_count);
  return ag_onnx_emit_tensor(x, name, tensor);
}

char *ag_onnx_emit_int_list(ag_onnx_export *x, const int64_t *values, int count) {
  size_t bytes = (size_t)count * sizeof *values;
  ag_tensor t = {.dtype = AG_I64, .rank = 1, .dims = {count}, .bytes = bytes};
  t.data = copy(x, values, bytes);
  return emit_list(x, &t);
}

char *ag_onnx_emit_float_list(ag_onnx_export *x, const float *values, int count, bool scalar) {
  size_t bytes = (size_t)count * sizeof *values;
  ag_tensor t = {.dtype = AG_F32, .rank = scalar ? 0 : 1, .dims = {count}, .bytes = bytes};
  t.data = copy(x, values, bytes);
  return emit_list(x, &t);
}

ag_onnx_value_info *ag_onnx_emit_value_info(ag_onnx_export *x, char *name, int dtype,
                                            const int64_t *dims, int rank) {
  ag_onnx_value_info *v = ag_arena_alloc(&x->arena, sizeof *v);
  Ag__Onnx__Type *type = ag_arena_alloc(&x->arena, sizeof *type);
  Ag__Onnx__TensorType *tensor = ag_arena_alloc(&x->arena, sizeof *tensor);
  Ag__Onnx__Shape *shape = ag_arena_alloc(&x->arena, sizeof *shape);
  ag__onnx__value_info__init(v);
  ag__onnx__type__init(type);
  ag__onnx__tensor_type__init(tensor);
  ag__onnx__shape__init(shape);
  v->name = name;
  v->type = type;
  type->tensor_type = tensor;
  tensor->has_elem_type = 1;
  tensor->elem_type = dtype;
  tensor->shape = shape;
  shape->dim = ag_arena_alloc(&x->arena, (size_t)rank * sizeof(void *));
  for (int d = 0; d < rank; d++) {
    Ag__Onnx__Dimension *dim = ag_arena_alloc(&x->arena, sizeof *dim);
    ag__onnx__dimension__init(dim);
    if (dims[d] < 0)
      dim->dim_param = ag_onnx_keep(x, "N");
    else
      dim->has_dim_value = 1, dim->dim_value = dims[d];
    shape->dim[shape->n_dim++] = dim;
  }
  return v;
}

void ag_onnx_emit_graph_input(ag_onnx_export *x, char *name, int dtype, const int64_t *dims,
                              int rank) {
  AG_GROW(x->inputs, x->input_count, x->input_capacity);
  x->inputs[x->input_count++] = ag_onnx_emit_value_info(x, name, dtype, dims, rank);
}

/* --- reshaping -------------------------------------------------------------------- */

static bool same_form(const ag_onnx_result_tensor *a, const ag_onnx_result_tensor *b) {
  return a->rank == b->rank && memcmp(a->dims, b->dims, (size_t)a->rank * sizeof *a->dims) == 0;
}

char *ag_onnx_emit_reshape(ag_onnx_export *x, char *name, const ag_onnx_result_tensor *from,
                           const ag_onnx_result_tensor *to, char *output) {
  bool same = same_form(from, to);
  if (same && !output) return name;
  if (!output) output = ag_onnx_fresh(x);
  if (same) {
    ag_onnx_emit_input(ag_onnx_emit(x, "Identity", 1, output), name);
    return output;
  }
  if (to->rank == 2 && from->rank > 1 && from->dims[0] == to->dims[0]) {
    ag_onnx_node *node = ag_onnx_emit(x, "Flatten", 1, output);
    ag_onnx_emit_input(node, name);
    ag_onnx_emit_int(x, node, "axis", 1);
    return output;
  }
  int64_t dims[AG_MAX_RANK];
  memcpy(dims, to->dims, sizeof dims);
  if (from->rank && to->rank && from->dims[0] == to->dims[0]) dims[0] = 0; /* whatever the batch */
  ag_onnx_node *node = ag_onnx_emit(x, "Reshape", 2, output);
  ag_onnx_emit_input(node, name);
  ag_onnx_emit_input(node, ag_onnx_emit_int_list(x, dims, to->rank));
  return output;
}
