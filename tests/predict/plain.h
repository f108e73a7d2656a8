/* The model written down once more, in double, one cut at a time, straight from its definition:
 * the oracle that shared training is checked against. */
#ifndef TESTS_PREDICT_PLAIN_H
#define TESTS_PREDICT_PLAIN_H

#include "engine/predict/trainer.h"
#include "tests/predict/random_model.h"

typedef struct plain {
  const ag_config *config;
  const ag_layout *layout;
  const double *p; /* parameters */
} plain;

static inline void plain_features(const plain *m, const ag_graph *g, int i, double *x) {
  const ag_node *n = &g->nodes[i];
  const ag_layout *t = m->layout;
  double sizes[6] = {n->in.h, n->out.h, n->in.w, n->out.w, n->in.c, n->out.c};
  const double unit[6] = {256, 256, 256, 256, 512, 512};
  for (int k = 0; k < 6; k++) {
    sizes[k] = m->config->log_features ? log2(sizes[k]) / 4 - 0.5 : sizes[k] / unit[k];
  }
  bool weighted = n->op == AG_OP_CONV;
  int width = weighted ? 14 : 24, op = ag_op_get((ag_op)n->op)->feature;
  const double *row = m->p + (weighted ? t->weighted : t->regular) + op * width;
  for (int j = 0; j < width; j++) *x++ = row[j];
  for (int j = 0; j < 8; j++) {
    double sum = m->p[t->shape_b + j];
    for (int k = 0; k < 6; k++) sum += m->p[t->shape_w + 6 * j + k] * sizes[k];
    *x++ = sum;
  }
  for (int d = 0; weighted && d < 2; d++) {
    int kernel = n->kernel[d] < 7 ? n->kernel[d] : 7;
    for (int j = 0; j < 4; j++) *x++ = m->p[t->kernel + 4 * kernel + j];
  }
  for (int j = 0; weighted && j < 2; j++) {
    *x++ = m->p[t->bias_b + j] + m->p[t->bias_w + 2 * j + n->bias];
  }
}

static inline bool plain_passes(const plain *m, const ag_graph *g, int i) {
  return m->config->flatten && g->nodes[i].op == AG_OP_ADD;
}

/* What node i of [first, first + n) is told: the states of its operands, or backward of its users.
 */
static inline void plain_messages(const plain *m, const ag_graph *g, int first, int n, int i,
                                  const double *x, double *sum) {
  double told[32] = {0};
  for (int v = 0; v < n; v++) {
    for (int k = 0; k < ag_graph_arity(g, first + v); k++) {
      int u = ag_graph_operands(g, first + v)[k] - first;
      int from = m->config->backward ? v : u, to = m->config->backward ? u : v;
      for (int j = 0; u >= 0 && to == i && j < 32; j++) told[j] += x[32 * from + j];
    }
  }
  memcpy(sum, told, sizeof told);
}

/* Mean over nodes [first, last), evaluated by themselves. */
static inline void plain_embed(const plain *m, const ag_graph *g, int first, int last,
                               double *mean) {
  int n = last - first;
  double *x = AG_ARRAY(double, (n + 1) * 32), *y = AG_ARRAY(double, (n + 1) * 32);
  for (int i = 0; i < n; i++) plain_features(m, g, first + i, x + 32 * i);
  int nodes = 0;
  for (int l = 0; l <= m->config->layers; l++) {
    /* Additions that are no nodes pass on what their operands say in this layer. */
    for (int k = 0; k < n; k++) {
      int i = m->config->backward ? n - 1 - k : k;
      if (plain_passes(m, g, first + i)) plain_messages(m, g, first, n, i, x, x + 32 * i);
    }
    if (l == m->config->layers) break;
    const double *right = m->p + m->layout->layer[l].right_w;
    const double *left = m->p + m->layout->layer[l].left_w;
    for (int i = 0; i < n; i++) {
      double sum[32], z[32], average = 0, variance = 0;
      plain_messages(m, g, first, n, i, x, sum);
      for (int o = 0; o < 32; o++) {
        z[o] = m->p[m->layout->layer[l].left_b + o];
        for (int j = 0; j < 32; j++)
          z[o] += left[32 * o + j] * sum[j] + right[32 * o + j] * x[32 * i + j];
        average += z[o] / 32;
      }
      for (int o = 0; o < 32; o++) variance += (z[o] - average) * (z[o] - average) / 32;
      for (int o = 0; o < 32; o++) {
        const double *w = m->p + m->layout->layer[l].norm_w, *b = m->p + m->layout->layer[l].norm_b;
        if (m->config->residual) z[o] = (z[o] - average) / sqrt(variance + 1e-5) * w[o] + b[o];
        y[32 * i + o] = tanh(z[o]) + (m->config->residual ? x[32 * i + o] : 0);
      }
    }
    double *swap = x;
    x = y;
    y = swap;
  }
  for (int i = 0; i < n; i++) nodes += !plain_passes(m, g, first + i);
  for (int j = 0; j < 32; j++) {
    mean[j] = 0;
    for (int i = 0; i < n; i++) {
      if (!plain_passes(m, g, first + i)) mean[j] += x[32 * i + j] / nodes;
    }
  }
  free(x);
  free(y);
}

/* first = last = -1: the whole graph (GNN). */
static inline double plain_predict(const plain *m, const ag_graph *g, int first, int last) {
  double h[96] = {0}, out[96];
  int d = m->layout->joined;
  if (first < 0) {
    plain_embed(m, g, 0, g->size, h);
    int nodes = 0;
    for (int i = 0; i < g->size; i++) nodes += !plain_passes(m, g, i);
    for (int j = 0; j < 32; j++) h[32 + j] = h[j] * nodes / 64;
  } else {
    plain_embed(m, g, 0, first, m->config->backward ? h + 64 : h);
    plain_embed(m, g, first, last, h + 32);
    plain_embed(m, g, last, g->size, m->config->backward ? h : h + 64);
  }
  for (int layer = 0; layer < 4; layer++) {
    for (int o = 0; o < d; o++) {
      out[o] = m->p[m->layout->head_b[layer] + o];
      for (int i = 0; i < d; i++) out[o] += m->p[m->layout->head_w[layer] + d * o + i] * h[i];
    }
    for (int o = 0; o < d; o++) h[o] = layer == 1 ? fmax(out[o], 0) : out[o];
  }
  double y = m->p[m->layout->out_b];
  for (int i = 0; i < d; i++) y += m->p[m->layout->out_w + i] * h[i];
  return y;
}

/* The loss by its definition: mean squared error (linear beyond huber), hinge over ordered pairs of
 * one family, variance of each graph's items about their mean. */
static inline double plain_loss(const double *raw, const double *target, const int *family,
                                const int *graph, int count, const ag_loss_weights *weights) {
  double squares = 0, sum = 0, pairs = 0, apart = 0;
  for (int i = 0; i < count; i++) {
    double together = 0, items = 0;
    double error = fabs(raw[i] - target[i]), huber = weights->huber;
    bool far = huber > 0 && error > huber;
    squares += (far ? huber * huber + 2 * huber * (error - huber) : error * error) / count;
    for (int j = 0; j < count; j++) {
      together += graph[j] == graph[i] ? raw[j] : 0;
      items += graph[j] == graph[i];
      if (target[i] <= target[j] || family[i] != family[j]) continue;
      sum += fmax(0, 0.1 - (raw[i] - raw[j]));
      pairs++;
    }
    apart += pow(raw[i] - together / items, 2) / count;
  }
  return squares + (pairs > 0 ? weights->hinge * sum / pairs : 0) + weights->consistency * apart;
}

#endif
