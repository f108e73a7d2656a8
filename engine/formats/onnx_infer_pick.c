/* Shapes of ops that pick elements: gathers, the largest ones, samples of a picture. */
#include <string.h>

#include "engine/formats/onnx_internal.h"

static const ag_tensor *tensor(ag_onnx_import *im, const ag_onnx_op *op, int slot) {
  const ag_onnx_value *v = ag_onnx_operand(im, op, slot);
  return v ? &v->tensor : NULL;
}

bool ag_onnx_infer_gather(ag_onnx_import *im, const ag_onnx_op *op, int output, ag_tensor *t) {
  const ag_tensor *x = tensor(im, op, 0), *which = tensor(im, op, 1);
  if (!x || !which || output > 0) return false;
  int axis = ag_onnx_axis(op, x->rank, 0);
  if (axis < 0 || x->rank - 1 + which->rank > AG_MAX_RANK) return false;
  *t = (ag_tensor){.dtype = x->dtype};
  for (int d = 0; d < axis; d++) t->dims[t->rank++] = x->dims[d];
  for (int d = 0; d < which->rank; d++) t->dims[t->rank++] = which->dims[d];
  for (int d = axis + 1; d < x->rank; d++) t->dims[t->rank++] = x->dims[d];
  return true;
}

bool ag_onnx_infer_gather_elements(ag_onnx_import *im, const ag_onnx_op *op, int output,
                                   ag_tensor *t) {
  const ag_tensor *x = tensor(im, op, 0), *which = tensor(im, op, 1);
  if (!x || !which || output > 0) return false;
  *t = *x;
  t->rank = which->rank;
  memcpy(t->dims, which->dims, sizeof t->dims);
  return true;
}

/* Values and their places; how many is an attribute (older) or an operand (newer). */
bool ag_onnx_infer_top_k(ag_onnx_import *im, const ag_onnx_op *op, int output, ag_tensor *t) {
  const ag_tensor *x = tensor(im, op, 0);
  int64_t most[1] = {ag_onnx_attr_int(op->node, "k", 0)};
  const ag_onnx_value *given = ag_onnx_operand(im, op, 1);
  int axis = x ? ag_onnx_axis(op, x->rank, -1) : -1, count;
  if (output > 1 || axis < 0) return false;
  if (given && (!ag_onnx_constant_ints(given, most, 1, &count) || count != 1)) return false;
  *t = *x;
  t->dims[axis] = most[0];
  if (output == 1) t->dtype = AG_I64;
  return most[0] > 0;
}

/* A picture sampled at the places that the grid (N, H, W, 2) gives. */
bool ag_onnx_infer_grid_sample(ag_onnx_import *im, const ag_onnx_op *op, int output, ag_tensor *t) {
  const ag_tensor *x = tensor(im, op, 0), *grid = tensor(im, op, 1);
  if (!x || !grid || grid->rank != x->rank || output > 0) return false;
  *t = *x;
  for (int d = 2; d < t->rank; d++) t->dims[d] = grid->dims[d - 1];
  return t->rank > 2;
}

bool ag_onnx_infer_roi_align(ag_onnx_import *im, const ag_onnx_op *op, int output, ag_tensor *t) {
  const ag_tensor *x = tensor(im, op, 0), *regions = tensor(im, op, 1);
  if (!x || !regions || x->rank != 4 || regions->rank != 2 || output > 0) return false;
  *t = (ag_tensor){.dtype = x->dtype, .rank = 4, .dims = {regions->dims[0], x->dims[1]}};
  t->dims[2] = ag_onnx_attr_int(op->node, "output_height", 1);
  t->dims[3] = ag_onnx_attr_int(op->node, "output_width", 1);
  return true;
}
