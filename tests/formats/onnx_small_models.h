/* Small models of everything whose meaning is easily lost: paddings, rounding, orders of channels,
 * broadcasts, interpolation, heads, op versions. */
#ifndef AG_TESTS_ONNX_SMALL_MODELS_H
#define AG_TESTS_ONNX_SMALL_MODELS_H

#include <stdio.h>

#include "engine/base/random.h"
#include "tests/formats/onnx_maker.h"

/* Positive numbers around 1: variances must be valid, and products stay of that size. */
static inline void drawn(model *m, const char *name, int rank, const int64_t *sizes) {
  ag_text t = {0}, data = {0};
  int64_t count = 1;
  for (int i = 0; i < rank; i++) count *= sizes[i];
  ag_random random = ag_random_stream((uint64_t)name[0], (uint64_t)count, 0, 0, 0);
  for (int64_t i = 0; i < count; i++) {
    float value = (float)(0.5 + ag_random_unit(&random));
    ag_text_bytes(&data, &value, 4);
  }
  put_ints(&t, 1, sizes, rank, true);
  put_int(&t, 2, 1);
  put_string(&t, 8, name);
  put_message(&t, 9, &data);
  put_message(&m->graph, 5, &t);
}

static inline model picture(int64_t size) {
  model m = {0};
  image(&m, "x", 8, size, size + 1);
  value_info(&m, OUTPUT_FIELD, "y", -1, NULL);
  return m;
}

/* --- windows: kernel, stride, padding, rounding -------------------------------------------- */

typedef struct window {
  const char *op, *auto_pad;
  int64_t size, kernel, stride, dilation, group;
  int64_t pads[4];
  bool ceil, count_pads;
} window;

static const window windows[] = {
    {"Conv", "SAME_UPPER", 9, 3, 2, 1, 1, {0}, false, false},
    {"Conv", "SAME_UPPER", 8, 3, 2, 1, 1, {0}, false, false},
    {"Conv", "SAME_LOWER", 8, 3, 2, 1, 1, {0}, false, false},
    {"Conv", "SAME_LOWER", 8, 4, 1, 1, 2, {0}, false, false},
    {"Conv", "VALID", 8, 3, 2, 2, 1, {0}, false, false},
    {"Conv", NULL, 8, 3, 2, 1, 1, {0, 0, 1, 1}, false, false},
    {"Conv", NULL, 8, 3, 2, 1, 8, {1, 1, 0, 0}, false, false},
    {"Conv", NULL, 9, 3, 2, 1, 4, {1, 1, 1, 1}, false, false},
    {"Conv", NULL, 9, 5, 3, 1, 1, {2, 0, 1, 3}, false, false},
    {"MaxPool", "SAME_UPPER", 8, 3, 2, 1, 0, {0}, false, false},
    {"MaxPool", NULL, 8, 3, 2, 1, 0, {1, 1, 1, 1}, true, false},
    {"MaxPool", NULL, 9, 2, 2, 1, 0, {0, 0, 0, 0}, true, false},
    {"MaxPool", NULL, 9, 3, 1, 2, 0, {2, 2, 2, 2}, false, false},
    {"AveragePool", "SAME_UPPER", 8, 3, 2, 1, 0, {0}, false, false},
    {"AveragePool", "SAME_LOWER", 8, 3, 2, 1, 0, {0}, false, true},
    {"AveragePool", NULL, 9, 3, 2, 1, 0, {1, 1, 1, 1}, false, true},
    {"AveragePool", NULL, 9, 3, 2, 1, 0, {1, 1, 1, 1}, false, false},
    {"AveragePool", NULL, 8, 3, 1, 1, 0, {1, 1, 1, 1}, false, true},
    {"AveragePool", NULL, 8, 2, 2, 1, 0, {0, 0, 0, 0}, true, false},
};

enum { WINDOWS = sizeof windows / sizeof *windows };

