/* Constant folding: nodes whose operands are all constants, and Shape of anything.
 *
 * Weights may have a shape and no data; folding then goes as far as shapes do (Identity, Reshape,
 * Transpose, ...). Arithmetic happens in 64 bits and is rounded to the tensor's type, which gives
 * exactly what that type's own + - * / sqrt give. Each element remembers whether it depends on a
 * batch size that the file leaves open (one bit for each of the first 64). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/formats/onnx_internal.h"

/* --- results ---------------------------------------------------------------------- */

/* A zeroed result of that type and shape, or false when it would be too large. */
static bool allocate(ag_onnx_import *im, ag_tensor *t) {
  size_t element = ag_onnx_element_size((int)t->dtype);
  int64_t n = ag_onnx_elements(t);
  if (!element || !ag_onnx_bounded(t) || n > AG_ONNX_MAX_FOLD) return false;
  t->bytes = (size_t)n * element;
  if (!ag_onnx_charge(im, (int64_t)t->bytes)) return false;
  t->data = ag_store_alloc(im->store, t->bytes);
  return true;
}

static bool finish(ag_onnx_import *im, const ag_onnx_op *op, const ag_tensor *t, uint64_t batch) {
  if (!ag_onnx_bounded(t)) return false;
  ag_onnx_value *v = &im->values[op->out[0]];
  v->kind = AG_ONNX_CONSTANT;
  v->tensor = *t;
  v->batch = batch;
  ag_onnx_set_fate(im, op->index, AG_ONNX_FOLDED, "constant");
  return true;
}

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
  return finish(im, op, &t, from->batch);
}

static uint64_t batch_bit(const ag_onnx_value *v, int64_t i) {
  return i < 64 ? v->batch >> i & 1 : 0;
}
static uint64_t put_bit(uint64_t bit, int64_t i) {
  return i < 64 ? bit << i : 0;
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
  if (!allocate(im, t)) return false;
  size_t element = ag_onnx_element_size((int)t->dtype);
  uint64_t batch = 0;
  for (int64_t i = 0; i < ag_onnx_elements(t); i++) {
    memcpy((char *)(uintptr_t)t->data + (size_t)i * element,
           (const char *)from->tensor.data + (size_t)source[i] * element, element);
    batch |= put_bit(batch_bit(from, source[i]), i);
  }
  return finish(im, op, t, batch);
}

/* --- one function per op ---------------------------------------------------------- */

static bool fold_constant(ag_onnx_import *im, const ag_onnx_op *op) {
  const ag_onnx_attribute *a = op->node->n_attribute ? op->node->attribute[0] : NULL;
  if (!a || !a->name) return false;
  ag_tensor t = {.dtype = AG_I64};
  if (strcmp(a->name, "value") == 0 && a->t) {
    ag_error *err = im->err, ignored;
    im->err = &ignored;
    bool read = ag_onnx_read_tensor(im, a->t, &t) == AG_OK;
    im->err = err;
    return read && finish(im, op, &t, 0);
  }
  if (strncmp(a->name, "value_float", 11) == 0) t.dtype = AG_F32;
  bool list = a->name[0] && a->name[strlen(a->name) - 1] == 's';
  t.rank = list;
  t.dims[0] = (int64_t)(t.dtype == AG_F32 ? a->n_floats : a->n_ints);
  t.data = t.dtype == AG_F32 ? (list ? (void *)a->floats : (void *)&a->f)
                             : (list ? (void *)a->ints : (void *)&a->i);
  t.bytes = (size_t)ag_onnx_elements(&t) * ag_onnx_element_size((int)t.dtype);
  bool known = strncmp(a->name, "value_float", 11) == 0 || strncmp(a->name, "value_int", 9) == 0;
  return known && finish(im, op, &t, 0);
}

enum { SMALL = 64 }; /* elements; such a constant may be a list of sizes, whose data is wanted */

