/* Evaluation of a part of a batch over interned states: which they are (rows.c), their layers
 * (layer.c), the embeddings of cuts (pooling.c), and here the head that is above them.
 * Source: predictor.md ("Sharing goes further than prefixes"). */
#include <string.h>

#include "engine/predict/product.h"
#include "engine/predict/trainer.h"

/* --- forward ------------------------------------------------------------------------------------
 */

/* raw = w . relu(hidden). */
AG_VECTOR static void weigh_hidden(const ag_shard *s, const float *weight, int d) {
  for (int i = 0; i < s->items; i++) {
    const float *z = s->hidden + i * d;
    float sum[AG_WIDTH] = {0};
    for (int k = 0; k < d; k += AG_WIDTH) {
      for (int j = 0; j < AG_WIDTH; j++) {
        float on = z[k + j] > 0 ? z[k + j] : 0;
        sum[j] += on * weight[k + j];
      }
    }
    s->raw[i] = ag_sum_lanes(sum);
  }
}

static void forward_head(ag_shard *s, const ag_step_weights *w) {
  int d = w->layout->joined;
  ag_product_set(&(ag_product){s->items, d, d, s->joined, d, 1, w->head_columns, s->hidden},
                 w->head_bias);
  weigh_hidden(s, w->head_weight, d);
  for (int i = 0; i < s->items; i++) s->raw[i] += w->head_offset;
}

void ag_shard_forward(ag_shard *s, const ag_step_weights *w) {
  if (s->items == 0) return;
  ag_shard_collect(s);
  ag_shard_layer *first = &s->layer[0];
  for (int r = 0; r < first->rows; r++) {
    ag_feature_embed(w->layout, w->params, &s->corpus->states.feature[first->id[r]],
                     first->state + r * AG_WIDTH);
  }
  for (int l = 1; l <= s->corpus->states.layers; l++) ag_layer_forward(s, w, l);
  ag_pool_forward(s, w->layout->joined);
  forward_head(s, w);
}

/* --- backward -----------------------------------------------------------------------------------
 */

/* hidden <- its gradient, given raw_grad; with the gradients of w and a. */
AG_VECTOR static void backward_hidden(const ag_shard *s, const float *weight, int d,
                                      float *weight_grad, float *bias_grad) {
  for (int i = 0; i < s->items; i++) {
    float dy = s->raw_grad[i], *z = s->hidden + i * d;
    for (int j = 0; j < d; j++) {
      float on = z[j] > 0 ? z[j] : 0, slope = z[j] > 0 ? weight[j] : 0;
      weight_grad[j] += dy * on;
      z[j] = dy * slope;
      bias_grad[j] += z[j];
    }
  }
}

static void backward_head(ag_shard *s, const ag_step_weights *w) {
  static const float zero[AG_JOINED_MAX];
  int d = w->layout->joined;
  ag_gradient *g = &s->gradient;
  for (int i = 0; i < s->items; i++) g->head_offset += s->raw_grad[i];
  backward_hidden(s, w->head_weight, d, g->head_weight, g->head_bias);
  ag_product_add(&(ag_product){d, s->items, d, s->hidden, 1, d, s->joined, g->head});
  ag_product_set(&(ag_product){s->items, d, d, s->hidden, d, 1, w->head, s->joined}, zero);
}

static void backward_features(ag_shard *s, const ag_layout *at) {
  const ag_shard_layer *t = &s->layer[0];
  const float *grad = ag_shard_grad(s, 0);
  for (int r = 0; r < t->rows; r++) {
    ag_feature_backward(at, &s->corpus->states.feature[t->id[r]], grad + r * AG_WIDTH,
                        s->gradient.params);
  }
}

static void clear_gradient(ag_gradient *g, int size) {
  float *params = g->params;
  memset(params, 0, (size_t)size * sizeof *params);
  *g = (ag_gradient){.params = params};
}

void ag_shard_backward(ag_shard *s, const ag_step_weights *w) {
  clear_gradient(&s->gradient, w->layout->size);
  if (s->items == 0) return;
  backward_head(s, w);
  int layers = s->corpus->states.layers;
  memset(ag_shard_grad(s, layers), 0, (size_t)s->layer[layers].rows * AG_WIDTH * sizeof(float));
  ag_pool_backward(s, w->layout->joined);
  for (int l = layers; l > 0; l--) ag_layer_backward(s, w, l);
  backward_features(s, w->layout);
}
