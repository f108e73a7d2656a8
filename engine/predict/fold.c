/* Training goes through the folded head: its four matrices act as one (head.c), so a sample costs
 * one matrix product instead of four, and the layers' own gradients follow once per step from
 * that of the folded form by the product rule:
 *
 *   A = W1 W0, a = W1 b0 + b1     dW1 = dA W0' + da b0', dW0 = W1' dA, db0 = W1' da, db1 = da
 *   u = W3' r, w = W2' u,         du = W2 dw + db b2, dW2 = u dw', db2 = db u,
 *   b = u.b2 + r.b3 + r0          dr = W3 du + db b3, dW3 = r du', db3 = db r, dr0 = db
 */
#include <string.h>

#include "engine/predict/product.h"
#include "engine/predict/trainer.h"
#include "engine/predict/vector.h"

static void fold_head(ag_step_weights *s) {
  const ag_layout *at = s->layout;
  const float *p = s->params;
  int d = at->joined;
  memset(s->head, 0, (size_t)(d * d) * sizeof *s->head);
  ag_product_add(&(ag_product){d, d, d, p + at->head_w[1], d, 1, p + at->head_w[0], s->head});
  ag_transpose(s->head, d, d, s->head_columns);
  memcpy(s->head_bias, p + at->head_b[1], (size_t)d * sizeof *p);
  ag_vector_through(s->head_bias, p + at->head_w[1], p + at->head_b[0], d);
  memset(s->head_mid, 0, (size_t)d * sizeof *p);
  ag_vector_back(s->head_mid, p + at->head_w[3], p + at->out_w, d);
  memset(s->head_weight, 0, (size_t)d * sizeof *p);
  ag_vector_back(s->head_weight, p + at->head_w[2], s->head_mid, d);
  s->head_offset = p[at->out_b] + ag_vector_dot(s->head_mid, p + at->head_b[2], d) +
                   ag_vector_dot(p + at->out_w, p + at->head_b[3], d);
}

void ag_step_weights_make(ag_step_weights *s, const ag_config *config, const ag_layout *layout,
                          const float *params) {
  s->layout = layout;
  s->params = params;
  s->residual = config->residual;
  for (int l = 0; l < config->layers; l++) {
    const float *right = params + layout->layer[l].right_w,
                *left = params + layout->layer[l].left_w;
    for (int o = 0; o < AG_WIDTH; o++) {
      float *row = s->layer[l] + o * AG_INPUT_WIDTH;
      memcpy(row, right + o * AG_WIDTH, AG_WIDTH * sizeof *row);
      memcpy(row + AG_WIDTH, left + o * AG_WIDTH, AG_WIDTH * sizeof *row);
    }
    ag_transpose(s->layer[l], AG_WIDTH, AG_INPUT_WIDTH, s->columns[l]);
  }
  fold_head(s);
}

static void unfold_input_side(ag_gradient *g, const ag_step_weights *s) {
  const ag_layout *at = s->layout;
  const float *p = s->params;
  int d = at->joined;
  float transposed[AG_JOINED_MAX * AG_JOINED_MAX]; /* W0' */
  ag_transpose(p + at->head_w[0], d, d, transposed);
  ag_product_add(&(ag_product){d, d, d, g->head, d, 1, transposed, g->params + at->head_w[1]});
  ag_vector_outer(g->params + at->head_w[1], g->head_bias, p + at->head_b[0], d);
  ag_product_add(
      &(ag_product){d, d, d, p + at->head_w[1], 1, d, g->head, g->params + at->head_w[0]});
  ag_vector_back(g->params + at->head_b[0], p + at->head_w[1], g->head_bias, d);
  ag_vector_add(g->params + at->head_b[1], 1, g->head_bias, d);
}

void ag_gradient_unfold(ag_gradient *g, const ag_step_weights *s) {
  const ag_layout *at = s->layout;
  const float *p = s->params;
  int d = at->joined;
  float mid[AG_JOINED_MAX]; /* du */
  unfold_input_side(g, s);
  memset(mid, 0, sizeof mid);
  ag_vector_add(mid, g->head_offset, p + at->head_b[2], d);
  ag_vector_through(mid, p + at->head_w[2], g->head_weight, d);
  ag_vector_outer(g->params + at->head_w[2], s->head_mid, g->head_weight, d);
  ag_vector_add(g->params + at->head_b[2], g->head_offset, s->head_mid, d);
  ag_vector_outer(g->params + at->head_w[3], p + at->out_w, mid, d);
  ag_vector_add(g->params + at->head_b[3], g->head_offset, p + at->out_w, d);
  ag_vector_through(g->params + at->out_w, p + at->head_w[3], mid, d);
  ag_vector_add(g->params + at->out_w, g->head_offset, p + at->head_b[3], d);
  g->params[at->out_b] += g->head_offset;
}
