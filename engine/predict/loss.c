/* The loss: squared error for the level (linear far off, if asked for), a pairwise hinge for the
 * order, and what the cuts of one graph disagree among themselves, since each is a prediction of
 * the same thing. Pairs are formed within a family, because targets are scaled per family and only
 * an order within one has a meaning. Source: predictor.md, recipe X (squared error and hinge). */
#include <math.h>
#include <stdlib.h>

#include "engine/base/alloc.h"
#include "engine/predict/trainer.h"

enum { HINGE_SAMPLES = 256 };
static const float margin = 0.1f;

typedef struct pairs {
  int count;
  int sample[HINGE_SAMPLES];
  float raw[HINGE_SAMPLES], target[HINGE_SAMPLES], grad[HINGE_SAMPLES];
  int32_t family[HINGE_SAMPLES];
} pairs;

static void choose(pairs *p, const ag_loss_batch *b) {
  p->count = b->count < HINGE_SAMPLES ? b->count : HINGE_SAMPLES;
  for (int i = 0; i < p->count; i++) {
    int at = p->sample[i] = (int)((int64_t)i * b->count / p->count);
    p->raw[i] = b->raw[at];
    p->target[i] = b->target[at];
    p->family[i] = b->family[at];
    p->grad[i] = 0;
  }
}

/* Pairs in order and those that violate the margin; their loss. grad[i] -= 1, grad[j] += 1. */
static double hinge_sum(pairs *p, int64_t *ordered) {
  double sum = 0;
  *ordered = 0;
  for (int i = 0; i < p->count; i++) {
    float violation = 0, violations = 0;
    int above = 0;
    for (int j = 0; j < p->count; j++) {
      bool pair = p->target[i] > p->target[j] && p->family[i] == p->family[j];
      float gap = margin - (p->raw[i] - p->raw[j]);
      bool violated = pair && gap > 0;
      above += pair;
      violation += violated ? gap : 0;
      violations += violated ? 1.0f : 0.0f;
      p->grad[j] += violated ? 1.0f : 0.0f;
    }
    p->grad[i] -= violations;
    *ordered += above;
    sum += (double)violation;
  }
  return sum;
}

static double add_hinge(const ag_loss_batch *b, double weight, float *grad) {
  pairs p;
  int64_t ordered;
  choose(&p, b);
  double sum = hinge_sum(&p, &ordered);
  if (ordered == 0) return 0;
  float scale = (float)(weight / (double)ordered);
  for (int i = 0; i < p.count; i++) grad[p.sample[i]] += scale * p.grad[i];
  return weight * sum / (double)ordered;
}

static double add_consistency(const ag_loss_batch *b, double weight, float *grad) {
  double squares = 0;
  for (int from = 0, to; from < b->count; from = to) {
    double sum = 0;
    for (to = from; to < b->count && b->graph[to] == b->graph[from]; to++) {
      sum += (double)b->raw[to];
    }
    for (int i = from; i < to; i++) {
      double off = (double)b->raw[i] - sum / (to - from);
      squares += off * off;
      grad[i] += (float)(2 * weight * off / b->count);
    }
  }
  return weight * squares / b->count;
}

/* Mean squared error, tangents continued beyond +-huber. */
static double put_errors(const ag_loss_batch *b, double huber, float *grad) {
  double sum = 0;
  for (int i = 0; i < b->count; i++) {
    double error = (double)(b->raw[i] - b->target[i]);
    double near = huber > 0 ? fmin(fmax(error, -huber), huber) : error;
    sum += near * (2 * error - near);
    grad[i] = (float)(2 * near / b->count);
  }
  return sum / b->count;
}

double ag_loss(const ag_loss_batch *b, const ag_loss_weights *weights, float *grad) {
  double loss = put_errors(b, weights->huber, grad);
  if (weights->hinge > 0) loss += add_hinge(b, weights->hinge, grad);
  if (weights->consistency > 0) loss += add_consistency(b, weights->consistency, grad);
  return loss;
}
