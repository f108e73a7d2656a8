/* Element-wise ops, joins, reductions, resizing of GraphDefs. Where all operands are constants the
 * node is computed in the source's order, and no layout plays a part. */
#include <math.h>
#include <string.h>

#include "engine/formats/graphdef.h"

/* --- one operand ------------------------------------------------------------------ */

ag_status ag_tf_unary(ag_tf_op *op, const ag_tf_value *x, const char *type, ag_tf_value *out) {
  *out = *x;
  ag_status status = ag_neutral_apply(op->n, type, op->name, &x->value, 1, &out->value);
  out->constant = !status && ag_neutral_is_constant(op->n, out->value);
  return status;
}

/* TensorFlow's name and ONNX's; the former may be the latter. */
static const char *const unary_names[][2] = {
    {"Relu", "Relu"},      {"Sigmoid", "Sigmoid"},   {"Tanh", "Tanh"},
    {"Elu", "Elu"},        {"Selu", "Selu"},         {"Softplus", "Softplus"},
    {"Exp", "Exp"},        {"Log", "Log"},           {"Sqrt", "Sqrt"},
    {"Neg", "Neg"},        {"Abs", "Abs"},           {"Sign", "Sign"},
    {"Floor", "Floor"},    {"Ceil", "Ceil"},         {"Round", "Round"},
    {"Erf", "Erf"},        {"Softsign", "Softsign"}, {"Reciprocal", "Reciprocal"},
    {"Inv", "Reciprocal"}, {"Sin", "Sin"},           {"Cos", "Cos"},
    {"Rint", "Round"},
};

static const char *onnx_name(const char *type) {
  for (size_t i = 0; i < sizeof unary_names / sizeof *unary_names; i++)
    if (strcmp(unary_names[i][0], type) == 0) return unary_names[i][1];
  return NULL;
}

static ag_status translate_unary(ag_tf_op *op) {
  ag_status status = ag_tf_need(op, 1);
  return status ? status : ag_tf_unary(op, &op->in[0], onnx_name(op->node->op), op->out);
}

static ag_status relu6(ag_tf_op *op, const ag_tf_value *x, ag_tf_value *out) {
  int operands[3] = {x->value, ag_neutral_float_value(op->n, 0), ag_neutral_float_value(op->n, 6)};
  *out = *x;
  return ag_neutral_apply(op->n, "Clip", op->name, operands, 3, &out->value);
}

/* ClipByValue(x, low, high). */
static ag_status translate_clip(ag_tf_op *op) {
  ag_tf_value x;
  ag_status status = ag_tf_need(op, 3);
  if (!status) status = ag_tf_activation(op, 0, &x);
  if (status) return status;
  int operands[3] = {x.value, op->in[1].value, op->in[2].value};
  for (int k = 1; k < 3; k++)
    if (!op->in[k].constant || ag_onnx_elements(ag_tf_tensor_of(op, &op->in[k])) != 1)
      return ag_neutral_fail(op->n, AG_UNSUPPORTED, "its bounds are not constant numbers");
  *op->out = x;
  return ag_neutral_apply(op->n, "Clip", op->name, operands, 3, &op->out->value);
}

static ag_status leaky_relu(ag_tf_op *op, const ag_tf_value *x, const char *alpha, float otherwise,
                            ag_tf_value *out) {
  ag_onnx_node *node = ag_neutral_begin(op->n, "LeakyRelu", op->name);
  ag_neutral_float(op->n, node, "alpha", ag_tf_attr_float(op->node, alpha, otherwise));
  *out = *x;
  return ag_neutral_end(op->n, node, &x->value, 1, &out->value);
}

bool ag_tf_is_activation(const char *type) {
  return onnx_name(type) || strcmp(type, "Relu6") == 0 || strcmp(type, "LeakyRelu") == 0;
}

ag_status ag_tf_activate(ag_tf_op *op, const char *type, const ag_tf_value *x, ag_tf_value *out) {
  if (strcmp(type, "Relu6") == 0) return relu6(op, x, out);
  if (strcmp(type, "LeakyRelu") == 0) return leaky_relu(op, x, "leakyrelu_alpha", 0.2f, out);
  return ag_tf_unary(op, x, onnx_name(type), out);
}

