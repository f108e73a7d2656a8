/* ONNX messages into memory: the model, tensors in their several encodings, attributes.
 *
 * The unpacked message is handed to the store, and tensors point into it (or into a mapped
 * external file), so weights are never copied again. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/formats/foreign.h"
#include "engine/formats/onnx_internal.h"
#include "engine/formats/wire.h"

void ag_onnx_free_model(void *model, size_t size) {
  (void)size;
  protobuf_c_message_free_unpacked(model, NULL);
}

ag_status ag_onnx_unpack(const void *data, size_t size, ag_onnx_model **model, ag_error *err) {
  ProtobufCMessage *message;
  ag_status status = ag_wire_unpack(&ag__onnx__model__descriptor, data, size, &message, err);
  if (status) return ag_foreign_explain(status, AG_FOREIGN_TO_ONNX, data, size, err);
  *model = (ag_onnx_model *)message;
  if ((*model)->graph) return AG_OK;
  ag_onnx_free_model(message, size);
  status = ag_fail(err, AG_FORMAT, "not an ONNX model: it has no graph");
  return ag_foreign_explain(status, AG_FOREIGN_TO_ONNX, data, size, err);
}

enum { BFLOAT16 = 16 };

/* --- tensors ---------------------------------------------------------------------- */

size_t ag_onnx_element_size(int dtype) {
  static const uint8_t size[17] = {
      [1] = 4, [2] = 1,  [3] = 1,  [4] = 2,  [5] = 2,  [6] = 4, [7] = 8,
      [9] = 1, [10] = 2, [11] = 8, [12] = 4, [13] = 8, [16] = 2};
  return dtype >= 0 && dtype < 17 ? size[dtype] : 0;
}

/* Saturates, where sizes that operands imply come to nonsense. */
int64_t ag_onnx_elements(const ag_tensor *tensor) {
  int64_t count = 1;
  for (int i = 0; i < tensor->rank; i++)
    if (tensor->dims[i] == 0) return 0;
  for (int i = 0; i < tensor->rank; i++)
    if (__builtin_mul_overflow(count, tensor->dims[i], &count)) return INT64_MAX;
  return count;
}

static ag_status read_dims(const ag_onnx_tensor *from, ag_tensor *to, ag_error *err) {
  const char *name = ag_wire_text(from->name);
  if (from->n_dims > AG_MAX_RANK)
    return ag_fail(err, AG_LIMIT, "tensor %s has %zu dimensions; at most %d are handled", name,
                   from->n_dims, AG_MAX_RANK);
  to->rank = (int)from->n_dims;
  for (size_t i = 0; i < from->n_dims; i++) to->dims[i] = from->dims[i];
  if (!ag_onnx_bounded(to))
    return ag_fail(err, AG_FORMAT, "tensor %s has a size out of range", name);
  return AG_OK;
}

/* Types narrower than 32 bits travel as one int32 per element. */
static const void *narrow(ag_onnx_import *im, const int32_t *from, size_t count, size_t size) {
  char *to = ag_store_alloc(im->store, count * size);
  for (size_t i = 0; i < count; i++) memcpy(to + i * size, &from[i], size);
  return to;
}

/* The typed array that holds the elements; *size bytes. NULL if none does. */
static const void *typed_data(ag_onnx_import *im, const ag_onnx_tensor *t, size_t *size) {
  size_t element = ag_onnx_element_size(t->data_type);
  if (t->raw_data.len) {
    *size = t->raw_data.len;
    return t->raw_data.data;
  }
  if (t->data_type == AG_F32 && t->n_float_data) {
    *size = t->n_float_data * 4;
    return t->float_data;
  }
  if (t->data_type == AG_I64 && t->n_int64_data) {
    *size = t->n_int64_data * 8;
    return t->int64_data;
  }
  if (t->data_type == AG_F64 && t->n_double_data) {
    *size = t->n_double_data * 8;
    return t->double_data;
  }
  if (element && element <= 4 && t->data_type != AG_F32 && t->n_int32_data) {
    *size = t->n_int32_data * element;
    return element == 4 ? t->int32_data : narrow(im, t->int32_data, t->n_int32_data, element);
  }
  *size = 0;
  return NULL;
}

struct ag_onnx_mapping {
  struct ag_onnx_mapping *next;
  const char *location;
  char *data;
  size_t size;
};

/* A file beside the model, mapped once. Locations that leave the model's folder are refused:
 * a model must not be able to name any file of its reader. */
static ag_status map_external(ag_onnx_import *im, const char *location,
                              const struct ag_onnx_mapping **mapping) {
  for (struct ag_onnx_mapping *m = im->mappings; m; m = m->next)
    if (strcmp(m->location, location) == 0) {
      *mapping = m;
      return AG_OK;
    }
  if (!im->directory || !location[0] || location[0] == '/' || strstr(location, ".."))
    return ag_fail(im->err, AG_UNSUPPORTED, "external data '%s' is not beside the model", location);
  void *data;
  size_t size;
  const char *path = ag_onnx_print(im, "%s%s", im->directory, location);
  ag_status status = ag_file_map(path, &data, &size, im->err);
  if (status) return status;
  ag_store_adopt(im->store, data, size, ag_file_unmap);
  struct ag_onnx_mapping *m = ag_arena_alloc(&im->arena, sizeof *m);
  *m = (struct ag_onnx_mapping){im->mappings, location, data, size};
  *mapping = im->mappings = m;
  return AG_OK;
}

