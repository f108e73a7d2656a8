/* The plain way, in double: build P, S and C, run every layer on every node, walk the head's
 * layers one by one. No sharing, no folding, no packed weights: the oracle of the fast paths. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "engine/predict/flat.h"
#include "engine/predict/oracle.h"
#include "engine/predict/view.h"

/* out = W in + b, W by row. */
static void linear(const float *w, const float *b, const double *in, int inputs, int outputs,
                   double *out) {
  for (int o = 0; o < outputs; o++) {
    double sum = b ? (double)b[o] : 0;
    for (int i = 0; i < inputs; i++) sum += (double)w[o * inputs + i] * in[i];
    out[o] = sum;
  }
}

static void normalise(const float *weight, const float *bias, double *v) {
  double mean = 0, variance = 0;
  for (int j = 0; j < AG_WIDTH; j++) mean += v[j] / AG_WIDTH;
  for (int j = 0; j < AG_WIDTH; j++) variance += (v[j] - mean) * (v[j] - mean) / AG_WIDTH;
  double scale = 1 / sqrt(variance + (double)AG_NORM_EPSILON);
  for (int j = 0; j < AG_WIDTH; j++) {
    v[j] = (v[j] - mean) * scale * (double)weight[j] + (double)bias[j];
  }
}

/* One layer of one node: own and sum are its state and its predecessors' sum. */
static void layer(const ag_predictor *p, int l, const double *own, const double *sum, double *out) {
  const ag_layout *t = &p->layout;
  double a[AG_WIDTH], b[AG_WIDTH];
  linear(p->params + t->layer[l].left_w, p->params + t->layer[l].left_b, sum, AG_WIDTH, AG_WIDTH,
         a);
  linear(p->params + t->layer[l].right_w, NULL, own, AG_WIDTH, AG_WIDTH, b);
  for (int j = 0; j < AG_WIDTH; j++) a[j] += b[j];
  if (p->config.residual) {
    normalise(p->params + t->layer[l].norm_w, p->params + t->layer[l].norm_b, a);
  }
  for (int j = 0; j < AG_WIDTH; j++) {
    out[j] = ag_tanh_exact(a[j]) + (p->config.residual ? own[j] : 0);
  }
}

/* sums[r]: what the operands of every row say, or backward its users. An addition that is no node
 * passes on, in every layer, the sum of what it is told. */
static void tell(const ag_predictor *p, const ag_view *v, const ag_node *nodes, double *states,
                 double *sums) {
  bool backward = p->config.backward;
  memset(sums, 0, (size_t)v->size * AG_WIDTH * sizeof *sums);
  for (int i = 0; i < v->size; i++) {
    int r = backward ? v->size - 1 - i : i;
    double *sum = sums + r * AG_WIDTH, *state = states + r * AG_WIDTH;
    for (int32_t e = v->start[r]; e < v->start[r + 1] && !backward; e++) {
      for (int j = 0; j < AG_WIDTH; j++) sum[j] += states[v->refs[e] * AG_WIDTH + j];
    }
    if (ag_flat_sum(&p->config, &nodes[v->node[r]])) memcpy(state, sum, AG_WIDTH * sizeof *sum);
    for (int32_t e = v->start[r]; e < v->start[r + 1] && backward; e++) {
      for (int j = 0; j < AG_WIDTH; j++) sums[v->refs[e] * AG_WIDTH + j] += state[j];
    }
  }
}

static void step(const ag_predictor *p, const ag_view *v, const ag_node *nodes, int l,
                 double *states, double *sums, double *next) {
  tell(p, v, nodes, states, sums);
  for (int r = 0; r < v->size; r++) {
    if (ag_flat_sum(&p->config, &nodes[v->node[r]])) continue;
    layer(p, l, states + r * AG_WIDTH, sums + r * AG_WIDTH, next + r * AG_WIDTH);
  }
}

