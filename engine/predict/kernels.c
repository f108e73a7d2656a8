/* Kernels of inference, made for states of 32 floats: one text (kernel_variant.h) for three widths
 * of vector registers, of which the widest that the processor has is taken. A row's 32 outputs are
 * the lanes of a few registers; the sum over inputs runs in order within each lane. */
#include "engine/predict/kernels.h"

#include <math.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define TANH_LIMIT 7.90531110763549805f

/* --- variants --------------------------------------------------------------------------------- */

typedef float quad __attribute__((vector_size(16)));
enum { BLOCK = 4 }; /* rows whose norms share a register */

AG_INLINE const float *ag_projected(const ag_layer_input *in, int32_t i) {
  return i < 0 ? in->base_projected + ~i * AG_PROJECTED : in->projected + i * AG_PROJECTED;
}

AG_INLINE const float *ag_state(const ag_layer_input *in, int32_t i) {
  return i < 0 ? in->base_states + ~i * AG_WIDTH : in->states + i * AG_WIDTH;
}

#if defined(__x86_64__)
#define ROOTS(x) _mm_sqrt_ps(x)
#else
#define ROOTS(x) ((quad){sqrtf((x)[0]), sqrtf((x)[1]), sqrtf((x)[2]), sqrtf((x)[3])})
#endif

#if defined(__x86_64__)

__attribute__((target("avx2"))) static inline quad halve(__m256 x) {
  return _mm256_castps256_ps128(x) + _mm256_extractf128_ps(x, 1);
}

__attribute__((target("avx512f"))) static inline quad quarter(__m512 x) {
  __m256 high = _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(x), 1));
  return halve(_mm512_castps512_ps256(x) + high);
}

#define VARIANT(name) avx512_##name
#define NAME "avx512f"
#define TARGET __attribute__((target("avx512f")))
#define LANES 16
#define ROWS 8
#define vec __m512
#define QUARTERS(x) quarter(x)
#define SPLAT(x) _mm512_set1_ps(x)
#define FMA(a, b, c) _mm512_fmadd_ps(a, b, c)
#define AT_MOST(a, b) _mm512_min_ps(a, b)
#define AT_LEAST(a, b) _mm512_max_ps(a, b)
#include "engine/predict/kernel_variant.h"

#define VARIANT(name) avx2_##name
#define NAME "avx2"
#define TARGET __attribute__((target("avx2,fma")))
#define LANES 8
#define ROWS 3
#define vec __m256
#define QUARTERS(x) halve(x)
#define SPLAT(x) _mm256_set1_ps(x)
#define FMA(a, b, c) _mm256_fmadd_ps(a, b, c)
#define AT_MOST(a, b) _mm256_min_ps(a, b)
#define AT_LEAST(a, b) _mm256_max_ps(a, b)
#include "engine/predict/kernel_variant.h"

#endif

AG_INLINE quad quad_fma(quad a, quad b, quad c) {
  for (int i = 0; i < 4; i++) c[i] = fmaf(a[i], b[i], c[i]);
  return c;
}

AG_INLINE quad quad_min(quad a, quad b) {
  for (int i = 0; i < 4; i++) a[i] = a[i] < b[i] ? a[i] : b[i];
  return a;
}

AG_INLINE quad quad_max(quad a, quad b) {
  for (int i = 0; i < 4; i++) a[i] = a[i] > b[i] ? a[i] : b[i];
  return a;
}

#define VARIANT(name) plain_##name
#define NAME "plain"
#define TARGET
#define LANES 4
#define ROWS 1
#define vec quad
#define QUARTERS(x) (x)
#define SPLAT(x) ((quad){x, x, x, x})
#define FMA(a, b, c) quad_fma(a, b, c)
#define AT_MOST(a, b) quad_min(a, b)
#define AT_LEAST(a, b) quad_max(a, b)
#include "engine/predict/kernel_variant.h"

const ag_kernels *ag_kernels_best(void) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return &avx512_kernels;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return &avx2_kernels;
#endif
  return &plain_kernels;
}

int ag_kernels_list(const ag_kernels *list[3]) {
  int count = 0;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) list[count++] = &avx512_kernels;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    list[count++] = &avx2_kernels;
#endif
  list[count++] = &plain_kernels;
  return count;
}

/* Eight sums at once; the compiler splits them where registers are narrower. */
typedef double sums __attribute__((vector_size(64), aligned(8), may_alias));
typedef float terms __attribute__((vector_size(32), aligned(4), may_alias));

AG_VECTOR void ag_sum_states(double *sum, const double *from, const float *states,
                             const int32_t *ids, int count) {
  sums a = {0}, b = {0}, c = {0}, d = {0};
  if (from) {
    a = ((const sums *)from)[0], b = ((const sums *)from)[1];
    c = ((const sums *)from)[2], d = ((const sums *)from)[3];
  }
  for (int i = 0; i < count; i++) {
    const terms *state = (const terms *)(states + (size_t)ids[i] * AG_WIDTH);
    a += __builtin_convertvector(state[0], sums);
    b += __builtin_convertvector(state[1], sums);
    c += __builtin_convertvector(state[2], sums);
    d += __builtin_convertvector(state[3], sums);
  }
  ((sums *)sum)[0] = a;
  ((sums *)sum)[1] = b;
  ((sums *)sum)[2] = c;
  ((sums *)sum)[3] = d;
}

AG_VECTOR void ag_running_sums(double *out, const float *states, const int32_t *ids,
                               const int32_t *ref, int count) {
  sums sum[4] = {0}, *to = (sums *)out;
  for (int i = 0;; i++, to += 4) {
    for (int v = 0; v < 4; v++) to[v] = sum[v];
    if (i == count) return;
    if (ref[i] != i) continue;
    const terms *state = (const terms *)(states + (size_t)ids[i] * AG_WIDTH);
    for (int v = 0; v < 4; v++) sum[v] += __builtin_convertvector(state[v], sums);
  }
}

/* --- elementary functions --------------------------------------------------------------------- */

/* Rational approximation of tanh, odd degree 13 over even degree 6, on the range where tanh is
 * not yet 1 in float. Coefficients: Eigen's generic_fast_tanh_float. */
AG_INLINE float tanh_rational(float x) {
  x = x > TANH_LIMIT ? TANH_LIMIT : x;
  x = x < -TANH_LIMIT ? -TANH_LIMIT : x;
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
