/* Training goes through the folded head: its four matrices act as one (head.c), so a sample costs
 * one matrix product instead of four, and the layers' own gradients follow once per step from
 * that of the folded form by the product rule:
 *
 *   A = W1 W0, a = W1 b0 + b1     dW1 = dA W0' + da b0', dW0 = W1' dA, db0 = W1' da, db1 = da
 *   u = W3' r, w = W2' u,         du = W2 dw + db b2, dW2 = u dw', db2 = db u,
 *   b = u.b2 + r.b3 + r0          dr = W3 du + db b3, dW3 = r du', db3 = db r, dr0 = db
 */
#include <cblas.h>
#include <string.h>

#include "engine/predict/product.h"
#include "engine/predict/trainer.h"

static void multiply(bool transpose, const float *w, int d, const float *x, float beta, float *y) {
  cblas_sgemv(CblasRowMajor, transpose ? CblasTrans : CblasNoTrans, d, d, 1, w, d, x, 1, beta, y,
              1);
}

static void fold_head(ag_step_weights *s) {
  const ag_layout *at = s->layout;
  const float *p = s->params;
  int d = at->joined;
  memset(s->head, 0, (size_t)(d * d) * sizeof *s->head);
  ag_product_add(&(ag_product){d, d, d, p + at->head_w[1], d, 1, p + at->head_w[0], s->head});
  ag_transpose(s->head, d, d, s->head_columns);
  memcpy(s->head_bias, p + at->head_b[1], (size_t)d * sizeof *p);
  multiply(false, p + at->head_w[1], d, p + at->head_b[0], 1, s->head_bias);
  multiply(true, p + at->head_w[3], d, p + at->out_w, 0, s->head_mid);
  multiply(true, p + at->head_w[2], d, s->head_mid, 0, s->head_weight);
  s->head_offset = p[at->out_b] + cblas_sdot(d, s->head_mid, 1, p + at->head_b[2], 1) +
                   cblas_sdot(d, p + at->out_w, 1, p + at->head_b[3], 1);
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
  cblas_sger(CblasRowMajor, d, d, 1, g->head_bias, 1, p + at->head_b[0], 1,
             g->params + at->head_w[1], d);
  ag_product_add(
      &(ag_product){d, d, d, p + at->head_w[1], 1, d, g->head, g->params + at->head_w[0]});
  multiply(true, p + at->head_w[1], d, g->head_bias, 1, g->params + at->head_b[0]);
  cblas_saxpy(d, 1, g->head_bias, 1, g->params + at->head_b[1], 1);
}

void ag_gradient_unfold(ag_gradient *g, const ag_step_weights *s) {
  const ag_layout *at = s->layout;
  const float *p = s->params;
  int d = at->joined;
  float mid[AG_JOINED_MAX]; /* du */
  unfold_input_side(g, s);
  memcpy(mid, p + at->head_b[2], (size_t)d * sizeof *mid);
  cblas_sscal(d, g->head_offset, mid, 1);
  multiply(false, p + at->head_w[2], d, g->head_weight, 1, mid);
  cblas_sger(CblasRowMajor, d, d, 1, s->head_mid, 1, g->head_weight, 1, g->params + at->head_w[2],
             d);
  cblas_saxpy(d, g->head_offset, s->head_mid, 1, g->params + at->head_b[2], 1);
  cblas_sger(CblasRowMajor, d, d, 1, p + at->out_w, 1, mid, 1, g->params + at->head_w[3], d);
  cblas_saxpy(d, g->head_offset, p + at->out_w, 1, g->params + at->head_b[3], 1);
  multiply(false, p + at->head_w[3], d, mid, 1, g->params + at->out_w);
  cblas_saxpy(d, g->head_offset, p + at->head_b[3], 1, g->params + at->out_w, 1);
  g->params[at->out_b] += g->head_offset;
}
