/* Evaluation of a part of a batch over interned states, the rows of its layers (rows.c). Forward, a
 * layer is one gather and one matrix product; backward, one product for the weights, one for the
 * inputs, and a scatter in which the gradients of a shared state's uses add up.
 * Source: predictor.md ("Sharing goes further than prefixes"). */
#include <math.h>
#include <string.h>

#include "engine/predict/product.h"
#include "engine/predict/trainer.h"

/* A layer is worked through in blocks of rows, small enough for all their numbers to stay in the
 * second-level cache from the first pass over them to the last. */
enum { BLOCK_ROWS = 128 };

/* Rows [from, from + BLOCK_ROWS) of a layer, as far as there are so many, as a layer by themselves.
 */
static ag_shard_layer block_of(const ag_shard_layer *t, int from) {
  ag_shard_layer b = *t;
  b.rows = t->rows - from < BLOCK_ROWS ? t->rows - from : BLOCK_ROWS;
  b.own += from;
  b.start += from;
  b.input += from * AG_INPUT_WIDTH;
  b.hat += from * AG_WIDTH;
  b.scale += from;
  b.active += from * AG_WIDTH;
  b.state += from * AG_WIDTH;
  b.grad += from * AG_WIDTH;
  return b;
}

/* --- forward ------------------------------------------------------------------------------------
 */

AG_VECTOR static void gather(const ag_shard_layer *t, const float *below) {
  for (int r = 0; r < t->rows; r++) {
    float *own = t->input + r * AG_INPUT_WIDTH, sum[AG_WIDTH] = {0};
    memcpy(own, below + t->own[r] * AG_WIDTH, AG_WIDTH * sizeof *own);
    for (int32_t e = t->start[r]; e < t->start[r + 1]; e++) {
      const float *state = below + t->preds[e] * AG_WIDTH;
      for (int j = 0; j < AG_WIDTH; j++) sum[j] += state[j];
    }
    memcpy(own + AG_WIDTH, sum, sizeof sum);
  }
}

/* values <- LayerNorm(values), remembering what the way back needs. */
AG_VECTOR static void normalise(const ag_shard_layer *t, const float *weight, const float *bias,
                                float *values) {
  for (int r = 0; r < t->rows; r++, values += AG_WIDTH) {
    float hat[AG_WIDTH], square[AG_WIDTH], mean = ag_sum_lanes(values) * (1.0f / AG_WIDTH);
    for (int j = 0; j < AG_WIDTH; j++) {
      hat[j] = values[j] - mean;
      square[j] = hat[j] * hat[j];
    }
    float variance = ag_sum_lanes(square) * (1.0f / AG_WIDTH);
    float scale = t->scale[r] = 1 / sqrtf(variance + AG_NORM_EPSILON);
    for (int j = 0; j < AG_WIDTH; j++) {
      hat[j] *= scale;
      values[j] = hat[j] * weight[j] + bias[j];
    }
    memcpy(t->hat + r * AG_WIDTH, hat, sizeof hat);
  }
}

AG_VECTOR static void add_own(const ag_shard_layer *t) {
  for (int r = 0; r < t->rows; r++) {
    const float *own = t->input + r * AG_INPUT_WIDTH, *active = t->active + r * AG_WIDTH;
    for (int j = 0; j < AG_WIDTH; j++) t->state[r * AG_WIDTH + j] = own[j] + active[j];
  }
}

static void forward_block(const ag_shard_layer *t, const float *below, const ag_step_weights *w,
                          int l) {
  const ag_layout *at = w->layout;
  gather(t, below);
  const float *bias = w->params + at->layer[l - 1].left_b;
  for (int r = 0; r < t->rows; r++) {
    memcpy(t->active + r * AG_WIDTH, bias, AG_WIDTH * sizeof *bias);
  }
  ag_product_add(&(ag_product){t->rows, AG_INPUT_WIDTH, AG_WIDTH, t->input, AG_INPUT_WIDTH, 1,
                               w->columns[l - 1], t->active});
  if (w->residual) {
    normalise(t, w->params + at->layer[l - 1].norm_w, w->params + at->layer[l - 1].norm_b,
              t->active);
  }
  ag_kernel_tanh(t->active, t->rows * AG_WIDTH);
  if (w->residual)
    add_own(t);
  else
    memcpy(t->state, t->active, (size_t)t->rows * AG_WIDTH * sizeof *t->state);
}

static void forward_layer(const ag_shard *s, const ag_step_weights *w, int l) {
  for (int from = 0; from < s->layer[l].rows; from += BLOCK_ROWS) {
    ag_shard_layer block = block_of(&s->layer[l], from);
    forward_block(&block, s->layer[l - 1].state, w, l);
  }
}

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
  for (int i = 0; i < s->items; i++) {
    memcpy(s->hidden + i * d, w->head_bias, (size_t)d * sizeof *s->hidden);
  }
  ag_product_add(&(ag_product){s->items, d, d, s->joined, d, 1, w->head_columns, s->hidden});
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
  for (int l = 1; l <= s->corpus->states.layers; l++) forward_layer(s, w, l);
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
  int d = w->layout->joined;
  ag_gradient *g = &s->gradient;
  for (int i = 0; i < s->items; i++) g->head_offset += s->raw_grad[i];
  backward_hidden(s, w->head_weight, d, g->head_weight, g->head_bias);
  ag_product_add(&(ag_product){d, s->items, d, s->hidden, 1, d, s->joined, g->head});
  memset(s->joined, 0, (size_t)(s->items * d) * sizeof *s->joined);
  ag_product_add(&(ag_product){s->items, d, d, s->hidden, d, 1, w->head, s->joined});
}