static inline model window_model(int index) {
  const window *w = &windows[index];
  model m = picture(w->size);
  attributes a = {.packed = index % 2 == 0};
  attribute_ints(&a, "kernel_shape", (int64_t[]){w->kernel, w->kernel}, 2);
  attribute_ints(&a, "strides", (int64_t[]){w->stride, w->stride}, 2);
  if (w->dilation > 1) attribute_ints(&a, "dilations", (int64_t[]){w->dilation, w->dilation}, 2);
  if (w->auto_pad)
    attribute_string(&a, "auto_pad", w->auto_pad);
  else
    attribute_ints(&a, "pads", w->pads, 4);
  if (w->ceil) attribute_int(&a, "ceil_mode", 1);
  if (w->count_pads) attribute_int(&a, "count_include_pad", 1);
  if (w->group) {
    attribute_int(&a, "group", w->group);
    drawn(&m, "w", 4, (int64_t[]){8, 8 / w->group, w->kernel, w->kernel});
  }
  node(&m, w->op, w->group ? "x,w" : "x", "y", &a);
  return m;
}

/* --- resizing: how, on which grid, and which pixel is nearest -------------------------------- */

static const struct resize {
  const char *name, *mode, *grid, *rounding;
} resizes[] = {
    {"resize_nearest", "nearest", "asymmetric", "floor"},
    {"resize_nearest_half", "nearest", "half_pixel", "round_prefer_floor"},
    {"resize_nearest_ceil", "nearest", "asymmetric", "ceil"}, /* not a CG op: carried */
    {"resize_linear", "linear", "half_pixel", "floor"},
    {"resize_corners", "linear", "align_corners", "floor"},
    {"resize_cubic", "cubic", "half_pixel", "floor"}, /* not a CG op: carried */
};

enum { RESIZES = sizeof resizes / sizeof *resizes };

static inline model resize_model(int index) {
  const struct resize *r = &resizes[index];
  model m = picture(4);
  attributes a = {0};
  attribute_string(&a, "mode", r->mode);
  attribute_string(&a, "coordinate_transformation_mode", r->grid);
  attribute_string(&a, "nearest_mode", r->rounding);
  integers(&m, "sizes", (int64_t[]){1, 8, 12, 10}, 4);
  node(&m, "Resize", "x,,,sizes", "y", &a);
  return m;
}

/* --- everything else ----------------------------------------------------------------------- */

static inline model norm(void) {
  model m = picture(5);
  static const char *const names[] = {"scale", "b", "mean", "variance", "p"};
  for (int i = 0; i < 5; i++) drawn(&m, names[i], i < 4 ? 1 : 3, (int64_t[]){8, 1, 1});
  attributes a = {0}, l = {0};
  attribute_float(&a, "epsilon", 0.5f);
  attribute_float(&l, "alpha", 0.3f);
  node(&m, "BatchNormalization", "x,scale,b,mean,variance", "a", &a);
  node(&m, "PRelu", "a,p", "c", NULL);
  node(&m, "LeakyRelu", "c", "y", &l);
  return m;
}

static inline model caffe2_norm(void) {
  model m = picture(5);
  static const char *const names[] = {"scale", "b", "mean", "variance"};
  for (int i = 0; i < 4; i++) drawn(&m, names[i], 1, (int64_t[]){8});
  drawn(&m, "s", 3, (int64_t[]){8, 1, 1});
  drawn(&m, "t", 4, (int64_t[]){1, 8, 1, 1});
  node(&m, "BatchNormalization", "x,scale,b,mean,variance", "a", NULL);
  node(&m, "Mul", "s,a", "c", NULL);
  node(&m, "Add", "c,t", "y", NULL);
  return m;
}

static inline model curves(void) {
  model m = picture(4);
  scalar(&m, "three", 3);
  scalar(&m, "six", 6);
  scalar(&m, "zero", 0);
  scalar(&m, "root", 1.41421356f);
  scalar(&m, "one", 1);
  scalar(&m, "half", 0.5f);
  attributes h = {0};
  attribute_float(&h, "alpha", 0.2f);
  node(&m, "Add", "x,three", "a", NULL);
  node(&m, "Clip", "a,zero,six", "b", NULL);
  node(&m, "Mul", "x,b", "c", NULL);
  node(&m, "Div", "c,six", "d", NULL); /* hard swish */
  node(&m, "Sigmoid", "d", "e", NULL);
  node(&m, "Mul", "d,e", "f", NULL); /* swish */
  node(&m, "Div", "f,root", "g", NULL);
  node(&m, "Erf", "g", "i", NULL);
  node(&m, "Add", "i,one", "j", NULL);
  node(&m, "Mul", "f,j", "k", NULL);
  node(&m, "Mul", "k,half", "l", NULL); /* gelu */
  node(&m, "HardSigmoid", "l", "n", &h);
  node(&m, "Tanh", "n", "o", NULL);
  node(&m, "Sub", "o,half", "p", NULL);
  node(&m, "Clip", "p,zero", "y", NULL);
  return m;
}