static ag_status translate_relu6(ag_tf_op *op) {
  ag_status status = ag_tf_need(op, 1);
  if (!status && op->in[0].constant)
    return ag_neutral_fail(op->n, AG_UNSUPPORTED, "its operand is constant");
  return status ? status : relu6(op, &op->in[0], op->out);
}

static ag_status translate_leaky_relu(ag_tf_op *op) {
  ag_status status = ag_tf_need(op, 1);
  if (!status && op->in[0].constant)
    return ag_neutral_fail(op->n, AG_UNSUPPORTED, "its operand is constant");
  return status ? status : leaky_relu(op, &op->in[0], "alpha", 0.2f, op->out);
}

static ag_status translate_rsqrt(ag_tf_op *op) {
  ag_tf_value root;
  ag_status status = ag_tf_need(op, 1);
  if (!status) status = ag_tf_unary(op, &op->in[0], "Sqrt", &root);
  return status ? status : ag_tf_unary(op, &root, "Reciprocal", op->out);
}

static ag_status translate_square(ag_tf_op *op) {
  ag_status status = ag_tf_need(op, 1);
  if (status) return status;
  int operands[2] = {op->in[0].value, op->in[0].value};
  *op->out = op->in[0];
  status = ag_neutral_apply(op->n, "Mul", op->name, operands, 2, &op->out->value);
  op->out->constant = !status && ag_neutral_is_constant(op->n, op->out->value);
  return status;
}

static ag_status translate_alias(ag_tf_op *op) {
  ag_status status = ag_tf_need(op, 1);
  if (status) return status;
  *op->out = op->in[0];
  ag_neutral_fate(op->n, AG_ONNX_FOLDED, "passes its operand on");
  return AG_OK;
}

static ag_status translate_cast(ag_tf_op *op) {
  ag_status status = ag_tf_need(op, 1);
  if (status) return status;
  const ag_tf_attribute *a = ag_tf_attr(op->node, "DstT");
  int to = a ? a->type : 1;
  bool real = to == 1 || to == 2 || to == 14 || to == 19;
  ag_onnx_node *node = ag_neutral_begin(op->n, "Cast", op->name);
  ag_neutral_int(op->n, node, "to", real ? AG_F32 : to == 10 ? AG_BOOL : AG_I64);
  *op->out = op->in[0];
  status = ag_neutral_end(op->n, node, &op->in[0].value, 1, &op->out->value);
  op->out->constant = !status && ag_neutral_is_constant(op->n, op->out->value);
  return status;
}

/* --- two operands ----------------------------------------------------------------- */

/* Constants without elements: the shape that comes out, and no elements either. */
static bool combine_shapes(ag_tf_op *op, const ag_tf_value *a, const ag_tf_value *b,
                           ag_tf_value *out) {
  ag_tensor x = *ag_tf_tensor_of(op, a), y = *ag_tf_tensor_of(op, b), t = {.dtype = x.dtype};
  if ((x.data && y.data) || !ag_onnx_broadcast(&x, &y, &t)) return false;
  *out = (ag_tf_value){.constant = true};
  out->value = ag_neutral_constant(op->n, op->name, &t, true);
  return true;
}

static ag_status both_constant(ag_tf_op *op, const char *type) {
  int operands[2] = {op->in[0].value, op->in[1].value};
  if (combine_shapes(op, &op->in[0], &op->in[1], op->out)) return AG_OK;
  *op->out = (ag_tf_value){.constant = true};
  ag_status status = ag_neutral_apply(op->n, type, op->name, operands, 2, &op->out->value);
  if (!status && !ag_neutral_is_constant(op->n, op->out->value))
    return ag_neutral_fail(op->n, AG_UNSUPPORTED, "constants of these types are not combined");
  return status;
}

static bool is_scalar(const ag_tf_op *op, const ag_tf_value *v) {
  return ag_onnx_elements(ag_tf_tensor_of(op, v)) == 1;
}

/* One number per channel, for x of two or four dimensions with channels second. */
static bool is_per_channel(const ag_tf_op *op, int constant, const ag_tf_value *x) {
  const ag_tensor *c = ag_neutral_tensor(op->n, constant), *t = ag_tf_tensor_of(op, x);
  return (t->rank == 2 || t->rank == 4) && c->rank == t->rank && c->dims[1] == t->dims[1] &&
         ag_onnx_elements(c) == t->dims[1] && c->dtype == AG_F32;
}

