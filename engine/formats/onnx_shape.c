/* ONNX shape arithmetic: what the reshaping ops make of their first operand's shape. Axes and
 * sizes come from attributes (older op versions) or constant operands (newer ones). */
#include <string.h>

#include "engine/formats/onnx_internal.h"

enum { MAX_LIST = 2 * AG_MAX_RANK };

bool ag_onnx_same_dims(const ag_tensor *a, const ag_tensor *b) {
  if (a->rank != b->rank) return false;
  for (int d = 0; d < a->rank; d++)
    if (a->dims[d] != b->dims[d]) return false;
  return true;
}

bool ag_onnx_bounded(const ag_tensor *t) {
  int64_t elements = 1;
  for (int d = 0; d < t->rank; d++) {
    if (t->dims[d] < 0 || (t->dims[d] && elements > (INT64_C(1) << 40) / t->dims[d])) return false;
    if (t->dims[d]) elements *= t->dims[d];
  }
  return true;
}

/* 0 copies a size (unless allowzero), one -1 takes what remains. */
static bool reshape(ag_onnx_import *im, const ag_onnx_op *op, const ag_tensor *in, ag_tensor *t) {
  int64_t sizes[MAX_LIST];
  int count, open = -1;
  if (!ag_onnx_list(im, op, "shape", 1, sizes, &count) || count > AG_MAX_RANK) return false;
  bool copy = !ag_onnx_attr_int(op->node, "allowzero", 0);
  int64_t known = 1, total = ag_onnx_elements(in);
  t->rank = count;
  for (int d = 0; d < count; d++) {
    if (sizes[d] == 0 && copy) {
      if (d >= in->rank) return false;
      sizes[d] = in->dims[d];
    }
    t->dims[d] = sizes[d];
    if (sizes[d] == -1) {
      if (open >= 0) return false;
      t->dims[open = d] = 1;
    } else if (sizes[d] < 0 || (known && sizes[d] > (INT64_C(1) << 40) / known)) {
      return false;
    }
    known *= t->dims[d];
  }
  if (open >= 0) {
    if (known == 0 || total % known) return false;
    t->dims[open] = total / known;
  }
  return ag_onnx_bounded(t) && ag_onnx_elements(t) == total;
}

static bool flatten(const ag_onnx_op *op, const ag_tensor *in, ag_tensor *t) {
  int64_t axis = ag_onnx_attr_int(op->node, "axis", 1);
  if (axis < 0) axis += in->rank;
  if (axis < 0 || axis > in->rank) return false;
  t->rank = 2;
  t->dims[0] = t->dims[1] = 1;
  for (int d = 0; d < in->rank; d++) t->dims[d >= axis] *= in->dims[d];
  return true;
}

/* The axes of a node as flags, counted in a tensor of `rank`. */
static bool read_axes(ag_onnx_import *im, const ag_onnx_op *op, int rank, bool *chosen,
                      int *count) {
  int64_t axes[MAX_LIST];
  memset(chosen, 0, MAX_LIST * sizeof *chosen);
  if (!ag_onnx_list(im, op, "axes", 1, axes, count) || rank > MAX_LIST) return false;
  for (int i = 0; i < *count; i++) {
    if (axes[i] < 0) axes[i] += rank;
    if (axes[i] < 0 || axes[i] >= rank || chosen[axes[i]]) return false;
    chosen[axes[i]] = true;
  }
  return true;
}

static bool squeeze(ag_onnx_import *im, const ag_onnx_op *op, const ag_tensor *in, ag_tensor *t) {
  bool chosen[MAX_LIST];
  int count;
  if (!read_axes(im, op, in->rank, chosen, &count)) return false;
  t->rank = 0;
  for (int d = 0; d < in->rank; d++) {
    bool drop = count ? chosen[d] : in->dims[d] == 1;
    if (drop && in->dims[d] != 1) return false;
    if (!drop) t->dims[t->rank++] = in->dims[d];
  }
  return true;
}

static bool unsqueeze(ag_onnx_import *im, const ag_onnx_op *op, const ag_tensor *in, ag_tensor *t) {
  bool chosen[MAX_LIST];
  int64_t axes[MAX_LIST];
  int count;
  if (!ag_onnx_list(im, op, "axes", 1, axes, &count)) return false;
  int rank = in->rank + count, from = 0;
  if (rank > AG_MAX_RANK || !read_axes(im, op, rank, chosen, &count)) return false;
  t->rank = rank;
  for (int d = 0; d < rank; d++) t->dims[d] = chosen[d] ? 1 : in->dims[from++];
  return true;
}

bool ag_onnx_reshaped(ag_onnx_import *im, const ag_onnx_op *op, ag_tensor *t) {
  const ag_onnx_value *v = ag_onnx_operand(im, op, 0);
  if (!v) return false;
  *t = (ag_tensor){.dtype = v->tensor.dtype};
  switch (op->node->op_type[0]) {
  case 'R':
    return reshape(im, op, &v->tensor, t);
  case 'F':
    return flatten(op, &v->tensor, t);
  case 'S':
    return squeeze(im, op, &v->tensor, t);
  default:
    return unsqueeze(im, op, &v->tensor, t);
  }
}

static int64_t clamp(int64_t x, int64_t low, int64_t high) {
  return x < low ? low : x > high ? high : x;
}

