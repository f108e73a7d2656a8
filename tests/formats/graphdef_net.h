/* GraphDefs byte by byte, independent of the schema and the library under test, and what they
 * compute: each function appends a node and works out its result at once, in plain loops over
 * N, H, W, C. Fields by interop.md section 2. */
#ifndef AG_TESTS_GRAPHDEF_NET_H
#define AG_TESTS_GRAPHDEF_NET_H

#include <math.h>
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

/* --- ops ------------------------------------------------------------------------------------- */

static inline float *at(const tensor *t, int h, int w, int c) {
  return &t->data[(h * t->dims[2] + w) * t->dims[3] + c];
}

/* Size of the result and cells before the image. */
static inline int windows(int size, int kernel, int stride, int dilation, bool same, int *before) {
  int span = (kernel - 1) * dilation + 1;
  int out = same ? (size + stride - 1) / stride : (size - span) / stride + 1;
  int total = same ? (out - 1) * stride + span - size : 0;
  *before = total > 0 ? total / 2 : 0;
  return out;
}

static inline void window_attrs(attrs *a, int stride, int dilation, bool same) {
  attr_ints(a, "strides", (int[]){1, stride, stride, 1}, 4);
  if (dilation > 1) attr_ints(a, "dilations", (int[]){1, dilation, dilation, 1}, 4);
  attr_text(a, "padding", same ? "SAME" : "VALID");
}

/* Kernel h, w, I, O, or with `depthwise` h, w, C, multiplier. */
static inline tensor convolution(net *g, tensor x, tensor k, int stride, int dilation, bool same,
                                 bool depthwise) {
  attrs a = {0};
  int top, left, kh = k.dims[0], kw = k.dims[1];
  int oh = windows(x.dims[1], kh, stride, dilation, same, &top);
  int ow = windows(x.dims[2], kw, stride, dilation, same, &left);
  int oc = depthwise ? k.dims[2] * k.dims[3] : k.dims[3];
  tensor y = make_tensor(g, "conv", 4, (int[]){1, oh, ow, oc});
  int groups = depthwise ? x.dims[3] : x.dims[3] / k.dims[2];
  for (int h = 0; h < oh; h++)
    for (int w = 0; w < ow; w++)
      for (int o = 0; o < oc; o++)
        for (int i = 0; i < kh; i++)
          for (int j = 0; j < kw; j++) {
            int sh = h * stride + i * dilation - top, sw = w * stride + j * dilation - left;
            if (sh < 0 || sw < 0 || sh >= x.dims[1] || sw >= x.dims[2]) continue;
            if (depthwise) {
              *at(&y, h, w, o) += *at(&x, sh, sw, o / k.dims[3]) * k.data[(i * kw + j) * oc + o];
              continue;
            }
            int group = o / (oc / groups);
            for (int c = 0; c < k.dims[2]; c++)
              *at(&y, h, w, o) += *at(&x, sh, sw, group * k.dims[2] + c) *
                                  k.data[((i * kw + j) * k.dims[2] + c) * oc + o];
          }
  window_attrs(&a, stride, dilation, same);
  put_node(g, y.name, depthwise ? "DepthwiseConv2dNative" : "Conv2D", join(g, x.name, k.name), &a);
  return y;
}

/* Kernel h, w, out, in; SAME: the result is `stride` times as large. */
static inline tensor transposed_convolution(net *g, tensor x, tensor k, int stride) {
  attrs a = {0};
  int oh = x.dims[1] * stride, ow = x.dims[2] * stride, oc = k.dims[2], top, left;
  windows(oh, k.dims[0], stride, 1, true, &top);
  windows(ow, k.dims[1], stride, 1, true, &left);
  tensor y = make_tensor(g, "deconv", 4, (int[]){1, oh, ow, oc});
  for (int h = 0; h < x.dims[1]; h++)
    for (int w = 0; w < x.dims[2]; w++)
      for (int i = 0; i < k.dims[0]; i++)
        for (int j = 0; j < k.dims[1]; j++)
          for (int o = 0; o < oc; o++)
            for (int c = 0; c < k.dims[3]; c++) {
              int th = h * stride + i - top, tw = w * stride + j - left;
              if (th < 0 || tw < 0 || th >= oh || tw >= ow) continue;
              *at(&y, th, tw, o) +=
                  *at(&x, h, w, c) * k.data[((i * k.dims[1] + j) * oc + o) * k.dims[3] + c];
            }
  window_attrs(&a, stride, 1, true);
  const char *sizes = ints(g, 1, 4, (int[]){1, oh, ow, oc});
  put_node(g, y.name, "Conv2DBackpropInput", join(g, join(g, sizes, k.name), x.name), &a);
  return y;
}