void ag_oracle_embed(const ag_predictor *p, const ag_node *nodes, const int32_t *operand_start,
                     const int32_t *operands, int first, int last, ag_shape normalisers,
                     double *mean, double *total) {
  ag_view v = {0};
  ag_view_range(&v, &p->config, nodes, operand_start, operands, first, last, NULL);
  double *states = AG_ARRAY(double, v.size *AG_WIDTH), *next = AG_ARRAY(double, v.size *AG_WIDTH);
  double *sums = AG_ARRAY(double, v.size *AG_WIDTH);
  for (int r = 0; r < v.size; r++) {
    float state[AG_WIDTH];
    ag_predictor_embed(p, &nodes[v.node[r]], normalisers, state);
    for (int j = 0; j < AG_WIDTH; j++) states[r * AG_WIDTH + j] = (double)state[j];
  }
  for (int l = 0; l < p->config.layers; l++) {
    step(p, &v, nodes, l, states, sums, next);
    double *swap = states;
    states = next;
    next = swap;
  }
  int count = 0;
  memset(mean, 0, AG_WIDTH * sizeof *mean);
  for (int r = 0; r < v.size; r++) {
    if (ag_flat_sum(&p->config, &nodes[v.node[r]])) continue;
    for (int j = 0; j < AG_WIDTH; j++) mean[j] += states[r * AG_WIDTH + j];
    count++;
  }
  if (total) memcpy(total, mean, AG_WIDTH * sizeof *total);
  for (int j = 0; count && j < AG_WIDTH; j++) mean[j] /= count;
  free(states);
  free(sums);
  free(next);
  ag_view_free(&v);
}

static void embed_range(const ag_predictor *p, const ag_graph *g, int first, int last, double *mean,
                        double *total) {
  ag_oracle_embed(p, g->nodes, g->operand_start, g->operands, first, last,
                  ag_feature_normalisers(g), mean, total);
}

static double head(const ag_predictor *p, const double *joined) {
  const ag_layout *t = &p->layout;
  double h[AG_JOINED_MAX], out[AG_JOINED_MAX], y;
  memcpy(h, joined, (size_t)t->joined * sizeof *h);
  for (int i = 0; i < AG_HEAD_LAYERS; i++) {
    linear(p->params + t->head_w[i], p->params + t->head_b[i], h, t->joined, t->joined, out);
    for (int j = 0; j < t->joined; j++) h[j] = i == 1 && out[j] < 0 ? 0 : out[j];
  }
  linear(p->params + t->out_w, p->params + t->out_b, h, t->joined, 1, &y);
  return y;
}

ag_status ag_oracle_value(const ag_predictor *p, const ag_graph *graph, int first, int last,
                          double *value, ag_error *err) {
  double joined[AG_JOINED_MAX] = {0};
  if (p->config.model == AG_MODEL_GNN) {
    embed_range(p, graph, 0, graph->size, joined, joined + AG_WIDTH);
    for (int j = 0; j < AG_WIDTH; j++) joined[AG_WIDTH + j] /= AG_SUM_UNIT;
  } else {
    if (first < 0 || first >= last || last > graph->size) {
      return ag_fail(err, AG_INVALID, "the cut [%d, %d) is not within the graph's %d nodes", first,
                     last, graph->size);
    }
    double *before = joined, *after = joined + 2 * AG_WIDTH;
    embed_range(p, graph, 0, first, p->config.backward ? after : before, NULL);
    embed_range(p, graph, first, last, joined + AG_WIDTH, NULL);
    embed_range(p, graph, last, graph->size, p->config.backward ? before : after, NULL);
  }
  *value = head(p, joined);
  return AG_OK;
}

ag_status ag_predict(const ag_predictor *p, const ag_graph *graph, int first, int last,
                     double *value, ag_error *err) {
  double values[AG_MEMBERS_MAX], *at = values;
  for (const ag_predictor *m = p; m; m = m->next) {
    ag_status s = ag_oracle_value(m, graph, first, last, at++, err);
    if (s) return s;
  }
  *value = ag_ensemble_value(p, values);
  return AG_OK;
}
