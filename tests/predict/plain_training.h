/* Training written down once more, one cut at a time: every node of P, S and C is evaluated anew
 * for every cut, forward and back, with nothing shared and nothing folded. What shared training is
 * checked against, and what its speed is measured against. Numbers are PLAIN_REAL (double). */
#ifndef TESTS_PREDICT_PLAIN_TRAINING_H
#define TESTS_PREDICT_PLAIN_TRAINING_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/predict/trainer.h"

#ifndef PLAIN_REAL
#define PLAIN_REAL double
#endif
typedef PLAIN_REAL plain_real;

enum { PLAIN_WIDTH = 32, PLAIN_PIECES = 3, PLAIN_JOINED = 96 };

typedef struct plain_trainer {
  const ag_config *config;
  const ag_layout *layout;
  const plain_real *p; /* parameters */
  plain_real *grad;    /* added to */
} plain_trainer;

/* What a piece's forward pass leaves for its backward pass: arrays of [layers][nodes][32], of
 * states [layers + 1]. */
typedef struct plain_piece {
  const ag_graph *graph;
  int first, nodes;
  plain_real *state, *sum, *hat, *scale, *active;
} plain_piece;

typedef struct plain_sample {
  plain_piece piece[PLAIN_PIECES];
  int pieces;
  plain_real head[AG_HEAD_LAYERS + 1]
                 [PLAIN_JOINED]; /* inputs of the head's layers, output of all */
} plain_sample;

static inline plain_piece plain_piece_open(const ag_graph *graph, int first, int last, int layers) {
  plain_piece q = {.graph = graph, .first = first, .nodes = last - first};
  size_t rows = (size_t)layers * (size_t)q.nodes, numbers = rows * PLAIN_WIDTH;
  q.state = calloc(numbers + (size_t)q.nodes * PLAIN_WIDTH + 1, sizeof *q.state);
  q.sum = calloc(3 * numbers + rows + 1, sizeof *q.sum);
  q.hat = q.sum + numbers;
  q.active = q.hat + numbers;
  q.scale = q.active + numbers;
  return q;
}

static inline void plain_piece_close(plain_piece *q) {
  free(q->state);
  free(q->sum);
}

/* The operand's row in the piece, or -1. */
static inline int plain_row(const plain_piece *q, int row, int k) {
  int u = ag_graph_operands(q->graph, q->first + row)[k] - q->first;
  return u >= 0 ? u : -1;
}

/* --- features --------------------------------------------------------------------------------- */

static inline void plain_sizes(const plain_trainer *m, const ag_graph *g, const ag_node *n,
                               plain_real *sizes) {
  ag_shape unit = ag_feature_normalisers(g);
  const double size[6] = {n->in.h, n->out.h, n->in.w, n->out.w, n->in.c, n->out.c};
  const double most[6] = {unit.h, unit.h, unit.w, unit.w, unit.c, unit.c};
  for (int k = 0; k < 6; k++) {
    sizes[k] = (plain_real)(m->config->log_features ? log2(size[k]) / 4 - 0.5 : size[k] / most[k]);
  }
}

/* The 32 numbers of a node as (parameter, factor): state[j] = sum of factor * p[parameter]. Calls
 * back for each, so that forward and backward cannot disagree about them. */
static inline void plain_feature_terms(const plain_trainer *m, const ag_graph *g, int node,
                                       void (*term)(void *context, int j, int parameter,
                                                    plain_real factor),
                                       void *context) {
  const ag_node *n = &g->nodes[node];
  const ag_layout *t = m->layout;
  plain_real sizes[6];
  plain_sizes(m, g, n, sizes);
  bool weighted = ag_op_weighted((ag_op)n->op);
  int width = weighted ? 14 : 24, op = ag_op_get((ag_op)n->op)->feature;
  int at = (weighted ? t->weighted : t->regular) + op * width;
  for (int j = 0; j < width; j++) term(context, j, at + j, 1);
  for (int j = 0; j < 8; j++) {
    term(context, width + j, t->shape_b + j, 1);
    for (int k = 0; k < 6; k++) term(context, width + j, t->shape_w + 6 * j + k, sizes[k]);
  }
  for (int d = 0; weighted && d < 2; d++) {
    int kernel = n->kernel[d] < 7 ? n->kernel[d] : 7;
    for (int j = 0; j < 4; j++) term(context, 22 + 4 * d + j, t->kernel + 4 * kernel + j, 1);
  }
  for (int j = 0; weighted && j < 2; j++) {
    term(context, 30 + j, t->bias_b + j, 1);
    term(context, 30 + j, t->bias_w + 2 * j + n->bias, 1);
  }
}

