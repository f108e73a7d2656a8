/* Kernels of inference, made for states of 32 floats. A row's 32 outputs are the lanes of a few
 * vector registers; the sum over inputs runs in order within each lane. Nothing here may be
 * contracted, reassociated or replaced by a library's variant: the order is the result. */
#include "engine/predict/kernels.h"

#include <math.h>
#include <string.h>

/* Rational approximation of tanh, odd degree 13 over even degree 6, on the range where tanh is
 * not yet 1 in float. Coefficients: Eigen's generic_fast_tanh_float. */
static inline float tanh_rational(float x) {
  const float limit = 7.90531110763549805f;
  x = x > limit ? limit : x;
  x = x < -limit ? -limit : x;
  float s = x * x;
  float p = -2.76076847742355e-16f;
  p = p * s + 2.00018790482477e-13f;
  p = p * s + -8.60467152213735e-11f;
  p = p * s + 5.12229709037114e-08f;
  p = p * s + 1.48572235717979e-05f;
  p = p * s + 6.37261928875436e-04f;
  p = p * s + 4.89352455891786e-03f;
  float q = 1.19825839466702e-06f;
  q = q * s + 1.18534705686654e-04f;
  q = q * s + 2.26843463243900e-03f;
  q = q * s + 4.89352518554385e-03f;
  return x * p / q;
}

float ag_tanh(float x) {
  return tanh_rational(x);
}

AG_VECTOR void ag_kernel_tanh(float *values, int count) {
  for (int i = 0; i < count; i++) values[i] = tanh_rational(values[i]);
}

/* 32 lanes to one number, always by the same tree. */
static inline float sum_lanes(const float *v) {
  float t[16];
  for (int i = 0; i < 16; i++) t[i] = v[i] + v[i + 16];
  for (int i = 0; i < 8; i++) t[i] += t[i + 8];
  for (int i = 0; i < 4; i++) t[i] += t[i + 4];
  return (t[0] + t[2]) + (t[1] + t[3]);
}

static inline void normalise(const ag_layer_weights *w, float *v) {
  float mean = sum_lanes(v) * (1.0f / AG_WIDTH), square[AG_WIDTH];
  for (int j = 0; j < AG_WIDTH; j++) {
    v[j] -= mean;
    square[j] = v[j] * v[j];
  }
  float scale = 1.0f / sqrtf(sum_lanes(square) * (1.0f / AG_WIDTH) + AG_NORM_EPSILON);
  for (int j = 0; j < AG_WIDTH; j++) v[j] = v[j] * scale * w->norm_weight[j] + w->norm_bias[j];
}

AG_VECTOR void ag_kernel_layer(const ag_layer_weights *w, const float *own, const float *sum,
                               float *out, int rows) {
  for (int r = 0; r < rows; r++, own += AG_WIDTH, sum += AG_WIDTH, out += AG_WIDTH) {
    float a[AG_WIDTH], b[AG_WIDTH];
    for (int j = 0; j < AG_WIDTH; j++) a[j] = w->bias[j], b[j] = 0;
    for (int i = 0; i < AG_WIDTH; i++) {
      float x = own[i], y = sum[i];
      const float *right = w->right + i * AG_WIDTH, *left = w->left + i * AG_WIDTH;
      for (int j = 0; j < AG_WIDTH; j++) {
        a[j] += right[j] * x;
        b[j] += left[j] * y;
      }
    }
    for (int j = 0; j < AG_WIDTH; j++) a[j] += b[j];
    if (w->residual) normalise(w, a);
    for (int j = 0; j < AG_WIDTH; j++) a[j] = tanh_rational(a[j]);
    for (int j = 0; j < AG_WIDTH; j++) out[j] = w->residual ? own[j] + a[j] : a[j];
  }
}

/* e^x for |x| < 700: x = k ln 2 + r, Taylor series in r. */
static double exp_plain(double x) {
  double k = floor(x * 1.4426950408889634 + 0.5);
  double r = (x - k * 0.693147180369123816490) - k * 1.90821492927058770002e-10;
  double term = 1, sum = 1;
  for (int i = 1; i < 16; i++) {
    term = term * r / i;
    sum += term;
  }
  return ldexp(sum, (int)k);
}

double ag_tanh_exact(double x) {
  double a = fabs(x) > 20 ? 20 : fabs(x);
  double t = 1 - 2 / (exp_plain(2 * a) + 1);
  return x < 0 ? -t : t;
}

double ag_log2_exact(double x) {
  int exponent;
  double m = frexp(x, &exponent); /* [0.5, 1) */
  double s = (m - 1) / (m + 1), square = s * s, power = s, sum = 0;
  for (int i = 1; i < 60; i += 2) { /* |s| <= 1/3 */
    sum += power / i;
    power *= square;
  }
  return exponent + sum * 2.8853900817779268; /* 2 / ln 2 */
}
