/* Constant folding: nodes whose operands are all constants, and Shape and Size of anything.
 *
 * Weights may have a shape and no data; folding then goes as far as shapes do (Identity, Reshape,
 * Transpose, ...). Arithmetic happens in 64 bits and is rounded to the tensor's type, which gives
 * exactly what that type's own + - * / sqrt give. Each element remembers whether it depends on a
 * batch size that the file leaves open (one bit for each of the first 64). */
#include "engine/formats/onnx_fold.h"

/* --- results ---------------------------------------------------------------------- */

bool ag_fold_allocate(ag_onnx_import *im, ag_tensor *t) {
  size_t element = ag_onnx_element_size((int)t->dtype);
  int64_t n = ag_onnx_elements(t);
  if (!element || !ag_onnx_bounded(t) || n > AG_ONNX_MAX_FOLD) return false;
  t->bytes = (size_t)n * element;
  if (!ag_onnx_charge(im, (int64_t)t->bytes)) return false;
  t->data = ag_store_alloc(im->store, t->bytes);
  return true;
}

bool ag_fold_finish(ag_onnx_import *im, const ag_onnx_op *op, const ag_tensor *t, uint64_t batch) {
  if (!ag_onnx_bounded(t)) return false;
  ag_onnx_value *v = &im->values[op->out[0]];
  v->kind = AG_ONNX_CONSTANT;
  v->tensor = *t;
  v->batch = batch;
  ag_onnx_set_fate(im, op->index, AG_ONNX_FOLDED, "constant");
  return true;
}

/* --- constants and shapes --------------------------------------------------------- */

static bool fold_constant(ag_onnx_import *im, const ag_onnx_op *op) {
  const ag_onnx_attribute *a = op->node->n_attribute ? op->node->attribute[0] : NULL;
  if (!a || !a->name) return false;
  ag_tensor t = {.dtype = AG_I64};
  if (strcmp(a->name, "value") == 0 && a->t) {
    ag_error *err = im->err, ignored;
    im->err = &ignored;
    bool read = ag_onnx_read_tensor(im, a->t, &t) == AG_OK;
    im->err = err;
    return read && ag_fold_finish(im, op, &t, 0);
  }
  if (strncmp(a->name, "value_float", 11) == 0) t.dtype = AG_F32;
  bool list = a->name[0] && a->name[strlen(a->name) - 1] == 's';
  t.rank = list;
  t.dims[0] = (int64_t)(t.dtype == AG_F32 ? a->n_floats : a->n_ints);
  t.data = t.dtype == AG_F32 ? (list ? (void *)a->floats : (void *)&a->f)
                             : (list ? (void *)a->ints : (void *)&a->i);
  t.bytes = (size_t)ag_onnx_elements(&t) * ag_onnx_element_size((int)t.dtype);
  bool known = strncmp(a->name, "value_float", 11) == 0 || strncmp(a->name, "value_int", 9) == 0;
  return known && ag_fold_finish(im, op, &t, 0);
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
  if (!ag_fold_finish(im, op, &t, 0)) return false;
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
  if (!ag_fold_allocate(im, &t)) return false;
  for (int64_t i = start; i < end; i++) ag_onnx_put_int(&t, i - start, v->tensor.dims[i]);
  bool open = im->dynamic_batch && v->kind == AG_ONNX_ACTIVATION && start == 0 && rank > 0;
  return ag_fold_finish(im, op, &t, open ? 1 : 0);
}

static bool fold_size(ag_onnx_import *im, const ag_onnx_op *op) {
  const ag_onnx_value *v = ag_onnx_operand(im, op, 0);
  ag_tensor t = {.dtype = AG_I64};
  if (!v || !ag_fold_allocate(im, &t)) return false;
  ag_onnx_put_int(&t, 0, ag_onnx_elements(&v->tensor));
  bool open = im->dynamic_batch && v->kind == AG_ONNX_ACTIVATION && v->tensor.rank > 0;
  return ag_fold_finish(im, op, &t, open);
}

/* --- which ------------------------------------------------------------------------ */

static const ag_fold *find(const char *type) {
  static const ag_fold sources[] = {{"Constant", 0, fold_constant},
                                    {"ConstantOfShape", 1, fold_constant_of_shape}};
  for (size_t i = 0; i < sizeof sources / sizeof *sources; i++)
    if (strcmp(type, sources[i].type) == 0) return &sources[i];
  const ag_fold *found = ag_fold_find_move(type);
  if (!found) found = ag_fold_find_math(type);
  return found ? found : ag_fold_find_reduce(type);
}

bool ag_onnx_fold(ag_onnx_import *im, const ag_onnx_op *op) {
  if (op->outputs != 1 || op->out[0] < 0) return false;
  if (strcmp(op->node->op_type, "Shape") == 0) return fold_shape(im, op);
  if (strcmp(op->node->op_type, "Size") == 0) return fold_size(im, op);
  for (int k = 0; k < op->inputs; k++)
    if (op->in[k] >= 0 && im->values[op->in[k]].kind != AG_ONNX_CONSTANT) return false;
  const ag_fold *fold = find(op->node->op_type);
  if (!fold || op->inputs < fold->inputs) return false;
  for (int k = 0; k < fold->inputs; k++)
    if (op->in[k] < 0) return false;
  return fold->fold(im, op);
}
