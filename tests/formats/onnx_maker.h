/* ONNX models byte by byte, independent of the schema and the library under test: a writer of the
 * few protobuf messages that small test models need. Fields by interop.md section 1. */
#ifndef AG_TESTS_ONNX_MAKER_H
#define AG_TESTS_ONNX_MAKER_H

#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"

/* --- the wire ------------------------------------------------------------------------------ */

static inline void put_varint(ag_text *to, uint64_t value) {
  do {
    uint8_t byte = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
    ag_text_bytes(to, &byte, 1);
    value >>= 7;
  } while (value);
}

static inline void put_int(ag_text *to, int field, int64_t value) {
  put_varint(to, (uint64_t)field << 3);
  put_varint(to, (uint64_t)value);
}

static inline void put_float(ag_text *to, int field, float value) {
  put_varint(to, (uint64_t)field << 3 | 5);
  ag_text_bytes(to, &value, 4);
}

static inline void put_bytes(ag_text *to, int field, const void *data, size_t size) {
  put_varint(to, (uint64_t)field << 3 | 2);
  put_varint(to, size);
  ag_text_bytes(to, data, size);
}

static inline void put_string(ag_text *to, int field, const char *text) {
  put_bytes(to, field, text, strlen(text));
}

/* A finished message as a field of another; frees it. */
static inline void put_message(ag_text *to, int field, ag_text *message) {
  put_bytes(to, field, message->data ? message->data : "", message->size);
  ag_text_free(message);
}

static inline void put_ints(ag_text *to, int field, const int64_t *values, int count, bool packed) {
  ag_text list = {0};
  for (int i = 0; i < count; i++) {
    if (packed)
      put_varint(&list, (uint64_t)values[i]);
    else
      put_int(to, field, values[i]);
  }
  if (packed) put_message(to, field, &list);
}

/* --- attributes, appended to a node message by node() -------------------------------------- */

typedef struct attributes {
  ag_text text; /* attribute fields of a NodeProto */
  bool packed;  /* how lists are written */
} attributes;

static inline void attribute_ints(attributes *a, const char *name, const int64_t *values,
                                  int count) {
  ag_text m = {0};
  put_string(&m, 1, name);
  put_ints(&m, 8, values, count, a->packed);
  put_int(&m, 20, 7);
  put_message(&a->text, 5, &m);
}

static inline void attribute_int(attributes *a, const char *name, int64_t value) {
  ag_text m = {0};
  put_string(&m, 1, name);
  put_int(&m, 3, value);
  put_int(&m, 20, 2);
  put_message(&a->text, 5, &m);
}

static inline void attribute_float(attributes *a, const char *name, float value) {
  ag_text m = {0};
  put_string(&m, 1, name);
  put_float(&m, 2, value);
  put_int(&m, 20, 1);
  put_message(&a->text, 5, &m);
}

static inline void attribute_string(attributes *a, const char *name, const char *value) {
  ag_text m = {0};
  put_string(&m, 1, name);
  put_string(&m, 4, value);
  put_int(&m, 20, 3);
  put_message(&a->text, 5, &m);
}

/* --- the graph ----------------------------------------------------------------------------- */

typedef struct model {
  ag_text graph;
  int nodes;
} model;

/* Names separated by commas, each as a field; an empty name is an operand left out. */
static inline void put_names(ag_text *to, int field, const char *names) {
  while (*names) {
    size_t length = strcspn(names, ",");
    put_bytes(to, field, names, length);
    names += length + (names[length] == ',');
  }
}

/* Frees the attributes; NULL = none. */
static inline void node(model *m, const char *type, const char *inputs, const char *outputs,
                        attributes *a) {
  ag_text n = {0};
  char name[32];
  snprintf(name, sizeof name, "node%d", m->nodes++);
  put_names(&n, 1, inputs);
  put_names(&n, 2, outputs);
  put_string(&n, 3, name);
  put_string(&n, 4, type);
  if (a) {
    ag_text_bytes(&n, a->text.data ? a->text.data : "", a->text.size);
    ag_text_free(&a->text);
  }
  put_message(&m->graph, 1, &n);
}

/* A float tensor's name and shape; a size of 0 is written as an open dimension, rank -1 as no shape
 * at all. */
static inline void value_info(model *m, int field, const char *name, int rank,
                              const int64_t *sizes) {
  ag_text info = {0}, type = {0}, tensor = {0}, shape = {0};
  for (int i = 0; i < rank; i++) {
    ag_text dimension = {0};
    if (sizes[i])
      put_int(&dimension, 1, sizes[i]);
    else
      put_string(&dimension, 2, "open");
    put_message(&shape, 1, &dimension);
  }
  put_int(&tensor, 1, 1);
  if (rank >= 0) put_message(&tensor, 2, &shape);
  put_message(&type, 1, &tensor);
  put_string(&info, 1, name);
  put_message(&info, 2, &type);
  put_message(&m->graph, field, &info);
}

enum { INPUT_FIELD = 11, OUTPUT_FIELD = 12 };

static inline void image(model *m, const char *name, int64_t c, int64_t h, int64_t w) {
  value_info(m, INPUT_FIELD, name, 4, (int64_t[]){1, c, h, w});
}

static inline void output(model *m, const char *name) {
  value_info(m, OUTPUT_FIELD, name, -1, NULL);
}

/* Floats 0.5, 1.5, ... of that shape, as an initializer. */
static inline void weight(model *m, const char *name, int rank, const int64_t *sizes) {
  ag_text t = {0}, data = {0};
  int64_t count = 1;
  for (int i = 0; i < rank; i++) count *= sizes[i];
  for (int64_t i = 0; i < count; i++) {
    float value = (float)i + 0.5f;
    ag_text_bytes(&data, &value, 4);
  }
  put_ints(&t, 1, sizes, rank, false);
  put_int(&t, 2, 1);
  put_string(&t, 8, name);
  put_message(&t, 9, &data);
  put_message(&m->graph, 5, &t);
}

static inline void scalar(model *m, const char *name, float value) {
  ag_text t = {0};
  put_int(&t, 2, 1);
  put_float(&t, 4, value); /* float_data, unpacked */
  put_string(&t, 8, name);
  put_message(&m->graph, 5, &t);
}

static inline void integers(model *m, const char *name, const int64_t *values, int count) {
  ag_text t = {0};
  put_int(&t, 1, count);
  put_int(&t, 2, 7);
  put_ints(&t, 7, values, count, true);
  put_string(&t, 8, name);
  put_message(&m->graph, 5, &t);
}

/* The bytes of the model; frees the maker. */
static inline char *finish(model *m, int64_t opset, size_t *size) {
  ag_text whole = {0}, set = {0};
  put_int(&set, 2, opset);
  put_int(&whole, 1, 7);
  put_message(&whole, 7, &m->graph);
  put_message(&whole, 8, &set);
  *size = whole.size;
  return ag_text_take(&whole);
}

#endif