static bool fold_constant_of_shape(ag_onnx_import *im, const ag_onnx_op *op) {
  ag_onnx_value *shape = ag_onnx_constant(im, op, 0);
  int64_t dims[AG_MAX_RANK] = {0};
  ag_tensor t = {.dtype = AG_F32};
  if (!ag_onnx_readable(im, shape) || !ag_onnx_constant_ints(shape, dims, AG_MAX_RANK, &t.rank))
    return false;
  memcpy(t.dims, dims, sizeof dims);
  if (!ag_onnx_bounded(&t)) return false;
  ag_onnx_value *to = &im->values[op->out[0]];
  const ag_onnx_attribute *a = ag_onnx_attr(op->node, "value");
  ag_tensor element;
  if (a && a->t) {
    if (ag_onnx_read_tensor(im, a->t, &element) || !element.data || element.bytes > 8 ||
        element.bytes != ag_onnx_element_size((int)element.dtype))
      return false;
    t.dtype = element.dtype;
    memcpy(&to->fill, element.data, element.bytes);
  }
  to->filled = true;
  if (!finish(im, op, &t, 0)) return false;
  if (ag_onnx_elements(&t) <= SMALL) ag_onnx_constant_data(im, to);
  return true;
}

static bool fold_shape(ag_onnx_import *im, const ag_onnx_op *op) {
  const ag_onnx_value *v = ag_onnx_operand(im, op, 0);
  if (!v) return false;
  int rank = v->tensor.rank;
  int64_t start = ag_onnx_attr_int(op->node, "start", 0);
  int64_t end = ag_onnx_attr_int(op->node, "end", rank);
  if (start < 0) start = start + rank < 0 ? 0 : start + rank;
  if (end < 0) end += rank;
  if (end > rank) end = rank;
  ag_tensor t = {.dtype = AG_I64, .rank = 1, .dims = {end > start ? end - start : 0}};
  if (!allocate(im, &t)) return false;
  for (int64_t i = start; i < end; i++) ag_onnx_put_int(&t, i - start, v->tensor.dims[i]);
  bool open = im->dynamic_batch && v->kind == AG_ONNX_ACTIVATION && start == 0 && rank > 0;
  return finish(im, op, &t, open ? 1 : 0);
}

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
  if (!allocate(im, &t)) return false;
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
  return finish(im, op, &t, v->batch);
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
  if (!allocate(im, &t)) return false;
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
        batch |= put_bit(batch_bit(v, r * part + i), r * row + width + i);
    }
    width += part;
  }
  return finish(im, op, &t, batch);
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
    return finish(im, op, &t, 0);
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

static bool unary(const char *type, double x, double *y) {
  if (strcmp(type, "Floor") == 0) return *y = floor(x), true;
  if (strcmp(type, "Ceil") == 0) return *y = ceil(x), true;
  if (strcmp(type, "Sqrt") == 0) return *y = sqrt(x), true;
  if (strcmp(type, "Neg") == 0) return *y = -x, true;
  if (strcmp(type, "Abs") == 0) return *y = fabs(x), true;
  if (strcmp(type, "Reciprocal") == 0) return *y = 1 / x, true;
  return false;
}

static bool fold_unary(ag_onnx_import *im, const ag_onnx_op *op) {
  ag_onnx_value *v = ag_onnx_constant(im, op, 0);
  if (!ag_onnx_readable(im, v) || !ag_onnx_is_float((int)v->tensor.dtype)) return false;
  ag_tensor t = v->tensor;
  if (!allocate(im, &t)) return false;
  for (int64_t i = 0; i < ag_onnx_elements(&t); i++) {
    double y = 0;
    if (!unary(op->node->op_type, ag_onnx_get_number(&v->tensor, i), &y)) return false;
    ag_onnx_put_float(&t, i, y);
  }
  return finish(im, op, &t, v->batch);
}

static bool binary_float(const char *type, double a, double b, double *y) {
  switch (type[0]) {
  case 'A':
    return *y = a + b, true;
  case 'S':
    return *y = a - b, true;
  case 'M':
    return *y = a * b, true;
  default:
    return *y = a / b, true;
  }
}

static bool binary_int(const char *type, int64_t a, int64_t b, int64_t *y) {
  switch (type[0]) {
  case 'A':
    return !__builtin_add_overflow(a, b, y);
  case 'S':
    return !__builtin_sub_overflow(a, b, y);
  case 'M':
    return !__builtin_mul_overflow(a, b, y);
  default:
    if (b == 0 || (a == INT64_MIN && b == -1)) return false;
    *y = a / b;
    return true;
  }
}