static inline model squeeze_and_excite(void) {
  model m = picture(5);
  drawn(&m, "w", 4, (int64_t[]){8, 8, 1, 1});
  drawn(&m, "b", 1, (int64_t[]){8});
  node(&m, "GlobalAveragePool", "x", "p", NULL);
  node(&m, "Conv", "p,w,b", "q", NULL);
  node(&m, "HardSigmoid", "q", "g", NULL);
  node(&m, "Mul", "g,x", "y", NULL);
  return m;
}

static inline model depth_space(bool column) {
  model m = picture(4);
  attributes a = {0}, b = {0};
  attribute_int(&a, "blocksize", 2);
  attribute_string(&a, "mode", column ? "CRD" : "DCR");
  attribute_int(&b, "blocksize", 2);
  node(&m, "DepthToSpace", "x", "s", &a);
  node(&m, "SpaceToDepth", "s", "y", &b);
  return m;
}
static inline model depth_row(void) {
  return depth_space(false);
}
static inline model depth_column(void) {
  return depth_space(true);
}

static inline model shuffle(void) {
  model m = picture(4);
  attributes a = {0};
  integers(&m, "split", (int64_t[]){0, 4, 2, 4, 5}, 5);
  integers(&m, "join", (int64_t[]){0, 8, 4, 5}, 4);
  attribute_ints(&a, "perm", (int64_t[]){0, 2, 1, 3, 4}, 5);
  node(&m, "Reshape", "x,split", "a", NULL);
  node(&m, "Transpose", "a", "b", &a);
  node(&m, "Reshape", "b,join", "y", NULL);
  return m;
}

static inline model transposed(void) {
  model m = picture(4);
  attributes a = {0};
  attribute_ints(&a, "strides", (int64_t[]){2, 2}, 2);
  attribute_ints(&a, "pads", (int64_t[]){1, 1, 1, 1}, 4);
  attribute_ints(&a, "output_padding", (int64_t[]){1, 1}, 2);
  attribute_int(&a, "group", 2);
  drawn(&m, "w", 4, (int64_t[]){8, 3, 3, 3});
  drawn(&m, "b", 1, (int64_t[]){6});
  node(&m, "ConvTranspose", "x,w,b", "y", &a);
  return m;
}

static inline model slices(void) {
  model m = picture(5);
  integers(&m, "zero", (int64_t[]){0}, 1);
  integers(&m, "one", (int64_t[]){1}, 1);
  integers(&m, "five", (int64_t[]){5}, 1);
  drawn(&m, "w", 4, (int64_t[]){5, 5, 1, 1});
  node(&m, "Slice", "x,zero,five,one", "s", NULL);
  node(&m, "Conv", "s,w", "c", NULL);
  node(&m, "Add", "c,s", "a", NULL);
  node(&m, "Relu", "s", "r", NULL);
  node(&m, "Sum", "a,r,s", "y", NULL);
  return m;
}

static inline model pads(void) {
  model m = picture(5);
  integers(&m, "p", (int64_t[]){0, 0, 1, 2, 0, 0, 3, 0}, 8);
  node(&m, "Pad", "x,p", "y", NULL);
  return m;
}

static inline model classifier(void) {
  model m = picture(3);
  drawn(&m, "w", 2, (int64_t[]){8 * 3 * 4, 6});
  drawn(&m, "b", 1, (int64_t[]){6});
  drawn(&m, "v", 2, (int64_t[]){5, 6});
  attributes a = {0}, s = {0};
  attribute_int(&a, "transB", 1);
  attribute_int(&s, "axis", 1);
  node(&m, "Flatten", "x", "f", NULL);
  node(&m, "MatMul", "f,w", "p", NULL);
  node(&m, "Add", "p,b", "q", NULL);
  node(&m, "Sigmoid", "q", "r", NULL);
  node(&m, "Gemm", "r,v", "t", &a);
  node(&m, "Softmax", "t", "y", &s);
  return m;
}

