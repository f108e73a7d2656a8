/* Constant folding of sums, products and extremes along axes, as shape arithmetic takes them. */
#include <math.h>

#include "engine/formats/onnx_fold.h"

/* The element of the result that element i of an operand of shape `from` goes into. */
static int64_t reduced_index(const ag_tensor *from, const bool *gone, int64_t i) {
  int64_t index = 0, stride = 1;
  for (int d = from->rank - 1; d >= 0; d--) {
    if (!gone[d]) {
      index += i % from->dims[d] * stride;
      stride *= from->dims[d];
    }
    i /= from->dims[d];
  }
  return index;
}

/* Which dimensions go; no axes means all of them. */
static bool read_axes(ag_onnx_import *im, const ag_onnx_op *op, int rank, bool *gone) {
  int64_t axes[2 * AG_MAX_RANK];
  int count;
  if (!ag_onnx_list(im, op, "axes", 1, axes, &count)) return false;
  for (int d = 0; d < rank; d++) gone[d] = count == 0;
  for (int i = 0; i < count; i++) {
    if (axes[i] < 0) axes[i] += rank;
    if (axes[i] < 0 || axes[i] >= rank) return false;
    gone[axes[i]] = true;
  }
  return true;
}

/* In double precision, which is exact for integers below 2^53. */
static double join(char kind, double a, double b) {
  switch (kind) {
  case 'P':
    return a * b;
  case 'S':
    return a + b;
  case 'a':
    return a > b ? a : b;
  default:
    return a < b ? a : b;
  }
}

static bool put(ag_tensor *t, int64_t i, double value) {
  if (ag_onnx_is_float((int)t->dtype)) return ag_onnx_put_float(t, i, value), true;
  if (!(fabs(value) < 0x1p53)) return false;
  return ag_onnx_put_int(t, i, (int64_t)value), true;
}

/* ReduceProd, ReduceSum, ReduceMax, ReduceMin: told apart by the letter that differs. */
static bool fold_reduction(ag_onnx_import *im, const ag_onnx_op *op) {
  ag_onnx_value *v = ag_onnx_constant(im, op, 0);
  char kind = op->node->op_type[6] == 'M' ? op->node->op_type[7] : op->node->op_type[6];
  bool gone[AG_MAX_RANK], done = true;
  ag_tensor t;
  if (!ag_onnx_readable(im, v) || !ag_onnx_elements(&v->tensor) || v->tensor.dtype == AG_BOOL ||
      !(ag_onnx_is_float((int)v->tensor.dtype) || ag_onnx_is_integer((int)v->tensor.dtype)) ||
      ag_onnx_attr_int(op->node, "noop_with_empty_axes", 0) ||
      !read_axes(im, op, v->tensor.rank, gone) || !ag_onnx_reduced(im, op, &t) ||
      !ag_fold_allocate(im, &t))
    return false;
  int64_t count = ag_onnx_elements(&t);
  if (!ag_onnx_charge(im, count * (int64_t)sizeof(double))) return false;
  double *sums = AG_ARRAY(double, count);
  for (int64_t i = 0; i < count; i++)
    sums[i] = kind == 'P' ? 1 : kind == 'S' ? 0 : kind == 'a' ? -INFINITY : INFINITY;
  uint64_t batch = 0;
  for (int64_t i = 0; i < ag_onnx_elements(&v->tensor); i++) {
    int64_t at = reduced_index(&v->tensor, gone, i);
    sums[at] = join(kind, sums[at], ag_onnx_get_number(&v->tensor, i));
    batch |= ag_fold_put_bit(ag_fold_batch_bit(v, i), at);
  }
  for (int64_t i = 0; i < count && done; i++) done = put(&t, i, sums[i]);
  free(sums);
  return done && ag_fold_finish(im, op, &t, batch);
}

const ag_fold *ag_fold_find_reduce(const char *type) {
  static const ag_fold table[] = {
      {"ReduceProd", 1, fold_reduction},
      {"ReduceSum", 1, fold_reduction},
      {"ReduceMax", 1, fold_reduction},
      {"ReduceMin", 1, fold_reduction},
  };
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    if (strcmp(type, table[i].type) == 0) return &table[i];
  return NULL;
}
