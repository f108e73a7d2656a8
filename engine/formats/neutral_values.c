/* Values of a model under construction: inputs, constants, and what nodes give. */
#include <stdio.h>
#include <string.h>

#include "engine/formats/neutral_model.h"

enum { USES = 2 }; /* more than one */

/* The name itself if it is free, else with a number. */
static char *unique(ag_neutral *n, const char *name) {
  char *text = ag_arena_alloc(n->arena, strlen(name) + 16);
  strcpy(text, name);
  while (!text[0] || ag_map_get(&n->probe.names, ag_hash_bytes(text, strlen(text))))
    sprintf(text, "%s~%u", name, ++n->serial);
  return text;
}

int ag_neutral_add_value(ag_neutral *n, const char *name) {
  ag_onnx_import *p = &n->probe;
  bool inserted;
  char *own = unique(n, name);
  ag_map_put(&p->names, ag_hash_bytes(own, strlen(own)), p->value_count, &inserted);
  AG_GROW(n->facts, n->facts_count, n->facts_capacity);
  n->facts[n->facts_count++] = (ag_neutral_facts){false, false};
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

ag_onnx_value_info *ag_neutral_make_info(ag_neutral *n, const char *name, const ag_tensor *t) {
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
  int index = ag_neutral_add_value(n, name);
  ag_onnx_value *v = &n->probe.values[index];
  AG_GROW(n->inputs, n->input_count, n->input_capacity);
  n->inputs[n->input_count++] = ag_neutral_make_info(n, v->name, shape);
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
  int index = ag_neutral_add_value(n, name);
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
void ag_neutral_emit_constant(ag_neutral *n, int value) {
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
