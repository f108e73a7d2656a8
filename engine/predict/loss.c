/* The loss: squared error for the level, a pairwise hinge for the order. Pairs are formed within
 * a family, because targets are scaled per family and only an order within one has a meaning.
 * Source: predictor.md, recipe X. */
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

static void choose(pairs *p, const float *raw, const float *target, const int32_t *family,
                   int count) {
  p->count = count < HINGE_SAMPLES ? count : HINGE_SAMPLES;
  for (int i = 0; i < p->count; i++) {
    int at = p->sample[i] = (int)((int64_t)i * count / p->count);
    p->raw[i] = raw[at];
    p->target[i] = target[at];
    p->family[i] = family[at];
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

double ag_loss(const float *raw, const float *target, const int32_t *family, int count,
               double hinge, float *grad) {
  double squares = 0;
  for (int i = 0; i < count; i++) {
    float error = raw[i] - target[i];
    squares += (double)error * (double)error;
    grad[i] = 2 * error / (float)count;
  }
  if (hinge <= 0) return squares / count;
  pairs p;
  int64_t ordered;
  choose(&p, raw, target, family, count);
  double sum = hinge_sum(&p, &ordered);
  if (ordered == 0) return squares / count;
  float scale = (float)(hinge / (double)ordered);
  for (int i = 0; i < p.count; i++) grad[p.sample[i]] += scale * p.grad[i];
  return squares / count + hinge * sum / (double)ordered;
}