static inline tensor pool(net *g, tensor x, int kernel, int stride, bool same, bool average) {
  attrs a = {0};
  int top, left;
  int oh = windows(x.dims[1], kernel, stride, 1, same, &top);
  int ow = windows(x.dims[2], kernel, stride, 1, same, &left);
  tensor y = make_tensor(g, "pool", 4, (int[]){1, oh, ow, x.dims[3]});
  for (int h = 0; h < oh; h++)
    for (int w = 0; w < ow; w++)
      for (int c = 0; c < x.dims[3]; c++) {
        float best = -INFINITY, sum = 0, cells = 0;
        for (int i = 0; i < kernel; i++)
          for (int j = 0; j < kernel; j++) {
            int sh = h * stride + i - top, sw = w * stride + j - left;
            if (sh < 0 || sw < 0 || sh >= x.dims[1] || sw >= x.dims[2]) continue;
            best = fmaxf(best, *at(&x, sh, sw, c));
            sum += *at(&x, sh, sw, c);
            cells++;
          }
        *at(&y, h, w, c) = average ? sum / cells : best;
      }
  attr_ints(&a, "ksize", (int[]){1, kernel, kernel, 1}, 4);
  window_attrs(&a, stride, 1, same);
  put_node(g, y.name, average ? "AvgPool" : "MaxPool", x.name, &a);
  return y;
}

/* Element i of an operand broadcast over the last dimensions of x. */
static inline float broadcast(const tensor *x, const tensor *v, int i) {
  int index = 0, stride = 1;
  for (int d = x->rank - 1, k = v->rank - 1; k >= 0; d--, k--) {
    if (v->dims[k] > 1) index += i % x->dims[d] * stride;
    stride *= v->dims[k];
    i /= x->dims[d];
  }
  return v->data[index];
}

/* Add, BiasAdd, Sub, Mul, RealDiv; v broadcasts to x. */
static inline tensor binary(net *g, const char *op, tensor x, tensor v) {
  tensor y = make_tensor(g, "binary", x.rank, x.dims);
  for (int i = 0; i < volume(&x); i++) {
    float b = broadcast(&x, &v, i), a = x.data[i];
    y.data[i] = op[0] == 'S' ? a - b : op[0] == 'M' ? a * b : op[0] == 'R' ? a / b : a + b;
  }
  put_node(g, y.name, op, join(g, x.name, v.name), NULL);
  return y;
}

static inline float evaluate(const char *op, float x) {
  if (strcmp(op, "Relu") == 0) return x > 0 ? x : 0;
  if (strcmp(op, "Relu6") == 0) return x > 6 ? 6 : x > 0 ? x : 0;
  if (strcmp(op, "Sigmoid") == 0) return 1 / (1 + expf(-x));
  if (strcmp(op, "Tanh") == 0) return tanhf(x);
  if (strcmp(op, "Rsqrt") == 0) return 1 / sqrtf(x);
  if (strcmp(op, "LeakyRelu") == 0) return x > 0 ? x : 0.2f * x;
  return x; /* Identity */
}

static inline tensor unary(net *g, const char *op, tensor x) {
  tensor y = make_tensor(g, "unary", x.rank, x.dims);
  for (int i = 0; i < volume(&x); i++) y.data[i] = evaluate(op, x.data[i]);
  put_node(g, y.name, op, x.name, NULL);
  return y;
}

