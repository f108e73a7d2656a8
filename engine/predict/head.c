/* The head is Linear, Linear, ReLU, Linear, Linear, Linear(1): neighbours fold into
 * y = w . relu(A h + a) + b with A = W1 W0, a = W1 b0 + b1, w = W2' W3' r,
 * b = r . (W3 b2 + b3) + r0. A acts on the embeddings of P, S and C separately, so that each
 * block's product is kept where its embedding is. Folded in double, kept in float.
 * Source: dependencies.md ("The reported predictor is separable"). */
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/predict/model.h"

/* out = W' in. */
static void transposed_product(const float *w, const double *in, int d, double *out) {
  for (int j = 0; j < d; j++) out[j] = 0;
  for (int i = 0; i < d; i++) {
    for (int j = 0; j < d; j++) out[j] += (double)w[i * d + j] * in[i];
  }
}

static void fold_input_side(const ag_layout *t, const float *params, ag_head *head) {
  int d = t->joined;
  const float *w0 = params + t->head_w[0], *w1 = params + t->head_w[1];
  for (int o = 0; o < d; o++) {
    double row[AG_JOINED_MAX] = {0}, bias = params[t->head_b[1] + o];
    for (int k = 0; k < d; k++) {
      double w = w1[o * d + k];
      bias += w * (double)params[t->head_b[0] + k];
      for (int i = 0; i < d; i++) row[i] += w * (double)w0[k * d + i];
    }
    for (int i = 0; i < d; i++) head->matrix[i * d + o] = (float)row[i];
    head->bias[o] = (float)bias;
  }
}

void ag_head_fold(const ag_layout *t, const float *params, ag_head *head) {
  int d = head->joined = t->joined;
  fold_input_side(t, params, head);
  double r[AG_JOINED_MAX] = {0}, u[AG_JOINED_MAX], w[AG_JOINED_MAX], b = params[t->out_b];
  for (int i = 0; i < d; i++) r[i] = params[t->out_w + i];
  transposed_product(params + t->head_w[3], r, d, u);
  transposed_product(params + t->head_w[2], u, d, w);
  for (int i = 0; i < d; i++) {
    b += r[i] * (double)params[t->head_b[3] + i] + u[i] * (double)params[t->head_b[2] + i];
    head->weight[i] = (float)w[i];
  }
  head->offset = (float)b;
}

void ag_head_accumulate(const ag_predictor *p, int from, const float *h, float *acc) {
  int d = p->head.joined;
  p->kernels->affine(p->head.matrix + from * d, acc, AG_WIDTH, d, h, 1, acc);
}

/* Eight at once; the compiler splits them where registers are narrower. */
typedef float lanes __attribute__((vector_size(32), aligned(4), may_alias));
typedef int32_t masks __attribute__((vector_size(32)));
typedef double sums __attribute__((vector_size(64)));

AG_VECTOR double ag_head_finish(const ag_predictor *p, const float *acc) {
  const ag_head *head = &p->head;
  sums y = {0};
  for (int o = 0; o < head->joined; o += 8) {
    lanes x = *(const lanes *)(acc + o), weight = *(const lanes *)(head->weight + o);
    lanes active = (lanes)((masks)x & (x > 0));
    y += __builtin_convertvector(weight, sums) * __builtin_convertvector(active, sums);
  }
  return (double)head->offset + (((y[0] + y[4]) + (y[2] + y[6])) + ((y[1] + y[5]) + (y[3] + y[7])));
}

void ag_head_values(const ag_predictor *p, const float *joined, int rows, double *values) {
  enum { AT_ONCE = 16 };
  float acc[AT_ONCE * AG_JOINED_MAX];
  int d = p->head.joined;
  for (int from = 0; from < rows; from += AT_ONCE) {
    int count = rows - from < AT_ONCE ? rows - from : AT_ONCE;
    p->kernels->affine(p->head.matrix, p->head.bias, d, d, joined + from * d, count, acc);
    for (int r = 0; r < count; r++) values[from + r] = ag_head_finish(p, acc + r * d);
  }
}