/* x * c per channel is a batch norm of scale c, mean 0, variance 1: so an unfused one, whose shift
 * follows as an addition, becomes whole again. */
static ag_status scale_channels(ag_tf_op *op, const ag_tf_value *x, int constant,
                                ag_tf_value *out) {
  ag_tensor scale = *ag_neutral_tensor(op->n, constant), plain;
  int64_t channels = ag_tf_tensor_of(op, x)->dims[1];
  scale.rank = 1;
  scale.dims[0] = channels;
  plain = scale;
  plain.bytes = (size_t)channels * sizeof(float);
  int operands[5] = {x->value, ag_neutral_constant(op->n, op->name, &scale, false)};
  for (int k = 2; k < 5; k++) {
    float *data = ag_neutral_alloc(op->n, plain.bytes);
    for (int64_t i = 0; i < channels; i++) data[i] = k == 4;
    plain.data = data;
    operands[k] = ag_neutral_constant(op->n, op->name, &plain, true);
  }
  ag_onnx_node *node = ag_neutral_begin(op->n, "BatchNormalization", op->name);
  ag_neutral_float(op->n, node, "epsilon", 0);
  *out = *x;
  return ag_neutral_end(op->n, node, operands, 5, &out->value);
}

static ag_status with_constant(ag_tf_op *op, const char *type, const ag_tf_value *x,
                               const ag_tf_value *constant, bool first, ag_tf_value *out) {
  int c;
  ag_tf_value y = *x;
  bool elsewhere =
      y.flat[0] &&
      ag_onnx_elements(ag_tf_tensor_of(op, constant)) != ag_tf_tensor_of(op, &y)->dims[1] &&
      !is_scalar(op, constant);
  ag_status status = elsewhere ? ag_tf_unflatten(op, &y) : AG_OK;
  if (!status) status = ag_tf_match(op, constant, &y, &c);
  if (status) return status;
  if (strcmp(type, "Mul") == 0 && is_per_channel(op, c, &y) && !is_scalar(op, constant))
    return scale_channels(op, &y, c, out);
  int operands[2] = {first ? c : y.value, first ? y.value : c};
  *out = y;
  return ag_neutral_apply(op->n, type, op->name, operands, 2, &out->value);
}

ag_status ag_tf_add_constant(ag_tf_op *op, const ag_tf_value *x, const ag_tf_value *constant,
                             ag_tf_value *out) {
  return with_constant(op, "Add", x, constant, false, out);
}

/* x - c and x / c as x + -c and x * (1 / c), where these can merge into a layer. */
static ag_status inverse(ag_tf_op *op, const char *type, const ag_tf_value *c, ag_tf_value *out) {
  const ag_tensor *t = ag_tf_tensor_of(op, c);
  if (!t->data) return *out = *c, AG_OK;
  return ag_tf_unary(op, c, type, out);
}

static ag_status one_constant(ag_tf_op *op, const char *type) {
  bool first = op->in[0].constant;
  const ag_tf_value *x = &op->in[first], *c = &op->in[!first];
  ag_tf_value negated;
  bool integer = ag_tf_tensor_of(op, c)->dtype != AG_F32;
  bool subtracts = strcmp(type, "Sub") == 0, divides = strcmp(type, "Div") == 0;
  if (!first && !integer && (subtracts || (divides && !is_scalar(op, c)))) {
    ag_status status = inverse(op, subtracts ? "Neg" : "Reciprocal", c, &negated);
    if (status) return status;
    return with_constant(op, subtracts ? "Add" : "Mul", x, &negated, false, op->out);
  }
  return with_constant(op, type, x, c, first, op->out);
}

static ag_status two_activations(ag_tf_op *op, const char *type) {
  ag_tf_value a = op->in[0], b = op->in[1];
  int operands[2];
  bool alike = a.flat[0] == b.flat[0] && a.flat[1] == b.flat[1] && a.flat[2] == b.flat[2];
  ag_status status = alike ? AG_OK : ag_tf_unflatten(op, &a);
  if (!status && !alike) status = ag_tf_unflatten(op, &b);
  if (status) return status;
  int rank_a = ag_tf_tensor_of(op, &a)->rank, rank_b = ag_tf_tensor_of(op, &b)->rank;
  if (rank_a != rank_b)
    return ag_neutral_fail(op->n, AG_UNSUPPORTED, "its operands have %d and %d dimensions", rank_a,
                           rank_b);
  operands[0] = a.value;
  status = ag_tf_arrange(op, &b, a.layout, &operands[1]);
  *op->out = a;
  return status ? status : ag_neutral_apply(op->n, type, op->name, operands, 2, &op->out->value);
}

