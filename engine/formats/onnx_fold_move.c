/* Constant folding of ops that move elements or change their type, and compute none. */
#include <math.h>

#include "engine/formats/onnx_fold.h"

/* --- results ---------------------------------------------------------------------- */

/* The first operand's elements, where it has any, in another shape. */
static bool finish_reshaped(ag_onnx_import *im, const ag_onnx_op *op, const ag_tensor *shape) {
  const ag_onnx_value *from = &im->values[op->in[0]];
  ag_onnx_value *to = &im->values[op->out[0]];
  ag_tensor t = from->tensor;
  t.rank = shape->rank;
  memcpy(t.dims, shape->dims, sizeof t.dims);
  if (ag_onnx_elements(&t) != ag_onnx_elements(&from->tensor)) return false;
  to->filled = from->filled;
  to->fill = from->fill;
  return ag_fold_finish(im, op, &t, from->batch);
}

/* Room for the source positions of n elements, or NULL when that would be too many. */
static int64_t *source_map(ag_onnx_import *im, int64_t n) {
  bool allowed = n <= AG_ONNX_MAX_FOLD && ag_onnx_charge(im, n * (int64_t)sizeof(int64_t));
  return allowed ? AG_ARRAY(int64_t, n) : NULL;
}

/* out[i] = in[source[i]] */
static bool finish_moved(ag_onnx_import *im, const ag_onnx_op *op, ag_tensor *t,
                         const int64_t *source) {
  ag_onnx_value *from = &im->values[op->in[0]];
  t->dtype = from->tensor.dtype;
  if (!ag_fold_allocate(im, t)) return false;
  size_t element = ag_onnx_element_size((int)t->dtype);
  uint64_t batch = 0;
  for (int64_t i = 0; i < ag_onnx_elements(t); i++) {
    memcpy((char *)(uintptr_t)t->data + (size_t)i * element,
           (const char *)from->tensor.data + (size_t)source[i] * element, element);
    batch |= ag_fold_put_bit(ag_fold_batch_bit(from, source[i]), i);
  }
  return ag_fold_finish(im, op, t, batch);
}

/* --- one function per op ---------------------------------------------------------- */

static bool fold_identity(ag_onnx_import *im, const ag_onnx_op *op) {
  return finish_reshaped(im, op, &im->values[op->in[0]].tensor);
}

static bool fold_reshape(ag_onnx_import *im, const ag_onnx_op *op) {
  ag_tensor t;
  return ag_onnx_reshaped(im, op, &t) && finish_reshaped(im, op, &t);
}

static bool fold_cast(ag_onnx_import *im, const ag_onnx_op *op) {
  ag_onnx_value *v = ag_onnx_constant(im, op, 0);
  int to = (int)ag_onnx_cast_type(op->node);
  if (to == (int)v->tensor.dtype) return fold_identity(im, op);
  if (!ag_onnx_readable(im, v) || !(ag_onnx_is_float(to) || ag_onnx_is_integer(to))) return false;
  if (!ag_onnx_is_float((int)v->tensor.dtype) && !ag_onnx_is_integer((int)v->tensor.dtype))
    return false;
  ag_tensor t = v->tensor;
  t.dtype = (ag_dtype)to;
  if (!ag_fold_allocate(im, &t)) return false;
  for (int64_t i = 0; i < ag_onnx_elements(&t); i++) {
    if (ag_onnx_is_float(to)) {
      ag_onnx_put_float(&t, i, ag_onnx_get_number(&v->tensor, i));
    } else if (ag_onnx_is_integer((int)v->tensor.dtype)) {
      int64_t value = ag_onnx_get_int(&v->tensor, i);
      ag_onnx_put_int(&t, i, to == AG_BOOL ? value != 0 : value);
    } else {
      double value = ag_onnx_get_number(&v->tensor, i);
      if (!(fabs(value) < 0x1p62)) return false;
      ag_onnx_put_int(&t, i, to == AG_BOOL ? value != 0 : (int64_t)value);
    }
  }
  return ag_fold_finish(im, op, &t, v->batch);
}