static inline tensor batch_norm(net *g, const char *op, tensor x) {
  attrs a = {0};
  int c = x.dims[3];
  tensor p[4] = {vector(g, c, 0.5f, 1.5f), vector(g, c, -1, 1), vector(g, c, -1, 1),
                 vector(g, c, 0.5f, 1.5f)};
  tensor y = make_tensor(g, "norm", 4, x.dims);
  for (int i = 0; i < volume(&x); i++)
    y.data[i] =
        (x.data[i] - p[2].data[i % c]) / sqrtf(p[3].data[i % c] + 0.001f) * p[0].data[i % c] +
        p[1].data[i % c];
  attr_float(&a, "epsilon", 0.001f);
  attr_bool(&a, "is_training", false);
  const char *inputs = x.name;
  for (int k = 0; k < 4; k++) inputs = join(g, inputs, p[k].name);
  put_node(g, y.name, op, inputs, &a);
  return y;
}

/* Written out, as old layers have it: Add, Rsqrt, Mul, Mul, Mul, Sub, Add. */
static inline tensor unfused_norm(net *g, tensor x) {
  int c = x.dims[x.rank - 1];
  tensor gamma = vector(g, c, 0.5f, 1.5f), beta = vector(g, c, -1, 1), mean = vector(g, c, -1, 1);
  tensor root =
      unary(g, "Rsqrt", binary(g, "Add", vector(g, c, 0.5f, 1.5f), splat(g, 0, NULL, 0.001f)));
  tensor scale = binary(g, "Mul", root, gamma);
  tensor shift = binary(g, "Sub", beta, binary(g, "Mul", mean, scale));
  return binary(g, "Add", binary(g, "Mul", x, scale), shift);
}

static inline tensor matmul(net *g, tensor x, tensor w, bool transposed) {
  attrs a = {0};
  int in = x.dims[1], out = w.dims[!transposed];
  tensor y = make_tensor(g, "matmul", 2, (int[]){1, out});
  for (int o = 0; o < out; o++)
    for (int i = 0; i < in; i++)
      y.data[o] += x.data[i] * w.data[transposed ? o * in + i : i * out + o];
  attr_bool(&a, "transpose_a", false);
  attr_bool(&a, "transpose_b", transposed);
  put_node(g, y.name, "MatMul", join(g, x.name, w.name), &a);
  return y;
}

/* `target` is what the file says (with -1), `dims` what comes out. */
static inline tensor reshape(net *g, tensor x, int rank, const int *target, const int *dims) {
  tensor y = make_tensor(g, "reshape", rank, dims);
  memcpy(y.data, x.data, (size_t)volume(&x) * sizeof(float));
  put_node(g, y.name, "Reshape", join(g, x.name, ints(g, 1, rank, target)), NULL);
  return y;
}

static inline tensor flatten(net *g, tensor x) {
  int n = volume(&x);
  return reshape(g, x, 2, (int[]){-1, n}, (int[]){1, n});
}

static inline tensor transpose(net *g, tensor x, const int *perm) {
  tensor y = make_tensor(g, "transpose", x.rank, x.dims);
  int stride[5], from[5];
  for (int d = x.rank - 1, step = 1; d >= 0; step *= x.dims[d], d--) stride[d] = step;
  for (int d = 0; d < x.rank; d++) y.dims[d] = x.dims[perm[d]], from[d] = stride[perm[d]];
  for (int i = 0; i < volume(&y); i++) {
    int rest = i, source = 0;
    for (int d = y.rank - 1; d >= 0; d--) source += rest % y.dims[d] * from[d], rest /= y.dims[d];
    y.data[i] = x.data[source];
  }
  put_node(g, y.name, "Transpose", join(g, x.name, ints(g, 1, x.rank, perm)), NULL);
  return y;
}

