/* Attributes and constant tensors of GraphDef messages. Absent fields are zeros (proto3). */
#include <limits.h>
#include <string.h>

#include "engine/formats/graphdef.h"

const ag_tf_attribute *ag_tf_attr(const ag_tf_node *node, const char *name) {
  for (size_t i = 0; i < node->n_attr; i++)
    if (node->attr[i]->key && strcmp(node->attr[i]->key, name) == 0) return node->attr[i]->value;
  return NULL;
}

int64_t ag_tf_attr_int(const ag_tf_node *node, const char *name, int64_t otherwise) {
  const ag_tf_attribute *a = ag_tf_attr(node, name);
  return a ? a->i : otherwise;
}

float ag_tf_attr_float(const ag_tf_node *node, const char *name, float otherwise) {
  const ag_tf_attribute *a = ag_tf_attr(node, name);
  return a ? a->f : otherwise;
}

bool ag_tf_attr_bool(const ag_tf_node *node, const char *name, bool otherwise) {
  const ag_tf_attribute *a = ag_tf_attr(node, name);
  return a ? a->b : otherwise;
}

bool ag_tf_attr_is(const ag_tf_node *node, const char *name, const char *text,
                   const char *otherwise) {
  const ag_tf_attribute *a = ag_tf_attr(node, name);
  if (!a || !a->has_s) return strcmp(otherwise, text) == 0;
  return a->s.len == strlen(text) && memcmp(a->s.data, text, a->s.len) == 0;
}

int ag_tf_attr_ints(const ag_tf_node *node, const char *name, int64_t *out, int limit) {
  const ag_tf_attribute *a = ag_tf_attr(node, name);
  if (!a || !a->list || a->list->n_i > (size_t)limit) return -1;
  for (size_t i = 0; i < a->list->n_i; i++) out[i] = a->list->i[i];
  return (int)a->list->n_i;
}

bool ag_tf_shape(const Ag__Tf__Shape *shape, ag_tensor *to) {
  if (!shape || shape->unknown_rank || shape->n_dim > AG_MAX_RANK) return false;
  *to = (ag_tensor){.dtype = AG_F32, .rank = (int)shape->n_dim};
  for (int d = 0; d < to->rank; d++) {
    int64_t size = shape->dim[d]->size;
    to->dims[d] = size < 0 || size > INT_MAX ? -1 : size;
  }
  return true;
}

/* --- constants -------------------------------------------------------------------- */

enum {
  FLOAT = 1,
  DOUBLE = 2,
  INT32 = 3,
  UINT8 = 4,
  INT16 = 5,
  INT8 = 6,
  INT64 = 9,
  BOOL = 10,
  BFLOAT16 = 14,
  HALF = 19
};

static size_t element_size(int dtype) {
  switch (dtype) {
  case FLOAT:
  case INT32:
    return 4;
  case DOUBLE:
  case INT64:
    return 8;
  case INT16:
  case BFLOAT16:
  case HALF:
    return 2;
  case UINT8:
  case INT8:
  case BOOL:
    return 1;
  default:
    return 0;
  }
}

static bool is_real(int dtype) {
  return dtype == FLOAT || dtype == DOUBLE || dtype == BFLOAT16 || dtype == HALF;
}

static float real_at(const uint8_t *at, int dtype) {
  float f;
  double d;
  uint16_t h;
  switch (dtype) {
  case FLOAT:
    memcpy(&f, at, 4);
    return f;
  case DOUBLE:
    memcpy(&d, at, 8);
    return (float)d;
  default:
    memcpy(&h, at, 2);
    return ag_onnx_half_value(h, dtype == BFLOAT16);
  }
}

static int64_t integer_at(const uint8_t *at, int dtype) {
  int64_t wide;
  int32_t word;
  int16_t half;
  switch (dtype) {
  case INT64:
    memcpy(&wide, at, 8);
    return wide;
  case INT32:
    memcpy(&word, at, 4);
    return word;
  case INT16:
    memcpy(&half, at, 2);
    return half;
  case INT8:
    return (int8_t)*at;
  default:
    return *at;
  }
}

