/* Kernels of inference, made for states of 32 floats. A row's 32 outputs are the lanes of a few
 * vector registers; the sum over inputs runs in order within each lane. Nothing here may be
 * contracted, reassociated or replaced by a library's variant: the order is the result. */
#include "engine/predict/kernels.h"

#include <math.h>
#include <string.h>

enum { BLOCK = 4 }; /* rows at once */

/* Rational approximation of tanh, odd degree 13 over even degree 6, on the range where tanh is
 * not yet 1 in float. Coefficients: Eigen's generic_fast_tanh_float. */
AG_INLINE float tanh_rational(float x) {
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

/* 16 outputs at once; the compiler splits them where registers are narrower. */
typedef float lanes __attribute__((vector_size(64), aligned(4), may_alias));
enum { HALVES = AG_WIDTH / 16 };

/* Products of both matrices for a few rows at once, so that a loaded column serves them all and
 * their sums, each in its own order, run side by side. */
AG_INLINE void multiply(const ag_layer_weights *w, const float *own, const float *sum,
                        const int rows, float *out) {
  lanes a[BLOCK][HALVES], b[BLOCK][HALVES];
  for (int r = 0; r < rows; r++) {
    for (int h = 0; h < HALVES; h++) {
      a[r][h] = ((const lanes *)w->bias)[h];
      b[r][h] = (lanes){0};
    }
  }
  for (int i = 0; i < AG_WIDTH; i++) {
    const lanes *right = (const lanes *)(w->right + i * AG_WIDTH);
    const lanes *left = (const lanes *)(w->left + i * AG_WIDTH);
    for (int r = 0; r < rows; r++) {
      float x = own[r * AG_WIDTH + i], y = sum[r * AG_WIDTH + i];
      for (int h = 0; h < HALVES; h++) {
        a[r][h] += right[h] * x;
        b[r][h] += left[h] * y;
      }
    }
  }
  for (int r = 0; r < rows; r++) {
    for (int h = 0; h < HALVES; h++) ((lanes *)(out + r * AG_WIDTH))[h] = a[r][h] + b[r][h];
  }
}

/* LayerNorm of rows whose mean is zero already: ag_layer_weights of residual layers are centred. */
AG_INLINE void normalise(const ag_layer_weights *w, float *rows, const int count) {
  float scale[BLOCK];
  for (int r = 0; r < count; r++) {
    float square[AG_WIDTH], *v = rows + r * AG_WIDTH;
    for (int j = 0; j < AG_WIDTH; j++) square[j] = v[j] * v[j];
    scale[r] = 1.0f / sqrtf(ag_sum_lanes(square) * (1.0f / AG_WIDTH) + AG_NORM_EPSILON);
  }
  for (int r = 0; r < count; r++) {
    float *v = rows + r * AG_WIDTH;
    for (int j = 0; j < AG_WIDTH; j++) v[j] = v[j] * scale[r] * w->norm_weight[j] + w->norm_bias[j];
  }
}

AG_INLINE void evaluate(const ag_layer_weights *w, const float *own, const float *sum, float *out,
                        const int rows) {
  float a[BLOCK * AG_WIDTH];
  multiply(w, own, sum, rows, a);
  if (w->residual) normalise(w, a, rows);
  for (int j = 0; j < rows * AG_WIDTH; j++) a[j] = tanh_rational(a[j]);
  for (int j = 0; j < rows * AG_WIDTH; j++) out[j] = w->residual ? own[j] + a[j] : a[j];
}

AG_VECTOR void ag_kernel_layer(const ag_layer_weights *w, const float *own, const float *sum,
                               float *out, int rows) {
  int r = 0;
  for (; r + BLOCK <= rows; r += BLOCK) {
    evaluate(w, own + r * AG_WIDTH, sum + r * AG_WIDTH, out + r * AG_WIDTH, BLOCK);
  }
  for (; r < rows; r++) {
    evaluate(w, own + r * AG_WIDTH, sum + r * AG_WIDTH, out + r * AG_WIDTH, 1);
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

double ag_exp_exact(double x) {
  return exp_plain(x > 700 ? 700 : x < -700 ? -700 : x);
}

double ag_tanh_exact(double x) {
  double a = fabs(x) > 20 ? 20 : fabs(x);
  double t = 1 - 2 / (exp_plain(2 * a) + 1);
  return x < 0 ? -t : t;
}

double ag_log2_exact(double x) {
  static const double series[] = {1.0 / 21, 1.0 / 19, 1.0 / 17, 1.0 / 15, 1.0 / 13, 1.0 / 11,
                                  1.0 / 9,  1.0 / 7,  1.0 / 5,  1.0 / 3,  1.0};
  int exponent;
  double m = frexp(x, &exponent); /* [0.5, 1) */
  if (m < 0.70710678118654752) {
    m *= 2;
    exponent--;
  }
  double s = (m - 1) / (m + 1), square = s * s, sum = 0; /* |s| < 0.172 */
  for (int i = 0; i < 11; i++) sum = sum * square + series[i];
  return exponent + s * sum * 2.8853900817779268; /* 2 / ln 2 */
}
