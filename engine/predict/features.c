/* From a node to the 32 numbers its state starts with: an op embedding and a linear map of its
 * six sizes, and for weighted nodes kernel and bias embeddings.
 * Source: algorithm.md section 6, families.md 1.7, published.md. */
#include <string.h>

#include "engine/predict/model.h"

ag_shape ag_feature_normalisers(const ag_graph *graph) {
  ag_shape n = graph->normalisers;
  return (ag_shape){n.h > 0 ? n.h : 256, n.w > 0 ? n.w : 256, n.c > 0 ? n.c : 512};
}

/* Most sizes are powers of two, whose logarithms are exact either way. */
static float log_size(int32_t size) {
  if (size < 1) size = 1;
  bool power = (size & (size - 1)) == 0;
  double log = power ? __builtin_ctz((unsigned)size) : ag_log2_exact(size);
  return (float)(log / 4 - 0.5);
}

static int32_t clamp_kernel(int32_t k) {
  if (k < 0) return 0;
  return k < AG_KERNEL_ROWS ? k : AG_KERNEL_ROWS - 1;
}

ag_feature ag_feature_make(bool log_sizes, const ag_node *node, ag_shape n) {
  const int32_t size[AG_SIZES] = {node->in.h,  node->out.h, node->in.w,
                                  node->out.w, node->in.c,  node->out.c};
  const int32_t unit[AG_SIZES] = {n.h, n.h, n.w, n.w, n.c, n.c};
  ag_feature f;
  memset(&f, 0, sizeof f); /* keys are compared as bytes */
  for (int i = 0; i < AG_SIZES; i++) {
    if (!log_sizes)
      f.sizes[i] = (float)size[i] / (float)unit[i];
    else if (i > 0 && size[i] == size[i - 1])
      f.sizes[i] = f.sizes[i - 1];
    else
      f.sizes[i] = log_size(size[i]);
  }
  f.op = ag_op_get((ag_op)node->op)->feature;
  f.weighted = ag_op_weighted((ag_op)node->op);
  if (f.weighted) {
    f.kernel[0] = clamp_kernel(node->kernel[0]);
    f.kernel[1] = clamp_kernel(node->kernel[1]);
    f.bias = node->bias != 0;
  }
  return f;
}

static void embed_sizes(const ag_layout *t, const float *params, const float *sizes, float *out) {
  for (int j = 0; j < AG_SHAPE_WIDTH; j++) {
    float sum = params[t->shape_b + j];
    for (int i = 0; i < AG_SIZES; i++) sum += params[t->shape_w + j * AG_SIZES + i] * sizes[i];
    out[j] = sum;
  }
}

void ag_feature_embed(const ag_layout *t, const float *params, const ag_feature *f, float *state) {
  int op_width = f->weighted ? AG_WEIGHTED_WIDTH : AG_REGULAR_WIDTH;
  const float *op = params + (f->weighted ? t->weighted : t->regular) + f->op * op_width;
  memcpy(state, op, (size_t)op_width * sizeof *state);
  state += op_width;
  embed_sizes(t, params, f->sizes, state);
  if (!f->weighted) return;
  state += AG_SHAPE_WIDTH;
  for (int i = 0; i < 2; i++, state += AG_KERNEL_WIDTH) {
    memcpy(state, params + t->kernel + f->kernel[i] * AG_KERNEL_WIDTH,
           AG_KERNEL_WIDTH * sizeof *state);
  }
  for (int j = 0; j < AG_BIAS_WIDTH; j++) {
    state[j] = params[t->bias_b + j] + params[t->bias_w + j * AG_BIAS_WIDTH + f->bias];
  }
}

static void add(float *to, const float *from, int count) {
  for (int j = 0; j < count; j++) to[j] += from[j];
}

void ag_feature_backward(const ag_layout *t, const ag_feature *f, const float *state_grad,
                         float *grad) {
  int op_width = f->weighted ? AG_WEIGHTED_WIDTH : AG_REGULAR_WIDTH;
  add(grad + (f->weighted ? t->weighted : t->regular) + f->op * op_width, state_grad, op_width);
  state_grad += op_width;
  add(grad + t->shape_b, state_grad, AG_SHAPE_WIDTH);
  for (int j = 0; j < AG_SHAPE_WIDTH; j++) {
    for (int i = 0; i < AG_SIZES; i++) {
      grad[t->shape_w + j * AG_SIZES + i] += state_grad[j] * f->sizes[i];
    }
  }
  if (!f->weighted) return;
  state_grad += AG_SHAPE_WIDTH;
  for (int i = 0; i < 2; i++, state_grad += AG_KERNEL_WIDTH) {
    add(grad + t->kernel + f->kernel[i] * AG_KERNEL_WIDTH, state_grad, AG_KERNEL_WIDTH);
  }
  for (int j = 0; j < AG_BIAS_WIDTH; j++) {
    grad[t->bias_b + j] += state_grad[j];
    grad[t->bias_w + j * AG_BIAS_WIDTH + f->bias] += state_grad[j];
  }
}