typedef struct plain_terms {
  const plain_real *from;
  plain_real *to;
} plain_terms;

static inline void plain_term_forward(void *context, int j, int parameter, plain_real factor) {
  plain_terms *t = context;
  t->to[j] += factor * t->from[parameter];
}

static inline void plain_term_backward(void *context, int j, int parameter, plain_real factor) {
  plain_terms *t = context;
  t->to[parameter] += factor * t->from[j];
}

/* --- encoder ---------------------------------------------------------------------------------- */

/* z <- LayerNorm(z) without weight and bias; returns the scale. */
static inline plain_real plain_normalise(plain_real *z) {
  plain_real mean = 0, variance = 0;
  for (int j = 0; j < PLAIN_WIDTH; j++) mean += z[j] / PLAIN_WIDTH;
  for (int j = 0; j < PLAIN_WIDTH; j++) variance += (z[j] - mean) * (z[j] - mean) / PLAIN_WIDTH;
  plain_real scale = 1 / (plain_real)sqrt((double)variance + 1e-5);
  for (int j = 0; j < PLAIN_WIDTH; j++) z[j] = (z[j] - mean) * scale;
  return scale;
}

static inline void plain_node_forward(const plain_trainer *m, plain_piece *q, int l, int i) {
  const plain_real *left = m->p + m->layout->layer[l].left_w;
  const plain_real *right = m->p + m->layout->layer[l].right_w;
  const plain_real *below = q->state + (size_t)l * (size_t)q->nodes * PLAIN_WIDTH;
  size_t at = ((size_t)l * (size_t)q->nodes + (size_t)i) * PLAIN_WIDTH;
  plain_real *sum = q->sum + at, *hat = q->hat + at, *active = q->active + at;
  const plain_real *own = below + (size_t)i * PLAIN_WIDTH;
  plain_real *out = q->state + at + (size_t)q->nodes * PLAIN_WIDTH;
  for (int k = 0; k < ag_graph_arity(q->graph, q->first + i); k++) {
    int u = plain_row(q, i, k);
    for (int j = 0; u >= 0 && j < PLAIN_WIDTH; j++) sum[j] += below[PLAIN_WIDTH * u + j];
  }
  for (int o = 0; o < PLAIN_WIDTH; o++) {
    plain_real z = m->p[m->layout->layer[l].left_b + o];
    for (int j = 0; j < PLAIN_WIDTH; j++) {
      z += left[PLAIN_WIDTH * o + j] * sum[j] + right[PLAIN_WIDTH * o + j] * own[j];
    }
    hat[o] = z;
  }
  if (m->config->residual) q->scale[at / PLAIN_WIDTH] = plain_normalise(hat);
  for (int o = 0; o < PLAIN_WIDTH; o++) {
    plain_real z = hat[o];
    if (m->config->residual) {
      z = z * m->p[m->layout->layer[l].norm_w + o] + m->p[m->layout->layer[l].norm_b + o];
    }
    active[o] = (plain_real)tanh((double)z);
    out[o] = active[o] + (m->config->residual ? own[o] : 0);
  }
}

static inline void plain_piece_forward(const plain_trainer *m, plain_piece *q, plain_real *mean) {
  for (int i = 0; i < q->nodes; i++) {
    plain_terms terms = {m->p, q->state + (size_t)i * PLAIN_WIDTH};
    plain_feature_terms(m, q->graph, q->first + i, plain_term_forward, &terms);
  }
  for (int l = 0; l < m->config->layers; l++) {
    for (int i = 0; i < q->nodes; i++) plain_node_forward(m, q, l, i);
  }
  const plain_real *last = q->state + (size_t)m->config->layers * (size_t)q->nodes * PLAIN_WIDTH;
  for (int i = 0; i < q->nodes; i++) {
    for (int j = 0; j < PLAIN_WIDTH; j++)
      mean[j] += last[PLAIN_WIDTH * i + j] / (plain_real)q->nodes;
  }
}

