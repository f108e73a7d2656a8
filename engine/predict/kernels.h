/* The arithmetic of inference: every sum in one fixed order, no library function whose last
 * bit depends on the processor. Vector variants chosen at run time give the same bits as the
 * plain ones, because lanes are outputs and never parts of one sum, and because a fused
 * multiply-add rounds once on every processor (fmaf where it has none). */
#ifndef AG_PREDICT_KERNELS_H
#define AG_PREDICT_KERNELS_H

#include <stdbool.h>
#include <stdint.h>

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

/* 32 lanes to one number, always by the same tree: i and i + 16, then i and i + 8, and so on. Four
 * at a time by hand; left to itself the compiler adds one by one. */
typedef float ag_quad __attribute__((vector_size(16), aligned(4), may_alias));
AG_INLINE float ag_sum_lanes(const float *lanes) {
  const ag_quad *v = (const ag_quad *)lanes;
  ag_quad t = ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7]));
  return (t[0] + t[2]) + (t[1] + t[3]);
}

enum {
  AG_PROJECTED = 2 * AG_WIDTH, /* what a state says to the layer above: of itself, to its users */
  AG_ALIGNMENT = 64            /* of weights and states: no vector crosses a cache line */
};

/* One layer, its matrices side by side and by column (matrix[in * 64 + out]), so that lanes run
 * over outputs: 0 .. 31 of the node's own state, 32 .. 63 of a predecessor's. Those of a residual
 * layer are centred over outputs, bias too: LayerNorm subtracts the mean anyway. */
typedef struct ag_layer_weights {
  _Alignas(AG_ALIGNMENT) float matrix[AG_WIDTH * AG_PROJECTED];
  float bias[AG_PROJECTED]; /* the second half is zero */
  float norm_weight[AG_WIDTH], norm_bias[AG_WIDTH];
  bool residual;
} ag_layer_weights;

#define AG_NORM_EPSILON 1e-5f

/* States of a layer and what they say to the one above: state i is states[i][32], projected[i][64].
 * A reference is i, or ~i for one of the base. */
typedef struct ag_layer_input {
  const float *states, *projected;
  const float *base_states, *base_projected;
  const int32_t *own;          /* per row: its own state below */
  const int32_t *start, *refs; /* its predecessors' are refs[start[row] .. start[row + 1]) */
} ag_layer_input;

/* out[row][0 .. width) = bias + x[row][0 .. depth) matrix, by column as above; width is a multiple
 * of
 * 32. Matrix and bias are aligned. */
typedef void ag_affine_kernel(const float *matrix, const float *bias, int depth, int width,
                              const float *x, int rows, float *out);
/* out[row][32] = the layer's output, from projections: own half + the sum over predecessors of the
 * other half, then LayerNorm, tanh and the residual as the layer has them. */
typedef void ag_combine_kernel(const ag_layer_weights *weights, const ag_layer_input *input,
                               int rows, float *out);

typedef struct ag_kernels {
  const char *name;
  ag_affine_kernel *affine;
  ag_combine_kernel *combine;
} ag_kernels;

/* The fastest variant for this processor. */
const ag_kernels *ag_kernels_best(void);
/* All that it can run, the fastest first; returns how many (at most 3). */
int ag_kernels_list(const ag_kernels *list[3]);

/* What `rows` states say to the layer of these weights. */
static inline void ag_project(const ag_kernels *k, const ag_layer_weights *w, const float *states,
                              int rows, float *projected) {
  k->affine(w->matrix, w->bias, AG_WIDTH, AG_PROJECTED, states, rows, projected);
}

/* sum[32] = from[32], NULL for zero, + the states of those numbers. */
void ag_sum_states(double *sum, const double *from, const float *states, const int32_t *ids,
                   int count);

/* sums[i + 1][32] = sums[i] + state ids[i], or sums[i] where ref[i] is not i; sums[0] is zero. */
void ag_running_sums(double *sums, const float *states, const int32_t *ids, const int32_t *ref,
                     int count);

/* values[i] = tanh(values[i]); absolute error below 4e-7. */
void ag_kernel_tanh(float *values, int count);
float ag_tanh(float x);

/* tanh and log2 in double from plain arithmetic; absolute error below 1e-14. */
double ag_tanh_exact(double x);
double ag_exp_exact(double x);  /* relative error; the argument is cut to +-700 */
double ag_log2_exact(double x); /* x >= 1 */

#endif
