/* Constant folding of element-wise ops and Range. */
#include <math.h>

#include "engine/formats/onnx_fold.h"

static bool is_number(const ag_onnx_value *v) {
  return ag_onnx_is_float((int)v->tensor.dtype) || ag_onnx_is_integer((int)v->tensor.dtype);
}

/* --- one operand ------------------------------------------------------------------ */

static double negated(double x) {
  return -x;
}
static double reciprocal(double x) {
  return 1 / x;
}
static double sign(double x) {
  return (x > 0) - (x < 0);
}

static const struct {
  const char *type;
  double (*apply)(double);
  bool integers; /* of integers as well; exact below 2^53 */
} unary_ops[] = {
    {"Floor", floor, false}, {"Ceil", ceil, false}, {"Round", rint, false},
    {"Sqrt", sqrt, false},   {"Exp", exp, false},   {"Log", log, false},
    {"Sin", sin, false},     {"Cos", cos, false},   {"Reciprocal", reciprocal, false},
    {"Neg", negated, true},  {"Abs", fabs, true},   {"Sign", sign, true},
};

enum { EXACT_BITS = 53 }; /* of the integers that a double holds exactly */

static bool is_exact(double x) {
  return fabs(x) < ldexp(1, EXACT_BITS);
}

static bool fold_unary(ag_onnx_import *im, const ag_onnx_op *op) {
  ag_onnx_value *v = ag_onnx_constant(im, op, 0);
  size_t which = 0;
  while (strcmp(op->node->op_type, unary_ops[which].type) != 0) which++;
  if (!ag_onnx_readable(im, v) || !is_number(v)) return false;
  bool real = ag_onnx_is_float((int)v->tensor.dtype);
  ag_tensor t = v->tensor;
  if ((!real && !unary_ops[which].integers) || !ag_fold_allocate(im, &t)) return false;
  for (int64_t i = 0; i < ag_onnx_elements(&t); i++) {
    double x = ag_onnx_get_number(&v->tensor, i), y = unary_ops[which].apply(x);
    if (real)
      ag_onnx_put_float(&t, i, y);
    else if (is_exact(x))
      ag_onnx_put_int(&t, i, (int64_t)y);
    else
      return false;
  }
  return ag_fold_finish(im, op, &t, v->batch);
}

static bool fold_not(ag_onnx_import *im, const ag_onnx_op *op) {
  ag_onnx_value *v = ag_onnx_constant(im, op, 0);
  ag_tensor t = v->tensor;
  if (!ag_onnx_readable(im, v) || t.dtype != AG_BOOL || !ag_fold_allocate(im, &t)) return false;
  for (int64_t i = 0; i < ag_onnx_elements(&t); i++)
    ag_onnx_put_int(&t, i, !ag_onnx_get_int(&v->tensor, i));
  return ag_fold_finish(im, op, &t, v->batch);
}

/* --- arithmetic on two or more ---------------------------------------------------- */

static double larger(double a, double b) {
  return a > b || isnan(a) ? a : b;
}
static double smaller(double a, double b) {
  return a < b || isnan(a) ? a : b;
}

static bool combine_real(const char *type, double a, double b, double *y) {
  if (strcmp(type, "Add") == 0 || strcmp(type, "Sum") == 0) return *y = a + b, true;
  if (strcmp(type, "Sub") == 0) return *y = a - b, true;
  if (strcmp(type, "Mul") == 0) return *y = a * b, true;
  if (strcmp(type, "Div") == 0) return *y = a / b, true;
  if (strcmp(type, "Max") == 0) return *y = larger(a, b), true;
  if (strcmp(type, "Min") == 0) return *y = smaller(a, b), true;
  if (strcmp(type, "Pow") == 0) return *y = pow(a, b), true;
  return false;
}

/* The sign of the divisor. */
static bool modulo(int64_t a, int64_t b, int64_t *y) {
  if (b == 0 || b == -1) return *y = 0, b != 0;
  *y = a % b;
  if (*y && (*y < 0) != (b < 0)) *y += b;
  return true;
}

static bool integer_power(int64_t a, int64_t b, int64_t *y) {
  double power = pow((double)a, (double)b);
  if (b < 0 || !is_exact(power)) return false;
  return *y = (int64_t)power, true;
}

static bool combine_int(const char *type, int64_t a, int64_t b, int64_t *y) {
  if (strcmp(type, "Add") == 0 || strcmp(type, "Sum") == 0) return !__builtin_add_overflow(a, b, y);
  if (strcmp(type, "Sub") == 0) return !__builtin_sub_overflow(a, b, y);
  if (strcmp(type, "Mul") == 0) return !__builtin_mul_overflow(a, b, y);
  if (strcmp(type, "Max") == 0) return *y = a > b ? a : b, true;
  if (strcmp(type, "Min") == 0) return *y = a < b ? a : b, true;
  if (strcmp(type, "Mod") == 0) return modulo(a, b, y);
  if (strcmp(type, "Pow") == 0) return integer_power(a, b, y);
  if (strcmp(type, "Div") != 0 || b == 0 || (a == INT64_MIN && b == -1)) return false;
  return *y = a / b, true;
}

