/* The arithmetic of inference: every sum in one fixed order, no library function whose last
 * bit depends on the processor. Vector variants chosen at run time give the same bits as the
 * plain ones, because lanes are outputs and never parts of one sum. */
#ifndef AG_PREDICT_KERNELS_H
#define AG_PREDICT_KERNELS_H

#include <stdbool.h>

enum { AG_WIDTH = 32 }; /* of node states; all kernels are made for it */

/* Variants for wider vector units, where compiler and system can choose at run time. (The
 * choice happens before the address sanitizer is ready, so not under it.) */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) &&                             \
    !defined(__SANITIZE_ADDRESS__)
#define AG_VECTOR __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define AG_VECTOR
#endif

/* A helper left out of line would be compiled once, for the plain variant. */
#define AG_INLINE static inline __attribute__((always_inline))

/* 32 lanes to one number, always by the same tree. */
AG_INLINE float ag_sum_lanes(const float *v) {
  float t[16];
  for (int i = 0; i < 16; i++) t[i] = v[i] + v[i + 16];
  for (int i = 0; i < 8; i++) t[i] += t[i + 8];
  for (int i = 0; i < 4; i++) t[i] += t[i + 4];
  return (t[0] + t[2]) + (t[1] + t[3]);
}

/* One layer, matrices by column (matrix[in * 32 + out]) so that lanes run over outputs. Those of a
 * residual layer are centred over outputs, bias too: LayerNorm subtracts the mean anyway. */
typedef struct ag_layer_weights {
  float right[AG_WIDTH * AG_WIDTH]; /* of the node's own state */
  float left[AG_WIDTH * AG_WIDTH];  /* of the sum of its predecessors' states */
  float bias[AG_WIDTH];
  float norm_weight[AG_WIDTH], norm_bias[AG_WIDTH];
  bool residual;
} ag_layer_weights;

#define AG_NORM_EPSILON 1e-5f

/* out[i] = layer(own[i], sum[i]) for `rows` rows of 32; out may be own. */
void ag_kernel_layer(const ag_layer_weights *weights, const float *own, const float *sum,
                     float *out, int rows);

/* values[i] = tanh(values[i]); absolute error below 4e-7. */
void ag_kernel_tanh(float *values, int count);
float ag_tanh(float x);

/* tanh and log2 in double from plain arithmetic; absolute error below 1e-14. */
double ag_tanh_exact(double x);
double ag_exp_exact(double x);  /* relative error; the argument is cut to +-700 */
double ag_log2_exact(double x); /* x >= 1 */

#endif