static bool fold_concat(ag_onnx_import *im, const ag_onnx_op *op) {
  ag_onnx_value *first = ag_onnx_constant(im, op, 0);
  int rank = first->tensor.rank;
  int64_t axis = ag_onnx_attr_int(op->node, "axis", 0), rows = 1, width = 0;
  if (axis < 0) axis += rank;
  if (axis < 0 || axis >= rank) return false;
  ag_tensor t = first->tensor;
  t.dims[axis] = 0;
  for (int k = 0; k < op->inputs; k++) {
    ag_onnx_value *v = ag_onnx_constant(im, op, k);
    if (!ag_onnx_readable(im, v) || v->tensor.dtype != t.dtype || v->tensor.rank != rank)
      return false;
    for (int d = 0; d < rank; d++)
      if (d != axis && v->tensor.dims[d] != first->tensor.dims[d]) return false;
    t.dims[axis] += v->tensor.dims[axis];
  }
  if (!ag_fold_allocate(im, &t)) return false;
  for (int d = 0; d < axis; d++) rows *= t.dims[d];
  size_t element = ag_onnx_element_size((int)t.dtype);
  int64_t row = rows ? ag_onnx_elements(&t) / rows : 0;
  uint64_t batch = 0;
  for (int k = 0; k < op->inputs; k++) {
    const ag_onnx_value *v = ag_onnx_constant(im, op, k);
    int64_t part = rows ? ag_onnx_elements(&v->tensor) / rows : 0;
    for (int64_t r = 0; r < rows && part; r++) {
      memcpy((char *)(uintptr_t)t.data + (size_t)(r * row + width) * element,
             (const char *)v->tensor.data + (size_t)(r * part) * element, (size_t)part * element);
      for (int64_t i = 0; i < part && i < 64; i++)
        batch |= ag_fold_put_bit(ag_fold_batch_bit(v, r * part + i), r * row + width + i);
    }
    width += part;
  }
  return ag_fold_finish(im, op, &t, batch);
}

/* Source positions of a strided box: dims[d] elements from start[d] in steps of step[d]. */
static bool fold_box(ag_onnx_import *im, const ag_onnx_op *op, ag_tensor *t, const int64_t *start,
                     const int64_t *step) {
  ag_onnx_value *from = ag_onnx_constant(im, op, 0);
  int64_t n = ag_onnx_elements(t);
  int64_t *source = ag_onnx_readable(im, from) ? source_map(im, n) : NULL;
  if (!source) return false;
  for (int64_t i = 0; i < n; i++) {
    int64_t rest = i, stride = 1;
    for (int d = t->rank - 1; d >= 0; d--) {
      source[i] += (start[d] + rest % t->dims[d] * step[d]) * stride;
      rest /= t->dims[d];
      stride *= from->tensor.dims[d];
    }
  }
  bool folded = finish_moved(im, op, t, source);
  free(source);
  return folded;
}

static bool fold_slice(ag_onnx_import *im, const ag_onnx_op *op) {
  ag_tensor t;
  int64_t start[AG_MAX_RANK], step[AG_MAX_RANK];
  return ag_onnx_sliced(im, op, &t, start, step) && fold_box(im, op, &t, start, step);
}

static bool fold_gather(ag_onnx_import *im, const ag_onnx_op *op) {
  ag_onnx_value *from = ag_onnx_constant(im, op, 0), *which = ag_onnx_constant(im, op, 1);
  if (!ag_onnx_readable(im, from) || !ag_onnx_readable(im, which) ||
      !ag_onnx_is_integer((int)which->tensor.dtype))
    return false;
  const ag_tensor *f = &from->tensor, *w = &which->tensor;
  int64_t axis = ag_onnx_attr_int(op->node, "axis", 0);
  if (axis < 0) axis += f->rank;
  if (axis < 0 || axis >= f->rank || f->rank - 1 + w->rank > AG_MAX_RANK) return false;
  ag_tensor t = {.rank = f->rank - 1 + w->rank};
  int at = 0;
  int64_t outer = 1, inner = 1, picks = ag_onnx_elements(w), size = f->dims[axis];
  for (int d = 0; d < axis; d++) outer *= t.dims[at++] = f->dims[d];
  for (int d = 0; d < w->rank; d++) t.dims[at++] = w->dims[d];
  for (int d = (int)axis + 1; d < f->rank; d++) inner *= t.dims[at++] = f->dims[d];
  int64_t *source = ag_onnx_bounded(&t) ? source_map(im, ag_onnx_elements(&t)) : NULL;
  bool valid = source != NULL;
  for (int64_t i = 0; valid && i < outer * picks * inner; i++) {
    int64_t pick = ag_onnx_get_int(w, i / inner % picks);
    if (pick < 0) pick += size;
    valid = pick >= 0 && pick < size;
    source[i] = (i / inner / picks * size + pick) * inner + i % inner;
  }
  valid = valid && finish_moved(im, op, &t, source);
  free(source);
  return valid;
}

