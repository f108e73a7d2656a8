/* What the parts of constant folding share: results, and the sets of elements that depend on an
 * open batch. */
#ifndef AG_FORMATS_ONNX_FOLD_H
#define AG_FORMATS_ONNX_FOLD_H

#include <stdlib.h>
#include <string.h>

#include "engine/formats/onnx_internal.h"

/* Folds a node, or declines: false. */
typedef bool (*ag_fold_function)(ag_onnx_import *im, const ag_onnx_op *op);

typedef struct ag_fold {
  const char *type;
  int inputs; /* at least, all constant */
  ag_fold_function fold;
} ag_fold;

/* onnx_fold.c */
/* A zeroed result of that type and shape, or false when it would be too large. */
bool ag_fold_allocate(ag_onnx_import *im, ag_tensor *t);
/* The node's result; batch: bit i = element i depends on an open batch. */
bool ag_fold_finish(ag_onnx_import *im, const ag_onnx_op *op, const ag_tensor *t, uint64_t batch);

/* By op type, NULL if it is not of that file. */
const ag_fold *ag_fold_find_move(const char *type);   /* onnx_fold_move.c */
const ag_fold *ag_fold_find_math(const char *type);   /* onnx_fold_math.c */
const ag_fold *ag_fold_find_reduce(const char *type); /* onnx_fold_reduce.c */

static inline uint64_t ag_fold_batch_bit(const ag_onnx_value *v, int64_t i) {
  return i < 64 ? v->batch >> i & 1 : 0;
}
static inline uint64_t ag_fold_put_bit(uint64_t bit, int64_t i) {
  return i < 64 ? bit << i : 0;
}

/* Position in a broadcast operand of element i of the result. */
static inline int64_t ag_fold_broadcast_index(const ag_tensor *result, const ag_tensor *operand,
                                              int64_t i) {
  int64_t index = 0, stride = 1;
  for (int d = result->rank - 1, k = operand->rank - 1; k >= 0; d--, k--) {
    if (operand->dims[k] > 1) index += i % result->dims[d] * stride;
    stride *= operand->dims[k];
    i /= result->dims[d];
  }
  return index;
}

#endif
