/* Elements of constant tensors: reading and writing them by type, and making the data of those
 * that repeat one element. */
#include <stdlib.h>
#include <string.h>

#include "engine/formats/onnx_internal.h"

/* --- elements --------------------------------------------------------------------- */

bool ag_onnx_is_float(int dtype) {
  return dtype == AG_F32 || dtype == AG_F64;
}
bool ag_onnx_is_integer(int dtype) {
  return dtype == AG_I64 || dtype == AG_I32 || dtype == AG_BOOL || dtype == AG_U8 || dtype == AG_I8;
}

int64_t ag_onnx_get_int(const ag_tensor *t, int64_t i) {
  const char *at = (const char *)t->data + (size_t)i * ag_onnx_element_size((int)t->dtype);
  int64_t wide;
  int32_t narrow;
  switch (t->dtype) {
  case AG_I64:
    memcpy(&wide, at, 8);
    return wide;
  case AG_I32:
    memcpy(&narrow, at, 4);
    return narrow;
  case AG_I8:
    return *(const int8_t *)at;
  default:
    return *(const uint8_t *)at;
  }
}

double ag_onnx_get_number(const ag_tensor *t, int64_t i) {
  if (t->dtype == AG_F32) {
    float f;
    memcpy(&f, (const char *)t->data + 4 * i, 4);
    return (double)f;
  }
  if (t->dtype == AG_F64) {
    double f;
    memcpy(&f, (const char *)t->data + 8 * i, 8);
    return f;
  }
  return (double)ag_onnx_get_int(t, i);
}

void ag_onnx_put_int(ag_tensor *t, int64_t i, int64_t value) {
  size_t size = ag_onnx_element_size((int)t->dtype);
  memcpy((char *)(uintptr_t)t->data + (size_t)i * size, &value, size);
}

void ag_onnx_put_float(ag_tensor *t, int64_t i, double value) {
  float f = (float)value;
  if (t->dtype == AG_F32)
    memcpy((char *)(uintptr_t)t->data + 4 * i, &f, 4);
  else
    memcpy((char *)(uintptr_t)t->data + 8 * i, &value, 8);
}

/* --- data on demand --------------------------------------------------------------- */

/* A block of one repeated element; the largest made so far for that element. */
struct ag_onnx_fill {
  size_t bytes;
  void *data;
};

enum { MAX_FOLDED = 1 << 28, MIN_BLOCK = 4096 };

/* Bytes of repeated elements: networks of a few kilobytes whose largest weight has 32 MB, and more
 * for files that are themselves large, up to 1 GiB. */
static size_t most_filled(const ag_onnx_import *im) {
  size_t limit = (size_t)1 << 30, base = (size_t)64 << 20;
  return im->file_size > (limit - base) / 16 ? limit : base + 16 * im->file_size;
}

bool ag_onnx_charge(ag_onnx_import *im, int64_t bytes) {
  if (bytes > MAX_FOLDED - (int64_t)im->folded_bytes) return false;
  im->folded_bytes += (size_t)bytes;
  return true;
}

static void free_block(void *block, size_t size) {
  (void)size;
  free(block);
}

/* Filled by doubling: element by element, a gigabyte takes seconds. */
static void *make_block(ag_onnx_import *im, uint64_t value, size_t element, size_t capacity) {
  char *data = ag_alloc(capacity, 1);
  if (value) {
    memcpy(data, &value, element);
    for (size_t done = element; done < capacity; done *= 2)
      memcpy(data + done, data, done < capacity - done ? done : capacity - done);
  }
  ag_store_adopt(im->store, data, capacity, free_block);
  im->filled_bytes += capacity;
  return data;
}

/* Constants that repeat one element share a block: a model of a few kilobytes may claim hundreds
 * of megabytes of such weights. Blocks double, so those of one element add up to twice the largest;
 * beyond a total they have a shape and no data. */
static const void *filled_data(ag_onnx_import *im, const ag_onnx_value *v, size_t bytes) {
  size_t element = ag_onnx_element_size((int)v->tensor.dtype), capacity = MIN_BLOCK;
  bool inserted;
  ag_hash key = ag_hash_mix(ag_hash_seed(v->fill), element);
  int64_t *slot = ag_map_put(&im->fills, key, 0, &inserted);
  struct ag_onnx_fill *fill = (struct ag_onnx_fill *)(intptr_t)*slot;
  if (fill && fill->bytes >= bytes) return fill->data;
  while (capacity < bytes) capacity *= 2;
  size_t most = most_filled(im);
  if (im->filled_bytes > most || capacity > most - im->filled_bytes) return NULL;
  fill = ag_arena_alloc(&im->arena, sizeof *fill);
  *slot = (int64_t)(intptr_t)fill;
  fill->bytes = capacity;
  fill->data = make_block(im, v->fill, element, capacity);
  return fill->data;
}

const void *ag_onnx_constant_data(ag_onnx_import *im, ag_onnx_value *v) {
  if (!v->tensor.data && v->filled) {
    size_t element = ag_onnx_element_size((int)v->tensor.dtype);
    size_t bytes = (size_t)ag_onnx_elements(&v->tensor) * element;
    v->tensor.data = element ? filled_data(im, v, bytes) : NULL;
    v->tensor.bytes = v->tensor.data ? bytes : 0;
  }
  return v->tensor.data;
}

/* The elements can be read one by one and are not too many. */
bool ag_onnx_readable(ag_onnx_import *im, ag_onnx_value *v) {
  return v && v->kind == AG_ONNX_CONSTANT && ag_onnx_element_size((int)v->tensor.dtype) &&
         ag_onnx_elements(&v->tensor) <= AG_ONNX_MAX_FOLD &&
         (ag_onnx_elements(&v->tensor) == 0 || ag_onnx_constant_data(im, v));
}

bool ag_onnx_constant_ints(const ag_onnx_value *v, int64_t *out, int limit, int *count) {
  int64_t n = ag_onnx_elements(&v->tensor);
  if (v->kind != AG_ONNX_CONSTANT || !ag_onnx_is_integer((int)v->tensor.dtype) || n > limit)
    return false;
  if (n && !v->tensor.data) return false;
  for (int64_t i = 0; i < n; i++) out[i] = ag_onnx_get_int(&v->tensor, i);
  *count = (int)n;
  return true;
}

bool ag_onnx_constant_floats(const ag_onnx_value *v, double *out, int limit, int *count) {
  int64_t n = ag_onnx_elements(&v->tensor);
  if (v->kind != AG_ONNX_CONSTANT || !ag_onnx_is_float((int)v->tensor.dtype) || n > limit)
    return false;
  if (n && !v->tensor.data) return false;
  for (int64_t i = 0; i < n; i++) out[i] = ag_onnx_get_number(&v->tensor, i);
  *count = (int)n;
  return true;
}

bool ag_onnx_constant_float(const ag_onnx_value *v, double *out) {
  if (!v || v->kind != AG_ONNX_CONSTANT || !v->tensor.data || ag_onnx_elements(&v->tensor) != 1)
    return false;
  if (!ag_onnx_is_float((int)v->tensor.dtype) && !ag_onnx_is_integer((int)v->tensor.dtype))
    return false;
  *out = ag_onnx_get_number(&v->tensor, 0);
  return true;
}