static ag_status combine(ag_tf_op *op, const char *type) {
  ag_status status = ag_tf_need(op, 2);
  if (status) return status;
  if (op->in[0].constant && op->in[1].constant) return both_constant(op, type);
  if (op->in[0].constant || op->in[1].constant) return one_constant(op, type);
  return two_activations(op, type);
}

static ag_status translate_binary(ag_tf_op *op) {
  static const char *const names[][2] = {
      {"Add", "Add"},     {"AddV2", "Add"},   {"BiasAdd", "Add"}, {"Sub", "Sub"},
      {"Mul", "Mul"},     {"RealDiv", "Div"}, {"Div", "Div"},     {"FloorDiv", "Div"},
      {"Maximum", "Max"}, {"Minimum", "Min"}, {"Pow", "Pow"},
  };
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp(names[i][0], op->node->op) == 0) return combine(op, names[i][1]);
  return AG_INVALID; /* not reached: the table below leads here */
}

/* BiasAdd of channels-first images meets dimension 1. */
static ag_status translate_bias(ag_tf_op *op) {
  ag_status status = ag_tf_need(op, 2);
  if (status) return status;
  const ag_tensor *t = ag_tf_tensor_of(op, &op->in[1]);
  if (!ag_tf_channels_first(op) || !op->in[1].constant || t->rank != 1) return combine(op, "Add");
  ag_tf_value x, bias = op->in[1];
  status = ag_tf_image(op, 0, &x);
  if (status) return status;
  ag_tensor column = *t;
  column.rank = 3;
  column.dims[1] = column.dims[2] = 1;
  bias.value = ag_neutral_constant(op->n, op->name, &column, false);
  return ag_tf_add_constant(op, &x, &bias, op->out);
}

static ag_status translate_squared_difference(ag_tf_op *op) {
  ag_status status = combine(op, "Sub");
  if (status) return status;
  int operands[2] = {op->out->value, op->out->value};
  return ag_neutral_apply(op->n, "Mul", op->name, operands, 2, &op->out->value);
}

/* --- many operands ---------------------------------------------------------------- */

/* Operands first to last in one layout: the first activation's. Constants are permuted. */
static ag_status gather_operands(ag_tf_op *op, int first, int last, int *operands,
                                 ag_tf_value *like) {
  ag_status status = ag_tf_need(op, op->count);
  if (status) return status;
  like->value = -1;
  for (int k = first; k < last && like->value < 0; k++)
    if (!op->in[k].constant) status = ag_tf_activation(op, k, like);
  if (!status && like->value < 0)
    return ag_neutral_fail(op->n, AG_UNSUPPORTED, "all its operands are constants");
  for (int k = first; k < last && !status; k++) {
    ag_tf_value v = op->in[k];
    int rank = ag_tf_tensor_of(op, like)->rank;
    if (ag_tf_tensor_of(op, &v)->rank != rank)
      return ag_neutral_fail(op->n, AG_UNSUPPORTED, "operand %d has not %d dimensions", k, rank);
    if (v.constant) {
      status = ag_tf_match(op, &v, like, &operands[k - first]);
    } else {
      status = ag_tf_unflatten(op, &v);
      if (!status) status = ag_tf_arrange(op, &v, like->layout, &operands[k - first]);
    }
  }
  return status;
}

static ag_status translate_add_n(ag_tf_op *op) {
  ag_tf_value like;
  int *operands = ag_arena_alloc(&op->im->arena, (size_t)(op->count + 1) * sizeof *operands);
  ag_status status = gather_operands(op, 0, op->count, operands, &like);
  if (status) return status;
  *op->out = like;
  if (op->count == 1) return AG_OK;
  return ag_neutral_apply(op->n, "Sum", op->name, operands, op->count, &op->out->value);
}