/* Element i of the list that the type uses; the last one stands for all that follow. */
static float real_listed(const ag_tf_tensor *t, int dtype, size_t i) {
  size_t n = dtype == FLOAT ? t->n_float_val : dtype == DOUBLE ? t->n_double_val : t->n_half_val;
  if (n == 0) return 0;
  if (i >= n) i = n - 1;
  if (dtype == FLOAT) return t->float_val[i];
  if (dtype == DOUBLE) return (float)t->double_val[i];
  return ag_onnx_half_value((uint16_t)t->half_val[i], dtype == BFLOAT16);
}

static int64_t integer_listed(const ag_tf_tensor *t, int dtype, size_t i) {
  size_t n = dtype == INT64 ? t->n_int64_val : dtype == BOOL ? t->n_bool_val : t->n_int_val;
  if (n == 0) return 0;
  if (i >= n) i = n - 1;
  if (dtype == INT64) return t->int64_val[i];
  return dtype == BOOL ? t->bool_val[i] : t->int_val[i];
}

static size_t listed(const ag_tf_tensor *t) {
  return t->n_float_val + t->n_double_val + t->n_int_val + t->n_int64_val + t->n_bool_val +
         t->n_half_val;
}

/* A few bytes may claim many elements, all the same. */
static bool charge(ag_tf_import *im, size_t bytes) {
  im->filled_bytes += bytes;
  return im->filled_bytes <= 16 * im->file_size + ((size_t)64 << 20);
}

static ag_status fill(ag_tf_import *im, const ag_tf_tensor *from, size_t count, ag_tensor *to) {
  int dtype = from->dtype;
  size_t size = element_size(dtype);
  const uint8_t *raw = from->tensor_content.data;
  if (raw && from->tensor_content.len && from->tensor_content.len != count * size)
    return ag_neutral_fail(im->n, AG_FORMAT, "%zu bytes of elements; its shape asks for %zu",
                           from->tensor_content.len, count * size);
  if (!from->tensor_content.len) raw = NULL;
  to->bytes = count * ag_onnx_element_size((int)to->dtype);
  if (!raw && !charge(im, to->bytes))
    return ag_neutral_fail(im->n, AG_LIMIT, "too many elements that the file does not list");
  if (raw && dtype == FLOAT && (uintptr_t)raw % 4 == 0) {
    to->data = raw;
    return AG_OK;
  }
  void *data = ag_arena_alloc(&im->arena, to->bytes);
  for (size_t i = 0; i < count; i++) {
    if (is_real(dtype))
      ((float *)data)[i] = raw ? real_at(raw + i * size, dtype) : real_listed(from, dtype, i);
    else
      ((int64_t *)data)[i] =
          raw ? integer_at(raw + i * size, dtype) : integer_listed(from, dtype, i);
  }
  to->data = data;
  return AG_OK;
}

ag_status ag_tf_read_tensor(ag_tf_import *im, const ag_tf_tensor *from, ag_tensor *to) {
  static const Ag__Tf__Shape scalar = AG__TF__SHAPE__INIT;
  if (!from) return ag_neutral_fail(im->n, AG_FORMAT, "it has no value");
  if (!element_size(from->dtype))
    return ag_neutral_fail(im->n, AG_UNSUPPORTED, "constants of type %d are not handled",
                           from->dtype);
  if (!ag_tf_shape(from->tensor_shape ? from->tensor_shape : &scalar, to) || !ag_onnx_bounded(to))
    return ag_neutral_fail(im->n, AG_FORMAT, "its shape is malformed or has too many dimensions");
  to->dtype = is_real(from->dtype) ? AG_F32 : AG_I64;
  if (im->weightless && !from->tensor_content.len && !listed(from)) return AG_OK;
  return fill(im, from, (size_t)ag_onnx_elements(to), to);
}
