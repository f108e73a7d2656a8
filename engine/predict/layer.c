/* A layer over its rows. Forward, it is one gather and one matrix product; backward, one product
 * for the weights, one for the inputs, and a scatter in which the gradients of a shared state's
 * uses add up. The rows of a batch do not fit the second-level cache, so what they keep between the
 * passes is what training waits for: inputs are gathered a second time rather than kept, and
 * gradients live in two buffers that the layers use in turn. Source: predictor.md ("Sharing goes
 * further than prefixes"). */
#include <math.h>
#include <string.h>

#include "engine/predict/product.h"
#include "engine/predict/trainer.h"

/* Rows [from, from + AG_BLOCK_ROWS) of a layer, as far as there are so many, as a layer by
 * themselves. */
static ag_shard_layer block_of(const ag_shard_layer *t, int from) {
  ag_shard_layer b = *t;
  b.rows = t->rows - from < AG_BLOCK_ROWS ? t->rows - from : AG_BLOCK_ROWS;
  b.own += from;
  b.start += from;
  b.hat += from * AG_WIDTH;
  b.scale += from;
  b.active += from * AG_WIDTH;
  b.state += from * AG_WIDTH;
  return b;
}

/* input[row] = the row's own state below, then the sum of its predecessors'. */
AG_VECTOR static void gather(const ag_shard_layer *t, const float *below, float *input) {
  for (int r = 0; r < t->rows; r++, input += AG_INPUT_WIDTH) {
    float sum[AG_WIDTH] = {0};
    memcpy(input, below + t->own[r] * AG_WIDTH, AG_WIDTH * sizeof *input);
    for (int32_t e = t->start[r]; e < t->start[r + 1]; e++) {
      const float *state = below + t->preds[e] * AG_WIDTH;
      for (int j = 0; j < AG_WIDTH; j++) sum[j] += state[j];
    }
    memcpy(input + AG_WIDTH, sum, sizeof sum);
  }
}

/* --- forward ------------------------------------------------------------------------------------
 */

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

AG_VECTOR static void add_own(const ag_shard_layer *t, const float *input) {
  for (int r = 0; r < t->rows; r++) {
    const float *own = input + r * AG_INPUT_WIDTH, *active = t->active + r * AG_WIDTH;
    for (int j = 0; j < AG_WIDTH; j++) t->state[r * AG_WIDTH + j] = own[j] + active[j];
  }
}

static void forward_block(const ag_shard_layer *t, const float *below, const ag_step_weights *w,
                          int l, float *input) {
  const float *params = w->params;
  gather(t, below, input);
  ag_product_set(&(ag_product){t->rows, AG_INPUT_WIDTH, AG_WIDTH, input, AG_INPUT_WIDTH, 1,
                               w->columns[l - 1], t->active},
                 params + w->layout->layer[l - 1].left_b);
  if (w->residual) {
    normalise(t, params + w->layout->layer[l - 1].norm_w, params + w->layout->layer[l - 1].norm_b,
              t->active);
  }
  ag_kernel_tanh(t->active, t->rows * AG_WIDTH);
  if (w->residual)
    add_own(t, input);
  else
    memcpy(t->state, t->active, (size_t)t->rows * AG_WIDTH * sizeof *t->state);
}

void ag_layer_forward(ag_shard *s, const ag_step_weights *w, int l) {
  for (int from = 0; from < s->layer[l].rows; from += AG_BLOCK_ROWS) {
    ag_shard_layer block = block_of(&s->layer[l], from);
    forward_block(&block, s->layer[l - 1].state, w, l, s->input);
  }
}

/* --- backward -----------------------------------------------------------------------------------
 */

/* delta <- gradient before tanh. */
AG_VECTOR static void backward_tanh(const ag_shard_layer *t, const float *grad, float *delta) {
  for (int i = 0; i < t->rows * AG_WIDTH; i++) {
    delta[i] = grad[i] * (1 - t->active[i] * t->active[i]);
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
AG_VECTOR static void scatter(const ag_shard_layer *t, const float *input, const float *residual,
                              float *below) {
  for (int r = 0; r < t->rows; r++, input += AG_INPUT_WIDTH) {
    float *own = below + t->own[r] * AG_WIDTH;
    for (int j = 0; j < AG_WIDTH; j++) own[j] += input[j];
    for (int j = 0; residual && j < AG_WIDTH; j++) own[j] += residual[r * AG_WIDTH + j];
    for (int32_t e = t->start[r]; e < t->start[r + 1]; e++) {
      float *state = below + t->preds[e] * AG_WIDTH;
      for (int j = 0; j < AG_WIDTH; j++) state[j] += input[AG_WIDTH + j];
    }
  }
}

/* Add up rows of 32. */
AG_VECTOR static void sum_rows(const float *row, int rows, float *to) {
  float sum[AG_WIDTH] = {0};
  for (int r = 0; r < rows; r++) {
    for (int j = 0; j < AG_WIDTH; j++) sum[j] += row[r * AG_WIDTH + j];
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

/* From the gradient of a block's states. Adds that of the layer's matrix to `matrix`, of its inputs
 * to `below`. */
static void backward_block(const ag_shard *s, const ag_shard_layer *t, const ag_step_weights *w,
                           int l, const float *grad, float *matrix, float *below) {
  static const float zero[AG_INPUT_WIDTH];
  const ag_layout *at = w->layout;
  float *params = s->gradient.params, *delta = s->delta, *input = s->input;
  backward_tanh(t, grad, delta);
  if (w->residual) {
    backward_norm(t, w->params + at->layer[l - 1].norm_w, delta, params + at->layer[l - 1].norm_w,
                  params + at->layer[l - 1].norm_b);
  }
  sum_rows(delta, t->rows, params + at->layer[l - 1].left_b);
  gather(t, s->layer[l - 1].state, input);
  ag_product_add(
      &(ag_product){AG_WIDTH, t->rows, AG_INPUT_WIDTH, delta, 1, AG_WIDTH, input, matrix});
  ag_product_set(
      &(ag_product){t->rows, AG_WIDTH, AG_INPUT_WIDTH, delta, AG_WIDTH, 1, w->layer[l - 1], input},
      zero);
  scatter(t, input, w->residual ? grad : NULL, below);
}

void ag_layer_backward(ag_shard *s, const ag_step_weights *w, int l) {
  const ag_shard_layer *t = &s->layer[l];
  float matrix[AG_WIDTH * AG_INPUT_WIDTH] = {0};
  const float *grad = ag_shard_grad(s, l);
  float *below = ag_shard_grad(s, l - 1);
  memset(below, 0, (size_t)s->layer[l - 1].rows * AG_WIDTH * sizeof *below);
  for (int from = 0; from < t->rows; from += AG_BLOCK_ROWS) {
    ag_shard_layer block = block_of(t, from);
    backward_block(s, &block, w, l, grad + from * AG_WIDTH, matrix, below);
  }
  add_layer_gradient(w->layout, l - 1, matrix, s->gradient.params);
}