/* The shape in which all operands meet. */
static bool meet(ag_onnx_import *im, const ag_onnx_op *op, ag_tensor *t) {
  for (int k = 0; k < op->inputs; k++) {
    ag_onnx_value *v = op->in[k] < 0 ? NULL : ag_onnx_constant(im, op, k);
    ag_tensor so_far = *t;
    if (!v || !ag_onnx_readable(im, v) || !is_number(v) ||
        !ag_onnx_broadcast(&so_far, &v->tensor, t) || !ag_onnx_bounded(t))
      return false;
  }
  return true;
}

/* Element i of the result so far and operand k's; false if the type cannot hold it. */
static bool combine(const char *type, ag_tensor *t, int64_t i, const ag_tensor *operand,
                    int64_t at) {
  double real;
  int64_t whole;
  if (ag_onnx_is_float((int)t->dtype)) {
    if (!combine_real(type, ag_onnx_get_number(t, i), ag_onnx_get_number(operand, at), &real))
      return false;
    ag_onnx_put_float(t, i, real);
    return true;
  }
  if (!ag_onnx_is_integer((int)operand->dtype) ||
      !combine_int(type, ag_onnx_get_int(t, i), ag_onnx_get_int(operand, at), &whole))
    return false;
  ag_onnx_put_int(t, i, whole);
  return true;
}

static void put_first(ag_tensor *t, int64_t i, const ag_tensor *from, int64_t at) {
  if (ag_onnx_is_float((int)t->dtype))
    ag_onnx_put_float(t, i, ag_onnx_get_number(from, at));
  else
    ag_onnx_put_int(t, i, ag_onnx_get_int(from, at));
}

static bool fold_arithmetic(ag_onnx_import *im, const ag_onnx_op *op) {
  const ag_tensor *first = &ag_onnx_constant(im, op, 0)->tensor;
  bool power = strcmp(op->node->op_type, "Pow") == 0;
  ag_tensor t = {.dtype = first->dtype};
  if (!meet(im, op, &t) || first->dtype == AG_BOOL) return false;
  t.dtype = first->dtype;
  if (!ag_fold_allocate(im, &t)) return false;
  uint64_t batch = 0;
  for (int k = 0; k < op->inputs; k++) {
    const ag_onnx_value *v = ag_onnx_constant(im, op, k);
    if (!power && v->tensor.dtype != t.dtype) return false;
    for (int64_t i = 0; i < ag_onnx_elements(&t); i++) {
      int64_t at = ag_fold_broadcast_index(&t, &v->tensor, i);
      batch |= ag_fold_put_bit(ag_fold_batch_bit(v, at), i);
      if (k == 0)
        put_first(&t, i, &v->tensor, at);
      else if (!combine(op->node->op_type, &t, i, &v->tensor, at))
        return false;
    }
  }
  return ag_fold_finish(im, op, &t, batch);
}

/* Mod's other kind has the sign of the dividend. */
static bool fold_mod(ag_onnx_import *im, const ag_onnx_op *op) {
  return !ag_onnx_attr_int(op->node, "fmod", 0) && fold_arithmetic(im, op);
}

/* --- comparisons and choice ------------------------------------------------------- */

static bool compare(const char *type, const ag_tensor *a, int64_t at_a, const ag_tensor *b,
                    int64_t at_b) {
  bool real = ag_onnx_is_float((int)a->dtype), less, equal;
  if (real) {
    double x = ag_onnx_get_number(a, at_a), y = ag_onnx_get_number(b, at_b);
    less = x < y, equal = x == y;
    if (isnan(x) || isnan(y)) return false;
  } else {
    int64_t x = ag_onnx_get_int(a, at_a), y = ag_onnx_get_int(b, at_b);
    less = x < y, equal = x == y;
    if (strcmp(type, "And") == 0) return x && y;
    if (strcmp(type, "Or") == 0) return x || y;
    if (strcmp(type, "Xor") == 0) return !x != !y;
  }
  if (strcmp(type, "Equal") == 0) return equal;
  if (strcmp(type, "Less") == 0) return less;
  if (strcmp(type, "LessOrEqual") == 0) return less || equal;
  return strcmp(type, "Greater") == 0 ? !less && !equal : !less;
}