/* dz <- gradient before LayerNorm, from that after its weight and bias. */
static inline void plain_normalise_backward(const plain_trainer *m, int l, const plain_real *hat,
                                            plain_real scale, plain_real *dz) {
  plain_real mean = 0, along = 0;
  for (int o = 0; o < PLAIN_WIDTH; o++) {
    m->grad[m->layout->layer[l].norm_w + o] += dz[o] * hat[o];
    m->grad[m->layout->layer[l].norm_b + o] += dz[o];
    dz[o] *= m->p[m->layout->layer[l].norm_w + o];
    mean += dz[o] / PLAIN_WIDTH;
    along += dz[o] * hat[o] / PLAIN_WIDTH;
  }
  for (int o = 0; o < PLAIN_WIDTH; o++) dz[o] = scale * (dz[o] - mean - hat[o] * along);
}

/* From the gradient of a node's state above to those of the states below. */
static inline void plain_node_backward(const plain_trainer *m, const plain_piece *q, int l, int i,
                                       const plain_real *above, plain_real *below) {
  size_t at = ((size_t)l * (size_t)q->nodes + (size_t)i) * PLAIN_WIDTH;
  const plain_real *own = q->state + at, *active = q->active + at, *sum = q->sum + at;
  int left = m->layout->layer[l].left_w, right = m->layout->layer[l].right_w;
  plain_real dz[PLAIN_WIDTH], dsum[PLAIN_WIDTH] = {0}, *down = below + PLAIN_WIDTH * i;
  for (int o = 0; o < PLAIN_WIDTH; o++) {
    dz[o] = above[PLAIN_WIDTH * i + o] * (1 - active[o] * active[o]);
    if (m->config->residual) down[o] += above[PLAIN_WIDTH * i + o];
  }
  if (m->config->residual) {
    plain_normalise_backward(m, l, q->hat + at, q->scale[at / PLAIN_WIDTH], dz);
  }
  for (int o = 0; o < PLAIN_WIDTH; o++) {
    m->grad[m->layout->layer[l].left_b + o] += dz[o];
    for (int j = 0; j < PLAIN_WIDTH; j++) {
      m->grad[left + PLAIN_WIDTH * o + j] += dz[o] * sum[j];
      m->grad[right + PLAIN_WIDTH * o + j] += dz[o] * own[j];
      dsum[j] += dz[o] * m->p[left + PLAIN_WIDTH * o + j];
      down[j] += dz[o] * m->p[right + PLAIN_WIDTH * o + j];
    }
  }
  for (int k = 0; k < ag_graph_arity(q->graph, q->first + i); k++) {
    int u = plain_row(q, i, k);
    for (int j = 0; u >= 0 && j < PLAIN_WIDTH; j++) below[PLAIN_WIDTH * u + j] += dsum[j];
  }
}

static inline void plain_piece_backward(const plain_trainer *m, const plain_piece *q,
                                        const plain_real *mean_grad) {
  size_t numbers = (size_t)q->nodes * PLAIN_WIDTH;
  plain_real *above = calloc(numbers + 1, sizeof *above),
             *below = calloc(numbers + 1, sizeof *below);
  for (size_t k = 0; k < numbers; k++) {
    above[k] = mean_grad[k % PLAIN_WIDTH] / (plain_real)q->nodes;
  }
  for (int l = m->config->layers - 1; l >= 0; l--) {
    memset(below, 0, numbers * sizeof *below);
    for (int i = 0; i < q->nodes; i++) plain_node_backward(m, q, l, i, above, below);
    plain_real *swap = above;
    above = below;
    below = swap;
  }
  for (int i = 0; i < q->nodes; i++) {
    plain_terms terms = {above + PLAIN_WIDTH * i, m->grad};
    plain_feature_terms(m, q->graph, q->first + i, plain_term_backward, &terms);
  }
  free(above);
  free(below);
}

/* --- head ------------------------------------------------------------------------------------- */

static inline plain_real plain_head_forward(const plain_trainer *m, plain_sample *s) {
  int d = m->layout->joined;
  for (int layer = 0; layer < AG_HEAD_LAYERS; layer++) {
    const plain_real *in = s->head[layer], *w = m->p + m->layout->head_w[layer];
    for (int o = 0; o < d; o++) {
      plain_real z = m->p[m->layout->head_b[layer] + o];
      for (int i = 0; i < d; i++) z += w[d * o + i] * in[i];
      s->head[layer + 1][o] = layer == 1 && z < 0 ? 0 : z;
    }
  }
  plain_real y = m->p[m->layout->out_b];
  for (int i = 0; i < d; i++) y += m->p[m->layout->out_w + i] * s->head[AG_HEAD_LAYERS][i];
  return y;
}