static ag_status concat_constants(ag_tf_op *op, int first, int last, int64_t axis) {
  int *operands = ag_arena_alloc(&op->im->arena, (size_t)op->count * sizeof *operands);
  for (int k = first; k < last; k++) operands[k - first] = op->in[k].value;
  ag_onnx_node *node = ag_neutral_begin(op->n, "Concat", op->name);
  ag_neutral_int(op->n, node, "axis", axis);
  *op->out = (ag_tf_value){.constant = true};
  ag_status status = ag_neutral_end(op->n, node, operands, last - first, &op->out->value);
  if (!status && !ag_neutral_is_constant(op->n, op->out->value))
    return ag_neutral_fail(op->n, AG_UNSUPPORTED, "constants without values are not joined");
  return status;
}

/* ConcatV2 has its axis last, Concat first. */
static ag_status translate_concat(ag_tf_op *op) {
  bool late = strcmp(op->node->op, "ConcatV2") == 0, constant = true;
  int first = !late, last = op->count - late, count;
  int64_t axis[1];
  ag_tf_value like;
  ag_status status = ag_tf_need(op, op->count);
  if (!status && last - first < 1) return ag_neutral_fail(op->n, AG_FORMAT, "it joins nothing");
  if (!status) status = ag_tf_ints(op, late ? last : 0, axis, 1, &count);
  if (status) return status;
  if (count != 1) return ag_neutral_fail(op->n, AG_FORMAT, "its axis is missing");
  for (int k = first; k < last; k++) constant = constant && op->in[k].constant;
  if (constant) return concat_constants(op, first, last, axis[0]);
  int *operands = ag_arena_alloc(&op->im->arena, (size_t)op->count * sizeof *operands);
  status = gather_operands(op, first, last, operands, &like);
  if (status) return status;
  int where = ag_tf_axis(op, &like, axis[0]);
  if (where < 0) return ag_neutral_fail(op->n, AG_FORMAT, "its axis is out of range");
  ag_onnx_node *node = ag_neutral_begin(op->n, "Concat", op->name);
  ag_neutral_int(op->n, node, "axis", where);
  *op->out = like;
  return ag_neutral_end(op->n, node, operands, last - first, &op->out->value);
}

/* --- along an axis ---------------------------------------------------------------- */

static ag_status translate_softmax(ag_tf_op *op) {
  ag_status status = ag_tf_activation(op, 0, op->out);
  if (status) return status;
  bool logarithm = op->node->op[0] == 'L';
  ag_onnx_node *node = ag_neutral_begin(op->n, logarithm ? "LogSoftmax" : "Softmax", op->name);
  ag_neutral_int(op->n, node, "axis", ag_tf_axis(op, op->out, -1));
  int x = op->out->value;
  return ag_neutral_end(op->n, node, &x, 1, &op->out->value);
}

/* The layout without the dimensions at `gone`, counted in the source. */
static void drop_dimensions(ag_tf_value *v, int rank, const bool *gone) {
  int at = 0;
  for (int d = 0; d < rank; d++) {
    int source = v->layout[d], before = 0;
    if (gone[source]) continue;
    for (int k = 0; k < source; k++) before += gone[k];
    v->layout[at++] = (uint8_t)(source - before);
  }
  for (; at < AG_MAX_RANK; at++) v->layout[at] = (uint8_t)at;
}

static ag_status product_of_constants(ag_tf_op *op) {
  const ag_tensor *t = ag_tf_tensor_of(op, &op->in[0]);
  int64_t product = 1;
  if (t->dtype != AG_I64 || t->rank > 1 || !t->data || strcmp(op->node->op, "Prod") != 0)
    return ag_neutral_fail(op->n, AG_UNSUPPORTED, "its operand is constant");
  for (int64_t i = 0; i < ag_onnx_elements(t); i++)
    if (__builtin_mul_overflow(product, ag_onnx_get_int(t, i), &product))
      return ag_neutral_fail(op->n, AG_FORMAT, "its product is too large");
  ag_tensor scalar = {.dtype = AG_I64, .bytes = sizeof product};
  scalar.data = memcpy(ag_neutral_alloc(op->n, sizeof product), &product, sizeof product);
  *op->out = (ag_tf_value){.constant = true};
  op->out->value = ag_neutral_constant(op->n, op->name, &scalar, true);
  return AG_OK;
}

