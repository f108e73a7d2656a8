/* Ops of GraphDefs other than windows: each function appends a node and works out its result at
 * once, in plain loops over N, H, W, C. */
#ifndef AG_TESTS_GRAPHDEF_NET_H
#define AG_TESTS_GRAPHDEF_NET_H

#include <math.h>

#include "tests/formats/graphdef_windows.h"

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

#endif