static bool fold_comparison(ag_onnx_import *im, const ag_onnx_op *op) {
  const ag_onnx_value *a = ag_onnx_constant(im, op, 0), *b = ag_onnx_constant(im, op, 1);
  ag_tensor t = {.dtype = AG_BOOL};
  if (op->inputs != 2 || a->tensor.dtype != b->tensor.dtype || !meet(im, op, &t)) return false;
  t.dtype = AG_BOOL;
  if (!ag_fold_allocate(im, &t)) return false;
  uint64_t batch = 0;
  for (int64_t i = 0; i < ag_onnx_elements(&t); i++) {
    int64_t at_a = ag_fold_broadcast_index(&t, &a->tensor, i);
    int64_t at_b = ag_fold_broadcast_index(&t, &b->tensor, i);
    ag_onnx_put_int(&t, i, compare(op->node->op_type, &a->tensor, at_a, &b->tensor, at_b));
    batch |= ag_fold_put_bit(ag_fold_batch_bit(a, at_a) | ag_fold_batch_bit(b, at_b), i);
  }
  return ag_fold_finish(im, op, &t, batch);
}

/* Where(condition, a, b) */
static bool fold_where(ag_onnx_import *im, const ag_onnx_op *op) {
  const ag_onnx_value *c = ag_onnx_constant(im, op, 0);
  const ag_onnx_value *from[2] = {ag_onnx_constant(im, op, 2), ag_onnx_constant(im, op, 1)};
  ag_tensor t = {.dtype = from[0]->tensor.dtype};
  if (op->inputs != 3 || c->tensor.dtype != AG_BOOL ||
      from[0]->tensor.dtype != from[1]->tensor.dtype || !meet(im, op, &t))
    return false;
  t.dtype = from[0]->tensor.dtype;
  if (!ag_fold_allocate(im, &t)) return false;
  uint64_t batch = 0;
  for (int64_t i = 0; i < ag_onnx_elements(&t); i++) {
    int64_t at_c = ag_fold_broadcast_index(&t, &c->tensor, i);
    const ag_onnx_value *v = from[ag_onnx_get_int(&c->tensor, at_c) != 0];
    int64_t at = ag_fold_broadcast_index(&t, &v->tensor, i);
    put_first(&t, i, &v->tensor, at);
    batch |= ag_fold_put_bit(ag_fold_batch_bit(c, at_c) | ag_fold_batch_bit(v, at), i);
  }
  return ag_fold_finish(im, op, &t, batch);
}

/* Range(start, limit, delta) */
static bool fold_range(ag_onnx_import *im, const ag_onnx_op *op) {
  double bounds[3];
  const ag_tensor *start = &ag_onnx_constant(im, op, 0)->tensor;
  for (int k = 0; k < 3; k++) {
    ag_onnx_value *v = ag_onnx_constant(im, op, k);
    if (!ag_onnx_readable(im, v) || !is_number(v) || v->batch || v->tensor.dtype != start->dtype ||
        !ag_onnx_constant_float(v, &bounds[k]) || !is_exact(bounds[k]))
      return false;
  }
  double count = ceil((bounds[1] - bounds[0]) / bounds[2]);
  if (bounds[2] == 0 || !(count <= AG_ONNX_MAX_FOLD)) return false;
  ag_tensor t = {.dtype = start->dtype, .rank = 1, .dims = {count > 0 ? (int64_t)count : 0}};
  if (!ag_fold_allocate(im, &t)) return false;
  for (int64_t i = 0; i < t.dims[0]; i++) {
    double x = bounds[0] + (double)i * bounds[2];
    if (ag_onnx_is_float((int)t.dtype))
      ag_onnx_put_float(&t, i, x);
    else
      ag_onnx_put_int(&t, i, (int64_t)x);
  }
  return ag_fold_finish(im, op, &t, 0);
}

const ag_fold *ag_fold_find_math(const char *type) {
  static const ag_fold table[] = {
      {"Add", 2, fold_arithmetic},
      {"Sub", 2, fold_arithmetic},
      {"Mul", 2, fold_arithmetic},
      {"Div", 2, fold_arithmetic},
      {"Mod", 2, fold_mod},
      {"Pow", 2, fold_arithmetic},
      {"Max", 1, fold_arithmetic},
      {"Min", 1, fold_arithmetic},
      {"Sum", 1, fold_arithmetic},
      {"Equal", 2, fold_comparison},
      {"Less", 2, fold_comparison},
      {"LessOrEqual", 2, fold_comparison},
      {"Greater", 2, fold_comparison},
      {"GreaterOrEqual", 2, fold_comparison},
      {"And", 2, fold_comparison},
      {"Or", 2, fold_comparison},
      {"Xor", 2, fold_comparison},
      {"Not", 1, fold_not},
      {"Where", 3, fold_where},
      {"Range", 3, fold_range},
  };
  static const ag_fold unary = {NULL, 1, fold_unary};
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    if (strcmp(type, table[i].type) == 0) return &table[i];
  for (size_t i = 0; i < sizeof unary_ops / sizeof *unary_ops; i++)
    if (strcmp(type, unary_ops[i].type) == 0) return &unary;
  return NULL;
}
