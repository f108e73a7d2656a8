/* The parameters of a predictor live in one flat array of floats. This table says which tensor
 * lies where; loading, saving, initialising, the optimiser and the gradient checks all walk it,
 * so that no other place knows the list of tensors. */
#include <stdarg.h>
#include <stdio.h>

#include "engine/predict/model.h"

static int add(ag_layout *layout, ag_initial initial, int inputs, int rank, int rows, int columns,
               const char *format, ...) __attribute__((format(printf, 7, 8)));

static int add(ag_layout *layout, ag_initial initial, int inputs, int rank, int rows, int columns,
               const char *format, ...) {
  ag_param *p = &layout->param[layout->params++];
  va_list args;
  va_start(args, format);
  vsnprintf(p->name, sizeof p->name, format, args);
  va_end(args);
  p->initial = initial;
  p->inputs = inputs;
  p->rank = rank;
  p->dims[0] = rows;
  p->dims[1] = columns;
  p->offset = layout->size;
  p->size = rows * columns;
  layout->size += p->size;
  return p->offset;
}

static int add_embedding(ag_layout *t, const char *name, int rows, int columns) {
  return add(t, AG_INITIAL_NORMAL, columns, 2, rows, columns, "embed_layer.%s_embed_layer.weight",
             name);
}

static int add_matrix(ag_layout *t, const char *name, int rows, int columns) {
  return add(t, AG_INITIAL_UNIFORM, columns, 2, rows, columns, "%s.weight", name);
}

static int add_bias(ag_layout *t, const char *name, int rows, int inputs) {
  return add(t, AG_INITIAL_UNIFORM, inputs, 1, rows, 1, "%s.bias", name);
}

static void add_features(ag_layout *t) {
  const char *shape = "embed_layer.shape_embed_layer", *bias = "embed_layer.bias_embed_layer";
  t->regular = add_embedding(t, "regular", AG_OP_ROWS, AG_REGULAR_WIDTH);
  t->weighted = add_embedding(t, "weighted", AG_OP_ROWS, AG_WEIGHTED_WIDTH);
  t->kernel = add_embedding(t, "kernel", AG_KERNEL_ROWS, AG_KERNEL_WIDTH);
  t->shape_w = add_matrix(t, shape, AG_SHAPE_WIDTH, AG_SIZES);
  t->shape_b = add_bias(t, shape, AG_SHAPE_WIDTH, AG_SIZES);
  t->bias_w = add_matrix(t, bias, AG_BIAS_WIDTH, AG_BIAS_WIDTH);
  t->bias_b = add_bias(t, bias, AG_BIAS_WIDTH, AG_BIAS_WIDTH);
}

static void add_layer(ag_layout *t, int i, bool residual) {
  char left[40], right[40], norm[40];
  snprintf(left, sizeof left, "encoder.gnn_layers.%d.lin_l", i);
  snprintf(right, sizeof right, "encoder.gnn_layers.%d.lin_r", i);
  snprintf(norm, sizeof norm, "encoder.norms.%d", i);
  t->layer[i].left_w = add_matrix(t, left, AG_WIDTH, AG_WIDTH);
  t->layer[i].left_b = add_bias(t, left, AG_WIDTH, AG_WIDTH);
  t->layer[i].right_w = add_matrix(t, right, AG_WIDTH, AG_WIDTH);
  if (!residual) return;
  t->layer[i].norm_w = add(t, AG_INITIAL_ONE, 1, 1, AG_WIDTH, 1, "%s.weight", norm);
  t->layer[i].norm_b = add(t, AG_INITIAL_ZERO, 1, 1, AG_WIDTH, 1, "%s.bias", norm);
}

void ag_layout_make(const ag_config *config, ag_layout *layout) {
  static const char *const head[AG_HEAD_LAYERS] = {"post_proj.0", "post_proj.1", /* ReLU */
                                                   "post_proj.3", "post_proj.4"};
  int parts = config->model == AG_MODEL_PSC ? 3 : config->sum_pooling ? 2 : 1;
  *layout = (ag_layout){.joined = parts * AG_WIDTH};
  add_features(layout);
  for (int i = 0; i < config->layers; i++) add_layer(layout, i, config->residual);
  int d = layout->joined;
  for (int i = 0; i < AG_HEAD_LAYERS; i++) {
    layout->head_w[i] = add_matrix(layout, head[i], d, d);
    layout->head_b[i] = add_bias(layout, head[i], d, d);
  }
  layout->out_w = add_matrix(layout, "regressor", 1, d);
  layout->out_b = add_bias(layout, "regressor", 1, d);
}
