/* GraphDefs byte by byte, independent of the schema and the library under test: nodes, attributes,
 * constants. Fields by interop.md section 2. Each value carries its numbers (graphdef_net.h). */
#ifndef AG_TESTS_GRAPHDEF_MAKER_H
#define AG_TESTS_GRAPHDEF_MAKER_H

#include <stdio.h>

#include "engine/base/alloc.h"
#include "engine/base/random.h"
#include "tests/formats/onnx_maker.h"

/* A tensor of the network under construction; batch 1. */
typedef struct tensor {
  char name[48];
  int rank;
  int dims[5];
  float *data;
} tensor;

typedef struct net {
  ag_text graph; /* GraphDef */
  ag_arena arena;
  int count;
  bool first_tensor_raw;
} net;

static inline int volume(const tensor *t) {
  int n = 1;
  for (int d = 0; d < t->rank; d++) n *= t->dims[d];
  return n;
}

static inline tensor make_tensor(net *g, const char *type, int rank, const int *dims) {
  tensor t = {.rank = rank};
  snprintf(t.name, sizeof t.name, "%s_%d", type, g->count++);
  if (rank) memcpy(t.dims, dims, (size_t)rank * sizeof *dims);
  t.data = ag_arena_alloc(&g->arena, (size_t)volume(&t) * sizeof(float));
  return t;
}

static inline void free_net(net *g) {
  ag_text_free(&g->graph);
  ag_arena_free(&g->arena);
}

/* --- messages ------------------------------------------------------------------------------- */

typedef struct attrs {
  ag_text text;
} attrs;

static inline void attr(attrs *a, const char *key, ag_text *value) {
  ag_text entry = {0};
  put_string(&entry, 1, key);
  put_message(&entry, 2, value);
  put_message(&a->text, 5, &entry);
}

static inline void attr_text(attrs *a, const char *key, const char *text) {
  ag_text v = {0};
  put_string(&v, 2, text);
  attr(a, key, &v);
}

static inline void attr_int(attrs *a, const char *key, int64_t value) {
  ag_text v = {0};
  put_int(&v, 3, value);
  attr(a, key, &v);
}

static inline void attr_float(attrs *a, const char *key, float value) {
  ag_text v = {0};
  put_float(&v, 4, value);
  attr(a, key, &v);
}

static inline void attr_bool(attrs *a, const char *key, bool value) {
  ag_text v = {0};
  if (value) put_int(&v, 5, 1); /* zeros are absent in proto3 */
  attr(a, key, &v);
}

static inline void attr_type(attrs *a, const char *key, int type) {
  ag_text v = {0};
  put_int(&v, 6, type);
  attr(a, key, &v);
}

static inline void attr_ints(attrs *a, const char *key, const int *values, int count) {
  ag_text v = {0}, list = {0};
  int64_t wide[16];
  for (int i = 0; i < count; i++) wide[i] = values[i];
  put_ints(&list, 3, wide, count, true);
  put_message(&v, 1, &list);
  attr(a, key, &v);
}

static inline void attr_texts(attrs *a, const char *key, const char *names) {
  ag_text v = {0}, list = {0};
  put_names(&list, 2, names);
  put_message(&v, 1, &list);
  attr(a, key, &v);
}

static inline void put_shape(ag_text *to, int field, int rank, const int *dims) {
  ag_text shape = {0};
  for (int d = 0; d < rank; d++) {
    ag_text dim = {0};
    put_int(&dim, 1, dims[d]);
    put_message(&shape, 2, &dim);
  }
  put_message(to, field, &shape);
}

static inline void attr_shape(attrs *a, const char *key, int rank, const int *dims) {
  ag_text v = {0};
  put_shape(&v, 7, rank, dims);
  attr(a, key, &v);
}

/* A node; inputs separated by commas. Frees the attributes; NULL = none. */
static inline void put_node(net *g, const char *name, const char *op, const char *inputs,
                            attrs *a) {
  ag_text n = {0};
  put_string(&n, 1, name);
  put_string(&n, 2, op);
  put_names(&n, 3, inputs);
  if (a) {
    ag_text_bytes(&n, a->text.data ? a->text.data : "", a->text.size);
    ag_text_free(&a->text);
  }
  put_message(&g->graph, 1, &n);
}

static inline const char *join(net *g, const char *a, const char *b) {
  char *text = ag_arena_alloc(&g->arena, strlen(a) + strlen(b) + 2);
  sprintf(text, "%s,%s", a, b);
  return text;
}

/* A constant whose message is TensorProto `t`; followed by the Identity of frozen variables. */
static inline tensor put_constant(net *g, tensor t, int dtype, ag_text *proto) {
  attrs a = {0};
  ag_text v = {0};
  char read[64];
  attr_type(&a, "dtype", dtype);
  put_message(&v, 8, proto);
  attr(&a, "value", &v);
  put_node(g, t.name, "Const", "", &a);
  snprintf(read, sizeof read, "%s/read", t.name);
  put_node(g, read, "Identity", t.name, NULL);
  snprintf(t.name, sizeof t.name, "%.40s", read);
  return t;
}

static inline tensor constant(net *g, tensor t) {
  ag_text proto = {0};
  put_int(&proto, 1, 1);
  put_shape(&proto, 2, t.rank, t.dims);
  put_bytes(&proto, 4, t.data, (size_t)volume(&t) * sizeof(float));
  return put_constant(g, t, 1, &proto);
}

/* One number, listed once, stands for all. */
static inline tensor splat(net *g, int rank, const int *dims, float value) {
  ag_text proto = {0};
  tensor t = make_tensor(g, "splat", rank, dims);
  for (int i = 0; i < volume(&t); i++) t.data[i] = value;
  put_int(&proto, 1, 1);
  put_shape(&proto, 2, rank, dims);
  put_float(&proto, 5, value);
  return put_constant(g, t, 1, &proto);
}

/* Integers in int_val; the name of the node. */
static inline const char *ints(net *g, int rank, int count, const int *values) {
  ag_text proto = {0};
  int64_t wide[16];
  tensor t = make_tensor(g, "ints", rank, rank == 2 ? (int[]){count / 2, 2} : &count);
  for (int i = 0; i < count; i++) wide[i] = values[i];
  put_int(&proto, 1, 3);
  put_shape(&proto, 2, t.rank, t.dims);
  put_ints(&proto, 7, wide, count, true);
  t = put_constant(g, t, 3, &proto);
  return ag_arena_strdup(&g->arena, t.name);
}

static inline tensor random_tensor(net *g, int rank, const int *dims, float low, float high) {
  tensor t = make_tensor(g, "w", rank, dims);
  ag_random random = ag_random_stream(7, (uint64_t)g->count, 0, 0, 0);
  for (int i = 0; i < volume(&t); i++)
    t.data[i] = low + (high - low) * (float)ag_random_unit(&random);
  return t;
}

static inline tensor weights(net *g, int rank, const int *dims) {
  return constant(g, random_tensor(g, rank, dims, -0.5f, 0.5f));
}

static inline tensor vector(net *g, int n, float low, float high) {
  return constant(g, random_tensor(g, 1, &n, low, high));
}

/* The input, with an open batch. */
static inline tensor placeholder(net *g, int h, int w, int c) {
  attrs a = {0};
  tensor t = random_tensor(g, 4, (int[]){1, h, w, c}, -1, 1);
  attr_type(&a, "dtype", 1);
  attr_shape(&a, "shape", 4, (int[]){-1, h, w, c});
  put_node(g, t.name, "Placeholder", "", &a);
  return t;
}

#endif