/* Ops no CG knows, in the midst of others, at ranks other than 4. */
static inline model carried(void) {
  model m = picture(4);
  attributes l = {0}, t = {0}, s = {0}, c = {0}, r = {0};
  attribute_int(&l, "size", 3);
  attribute_ints(&t, "perm", (int64_t[]){0, 2, 3, 1}, 4);
  attribute_int(&s, "axis", 3);
  attribute_int(&c, "axis", -1);
  attribute_ints(&r, "axes", (int64_t[]){1}, 1);
  attribute_int(&r, "keepdims", 0);
  scalar(&m, "two", 2);
  node(&m, "LRN", "x", "a", &l);
  node(&m, "Relu", "a", "b", NULL);
  node(&m, "Transpose", "b", "c", &t);
  node(&m, "Split", "c", "d,e", &s);
  node(&m, "Concat", "e,d", "f", &c);
  node(&m, "Pow", "f,two", "g", NULL);
  node(&m, "ReduceMax", "g", "h", &r);
  node(&m, "Relu", "h", "y", NULL);
  return m;
}

/* The same in the manner of version 9, where lists were attributes. */
static inline model carried_of_old(void) {
  model m = picture(4);
  attributes s = {0}, c = {0}, u = {0}, q = {0}, p = {0}, k = {0};
  attribute_int(&s, "axis", 1);
  attribute_ints(&s, "split", (int64_t[]){3, 5}, 2);
  attribute_ints(&c, "axes", (int64_t[]){2}, 1);
  attribute_ints(&c, "starts", (int64_t[]){1}, 1);
  attribute_ints(&c, "ends", (int64_t[]){3}, 1);
  attribute_ints(&u, "axes", (int64_t[]){0, 3}, 2);
  attribute_ints(&q, "axes", (int64_t[]){0}, 1);
  attribute_ints(&p, "pads", (int64_t[]){0, 1, 0, 0, 0, 0, 0, 1, 0, 0}, 10);
  attribute_string(&p, "mode", "edge");
  attribute_float(&k, "min", -0.25f);
  attribute_float(&k, "max", 0.5f);
  node(&m, "Split", "x", "a,b", &s);
  node(&m, "Slice", "b", "c", &c);
  node(&m, "Unsqueeze", "c", "d", &u);
  node(&m, "Squeeze", "d", "e", &q);
  node(&m, "Pad", "e", "f", &p);
  node(&m, "Clip", "f", "g", &k);
  node(&m, "Softmax", "g", "y", NULL);
  return m;
}

static const struct {
  const char *name;
  model (*make)(void);
  int opset;
  bool rewritten; /* an op of it needs several of version 13 */
} others[] = {
    {"norm", norm, 13, false},
    {"caffe2_norm", caffe2_norm, 9, false},
    {"curves", curves, 13, false},
    {"squeeze_and_excite", squeeze_and_excite, 13, false},
    {"depth_row", depth_row, 13, false},
    {"depth_column", depth_column, 13, false},
    {"shuffle", shuffle, 13, false},
    {"transposed", transposed, 13, false},
    {"slices", slices, 13, false},
    {"pads", pads, 13, false},
    {"classifier", classifier, 13, false},
    {"carried", carried, 13, false},
    {"carried_of_old", carried_of_old, 9, true},
};

enum { OTHERS = sizeof others / sizeof *others, SMALL_MODELS = WINDOWS + RESIZES + OTHERS };

/* Of SMALL_MODELS: windows, resizes, others. */
static inline char *model_bytes(int index, const char **name, size_t *size) {
  static char window_name[32];
  model m;
  if (index < WINDOWS) {
    snprintf(window_name, sizeof window_name, "window%02d", index);
    *name = window_name;
    m = window_model(index);
    return finish(&m, 11, size);
  }
  index -= WINDOWS;
  if (index < RESIZES) {
    *name = resizes[index].name;
    m = resize_model(index);
    return finish(&m, 13, size);
  }
  index -= RESIZES;
  *name = others[index].name;
  m = others[index].make();
  return finish(&m, others[index].opset, size);
}

/* Whether an op of it needs several of version 13. */
static inline bool is_rewritten(int index) {
  return index >= WINDOWS + RESIZES && others[index - WINDOWS - RESIZES].rewritten;
}

#endif