/* `joined` receives the gradient of the embeddings. */
static inline void plain_head_backward(const plain_trainer *m, const plain_sample *s,
                                       plain_real raw_grad, plain_real *joined) {
  int d = m->layout->joined;
  plain_real dz[PLAIN_JOINED], below[PLAIN_JOINED];
  m->grad[m->layout->out_b] += raw_grad;
  for (int i = 0; i < d; i++) {
    m->grad[m->layout->out_w + i] += raw_grad * s->head[AG_HEAD_LAYERS][i];
    dz[i] = raw_grad * m->p[m->layout->out_w + i];
  }
  for (int layer = AG_HEAD_LAYERS - 1; layer >= 0; layer--) {
    const plain_real *in = s->head[layer], *w = m->p + m->layout->head_w[layer];
    memset(below, 0, sizeof below);
    for (int o = 0; o < d; o++) {
      if (layer == 1 && s->head[2][o] <= 0) continue; /* the ReLU was shut */
      m->grad[m->layout->head_b[layer] + o] += dz[o];
      for (int i = 0; i < d; i++) {
        m->grad[m->layout->head_w[layer] + d * o + i] += dz[o] * in[i];
        below[i] += dz[o] * w[d * o + i];
      }
    }
    memcpy(dz, below, sizeof dz);
  }
  memcpy(joined, dz, (size_t)d * sizeof *joined);
}

/* --- a sample --------------------------------------------------------------------------------- */

static inline void plain_sample_close(plain_sample *s) {
  for (int i = 0; i < s->pieces; i++) plain_piece_close(&s->piece[i]);
}

/* The prediction for a cut; first = last = -1: for the whole graph. */
static inline plain_real plain_sample_forward(const plain_trainer *m, const ag_graph *g, int first,
                                              int last, plain_sample *s) {
  int ends[4] = {0, first, last, g->size};
  *s = (plain_sample){.pieces = first < 0 ? 1 : PLAIN_PIECES};
  if (first < 0) ends[1] = g->size;
  for (int i = 0; i < s->pieces; i++) {
    s->piece[i] = plain_piece_open(g, ends[i], ends[i + 1], m->config->layers);
    plain_piece_forward(m, &s->piece[i], s->head[0] + PLAIN_WIDTH * i);
  }
  for (int j = 0; m->config->sum_pooling && j < PLAIN_WIDTH; j++) {
    s->head[0][PLAIN_WIDTH + j] = s->head[0][j] * (plain_real)g->size / AG_SUM_UNIT;
  }
  return plain_head_forward(m, s);
}

static inline void plain_sample_backward(const plain_trainer *m, const plain_sample *s,
                                         plain_real raw_grad) {
  plain_real joined[PLAIN_JOINED];
  plain_head_backward(m, s, raw_grad, joined);
  for (int j = 0; m->config->sum_pooling && j < PLAIN_WIDTH; j++) {
    joined[j] += joined[PLAIN_WIDTH + j] * (plain_real)s->piece[0].nodes / AG_SUM_UNIT;
  }
  for (int i = 0; i < s->pieces; i++) {
    if (s->piece[i].nodes) plain_piece_backward(m, &s->piece[i], joined + PLAIN_WIDTH * i);
  }
}

/* The gradient of plain_loss by its numbers. */
static inline void plain_loss_gradient(const double *raw, const double *target, const int *family,
                                       const int *graph, int count, const ag_loss_weights *weights,
                                       double *grad) {
  double pairs = 0;
  for (int i = 0; i < count; i++) {
    for (int j = 0; j < count; j++) pairs += target[i] > target[j] && family[i] == family[j];
  }
  for (int i = 0; i < count; i++) {
    double together = 0, items = 0, pushed = 0;
    for (int j = 0; j < count; j++) {
      together += graph[j] == graph[i] ? raw[j] : 0;
      items += graph[j] == graph[i];
      if (family[i] != family[j]) continue;
      pushed -= target[i] > target[j] && raw[i] - raw[j] < 0.1;
      pushed += target[j] > target[i] && raw[j] - raw[i] < 0.1;
    }
    double error = raw[i] - target[i], huber = weights->huber;
    grad[i] = 2 * (huber > 0 && fabs(error) > huber ? copysign(huber, error) : error) / count;
    if (pairs > 0) grad[i] += weights->hinge * pushed / pairs;
    grad[i] += 2 * weights->consistency * (raw[i] - together / items) / count;
  }
}

#endif