static bool fold_transpose(ag_onnx_import *im, const ag_onnx_op *op) {
  ag_onnx_value *from = ag_onnx_constant(im, op, 0), *to = &im->values[op->out[0]];
  int perm[AG_MAX_RANK], rank = from->tensor.rank;
  if (!ag_onnx_permutation(op->node, rank, perm)) return false;
  ag_tensor t = from->tensor;
  int64_t stride[AG_MAX_RANK], n = ag_onnx_elements(&t), step = 1;
  for (int d = rank - 1; d >= 0; step *= from->tensor.dims[d], d--) stride[d] = step;
  for (int d = 0; d < rank; d++) t.dims[d] = from->tensor.dims[perm[d]];
  if (from->filled || !from->tensor.data) {
    to->filled = from->filled;
    to->fill = from->fill;
    return ag_fold_finish(im, op, &t, 0);
  }
  int64_t *source = ag_onnx_readable(im, from) ? source_map(im, n) : NULL;
  if (!source) return false;
  for (int64_t i = 0; i < n; i++) {
    int64_t rest = i;
    for (int d = rank - 1; d >= 0; d--) {
      source[i] += rest % t.dims[d] * stride[perm[d]];
      rest /= t.dims[d];
    }
  }
  bool folded = finish_moved(im, op, &t, source);
  free(source);
  return folded;
}

static bool fold_expand(ag_onnx_import *im, const ag_onnx_op *op) {
  ag_onnx_value *from = ag_onnx_constant(im, op, 0), *sizes = ag_onnx_constant(im, op, 1);
  ag_tensor asked = {.dtype = from->tensor.dtype}, t = asked;
  if (!ag_onnx_readable(im, from) || !ag_onnx_readable(im, sizes) ||
      !ag_onnx_constant_ints(sizes, asked.dims, AG_MAX_RANK, &asked.rank) ||
      !ag_onnx_bounded(&asked) || !ag_onnx_broadcast(&from->tensor, &asked, &t) ||
      !ag_onnx_bounded(&t))
    return false;
  int64_t n = ag_onnx_elements(&t), *source = source_map(im, n);
  for (int64_t i = 0; source && i < n; i++)
    source[i] = ag_fold_broadcast_index(&t, &from->tensor, i);
  bool folded = source && finish_moved(im, op, &t, source);
  free(source);
  return folded;
}

static bool fold_tile(ag_onnx_import *im, const ag_onnx_op *op) {
  ag_onnx_value *from = ag_onnx_constant(im, op, 0), *times = ag_onnx_constant(im, op, 1);
  int64_t repeats[AG_MAX_RANK];
  int count;
  ag_tensor t = from->tensor;
  if (!ag_onnx_readable(im, from) || !ag_onnx_readable(im, times) ||
      !ag_onnx_constant_ints(times, repeats, AG_MAX_RANK, &count) || count != t.rank)
    return false;
  for (int d = 0; d < t.rank; d++)
    if (repeats[d] < 0 || __builtin_mul_overflow(t.dims[d], repeats[d], &t.dims[d])) return false;
  int64_t *source = ag_onnx_bounded(&t) ? source_map(im, ag_onnx_elements(&t)) : NULL;
  for (int64_t i = 0; source && i < ag_onnx_elements(&t); i++) {
    int64_t rest = i, stride = 1;
    for (int d = t.rank - 1; d >= 0; d--) {
      source[i] += rest % t.dims[d] % from->tensor.dims[d] * stride;
      rest /= t.dims[d];
      stride *= from->tensor.dims[d];
    }
  }
  bool folded = source && finish_moved(im, op, &t, source);
  free(source);
  return folded;
}

const ag_fold *ag_fold_find_move(const char *type) {
  static const ag_fold table[] = {
      {"Identity", 1, fold_identity},   {"Reshape", 1, fold_reshape},
      {"Flatten", 1, fold_reshape},     {"Squeeze", 1, fold_reshape},
      {"Unsqueeze", 1, fold_reshape},   {"Concat", 1, fold_concat},
      {"Slice", 1, fold_slice},         {"Gather", 2, fold_gather},
      {"Transpose", 1, fold_transpose}, {"Expand", 2, fold_expand},
      {"Tile", 2, fold_tile},           {"Cast", 1, fold_cast},
  };
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    if (strcmp(type, table[i].type) == 0) return &table[i];
  return NULL;
}