static ag_status translate_reduction(ag_tf_op *op) {
  static const char *const names[][2] = {{"Mean", "ReduceMean"},
                                         {"Sum", "ReduceSum"},
                                         {"Max", "ReduceMax"},
                                         {"Min", "ReduceMin"},
                                         {"Prod", "ReduceProd"}};
  int64_t axes[AG_MAX_RANK];
  bool gone[AG_MAX_RANK] = {false}, keep = ag_tf_attr_bool(op->node, "keep_dims", false);
  int count;
  const char *type = NULL;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp(names[i][0], op->node->op) == 0) type = names[i][1];
  ag_status status = ag_tf_need(op, 2);
  if (!status && op->in[0].constant) return product_of_constants(op);
  if (!status) status = ag_tf_ints(op, 1, axes, AG_MAX_RANK, &count);
  if (!status) status = ag_tf_activation(op, 0, op->out);
  if (status) return status;
  int rank = ag_tf_tensor_of(op, op->out)->rank, x = op->out->value;
  for (int i = 0; i < count; i++) {
    int axis = ag_tf_axis(op, op->out, axes[i]);
    if (axis < 0) return ag_neutral_fail(op->n, AG_FORMAT, "an axis is out of range");
    gone[op->out->layout[axis]] = true;
    axes[i] = axis;
  }
  ag_onnx_node *node = ag_neutral_begin(op->n, type, op->name);
  int operands[2] = {x, -1};
  if (strcmp(type, "ReduceSum") == 0)
    operands[1] = ag_neutral_ints_value(op->n, axes, count);
  else
    ag_neutral_ints(op->n, node, "axes", axes, count);
  ag_neutral_int(op->n, node, "keepdims", keep);
  if (!keep) drop_dimensions(op->out, rank, gone);
  return ag_neutral_end(op->n, node, operands, operands[1] < 0 ? 1 : 2, &op->out->value);
}

static ag_status translate_squeeze(ag_tf_op *op) {
  int64_t axes[AG_MAX_RANK];
  bool gone[AG_MAX_RANK] = {false};
  ag_tensor shape;
  ag_tf_value x;
  ag_status status = ag_tf_need(op, 1);
  if (status) return status;
  x = op->in[0];
  if (!x.constant) status = ag_tf_unflatten(op, &x);
  if (status) return status;
  ag_tf_source_shape(op, &x, &shape);
  int count = ag_tf_attr_ints(op->node, "squeeze_dims", axes, AG_MAX_RANK);
  for (int d = 0; d < shape.rank && count <= 0; d++) gone[d] = shape.dims[d] == 1 && d > 0;
  for (int i = 0; i < count; i++) {
    if (axes[i] < 0) axes[i] += shape.rank;
    if (axes[i] < 0 || axes[i] >= shape.rank || shape.dims[axes[i]] != 1)
      return ag_neutral_fail(op->n, AG_FORMAT, "squeezes a dimension that is not 1");
    gone[axes[i]] = true;
  }
  count = 0;
  for (int d = 0; d < shape.rank; d++) {
    if (x.constant && gone[d]) axes[count++] = d;
    if (!x.constant && gone[x.layout[d]]) axes[count++] = d;
  }
  int operands[2] = {x.value, ag_neutral_ints_value(op->n, axes, count)};
  *op->out = x;
  if (count == 0) return AG_OK;
  if (!x.constant) drop_dimensions(op->out, shape.rank, gone);
  status = ag_neutral_apply(op->n, "Squeeze", op->name, operands, 2, &op->out->value);
  op->out->constant = !status && ag_neutral_is_constant(op->n, op->out->value);
  return status;
}

static ag_status translate_lrn(ag_tf_op *op) {
  ag_tf_value x;
  ag_status status = ag_tf_image(op, 0, &x);
  if (status) return status;
  int64_t size = 2 * ag_tf_attr_int(op->node, "depth_radius", 5) + 1;
  ag_onnx_node *node = ag_neutral_begin(op->n, "LRN", op->name);
  ag_neutral_int(op->n, node, "size", size);
  ag_neutral_float(op->n, node, "alpha",
                   ag_tf_attr_float(op->node, "alpha", 1) * (float)(double)size);
  ag_neutral_float(op->n, node, "beta", ag_tf_attr_float(op->node, "beta", 0.5f));
  ag_neutral_float(op->n, node, "bias", ag_tf_attr_float(op->node, "bias", 1));
  *op->out = x;
  return ag_neutral_end(op->n, node, &x.value, 1, &op->out->value);
}