/* Along any axis of two tensors; negative ones count from the end. */
static inline tensor concatenate(net *g, tensor a, tensor b, int axis) {
  int d = axis < 0 ? axis + a.rank : axis, outer = 1, ia = 1, ib = 1, dims[5];
  memcpy(dims, a.dims, sizeof dims);
  dims[d] += b.dims[d];
  tensor y = make_tensor(g, "concat", a.rank, dims);
  for (int k = 0; k < d; k++) outer *= a.dims[k];
  for (int k = d; k < a.rank; k++) ia *= a.dims[k], ib *= b.dims[k];
  for (int o = 0; o < outer; o++) {
    memcpy(y.data + o * (ia + ib), a.data + o * ia, (size_t)ia * sizeof(float));
    memcpy(y.data + o * (ia + ib) + ia, b.data + o * ib, (size_t)ib * sizeof(float));
  }
  put_node(g, y.name, "ConcatV2", join(g, join(g, a.name, b.name), ints(g, 0, 1, &axis)), NULL);
  return y;
}

static inline tensor mean(net *g, tensor x, bool keep) {
  attrs a = {0};
  int c = x.dims[3], area = x.dims[1] * x.dims[2];
  tensor y = make_tensor(g, "mean", keep ? 4 : 2, keep ? (int[]){1, 1, 1, c} : (int[]){1, c});
  for (int i = 0; i < volume(&x); i++) y.data[i % c] += x.data[i] / (float)area;
  attr_bool(&a, "keep_dims", keep);
  put_node(g, y.name, "Mean", join(g, x.name, ints(g, 1, 2, (int[]){1, 2})), &a);
  return y;
}

static inline tensor pad(net *g, tensor x, int top, int bottom, int left, int right) {
  tensor y = make_tensor(g, "pad", 4,
                         (int[]){1, x.dims[1] + top + bottom, x.dims[2] + left + right, x.dims[3]});
  for (int h = 0; h < x.dims[1]; h++)
    for (int w = 0; w < x.dims[2]; w++)
      for (int c = 0; c < x.dims[3]; c++) *at(&y, h + top, w + left, c) = *at(&x, h, w, c);
  const char *pads = ints(g, 2, 8, (int[]){0, 0, top, bottom, left, right, 0, 0});
  put_node(g, y.name, "Pad", join(g, x.name, pads), NULL);
  return y;
}

static inline tensor softmax(net *g, tensor x) {
  tensor y = make_tensor(g, "softmax", x.rank, x.dims);
  int c = x.dims[x.rank - 1];
  for (int i = 0; i < volume(&x); i += c) {
    float sum = 0;
    for (int k = 0; k < c; k++) sum += expf(x.data[i + k]);
    for (int k = 0; k < c; k++) y.data[i + k] = expf(x.data[i + k]) / sum;
  }
  put_node(g, y.name, "Softmax", x.name, NULL);
  return y;
}

static inline tensor enlarge(net *g, tensor x, int ratio) {
  tensor y =
      make_tensor(g, "resize", 4, (int[]){1, x.dims[1] * ratio, x.dims[2] * ratio, x.dims[3]});
  for (int h = 0; h < y.dims[1]; h++)
    for (int w = 0; w < y.dims[2]; w++)
      for (int c = 0; c < x.dims[3]; c++) *at(&y, h, w, c) = *at(&x, h / ratio, w / ratio, c);
  put_node(g, y.name, "ResizeNearestNeighbor", join(g, x.name, ints(g, 1, 2, y.dims + 1)), NULL);
  return y;
}

/* Channel (i * block + j) * C + c of a cell becomes channel c of its part i, j. */
static inline tensor depth_to_space(net *g, tensor x, int block) {
  attrs a = {0};
  int c = x.dims[3] / block / block;
  tensor y = make_tensor(g, "unfold", 4, (int[]){1, x.dims[1] * block, x.dims[2] * block, c});
  for (int h = 0; h < y.dims[1]; h++)
    for (int w = 0; w < y.dims[2]; w++)
      for (int k = 0; k < c; k++)
        *at(&y, h, w, k) = *at(&x, h / block, w / block, (h % block * block + w % block) * c + k);
  attr_int(&a, "block_size", block);
  put_node(g, y.name, "DepthToSpace", x.name, &a);
  return y;
}

static inline void free_net(net *g) {
  ag_text_free(&g->graph);
  ag_arena_free(&g->arena);
}

#endif
