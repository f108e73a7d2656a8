/* Adam with its published constants, under a learning rate that rises linearly for the warm-up's
 * steps (a quarter of all at most) and falls along a half cosine to a share of its height.
 * Source: predictor.md, recipe X; Kingma & Ba, Adam, algorithm 1. */
#include "engine/predict/optimizer.h"

#include <math.h>

static double learning_rate(const ag_train_options *o, double step, double steps) {
  double warmup = fmin(o->warmup, steps / 4);
  if (step < warmup) return o->learning_rate * (step + 1) / warmup;
  double done = (step - warmup) / fmax(1, steps - warmup);
  double left = (1 + cos(3.14159265358979323846 * done)) / 2;
  return o->learning_rate * (o->final_rate + (1 - o->final_rate) * left);
}

static void clip(float *gradient, int size, double longest) {
  double squares = 0;
  for (int i = 0; i < size; i++) squares += (double)gradient[i] * (double)gradient[i];
  if (!(squares > longest * longest)) return;
  float scale = (float)(longest / sqrt(squares));
  for (int i = 0; i < size; i++) gradient[i] *= scale;
}

AG_VECTOR static void adam(float *params, float *m, float *v, const float *gradient, int size,
                           float rate, float unbias_m, float unbias_v) {
  for (int i = 0; i < size; i++) {
    float g = gradient[i];
    m[i] = 0.9f * m[i] + 0.1f * g;
    v[i] = 0.999f * v[i] + 0.001f * g * g;
    params[i] -= rate * (m[i] * unbias_m) / (sqrtf(v[i] * unbias_v) + 1e-8f);
  }
}

void ag_optimizer_step(ag_train_state *s, float *gradient, const ag_train_options *o,
                       int64_t steps) {
  if (o->clip > 0) clip(gradient, s->size, o->clip);
  double rate = learning_rate(o, (double)s->step, (double)steps), n = (double)++s->step;
  adam(s->params, s->first_moment, s->second_moment, gradient, s->size, (float)rate,
       (float)(1 / (1 - pow(0.9, n))), (float)(1 / (1 - pow(0.999, n))));
}