/* --- size ------------------------------------------------------------------------- */

/* Half-pixel centres, aligned corners, or the legacy grid of neither. */
static ag_status translate_resize(ag_tf_op *op) {
  bool nearest = strcmp(op->node->op, "ResizeNearestNeighbor") == 0;
  bool corners = ag_tf_attr_bool(op->node, "align_corners", false);
  bool half = ag_tf_attr_bool(op->node, "half_pixel_centers", false);
  ag_tf_value x;
  int64_t size[2];
  int count;
  ag_status status = ag_tf_image(op, 0, &x);
  if (!status) status = ag_tf_ints(op, 1, size, 2, &count);
  if (status) return status;
  if (count != 2) return ag_neutral_fail(op->n, AG_FORMAT, "its size is not two numbers");
  const ag_tensor *t = ag_tf_tensor_of(op, &x);
  int64_t sizes[4] = {t->dims[0], t->dims[1], size[0], size[1]};
  int operands[4] = {x.value, -1, -1, ag_neutral_ints_value(op->n, sizes, 4)};
  ag_onnx_node *node = ag_neutral_begin(op->n, "Resize", op->name);
  ag_neutral_text(op->n, node, "mode", nearest ? "nearest" : "linear");
  ag_neutral_text(op->n, node, "coordinate_transformation_mode",
                  corners ? "align_corners"
                  : half  ? "half_pixel"
                          : "asymmetric");
  if (nearest)
    ag_neutral_text(op->n, node, "nearest_mode", corners || half ? "round_prefer_ceil" : "floor");
  *op->out = x;
  return ag_neutral_end(op->n, node, operands, 4, &op->out->value);
}

static ag_status translate_depth_space(ag_tf_op *op) {
  ag_tf_value x;
  ag_status status = ag_tf_image(op, 0, &x);
  if (status) return status;
  ag_onnx_node *node = ag_neutral_begin(op->n, op->node->op, op->name);
  ag_neutral_int(op->n, node, "blocksize", ag_tf_attr_int(op->node, "block_size", 0));
  *op->out = x;
  return ag_neutral_end(op->n, node, &x.value, 1, &op->out->value);
}

ag_tf_translator ag_tf_find_math(const char *type) {
  static const struct {
    const char *type;
    ag_tf_translator translate;
  } table[] = {
      {"Identity", translate_alias},
      {"StopGradient", translate_alias},
      {"PreventGradient", translate_alias},
      {"CheckNumerics", translate_alias},
      {"Snapshot", translate_alias},
      {"PlaceholderWithDefault", translate_alias},
      {"Cast", translate_cast},
      {"Relu6", translate_relu6},
      {"LeakyRelu", translate_leaky_relu},
      {"ClipByValue", translate_clip},
      {"Rsqrt", translate_rsqrt},
      {"Square", translate_square},
      {"Add", translate_binary},
      {"AddV2", translate_binary},
      {"BiasAdd", translate_bias},
      {"Sub", translate_binary},
      {"Mul", translate_binary},
      {"RealDiv", translate_binary},
      {"Div", translate_binary},
      {"FloorDiv", translate_binary},
      {"Maximum", translate_binary},
      {"Minimum", translate_binary},
      {"Pow", translate_binary},
      {"SquaredDifference", translate_squared_difference},
      {"AddN", translate_add_n},
      {"ConcatV2", translate_concat},
      {"Concat", translate_concat},
      {"Softmax", translate_softmax},
      {"LogSoftmax", translate_softmax},
      {"Mean", translate_reduction},
      {"Sum", translate_reduction},
      {"Max", translate_reduction},
      {"Min", translate_reduction},
      {"Prod", translate_reduction},
      {"Squeeze", translate_squeeze},
      {"LRN", translate_lrn},
      {"ResizeBilinear", translate_resize},
      {"ResizeNearestNeighbor", translate_resize},
      {"DepthToSpace", translate_depth_space},
      {"SpaceToDepth", translate_depth_space},
  };
  if (onnx_name(type)) return translate_unary;
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    if (strcmp(table[i].type, type) == 0) return table[i].translate;
  return NULL;
}