static ag_status external_data(ag_onnx_import *im, const ag_onnx_tensor *t, size_t bytes,
                               const void **data) {
  const char *location = "";
  uint64_t offset = 0, length = bytes;
  for (size_t i = 0; i < t->n_external_data; i++) {
    const char *key = t->external_data[i]->key, *value = t->external_data[i]->value;
    if (!key || !value) continue;
    if (strcmp(key, "location") == 0) location = value;
    if (strcmp(key, "offset") == 0) offset = strtoull(value, NULL, 10);
    if (strcmp(key, "length") == 0) length = strtoull(value, NULL, 10);
  }
  const struct ag_onnx_mapping *mapping = NULL;
  ag_status status = map_external(im, location, &mapping);
  if (status) return status;
  if (length != bytes || offset > mapping->size || bytes > mapping->size - offset)
    return ag_fail(im->err, AG_FORMAT, "tensor %s does not fit into %s", ag_wire_text(t->name),
                   location);
  *data = mapping->data + offset;
  if (offset % 8 && bytes) /* readers of the store expect aligned elements */
    *data = memcpy(ag_store_alloc(im->store, bytes), mapping->data + offset, bytes);
  return AG_OK;
}

/* --- half precision --------------------------------------------------------------- */

bool ag_onnx_is_half(int dtype) {
  return dtype == AG_F16 || dtype == BFLOAT16;
}

float ag_onnx_half_value(uint16_t bits, bool brain) {
  uint32_t sign = (uint32_t)(bits >> 15) << 31, exponent = bits >> 10 & 31, fraction = bits & 1023;
  uint32_t wide = sign | (exponent == 31 ? 255 : exponent + 112) << 23 | fraction << 13;
  float f;
  if (brain) {
    wide = (uint32_t)bits << 16;
  } else if (exponent == 0) { /* zero or subnormal: fraction * 2^-24 */
    f = (float)fraction * 0x1p-24f;
    return sign ? -f : f;
  }
  memcpy(&f, &wide, sizeof f);
  return f;
}

/* Networks in half precision are carried in single precision, which holds their values exactly. */
static void widen(ag_onnx_import *im, ag_tensor *t) {
  bool brain = (int)t->dtype == BFLOAT16;
  t->dtype = AG_F32;
  if (!t->data) return;
  size_t count = t->bytes / 2;
  float *out = ag_store_alloc(im->store, count * sizeof *out);
  for (size_t i = 0; i < count; i++) {
    uint16_t h;
    memcpy(&h, (const char *)t->data + 2 * i, 2);
    out[i] = ag_onnx_half_value(h, brain);
  }
  t->data = out;
  t->bytes = count * sizeof *out;
}

static ag_status read_data(ag_onnx_import *im, const ag_onnx_tensor *from, ag_tensor *to) {
  size_t element = ag_onnx_element_size(from->data_type);
  size_t bytes = (size_t)ag_onnx_elements(to) * element;
  if (from->data_location == 1) {
    to->bytes = bytes;
    return external_data(im, from, bytes, &to->data);
  }
  to->data = typed_data(im, from, &to->bytes);
  if (to->data && element && to->bytes != bytes)
    return ag_fail(im->err, AG_FORMAT, "tensor %s has %zu bytes; its shape asks for %zu",
                   ag_wire_text(from->name), to->bytes, bytes);
  return AG_OK;
}

ag_status ag_onnx_read_tensor(ag_onnx_import *im, const ag_onnx_tensor *from, ag_tensor *to) {
  *to = (ag_tensor){.dtype = (ag_dtype)from->data_type};
  ag_status status = read_dims(from, to, im->err);
  if (!status) status = read_data(im, from, to);
  if (!status && ag_onnx_is_half((int)to->dtype)) widen(im, to);
  return status;
}

bool ag_onnx_is_one_of(const char *type, const char *const *list) {
  for (; *list; list++)
    if (strcmp(type, *list) == 0) return true;
  return false;
}

/* --- attributes ------------------------------------------------------------------- */

const ag_onnx_attribute *ag_onnx_attr(const ag_onnx_node *node, const char *name) {
  for (size_t i = 0; i < node->n_attribute; i++)
    if (node->attribute[i]->name && strcmp(node->attribute[i]->name, name) == 0)
      return node->attribute[i];
  return NULL;
}

int64_t ag_onnx_attr_int(const ag_onnx_node *node, const char *name, int64_t otherwise) {
  const ag_onnx_attribute *a = ag_onnx_attr(node, name);
  return a && a->has_i ? a->i : otherwise;
}

float ag_onnx_attr_float(const ag_onnx_node *node, const char *name, float otherwise) {
  const ag_onnx_attribute *a = ag_onnx_attr(node, name);
  return a && a->has_f ? a->f : otherwise;
}

bool ag_onnx_attr_is(const ag_onnx_node *node, const char *name, const char *text,
                     const char *otherwise) {
  const ag_onnx_attribute *a = ag_onnx_attr(node, name);
  if (!a || !a->has_s) return strcmp(otherwise, text) == 0;
  return a->s.len == strlen(text) && memcmp(a->s.data, text, a->s.len) == 0;
}

ag_dtype ag_onnx_cast_type(const ag_onnx_node *node) {
  int64_t to = ag_onnx_attr_int(node, "to", AG_F32);
  return to < 0 || to > INT32_MAX || ag_onnx_is_half((int)to) ? AG_F32 : (ag_dtype)to;
}
