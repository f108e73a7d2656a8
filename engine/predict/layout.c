/* The parameters of a predictor live in one flat array of floats. This table says which tensor
 * lies where; loading, saving, initialising, the optimiser and the gradient checks all walk it,
 * so that no other place knows the list of tensors. */
#include <stdarg.h>
#include <stdio.h>

#include "engine/predict/model.h"

static int add(ag_layout *layout, int rank, int rows, int columns, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

static int add(ag_layout *layout, int rank, int rows, int columns, const char *format, ...) {
  ag_param *p = &layout->param[layout->params++];
  va_list args;
  va_start(args, format);
  vsnprintf(p->name, sizeof p->name, format, args);
  va_end(args);
  p->rank = rank;
  p->dims[0] = rows;
  p->dims[1] = columns;
  p->offset = layout->size;
  p->size = rows * columns;
  layout->size += p->size;
  return p->offset;
}

static void add_embedding(ag_layout *t) {
  t->regular = add(t, 2, AG_OP_ROWS, AG_REGULAR_WIDTH, "embed_layer.regular_embed_layer.weight");
  t->weighted = add(t, 2, AG_OP_ROWS, AG_WEIGHTED_WIDTH, "embed_layer.weighted_embed_layer.weight");
  t->kernel = add(t, 2, AG_KERNEL_ROWS, AG_KERNEL_WIDTH, "embed_layer.kernel_embed_layer.weight");
  t->shape_w = add(t, 2, AG_SHAPE_WIDTH, AG_SIZES, "embed_layer.shape_embed_layer.weight");
  t->shape_b = add(t, 1, AG_SHAPE_WIDTH, 1, "embed_layer.shape_embed_layer.bias");
  t->bias_w = add(t, 2, AG_BIAS_WIDTH, AG_BIAS_WIDTH, "embed_layer.bias_embed_layer.weight");
  t->bias_b = add(t, 1, AG_BIAS_WIDTH, 1, "embed_layer.bias_embed_layer.bias");
}

static void add_layer(ag_layout *t, int i, bool residual) {
  t->layer[i].left_w = add(t, 2, AG_WIDTH, AG_WIDTH, "encoder.gnn_layers.%d.lin_l.weight", i);
  t->layer[i].left_b = add(t, 1, AG_WIDTH, 1, "encoder.gnn_layers.%d.lin_l.bias", i);
  t->layer[i].right_w = add(t, 2, AG_WIDTH, AG_WIDTH, "encoder.gnn_layers.%d.lin_r.weight", i);
  if (!residual) return;
  t->layer[i].norm_w = add(t, 1, AG_WIDTH, 1, "encoder.norms.%d.weight", i);
  t->layer[i].norm_b = add(t, 1, AG_WIDTH, 1, "encoder.norms.%d.bias", i);
}

void ag_layout_make(const ag_config *config, ag_layout *layout) {
  static const int number[AG_HEAD_LAYERS] = {0, 1, 3, 4}; /* 2 is the ReLU */
  *layout = (ag_layout){.joined = config->model == AG_MODEL_PSC ? 3 * AG_WIDTH : AG_WIDTH};
  add_embedding(layout);
  for (int i = 0; i < config->layers; i++) add_layer(layout, i, config->residual);
  int d = layout->joined;
  for (int i = 0; i < AG_HEAD_LAYERS; i++) {
    layout->head_w[i] = add(layout, 2, d, d, "post_proj.%d.weight", number[i]);
    layout->head_b[i] = add(layout, 1, d, 1, "post_proj.%d.bias", number[i]);
  }
  layout->out_w = add(layout, 2, 1, d, "regressor.weight");
  layout->out_b = add(layout, 1, 1, 1, "regressor.bias");
}