/* t->active <- gradient before tanh. */
AG_VECTOR static void backward_tanh(const ag_shard_layer *t) {
  for (int i = 0; i < t->rows * AG_WIDTH; i++) {
    t->active[i] = t->grad[i] * (1 - t->active[i] * t->active[i]);
  }
}

/* values <- gradient before LayerNorm; adds to those of its weight and bias. */
AG_VECTOR static void backward_norm(const ag_shard_layer *t, const float *weight, float *values,
                                    float *weight_grad, float *bias_grad) {
  float weight_sum[AG_WIDTH] = {0}, bias_sum[AG_WIDTH] = {0};
  for (int r = 0; r < t->rows; r++, values += AG_WIDTH) {
    const float *hat = t->hat + r * AG_WIDTH;
    float inner[AG_WIDTH], along[AG_WIDTH];
    for (int j = 0; j < AG_WIDTH; j++) {
      weight_sum[j] += values[j] * hat[j];
      bias_sum[j] += values[j];
      inner[j] = values[j] * weight[j];
      along[j] = inner[j] * hat[j];
    }
    float mean = ag_sum_lanes(inner) * (1.0f / AG_WIDTH);
    float slope = ag_sum_lanes(along) * (1.0f / AG_WIDTH), scale = t->scale[r];
    for (int j = 0; j < AG_WIDTH; j++) values[j] = scale * (inner[j] - mean - hat[j] * slope);
  }
  for (int j = 0; j < AG_WIDTH; j++) {
    weight_grad[j] += weight_sum[j];
    bias_grad[j] += bias_sum[j];
  }
}

/* From the gradient of a layer's inputs to that of the states below. */
AG_VECTOR static void scatter(const ag_shard_layer *t, bool residual, float *below) {
  for (int r = 0; r < t->rows; r++) {
    const float *input = t->input + r * AG_INPUT_WIDTH, *grad = t->grad + r * AG_WIDTH;
    float *own = below + t->own[r] * AG_WIDTH;
    for (int j = 0; j < AG_WIDTH; j++) own[j] += input[j];
    for (int j = 0; residual && j < AG_WIDTH; j++) own[j] += grad[j];
    for (int32_t e = t->start[r]; e < t->start[r + 1]; e++) {
      float *state = below + t->preds[e] * AG_WIDTH;
      for (int j = 0; j < AG_WIDTH; j++) state[j] += input[AG_WIDTH + j];
    }
  }
}

/* Add up t->active over rows. */
AG_VECTOR static void sum_rows(const ag_shard_layer *t, float *to) {
  float sum[AG_WIDTH] = {0};
  for (int r = 0; r < t->rows; r++) {
    for (int j = 0; j < AG_WIDTH; j++) sum[j] += t->active[r * AG_WIDTH + j];
  }
  for (int j = 0; j < AG_WIDTH; j++) to[j] += sum[j];
}

/* The two halves of a layer's matrix go to their own tensors. */
static void add_layer_gradient(const ag_layout *at, int l, const float *matrix, float *params) {
  float *right = params + at->layer[l].right_w, *left = params + at->layer[l].left_w;
  for (int o = 0; o < AG_WIDTH; o++) {
    for (int i = 0; i < AG_WIDTH; i++) {
      right[o * AG_WIDTH + i] += matrix[o * AG_INPUT_WIDTH + i];
      left[o * AG_WIDTH + i] += matrix[o * AG_INPUT_WIDTH + AG_WIDTH + i];
    }
  }
}

/* Adds the gradient of the layer's matrix to `matrix`, of its inputs to `below`. */
static void backward_block(const ag_shard_layer *t, const ag_step_weights *w, int l, float *params,
                           float *matrix, float *below) {
  const ag_layout *at = w->layout;
  backward_tanh(t);
  if (w->residual) {
    backward_norm(t, w->params + at->layer[l - 1].norm_w, t->active,
                  params + at->layer[l - 1].norm_w, params + at->layer[l - 1].norm_b);
  }
  sum_rows(t, params + at->layer[l - 1].left_b);
  ag_product_add(
      &(ag_product){AG_WIDTH, t->rows, AG_INPUT_WIDTH, t->active, 1, AG_WIDTH, t->input, matrix});
  memset(t->input, 0, (size_t)t->rows * AG_INPUT_WIDTH * sizeof *t->input);
  ag_product_add(&(ag_product){t->rows, AG_WIDTH, AG_INPUT_WIDTH, t->active, AG_WIDTH, 1,
                               w->layer[l - 1], t->input});
  scatter(t, w->residual, below);
}

static void backward_layer(ag_shard *s, const ag_step_weights *w, int l) {
  ag_shard_layer *t = &s->layer[l], *below = &s->layer[l - 1];
  float matrix[AG_WIDTH * AG_INPUT_WIDTH] = {0};
  memset(below->grad, 0, (size_t)below->rows * AG_WIDTH * sizeof *below->grad);
  for (int from = 0; from < t->rows; from += BLOCK_ROWS) {
    ag_shard_layer block = block_of(t, from);
    backward_block(&block, w, l, s->gradient.params, matrix, below->grad);
  }
  add_layer_gradient(w->layout, l - 1, matrix, s->gradient.params);
}

static void backward_features(ag_shard *s, const ag_layout *at) {
  const ag_shard_layer *t = &s->layer[0];
  for (int r = 0; r < t->rows; r++) {
    ag_feature_backward(at, &s->corpus->states.feature[t->id[r]], t->grad + r * AG_WIDTH,
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
  ag_shard_layer *last = &s->layer[layers];
  memset(last->grad, 0, (size_t)last->rows * AG_WIDTH * sizeof *last->grad);
  ag_pool_backward(s, w->layout->joined);
  for (int l = layers; l > 0; l--) backward_layer(s, w, l);
  backward_features(s, w->layout);
}
