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

/* The width is a constant in each call, so that the inner loop becomes whole vectors. */
static inline void accumulate(const float *matrix, const float *h, float *acc, int d) {
  for (int i = 0; i < AG_WIDTH; i++) {
    float x = h[i];
    for (int o = 0; o < d; o++) acc[o] += matrix[i * d + o] * x;
  }
}

AG_VECTOR void ag_head_accumulate(const ag_head *head, int from, const float *h, float *acc) {
  if (head->joined == AG_WIDTH)
    accumulate(head->matrix, h, acc, AG_WIDTH);
  else if (head->joined == 2 * AG_WIDTH)
    accumulate(head->matrix + from * 2 * AG_WIDTH, h, acc, 2 * AG_WIDTH);
  else
    accumulate(head->matrix + from * AG_JOINED_MAX, h, acc, AG_JOINED_MAX);
}

double ag_head_graph(const ag_head *head, const float *joined) {
  float acc[AG_JOINED_MAX];
  memcpy(acc, head->bias, sizeof acc);
  for (int from = 0; from < head->joined; from += AG_WIDTH) {
    ag_head_accumulate(head, from, joined + from, acc);
  }
  return ag_head_finish(head, acc);
}

double ag_head_finish(const ag_head *head, const float *acc) {
  double y = head->offset;
  for (int o = 0; o < head->joined; o++) {
    if (acc[o] > 0) y += (double)head->weight[o] * (double)acc[o];
  }
  return y;
}