/* Position in a broadcast operand of element i of the result. */
static int64_t broadcast_index(const ag_tensor *result, const ag_tensor *operand, int64_t i) {
  int64_t index = 0, stride = 1;
  for (int d = result->rank - 1, k = operand->rank - 1; k >= 0; d--, k--) {
    if (operand->dims[k] > 1) index += i % result->dims[d] * stride;
    stride *= operand->dims[k];
    i /= result->dims[d];
  }
  return index;
}

static bool fold_binary(ag_onnx_import *im, const ag_onnx_op *op) {
  ag_onnx_value *a = ag_onnx_constant(im, op, 0), *b = ag_onnx_constant(im, op, 1);
  if (!ag_onnx_readable(im, a) || !ag_onnx_readable(im, b) || a->tensor.dtype != b->tensor.dtype)
    return false;
  bool real = ag_onnx_is_float((int)a->tensor.dtype);
  if (!real && !ag_onnx_is_integer((int)a->tensor.dtype)) return false;
  ag_tensor t = {.dtype = a->tensor.dtype};
  if (!ag_onnx_broadcast(&a->tensor, &b->tensor, &t) || !allocate(im, &t)) return false;
  uint64_t batch = 0;
  for (int64_t i = 0; i < ag_onnx_elements(&t); i++) {
    int64_t ia = broadcast_index(&t, &a->tensor, i), ib = broadcast_index(&t, &b->tensor, i), n;
    double y;
    if (real && binary_float(op->node->op_type, ag_onnx_get_number(&a->tensor, ia),
                             ag_onnx_get_number(&b->tensor, ib), &y))
      ag_onnx_put_float(&t, i, y);
    else if (!real && binary_int(op->node->op_type, ag_onnx_get_int(&a->tensor, ia),
                                 ag_onnx_get_int(&b->tensor, ib), &n))
      ag_onnx_put_int(&t, i, n);
    else
      return false;
    batch |= put_bit(batch_bit(a, ia) | batch_bit(b, ib), i);
  }
  return finish(im, op, &t, batch);
}

typedef bool (*fold_function)(ag_onnx_import *, const ag_onnx_op *);

static const struct {
  const char *type;
  int inputs; /* at least */
  fold_function fold;
} folds[] = {
    {"Constant", 0, fold_constant}, {"ConstantOfShape", 1, fold_constant_of_shape},
    {"Identity", 1, fold_identity}, {"Reshape", 1, fold_reshape},
    {"Flatten", 1, fold_reshape},   {"Squeeze", 1, fold_reshape},
    {"Unsqueeze", 1, fold_reshape}, {"Cast", 1, fold_cast},
    {"Concat", 1, fold_concat},     {"Slice", 1, fold_slice},
    {"Gather", 2, fold_gather},     {"Transpose", 1, fold_transpose},
    {"Floor", 1, fold_unary},       {"Ceil", 1, fold_unary},
    {"Sqrt", 1, fold_unary},        {"Neg", 1, fold_unary},
    {"Abs", 1, fold_unary},         {"Reciprocal", 1, fold_unary},
    {"Add", 2, fold_binary},        {"Sub", 2, fold_binary},
    {"Mul", 2, fold_binary},        {"Div", 2, fold_binary},
};

bool ag_onnx_fold(ag_onnx_import *im, const ag_onnx_op *op) {
  if (op->outputs != 1 || op->out[0] < 0) return false;
  if (strcmp(op->node->op_type, "Shape") == 0) return fold_shape(im, op);
  for (int k = 0; k < op->inputs; k++)
    if (op->in[k] >= 0 && im->values[op->in[k]].kind != AG_ONNX_CONSTANT) return false;
  for (size_t i = 0; i < sizeof folds / sizeof *folds; i++)
    if (strcmp(op->node->op_type, folds[i].type) == 0)
      return op->inputs >= folds[i].inputs && (!folds[i].inputs || op->in[0] >= 0) &&
             folds[i].fold(im, op);
  return false;
}