/* One axis of a slice: number of elements; *start is made absolute. */
static int64_t slice_axis(int64_t size, int64_t *start, int64_t end, int64_t step) {
  if (*start < 0) *start += size;
  if (end < 0) end += size;
  *start = clamp(*start, 0, step > 0 ? size : size - 1);
  end = step > 0 ? clamp(end, 0, size) : clamp(end, -1, size - 1);
  int64_t room = step > 0 ? end - *start : *start - end, stride = step > 0 ? step : -step;
  return room > 0 ? (room - 1) / stride + 1 : 0;
}

bool ag_onnx_sliced(ag_onnx_import *im, const ag_onnx_op *op, ag_tensor *t, int64_t *start,
                    int64_t *step) {
  int64_t starts[MAX_LIST], ends[MAX_LIST], axes[MAX_LIST], steps[MAX_LIST];
  int count, end_count, axis_count, step_count;
  const ag_onnx_value *v = ag_onnx_operand(im, op, 0);
  if (!v || !ag_onnx_list(im, op, "starts", 1, starts, &count) ||
      !ag_onnx_list(im, op, "ends", 2, ends, &end_count) ||
      !ag_onnx_list(im, op, "axes", 3, axes, &axis_count) ||
      !ag_onnx_list(im, op, "steps", 4, steps, &step_count))
    return false;
  if (end_count != count || (axis_count && axis_count != count) ||
      (step_count && step_count != count) || (!axis_count && count > v->tensor.rank))
    return false;
  *t = v->tensor;
  for (int d = 0; d < t->rank; d++) start[d] = 0, step[d] = 1;
  for (int i = 0; i < count; i++) {
    int64_t axis = axis_count ? axes[i] : i;
    if (axis < 0) axis += t->rank;
    if (axis < 0 || axis >= t->rank) return false;
    step[axis] = step_count ? steps[i] : 1;
    if (step[axis] == 0 || step[axis] < -INT32_MAX || step[axis] > INT32_MAX) return false;
    start[axis] = starts[i];
    t->dims[axis] = slice_axis(v->tensor.dims[axis], &start[axis], ends[i], step[axis]);
  }
  return true;
}

bool ag_onnx_permutation(const ag_onnx_node *node, int rank, int *perm) {
  const ag_onnx_attribute *a = ag_onnx_attr(node, "perm");
  bool seen[AG_MAX_RANK] = {false};
  for (int d = 0; d < rank; d++) perm[d] = rank - 1 - d;
  if (!a) return true;
  if (a->n_ints != (size_t)rank) return false;
  for (int d = 0; d < rank; d++) {
    if (a->ints[d] < 0 || a->ints[d] >= rank || seen[a->ints[d]]) return false;
    seen[perm[d] = (int)a->ints[d]] = true;
  }
  return true;
}

bool ag_onnx_broadcast(const ag_tensor *a, const ag_tensor *b, ag_tensor *t) {
  t->rank = a->rank > b->rank ? a->rank : b->rank;
  for (int i = 1; i <= t->rank; i++) {
    int64_t x = i <= a->rank ? a->dims[a->rank - i] : 1;
    int64_t y = i <= b->rank ? b->dims[b->rank - i] : 1;
    if (x != y && x != 1 && y != 1) return false;
    t->dims[t->rank - i] = x == 1 ? y : x;
  }
  return ag_onnx_bounded(t);
}

/* ReduceMean and its kin; no axes means all. */
bool ag_onnx_reduced(ag_onnx_import *im, const ag_onnx_op *op, ag_tensor *t) {
  const ag_onnx_value *v = ag_onnx_operand(im, op, 0);
  bool chosen[MAX_LIST];
  int count;
  if (!v || !read_axes(im, op, v->tensor.rank, chosen, &count)) return false;
  if (count == 0 && ag_onnx_attr_int(op->node, "noop_with_empty_axes", 0))
    return *t = v->tensor, true;
  bool keep = ag_onnx_attr_int(op->node, "keepdims", 1) != 0;
  *t = (ag_tensor){.dtype = v->tensor.dtype};
  for (int d = 0; d < v->tensor.rank; d++) {
    bool drop = count == 0 || chosen[d];
    if (!drop || keep) t->dims[t->rank++] = drop ? 1 : v->tensor.dims[d];
  }
  return true;
}

/* --- pads ------------------------------------------------------------------------- */

/* Since version 18 a Pad may give those of some dimensions only. */
bool ag_onnx_pads(ag_onnx_import *im, const ag_onnx_op *op, int rank, int64_t *pads) {
  int64_t given[2 * AG_MAX_RANK], axes[2 * AG_MAX_RANK];
  int count, some;
  if (!ag_onnx_list(im, op, im->opset < 2 ? "paddings" : "pads", 1, given, &count) ||
      !ag_onnx_list(im, op, "axes", 3, axes, &some))
    return false;
  if (!ag_onnx_operand(im, op, 3))
    for (some = 0; some < rank; some++) axes[some] = some;
  if (count != 2 * some || some > rank) return false;
  for (int d = 0; d < 2 * rank; d++) pads[d] = 0;
  for (int i = 0; i < some; i++) {
    int64_t d = axes[i] < 0 ? axes[i] + rank : axes[i];
    if (d < 0 || d >= rank) return false;
    pads[d] = given[i];
    pads[d + rank] = given[i + some];
  }
  return true;
}
